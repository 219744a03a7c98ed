import { test } from "@effect-wait/browser/test"
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "vitest"
import { budgets } from "../src/Crowd.ts"
import { fields } from "../src/fields.ts"
import { defaults, inUse, type Name, names, type State } from "../src/State.ts"
import { compile } from "./compile.ts"
import { code, linkTo, show, table } from "./person.ts"

// Of a few bits, evenly spread: the same settings in every run.
const draws = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const draw = draws(28)

const one = <A>(...choices: ReadonlyArray<A>): A => choices[Math.floor(draw() * choices.length)]!

const duration = () => one("1ms", "7ms", "33.3ms", "100ms", "250ms", "1s", "1.5s", "90s", "2m30s", "1h")

const kinds = [
  "exponential",
  "linear",
  "decorrelated",
  "decorrelatedV2",
  "delays",
  "sliding",
  "nonSliding",
  "ticker",
  "cron"
]

const documents: ReadonlyArray<Pick<State, "document" | "as" | "policy">> = [
  { document: "{ duration: 10ms, factor: 5, jitter: 0.1, steps: 4 }", as: "", policy: "" },
  {
    document: "initialInterval: 1s\nbackoffCoefficient: 2\nmaximumInterval: 10s\nmaximumAttempts: 5",
    as: "temporal",
    policy: ""
  },
  {
    document:
      "retryPolicy: { maxAttempts: 4, initialBackoff: 0.1s, maxBackoff: 1s, backoffMultiplier: 2, retryableStatusCodes: [UNAVAILABLE] }",
    as: "grpc",
    policy: ""
  },
  { document: "hedgingPolicy: { maxAttempts: 3, hedgingDelay: 0.02s }", as: "", policy: "" },
  { document: "17 4 * * 1-5 backup", as: "crontab", policy: "" },
  { document: "fast: { interval: 10ms, attempts: 2 }\nslow: { period: 1h, attempts: 3 }", as: "", policy: "slow" }
]

const settings = (i: number): State => ({
  ...defaults,
  source: i % 8 === 7 ? "document" : "controls",
  ...documents[Math.floor(i / 8) % documents.length]!,
  kind: kinds[i % kinds.length]!,
  base: duration(),
  factor: one("1", "1.5", "2", "3"),
  increment: duration(),
  cap: one(duration(), "inf"),
  delays: one("1s", "100ms, 1s, 10s", "5ms 5ms 1m"),
  period: duration(),
  cron: one("*/5 * * * *", "0 9 * * 1-5", "30 2 * * *", "@monthly"),
  zone: one("UTC", "Europe/Berlin", "+05:30"),
  from: one("2026-03-27T12:34:56Z", "2026-10-24T22:00Z"),
  missed: one("", "one", "skip", "all"),
  jitter: one("none", "full", "equal", "additive", "between"),
  share: one("0", "0.25", "2"),
  least: one("0", "0.5", "1"),
  most: one("1", "1.5", "3"),
  attempts: one("", "", "1", "3", "8"),
  within: one("", "", "1s", "1m", "1h"),
  work: one("0", "10ms", "1s", "7m"),
  slow: one("", "2s", "11m"),
  clients: one("1", "7", "50"),
  down: one("1s", "20s", "10m"),
  failure: one("hangs", "refuses"),
  budget: one("none", "throttling", "quota", "ratio")
})

// What is different between the states, of the fields that are in use.
const choices = (states: ReadonlyArray<State>, name: Name): ReadonlySet<string> =>
  new Set(states.filter((state) => inUse(state).has(name)).map((state) => state[name]))

const millis = (text: string): number =>
  Array.from(
    text.matchAll(/([\d.]+)(ms|s|m|h)/g),
    ([, n, unit]) => Number(n) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit!]!
  )
    .reduce((sum, part) => sum + part, 0)

