/** Pictures that no example draws, by file. */
import { readFileSync } from "node:fs"
import { draw as drawBench } from "../bench/draw.ts"
import type { Result } from "../bench/report.ts"
import { draw as drawHedging, type Summary as Hedging } from "../hedging/draw.ts"
import { draw as drawOutage, type Summary } from "../outage/draw.ts"
import { hero } from "./hero.ts"

const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"))

const { sections } = read("docs/bench.json") as { readonly sections: ReadonlyArray<Result> }

export const made: ReadonlyArray<readonly [file: string, drawn: string]> = [
  ["docs/hero.svg", hero(860)],
  ["docs/hero-narrow.svg", hero(400)],
  ["docs/bench.svg", drawBench(sections)],
  ["docs/outage.svg", drawOutage(read("docs/outage.json") as Summary)],
  ["docs/hedging.svg", drawHedging(read("docs/hedging.json") as Hedging)]
]
