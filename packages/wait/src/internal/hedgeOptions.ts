/** What `Retry.hedge` takes beside an effect and a schedule. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Picked } from "./which.ts"

/**
 * The argument of `onHedge`, before an attempt.
 *
 * - `attempt`: the number of the attempt, from 2
 * - `running`: the number of attempts in flight
 * - `error`: the error after which it starts early; none if the delay has passed
 * - `elapsed`: the time since the start of the first attempt
 *
 * @category models
 * @since 0.1.0
 */
export interface Hedging<out E> {
  readonly attempt: number
  readonly running: number
  readonly error: Option.Option<E>
  readonly elapsed: Duration.Duration
}

/**
 * Options of `Retry.hedge`.
 *
 * - `while`: selects the errors after which the other attempts continue, and the next attempt starts: a predicate, or a list of tags such as
 *   `["Busy", "TimeoutError"]`; default: all. Any other error ends the operation, and is its failure, unchanged
 * - `budget`: the key of a budget, such as the name of the dependency. Each attempt except the first withdraws from the `RetryBudget` in the context
 *   when it is due. Default: no budget
 * - `onHedge`: runs before each attempt except the first. The attempt starts after the hook has ended; an answer interrupts the hook
 * - `name`: makes the attempts visible: a span for each, with its number and the reason for its start; metrics of the kind `hedge`; and the
 *   annotation `hedge` on log entries of attempts and hooks
 *
 * @category models
 * @since 0.1.0
 */
export interface HedgeOptions<E, W, Budget, EO = never, RO = never> {
  readonly while?: W | undefined
  readonly name?: string | undefined
  readonly budget?: Budget | undefined
  readonly onHedge?: ((hedging: Hedging<NoInfer<Picked<W, E>>>) => Effect.Effect<unknown, EO, RO>) | undefined
}
