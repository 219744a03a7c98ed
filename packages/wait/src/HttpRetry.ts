/**
 * Retries of HTTP requests, over Effect's `HttpClient`, by RFC 9110. It has its own entry point, because it needs `effect/http`:
 * `import * as HttpRetry from "effect-wait/HttpRetry"`.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Limit, Timeline } from "effect-wait"
 *
 * // A server that answers in 200 ms: 503, then 429 with `Retry-After: 4`, then 200
 * const schedule = Backoff.fromDelays(["1 second", "4 seconds"]).pipe(Limit.attempts(3))
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { work: 200, until: "1 minute" }))
 *
 * console.log(Timeline.render({ requests: timeline }, { width: 50 }))
 * ```
 *
 * ```text
 * requests |.......|...........................|
 *          0            2s           4s
 * ```
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as Schedule from "effect/Schedule"
import { type Options, requestOnce, retryClient } from "./internal/httpRetry.ts"
import type { RetryBudget } from "./RetryBudget.ts"

export { hintOf } from "./internal/httpHint.ts"
export { type GaveUp, type HintOptions, isIdempotent, type Options, statuses } from "./internal/httpRetry.ts"

type HttpError = HttpClientError.HttpClientError
type Limit = Duration.Input | undefined
type TimedOut<T> = T extends Duration.Input ? HttpError : never
type Host = "host" | undefined
type Budgeted<B> = B extends string ? RetryBudget : never

/**
 * Makes a client that retries requests on a schedule, until the headers of the response arrive.
 *
 * By default it retries:
 *
 * - the statuses 408, 429, 500, 502, 503 and 504, as a response or as a `StatusCodeError` of `filterStatusOk`; errors of the transport;
 *   timeouts
 * - only requests that may be sent twice: GET, HEAD, OPTIONS, TRACE, PUT, DELETE, QUERY, and any with an `Idempotency-Key` header
 * - only requests whose body can be sent twice, which a stream cannot
 *
 * A delay is at least as long as the hint of the response, see {@link hintOf}, and up to 10 % longer, so that clients with the
 * same hint do not come back together. Limits of the schedule still apply: a wait that would end after its `Limit.within` does not
 * start, at any place of the limit in the pipe. A response with a hint of more than a minute is not retried.
 *
 * When there is no further attempt, the caller gets the result of the last attempt, as without retries: the response with its status, or the
 * error, unchanged. `onGiveUp` receives the reason. So the result is an `HttpClient` again, for a Layer or an `HttpApiClient`.
 *
 * The schedule and the hooks receive the errors of the client; for a response with a retried status they receive a `StatusCodeError`. A redirect
 * that the client follows is part of an attempt. The rest of a retried response is read in the background, up to 64 KiB and a
 * second, so that its connection can be used again.
 *
 * Throws an `IllegalArgumentError` that names a bad option.
 *
 * **Gotchas**
 *
 * It ends at the headers: if the body breaks off afterwards, the code that reads it fails. {@link request} also retries the body.
 *
 * **Example** (Throttled for 2 s, then down for a moment; a POST is not repeated)
 *
 * ```ts
 * import { Clock, Effect, Fiber } from "effect"
 * import { Backoff, Limit } from "effect-wait"
 * import * as HttpRetry from "effect-wait/HttpRetry"
 * import { HttpClient, HttpClientResponse } from "effect/http"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const answers = [
 *   { status: 429, headers: { "retry-after": "2" } },
 *   { status: 503 },
 *   { status: 200 },
 *   { status: 503 }
 * ]
 * const server = HttpClient.make((request) =>
 *   Effect.map(Clock.currentTimeMillis, (now) => {
 *     const answer = answers[starts.push(now) - 1]
 *     return HttpClientResponse.fromWeb(request, new Response(null, answer))
 *   })
 * )
 * const schedule = Backoff.exponential({ base: "100 millis", cap: "10 seconds" }).pipe(Limit.attempts(5))
 * const client = HttpRetry.retry(server, schedule, { hint: { spread: 0 } })
 *
 * const statuses = await Effect.runPromise(Effect.gen(function*() {
 *   const both = Effect.all([client.get("http://api/user"), client.post("http://api/user")])
 *   const fiber = yield* Effect.forkChild(both, { startImmediately: true })
 *   yield* TestClock.adjust("1 minute")
 *   return (yield* Fiber.join(fiber)).map(({ status }) => status)
 * }).pipe(Effect.provide(TestClock.layer())))
 *
 * starts // => [0, 2000, 2200, 2200]
 * statuses // => [200, 503]
 * ```
 *
 * @see {@link request} for retries that cover the body
 * @see `Retry.run` for any other call
 * @category retries
 * @since 0.1.0
 */
