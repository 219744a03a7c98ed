/** How the owner of a loop is told that its row has changed: by a message to an entity that is on the shard of the loop. */
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as Entity from "effect/cluster/Entity"
import type * as Sharding from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { LoopTable, TableError } from "./loopTable.ts"
import { registryOf } from "./registry.ts"

/**
 * The entity of the loops of a shard group; its ids are the names of loops. True: the loop is here.
 *
 * - `look`: is not stored, and arrives at once, or not at all
 * - `lookLater`: is stored until the runner that has the shard reads it
 */
const entityOf = (shardGroup: string) =>
  Entity.make(`effect-wait/loops/${shardGroup}`, [
    Rpc.make("look", { success: Schema.Boolean }),
    Rpc.make("lookLater", {
      payload: { id: Schema.String },
      success: Schema.Boolean,
      primaryKey: ({ id }) => id
    }).annotate(ClusterSchema.Persisted, true)
  ]).annotate(ClusterSchema.ShardGroup, () => shardGroup).annotate(ClusterSchema.ClientTracingEnabled, false)

interface Served {
  /** Where the loops of this process have their rows. */
  readonly tables: Map<string, LoopTable>
  readonly shardGroups: Set<string>
}

// A process may be several runners, in tests.
const runners = new WeakMap<Sharding.Sharding["Service"], Served>()

const servedBy = (sharding: Sharding.Sharding["Service"]): Served => {
  const served = runners.get(sharding) ?? { tables: new Map(), shardGroups: new Set() }
  runners.set(sharding, served)
  return served
}

/** The tables of the loops of this process, by the name of the loop. */
export const tablesOf = (sharding: Sharding.Sharding["Service"]): Map<string, LoopTable> => servedBy(sharding).tables

/** Does what the row says with the loop of this process. False if it is not here. */
export const look = (sharding: Sharding.Sharding["Service"], name: string): Effect.Effect<boolean, TableError> =>
  Effect.suspend(() => {
    const owned = registryOf(sharding).get(name)
    const table = tablesOf(sharding).get(name)
    if (owned === undefined || table === undefined) return Effect.succeed(false)
    return Effect.gen(function*() {
      const before = yield* owned.loop.status
      const row = yield* table.find(name)
      const { lastStart, state } = yield* owned.loop.status
      // Of a run in flight its status does not tell whether the loop is paused.
      if (row?.isPaused === true && state !== "paused") yield* owned.loop.pause
      if (row?.isPaused === false && (state === "paused" || state === "running")) yield* owned.loop.resume
      if (row?.isTriggered !== true) return true
      // A run that has started meanwhile may be the one that was asked for.
      if (!Equal.equals(lastStart, before.lastStart)) return yield* look(sharding, name)
      yield* owned.loop.trigger
      return true
    })
  })

/** The loop can be controlled from other processes, while this one runs it. */
export const serve = (
  sharding: Sharding.Sharding["Service"],
  name: string,
  shardGroup: string,
  table: LoopTable
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { shardGroups, tables } = servedBy(sharding)
    yield* Effect.acquireRelease(
      Effect.sync(() => tables.set(name, table)),
      () => Effect.sync(() => tables.delete(name))
    )
    if (shardGroups.has(shardGroup)) return
    shardGroups.add(shardGroup)
    const answer = Effect.flatMap(Entity.CurrentAddress, ({ entityId }) => Effect.orDie(look(sharding, entityId)))
    // The engine takes a type once, and never again after the Scope of its registration: so it lives as long as the runner.
    yield* sharding.registerEntity(
      entityOf(shardGroup),
      Effect.succeed({ look: () => answer, lookLater: () => answer }),
      { maxIdleTime: "10 seconds" }
    ).pipe(Scope.provide(yield* Scope.make()))
  })

/** The owner may be away, or this process may not reach it: then the message is stored. */
const patience = "300 millis"

/** Tells the owner, whoever that is, to look at the row. */
export const tell = (
  sharding: Sharding.Sharding["Service"],
  name: string,
  shardGroup: string
): Effect.Effect<void> =>
  Effect.gen(function*() {
    if (yield* Effect.catchCause(look(sharding, name), () => Effect.succeed(false))) return
    const client = (yield* sharding.makeClient(entityOf(shardGroup)))(name)
    const isReached = yield* client.look().pipe(
      Effect.timeout(patience),
      Effect.catchCause(() => Effect.succeed(false))
    )
    if (isReached) return
    const id = String(yield* sharding.getSnowflake)
    yield* client.lookLater({ id }, { discard: true }).pipe(
      Effect.catchCause((cause) =>
        Effect.logDebug("The command is in the row of the loop, and its owner could not be told", cause)
      )
    )
  })
