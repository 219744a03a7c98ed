import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Schedule } from "effect"
import { Backoff, Limit, Loop, Period } from "effect-wait"
import { TestClock } from "effect/testing"
import { play } from "./liveWorld.ts"
import { makeWork, observe, startsOf } from "./support.ts"

type Repeat = (schedule: Schedule.Schedule<unknown>) => (work: Effect.Effect<void>) => Effect.Effect<unknown>

const drivers: ReadonlyArray<{ readonly name: string; readonly repeat: Repeat }> = [
  { name: "Effect.repeat", repeat: (schedule) => (work) => Effect.repeat(work, schedule) },
  { name: "Loop.run", repeat: (schedule) => (work) => Loop.run(work, schedule) }
]

describe("Limit.attempts", () => {
  for (const { name, repeat } of drivers) {
    for (const n of [1, 2, 4]) {
      it.effect(`${n} is ${n} runs in all under ${name}`, () =>
        Effect.gen(function*() {
          const starts = yield* startsOf(repeat(Period.sliding("1 second").pipe(Limit.attempts(n))), "1 minute")
          assert.deepStrictEqual(starts, [0, 1000, 2000, 3000].slice(0, n))
        }))
    }
  }

  it.effect("bounds a retry in the same way, and the last error comes through", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const call = Effect.suspend(() => Effect.fail(`error ${starts.push(0)}`))
      const { exit } = yield* observe(
        Effect.retry(call, Backoff.exponential({ base: 100, cap: 1000 }).pipe(Limit.attempts(5))),
        "1 minute"
      )
      assert.deepStrictEqual(exit, Exit.fail("error 5"))
    }))

  it.effect("ends with the output of the last step", () =>
    Effect.gen(function*() {
      const { exit } = yield* observe(
        Effect.repeat(Effect.void, Backoff.exponential({ base: 100, cap: Infinity }).pipe(Limit.attempts(3))),
        "1 minute"
      )
      assert.deepStrictEqual(exit, Exit.succeed(Duration.millis(400)))
    }))

  it.effect("bounds a schedule that is not ours", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* startsOf(Effect.repeat(Schedule.spaced("1 second").pipe(Limit.attempts(3))), "1 minute"),
        [0, 1000, 2000]
      )
    }))
})

describe("Limit.delay", () => {
  it.effect("shortens delays, and changes neither the output nor the end", () =>
    Effect.gen(function*() {
      const work = makeWork(0)
      const { exit } = yield* observe(
        Effect.repeat(work.run, Backoff.fromDelays([100, 5000, 300]).pipe(Limit.delay("1 second"))),
        "1 minute"
      )
      assert.deepStrictEqual(work.starts, [0, 100, 1100, 1400])
      assert.deepStrictEqual(exit, Exit.succeed(Duration.millis(300)))
    }))
})

describe("Limit.within", () => {
  const cases = [
    { name: "never begins a sleep that ends past the limit", total: 5000, work: 0, starts: [0, 1000, 3000] },
    { name: "allows a sleep that ends on the limit", total: 7000, work: 0, starts: [0, 1000, 3000, 7000] },
    { name: "counts the first run", total: 5000, work: 900, starts: [0, 1900, 4800] },
    { name: "counts from the first start, not from its end", total: 1000, work: 100, starts: [0] }
  ]
  for (const { name: driver, repeat } of drivers) {
    for (const { name, starts, total, work } of cases) {
      it.effect(`${name}, under ${driver}`, () =>
        Effect.gen(function*() {
          const schedule = Backoff.exponential({ base: "1 second", cap: "1 hour" }).pipe(Limit.within(total))
          const seen = yield* startsOf(repeat(schedule), "1 hour", work)
          assert.deepStrictEqual(seen, starts)
        }))
    }

    it.effect(`"truncate" runs once more at the limit, under ${driver}`, () =>
      Effect.gen(function*() {
        const schedule = Backoff.exponential({ base: "1 second", cap: "1 hour" }).pipe(
          Limit.within(5000, { overshoot: "truncate" })
        )
        assert.deepStrictEqual(yield* startsOf(repeat(schedule), "1 hour"), [0, 1000, 3000, 5000])
      }))

    it.effect(`"truncate" runs no more once the limit has passed, under ${driver}`, () =>
      Effect.gen(function*() {
        const schedule = Period.sliding("1 second").pipe(Limit.within(2500, { overshoot: "truncate" }))
        assert.deepStrictEqual(yield* startsOf(repeat(schedule), "1 hour", 800), [0, 1800])
      }))

    it(`"truncate" ends with the run at the limit, though the timer woke early, under ${driver}`, async () => {
      const starts: Array<number> = []
      await play({ from: 0, early: 0.5 }, 1000, ({ now }) => {
        const schedule = Period.sliding(40).pipe(Limit.within(100, { overshoot: "truncate" }))
        const fiber = Effect.runFork(repeat(schedule)(Effect.sync(() => starts.push(now()))))
        return () => fiber.interruptUnsafe()
      })
      assert.deepStrictEqual(starts, [0, 39.5, 79, 99.5])
    })
  }

  it.effect("runs at its end, though time passes between two readings of the clock", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      let readings = 0
      const running: Clock.Clock = {
        ...clock,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe() + BigInt(readings++ * 1000)
      }
      const schedule = Period.nonSliding("100 millis").pipe(Limit.within("300 millis"))
      const starts = startsOf(
        (work) => Effect.provideService(Loop.run(work, schedule), Clock.Clock, running),
        "1 second"
      )
      assert.strictEqual((yield* starts).length, 4)
    }))

  it.effect("runs at its end, with a period of a fraction, whatever fraction the clock started at", () =>
    Effect.gen(function*() {
      const schedule = Period.nonSliding(33.3).pipe(Limit.within(333))
      const starts = Effect.suspend(() => startsOf((work) => Loop.run(work, schedule), "10 seconds"))
      for (let i = 1; i < 200; i++) {
        assert.strictEqual((yield* starts).length, 11)
        yield* TestClock.adjust(Duration.nanos(BigInt(i) * BigInt(7_919_123_457)))
      }
    }))
})
