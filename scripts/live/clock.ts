/**
 * The real clock at its worst. Timers go by whole milliseconds of the monotonic clock; where those of the wall clock begin
 * within them decides how often a timer wakes early by the wall clock. That is the machine's luck, and moves with NTP. Here they
 * begin in the middle: `wall` is less than 1 ms beside Date.now(). And nobody sets it.
 */
import { Clock, Effect } from "effect"

const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6
const offset = Date.now() - Math.floor(monotonic())

export const wall = (): number => Math.floor(monotonic() + 0.5) + offset

const clock = Effect.map(Clock.Clock, (live): Clock.Clock => ({
  currentTimeMillisUnsafe: wall,
  currentTimeMillis: Effect.sync(wall),
  currentTimeNanosUnsafe: () => live.currentTimeNanosUnsafe(),
  currentTimeNanos: live.currentTimeNanos,
  monotonicTimeNanosUnsafe: () => live.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: live.monotonicTimeNanos,
  sleep: (duration) => live.sleep(duration)
}))

export const worstClock = Effect.provideServiceEffect(Clock.Clock, clock)
