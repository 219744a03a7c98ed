import { assert, describe, it } from "@effect/vitest"
import { Clock, Cron, DateTime, type Duration, Effect, Fiber, Option, Random, Schedule } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Retry, Timeline } from "effect-wait"
import { TestClock } from "effect/testing"
import { makeWork, observe } from "./support.ts"

const schedules: Record<string, Schedule.Schedule<unknown>> = {
  sliding: Period.sliding("1 second"),
  nonSliding: Period.nonSliding("1 second"),
  ticker: Period.ticker("1 second"),
  skipping: Period.ticker("1 second", { missed: "skip" }),
  backoff: Backoff.exponential({ base: 100, cap: 2000 }).pipe(
    Backoff.resetAfter("1 second"),
    Limit.within("9 seconds")
  ),
  effects: Schedule.exponential("100 millis")
}
const work = [400, 800, 1200, 1600, 2000, 0]
const lengths = (run: number) => work[Math.min(run, work.length - 1)]!

describe("Timeline.simulate", () => {
  for (const [name, schedule] of Object.entries(schedules)) {
    it.effect(`tells what Loop.run does: ${name}`, () =>
      Effect.gen(function*() {
        const looped = makeWork(...work)
        const { exit } = yield* observe(Loop.run(looped.run, schedule), "20 seconds")
        const { outcome, runs } = yield* Timeline.simulate(schedule, { work: lengths, until: "20 seconds" })
        assert.deepStrictEqual(runs.map(({ start }) => start), looped.starts)
        assert.deepStrictEqual(runs.map(({ end }) => end).slice(0, looped.ends.length), looped.ends)
        assert.strictEqual(outcome, exit === undefined ? "cut" : "done")
      }))
  }

  it.effect("replays the draws that it is given, over and over", () =>
    Effect.gen(function*() {
      const schedule = Period.sliding("1 second").pipe(Jitter.full)
      const timeline = yield* Timeline.simulate(schedule, { until: "3 seconds", random: [0.5, 0.25] })
      assert.deepStrictEqual(Timeline.starts(timeline), [0, 500, 750, 1250, 1500, 2000, 2250, 2750, 3000])
    }))

  it.effect("draws from the Random service otherwise", () =>
    Effect.gen(function*() {
      const schedule = Period.sliding("1 second").pipe(Jitter.full)
      const simulate = Timeline.simulate(schedule, { until: "1 minute" })
      const first = yield* Random.withSeed(simulate, "seed")
      assert.deepStrictEqual(yield* Random.withSeed(simulate, "seed"), first)
      assert.notDeepEqual(yield* Random.withSeed(simulate, "another"), first)
    }))

  it.effect("ends a schedule that never waits after `maxRuns`", () =>
    Effect.gen(function*() {
      const { outcome, runs } = yield* Timeline.simulate(Period.sliding(0), { until: "1 second", maxRuns: 50 })
      assert.strictEqual(runs.length, 50)
      assert.strictEqual(outcome, "cut")
      assert.strictEqual((yield* Timeline.simulate(Period.sliding(0), { until: "1 second" })).runs.length, 10_000)
    }))

  it.effect("ends a schedule that waits for ever", () =>
    Effect.gen(function*() {
      const timeline = yield* Timeline.simulate(Period.sliding(Infinity), { until: "365 days" })
      assert.deepStrictEqual(timeline, { runs: [{ start: 0, end: 0 }], outcome: "cut" })
      assert.deepStrictEqual(
        yield* Timeline.simulate(Period.nonSliding(Infinity), { until: Infinity }),
        { runs: [{ start: 0, end: 0 }], outcome: "cut" }
      )
    }))

  it.effect("tells every one of many runs", () =>
    Effect.gen(function*() {
      const { runs } = yield* Timeline.simulate(Period.sliding(1), { until: "3 seconds", work: 1 })
      assert.deepStrictEqual(runs, Array.from({ length: 1501 }, (_, i) => ({ start: 2 * i, end: 2 * i + 1 })))
    }))

  it.effect("can be interrupted", () =>
    Effect.gen(function*() {
      let runs = 0
      const endless = Timeline.simulate(Period.sliding("1 milli"), {
        until: "Infinity",
        maxRuns: 1e6,
        work: () => ++runs && 0
      })
      const fiber = yield* Effect.forkChild(endless, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.isAtLeast(runs, 1)
      assert.isAtMost(runs, 10_000)
    }))

  it.effect("fails with the schedule's error", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Timeline.simulate(Period.cron("never"), { until: "1 day" }))
      assert.strictEqual(error._tag, "CronParseError")
    }))
})

