/** The memory of one loop: reads and writes it, and waits for a store that is away. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Semaphore from "effect/Semaphore"
import * as Backoff from "../Backoff.ts"
import * as Jitter from "../Jitter.ts"
import * as Retry from "../Retry.ts"
import type { Recollection } from "./loopStore.ts"
import { LoopStoreError } from "./loopStoreError.ts"
import type { Memory, Policy } from "./memory.ts"
import type { Moment } from "./moment.ts"
import type { Plan } from "./plan.ts"
import { CurrentLoop, type Stoppable } from "./stopping.ts"
import type { Watch, Watched } from "./watch.ts"

/** Reads and writes of a store. */
export interface Access {
  readonly load: (name: string) => Effect.Effect<Memory | undefined, LoopStoreError>
  readonly save: (name: string, memory: Memory) => Effect.Effect<void, LoopStoreError>
}

const away = Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Jitter.equal)

/** A store that has not answered for so long is away. */
const attemptTimeout = "10 seconds"

/** How long an interrupted loop waits for a write in flight. */
const grace = "1 second"

// If the distance of the wall clock from the monotonic clock changes by more milliseconds, the wall clock was stepped.
const leastStep = 5

// A write that has started ends by itself: an interruption waits for it, but not long.
const lasting = <E>(write: Effect.Effect<void, E>): Effect.Effect<void, E> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDetach(Effect.interruptible(write), { startImmediately: true }), (fiber) => {
      const patience = Effect.raceFirst(Fiber.await(fiber), Effect.sleep(grace))
      return Effect.onInterrupt(
        restore(Fiber.join(fiber)),
        () =>
          Effect.contextWith((context) => {
            const waiting = Effect.runForkWith(context)(patience)
            waiting.addObserver(() => fiber.interruptUnsafe())
            return Fiber.await(waiting)
          })
      )
    })
  )

const timeOrNull = (time: number): number | null => Number.isFinite(time) ? Math.round(time) : null

/** Remembers a loop under this name. */
export const remember = (
  store: Access,
  name: string,
  policy: Policy,
  watch: Watch
): Recollection<LoopStoreError> => {
  const lock = Semaphore.makeUnsafe(1)
  let loaded: Memory | undefined
  let memory: Memory | undefined
  let isLoaded = false
  // The loop was paused or resumed before the memory was read.
  let isTouched = false

  const retried = <A>(
    access: Effect.Effect<A, LoopStoreError>,
    loop: Stoppable,
    isAway: (error: LoopStoreError) => boolean
  ) =>
    access.pipe(
      Effect.timeoutOrElse({
        duration: attemptTimeout,
        orElse: () =>
          Effect.fail(
            new LoopStoreError({
              name,
              key: name,
              reason: "unavailable",
              message: `The store has not answered for ${attemptTimeout}`
            })
          )
      }),
      Retry.run(away, {
        while: isAway,
        onRetry: ({ delay, error }) => {
          watch.storeFailed(error)
          return Effect.logWarning(
            `The store of this loop's memory is away; the next try is in ${
              Duration.format(Duration.millis(Math.round(Duration.toMillis(delay))))
            }`,
            error.message
          )
        }
      }),
      Effect.tap(() => Effect.sync(() => watch.storeFailed(undefined))),
      // A stop of this loop ends the retry.
      Effect.provideService(CurrentLoop, loop),
      Effect.annotateLogs("loop", name)
    )

  const write = lock.withPermits(1)(
    Effect.suspend(() => memory === undefined ? Effect.void : store.save(name, memory))
  )

  const save = (loop: Stoppable): Effect.Effect<void> =>
    Effect.catch(
      retried(lasting(write), loop, () => true),
      ({ message }) =>
        Effect.annotateLogs(
          Effect.logError(
            "The loop has stopped, and its memory was not written: after the next start its last run is repeated",
            message
          ),
          "loop",
          name
        )
    )

  return {
    load: (loop: Watched) =>
      retried(store.load(name), loop, ({ reason }) => reason === "unavailable").pipe(
        Effect.catch((error) => {
          if (error._tag === "RetryExhausted") return Effect.undefined // the loop was stopped
          if (policy.unreadable === "fail") return Effect.fail(error)
          return Effect.annotateLogs(
            Effect.as(
              Effect.logWarning("The memory of this loop cannot be read; it starts as new", error.message),
              undefined
            ),
            "loop",
            name
          )
        }),
        Effect.flatMap((found) => {
          loaded = memory = found
          isLoaded = true
          if (found === undefined) return Effect.void
          const { lastEnd, lastStart, lastSuccess, paused } = found
          watch.recall(loop, lastStart ?? NaN, lastEnd ?? NaN, lastSuccess ?? NaN)
          if (!isTouched) {
            if (paused) watch.pause(loop)
            return Effect.void
          }
          memory = { ...found, paused: watch.isPaused }
          return save(loop)
        })
      ),
    recall<State>(plan: Plan<unknown, never, unknown, unknown, State>, state: State, at: Moment) {
      if (loaded === undefined || (loaded.due === null && loaded.lastStart === null)) return undefined
      const { due, paused, period, written } = loaded
      // The slots of a pause are missed.
      if (plan.recall !== undefined) {
        return plan.recall(state, at, loaded, paused ? { ...policy, missed: "skip" } : policy)
      }
      const delay = (due ?? Infinity) - written
      // A shorter period applies at once.
      const whole = plan.period === undefined || plan.period === period ? delay : Math.min(delay, plan.period)
      // A memory from the future counts as one of now: the wall clock was wrong.
      return Math.max(0, whole - Math.max(0, at.wall() - written))
    },
    note<State>(plan: Plan<unknown, never, unknown, unknown, State>, state: State, at: Moment, wait: number) {
      const written = at.wall()
      const slots = plan.slots?.(state, at)
      // The wall clock has whole milliseconds only: roundings must not move the slots from restart to restart.
      const step = (memory?.anchor ?? NaN) - (slots?.anchor ?? NaN)
      const shift = Math.abs(step) < leastStep ? step : 0
      memory = {
        written,
        anchor: timeOrNull((slots?.anchor ?? NaN) + shift),
        slot: timeOrNull((slots?.slot ?? NaN) + shift),
        nextSlot: timeOrNull((slots?.nextSlot ?? NaN) + shift),
        due: timeOrNull(written + wait),
        period: plan.period ?? null,
        lastStart: timeOrNull(watch.lastStart),
        lastEnd: timeOrNull(watch.lastEnd),
        lastSuccess: timeOrNull(watch.lastSuccess),
        paused: watch.isPaused
      }
    },
    save,
    saveState: (loop) => {
      if (!isLoaded) {
        isTouched = true
        return Effect.void
      }
      const wall = loop.at.wall()
      memory = { ...nothing, written: wall, ...memory, paused: watch.isPaused }
      // The slots of a pause are missed, but not that of a run in flight or of a retry.
      const { due, slot } = memory
      const isOverdue = slot !== null && due !== null && due <= wall && watch.state !== "running" && !watch.hasFailed
      if (isOverdue && !watch.isPaused) {
        memory = { ...memory, written: wall, due: wall, slot: Math.max(slot, wall - 1), nextSlot: null }
      }
      return save(loop)
    }
  }
}

const nothing = {
  anchor: null,
  slot: null,
  nextSlot: null,
  due: null,
  period: null,
  lastStart: null,
  lastEnd: null,
  lastSuccess: null
}
