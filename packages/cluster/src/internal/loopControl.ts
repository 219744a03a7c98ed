import * as Arr from "effect/Array"
import * as Sharding from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import { type Control, ControlError, type Status } from "./controlModels.ts"
import { tablesOf, tell } from "./loopEntity.ts"
import type { LoopTable, Row, TableError } from "./loopTable.ts"
import { tableOf } from "./memory.ts"

const statusOf = (
  { begunAt, isPaused, isTriggered, lastStart, memory, name, owner, shardGroup, term }: Row
): Status => {
  const state = begunAt !== null ? "running" : isPaused ? "paused" : "waiting"
  return {
    name,
    shardGroup,
    owner,
    term,
    state,
    isTriggered,
    lastStart: Option.fromNullishOr(lastStart ?? memory?.lastStart),
    lastEnd: Option.fromNullishOr(memory?.lastEnd),
    lastSuccess: Option.fromNullishOr(memory?.lastSuccess),
    nextStart: state === "waiting" ? Option.fromNullishOr(memory?.due) : Option.none()
  }
}

const storageError = (name: string) => (error: TableError): ControlError =>
  new ControlError({
    name,
    reason: "storage",
    message: `The memory of ${name === "" ? "the loops" : `the loop "${name}"`} is away: ${error.message}`,
    cause: error
  })

const unknown = (name: string): ControlError =>
  new ControlError({
    name,
    reason: "unknown",
    message: `No runner of this cluster has ever had a loop "${name}" that remembers. ClusterLoop.list has all of them.`
  })

const noStorage = (name: string): ControlError =>
  new ControlError({
    name,
    reason: "noStorage",
    message:
      "This process does not know where the loops of the cluster have their memory: provide the SqlClient of the cluster."
  })

/**
 * The control of a loop, from any process of the cluster: a runner, or a client (`clientOnly` of `NodeClusterSocket.layer`) with the
 * `SqlClient` of the cluster.
 *
 * Fails with a `ControlError` if there is no loop with that name. A loop is found after its first term has started, also while no runner owns it. A loop with
 * `catchUp: false` is not found.
 *
 * **Example** (A pause in the whole cluster)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Period } from "effect-wait"
 * import { ClusterLoop } from "@effect-wait/cluster"
 * import { TestClock } from "effect/testing"
 *
 * let runs = 0
 * const Sync = ClusterLoop.layer(Effect.sync(() => ++runs), Period.sliding("1 minute"), { name: "sync" })
 *
 * const program = Effect.gen(function*() {
 *   yield* TestClock.adjust("90 seconds")
 *   const sync = yield* ClusterLoop.control("sync")
 *   yield* sync.pause
 *   yield* TestClock.adjust("1 hour")
 *   yield* sync.trigger
 *   yield* TestClock.adjust("1 second")
 *   const { state } = yield* sync.status
 *   const { reason } = yield* Effect.flip(ClusterLoop.control("snyc"))
 *   return { reason, runs, state }
 * }).pipe(
 *   Effect.provide(Layer.provideMerge(Sync, ClusterLoop.layerEmbedded)),
 *   Effect.provide(TestClock.layer())
 * )
 *
 * await Effect.runPromise(program) // => { reason: "unknown", runs: 3, state: "paused" }
 * ```
 *
 * @see {@link list} for all loops
 * @category control
 * @since 0.1.0
 */
export const control = (name: string): Effect.Effect<Control, ControlError, Sharding.Sharding> =>
  Effect.gen(function*() {
    const sharding = yield* Sharding.Sharding
    const table = tablesOf(sharding).get(name) ?? (yield* tableOf(sharding))
    if (table === undefined) return yield* Effect.fail(noStorage(name))
    const asked = <A>(answer: Effect.Effect<A | undefined, TableError>): Effect.Effect<A, ControlError> =>
      Effect.flatMap(
        Effect.mapError(answer, storageError(name)),
        (found) => found === undefined ? Effect.fail(unknown(name)) : Effect.succeed(found)
      )
    const row = asked(table.find(name))
    const commanded = (command: Effect.Effect<string | undefined, TableError>) =>
      Effect.flatMap(asked(command), (shardGroup) => tell(sharding, name, shardGroup))
    yield* row
    return {
      name,
      status: Effect.map(row, statusOf),
      history: Effect.mapError(table.history(name), storageError(name)),
      trigger: commanded(table.trigger(name)),
      pause: commanded(table.setPaused(name, true)),
      resume: commanded(table.setPaused(name, false))
    }
  })

/**
 * All loops of the cluster that have a memory, ordered by name, also loops without an owner now.
 *
 * **Example** (The loops of a service)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Period } from "effect-wait"
 * import { ClusterLoop } from "@effect-wait/cluster"
 * import { TestClock } from "effect/testing"
 *
 * const loop = (name: string) => ClusterLoop.layer(Effect.void, Period.sliding("1 minute"), { name })
 *
 * const program = Effect.gen(function*() {
 *   yield* TestClock.adjust("90 seconds")
 *   return (yield* ClusterLoop.list).map(({ name, state }) => `${name} ${state}`)
 * }).pipe(
 *   Effect.provide(Layer.provideMerge(Layer.merge(loop("sync"), loop("mail")), ClusterLoop.layerEmbedded)),
 *   Effect.provide(TestClock.layer())
 * )
 *
 * await Effect.runPromise(program) // => ["mail waiting", "sync waiting"]
 * ```
 *
 * @see {@link control} for one of them
 * @category control
 * @since 0.1.0
 */
export const list: Effect.Effect<ReadonlyArray<Status>, ControlError, Sharding.Sharding> = Effect.gen(function*() {
  const sharding = yield* Sharding.Sharding
  const tables = new Set<LoopTable>(tablesOf(sharding).values())
  const shared = yield* tableOf(sharding)
  if (shared !== undefined) tables.add(shared)
  if (tables.size === 0) return yield* Effect.fail(noStorage(""))
  const rows = yield* Effect.mapError(Effect.forEach(tables, ({ all }) => all), storageError(""))
  return Arr.sortWith(rows.flat().map(statusOf), ({ name }) => name, Order.String)
})
