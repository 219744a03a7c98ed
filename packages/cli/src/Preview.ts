/** What policies will do, and the same as JSON. Times are in milliseconds. */
import { type Outcome, type Preview, type Settings } from "@effect-wait/documents/Preview"
import type * as draw from "@effect-wait/draw"
import * as DateTime from "effect/DateTime"

export * from "@effect-wait/documents/Preview"

/** What is left of six decimals: of a time, nanoseconds. */
export const rounded = (n: number): number => Number(n.toFixed(6))

const roundedSpread = ({ max, mean, min, p95 }: draw.Spread): draw.Spread => ({
  min: rounded(min),
  mean: rounded(mean),
  p95: rounded(p95),
  max: rounded(max)
})

const outcomeToJson = (outcome: Outcome) =>
  outcome.kind === "gives-up"
    ? { kind: outcome.kind, runs: roundedSpread(outcome.runs), after: roundedSpread(outcome.after) }
    : outcome

/** Times are in milliseconds, to a nanosecond. */
export const toJson = ({ seeds, work }: Settings, previews: ReadonlyArray<Preview>) => ({
  work,
  seeds,
  policies: previews.map(({ from, name, outcome, policy, rows }) => ({
    name,
    code: policy.code,
    notes: policy.notes,
    from: from === undefined ? undefined : DateTime.formatIso(DateTime.makeUnsafe(from)),
    runs: rows.map(({ delay, reached, run, start }) => ({
      run,
      reached,
      delay: roundedSpread(delay),
      start: { mean: rounded(start.mean), p95: rounded(start.p95) }
    })),
    outcome: outcomeToJson(outcome)
  }))
})
