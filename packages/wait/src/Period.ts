/**
 * What a delay is measured from: the end of the run, its start, a clock's ticks or a calendar. Go's `sliding`,
 * `time.Timer` and `time.Ticker`.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period, Timeline } from "effect-wait"
 *
 * const runsOf400ms = { work: 400, until: "5 seconds" } as const
 * const growing = { work: (run: number) => 400 * (run + 1), until: "5 seconds" } as const
 * const oneLongRun = { work: (run: number) => run === 0 ? 1500 : 100, until: "5 seconds" } as const
 * const timelines = Effect.runSync(Effect.all({
 *   sliding: Timeline.simulate(Period.sliding("1 second"), runsOf400ms),
 *   nonSliding: Timeline.simulate(Period.nonSliding("1 second"), runsOf400ms),
 *   "nonSliding, runs that grow": Timeline.simulate(Period.nonSliding("1 second"), growing),
 *   "ticker, one": Timeline.simulate(Period.ticker("1 second"), oneLongRun),
 *   "ticker, skip": Timeline.simulate(Period.ticker("1 second", { missed: "skip" }), oneLongRun)
 * }))
 *
 * console.log(Timeline.render(timelines, { width: 70 }))
 * ```
 *
 * ```text
 * sliding                    [==]..........[==]..........[==]..........[==].......................
 * nonSliding                 [==]......[==]......[==]......[==]......[==]......[==]...............
 * nonSliding, runs that grow [==]......[======]..[==========][==============][==================].
 * ticker, one                [=============]|....|.........|.........|.........|..................
 * ticker, skip               [=============].....|.........|.........|.........|..................
 *                            0         1s        2s        3s        4s        5s        6s
 * ```
 *
 * @since 0.1.0
 */
import * as Cron from "effect/Cron"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { planOfSelf } from "./internal/delays.ts"
import { earlyWake, type Moment } from "./internal/moment.ts"
import { fromPlan } from "./internal/plan.ts"

// A schedule that puts out the number of runs that came before, from 0.
const counting = (
  delay: number,
  since?: (state: unknown, at: Moment, delay: number) => number
): Schedule.Schedule<number> =>
  fromPlan<number, unknown, never, never, { runs: number }>({
    timed: since !== undefined,
    start: () => ({ runs: -1 }),
    output: ({ runs }) => runs,
    next(state) {
      state.runs++
      return delay
    },
    since
  })

/**
 * The delay starts when the run ends: a Go `Timer` that is reset after `f`. It is `Schedule.spaced` by its Go name.
 *
 * - `period`: a duration of 0 or more; Infinity waits for ever
 * - output: the number of runs before this one, from 0
 *
 * Throws an `IllegalArgumentError` for a period that is negative or NaN.
 *
 * **Example** (Runs of 400 ms)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period, Timeline } from "effect-wait"
 *
 * const timeline = Effect.runSync(
 *   Timeline.simulate(Period.sliding("1 second"), { work: 400, until: "4 seconds" })
 * )
 *
 * Timeline.starts(timeline) // => [0, 1400, 2800]
 * ```
 *
 * @see {@link nonSliding} for a delay that starts when the run starts
 * @category constructors
 * @since 0.1.0
 */
export const sliding = (period: Duration.Input): Schedule.Schedule<number> => {
  const millis = args.duration("Period.sliding: period", period)
  return counting(millis)
}

// The delay starts when the run was due, so that wakes which are a little early or late do not add up. An early wake gives back
// what it took, and no more. A run that was late by a whole delay starts a new one, and so does one that was triggered.
const sinceStart = (_: unknown, { due, now, start }: Moment, delay: number): number =>
  Math.max(now - (start - due < delay && due - start <= earlyWake ? due : start), -earlyWake)

/**
 * The delay starts when the run starts: a Go `Timer` that is reset before `f`. A run that takes longer than the period is
 * followed at once.
 *
 * - `period`: a duration of 0 or more; Infinity waits for ever
 * - output: the number of runs before this one, from 0
 *
 * Throws an `IllegalArgumentError` for a period that is negative or NaN.
 *
 * **Details**
 *
 * The delay is `max(0, start + period - now)`. The start is when the run was due, so that timers which wake a little early
 * or late do not add up. It is never longer than the period and the 2 ms by which a timer may wake early: under Effect's own
 * drivers, a wall clock that is set back costs one period at most.
 *
 * **Example** (Runs that overrun)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period, Timeline } from "effect-wait"
 *
 * const lengths = [400, 800, 1200, 1600, 2000]
 * const timeline = Effect.runSync(
 *   Timeline.simulate(Period.nonSliding("1 second"), { work: (run) => lengths[run] ?? 0, until: "5 seconds" })
 * )
 *
 * Timeline.starts(timeline) // => [0, 1000, 2000, 3200, 4800]
 * ```
 *
 * @see {@link ticker} for slots that an overrun does not shift
 * @see {@link fromStart} for any other schedule, measured from the start
 * @category constructors
 * @since 0.1.0
 */
