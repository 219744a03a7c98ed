/** Recordings of real packages: scripts/policy-traces. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Timeline } from "effect-wait"
import { readFileSync } from "node:fs"
import { type DocumentPolicy, read } from "../src/index.ts"

const Recordings = Schema.Array(Schema.Struct({
  file: Schema.String,
  policy: Schema.Number,
  ends: Schema.Boolean,
  shortest: Schema.Array(Schema.Number),
  longest: Schema.Array(Schema.Number)
}))

const here = (path: string) => new URL(path, import.meta.url)

const recordings = Schema.decodeUnknownSync(Recordings)(
  JSON.parse(readFileSync(process.env["RECORDED"] ?? here("recorded.json"), "utf8"))
)

const delaysOf = ({ schedule }: DocumentPolicy, draw: number) =>
  Effect.map(Timeline.simulate(schedule, { until: Infinity, random: [draw], maxRuns: 100 }), Timeline.delays)

// A nanosecond, which Go cuts off.
const nanosecond = 2e-6

describe("a policy that a real package has played", () => {
  it("is one of three systems", () => {
    assert.deepStrictEqual(
      new Set(recordings.map(({ file }) => file.split("-")[0])),
      new Set(["kubernetes", "grpc", "otel"])
    )
    assert.isAtLeast(recordings.length, 12)
  })

  it.effect.each(recordings)(
    "has the same runs, in the same bounds: $file $policy",
    (recording) =>
      Effect.gen(function*() {
        const text = readFileSync(here(`fixtures/${recording.file}`), "utf8")
        const policies = yield* Effect.fromResult(read(text))
        const policy = policies[recording.policy]!
        const shortest = yield* delaysOf(policy, 0)
        const longest = yield* delaysOf(policy, 1 - 2 ** -53)
        if (recording.ends) assert.strictEqual(recording.shortest.length, shortest.length)
        assert.isAtLeast(recording.shortest.length, 2)
        recording.shortest.forEach((least, i) => {
          const most = recording.longest[i]!
          // Where a limit in time ends it earlier, there is nothing to compare.
          const low = shortest[i]
          const high = longest[i]
          if (low === undefined || high === undefined) {
            assert.isFalse(recording.ends)
            return
          }
          assert.isAtLeast(least, low - nanosecond)
          assert.isAtMost(most, high + nanosecond)
          assert.isAtLeast(most - least, 0.8 * (high - low) - nanosecond)
        })
      })
  )
})
