/** The time of a loop, by its Clock. */
import type * as Clock from "effect/Clock"
import { type Moment, Reads } from "./step.ts"

/** The milliseconds since a reading of a clock that cannot be stepped. */
export const millisSince = (clock: Clock.Clock, origin: bigint): number =>
  Number(clock.monotonicTimeNanosUnsafe() - origin) / 1_000_000

/** A Moment that a Clock fills in, as far as somebody `reads` it. Its times count from the beginning of the loop. */
export interface Clocked extends Moment {
  readonly reads: number
  readonly clock: Clock.Clock | undefined
  readonly monotonicOrigin: bigint
  readonly wallOrigin: number
}

/** The Moment of loops in which nobody looks at the time. */
export const timeless: Clocked = {
  reads: Reads.nothing,
  clock: undefined,
  monotonicOrigin: BigInt(0),
  wallOrigin: 0,
  asked: NaN,
  now: 0,
  wall: 0,
  start: 0,
  due: 0
}

export const makeClocked = (reads: number, clock: Clock.Clock): Clocked => ({
  ...timeless,
  reads,
  clock,
  monotonicOrigin: clock.monotonicTimeNanosUnsafe(),
  wallOrigin: clock.currentTimeMillisUnsafe()
})

/** The Moment of a loop that began at that reading of the Clock, with a run that is still going on. */
export const makeBegun = (clock: Clock.Clock, monotonicOrigin: bigint): Clocked => ({
  ...timeless,
  reads: Reads.all,
  clock,
  monotonicOrigin,
  wallOrigin: clock.currentTimeMillisUnsafe() - millisSince(clock, monotonicOrigin)
})

/** The Moment of a loop that is watched: runs may be triggered, and missed slots are counted. */
export const makeWatched = (clock: Clock.Clock): Clocked => ({
  ...makeClocked(Reads.all, clock),
  planned: -Infinity,
  missed: { slots: 0 }
})

export const look = (at: Clocked): void => {
  if (at.clock === undefined) return
  at.now = millisSince(at.clock, at.monotonicOrigin)
  if (at.reads & Reads.wall) at.wall = at.clock.currentTimeMillisUnsafe()
}
