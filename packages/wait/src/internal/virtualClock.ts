/** Virtual time: sleeps take no real time, and the order of events is the same each time. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { constVoid, type LazyArg } from "effect/Function"
import * as Scheduler from "effect/Scheduler"
import { clockOf, withWall } from "./clockOf.ts"

/** A sleeping fiber. */
interface Sleeper {
  /** When it wakes. */
  readonly at: number
  /** Fibers that wake at the same time wake in the order in which they fell asleep. */
  readonly order: number
  /** Does nothing after an interruption of the fiber. */
  readonly wake: () => void
}

const isBefore = (a: Sleeper, b: Sleeper): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

// A binary heap: the earliest sleeper is the first.
const push = (heap: Array<Sleeper>, sleeper: Sleeper): void => {
  let i = heap.length
  while (i > 0) {
    const parent = (i - 1) >> 1
    if (!isBefore(sleeper, heap[parent]!)) break
    heap[i] = heap[parent]!
    i = parent
  }
  heap[i] = sleeper
}

const dropFirst = (heap: Array<Sleeper>): void => {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let i = 0
  for (let child = 1; child < heap.length; child = 2 * i + 1) {
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
    if (!isBefore(heap[child]!, last)) break
    heap[i] = heap[child]!
    i = child
  }
  heap[i] = last
}

/** A clock, and the scheduler of the fibers that use it. */
interface VirtualTime {
  readonly clock: Clock.Clock
  readonly scheduler: Scheduler.Scheduler
  /** Milliseconds since the start. */
  now: number
  /**
   * Runs the fibers that are ready until each is suspended. If none is ready, moves the time on and wakes the next
   * sleeper. False if no fiber is ready and none wakes: all wait for something else, or sleep for ever.
   */
  readonly proceed: () => boolean
}

const make = (from: number): VirtualTime => {
  const asleep: Array<Sleeper> = []
  let ready: Array<() => void> = []
  let order = 0
  const time: VirtualTime = {
    now: 0,
    clock: withWall(
      clockOf(() => time.now, (duration) =>
        Effect.callback((resume) => {
          const at = time.now + Math.max(0, Duration.toMillis(duration))
          push(asleep, { at, order: order++, wake: () => resume(Effect.void) })
        })),
      () => from + time.now
    ),
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

// The calling fiber yields after this many turns, so that it can be interrupted.
const maxTurns = 2000

/**
 * Runs an effect and its forks in virtual time, from 0 on; the wall clock counts from `from` on. Dies with `stuck()` if the
 * effect can never end. An interrupted effect still gets the time that its finalizers need.
 */
export const run = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  stuck: LazyArg<unknown>,
  from = 0
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.contextWith((context: Context.Context<R>) => {
      const time = make(from)
      const fiber = context.pipe(
        Context.add(Clock.Clock, time.clock),
        Context.add(Scheduler.Scheduler, time.scheduler),
        Effect.runForkWith
      )(effect)
      // The exit of the effect; undefined if it is stuck.
      const proceed: Effect.Effect<Exit.Exit<A, E> | undefined> = Effect.suspend(() => {
        for (let turn = 0; turn < maxTurns; turn++) {
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
