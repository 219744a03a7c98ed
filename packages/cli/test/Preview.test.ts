import { assert, describe, inject, it } from "@effect/vitest"
import { Effect, Random, Schedule, Stream } from "effect"
import { Backoff, Jitter, Limit, Period, Timeline } from "effect-wait"
import { Xml } from "effect/encoding"
import { TestClock } from "effect/testing"
import { execFileSync } from "node:child_process"
import { preview as command } from "../src/commands/preview.ts"
import * as Policy from "../src/Policy.ts"
import { date, preview, spread } from "../src/Preview.ts"
import { type Made, run } from "./inProcess.ts"

const text = (args: string, made?: Made) => Effect.map(run(command, args.split(" "), made), ({ text }) => text)

const picture = (args: string, made?: Made) =>
  Effect.map(run(command, `${args} --svg out.svg`.split(" "), made), ({ written }) => written["out.svg"] ?? "")

const message = (args: string, made?: Made) =>
  Effect.map(Effect.flip(run(command, args.split(" "), made)), (error) => error.message)

const files = {
  "retry.yaml": "{ duration: 1s, factor: 2, jitter: 0, steps: 10, cap: 3s }",
  "two.yaml": "{ fast: { interval: 10ms, attempts: 3 }, slow: { interval: 1h } }"
}

describe("spread", () => {
  it("has the least value that is not below 95 of 100", () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
    assert.deepStrictEqual(spread(hundred.map((n) => n * 10)), {
      min: 10,
      mean: 505,
      p95: 950,
      max: 1000
    })
    assert.deepStrictEqual(spread([3, 1]), { min: 1, mean: 2, p95: 3, max: 3 })
    assert.deepStrictEqual(spread([0.1, 0.1, 0.1]), { min: 0.1, mean: 0.1, p95: 0.1, max: 0.1 })
    assert.deepStrictEqual(spread([]), { min: 0, mean: 0, p95: 0, max: 0 })
  })
})

