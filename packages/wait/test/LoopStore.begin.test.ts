/** A store that is asked before each run: for a lock, a fence or a pause that is set elsewhere. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, type Cron, Effect, Exit, Logger, type Schedule } from "effect"
import { Limit, Loop, Period } from "effect-wait"
import * as LoopStore from "effect-wait/LoopStore"
import { TestClock } from "effect/testing"

const minute = 60_000
const quiet = Effect.provide(Logger.layer([]))
const hourly = Period.cron("0 * * * *", { timeZone: "UTC" })

type Failing = Schedule.Schedule<unknown, unknown, Cron.CronParseError>

const failure = (reason: LoopStore.LoopStoreError["reason"]) =>
  new LoopStore.LoopStoreError({ name: "job", key: "job", reason, message: reason })

/** A loop on a store that answers as it is told. Times are in minutes. */
const makeService = Effect.sync(() => {
  const memories = new Map<string, LoopStore.Memory>()
  const begun: Array<ReadonlyArray<number | boolean | null>> = []
  const changes: Array<string> = []
  const starts: Array<number> = []
  const answer: {
    begin: Effect.Effect<boolean, LoopStore.LoopStoreError>
    save: Effect.Effect<void, LoopStore.LoopStoreError>
  } = { begin: Effect.succeed(true), save: Effect.void }
  const store = LoopStore.make({
    load: (name) => Effect.sync(() => memories.get(name)),
    save: (name, memory, change) =>
      Effect.tap(
        answer.save,
        Effect.sync(() => {
          changes.push(change)
          memories.set(name, memory)
        })
      ),
    begin: (_name, { isTriggered, slot, start }) =>
      Effect.suspend(() => {
        begun.push([start / minute, slot === null ? null : slot / minute, ...(isTriggered ? [true] : [])])
        return answer.begin
      })
  })
  const run = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now / minute))
  const start = (
    schedule: Failing,
    { catchUp = {}, immediate }: { readonly catchUp?: Loop.CatchUp; readonly immediate?: true } = {},
    work: Effect.Effect<unknown, string> = Effect.void
  ) =>
    Loop.forkScoped(Effect.andThen(run, work), schedule, {
      backoff: Period.sliding("10 minutes"),
      name: "job",
      immediate,
      catchUp
    }).pipe(Effect.provideService(LoopStore.LoopStore, store))
  return { answer, begun, changes, start, starts }
})

describe("a store is told of each run", () => {
  it.effect.each([
    { name: "a calendar", schedule: hourly, expected: [[60, 60], [120, 120]] },
    { name: "a ticker", schedule: Period.ticker("1 hour"), expected: [[0, 0], [60, 60], [120, 120]] },
    { name: "a period", schedule: Period.nonSliding("1 hour"), expected: [[0, null], [60, null], [120, null]] },
    {
      name: "an upper limit on slots",
      schedule: Limit.delay(hourly, "40 minutes"),
      expected: [[40, null], [60, 60], [100, null], [120, 120]]
    }
  ])("and of its slot: $name", ({ expected, schedule }) =>
    Effect.gen(function*() {
      const { begun, start } = yield* makeService
      yield* start(schedule)
      yield* TestClock.adjust("130 minutes")
      assert.deepStrictEqual(begun, expected)
    }))

  it.effect("the first run of an immediate calendar serves no slot", () =>
    Effect.gen(function*() {
      const { begun, start } = yield* makeService
      yield* start(hourly, { immediate: true })
      yield* TestClock.adjust("70 minutes")
      assert.deepStrictEqual(begun, [[0, null], [60, 60]])
    }))

  it.effect("a triggered run serves no slot, and leaves the next one to come", () =>
    Effect.gen(function*() {
      const { begun, start } = yield* makeService
      const loop = yield* start(hourly)
      yield* TestClock.adjust("30 minutes")
      yield* loop.trigger
      yield* TestClock.adjust("40 minutes")
      assert.deepStrictEqual(begun, [[30, null, true], [60, 60]])
    }))

  it.effect("a retry serves the slot of the run that failed", () =>
    Effect.gen(function*() {
      const { begun, changes, start } = yield* makeService
      let runs = 0
      const work = Effect.suspend(() => ++runs < 3 ? Effect.fail("no") : Effect.void)
      yield* quiet(start(hourly, {}, work))
      yield* TestClock.adjust("130 minutes")
      assert.deepStrictEqual(begun, [[60, 60], [70, 60], [80, 60], [120, 120]])
      assert.deepStrictEqual(changes, ["start", "run", "run", "run", "run"])
    }))

  it.effect("all that passed have a run with their own slot", () =>
    Effect.gen(function*() {
      for (const [schedule, first] of [[hourly, []], [Period.ticker("1 hour"), [[0, 0]]]] as const) {
        const { begun, start } = yield* makeService
        const catchUp = { missed: "all" } as const
        yield* Effect.gen(function*() {
          yield* Effect.scoped(Effect.andThen(start(schedule, { catchUp }), TestClock.adjust("70 minutes")))
          yield* TestClock.adjust("120 minutes")
          yield* Effect.scoped(Effect.andThen(start(schedule, { catchUp }), TestClock.adjust("55 minutes")))
        }).pipe(Effect.provide(TestClock.layer()))
        assert.deepStrictEqual<unknown>(begun, [...first, [60, 60], [190, 120], [190, 180], [240, 240]])
      }
    }))
})

