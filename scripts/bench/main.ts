/**
 * `pnpm bench`: everything that is measured, in one run; fails when a target is missed, and tells what falls short of an
 * aim that is not reached yet. Writes `docs/bench.json`, draws
 * `docs/bench.svg`, and puts some of it into the README.
 *
 * - `--smoke`: for some 20 s. As that is no time to find out how noisy the machine is, a target is missed at twice of it.
 *   It writes nothing
 * - `--only speed,retry`: these modules alone. It writes nothing
 * - `--json FILE`: writes this file, whatever was measured
 */
import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { draw } from "./draw.ts"
import { tabulate } from "./picks.ts"
import { describeMachine, judge, part, print, type Result } from "./report.ts"
import type { Effort, Section } from "./section.ts"

const modules: Readonly<
  Record<string, () => Promise<{ readonly measure: (effort: Effort) => Promise<ReadonlyArray<Section>> }>>
> = {
  speed: () => import("./speed.ts"),
  poll: () => import("./poll.ts"),
  retry: () => import("./retry.ts"),
  success: () => import("./success.ts"),
  repeat: () => import("./repeat.ts"),
  memory: () => import("./memory.ts"),
  start: () => import("./start.ts"),
  growth: () => import("./growth.ts"),
  lateness: () => import("./lateness.ts"),
  simulate: () => import("./simulate.ts"),
  bundle: () => import("./bundle.ts")
}

const { json, only, smoke } = parseArgs({
  options: { smoke: { type: "boolean", default: false }, only: { type: "string" }, json: { type: "string" } }
}).values
const tolerance = smoke ? 2 : 1

const machine = describeMachine()
const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`).join(", ")
const place = `${machine.cpus} x ${machine.cpu}, ${machine.platform}`
console.log(`${place}\n${versions}\n`)

const names = only?.split(",") ?? Object.keys(modules)
for (const name of names) {
  if (!(name in modules)) throw new Error(`--only: ${name} is none of ${Object.keys(modules).join(", ")}`)
}
const results: Array<Result> = []
const times: Array<string> = []
for (const name of names) {
  const begin = performance.now()
  const { measure } = await modules[name]!()
  for (const section of await measure({ smoke })) {
    const result = judge(section, tolerance)
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
console.log(
  `${met.length} targets are met, ${short.length} fall short of their aim, ${missed.length} are missed${
    smoke ? " at twice of them" : ""
  }`
)
for (const { aim, atMost, ratio, text, title, verdict } of [...short, ...missed]) {
  console.log(`${verdict.padEnd(8)}${title}: ${text}: ${part(ratio.median)}, at most ${part(aim ?? atMost ?? NaN)}`)
}

const rounded = (_: string, value: unknown) => typeof value === "number" ? Number(value.toPrecision(4)) : value
const isComplete = !smoke && only === undefined
const file = json ?? (isComplete ? "docs/bench.json" : undefined)
if (file !== undefined) {
  writeFileSync(file, `${JSON.stringify({ ...machine, sections: results }, rounded, 2)}\n`)
}
if (isComplete) {
  writeFileSync("docs/bench.svg", draw(results))
  tabulate("README.md", `${place}; ${versions}.`, results)
}
process.exit(missed.length === 0 ? 0 : 1)
