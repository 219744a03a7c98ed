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
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { type Calendar, makeCalendar, matchAfter } from "./internal/calendar.ts"
import { cronPlan, failingPlan } from "./internal/cron.ts"
import { parse } from "./internal/crontab.ts"
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
    since,
    period: delay
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
 * - `missed`: how to catch up with slots that pass during a run. `"one"`, the default, as in Go: one run at once for all of them.
 *   `"skip"`: none, the next run waits for the next slot. `"all"`: one run at once for each of them, oldest first
 * - output: the number of the next slot; a gap is the number of missed slots
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
    // The slot that comes next; the first run is slot 0. Slots up to `owed` passed before the loop started, and each has a run.
    start: ({ first }) => ({ first, slot: 0, owed: -1 }),
    output: ({ slot }) => slot,
    next(state, at) {
      const { due, isExtra, now, start } = at
      const before = isExtra ? state.slot - 1 : state.slot
      if (before < state.owed) {
        state.slot = before + 1
        return 0
      }
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
    since: ({ first, slot }, { now }) => now - first - (slot - 1) * millis,
    grid: (state) => ({ millis, state })
  })
}

/**
 * The slots of a calendar, by the rules of cron.
 *
 * - `expression`: five fields (minute, hour, day, month, weekday), six with the second first, or `@yearly`, `@annually`, `@monthly`,
 *   `@weekly`, `@daily`, `@midnight`, `@hourly`. A field is `*`, a value, a range such as `9-17`, one of these with a
 *   step such as `0-59/5`, or a list of them. Months and weekdays have names; Sunday is 0 or 7
 * - `timeZone`: where the times are read, such as `"Europe/Berlin"`; default: the zone of the machine
 * - `missed`: how to catch up with slots that pass during a run. `"skip"`, the default: none of them runs. `"one"`: one run at once for
 *   all of them. `"all"`: one run at once for each of them, the oldest first
 * - output: the number of runs before this one, from 0
 *
 * The schedule fails with a `CronParseError` for an expression or a zone that it cannot read, and for an expression that no date
 * matches. It says what to write instead. It throws an `IllegalArgumentError` for arguments of another type.
 *
 * **Details**
 *
 * In a loop of this library the first run is the first slot, unless `immediate: true`. Under Effect's own drivers it comes at once, as
 * with `Schedule.cron`.
 *
 * Daylight saving time: a fixed time of day, such as `30 2 * * *`, that the clocks skip in spring runs at the end of the gap. If several
 * fixed times are skipped, they are one run; the others count as missed. In the hour that autumn repeats a fixed time runs once. An
 * expression with `*` at the beginning of minute or hour follows the clock: skipped times do not run, repeated times run twice. These
 * are the rules of Vixie cron.
 *
 * When the wall clock is set back by up to three hours, fixed times that have run do not run again, and expressions with `*` go on
 * at once. When it is set back further, it was wrong before: its times run again. When it is set forward, or when the machine was
 * asleep, the slots that have passed are one run, at most a minute late; with `missed: "all"` each of them is a run. For that, the loops,
 * polls and retries of this library look at the wall clock once a minute.
 *
 * **Gotchas**
 *
 * Effect's combinators, such as `Schedule.min`, and Effect's own drivers do not look at the wall clock during a delay. There a step of the
 * wall clock is noticed after the delay.
 *
 * **Example** (Half past two in Berlin, through the night without a half past two)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period, Timeline } from "effect-wait"
 *
 * const schedule = Period.cron("30 2 * * *", { timeZone: "Europe/Berlin" })
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { from: "2026-03-28T00:00Z", until: "3 days" }))
 *
 * Timeline.starts(timeline).map((start) => start / 3_600_000) // => [1.5, 25, 48.5]
 * ```
 *
 * @see {@link ticker} for slots at fixed intervals from the first start on
 * @category constructors
 * @since 0.1.0
 */
export const cron = (
  expression: string,
  options?: {
    readonly timeZone?: string | DateTime.TimeZone | undefined
    readonly missed?: "skip" | "one" | "all" | undefined
  }
): Schedule.Schedule<number, unknown, Cron.CronParseError> => {
  const { missed = "skip", timeZone } = args.options("Period.cron: options", options) ?? {}
  const text = args.text("Period.cron: expression", expression, "a string such as \"0 3 * * *\"")
  const skips = args.oneOf("Period.cron: missed", missed, ["skip", "one", "all"])
  const calendar = Result.flatMap(zoneOf(timeZone), (zone) => calendarOf(text, zone))
  return Result.isFailure(calendar)
    ? fromPlan(failingPlan(Effect.fail(new Cron.CronParseError({ message: calendar.failure, input: text }))))
    : fromPlan(cronPlan(calendar.success, skips))
}

const zoneOf = (
  zone: string | DateTime.TimeZone = DateTime.zoneMakeLocal()
): Result.Result<DateTime.TimeZone, string> => {
  if (DateTime.isTimeZone(zone)) return Result.succeed(zone)
  const name = args.text("Period.cron: timeZone", zone, "the name of a time zone such as \"Europe/Berlin\"")
  return Result.fromOption(
    DateTime.zoneFromString(name),
    () => `no time zone is called "${name}": write a name such as Europe/Berlin or an offset such as +02:00`
  )
}

const calendarOf = (expression: string, zone: DateTime.TimeZone): Result.Result<Calendar, string> =>
  Result.flatMap(
    parse(expression),
    (crontab) =>
      matchAfter(crontab, 0) === Infinity
        ? Result.fail(`no date ever matches: there is no day ${crontab.days} in month ${crontab.months}`)
        : Result.succeed(makeCalendar(crontab, zone))
  )
