/**
 * Grow delays from run to run, and reset them. Go's `wait.Backoff` and `DelayFunc`; AWS' and Polly's decorrelated jitter.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Timeline } from "effect-wait"
 *
 * const options = { until: "6 seconds", random: [0.5] } as const
 * const timelines = Effect.runSync(Effect.all({
 *   exponential: Timeline.simulate(Backoff.exponential({ base: "100 millis", cap: "1 second" }), options),
 *   linear: Timeline.simulate(Backoff.linear({ base: "100 millis", cap: "1 second" }), options),
 *   decorrelated: Timeline.simulate(Backoff.decorrelated({ base: "100 millis", cap: "1 second" }), options)
 * }))
 *
 * console.log(Timeline.render(timelines))
 * ```
 *
 * ```text
 * exponential  ||.|....|.........|............|...........|............|...........|
 * linear       ||.|...|....|.....|.......|........|.........|..........|...........|
 * decorrelated |.|...|.......|..........|...........|............|...........|......
 *              0           1s           2s          3s           4s          5s
 * ```
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { type Combinator, dualOf, restartWhen } from "./internal/delays.ts"
import { fromPolicy, nextDelay, type Policy, step as goStep } from "./internal/goBackoff.ts"
import type { Moment } from "./internal/moment.ts"
import { done, fromPlan } from "./internal/plan.ts"

export type { Policy } from "./internal/goBackoff.ts"

// A schedule whose output is its delay, the last one that it remembers.
const growing = <State extends { delay: number }>(
  start: () => State,
  next: (state: State, at: Moment) => number
): Schedule.Schedule<Duration.Duration> =>
  fromPlan({ timed: false, start, output: ({ delay }: State) => Duration.millis(delay), next })

/**
 * Delays that are multiplied by a factor from run to run: `min(cap, base · factor^n)`.
 *
 * - `base`: the first delay, a finite duration of 0 or more
 * - `factor`: a finite number of 0 or more; default 2
 * - `cap`: the longest delay; Infinity is allowed, but has to be said
 * - output: the delay, before anything above changes it
 *
 * Throws an `IllegalArgumentError` for any other argument.
 *
 * **Gotchas**
 *
 * Without a cap the 20th delay of 100 ms is 14.5 hours.
 *
 * **Example** (A retry with full jitter and five attempts)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Jitter, Limit, Timeline } from "effect-wait"
 *
 * const growing = Backoff.exponential({ base: "100 millis", cap: "30 seconds" })
 * const schedule = growing.pipe(Jitter.full, Limit.attempts(5))
 *
 * Timeline.starts(Effect.runSync(Timeline.simulate(growing, { until: "1.5 seconds" }))) // => [0, 100, 300, 700, 1500]
 * Effect.runSync(Timeline.simulate(schedule, { until: "1 minute" })).runs.length // => 5
 * ```
 *
 * @see {@link resetAfter} for a loop that is healthy again
 * @category constructors
 * @since 0.1.0
 */
export const exponential = (options: {
  readonly base: Duration.Input
  readonly factor?: number | undefined
  readonly cap: Duration.Input
}): Schedule.Schedule<Duration.Duration> => {
  const base = args.finiteDuration("Backoff.exponential: base", options.base)
  const factor = args.number("Backoff.exponential: factor", options.factor ?? 2, 0)
  const cap = args.duration("Backoff.exponential: cap", options.cap)
  return growing(() => ({ delay: 0, upcoming: base }), (state) => {
    const { upcoming } = state
    state.upcoming = upcoming * factor
    return state.delay = Math.min(cap, upcoming)
  })
}

