/**
 * Random delays, against a thundering herd: many loops that run at the same moment. Go's `wait.Jitter` and the
 * `jitterFactor` arguments; AWS' full and equal jitter.
 *
 * Draws come from Effect's `Random` service, one for each delay. With `Limit.delay` after the jitter, no delay exceeds
 * the limit. With `Limit.delay` before it, delays at the limit vary too.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Jitter, Period, Timeline } from "effect-wait"
 *
 * const draws = { until: "4 seconds", random: [0.1, 0.8, 0.4] } as const
 * const timelines = Effect.runSync(Effect.all({
 *   none: Timeline.simulate(Period.sliding("1 second"), draws),
 *   additive: Timeline.simulate(Period.sliding("1 second").pipe(Jitter.additive(0.5)), draws),
 *   equal: Timeline.simulate(Period.sliding("1 second").pipe(Jitter.equal), draws),
 *   full: Timeline.simulate(Period.sliding("1 second").pipe(Jitter.full), draws)
 * }))
 *
 * console.log(Timeline.render(timelines, { width: 50 }))
 * ```
 *
 * ```text
 * none     |.........|.........|.........|.........|
 * additive |.........|.............|...........|....
 * equal    |....|........|......|.....|........|....
 * full     ||.......|...||.......|...||.......|...||
 *          0         1s        2s        3s        4s
 * ```
 *
 * @since 0.1.0
 */
import { identity } from "effect/Function"
import type * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { type Combinator, dualOf, mapDelays, planOfSelf } from "./internal/delays.ts"

// A delay of Infinity stays as it is: it has no range.
const spread = (min: number, max: number): Combinator => (self) =>
  mapDelays(planOfSelf(self), (delay, { random }) => {
    const draw = random.nextDoubleUnsafe()
    return delay === Infinity ? delay : delay * (min + (max - min) * draw)
  })

/**
 * A delay `d` becomes a random delay in `d .. d + factor·d`: the jitter of Kubernetes.
 *
 * - `factor`: a finite number of 0 or more. With 0 the schedule stays as it is, and nothing is drawn
 *
 * Throws an `IllegalArgumentError` for any other factor.
 *
 * **Gotchas**
 *
 * A factor of 0 is no jitter, as in Go's loops. In Go's bare function `Jitter` a factor of 0 means 1.
 *
 * **Example** (A long, a short and a middle draw)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Jitter, Period, Timeline } from "effect-wait"
 *
 * const schedule = Period.sliding("1 second").pipe(Jitter.additive(0.2))
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { until: "3.5 seconds", random: [0.75, 0, 0.5] }))
 *
 * Timeline.starts(timeline) // => [0, 1150, 2150, 3250]
 * ```
 *
 * @see {@link between} for a range that can shorten delays
 * @category combinators
 * @since 0.1.0
 */
export const additive: {
  <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>,
    factor: number
  ): Schedule.Schedule<Output, Input, E, R>
  (factor: number): Combinator
} = dualOf((factor: number) =>
  args.number("Jitter.additive: factor", factor, 0) === 0 ? identity : spread(1, 1 + factor)
)

/**
 * A delay `d` becomes a random delay in `0 .. d`: AWS' full jitter, which makes the fewest calls under contention. The
 * source is "Exponential Backoff And Jitter", AWS Architecture Blog.
 *
 * **Example** (An exponential backoff with full jitter)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Jitter, Timeline } from "effect-wait"
 *
 * const schedule = Backoff.exponential({ base: "100 millis", cap: "1 second" }).pipe(Jitter.full)
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { until: "1 second", random: [0.5] }))
 *
 * Timeline.starts(timeline) // => [0, 50, 150, 350, 750]
 * ```
 *
 * @see {@link equal} for at least half of each delay
 * @category combinators
 * @since 0.1.0
 */
export const full: <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>
) => Schedule.Schedule<Output, Input, E, R> = spread(0, 1)

/**
 * A delay `d` becomes a random delay in `d/2 .. d`: AWS' equal jitter. The source is "Exponential Backoff And Jitter",
 * AWS Architecture Blog.
 *
 * **Example** (At least half of each delay)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Jitter, Period, Timeline } from "effect-wait"
 *
 * const schedule = Period.sliding("1 second").pipe(Jitter.equal)
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { until: "2 seconds", random: [0, 0.5] }))
 *
 * Timeline.starts(timeline) // => [0, 500, 1250, 1750]
 * ```
 *
 * @see {@link full} for the range from 0
 * @category combinators
 * @since 0.1.0
 */
export const equal: <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>
) => Schedule.Schedule<Output, Input, E, R> = spread(0.5, 1)

/**
 * A delay `d` becomes a random delay in `min·d .. max·d`: the jitter of gRPC (0.8, 1.2), and of Effect's own
 * `Schedule.jittered`.
 *
 * - `min`: a finite number of 0 or more
 * - `max`: a finite number of `min` or more
 *
 * Throws an `IllegalArgumentError` for any other number.
 *
 * **Example** (A quarter more or less)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Jitter, Period, Timeline } from "effect-wait"
 *
 * const schedule = Period.sliding("1 second").pipe(Jitter.between(0.75, 1.25))
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { until: "2 seconds", random: [0, 0.5] }))
 *
 * Timeline.starts(timeline) // => [0, 750, 1750]
 * ```
 *
 * @see {@link additive} for a range that only lengthens delays
 * @category combinators
 * @since 0.1.0
 */
export const between: {
  <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>,
    min: number,
    max: number
  ): Schedule.Schedule<Output, Input, E, R>
  (min: number, max: number): Combinator
} = dualOf((min: number, max: number) =>
  spread(args.number("Jitter.between: min", min, 0), args.number("Jitter.between: max", max, min))
)
