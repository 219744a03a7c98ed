/** Keys of durable polls: used again, forgotten, purged, listed and counted. */
import { DurablePoll, PollStore } from "@effect-wait/cluster"
import { assert, describe, it } from "@effect/vitest"
import { Cause, DateTime, Duration, Effect, Exit, Layer, Metric, Option, Schema } from "effect"
import { TestRunner } from "effect/cluster"
import { TestClock } from "effect/testing"
import { makeRunners } from "./durable.ts"

const rollout = DurablePoll.make({
  name: "rollout",
  payload: { deployment: Schema.String, replicas: Schema.Int },
  key: (payload) => payload.deployment,
  success: Schema.Int,
  policy: { duration: "1 second", factor: 2, jitter: 0, steps: 6, cap: "4 seconds" },
  limits: { attempts: 4 }
})

/** A runner whose checks hold at once, but for what is said of a deployment. */
const serving = Effect.fnUntraced(function*(
  check: (deployment: string, attempt: number) => Effect.Effect<Option.Option<number>, string>
) {
  const seen: Array<string> = []
  const runners = yield* makeRunners
  const runner = yield* runners.start(rollout.toLayer(({ deployment, replicas }, { attempt }) => {
    seen.push(`${deployment} ${replicas} ${attempt}`)
    return check(deployment, attempt)
  }))
  return { ...runner, runners, seen }
})

const messageOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "success"

describe("start with again", () => {
  it.effect("begins a new run after the end, with its own payload, attempts, limits and result", () =>
    Effect.gen(function*() {
      const { ask, seen } = yield* serving((_, attempt) =>
        Effect.succeed(attempt === 2 ? Option.some(1) : Option.none())
      )
      yield* ask(rollout.start({ deployment: "api", replicas: 3 }, { again: true }))
      yield* TestClock.adjust("1 minute")
      yield* ask(rollout.start({ deployment: "api", replicas: 4 }))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(seen, ["api 3 1", "api 3 2"])
      yield* ask(rollout.start({ deployment: "api", replicas: 5 }, { again: true }))
      const status = yield* ask(rollout.status("api"))
      assert.deepInclude(status, { state: "checking", run: 2, attempt: 1, elapsed: Duration.zero })
      assert.strictEqual(DateTime.toEpochMillis(status.startedAt), 120_001)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(seen, ["api 3 1", "api 3 2", "api 5 1", "api 5 2"])
      assert.strictEqual(yield* ask(rollout.await("api")), 1)
    }))

  it.effect("changes nothing while the last run has not ended", () =>
    Effect.gen(function*() {
      const { ask, seen } = yield* serving(() => Effect.succeedNone)
      yield* ask(rollout.start({ deployment: "api", replicas: 3 }))
      yield* TestClock.adjust("2 seconds")
      yield* ask(rollout.start({ deployment: "api", replicas: 4 }, { again: true }))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(seen, ["api 3 1", "api 3 2", "api 3 3", "api 3 4"])
    }))

  it.effect("works after a cancel, and who waits for the run before gets its end", () =>
    Effect.gen(function*() {
      const { ask } = yield* serving((_, attempt) => Effect.succeed(attempt === 3 ? Option.some(3) : Option.none()))
      yield* ask(rollout.start({ deployment: "api", replicas: 3 }))
      const first = yield* Effect.forkChild(ask(Effect.flip(rollout.await("api"))), { startImmediately: true })
      yield* TestClock.adjust(1)
      yield* ask(rollout.cancel("api"))
      yield* ask(rollout.start({ deployment: "api", replicas: 3 }, { again: true }))
      yield* TestClock.adjust("1 minute")
      const exit = first.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit) && exit.value._tag === "WaitTimeout")
      assert.strictEqual(yield* ask(rollout.await("api")), 3)
    }))

  it.effect("is true or false, and a key has 1 to 255 characters", () =>
    Effect.gen(function*() {
      const { ask } = yield* serving(() => Effect.succeedNone)
      const start = (deployment: string, options?: { readonly again?: boolean }) =>
        Effect.map(Effect.exit(ask(rollout.start({ deployment, replicas: 1 }, options))), messageOf)
      for (const key of ["", "k".repeat(256), "a\0b"]) {
        assert.include(
          yield* start(key),
          "DurablePoll \"rollout\": key must be a string of 1 to 255 characters without NUL"
        )
      }
      // @ts-expect-error
      assert.include(yield* start("api", { again: "yes" }), "DurablePoll \"rollout\": again must be true or false")
    }))
})

