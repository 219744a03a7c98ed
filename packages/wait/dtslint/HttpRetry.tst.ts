import { Effect, Layer, type Schedule } from "effect"
import { Backoff, Limit, Retry, type RetryBudget } from "effect-wait"
import * as HttpRetry from "effect-wait/HttpRetry"
import { HttpClient, type HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import { expectTypeOf } from "vitest"

class Broken {
  readonly _tag = "Broken"
}
type HttpError = HttpClientError.HttpClientError
declare const client: HttpClient.HttpClient
declare const other: HttpClient.HttpClient.With<Broken, "service">
declare const read: (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<number, Broken, "read">
const schedule = Backoff.exponential({ base: 1, cap: 2 }).pipe(Limit.attempts(3))
const get = HttpClientRequest.get("http://api/")

// The client of a service stays one, whatever the options, data-first and in a pipe.
expectTypeOf(HttpRetry.retry(client, schedule)).toExtend<HttpClient.HttpClient>()
expectTypeOf(client.pipe(HttpRetry.retry(schedule))).toExtend<HttpClient.HttpClient>()
expectTypeOf(client.pipe(HttpRetry.retry(schedule, { attemptTimeout: "5 seconds", statuses: [503] })))
  .toExtend<HttpClient.HttpClient>()
const retrying = Effect.map(HttpClient.HttpClient, HttpRetry.retry(schedule))
expectTypeOf(Layer.effect(HttpClient.HttpClient, retrying)).toEqualTypeOf<
  Layer.Layer<HttpClient.HttpClient, never, HttpClient.HttpClient>
>()

// Errors and services of the client, of the schedule and of the hooks come together.
declare const needing: Schedule.Schedule<number, Broken | HttpError, "error", "schedule">
expectTypeOf(HttpRetry.retry(other, needing, { onRetry: () => Effect.fail("hook" as const) })).toEqualTypeOf<
  HttpClient.HttpClient.With<Broken | "error" | "hook", "service" | "schedule">
>()
// An attempt that takes too long is an HttpClientError.
expectTypeOf(HttpRetry.retry(other, schedule, { attemptTimeout: 5 })).toEqualTypeOf<
  HttpClient.HttpClient.With<Broken | HttpError, "service">
>()
// A budget needs its layer.
expectTypeOf(HttpRetry.retry(other, schedule, { budget: "host" })).toEqualTypeOf<
  HttpClient.HttpClient.With<Broken, "service" | RetryBudget.RetryBudget>
>()
expectTypeOf(other.pipe(HttpRetry.retry(schedule, { budget: (request) => request.method }))).toEqualTypeOf<
  HttpClient.HttpClient.With<Broken, "service" | RetryBudget.RetryBudget>
>()

// A request, with what reads its response.
expectTypeOf(HttpRetry.request(get, read, schedule)).toEqualTypeOf<
  Effect.Effect<number, Broken | HttpError, HttpClient.HttpClient | "read">
>()
expectTypeOf(get.pipe(HttpRetry.request(read, schedule, { budget: "host" }))).toEqualTypeOf<
  Effect.Effect<number, Broken | HttpError, HttpClient.HttpClient | "read" | RetryBudget.RetryBudget>
>()

// What the schedule and the options see are the errors of an attempt.
HttpRetry.retry(other, Retry.match({ Broken: schedule, HttpClientError: schedule }))
// @ts-expect-error a case is missing
HttpRetry.retry(other, Retry.match({ Broken: schedule }))
HttpRetry.request(get, read, schedule, {
  isTransient(error) {
    expectTypeOf(error).toEqualTypeOf<Broken | HttpError>()
    return error._tag === "Broken"
  },
  onRetry({ error }) {
    expectTypeOf(error).toEqualTypeOf<Broken | HttpError>()
    return Effect.void
  },
  onGiveUp({ reason }) {
    expectTypeOf(reason._tag).toEqualTypeOf<"Schedule" | "Budget" | "Nested" | "Stopped" | "Method" | "Body">()
    return Effect.void
  }
})

// @ts-expect-error a misspelt option
HttpRetry.retry(client, schedule, { attemptTimout: "5 seconds" })
// @ts-expect-error a misspelt option, in a pipe
client.pipe(HttpRetry.retry(schedule, { attemptTimout: "5 seconds" }))
// @ts-expect-error a misspelt option, of a request
HttpRetry.request(get, read, schedule, { status: [503] })
// @ts-expect-error a misspelt option, of the hints
HttpRetry.retry(client, schedule, { hint: { maximum: "1 minute" } })
// @ts-expect-error a budget is by host, or by a function
HttpRetry.retry(client, schedule, { budget: "users" })
// @ts-expect-error no unit
HttpRetry.retry(client, schedule, { attemptTimeout: "5 parsecs" })
// @ts-expect-error no schedule
HttpRetry.retry(client, "1 second")
// @ts-expect-error no request
HttpRetry.request("http://api/", read, schedule)
