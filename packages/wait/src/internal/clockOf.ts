import type * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** A Clock that reads `now`, in milliseconds, as its monotonic clock, and as its wall clock unless that is another. */
export const clockOf = (
  now: () => number,
  sleep: (duration: Duration.Duration) => Effect.Effect<void>,
  wall: () => number = now
): Clock.Clock => {
  const nanosOf = (read: () => number) => (): bigint =>
    BigInt(Math.round(Math.min(read() * 1_000_000, Number.MAX_VALUE)))
  const wallNanos = nanosOf(wall)
  const nanos = nanosOf(now)
  return {
    currentTimeMillisUnsafe: wall,
    currentTimeMillis: Effect.sync(wall),
    currentTimeNanosUnsafe: wallNanos,
    currentTimeNanos: Effect.sync(wallNanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep
  }
}
