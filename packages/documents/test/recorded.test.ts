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
  fewest: Schema.Number,
  most: Schema.Number,
  shortest: Schema.Array(Schema.Number),
  longest: Schema.Array(Schema.Number)
}))

const here = (path: string) => new URL(path, import.meta.url)

const recorded = (file: string | URL) => Schema.decodeUnknownSync(Recordings)(JSON.parse(readFileSync(file, "utf8")))

const recordings = [
  ...recorded(process.env["RECORDED"] ?? here("recorded.json")),
  ...recorded(process.env["RECORDED_ARGO"] ?? here("recorded-argo.json"))
]

const delaysOf = ({ schedule }: DocumentPolicy, draw: number) =>
  Effect.map(Timeline.simulate(schedule, { until: Infinity, random: [draw], maxRuns: 100 }), Timeline.delays)

// A nanosecond, which Go cuts off.
const nanosecond = 2e-6

describe("a policy that a real package has played", () => {
  it("is one of four systems", () => {
    assert.deepStrictEqual(
      new Set(recordings.map(({ file }) => file.split("-")[0])),
      new Set(["kubernetes", "grpc", "otel", "argo"])
    )
    assert.isAtLeast(recordings.length, 20)
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
        if (/^(kubernetes|grpc)-/.test(recording.file)) {
          assert.isTrue(recording.ends)
          assert.strictEqual(recording.shortest.length, shortest.length)
        }
        // With long delays a limit in time leaves fewer of them. What does not end was cut by the recording.
        if (recording.ends) {
          assert.isAtLeast(recording.fewest, longest.length)
          assert.isAtMost(recording.most, shortest.length)
        } else {
          assert.isAtLeast(longest.length, recording.most)
        }
        assert.isAtLeast(recording.shortest.length, 2)
        assert.strictEqual(recording.shortest.length, recording.fewest)
        recording.shortest.forEach((least, i) => {
          const most = recording.longest[i]!
          const low = shortest[i]!
          // The limit in time is nearer with the longest delays of all.
          const high = longest[i]
          if (high === undefined) return assert.isAtLeast(least, low - nanosecond)
          assert.isAtLeast(least, low - nanosecond)
          assert.isAtMost(most, high + nanosecond)
          assert.isAtLeast(most - least, 0.8 * (high - low) - nanosecond)
        })
      })
  )
})
