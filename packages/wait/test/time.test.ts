/** Long, odd and wrong times. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber } from "effect"
import { Backoff, Jitter, Limit, Loop, Period } from "effect-wait"
import { TestClock } from "effect/testing"
import { vi } from "vitest"
import { makeWork, observe, startsOf } from "./support.ts"

const hour = 3_600_000

/** Runs an effect beside a wall clock that is set to `by` ms off at `at`; the timers do not notice. */
const withStep = (at: number, by: number) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const wall = () => clock.currentTimeMillisUnsafe() + (clock.currentTimeMillisUnsafe() < at ? 0 : by)
    const stepped: Clock.Clock = { ...clock, currentTimeMillisUnsafe: wall, currentTimeMillis: Effect.sync(wall) }
    return yield* Effect.provideService(effect, Clock.Clock, stepped)
  })

const schedules = {
  nonSliding: Period.nonSliding("1 second"),
  ticker: Period.ticker("1 second"),
  within: Period.sliding("1 second").pipe(Limit.within("5 seconds"))
}

describe("a wall clock that is stepped", () => {
  for (const by of [hour, -hour]) {
    for (const at of [2200, 2700]) {
      const when = `${by > 0 ? "forward" : "back"} an hour during a ${at === 2200 ? "run" : "sleep"}`
      for (const [name, schedule] of Object.entries(schedules)) {
        it.effect(`${when} does not move ${name} under Loop.run`, () =>
          Effect.gen(function*() {
            const clock = yield* Clock.Clock
            const starts: Array<number> = []
            const work = Effect.andThen(
              Effect.sync(() => starts.push(clock.currentTimeMillisUnsafe())),
              Effect.sleep(400)
            )
            yield* withStep(at, by)(observe(Loop.run(work, schedule), "5 seconds"))
            assert.deepStrictEqual(
              starts,
              name === "within" ? [0, 1400, 2800, 4200] : [0, 1000, 2000, 3000, 4000, 5000]
            )
          }))
      }
    }
  }

  // Effect's own drivers tell a schedule no other time than the wall clock's. A step forward costs one period at most; a step back
  // shows beside the clock that cannot be stepped.
  const underRepeat: ReadonlyArray<
    readonly [name: keyof typeof schedules, at: number, by: number, starts: ReadonlyArray<number>]
  > = [
    ["nonSliding", 2200, -hour, [0, 1000, 2000, 3000, 4000, 5000]],
    ["nonSliding", 2700, -hour, [0, 1000, 2000, 3000, 4000, 5000]],
    ["nonSliding", 2200, hour, [0, 1000, 2000, 2400, 3400, 4400]],
    ["nonSliding", 2700, hour, [0, 1000, 2000, 3000, 3400, 4400]],
    ["ticker", 2200, -hour, [0, 1000, 2000, 3000, 4000, 5000]],
    ["ticker", 2700, -hour, [0, 1000, 2000, 3000, 4000, 5000]],
    ["ticker", 2200, hour, [0, 1000, 2000, 2400, 3000, 4000, 5000]],
    ["ticker", 2700, hour, [0, 1000, 2000, 3000, 3400, 4000, 5000]],
    ["within", 2200, -hour, [0, 1400, 2800, 4200]],
    ["within", 2200, hour, [0, 1400, 2800]]
  ]
  for (const [name, at, by, starts] of underRepeat) {
    it.effect(`by ${by} ms at ${at} ms, ${name} under Effect.repeat`, () =>
      Effect.gen(function*() {
        const clock = yield* Clock.Clock
        const seen: Array<number> = []
        const work = Effect.andThen(Effect.sync(() => seen.push(clock.currentTimeMillisUnsafe())), Effect.sleep(400))
        yield* withStep(at, by)(observe(Effect.repeat(work, schedules[name]), "5 seconds"))
        assert.deepStrictEqual(seen, [...starts])
      }))
  }
})

describe("timers that wake late", () => {
  // The n-th sleep takes so much longer.
  const late = (delays: Record<number, number>) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.updateService(effect, Clock.Clock, (clock) => {
      let sleeps = 0
      return {
        ...clock,
        sleep: (duration) => clock.sleep(Duration.sum(duration, Duration.millis(delays[++sleeps] ?? 0)))
      }
    })

  const cases = [
    { name: "a little: the next run is on time", delays: { 2: 3 }, starts: [0, 100, 203, 300, 400] },
    {
      name: "by more than a period: no run is made up for, as in Go",
      delays: { 2: 150 },
      starts: [0, 100, 350, 450, 550]
    }
  ]
  for (const { delays, name, starts } of cases) {
    for (
      const [whose, schedule] of [
        ["nonSliding", Period.nonSliding(100)],
        ["fromStart", Period.fromStart(Period.sliding(100))]
      ] as const
    ) {
      it.effect(`${whose}, ${name}`, () =>
        Effect.gen(function*() {
          const work = makeWork(0)
          yield* observe(late(delays)(Loop.run(work.run, schedule)), starts[starts.length - 1]!)
          assert.deepStrictEqual(work.starts, starts)
        }))
    }
  }
})