describe("preview", () => {
  const settings = { work: 50, runs: 4, seeds: 20 }

  it.effect("sums up what Timeline.simulate does with the seeds from 0 on", () =>
    Effect.gen(function*() {
      const policy = Policy.fromSettings({
        base: { kind: "exponential", base: 100, factor: 2, cap: 1000 },
        jitter: { kind: "full" },
        within: 600
      })
      const { rows } = yield* preview({ name: "", policy }, settings)
      const schedule = Backoff.exponential({ base: 100, cap: 1000 }).pipe(Jitter.full, Limit.within(600))
      const timelines = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, seed) => seed),
        (seed) => Random.withSeed(Timeline.simulate(schedule, { until: "1 hour", work: 50 }), seed)
      )
      const third = timelines.filter(({ runs }) => runs.length > 3)
      const delays = third.map((timeline) => Timeline.delays(timeline)[2] ?? 0).toSorted((a, b) => a - b)
      const starts = third.map((timeline) => Timeline.starts(timeline)[3] ?? 0).toSorted((a, b) => a - b)
      const row = rows[3]!
      assert.isAbove(third.length, 5)
      assert.isBelow(third.length, 20)
      assert.strictEqual(row.run, 4)
      assert.strictEqual(row.reached, third.length / 20)
      assert.strictEqual(row.delay.min, delays[0])
      assert.strictEqual(row.delay.max, delays.at(-1))
      assert.strictEqual(row.delay.p95, delays[Math.ceil(delays.length * 0.95) - 1])
      assert.closeTo(row.delay.mean, delays.reduce((a, b) => a + b) / delays.length, 1e-9)
      assert.strictEqual(row.start.p95, starts[Math.ceil(starts.length * 0.95) - 1])
    }))

  it.effect("knows when all seeds give up, though fewer runs are shown", () =>
    Effect.gen(function*() {
      const policy = Policy.fromSettings({
        base: { kind: "sliding", period: 100 },
        jitter: { kind: "full" },
        attempts: 1500
      })
      const { outcome, rows } = yield* preview({ name: "", policy }, { work: 5, runs: 2, seeds: 25 })
      const schedule = Period.sliding(100).pipe(Jitter.full, Limit.attempts(1500))
      const ends = yield* Effect.forEach(Array.from({ length: 25 }, (_, seed) => seed), (seed) =>
        Effect.map(
          Random.withSeed(Timeline.simulate(schedule, { until: "1 hour", work: 5 }), seed),
          (timeline) => Timeline.ends(timeline).at(-1) ?? 0
        ))
      assert.deepStrictEqual(outcome, {
        kind: "gives-up",
        runs: { min: 1500, mean: 1500, p95: 1500, max: 1500 },
        after: spread(ends)
      })
      assert.strictEqual(rows.length, 2)
    }))

  it.effect("looks at all runs that are shown, however many they are", () =>
    Effect.gen(function*() {
      const policy = Policy.fromSettings({ base: { kind: "sliding", period: 1 }, attempts: 100_001 })
      const { outcome, rows } = yield* preview({ name: "", policy }, { work: 0, runs: 100_001, seeds: 1 })
      const same = (n: number) => ({ min: n, mean: n, p95: n, max: n })
      assert.deepStrictEqual(outcome, { kind: "gives-up", runs: same(100_001), after: same(100_000) })
      assert.strictEqual(rows.length, 100_001)
    }))

  it.effect("simulates once where nothing is drawn, and has the timeline of each client", () =>
    Effect.gen(function*() {
      const counted = Effect.fnUntraced(function*(jitter: Policy.Jitters | undefined) {
        let waits = 0
        const made = Policy.fromSettings({ base: { kind: "sliding", period: 1 }, jitter, attempts: 3 })
        const schedule = Schedule.while(made.schedule, () => ++waits > 0)
        const { lanes, rows } = yield* preview({ name: "", policy: { ...made, schedule } }, settings)
        return [waits, lanes.length, rows.length]
      })
      assert.deepStrictEqual(yield* counted(undefined), [2, 20, 3])
      assert.deepStrictEqual(yield* counted({ kind: "full" }), [40, 20, 3])
    }))

  it.effect.each<{ readonly name: string; readonly settings: Policy.Settings; readonly outcome: unknown }>([
    { name: "no limit", settings: { base: { kind: "sliding", period: 0 } }, outcome: { kind: "never" } },
    {
      name: "a limit far behind what is shown",
      settings: { base: { kind: "sliding", period: 10 }, attempts: 1001 },
      outcome: {
        kind: "gives-up",
        runs: { min: 1001, mean: 1001, p95: 1001, max: 1001 },
        after: { min: 60_050, mean: 60_050, p95: 60_050, max: 60_050 }
      }
    },
    {
      name: "time that does not pass",
      settings: { base: { kind: "exponential", base: 1, factor: 0, cap: 1 }, within: 10_000_000 },
      outcome: { kind: "unknown", runs: 100_000 }
    },
    {
      name: "delays beyond all numbers",
      settings: { base: { kind: "exponential", base: 1, factor: 1e200, cap: Infinity } },
      outcome: { kind: "waits-forever", runs: 3 }
    },
    {
      name: "one run",
      settings: { base: { kind: "sliding", period: 1 }, attempts: 1 },
      outcome: {
        kind: "gives-up",
        runs: { min: 1, mean: 1, p95: 1, max: 1 },
        after: { min: 50, mean: 50, p95: 50, max: 50 }
      }
    }
  ])("knows how it ends: $name", ({ outcome, settings: policy }) =>
    Effect.gen(function*() {
      const found = yield* preview({ name: "", policy: Policy.fromSettings(policy) }, settings)
      assert.deepStrictEqual(found.outcome, outcome)
    }))
})