describe("Timeline.simulate, from a time of the wall clock", () => {
  const night = "2026-03-29T00:10:00Z"
  const minute = 60_000
  const at10 = Period.cron("0 * * * *", { timeZone: "UTC" })

  const inputs: Record<string, DateTime.DateTime.Input> = {
    "a string, in UTC": "2026-03-29T00:10:00",
    "a string with an offset": "2026-03-29T02:10:00+02:00",
    "milliseconds": Date.parse(night),
    "a Date": new Date(night),
    "parts": { year: 2026, month: 3, day: 29, minute: 10 },
    "a DateTime": DateTime.makeUnsafe(night),
    "a DateTime with a zone": DateTime.makeZonedUnsafe(night, { timeZone: "Europe/Berlin" })
  }
  for (const [name, from] of Object.entries(inputs)) {
    it.effect(`the slots of a calendar come when they do; the starts count from 0: ${name}`, () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(5 * minute) // is not looked at
        const timeline = yield* Timeline.simulate(at10, { from, work: 1000, until: "3 hours" })
        assert.deepStrictEqual(
          timeline.runs,
          [50, 110, 170].map((start) => ({
            start: start * minute,
            end: start * minute + 1000
          }))
        )
      }))
  }

  it.effect("begins now, by the Clock, otherwise", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse(night))
      const simulate = Timeline.simulate(at10, { until: "2 hours" })
      assert.deepStrictEqual(Timeline.starts(yield* simulate), [50 * minute, 110 * minute])
      yield* TestClock.adjust("30 minutes")
      assert.deepStrictEqual(Timeline.starts(yield* simulate), [20 * minute, 80 * minute])
      assert.strictEqual(yield* Clock.currentTimeMillis, Date.parse(night) + 30 * minute)
    }))

  it.effect("the first run is that of Loop.run: a calendar's first slot, unless it is immediate, or there is an input", () =>
    Effect.gen(function*() {
      const starts = (options: { readonly immediate?: boolean; readonly input?: ReadonlyArray<number> }) =>
        Effect.map(Timeline.simulate(at10, { from: night, until: "1 hour", ...options }), Timeline.starts)
      assert.deepStrictEqual(yield* starts({}), [50 * minute])
      assert.deepStrictEqual(yield* starts({ immediate: true }), [0, 50 * minute])
      assert.deepStrictEqual(yield* starts({ input: [1] }), [0, 50 * minute])
      assert.deepStrictEqual(yield* starts({ immediate: false, input: [1] }), [50 * minute])
      const every = yield* Timeline.simulate(Period.sliding("1 minute"), { until: "2 minutes", immediate: false })
      assert.deepStrictEqual(Timeline.starts(every), [minute, 2 * minute])
    }))

  it.effect("a schedule of another library sees this time too", () =>
    Effect.gen(function*() {
      const nows: Array<number> = []
      const zoned = Schedule.cron(Cron.parseUnsafe("0 * * * *", "UTC"))
      const seen = Schedule.tap(zoned, () =>
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          assert.strictEqual(yield* Clock.currentTimeNanos, BigInt(now) * 1_000_000n)
          nows.push(now)
        }))
      const timeline = yield* Timeline.simulate(seen, { from: night, until: "2 hours" })
      assert.deepStrictEqual(Timeline.starts(timeline), [0, 50 * minute, 110 * minute])
      assert.deepStrictEqual(
        nows.map((now) => new Date(now).toISOString()),
        ["2026-03-29T00:10:00.000Z", "2026-03-29T01:00:00.000Z", "2026-03-29T02:00:00.000Z"]
      )
    }))

  it.effect("changes nothing where no calendar looks", () =>
    Effect.gen(function*() {
      const jittered = Period.nonSliding("1 second").pipe(Jitter.additive(1 / 3), Limit.within("10 seconds"))
      for (const schedule of [...Object.values(schedules), jittered]) {
        const options = { work: lengths, until: "20 seconds", random: [0.1, 0.7] } as const
        assert.deepStrictEqual(
          yield* Timeline.simulate(schedule, { ...options, from: night }),
          yield* Timeline.simulate(schedule, options)
        )
      }
    }))
})

