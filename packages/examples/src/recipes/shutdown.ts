/**
 * A graceful shutdown in Kubernetes. After SIGTERM the service is not ready, goes on serving until no more requests come, finishes what is
 * in flight, and closes the database last.
 *
 * `npx --yes pnpm@12 exec node packages/examples/src/recipes/shutdown.ts`, then Ctrl-C
 */
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Context, Effect, Layer, Ref } from "effect"
import { Loop, Period } from "effect-wait"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"

export class Ready extends Context.Service<Ready, Ref.Ref<boolean>>()("recipes/Ready") {
  static readonly layer = Layer.effect(Ready, Ref.make(true))
}

const readyz = HttpRouter.add(
  "GET",
  "/readyz",
  Effect.map(Effect.flatMap(Ready, Ref.get), (ready) => HttpServerResponse.empty({ status: ready ? 200 : 503 }))
)
const livez = HttpRouter.add("GET", "/livez", HttpServerResponse.empty({ status: 200 }))

/** Ends first: load balancers remove the endpoint a moment after SIGTERM. */
const drain = Layer.effectDiscard(
  Effect.flatMap(
    Ready,
    (ready) => Effect.addFinalizer(() => Effect.andThen(Ref.set(ready, false), Effect.sleep("5 seconds")))
  )
)

export const layer = (sync: Effect.Effect<void>) =>
  drain.pipe(
    Layer.provideMerge(HttpRouter.serve(Layer.mergeAll(readyz, livez))),
    Layer.provideMerge(Loop.layer(sync, Period.ticker("10 seconds"), { name: "sync", grace: "15 seconds" })),
    Layer.provide(Ready.layer)
  )

if (import.meta.main) {
  layer(Effect.sleep("3 seconds")).pipe(
    Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 8080 })),
    Layer.launch,
    NodeRuntime.runMain
  )
}
