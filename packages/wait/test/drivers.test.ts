/** What drivers other than ours make of the anchors; the table in docs/choosing-a-schedule.md says the same. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Schedule, Stream } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Poll } from "effect-wait"
import { TestClock } from "effect/testing"
import { delaysOf, makeWork, observe, withDraws } from "./support.ts"

type Anchored = Schedule.Schedule<number, unknown>
type Work = Effect.Effect<void>

const schedules = {
  nonSliding: Period.nonSliding("1 second"),
  ticker: Period.ticker("1 second"),
  within: Period.sliding("1 second").pipe(Limit.within(2500)),
  attempts: Period.sliding("1 second").pipe(Limit.attempts(4))
}

const failing = (work: Work) => Effect.andThen(work, Effect.fail("again"))
const afterTwo = (schedule: Anchored) => Schedule.concat(Schedule.recurs(2), schedule)

const concatenated = {
  nonSliding: [0, 400, 800, 2200, 3200],
  ticker: [0, 400, 800, 2200, 3200],
  within: [0, 400, 800, 2200, 3600],
  attempts: [0, 400, 800, 2200, 3600, 5000]
}

const drivers: Record<
  string,
  {
    readonly drive: (work: Work, schedule: Anchored) => Effect.Effect<unknown, unknown>
    readonly starts: Record<keyof typeof schedules, ReadonlyArray<number>>
  }
> = {
  "Loop.run": {
    drive: (work, schedule) => Loop.run(work, schedule),
    starts: { nonSliding: [0, 1000, 2000], ticker: [0, 1000, 2000], within: [0, 1400], attempts: [0, 1400, 2800, 4200] }
  },
  "Effect.repeat": {
    drive: (work, schedule) => Effect.repeat(work, schedule),
    starts: { nonSliding: [0, 1000, 2000], ticker: [0, 1000, 2000], within: [0, 1400], attempts: [0, 1400, 2800, 4200] }
  },
  "Effect.retry": {
    drive: (work, schedule) => Effect.retry(failing(work), schedule),
    starts: { nonSliding: [0, 1000, 2000], ticker: [0, 1000, 2000], within: [0, 1400], attempts: [0, 1400, 2800, 4200] }
  },
  "Stream.fromEffectSchedule": {
    drive: (work, schedule) => Stream.runDrain(Stream.fromEffectSchedule(work, schedule)),
    starts: { nonSliding: [0, 1000, 2000], ticker: [0, 1000, 2000], within: [0, 1400], attempts: [0, 1400, 2800, 4200] }
  },
  // The schedule is asked before the first run.
  "Effect.schedule": {
    drive: (work, schedule) => Effect.schedule(work, schedule),
    starts: {
      nonSliding: [1000, 2000, 3000],
      ticker: [1000, 2000, 3000],
      within: [1000, 2400],
      attempts: [1000, 2400, 3800]
    }
  },
  // The schedule begins at the first failure.
  "Stream.retry": {
    drive: (work, schedule) => Stream.runDrain(Stream.retry(Stream.fromEffect(failing(work)), schedule)),
    starts: {
      nonSliding: [0, 1400, 2400],
      ticker: [0, 1400, 2400],
      within: [0, 1400, 2800],
      attempts: [0, 1400, 2800, 4200]
    }
  },
  // The second schedule begins when the first is done: after the third run. Loop.run cannot tell it more than that.
  "Schedule.concat, under Effect.repeat": {
    drive: (work, schedule) => Effect.repeat(work, afterTwo(schedule)),
    starts: concatenated
  },
  "Schedule.concat, under Loop.run": {
    drive: (work, schedule) => Loop.run(work, afterTwo(schedule)),
    starts: concatenated
  },
  // A check is a run; it never holds here.
  "Poll.until": {
    drive: (work, schedule) => Poll.until(Effect.as(work, false), schedule),
    starts: { nonSliding: [0, 1000, 2000], ticker: [0, 1000, 2000], within: [0, 1400], attempts: [0, 1400, 2800, 4200] }
  }
}

describe("anchors, with runs of 400 ms", () => {
  for (const [name, { drive, starts }] of Object.entries(drivers)) {
    for (const key of ["nonSliding", "ticker", "within", "attempts"] as const) {
      const expected = starts[key]
      const ends = key === "within" || key === "attempts"
      it.effect(`${key} under ${name}`, () =>
        Effect.gen(function*() {
          const work = makeWork(400)
          yield* observe(drive(work.run, schedules[key]), ends ? "1 minute" : expected[expected.length - 1]!)
          assert.deepStrictEqual(work.starts, [...expected])
        }))
    }
  }

  it.effect("inside Schedule.max, what is not the longest is an estimate under Effect.repeat, and exact under ours", () =>
    Effect.gen(function*() {
      // The wakes that the backoff plans are not those that happen: it believes that each run took longer.
      const schedule = Schedule.max([
        Backoff.exponential({ base: 100, cap: "1 hour" }).pipe(Backoff.resetAfter("1 second")),
        Period.sliding("1500 millis")
      ])
      const repeated = makeWork(400)
      yield* observe(Effect.repeat(repeated.run, schedule), 12_000)
      assert.deepStrictEqual(repeated.starts, [0, 1900, 3800, 5700, 7600, 9500, 11_400])
      const looped = makeWork(400)
      yield* observe(Loop.run(looped.run, schedule), 12_000)
      assert.deepStrictEqual(
        looped.starts.map((start) => start - 12_000),
        [0, 1900, 3800, 5700, 7600, 9600]
      )
    }))

  it.effect("inside Schedule.min, a limit in time measures the time that passed", () =>
    Effect.gen(function*() {
      const schedule = Schedule.max([
        Schedule.min([Period.sliding("10 seconds"), Period.sliding("600 millis")]),
        Period.sliding(0).pipe(Limit.within("3 seconds"))
      ])
      for (const repeat of [Effect.repeat(schedule), Loop.run(schedule)]) {
        const begun = yield* Clock.currentTimeMillis
        const work = makeWork(400)
        yield* observe(repeat(work.run), "1 minute")
        assert.deepStrictEqual(work.starts.map((start) => start - begun), [0, 1000, 2000, 3000])
      }
    }))

  it.effect("draws of a schedule that brings its own Random are from that", () =>
    Effect.gen(function*() {
      const jittered = Jitter.full(Period.nonSliding(1000))
      const own = Schedule.fromStep(withDraws(0.5, 0.25)(Schedule.toStep(jittered))).pipe(Schedule.upTo({ times: 4 }))
      for (const repeat of [Effect.repeat(own), Loop.run(own)]) {
        const begun = yield* Clock.currentTimeMillis
        const work = makeWork(100)
        yield* observe(withDraws(0.1)(repeat(work.run)), "1 minute")
        assert.deepStrictEqual(work.starts.map((start) => start - begun), [0, 500, 750, 1250, 1500])
      }
    }))

  it.effect("a loop in the effect that begins a schedule has its own time", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(7000)
      const starts: Array<number> = []
      const note = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now))
      const looks = Effect.repeat(note, Period.ticker("4 seconds").pipe(Limit.within("9 seconds")))
      const begun = Schedule.fromStep(Effect.andThen(looks, Schedule.toStep(Schedule.spaced("1 hour"))))
      const fiber = yield* Effect.forkChild(Loop.run(Effect.void, begun))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(starts, [7000, 11_000, 15_000])
    }))

  it.effect("replayed from now = 0, as PersistedQueue does, `now` is the anchor", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_000_000)
      assert.deepStrictEqual(yield* delaysOf(Period.nonSliding("1 second"), 3), [1000, 1000, 1000])
      assert.deepStrictEqual(yield* delaysOf(Period.ticker("1 second"), 3), [1000, 1000, 1000])
      assert.deepStrictEqual(
        yield* delaysOf(Period.sliding("1 second").pipe(Limit.within("2 seconds")), 2),
        [1000, 1000]
      )
    }))
})
