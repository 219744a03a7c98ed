/** Bad arguments, named as those of effect-wait are. */
import * as Cause from "effect/Cause"
import * as Formatter from "effect/Formatter"

export const refuse = (argument: string, value: unknown, allowed: string): never => {
  throw new Cause.IllegalArgumentError(`${argument} must be ${allowed}, got ${Formatter.format(value)}`)
}

/** The path without its slash at the end: empty for the root. */
export const path = (argument: string, path: `/${string}`): `/${string}` | "" => {
  if (typeof path !== "string" || !/^\/([\w.~-]+(\/[\w.~-]+)*)?$/.test(path)) {
    return refuse(argument, path, "a path such as \"/loops\", without a slash at the end and without parameters")
  }
  return path === "/" ? "" : path
}
