/** A replica with two loops of the cluster and a dashboard of them: `node replica.ts <port of HTTP> <port of the cluster> <database url>`. */
import { ClusterLoop } from "@effect-wait/cluster"
import { Dashboard } from "@effect-wait/dashboard"
import * as ClusterSource from "@effect-wait/dashboard/ClusterSource"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { PgClient } from "@effect/sql-pg"
import { Console, Effect, Layer, Logger, Option, Redacted } from "effect"
import { Period } from "effect-wait"
import { RunnerAddress, ShardingConfig } from "effect/cluster"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApiMiddleware } from "effect/http-api"
import { createServer } from "node:http"

const [port = "", clusterPort = "", url = ""] = process.argv.slice(2)

class Anyone extends HttpApiMiddleware.Service<Anyone>()("scripts/Anyone") {}

const config = {
  ...ClusterLoop.fast,
  shardsPerGroup: 8,
  runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", Number(clusterPort)))
}

const loops = Layer.merge(
  ClusterLoop.layer(Effect.sleep("50 millis"), Period.ticker("1 second"), { name: "reconcile" }),
  ClusterLoop.layer(Effect.sleep("200 millis"), Period.sliding("3 seconds"), { name: "report" })
)

const dashboard = Layer.provide(
  Dashboard.layer({ path: "/loops", title: `Loops at ${port}`, source: ClusterSource.make, actions: Anyone }),
  Layer.succeed(Anyone, (httpEffect) => httpEffect)
)

const served = HttpRouter.serve(Layer.merge(loops, dashboard), { disableLogger: true, disableListenLog: true })

// A request before the routes are there would have no answer.
Layer.effectDiscard(HttpServer.addressFormattedWith(Console.log)).pipe(
  Layer.provide(served),
  Layer.provide(NodeHttpServer.layer(createServer, { port: Number(port), host: "127.0.0.1" })),
  Layer.provide(NodeClusterSocket.layer({ storage: "sql", shardingConfig: config })),
  Layer.provide([
    PgClient.layer({ url: Redacted.make(url), maxConnections: 5 }),
    ShardingConfig.layer({ ...ShardingConfig.defaults, ...config })
  ]),
  // The address is the only line.
  Layer.provide(Logger.layer([])),
  Layer.launch,
  NodeRuntime.runMain
)
