/** By how much a ticker of 10 ms comes late, beside a setInterval of 10 ms in the same process. */
import { claims } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"
import { alone, takeTurns } from "./turns.ts"

export const measure = async ({ smoke }: Effort): Promise<ReadonlyArray<Section>> => {
  const seconds = smoke ? 2 : 10
  const idle = { "idle": () => alone("ticks.ts", [seconds, 0]) }
  const busy = { "with 10,000 other loops": () => alone("ticks.ts", [seconds, 10_000]) }
  const found = await takeTurns(smoke ? 1 : 3, smoke ? idle : { ...idle, ...busy })
  return Array.from(found, ([where, rounds]) => ({
    title: `beside its time, ${where}: for ${seconds} s, early or late; a gap is beside 10 ms`,
    unit: "ms",
    series: Object.keys(rounds[0]!).map((name) => ({ name, values: rounds.map((measured) => measured[name]!) })),
    // It drifts, so that its gaps are the best that can be said of it.
    claims: [
      ...claims([["Period.ticker, p99", "setInterval, its gaps, p99"]], 1),
      ...claims([
        ["Period.ticker, p99", "setInterval, p99"],
        ["Period.ticker, its gaps, p99", "setInterval, its gaps, p99"],
        ["Period.ticker, p50", "setInterval, its gaps, p50"],
        ["Period.ticker, max", "setInterval, its gaps, max"]
      ])
    ]
  }))
}
