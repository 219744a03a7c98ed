/** What `Retry.run` takes beside an effect and a schedule. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { RetryExhausted } from "../RetryExhausted.ts"
import type { Picked } from "./which.ts"

/**
 * What `onRetry` is told before a delay.
 *
 * - `error`: of the attempt that failed
 * - `attempt`: its number, from 1
 * - `delay`: until the next attempt
 * - `elapsed`: since the start of the first attempt
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
 * - `while`: which errors are tried again: a predicate, or a list of tags such as `["Busy", "TimeoutError"]`; default: all. Any other
 *   error is the failure as it is. A predicate cannot be an Effect: that is `Schedule.while`
 * - `attemptTimeout`: how long an attempt may take; default: for ever. It is interrupted then, and has failed with a
 *   `Cause.TimeoutError`, which is an error like others. One that cannot be interrupted goes on to its end, and has failed all the same
 * - `budget`: the key of a budget, such as the name of the dependency; the `RetryBudget` in the context is asked before a retry.
 *   Default: none is
 * - `nested`: what to do in an attempt of another `Retry.run`. `"retry"`, the default: retry; then attempts multiply.
 *   `"defer"`: try once, and leave it to the other one, and the account too where both have the same budget
 * - `stop`: ends the retry gracefully: the attempt in flight finishes, a delay ends at once, and one that has completed already allows no
 *   attempt. The failure is a `RetryExhausted` with the reason `Stopped`. Default: the `stop` of the nearest `Loop` whose run this is
 *   ends it in the same way, after a first attempt, and the loop ends as stopped. `"ignore"`: it does not
 * - `onRetry`: runs inside each delay, so that the limits of the schedule hold: a hook that takes longer than the delay puts the attempt
 *   off, or is followed by none
 * - `onGiveUp`: is run before the failure with a `RetryExhausted`, but for one that was stopped
 * - `name`: makes the retry visible, as that of `Loop.run` does a loop; what attempts and hooks log is annotated with `retry`
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
