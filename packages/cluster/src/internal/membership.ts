/**
 * What the runners of a cluster agree on. Each of them has a row in the database of the cluster, which tells what it uses. A runner that
 * would break the loops of the others is refused when its first loop is built.
 */
import * as Loop from "effect-wait/Loop"
import * as Period from "effect-wait/Period"
import * as Clock from "effect/Clock"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { isPooled } from "./pooledConnection.ts"

/** Why a runner is refused. */
export interface Refusal {
  readonly reason: "address" | "pooledConnection" | "shardSettings"
  readonly message: string
}

/** What all runners of a cluster have in common. */
interface Settings {
  readonly groups: ReadonlyArray<string>
  readonly shards: number
  readonly advisory: boolean
}

interface Row extends Settings {
  readonly address: string
}

const settingsOf = (config: ShardingConfig.ShardingConfig["Service"]): Settings => ({
  groups: Array.from(ShardingConfig.shardGroupConfig(config).available),
  shards: config.shardsPerGroup,
  advisory: !config.shardLockDisableAdvisory
})

const quoted = (groups: ReadonlyArray<string>) => groups.map((group) => `"${group}"`).join(", ")

/** What keeps a runner from joining another one that is alive. */
const conflict = (mine: Settings, other: Row): string | undefined => {
  if (mine.shards !== other.shards) {
    return `This runner has shardsPerGroup ${mine.shards}, and the runner ${other.address} has ${other.shards}: loops would have two ` +
      "owners or none. Keep the number, or stop all runners before the first one starts with another number."
  }
  if (mine.advisory !== other.advisory) {
    return `This runner has shardLockDisableAdvisory ${!mine.advisory}, and the runner ${other.address} has ${!other
      .advisory}: neither ` +
      "sees the locks of the other, and loops would have two owners. Stop all runners before the first one starts with another setting."
  }
  // Advisory locks have the place of the group among the sorted names in their number.
  const isRenumbered = mine.advisory &&
    mine.groups.some((group, i) => i < other.groups.length && group !== other.groups[i])
  return isRenumbered
    ? `This runner has the shard groups ${quoted(mine.groups)}, and the runner ${other.address} has ${
      quoted(other.groups)
    }: the engine ` +
      "numbers its locks by the order of the names, so loops would have two owners. Give a new group a name that sorts after all others, " +
      "or stop all runners before the first one starts with other groups."
    : undefined
}

const defaultAddress = ShardingConfig.defaults.runnerAddress

const beatInterval = (config: ShardingConfig.ShardingConfig["Service"]): Duration.Duration =>
  Duration.max(
    Duration.seconds(2),
    Duration.min(
      Duration.fromInputUnsafe(config.shardLockRefreshInterval),
      Duration.divideUnsafe(Duration.fromInputUnsafe(config.shardLockExpiration), 3)
    )
  )

