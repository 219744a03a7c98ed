/** The picture: how many times faster or lighter than each peer, by the median, with the spread of the rounds. */
import { type Bar, comparison } from "@effect-wait/draw"
import { pickDrawn } from "./picks.ts"
import type { Finding, Result } from "./report.ts"

const times = (ratio: number): number => ratio > 0 ? 1 / ratio : Infinity

const bar = ({ ratio }: Finding, name: string): Bar => ({
  name,
  value: times(ratio.median),
  min: times(ratio.max),
  max: times(ratio.min)
})

// A difference that some rounds measured as less than nothing is noise: the table has it, with its spread.
const isClear = ({ ratio }: Finding): boolean => ratio.min > 0

/** An SVG of what was found. */
export const draw = (results: ReadonlyArray<Result>): string =>
  comparison({
    title: "effect-wait and its peers",
    description:
      "How many times faster or lighter effect-wait is than each peer, on a logarithmic scale. A bar to the left " +
      "of 1 is slower or heavier. Every figure is in the table.",
    subtitle: "Longer is better. Logarithmic; a bar to the left of 1x is worse than the peer.",
    width: 860,
    groups: pickDrawn(results).map(({ findings, heading }) => ({
      heading,
      bars: findings.flatMap(({ finding, name }) => isClear(finding) ? [bar(finding, name)] : [])
    }))
  })
