import { test } from "@effect-wait/browser/test"
import { execFileSync } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { assert, describe } from "vitest"
import { defaults, type State } from "../src/State.ts"
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

const documents = [
  "{ duration: 10ms, factor: 5, jitter: 0.1, steps: 4 }",
  "initialInterval: 1s\nbackoffCoefficient: 2\nmaximumInterval: 10s\nmaximumAttempts: 5",
  "retryPolicy: { maxAttempts: 4, initialBackoff: 0.1s, maxBackoff: 1s, backoffMultiplier: 2, retryableStatusCodes: [UNAVAILABLE] }"
]

const settings = (i: number): State => ({
  ...defaults,
  source: i % 10 === 9 ? "document" : "controls",
  document: one(...documents),
  kind: kinds[i % kinds.length]!,
  base: duration(),
  factor: one("1", "1.5", "2", "3"),
  increment: duration(),
  cap: one(duration(), "inf"),
  delays: one("1s", "100ms, 1s, 10s", "5ms 5ms 1m"),
  period: duration(),
  cron: one("*/5 * * * *", "0 9 * * 1-5", "30 2 * * *", "@monthly"),
  zone: one("UTC", "Europe/Berlin", "+05:30"),
  from: "2026-03-27T12:34:56Z",
  missed: one("", "one", "skip", "all"),
  jitter: one("none", "full", "equal", "additive", "between"),
  share: one("0", "0.25", "2"),
  least: one("0", "0.5", "1"),
  most: one("1", "1.5", "3"),
  attempts: one("", "", "1", "3", "8"),
  within: one("", "", "1s", "1m", "1h"),
  work: one("0", "10ms", "1s", "7m"),
  slow: one("", "2s", "11m"),
  clients: "1",
  budget: one("none", "throttling", "quota", "ratio")
})

const millis = (text: string): number =>
  Array.from(
    text.matchAll(/([\d.]+)(ms|s|m|h)/g),
    ([, n, unit]) => Number(n) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit!]!
  )
    .reduce((sum, part) => sum + part, 0)

// In reach of the packages that a program would import.
const folder = join(import.meta.dirname, "../dist/copied")

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc")

const options = {
  extends: "../../../../tsconfig.base.json",
  compilerOptions: { lib: ["ES2022", "DOM"], types: [] },
  include: ["*.ts"]
}

// Client 1 of the page draws with the seed 0.
const main = `
import { Effect, Random } from "effect"
import { Timeline } from "effect-wait"

const timelines = []
for (const [i, { from, slow, work }] of JSON.parse(process.argv[2]).entries()) {
  const { schedule } = await import(\`./\${i}.ts\`)
  const options = { until: Infinity, maxRuns: 12, from, work: (run) => run === 2 ? slow : work }
  timelines.push(Effect.runSync(Random.withSeed(Timeline.simulate(schedule, options), 0)).runs)
}
console.log(JSON.stringify(timelines))
`

describe("the code", () => {
  test("of 50 settings, compiled and run, gives the timeline that is shown", async ({ open }) => {
    const page = await open(linkTo())
    const states = Array.from({ length: 50 }, (_, i) => settings(i))
    const shown: Array<ReadonlyArray<ReadonlyArray<string>>> = []
    const codes: Array<string> = []
    for (const state of states) {
      await show(page, state)
      assert.strictEqual(await page.locator("[aria-invalid]").count(), 0, JSON.stringify(state))
      shown.push((await table(page)).map(([, start = "", end = ""]) => [start, end]))
      codes.push(await code(page))
    }
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    codes.forEach((code, i) => writeFileSync(join(folder, `${i}.ts`), code))
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options))
    writeFileSync(join(folder, "main.js"), main)
    execFileSync(process.execPath, [tsc, "-p", folder], { stdio: "pipe", encoding: "utf8" })
    const trials = states.map(({ from, slow, work }) => ({
      from,
      work: millis(work),
      slow: slow === "" ? millis(work) : millis(slow)
    }))
    const output = execFileSync(process.execPath, [join(folder, "main.js"), JSON.stringify(trials)], {
      encoding: "utf8"
    })
    const timelines: ReadonlyArray<ReadonlyArray<{ readonly start: number; readonly end: number }>> = JSON.parse(output)
    const cell = (millis: number) => Number(millis.toFixed(3))
    assert.deepStrictEqual(
      timelines.map((runs) => runs.map(({ end, start }) => [cell(start), cell(end)])),
      shown.map((rows) => rows.map((row) => row.map((text) => Number(text.replaceAll(",", "")))))
    )
    // They are not all the same.
    assert.isAbove(new Set(codes).size, 45)
    assert.isAbove(new Set(shown.map((rows) => JSON.stringify(rows))).size, 30)
  })
})
