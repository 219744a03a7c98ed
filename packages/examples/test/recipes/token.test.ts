import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Logger, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { AccessToken, Issuer, layer, Refused } from "../../src/recipes/token.ts"
import { withDraw } from "./support.ts"

/** An issuer whose tokens are valid for an hour. It refuses the requests with these numbers, from 1. */
const issuer = (refuses: ReadonlyArray<number> = []) => {
  const requests: Array<number> = []
  const grant = Effect.gen(function*() {
    const n = requests.push((yield* Clock.currentTimeMillis) / 1000)
    if (refuses.includes(n)) return yield* new Refused({ message: "503" })
    yield* Effect.sleep("1 second")
    return { value: Redacted.make(`token ${n}`), expiresIn: Duration.hours(1) }
  })
  const token = Effect.map(Effect.flatMap(AccessToken, ({ get }) => get), ({ value }) => Redacted.value(value))
  const provided = Layer.provide(layer, Layer.succeed(Issuer, { grant }))
  return { requests, token, provided }
}

// The delay is 0.7 to 0.8 of the life of the token: with a draw of 0.5, 45 minutes of an hour.
const test = <A>(body: Effect.Effect<A, unknown, AccessToken>, provided: Layer.Layer<AccessToken>) =>
  body.pipe(Effect.provide(provided), Effect.provide(Logger.layer([])), withDraw(0.5))

describe("an access token", () => {
  it.effect("is renewed before it expires, and reads never wait for it", () => {
    const { provided, requests, token } = issuer()
    return test(
      Effect.gen(function*() {
        yield* TestClock.adjust("2 hours")
        assert.deepStrictEqual(requests, [0, 2701, 5402])
        assert.strictEqual(yield* token, "token 3")
      }),
      provided
    )
  })

  it.effect("is waited for only at the start", () => {
    const { provided, token } = issuer()
    return test(
      Effect.gen(function*() {
        const [first] = yield* Effect.all([token, TestClock.adjust("1 second")], { concurrency: 2 })
        assert.strictEqual(first, "token 1")
      }),
      provided
    )
  })

  it.effect("stays the old one while the issuer is away, with a growing pause between requests", () => {
    const { provided, requests, token } = issuer([2, 3, 4])
    return test(
      Effect.gen(function*() {
        yield* TestClock.adjust("2702 seconds")
        assert.strictEqual(yield* token, "token 1")
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(requests, [0, 2701, 2701.5, 2702.5, 2704.5])
        assert.strictEqual(yield* token, "token 5")
      }),
      provided
    )
  })

  it.effect("is replaced at once when it was revoked", () => {
    const { provided, requests, token } = issuer()
    return test(
      Effect.gen(function*() {
        yield* TestClock.adjust("10 minutes")
        const renew = Effect.flatMap(AccessToken, ({ renew }) => renew)
        yield* Effect.all([renew, TestClock.adjust("1 second")], { concurrency: 2 })
        assert.deepStrictEqual([requests, yield* token], [[0, 600], "token 2"])
        yield* TestClock.adjust("45 minutes")
        assert.deepStrictEqual(requests, [0, 600, 3301])
      }),
      provided
    )
  })
})
