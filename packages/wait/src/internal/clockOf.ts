import type * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** A Clock that reads `now`, in milliseconds, as its wall clock and as its monotonic clock. */
export const clockOf = (
  now: () => number,
  sleep: (duration: Duration.Duration) => Effect.Effect<void>
): Clock.Clock => {
  const nanos = (): bigint => BigInt(Math.round(Math.min(now() * 1_000_000, Number.MAX_VALUE)))
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
export const withWall = (
  { monotonicTimeNanos, monotonicTimeNanosUnsafe, sleep }: Clock.Clock,
  wall: () => number
): Clock.Clock => ({ ...clockOf(wall, sleep), monotonicTimeNanos, monotonicTimeNanosUnsafe })
