import * as Cause from "effect/Cause"

/** A Cause that `Effect.sandbox` made an error of counts as it is. */
export const causeOf = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> => {
  const [reason] = cause.reasons
  return cause.reasons.length === 1 && Cause.isFailReason(reason!) && Cause.isCause(reason.error) ? reason.error : cause
}
