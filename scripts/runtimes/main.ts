/**
 * `pnpm runtimes`: the packed library on each runtime that `docs/support.md` names. A scenario of every module with exact times, a
 * ticker on the real clock under load, and the time that a simulation takes.
 *
 * `--smoke` leaves out the runtimes of which a newer one is tested.
 */
import { isDeepStrictEqual, parseArgs } from "node:util"
import { hosts, node } from "./hosts.ts"
import { effectVersion, prepare } from "./packed.ts"
import type { Measured } from "./programs/simulate.ts"
import type { Ticked } from "./programs/ticker.ts"

const { values } = parseArgs({ options: { smoke: { type: "boolean", default: false }, only: { type: "string" } } })

const programs = await prepare(["scenario", "ticker", "simulate"])
let isWell = true
const fail = (title: string, found: unknown) => {
  isWell = false
  console.log(`  not so: ${title}\n`, found)
}

/** To the nanosecond: `Math.exp` and its like differ in the last bits between versions of an engine. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, part) => typeof part === "number" ? Math.round(part * 1e6) / 1e6 : part)

const scenario = (results: ReadonlyArray<readonly [title: string, given: unknown, expected: unknown]>): string => {
  for (const [title, given, expected] of results) {
    if (!isDeepStrictEqual(rounded(given), rounded(expected))) fail(title, given)
  }
  return `${results.length} timelines`
}

// A timer may wake 1 ms early, and a clock may tell whole milliseconds.
const coarse = 2

/** No run more than there are slots, no drift, and most slots served: the machine may stand still at times. */
const ticker = ({ period, slots, starts }: Ticked): string => {
  const late = starts.map((start) => (start + coarse) % period - coarse)
  const drift = Math.min(...late.slice(-20))
  if (starts.length > slots) fail("at most one run a slot", starts)
  if (starts.length < slots / 2) fail("a run in at least half of the slots", starts)
  if (drift > period / 2) fail("no drift", starts)
  return `ticker ${starts.length} of ${slots} slots, drift ${drift.toFixed(1)} ms`
}

const ratios = (here: Measured, there: Measured): string =>
  Object.entries(here).map(([name, [took, blocked]]) =>
    `${name} ${(took / there[name]![0]).toFixed(1)} of Node, ${blocked.toFixed(0)} ms in one go`
  ).join("; ")

for (const host of hosts.filter(({ name }) => values.only === undefined || name.includes(values.only))) {
  const { name, run, version } = host
  const said = [
    scenario(await run(programs.scenario) as Parameters<typeof scenario>[0]),
    ticker(await run(programs.ticker) as Ticked)
  ]
  if (name === "Chromium") {
    said.push(ratios(await run(programs.simulate) as Measured, await node.run(programs.simulate) as Measured))
  }
  console.log(`${name} ${version}: ${said.join(", ")}`)
}
console.log(`effect ${effectVersion}`)
process.exit(isWell ? 0 : 1)
