/** How requests are retried: what an attempt is, and what the caller gets. The retrying is that of `Retry.run`. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { constFalse } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Url from "effect/http/Url"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Limit from "../Limit.ts"
import type { RetryBudget } from "../RetryBudget.ts"
import { isRetryExhausted, type Reason, type RetryExhausted } from "../RetryExhausted.ts"
import * as args from "./args.ts"
import { describeError } from "./describe.ts"
import { endAtLimits } from "./endAtLimits.ts"
import { hint } from "./hint.ts"
import { hintOf } from "./httpHint.ts"
import { retry } from "./retry.ts"
import type { Options as RetryOptions, Retrying } from "./retryOptions.ts"

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse
type HttpError = HttpClientError.HttpClientError

/**
 * How a hint of the server is followed.
 *
 * - `max`: the longest hint that is followed, a duration of 0 or more; default 1 minute
 * - `onExceed`: what to do after a longer hint. `"giveUp"`, the default: there is no further attempt. `"clamp"`: it counts as `max`
 * - `spread`: makes a hint longer at random, so that clients with the same hint do not come back together: a
 *   number of 0 or more; default 0.1, up to 10 %
 *
 * @category models
 * @since 0.1.0
 */
export interface HintOptions {
  readonly max?: Duration.Input | undefined
  readonly onExceed?: "giveUp" | "clamp" | undefined
  readonly spread?: number | undefined
}

/**
 * The argument of `onGiveUp`: a request failed with a transient error, and there is no further attempt.
 *
 * - `request`: the request of the first attempt
 * - `error`: the error of the last attempt. A response with a retried status is a `StatusCodeError` here
 * - `attempts`: the number of attempts
 * - `elapsed`: the time from the start of the first attempt
 * - `reason`: by `_tag`. `Schedule` and `Budget` as in a `RetryExhausted`; `Method`: the request is not idempotent; `Body`: its body is
 *   a stream, which can be sent once
 *
 * @category models
 * @since 0.1.0
 */
export interface GaveUp<out E> {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly error: E
  readonly attempts: number
  readonly elapsed: Duration.Duration
  readonly reason: Reason | { readonly _tag: "Method" } | { readonly _tag: "Body" }
}

/**
 * Options of `HttpRetry.retry` and `HttpRetry.request`.
 *
 * - `statuses`: the statuses to retry, integers from 100 to 599; default 408, 429, 500, 502, 503 and 504
 * - `isTransient`: selects other errors to retry, besides transport errors, timeouts and the statuses; default: none
 * - `isIdempotent`: selects the requests that may be sent twice; default: GET, HEAD, OPTIONS, TRACE, PUT, DELETE, QUERY, and any with an
 *   `Idempotency-Key` header
 * - `streamBodies`: `"once"`, the default: a request with a streamed body is not retried. `"again"`: its stream can run again
 * - `attemptTimeout`: the time limit of an attempt; default: no limit. After it the attempt fails with a `TransportError`, which is retried
 * - `hint`: how to follow a `Retry-After` and rate-limit headers, see {@link HintOptions}
 * - `budget`: `"host"`: a `RetryBudget` whose key is the host and port of the request; or a function from request to key. Default: none
 * - `attemptHeader`: the name of a header that gets the number of the attempt, from 1; default: none
 * - `onRetry`: runs inside each delay, as in `Retry.run`
 * - `onGiveUp`: runs when there is no further attempt, see {@link GaveUp}. Default: a log entry of level Warn if the body is a stream
 * - `name`: makes the retries visible, as in `Retry.run`
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E, Timeout, Host, Key, EO = never, RO = never> {
  readonly statuses?: ReadonlyArray<number> | undefined
  readonly isTransient?: Predicate.Predicate<E> | undefined
  readonly isIdempotent?: Predicate.Predicate<HttpClientRequest.HttpClientRequest> | undefined
  readonly streamBodies?: "once" | "again" | undefined
  readonly attemptTimeout?: Timeout | undefined
  readonly hint?: HintOptions | undefined
  readonly budget?: Host | ((request: HttpClientRequest.HttpClientRequest) => Key) | undefined
  readonly attemptHeader?: string | undefined
  readonly onRetry?: ((retrying: Retrying<E>) => Effect.Effect<unknown, EO, RO>) | undefined
  readonly onGiveUp?: ((gaveUp: GaveUp<E>) => Effect.Effect<unknown, EO, RO>) | undefined
  readonly name?: string | undefined
}

type Given<E, EO, RO> = Options<E, Duration.Input | undefined, "host" | undefined, string, EO, RO>

/**
 * The statuses that are retried by default: 408, 429, 500, 502, 503 and 504.
 *
 * **Example** (And the 529 of an API that is overloaded)
 *
 * ```ts
 * import * as HttpRetry from "effect-wait/HttpRetry"
 *
 * const options = { statuses: [...HttpRetry.statuses, 529] }
 *
 * options.statuses // => [408, 429, 500, 502, 503, 504, 529]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export const statuses: ReadonlyArray<number> = [408, 429, 500, 502, 503, 504]

const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"])

/**
 * Whether a request may be sent twice: by its method, as RFC 9110 and that of QUERY say, or since it has an `Idempotency-Key`.
 *
 * **Example** (A search that is a POST)
 *
 * ```ts
 * import * as HttpRetry from "effect-wait/HttpRetry"
 * import { HttpClientRequest } from "effect/http"
 *
 * const order = HttpClientRequest.post("http://api/orders")
 * const options = {
 *   isIdempotent: (request: HttpClientRequest.HttpClientRequest) =>
 *     HttpRetry.isIdempotent(request) || request.url.endsWith("/search")
 * }
 *
 * HttpRetry.isIdempotent(order) // => false
 * HttpRetry.isIdempotent(HttpClientRequest.setHeader(order, "Idempotency-Key", "4711")) // => true
 * options.isIdempotent(HttpClientRequest.post("http://api/search")) // => true
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isIdempotent = ({ headers, method }: Request): boolean =>
  idempotent.has(method) || headers["idempotency-key"] !== undefined

/** The options, once they are known to be allowed. */
interface Settings<E, EO, RO> extends Pick<Given<E, EO, RO>, "name" | "attemptHeader" | "onRetry" | "onGiveUp"> {
  readonly statuses: ReadonlySet<number>
  readonly isTransient: Predicate.Predicate<E>
  readonly isIdempotent: Predicate.Predicate<Request>
  readonly sendsOnce: boolean
  readonly attemptTimeout: number
  readonly maxHint: number
  readonly clamps: boolean
  readonly spread: number
  readonly keyOf: ((request: Request) => string) | undefined
}

