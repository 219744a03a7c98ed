/**
 * The store of durable polls: one row for each run of a key, in the database of the service or in memory.
 *
 * ```text
 * DurablePoll.start ---> effect_wait_polls <--- each runner looks every second
 *                        name, key, run, attempt, due_at, state, value
 * ```
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type { PersistenceError } from "effect/cluster/ClusterError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { illegal } from "./internal/args.ts"
import * as memory from "./internal/pollMemory.ts"
import type { PollStorage } from "./internal/pollRow.ts"
import * as pollSql from "./internal/pollSql.ts"

/**
 * The store of durable polls, as {@link layerMemory} or {@link layerSql}. Its operations are for `DurablePoll` alone.
 *
 * **Example** (One store in memory for several programs)
 *
 * ```ts
 * import { DurablePoll, PollStore } from "@effect-wait/cluster"
 * import { Effect, Layer, Schema } from "effect"
 *
 * const rollout = DurablePoll.make({
 *   name: "rollout",
 *   payload: { deployment: Schema.String },
 *   key: (payload) => payload.deployment,
 *   policy: { duration: "1 second", factor: 2, jitter: 0, steps: 6, cap: "30 seconds" }
 * })
 *
 * const store = await Effect.runPromise(Effect.provide(PollStore.PollStore, PollStore.layerMemory))
 * const Shared = Layer.succeed(PollStore.PollStore, store)
 *
 * await Effect.runPromise(Effect.provide(rollout.start({ deployment: "api" }), Shared)) // => "api"
 * const polls = await Effect.runPromise(Effect.provide(rollout.list(), Shared))
 * polls.map(({ key, state }) => `${key}: ${state}`) // => ["api: checking"]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export class PollStore extends Context.Service<PollStore, PollStorage>()("@effect-wait/cluster/PollStore") {}

/**
 * Keeps polls in the memory of this process: for a single process that may forget them, and for tests. Times are those of the `Clock`
 * with which the layer was built.
 *
 * **Example** (A poll in one process)
 *
 * ```ts
 * import { ClusterLoop, DurablePoll, PollStore } from "@effect-wait/cluster"
 * import { Effect, Layer, Option, Schema } from "effect"
 *
 * const ready = DurablePoll.make({
 *   name: "ready",
 *   payload: { host: Schema.String },
 *   key: (payload) => payload.host,
 *   policy: { duration: "10 millis", factor: 2, jitter: 0, steps: 6, cap: "1 second" }
 * })
 *
 * const Live = ready.toLayer(() => Effect.succeed(Option.some(undefined))).pipe(
 *   Layer.provideMerge(PollStore.layerMemory),
 *   Layer.provide(ClusterLoop.layerEmbedded)
 * )
 *
 * const program = Effect.gen(function*() {
 *   const key = yield* ready.start({ host: "db" })
 *   yield* ready.await(key)
 *   return (yield* ready.status(key)).state
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Live)) // => "held"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<PollStore> = Layer.effect(PollStore)(Effect.map(Clock.Clock, memory.make))

/**
 * Keeps polls in the table `effect_wait_polls` of Postgres or SQLite, which it creates if it is missing. Times are those of the database:
 * the clocks of the runners do not matter.
 *
 * An operation in a transaction of the same `SqlClient` is part of it: a poll that is started there starts with the commit.
 *
 * Fails with a `SqlError` if the table can be neither found nor created. Dies with an `IllegalArgumentError` for another database.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSql: Layer.Layer<PollStore, SqlError, SqlClient.SqlClient> = Layer.effect(PollStore)(pollSql.make)

/**
 * Removes ended polls of all names by their age, and returns their number. A poll that has not ended stays.
 *
 * - `olderThan`: removes polls that ended longer ago than this, by the clock of the store; a duration of 0 or more
 * - `limit`: the largest number of polls to remove; default 10,000
 *
 * Dies with an `IllegalArgumentError` for any other value.
 *
 * **Example** (A loop that keeps a month)
 *
 * ```ts
 * import { ClusterLoop, PollStore } from "@effect-wait/cluster"
 * import { Effect } from "effect"
 * import { Period } from "effect-wait"
 *
 * const keepMonth = PollStore.purge({ olderThan: "30 days" })
 *
 * export const Purge = ClusterLoop.layer(keepMonth, Period.cron("@hourly"), { name: "purge polls" })
 *
 * await Effect.runPromise(Effect.provide(keepMonth, PollStore.layerMemory)) // => 0
 * ```
 *
 * @see `DurablePoll.forget` for a single poll
 * @category operations
 * @since 0.1.0
 */
export const purge = (options: {
  readonly olderThan: Duration.Input
  readonly limit?: number | undefined
}): Effect.Effect<number, PersistenceError, PollStore> =>
  Effect.flatMap(PollStore, (store) => {
    const { limit = 10_000, olderThan } = options
    const age = Option.match(Duration.fromInput(olderThan), { onNone: () => NaN, onSome: Duration.toMillis })
    if (!(age >= 0 && age < Infinity)) {
      return Effect.die(
        illegal("PollStore.purge: olderThan", olderThan, "a duration of 0 or more that is not infinite")
      )
    }
    if (!(Number.isSafeInteger(limit) && limit > 0)) {
      return Effect.die(illegal("PollStore.purge: limit", limit, "a whole number of 1 or more"))
    }
    return store.purge(undefined, age, limit)
  })