/** The row of this runner: it is alive until three beats have failed. */
const makeRow = (
  sql: SqlClient.SqlClient,
  address: string,
  instance: string,
  settings: Settings,
  beat: Duration.Duration
) => {
  const lease = sql.literal(`now() + INTERVAL '${Math.ceil(3 * Duration.toMillis(beat))} milliseconds'`)
  const groups = JSON.stringify(settings.groups)
  return {
    prepare: sql<{ cluster: boolean; known: boolean }>`SELECT
      to_regclass('cluster_runners') IS NOT NULL AS cluster, to_regclass('effect_wait_runners') IS NOT NULL AS known`,
    create: sql`CREATE TABLE IF NOT EXISTS effect_wait_runners (
      address TEXT PRIMARY KEY, instance TEXT NOT NULL, shard_groups TEXT NOT NULL, shards_per_group INT NOT NULL,
      advisory BOOLEAN NOT NULL, since TIMESTAMPTZ NOT NULL, alive_until TIMESTAMPTZ NOT NULL
    )`,
    /** The last sign of another one with this address that may be alive. */
    other: Effect.map(
      sql<{ at: string }>`SELECT alive_until::text AS at FROM effect_wait_runners
        WHERE address = ${address} AND instance <> ${instance} AND alive_until > now()`,
      ([row]) => row?.at
    ),
    enter: sql`INSERT INTO effect_wait_runners VALUES
      (${address}, ${instance}, ${groups}, ${settings.shards}, ${settings.advisory}, clock_timestamp(), ${lease})
      ON CONFLICT (address) DO UPDATE SET instance = excluded.instance, shard_groups = excluded.shard_groups,
        shards_per_group = excluded.shards_per_group, advisory = excluded.advisory, since = excluded.since,
        alive_until = excluded.alive_until`,
    /** Until the transaction ends, no other runner enters. */
    lock: sql`LOCK TABLE effect_wait_runners IN SHARE ROW EXCLUSIVE MODE`,
    /** The other runners that are alive. */
    others: Effect.map(
      sql<
        { address: string; groups: string; shards: number; advisory: boolean }
      >`SELECT address, shard_groups AS groups,
        shards_per_group AS shards, advisory FROM effect_wait_runners
        WHERE address <> ${address} AND alive_until > now()
        ORDER BY since DESC`,
      (rows) => rows.map((row): Row => ({ ...row, groups: JSON.parse(row.groups) }))
    ),
    /** Keeps the row, and tells whether it is still there, and what the engine has of this runner. */
    beat: sql<{ kept: boolean; healthy: boolean | null }>`WITH mine AS (
        UPDATE effect_wait_runners SET alive_until = ${lease} WHERE address = ${address} AND instance = ${instance} RETURNING address
      ) SELECT EXISTS (SELECT 1 FROM mine) AS kept, (SELECT healthy FROM cluster_runners WHERE address = ${address}) AS healthy`,
    leave: sql`DELETE FROM effect_wait_runners
      WHERE address = ${address} AND instance = ${instance} OR alive_until < now() - INTERVAL '1 day'`
  }
}

type RowOf = ReturnType<typeof makeRow>

// A runner that has died looks alive for three beats; one that is alive beats again. The result is the last sign of one that has died.
const awaitSign = (row: RowOf, beat: Duration.Duration): Effect.Effect<string | undefined, SqlError> =>
  Effect.gen(function*() {
    const sign = yield* row.other
    if (sign === undefined) return undefined
    yield* Effect.logInfo(
      "A runner with the address of this one was alive a moment ago; loops wait for its next sign of life"
    )
    yield* Effect.sleep(Duration.sum(beat, Duration.seconds(1)))
    return sign
  })

const watchRow = (row: RowOf, address: string): Effect.Effect<void, SqlError> => {
  let wasReached = true
  let unregistered = 0
  return Effect.gen(function*() {
    const [found] = yield* row.beat
    const isReached = found?.healthy !== false
    if (wasReached && !isReached) {
      yield* Effect.logWarning(
        `The other runners do not reach this one at ${address}: it gets no loops. Check its runnerAddress, and whether the network lets ` +
          "them connect to its port"
      )
    }
    wasReached = isReached
    unregistered = found?.healthy === null ? unregistered + 1 : 0
    if (unregistered === 2) {
      yield* Effect.logWarning(
        `The cluster has no runner ${address}, which is the address in the ShardingConfig that the loops have. Give them the one that ` +
          "the runner has: both from ShardingConfig.layerFromEnv, or both from the same object"
      )
    }
    if (found?.kept === true) return
    if ((yield* row.other) === undefined) yield* row.enter
    else {
      yield* Effect.logError(
        `Another runner has the address ${address} too: loops may have two owners. Give each runner its own`
      )
    }
  })
}

