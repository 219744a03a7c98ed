/**
 * The error of a retry that gave up. client-go's `retry.OnError` returns the last error instead.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import { countIn, describeError, hidden } from "./internal/describe.ts"
import { RetryExhaustedId as TypeId } from "./internal/stopping.ts"

/**
 * Why a retry gave up.
 *
 * - `Schedule`: the schedule is done
 * - `Budget`: the budget refused the retry
 * - `Nested`: the retry around this one decides
 * - `Stopped`: the `stop` of the retry, or of the loop around it, has completed
 *
 * @category models
 * @since 0.1.0
 */
export type Reason =
  | { readonly _tag: "Schedule" }
  | { readonly _tag: "Budget" }
  | { readonly _tag: "Nested" }
  | { readonly _tag: "Stopped" }

/**
 * The fields of a {@link RetryExhausted}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fields<out E> {
  readonly reason: Reason
  readonly error: E
  readonly attempts: number
  readonly elapsed: Duration.Duration
}

// The error of the innermost retry.
const lastOf = (error: unknown): string => isRetryExhausted(error) ? lastOf(error.error) : describeError(error)

const messageOf = ({ attempts, elapsed, error, reason }: Fields<unknown>): string => {
  const after = `after ${countIn(attempts, "attempt", elapsed)}`
  const last = attempts === 0 ? "." : `. Last error: ${lastOf(error)}`
  switch (reason._tag) {
    case "Schedule":
      return `Gave up ${after}: the schedule is done${last}`
    case "Budget":
      return `Gave up ${after}: the retry budget is used up${last}`
    case "Nested":
      return `Left to the retry around it ${after}${last}`
    case "Stopped":
      return `Stopped ${after}${last}`
  }
}

/**
 * The retry gave up: the failure of `Retry.run`.
 *
 * - `error`: the last error, and the `cause` of this error. The message has it
 * - `attempts`: how many attempts have started
 * - `elapsed`: the time from the start of the first attempt to this failure
 * - `reason`: its `_tag` is `Schedule`, `Budget`, `Nested` or `Stopped`, see {@link Reason}
 *
 * **Example** (Caught by its tag, and by its reason)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Limit, Period, Retry } from "effect-wait"
 *
 * const call = Effect.fail("refused")
 * const retried = Retry.run(call, Period.sliding("1 milli").pipe(Limit.attempts(3)))
 *
 * const answer = await Effect.runPromise(
 *   Effect.catchTag(
 *     retried,
 *     "RetryExhausted",
 *     ({ attempts, error, reason }) => Effect.succeed([error, attempts, reason._tag])
 *   )
 * )
 * const byReason = await Effect.runPromise(
 *   Effect.catchReason(
 *     retried,
 *     "RetryExhausted",
 *     "Schedule",
 *     (_, { error }) => Effect.succeed(`default, since it was ${error}`)
 *   )
 * )
 *
 * answer // => ["refused", 3, "Schedule"]
 * byReason // => "default, since it was refused"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class RetryExhausted<out E = unknown> extends Data.TaggedError("RetryExhausted")<
  Fields<unknown> & { readonly message: string }
> {
  declare readonly error: E
  declare readonly cause: E

  constructor(fields: Fields<E>) {
    super({ ...fields, message: messageOf(fields) })
    Object.defineProperty(this, "cause", hidden(fields.error))
  }

  /** @internal */
  get "~effect-wait/RetryExhausted"(): typeof TypeId {
    return TypeId
  }
}

/**
 * Whether a value is a {@link RetryExhausted}, of any copy of the library.
 *
 * **Example** (A rejected Promise)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Limit, Period, Retry } from "effect-wait"
 *
 * const retried = Retry.run(Effect.fail("refused"), Period.sliding("1 milli").pipe(Limit.attempts(3)))
 * const error: unknown = await Effect.runPromise(retried).catch((error) => error)
 *
 * Retry.isRetryExhausted(error) && error.attempts // => 3
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isRetryExhausted = (u: unknown): u is RetryExhausted => Predicate.hasProperty(u, TypeId)
