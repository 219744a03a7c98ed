/**
 * The loops of one shard, as one singleton of the cluster engine: the hub starts them when this runner gets the shard, and ends
 * them when it gives it up. The engine walks all singletons for each shard that moves, so one singleton a loop would take seconds from
 * some thousand loops on.
 */
import * as EntityId from "effect/cluster/EntityId"
import type * as ShardId from "effect/cluster/ShardId"
import type * as Sharding from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { makePace, type Pace, type Place } from "./pace.ts"
import type { Recollection, TakeOver } from "./takeOver.ts"

/** Why a term ended. */
export type Ending = "hand-over" | "lost lock" | "shutdown" | "done"

/**
 * What a term is given.
 *
 * - `recollection`: what the call that took over the loop returned for its name
 * - `firstRun`: the place of its first run, if that would start at once
 * - `ending`: why the term ends: from then on no run starts
 */
export interface Seat {
  readonly recollection: Recollection | undefined
  readonly firstRun: Place
  readonly ending: () => Ending | undefined
}

/** A loop of a hub: `term` runs from its start to its interruption. Loops with the same `takeOver` are taken over in one call. */
export interface Member {
  readonly name: string
  readonly shardGroup: string
  readonly takeOver: TakeOver
  readonly term: (seat: Seat) => Effect.Effect<never>
}

interface Running {
  readonly fiber: Fiber.Fiber<never>
  readonly state: { ending: Ending | undefined }
}

/** What a hub has while this runner has its shard, and until its terms have ended: a layer that is closed waits for that too. */
interface Tenure {
  isOpen: boolean
  /** The loops to start. */
  readonly waiting: Map<string, Member>
  readonly running: Map<string, Running>
  readonly changed: Latch.Latch
}

interface Hub {
  readonly shard: ShardId.ShardId
  readonly members: Map<string, Member>
  /** The engine ties a singleton to the Scope of its registration: neither the first loop's nor the last one's would do. */
  readonly scope: Scope.Closeable
  tenure: Tenure | undefined
}

/** The hubs of one runner. */
interface Hubs {
  readonly byShard: Map<string, Hub>
  /** A name of a singleton for each shard: one that hashes to it. */
  readonly names: Map<string, string>
  tried: number
  /** For each shard: held while its hub is registered or removed. */
  readonly locks: Map<string, Semaphore.Semaphore>
  readonly pace: Pace
  /** Whether this runner has lost its locks, and has got no shard since. */
  hasLostLocks: boolean
}

// A process may be several runners, in tests.
const runners = new WeakMap<Sharding.Sharding["Service"], Hubs>()

const hubsOf = (sharding: Sharding.Sharding["Service"]): Hubs => {
  const hubs = runners.get(sharding) ?? {
    byShard: new Map(),
    names: new Map(),
    tried: 0,
    locks: new Map(),
    pace: makePace(),
    hasLostLocks: false
  }
  runners.set(sharding, hubs)
  return hubs
}

const withLock = (hubs: Hubs, shard: ShardId.ShardId) => {
  const key = String(shard)
  const lock = hubs.locks.get(key) ?? Semaphore.makeUnsafe(1)
  hubs.locks.set(key, lock)
  return lock.withPermit
}

// Two thousand hashes find a name for each of 300 shards.
const singletonName = (
  sharding: Sharding.Sharding["Service"],
  hubs: Hubs,
  shardGroup: string,
  shard: string
): string => {
  while (true) {
    const known = hubs.names.get(shard)
    if (known !== undefined) return known
    const name = `effect-wait/loops/${hubs.tried++}`
    const at = String(sharding.getShardId(EntityId.make(name), shardGroup))
    if (!hubs.names.has(at)) hubs.names.set(at, name)
  }
}

/**
 * Why a hub ends, as far as the engine shows it: without a healthy storage of locks a runner loses all shards at once, and at a
 * hand-over some remain.
 */
const endingOf = (sharding: Sharding.Sharding["Service"], hubs: Hubs): Effect.Effect<Ending> =>
  Effect.map(sharding.isShutdown, (isShutdown) => {
    if (isShutdown) return "shutdown"
    const held = Array.from(hubs.byShard.values()).filter(({ tenure }) => tenure?.isOpen === true)
    if (held.length > 1 && !held.some(({ shard }) => sharding.hasShardId(shard))) hubs.hasLostLocks = true
    return hubs.hasLostLocks ? "lost lock" : "hand-over"
  })

