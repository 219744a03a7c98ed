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
 * - `missed`: how many slots passed without a run, between the start of this run and the start of the next run. Absent where there
 *   was none, and where no page was open at that time
 *
 * @category models
 * @since 0.1.0
 */
export interface Run {
  readonly attempt: number | null
  readonly start: number
  readonly end: number
  readonly failure: string | null
  readonly missed?: number | undefined
}

/**
 * The Schema of a run.
 *
 * @see {@link Loops} for the example
 * @category schemas
 * @since 0.1.0
 */
export const Run: Schema.Codec<Run> = Schema.Struct({
  attempt: Schema.NullOr(Schema.Finite),
  start: Schema.Finite,
  end: Schema.Finite,
  failure: Schema.NullOr(Schema.String),
  missed: Schema.optional(Schema.Finite)
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
 * @see {@link Loops} for the example
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
 * **Example** (What the stream of changes sends)
 *
 * ```ts
 * import { DashboardApi } from "@effect-wait/dashboard"
 * import { Schema } from "effect"
 *
 * const run: DashboardApi.Run = { attempt: 1, start: 0, end: 200, failure: "no route to host" }
 * const sync: DashboardApi.Info = {
 *   id: "7",
 *   name: "sync",
 *   healthy: true,
 *   state: "waiting",
 *   runs: 1,
 *   failures: 1,
 *   consecutiveFailures: 1,
 *   missed: 0,
 *   lastStart: 0,
 *   lastEnd: 200,
 *   lastSuccess: null,
 *   nextStart: 1200,
 *   lastFailure: "no route to host",
 *   history: [run]
 * }
 * const decode = Schema.decodeUnknownSync(Schema.Union([DashboardApi.Loops, DashboardApi.Changes]))
 *
 * decode({ _tag: "Loops", at: 250, instance: "x1", loops: [sync] })._tag // => "Loops"
 * decode({ _tag: "Changes", at: 500, changed: [sync], removed: [] })._tag // => "Changes"
 * ```
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
 * - `changed`: the loops that are new or have changed. Their `history` contains only the runs that ended since; the newest earlier
 *   run comes again when slots were missed after it
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
 * @see {@link Loops} for the example
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
 * **Example** (What an action fails with)
 *
 * ```ts
 * import { DashboardApi } from "@effect-wait/dashboard"
 *
 * const isWorthAnotherTry = (
 *   error: DashboardApi.LoopNotFound | DashboardApi.OtherProcess | DashboardApi.LoopsUnavailable | DashboardApi.CannotStop
 * ) => error._tag === "OtherProcess" || error._tag === "LoopsUnavailable"
 *
 * isWorthAnotherTry(new DashboardApi.LoopNotFound({ id: "7", message: "There is no loop of the id 7" })) // => false
 * isWorthAnotherTry(new DashboardApi.OtherProcess({ message: "These loops are those of another process" })) // => true
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class LoopNotFound extends Schema.TaggedError<LoopNotFound>()("LoopNotFound", {
  id: Schema.String,
  message: Schema.String
}, { httpApiStatus: 404 }) {}

/**
 * The ids in the request are those of another process: status 409. The process was restarted, or another replica of the service
 * has answered.
 *
 * @see {@link LoopNotFound} for the example
 * @category errors
 * @since 0.1.0
 */
export class OtherProcess extends Schema.TaggedError<OtherProcess>()("OtherProcess", {
  message: Schema.String
}, { httpApiStatus: 409 }) {}

/**
 * The source of the loops does not answer, such as the database of a cluster: status 503.
 *
 * @see {@link LoopNotFound} for the example
 * @category errors
 * @since 0.1.0
 */
export class LoopsUnavailable extends Schema.TaggedError<LoopsUnavailable>()("LoopsUnavailable", {
  message: Schema.String
}, { httpApiStatus: 503 }) {}

/**
 * The source of the loops cannot stop them: status 405.
 *
 * @see {@link LoopNotFound} for the example
 * @category errors
 * @since 0.1.0
 */
export class CannotStop extends Schema.TaggedError<CannotStop>()("CannotStop", {
  message: Schema.String
}, { httpApiStatus: 405 }) {}

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
    error: [LoopNotFound, OtherProcess, LoopsUnavailable, CannotStop]
  })

const [trigger, pause, resume, stop] = [action("trigger"), action("pause"), action("resume"), action("stop")]

/**
 * The endpoints that only read: `list`, `get` and `changes`.
 *
 * @category models
 * @since 0.1.0
 */
export type ReadGroup = HttpApiGroup.AddPrefix<
  HttpApiGroup.HttpApiGroup<"loops", typeof list | typeof get | typeof changes>,
  `/${string}`
>

/**
 * The endpoints behind an authorization: `trigger`, `pause`, `resume` and `stop`.
 *
 * @category models
 * @since 0.1.0
 */
export type ActionGroup<Id extends HttpApiMiddleware.AnyId> = HttpApiGroup.AddMiddleware<
  HttpApiGroup.AddMiddleware<
    HttpApiGroup.AddPrefix<
      HttpApiGroup.HttpApiGroup<"actions", typeof trigger | typeof pause | typeof resume | typeof stop>,
      `/${string}`
    >,
    Id
  >,
  SameOrigin
>

/**
 * The API of a dashboard at this path, without actions.
 *
 * **Example** (Its parts, and a client of it)
 *
 * ```ts
 * import { DashboardApi } from "@effect-wait/dashboard"
 * import { Effect } from "effect"
 * import { HttpApiClient } from "effect/http-api"
 *
 * const api = DashboardApi.make("/loops")
 *
 * export const names = Effect.gen(function*() {
 *   const client = yield* HttpApiClient.make(api, { baseUrl: "http://localhost:8080" })
 *   return (yield* client.loops.list()).loops.map(({ name }) => name)
 * })
 *
 * Object.keys(api.groups.loops.endpoints) // => ["list", "get", "changes"]
 * ```
 *
 * @see {@link withActions} for the API with actions
 * @category constructors
 * @since 0.1.0
 */
export const make = (path: `/${string}`): HttpApi.HttpApi<"effect-wait/dashboard", ReadGroup> => {
  const prefix: `/${string}` = `${args.path("DashboardApi.make: path", path)}/api`
  return HttpApi.make("effect-wait/dashboard").add(HttpApiGroup.make("loops").add(list, get, changes).prefix(prefix))
}

/**
 * The API of a dashboard at this path, with the actions behind an authorization.
 *
 * **Example** (Its actions)
 *
 * ```ts
 * import { DashboardApi } from "@effect-wait/dashboard"
 * import { HttpApiMiddleware } from "effect/http-api"
 *
 * class Operator extends HttpApiMiddleware.Service<Operator>()("Operator") {}
 *
 * const { groups } = DashboardApi.withActions("/loops", Operator)
 *
 * Object.keys(groups.actions.endpoints) // => ["trigger", "pause", "resume", "stop"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const withActions = <Id extends HttpApiMiddleware.AnyId, S>(
  path: `/${string}`,
  authorization: Context.Key<Id, S>
): HttpApi.HttpApi<"effect-wait/dashboard", ReadGroup | ActionGroup<Id>> => {
  const prefix: `/${string}` = `${args.path("DashboardApi.withActions: path", path)}/api`
  return make(path).add(
    HttpApiGroup.make("actions").add(trigger, pause, resume, stop)
      .prefix(prefix)
      .middleware(authorization)
      .middleware(SameOrigin)
  )
}
