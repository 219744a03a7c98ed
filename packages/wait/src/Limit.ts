/**
 * What bounds a schedule: the number of runs, the time since the first start, the longest delay. Go's `Steps`, `Cap` and
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
 * delay(1 s)  |...|......|......[]......|......|......[]......|
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
import { changeDelays, mapDelays } from "./internal/delays.ts"
import { done } from "./internal/plan.ts"

/**
 * `n` runs in all, the first one counted.
 *
 * - `n`: an integer of 1 or more
 *
 * Throws an `IllegalArgumentError` for any other number.
 *
 * **Gotchas**
 *
 * `Effect.schedule` asks a schedule before the first run, and so does a poll that is not immediate: there it is `n - 1` runs.
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
export const attempts = (
  n: number
): <Output, Input, E, R>(self: Schedule.Schedule<Output, Input, E, R>) => Schedule.Schedule<Output, Input, E, R> => {
  args.integer("Limit.attempts: n", n, 1)
  return (self) =>
    changeDelays(self, () => {
      let runs = 0
      return (delay) => ++runs < n ? delay : done
    })
}

/**
 * No delay is longer than `max`. The output and the end of the schedule stay as they are.
 *
 * - `max`: a duration of 0 or more
 *
 * Throws an `IllegalArgumentError` for one that is negative or NaN.
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
export const delay = (
  max: Duration.Input
): <Output, Input, E, R>(self: Schedule.Schedule<Output, Input, E, R>) => Schedule.Schedule<Output, Input, E, R> => {
  const millis = args.duration("Limit.delay: max", max)
  return (self) => mapDelays(self, (delay) => Math.min(delay, millis))
}

/**
 * Ends the schedule `total` after the first start. It decides before a sleep, and never interrupts a run.
 *
 * - `total`: a duration of 0 or more, measured from the first start
 * - `overshoot`: what becomes of a sleep that would end past the limit. `"stop"`, the default: it never begins, and the
 *   schedule is done; one that ends on the limit is allowed. `"truncate"`: it ends on the limit, and the run there is the last
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
export const within = (
  total: Duration.Input,
  options?: { readonly overshoot?: "stop" | "truncate" | undefined }
): <Output, Input, E, R>(self: Schedule.Schedule<Output, Input, E, R>) => Schedule.Schedule<Output, Input, E, R> => {
  const millis = args.duration("Limit.within: total", total)
  const truncate =
    args.oneOf("Limit.within: overshoot", args.options("Limit.within: options", options)?.overshoot ?? "stop", [
      "stop",
      "truncate"
    ]) === "truncate"
  return (self) =>
    changeDelays(self, ({ first }) => (delay, at) => {
      at.expire?.(first + millis)
      const left = millis - ((at.ended ?? at.now) - first)
      if (delay <= left) return delay
      return truncate && left > 0 ? left : done
    }, { timed: true })
}
