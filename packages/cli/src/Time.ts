/** Durations as they are written in shells, and as Effect reads them. In milliseconds in between. */
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"

// Go writes both the micro sign and the Greek letter.
const units = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000
} as const

const part = /(\d+(?:\.\d+)?|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h|d)/y

const isUnit = (unit: string): unit is keyof typeof units => Object.hasOwn(units, unit)

export const durations = "a duration such as 100ms, 1.5s or 2m30s"

/**
 * Reads a duration as Go and systemd write it, `2m30s`, or `0`.
 *
 * - nothing for what is negative, has no unit, or is too long for a number
 */
export const parse = (text: string): Option.Option<number> => {
  if (text === "0") return Option.some(0)
  let millis = 0
  part.lastIndex = 0
  while (part.lastIndex < text.length) {
    const [, count, unit = ""] = part.exec(text) ?? []
    if (count === undefined || !isUnit(unit)) return Option.none()
    millis += Number(count) * units[unit]
  }
  // Parts of a millisecond add up to nanoseconds, exactly.
  return text !== "" && Number.isFinite(millis) ? Option.some(Number(millis.toPrecision(15))) : Option.none()
}

const shown = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
  ["us", 1e-3],
  ["ns", 1e-6]
] as const

/** In at most two units and three digits: `100ms`, `1.25s`, `2m30s`, `6d4h`. */
export const format = (millis: number): string => {
  if (millis === Infinity) return "forever"
  const i = shown.findIndex(([, size]) => Number(millis.toPrecision(3)) >= size)
  const [unit, size] = shown[i] ?? ["ms", 1]
  if (size <= 1000) return `${Number((millis / size).toPrecision(3))}${unit}`
  const [below, step] = shown[i + 1]!
  const count = Math.round(millis / step)
  const rest = count % (size / step)
  return `${Math.floor(count / (size / step))}${unit}${rest === 0 ? "" : `${rest}${below}`}`
}

/** As {@link parse} reads it, exactly: `1.5s`, `1.234s`, `5ns`. */
export const write = (millis: number): string => {
  const forms = shown.filter(([, size]) => millis >= size).map(([unit, size]) =>
    `${Number((millis / size).toPrecision(15))}${unit}`
  )
  return millis === 0
    ? "0"
    : [format(millis), ...forms].find((form) => Option.contains(parse(form), millis)) ?? `${millis}ms`
}

const words = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
  ["milli", 1],
  ["micro", 1e-3],
  ["nano", 1e-6]
] as const

/** As Effect reads it: `"30 seconds"`. In the largest unit of which it is a whole number. */
export const toInput = (millis: number): Duration.Input => {
  if (millis === Infinity) return "Infinity"
  const inUnits = (size: number) => Number((millis / size).toPrecision(15))
  const [unit, size] = words.find(([, size]) => millis >= size && Number.isInteger(inUnits(size))) ?? ["milli", 1]
  const count = inUnits(size)
  // Effect reads no exponents.
  if (String(count).includes("e")) return millis
  return count === 1 ? `${count} ${unit}` : `${count} ${unit}s`
}