const startTerm = Effect.fnUntraced(
  function*({ pace }: Hubs, tenure: Tenure, member: Member, recollection: Recollection | undefined) {
    const firstRun = yield* pace.firstRun
    // Its layer may have been closed meanwhile.
    if (tenure.waiting.get(member.name) !== member) return
    tenure.waiting.delete(member.name)
    const state: Running["state"] = { ending: undefined }
    const fiber = yield* Effect.forkDetach(member.term({ recollection, firstRun, ending: () => state.ending }), {
      startImmediately: true
    })
    tenure.running.set(member.name, { fiber, state })
  },
  Effect.uninterruptible
)

const startWaiting = Effect.fnUntraced(function*(hubs: Hubs, tenure: Tenure) {
  const waiting = Array.from(tenure.waiting.values())
  for (const takeOver of new Set(waiting.map(({ takeOver }) => takeOver))) {
    const members = waiting.filter((member) => member.takeOver === takeOver)
    const known = yield* takeOver(members.map(({ name }) => name))
    for (const member of members) {
      yield* hubs.pace.turn
      yield* startTerm(hubs, tenure, member, known.get(member.name))
    }
  }
})

const endTerms = Effect.fnUntraced(function*({ pace }: Hubs, tenure: Tenure, ending: Ending) {
  const running = Array.from(tenure.running.values())
  for (const { state } of running) state.ending = ending
  for (const { fiber } of running) {
    yield* pace.turn
    fiber.interruptUnsafe()
  }
  yield* Fiber.awaitAll(running.map(({ fiber }) => fiber))
})

const serve = (sharding: Sharding.Sharding["Service"], hubs: Hubs, hub: Hub): Effect.Effect<never> =>
  Effect.acquireUseRelease(
    Effect.sync((): Tenure => {
      hubs.hasLostLocks = false
      return hub.tenure = {
        isOpen: true,
        waiting: new Map(hub.members),
        running: new Map(),
        changed: Latch.makeUnsafe(true)
      }
    }),
    (tenure) =>
      Effect.forever(Effect.suspend(() => {
        tenure.changed.closeUnsafe()
        return Effect.andThen(startWaiting(hubs, tenure), tenure.changed.await)
      })),
    (tenure) =>
      Effect.flatMap(endingOf(sharding, hubs), (ending) => {
        tenure.isOpen = false
        return endTerms(hubs, tenure, ending)
      })
  ).pipe(
    Effect.tapDefect((defect) => Effect.logError(`The loops of the shard ${String(hub.shard)} run nowhere`, defect))
  )

const enter = Effect.fnUntraced(function*(
  sharding: Sharding.Sharding["Service"],
  hubs: Hubs,
  shard: ShardId.ShardId,
  member: Member
) {
  const key = String(shard)
  const known = hubs.byShard.get(key)
  if (known !== undefined) {
    known.members.set(member.name, member)
    known.tenure?.waiting.set(member.name, member)
    known.tenure?.changed.openUnsafe()
    return known
  }
  const hub: Hub = { shard, members: new Map([[member.name, member]]), scope: yield* Scope.make(), tenure: undefined }
  hubs.byShard.set(key, hub)
  yield* sharding.registerSingleton(
    singletonName(sharding, hubs, member.shardGroup, key),
    serve(sharding, hubs, hub),
    { shardGroup: member.shardGroup }
  ).pipe(Scope.provide(hub.scope))
  return hub
})

const leave = Effect.fnUntraced(function*(hubs: Hubs, hub: Hub, name: string) {
  const { tenure } = hub
  hub.members.delete(name)
  tenure?.waiting.delete(name)
  const running = tenure?.running.get(name)
  if (running !== undefined) {
    running.state.ending ??= "shutdown"
    yield* hubs.pace.turn
    yield* Fiber.interrupt(running.fiber)
    tenure?.running.delete(name)
  }
  yield* withLock(hubs, hub.shard)(Effect.suspend(() => {
    const key = String(hub.shard)
    if (hub.members.size > 0 || hubs.byShard.get(key) !== hub) return Effect.void
    hubs.byShard.delete(key)
    return Scope.close(hub.scope, Exit.void)
  }))
})

/** Waits until the layer of another loop may be built: thousands of them are built at once. */
export const turn = (sharding: Sharding.Sharding["Service"]): Effect.Effect<void> =>
  Effect.suspend(() => hubsOf(sharding).pace.turn)

/** Adds a loop to the hub of its shard, until the Scope closes. The first one makes the hub, the last one removes it. */
export const join = (
  sharding: Sharding.Sharding["Service"],
  member: Member
): Effect.Effect<unknown, never, Scope.Scope> =>
  Effect.suspend(() => {
    const hubs = hubsOf(sharding)
    const shard = sharding.getShardId(EntityId.make(member.name), member.shardGroup)
    return Effect.acquireRelease(
      withLock(hubs, shard)(enter(sharding, hubs, shard, member)),
      (hub) => leave(hubs, hub, member.name)
    )
  })
