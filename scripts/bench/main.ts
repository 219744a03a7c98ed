/**
 * `pnpm bench`: everything that is measured, in one run; fails when a target is missed, and tells what falls short of an
 * aim that is not reached yet. Writes `docs/bench.json`, draws `docs/bench.svg`, and writes the tables of the README and of `docs/benchmarks.md`.
 *
 * - `--smoke`: for some 30 s, with some slack for times. It writes nothing
 * - `--only speed,retry`: these modules alone. It writes nothing
 */
import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { draw } from "./draw.ts"
import { tabulate, tabulateFront } from "./picks.ts"
import { describeMachine, judge, part, print, type Result } from "./report.ts"
import type { Section, Series } from "./section.ts"
import { alone } from "./turns.ts"

const modules = [
  "speed",
  "slots",
  "poll",
  "retry",
  "success",
  "hedge",
  "repeat",
  "memory",
  "start",
  "growth",
  "lateness",
  "simulate",
  "calendar",
  "command",
  "load",
  "bundle",
  "packed"
]

// In rounds that take turns. What the compiler makes of the code differs from process to process, so there are three of each.
const inRounds = new Set(["speed", "slots", "poll", "retry", "success", "hedge", "repeat", "simulate", "calendar"])

const { only, smoke } = parseArgs({
  options: { smoke: { type: "boolean", default: false }, only: { type: "string" } }
}).values

const machine = describeMachine({ smoke })
const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`).join(", ")
const place = `${machine.cpus} x ${machine.cpu}, ${machine.platform}`
console.log(`${place}\n${versions}\n`)

const names = only?.split(",") ?? modules
for (const name of names) {
  if (!modules.includes(name)) throw new Error(`--only: ${name} is none of ${modules.join(", ")}`)
}
const measured = (name: string): ReadonlyArray<Section> => {
  const times = smoke || !inRounds.has(name) ? 1 : 3
  // Each module has a process of its own: the compiler has seen no code of another module.
  const all = Array.from({ length: times }, () => alone<ReadonlyArray<Section>>("measure.ts", [name, String(smoke)]))
  return all[0]!.map(({ claims, series, title, unit }, i) => ({
    title,
    unit,
    claims,
    series: series.map((one, j) => joined(all.map((sections) => sections[i]!.series[j] ?? one)))
  }))
}

const joined = (all: ReadonlyArray<Series>): Series => {
  const leasts = all.flatMap(({ least }) => least ?? [])
  return {
    name: all[0]!.name,
    values: all.flatMap(({ values }) => values),
    ...(leasts.length > 0 && { least: Math.min(...leasts) })
  }
}

const results: Array<Result> = []
const times: Array<string> = []
for (const name of names) {
  const begin = performance.now()
  for (const section of measured(name)) {
    const result = judge(section, { smoke })
    print(result)
    results.push(result)
  }
  times.push(`${name} ${Math.round((performance.now() - begin) / 1000)} s`)
}
console.log(`${times.join(", ")}\n`)

const found = results.flatMap(({ claims, title }) => claims.map((finding) => ({ ...finding, title })))
const missed = found.filter(({ verdict }) => verdict === "MISSED")
const met = found.filter(({ verdict }) => verdict === "ok")
const short = found.filter(({ verdict }) => verdict === "short")
const noisy = found.filter(({ verdict }) => verdict === "too noisy")
console.log(
  `${met.length} targets are met, ${short.length} fall short of their aim, ${missed.length} are missed, ` +
    `${noisy.length} are lost in noise`
)
for (const { aim, atMost, decisive, text, title, verdict } of [...short, ...noisy, ...missed]) {
  console.log(`${verdict.padEnd(10)}${title}: ${text}: ${part(decisive)}, at most ${part(aim ?? atMost ?? NaN)}`)
}

const rounded = (_: string, value: unknown) => typeof value === "number" ? Number(value.toPrecision(4)) : value
if (!smoke && only === undefined) {
  const written = JSON.stringify({ ...machine, sections: results }, rounded, 2)
  writeFileSync("docs/bench.json", `${written}\n`)
  // `check:docs` draws it from that file.
  writeFileSync("docs/bench.svg", draw(JSON.parse(written).sections))
  tabulate("docs/benchmarks.md", `${place}. With ${versions}.`, results)
  tabulateFront("README.md", results)
}
process.exit(missed.length === 0 ? 0 : 1)