describe("long and odd times", () => {
  it.effect("delays past 2^31 ms", () =>
    Effect.gen(function*() {
      const day = 24 * hour
      assert.deepStrictEqual(
        yield* startsOf(Loop.run(Period.nonSliding("30 days")), "95 days", "1 day"),
        [0, 30 * day, 60 * day, 90 * day]
      )
    }))

  it("delays past 2^31 ms, on the live clock", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] })
    try {
      const begun = Date.now()
      const days: Array<number> = []
      const work = Effect.sync(() => {
        days.push((Date.now() - begun) / (24 * hour))
      })
      const fiber = Effect.runFork(Loop.run(work, Period.sliding("30 days")))
      await vi.advanceTimersByTimeAsync(91 * 24 * hour)
      await Effect.runPromise(Fiber.interrupt(fiber))
      assert.deepStrictEqual(days, [0, 30, 60, 90])
      assert.strictEqual(vi.getTimerCount(), 0)
    } finally {
      vi.useRealTimers()
    }
  })

  it.effect("fractions of a millisecond", () =>
    Effect.gen(function*() {
      for (const schedule of [Period.sliding(0.25), Period.nonSliding("250 micros"), Period.ticker("250 micros")]) {
        const work = makeWork(0)
        yield* observe(Loop.run(work.run, schedule), "1 milli")
        assert.deepStrictEqual(work.starts.map((start) => start - work.starts[0]!), [0, 0.25, 0.5, 0.75, 1])
      }
    }))

  it.effect("any date to begin with", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 50; i++) {
        yield* TestClock.setTime(Date.UTC(2026, 0, 1) + i * 86_413_337)
        const begun = yield* Clock.currentTimeMillis
        const nonSliding = yield* startsOf(Loop.run(Period.nonSliding(1000)), 3000, 413)
        assert.deepStrictEqual(nonSliding.map((start) => start - begun), [0, 1000, 2000, 3000])
        const limited = yield* startsOf(Loop.run(Period.sliding(333).pipe(Limit.within(999))), 3000)
        assert.deepStrictEqual(limited.map((start) => start - begun - 3000), [0, 333, 666, 999])
      }
    }))

  const ties: Record<string, readonly [(work: Effect.Effect<void>) => Effect.Effect<unknown>, ReadonlyArray<number>]> =
    {
      "a run that ends at the next slot": [Loop.run(Period.ticker(100, { missed: "skip" })), [0, 100, 200, 300]],
      "a run that was healthy for just so long": [
        Loop.run(Backoff.exponential({ base: 20, cap: Infinity }).pipe(Backoff.resetAfter(100))),
        [0, 120, 260]
      ],
      "a pause that ends when the run is due": [
        (work) =>
          Effect.scoped(Effect.gen(function*() {
            const loop = yield* Loop.forkScoped(work, Period.ticker(200).pipe(Jitter.between(0.75, 0.75)))
            yield* Effect.sleep(110)
            yield* loop.pause
            yield* Effect.sleep(40)
            yield* loop.resume
            yield* loop.await
          })),
        [0, 200]
      ]
    }
  for (const [name, [repeat, expected]] of Object.entries(ties)) {
    it.effect(`a tie, whenever the clock has started: ${name}`, () =>
      Effect.gen(function*() {
        yield* Loop.run(Effect.void, Period.nonSliding(1).pipe(Limit.within(0)))
        // A number loses a binary digit of its fraction where it passes a power of two.
        for (let digits = 10; digits < 34; digits++) {
          const passing = BigInt(2 ** digits) * BigInt(1_000_000)
          const clock = yield* Clock.monotonicTimeNanos
          yield* TestClock.adjust(Duration.nanos(passing - clock - BigInt(140_123_457)))
          const begun = yield* Clock.currentTimeMillis
          const starts = yield* startsOf(repeat, 349, 100)
          assert.deepStrictEqual(starts.map((start) => Math.round(start - begun)), expected)
        }
      }))
  }

  it.effect("a simulated century of days is still exact", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(100 * 365 * 24 * hour)
      const begun = yield* Clock.currentTimeMillis
      const work = makeWork("1 hour")
      yield* observe(Loop.run(work.run, Period.nonSliding("1 day")), "3 days")
      assert.deepStrictEqual(work.starts.map((start) => (start - begun) / hour), [0, 24, 48, 72])
    }))
})
