import { DashboardApi } from "@effect-wait/dashboard"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Schema, Stream } from "effect"
import { Loop, Period } from "effect-wait"
import { TestClock } from "effect/testing"
import { makeService } from "./service.ts"

const decode = <A>(schema: Schema.Codec<A>) => (text: string): A =>
  Schema.decodeUnknownSync(Schema.fromJsonString(schema))(text)
const decodeLoops = decode(DashboardApi.Loops)
const decodeInfo = decode(DashboardApi.Info)
const decodeEvent = Schema.decodeUnknownSync(Schema.Union([DashboardApi.Loops, DashboardApi.Changes]))
const decodeChanges = Schema.decodeUnknownSync(DashboardApi.Changes)

const bearer = { authorization: "Bearer secret" }

/** A registry of its own, and no log. */
const alone = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.provideService(Loop.Registry, new Set()), Effect.provide(Logger.layer([])))

const fork = (
  name: string,
  work: Effect.Effect<unknown, unknown> = Effect.void,
  options: { readonly history?: number } = {}
) => Loop.forkScoped(work, Period.sliding("1 second"), { name, ...options })

describe("the API", () => {
  it.effect("lists the loops with their last runs", () =>
    alone(Effect.gen(function*() {
      yield* fork("sync", Effect.sleep("200 millis"), { history: 10 })
      yield* fork("away", Effect.fail(new TypeError("no\nroute")))
      const send = yield* makeService()
      yield* TestClock.adjust("1500 millis")

      const answer = yield* send("/loops/api")
      const { at, instance, loops: [sync, away] } = decodeLoops(answer.text)

      assert.strictEqual(answer.status, 200)
      assert.strictEqual(at, 1500)
      assert.isString(instance)
      assert.deepStrictEqual(sync, {
        id: sync!.id,
        name: "sync",
        healthy: true,
        state: "waiting",
        runs: 2,
        failures: 0,
        consecutiveFailures: 0,
        missed: 0,
        lastStart: 1200,
        lastEnd: 1400,
        lastSuccess: 1400,
        nextStart: 2400,
        lastFailure: null,
        history: [
          { attempt: 1, start: 0, end: 200, failure: null },
          { attempt: 2, start: 1200, end: 1400, failure: null }
        ]
      })
      assert.deepStrictEqual(
        [away!.state, away!.healthy, away!.lastFailure],
        ["ended", false, "TypeError: no"]
      )
      // Without the option `history` there is the last run.
      assert.deepStrictEqual(away!.history, [{ attempt: 1, start: 0, end: 0, failure: "TypeError: no" }])
    })))

  it.effect("has one loop by its id, and none of another id", () =>
    alone(Effect.gen(function*() {
      const { id } = yield* fork("sync")
      const send = yield* makeService()

      const found = yield* send(`/loops/api/${id}`)
      const missing = yield* send("/loops/api/none")

      assert.strictEqual(decodeInfo(found.text).name, "sync")
      assert.deepStrictEqual([found.status, missing.status], [200, 404])
    })))

  it.effect("cuts what is too long of a failure, and sends the last 32 runs", () =>
    alone(Effect.gen(function*() {
      yield* Loop.forkScoped(Loop.survive(Effect.fail("x".repeat(10_000))), Period.sliding("1 second"), {
        name: "sync",
        history: 100
      })
      const send = yield* makeService()
      yield* TestClock.adjust("1 minute")

      const { loops: [sync] } = decodeLoops((yield* send("/loops/api")).text)

      assert.strictEqual(sync!.lastFailure!.length, 401)
      assert.deepStrictEqual([sync!.history.length, sync!.history.at(-1)!.attempt], [32, 61])
    })))
})

