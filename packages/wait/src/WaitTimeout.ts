/**
 * The error of a wait that ended before its condition held. Go's `ErrWaitTimeout` and `Interrupted(err)`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { countIn, describe, describeError, hidden } from "./internal/describe.ts"

const TypeId = "~effect-wait/WaitTimeout"

/**
 * Why a wait ended.
 *
 * - `Deadline`: the time limit has passed
 * - `Exhausted`: the schedule is done
 * - `Stopped`: `stop` has completed
 *
 * @category models
 * @since 0.1.0
 */
export type Reason = { readonly _tag: "Deadline" } | { readonly _tag: "Exhausted" } | { readonly _tag: "Stopped" }

/**
 * The fields of a {@link WaitTimeout}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fields<out A, out E> {
  readonly reason: Reason
  readonly attempts: number
  readonly elapsed: Duration.Duration
  readonly missed: number
  readonly last: Option.Option<A>
  readonly lastError: Option.Option<E>
}

// A last value of `false` adds nothing to the message.
const describeLast = ({ last, lastError }: Fields<unknown, unknown>): string => {
  const value = Option.isSome(last) && last.value !== false ? ` Last value: ${describe(last.value)}.` : ""
  return Option.isSome(lastError) ? `${value} Last error: ${describeError(lastError.value)}` : value
}

const messageOf = (fields: Fields<unknown, unknown>): string => {
  const checks = countIn(fields.attempts, "check", fields.elapsed)
  switch (fields.reason._tag) {
    case "Deadline":
      return `The condition did not hold before the deadline: ${checks}. Allow more time.${describeLast(fields)}`
    case "Exhausted":
      return `The condition did not hold before the schedule ended: ${checks}. Allow more attempts.${
        describeLast(fields)
      }`
    case "Stopped":
      return `The wait was stopped before the condition held: ${checks}.${describeLast(fields)}`
  }
}

/**
 * The wait ended before its condition held: the failure of `Poll.until` and of the polls in `Wait`.
 *
 * - `reason`: its `_tag` is `Deadline`, `Exhausted` or `Stopped`, see {@link Reason}
 * - `attempts`: how many checks have started
 * - `elapsed`: how long the wait took
 * - `missed`: how many slots of a `Period.ticker` or a `Period.cron` passed without a check
 * - `last`: the last value that was not accepted. The message has it
 * - `lastError`: the last tolerated error, and the `cause` of this error. The message has it
 *
 * **Example** (Caught by its tag)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period, Poll } from "effect-wait"
 *
 * const state = await Effect.runPromise(
 *   Poll.until(Effect.succeed("starting"), Period.sliding("1 milli"), {
 *     accept: (state) => state === "ready",
 *     timeout: "5 millis"
 *   }).pipe(
 *     Effect.catchTag("WaitTimeout", ({ last, reason }) => Effect.succeed(`${reason._tag}: ${last}`))
 *   )
 * )
 *
 * state // => "Deadline: some(\"starting\")"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class WaitTimeout<out A = unknown, out E = unknown> extends Data.TaggedError("WaitTimeout")<
  Fields<unknown, unknown> & { readonly message: string }
> {
  declare readonly last: Option.Option<A>
  declare readonly lastError: Option.Option<E>
  declare readonly cause?: E

  constructor({ missed = 0, ...rest }: Omit<Fields<A, E>, "missed"> & { readonly missed?: number | undefined }) {
    const fields = { ...rest, missed }
    super({ ...fields, message: messageOf(fields) })
    if (Option.isSome(fields.lastError)) Object.defineProperty(this, "cause", hidden(fields.lastError.value))
  }

  /** @internal */
  get "~effect-wait/WaitTimeout"(): typeof TypeId {
    return TypeId
  }
}

/**
 * Whether a value is a {@link WaitTimeout}, of any copy of the library.
 *
 * **Example** (A rejected Promise)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Limit, Period, Poll } from "effect-wait"
 *
 * const poll = Poll.until(Effect.succeed(false), Period.sliding("1 milli").pipe(Limit.attempts(3)))
 * const error: unknown = await Effect.runPromise(poll).catch((error) => error)
 *
 * Poll.isWaitTimeout(error) && error.attempts // => 3
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isWaitTimeout = (u: unknown): u is WaitTimeout => Predicate.hasProperty(u, TypeId)