const hostOf = ({ hash, url, urlParams }: Request): string =>
  Result.match(Url.make(url, urlParams, Option.getOrUndefined(hash)), {
    onFailure: () => "no host",
    onSuccess: ({ host }) => host
  })

const keyOf = (
  argument: string,
  budget: "host" | ((request: Request) => string) | undefined
): ((request: Request) => string) | undefined => {
  if (budget === undefined || Predicate.isFunction(budget)) return budget
  return budget === "host" ? hostOf : args.refuse(argument, budget, `"host" or a function`)
}

export const validate = <E, EO, RO>(caller: string, options: Given<E, EO, RO> = {}): Settings<E, EO, RO> => {
  const given = args.requiredOptions(`${caller}: options`, options)
  const { max, onExceed, spread } = args.options(`${caller}: hint`, given.hint) ?? {}
  const status = (value: number): number =>
    Number.isInteger(value) && value >= 100 && value <= 599
      ? value
      : args.refuse(`${caller}: statuses`, value, "a list of integers from 100 to 599")
  const bodies = args.oneOf<"once" | "again">(`${caller}: streamBodies`, given.streamBodies ?? "once", [
    "once",
    "again"
  ])
  return {
    statuses: new Set(Array.from(args.iterable(`${caller}: statuses`, given.statuses ?? statuses), status)),
    isTransient: args.fn(`${caller}: isTransient`, given.isTransient ?? constFalse),
    isIdempotent: args.fn(`${caller}: isIdempotent`, given.isIdempotent ?? isIdempotent),
    sendsOnce: bodies === "once",
    attemptTimeout: args.duration(`${caller}: attemptTimeout`, given.attemptTimeout ?? Infinity),
    maxHint: args.duration(`${caller}: hint.max`, max ?? "1 minute"),
    clamps: args.oneOf(`${caller}: hint.onExceed`, onExceed ?? "giveUp", ["giveUp", "clamp"]) === "clamp",
    spread: args.number(`${caller}: hint.spread`, spread ?? 0.1, 0),
    keyOf: keyOf(`${caller}: budget`, given.budget),
    attemptHeader: args.name(`${caller}: attemptHeader`, given.attemptHeader),
    onRetry: args.callback(`${caller}: onRetry`, given.onRetry),
    onGiveUp: args.callback(`${caller}: onGiveUp`, given.onGiveUp),
    name: args.name(`${caller}: name`, given.name)
  }
}

