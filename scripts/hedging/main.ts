/**
 * `pnpm hedging`: what hedging does to the slowest reads, and to a server with little to spare; fails when a claim does not hold.
 * Draws `docs/hedging.svg`. `--smoke` for fewer reads, clients and less time: it only prints.
 */
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { type Load, measure, simulate, sizeOf } from "../outage/model.ts"
import { draw } from "./draw.ts"
import {
  fanOut,
  full,
  fullSize,
  type Hedge,
  hedgeNames,
  type Name,
  names,
  percentile,
  policies,
  simulateReads,
  small,
  smallSize
} from "./model.ts"

// Most of the time would go into stacks of errors that nobody reads.
Error.stackTraceLimit = 0

const isSmoke = process.argv.includes("--smoke")
const size = isSmoke ? smallSize : fullSize
const settings = isSmoke ? small : full

const whole = (value: number): string => Math.round(value).toLocaleString("en")
const row = (name: string, ...columns: ReadonlyArray<string>): void =>
  console.log(name.padEnd(19) + columns.map((column) => column.padStart(15)).join(""))

const reads = new Map(hedgeNames.map((name) => [name, Effect.runSync(simulateReads(name, size))]))
const count = size.pages * fanOut
console.log(`${whole(count)} reads, in ${whole(size.pages)} pages of ${fanOut} at once; milliseconds\n`)
row("read", "50 %", "95 %", "99 %", "99.9 %", "more calls", "page, 50 %", "page, 99 %")
for (const [name, { calls, pages, reads: times }] of reads) {
  const more = (100 * (calls - count) / count).toFixed(1)
  const parts = [0.5, 0.95, 0.99, 0.999].map((part) => percentile(times, part).toFixed(1))
  row(name, ...parts, `${more} %`, ...[0.5, 0.99].map((part) => whole(percentile(pages, part))))
}

const results = new Map(names.map((name) => [name, Effect.runSync(simulate(policies[name], settings))]))
const figures = new Map(names.map((name) => [name, measure(results.get(name)!, settings)]))
const { capacity, clients, operations } = sizeOf(settings)
const { from, to, until } = settings
const load = ({ mean, peak }: Load): string => `${whole(mean)} (${whole(peak)})`
console.log(
  `\n${whole(clients)} clients, ${whole(operations)} operations a second; a server for ${
    whole(capacity)
  } requests a second,`
)
console.log(`which stands still from ${from} s to ${to} s of ${until}\n`)
row("requests/s (peak)", "before", "during", "after", "goodput", "back after", "failed", "amplified")
for (const [name, { after, amplification, before, during, failed, goodput, recovery }] of figures) {
  const back = recovery === undefined ? "never" : `${recovery} s`
  row(name, load(before), load(during), load(after), whole(goodput), back, whole(failed), amplification.toFixed(2))
}

const at = (name: Hedge, part: number): number => percentile(reads.get(name)!.reads, part)
const moreOf = (name: Hedge): number => reads.get(name)!.calls / count - 1
const back = (name: Name): number => figures.get(name)!.recovery ?? Infinity
const down = ["hedge, no budget", "ratio, Finagle's", "throttling, gRPC's"] as const
const up = ["no hedge", "ratio, 5 %", "quota, AWS'"] as const
const claims: ReadonlyArray<readonly [claim: string, holds: boolean]> = [
  ["after 10 ms: the 99.9th percentile is less than a tenth", at("after 10 ms", 0.999) < at("no hedge", 0.999) / 10],
  ["after 10 ms: 2 to 5 % more calls", moreOf("after 10 ms") >= 0.02 && moreOf("after 10 ms") <= 0.05],
  ...down.map((name) => [`${name}: not back ${until - to} s later`, back(name) === Infinity] as const),
  ...up.map((name) => [`${name}: back within 45 s`, back(name) <= 45] as const)
]
console.log("\nclaims")
for (const [claim, holds] of claims) console.log(`${holds ? "ok    " : "FAILED"} ${claim}`)

if (!isSmoke) writeFileSync("docs/hedging.svg", draw(reads, results, settings))
process.exit(claims.every(([, holds]) => holds) ? 0 : 1)
