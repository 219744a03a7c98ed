/**
 * Bound retries across calls: a dependency that is down is not retried to death.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"

/**
 * Decides whether a failed attempt may be tried again, from what other calls to the same dependency have seen. `Retry.run` with a
 * `budget` tells it what happens.
 *
 * - `started`: an operation begins, with its first attempt
 * - `failed`: an attempt failed, with an error that may be tried again
 * - `withdraw`: the schedule would try again: whether it may
 * - `succeeded`: an operation succeeded; `retried` is the error of the attempt before, where there was one
 *
 * All are keyed by the dependency: one budget each.
 *
 * @category services
 * @since 0.1.0
 */
export class RetryBudget extends Context.Service<RetryBudget, {
  readonly started: (key: string) => Effect.Effect<void>
  readonly failed: (key: string, error: unknown) => Effect.Effect<void>
  readonly withdraw: (key: string, error: unknown) => Effect.Effect<boolean>
  readonly succeeded: (key: string, retried: Option.Option<unknown>) => Effect.Effect<void>
}>()("effect-wait/RetryBudget") {}
