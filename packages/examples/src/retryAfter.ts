/**
 * A GET against a server that throttles: it is tried again when the server says so.
 *
 * Answers to the requests of client-go, `withRetry` in `k8s.io/client-go/rest`: a 429 or 5xx with a `Retry-After` in
 * seconds is tried again after them, 10 times at most. Here a date counts as well, none is waited for longer than a
 * minute, and what has no `Retry-After` is backed off from.
 */
import { type Cause, Clock, Duration, Effect, Option, Result, Schema } from "effect"
import { Backoff, Jitter, Limit, Retry } from "effect-wait"
import { Headers, HttpClient, type HttpClientError } from "effect/http"

/** 429 or 503. */
export class Throttled extends Schema.TaggedError<Throttled>()("Throttled", {
  message: Schema.String,
  retryAfter: Schema.Option(Schema.Duration)
}) {}

/** Any other 5xx; or no answer, or half of one. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  message: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {}

/** Anything else: it would be the same again. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", { message: Schema.String }) {}

/** How long to wait, by the header `Retry-After`. */
export const retryAfterOf = (headers: Headers.Headers): Effect.Effect<Option.Option<Duration.Duration>> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    Headers.get(headers, "retry-after").pipe(
      Option.flatMap((header) => Result.getSuccess(Headers.parseRetryAfter(header))),
      Option.map((retryAfter) => Headers.retryAfterDelay(retryAfter, now))
    ))

const attempt = Effect.fnUntraced(function*(url: string) {
  const response = yield* HttpClient.get(url)
  const { headers, status } = response
  if (status < 300) return yield* response.text
  const message = `${status} ${url}`
  const retryAfter = yield* retryAfterOf(headers)
  if (status === 429 || status === 503) return yield* new Throttled({ message, retryAfter })
  return yield* status < 500 ? new Rejected({ message }) : new Unavailable({ message })
})

const unanswered = (cause: HttpClientError.HttpClientError) =>
  cause.reason._tag === "InvalidUrlError" ? Effect.die(cause) : new Unavailable({ message: cause.message, cause })

const backoff = Backoff.exponential({ base: "100 millis", cap: "5 seconds" }).pipe(Jitter.full, Limit.attempts(5))

const schedule = Retry.match({
  // Never sooner than asked for; and those who were told the same do not come back all at once.
  Throttled: Backoff.exponential({ base: "250 millis", cap: "10 seconds" }).pipe(
    Retry.hint(({ retryAfter }: Throttled) => retryAfter, { max: "1 minute" }),
    Jitter.additive(0.25)
  ),
  Unavailable: backoff,
  TimeoutError: backoff
}).pipe(Limit.attempts(10))

/** The body. */
export const get = (url: string): Effect.Effect<
  string,
  Rejected | Retry.RetryExhausted<Throttled | Unavailable | Cause.TimeoutError>,
  HttpClient.HttpClient
> =>
  attempt(url).pipe(
    Effect.catchTag("HttpClientError", unanswered),
    Retry.run(schedule, {
      name: "get",
      while: ["Throttled", "Unavailable", "TimeoutError"],
      attemptTimeout: "5 seconds",
      onRetry: ({ attempt, delay, error }) =>
        Effect.logWarning(`attempt ${attempt}: ${error.message}, again in ${Math.round(Duration.toMillis(delay))} ms`)
    })
  )
