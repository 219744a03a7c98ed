/**
 * The HTTP API of the dashboard, for a page of your own.
 *
 * ```text
 * GET  /loops/api              the loops
 * GET  /loops/api/:id          one loop
 * GET  /loops/api/changes      the loops, then each change, as server-sent events
 * POST /loops/api/:id/:action  trigger, pause, resume, stop: only with an authorization
 * ```
 *
 * Times are in whole milliseconds since the epoch, by the clock of the server.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import type * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import * as args from "./internal/args.ts"
import { SameOrigin } from "./internal/sameOrigin.ts"

/**
 * A run that has ended.
 *
 * - `attempt`: the number of the run, from 1; null where the source does not count runs
 * - `start`, `end`: when it started and ended
 * - `failure`: the first line of its failure; null after a success
 *
 * @category models
 * @since 0.1.0
 */
export interface Run {
  readonly attempt: number | null
  readonly start: number
  readonly end: number
  readonly failure: string | null
}

/**
 * The Schema of a run.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Run: Schema.Codec<Run> = Schema.Struct({
  attempt: Schema.NullOr(Schema.Finite),
  start: Schema.Finite,
  end: Schema.Finite,
  failure: Schema.NullOr(Schema.String)
})

/**
 * A loop: what `Loop.Snapshot` contains, and its last runs.
 *
 * - `id`: unique among the loops of the answer
 * - `runs`, `failures`, `missed`: null where the source does not count them
 * - `owner`: the process that runs the loop, in a cluster
 * - `history`: the last ended runs, from the oldest to the newest, at most 32. The option `history` of the loop is their number;
 *   without it there is only the last run
 *
 * @category models
 * @since 0.1.0
 */
export interface Info {
  readonly id: string
  readonly name: string
  readonly healthy: boolean
  readonly state: "waiting" | "running" | "paused" | "ended"
  readonly runs: number | null
  readonly failures: number | null
  readonly consecutiveFailures: number
  readonly missed: number | null
  readonly lastStart: number | null
  readonly lastEnd: number | null
  readonly lastSuccess: number | null
  readonly nextStart: number | null
  readonly lastFailure: string | null
  readonly storeFailure?: string | undefined
  readonly owner?: string | undefined
  readonly history: ReadonlyArray<Run>
}

/**
 * The Schema of a loop.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Info: Schema.Codec<Info> = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  healthy: Schema.Boolean,
  state: Schema.Literals(["waiting", "running", "paused", "ended"]),
  runs: Schema.NullOr(Schema.Finite),
  failures: Schema.NullOr(Schema.Finite),
  consecutiveFailures: Schema.Finite,
  missed: Schema.NullOr(Schema.Finite),
  lastStart: Schema.NullOr(Schema.Finite),
  lastEnd: Schema.NullOr(Schema.Finite),
  lastSuccess: Schema.NullOr(Schema.Finite),
  nextStart: Schema.NullOr(Schema.Finite),
  lastFailure: Schema.NullOr(Schema.String),
  storeFailure: Schema.optional(Schema.String),
  owner: Schema.optional(Schema.String),
  history: Schema.Array(Run)
})

/**
 * All loops: the answer of `GET /loops/api`, and the first event of the stream.
 *
 * - `at`: the time of the server
 * - `instance`: the process whose loops these are; null where each process has the same loops
 *
 * @category models
 * @since 0.1.0
 */
export interface Loops {
  readonly _tag: "Loops"
  readonly at: number
  readonly instance: string | null
  readonly loops: ReadonlyArray<Info>
}

/**
 * The Schema of all loops.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Loops: Schema.Codec<Loops> = Schema.Struct({
  _tag: Schema.Literal("Loops"),
  at: Schema.Finite,
  instance: Schema.NullOr(Schema.String),
  loops: Schema.Array(Info)
})

/**
 * A later event of the stream. There is one at least every 5 seconds, also without a change.
 *
 * - `at`: the time of the server
 * - `changed`: the loops that are new or have changed. Their `history` contains only the runs that ended since
 * - `removed`: the ids of the loops whose Scope closed
 * - `unavailable`: why the source does not answer; the loops are as they were when it last did
 *
 * @category models
 * @since 0.1.0
 */
