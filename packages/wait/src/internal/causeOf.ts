import * as Cause from "effect/Cause"

/** The Cause of a failure. If `Effect.sandbox` has made it a typed error, the original Cause. */
export const causeOf = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> => {
  const [reason] = cause.reasons
  return cause.reasons.length === 1 && Cause.isFailReason(reason!) && Cause.isCause(reason.error) ? reason.error : cause
}
