/** The time of a loop, by its Clock. */
import type * as Clock from "effect/Clock"
import type { Moment } from "./step.ts"

/** The milliseconds since a reading of a clock that cannot be stepped. */
export const millisSince = (clock: Clock.Clock, origin: bigint): number =>
  Number(clock.monotonicTimeNanosUnsafe() - origin) / 1_000_000

/** The Moment of a loop, which its Clock fills in if anybody looks at it. Its times count from the beginning of the loop. */
export interface Clocked extends Moment {
  readonly clock: Clock.Clock | undefined
  readonly monotonicOrigin: bigint
}

const timelessOnes = new WeakMap<Moment["random"], Clocked>()

/** The Moment of loops in which nobody looks at the time. It has no clock, and is shared: nobody writes to it. */
export const timeless = (random: Moment["random"]): Clocked => {
  const known = timelessOnes.get(random)
  if (known !== undefined) return known
  const made = { random, clock: undefined, monotonicOrigin: BigInt(0), wall: () => NaN, now: 0, start: 0, due: 0 }
  timelessOnes.set(random, made)
  return made
}

function wall(this: Clocked): number {
  return this.clock?.currentTimeMillisUnsafe() ?? NaN
}

/** The Moment of a loop that begins now; or that began at that reading of the Clock, with a run that is still going on. */
export const makeClocked = (
  random: Moment["random"],
  clock: Clock.Clock,
  monotonicOrigin: bigint = clock.monotonicTimeNanosUnsafe()
): Clocked => ({ random, clock, monotonicOrigin, wall, now: 0, start: 0, due: 0 })

/** The Moment of a loop that is watched: runs may be triggered, and missed slots are counted. */
export const makeWatched = (random: Moment["random"], clock: Clock.Clock): Clocked => ({
  random,
  clock,
  monotonicOrigin: clock.monotonicTimeNanosUnsafe(),
  wall,
  now: 0,
  start: 0,
  due: 0,
  planned: -Infinity,
  missed: { slots: 0 }
})

export const look = (at: Clocked): void => {
  if (at.clock !== undefined) at.now = millisSince(at.clock, at.monotonicOrigin)
}
