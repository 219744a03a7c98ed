/** How fast a runner starts and ends its loops, so that thousands of them neither stop the event loop nor run in the same instant. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import * as Semaphore from "effect/Semaphore"

/** Starts and ends in one turn of the event loop. */
const perTurn = 32

/** First runs that start at once, and the milliseconds between those that follow: some 110 in any 250 milliseconds. */
const burst = 10
const interval = 2.5

/**
 * - `turn`: waits for its place: after each 32 of them the event loop has a turn
 * - `nextDelay`: the milliseconds until the next first run may start
 */
export interface Pace {
  readonly turn: Effect.Effect<void>
  readonly nextDelay: Effect.Effect<number>
}

// A dispatcher of its own waits for a turn of the event loop, which a yield does not do while other fibers have work.
const dispatcher = new Scheduler.MixedScheduler().makeDispatcher()
const eventLoop = Effect.callback<void>((resume) => dispatcher.scheduleTask(() => resume(Effect.void), 0))

const machineClock = Context.get(Context.empty(), Clock.Clock)

export const makePace = (): Pace => {
  const lock = Semaphore.makeUnsafe(1)
  let left = perTurn
  let next = -Infinity
  const turn = lock.withPermit(Effect.suspend(() => {
    if (left-- > 0) return Effect.void
    left = perTurn - 1
    return eventLoop
  }))
  return {
    turn: Effect.flatMap(Clock.Clock, (clock) => clock === machineClock ? turn : Effect.void),
    // The generic cell rate algorithm.
    nextDelay: Effect.map(Clock.currentTimeMillis, (now) => {
      next = Math.max(next, now)
      const delay = Math.max(0, Math.round(next - burst * interval - now))
      next += interval
      return delay
    })
  }
}
