import { assert, describe, it } from "@effect/vitest"
import { Effect, Random, Schedule } from "effect"
import { Backoff, Jitter, Limit, Period } from "effect-wait"
import { delaysOf, withDraws } from "./support.ts"

const second = Period.sliding("1 second")

// AWS, Exponential Backoff And Jitter: full is U(0, v), equal is v/2 + U(0, v/2)
const jitters = [
  { name: "additive(0.2)", jitter: Jitter.additive(0.2), min: 1000, max: 1200 },
  { name: "additive(1)", jitter: Jitter.additive(1), min: 1000, max: 2000 },
  { name: "full", jitter: Jitter.full, min: 0, max: 1000 },
  { name: "equal", jitter: Jitter.equal, min: 500, max: 1000 },
  { name: "between(0.8, 1.2)", jitter: Jitter.between(0.8, 1.2), min: 800, max: 1200 },
  { name: "between(2, 2)", jitter: Jitter.between(2, 2), min: 2000, max: 2000 }
]

describe("Jitter", () => {
  for (const { jitter, max, min, name } of jitters) {
    it.effect(`${name} spreads evenly from ${min} to ${max}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(
          (yield* withDraws(0, 0.25, 0.5, 1 - 2 ** -53)(delaysOf(jitter(second), 4))).map((delay) => delay.toFixed(9)),
          [min, min + (max - min) / 4, (min + max) / 2, max].map((delay) => delay.toFixed(9))
        )
      }))

    it.effect(`${name} stays in its range, and its mean is the middle`, () =>
      Effect.gen(function*() {
        const delays = yield* delaysOf(jitter(second), 20_000).pipe(Random.withSeed("jitter"))
        assert.isTrue(delays.every((delay) => delay >= min && delay <= max))
        const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length
        const error = (max - min) / Math.sqrt(12 * delays.length)
        assert.isAtMost(Math.abs(mean - (min + max) / 2), 4 * error + 1e-9)
      }))
  }

  it("additive(0) is the identity", () => {
    assert.strictEqual(Jitter.additive(0)(second), second)
  })

  it.effect("after Limit.delay it is still random at the cap; before it, it never exceeds the cap", () =>
    Effect.gen(function*() {
      const growing = Backoff.exponential({ base: 400, cap: Infinity })
      const after = growing.pipe(Limit.delay(1000), Jitter.additive(0.5))
      const before = growing.pipe(Jitter.additive(0.5), Limit.delay(1000))
      assert.deepStrictEqual(yield* withDraws(0.2, 0.6)(delaysOf(after, 4)), [440, 1040, 1100, 1300])
      assert.deepStrictEqual(yield* withDraws(0.2, 0.6)(delaysOf(before, 4)), [440, 1000, 1000, 1000])
    }))

  it.effect("spreads schedules that are not ours", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* withDraws(0.5)(delaysOf(Jitter.full(Schedule.exponential("100 millis")), 4)),
        [50, 100, 200, 400]
      )
    }))

  it.effect("a delay that overflows is Infinity, never NaN", () =>
    Effect.gen(function*() {
      const schedule = Jitter.additive(10)(Backoff.fromDelays([1e308, 1e308]))
      assert.deepStrictEqual(yield* withDraws(0, 0.9)(delaysOf(schedule, 2)), [1e308, Infinity])
    }))

  it.effect("leaves a delay of Infinity alone, whatever is drawn", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* withDraws(0)(delaysOf(Jitter.full(Period.sliding(Infinity)), 1)), [Infinity])
    }))
})
