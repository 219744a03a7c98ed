/** Effect's HttpServer over Node's, for GET; `NodeHttpServer` of `@effect/platform-node` is the whole of it. */
import { Effect, FiberSet, Layer } from "effect"
import { HttpEffect, HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import { listen, portOf } from "./listen.ts"

export const layer = (port: number): Layer.Layer<HttpServer.HttpServer> =>
  Layer.effect(
    HttpServer.HttpServer,
    Effect.gen(function*() {
      const server = yield* listen(port)
      return HttpServer.make({
        address: NetAddress.inetAddressUnsafe(NetAddress.ipv4Loopback, yield* portOf(server)),
        serve: Effect.fnUntraced(function*(app, middleware) {
          const context = yield* Effect.context<never>()
          const handler = HttpEffect.toWebHandler(app, middleware)
          const runFork = yield* FiberSet.makeRuntime()
          server.on("request", ({ method = "GET", url = "/" }, response) => {
            // What makes no Request is a bad one.
            runFork(
              Effect.tryPromise(() => handler(new Request(`http://127.0.0.1${url}`, { method }), context)).pipe(
                Effect.orElseSucceed(() => new Response("", { status: 400 })),
                Effect.flatMap((answer) =>
                  Effect.map(Effect.promise(() => answer.text()), (body) =>
                    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(body))
                )
              )
            )
          })
        })
      })
    })
  )
