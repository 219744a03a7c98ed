/** The options of `Retry.run`. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { RetryExhausted } from "../RetryExhausted.ts"
import type { Picked } from "./which.ts"

/**
 * A retry before its delay, the input of `onRetry`.
 *
 * - `error`: the error of the failed attempt
 * - `attempt`: the number of that attempt, from 1
 * - `delay`: the delay before the next attempt
 * - `elapsed`: the time since the start of the first attempt
 *
 * @category models
 * @since 0.1.0
 */
export interface Retrying<out E> {
  readonly error: E
  readonly attempt: number
  readonly delay: Duration.Duration
  readonly elapsed: Duration.Duration
}

/**
 * Options of `Retry.run`.
 *
 * - `while`: the errors to retry, as a predicate or a list of tags such as `["Busy", "TimeoutError"]`; default: all.
 *   Any other error is the failure of the retry, unchanged. For a predicate that is an Effect use `Schedule.while`
 * - `attemptTimeout`: the time limit of one attempt; default: none. At the limit the attempt is interrupted, and fails
 *   with a `Cause.TimeoutError`, an error like any other. An uninterruptible attempt runs to its end, and then fails
 * - `budget`: the key of a budget, such as the name of the dependency. The `RetryBudget` in the context can refuse each
 *   retry. Default: no budget
 * - `nested`: the behaviour inside an attempt of another `Retry.run`. `"retry"`, the default: retry, so that attempts
 *   multiply. `"defer"`: make one attempt and let the outer retry decide; with the same budget key only the outer retry
 *   is charged
 * - `stop`: shuts the retry down gracefully. A delay ends at once; an attempt in flight finishes. If `stop` has
 *   completed already, there is no attempt. The failure is a `RetryExhausted` with the reason `Stopped`. Default: the
 *   `stop` of the nearest `Loop` around the retry ends it in the same way, after the first attempt, and the loop ends
 *   as stopped. `"ignore"`: the loop's stop does not end the retry
 * - `onRetry`: a hook inside each delay. If it takes longer than the delay, the attempt is late, or does not start
 *   because a time limit of the schedule has passed
 * - `onGiveUp`: a hook that runs before the failure with a `RetryExhausted`, unless the retry was stopped
 * - `name`: makes the retry visible, as the `name` of `Loop.run` does. Log entries of attempts and hooks are annotated
 *   with `retry`
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E, W, Timeout, Budget, Stop, EO = never, RO = never> {
  readonly while?: W | undefined
  readonly name?: string | undefined
  readonly attemptTimeout?: Timeout | undefined
  readonly budget?: Budget | undefined
  readonly nested?: "retry" | "defer" | undefined
  readonly stop?: Stop | undefined
  readonly onRetry?: ((retrying: Retrying<NoInfer<Picked<W, E>>>) => Effect.Effect<unknown, EO, RO>) | undefined
  readonly onGiveUp?: ((exhausted: RetryExhausted<NoInfer<Picked<W, E>>>) => Effect.Effect<unknown, EO, RO>) | undefined
}
