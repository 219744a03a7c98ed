/**
 * A service with two loops: `GET /metrics` tells what they did, `GET /healthz` whether they still do it.
 *
 * Answers to the log check of Kubernetes' API server, `LogHealthz` in `k8s.io/apiserver/pkg/server/healthz`:
 * `wait.Forever(flush, time.Minute)`, and unhealthy when no flush has ended for two minutes. Here it is 1 and 3 s.
 */
import { Context, Effect, Layer, Random, Schema } from "effect"
import { Backoff, Loop, Period } from "effect-wait"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"

export class FlushFailed extends Schema.TaggedError<FlushFailed>()("FlushFailed", { message: Schema.String }) {}

/** What the loops do. */
export class Work extends Context.Service<Work, {
  readonly sync: Effect.Effect<void>
  readonly flush: Effect.Effect<void, FlushFailed>
}>()("examples/Work") {
  static readonly layer = Layer.succeed(Work, {
    sync: Effect.flatMap(Random.nextIntBetween(20, 120), Effect.sleep),
    flush: Effect.flatMap(
      Random.next,
      (draw) => draw < 0.4 ? new FlushFailed({ message: "the disk is full" }) : Effect.sleep("5 millis")
    )
  })
}

/** The loops, by name. They end with the Scope: runs in flight finish, for 5 seconds at most. */
export class Loops extends Context.Service<Loops, {
  readonly [name: string]: Loop.Loop<unknown, unknown>
}>()("examples/Loops") {
  static readonly layer = Layer.effect(
    Loops,
    Effect.gen(function*() {
      const { flush, sync } = yield* Work
      const backoff = Backoff.exponential({ base: "250 millis", cap: "2 seconds" })
      const loops = {
        sync: yield* Loop.forkScoped(sync, Period.ticker("1 second"), { name: "sync" }),
        flush: yield* Loop.forkScoped(flush, Period.sliding("1 second"), { name: "flush", backoff })
      }
      const stop = Effect.forEach(Object.values(loops), (loop) => loop.stop, { concurrency: "unbounded" })
      yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(stop, "5 seconds")))
      return loops
    })
  )
}

const isUnhealthy = (loop: Loop.Loop<unknown, unknown>): Effect.Effect<boolean> =>
  Effect.map(loop.isHealthy({ within: "3 seconds" }), (isHealthy) => !isHealthy)

const healthz = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const loops = yield* Loops
  yield* router.add(
    "GET",
    "/healthz",
    Effect.map(Effect.filter(Object.values(loops), isUnhealthy), (unhealthy) =>
      HttpServerResponse.jsonUnsafe(
        { unhealthy: unhealthy.map((loop) => loop.name), loops },
        { status: unhealthy.length === 0 ? 200 : 503 }
      ))
  )
}))

/** The routes, and the loops that they tell about. */
export const layer = Layer.merge(healthz, PrometheusMetrics.layerHttp()).pipe(Layer.provide(Loops.layer))