const isStream = (body: unknown): boolean =>
  Predicate.hasProperty(body, "getReader") || Predicate.hasProperty(body, Symbol.asyncIterator)

const hasStream = ({ body }: Request): boolean => body._tag === "Stream" || (body._tag === "Raw" && isStream(body.body))

// A body that breaks off, and JSON that cannot be parsed, are the same reason. Only the former may be better the next time.
const isBroken = ({ reason }: HttpError): boolean =>
  reason._tag === "TransportError" || (reason._tag === "DecodeError" && !(reason.cause instanceof SyntaxError))

const timeoutError = (request: Request, millis: number): HttpError =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({
      request,
      description: `no answer within ${Duration.format(Duration.millis(millis))}`,
      cause: new Cause.TimeoutError()
    })
  })

/** How much of a response that is not wanted is read, so that its connection can be used again. */
const mostUnwanted = 65_536

// The stream of a response lets go of the connection at its end, whether it has been read or not.
const discard = ({ stream }: Response): Effect.Effect<void> =>
  Effect.suspend(() => {
    let left = mostUnwanted
    return Stream.runForEachWhile(stream, ({ length }) => Effect.sync(() => (left -= length) > 0))
  }).pipe(Effect.timeout("1 second"), Effect.ignore)

/** Set while `HttpRetry.request` sends: a client that retries leaves it to that. */
const IsCovered = Context.Reference<boolean>("effect-wait/HttpRetry/IsCovered", { defaultValue: constFalse })

/** What is sent, and what is made of the response. */
interface Exchange<A, E, R> {
  readonly request: Request
  readonly send: (request: Request) => Effect.Effect<Response, E, R>
  readonly read: (response: Response) => Effect.Effect<A, E, R>
}

/** What one operation remembers of its last attempt. */
interface Last<E> {
  attempts: number
  /** The error that may be retried. */
  error: E | HttpError | undefined
  /** The response with a retried status, which this error stands for. */
  response: Response | undefined
  /** In milliseconds. */
  hint: Option.Option<number>
}