describe("effect-wait preview", () => {
  it.effect("shows one policy as a table with bars, a timeline and a program", () =>
    Effect.gen(function*() {
      const printed = yield* text("--backoff 100ms..30s --jitter 0.5 --attempts 6 --work 50ms --seeds 100", {
        width: 72
      })
      assert.strictEqual(
        printed,
        `--backoff 100ms..30s --jitter 0.5 --attempts 6
Simulated 100 times, a run takes 50ms

     delay ────────────────────  start ──────
run    min   mean    p95    max   mean    p95  ├ min ● mean ┼ p95 ┤ max
  1                                  0      0  ·    ·      ·    ·     ·
  2  100ms  126ms  148ms  150ms  176ms  198ms  ├─●┤ ·      ·    ·     ·
  3  200ms  249ms  294ms  298ms  475ms  522ms  ·    ├─●┤   ·    ·     ·
  4  400ms  495ms  579ms  599ms  1.02s  1.13s  ·    ·    ├─●┼┤  ·     ·
  5  808ms  1.01s  1.18s   1.2s  2.08s  2.29s  ·    ·      ·   ├●─┤   ·
  6   1.6s     2s  2.33s   2.4s  4.13s  4.56s  ·    ·      ·    ·   ├─●┤
                                               100ms       500ms      2s

mean   |.|..|......|.............|........................|
seed 0 ||....|......|..............|......................|
seed 1 |.|...|......|..............|.....................|
seed 2 |.|...|.....|............|......................|
seed 3 |.|..|......|..............|............................|
       0           1s           2s          3s           4s

Gives up after 6 runs, 3.68s to 4.7s after the first start: 4.18s on
average, p95 4.61s

import { Backoff, Jitter, Limit } from "effect-wait"

const schedule = Backoff.exponential({ base: "100 millis", cap: "30 seconds" }).pipe(
  Jitter.additive(0.5),
  Limit.attempts(6)
)`
      )
    }))

  it.effect("shows that a few of very many seeds come to a run", () =>
    Effect.gen(function*() {
      const shown = yield* text("--backoff 100ms..inf --full-jitter --within 7s --seeds 1000", { width: 80 })
      assert.deepStrictEqual(
        shown.match(/^ *\d+ +(<?\d+%)/gm)?.map((line) => line.trim().split(/ +/)[1]).slice(7),
        ["61%", "9%", "<1%"]
      )
    }))

  it.effect("shows how many seeds come to a run, and which delays are too short for the scale", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* text("--backoff 100ms..inf --full-jitter --within 10s --seeds 200", { width: 80 }),
        `--backoff 100ms..inf --jitter full --within 10s
Simulated 200 times

              delay ────────────────────────  start ────────
run  reached     min    mean     p95     max    mean     p95  ● mean ┼ p95
  1     100%                                       0       0    ·    ·    ·
  2     100%  67.8us  52.2ms  94.8ms  99.8ms  52.2ms  94.8ms  ‹────●─┤    ·
  3     100%   104us   101ms   191ms   199ms   153ms   255ms  ‹──────●┼┤  ·
  4     100%   112us   192ms   362ms   398ms   345ms   548ms  ‹───────●─┤ ·
  5     100%  6.71ms   417ms   764ms   798ms   762ms    1.2s   ├────────●─┤
  6     100%   782us   806ms   1.48s    1.6s   1.57s   2.42s  ‹───────────●┤
  7     100%  22.6ms   1.57s   2.98s   3.19s   3.14s   4.76s    ·├─────────●─┤
  8      97%  8.85ms   3.07s   5.89s   6.34s   6.17s   8.74s   ├─────────────●┼┤
  9      24%   336ms   2.51s   6.22s   7.39s    7.7s   9.92s    ·    ·  ├───●──┤
 10       4%   411ms   1.66s   3.96s   3.96s   7.86s   8.92s    ·    ·  ├──●──┤
                                                                10ms 100ms

seed 0 #||....|..|.........|...|.........................................|
seed 1 #|.|...|.|..................|..............................|
seed 2 #||.|..|..............|.................|
seed 3 #|....|........|................|......|
       0            2s           4s            6s           8s           10s

Gives up after 7 to 10 runs, 8.26 on average, 2.15s to 9.96s after the first
start: 6.8s on average, p95 9.6s

import { Backoff, Jitter, Limit } from "effect-wait"

const schedule = Backoff.exponential({ base: "100 millis", cap: "Infinity" }).pipe(
  Jitter.full,
  Limit.within("10 seconds")
)`
      )
    }))

  it.effect("shows several policies side by side", () =>
    Effect.gen(function*() {
      const args = "--backoff 100ms..1s --full-jitter --runs 3 --policy retry.yaml"
      assert.strictEqual(
        yield* text(args, { width: 72, files }),
        `A  --backoff 100ms..1s --jitter full
B  retry.yaml
   Go gives up once the cap is passed: after 2 of 10 runs, and a last
   wait that no run follows
Simulated 1000 times

    │ A ──────────────────────────── │ B ──────────
run │  delay     p95   start     p95 │ delay  start
  1 │                      0       0 │            0
  2 │ 51.3ms  95.2ms  51.3ms  95.2ms │    1s     1s
  3 │  103ms   191ms   154ms   256ms │

A ||..........|......................................................
B |.................................................................|
  0            200ms        400ms         600ms        800ms        1s

A  never gives up
B  gives up after 2 runs, 1s after the first start

import { Backoff, Jitter, Limit } from "effect-wait"

const schedules = {
  "--backoff 100ms..1s --jitter full": Backoff.exponential({ base: "100 millis", cap: "1 second" }).pipe(
    Jitter.full
  ),
  "retry.yaml": Backoff.toSchedule({ duration: "1 second", factor: 2, jitter: 0, steps: 10, cap: "3 seconds" }).pipe(
    Limit.attempts(2)
  )
}`
      )
    }))

  it.effect("names policies by themselves where that is short, and gives each magnitude its axis", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* text("--policy two.yaml --runs 3", { width: 60, files }),
        `    │ fast ─────── │ slow ───────
run │ delay  start │ delay  start
  1 │            0 │            0
  2 │  10ms   10ms │    1h     1h
  3 │  10ms   20ms │    1h     2h

fast |........................|........................|
     0           5ms          10ms        15ms         20ms

slow |.......................|.......................|
     0       20m     40m     1h      1h20m   1h40m   2h

fast  gives up after 3 runs, 20ms after the first start
slow  never gives up

import { Limit, Period } from "effect-wait"

const schedules = {
  fast: Period.sliding("10 millis").pipe(
    Limit.attempts(3)
  ),
  slow: Period.sliding("1 hour")
}`
      )
    }))

  it.effect("is as wide as the terminal at most, but for the program and what is wider than that by itself", () =>
    Effect.gen(function*() {
      for (const width of [60, 80, 120, 200]) {
        for (
          const args of [
            "--backoff 100ms..inf --full-jitter --within 1m",
            "--backoff 1s..10s --factor 10 --attempts 3",
            "--cron 0/5_*_*_*_* --policy retry.yaml"
          ]
        ) {
          const made = { width, files }
          const printed = yield* Effect.map(
            run(command, args.split(" ").map((arg) => arg.replaceAll("_", " ")), made),
            ({ text }) => text
          )
          const [body = ""] = printed.split("\nimport ")
          assert.isAtMost(Math.max(...body.split("\n").map((line) => line.length)), width, args)
        }
      }
    }))

  it.effect("prints 80 columns where nobody knows the width", () =>
    Effect.gen(function*() {
      const args = "--backoff 100ms..30s --jitter 0.2"
      assert.strictEqual(yield* text(args, { width: 0 }), yield* text(args, { width: 80 }))
    }))

  it.effect("prints JSON in milliseconds", () =>
    Effect.gen(function*() {
      const json = yield* text("--interval 1s --attempts 2 --work 250us --json --policy retry.yaml --seeds 2", {
        files
      })
      const same = (n: number) => ({ min: n, mean: n, p95: n, max: n })
      const at = (n: number) => ({ mean: n, p95: n })
      assert.deepStrictEqual(JSON.parse(json), {
        work: 0.25,
        seeds: 2,
        policies: [
          {
            name: "--interval 1s --attempts 2",
            code: "Period.sliding(\"1 second\").pipe(\n  Limit.attempts(2)\n)",
            notes: [],
            runs: [
              { run: 1, reached: 1, delay: same(0), start: at(0) },
              { run: 2, reached: 1, delay: same(1000), start: at(1000.25) }
            ],
            outcome: { kind: "gives-up", runs: same(2), after: same(1000.5) }
          },
          {
            name: "retry.yaml",
            code:
              "Backoff.toSchedule({ duration: \"1 second\", factor: 2, jitter: 0, steps: 10, cap: \"3 seconds\" }).pipe(\n" +
              "  Limit.attempts(2)\n)",
            notes: ["Go gives up once the cap is passed: after 2 of 10 runs, and a last wait that no run follows"],
            runs: [
              { run: 1, reached: 1, delay: same(0), start: at(0) },
              { run: 2, reached: 1, delay: same(1000), start: at(1000.25) }
            ],
            outcome: { kind: "gives-up", runs: same(2), after: same(1000.5) }
          }
        ]
      })
    }))

  it.effect("tells policies of one name apart", () =>
    Effect.gen(function*() {
      const json = yield* text("--policy a/p.yml --policy b/p.yml --policy b/p.yml --policy b/p.yml --json --runs 1", {
        files: { "a/p.yml": "interval: 1s", "b/p.yml": "interval: 1s" }
      })
      assert.deepStrictEqual(
        JSON.parse(json).policies.map(({ name }: { readonly name: string }) => name),
        ["a/p.yml", "b/p.yml", "b/p.yml (2)", "b/p.yml (3)"]
      )
    }))

  it.effect.each<{ readonly args: string; readonly expected: string }>([
    {
      args: "--runs 3",
      expected: "There is nothing to preview. Expected: --backoff, --interval, --period, --cron, or --policy FILE"
    },
    {
      args: "--jitter 0.2 --times 3 --policy retry.yaml",
      expected: "--jitter and --attempts are allowed with --backoff, --interval, --period or --cron only"
    },
    { args: "--interval 1s --period 1s", expected: "Only one of --interval and --period is allowed" },
    { args: "--policy none.yaml", expected: "none.yaml: there is no such file" },
    { args: "--policy bad.json", expected: "bad.json: steps must be an integer of 1 or more, got 0" },
    {
      args: "--interval 1s --svg nowhere/a.svg",
      expected: "Invalid value for flag --svg: \"nowhere/a.svg\". NotFound: FileSystem.readFileString (nowhere/a.svg)"
    }
  ])("refuses $args", ({ args, expected }) =>
    Effect.gen(function*() {
      const made = { files: { ...files, "bad.json": `{ "duration": "1s", "steps": 0 }` } }
      assert.strictEqual(yield* message(args, made), expected)
    }))
})