describe("forget", () => {
  it.effect("frees the key, and says whether there was one", () =>
    Effect.gen(function*() {
      const { ask, runners, seen } = yield* serving(() => Effect.succeedSome(1))
      yield* ask(rollout.start({ deployment: "api", replicas: 3 }))
      yield* TestClock.adjust(1)
      yield* ask(rollout.start({ deployment: "api", replicas: 4 }, { again: true }))
      yield* TestClock.adjust(1)
      assert.isTrue(yield* ask(rollout.forget("api")))
      assert.isFalse(yield* ask(rollout.forget("api")))
      assert.strictEqual(yield* runners.rows(), 0)
      assert.strictEqual((yield* Effect.flip(ask(rollout.status("api"))))._tag, "DurablePollNotStarted")
      yield* ask(rollout.start({ deployment: "api", replicas: 5 }))
      assert.strictEqual((yield* ask(rollout.status("api"))).run, 1)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(seen, ["api 3 1", "api 4 1", "api 5 1"])
    }))

  it.effect("ends a poll in flight: its check is interrupted, and who waits for it hears that it is gone", () =>
    Effect.gen(function*() {
      let interrupted = 0
      const { ask, runners, seen } = yield* serving(() =>
        Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
      )
      yield* ask(rollout.start({ deployment: "api", replicas: 3 }))
      yield* TestClock.adjust(1)
      const here = yield* Effect.forkChild(Effect.flip(ask(rollout.await("api"))), { startImmediately: true })
      const other = yield* runners.start(Layer.empty, { config: { runnerAddress: Option.none() } })
      const there = yield* Effect.forkChild(Effect.flip(other.ask(rollout.await("api"))), { startImmediately: true })
      yield* ask(rollout.forget("api"))
      yield* TestClock.adjust(1)
      assert.strictEqual(interrupted, 1)
      const tagOf = (exit: Exit.Exit<{ readonly _tag: string }, unknown> | undefined) =>
        exit !== undefined && Exit.isSuccess(exit) ? exit.value._tag : "waits"
      assert.strictEqual(tagOf(here.pollUnsafe()), "DurablePollNotStarted")
      assert.strictEqual(tagOf(there.pollUnsafe()), "waits")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(tagOf(there.pollUnsafe()), "DurablePollNotStarted")
      assert.deepStrictEqual(seen, ["api 3 1"])
    }))
})

describe("purge", () => {
  it.effect("removes what ended long enough ago, by the clock of the store", () =>
    Effect.gen(function*() {
      const { ask, runners } = yield* serving((deployment) =>
        Effect.succeed(deployment === "api" ? Option.none() : Option.some(1))
      )
      for (const deployment of ["old", "api"]) yield* ask(rollout.start({ deployment, replicas: 1 }))
      yield* TestClock.adjust("1 hour")
      yield* ask(rollout.start({ deployment: "new", replicas: 1 }))
      yield* TestClock.adjust("1 minute")
      const ahead = yield* runners.start(Layer.empty, {
        config: { runnerAddress: Option.none() },
        clockIsOffBy: 86_400_000
      })
      assert.strictEqual(yield* ahead.ask(PollStore.purge({ olderThan: "61 minutes" })), 1)
      assert.deepStrictEqual((yield* ask(rollout.list())).map(({ key }) => key), ["api", "new"])
      assert.strictEqual(yield* ask(PollStore.purge({ olderThan: 0, limit: 1 })), 1)
      assert.strictEqual(yield* ask(PollStore.purge({ olderThan: 0 })), 1)
      assert.strictEqual(yield* runners.rows(), 0)
    }))

  it.effect.each(
    [
      [{ olderThan: -1 }, "olderThan"],
      [{ olderThan: Infinity }, "olderThan"],
      [{ olderThan: "1 hour", limit: 0 }, "limit"],
      [{ olderThan: "1 hour", limit: 0.5 }, "limit"]
    ] as const
  )("refuses %j", ([options, argument]) =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Effect.provide(PollStore.purge(options), PollStore.layerMemory))
      assert.include(messageOf(exit), `PollStore.purge: ${argument} must be`)
    }))
})

