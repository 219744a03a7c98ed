/** The next decision of a loop, as a value. */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"

/** The end of a loop. */
export class End<out B, out E> {
  declare readonly exit: Exit.Exit<B, E>

  constructor(exit: Exit.Exit<B, E>) {
    this.exit = exit
  }
}

/** The next decision, or an Effect that makes it. */
export type Next<B, E, R> = Decision<B, E> | Effect.Effect<Decision<B, E>, E, R>

/** A run after this delay in milliseconds, or the end. */
export type Decision<B, E> = number | End<B, E>

/** Replaces the delay by another decision, such as that of a retry budget. An end stays as it is. */
export const refine = <B, E, R>(next: Next<B, E, R>, f: (delay: number) => Next<B, E, R>): Next<B, E, R> => {
  if (typeof next === "number") return f(next)
  if (next instanceof End) return next
  return Effect.flatMap(next, (found) => {
    const refined = refine(found, f)
    return Effect.isEffect(refined) ? refined : Effect.succeed(refined)
  })
}
