import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Option, Random, Schedule } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Poll, Timeline, Wait } from "effect-wait"
import { TestLoop } from "effect-wait/testing"

const options = { until: "20 seconds" } as const

describe("TestLoop.record", () => {
  const schedules: Record<string, Schedule.Schedule<unknown>> = {
    nonSliding: Period.nonSliding("1 second"),
    ticker: Period.ticker("1 second", { missed: "skip" }),
    jittered: Period.sliding("1 second").pipe(Jitter.additive(0.5)),
    limited: Backoff.exponential({ base: "1 second", cap: "1 hour" }).pipe(Limit.within("9 seconds")),
    "not ours": Schedule.exponential("100 millis")
  }
  for (const [name, schedule] of Object.entries(schedules)) {
    it.effect(`observes what Timeline.simulate tells: ${name}`, () =>
      Effect.gen(function*() {
        const random = [0.25, 0.75]
        const simulated = yield* Timeline.simulate(schedule, { work: 400, until: 20_000, random })
        for (const drive of [Loop.run, Effect.repeat]) {
          const recorded = yield* TestLoop.record(
            (track) => drive(track(Effect.sleep(400)), schedule),
            { ...options, random }
          )
          const last = recorded.outcome === "cut" ? -1 : recorded.runs.length
          assert.isTrue(Timeline.equals(
            { runs: recorded.runs.slice(0, last), outcome: recorded.outcome },
            { runs: simulated.runs.slice(0, last), outcome: simulated.outcome }
          ))
          assert.strictEqual(recorded.runs.length, simulated.runs.length)
        }
      }))
  }

  it.effect("starts at `from` by the wall clock, for calendars, and counts from 0", () =>
    Effect.gen(function*() {
      const schedule = Period.cron("*/20 * * * *", { timeZone: "UTC" }).pipe(Limit.attempts(4))
      const from = "2026-03-29T00:50:00Z"
      const recorded = yield* TestLoop.record(
        (track) =>
          Effect.andThen(
            Clock.currentTimeMillis,
            (first) => Effect.as(Loop.run(track(Effect.sleep("1 minute")), schedule), first)
          ),
        { from, until: "1 day" }
      )
      const starts = [10, 30, 50, 70].map((minutes) => minutes * 60_000)
      assert.deepStrictEqual(recorded, {
        runs: starts.map((start) => ({ start, end: start + 60_000 })),
        outcome: "done",
        exit: Option.some(Exit.succeed(Date.parse(from))),
        endedAt: 71 * 60_000
      })
      const simulated = yield* Timeline.simulate(schedule, { from, work: "1 minute", until: "1 day" })
      assert.isTrue(Timeline.equals(recorded, simulated))
    }))

  it.effect("tells how and when a loop ended", () =>
    Effect.gen(function*() {
      const done = yield* TestLoop.record(
        (track) => Wait.until(track(Effect.void), { period: "1 second", stop: Effect.sleep("2.5 seconds") }),
        options
      )
      assert.deepStrictEqual([done.outcome, done.exit, done.endedAt], ["done", Option.some(Exit.void), 2500])
      assert.deepStrictEqual(Timeline.starts(done), [0, 1000, 2000])

      const failed = yield* TestLoop.record(
        (track) => Loop.run(track(Effect.delay(Effect.fail("broken"), 300)), Period.sliding(1)),
        options
      )
      assert.deepStrictEqual([failed.outcome, failed.exit, failed.endedAt], [
        "failed",
        Option.some(Exit.fail("broken")),
        300
      ])
      assert.deepStrictEqual(failed.runs, [{ start: 0, end: 300 }])

      const cut = yield* TestLoop.record(
        (track) => Loop.run(track(Effect.sleep("15 seconds")), Period.sliding(0)),
        options
      )
      assert.deepStrictEqual([cut.outcome, cut.exit, cut.endedAt], ["cut", Option.none(), 20_000])
      assert.deepStrictEqual(cut.runs, [{ start: 0, end: 15_000 }, { start: 15_000, end: 20_000 }])
    }))

  it.effect("records only what is tracked, from anywhere in the loop", () =>
    Effect.gen(function*() {
      const recorded = yield* TestLoop.record(
        (track) => {
          let checks = 0
          return Poll.until(
            Effect.suspend(() => Effect.as(track(Effect.sleep(100)), ++checks === 3)),
            Period.sliding(200)
          )
        },
        options
      )
      assert.deepStrictEqual(recorded.runs, [
        { start: 0, end: 100 },
        { start: 300, end: 400 },
        { start: 600, end: 700 }
      ])
    }))

  it.effect("has a clock of its own, and no fiber outlives it", () =>
    Effect.gen(function*() {
      let interrupted = false
      const work = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          interrupted = true
        }))
      yield* TestLoop.record((track) => track(work), options)
      assert.isTrue(interrupted)
    }))

  it.effect("fails when the loop never sleeps, even one that survives everything", () =>
    Effect.gen(function*() {
      for (const survive of [true, false]) {
        const error = yield* Effect.flip(TestLoop.record((track) => {
          const work = track(Effect.void)
          return Effect.andThen(
            Effect.sleep("1 second"),
            Loop.run(survive ? Loop.survive(work) : work, Period.sliding(0))
          )
        }, options))
        assert.deepStrictEqual([error._tag, error.runs, error.at], ["NeverSleeps", 1000, 1000])
      }
    }))

  const busy = [
    { name: "yields", work: Effect.forEach([1, 2, 3, 4, 5], () => Effect.yieldNow, { discard: true }) },
    { name: "forks", work: Effect.forEach([1, 2, 3], () => Effect.yieldNow, { concurrency: 2, discard: true }) },
    {
      name: "uses up its budget",
      work: Effect.forEach(Array.from({ length: 20_000 }), () => Effect.void, { discard: true })
    }
  ]
  for (const { name, work } of busy) {
    it.effect(`waits for work that ${name} before time passes`, () =>
      Effect.gen(function*() {
        const recorded = yield* TestLoop.record(
          (track) => Loop.run(track(work), Period.sliding("1 second")),
          { until: "3 seconds" }
        )
        assert.deepStrictEqual(Timeline.starts(recorded), [0, 1000, 2000, 3000])
      }))
  }

  it.effect("notices every kind of loop that never sleeps", () =>
    Effect.gen(function*() {
      const loops: ReadonlyArray<(work: Effect.Effect<void>) => Effect.Effect<unknown, unknown>> = [
        (work) => Effect.retry(Effect.andThen(work, Effect.fail("again")), Schedule.forever),
        (work) => Effect.repeat(work, Schedule.spaced(0)),
        (work) => Effect.forever(Effect.andThen(work, Effect.yieldNow)),
        (work) => Loop.run(Effect.andThen(work, busy[1]!.work), Period.sliding(0)),
        (work) => Effect.uninterruptible(Loop.run(work, Period.sliding(0)))
      ]
      for (const loop of loops) {
        const error = yield* Effect.flip(TestLoop.record((track) => loop(track(Effect.void)), options))
        assert.strictEqual(error._tag, "NeverSleeps")
      }
    }))

  it.effect("ends also when the interruption takes its time", () =>
    Effect.gen(function*() {
      const cut = yield* TestLoop.record(
        (track) => Loop.run(track(Effect.uninterruptible(Effect.sleep("10 seconds"))), Period.sliding("1 second")),
        { until: "5 seconds" }
      )
      assert.deepStrictEqual([cut.runs, cut.outcome, cut.endedAt], [[{ start: 0, end: 5000 }], "cut", 5000])
      const slow = yield* TestLoop.record(
        (track) => Effect.ensuring(Loop.run(track(Effect.void), Period.sliding("1 second")), Effect.sleep("1 second")),
        { until: "2 seconds" }
      )
      assert.deepStrictEqual(Timeline.starts(slow), [0, 1000, 2000])
    }))

  it.effect("draws from the Random service, or what it is given", () =>
    Effect.gen(function*() {
      const record = (random?: ReadonlyArray<number>) =>
        TestLoop.record(
          (track) => Loop.run(track(Effect.void), Period.sliding("1 second").pipe(Jitter.full)),
          { until: "3 seconds", random }
        )
      assert.deepStrictEqual(Timeline.starts(yield* record([0.5, 0.25])), [
        0,
        500,
        750,
        1250,
        1500,
        2000,
        2250,
        2750,
        3000
      ])
      const seeded = yield* Random.withSeed(record(), "seed")
      assert.deepStrictEqual(yield* Random.withSeed(record(), "seed"), seeded)
    }))

  for (
    const [argument, bad] of [
      ["until", { until: NaN }],
      ["until", { until: Infinity }],
      ["random[0]", { until: 1, random: [-1] }]
    ] as const
  ) {
    it.effect(`refuses ${argument} by name`, () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(TestLoop.record((track) => track(Effect.void), bad))
        assert.include(String(exit), `TestLoop.record: ${argument} must be`)
      }))
  }
})
