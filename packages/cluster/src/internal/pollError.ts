/** Failures as text that every store takes. */
import * as Cause from "effect/Cause"
import * as Formatter from "effect/Formatter"

/** The error of a cause, in at most 1,000 characters. Postgres takes no NUL and no half of a surrogate pair. */
export const describe = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  const text = typeof error === "string" || error instanceof Error ? String(error) : Formatter.format(error)
  return text.slice(0, 1_000).replaceAll("\0", "\uFFFD").replaceAll(/\p{Surrogate}/gu, "\uFFFD")
}
