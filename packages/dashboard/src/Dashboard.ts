/**
 * A page for the loops of a service, with their state, health, next run, last runs and last failure; and its HTTP API.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import type * as Etag from "effect/http/Etag"
import type { HttpPlatform } from "effect/http/HttpPlatform"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type { Path } from "effect/Path"
import type * as Scope from "effect/Scope"
import * as DashboardApi from "./DashboardApi.ts"
import * as args from "./internal/args.ts"
import { makeEvents } from "./internal/hub.ts"
import { isClosing, lastOfConnection } from "./internal/nodeServer.ts"
import { pageRoutes } from "./internal/page.ts"
import * as SameOrigin from "./internal/sameOrigin.ts"
import * as LoopSource from "./LoopSource.ts"

/**
 * Options of {@link layer}.
 *
 * - `path`: the path of the page, such as `"/loops"`; the API is at `/loops/api`
 * - `title`: the title of the page; default `"Loops"`
 * - `source`: the source of the loops; default: the loops of this process
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E = never, R = never> {
  readonly path: `/${string}`
  readonly title?: string | undefined
  readonly source?: Effect.Effect<LoopSource.LoopSource, E, R> | undefined
}

/**
 * The services that Effect's HTTP servers provide to routes.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = HttpRouter.HttpRouter | Etag.Generator | HttpPlatform | FileSystem | Path

/**
 * The routes of a dashboard.
 *
 * - `actions`: the authorization of run now, pause, resume and stop: an `HttpApiMiddleware` of your service. Without it the page
 *   is read only, and the routes of the actions do not exist. A request from a page of another origin is rejected with status 403
 *
 * **Gotchas**
 *
 * The page and `GET /loops/api` are as public as your server. If names or errors of loops are confidential, provide a
 * middleware of `HttpRouter` to this layer.
 *
 * **Example** (Beside the other routes of a service)
 *
 * ```ts
 * import { Dashboard } from "@effect-wait/dashboard"
 * import { Effect, Layer } from "effect"
 * import { Loop, Period } from "effect-wait"
 * import { HttpRouter, HttpServer } from "effect/http"
 *
 * const Flush = Loop.layer(Effect.void, Period.sliding("1 minute"), { name: "flush", history: 30 })
 *
 * const { dispose, handler } = HttpRouter.toWebHandler(
 *   Layer.mergeAll(Flush, Dashboard.layer({ path: "/loops" })).pipe(
 *     Layer.provide(Layer.succeed(Loop.Registry, new Set())),
 *     Layer.provide(HttpServer.layerServices)
 *   )
 * )
 *
 * const response = await handler(new Request("http://localhost/loops/api"))
 * const { loops } = await response.json()
 * await dispose()
 *
 * loops[0].name // => "flush"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: {
  <E = never, R = never>(
    options: Options<E, R> & { readonly actions?: undefined }
  ): Layer.Layer<never, E, Services | Exclude<R, Scope.Scope>>
  <Id extends HttpApiMiddleware.AnyId, S, E = never, R = never>(
    options: Options<E, R> & { readonly actions: Context.Key<Id, S> }
  ): Layer.Layer<never, E, Services | Id | HttpApiMiddleware.Requires<Id> | Exclude<R, Scope.Scope>>
} = routes

function routes<E = never, R = never>(
  options: Options<E, R> & { readonly actions?: undefined }
): Layer.Layer<never, E, Services | Exclude<R, Scope.Scope>>
function routes<Id extends HttpApiMiddleware.AnyId, S, E = never, R = never>(
  options: Options<E, R> & { readonly actions: Context.Key<Id, S> }
): Layer.Layer<never, E, Services | Id | HttpApiMiddleware.Requires<Id> | Exclude<R, Scope.Scope>>
function routes<Id extends HttpApiMiddleware.AnyId, S, E, R>(
  options: Options<E, R> & { readonly actions?: Context.Key<Id, S> | undefined }
): Layer.Layer<never, E, unknown> {
  const { actions, path, source = LoopSource.local, title = "Loops" } = options
  const base = args.path("Dashboard.layer: path", path)
  return Layer.unwrap(Effect.gen(function*() {
    const loops = yield* source
    const page = pageRoutes(base, title, actions, loops.canStop)
    const reads = readHandlers(path, loops)
    if (actions === undefined) {
      return Layer.merge(page, Layer.provide(HttpApiBuilder.layer(DashboardApi.make(path)), reads))
    }
    const api = DashboardApi.withActions(path, actions)
    const handlers = Layer.merge(reads, Layer.provide(actionHandlers(path, actions, loops), SameOrigin.layer))
    return Layer.merge(page, Layer.provide(HttpApiBuilder.layer(api), handlers))
  }))
}

const find = (
  source: LoopSource.LoopSource,
  id: string
): Effect.Effect<DashboardApi.Info, DashboardApi.LoopNotFound | DashboardApi.LoopsUnavailable> =>
  Effect.flatMap(source.list, (infos) => {
    const info = infos.find((info) => info.id === id)
    return info === undefined
      ? Effect.fail(new DashboardApi.LoopNotFound({ id, message: `There is no loop of the id ${id}` }))
      : Effect.succeed(info)
  })

// `no-transform` and `x-accel-buffering`: a proxy that waits for the end of a response would send nothing.
const streamHeaders = { "cache-control": "no-cache, no-transform", "x-accel-buffering": "no" }

const readHandlers = (path: `/${string}`, source: LoopSource.LoopSource) =>
  HttpApiBuilder.group(
    DashboardApi.make(path),
    "loops",
    (handlers) =>
      Effect.map(makeEvents(source), (events) =>
        handlers.handleAll({
          list: () =>
            Effect.flatMap(source.list, (loops) =>
              Effect.map(Clock.currentTimeMillis, (at) => ({
                _tag: "Loops" as const,
                at,
                instance: source.instance,
                loops
              }))),
          get: ({ params }) => find(source, params.id),
          changes: ({ request: { source } }) =>
            Effect.succeed(HttpServerResponse.stream(events(() => isClosing(source)), {
              contentType: "text/event-stream",
              headers: { ...streamHeaders, ...lastOfConnection(source) }
            }))
        }))
  )

const actionHandlers = <Id extends HttpApiMiddleware.AnyId, S>(
  path: `/${string}`,
  authorization: Context.Key<Id, S>,
  source: LoopSource.LoopSource
) => {
  const api = DashboardApi.withActions(path, authorization)
  const control = (action: LoopSource.Action) =>
  ({ params: { id }, query: { instance = source.instance } }: {
    readonly params: { readonly id: string }
    readonly query: { readonly instance?: string | null | undefined }
  }) =>
    Effect.gen(function*() {
      if (instance !== source.instance) {
        return yield* new DashboardApi.OtherProcess({ message: "These loops are those of another process" })
      }
      if (action === "stop" && !source.canStop) {
        return yield* new DashboardApi.CannotStop({ message: "These loops cannot be stopped; pause them" })
      }
      yield* find(source, id)
      yield* source.control(id, action)
      return yield* find(source, id)
    })
  return HttpApiBuilder.group(api, "actions", (handlers) =>
    handlers.handleAll({
      trigger: control("trigger"),
      pause: control("pause"),
      resume: control("resume"),
      stop: control("stop")
    }))
}
