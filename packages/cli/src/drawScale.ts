/** Where times lie on an axis, and which of them are named there. In milliseconds. */
import { format } from "./Time.ts"

/** As it stands beside others: 0 needs no unit. */
export const time = (millis: number): string => millis === 0 ? "0" : format(millis)

/** From a time to its place, from 0 to 1; and the times that are named. */
export interface Scale {
  readonly at: (millis: number) => number
  /** What is less has no place of its own. */
  readonly from: number
  readonly marks: ReadonlyArray<number>
}

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000]

// Tens of what people count time in.
const decades = [
  ...[-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4].map((power) => Number(`1e${power}`)),
  minute,
  10 * minute,
  hour,
  10 * hour,
  ...Array.from({ length: 300 }, (_, power) => day * 10 ** power)
]

const steps = [
  ...[-6, -5, -4, -3, -2, -1, 0, 1, 2].flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`))),
  ...[1, 2, 5, 10, 20, 30].flatMap((n) => n * second),
  ...[1, 2, 5, 10, 20, 30].flatMap((n) => n * minute),
  ...[1, 2, 3, 6, 12].flatMap((n) => n * hour),
  ...Array.from({ length: 300 }, (_, power) => [1, 2, 5].map((digit) => digit * day * 10 ** power)).flat()
]

/**
 * For delays of very different lengths. Jitter draws some that are close to 0: the axis begins at a tenth of the shortest
 * mean, and no sooner.
 */
export const logarithmic = (
  spreads: ReadonlyArray<{ readonly min: number; readonly mean: number; readonly max: number }>
): Scale => {
  const positive = spreads.filter(({ mean }) => mean > 0)
  const least = positive.reduce((least, { mean, min }) => Math.min(least, Math.max(min, mean / 10)), Infinity)
  const from = least === Infinity ? 1 : least
  const to = positive.reduce((most, { max }) => Math.max(most, max), from)
  // Where all are about as long, they lie in the middle.
  const widening = Math.max(1, Math.sqrt(10 / (to / from)))
  const [low, high] = [from / widening, to * widening]
  const isWithin = (mark: number) => mark >= low * 0.999 && mark <= high * 1.001
  const tens = decades.filter(isWithin)
  return {
    from: low,
    at: (millis) => Math.min(1, Math.max(0, Math.log(millis / low) / Math.log(high / low))),
    marks: tens.length < 3 ? steps.filter(isWithin) : tens
  }
}

/** For times since the beginning, with so many marks at most. */
export const linear = (to: number, most: number): Scale => {
  const end = to > 0 ? to : 1
  const step = steps.find((step) => end / step <= most) ?? end
  return {
    from: 0,
    at: (millis) => millis / end,
    marks: Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step)
  }
}

// What lasts less than this share of the longest is not seen beside it.
const visible = 1 / 30

/** Those that can share an axis, the shortest first. */
export const clusters = <A>(items: ReadonlyArray<A>, spanOf: (item: A) => number): ReadonlyArray<ReadonlyArray<A>> => {
  const longest = items.reduce((most, item) => Math.max(most, spanOf(item)), 0)
  const isShort = (item: A) => spanOf(item) < longest * visible
  const short = items.filter(isShort)
  return items.length === 0 ? [] : [...clusters(short, spanOf), items.filter((item) => !isShort(item))]
}
