/**
 * Delays that grow from run to run, and their reset. Go's `wait.Backoff` and `DelayFunc`; AWS' and Polly's decorrelated
 * jitter.
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

// A schedule whose output is its last delay.
const backoffOf = <State extends { delay: number }>(
  start: () => State,
  next: (state: State, at: Moment) => number
): Schedule.Schedule<Duration.Duration> =>
  fromPlan({ timed: false, start, output: ({ delay }: State) => Duration.millis(delay), next })

/**
 * An exponential backoff: `min(cap, base · factor^n)`.
 *
 * - `base`: the first delay, a finite duration of 0 or more
 * - `factor`: multiplies the delay from run to run, a finite number of 0 or more; default 2
 * - `cap`: the longest delay, required; Infinity is allowed
 * - output: the delay, without the changes of combinators after it
 *
 * Throws an `IllegalArgumentError` that names a bad argument.
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
 * @see {@link resetAfter} to start again after a long run
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
  return backoffOf(() => ({ delay: 0, upcoming: base }), (state) => {
    const { upcoming } = state
    state.upcoming = upcoming * factor
    return state.delay = Math.min(cap, upcoming)
  })
}

/**
 * A linear backoff: `min(cap, base + n · increment)`.
 *
 * - `base`: the first delay, a finite duration of 0 or more
 * - `increment`: the growth from run to run, a finite duration of 0 or more; default: the base
 * - `cap`: the longest delay, required; Infinity is allowed
 * - output: the delay, without the changes of combinators after it
 *
 * Throws an `IllegalArgumentError` that names a bad argument.
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
  return backoffOf(() => ({ delay: 0, upcoming: base }), (state) => {
    const { upcoming } = state
    state.upcoming = upcoming + increment
    return state.delay = Math.min(cap, upcoming)
  })
}

/**
 * AWS' decorrelated jitter: a random delay from `base` to three times the last delay,
 * `min(cap, U(base, 3 · previous))`. It is a backoff with jitter, and needs no other jitter.
 *
 * - `base`: the shortest delay, a finite duration of 0 or more
 * - `cap`: the longest delay, required; Infinity is allowed
 * - output: the delay, without the changes of combinators after it
 *
 * Throws an `IllegalArgumentError` that names a bad argument. The source is "Exponential Backoff And Jitter", AWS
 * Architecture Blog; the first `previous` is the base.
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
 * @see {@link decorrelatedV2} for Polly's jitter, whose medians follow an exponential backoff
 * @category constructors
 * @since 0.1.0
 */
export const decorrelated = (options: {
  readonly base: Duration.Input
  readonly cap: Duration.Input
}): Schedule.Schedule<Duration.Duration> => {
  const base = args.finiteDuration("Backoff.decorrelated: base", options.base)
  const cap = args.duration("Backoff.decorrelated: cap", options.cap)
  return backoffOf(() => ({ delay: base }), (state, { random }) => {
    const ceiling = Math.min(3 * state.delay, Number.MAX_VALUE)
    return state.delay = Math.min(cap, base + (ceiling - base) * random.nextDoubleUnsafe())
  })
}

/**
 * Polly's `DecorrelatedJitterBackoffV2`: random delays around an exponential backoff, without gaps or peaks between
 * them.
 *
 * - `median`: about the median of the first delay, a finite duration longer than 0; Polly's base delay
 * - `cap`: the longest delay, required; Infinity is allowed
 * - output: the delay, without the changes of combinators after it
 *
 * Throws an `IllegalArgumentError` that names a bad argument. With `f(t) = 2^t · tanh(√(4t))` and `t = attempt + U`,
 * the delay is `(f(t) - f(t of the last attempt)) · median / 1.4`.
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
 * @see {@link decorrelated} for AWS' jitter
 * @category constructors
 * @since 0.1.0
 */
export const decorrelatedV2 = (options: {
  readonly median: Duration.Input
  readonly cap: Duration.Input
}): Schedule.Schedule<Duration.Duration> => {
  const median = args.positiveDuration("Backoff.decorrelatedV2: median", options.median)
  const cap = args.duration("Backoff.decorrelatedV2: cap", options.cap)
  return backoffOf(() => ({ delay: 0, attempt: 0, reached: 0 }), (state, { random }) => {
    const { attempt, reached } = state
    const t = attempt + random.nextDoubleUnsafe()
    // The backoff has grown past the largest number.
    if (reached === Infinity) return state.delay = cap
    state.attempt = attempt + 1
    state.reached = 2 ** t * Math.tanh(Math.sqrt(4 * t))
    return state.delay = Math.min(cap, (state.reached - reached) * (1 / 1.4) * median)
  })
}

/**
 * A literal list of delays. The schedule is done after the last delay.
 *
 * - `delays`: durations of 0 or more
 * - output: the delay, without the changes of combinators after it
 *
 * Throws an `IllegalArgumentError` that names a bad delay by its index.
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
  return backoffOf(() => ({ delay: 0, i: 0 }), (state) => {
    const delay = list[state.i++]
    return delay === undefined ? done : state.delay = delay
  })
}

/**
 * Go's `Backoff.DelayFunc`: the delays of a policy. The growth ends after `steps` steps or at `cap`; the last delay
 * then repeats for ever.
 *
 * - `policy`: plain data, see {@link Policy}; the Schema in `effect-wait/Policy` decodes it
 * - output: the delay, with its jitter
 *
 * Throws an `IllegalArgumentError` that names a bad field.
 *
 * **Gotchas**
 *
 * `steps` limits the growth here, and not the number of runs: add `Limit.attempts` for that. In
 * `Wait.exponentialBackoff` it is the number of checks, as in Go's `ExponentialBackoff`.
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
  return backoffOf(() => ({ delay: 0, backoff }), nextDelay)
}

/**
 * Go's `Backoff.Step`: the delay of one step, and the policy of the next step. It is a pure function: it does not
 * change the policy, and the caller passes the random number.
 *
 * - `policy`: plain data, see {@link Policy}
 * - `draw`: a number from 0 up to, but not including, 1. It selects the delay in
 *   `duration .. duration + jitter·duration`; without a jitter it has no effect
 * - `delay`: in whole nanoseconds
 * - `next`: the policy with `duration` multiplied by `factor`, and with one step less. If the duration would pass the
 *   `cap`, it is the `cap`, with no steps left
 *
 * Throws an `IllegalArgumentError` that names a bad field, or a bad draw. The source is `Backoff.Step` in Go's
 * `backoff.go`, which also truncates delays and durations to nanoseconds. Go overflows after 292 years; here the growth
 * stops at the largest number.
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
 * @see {@link toSchedule} for a schedule that draws from `Random`
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
 * The schedule starts again after a run that took longer than `healthy`, such as a connection that was up for an hour.
 *
 * - `healthy`: a duration of 0 or more, measured from the start of the run
 *
 * Throws an `IllegalArgumentError` for a duration that is negative or NaN.
 *
 * **Details**
 *
 * It restarts all combinators before it in the pipe, limits too, and none after it. Put it after the backoff, and
 * before `Limit.attempts` and `Limit.within`. The long run counts as the first run after the restart.
 *
 * **Example** (A connection that is up for an hour)
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
