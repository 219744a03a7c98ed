/** How far a ticker of 10 ms comes beside its time; and a setInterval of 10 ms, in the same process at the same time. */
import { claims } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"
import { alone } from "./turns.ts"

// setInterval drifts, and so comes later and later. The best that can be said of it is how far its gaps are beside 10 ms.
const claimed = [
  ...claims([["Period.ticker, p99", "setInterval, p99"]], 1),
  ...claims([
    ["Period.ticker, p50", "setInterval, its gaps, p50"],
    ["Period.ticker, p99", "setInterval, its gaps, p99"],
    ["Period.ticker, max", "setInterval, its gaps, max"],
    ["Period.ticker, its gaps, p99", "setInterval, its gaps, p99"]
  ])
]

export const measure = async ({ smoke }: Effort): Promise<ReadonlyArray<Section>> => {
  const seconds = smoke ? 2 : 10
  return (smoke ? [0] : [0, 10_000]).map((others) => ({
    title: `${seconds} s of ticks, among ${others.toLocaleString("en")} other loops; each 2 s are a round`,
    unit: "ms early or late",
    series: Object.entries(alone<Record<string, ReadonlyArray<number>>>("ticks.ts", [seconds, others]))
      .map(([name, values]) => ({ name, values })),
    claims: claimed
  }))
}
