/** The memory of one loop: reads and writes it, and waits for a store that is away. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as Backoff from "../Backoff.ts"
import * as Jitter from "../Jitter.ts"
import * as Retry from "../Retry.ts"
import * as args from "./args.ts"
import { formatRounded } from "./describe.ts"
import type { ForkedWatch } from "./forkedWatch.ts"
import type { Grid } from "./grid.ts"
import { LoopStoreError } from "./loopStoreError.ts"
import type { CatchUp, Change, Memory, NextRun, Policy, Slots } from "./memory.ts"
import { earlyWake, type LoopMoment } from "./moment.ts"
import { End } from "./next.ts"
import { planOf } from "./plan.ts"
import { followingSlot, recallGrid, slotsOf } from "./recall.ts"
import type { AnyPlan, Recollection } from "./rememberingDriver.ts"
import { CurrentLoop, type Stoppable } from "./stopping.ts"
import type { Watched } from "./watch.ts"

/** Reads and writes of a store. */
export interface Access {
  readonly load: (name: string) => Effect.Effect<Memory | undefined, LoopStoreError>
  readonly save: (name: string, memory: Memory, change: Change) => Effect.Effect<void, LoopStoreError>
  readonly begin: ((name: string, run: NextRun) => Effect.Effect<boolean, LoopStoreError>) | undefined
}

const away = Jitter.equal(Backoff.exponential({ base: "1 second", cap: "1 minute" }))

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

const noAnswer = (name: string) =>
  new LoopStoreError({
    name,
    key: name,
    reason: "unavailable",
    message: `The store has not answered for ${attemptTimeout}`
  })

const timeOrNull = (time: number): number | null => Number.isFinite(time) ? Math.round(time) : null

/** What a memory reads and sets in a schedule: it may be inside combinators. */
interface Parts {
  readonly grid: { readonly of: () => Grid } | undefined
  readonly period: number | undefined
  /** A `Limit.delay` around slots. */
  readonly cap: { hasAdded: boolean; readonly most: number } | undefined
}

const isCap = (state: unknown): state is { hasAdded: boolean; readonly most: number } =>
  Predicate.hasProperty(state, "hasAdded") && Predicate.hasProperty(state, "most")

const partsOf = (plan: AnyPlan, state: unknown): Parts => {
  const { grid, inner, period } = plan
  if (grid !== undefined) return { grid: { of: () => grid(state) }, period, cap: undefined }
  if (inner === undefined || !Predicate.hasProperty(state, "inner")) return { grid: undefined, period, cap: undefined }
  const parts = partsOf(inner, state.inner)
  return isCap(state) ? { ...parts, cap: state } : parts
}

// The delay that goes on may be that of an added run.
const capped = (cap: { hasAdded: boolean; readonly most: number }, wait: number, { due, nextSlot }: Memory): number => {
  cap.hasAdded = wait > cap.most || (due ?? Infinity) < (nextSlot ?? Infinity) - earlyWake
  return Math.min(wait, cap.most)
}

const hasSlots = (plan: AnyPlan): boolean =>
  plan.grid !== undefined || (plan.inner !== undefined && hasSlots(plan.inner))

const policyOf = (
  caller: string,
  schedule: Schedule.Schedule<unknown, never, unknown, unknown>,
  catchUp: CatchUp
): Policy => {
  const { missed = "one", unreadable = "fail", window = Infinity } = args.requiredOptions(`${caller}: catchUp`, catchUp)
  const policy = {
    missed: args.oneOf(`${caller}: catchUp.missed`, missed, ["skip", "one", "all"]),
    window: args.duration(`${caller}: catchUp.window`, window),
    unreadable: args.oneOf(`${caller}: catchUp.unreadable`, unreadable, ["fail", "startAsNew"])
  }
  const plan = planOf(schedule)
  if (plan === undefined) {
    throw new Cause.IllegalArgumentError(
      `${caller}: schedule must be a schedule of effect-wait outside Effect's own combinators, for the loop has catchUp, ` +
        "got a schedule of another library"
    )
  }
  const setting = (["missed", "window"] as const).find((setting) => catchUp[setting] !== undefined)
  return setting === undefined || hasSlots(plan) ? policy : args.refuse(
    `${caller}: catchUp.${setting}`,
    catchUp[setting],
    "left out, for only the slots of Period.cron and Period.ticker can be missed"
  )
}

