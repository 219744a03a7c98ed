/** What keeps a runner out of a cluster, on a real Postgres. */
import { ClusterLoop } from "@effect-wait/cluster"
import { LeaseStorage } from "@effect-wait/cluster/testing"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Logger, Option, Scope } from "effect"
import { Period } from "effect-wait"
import { RunnerAddress, type ShardingConfig } from "effect/cluster"
import { SqlClient } from "effect/sql"
import * as Postgres from "../../examples/src/cluster/postgres.ts"
import { runner } from "./cluster.ts"

const logs: Array<string> = []
const logger = Logger.layer([
  Logger.make(({ logLevel, message }) => {
    logs.push(`${logLevel}: ${String(Array.isArray(message) ? message[0] : message)}`)
  })
])

/** Builds the layer of a loop on a runner with this configuration. */
const join = Effect.fnUntraced(function*(
  port: number,
  config?: Partial<ShardingConfig.ShardingConfig["Service"]>
) {
  const leases = yield* LeaseStorage.make({ expiration: "35 seconds" })
  const loop = ClusterLoop.layer(Effect.void, Period.sliding("1 hour"), { name: "sync" })
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  yield* Layer.build(
    loop.pipe(
      Layer.provide(runner(port, { ...ClusterLoop.fast, shardsPerGroup: 8, ...config })),
      Layer.provide([leases.layer, logger])
    )
  ).pipe(Scope.provide(scope))
  return { leave: Scope.close(scope, Exit.void) }
})

const refused = (port: number, config?: Partial<ShardingConfig.ShardingConfig["Service"]>) =>
  Effect.flip(join(port, config))

const groups = (...availableShardGroups: ReadonlyArray<string>) => ({ availableShardGroups })