const exchange = <A, E, R, ES, EO, RO>(
  { read, request, send }: Exchange<A, E, R>,
  schedule: Schedule.Schedule<unknown, E | HttpError, ES, R>,
  settings: Settings<E | HttpError, EO, RO>
): Effect.Effect<A, E | HttpError | ES | EO, R | RO | RetryBudget> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const { attemptHeader, attemptTimeout, name, onGiveUp, onRetry } = settings
    const last: Last<E> = { attempts: 0, error: undefined, response: undefined, hint: Option.none() }
    const reason = !settings.isIdempotent(request)
      ? "Method"
      : settings.sendsOnce && hasStream(request)
      ? "Body"
      : undefined

    const limited = <B, X, Y>(effect: Effect.Effect<B, X, Y>): Effect.Effect<B, X | HttpError, Y> =>
      attemptTimeout === Infinity ? effect : Effect.timeoutOrElse(effect, {
        duration: attemptTimeout,
        orElse: () => Effect.fail(timeoutError(request, attemptTimeout))
      })
    const attempt = Effect.suspend((): Effect.Effect<A, E | HttpError, R> => {
      const unwanted = last.response
      last.response = undefined
      last.attempts++
      const numbered = attemptHeader === undefined
        ? request
        : HttpClientRequest.setHeader(request, attemptHeader, String(last.attempts))
      const answer = Effect.flatMap(send(numbered), (response): Effect.Effect<A, E | HttpError, R> => {
        if (!settings.statuses.has(response.status)) return read(response)
        last.response = response
        return Effect.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.StatusCodeError({ request, response, description: "a status that is retried" })
          })
        )
      })
      return unwanted === undefined
        ? limited(answer)
        : Effect.andThen(Effect.forkChild(discard(unwanted)), limited(answer))
    })

    const isTransient = (error: E | HttpError): boolean => {
      if (settings.isTransient(error) || Cause.isTimeoutError(error)) return true
      if (!HttpClientError.isHttpClientError(error)) return false
      return isBroken(error) ||
        (error.reason._tag === "StatusCodeError" && settings.statuses.has(error.reason.response.status))
    }
    const hintFrom = (error: unknown): Option.Option<number> => {
      const response = HttpClientError.isHttpClientError(error) ? error.response : undefined
      if (response === undefined) return Option.none()
      const now = Context.get(context, Clock.Clock).currentTimeMillisUnsafe()
      return Option.map(hintOf(response, now), (hint) => {
        const millis = Duration.toMillis(hint)
        if (millis > settings.maxHint && !settings.clamps) return Infinity
        const draw = Context.get(context, Random.Random).nextDoubleUnsafe()
        return Math.min(millis, settings.maxHint) * (1 + settings.spread * draw)
      })
    }
    const hinted = schedule.pipe(
      reason === undefined ? (self) => self : Limit.attempts(1),
      hint(() => last.hint, { max: settings.maxHint * (1 + settings.spread) }),
      endAtLimits
    )
    const options: RetryOptions<
      E | HttpError,
      Predicate.Predicate<E | HttpError>,
      undefined,
      string | undefined,
      undefined,
      EO,
      R | RO
    > = {
      name,
      budget: settings.keyOf?.(request),
      onRetry,
      while(error) {
        if (!isTransient(error)) return false
        last.error = error
        last.hint = hintFrom(error)
        return true
      }
    }

    const giveUp = ({ attempts, elapsed, error, reason: why }: RetryExhausted<E | HttpError>) => {
      const given = {
        request,
        error,
        attempts,
        elapsed,
        reason: reason === undefined ? why : { _tag: reason } as const
      }
      if (why._tag === "Stopped") return Effect.void
      if (onGiveUp !== undefined) return onGiveUp(given)
      return reason === "Body"
        ? Effect.logWarning(`Not retried, since the body is a stream and can be sent once: ${describeError(error)}`)
        : Effect.void
    }
    const retried = retry<A, E | HttpError, R | RO, ES | EO>(attempt, hinted, options)
    return Effect.catch(retried, (error): Effect.Effect<A, E | HttpError | ES | EO, R | RO> => {
      // Without a `stop` there is an error whenever it gives up.
      if (!isOurs(error, last)) return Effect.fail(error as E | HttpError | ES | EO)
      const { response } = last
      const result: Effect.Effect<A, E | HttpError, R> = response === undefined
        ? Effect.fail(error.error)
        : limited(read(response))
      return Effect.andThen(giveUp(error), result)
    })
  })

// A RetryExhausted may as well be an error of the client.
const isOurs = <E>(error: unknown, { error: last }: Last<E>): error is RetryExhausted<E | HttpError> =>
  isRetryExhausted(error) && error.error === last

/** `HttpRetry.retry`, once it is known that these are a client and a schedule. */
export const retryClient = <E, R, ES, RS, EO, RO>(
  client: HttpClient.HttpClient.With<E, R>,
  schedule: Schedule.Schedule<unknown, E | HttpError, ES, RS>,
  given: Given<E | HttpError, EO, RO> | undefined
): HttpClient.HttpClient.With<E | HttpError | ES | EO, R | RS | RO | RetryBudget> => {
  const settings = validate("HttpRetry.retry", given)
  args.schedule("HttpRetry.retry: schedule", schedule)
  const send = (request: Request): Effect.Effect<Response, E, R> => client.postprocess(Effect.succeed(request))
  return HttpClient.makeWith<E, R, E | HttpError | ES | EO, R | RS | RO | RetryBudget>(
    Effect.flatMap((request) =>
      Effect.flatMap(IsCovered, (isCovered) =>
        isCovered
          ? send(request)
          : exchange<Response, E, R | RS, ES, EO, RO>({ request, send, read: Effect.succeed }, schedule, settings))
    ),
    client.preprocess
  )
}

/** `HttpRetry.request`, once it is known what is what. */
export const requestOnce = <A, E, R, ES, RS, EO, RO>(
  request: Request,
  read: (response: Response) => Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<unknown, E | HttpError, ES, RS>,
  given: Given<E | HttpError, EO, RO> | undefined
): Effect.Effect<A, E | HttpError | ES | EO, HttpClient.HttpClient | R | RS | RO | RetryBudget> => {
  const settings = validate("HttpRetry.request", given)
  args.fn("HttpRetry.request: read", read)
  args.schedule("HttpRetry.request: schedule", schedule)
  const send = (request: Request) => Effect.provideService(HttpClient.execute(request), IsCovered, true)
  return exchange<A, E | HttpError, HttpClient.HttpClient | R | RS, ES, EO, RO>(
    { request, send, read },
    schedule,
    settings
  )
}