/**
 * Delays that grow by the same amount from run to run: `min(cap, base + n · increment)`.
 *
 * - `base`: the first delay, a finite duration of 0 or more
 * - `increment`: a finite duration of 0 or more; default: the base
 * - `cap`: the longest delay; Infinity is allowed
 * - output: the delay, before anything above changes it
 *
 * Throws an `IllegalArgumentError` for any other argument.
 *
 * **Example** (Half a second more each time)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Timeline } from "effect-wait"
 *
 * const schedule = Backoff.linear({ base: "1 second", increment: "500 millis", cap: "2 seconds" })
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { until: "7 seconds" }))
 *
 * Timeline.starts(timeline) // => [0, 1000, 2500, 4500, 6500]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const linear = (options: {
  readonly base: Duration.Input
  readonly increment?: Duration.Input | undefined
  readonly cap: Duration.Input
}): Schedule.Schedule<Duration.Duration> => {
  const base = args.finiteDuration("Backoff.linear: base", options.base)
  const increment = args.finiteDuration("Backoff.linear: increment", options.increment ?? options.base)
  const cap = args.duration("Backoff.linear: cap", options.cap)
  return growing(() => ({ delay: 0, upcoming: base }), (state) => {
    const { upcoming } = state
    state.upcoming = upcoming + increment
    return state.delay = Math.min(cap, upcoming)
  })
}

/**
 * AWS' decorrelated jitter: each delay is drawn from `base` to three times the last one, `min(cap, U(base, 3 · previous))`.
 * It grows and spreads at once; no other jitter is needed.
 *
 * - `base`: the shortest delay, a finite duration of 0 or more
 * - `cap`: the longest delay; Infinity is allowed
 * - output: the delay, before anything above changes it
 *
 * Throws an `IllegalArgumentError` for any other argument. The source is "Exponential Backoff And Jitter", AWS Architecture
 * Blog; the first `previous` is the base.
 *
 * **Example** (Draws in the middle of their range)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Timeline } from "effect-wait"
 *
 * const schedule = Backoff.decorrelated({ base: "100 millis", cap: "2 seconds" })
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { until: "2 seconds", random: [0.5] }))
 *
 * Timeline.starts(timeline) // => [0, 200, 550, 1125]
 * ```
 *
 * @see {@link decorrelatedV2} for Polly's, whose medians follow the exponential
 * @category constructors
 * @since 0.1.0
 */
export const decorrelated = (options: {
  readonly base: Duration.Input
  readonly cap: Duration.Input
}): Schedule.Schedule<Duration.Duration> => {
  const base = args.finiteDuration("Backoff.decorrelated: base", options.base)
  const cap = args.duration("Backoff.decorrelated: cap", options.cap)
  return growing(() => ({ delay: base }), (state, { random }) => {
    const ceiling = Math.min(3 * state.delay, Number.MAX_VALUE)
    return state.delay = Math.min(cap, base + (ceiling - base) * random.nextDoubleUnsafe())
  })
}

/**
 * Polly's `DecorrelatedJitterBackoffV2`: delays that are spread smoothly around an exponential, with a median first delay
 * near `median`.
 *
 * - `median`: a finite duration longer than 0; Polly's base delay
 * - `cap`: the longest delay; Infinity is allowed
 * - output: the delay, before anything above changes it
 *
 * Throws an `IllegalArgumentError` for any other argument. With `t = attempt + U`, it is
 * `(2^t · tanh(√(4t)) - the same of the last attempt) · median / 1.4`.
 *
 * **Example** (Draws in the middle of their range)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Timeline } from "effect-wait"
 *
 * const schedule = Backoff.decorrelatedV2({ median: "1 second", cap: "30 seconds" })
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { until: "9 seconds", random: [0.5] }))
 *
 * Timeline.starts(timeline).map(Math.round) // => [0, 897, 1990, 4026, 8072]
 * ```
 *
 * @see {@link decorrelated} for AWS'
 * @category constructors
 * @since 0.1.0
 */
export const decorrelatedV2 = (options: {
  readonly median: Duration.Input
  readonly cap: Duration.Input
}): Schedule.Schedule<Duration.Duration> => {
  const median = args.positiveDuration("Backoff.decorrelatedV2: median", options.median)
  const cap = args.duration("Backoff.decorrelatedV2: cap", options.cap)
  return growing(() => ({ delay: 0, attempt: 0, reached: 0 }), (state, { random }) => {
    const { attempt, reached } = state
    const t = attempt + random.nextDoubleUnsafe()
    // It has grown past all numbers.
    if (reached === Infinity) return state.delay = cap
    state.attempt = attempt + 1
    state.reached = 2 ** t * Math.tanh(Math.sqrt(4 * t))
    return state.delay = Math.min(cap, (state.reached - reached) * (1 / 1.4) * median)
  })
}

/**
 * A literal list of delays. The schedule is done after the last one.
 *
 * - `delays`: durations of 0 or more
 * - output: the delay, before anything above changes it
 *
 * Throws an `IllegalArgumentError` that names the place of a bad delay.
 *
 * **Example** (Three retries)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Timeline } from "effect-wait"
 *
 * const schedule = Backoff.fromDelays(["100 millis", "1 second", "10 seconds"])
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { until: "1 minute" }))
 *
 * Timeline.starts(timeline) // => [0, 100, 1100, 11100]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromDelays = (delays: Iterable<Duration.Input>): Schedule.Schedule<Duration.Duration> => {
  const list = Array.from(
    args.iterable("Backoff.fromDelays: delays", delays),
    (delay, i) => args.duration(`Backoff.fromDelays: delays[${i}]`, delay)
  )
  return growing(() => ({ delay: 0, i: 0 }), (state) => {
    const delay = list[state.i++]
    return delay === undefined ? done : state.delay = delay
  })
}

/**
 * Go's `Backoff.DelayFunc`: growth ends after `steps`, or at `cap`, and the last delay goes on for ever.
 *
 * - `policy`: plain data, see {@link Policy}; the Schema in `effect-wait/Policy` reads it from a document
 * - output: the delay, its jitter included
 *
 * Throws an `IllegalArgumentError` that names a bad field.
 *
 * **Gotchas**
 *
 * `steps` bounds the growth here, not the number of runs: add `Limit.attempts` for that. `Wait.exponentialBackoff` takes it for
 * the number of checks, as Go's `ExponentialBackoff` does.
 *
 * **Example** (A policy with a cap)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Timeline } from "effect-wait"
 *
 * const schedule = Backoff.toSchedule({ duration: "1 second", factor: 2, jitter: 0, steps: 3, cap: "3 seconds" })
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { until: "9 seconds" }))
 *
 * Timeline.starts(timeline) // => [0, 1000, 3000, 6000, 9000]
 * ```
 *
 * @category conversions
 * @since 0.1.0
 */
