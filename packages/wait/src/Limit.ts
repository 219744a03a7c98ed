/**
 * Limits of a schedule: the number of runs, the time since the first start, the longest delay. Go's `Steps`, `Cap` and
 * context deadlines.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Limit, Timeline } from "effect-wait"
 *
 * const growing = Backoff.exponential({ base: "500 millis", cap: Infinity })
 * const options = { work: 100, until: "10 seconds" } as const
 * const timelines = Effect.runSync(Effect.all({
 *   "attempts(4)": Timeline.simulate(growing.pipe(Limit.attempts(4)), options),
 *   "delay(1 s)": Timeline.simulate(growing.pipe(Limit.delay("1 second")), { ...options, until: "8 seconds" }),
 *   "within(6 s)": Timeline.simulate(growing.pipe(Limit.within("6 seconds")), options),
 *   truncate: Timeline.simulate(growing.pipe(Limit.within("6 seconds", { overshoot: "truncate" })), options)
 * }))
 *
 * console.log(Timeline.render(timelines, { width: 50 }))
 * ```
 *
 * ```text
 * attempts(4) |...|......|.............|
 * delay(1 s)  |...|......|......|.......|......|......|.......|
 * within(6 s) |...|......|.............|
 * truncate    |...|......|.............|..............|
 *             0            2s           4s            6s
 * ```
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { around, changeDelays, type Combinator, dualOf, mapDelay, mapDelays, planOfSelf } from "./internal/delays.ts"
import { earlyWake, type Moment, rounding, SameMoment } from "./internal/moment.ts"
import { done, type Plan, waitOf } from "./internal/plan.ts"

/**
 * Ends the schedule after `n` runs. The first run counts.
 *
 * - `n`: an integer of 1 or more
 *
 * Throws an `IllegalArgumentError` for any other number.
 *
 * **Gotchas**
 *
 * `Effect.schedule` starts with a delay of the schedule: then there are `n - 1` runs. A loop or a poll with
 * `immediate: false` has `n` runs.
 *
 * **Example** (Three attempts)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Limit, Period, Timeline } from "effect-wait"
 *
 * const schedule = Period.sliding("1 second").pipe(Limit.attempts(3))
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { until: "1 minute" }))
 *
 * Timeline.starts(timeline) // => [0, 1000, 2000]
 * ```
 *
 * @see {@link within} for a limit in time
 * @category combinators
 * @since 0.1.0
 */
export const attempts: {
  <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>,
    n: number
  ): Schedule.Schedule<Output, Input, E, R>
  (n: number): Combinator
} = dualOf((n: number) => {
  args.integer("Limit.attempts: n", n, 1)
  return (self) =>
    changeDelays(self, () => {
      let runs = 0
      return (delay, at) => at.isFirst === true || ++runs < n ? delay : done
    })
})

/**
 * Shortens delays to `max`. The output and the end of the schedule do not change.
 *
 * - `max`: the longest delay, a duration of 0 or more
 *
 * Throws an `IllegalArgumentError` for a duration that is negative or NaN.
 *
 * **Example** (A longest delay for Effect's own exponential)
 *
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { Limit, Timeline } from "effect-wait"
 *
 * const schedule = Schedule.exponential("1 second").pipe(Limit.delay("3 seconds"))
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { until: "10 seconds" }))
 *
 * Timeline.starts(timeline) // => [0, 1000, 3000, 6000, 9000]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const delay: {
  <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>,
    max: Duration.Input
  ): Schedule.Schedule<Output, Input, E, R>
  (max: Duration.Input): Combinator
} = dualOf((max: Duration.Input) => {
  const millis = args.duration("Limit.delay: max", max)
  return (self) => {
    const plan = planOfSelf(self)
    const { floor } = plan
    const capped = floor === undefined ? plan : { ...plan, floor: (state: unknown) => Math.min(floor(state), millis) }
    return plan.isGrid ? addRuns(capped, millis) : mapDelays(capped, (delay) => Math.min(delay, millis))
  }
})

class Extra extends SameMoment {
  override get isExtra(): boolean {
    return true
  }
}

// Adds runs between slots. The slot still has its run.
const addRuns = <Output, Input, E, R>(
  plan: Plan<Output, Input, E, R>,
  millis: number
): Schedule.Schedule<Output, Input, E, R> => {
  const cap = (state: { readonly inner: unknown; hasAdded: boolean }, at: Moment, delay: number): number => {
    const most = millis + (plan.since?.(state.inner, at, delay) ?? 0)
    state.hasAdded = delay > most
    return state.hasAdded ? most : delay
  }
  return around(plan, {
    // The memory of a loop reads `most` too.
    remember: () => ({ hasAdded: false, most: millis }),
    next(state, at, input) {
      const moment = state.hasAdded && !at.isExtra ? new Extra(at) : at
      const delay = plan.next(state.inner, moment, input)
      return typeof delay === "number" && delay >= 0
        ? cap(state, at, delay)
        : mapDelay(delay, (delay) => cap(state, at, delay), at)
    }
  })
}

/**
 * Options of {@link within}.
 *
 * - `overshoot`: the result of a sleep that would end past the limit. `"stop"`, the default: the sleep does not start,
 *   and the schedule is done. `"truncate"`: the sleep ends at the limit, and the run there is the last
 *
 * @category models
 * @since 0.1.0
 */
