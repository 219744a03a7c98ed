/**
 * The polls that a runner serves. They are divided into slots. For each slot there is a singleton of the cluster, so that one runner has it
 * at a time. The runner looks for what is due in its slots once a second, and at once when it gets a slot or when a poll is started here.
 */
import * as Backoff from "effect-wait/Backoff"
import * as Loop from "effect-wait/Loop"
import * as Period from "effect-wait/Period"
import * as Cause from "effect/Cause"
import type { PersistenceError } from "effect/cluster/ClusterError"
import * as Sharding from "effect/cluster/Sharding"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { drop, type Item, type Kind, makeAttempt } from "./pollAttempt.ts"
import { makeCount } from "./pollCount.ts"
import * as PollGate from "./pollGate.ts"
import { type PollRow, type PollStorage, slots } from "./pollRow.ts"
import * as PollTime from "./pollTime.ts"
import * as PollWatch from "./pollWatch.ts"

/** How often a runner looks, in milliseconds. */
const lookEvery = 1_000

// What is due until the next look, and some more: a look takes time.
const horizon = 2 * lookEvery

// A process that was paused for longer than this may be the owner no more: what it has in memory is old.
const longestDelay = 1_000

// How many polls a look reads, besides those that the runner has in memory.
const batch = 1_000

const countEvery = "15 seconds"

interface Server {
  readonly store: PollStorage
  readonly kinds: Map<string, Kind>
  /** Serves a kind until the Scope closes. */
  readonly serve: (kind: Kind) => Effect.Effect<void, never, Scope.Scope>
}

// A defect of a driver ends no loop.
const warn = (what: string) => ({ cause }: { readonly cause: Cause.Cause<Cause.Cause<unknown>> }) =>
  Effect.logWarning(what, Option.getOrElse(Cause.findErrorOption(cause), () => cause))

// A finalizer cannot be interrupted, and the grace has to be.
const waitFor = (effect: Effect.Effect<unknown>) =>
  Effect.flatMap(Effect.forkDetach(effect), (fiber) => Effect.asVoid(Fiber.await(fiber)))