describe("Timeline.simulate, with the inputs of the runs", () => {
  type Failure = { readonly _tag: "Throttled"; readonly after?: Duration.Input } | { readonly _tag: "Reset" }
  const throttled: Failure = { _tag: "Throttled" }
  const reset: Failure = { _tag: "Reset" }
  const matched = Retry.match({
    Throttled: Backoff.exponential({ base: "1 second", cap: "1 minute" }),
    Reset: Period.sliding("10 millis")
  })

  it.effect("a list is repeated", () =>
    Effect.gen(function*() {
      const { runs } = yield* Timeline.simulate(matched, {
        work: 100,
        until: "8 seconds",
        input: [throttled, reset, throttled]
      })
      // Throttled 1 s, reset, throttled 2 s, and again: throttled 4 s, reset
      assert.deepStrictEqual(runs.map(({ start }) => start), [0, 1100, 1210, 3310, 7410, 7520])
    }))

  it.effect("a function takes the number of the run, and is called once for each", () =>
    Effect.gen(function*() {
      const numbers: Array<number> = []
      const counted = Period.sliding("1 second").pipe(
        Schedule.setInputType<number>(),
        Schedule.while(({ input }) => input < 3)
      )
      const timeline = yield* Timeline.simulate(counted, {
        until: "1 minute",
        input: (run) => {
          numbers.push(run)
          return run
        }
      })
      assert.deepStrictEqual(timeline, {
        runs: [0, 1000, 2000, 3000].map((start) => ({ start, end: start })),
        outcome: "done"
      })
      assert.deepStrictEqual(numbers, [0, 1, 2, 3])
    }))

  it.effect("a hint comes from the error", () =>
    Effect.gen(function*() {
      const hinted = Period.sliding("1 second").pipe(
        Retry.hint((error: { readonly after?: Duration.Input }) => Option.fromUndefinedOr(error.after), { max: 10_000 })
      )
      const timeline = yield* Timeline.simulate(hinted, {
        until: "1 minute",
        input: [{ after: "3 seconds" }, {}, { after: 10_001 }]
      })
      assert.deepStrictEqual([Timeline.starts(timeline), timeline.outcome], [[0, 3000, 4000], "done"])
    }))

  const errors = [throttled, throttled, reset, reset, throttled, reset]
  const drivers: Record<string, <R>(attempt: Effect.Effect<void, Failure, R>) => Effect.Effect<void, unknown, R>> = {
    "Retry.run": (attempt) => Effect.asVoid(Retry.run(attempt, matched)),
    "Effect.retry": (attempt) => Effect.retry(attempt, matched)
  }
  for (const [name, retry] of Object.entries(drivers)) {
    it.effect(`tells what ${name} does`, () =>
      Effect.gen(function*() {
        const looped = makeWork(200)
        let run = 0
        const attempt = Effect.andThen(looped.run, Effect.suspend(() => Effect.fail(errors[run++ % errors.length]!)))
        yield* observe(retry(attempt), "20 seconds")
        const { runs } = yield* Timeline.simulate(matched, { work: 200, until: "20 seconds", input: errors })
        assert.isAtLeast(runs.length, 8)
        assert.deepStrictEqual(runs.map(({ start }) => start), looped.starts)
      }))
  }

  it.effect("a schedule that takes undefined gets undefined", () =>
    Effect.gen(function*() {
      const inputs: Array<unknown> = []
      const seen = Schedule.tap(Period.sliding(1000), ({ input }) => Effect.sync(() => inputs.push(input)))
      yield* Timeline.simulate(seen, { until: "2 seconds" })
      yield* Timeline.simulate(seen, { until: "2 seconds", input: ["a", undefined] })
      assert.deepStrictEqual(inputs, [undefined, undefined, undefined, "a", undefined, "a"])
    }))
})

