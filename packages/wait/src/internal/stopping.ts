/** The loop around a retry, whose stop ends the delays of that retry. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import { constUndefined } from "effect/Function"
import * as Predicate from "effect/Predicate"

/** The mark of a `RetryExhausted`, of any copy of the library. */
export const RetryExhaustedId = "~effect-wait/RetryExhausted"

/** Whether it is the failure of a retry that was stopped. */
export const isStopped = (error: unknown): boolean =>
  Predicate.hasProperty(error, RetryExhaustedId) && Predicate.hasProperty(error, "reason") &&
  Predicate.isTagged(error.reason, "Stopped")

/** Whether a retry that was stopped is in the Cause. */
export const hasStopped = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) => Cause.isFailReason(reason) && isStopped(reason.error))

/** What can be stopped, and says so to who listens. */
export interface Stoppable {
  readonly stopped: unknown
  /** Calls the listener when it is stopped. The result ends that. */
  readonly listen: (listener: () => void) => () => void
}

/** The stop of a loop with this around it reaches nothing in its runs: Go's loops let the run in flight finish. */
export const unheard = Symbol("effect-wait/unheard")

/** The nearest loop that can be stopped, for what is in its runs. */
export const CurrentLoop = Context.Reference<Stoppable | typeof unheard | undefined>("effect-wait/CurrentLoop", {
  defaultValue: constUndefined
})

/** The nearest loop, if its stop is heard. */
export const loopAround = (context: Context.Context<never>): Stoppable | undefined => {
  const loop = Context.get(context, CurrentLoop)
  return loop === unheard ? undefined : loop
}
