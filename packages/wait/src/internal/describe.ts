/** The texts of error messages. */
import * as Duration from "effect/Duration"
import * as Formatter from "effect/Formatter"

const longest = 200

// A value may be a page, and an error may have a stack in its message.
const oneLine = (text: string): string => {
  const [line = ""] = text.split("\n", 1)
  return line.length > longest ? `${line.slice(0, longest)}...` : line
}

/** A value in one line. */
export const describe = (value: unknown): string => oneLine(Formatter.format(value))

/** An error in one line, without its cause. */
export const describeError = (error: unknown): string => {
  if (!(error instanceof Error)) return describe(error)
  const { message, name } = error
  return oneLine(message === "" ? name : `${name}: ${message}`)
}

/** A duration in whole milliseconds: "1s 500ms" */
export const formatRounded = (duration: Duration.Duration): string => {
  const millis = Math.round(Duration.toMillis(duration))
  return millis === 0 ? "0ms" : Duration.format(Duration.millis(millis))
}

/** "3 attempts in 2s" */
export const countIn = (count: number, what: string, elapsed: Duration.Duration): string =>
  `${count} ${what}${count === 1 ? "" : "s"} in ${formatRounded(elapsed)}`

/** A property of an error that is not shown beside the fields that say the same. */
export const hidden = (value: unknown): PropertyDescriptor => ({ value, configurable: true, writable: true })

/** The error without its stack, which would be the driver's. */
export const withoutStack = <E extends Error>(error: E): E =>
  Object.defineProperty(error, "stack", hidden(`${error.name}: ${error.message}`))
