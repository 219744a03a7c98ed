/** A service on loopback, in real time, for a real browser. */
import { Dashboard } from "@effect-wait/dashboard"
import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Exit, Layer, Logger, Scope } from "effect"
import { Loop } from "effect-wait"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { HttpApiMiddleware } from "effect/http-api"
import { createServer } from "node:http"
import { Authorization, authorized } from "./service.ts"

/** Lets everyone in, as one that goes by a cookie lets in the pages of every origin. */
class Anyone extends HttpApiMiddleware.Service<Anyone>()("test/Anyone") {}

const dashboards = {
  reading: Dashboard.layer({ path: "/loops", title: "<b>Loops</b>" }),
  token: Layer.provide(Dashboard.layer({ path: "/loops", actions: Authorization }), authorized),
  anyone: Layer.provide(
    Dashboard.layer({ path: "/loops", actions: Anyone }),
    Layer.succeed(Anyone, (httpEffect) => httpEffect)
  )
}

export interface Served {
  readonly url: string
  readonly port: number
  readonly close: () => Promise<void>
}

/** Serves a dashboard of these loops. Port 0 takes one that is free. */
export const serve = async (
  loops: Effect.Effect<unknown, never, Scope.Scope>,
  { actions = "reading", port = 0 }: { readonly actions?: keyof typeof dashboards; readonly port?: number } = {}
): Promise<Served> => {
  const scope = Scope.makeUnsafe()
  const routes = Layer.mergeAll(
    dashboards[actions],
    Layer.effectDiscard(loops),
    HttpRouter.add("GET", "/other", HttpServerResponse.html("<!doctype html><title>Other</title>"))
  )
  const context = await Effect.runPromise(Layer.buildWithScope(
    HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1" })),
      Layer.provide(Layer.succeed(Loop.Registry, new Set())),
      Layer.provide(Logger.layer([]))
    ),
    scope
  ))
  const { address } = Context.get(context, HttpServer.HttpServer)
  const taken = address._tag === "UnixPathAddress" ? 0 : address.port
  return {
    url: `http://127.0.0.1:${taken}`,
    port: taken,
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
