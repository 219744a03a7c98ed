/** Options that select errors by a predicate or by tags, and the types of the selected errors. */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import type * as Types from "effect/Types"
import * as args from "./args.ts"

/** Selects errors: a predicate, a refinement, or a list of tags. */
export type Which<E> = Predicate.Predicate<E> | ReadonlyArray<Types.Tags<E>>

/** The errors that `W` selects. With a predicate or without `W`, all. */
export type Picked<W, E> = [W] extends [Predicate.Refinement<E, infer E1>] ? E1
  : [W] extends [ReadonlyArray<infer T>] ? Extract<E, { readonly _tag: T }>
  : E

/** The errors that `W` does not select. With a predicate, all; without `W`, none. */
export type Left<W, E> = [W] extends [Predicate.Refinement<E, infer E1>] ? Exclude<E, E1>
  : [W] extends [ReadonlyArray<infer T>] ? Exclude<E, { readonly _tag: T }>
  : [W] extends [Predicate.Predicate<E>] ? E
  : never

/** The error of an attempt that takes longer than its limit; never without a limit. */
export type TimedOut<T> = T extends Duration.Input ? Cause.TimeoutError : never

/**
 * The type of `Retry.run` with options if the schedule does not accept these errors, such as a `Retry.match` without a
 * case for them. It is not an Effect, so the compiler names it where the Effect is used.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScheduleDoesNotTake<out E> {
  readonly "the schedule does not take": E
}

const isList = (which: unknown): which is ReadonlyArray<unknown> => Array.isArray(which)

/** The predicate of an option that may be a list of tags or undefined. */
export const toPredicate = <E>(
  argument: string,
  which: Which<E> | undefined
): Predicate.Predicate<E> | undefined => {
  if (which === undefined || Predicate.isFunction(which)) return which
  if (!isList(which)) return args.refuse(argument, which, "a function or a list of tags")
  const tags: ReadonlySet<unknown> = new Set(which)
  return (error) => Predicate.hasProperty(error, "_tag") && tags.has(error._tag)
}
