/**
 * `pnpm runtimes`: the library on each runtime that `docs/support.md` names. A scenario of every module with exact times, a ticker on
 * the real clock under load, the library's specs, and how long a simulation takes in a browser.
 *
 * - `--smoke`: without the specs, and without Node 20 and 22
 * - `--only NAME`: the runtimes whose names and versions start with it
 */
import { join } from "node:path"
import { isDeepStrictEqual, parseArgs } from "node:util"
import { type Host, hosts, node } from "./hosts.ts"
import { effectVersion, folder, prepare } from "./packed.ts"
import type { Ticking } from "./programs/clock.ts"
import type { Specs } from "./programs/runSpecs.ts"
import type { Measured } from "./programs/simulate.ts"
import type { Ticked } from "./programs/ticker.ts"
import { bundleSpecs, needNode } from "./specs.ts"

const { values } = parseArgs({ options: { smoke: { type: "boolean", default: false }, only: { type: "string" } } })

const programs = await prepare(["scenario", "ticker", "clock", "simulate"])
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
const coarse = 3

/**
 * No run more than there are slots, and at least half of the slots served. After a late run the next one makes up for it: in a period
 * that drifts each gap is a whole one at least. A busy machine makes runs later, and no bound tighter.
 */
const ticker = ({ period, slots, starts }: Ticked): string => {
  const shortest = Math.min(...starts.slice(1).map((start, i) => start - starts[i]!))
  if (starts.length > slots) fail("at most one run a slot", starts)
  if (starts.length < slots / 2) fail("a run in at least half of the slots", starts)
  if (shortest > period - coarse) fail("a late run delays no other", starts)
  return `ticker ${starts.length} of ${slots} slots`
}

const clock = ({ step }: Ticking): string =>
  step === null
    ? "a clock that stands still in a computation"
    : `a clock of ${step < 0.001 ? "nanoseconds" : `${step.toFixed(3)} ms`}`

/** How many specs pass; those that need Node may fail in a program without it. */
const specs = async ({ run, specs }: Host): Promise<string> => {
  const { failed, passed, skipped } = await (specs?.("packages/wait") ?? run(bundled) as Promise<Specs>)
  const needing = failed.filter(([name]) => specs === undefined && needNode.some(([, start]) => name.startsWith(start)))
  for (const [name, message] of failed) if (!needing.some(([known]) => known === name)) fail(name, message)
  return `${passed} specs pass${needing.length > 0 ? `, ${needing.length} need Node` : ""}` +
    `${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}${specs === undefined ? " (in one program)" : ""}`
}

const least = (a: Measured | undefined, b: Measured): Measured =>
  Object.fromEntries(
    Object.entries(b).map(([name, [took, blocked]]) => {
      const [leastTook = took, leastBlocked = blocked] = a?.[name] ?? []
      return [name, [Math.min(took, leastTook), Math.min(blocked, leastBlocked)]]
    })
  )

/** The specs of the cluster package, on SQLite and on a Postgres that installs itself. */
const cluster = async ({ specs }: Host): Promise<string> => {
  const { failed, passed } = await specs!("packages/cluster")
  for (const [name, message] of failed) fail(name, message)
  return `${passed} specs of the cluster pass`
}

/** In turn, so that other work on the machine slows down both. */
const simulation = async (host: Host): Promise<ReadonlyArray<string>> => {
  let here: Measured | undefined
  let there: Measured | undefined
  for (let round = 0; round < 3; round++) {
    here = least(here, await host.run(programs.simulate) as Measured)
    there = least(there, await node.run(programs.simulate) as Measured)
  }
  return Object.entries(here!).map(([name, [took, blocked]]) => {
    const [onNode] = there![name]!
    return `${name}: ${took.toFixed(0)} ms, ${(took / onNode).toFixed(1)} of Node; ${blocked.toFixed(0)} ms at a time`
  })
}

const bundled = join(folder, "specs.js")
if (!values.smoke) await bundleSpecs(bundled)

const chosen = hosts.filter(({ name, version }) =>
  `${name} ${version}`.startsWith(values.only ?? "") && !(values.smoke && name === "Node" && version !== node.version)
)
for (const host of chosen) {
  const { name, run, version } = host
  const said = [
    scenario(await run(programs.scenario) as Parameters<typeof scenario>[0]),
    ticker(await run(programs.ticker) as Ticked),
    clock(await run(programs.clock) as Ticking),
    ...values.smoke ? [] : [await specs(host)],
    ...values.smoke || !["Bun", "Deno"].includes(name) ? [] : [await cluster(host)]
  ]
  console.log(`${name} ${version}: ${said.join(", ")}`)
  if (name === "Chromium" && !values.smoke) { for (const line of await simulation(host)) console.log(`  ${line}`) }
}
console.log(`effect ${effectVersion}`)
process.exit(isWell ? 0 : 1)