export const retry: {
  <
    E,
    R,
    ES,
    RS,
    T extends Limit = undefined,
    H extends Host = undefined,
    K extends string = never,
    EO = never,
    RO = never
  >(
    client: HttpClient.HttpClient.With<E, R>,
    schedule: Schedule.Schedule<unknown, NoInfer<E> | HttpError, ES, RS>,
    options?: Options<NoInfer<E> | HttpError, T, H, K, EO, RO>
  ): HttpClient.HttpClient.With<
    E | TimedOut<NoInfer<T>> | ES | NoInfer<EO>,
    R | RS | NoInfer<RO> | Budgeted<NoInfer<H | K>>
  >
  <
    E,
    ES,
    RS,
    T extends Limit = undefined,
    H extends Host = undefined,
    K extends string = never,
    EO = never,
    RO = never
  >(
    schedule: Schedule.Schedule<unknown, NoInfer<E> | HttpError, ES, RS>,
    options?: Options<NoInfer<E> | HttpError, T, H, K, EO, RO>
  ): <R>(
    client: HttpClient.HttpClient.With<E, R>
  ) => HttpClient.HttpClient.With<
    E | TimedOut<NoInfer<T>> | ES | NoInfer<EO>,
    R | RS | NoInfer<RO> | Budgeted<NoInfer<H | K>>
  >
} = dual((args) => HttpClient.isHttpClient(args[0]), retryClient)

/**
 * Sends a request and reads its response, and retries both on a schedule.
 *
 * - `read`: makes the result from a response, such as `HttpClientResponse.schemaBodyJson(User)`. A retried response is not read,
 *   but the last response is
 *
 * It retries like {@link retry}, and also after a body that breaks off. Invalid JSON and errors of `read` itself are retried
 * only if `isTransient` selects them. `attemptTimeout` limits the request and the reading together.
 *
 * The client is the `HttpClient` of the context. A client of {@link retry} leaves the retries to this function, so attempts
 * do not multiply.
 *
 * Throws an `IllegalArgumentError` that names a bad option.
 *
 * **Example** (The first body breaks off)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Limit, Period } from "effect-wait"
 * import * as HttpRetry from "effect-wait/HttpRetry"
 * import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
 *
 * const broken = () => new ReadableStream({ pull: (controller) => controller.error("reset") })
 * let requests = 0
 * const server = HttpClient.make((request) =>
 *   Effect.sync(() => HttpClientResponse.fromWeb(request, new Response(++requests === 1 ? broken() : "hello")))
 * )
 * const schedule = Period.sliding("1 milli").pipe(Limit.attempts(3))
 *
 * const text = await Effect.runPromise(
 *   HttpRetry.request(HttpClientRequest.get("http://api/"), (response) => response.text, schedule).pipe(
 *     Effect.provideService(HttpClient.HttpClient, server)
 *   )
 * )
 *
 * text // => "hello"
 * requests // => 2
 * ```
 *
 * @see {@link retry} for a client that retries
 * @category retries
 * @since 0.1.0
 */
export const request: {
  <
    A,
    E,
    R,
    ES,
    RS,
    T extends Limit = undefined,
    H extends Host = undefined,
    K extends string = never,
    EO = never,
    RO = never
  >(
    request: HttpClientRequest.HttpClientRequest,
    read: (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, NoInfer<E> | HttpError, ES, RS>,
    options?: Options<NoInfer<E> | HttpError, T, H, K, EO, RO>
  ): Effect.Effect<
    A,
    E | HttpError | ES | NoInfer<EO>,
    HttpClient.HttpClient | R | RS | NoInfer<RO> | Budgeted<NoInfer<H | K>>
  >
  <
    A,
    E,
    R,
    ES,
    RS,
    T extends Limit = undefined,
    H extends Host = undefined,
    K extends string = never,
    EO = never,
    RO = never
  >(
    read: (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, NoInfer<E> | HttpError, ES, RS>,
    options?: Options<NoInfer<E> | HttpError, T, H, K, EO, RO>
  ): (
    request: HttpClientRequest.HttpClientRequest
  ) => Effect.Effect<
    A,
    E | HttpError | ES | NoInfer<EO>,
    HttpClient.HttpClient | R | RS | NoInfer<RO> | Budgeted<NoInfer<H | K>>
  >
} = dual((args) => HttpClientRequest.isHttpClientRequest(args[0]), requestOnce)
