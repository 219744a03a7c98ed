/**
 * 8. The sizes of etcd's databases as a metric: an endpoint is asked every 30 to 45 seconds, so that not all are at once.
 *
 * Go: `go wait.JitterUntilWithContext(ctx, func(context.Context) { epStatus, err := client.Maintenance.Status(ctx, endpoint)
 * ... }, interval, dbMetricsMonitorJitter, true)` for each endpoint in the API server's `startDBSizeMonitorPerEndpoint`;
 * literally `Wait.jitterUntil(work, { period, jitterFactor: 0.5, sliding: true })`. In Go the endpoints are those of the
 * start, and one that hangs keeps its last size. Here they come and go, and one that hangs counts as down.
 *
 * `npx --yes pnpm@12 examples 08-etcd-size-monitor`
 */
import { Context, type Duration, Effect, Exit, FiberMap, Layer, Metric, Schema, Scope } from "effect"
import { Jitter, Loop, Period, Poll } from "effect-wait"
import {
  FetchHttpClient,
  HttpClient,
  HttpClientResponse,
  HttpRouter,
  HttpServer,
  HttpServerResponse
} from "effect/http"
import { layerServer } from "./support/http.ts"
import { claim, main } from "./support/program.ts"

/** In bytes, by endpoint. It is -1 for one that does not tell. */
export const dbSize = Metric.gauge("etcd_db_total_size_in_bytes")

const dbSizeOf = (endpoint: string) => Metric.withAttributes(dbSize, { endpoint })

// The gateway to etcd writes 64 bits as a string.
const Status = Schema.Struct({ dbSize: Schema.FiniteFromString })

/** Asks an endpoint once, for this long at most. */
const monitorOnce = Effect.fnUntraced(function*(endpoint: string, timeout: Duration.Input) {
  const size = yield* HttpClient.post(`${endpoint}/v3/maintenance/status`).pipe(
    Effect.flatMap(HttpClientResponse.filterStatusOk),
    Effect.flatMap(HttpClientResponse.schemaBodyJson(Status)),
    Effect.timeout(timeout),
    Effect.map((status) => status.dbSize),
    Effect.catch(({ message }) => Effect.as(Effect.logDebug(`Failed to get the size of ${endpoint}: ${message}`), -1))
  )
  yield* Metric.update(dbSizeOf(endpoint), size)
})

/** Endpoints that are monitored until they are removed, or the Scope ends. One that is there already is not added. */
export const makeMonitors = Effect.fnUntraced(function*(interval: Duration.Input) {
  const monitors = yield* FiberMap.make<string>()
  const monitor = (endpoint: string) =>
    monitorOnce(endpoint, interval).pipe(
      Loop.survive(),
      Loop.run(Period.sliding(interval).pipe(Jitter.additive(0.5)), { name: "etcd-db-size" }),
      Effect.ensuring(Metric.remove(dbSizeOf(endpoint)))
    )
  return {
    add: (endpoint: string) => FiberMap.run(monitors, endpoint, monitor(endpoint), { onlyIfMissing: true }),
    remove: (endpoint: string) => FiberMap.remove(monitors, endpoint)
  }
})

/** What the metric tells, by endpoint. */
export const sizes = Effect.map(Metric.snapshot, (metrics) => {
  const gauges = metrics.filter((metric) => metric.type === "Gauge").filter(({ id }) => id === dbSize.id)
  return new Map(gauges.map(({ attributes, state }) => [attributes?.["endpoint"], state.value]))
})

/** The gateway to an etcd whose database grows by a byte with each question. */
const etcd = Effect.fnUntraced(function*(size: number) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  let asked = 0
  const answer = Effect.sync(() => HttpServerResponse.jsonUnsafe({ version: "3.6.5", dbSize: `${size + asked++}` }))
  const server = Layer.build(layerServer(HttpRouter.add("POST", "/v3/maintenance/status", answer)))
  const { address } = Context.get(yield* Scope.provide(server, scope), HttpServer.HttpServer)
  return {
    endpoint: HttpServer.formatAddress(address),
    size: Effect.sync(() => size + asked - 1),
    shutDown: Scope.close(scope, Exit.void)
  }
})

const program = Effect.gen(function*() {
  const [a, b, c] = yield* Effect.all([etcd(20_480), etcd(4096), etcd(0)])
  yield* c.shutDown
  const size = (endpoint: string) => Effect.map(sizes, (sizes) => sizes.get(endpoint))
  const tells = (endpoint: string, accept: (size: number | bigint) => boolean) =>
    Poll.until(size(endpoint), Period.sliding("20 millis"), {
      accept: (size) => size !== undefined && accept(size),
      timeout: "20 seconds"
    }).pipe(Effect.tap((size) => Effect.log(`${endpoint} ${size}`)))

  yield* Effect.scoped(Effect.gen(function*() {
    const monitors = yield* makeMonitors("100 millis")
    yield* Effect.forEach([a, b, a, c], ({ endpoint }) => monitors.add(endpoint))
    yield* tells(a.endpoint, (size) => size > 20_482)
    yield* tells(b.endpoint, (size) => size > 4098)
    yield* claim("one that is down is -1", yield* tells(c.endpoint, () => true), -1)
    yield* b.shutDown
    yield* claim("so is one that goes down", yield* tells(b.endpoint, (size) => size < 4096), -1)
    yield* monitors.remove(b.endpoint)
    const before = yield* a.size
    yield* tells(a.endpoint, (size) => size > before)
    const told = yield* sizes
    const isTold = [a, b, c].map(({ endpoint }) => told.has(endpoint))
    yield* claim("one that is removed is gone", isTold, [true, false, true])
  }))
  // For a question that was on its way.
  yield* Effect.sleep("200 millis")
  const last = yield* a.size
  yield* Effect.sleep("400 millis")
  yield* claim("in the end nobody is asked any more", yield* a.size, last)
  yield* claim("and nothing is told", yield* sizes, new Map())
})

if (import.meta.main) main(program.pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer)))
