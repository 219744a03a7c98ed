/** One term of a loop: from when this runner takes it over to when it hands it over or loses it, or the loop is done. */
import * as Loop from "effect-wait/Loop"
import * as LoopStore from "effect-wait/LoopStore"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Sharding from "effect/cluster/Sharding"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { CurrentTerm, type Term } from "../Term.ts"
import { CurrentSlot } from "./currentSlot.ts"
import type { Seat } from "./hub.ts"
import { registryOf } from "./registry.ts"
import type { TermMemory } from "./termMemory.ts"

const terms = Metric.counter("effect_wait_cluster_terms_total", {
  description: "Terms that began here",
  incremental: true
})

const owned = Metric.gauge("effect_wait_cluster_owned", { description: "Loops that this runner owns now" })

/** A loop of this runner, with the attributes that metrics have around its layer. */
export interface Identity {
  readonly name: string
  readonly runner: string
  readonly ambient: Readonly<Record<string, string>>
}

const counted = ({ ambient, name, runner }: Identity) =>
  Effect.provideService(Metric.CurrentMetricAttributes, { ...ambient, name, runner })

/** The series exists from the first call on, so that an alert can sum it up over all runners. */
export const setOwned = (identity: Identity, value: 0 | 1): Effect.Effect<void> =>
  counted(identity)(Metric.update(owned, value))

// In an uninterruptible region the interruption of the fiber comes along with the Cause of a run; it is still pending then.
const ownInterruption = Effect.interruptible(Effect.void)

/**
 * One run, whose error is its Cause: the loop goes on after a defect too. No run starts once the term ends, and the first one not
 * before `first` has ended.
 */
export const iteration = <A, E, R>(
  run: Effect.Effect<A, E, R>,
  seat: Seat,
  first: Effect.Effect<void>
): Effect.Effect<A, Cause.Cause<E>, Exclude<R, Scope.Scope>> => {
  const caught = Effect.catchCause(
    Effect.scoped(run),
    (cause) => Effect.andThen(ownInterruption, Effect.fail(cause))
  )
  // Thousands of loops do not end in one instant.
  const started = Effect.suspend(() => seat.ending() === undefined ? caught : Effect.never)
  let isFirst = true
  return Effect.suspend(() => {
    if (!isFirst) return started
    isFirst = false
    return Effect.andThen(first, started)
  })
}

/**
 * A run of a loop that remembers: it is told its slot. A failure after the guarded write is reported, and does not repeat
 * the run: the slot is done.
 */
export const remembering = <A, E, R>(run: Effect.Effect<A, E, R>, memory: TermMemory): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const slot = memory.slot()
    return Effect.provideService(run, CurrentSlot, slot === null ? undefined : DateTime.makeUnsafe(slot))
  }).pipe(
    Effect.catchCause((cause): Effect.Effect<A, E> =>
      memory.isDone() && !Cause.hasInterruptsOnly(cause)
        // Only schedules of effect-wait remember, and these take any input.
        ? Loop.survive(Effect.failCause(cause)) as Effect.Effect<A>
        : Effect.failCause(cause)
    )
  )

const isStale = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Option.exists(
    Cause.findErrorOption(exit.cause),
    (error) => error instanceof LoopStore.LoopStoreError && error.reason === "stale"
  )

/** A term, until it is interrupted, or a newer term of the loop has begun elsewhere. `fork` starts the loop. */
export const run = <R>(
  sharding: Sharding.Sharding["Service"],
  identity: Identity,
  seat: Seat,
  fork: (term: Term) => Effect.Effect<Loop.Loop<unknown, unknown>, never, R>
): Effect.Effect<void, never, Exclude<R, Scope.Scope>> =>
  Effect.gen(function*() {
    const { name, runner } = identity
    const registry = registryOf(sharding)
    const term: Term = {
      loop: name,
      runner,
      id: seat.recollection?.row?.term ?? String(yield* sharding.getSnowflake),
      startedAt: yield* Clock.currentTimeMillis
    }
    const attributes = { loop: name, runner, term: term.id }
    let isOpen = true
    const end = (ending: string) =>
      Effect.suspend(() => {
        if (!isOpen) return Effect.void
        isOpen = false
        return Effect.andThen(setOwned(identity, 0), Effect.logInfo(`The term ends: ${ending}`))
      })
    return yield* Effect.gen(function*() {
      yield* Effect.acquireRelease(setOwned(identity, 1), () => end(seat.ending() ?? "done"))
      yield* counted(identity)(Metric.update(terms, 1))
      yield* Effect.logInfo("The term begins")
      const loop = yield* fork(term)
      yield* Effect.acquireRelease(
        Effect.sync(() => registry.set(name, { term, loop })),
        () => Effect.sync(() => registry.set(name, undefined))
      )
      const exit = yield* loop.await
      if (isStale(exit)) return yield* end("taken over")
      if (Exit.isSuccess(exit)) yield* Effect.logInfo("The loop is done, and begins again with the next term")
      yield* end("done")
      return yield* Effect.never
    }).pipe(
      Effect.scoped,
      Effect.provideService(CurrentTerm, term),
      Effect.annotateLogs(attributes),
      Effect.annotateSpans(attributes)
    )
  }).pipe(
    Effect.provideService(Metric.CurrentMetricAttributes, { ...identity.ambient, runner: identity.runner }),
    Effect.tapCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.logError("The term has failed: the loop runs nowhere", cause)
    )
  )