describe("effect-wait preview --cron", () => {
  const cron = "30 2 * * *"
  // The zone of the machine can be set only for a process of its own.
  const inBerlin = (...args: ReadonlyArray<string>) =>
    execFileSync(process.execPath, [inject("bin"), "preview", "--cron", cron, ...args], {
      encoding: "utf8",
      env: { ...process.env, TZ: "Europe/Berlin" }
    })

  it.each([
    "2026-03-27",
    "2026-03-27T00:00",
    "2026-03-27T00:00:00+01:00",
    "2026-03-26T23:00Z"
  ])("shows the dates of the runs, in the time zone of the machine: --from %s", (from) => {
    assert.deepStrictEqual(inBerlin("--from", from, "--runs", "4").split("\n").slice(0, 7), [
      "--cron '30 2 * * *'",
      "The calendar of this preview begins on Fri 2026-03-27 00:00:00+01:00",
      "",
      "run   delay  start                           date",
      "  1          2h30m  Fri 2026-03-27 02:30:00+01:00        ·       ·        ·",
      "  2      1d   1d3h  Sat 2026-03-28 02:30:00+01:00        ·       ●        ·",
      "  3  23h30m   2d2h  Sun 2026-03-29 03:00:00+02:00        ·       ●        ·"
    ])
  })

  const json = (...args: ReadonlyArray<string>) =>
    Effect.map(
      run(command, ["--cron", "*/5 * * * *", "--runs", "3", "--json", ...args]),
      ({ text }) => JSON.parse(text)
    )

  it.effect("begins now by the Clock otherwise", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-03-29T00:04:00Z"))
      const { policies: [{ from, notes, runs }] } = yield* json()
      assert.strictEqual(from, "2026-03-29T00:04:00.000Z")
      assert.deepStrictEqual(notes, [`The calendar of this preview begins on ${date(Date.parse(from))}`])
      assert.deepStrictEqual(
        runs.map(({ start }: { readonly start: { readonly mean: number } }) => start.mean),
        [60_000, 360_000, 660_000]
      )
    }))

  it.effect("begins at --from", () =>
    Effect.gen(function*() {
      const { policies: [{ from, runs }] } = yield* json("--from", "2026-03-29T01:02:30+01:00")
      assert.strictEqual(from, "2026-03-29T00:02:30.000Z")
      assert.deepStrictEqual(
        runs.map(({ start }: { readonly start: { readonly mean: number } }) => start.mean),
        [150_000, 450_000, 750_000]
      )
    }))

  it.effect("refuses --from without a calendar", () =>
    Effect.gen(function*() {
      const expected = "--from is allowed with --cron, or a policy that has one, only"
      assert.strictEqual(yield* message("--interval 1s --from 2026-03-29"), expected)
      const made = { files: { "cron.yaml": `cron: "0 3 * * *"` } }
      assert.include(yield* text("--policy cron.yaml --from 2026-03-29", made), "begins on Sun 2026-03-29 00:00:00")
    }))
})