describe("the stream of changes", () => {
  it.effect("sends all loops, then each change with the runs that ended since", () =>
    alone(Effect.gen(function*() {
      const loop = yield* fork("sync", Effect.sleep("100 millis"), { history: 10 })
      const send = yield* makeService()
      yield* TestClock.adjust("50 millis")
      const { events, headers } = yield* send("/loops/api/changes")
      const seen: Array<unknown> = []
      yield* Effect.forkScoped(Stream.runForEach(events, (event) => Effect.sync(() => seen.push(event))))
      yield* TestClock.adjust("1300 millis")
      yield* loop.pause
      yield* TestClock.adjust("500 millis")

      assert.strictEqual(headers["content-type"], "text/event-stream")
      const [first, ...later] = seen.map((event) => decodeEvent(event))
      assert.strictEqual(first!._tag === "Loops" ? first!.loops[0]!.state : "", "running")
      assert.deepStrictEqual(
        later.map((event) =>
          event._tag === "Changes"
            ? [event.at, event.changed.map(({ history, state }) => [state, history.map(({ attempt }) => attempt)])]
            : []
        ),
        [
          [300, [["waiting", [1]]]],
          [1300, [["waiting", [2]]]],
          [1550, [["paused", []]]]
        ]
      )
    })))

  it.effect("says after which run slots were missed, during an overrun and during a pause", () =>
    alone(Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.sleep("2500 millis"), Period.ticker("1 second"), {
        name: "sync",
        history: 10
      })
      const send = yield* makeService()
      const { events } = yield* send("/loops/api/changes")
      const seen: Array<unknown> = []
      yield* Effect.forkScoped(Stream.runForEach(events, (event) => Effect.sync(() => seen.push(event))))
      yield* TestClock.adjust("4 seconds")
      yield* loop.pause
      yield* TestClock.adjust("6 seconds")
      yield* loop.resume
      yield* TestClock.adjust("500 millis")
      const { loops: [sync] } = decodeLoops((yield* send("/loops/api")).text)

      // Runs at 0 and 2500. Slot 1 passes in the first run; 3 and 4 in the second; 5 to 9 in the pause.
      assert.deepStrictEqual(
        seen.slice(1).flatMap((event) =>
          decodeChanges(event).changed.flatMap(({ history }) =>
            history.map(({ attempt, missed }) => [decodeChanges(event).at, attempt, missed])
          )
        ),
        [[2500, 1, 1], [5000, 2, 2], [10_250, 2, 7]]
      )
      assert.deepStrictEqual(sync!.history.map(({ attempt, missed }) => [attempt, missed]), [[1, 1], [2, 7]])
      assert.strictEqual(sync!.missed, 8)
    })))

  it.effect("places no missed slot that passed while nobody looked, or in several runs between two looks", () =>
    alone(Effect.gen(function*() {
      yield* Loop.forkScoped(Effect.sleep("1500 millis"), Period.ticker("1 second", { missed: "skip" }), {
        name: "sync",
        history: 10
      })
      const send = yield* makeService()
      const sync = Effect.map(send("/loops/api"), ({ text }) => decodeLoops(text).loops[0]!)
      yield* TestClock.adjust("3 seconds")
      const first = yield* sync
      yield* TestClock.adjust("6 seconds")
      const later = yield* sync

      assert.deepStrictEqual([first.missed, later.missed], [1, 4])
      assert.deepStrictEqual([...first.history, ...later.history].map(({ missed }) => missed), Array(5).fill(undefined))
    })))

  it.effect("says that a loop is gone, and beats without a change", () =>
    alone(Effect.gen(function*() {
      const send = yield* makeService()
      const { events } = yield* send("/loops/api/changes")
      const seen: Array<unknown> = []
      yield* Effect.forkScoped(Stream.runForEach(events, (event) => Effect.sync(() => seen.push(event))))
      const id = yield* Effect.scoped(Effect.gen(function*() {
        const { id } = yield* Loop.forkScoped(Effect.void, Period.sliding("1 hour"), { name: "short" })
        yield* TestClock.adjust("1 second")
        return id
      }))
      yield* TestClock.adjust("11 seconds")

      const changes = seen.slice(1).map((event) => decodeChanges(event))
      assert.deepStrictEqual(
        changes.map(({ at, changed, removed }) => [at, changed.map(({ name }) => name), removed]),
        [[250, ["short"], []], [1250, [], [id]], [6250, [], []], [11250, [], []]]
      )
    })))

  it.effect("looks at the loops once for all pages, and not without a page", () =>
    alone(Effect.gen(function*() {
      let looks = 0
      const source = Effect.succeed({
        instance: null,
        interval: 250,
        canStop: true,
        list: Effect.sync(() => {
          looks++
          return []
        }),
        control: () => Effect.succeed(false)
      })
      const send = yield* makeService({ source })
      yield* TestClock.adjust("10 seconds")
      const before = looks
      yield* Effect.scoped(Effect.gen(function*() {
        for (let i = 0; i < 5; i++) {
          const { events } = yield* send("/loops/api/changes")
          yield* Effect.forkScoped(Stream.runDrain(events))
        }
        yield* TestClock.adjust("1 second")
      }))
      const during = looks
      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual([before, during, looks], [0, 5, 5])
    })))

  it.effect("sends all loops again to a page that is too far behind", () =>
    alone(Effect.gen(function*() {
      let version = 0
      const list = Effect.sync(() => [{ ...blank, runs: ++version }])
      const send = yield* makeService({
        source: Effect.succeed({
          instance: null,
          interval: 250,
          canStop: true,
          list,
          control: () => Effect.succeed(false)
        })
      })
      const { events } = yield* send("/loops/api/changes")
      const tags: Array<unknown> = []
      yield* Effect.forkScoped(Stream.runForEach(events, (event) =>
        Effect.suspend(() => {
          tags.push(Schema.decodeUnknownSync(Schema.Struct({ _tag: Schema.String }))(event)._tag)
          // The page stands still for 10 seconds after its second event.
          return tags.length === 2 ? Effect.sleep("10 seconds") : Effect.void
        })))
      yield* TestClock.adjust("12 seconds")

      assert.deepStrictEqual(tags.slice(0, 2), ["Loops", "Changes"])
      assert.include(tags.slice(2), "Loops")
      assert.strictEqual(tags.at(-1), "Changes")
    })))

  it.effect("says when the source does not answer, and when it does again", () =>
    alone(Effect.gen(function*() {
      let isAway = false
      const list = Effect.suspend(() =>
        isAway ? Effect.fail(new DashboardApi.LoopsUnavailable({ message: "no database" })) : Effect.succeed([blank])
      )
      const send = yield* makeService({
        source: Effect.succeed({
          instance: null,
          interval: 250,
          canStop: true,
          list,
          control: () => Effect.succeed(false)
        })
      })
      const { events } = yield* send("/loops/api/changes")
      const seen: Array<unknown> = []
      yield* Effect.forkScoped(Stream.runForEach(events, (event) => Effect.sync(() => seen.push(event))))
      yield* TestClock.adjust("1 second")
      isAway = true
      yield* TestClock.adjust("1 second")
      const { status, text } = yield* send("/loops/api")
      const late = yield* send("/loops/api/changes")
      const ofLatePage = yield* Stream.runCollect(Stream.take(late.events, 2))
      isAway = false
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual([status, text], [503, `{"_tag":"LoopsUnavailable","message":"no database"}`])
      // A page that is opened meanwhile is told as well.
      assert.deepStrictEqual(ofLatePage, [
        { _tag: "Loops", at: 2000, instance: null, loops: [blank] },
        { _tag: "Changes", at: 2000, changed: [], removed: [], unavailable: "no database" }
      ])
      assert.deepStrictEqual(seen.slice(1), [
        { _tag: "Changes", at: 1250, changed: [], removed: [], unavailable: "no database" },
        { _tag: "Changes", at: 2250, changed: [], removed: [] }
      ])
    })))
})

