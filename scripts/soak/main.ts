/**
 * `pnpm soak`: a million runs of `Loop.forkScoped` in virtual time, triggered, stopped and failing at random; fails when a
 * run was lost or made twice, or when something leaks. `--smoke` for a tenth of it, `--seed 42` for the same again.
 */
import { execFile } from "node:child_process"
import { randomInt } from "node:crypto"
import { parseArgs, promisify } from "node:util"
import type { Totals } from "./ledger.ts"

interface Result {
  readonly totals: Totals & { readonly wrongMetrics: number; readonly fibers: number; readonly sleeps: number }
  readonly growth: number
  readonly seconds: number
}

const { values } = parseArgs({ options: { smoke: { type: "boolean" }, seed: { type: "string" } } })
const runs = values.smoke === true ? 100_000 : 1_000_000
const seed = Number(values.seed ?? randomInt(1_000_000))
console.log(`Node ${process.version}, ${process.platform} ${process.arch}, seed ${seed}\n`)

// Half of it on each of two cores.
const soak = async (seed: number): Promise<Result> => {
  const args = ["--expose-gc", "scripts/soak/loops.ts", String(seed), String(runs / 2)]
  return JSON.parse((await promisify(execFile)(process.execPath, args, { timeout: 300_000 })).stdout) as Result
}
const results = await Promise.all([soak(seed), soak(seed + 1)])
const of = (key: keyof Result["totals"]): number => results.reduce((sum, { totals }) => sum + totals[key], 0)
const growth = Math.max(...results.map(({ growth }) => growth))
const say = (text: string, ...counts: ReadonlyArray<number>): void =>
  console.log(counts.reduce((text, count) => text.replace("#", count.toLocaleString("en")), text))

say("# loops made # runs, of which # failed", of("loops"), of("runs"), of("failures"))
say("# triggers: # made a run of their own, # shared one,", of("triggers"), of("own"), of("shared"))
say("  # came when no run could begin any more", of("void"))
say("# slots had a run, # were missed", of("served"), of("missed"))
say("# pauses; # calls of runNow: # got an exit, # came too late", of("pauses"), of("calls"), of("exits"), of("nones"))
say("# resources acquired by runs", of("acquired"))
say("# answers of status", of("answers"))
say("# s", Math.round(Math.max(...results.map(({ seconds }) => seconds))))

const claims = [
  ["runs that nobody wanted", of("unwanted"), 0],
  ["runs that came late, or never", of("late"), 0],
  ["triggers that made no run, nor shared one", of("triggers") - of("own") - of("shared") - of("void"), 0],
  ["calls of runNow without an answer", of("calls") - of("exits") - of("nones"), 0],
  ["calls of runNow that got the exit of an earlier run", of("staleExits"), 0],
  ["runs without a resource of their own", of("runs") - of("acquired"), 0],
  ["resources open", of("open"), 0],
  ["wrong answers of status", of("wrongAnswers"), 0],
  ["wrong metrics", of("wrongMetrics"), 0],
  ["loops that ended otherwise, or later, than they were told", of("wrongEnds"), 0],
  ["fibers left", of("fibers"), 0],
  ["sleeps left", of("sleeps"), 0],
  ["kB that the objects on the heap grew, from 10 % to 99 % of the runs", growth / 1000, 500]
] as const
console.log("\nclaims")
for (const [name, actual, most] of claims) {
  console.log(`${actual <= most ? "ok    " : "FAILED"} ${name}: ${Math.round(actual)}, at most ${most}`)
}
process.exit(claims.every(([, actual, most]) => actual <= most) ? 0 : 1)
