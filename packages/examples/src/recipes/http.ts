/** A client of an HTTP API that throttles: `Retry-After`, jitter, a time limit for each attempt, and a budget for each host. */
import { Effect, Layer } from "effect"
import { Backoff, Jitter, Limit, RetryBudget } from "effect-wait"
import * as HttpRetry from "effect-wait/HttpRetry"
import { FetchHttpClient, HttpClient } from "effect/http"

// A user waits for the answer: 20 s in all, of which a Retry-After may take 10.
const schedule = Backoff.exponential({ base: "200 millis", cap: "5 seconds" }).pipe(
  Jitter.full,
  Limit.attempts(5),
  Limit.within("20 seconds")
)

const client = Effect.gen(function*() {
  const plain = yield* HttpClient.HttpClient
  // The budgets are those of the process, not of each caller.
  const budgets = yield* Effect.context<RetryBudget.RetryBudget>()
  return plain.pipe(
    HttpRetry.retry(schedule, {
      name: "http",
      attemptTimeout: "5 seconds",
      budget: "host",
      hint: { max: "10 seconds" },
      onGiveUp: ({ attempts, reason, request }) =>
        Effect.logWarning(`${request.method} ${request.url}: ${reason._tag} after ${attempts} attempts`)
    }),
    HttpClient.transformResponse(Effect.provide(budgets))
  )
})

/** Provide it once: everything that uses `HttpClient` retries. */
export const layer = Layer.effect(HttpClient.HttpClient, client).pipe(
  Layer.provide([FetchHttpClient.layer, RetryBudget.layerThrottling()])
)
