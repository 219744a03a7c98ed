/** Durations as they are written in shells, and as Effect reads them. In milliseconds in between. */
import { format } from "@effect-wait/draw/time"
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"

export { format }

const units = [
  ["d", "day", 86_400_000],
  ["h", "hour", 3_600_000],
  ["m", "minute", 60_000],
  ["s", "second", 1000],
  ["ms", "milli", 1],
  ["us", "micro", 1e-3],
  ["ns", "nano", 1e-6]
] as const

// Go writes both the micro sign and the Greek letter.
const part = /(\d+(?:\.\d+)?|\.\d+)(ns|[u\u00b5\u03bc]s|ms|s|m|h|d)/g

const whole = new RegExp(`^(?:${part.source})+$`)

const sizeOf = (unit: string) => units.find(([short]) => short === unit.replace(/[\u00b5\u03bc]/, "u"))?.[2] ?? NaN

export const durations = "a duration such as 100ms, 1.5s or 2m30s"

/**
 * Reads a duration as Go and systemd write it, `2m30s`, or `0`.
 *
 * - nothing for what is negative, has no unit, or is too long for a number
 */
export const parse = (text: string): Option.Option<number> => {
  if (text === "0") return Option.some(0)
  if (!whole.test(text)) return Option.none()
  const parts = Array.from(text.matchAll(part), ([, count, unit = ""]) => Number(count) * sizeOf(unit))
  const millis = parts.reduce((sum, millis) => sum + millis, 0)
  // Parts of a millisecond add up to nanoseconds, exactly.
  return Number.isFinite(millis) ? Option.some(Number(millis.toPrecision(15))) : Option.none()
}

/** As {@link parse} reads it, exactly: `1.5s`, `1.234s`, `5ns`. */
export const write = (millis: number): string => {
  const forms = units.filter(([, , size]) => millis >= size).map(([unit, , size]) =>
    `${Number((millis / size).toPrecision(15))}${unit}`
  )
  return millis === 0
    ? "0"
    : [format(millis), ...forms].find((form) => Option.contains(parse(form), millis)) ?? `${millis}ms`
}

/** As Effect reads it: `"30 seconds"`. In the largest unit of which it is a whole number. */
export const toInput = (millis: number): Duration.Input => {
  if (millis === Infinity) return "Infinity"
  const inUnits = (size: number) => Number((millis / size).toPrecision(15))
  const [, unit, size] = units.find(([, , size]) => millis >= size && Number.isInteger(inUnits(size))) ??
    ["ms", "milli", 1]
  const count = inUnits(size)
  // Effect reads no exponents.
  if (String(count).includes("e")) return millis
  return count === 1 ? `${count} ${unit}` : `${count} ${unit}s`
}