const blank: DashboardApi.Info = {
  id: "1",
  name: "blank",
  healthy: true,
  state: "waiting",
  runs: 0,
  failures: 0,
  consecutiveFailures: 0,
  missed: 0,
  lastStart: null,
  lastEnd: null,
  lastSuccess: null,
  nextStart: null,
  lastFailure: null,
  history: []
}

describe("actions", () => {
  const names = ["trigger", "pause", "resume", "stop"] as const

  it.effect.each(names)("%s does not exist without an authorization", (name) =>
    alone(Effect.gen(function*() {
      const { id } = yield* fork("sync")
      const send = yield* makeService()

      const { status } = yield* send(`/loops/api/${id}/${name}`, { method: "POST", headers: bearer })

      assert.strictEqual(status, 404)
    })))

  it.effect.each(names)("%s is refused without a token, and with another one", (name) =>
    alone(Effect.gen(function*() {
      const loop = yield* fork("sync")
      const send = yield* makeService({ actions: true })
      yield* TestClock.adjust(0)
      const before = yield* loop.status

      const none = yield* send(`/loops/api/${loop.id}/${name}`, { method: "POST" })
      const wrong = yield* send(`/loops/api/${loop.id}/${name}`, {
        method: "POST",
        headers: { authorization: "Bearer guess" }
      })
      yield* TestClock.adjust(10)

      assert.deepStrictEqual([none.status, wrong.status], [401, 401])
      assert.deepStrictEqual(yield* loop.status, before)
    })))

  const origins: ReadonlyArray<readonly [string, Record<string, string>, number]> = [
    ["the page itself", { "sec-fetch-site": "same-origin", origin: "http://service.test" }, 200],
    ["the page itself, behind a proxy with another host", {
      "sec-fetch-site": "same-origin",
      origin: "https://a.example"
    }, 200],
    ["a page of another origin", { "sec-fetch-site": "cross-site", origin: "https://evil.example" }, 403],
    ["a page of the same site", { "sec-fetch-site": "same-site", origin: "http://other.service.test" }, 403],
    ["a form in an address bar", { "sec-fetch-site": "none" }, 403],
    ["another origin, in a browser without Sec-Fetch-Site", { origin: "https://evil.example" }, 403],
    ["an opaque origin", { origin: "null" }, 403],
    [
      "the same origin, in a browser without Sec-Fetch-Site",
      { origin: "http://service.test", host: "service.test" },
      200
    ],
    ["another port", { origin: "http://service.test:81", host: "service.test" }, 403],
    ["a client that is no browser", {}, 200]
  ]

  it.effect.each(origins)("from %s", ([, headers, expected]) =>
    alone(Effect.gen(function*() {
      const loop = yield* fork("sync")
      const send = yield* makeService({ actions: true })
      yield* TestClock.adjust(0)

      const { status } = yield* send(`/loops/api/${loop.id}/pause`, {
        method: "POST",
        headers: { ...bearer, ...headers }
      })

      assert.deepStrictEqual([status, (yield* loop.status).state], [expected, expected === 200 ? "paused" : "waiting"])
    })))

  it.effect("run now, pause, resume and stop do what they say", () =>
    alone(Effect.gen(function*() {
      const starts: Array<number> = []
      const loop = yield* Loop.forkScoped(
        Effect.andThen(
          Effect.clockWith((clock) => Effect.sync(() => starts.push(clock.currentTimeMillisUnsafe()))),
          Effect.sleep(100)
        ),
        Period.sliding("1 minute"),
        { name: "sync" }
      )
      const send = yield* makeService({ actions: true })
      const post = (action: string) =>
        Effect.map(
          send(`/loops/api/${loop.id}/${action}`, { method: "POST", headers: bearer }),
          ({ text }) => decodeInfo(text).state
        )
      yield* TestClock.adjust(5000)
      yield* post("trigger")
      yield* TestClock.adjust(5000)
      const paused = yield* post("pause")
      yield* TestClock.adjust("2 minutes")
      yield* post("resume")
      yield* TestClock.adjust(50)
      // It answers before the run in flight has finished.
      const stopping = yield* post("stop")
      yield* TestClock.adjust("2 minutes")

      assert.deepStrictEqual(starts, [0, 5000, 130_000])
      assert.deepStrictEqual([paused, stopping], ["paused", "running"])
      assert.strictEqual((yield* loop.status).state, "ended")
    })))

  it.effect("are refused for the loops of another process", () =>
    alone(Effect.gen(function*() {
      const loop = yield* fork("sync")
      const send = yield* makeService({ actions: true })
      yield* TestClock.adjust(0)
      const { instance } = decodeLoops((yield* send("/loops/api")).text)
      const post = (query: string) =>
        Effect.map(
          send(`/loops/api/${loop.id}/pause${query}`, { method: "POST", headers: bearer }),
          ({ status }) => status
        )

      assert.strictEqual(yield* post("?instance=other"), 409)
      assert.strictEqual((yield* loop.status).state, "waiting")
      assert.strictEqual(yield* post(`?instance=${instance}`), 200)
      assert.strictEqual((yield* loop.status).state, "paused")
    })))

  it.effect("find ids with any characters", () =>
    alone(Effect.gen(function*() {
      const ids = ["a/b", "50% of \u65e5\u672c?#&", " ", "a+b"]
      const controlled: Array<string> = []
      const source = Effect.succeed({
        instance: null,
        interval: 250,
        canStop: true,
        list: Effect.succeed(ids.map((id) => ({ ...blank, id }))),
        control: (id: string) =>
          Effect.sync(() => {
            controlled.push(id)
            return true
          })
      })
      const send = yield* makeService({ actions: true, source })
      for (const id of ids) {
        const path = `/loops/api/${encodeURIComponent(id)}`
        const { text } = yield* send(path)
        assert.strictEqual(decodeInfo(text).id, id)
        yield* send(`${path}/pause`, { method: "POST", headers: bearer })
      }
      assert.deepStrictEqual(controlled, ids)
    })))

  it.effect("a loop that does not exist is not found", () =>
    alone(Effect.gen(function*() {
      const send = yield* makeService({ actions: true })
      const { status } = yield* send("/loops/api/none/pause", { method: "POST", headers: bearer })
      assert.strictEqual(status, 404)
    })))
})
