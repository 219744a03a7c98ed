/** What happens to the polls of one store in this process, and who waits for their end. */
import * as Loop from "effect-wait/Loop"
import * as Period from "effect-wait/Period"
import * as Cause from "effect/Cause"
import type { PersistenceError } from "effect/cluster/ClusterError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { PollRow, PollStorage } from "./pollRow.ts"

// How often the store is asked for the ends that other processes stored.
const askEvery = "500 millis"

// One question in so many is for polls that were removed.
const removedEvery = 10

/** A runner in this process. */
interface Listener {
  readonly wake: Effect.Effect<void>
  /** These polls have ended. */
  readonly drop: (ids: ReadonlyArray<string>) => void
}

export interface PollWatch {
  readonly listeners: Set<Listener>
  /** A poll was started. */
  readonly started: Effect.Effect<void>
  /** These polls were ended or removed by this process. */
  readonly over: (ids: ReadonlyArray<string>) => Effect.Effect<void>
  /** The row of a poll that has ended; undefined if it was removed. */
  readonly await: (id: string) => Effect.Effect<PollRow | undefined>
}

interface Waiter {
  readonly ended: Deferred.Deferred<PollRow | undefined>
  count: number
}

const make = (store: PollStorage): PollWatch => {
  const listeners = new Set<Listener>()
  const waiters = new Map<string, Waiter>()
  let idle: Deferred.Deferred<void> | undefined
  let rounds = 0

  const resolve = (ids: ReadonlyArray<string>, findsRemoved: boolean): Effect.Effect<void, PersistenceError> =>
    Effect.gen(function*() {
      if (ids.length === 0) return
      // In this order: what neither waited nor has ended since is gone.
      const waiting = findsRemoved ? new Set(yield* store.waiting(ids)) : undefined
      const ended = new Map((yield* store.ended(ids)).map((row) => [row.id, row]))
      for (const id of ids) {
        const row = ended.get(id)
        const waiter = waiters.get(id)
        if (waiter === undefined || (row === undefined && (waiting?.has(id) ?? true))) continue
        waiters.delete(id)
        yield* Deferred.succeed(waiter.ended, row)
      }
    })

  const settle = Effect.suspend(() => {
    if (waiters.size > 0 || idle === undefined) return Effect.void
    const done = idle
    idle = undefined
    return Deferred.succeed(done, undefined)
  })

  const round = Effect.suspend(() => resolve(Array.from(waiters.keys()), ++rounds % removedEvery === 0))

  // Runs while somebody waits, whoever came first.
  const asking = Effect.suspend(() => {
    if (idle !== undefined) return Effect.void
    idle = Deferred.makeUnsafe<void>()
    return Loop.run(Effect.sandbox(round), Period.sliding(askEvery), {
      stop: Deferred.await(idle),
      backoff: Period.sliding(askEvery),
      onFailure: ({ cause }) =>
        Effect.logWarning(
          "The store of durable polls failed; asking again",
          Option.getOrElse(Cause.findErrorOption(cause), () => cause)
        )
    }).pipe(Effect.ignoreCause, Effect.forkDetach)
  })

  return {
    listeners,
    started: Effect.suspend(() => Effect.forEach(listeners, ({ wake }) => wake, { discard: true })),
    over: (ids) =>
      Effect.suspend(() => {
        for (const { drop } of listeners) drop(ids)
        // Who waits asks again anyway.
        return Effect.ignore(resolve(ids.filter((id) => waiters.has(id)), true))
      }),
    await: (id) =>
      Effect.suspend(() => {
        const waiter = waiters.get(id) ?? { ended: Deferred.makeUnsafe<PollRow | undefined>(), count: 0 }
        waiters.set(id, waiter)
        waiter.count++
        return asking.pipe(
          Effect.andThen(Deferred.await(waiter.ended)),
          Effect.ensuring(Effect.suspend(() => {
            if (--waiter.count === 0 && waiters.get(id) === waiter) waiters.delete(id)
            return settle
          }))
        )
      })
  }
}

const watches = new WeakMap<PollStorage, PollWatch>()

/** The one watch of a store in this process. */
export const of = (store: PollStorage): PollWatch => {
  const watch = watches.get(store) ?? make(store)
  watches.set(store, watch)
  return watch
}
