/** What `pnpm outage` claims, with fewer clients: retries keep a server down, budgets let it come back. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Figures, measure, type Name, policies, simulate, small } from "../../../scripts/outage/model.ts"

const figuresOf = (name: Name, failure: "hangs" | "refuses"): Effect.Effect<Figures> => {
  const settings = { ...small, failure }
  return Effect.map(simulate(policies[name], settings), (seconds) => measure(seconds, settings))
}

// Its load before the outage is 50 requests a second, and it can do 60.
describe("a server that hangs for a while", () => {
  it.effect.each<{ readonly name: Name; readonly load: number }>([
    { name: "fixed delay", load: 140 },
    { name: "exponential", load: 140 },
    { name: "full jitter", load: 140 },
    // A fifth, and ten retries a second, for a server that has a fifth to spare.
    { name: "ratio, Finagle's", load: 65 }
  ])("stays down with $name", ({ load, name }) =>
    Effect.gen(function*() {
      const { after, goodput, recovery } = yield* figuresOf(name, "hangs")
      assert.strictEqual(recovery, undefined)
      assert.strictEqual(goodput, 0)
      assert.isAbove(after.mean, load)
    }))

  it.effect.each<{ readonly name: Name; readonly within: number }>([
    { name: "no retry", within: 30 },
    { name: "throttling, gRPC's", within: 30 },
    { name: "quota, AWS'", within: 30 },
    { name: "ratio, 10 %", within: 45 }
  ])("comes back with $name", ({ name, within }) =>
    Effect.gen(function*() {
      const { amplification, recovery = Infinity } = yield* figuresOf(name, "hangs")
      // It works off what has waited in its queue first.
      assert.isAbove(recovery, 0)
      assert.isAtMost(recovery, within)
      assert.isAtMost(amplification, 1.1)
    }))
})

describe("a server that refuses for a while, and begins afresh", () => {
  it.effect("stays down with as many retries as wait for it", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* figuresOf("fixed delay", "refuses")).recovery, undefined)
    }))

  it.effect.each<Name>(["no retry", "ratio, Finagle's", "ratio, 10 %", "throttling, gRPC's", "quota, AWS'"])(
    "is back at once with %s",
    (name) =>
      Effect.gen(function*() {
        const { recovery = Infinity } = yield* figuresOf(name, "refuses")
        assert.isAtMost(recovery, 5)
      })
  )
})

describe("simulate", () => {
  it.effect("is the same in every run", () =>
    Effect.gen(function*() {
      const run = simulate(policies["quota, AWS'"], { ...small, until: 40 })
      assert.deepStrictEqual(yield* run, yield* run)
    }))
})
