import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Backoff, Jitter, Limit, Period } from "effect-wait"
import { budgets, outageOf, type Settings, simulate } from "../src/Crowd.ts"

const settings: Settings = { clients: 100, down: 20_000, failure: "hangs", attemptTimeout: 1000 }

const retry = Backoff.exponential({ base: "100 millis", cap: "10 seconds" }).pipe(Jitter.full, Limit.attempts(6))

const sum = (counts: ReadonlyArray<number>): number => counts.reduce((sum, count) => sum + count, 0)

describe("the crowd", () => {
  it.effect("keeps a server down without a budget, and gets it back with each budget", () =>
    Effect.gen(function*() {
      for (const down of [5000, 20_000, 60_000]) {
        const { strip } = yield* simulate("", retry, { ...settings, down })
        assert.isUndefined(strip.recovery)
        for (const { make, name } of Object.values(budgets)) {
          const { strip: { recovery } } = yield* simulate(name, retry, { ...settings, down }, make)
          assert.isBelow(recovery ?? Infinity, 12_000, name)
        }
      }
    }))

  it.effect("sends the server no more than it can do before the outage, and nothing succeeds in it", () =>
    Effect.gen(function*() {
      const { capacity, every, from, to } = outageOf(settings)
      const { strip } = yield* simulate("", retry, settings)
      const [first, last] = [Math.ceil(from / every), Math.floor(to / every)]
      assert.isAtMost(sum(strip.requests.slice(0, first - 1)) / (first - 1), capacity)
      assert.strictEqual(sum(strip.succeeded.slice(first + 1, last)), 0)
      assert.isAbove(sum(strip.failed.slice(first + 1, last)), 0)
    }))

  it.effect("comes back at once when the server has refused, and had nothing to catch up with", () =>
    Effect.gen(function*() {
      const { strip: { recovery = Infinity } } = yield* simulate("", retry, { ...settings, failure: "refuses" })
      assert.isBelow(recovery, 5000)
    }))

  it.effect("does the same again", () =>
    Effect.gen(function*() {
      const twice = [yield* simulate("", retry, settings), yield* simulate("", retry, settings)]
      assert.deepStrictEqual(twice[0], twice[1])
    }))

  it.effect("ends when there are too many requests, and says when", () =>
    Effect.gen(function*() {
      const { every } = outageOf(settings)
      const { cutAt = 0, requests, strip } = yield* simulate("", Period.sliding(0), { ...settings, failure: "refuses" })
      assert.strictEqual(requests, 12_000)
      assert.isAtLeast(cutAt, outageOf(settings).from)
      assert.isBelow(cutAt, outageOf(settings).to)
      assert.lengthOf(strip.requests, Math.ceil(cutAt / every))
      assert.isUndefined(strip.recovery)
    }))

  it.effect.each([1, 200])("is of %d clients, or however long the server is down", (clients) =>
    Effect.gen(function*() {
      for (const down of [1000, 3_600_000]) {
        const { strip } = yield* simulate("", retry, { ...settings, clients, down, failure: "refuses" })
        assert.isAbove(sum(strip.succeeded), 0)
        assert.isDefined(strip.recovery)
      }
    }))
})
