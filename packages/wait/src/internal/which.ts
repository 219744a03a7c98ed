/** Which errors an option speaks of: a predicate or a list of tags, and what both say to the types. */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import type * as Types from "effect/Types"
import * as args from "./args.ts"

/** Some of the errors: a predicate, a refinement, or a list of tags. */
export type Which<E> = Predicate.Predicate<E> | ReadonlyArray<Types.Tags<E>>

/** The errors that `W` picks. With a predicate, or where nothing picks, it may be any. */
export type Picked<W, E> = [W] extends [Predicate.Refinement<E, infer E1>] ? E1
  : [W] extends [ReadonlyArray<infer T>] ? Extract<E, { readonly _tag: T }>
  : E

/** The errors that `W` leaves. With a predicate it may be any; where nothing picks there is none. */
export type Left<W, E> = [W] extends [Predicate.Refinement<E, infer E1>] ? Exclude<E, E1>
  : [W] extends [ReadonlyArray<infer T>] ? Exclude<E, { readonly _tag: T }>
  : [W] extends [Predicate.Predicate<E>] ? E
  : never

/** The error of an attempt that took too long, where there is such a limit. */
export type TimedOut<T> = T extends Duration.Input ? Cause.TimeoutError : never

/**
 * What `run` with options gives, instead of an Effect, where the schedule does not take these errors: a `Retry.match` that has no case for
 * them. The compiler names it where the Effect is used.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScheduleDoesNotTake<out E> {
  readonly "the schedule does not take": E
}

const isList = (which: unknown): which is ReadonlyArray<unknown> => Array.isArray(which)

/** The predicate, where there may be a list of tags or none. */
export const toPredicate = <E>(
  argument: string,
  which: Which<E> | undefined
): Predicate.Predicate<E> | undefined => {
  if (which === undefined || Predicate.isFunction(which)) return which
  if (!isList(which)) return args.refuse(argument, which, "a function or a list of tags")
  const tags: ReadonlySet<unknown> = new Set(which)
  return (error) => Predicate.hasProperty(error, "_tag") && tags.has(error._tag)
}
