/**
 * `pnpm outage`: what becomes of a server after an outage, by how its clients retry; fails when a claim does not hold. Draws
 * `docs/outage.svg`. `--refuse` for a server that refuses while it is down, `--smoke` for
 * fewer clients and less time: these only print.
 */
import { execFile } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { promisify } from "node:util"
import { draw } from "./draw.ts"
import { full, type Load, measure, type Name, names, type Result, type Settings, sizeOf, small } from "./model.ts"
import { run } from "./run.ts"

const isSmoke = process.argv.includes("--smoke")
const isRefusing = process.argv.includes("--refuse")
const settings: Settings = { ...(isSmoke ? small : full), failure: isRefusing ? "refuses" : "hangs" }

// Each core takes its share, the first one here. It takes longer to start another than to do the short run.
const cores = isSmoke ? 1 : Math.min(availableParallelism(), names.length)
const shares = Array.from({ length: cores }, (_, core) => names.filter((_, i) => i % cores === core))
const fork = async (share: ReadonlyArray<Name>): Promise<ReadonlyArray<Result>> => {
  const args = ["scripts/outage/run.ts", JSON.stringify(settings), ...share]
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as ReadonlyArray<Result>
}
const forked = Promise.all(shares.slice(1).map(fork))
const results = new Map([run(shares[0]!, settings), ...await forked].flat())
const figures = new Map(names.map((name) => [name, measure(results.get(name)!, settings)]))

const whole = (value: number): string => Math.round(value).toLocaleString("en")
const load = ({ mean, peak }: Load): string => `${whole(mean)} (${whole(peak)})`
const row = (name: string, ...columns: ReadonlyArray<string>): void =>
  console.log(name.padEnd(19) + columns.map((column, i) => column.padStart(i < 3 ? 14 : 11)).join(""))

const { failure, from, processes, to, until } = settings
const { capacity, clients, operations } = sizeOf(settings)
console.log(`clients     ${whole(clients)}, ${clients / processes} a process; ${whole(operations)} operations a second`)
console.log(`the server  for ${whole(capacity)} requests a second; ${failure} from ${from} s to ${to} s of ${until}\n`)
row("requests/s (peak)", "before", "during", "after", "goodput", "back after", "failed", "amplified")
for (const [name, { after, amplification, before, during, failed, goodput, recovery }] of figures) {
  const back = recovery === undefined ? "never" : `${recovery} s`
  row(name, load(before), load(during), load(after), whole(goodput), back, whole(failed), amplification.toFixed(2))
}

const soon = 45
const returning = ["no retry", "ratio, 10 %", "throttling, gRPC's", "quota, AWS'"] as const
const expected: Readonly<Record<Settings["failure"], Readonly<Record<"back" | "down", ReadonlyArray<Name>>>>> = {
  hangs: { back: returning, down: ["fixed delay", "exponential", "full jitter", "ratio, Finagle's"] },
  // Retries that are not spread come back together, each time.
  refuses: { back: [...returning, "full jitter", "ratio, Finagle's"], down: ["fixed delay", "exponential"] }
}
const recoveryOf = (name: Name): number => figures.get(name)!.recovery ?? Infinity
const { back, down } = expected[failure]
const claims = [
  ...back.map((name) => [`${name}: back within ${soon} s`, recoveryOf(name) <= soon] as const),
  ...down.map((name) => [`${name}: not back ${until - to} s later`, recoveryOf(name) === Infinity] as const)
]
console.log("\nclaims")
for (const [name, holds] of claims) console.log(`${holds ? "ok    " : "FAILED"} ${name}`)

if (!isSmoke && !isRefusing) {
  mkdirSync("docs", { recursive: true })
  writeFileSync("docs/outage.svg", draw(results, settings))
}
process.exit(claims.every(([, holds]) => holds) ? 0 : 1)