const join = Effect.fnUntraced(function*(
  sql: SqlClient.SqlClient,
  config: ShardingConfig.ShardingConfig["Service"],
  address: string
): Effect.fn.Return<Refusal | undefined, SqlError, Scope.Scope> {
  const settings = settingsOf(config)
  const beat = beatInterval(config)
  const instance = `${yield* Clock.currentTimeMillis}-${yield* Random.nextIntBetween(0, 2 ** 31)}`
  const row = makeRow(sql, address, instance, settings, beat)
  const [tables] = yield* row.prepare
  // The storage of the cluster is elsewhere, and so are the other runners.
  if (tables?.cluster !== true) return undefined
  if (Option.isSome(defaultAddress) && address === `${defaultAddress.value.host}:${defaultAddress.value.port}`) {
    return {
      reason: "address",
      message:
        `This runner has the default address ${address}, and so would each other one: set runnerAddress in its ShardingConfig, or ` +
        "HOST and PORT for ShardingConfig.layerFromEnv, to where the other runners reach it."
    }
  }
  if (settings.advisory) {
    const pooled = yield* isPooled(sql)
    if (pooled === true) {
      return {
        reason: "pooledConnection",
        message:
          "A pooler in transaction mode, such as PgBouncer, stands before the database: it gives the locks of the cluster to any " +
          "client. Connect to Postgres itself or to a pool in session mode, or set shardLockDisableAdvisory on all runners."
      }
    }
    if (pooled === undefined) {
      yield* Effect.logWarning(
        "It is not known whether a pooler in transaction mode stands before the database: the client has no two connections to spare, or " +
          "the database is slow. Behind such a pooler, loops have several owners or none"
      )
    }
  }
  // Two that come at once: Postgres lets one of them fail.
  if (!tables.known) yield* Effect.retry(row.create, { times: 3 })
  const died = yield* awaitSign(row, beat)
  const enter = Effect.gen(function*(): Effect.fn.Return<Refusal | undefined, SqlError> {
    yield* row.lock
    const other = yield* row.other
    if (other !== undefined && other !== died) {
      return {
        reason: "address",
        message:
          `Another runner that is alive has the address ${address} too. Give each runner an address of its own: runnerAddress in its ` +
          "ShardingConfig, or HOST and PORT for ShardingConfig.layerFromEnv."
      }
    }
    const [message] = (yield* row.others).flatMap((other) => conflict(settings, other) ?? [])
    if (message !== undefined) return { reason: "shardSettings", message }
    yield* row.enter
    return undefined
  })
  const refusal = yield* Effect.acquireRelease(
    sql.withTransaction(enter),
    () => Effect.ignore(Effect.timeout(Effect.interruptible(row.leave), "2 seconds"))
  )
  if (refusal !== undefined) return refusal
  yield* Loop.forkScoped(watchRow(row, address), Period.nonSliding(beat), {
    immediate: false,
    backoff: Period.nonSliding(beat),
    onFailure: ({ cause }) => Effect.logDebug("This runner could not renew its row", cause)
  })
  return undefined
})

/** Whether this runner is refused. */
export interface Membership {
  readonly refusal: Refusal | undefined
}

export const Membership = Context.Service<Membership>("@effect-wait/cluster/Membership")

const make: Effect.Effect<Membership, never, Scope.Scope> = Effect.gen(function*() {
  const client = yield* Effect.serviceOption(SqlClient.SqlClient)
  const config = yield* Effect.serviceOption(ShardingConfig.ShardingConfig)
  const address = Option.flatMap(config, ({ runnerAddress }) => runnerAddress)
  if (Option.isNone(client) || Option.isNone(config) || Option.isNone(address)) return { refusal: undefined }
  const sql = client.value.withoutTransforms()
  if (!sql.onDialectOrElse({ pg: () => sql.driver !== "pglite", orElse: () => false })) return { refusal: undefined }
  const { host, port } = address.value
  const refusal = yield* Effect.catch(join(sql, config.value, `${host}:${port}`), (error) =>
    Effect.as(
      Effect.logWarning("What the runners of this cluster have in common could not be checked", error),
      undefined
    ))
  return { refusal }
})

/** One for all loops of a runner, since layers are memoized. */
export const layer: Layer.Layer<Membership> = Layer.effect(Membership, make)