export const toSchedule = (policy: Policy): Schedule.Schedule<Duration.Duration> => {
  const backoff = fromPolicy("Backoff.toSchedule", policy)
  return growing(() => ({ delay: 0, backoff }), nextDelay)
}

/**
 * Go's `Backoff.Step`: the delay of one step, and the policy of the next one. A pure function: the policy is not changed, and the
 * caller draws the random number.
 *
 * - `policy`: plain data, see {@link Policy}
 * - `draw`: a number from 0 up to, but not including, 1. It places the delay in `duration .. duration + jitter·duration`;
 *   without a jitter it changes nothing
 * - `delay`: in whole nanoseconds
 * - `next`: its `duration` is multiplied by `factor`, and it has one of the `steps` less. A growth that passes the `cap` stops
 *   there, with no steps left
 *
 * Throws an `IllegalArgumentError` that names a bad field, or a bad draw. The source is `Backoff.Step` in Go's `backoff.go`; the
 * delay and the growth are truncated to nanoseconds as there. Where Go overflows, after 292 years, this stops at the largest number.
 *
 * **Example** (Delays of 1 to 3 seconds)
 *
 * ```ts
 * import { Duration } from "effect"
 * import { Backoff } from "effect-wait"
 *
 * let policy: Backoff.Policy = { duration: "1 second", factor: 2, jitter: 0.5, steps: 5, cap: "3 seconds" }
 * const delays = [0, 0.5, 0.25].map((draw) => {
 *   const [delay, next] = Backoff.step(policy, draw)
 *   policy = next
 *   return Duration.toMillis(delay)
 * })
 *
 * delays // => [1000, 2500, 3375]
 * policy.steps // => 0
 * ```
 *
 * @see {@link toSchedule} for a schedule, which takes its draws from `Random`
 * @category conversions
 * @since 0.1.0
 */
export const step = (
  policy: Policy,
  draw: number
): readonly [delay: Duration.Duration, next: Policy] => {
  const backoff = fromPolicy("Backoff.step", policy)
  const [delay, { nanos, steps }] = goStep(backoff, args.draw("Backoff.step: draw", draw))
  return [Duration.nanos(BigInt(delay)), { ...policy, duration: Duration.nanos(BigInt(nanos)), steps }]
}

/**
 * The schedule begins afresh after a run that lasted longer than `healthy`: what worked for a while has recovered.
 *
 * - `healthy`: a duration of 0 or more, from the moment that the run started
 *
 * Throws an `IllegalArgumentError` for one that is negative or NaN.
 *
 * **Details**
 *
 * It resets everything below it, limits included, and nothing above: put it after what grows, and before
 * `Limit.attempts` and `Limit.within`. The run that lasted long counts as the first of the new beginning.
 *
 * **Example** (A connection that holds for an hour)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Timeline } from "effect-wait"
 *
 * const schedule = Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Backoff.resetAfter("2 minutes"))
 * const connection = (run: number) => run === 3 ? "1 hour" : 0
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { work: connection, until: "61 minutes" }))
 *
 * Timeline.starts(timeline).slice(0, 6) // => [0, 1000, 3000, 7000, 3608000, 3610000]
 * ```
 *
 * @see `Wait.exponentialBackoffManager` and `Wait.delayWithReset` for Go's two rules
 * @category combinators
 * @since 0.1.0
 */
export const resetAfter: {
  <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>,
    healthy: Duration.Input
  ): Schedule.Schedule<Output, Input, E, R>
  (healthy: Duration.Input): Combinator
} = dualOf((healthy: Duration.Input) => {
  const millis = args.duration("Backoff.resetAfter: healthy", healthy)
  return (self) => restartWhen(self, (at) => (at.ended ?? at.now) - at.start > millis)
})