export interface WithinOptions {
  readonly overshoot?: "stop" | "truncate" | undefined
}

interface Limited {
  readonly limit: number
  left: number
  isCut: boolean
}

/**
 * Ends the schedule `total` after the first start. It decides before a sleep, and never interrupts a run.
 *
 * - `total`: a duration of 0 or more, measured from the first start
 * - `overshoot`: the result of a sleep that would end past the limit. `"stop"`, the default: the sleep does not start,
 *   and the schedule is done; a sleep that ends at the limit starts. `"truncate"`: the sleep ends at the limit, and the
 *   run there is the last
 *
 * Throws an `IllegalArgumentError` for a total that is negative or NaN.
 *
 * **Example** (A sleep that would end at 7 s, and a limit of 5 s)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Limit, Timeline } from "effect-wait"
 *
 * const growing = Backoff.exponential({ base: "1 second", cap: Infinity })
 * const starts = (overshoot: "stop" | "truncate") =>
 *   Timeline.starts(Effect.runSync(
 *     Timeline.simulate(growing.pipe(Limit.within("5 seconds", { overshoot })), { until: "1 minute" })
 *   ))
 *
 * starts("stop") // => [0, 1000, 3000]
 * starts("truncate") // => [0, 1000, 3000, 5000]
 * ```
 *
 * @see {@link attempts} for a limit in runs
 * @category combinators
 * @since 0.1.0
 */
export const within: {
  <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>,
    total: Duration.Input,
    options?: WithinOptions
  ): Schedule.Schedule<Output, Input, E, R>
  (total: Duration.Input, options?: WithinOptions): Combinator
} = dualOf((total: Duration.Input, options?: WithinOptions) => {
  const millis = args.duration("Limit.within: total", total)
  const overshoot = args.options("Limit.within: options", options)?.overshoot ?? "stop"
  const truncates = args.oneOf("Limit.within: overshoot", overshoot, ["stop", "truncate"]) === "truncate"
  // The delay, if the wait for it ends within the limit. Else a delay that ends at the limit, or `done`. The wait starts at `end`.
  const cut = (state: Limited, end: number, wait: number, delay = wait, since = 0): number => {
    const left = state.left = state.limit - end
    // The run after a delay that was cut is the last, even if its timer woke early.
    if (state.isCut && left <= earlyWake) return done
    if (wait <= left + rounding) return delay
    state.isCut = truncates && left > 0
    return state.isCut ? left + since : done
  }
  return (self) => {
    const plan = planOfSelf(self)
    const { floor } = plan
    return around(plan, {
      timed: true,
      remember: ({ first }): Limited => ({ limit: first + millis, left: Infinity, isCut: false }),
      next: (state, at, input) =>
        mapDelay(plan.next(state.inner, at, input), (delay) => {
          at.expire?.(state.limit)
          const since = plan.since?.(state.inner, at, delay)
          return cut(state, at.ended ?? at.now, waitOf(plan, state.inner, at, delay), delay, since)
        }, at),
      again: (state, at) => cut(state, at.now, plan.again?.(state.inner, at) ?? 0),
      floor: floor && (({ inner, left }) => Math.min(floor(inner), left))
    })
  }
})
