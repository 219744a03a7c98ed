/** How fast a runner starts and ends its loops, so that thousands of them neither stop the event loop nor run in the same instant. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"

/** Starts and ends in one turn of the event loop. */
const perTurn = 32

/** First runs that start at once, and the milliseconds between those that follow: some 110 in any 250 milliseconds. */
const burst = 10
const interval = 2.5

/** A first run that is later than these milliseconds was held up with others: they would start in the same instant. */
const late = 20
/** The milliseconds between these, which start beside those that are on time. */
const lateInterval = 6

/**
 * The place of a first run.
 *
 * - `delay`: the milliseconds until it may start
 * - `onTime`: goes on at once, or in another place after a stop of the event loop
 */
export interface Place {
  readonly delay: number
  readonly onTime: Effect.Effect<void>
}

/**
 * - `turn`: waits for its place: after each 32 of them the event loop has a turn
 * - `firstRun`: the place of the next first run
 */
export interface Pace {
  readonly turn: Effect.Effect<void>
  readonly firstRun: Effect.Effect<Place>
}

// A dispatcher of its own waits for a turn of the event loop, which a yield does not do while other fibers have work.
const dispatcher = new Scheduler.MixedScheduler().makeDispatcher()

const machineClock = Context.get(Context.empty(), Clock.Clock)

// A Semaphore looks at all who wait each time that one leaves, which is too much for thousands.
const makeTurn = (): Effect.Effect<void> => {
  const waiting = new Set<() => void>()
  let left = perTurn
  let isScheduled = false
  const schedule = () => {
    if (isScheduled || waiting.size === 0) return
    isScheduled = true
    dispatcher.scheduleTask(next, 0)
  }
  const next = () => {
    left = perTurn
    for (const start of waiting) {
      if (left <= 0) break
      left--
      waiting.delete(start)
      // It goes on at once, and may wait again.
      start()
    }
    isScheduled = false
    schedule()
  }
  return Effect.callback<void>((resume) => {
    if (waiting.size === 0 && left > 0) {
      left--
      return resume(Effect.void)
    }
    const start = () => resume(Effect.void)
    waiting.add(start)
    schedule()
    return Effect.sync(() => waiting.delete(start))
  })
}

/** Milliseconds to wait for a place, by the generic cell rate algorithm. */
const makeLane = (burst: number, interval: number) => {
  let next = -Infinity
  return (now: number): number => {
    next = Math.max(next, now)
    const delay = Math.max(0, Math.round(next - burst * interval - now))
    next += interval
    return delay
  }
}

export const makePace = (): Pace => {
  const turn = makeTurn()
  const onTime = makeLane(burst, interval)
  const heldUp = makeLane(0, lateInterval)
  return {
    turn: Effect.flatMap(Clock.Clock, (clock) => clock === machineClock ? turn : Effect.void),
    firstRun: Effect.map(Clock.currentTimeMillis, (now) => {
      const delay = onTime(now)
      return {
        delay,
        onTime: Effect.flatMap(
          Clock.currentTimeMillis,
          (start) => start <= now + delay + late ? Effect.void : Effect.sleep(heldUp(start))
        )
      }
    })
  }
}