describe("list", () => {
  it.effect("tells the state of each key, filtered and in pages", () =>
    Effect.gen(function*() {
      const { ask } = yield* serving((deployment, attempt) =>
        deployment === "api"
          ? Effect.fail(`no ${attempt}`)
          : deployment === "hangs"
          ? Effect.never
          : Effect.succeedSome(attempt)
      )
      for (const deployment of ["web-1", "api", "web-2", "hangs"]) {
        yield* ask(rollout.start({ deployment, replicas: 1 }))
      }
      yield* TestClock.adjust("2 seconds")
      yield* ask(rollout.cancel("web-1"))
      const list = (filter?: DurablePoll.Filter) =>
        Effect.map(
          ask(rollout.list(filter)),
          (polls) => polls.map(({ attempt, key, state }) => `${key} ${state} ${attempt}`)
        )
      assert.deepStrictEqual(yield* list(), ["api waiting 3", "hangs checking 1", "web-1 held 1", "web-2 held 1"])
      assert.deepStrictEqual(yield* list({ states: ["held"] }), ["web-1 held 1", "web-2 held 1"])
      assert.deepStrictEqual(yield* list({ states: ["checking", "waiting"] }), ["api waiting 3", "hangs checking 1"])
      assert.deepStrictEqual(yield* list({ prefix: "web" }), ["web-1 held 1", "web-2 held 1"])
      assert.deepStrictEqual(yield* list({ limit: 2 }), ["api waiting 3", "hangs checking 1"])
      assert.deepStrictEqual(yield* list({ limit: 2, after: "hangs" }), ["web-1 held 1", "web-2 held 1"])
      const [first] = yield* ask(rollout.list())
      const status = yield* ask(rollout.status("api"))
      assert.deepStrictEqual(first, { key: "api", ...status })
      assert.deepStrictEqual(status.lastError, Option.some("no 2"))
      const exit = yield* Effect.exit(ask(rollout.list({ limit: 0 })))
      assert.include(messageOf(exit), "DurablePoll \"rollout\": limit must be a whole number of 1 or more")
    }))
})

describe("the metrics of a kind", () => {
  it.effect("count the looks by outcome, the ends by reason, and what waits", () =>
    Effect.gen(function*() {
      const { ask } = yield* serving((deployment, attempt) =>
        deployment === "fails" || (deployment === "held" && attempt === 1)
          ? Effect.fail("no")
          : Effect.succeed(deployment === "held" && attempt === 3 ? Option.some(1) : Option.none())
      )
      for (const deployment of ["held", "fails", "waits"]) yield* ask(rollout.start({ deployment, replicas: 1 }))
      yield* TestClock.adjust("4 seconds")
      yield* ask(rollout.cancel("waits"))
      yield* TestClock.adjust("6 seconds")
      yield* ask(rollout.start({ deployment: "later", replicas: 1 }))
      yield* TestClock.adjust("5 seconds")
      const metrics = Effect.map(Metric.snapshot, (all) =>
        Object.fromEntries(all.flatMap(({ attributes = {}, id, state }) => {
          const { name, ...labels } = attributes
          const prefix = "effect_wait_durable_poll_"
          if (!id.startsWith(prefix) || name !== "rollout") {
            return []
          }
          const value = "count" in state ? state.count : "value" in state ? state.value : NaN
          return [[[id.slice(prefix.length), ...Object.values(labels)].join(" "), Number(value)]]
        })))
      assert.deepStrictEqual(yield* metrics, {
        "looks_total failed": 5,
        "looks_total not_yet": 7,
        "looks_total held": 1,
        "ended_total held": 1,
        "ended_total exhausted": 1,
        "ended_total stopped": 1,
        waiting: 1,
        overdue: 0
      })
      yield* TestClock.adjust("1 minute")
      const later = yield* metrics
      assert.deepStrictEqual([later["waiting"], later["ended_total exhausted"]], [0, 2])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))
})

describe("one process", () => {
  it.effect("needs a runner and a store, both in memory", () =>
    Effect.gen(function*() {
      yield* Layer.build(rollout.toLayer(({ replicas }) => Effect.succeedSome(replicas)))
      yield* TestClock.adjust(1)
      yield* rollout.start({ deployment: "api", replicas: 3 })
      assert.strictEqual(yield* rollout.await("api"), 3)
    }).pipe(Effect.provide([TestRunner.layer, PollStore.layerMemory])))
})
