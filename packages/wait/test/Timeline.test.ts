import { assert, describe, it } from "@effect/vitest"
import { Effect, Random, Schedule } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Timeline } from "effect-wait"
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
    }))

  it.effect("fails with the schedule's error", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Timeline.simulate(Period.cron("never"), { until: "1 day" }))
      assert.strictEqual(error._tag, "CronParseError")
    }))
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

  it("draws no runs at all", () => {
    assert.strictEqual(Timeline.render({ runs: [], outcome: "done" }, { width: 10 }), "\n0")
  })
})
