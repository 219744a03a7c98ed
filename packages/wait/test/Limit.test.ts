import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Schedule } from "effect"
import { Backoff, Limit, Loop, Period } from "effect-wait"
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
  }
})