const makeServer = (
  store: PollStorage,
  group: string,
  grace: Duration.Input,
  onEmpty: () => void
): Effect.Effect<Server, never, Sharding.Sharding> =>
  Effect.gen(function*() {
    const sharding = yield* Sharding.Sharding
    const scope = yield* Scope.make()
    const time = yield* PollTime.make
    const watch = PollWatch.of(store)
    const kinds = new Map<string, Kind>()
    const owned = new Set<number>()
    const items = new Map<string, Item>()
    // What has left the memory while a look is under way: what that look read of it may be old.
    const left = new Set<string>()
    const isServed = ({ name, slot }: PollRow) => owned.has(slot) && kinds.has(name)

    const gate = PollGate.make()
    const attempt = makeAttempt(store, time, gate)

    // From attempt to attempt while the next one is near. Others are found by a look.
    const follow = (item: Item): Effect.Effect<void> =>
      time.sleepUntil(item.row.dueAt).pipe(
        Effect.andThen(gate.pass),
        Effect.andThen(Effect.suspend(() => {
          const kind = kinds.get(item.row.name)
          if (kind === undefined || !isServed(item.row)) return Effect.undefined
          const isOld = time.now() > Math.max(item.row.dueAt, item.readAt) + longestDelay
          // A look finds it.
          return isOld ? Effect.undefined : attempt(item, kind)
        })),
        Effect.flatMap((next) => {
          if (next === undefined || next.dueAt > time.now() + horizon || !isServed(next)) return Effect.void
          item.row = next
          item.readAt = time.now()
          return follow(item)
        })
      )

    const schedule = (row: PollRow): Effect.Effect<void> =>
      Effect.suspend(() => {
        const item: Item = { row, readAt: time.now(), fiber: undefined, checkedSince: undefined, isDropped: false }
        items.set(row.id, item)
        const done = Effect.sync(() => {
          items.delete(row.id)
          left.add(row.id)
        })
        return Effect.map(Effect.forkIn(Effect.ensuring(follow(item), done), scope), (fiber) => {
          item.fiber = fiber
        })
      })

    // Another process may have ended what is checked here.
    const dropEnded = Effect.suspend(() => {
      const since = time.now() - lookEvery
      const long = Array.from(items.values()).filter(({ checkedSince = Infinity }) => checkedSince <= since)
      if (long.length === 0) return Effect.void
      return Effect.map(store.waiting(long.map(({ row }) => row.id)), (ids) => {
        const waiting = new Set(ids)
        for (const item of long) if (!waiting.has(item.row.id)) drop(item)
      })
    })

    let expectedAt = Infinity
    const look: Effect.Effect<void, PersistenceError> = Effect.suspend(() => {
      if (owned.size === 0 || kinds.size === 0) return Effect.void
      // After a pause the runner first learns which slots it still has: it rests for one look, never for two.
      const isLate = time.now() > expectedAt + longestDelay
      expectedAt = Infinity
      if (isLate) return Effect.void
      const limit = batch + items.size
      return Effect.gen(function*() {
        left.clear()
        const { rows } = yield* time.ask(
          store.due({ names: Array.from(kinds.keys()), slots: Array.from(owned), within: horizon, limit })
        )
        for (const row of rows) if (!items.has(row.id) && !left.has(row.id) && isServed(row)) yield* schedule(row)
        if (rows.length === limit) yield* loop.trigger
        yield* dropEnded
        expectedAt = time.now() + lookEvery
      })
    })

    const loop = yield* Loop.forkScoped(Effect.sandbox(look), Period.sliding(lookEvery), {
      backoff: Backoff.exponential({ base: lookEvery, cap: "5 seconds" }),
      onFailure: warn("A look for durable polls failed; the next one comes soon")
    }).pipe(Scope.provide(scope))

    yield* Loop.forkScoped(Effect.sandbox(makeCount(store, owned, kinds)), Period.sliding(countEvery), {
      backoff: Period.sliding(countEvery),
      onFailure: warn("The durable polls could not be counted")
    }).pipe(Scope.provide(scope))

    const listener = {
      wake: loop.trigger,
      drop: (ids: ReadonlyArray<string>) => {
        for (const id of ids) {
          const item = items.get(id)
          // One that ends itself is not in a check any more.
          if (item !== undefined) drop(item)
        }
      }
    }
    watch.listeners.add(listener)
    yield* Scope.addFinalizer(scope, Effect.sync(() => watch.listeners.delete(listener)))

    // What sleeps is left to the next owner at once. A check in flight may finish, and is waited for.
    const leave = (isLeft: (row: PollRow) => boolean) =>
      Effect.suspend(() => {
        const leaving = Array.from(items.values()).filter(({ row }) => isLeft(row))
        for (const item of leaving) if (item.checkedSince === undefined) drop(item)
        const fibers = leaving.flatMap(({ fiber }) => fiber === undefined ? [] : [fiber])
        return Effect.timeoutOption(Fiber.awaitAll(fibers), grace).pipe(
          Effect.andThen(Effect.sync(() => leaving.forEach(drop))),
          Effect.andThen(Fiber.awaitAll(fibers))
        )
      })

    const turn = (slot: number) =>
      Effect.sync(() => owned.add(slot)).pipe(
        Effect.andThen(loop.trigger),
        Effect.andThen(Effect.never),
        Effect.ensuring(Effect.suspend(() => {
          owned.delete(slot)
          return waitFor(leave((row) => row.slot === slot))
        }))
      )
    for (let slot = 0; slot < slots; slot++) {
      yield* Scope.provide(
        sharding.registerSingleton(`DurablePoll/${group}/${slot}`, turn(slot), { shardGroup: group }),
        scope
      )
    }

    return {
      store,
      kinds,
      serve: (kind) =>
        Effect.asVoid(Effect.acquireRelease(
          Effect.suspend(() => {
            kinds.set(kind.name, kind)
            return loop.trigger
          }),
          () =>
            Effect.suspend(() => {
              kinds.delete(kind.name)
              const isLast = kinds.size === 0
              if (isLast) onEmpty()
              return Effect.andThen(
                waitFor(leave((row) => row.name === kind.name)),
                isLast ? Scope.close(scope, Exit.void) : Effect.void
              )
            })
        ))
    }
  })

// By runner and shard group: a process may be several runners, in tests.
const servers = new WeakMap<Sharding.Sharding["Service"], Map<string, Server>>()

const oneAtATime = Semaphore.makeUnsafe(1)

const refuse = (message: string) => Effect.die(new Cause.IllegalArgumentError(message))

/** Serves a kind of poll on this runner until the Scope closes. */
export const serve = (
  store: PollStorage,
  kind: Kind,
  options: { readonly shardGroup: string; readonly grace: Duration.Input }
): Effect.Effect<void, never, Sharding.Sharding | Scope.Scope> =>
  Effect.gen(function*() {
    const { grace, shardGroup } = options
    const sharding = yield* Sharding.Sharding
    const groups = servers.get(sharding) ?? new Map<string, Server>()
    servers.set(sharding, groups)
    if (Array.from(groups.values()).some(({ kinds }) => kinds.has(kind.name))) {
      return yield* refuse(
        `This runner serves a poll "${kind.name}" already. Give each kind of poll a name of its own, and build its layer once.`
      )
    }
    const server = groups.get(shardGroup) ??
      (yield* makeServer(store, shardGroup, grace, () => groups.delete(shardGroup)))
    groups.set(shardGroup, server)
    if (server.store !== store) {
      return yield* refuse(
        `The poll "${kind.name}" has another PollStore than the polls that this runner serves already. Provide one to all of them.`
      )
    }
    yield* server.serve(kind)
  }).pipe(oneAtATime.withPermit)
