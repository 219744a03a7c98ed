/**
 * One replica of a service, in a process of its own: `node replica.ts <name> <port> <database url>`. All replicas have the same loop,
 * which one of them runs.
 */
import { ClusterLoop, Fence, PollStore, Term } from "@effect-wait/cluster"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Option, Redacted } from "effect"
import { Period } from "effect-wait"
import { RunnerAddress, ShardingConfig } from "effect/cluster"
import { SqlClient } from "effect/sql"
import { config } from "./config.ts"
import * as Rollout from "./rollout.ts"
import { loopPeriod, prepare } from "./tables.ts"

const [name = "", port = "", url = ""] = process.argv.slice(2)

// What it would do to the outside; here it only says that it was there.
const Reconcile = Layer.unwrap(Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const fence = yield* Fence.make("reconcile")
  const run = Effect.gen(function*() {
    const term = yield* Term.CurrentTerm
    const { guard, token } = yield* fence.begin
    yield* sql`INSERT INTO tried (token, replica, term) VALUES (${token}, ${name}, ${term?.id ?? ""})`
    yield* Effect.sleep("20 millis")
    yield* guard(sql`INSERT INTO reconciled (token, replica) VALUES (${token}, ${name})`)
  })
  return ClusterLoop.layer(run, Period.nonSliding(loopPeriod), { name: "reconcile" })
}))

const address = {
  ...config,
  runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", Number(port)))
}

const Sql = PgClient.layer({ url: Redacted.make(url), maxConnections: 5 })

const Service = Layer.merge(Reconcile, Rollout.layer(name)).pipe(
  Layer.provide(Layer.effectDiscard(prepare)),
  Layer.provide(NodeClusterSocket.layer({ storage: "sql", shardingConfig: address })),
  Layer.provide(PollStore.layerSql),
  Layer.provide([Sql, ShardingConfig.layer({ ...ShardingConfig.defaults, ...address })])
)

NodeRuntime.runMain(Layer.launch(Service))
