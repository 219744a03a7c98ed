/**
 * Serves the loops of `observability.ts` on 127.0.0.1:9464, or the port of PORT, until Ctrl-C.
 *
 * `npx --yes pnpm@12 exec node packages/examples/src/serve.ts`, then `curl localhost:9464/metrics` and `curl localhost:9464/healthz`
 */
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"
import * as Observability from "./observability.ts"

const server = NodeHttpServer.layerConfig(createServer, {
  host: Config.succeed("127.0.0.1"),
  port: Config.Port("PORT").pipe(Config.withDefault(9464))
})

HttpRouter.serve(Observability.layer, { disableLogger: true }).pipe(
  Layer.provide([server, Observability.Work.layer]),
  Layer.launch,
  NodeRuntime.runMain
)