describe("a store", () => {
  it.effect("is not asked while the loop is paused", () =>
    Effect.gen(function*() {
      const { begun, start } = yield* makeService
      const loop = yield* start(Period.sliding("1 hour"))
      yield* TestClock.adjust("30 minutes")
      yield* loop.pause
      yield* TestClock.adjust("2 hours")
      assert.deepStrictEqual(begun, [[0, null]])
    }))

  it.effect("that answers after more than a period moves the runs", () =>
    Effect.gen(function*() {
      const { answer, start, starts } = yield* makeService
      answer.begin = Effect.delay(Effect.succeed(true), "3 seconds")
      yield* start(Period.nonSliding("2 seconds"), {}, Effect.sleep("1 second"))
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(starts.map((start) => start * 60), [3, 8, 13])
    }))

  it.effect("that takes long to save starts no run after a limit in time", () =>
    Effect.gen(function*() {
      const { answer, start, starts } = yield* makeService
      answer.save = Effect.sleep("3 seconds")
      const loop = yield* start(Period.sliding("1 second").pipe(Limit.within("5 seconds")))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts.map((start) => start * 60), [3])
      assert.deepStrictEqual(yield* loop.await, Exit.succeed(0))
    }))
})

describe("a store refuses a run", () => {
  it.effect("of a loop that was paused elsewhere: it pauses until it is resumed, and its slots are missed, except one that a trigger serves", () =>
    Effect.gen(function*() {
      const { answer, begun, changes, start, starts } = yield* makeService
      const loop = yield* start(hourly)
      yield* TestClock.adjust("70 minutes")
      answer.begin = Effect.succeed(false)
      yield* TestClock.adjust("180 minutes")
      assert.strictEqual((yield* loop.status).state, "paused")
      assert.deepStrictEqual(begun, [[60, 60], [120, 120]])
      yield* loop.trigger
      yield* TestClock.adjust(1)
      answer.begin = Effect.succeed(true)
      yield* loop.resume
      yield* TestClock.adjust("60 minutes")
      assert.deepStrictEqual(begun, [[60, 60], [120, 120], [250, 120, true], [300, 300]])
      assert.deepStrictEqual(starts, [60, 250, 300])
      assert.deepStrictEqual(changes, ["start", "run", "run", "resume", "run"])
      assert.strictEqual((yield* loop.status).missed, 2)
    }))

  it.effect("of a loop that another process has taken over: it ends, without that run", () =>
    Effect.gen(function*() {
      const { answer, begun, start, starts } = yield* makeService
      const loop = yield* quiet(start(Period.sliding("1 hour")))
      yield* TestClock.adjust("70 minutes")
      answer.begin = Effect.fail(failure("stale"))
      yield* TestClock.adjust("180 minutes")
      assert.deepStrictEqual(yield* Effect.flip(Effect.flatten(loop.await)), failure("stale"))
      assert.deepStrictEqual(starts, [0, 60])
      assert.deepStrictEqual(begun, [[0, null], [60, null], [120, null]])
    }))

  it.effect("of a loop that was taken over during a run: it ends after it, also where the run failed", () =>
    Effect.gen(function*() {
      for (const work of [Effect.void, Effect.fail("no")]) {
        const { answer, start, starts } = yield* makeService
        const loop = yield* quiet(start(Period.sliding("1 hour"), {}, Effect.andThen(Effect.sleep("1 minute"), work)))
        yield* TestClock.adjust(1)
        answer.save = Effect.fail(failure("stale"))
        yield* TestClock.adjust("180 minutes")
        assert.deepStrictEqual(yield* Effect.flip(Effect.flatten(loop.await)), failure("stale"))
        assert.strictEqual(starts.length, 1)
      }
    }))

  it.effect("and while it is away no run starts", () =>
    Effect.gen(function*() {
      const { answer, start, starts } = yield* makeService
      const loop = yield* quiet(start(Period.sliding("1 hour")))
      yield* TestClock.adjust("30 minutes")
      answer.begin = Effect.fail(failure("unavailable"))
      yield* TestClock.adjust("60 minutes")
      assert.strictEqual((yield* loop.status).runs, 1)
      answer.begin = Effect.succeed(true)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(starts.length, 2)
      assert.isTrue(starts[1]! > 90 && starts[1]! <= 91, String(starts))
      answer.begin = Effect.fail(failure("unavailable"))
      yield* TestClock.adjust("70 minutes")
      yield* loop.stop
      assert.isTrue(Exit.isSuccess(yield* loop.await))
      assert.strictEqual(starts.length, 2)
    }))
})
