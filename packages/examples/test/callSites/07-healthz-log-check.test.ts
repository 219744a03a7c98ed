import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Layer, Logger, Scope } from "effect"
import { HttpEffect, HttpRouter } from "effect/http"
import { TestClock } from "effect/testing"
import { layer, Log } from "../../src/callSites/07-healthz-log-check.ts"

const ok = "200 ok"

const blocked = "500 internal server error: logging blocked"

/** Serves the check of a log whose flushes take these times, then none. With when they began, and what is answered at a time. */
const serve = Effect.fnUntraced(function*(flushes: ReadonlyArray<Effect.Effect<void>> = []) {
  const starts: Array<number> = []
  const flush = Effect.gen(function*() {
    const n = starts.push(yield* Clock.currentTimeMillis)
    yield* flushes[n - 1] ?? Effect.void
  })
  const routes = Layer.provide(layer({ period: "1 minute" }), Layer.succeed(Log, { flush }))
  const app = yield* HttpRouter.toHttpEffect(routes)
  const context = yield* Effect.context<never>()
  const handler = HttpEffect.toWebHandler(app)
  const get = Effect.gen(function*() {
    const response = yield* Effect.promise(() => handler(new Request("http://localhost/healthz/log"), context))
    return `${response.status} ${yield* Effect.promise(() => response.text())}`
  })
  const answers = Effect.fnUntraced(function*(...times: ReadonlyArray<number>) {
    const seen: Array<readonly [time: number, answer: string]> = []
    for (const time of times) {
      yield* TestClock.setTime(time)
      seen.push([time, yield* get])
    }
    return seen
  })
  return { answers, get, starts }
})

describe("the check of the log", () => {
  it.effect("is started by the first of them, once, and flushes each minute", () =>
    Effect.gen(function*() {
      const { get, starts } = yield* serve()
      yield* TestClock.setTime(90_000)
      assert.deepStrictEqual(starts, [])
      assert.deepStrictEqual(yield* Effect.all([get, get, get], { concurrency: "unbounded" }), [ok, ok, ok])
      yield* TestClock.setTime(215_000)
      assert.strictEqual(yield* get, ok)
      assert.deepStrictEqual(starts, [90_000, 150_000, 210_000])
    }))

  it.effect("counts the minute from the end of a flush, as Go's", () =>
    Effect.gen(function*() {
      const { answers, starts } = yield* serve([Effect.sleep("30 seconds"), Effect.sleep("45 seconds")])
      yield* answers(0, 250_000)
      assert.deepStrictEqual(starts, [0, 90_000, 195_000])
    }))

  it.effect("says blocked when there was no flush for more than two minutes, until one gets through", () =>
    Effect.gen(function*() {
      const { answers, starts } = yield* serve([Effect.void, Effect.sleep("10 minutes")])
      // At 120000 Go says so already.
      assert.deepStrictEqual(yield* answers(0, 119_999, 120_000, 120_001, 659_999, 660_000, 719_999), [
        [0, ok],
        [119_999, ok],
        [120_000, ok],
        [120_001, blocked],
        [659_999, blocked],
        [660_000, ok],
        [719_999, ok]
      ])
      assert.deepStrictEqual(starts, [0, 60_000])
    }))

  it.effect("counts from the first check where no flush ever gets through", () =>
    Effect.gen(function*() {
      const { answers, starts } = yield* serve([Effect.never])
      assert.deepStrictEqual(yield* answers(10_000, 130_000, 130_001, 3_600_000), [
        [10_000, ok],
        [130_000, ok],
        [130_001, blocked],
        [3_600_000, blocked]
      ])
      assert.deepStrictEqual(starts, [10_000])
    }))

  it.effect("is blocked for the rest of a flush that takes longer than a minute", () =>
    Effect.gen(function*() {
      const { answers } = yield* serve([Effect.sleep("61 seconds"), Effect.sleep("61 seconds")])
      assert.deepStrictEqual(yield* answers(0, 61_000, 181_000, 181_001, 181_999, 182_000), [
        [0, ok],
        [61_000, ok],
        [181_000, ok],
        [181_001, blocked],
        [181_999, blocked],
        [182_000, ok]
      ])
    }))

  it.effect("outlives a flush that panics, which does not count", () =>
    Effect.gen(function*() {
      const { answers, starts } = yield* serve([Effect.void, Effect.die("boom"), Effect.die("boom")])
      assert.deepStrictEqual(yield* answers(0, 60_000, 120_000, 120_001, 180_000), [
        [0, ok],
        [60_000, ok],
        [120_000, ok],
        [120_001, blocked],
        [180_000, ok]
      ])
      assert.deepStrictEqual(starts, [0, 60_000, 120_000, 180_000])
    }).pipe(Effect.provide(Logger.layer([]))))

  it.effect("ends its flushes with the service", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { get, starts } = yield* Scope.provide(serve(), scope)
      yield* get
      yield* TestClock.setTime(60_000)
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.setTime(600_000)
      assert.deepStrictEqual(starts, [0, 60_000])
    }))
})
