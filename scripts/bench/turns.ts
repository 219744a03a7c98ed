/** Contestants that measure themselves: in rounds that take turns, and in processes of their own where they can. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Series } from "./section.ts"

/** What a measurement finds, by the name of what was measured. */
export type Measured = Readonly<Record<string, number>>

// Most of these processes would take longer to compile what they import than to measure.
const compiled = mkdtempSync(join(tmpdir(), "effect-wait-bench-"))
process.once("exit", () => rmSync(compiled, { recursive: true }))

/** What a program of this folder prints, in a process of its own: its heap, its timers and its hot code are nobody else's. */
export const alone = <A = Measured>(
  program: string,
  args: ReadonlyArray<string | number>,
  flags: ReadonlyArray<string> = []
): A =>
  JSON.parse(execFileSync(
    process.execPath,
    ["--expose-gc", ...flags, fileURLToPath(new URL(program, import.meta.url)), ...args.map(String)],
    { encoding: "utf8", env: { ...process.env, NODE_COMPILE_CACHE: compiled } }
  ))

/** What all contestants find, round by round. */
export const takeTurns = async (
  rounds: number,
  contestants: Readonly<Record<string, () => Measured | Promise<Measured>>>
): Promise<ReadonlyMap<string, ReadonlyArray<Measured>>> => {
  const found = new Map<string, Array<Measured>>(Object.keys(contestants).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(contestants)) found.get(name)!.push(await measure())
  }
  return found
}

/** One thing that was measured, of all who measured it. */
export const seriesOf = (found: ReadonlyMap<string, ReadonlyArray<Measured>>, what: string): ReadonlyArray<Series> =>
  Array.from(found, ([name, list]) => ({ name, values: list.flatMap((measured) => measured[what] ?? []) }))
    .filter(({ values }) => values.length > 0)

/** The least of each: what was measured in processes of their own shares no round, and noise only adds. */
export const leastOf = (series: ReadonlyArray<Series>): ReadonlyArray<Series> =>
  series.map(({ name, values }) => ({ name, values: [Math.min(...values)] }))
