import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Layer, Logger } from "effect"
import { Loop } from "effect-wait"
import { TestClock } from "effect/testing"
import { Cache, layer, Source, Unavailable } from "../../src/recipes/cache.ts"
import { withDraw } from "./support.ts"

/** A source that fails between these times, in seconds. */
const source = (from: number, to: number) => {
  const loads: Array<number> = []
  const load = Effect.gen(function*() {
    const now = (yield* Clock.currentTimeMillis) / 1000
    const n = loads.push(now)
    if (now >= from && now < to) return yield* new Unavailable({ message: "503" })
    return new Map([["EUR", n]])
  })
  return { loads, provided: Layer.provide(layer, Layer.succeed(Source, { load })) }
}

const eur = Effect.map(Effect.flatMap(Cache, ({ get }) => get), (rates) => rates.get("EUR"))

// With a draw of 0.5 the period is 330 s, and a backoff half of its delay.
const test = <A>(body: Effect.Effect<A, unknown, Cache>, provided: Layer.Layer<Cache, unknown>) =>
  body.pipe(Effect.provide(provided), Effect.provide(Logger.layer([])), withDraw(0.5))

describe("a cache", () => {
  it.effect("has a value before the service starts, and a new one each period", () => {
    const { loads, provided } = source(0, 0)
    return test(
      Effect.gen(function*() {
        assert.deepStrictEqual([loads, yield* eur], [[0], 1])
        yield* TestClock.adjust("11 minutes")
        assert.deepStrictEqual([loads, yield* eur], [[0, 330, 660], 3])
      }),
      provided
    )
  })

  it.effect("keeps the last value in an outage, and says after 15 minutes that it is old", () => {
    const { loads, provided } = source(300, 2500)
    return test(
      Effect.gen(function*() {
        const isHealthy = Effect.map(Loop.health, ({ healthy }) => healthy)
        yield* TestClock.adjust("345 seconds")
        assert.deepStrictEqual([loads, yield* eur], [[0, 330, 330.5, 331.5, 333.5, 337.5], 1])
        assert.isTrue(yield* isHealthy)
        yield* TestClock.adjust("30 minutes")
        assert.deepStrictEqual([yield* eur, yield* isHealthy], [1, false])
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual([yield* eur, yield* isHealthy], [loads.length, true])
      }),
      provided
    )
  })

  it.effect("is refreshed at once after a change that is known", () => {
    const { loads, provided } = source(0, 0)
    return test(
      Effect.gen(function*() {
        yield* TestClock.adjust("1 minute")
        yield* Effect.flatMap(Cache, ({ refresh }) => refresh)
        yield* TestClock.adjust(0)
        assert.deepStrictEqual([loads, yield* eur], [[0, 60], 2])
      }),
      provided
    )
  })

  it.effect("does not start without a first value", () => {
    const { loads, provided } = source(0, 1000)
    return Effect.gen(function*() {
      const [exit] = yield* Effect.all([
        Effect.exit(test(Effect.void, provided)),
        TestClock.adjust("1 minute")
      ], { concurrency: 2 })
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(loads, [0, 0.5, 1.5, 3.5, 7.5, 15.5])
    })
  })
})