export interface Changes {
  readonly _tag: "Changes"
  readonly at: number
  readonly changed: ReadonlyArray<Info>
  readonly removed: ReadonlyArray<string>
  readonly unavailable?: string | undefined
}

/**
 * The Schema of a later event.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Changes: Schema.Codec<Changes> = Schema.Struct({
  _tag: Schema.Literal("Changes"),
  at: Schema.Finite,
  changed: Schema.Array(Info),
  removed: Schema.Array(Schema.String),
  unavailable: Schema.optional(Schema.String)
})

/**
 * There is no loop of this id: status 404.
 *
 * @category errors
 * @since 0.1.0
 */
export class LoopNotFound extends Schema.TaggedError<LoopNotFound>()("LoopNotFound", {
  id: Schema.String,
  message: Schema.String
}, { httpApiStatus: 404 }) {}

/**
 * The ids come from another process than the one that got the request: status 409. The process has been restarted, or it
 * is another replica of the service.
 *
 * @category errors
 * @since 0.1.0
 */
export class OtherProcess extends Schema.TaggedError<OtherProcess>()("OtherProcess", {
  message: Schema.String
}, { httpApiStatus: 409 }) {}

/**
 * The source of the loops does not answer, such as the database of a cluster: status 503.
 *
 * @category errors
 * @since 0.1.0
 */
export class LoopsUnavailable extends Schema.TaggedError<LoopsUnavailable>()("LoopsUnavailable", {
  message: Schema.String
}, { httpApiStatus: 503 }) {}

const params = { id: Schema.String }

const list = HttpApiEndpoint.get("list", "/", { success: Loops, error: LoopsUnavailable })

const get = HttpApiEndpoint.get("get", "/:id", { params, success: Info, error: [LoopNotFound, LoopsUnavailable] })

const changes = HttpApiEndpoint.get("changes", "/changes", {
  success: HttpApiSchema.StreamSse({ data: Schema.Union([Loops, Changes]) })
})

const action = <const Name extends string>(name: Name) =>
  HttpApiEndpoint.post(name, `/:id/${name}`, {
    params,
    query: { instance: Schema.optional(Schema.String) },
    success: Info,
    error: [LoopNotFound, OtherProcess, LoopsUnavailable]
  })

/**
 * The API of a dashboard at this path, without actions.
 *
 * **Example** (The loops of a service, from another process)
 *
 * ```ts
 * import { DashboardApi } from "@effect-wait/dashboard"
 * import { Effect } from "effect"
 * import { HttpApiClient } from "effect/http-api"
 *
 * const loops = Effect.gen(function*() {
 *   const client = yield* HttpApiClient.make(DashboardApi.make("/loops"), { baseUrl: "http://localhost:8080" })
 *   return (yield* client.loops.list()).loops
 * })
 *
 * Effect.isEffect(loops) // => true
 * ```
 *
 * @see {@link withActions} for the API with actions
 * @category constructors
 * @since 0.1.0
 */
export const make = (path: `/${string}`) => {
  const base = args.path("DashboardApi.make: path", path)
  return HttpApi.make("effect-wait/dashboard").add(
    HttpApiGroup.make("loops").add(list, get, changes).prefix(`${base}/api`)
  )
}

/**
 * The API of a dashboard at this path, with the actions behind an authorization.
 *
 * @category constructors
 * @since 0.1.0
 */
export const withActions = <Id extends HttpApiMiddleware.AnyId, S>(
  path: `/${string}`,
  authorization: Context.Key<Id, S>
) => {
  const base = args.path("DashboardApi.withActions: path", path)
  return make(path).add(
    HttpApiGroup.make("actions").add(action("trigger"), action("pause"), action("resume"), action("stop"))
      .prefix(`${base}/api`)
      .middleware(authorization)
      .middleware(SameOrigin)
  )
}