describe("effect-wait preview --svg", () => {
  const args = "--backoff 100ms..30s --jitter 0.2 --runs 5 --seeds 100 --policy retry.yaml --policy two.yaml"

  // Fails where it is not well-formed.
  const elements = (svg: string) =>
    Stream.make(svg).pipe(
      Stream.pipeThroughChannel(Xml.decodeString()),
      Stream.runCollect,
      Effect.map((events) => events.filter((event) => event._tag === "StartElement"))
    )

  it.effect("draws the same picture twice", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* picture(args, { files }), yield* picture(args, { files }))
    }))

  it.effect("has a mark for each delay of a policy, and for each run of 12 clients", () =>
    Effect.gen(function*() {
      const svg = yield* picture(args, { files })
      const hues = (pattern: RegExp) =>
        Array.from(svg.matchAll(pattern), ([, hue, d]) => [Number(hue), d?.split("M").length])
      // Some of the clients of a policy get to its last run.
      assert.deepStrictEqual(
        hues(/<circle class="(?:fill|ground line)(\d)"/g).map(([hue]) => hue),
        [0, 0, 0, 0, 1, 2, 2, 3, 3, 3, 3]
      )
      const twelve = (hue: number, runs: number) => Array.from({ length: 12 }, () => [hue, runs + 1])
      // The shortest first.
      assert.deepStrictEqual(hues(/<path class="fill(\d)" d="([^"]*)"/g), [
        ...twelve(2, 3),
        ...twelve(0, 5),
        ...twelve(1, 2),
        ...twelve(3, 5)
      ])
      // 24 clients give up, and the legend says so.
      assert.strictEqual(svg.match(/class="mark"/g)?.length, 25)
      yield* elements(svg)
    }))

  it.effect("has one row where nothing is drawn at random, and the date where a calendar starts", () =>
    Effect.gen(function*() {
      const svg = yield* picture("--cron @daily --from 2026-03-01 --runs 3")
      assert.include(svg, `Time since ${date(Date.UTC(2026, 2, 1))}.`)
      assert.strictEqual(svg.match(/<path class="fill0"/g)?.length, 1)
    }))

  it.effect("numbers at most 30 runs", () =>
    Effect.gen(function*() {
      const numbered = (runs: number) =>
        Effect.map(picture(`--interval 1s --runs ${runs}`), (svg) =>
          Array.from(svg.matchAll(/"middle">([1-9]\d*)</g), ([, run]) => Number(run)))
      assert.deepStrictEqual(
        yield* numbered(30),
        Array.from({ length: 29 }, (_, i) =>
          i + 2)
      )
      assert.deepStrictEqual(yield* numbered(31), Array.from({ length: 15 }, (_, i) => 2 * i + 2))
    }))

  it.effect.each([
    "--interval 0 --seeds 1",
    "--interval 1s --attempts 1",
    "--cron 0_3_*_*_1",
    "--backoff 1ms..inf --factor 9999999999999999999999999999999999999999999999999999 --runs 50",
    "--policy <&\">.yaml"
  ])("is well-formed, and without NaN: %s", (args) =>
    Effect.gen(function*() {
      const made = { files: { "<&\">.yaml": "interval: 1s" } }
      const { written } = yield* run(command, [
        ...args.split(" ").map((arg) => arg.replaceAll("_", " ")),
        "--svg",
        "a"
      ], made)
      yield* elements(written.a ?? "")
      assert.notMatch(written.a ?? "", /NaN|Infinity|undefined/)
    }))
})
