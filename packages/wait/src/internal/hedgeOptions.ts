/** What `Retry.hedge` takes beside an effect and a schedule. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Picked } from "./which.ts"

/**
 * What `onHedge` is told before an attempt.
 *
 * - `attempt`: its number, from 2
 * - `running`: how many attempts are in flight
 * - `error`: the error because of which it starts before the delay has passed; none when the delay has passed
 * - `elapsed`: since the start of the first attempt
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
 * - `while`: after which errors the others go on, and the next attempt starts: a predicate, or a list of tags such as
 *   `["Busy", "TimeoutError"]`; default: all. Any other error ends the operation, and is its failure as it is
 * - `budget`: the key of a budget, such as the name of the dependency; the `RetryBudget` in the context is asked before each attempt
 *   but the first, when that attempt is due. Default: none is
 * - `onHedge`: runs before each attempt but the first. The attempt starts when the hook has ended; an answer interrupts the hook
 * - `name`: makes the attempts visible: a span for each, with its number and why it started, metrics of the kind `hedge`, and the
 *   annotation `hedge` on what attempts and hooks log
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
