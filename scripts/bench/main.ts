/**
 * `pnpm bench`: what an iteration costs, what a sleeping loop weighs; fails when a target is missed. With `--smoke` for
 * less time, and with no more sleepers than the targets need.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { measure } from "./speed.ts"

const smoke = process.argv.includes("--smoke")
const { version } = JSON.parse(readFileSync(fileURLToPath(import.meta.resolve("effect/package.json")), "utf8")) as {
  readonly version: string
}
const column = (text: string | number): string => String(text).padStart(12)
const times = (ratio: number): string => column(`${ratio.toPrecision(3)}x`)

console.log(`Node ${process.version}, effect ${version}, ${process.platform} ${process.arch}\n`)

const speed = await measure()
const fastest = (name: string): number => speed.get(name)![0]!
const recurs = fastest("Effect.repeat Schedule.recurs")
const spaced = fastest("Effect.repeat Schedule.spaced")
console.log(
  "ns per iteration, no delay".padEnd(50) + ["min", "median", "/ recurs", "/ spaced"].map(column).join("")
)
for (const [name, list] of speed) {
  const [min, median] = [list[0]!, list[Math.floor(list.length / 2)]!]
  console.log(
    name.padEnd(50) + column(min.toFixed(0)) + column(median.toFixed(0)) + times(min / recurs) + times(min / spaced)
  )
}

const weigh = (...args: ReadonlyArray<string>): unknown =>
  JSON.parse(execFileSync(process.execPath, ["--expose-gc", "scripts/bench/memory.ts", ...args], { encoding: "utf8" }))
const sleepers = smoke ? ["Loop.run sliding", "Effect.repeat Schedule.spaced"] : weigh() as Array<string>
const bytes = new Map(sleepers.map((name) => [name, weigh(name) as number]))
console.log("\n" + "bytes of a sleeping loop".padEnd(50) + column("") + column("") + column("") + column("/ spaced"))
for (const [name, size] of bytes) {
  const ratio = size / bytes.get("Effect.repeat Schedule.spaced")!
  console.log(name.padEnd(50) + column(size.toFixed(0)) + column("") + column("") + times(ratio))
}

const targets = [
  ["an iteration, as a part of Effect.repeat(Schedule.recurs)", fastest("Loop.run sliding") / recurs, 1 / 10],
  ["an iteration, as a part of Effect.repeat(Schedule.spaced)", fastest("Loop.run sliding") / spaced, 1 / 15],
  ["bytes of a sleeping sliding loop", bytes.get("Loop.run sliding")!, 1350]
] as const
console.log("\ntargets of Loop.run sliding")
for (const [name, actual, most] of targets) {
  const verdict = actual <= most ? "ok    " : "FAILED"
  console.log(`${verdict} ${name}: ${Number(actual.toPrecision(3))}, at most ${Number(most.toPrecision(3))}`)
}
process.exit(targets.every(([, actual, most]) => actual <= most) ? 0 : 1)
