import type * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const nanosOf = (millis: number): bigint => BigInt(Math.round(Math.min(millis * 1_000_000, Number.MAX_VALUE)))

/** A Clock that reads `now`, in milliseconds, as its wall clock and as its monotonic clock. */
export const clockOf = (
  now: () => number,
  sleep: (duration: Duration.Duration) => Effect.Effect<void>
): Clock.Clock => {
  const nanos = () => nanosOf(now())
  return {
    currentTimeMillisUnsafe: now,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep
  }
}

/** The same Clock, with another time on the wall. */
export const withWall = (clock: Clock.Clock, wall: () => number): Clock.Clock => {
  const nanos = () => nanosOf(wall())
  return {
    ...clock,
    currentTimeMillisUnsafe: wall,
    currentTimeMillis: Effect.sync(wall),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos)
  }
}