/** Remembers a loop under its name. */
export const remember = (
  store: Access,
  caller: string,
  watch: ForkedWatch,
  schedule: Schedule.Schedule<unknown, never, unknown, unknown>,
  catchUp: CatchUp
): Recollection<LoopStoreError> => {
  const policy = policyOf(caller, schedule, catchUp)
  const name = watch.name ??
    args.refuse(`${caller}: name`, watch.name, "a string that is not empty, for the loop has catchUp")
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
  ) => {
    const once = Effect.timeoutOrElse(access, { duration: attemptTimeout, orElse: () => Effect.fail(noAnswer(name)) })
    // Nearly each access succeeds at once: only one that fails pays for its retry.
    const again = (failed: LoopStoreError) => {
      let known: LoopStoreError | undefined = failed
      return Effect.suspend(() => {
        const error = known
        known = undefined
        return error === undefined ? once : Effect.fail(error)
      }).pipe(
        Retry.run(away, {
          while: isAway,
          onRetry: ({ delay, error }) => {
            watch.storeFailed(error)
            return Effect.logWarning(
              `The store of this loop's memory is away; the next try is in ${formatRounded(delay)}`,
              error.message
            )
          }
        }),
        // A stop of this loop ends the retry.
        Effect.provideService(CurrentLoop, loop),
        Effect.annotateLogs("loop", name)
      )
    }
    return Effect.map(Effect.catch(once, again), (found) => {
      watch.storeFailed(undefined)
      return found
    })
  }

  const write = (change: Change) =>
    lock.withPermits(1)(Effect.suspend(() => memory === undefined ? Effect.void : store.save(name, memory, change)))

  const save = (loop: Stoppable, change: Change): Effect.Effect<void, LoopStoreError> =>
    Effect.catch(
      retried(lasting(write(change)), loop, ({ reason }) => reason !== "stale"),
      (error) =>
        error._tag !== "RetryExhausted" ? Effect.fail(error) : Effect.annotateLogs(
          Effect.logError(
            "The loop has stopped, and its memory was not written: after the next start its last run is repeated",
            error.message
          ),
          "loop",
          name
        )
    )

  const slotsAt = (at: LoopMoment, parts: Parts): Slots => {
    const { anchor, nextSlot, slot } = slotsOf(parts.grid?.of(), at)
    // The wall clock has whole milliseconds only: roundings must not move the slots from restart to restart.
    const step = (memory?.anchor ?? NaN) - (anchor ?? NaN)
    const shift = Math.abs(step) < leastStep ? step : 0
    return {
      anchor: timeOrNull((anchor ?? NaN) + shift),
      slot: timeOrNull((slot ?? NaN) + shift),
      nextSlot: timeOrNull((nextSlot ?? NaN) + shift)
    }
  }

  const note = ({ at }: Watched, plan: AnyPlan, state: unknown, wait: number): void => {
    const parts = partsOf(plan, state)
    const { period = null } = parts
    const { isPaused, lastEnd, lastStart, lastSuccess } = watch
    const slots = slotsAt(at, parts)
    const written = at.wall()
    memory = {
      written,
      ...slots,
      due: timeOrNull(written + wait),
      period,
      lastStart: timeOrNull(lastStart),
      lastEnd: timeOrNull(lastEnd),
      lastSuccess: timeOrNull(lastSuccess),
      paused: isPaused
    }
  }

  const { begin } = store

  return {
    load: (loop) =>
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
          return save(loop, watch.isPaused ? "pause" : "resume")
        })
      ),
    recall(plan, state, at) {
      if (loaded === undefined || (loaded.due === null && loaded.lastStart === null)) return undefined
      const { due, paused, written } = loaded
      const { cap, grid, period } = partsOf(plan, state)
      if (grid !== undefined) {
        // The slots of a pause are missed.
        const wait = recallGrid(grid.of(), at, loaded, paused ? { ...policy, missed: "skip" } : policy)
        return cap === undefined || wait <= 0 ? wait : capped(cap, wait, loaded)
      }
      const delay = (due ?? Infinity) - written
      // A shorter period applies at once.
      const whole = period === undefined || period === loaded.period ? delay : Math.min(delay, period)
      // A memory from the future counts as one of now: the wall clock was wrong.
      return Math.max(0, whole - Math.max(0, at.wall() - written))
    },
    begin: begin && ((loop, plan, state, isTriggered) => {
      const { at } = loop
      const parts = partsOf(plan, state)
      const isOfSlot = !at.isExtra && parts.cap?.hasAdded !== true && !isImmediate(parts)
      const slot = isOfSlot ? slotsAt(at, parts).nextSlot : null
      const run = { slot, nextSlot: followingSlot(parts.grid?.of(), slot), start: at.wall(), isTriggered }
      return retried(begin(name, run), loop, ({ reason }) => reason === "unavailable").pipe(
        Effect.catchTag("RetryExhausted", () => Effect.succeed(true)), // the loop was stopped, and makes no run
        Effect.map((isGranted) => isGranted || isTriggered || watch.pause(loop))
      )
    }),
    saveBefore(loop, plan, state, next, during) {
      if (typeof next === "number") {
        note(loop, plan, state, next)
        return during(next, save(loop, loop.attempts === 0 ? "start" : "run"))
      }
      if (next instanceof End) {
        // The slot of a failure that ends the loop is not served.
        if (Exit.isFailure(next.exit)) return next
        note(loop, plan, state, 0)
        return Effect.as(save(loop, "run"), next)
      }
      return Effect.flatMap(next, (found) => {
        const saved = this.saveBefore(loop, plan, state, found, during)
        return Effect.isEffect(saved) ? saved : Effect.succeed(saved)
      })
    },
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
      // A loop that another process has taken over ends at its next run.
      return Effect.catch(
        save(loop, watch.isPaused ? "pause" : "resume"),
        ({ message }) => Effect.annotateLogs(Effect.logError("A pause was not written", message), "loop", name)
      )
    }
  }
}

// A calendar before its first slot.
const isImmediate = ({ grid }: Parts): boolean => {
  const found = grid?.of()
  return found !== undefined && "calendar" in found && found.state.slot === -Infinity
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
