/** Pictures that no example draws, by file. */
import { readFileSync } from "node:fs"
import { draw as drawBench } from "../bench/draw.ts"
import type { Result } from "../bench/report.ts"
import { hero } from "./hero.ts"

const { sections } = JSON.parse(readFileSync("docs/bench.json", "utf8")) as { readonly sections: ReadonlyArray<Result> }

export const made: ReadonlyArray<readonly [file: string, drawn: string]> = [
  ["docs/hero.svg", hero(860)],
  ["docs/hero-narrow.svg", hero(400)],
  ["docs/bench.svg", drawBench(sections)]
]
