/** The loop around a retry. Its stop ends the retry too. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import { constUndefined } from "effect/Function"
import * as Predicate from "effect/Predicate"

/** The mark of a `RetryExhausted`, of any copy of the library. */
export const RetryExhaustedId = "~effect-wait/RetryExhausted"

/** Whether this is the error of a stopped retry. */
export const isStopped = (error: unknown): boolean =>
  Predicate.hasProperty(error, RetryExhaustedId) && Predicate.hasProperty(error, "reason") &&
  Predicate.isTagged(error.reason, "Stopped")

/** Whether the Cause contains the error of a stopped retry. */
export const hasStopped = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) => Cause.isFailReason(reason) && isStopped(reason.error))

/** A loop that can be stopped. */
export interface Stoppable {
  readonly stopped: unknown
  /** Calls the listener when the loop is stopped. The result unsubscribes. */
  readonly listen: (listener: () => void) => () => void
}

/** Hides the stop of a loop from the retries in its runs, as in Go, where the run in flight finishes. */
export const hiddenStop = Symbol()

/** The nearest loop around a run that can be stopped. */
export const CurrentLoop = Context.Reference<Stoppable | typeof hiddenStop | undefined>("effect-wait/CurrentLoop", {
  defaultValue: constUndefined
})

/** The same context, with this loop as the nearest one. Where a stop is hidden, so is that of this loop. */
export const withLoop = <R>(context: Context.Context<R>, loop: Stoppable): Context.Context<R> =>
  Context.add(context, CurrentLoop, Context.get(context, CurrentLoop) === hiddenStop ? undefined : loop)

/** The nearest loop, unless its stop is hidden. */
export const loopAround = (context: Context.Context<never>): Stoppable | undefined => {
  const loop = Context.get(context, CurrentLoop)
  return loop === hiddenStop ? undefined : loop
}
