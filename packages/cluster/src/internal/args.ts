/** Bad arguments, named as those of effect-wait are. */
import * as Cause from "effect/Cause"
import * as Formatter from "effect/Formatter"

export const illegal = (argument: string, value: unknown, allowed: string): Cause.IllegalArgumentError =>
  new Cause.IllegalArgumentError(`${argument} must be ${allowed}, got ${Formatter.format(value)}`)
