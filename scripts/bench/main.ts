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
import type { Section } from "./section.ts"
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
const results: Array<Result> = []
const times: Array<string> = []
for (const name of names) {
  const begin = performance.now()
  // What one module makes hot is nobody else's.
  for (const section of alone<ReadonlyArray<Section>>("measure.ts", [name, String(smoke)])) {
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