// Client 1 of the page draws with the seed 0. The code is used as its comments say: its schedule is simulated, its loop or its
// retry runs in virtual time, and the crowd has its schedule and its budget.
const main = `
import { Clock, Context, Effect, Layer, Random } from "effect"
import { RetryBudget, Timeline } from "effect-wait"
import { Herd } from "effect-wait/testing"
import { simulate } from "../../src/Crowd.ts"
import { verdict, withoutBudget } from "../../src/Picture.ts"

const results = []
for (const [i, { crowd, from, name, slow, work }] of JSON.parse(process.argv[2]).entries()) {
  const { budget, hedge, loop, retry, schedule } = await import(\`./\${i}.ts\`)
  const options = { until: Infinity, maxRuns: 12, from, work: (run) => run === 2 ? slow : work }
  const { runs } = Effect.runSync(Random.withSeed(Timeline.simulate(schedule, options), 0))

  const starts = []
  const run = Effect.gen(function*() {
    starts.push(Number(yield* Clock.monotonicTimeNanos) / 1e6)
    yield* Effect.sleep(starts.length === 3 ? slow : work)
    if (loop === undefined) yield* Effect.fail("down")
  })
  if (hedge === undefined) {
    const used = budget === undefined || loop !== undefined
      ? run.pipe(loop ?? retry)
      : run.pipe(retry, Effect.provide(budget))
    const until = (runs.at(-1)?.start ?? 0) + 0.0005
    Effect.runSync(Random.withSeed(Herd.run({ clients: 1, client: () => used, from, until }), 0))
  }

  const settings = { ...crowd, isHedge: hedge !== undefined }
  const crowds = [simulate(withoutBudget, schedule, settings)]
  if (budget !== undefined) {
    const service = Effect.map(Effect.scoped(Layer.build(budget)), (context) => Context.get(context, RetryBudget.RetryBudget))
    crowds.push(simulate(name, schedule, settings, service))
  }
  const verdicts = crowds.map((crowd) => verdict(Effect.runSync(crowd))).join(" ")
  results.push({ runs, starts, verdicts })
}
console.log(JSON.stringify(results))
`

describe("the code", () => {
  test("of 50 settings, compiled and run, gives the timeline that is shown", async ({ open }) => {
    const page = await open(linkTo())
    const states = Array.from({ length: 50 }, (_, i) => settings(i))
    const shown: Array<ReadonlyArray<ReadonlyArray<string>>> = []
    const codes: Array<string> = []
    const verdicts: Array<string> = []
    // Each control has several values, and each budget and each kind is among them.
    for (const name of names) {
      const field = fields[name]
      const all = field.kind === "choice" && name !== "as" && name !== "policy" ? field.options.length : 2
      assert.isAtLeast(choices(states, name).size, all, name)
    }
    for (const state of states) {
      await show(page, state)
      assert.strictEqual(await page.locator("[aria-invalid]").count(), 0, JSON.stringify(state))
      shown.push((await table(page)).map(([, start = "", end = ""]) => [start, end]))
      codes.push(await code(page))
      verdicts.push(await page.locator("#verdict").innerText())
    }
    const folder = compile("copied", codes)
    writeFileSync(join(folder, "main.js"), main)
    const trials = states.map(({ budget, clients, down, failure, from, slow, work }) => {
      const longest = Math.max(millis(work), millis(slow))
      return {
        from,
        work: millis(work),
        slow: slow === "" ? millis(work) : millis(slow),
        name: budgets[budget]?.name,
        crowd: { clients: Number(clients), down: millis(down), failure, attemptTimeout: Math.max(1000, 2 * longest) }
      }
    })
    const output = execFileSync(process.execPath, [join(folder, "main.js"), JSON.stringify(trials)], {
      // A crontab has the time zone of the machine: that of the page.
      env: { ...process.env, TZ: "UTC" },
      encoding: "utf8"
    })
    const results: ReadonlyArray<{
      readonly runs: ReadonlyArray<{ readonly start: number; readonly end: number }>
      readonly starts: ReadonlyArray<number>
      readonly verdicts: string
    }> = JSON.parse(output)
    const cell = (millis: number) => Number(millis.toFixed(3))
    assert.deepStrictEqual(
      results.map(({ runs }) => runs.map(({ end, start }) => [cell(start), cell(end)])),
      shown.map((rows) => rows.map((row) => row.map((text) => Number(text.replaceAll(",", "")))))
    )
    assert.deepStrictEqual(results.map(({ verdicts }) => verdicts), verdicts)
    // The loop and the retry start when the schedule says. Only a budget ends a retry earlier; that of 10 % at its first failure.
    states.forEach(({ budget }, i) => {
      const { runs, starts } = results[i]!
      const isLimited = codes[i]!.includes("// A retry") && budget !== "none"
      const isHedge = codes[i]!.includes("Retry.hedge")
      const most = isHedge ? 0 : isLimited ? budget === "ratio" ? 1 : starts.length : runs.length
      assert.deepStrictEqual(starts.map(cell), runs.slice(0, most).map(({ start }) => cell(start)), codes[i])
      assert.strictEqual(starts.length > 0, !isHedge && runs.length > 0, codes[i])
    })
    // They are not all the same.
    assert.isAbove(new Set(codes).size, 45)
    assert.isAbove(new Set(shown.map((rows) => JSON.stringify(rows))).size, 30)
  })
})