export const nonSliding = (period: Duration.Input): Schedule.Schedule<number> => {
  const millis = args.duration("Period.nonSliding: period", period)
  return counting(millis, sinceStart)
}

/**
 * Measures any schedule's delays from the start of the run.
 *
 * Jitter, caps and growth work on the whole delay, before it and after it in the pipe. A `Period.ticker` or `Period.cron` keeps its
 * slots.
 *
 * **Example** (A jittered, non-sliding period: Go's `JitterUntil` with `sliding` false)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Jitter, Period, Timeline } from "effect-wait"
 *
 * const schedule = Period.sliding("1 second").pipe(Jitter.additive(0.2), Period.fromStart)
 * const timeline = Effect.runSync(
 *   Timeline.simulate(schedule, { work: 400, until: "3 seconds", random: [0.5] })
 * )
 *
 * Timeline.starts(timeline) // => [0, 1100, 2200]
 * ```
 *
 * @see {@link nonSliding} for a plain period
 * @category combinators
 * @since 0.1.0
 */
export const fromStart = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>
): Schedule.Schedule<Output, Input, E, R> => {
  const plan = planOfSelf(self)
  return plan.isGrid ? self : fromPlan({ ...plan, timed: true, since: sinceStart })
}

/**
 * Slots at fixed intervals from the first start on: a Go `Ticker`. No slot is served twice, even when a timer wakes early.
 *
 * - `interval`: a finite duration longer than 0
 * - `missed`: what becomes of slots that pass during a run. `"one"`, the default, as in Go: one run at once for all of them.
 *   `"skip"`: none, the next run waits for the next slot. `"all"`: one run at once for each of them, oldest first
 * - output: the number of the slot that comes next; a gap tells how many were missed
 *
 * Throws an `IllegalArgumentError` for an interval that is 0, negative, infinite or NaN.
 *
 * **Example** (A run of 1.5 s, then runs of 100 ms)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period, Timeline } from "effect-wait"
 *
 * const starts = (missed: "one" | "skip") =>
 *   Timeline.starts(Effect.runSync(
 *     Timeline.simulate(Period.ticker("1 second", { missed }), {
 *       work: (run) => run === 0 ? 1500 : 100,
 *       until: "4 seconds"
 *     })
 *   ))
 *
 * starts("one") // => [0, 1500, 2000, 3000, 4000]
 * starts("skip") // => [0, 2000, 3000, 4000]
 * ```
 *
 * @see {@link nonSliding} for a period that an overrun shifts
 * @see {@link cron} for slots of a calendar
 * @category constructors
 * @since 0.1.0
 */
export const ticker = (
  interval: Duration.Input,
  options?: { readonly missed?: "skip" | "one" | "all" | undefined }
): Schedule.Schedule<number> => {
  const millis = args.positiveDuration("Period.ticker: interval", interval)
  const missed = args.oneOf("Period.ticker: missed", args.options("Period.ticker: options", options)?.missed ?? "one", [
    "skip",
    "one",
    "all"
  ])
  return fromPlan({
    timed: true,
    isGrid: true,
    start: ({ first }) => ({ first, slot: 0 }), // the slot that comes next; the first run is slot 0
    output: ({ slot }) => slot,
    next(state, at) {
      const { due, isExtra, now, start } = at
      const before = isExtra ? state.slot - 1 : state.slot
      // A run that started late serves the slots that passed before it started.
      const late = isExtra || start <= due || missed === "all" ? 0 : Math.floor((start - due) / millis)
      const passed = (now - state.first) / millis
      const latest = missed === "one" ? Math.floor(passed) : missed === "skip" ? Math.ceil(passed) : 0
      state.slot = Math.max(before + late + 1, latest)
      const skipped = state.slot - before - 1
      if (skipped > 0) at.miss(() => skipped)
      return millis
    },
    again(state, at) {
      const { first, slot } = state
      state.slot = Math.max(slot, Math.ceil((at.now - first) / millis))
      at.miss(() => state.slot - slot)
      return first + state.slot * millis - at.now
    },
    since: ({ first, slot }, { now }) => now - first - (slot - 1) * millis
  })
}

const threeHours = 3 * 60 * 60 * 1000

// Whether the minute or the hour is a wildcard.
const isByTheClock = (expression: string): boolean =>
  expression.trim().split(/\s+/).slice(-5, -3).some((field) => field.startsWith("*"))