/** What the engine keeps of its runners: that the storage of the cluster is here. */
const cluster = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE IF NOT EXISTS cluster_runners (address TEXT PRIMARY KEY, healthy BOOLEAN NOT NULL)`
  yield* sql`DELETE FROM cluster_runners`
  yield* sql`DROP TABLE IF EXISTS effect_wait_runners`
  logs.length = 0
  return sql
})

layer(Postgres.layerClient().pipe(Layer.provideMerge(Postgres.layer)), {
  excludeTestServices: true,
  timeout: "60 seconds"
})("a runner that joins", (it) => {
  it.effect("is not checked where the storage of the cluster is elsewhere", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* join(1, { runnerAddress: Option.some(RunnerAddress.make("localhost", 34431)) })
      assert.deepStrictEqual(yield* sql`SELECT to_regclass('effect_wait_runners') AS found`, [{ found: null }])
    }))

  it.effect("has a row while it is alive", () =>
    Effect.gen(function*() {
      const sql = yield* cluster
      const { leave } = yield* join(1)
      assert.deepStrictEqual(
        yield* sql`SELECT address, shard_groups, shards_per_group, advisory FROM effect_wait_runners`,
        [{ address: "runner:1", shard_groups: "[\"default\"]", shards_per_group: 8, advisory: true }]
      )
      yield* leave
      assert.deepStrictEqual(yield* sql`SELECT 1 FROM effect_wait_runners`, [])
    }))

  it.effect("is refused with the default address", () =>
    Effect.gen(function*() {
      yield* cluster
      const { message, name, reason } = yield* refused(1, {
        runnerAddress: Option.some(RunnerAddress.make("localhost", 34431))
      })
      assert.deepStrictEqual([name, reason], ["sync", "address"])
      assert.include(message, "This runner has the default address localhost:34431")
    }))

  it.effect("is refused with the address of a runner that is alive, and not with that of one that has died or left", () =>
    Effect.gen(function*() {
      const sql = yield* cluster
      const first = yield* join(1)
      const { message, reason } = yield* refused(1)
      assert.strictEqual(reason, "address")
      assert.include(message, "Another runner that is alive has the address runner:1 too.")
      yield* first.leave
      yield* (yield* join(1)).leave
      // It has died: nobody renews its row.
      yield* sql`INSERT INTO effect_wait_runners VALUES ('runner:2', 'dead', '["default"]', 8, true, now(), now() + INTERVAL '5 seconds')`
      yield* join(2)
      assert.deepStrictEqual(yield* sql`SELECT instance = 'dead' AS dead FROM effect_wait_runners`, [{ dead: false }])
    }))

  it.effect("is refused with another number of shards, or another kind of locks", () =>
    Effect.gen(function*() {
      yield* cluster
      const first = yield* join(1)
      const shards = yield* refused(2, { shardsPerGroup: 16 })
      assert.strictEqual(shards.reason, "shardSettings")
      assert.include(shards.message, "This runner has shardsPerGroup 16, and the runner runner:1 has 8")
      const locks = yield* refused(2, { shardLockDisableAdvisory: true })
      assert.include(locks.message, "This runner has shardLockDisableAdvisory true, and the runner runner:1 has false")
      yield* join(2)
      yield* first.leave
    }))

  it.effect("is refused with shard groups that renumber the locks, and not with a new last one", () =>
    Effect.gen(function*() {
      yield* cluster
      yield* join(1, groups("default", "reports"))
      const { message } = yield* refused(2, groups("batch", "default", "reports"))
      assert.include(message, "Give a new group a name that sorts after all others")
      yield* join(2, groups("zeta", "reports", "default"))
      yield* join(3, groups("default"))
      const other = yield* refused(4, groups("default", "reports", "yotta"))
      assert.include(other.message, "the runner runner:2 has \"default\", \"reports\", \"zeta\"")
    }))

  it.effect("may have any groups where locks are rows, which have names", () =>
    Effect.gen(function*() {
      yield* cluster
      yield* join(1, { ...groups("default"), shardLockDisableAdvisory: true })
      yield* join(2, { ...groups("batch", "default"), shardLockDisableAdvisory: true })
    }))

  it.effect("waits for a runner that enters at the same time, and is refused if they do not fit", () =>
    Effect.gen(function*() {
      const sql = yield* cluster
      yield* (yield* join(1)).leave
      const entering = yield* Deferred.make<void>()
      const second = yield* Effect.forkChild(Effect.andThen(Deferred.await(entering), Effect.flip(join(2))))
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`LOCK TABLE effect_wait_runners IN SHARE ROW EXCLUSIVE MODE`
        yield* sql`INSERT INTO effect_wait_runners VALUES ('runner:1', 'other', '["default"]', 16, true, now(), now() + INTERVAL '1 minute')`
        yield* Deferred.succeed(entering, undefined)
        yield* Effect.sleep("1 second")
      }))
      assert.strictEqual((yield* Fiber.join(second)).reason, "shardSettings")
    }))

  it.effect("lets only one of two stay that come at once with one address", () =>
    Effect.gen(function*() {
      yield* cluster
      const both = yield* Effect.all([Effect.exit(join(1)), Effect.exit(join(1))], { concurrency: 2 })
      assert.strictEqual(both.filter(Exit.isFailure).length, 1)
    }))

  it.effect("says so when the others do not reach it, and when its loops have another address than it has", () =>
    Effect.gen(function*() {
      const sql = yield* cluster
      yield* sql`INSERT INTO cluster_runners VALUES ('runner:1', false)`
      yield* join(1)
      yield* join(2)
      yield* Effect.sleep("5 seconds")
      const warnings = logs.filter((line) => line.startsWith("Warn"))
      assert.strictEqual(warnings.length, 2, warnings.join("\n"))
      assert.isTrue(
        warnings.some((line) => line.includes("The other runners do not reach this one at runner:1: it gets no loops."))
      )
      assert.isTrue(warnings.some((line) => line.includes("The cluster has no runner runner:2")))
    }))

  it.effect("is not refused where the check cannot be made, which is said", () =>
    Effect.gen(function*() {
      const sql = yield* cluster
      yield* sql`CREATE TABLE effect_wait_runners (address TEXT)`
      yield* join(1)
      assert.include(logs.join("\n"), "Warn: What the runners of this cluster have in common could not be checked")
    }))
})
