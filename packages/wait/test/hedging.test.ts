/** What `pnpm hedging` claims, with fewer reads and clients. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Hedging from "../../../scripts/hedging/model.ts"
import { measure, simulate } from "../../../scripts/outage/model.ts"

describe("reads whose answers have a heavy tail", () => {
  it.effect("are ten times faster at the 99.9th percentile, for 2 to 5 % more calls", () =>
    Effect.gen(function*() {
      const bare = yield* Hedging.simulateReads("no hedge", Hedging.smallSize)
      const hedged = yield* Hedging.simulateReads("after 10 ms", Hedging.smallSize)
      const slowest = ({ reads }: Hedging.Reads) => Hedging.percentile(reads, 0.999)
      assert.strictEqual(bare.calls, bare.reads.length)
      assert.isAbove(slowest(bare), 300)
      assert.isBelow(slowest(hedged), slowest(bare) / 10)
      assert.isAtLeast(hedged.calls, 1.02 * bare.calls)
      assert.isAtMost(hedged.calls, 1.05 * bare.calls)
    }))
})

describe("a server that stands still for a while", () => {
  it.effect.each<{ readonly name: Hedging.Name; readonly back: boolean }>([
    { name: "no hedge", back: true },
    { name: "hedge, no budget", back: false },
    // A fifth, and ten attempts a second, for a server that has a fifth to spare.
    { name: "ratio, Finagle's", back: false },
    { name: "ratio, 5 %", back: true },
    // It counts failures, and an attempt that waits in a queue has not failed.
    { name: "throttling, gRPC's", back: false },
    { name: "quota, AWS'", back: true }
  ])("with $name, is back: $back", ({ back, name }) =>
    Effect.gen(function*() {
      const seconds = yield* simulate(Hedging.policies[name], Hedging.small)
      const { recovery = Infinity } = measure(seconds, Hedging.small)
      assert.strictEqual(recovery <= 30, back)
      assert.strictEqual(recovery === Infinity, !back)
    }))
})