// How many slots lie after one time and not after another. Counting ends at 1,000, since each takes a while.
const slotsBetween = (calendar: Cron.Cron, after: number, until: number): number => {
  let slots = 0
  let slot = after
  while (slots < 1000 && slot < until) {
    slot = Cron.next(calendar, slot).getTime()
    if (slot <= until) slots++
  }
  return slots
}

/**
 * The slots of a calendar. No slot is served twice, even when the timer wakes early; slots that pass during a run are
 * skipped.
 *
 * - `expression`: five or six fields, seconds first where there are six, or a `Cron` that was parsed before
 * - `timeZone`: the zone of a string; default: the zone of the machine
 * - output: the number of runs before this one, from 0
 *
 * An expression or a zone that cannot be parsed, or an expression that no date ever matches, fails with a `CronParseError`
 * when the schedule is first asked.
 *
 * **Details**
 *
 * In the hour that daylight saving time repeats, a time of day such as `30 2 * * *` comes once, and what has a `*` for the minute or
 * the hour goes on. In the hour that it leaves out, a time of day comes an hour later. That is the rule of Vixie cron. A `Cron` says
 * itself what it does, by its `onDstOverlap`.
 *
 * **Gotchas**
 *
 * It looks at the wall clock. When that is set back by up to three hours, slots that were served are not served again; when
 * it is set back by more, it counts as having been wrong before. That is the rule of Vixie cron.
 *
 * **Example** (Every quarter of an hour)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period, Timeline } from "effect-wait"
 *
 * const timeline = Effect.runSync(
 *   Timeline.simulate(Period.cron("0,15,30,45 * * * *", { timeZone: "UTC" }), {
 *     from: "2026-03-29T04:00:00Z",
 *     work: "1 minute",
 *     until: "45 minutes"
 *   })
 * )
 *
 * Timeline.starts(timeline) // => [0, 900000, 1800000, 2700000]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const cron = (
  expression: string | Cron.Cron,
  options?: { readonly timeZone?: string | DateTime.TimeZone | undefined }
): Schedule.Schedule<number, unknown, Cron.CronParseError> => {
  const parsed = Cron.isCron(expression)
    ? Result.succeed(expression)
    : Cron.parse(expression, options?.timeZone, { onDstOverlap: isByTheClock(expression) ? "both" : "earlier" })
  const matching = Result.flatMap(parsed, (cron) =>
    Result.try({
      try: () => (Cron.next(cron, 0), cron),
      catch: () =>
        new Cron.CronParseError({ message: "No date ever matches the cron expression", input: Cron.format(cron) })
    }))
  if (Result.isFailure(matching)) return Schedule.fromStep(Effect.fail(matching.failure))
  const calendar = matching.success
  return fromPlan({
    timed: true,
    isGrid: true,
    // By the wall clock.
    start: ({ first }) => ({
      first,
      runs: -1,
      served: -Infinity,
      planned: -Infinity,
      before: -Infinity,
      asked: NaN,
      seen: NaN
    }),
    output: ({ runs }) => runs,
    next(state, at) {
      const { first, planned } = state
      const wall = at.wall()
      state.runs++
      if (!at.isExtra) state.served = planned
      // A slot that was served stays served when the timer woke early or the clock was set back a little; a
      // clock that was set back by more than three hours was wrong before (the rule of Vixie cron).
      const known = state.served - wall > threeHours ? -Infinity : state.served
      const allowance = planned === -Infinity ? 0 : earlyWake // the first run is not a timer's
      const reached = wall - (at.now - at.start) + allowance
      const from = Math.max(known, wall, reached)
      at.miss(() => {
        const seen = Number.isNaN(state.seen) ? wall - (at.now - first) : state.seen
        return slotsBetween(calendar, Math.max(state.served, seen), from)
      })
      state.seen = from
      // What was next then is still next, unless the clock was set back or a slot has come.
      if (!(state.asked <= from && from < planned)) {
        state.asked = from
        state.planned = Cron.next(calendar, from).getTime()
        state.before = Cron.prev(calendar, state.planned).getTime()
      }
      return state.planned - state.before
    },
    again(state, at) {
      const wall = at.wall()
      const { planned } = state
      if (planned < wall) {
        const before = wall - 1 // a slot that comes just now is the next one
        at.miss(() => 1 + slotsBetween(calendar, planned, before))
        state.asked = state.seen = before
        state.planned = Cron.next(calendar, before).getTime()
        state.before = Cron.prev(calendar, state.planned).getTime()
      }
      return state.planned - wall
    },
    since: ({ before }, at) => at.wall() - before
  })
}
