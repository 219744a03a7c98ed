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

const backoff = Backoff.exponential({ base: "250 millis", cap: "2 seconds" })
const options = { grace: "5 seconds", healthyWithin: "3 seconds" } as const

/** The loops. They end with the Layer: runs in flight finish, for 5 seconds at most. */
const loops = Layer.unwrap(Effect.map(Work, ({ flush, sync }) =>
  Layer.mergeAll(
    Loop.layer(sync, Period.ticker("1 second"), { name: "sync", ...options }),
    Loop.layer(flush, Period.sliding("1 second"), { name: "flush", backoff, ...options })
  )))

const healthz = HttpRouter.add(
  "GET",
  "/healthz",
  Effect.map(Loop.health, (health) => HttpServerResponse.jsonUnsafe(health, { status: health.healthy ? 200 : 503 }))
)

/** The routes, and the loops that they tell about. */
export const layer = Layer.mergeAll(loops, healthz, PrometheusMetrics.layerHttp())
