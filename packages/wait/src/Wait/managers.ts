/** Go's backoff managers, as schedules. */
import * as Duration from "effect/Duration"
import type * as Schedule from "effect/Schedule"
import * as args from "../internal/args.ts"
import { fromPolicy, type GoBackoff, nextDelay, type Policy } from "../internal/goBackoff.ts"
import { fromPlan } from "../internal/plan.ts"

// The policy's delays. They restart at a step when more than `reset` has passed since the last reset, or since the last
// step.
const resettingSchedule = (
  initial: GoBackoff,
  reset: number,
  marks: "reset" | "step"
): Schedule.Schedule<Duration.Duration> =>
  fromPlan({
    timed: true,
    start: ({ first }) => ({ backoff: initial, mark: first, delay: 0 }),
    output: ({ delay }) => Duration.millis(delay),
    next(state, at) {
      const isDue = at.now - state.mark > reset
      if (isDue || marks === "step") state.mark = at.now
      if (isDue) state.backoff = initial
      return nextDelay(state, at)
    }
  })

/**
 * Go's `NewExponentialBackoffManager(initBackoff, maxBackoff, resetDuration, backoffFactor, jitter, clock)`, as a
 * Schedule.
 *
 * - `initial`, `max`: the first and the longest delay, before the jitter; a `max` of 0 is no cap
 * - `reset`: the delays restart when more than this passed between two steps
 * - `factor`: multiplies the delay at each step, 0 or more
 * - `jitter`: each delay `d` is drawn from `d .. d + jitter·d`; 0 or less is no jitter
 * - output: the delay, jitter included
 *
 * Throws an `IllegalArgumentError` that names a bad argument.
 *
 * **Gotchas**
 *
 * The time between two steps includes the delay. With a `reset` of `max` or less the delay therefore never stays at
 * `max`.
 *
 * **Example** (Kubernetes' Reflector, without its jitter)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 *
 * const manager = Wait.exponentialBackoffManager({
 *   initial: "800 millis",
 *   max: "30 seconds",
 *   reset: "2 minutes",
 *   factor: 2,
 *   jitter: 0
 * })
 * const timeline = Effect.runSync(Timeline.simulate(manager, { until: "1 minute" }))
 *
 * Timeline.starts(timeline) // => [0, 800, 2400, 5600, 12000, 24800, 50400]
 * ```
 *
 * @deprecated Go's successor is {@link delayWithReset}. It stops growing after `steps`: Go recommends `max / initial`,
 * rounded up. In new code use `Backoff.exponential` with `Jitter.additive` and `Backoff.resetAfter`: it resets after a
 * long run.
 * @category backoff managers
 * @since 0.1.0
 */
export const exponentialBackoffManager = (options: {
  readonly initial: Duration.Input
  readonly max: Duration.Input
  readonly reset: Duration.Input
  readonly factor: number
  readonly jitter: number
}): Schedule.Schedule<Duration.Duration> => {
  const name = "Wait.exponentialBackoffManager"
  const { factor, initial, jitter, max, reset } = options
  return resettingSchedule(
    fromPolicy(name, {
      duration: args.finiteDuration(`${name}: initial`, initial),
      cap: args.duration(`${name}: max`, max),
      factor,
      jitter,
      steps: 2 ** 31 - 1
    }),
    args.duration(`${name}: reset`, reset),
    "step"
  )
}

/**
 * Go's `Backoff.DelayWithReset(clock, resetInterval)`, as a Schedule: the policy's delays, which restart once `reset`
 * has passed since the last reset.
 *
 * - `policy`: see `Backoff.Policy`
 * - `reset`: a duration of 0 or more; with 0, or a factor of 0, the delay does not grow
 * - output: the delay, jitter included
 *
 * Throws an `IllegalArgumentError` that names a bad argument.
 *
 * **Gotchas**
 *
 * The delays restart by the clock, whether or not the work has recovered.
 *
 * **Example** (A reset every 20 seconds)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 *
 * const policy = { duration: "1 second", factor: 2, jitter: 0, steps: 10, cap: "8 seconds" } as const
 * const timeline = Effect.runSync(
 *   Timeline.simulate(Wait.delayWithReset(policy, "20 seconds"), { until: "27 seconds" })
 * )
 *
 * Timeline.starts(timeline) // => [0, 1000, 3000, 7000, 15000, 23000, 24000, 26000]
 * ```
 *
 * @see `Backoff.resetAfter` for a reset after a long run
 * @category backoff managers
 * @since 0.1.0
 */
export const delayWithReset = (policy: Policy, reset: Duration.Input): Schedule.Schedule<Duration.Duration> => {
  const initial = fromPolicy("Wait.delayWithReset", policy)
  const millis = args.duration("Wait.delayWithReset: reset", reset)
  return initial.factor === 0 || millis === 0
    ? resettingSchedule({ ...initial, factor: 0, steps: 0 }, Infinity, "reset")
    : resettingSchedule(initial, millis, "reset")
}
