/** The picture: how slow the slowest reads are; and what becomes of a server that stood still. */
import { chartBox, heading, outageBox, page } from "@effect-wait/draw"
import { outagesOf, summarize as summarizeOutage, type Summary as OutageSummary } from "../outage/draw.ts"
import type { Seconds, Settings } from "../outage/model.ts"
import { type Hedge, type Name, percentile, type Reads } from "./model.ts"

// 1 is the 90th percentile, 2 the 99th, 3 the 99.9th.
const nines = Array.from({ length: 31 }, (_, i) => i / 10)

const shown: ReadonlyArray<Hedge> = ["no hedge", "after 50 ms", "after 20 ms", "after 10 ms"]

/** What the picture shows, as it is kept in `docs/hedging.json`. `tails`: the nines, and the milliseconds of a read. */
export interface Summary {
  readonly tails: ReadonlyArray<{ readonly name: string; readonly points: ReadonlyArray<readonly [number, number]> }>
  readonly outage: OutageSummary
}

export const summarize = (
  reads: ReadonlyMap<Hedge, Reads>,
  results: ReadonlyMap<Name, Seconds>,
  settings: Settings
): Summary => ({
  tails: shown.map((name) => ({
    name,
    points: nines.map((n) => [n, Number(percentile(reads.get(name)!.reads, 1 - 10 ** -n).toFixed(3))] as const)
  })),
  outage: summarizeOutage(results, settings)
})

const width = 860

export const draw = ({ outage, tails }: Summary): string =>
  page({
    title: "Hedging: the slowest reads, and an overloaded server",
    description:
      "A second attempt after 10 ms makes the slowest reads more than ten times faster. When a server with " +
      `little to spare has stood still: ${
        outage.policies.map(({ name, recovery }) =>
          `${name}: ${recovery === null ? "never back" : `back after ${recovery} s`}`
        ).join("; ")
      }.`,
    width
  }, [
    chartBox({
      title: "The slowest reads, with a second attempt after a while",
      x: "percentile of the reads",
      y: "milliseconds",
      names: [[1, "90th"], [2, "99th"], [3, "99.9th"]],
      lines: tails
    }, width),
    heading(`A server that stands still for ${outage.to - outage.from} s`, width),
    outageBox(outagesOf(outage), width)
  ])
