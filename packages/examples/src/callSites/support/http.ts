/** A server on loopback and a client of it; and the API of `api.ts` through both. */
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Schema, Stream } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiClient, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { createServer } from "node:http"
import { Api, Conflict, Gone, layerMemory, NotFound, Unavailable } from "./api.ts"

// Connections end with it: a client may have opened one that it never uses.
const layerNode = Layer.suspend(() => {
  const server = createServer()
  const close = Effect.sync(() => server.closeAllConnections())
  return Layer.effectDiscard(Effect.addFinalizer(() => close)).pipe(
    Layer.provideMerge(NodeHttpServer.layer(() => server, { host: "127.0.0.1", port: 0, gracefulShutdownTimeout: 0 }))
  )
})

/** Serves the routes on a free port of loopback. The client's URLs begin there. */
export const layerServer = <A, E, R>(routes: Layer.Layer<A, E, R>) =>
  HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(HttpServer.layerTestClient),
    Layer.provideMerge(layerNode),
    Layer.provide(FetchHttpClient.layer)
  )

/** Answers each path with these, one after another, and then with the last one. What was asked is in `requests`. */
export const layerAnswers = (
  answers: Readonly<Record<string, ReadonlyArray<HttpServerResponse.HttpServerResponse>>>,
  requests: Array<string>
) =>
  layerServer(HttpRouter.add("GET", "/*", ({ url }) =>
    Effect.sync(() => {
      requests.push(url)
      const times = requests.filter((request) => request === url).length
      return answers[url]?.slice(0, times).at(-1) ?? HttpServerResponse.empty({ status: 404 })
    })))

const Item = Schema.Struct({ name: Schema.String, version: Schema.Int, spec: Schema.Json })

const Change = Schema.Struct({ type: Schema.Literals(["ADDED", "MODIFIED", "DELETED"]), item: Item })

// As with Kubernetes, the stream itself says what is gone. Anything else breaks the connection.
const Line = Schema.Union([Change, Gone])

const objects = { params: { kind: Schema.String } }

const object = { params: { kind: Schema.String, name: Schema.String } }

const HttpObjects = HttpApi.make("objects").add(
  HttpApiGroup.make("objects", { topLevel: true }).add(
    HttpApiEndpoint.get("list", "/:kind", {
      ...objects,
      success: Schema.Struct({ items: Schema.Array(Item), version: Schema.Int }),
      error: Unavailable
    }),
    HttpApiEndpoint.get("watch", "/:kind/watch/:since", {
      params: { kind: Schema.String, since: Schema.Int },
      success: HttpApiSchema.StreamNdjson({ schema: Line })
    }),
    HttpApiEndpoint.get("get", "/:kind/:name", { ...object, success: Item, error: [NotFound, Unavailable] }),
    HttpApiEndpoint.post("create", "/:kind/:name", {
      ...object,
      payload: Schema.Struct({ spec: Schema.Json }),
      success: Item,
      error: [Conflict, Unavailable]
    }),
    HttpApiEndpoint.put("update", "/:kind", {
      ...objects,
      payload: Item,
      success: Item,
      error: [Conflict, NotFound, Unavailable]
    }),
    HttpApiEndpoint.delete("remove", "/:kind/:name", { ...object, error: [NotFound, Unavailable] })
  )
)

const handlers = HttpApiBuilder.group(
  HttpObjects,
  "objects",
  Effect.fnUntraced(function*(handlers) {
    const api = yield* Api
    return handlers.handleAll({
      list: ({ params }) => api.list(params.kind),
      watch: ({ params }) =>
        Effect.succeed(
          Stream.catchTag(api.watch(params.kind, params.since), "Gone", (gone) => Stream.succeed(gone))
        ),
      get: ({ params }) => api.get(params.kind, params.name),
      create: ({ params, payload }) => api.create(params.kind, params.name, payload.spec),
      update: ({ params, payload }) => api.update(params.kind, payload),
      remove: ({ params }) => api.remove(params.kind, params.name)
    })
  })
)

const unavailable = (cause: unknown) => new Unavailable({ message: String(cause) })

// No answer, or not one of this API.
const lost = ["HttpClientError", "SchemaError"] as const

const layerClient = Layer.effect(
  Api,
  Effect.gen(function*() {
    const client = yield* HttpApiClient.make(HttpObjects)
    return Api.of({
      list: (kind) => Effect.catchTag(client.list({ params: { kind } }), lost, unavailable),
      get: (kind, name) => Effect.catchTag(client.get({ params: { kind, name } }), lost, unavailable),
      create: (kind, name, spec) =>
        Effect.catchTag(client.create({ params: { kind, name }, payload: { spec } }), lost, unavailable),
      update: (kind, item) => Effect.catchTag(client.update({ params: { kind }, payload: item }), lost, unavailable),
      remove: (kind, name) => Effect.catchTag(client.remove({ params: { kind, name } }), lost, unavailable),
      watch: (kind, since) =>
        Stream.unwrap(client.watch({ params: { kind, since } })).pipe(
          Stream.mapError(unavailable),
          Stream.mapEffect((line) => "type" in line ? Effect.succeed(line) : Effect.fail(line))
        )
    })
  })
)

/** The API on loopback: what is asked goes through HTTP. `Faults` are the server's. */
export const layerHttp = layerClient.pipe(
  Layer.provide(layerServer(HttpApiBuilder.layer(HttpObjects).pipe(Layer.provide(handlers)))),
  Layer.provideMerge(layerMemory)
)
