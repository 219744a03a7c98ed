/** Where times and numbers lie on an axis, and which of them are named there. Times are in milliseconds. */

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

// Every second, third or fourth mark, so that at most this many are left.
const thinned = (marks: ReadonlyArray<number>, most: number): ReadonlyArray<number> => {
  const every = Math.ceil(marks.length / most)
  return marks.filter((_, i) => i % every === 0)
}

interface Extent {
  readonly min: number
  readonly mean: number
  readonly max: number
}

/** For delays of very different lengths: from the shortest that is not 0. */
export const logarithmic = (spreads: ReadonlyArray<Extent>): Scale => log(spreads, ({ min }) => min)

/**
 * The same, from a tenth of the shortest mean: full jitter draws a few delays that are close to 0, for which a line of text
 * has no room.
 */
export const cropped = (spreads: ReadonlyArray<Extent>): Scale =>
  log(spreads, ({ mean, min }) => Math.max(min, mean / 10))

const log = (spreads: ReadonlyArray<Extent>, leastOf: (spread: Extent) => number): Scale => {
  const positive = spreads.filter(({ mean }) => mean > 0)
  const least = positive.reduce((least, spread) => {
    const shortest = leastOf(spread)
    return shortest > 0 ? Math.min(least, shortest) : Math.min(least, spread.mean)
  }, Infinity)
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
    marks: thinned(tens.length < 3 ? steps.filter(isWithin) : tens, 12)
  }
}

/** Round numbers from 0 to the first of at least `to`, at most `most` of them. `areWhole`: no fractions. */
export const numbers = (to: number, most: number, areWhole = false): Scale => {
  const magnitude = 10 ** Math.floor(Math.log10((to > 0 ? to : 1) / most))
  const step =
    [1, 2, 5, 10].map((digit) => digit * magnitude).find((step) =>
      Math.ceil(to / step) < most && (!areWhole || step >= 1)
    ) ?? Math.max(to, 1)
  const steps = Math.max(1, Math.ceil(Number((to / step).toPrecision(12))))
  return {
    from: 0,
    at: (value) => value / (steps * step),
    marks: Array.from({ length: steps + 1 }, (_, i) => Number((i * step).toPrecision(12)))
  }
}

/** For times since the start, with a limited number of marks. */
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
