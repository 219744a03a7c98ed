/** A service with loops and a dashboard, without a network: requests go to its web handler. */
import { Dashboard, type LoopSource } from "@effect-wait/dashboard"
import { Context, Effect, Layer, Redacted, Schema, Stream } from "effect"
import { HttpRouter, HttpServer, HttpServerError, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"

export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", {
  message: Schema.String
}, { httpApiStatus: 401 }) {}

/** As a service has it: a bearer token. */
export class Authorization extends HttpApiMiddleware.Service<Authorization>()("test/Authorization", {
  error: Unauthorized,
  security: { bearer: HttpApiSecurity.bearer }
}) {}

export const authorized = Layer.succeed(Authorization, {
  bearer: (httpEffect, { credential }) =>
    Effect.gen(function*() {
      if (Redacted.value(credential) === "secret") return yield* httpEffect
      return yield* new Unauthorized({ message: "no" })
    })
})

export interface Options {
  readonly actions?: boolean | undefined
  readonly source?: Effect.Effect<LoopSource.LoopSource> | undefined
  readonly path?: `/${string}` | undefined
}

/** A response, read as far as a spec wants. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  /** The JSON of each event of a stream. */
  readonly events: Stream.Stream<unknown>
}

const answerOf = ({ body, headers, status }: HttpServerResponse.HttpServerResponse): Answer => ({
  status,
  headers: { ...headers, "content-type": body._tag === "Empty" ? undefined : body.contentType },
  text: body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : "",
  events: body._tag !== "Stream" ? Stream.empty : body.stream.pipe(
    Stream.orDie,
    Stream.decodeText(),
    Stream.splitLines,
    Stream.filter((line) => line.startsWith("data: ")),
    Stream.map((line): unknown => JSON.parse(line.slice(6)))
  )
})

/** Sends requests to a service with the loops of the registry, until the Scope closes. */
export const makeService = Effect.fnUntraced(function*({ actions = false, path = "/loops", source }: Options = {}) {
  const options = { path, source }
  const dashboard = actions
    ? Layer.provide(Dashboard.layer({ ...options, actions: Authorization }), authorized)
    : Dashboard.layer(options)
  const router = yield* Layer.build(
    Layer.provideMerge(dashboard, Layer.merge(HttpRouter.layer, HttpServer.layerServices))
  )
  const handle = Context.get(router, HttpRouter.HttpRouter).asHttpEffect()

  return (path: string, init: RequestInit = {}): Effect.Effect<Answer> =>
    Effect.scoped(handle).pipe(
      Effect.catchCause((cause) => Effect.map(HttpServerError.causeResponse(cause), ([response]) => response)),
      Effect.provideService(
        HttpServerRequest.HttpServerRequest,
        HttpServerRequest.fromWeb(new Request(`http://service.test${path}`, init))
      ),
      Effect.map(answerOf)
    )
})
