/** Where the loops of a layer remember, and how a runner takes them over. */
import * as Backoff from "effect-wait/Backoff"
import * as Jitter from "effect-wait/Jitter"
import * as LoopStore from "effect-wait/LoopStore"
import * as Retry from "effect-wait/Retry"
import type * as Sharding from "effect/cluster/Sharding"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { LoopTable } from "./loopTable.ts"
import * as ProcessLoopTable from "./processLoopTable.ts"
import * as SqlLoopTable from "./sqlLoopTable.ts"
import type { Recollection, TakeOver } from "./takeOver.ts"

const bySql = new WeakMap<SqlClient.SqlClient, Option.Option<LoopTable>>()
const byStore = new WeakMap<object, LoopTable>()

const cached = <K extends object, V>(known: WeakMap<K, V>, key: K, make: () => V): V => {
  const found = known.get(key) ?? make()
  known.set(key, found)
  return found
}

// The clusters of one process: their loops remember as long as they live.
const embedded = new WeakSet<Sharding.Sharding["Service"]>()

/** This cluster has no other process. */
export const setEmbedded = (sharding: Sharding.Sharding["Service"]): void => {
  embedded.add(sharding)
}

/**
 * The table in the database of the context, else that of a `LoopStore`, else that of an embedded cluster. None where nothing would
 * remember through a hand-over.
 */
export const tableOf = (sharding: Sharding.Sharding["Service"]): Effect.Effect<LoopTable | undefined> =>
  Effect.gen(function*() {
    const client = Option.getOrUndefined(yield* Effect.serviceOption(SqlClient.SqlClient))
    const table = client &&
      Option.getOrUndefined(cached(bySql, client, () => Option.fromUndefinedOr(SqlLoopTable.make(client))))
    if (table !== undefined) return table
    const store = Option.getOrUndefined(yield* Effect.serviceOption(LoopStore.LoopStore))
    if (store !== undefined) return cached(byStore, store, () => ProcessLoopTable.make(store))
    return embedded.has(sharding) ? cached(byStore, sharding, () => ProcessLoopTable.make(undefined)) : undefined
  })

const away = Backoff.exponential({ base: "1 second", cap: "10 seconds" }).pipe(Jitter.equal)

const takeOvers = new WeakMap<LoopTable, Map<string, TakeOver>>()

/** Takes over the loops of a shard in one statement. It waits for a database that is away. */
export const takeOverOf = (
  table: LoopTable,
  sharding: Sharding.Sharding["Service"],
  by: { readonly owner: string; readonly shardGroup: string }
): TakeOver => {
  const known = cached(takeOvers, table, () => new Map<string, TakeOver>())
  const key = `${by.shardGroup} ${by.owner}`
  const found = known.get(key) ?? ((names) =>
    Effect.gen(function*() {
      const takers = yield* Effect.forEach(
        names,
        (name) => Effect.map(sharding.getSnowflake, (id) => ({ name, term: String(id) }))
      )
      const rows = yield* table.take(takers, by).pipe(
        Effect.timeout("10 seconds"),
        Retry.run(away, {
          onRetry: ({ delay, error }) =>
            Effect.logWarning(
              `The memory of ${names.length === 1 ? "a loop" : `${names.length} loops`} is away; the next try is in ${
                Duration.format(Duration.millis(Math.round(Duration.toMillis(delay))))
              }`,
              error.message
            )
        }),
        Effect.orDie // the backoff has no end
      )
      return new Map(Array.from(rows, ([name, row]): [string, Recollection] => [name, { name, row }]))
    }))
  known.set(key, found)
  return found
}
