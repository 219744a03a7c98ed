/**
 * Serves the dashboard of five loops on 127.0.0.1:8080, or the port of PORT (0 takes one that is free), until Ctrl-C.
 *
 * `npx --yes pnpm@12 dashboard`
 */
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Console, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import * as Service from "./service.ts"

const server = NodeHttpServer.layerConfig(createServer, {
  host: Config.succeed("127.0.0.1"),
  port: Config.Int("PORT").pipe(Config.withDefault(8080))
})

const address = Layer.effectDiscard(
  HttpServer.addressFormattedWith((address) =>
    Console.log(`${address}/loops\nThe token of its actions is "demo", or what TOKEN says.`)
  )
)

// Printed when the routes are there.
address.pipe(
  Layer.provide(HttpRouter.serve(Service.layer, { disableLogger: true, disableListenLog: true })),
  Layer.provide(server),
  Layer.launch,
  NodeRuntime.runMain
)
