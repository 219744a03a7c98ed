/** Time that passes as fast as it can be computed: nobody waits, and the order of everything is the same in every run. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { constVoid, type LazyArg } from "effect/Function"
import * as Scheduler from "effect/Scheduler"
import { clockOf } from "./clockOf.ts"

/** A fiber that sleeps. */
interface Sleeper {
  readonly at: number
  /** Those that wake at the same time do so in the order in which they went to sleep. */
  readonly order: number
  /** Does nothing once it was interrupted. */
  readonly wake: () => void
}

const isBefore = (a: Sleeper, b: Sleeper): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

// A binary heap: the earliest sleeper is the first.
const push = (heap: Array<Sleeper>, sleeper: Sleeper): void => {
  let i = heap.length
  while (i > 0) {
    const above = (i - 1) >> 1
    if (!isBefore(sleeper, heap[above]!)) break
    heap[i] = heap[above]!
    i = above
  }
  heap[i] = sleeper
}

const dropFirst = (heap: Array<Sleeper>): void => {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let i = 0
  for (let below = 1; below < heap.length; below = 2 * i + 1) {
    if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++
    if (!isBefore(heap[below]!, last)) break
    heap[i] = heap[below]!
    i = below
  }
  heap[i] = last
}

/** A clock, the scheduler of the fibers that live by it, and what moves both on. */
interface VirtualTime {
  readonly clock: Clock.Clock
  readonly scheduler: Scheduler.Scheduler
  /** Milliseconds since the beginning. */
  now: number
  /**
   * Runs the fibers that are ready; where none is, moves on to the next that wakes. They have come to rest when it returns.
   * False when all wait for something else, or sleep for ever.
   */
  readonly proceed: () => boolean
}

const make = (): VirtualTime => {
  const asleep: Array<Sleeper> = []
  let ready: Array<() => void> = []
  let order = 0
  const time: VirtualTime = {
    now: 0,
    clock: clockOf(() => time.now, (duration) =>
      Effect.callback((resume) => {
        const at = time.now + Math.max(0, Duration.toMillis(duration))
        push(asleep, { at, order: order++, wake: () => resume(Effect.void) })
      })),
    scheduler: new Scheduler.MixedScheduler("sync", (run) => {
      ready.push(run)
      return constVoid
    }),
    proceed() {
      const runs = ready
      if (runs.length > 0) {
        ready = []
        for (const run of runs) run()
        return true
      }
      const sleeper = asleep[0]
      if (sleeper === undefined || sleeper.at === Infinity) return false
      dropFirst(asleep)
      time.now = sleeper.at
      sleeper.wake()
      return true
    }
  }
  return time
}

// After so many turns the calling fiber yields, so that it can be interrupted.
const turns = 100

/**
 * Runs an effect, and all that it forks, in virtual time from 0 on. Dies with `stuck()` when it waits for what never
 * comes. An interrupted effect still has the time that its finalizers need.
 */
export const run = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  stuck: LazyArg<unknown>
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.contextWith((context: Context.Context<R>) => {
      const time = make()
      const fiber = context.pipe(
        Context.add(Clock.Clock, time.clock),
        Context.add(Scheduler.Scheduler, time.scheduler),
        Effect.runForkWith
      )(effect)
      // Until the effect has ended, or is stuck.
      const proceed: Effect.Effect<Exit.Exit<A, E> | undefined> = Effect.suspend(() => {
        for (let turn = 0; turn < turns; turn++) {
          const exit = fiber.pollUnsafe()
          if (exit !== undefined || !time.proceed()) return Effect.succeed(exit)
        }
        return Effect.andThen(Effect.yieldNow, proceed)
      })
      const interrupt = Effect.suspend(() => {
        fiber.interruptUnsafe()
        return proceed
      })
      return restore(proceed).pipe(
        Effect.onInterrupt(() => interrupt),
        Effect.flatMap((exit) => exit ?? Effect.flatMap(interrupt, () => Effect.die(stuck())))
      )
    })
  )