describe("Timeline, as a value", () => {
  const timeline: Timeline.Timeline = {
    runs: [{ start: 0, end: 400 }, { start: 1400, end: 1500 }, { start: 2000, end: 2000 }],
    outcome: "done"
  }

  it("has starts, ends and delays", () => {
    assert.deepStrictEqual(Timeline.starts(timeline), [0, 1400, 2000])
    assert.deepStrictEqual(Timeline.ends(timeline), [400, 1500, 2000])
    assert.deepStrictEqual(Timeline.delays(timeline), [1000, 500])
  })

  it("tells how late its runs were, as far as both go", () => {
    const planned: Timeline.Timeline = { runs: [{ start: 0, end: 0 }, { start: 1401, end: 0 }], outcome: "cut" }
    assert.deepStrictEqual(Timeline.lateness(timeline, planned), [0, -1])
    assert.deepStrictEqual(Timeline.lateness(planned, timeline), [0, 1])
  })

  it("equals another with the same runs and outcome, to the microsecond", () => {
    const moved = (by: number): Timeline.Timeline => ({
      ...timeline,
      runs: timeline.runs.map((run, i) => i === 1 ? { start: run.start, end: run.end + by } : run)
    })
    assert.isTrue(Timeline.equals(timeline, moved(0.0005)))
    assert.isFalse(Timeline.equals(timeline, moved(0.002)))
    assert.isTrue(Timeline.equals(timeline, moved(0.002), { tolerance: 0.01 }))
    assert.isFalse(Timeline.equals(timeline, { ...timeline, outcome: "cut" }))
    assert.isFalse(Timeline.equals(timeline, { ...timeline, runs: timeline.runs.slice(1) }))
  })

  it("is made from a trace", () => {
    const trace = { starts: [0, 1400, 2000], ends: [400, 1500, 2000] }
    assert.deepStrictEqual(Timeline.fromTrace({ ...trace, outcome: "returned" }), timeline)
    assert.deepStrictEqual(Timeline.fromTrace({ ...trace, outcome: "done" }), timeline)
    for (const outcome of ["error", "timeout", "canceled", "deadline"]) {
      assert.deepStrictEqual(Timeline.fromTrace({ ...trace, outcome }), { ...timeline, outcome: "failed" })
    }
    assert.deepStrictEqual(Timeline.fromTrace({ starts: [5], ends: [], outcome: "done" }).runs, [{ start: 5, end: 5 }])
  })

  it("is drawn as SVG, the same text each time", () => {
    const svg = Timeline.toSvg({ "a < b": timeline, other: { runs: [], outcome: "cut" } }, { width: 400 })
    assert.strictEqual(Timeline.toSvg({ "a < b": timeline, other: { runs: [], outcome: "cut" } }, { width: 400 }), svg)
    const rects = [...svg.matchAll(/<rect class="run" x="([\d.]+)" y="\d+" width="([\d.]+)"/g)].map(([, x, width]) => [
      Number(x),
      Number(width)
    ])
    const margin = 16 + 37
    const scale = (400 - margin - 24) / 2000
    const expected = [[0, 400], [1400, 100], [2000, 0]].map(([start, length]) => [
      margin + start! * scale,
      Math.max(2, length! * scale)
    ])
    assert.deepStrictEqual(rects, expected.map((pair) => pair.map((n) => Number(n.toFixed(2)))))
    assert.include(svg, "a &lt; b")
    assert.include(svg, ">500ms<")
  })

  it("is drawn as SVG with room for its longest name, of which a character is 7.22 wide", () => {
    const svg = Timeline.toSvg({ short: timeline, ["x".repeat(40)]: timeline })
    const [, begin] = /<rect class="run" x="([\d.]+)"/.exec(svg)!
    assert.strictEqual(Number(begin), 306)
    assert.isTrue(8 + 40 * 7.22 < 306)
  })
})

describe("Timeline.render", () => {
  it.effect("draws runs and waits over an axis of time", () =>
    Effect.gen(function*() {
      const draw = (schedule: Schedule.Schedule<unknown>) =>
        Timeline.simulate(schedule, { work: 400, until: "3 seconds" })
      const picture = Timeline.render({
        sliding: yield* draw(Period.sliding("1 second")),
        nonSliding: yield* draw(Period.nonSliding("1 second")),
        three: yield* draw(Period.nonSliding("500 millis").pipe(Limit.attempts(3)))
      }, { width: 40 })
      assert.strictEqual(
        picture,
        [
          "sliding    [==]..........[==]..........[==]...",
          "nonSliding [==]......[==]......[==]......[==].",
          "three      [==].[==].[==]",
          "           0         1s        2s        3s"
        ].join("\n")
      )
    }))

  it("draws a run of no length as a stroke, and several in one column as a #", () => {
    const runs = [0, 500, 510, 1000].map((start) => ({ start, end: start }))
    assert.strictEqual(
      Timeline.render({ runs, outcome: "done" }, { width: 20 }),
      ["|.......#.......|", "0       500ms   1s"].join("\n")
    )
  })

  it("draws very many runs", () => {
    const runs = Array.from({ length: 300_000 }, (_, i) => ({ start: i, end: i }))
    assert.strictEqual(Timeline.render({ runs, outcome: "done" }, { width: 40 }).split("\n")[0]?.length, 38)
    assert.include(Timeline.toSvg({ a: { runs: runs.slice(0, 10), outcome: "done" } }), "</svg>")
  })

  it("draws no runs at all", () => {
    assert.strictEqual(Timeline.render({ runs: [], outcome: "done" }, { width: 10 }), "\n0")
  })

  it("has an axis of round times", () => {
    const axis = (minutes: number) => {
      const end = minutes * 60_000
      return Timeline.render({ runs: [{ start: end, end }], outcome: "cut" }, { width: 60 }).split("\n")[1]
    }
    assert.deepStrictEqual([1.5, 2.5, 180, 1000, 100_000].map(axis), [
      "0         20s       40s       1m        1m20s",
      "0         30s       1m        1m30s     2m        2m30s",
      "0        30m      1h       1h30m    2h       2h30m    3h",
      "0             6h            12h",
      "0          20d         40d        60d"
    ])
  })
})
