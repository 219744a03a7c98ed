import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Clock,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Option,
  References,
  Schedule,
  type Scope,
  Stream
} from "effect"
import { Limit, Loop, Period, Retry, RetryBudget } from "effect-wait"
import * as HttpRetry from "effect-wait/HttpRetry"
import {
  FetchHttpClient,
  Headers,
  HttpBody,
  HttpClient,
  HttpClientError,
  HttpClientRequest,
  HttpClientResponse
} from "effect/http"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { observe, withDraws } from "./support.ts"

interface Answer {
  readonly status: number
  readonly headers?: Headers.Input
  readonly body?: string | ReadableStream
  /** In milliseconds. */
  readonly takes?: number
}

type Script = ReadonlyArray<Answer | number | "refuses" | "hangs">

const transport = (request: HttpClientRequest.HttpClientRequest) =>
  new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })

/** A client whose server gives these answers in turn, the last one over and over. */
const makeClient = (script: Script, origin = 0) => {
  const starts: Array<number> = []
  const sent: Array<HttpClientRequest.HttpClientRequest> = []
  const aborted: Array<number> = []
  const client = HttpClient.make(Effect.fnUntraced(function*(request, _, signal) {
    const n = starts.push((yield* Clock.currentTimeMillis) - origin)
    sent.push(request)
    signal.addEventListener("abort", () => aborted.push(n))
    const answer = script[Math.min(n, script.length) - 1] ?? "hangs"
    if (answer === "hangs") return yield* Effect.never
    if (answer === "refuses") return yield* transport(request)
    const { body = "hello", headers = {}, status, takes = 0 } = typeof answer === "number" ? { status: answer } : answer
    yield* Effect.sleep(takes)
    return HttpClientResponse.fromWeb(
      request,
      new Response(request.method === "HEAD" || status === 204 || status === 304 ? null : body, {
        status,
        headers: Headers.fromInput(headers)
      })
    )
  }))
  return { client, starts, sent, aborted }
}

const second = Period.sliding("1 second")
const three = second.pipe(Limit.attempts(3))
const exact = { hint: { spread: 0 } } as const
const get = HttpClientRequest.get("http://api/a")
const make = (method: string) =>
  HttpClientRequest.makeWith(method, get.url, get.urlParams, Option.none(), Headers.empty, HttpBody.empty)

/** What a call came to: the status of a response, or an error by its text. */
const outcomeOf = (exit: Exit.Exit<HttpClientResponse.HttpClientResponse | string, unknown> | undefined) => {
  if (exit === undefined) return "running"
  if (Exit.isSuccess(exit)) return typeof exit.value === "string" ? exit.value : exit.value.status
  return String(Cause.squash(exit.cause))
}

/** The starts and the outcome of one call within five minutes. */
const call = Effect.fnUntraced(function*<R = never>(
  script: Script,
  retry: (client: HttpClient.HttpClient) => {
    readonly execute: (
      request: HttpClientRequest.HttpClientRequest
    ) => Effect.Effect<HttpClientResponse.HttpClientResponse, unknown, R>
  },
  request = get
) {
  const { client, starts } = makeClient(script, yield* Clock.currentTimeMillis)
  const { exit } = yield* observe(retry(client).execute(request), "5 minutes")
  return { starts, outcome: outcomeOf(exit) }
})

describe("HttpRetry.retry: what is retried", () => {
  it.effect.each([408, 429, 500, 502, 503, 504])("the status %d", (status) =>
    Effect.gen(function*() {
      const result = yield* call([status, status, 200], HttpRetry.retry(three))
      assert.deepStrictEqual(result, { starts: [0, 1000, 2000], outcome: 200 })
    }))

  it.effect.each([200, 204, 301, 304, 400, 401, 403, 404, 405, 409, 410, 412, 421, 425, 501, 505, 529])(
    "not the status %d",
    (status) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* call([status], HttpRetry.retry(three)), { starts: [0], outcome: status })
      })
  )

  it.effect("the statuses of the option, and no others", () =>
    Effect.gen(function*() {
      const retry = (client: HttpClient.HttpClient) => HttpRetry.retry(client, three, { statuses: [529] })
      assert.deepStrictEqual(yield* call([529, 503], retry), { starts: [0, 1000], outcome: 503 })
    }))

  it.effect.each(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"])(
    "%s",
    (method) =>
      Effect.gen(function*() {
        const result = yield* call([503, "refuses", 200], HttpRetry.retry(three), make(method))
        assert.deepStrictEqual(result, { starts: [0, 1000, 2000], outcome: 200 })
      })
  )

  it.effect.each(["POST", "PATCH", "LOCK"])("not %s, whatever goes wrong", (method) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* call([503], HttpRetry.retry(three), make(method)), { starts: [0], outcome: 503 })
      assert.deepStrictEqual(yield* call(["refuses"], HttpRetry.retry(three), make(method)), {
        starts: [0],
        outcome: `HttpClientError: Transport error (${method} http://api/a)`
      })
    }))

  it.effect.each(["POST", "PATCH"])("%s with an Idempotency-Key", (method) =>
    Effect.gen(function*() {
      const request = HttpClientRequest.setHeader(make(method), "Idempotency-Key", "4711")
      const { client, sent, starts } = makeClient([503, 200])
      yield* observe(HttpRetry.retry(client, three).execute(request), "1 minute")
      assert.deepStrictEqual(starts, [0, 1000])
      assert.deepStrictEqual(sent.map(({ headers }) => headers["idempotency-key"]), ["4711", "4711"])
    }))

  it.effect("a POST that the option says is idempotent, and no GET that it says is not", () =>
    Effect.gen(function*() {
      const retry = (client: HttpClient.HttpClient) =>
        HttpRetry.retry(client, three, { isIdempotent: ({ method }) => method === "POST" })
      assert.deepStrictEqual((yield* call([503], retry, make("POST"))).starts, [0, 1000, 2000])
      assert.deepStrictEqual((yield* call([503], retry, make("GET"))).starts, [0])
    }))

  it.effect("the method that is sent: a client that maps requests is asked first", () =>
    Effect.gen(function*() {
      const { client, starts } = makeClient([503])
      const posts = HttpClient.mapRequest(client, HttpClientRequest.setMethod("POST"))
      yield* observe(HttpRetry.retry(posts, three).execute(get), "1 minute")
      assert.deepStrictEqual(starts, [0])
    }))

  it.effect("errors of the transport", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* call(["refuses", "refuses", 200], HttpRetry.retry(three)), {
        starts: [0, 1000, 2000],
        outcome: 200
      })
    }))

  it.effect("a TimeoutError of the client", () =>
    Effect.gen(function*() {
      const retry = (client: HttpClient.HttpClient) =>
        client.pipe(HttpClient.transformResponse(Effect.timeout("2 seconds")), HttpRetry.retry(three))
      assert.deepStrictEqual(yield* call(["hangs", 200], retry), { starts: [0, 3000], outcome: 200 })
    }))

  it.effect("no URL that is wrong", () =>
    Effect.gen(function*() {
      const { starts, outcome } = yield* call(
        [200],
        HttpRetry.retry(three, { budget: () => "a" }) as never,
        HttpClientRequest.get("http://[")
      )
        .pipe(Effect.provide(RetryBudget.layerQuota()))
      assert.deepStrictEqual(starts, [])
      assert.strictEqual(outcome, "HttpClientError: InvalidUrl error (GET http://[)")
    }))

  it.effect("what filterStatusOk has made an error, before and after", () =>
    Effect.gen(function*() {
      const answers: Script = [{ status: 503, headers: { "retry-after": "3" } }, 404]
      const outcome = "HttpClientError: StatusCode: non 2xx status code (404 GET http://api/a)"
      for (
        const retry of [
          (client: HttpClient.HttpClient) => client.pipe(HttpClient.filterStatusOk, HttpRetry.retry(three, exact)),
          (client: HttpClient.HttpClient) => client.pipe(HttpRetry.retry(three, exact), HttpClient.filterStatusOk)
        ]
      ) assert.deepStrictEqual(yield* call(answers, retry), { starts: [0, 3000], outcome })
    }))

  it.effect("errors that the option says are transient, and no other errors of the client", () =>
    Effect.gen(function*() {
      const failing = (error: string) => (client: HttpClient.HttpClient) =>
        client.pipe(
          HttpClient.transformResponse(Effect.flatMap(() => Effect.fail(error))),
          HttpRetry.retry(three, { isTransient: (error) => error === "busy" })
        )
      assert.deepStrictEqual(yield* call([200], failing("busy")), { starts: [0, 1000, 2000], outcome: "busy" })
      assert.deepStrictEqual(yield* call([200], failing("wrong")), { starts: [0], outcome: "wrong" })
    }))

  it.effect("a RetryExhausted of the client is not taken for ours", () =>
    Effect.gen(function*() {
      const { client } = makeClient(["refuses"])
      const inner = HttpClient.transformResponse(client, Retry.run(Period.sliding(0).pipe(Limit.attempts(2))))
      const outer = HttpRetry.retry(inner, Period.sliding(0).pipe(Limit.attempts(3)), {
        isTransient: () => false
      })
      const error = yield* Effect.flip(outer.execute(get))
      assert.isTrue(Retry.isRetryExhausted(error))
      assert.strictEqual(Retry.isRetryExhausted(error) && error.attempts, 2)
    }))

  it.effect("each call by itself, with a schedule of its own", () =>
    Effect.gen(function*() {
      const { client, starts } = makeClient([503, 503, 200, 503, 503, 503])
      const one = HttpRetry.retry(client, three).execute(get)
      const { exit } = yield* observe(Effect.all([one, one]), "1 minute")
      assert.deepStrictEqual(starts, [0, 1000, 2000, 2000, 3000, 4000])
      assert.deepStrictEqual(exit?._tag === "Success" && exit.value.map(({ status }) => status), [200, 503])
    }))
})

const retryAfter = (seconds: number | string, status = 429): Answer => ({
  status,
  headers: { "retry-after": String(seconds) }
})

describe("HttpRetry.retry: hints", () => {
  it.effect.each<{ when: string; script: Script; expected: Array<number> }>([
    { when: "in seconds", script: [retryAfter(5), retryAfter(2, 503), 200], expected: [0, 5000, 7000] },
    {
      when: "as a date, however long the answer takes",
      script: [
        { ...retryAfter("Thu, 01 Jan 1970 00:00:08 GMT"), takes: 3000 },
        retryAfter("Thursday, 01-Jan-70 00:00:20 GMT"),
        200
      ],
      expected: [0, 8000, 20_000]
    },
    { when: "shorter than the schedule's delay", script: [retryAfter(0), 200], expected: [0, 1000] },
    { when: "that nobody can read", script: [retryAfter("soon"), retryAfter(-1), 200], expected: [0, 1000, 2000] },
    { when: "that the response before had", script: [retryAfter(5), 503, 200], expected: [0, 5000, 6000] },
    { when: "of a minute", script: [retryAfter(60), 200], expected: [0, 60_000] }
  ])("$when", ({ expected, script }) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* call(script, HttpRetry.retry(three, exact)), { starts: expected, outcome: 200 })
    }))

  it.effect("of more than the longest: given up at once, or as if it were the longest", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* call([retryAfter(61), 200], HttpRetry.retry(three, exact)), {
        starts: [0],
        outcome: 429
      })
      const hint = { max: "5 seconds", spread: 0 } as const
      assert.deepStrictEqual((yield* call([retryAfter(6), 200], HttpRetry.retry(three, { hint }))).starts, [0])
      const clamped = (client: HttpClient.HttpClient) =>
        HttpRetry.retry(client, three, { hint: { ...hint, onExceed: "clamp" } })
      assert.deepStrictEqual((yield* call([retryAfter(6), 200], clamped)).starts, [0, 5000])
    }))

  it.effect("up to a tenth longer, by a draw of the clients; the schedule's own delays are not", () =>
    Effect.gen(function*() {
      const answers: Script = [retryAfter(10), 503, retryAfter(60), 200]
      const starts = (draw: number, spread?: number) =>
        Effect.map(
          call(answers, HttpRetry.retry(second, { hint: { spread } })).pipe(withDraws(draw)),
          ({ starts }) => starts
        )
      assert.deepStrictEqual(yield* starts(0), [0, 10_000, 11_000, 71_000])
      assert.deepStrictEqual(yield* starts(0.5), [0, 10_500, 11_500, 74_500])
      assert.deepStrictEqual(yield* starts(0.5, 1), [0, 15_000, 16_000, 106_000])
    }))

  it.effect.each<{ where: string; schedule: Schedule.Schedule<unknown> }>([
    { where: "last in the pipe", schedule: second.pipe(Limit.within("15 seconds")) },
    { where: "first in the pipe", schedule: second.pipe(Limit.within("15 seconds"), Limit.attempts(9)) },
    {
      where: "inside a schedule of Effect's",
      schedule: Schedule.min([second.pipe(Limit.within("15 seconds")), Schedule.recurs(0)])
    },
    { where: "and cut to the limit", schedule: second.pipe(Limit.within("15 seconds", { overshoot: "truncate" })) }
  ])("hold within a limit in time, $where", ({ schedule }) =>
    Effect.gen(function*() {
      for (const name of [undefined, "named"]) {
        const result = yield* call([retryAfter(10)], HttpRetry.retry(schedule, { ...exact, name }))
        assert.deepStrictEqual(result, { starts: [0, 10_000], outcome: 429 })
      }
    }))

  it.effect("a hook that takes longer than the delay counts, too", () =>
    Effect.gen(function*() {
      const schedule = second.pipe(Limit.within("5 seconds"))
      const onRetry = () => Effect.sleep("3 seconds")
      const result = yield* call([503], (client) => HttpRetry.retry(client, schedule, { onRetry }))
      assert.deepStrictEqual(result, { starts: [0, 3000], outcome: 503 })
    }))

  it.effect("the limit of one case of a match does not hold for another", () =>
    Effect.gen(function*() {
      const broken = { _tag: "Broken" } as const
      const schedule = Retry.match({
        HttpClientError: second.pipe(Limit.within("2 seconds")),
        Broken: Period.sliding("5 seconds").pipe(Limit.attempts(3))
      })
      const result = yield* call([503, 200], (client) =>
        client.pipe(
          HttpClient.transformResponse(
            Effect.flatMap((response) => response.status === 200 ? Effect.fail(broken) : Effect.succeed(response))
          ),
          HttpRetry.retry(schedule, { isTransient: ({ _tag }) => _tag === "Broken" })
        ))
      assert.deepStrictEqual(result.starts, [0, 1000, 6000, 11_000])
    }))

  it.effect("where Effect's own retryTransient goes past it", () =>
    Effect.gen(function*() {
      const schedule = second.pipe(Limit.within("15 seconds"))
      const result = yield* call([retryAfter(10)], (client) => HttpClient.retryTransient(client, schedule))
      assert.deepStrictEqual(result.starts.slice(0, 3), [0, 10_000, 20_000])
    }))

  it.effect("one that ends on the limit is followed", () =>
    Effect.gen(function*() {
      const retry = (client: HttpClient.HttpClient) =>
        HttpRetry.retry(client, second.pipe(Limit.within("15 seconds")), exact)
      assert.deepStrictEqual((yield* call([retryAfter(7.5), retryAfter(7), retryAfter(7), 200], retry)).starts, [
        0,
        1000,
        8000,
        15_000
      ])
    }))
})

const now = Date.parse("2026-03-01T12:00:00Z")

describe("HttpRetry.hintOf", () => {
  it.each<[title: string, status: number, headers: Record<string, string>, seconds: number | undefined]>([
    ["nothing", 429, {}, undefined],
    ["Retry-After", 503, { "retry-after": "5" }, 5],
    ["Retry-After, a date", 503, { "retry-after": "Sun, 01 Mar 2026 12:00:30 GMT" }, 30],
    ["Retry-After, a date that has passed", 429, { "retry-after": "Sun, 01 Mar 2026 11:00:00 GMT" }, 0],
    ["retry-after-ms before Retry-After", 429, { "retry-after-ms": "1500", "retry-after": "2" }, 1.5],
    ["x-ms-retry-after-ms", 429, { "x-ms-retry-after-ms": "20" }, 0.02],
    ["an unreadable retry-after-ms", 429, { "retry-after-ms": "soon", "retry-after": "2" }, 2],
    ["Retry-After before a limit", 429, { "retry-after": "1", "ratelimit-reset": "9" }, 1],
    ["an unreadable Retry-After", 429, { "retry-after": "soon", "ratelimit-reset": "9" }, 9],
    ["RateLimit, draft 10", 429, { ratelimit: `"default";r=0;t=30` }, 30],
    ["RateLimit, two policies, one used up", 429, { ratelimit: `"burst";r=0;t=5, "daily";r=17;t=3600` }, 5],
    ["RateLimit, two policies, both used up", 503, { ratelimit: `"burst";r=0;t=5, "daily";t=60;r=0` }, 60],
    ["RateLimit, nothing used up", 429, { ratelimit: `"default";r=1;t=30` }, undefined],
    ["RateLimit, draft 7", 429, { ratelimit: "limit=100, remaining=0, reset=12" }, 12],
    ["RateLimit, draft 7, not used up", 429, { ratelimit: "limit=100, remaining=3, reset=12" }, undefined],
    ["RateLimit-Reset of a 429", 429, { "ratelimit-reset": "7" }, 7],
    ["GitLab: RateLimit-Reset in seconds since 1970", 429, { "ratelimit-reset": `${now / 1000 + 7}` }, 7],
    ["RateLimit-Reset of a 503", 503, { "ratelimit-reset": "7" }, undefined],
    ["RateLimit-Reset of a 503, used up", 503, { "ratelimit-reset": "7", "ratelimit-remaining": "0" }, 7],
    [
      "GitHub, X: seconds since 1970",
      429,
      { "x-ratelimit-reset": `${now / 1000 + 20}`, "x-ratelimit-remaining": "0" },
      20
    ],
    ["seconds since 1970 that have passed", 429, { "x-ratelimit-reset": `${now / 1000 - 20}` }, 0],
    ["milliseconds since 1970", 429, { "x-ratelimit-reset": `${now + 2500}` }, 2.5],
    ["Reddit: seconds", 429, { "x-ratelimit-reset": "45" }, 45],
    [
      "GitHub, with some left",
      502,
      { "x-ratelimit-reset": `${now / 1000 + 20}`, "x-ratelimit-remaining": "17" },
      undefined
    ],
    [
      "GitHub, a secondary limit",
      429,
      { "x-ratelimit-reset": `${now / 1000 + 20}`, "x-ratelimit-remaining": "17" },
      undefined
    ],
    ["Discord", 429, { "x-ratelimit-reset-after": "1.25", "x-ratelimit-reset": `${now / 1000 + 1}.25` }, 1.25],
    ["OpenAI, requests", 429, { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s" }, 360],
    ["OpenAI, tokens", 429, {
      "x-ratelimit-remaining-requests": "10",
      "x-ratelimit-reset-requests": "1h2m",
      "x-ratelimit-remaining-tokens": "0",
      "x-ratelimit-reset-tokens": "1.5s"
    }, 1.5],
    ["OpenAI, milliseconds", 429, { "x-ratelimit-reset-tokens": "20ms" }, 0.02],
    ["unreadable resets", 429, {
      "x-ratelimit-reset": "tomorrow",
      "x-ratelimit-reset-tokens": "6 min",
      ratelimit: "full"
    }, undefined]
  ])("%s", (_, status, headers, seconds) => {
    const hint = HttpRetry.hintOf({ status, headers: Headers.fromInput(headers) }, now)
    assert.deepStrictEqual(Option.getOrUndefined(Option.map(hint, Duration.toSeconds)), seconds)
  })
})

describe("HttpRetry.retry: the end", () => {
  it.effect("gives the last response, with its body", () =>
    Effect.gen(function*() {
      const { client } = makeClient([{ status: 503, body: "first" }, { status: 429, body: "last" }])
      const retried = HttpRetry.retry(client, Period.sliding(0).pipe(Limit.attempts(2)))
      const response = yield* retried.execute(get)
      assert.deepStrictEqual([response.status, yield* response.text], [429, "last"])
    }))

  it.effect("gives the last error as it is", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* call([503, "refuses"], HttpRetry.retry(three)), {
        starts: [0, 1000, 2000],
        outcome: "HttpClientError: Transport error (GET http://api/a)"
      })
    }))

  it.effect("gives the error after a response with a retried status, and not that response", () =>
    Effect.gen(function*() {
      const { outcome } = yield* call([503, 503, "refuses"], HttpRetry.retry(three))
      assert.strictEqual(outcome, "HttpClientError: Transport error (GET http://api/a)")
    }))

  const told = (script: Script, request = get, options: object = {}) =>
    Effect.gen(function*() {
      const { client, starts } = makeClient(script, yield* Clock.currentTimeMillis)
      const gaveUp: Array<unknown> = []
      const retried = HttpRetry.retry(client, three, {
        ...options,
        onGiveUp: ({ attempts, elapsed, error, reason, request }) =>
          Effect.sync(() =>
            gaveUp.push([reason._tag, attempts, Duration.toMillis(elapsed), `${error}`, request.method])
          )
      })
      const { exit } = yield* observe(retried.execute(request), "1 minute")
      return { starts, outcome: outcomeOf(exit), gaveUp }
    })
  const status = (status: number, method = "GET") =>
    `HttpClientError: StatusCode: a status that is retried (${status} ${method} http://api/a)`

  it.effect("tells onGiveUp why: the schedule is done", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* told([503]), {
        starts: [0, 1000, 2000],
        outcome: 503,
        gaveUp: [["Schedule", 3, 2000, status(503), "GET"]]
      })
    }))

  it.effect("tells onGiveUp why: the method", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* told([503], make("POST")), {
        starts: [0],
        outcome: 503,
        gaveUp: [["Method", 1, 0, status(503, "POST"), "POST"]]
      })
    }))

  it.effect.each([200, 404])("tells onGiveUp nothing of a %d", (answer) =>
    Effect.gen(function*() {
      for (const method of ["GET", "POST"]) {
        assert.deepStrictEqual(yield* told([answer], make(method)), { starts: [0], outcome: answer, gaveUp: [] })
      }
    }))

  it.effect("an onGiveUp that fails is the failure", () =>
    Effect.gen(function*() {
      const retry = (client: HttpClient.HttpClient) =>
        HttpRetry.retry(client, three, { onGiveUp: () => Effect.fail("no") })
      assert.strictEqual((yield* call([503], retry)).outcome, "no")
    }))

  it.effect("of a loop's stop ends the delay: the caller gets what there was, and nobody is told", () =>
    Effect.gen(function*() {
      const { client, starts } = makeClient([503])
      const statuses: Array<number> = []
      let told = 0
      const retried = HttpRetry.retry(client, Period.sliding("1 minute"), {
        onGiveUp: () => Effect.sync(() => told++)
      })
      const work = Effect.tap(retried.execute(get), ({ status }) => Effect.sync(() => statuses.push(status)))
      const { endedAt } = yield* observe(Loop.run(work, second, { stop: Effect.sleep("10 seconds") }), "1 hour")
      assert.deepStrictEqual([starts, statuses, told, endedAt], [[0], [503], 0, 10_000])
    }))
})

describe("HttpRetry.retry: hooks, header, timeout", () => {
  it.effect("onRetry runs before each delay, with the error and the delay", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const retry = (client: HttpClient.HttpClient) =>
        HttpRetry.retry(client, three, {
          ...exact,
          onRetry: ({ attempt, delay, error }) =>
            Effect.sync(() =>
              seen.push([
                attempt,
                Duration.toMillis(delay),
                HttpClientError.isHttpClientError(error) && error.response?.status
              ])
            )
        })
      assert.deepStrictEqual((yield* call([retryAfter(4), "refuses", 200], retry)).starts, [0, 4000, 5000])
      assert.deepStrictEqual(seen, [[1, 4000, 429], [2, 1000, undefined]])
    }))

  it.effect("the attempt's number is sent where it is wanted", () =>
    Effect.gen(function*() {
      for (const attemptHeader of ["X-Attempt", undefined]) {
        const { client, sent } = makeClient([503, "refuses", 200])
        yield* observe(HttpRetry.retry(client, three, { attemptHeader }).execute(get), "1 minute")
        assert.deepStrictEqual(
          sent.map(({ headers }) => headers["x-attempt"]),
          attemptHeader === undefined ? [undefined, undefined, undefined] : ["1", "2", "3"]
        )
      }
    }))

  it.effect("an attempt that takes too long is aborted, and has failed with an error of the transport", () =>
    Effect.gen(function*() {
      const { aborted, client, starts } = makeClient(["hangs", "hangs", { status: 200, takes: 3999 }])
      const retry = (client: HttpClient.HttpClient) => HttpRetry.retry(client, three, { attemptTimeout: "4 seconds" })
      const { exit } = yield* observe(retry(client).execute(get), "1 minute")
      assert.deepStrictEqual([starts, aborted, outcomeOf(exit)], [[0, 5000, 10_000], [1, 2], 200])
      assert.strictEqual(
        (yield* call(["hangs"], retry)).outcome,
        "HttpClientError: Transport: no answer within 4s (GET http://api/a)"
      )
    }))

  it.effect("a name makes the retry visible", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ fiber }) => logged.push(fiber.getRef(References.CurrentLogAnnotations)))
      yield* call(
        [503, 200],
        (client) => HttpRetry.retry(client, three, { name: "users", onRetry: () => Effect.log("again") })
      ).pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(logged, [{ retry: "users" }])
    }))
})

describe("HttpRetry.retry: bodies", () => {
  const put = (body: HttpBody.HttpBody) => HttpClientRequest.setBody(make("PUT"), body)
  const bytes = new TextEncoder().encode("hello")
  const bodies: Record<string, () => HttpBody.HttpBody> = {
    "a Stream": () => HttpBody.stream(Stream.make(bytes)),
    "a ReadableStream": () => HttpBody.raw(new ReadableStream()),
    "a ReadableStream of a browser, which cannot be iterated": () => HttpBody.raw({ getReader: () => undefined }),
    "an async iterable": () => HttpBody.raw((async function*() {})())
  }

  for (const [kind, body] of Object.entries(bodies)) {
    it.effect(`${kind} is sent once, and a warning says why`, () =>
      Effect.gen(function*() {
        const logged: Array<string> = []
        const result = yield* call([503], HttpRetry.retry(three), put(body())).pipe(
          Effect.provide(Logger.layer([Logger.make(({ logLevel, message }) => logged.push(`${logLevel} ${message}`))]))
        )
        assert.deepStrictEqual(result, { starts: [0], outcome: 503 })
        assert.deepStrictEqual(logged, [
          "Warn Not retried, since the body is a stream and can be sent once: " +
          "HttpClientError: StatusCode: a status that is retried (503 PUT http://api/a)"
        ])
      }))
  }

  it.effect("onGiveUp is told in place of the warning", () =>
    Effect.gen(function*() {
      const reasons: Array<string> = []
      const logged: Array<unknown> = []
      const retry = (client: HttpClient.HttpClient) =>
        HttpRetry.retry(client, three, { onGiveUp: ({ reason }) => Effect.sync(() => reasons.push(reason._tag)) })
      yield* call([503], retry, put(HttpBody.stream(Stream.make(bytes)))).pipe(
        Effect.provide(Logger.layer([Logger.make((entry) => logged.push(entry))]))
      )
      assert.deepStrictEqual([reasons, logged], [["Body"], []])
    }))

  it.effect("nothing is said of a stream that arrives", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      yield* call([200], HttpRetry.retry(three), put(HttpBody.stream(Stream.make(bytes)))).pipe(
        Effect.provide(Logger.layer([Logger.make((entry) => logged.push(entry))]))
      )
      assert.deepStrictEqual(logged, [])
    }))

  it.effect("a Stream that can be run again is sent again, where the option says so", () =>
    Effect.gen(function*() {
      const retry = (client: HttpClient.HttpClient) => HttpRetry.retry(client, three, { streamBodies: "again" })
      assert.deepStrictEqual((yield* call([503, 200], retry, put(HttpBody.stream(Stream.make(bytes))))).starts, [
        0,
        1000
      ])
    }))

  it.effect.each([
    HttpBody.text("hello"),
    HttpBody.uint8Array(bytes),
    HttpBody.raw("hello"),
    HttpBody.raw(bytes.buffer),
    HttpBody.formDataRecord({ a: "b" }),
    HttpBody.empty
  ])("$_tag is sent again", (body) =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* call([503, 200], HttpRetry.retry(three), put(body))).starts, [0, 1000])
    }))

  it.effect("what is left of a response that is retried is read, or let go of", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const endless = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(60_000)),
        cancel: () => void seen.push("endless let go")
      })
      let pulled = 0
      const short = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (++pulled < 3) return controller.enqueue(bytes)
          seen.push("short read")
          controller.close()
        }
      }, { highWaterMark: 0 })
      const { client } = makeClient([{ status: 503, body: short }, { status: 503, body: endless }, "hangs"])
      const fiber = yield* Effect.forkChild(HttpRetry.retry(client, Period.sliding(0)).execute(get))
      // The reading takes turns of the event loop, as many as the runtime likes.
      for (let turn = 0; turn < 200 && seen.length < 2; turn++) {
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
      }
      assert.deepStrictEqual(seen.toSorted(), ["endless let go", "short read"])
      yield* Fiber.interrupt(fiber)
    }))
})

describe("HttpRetry.retry: a budget", () => {
  const run = (
    client: HttpClient.HttpClient.With<HttpClientError.HttpClientError, RetryBudget.RetryBudget>,
    urls: ReadonlyArray<string>
  ) =>
    observe(Effect.forEach(urls, (url) => Effect.exit(client.get(url))), "5 minutes").pipe(
      Effect.provide(RetryBudget.layerThrottling({ maxTokens: 4 }))
    )

  it.effect("by host and port, whatever the path", () =>
    Effect.gen(function*() {
      const { client, sent } = makeClient([503])
      const gaveUp: Array<string> = []
      const retried = HttpRetry.retry(client, three, {
        budget: "host",
        onGiveUp: ({ reason }) => Effect.sync(() => gaveUp.push(reason._tag))
      })
      yield* run(retried, ["http://a/1", "http://a/2", "http://b/", "http://a:81/", "http://a:80/3"])
      assert.deepStrictEqual(sent.map(({ url }) => url), [
        "http://a/1",
        "http://a/1",
        "http://a/2",
        "http://b/",
        "http://b/",
        "http://a:81/",
        "http://a:81/",
        "http://a:80/3"
      ])
      assert.deepStrictEqual(gaveUp, ["Budget", "Budget", "Budget", "Budget", "Budget"])
    }))

  it.effect("by a function", () =>
    Effect.gen(function*() {
      const { client, sent } = makeClient([503])
      yield* run(HttpRetry.retry(client, three, { budget: () => "all" }), ["http://a/", "http://b/"])
      assert.deepStrictEqual(sent.map(({ url }) => url), ["http://a/", "http://a/", "http://b/"])
    }))

  it.effect("counts requests that are not retried, too", () =>
    Effect.gen(function*() {
      const { client, starts } = makeClient([503])
      const retried = HttpRetry.retry(client, three, { budget: "host" })
      const posts = Effect.replicateEffect(retried.post("http://a/"), 2)
      yield* observe(Effect.andThen(posts, retried.get("http://a/")), "1 minute").pipe(
        Effect.provide(RetryBudget.layerThrottling({ maxTokens: 4 }))
      )
      assert.deepStrictEqual(starts, [0, 0, 0])
    }))
})

describe("HttpRetry.request", () => {
  const text = ({ text }: HttpClientResponse.HttpClientResponse) => text
  const breaks = (): Answer => ({
    status: 200,
    body: new ReadableStream({ pull: (controller) => controller.error(new TypeError("terminated")) })
  })
  const immediately = Period.sliding(0).pipe(Limit.attempts(3))
  const provide = (client: HttpClient.HttpClient) => Effect.provideService(HttpClient.HttpClient, client)

  it.effect("retries a body that breaks off, and what a client retries", () =>
    Effect.gen(function*() {
      const { client, starts } = makeClient([breaks(), 503, { status: 200, body: "whole" }])
      const result = yield* HttpRetry.request(get, text, immediately).pipe(provide(client))
      assert.deepStrictEqual([result, starts.length], ["whole", 3])
    }))

  it.effect("in a pipe, with an error that is given up", () =>
    Effect.gen(function*() {
      const { client, starts } = makeClient([breaks(), breaks(), breaks(), breaks()])
      const error = yield* get.pipe(HttpRetry.request(text, immediately), Effect.flip, provide(client))
      assert.deepStrictEqual([error.reason._tag, starts.length], ["DecodeError", 3])
    }))

  it.effect("does not retry JSON that cannot be parsed, unless told", () =>
    Effect.gen(function*() {
      for (const [isTransient, expected] of [[undefined, 1], [() => true, 3]] as const) {
        const { client, starts } = makeClient([{ status: 200, body: "{" }])
        const error = yield* HttpRetry.request(get, ({ json }) => json, immediately, { isTransient }).pipe(
          Effect.flip,
          provide(client)
        )
        assert.deepStrictEqual([error.reason._tag, starts.length], ["DecodeError", expected])
      }
    }))

  it.effect("does not retry what read fails with, unless told", () =>
    Effect.gen(function*() {
      for (const [isTransient, expected] of [[undefined, 1], [(error: unknown) => error === "half", 3]] as const) {
        const { client, starts } = makeClient([200])
        const error = yield* HttpRetry.request(get, () => Effect.fail("half" as const), immediately, { isTransient })
          .pipe(Effect.flip, provide(client))
        assert.deepStrictEqual([error, starts.length], ["half", expected])
      }
    }))

  it.effect("does not retry a POST whose body breaks off", () =>
    Effect.gen(function*() {
      const { client, starts } = makeClient([breaks(), 200])
      yield* HttpRetry.request(make("POST"), text, immediately).pipe(Effect.exit, provide(client))
      assert.strictEqual(starts.length, 1)
    }))

  it.effect("reads the last response, whose status was retried, and no other", () =>
    Effect.gen(function*() {
      const { client } = makeClient([503, 503, { status: 503, body: "down for maintenance" }])
      let read = 0
      const result = yield* HttpRetry.request(
        get,
        (response) => Effect.map(response.text, (text) => `${++read}. ${response.status} ${text}`),
        immediately
      ).pipe(provide(client))
      assert.strictEqual(result, "1. 503 down for maintenance")
    }))

  it.effect("bounds the reading too, of each attempt and of the last response", () =>
    Effect.gen(function*() {
      for (const status of [200, 503]) {
        const origin = yield* Clock.currentTimeMillis
        const { client, starts } = makeClient([{ status, body: new ReadableStream() }], origin)
        const retried = HttpRetry.request(get, text, second.pipe(Limit.attempts(1)), { attemptTimeout: "3 seconds" })
        const { endedAt, exit } = yield* observe(provide(client)(retried), "1 minute")
        assert.deepStrictEqual([starts, endedAt! - origin, outcomeOf(exit)], [
          [0],
          3000,
          "HttpClientError: Transport: no answer within 3s (GET http://api/a)"
        ])
      }
    }))

  it.effect("attempts do not multiply with those of a client that retries", () =>
    Effect.gen(function*() {
      const { client, sent, starts } = makeClient([503])
      const retrying = HttpRetry.retry(client, three, { attemptHeader: "x-inner" })
      const retried = HttpRetry.request(get, text, three, { attemptHeader: "x-attempt" })
      yield* observe(provide(retrying)(retried), "1 minute")
      assert.deepStrictEqual(starts, [0, 1000, 2000])
      assert.deepStrictEqual(sent.map(({ headers }) => headers["x-attempt"]), ["1", "2", "3"])
      // What reads the response may send requests of its own, which are retried.
      const nested = HttpRetry.request(get, () => retrying.get("http://api/b"), immediately)
      const { client: fine } = makeClient([200])
      starts.length = 0
      yield* observe(provide(fine)(nested), "1 minute")
      assert.strictEqual(starts.length, 3)
    }))
})

/** A server on loopback, which gives what these handlers do, in turn. */
const serve = Effect.fnUntraced(function*(
  ...handlers: ReadonlyArray<(request: IncomingMessage, response: ServerResponse) => void>
) {
  const requests: Array<string> = []
  const server = createServer((request, response) => {
    const handler = handlers[requests.push(`${request.method} ${request.url}`) - 1]
    if (handler === undefined) response.writeHead(418).end()
    else handler(request, response)
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
    () =>
      Effect.promise(() =>
        new Promise<void>((resolve) => {
          server.close(() => resolve())
          server.closeAllConnections()
        })
      )
  )
  const address = server.address()
  const port = address !== null && typeof address === "object" ? address.port : NaN
  return { url: `http://127.0.0.1:${port}`, requests }
})

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const answers = (status: number, headers: Record<string, string> = {}, body = "hello"): Handler => (_, response) =>
  void response.writeHead(status, headers).end(body)
const resets: Handler = ({ socket }) => void socket.resetAndDestroy()
const hangs: Handler = () => undefined
const breaksOff: Handler = (_, response) => {
  response.writeHead(200, { "content-length": "100" })
  response.write("half", () => setTimeout(() => response.socket?.resetAndDestroy(), 5))
}

/** Waits between attempts take no time. The list has them, in whole milliseconds. */
const leaping = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const live = yield* Clock.Clock
  const waits: Array<number> = []
  let ahead = 0
  const nanos = () => BigInt(Math.round(ahead)) * BigInt(1_000_000)
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => live.currentTimeMillisUnsafe() + ahead,
    currentTimeMillis: Effect.sync(() => clock.currentTimeMillisUnsafe()),
    currentTimeNanosUnsafe: () => live.currentTimeNanosUnsafe() + nanos(),
    currentTimeNanos: Effect.sync(() => clock.currentTimeNanosUnsafe()),
    monotonicTimeNanosUnsafe: () => live.monotonicTimeNanosUnsafe() + nanos(),
    monotonicTimeNanos: Effect.sync(() => clock.monotonicTimeNanosUnsafe()),
    sleep: (duration) =>
      Effect.suspend(() => {
        const millis = Duration.toMillis(duration)
        // What bounds an attempt, and the reading of a response that is not wanted.
        if (millis <= 250 || millis === 1000) return live.sleep(duration)
        waits.push(Math.round(millis))
        ahead += millis
        return Effect.void
      })
  }
  return { result: yield* Effect.exit(Effect.provideService(effect, Clock.Clock, clock)), waits }
})

describe("HttpRetry with a real server", () => {
  const wait = Period.sliding("300 millis").pipe(Limit.attempts(4))
  const text = (response: HttpClientResponse.HttpClientResponse) =>
    Effect.map(response.text, (text) => `${response.status} ${text}`)
  const live = (
    name: string,
    test: () => Effect.Effect<void, unknown, HttpClient.HttpClient | Scope.Scope>
  ) => it.live(name, () => Effect.scoped(test()).pipe(Effect.provide(FetchHttpClient.layer)), 20_000)

  live("429 with seconds and with a date, 503, a reset; then it answers", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* serve(
        answers(429, { "retry-after": "2" }),
        // The reset is of a new connection: Bun itself repeats a request whose kept connection is reset.
        (request: IncomingMessage, response: ServerResponse) =>
          answers(429, { connection: "close", "retry-after": new Date(Date.now() + 12_500).toUTCString() })(
            request,
            response
          ),
        resets,
        answers(200)
      )
      const client = HttpRetry.retry(yield* HttpClient.HttpClient, wait, exact)
      const { result, waits } = yield* leaping(Effect.flatMap(client.get(`${url}/a`), text))
      assert.deepStrictEqual(result, Exit.succeed("200 hello"))
      assert.deepStrictEqual(requests, ["GET /a", "GET /a", "GET /a", "GET /a"])
      assert.deepStrictEqual([waits.length, waits[0], waits[2]], [3, 2000, 300])
      // The date is whole seconds, and the client is 2 s ahead of the server.
      assert.isTrue(waits[1]! > 9000 && waits[1]! <= 10_600, String(waits[1]))
    }))

  live("a POST is sent once; with an Idempotency-Key it is sent again, body and all", () =>
    Effect.gen(function*() {
      const bodies: Array<string> = []
      const echo = (status: number): Handler => (request, response) => {
        let body = ""
        request.on("data", (data) => body += data).on("end", () => {
          bodies.push(body)
          response.writeHead(status).end(body)
        })
      }
      const { requests, url } = yield* serve(echo(503), echo(503), echo(201))
      const client = HttpRetry.retry(yield* HttpClient.HttpClient, wait)
      const post = HttpClientRequest.post(`${url}/pay`, { body: HttpBody.text("12 EUR") })
      const { result } = yield* leaping(Effect.flatMap(client.execute(post), text))
      assert.deepStrictEqual(result, Exit.succeed("503 12 EUR"))
      const keyed = HttpClientRequest.setHeader(post, "Idempotency-Key", "1")
      const again = yield* leaping(Effect.flatMap(client.execute(keyed), text))
      assert.deepStrictEqual([again.result, requests.length, bodies], [Exit.succeed("201 12 EUR"), 3, [
        "12 EUR",
        "12 EUR",
        "12 EUR"
      ]])
    }))

  live("one that hangs is cut off, and asked again", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* serve(hangs, answers(200))
      const client = HttpRetry.retry(yield* HttpClient.HttpClient, wait, { attemptTimeout: "100 millis" })
      const { result } = yield* leaping(Effect.flatMap(client.get(url), text))
      assert.deepStrictEqual([result, requests.length], [Exit.succeed("200 hello"), 2])
    }))

  live(
    "a redirect is followed within an attempt, and a 503 behind it is retried from the start",
    () =>
      Effect.gen(function*() {
        const { requests, url } = yield* serve(
          answers(302, { location: "/b" }),
          answers(503),
          answers(307, { location: "/c" }),
          answers(200)
        )
        const client = HttpRetry.retry(yield* HttpClient.HttpClient, wait)
        const { result, waits } = yield* leaping(Effect.flatMap(client.get(`${url}/a`), text))
        assert.deepStrictEqual([result, waits], [Exit.succeed("200 hello"), [300]])
        assert.deepStrictEqual(requests, ["GET /a", "GET /b", "GET /a", "GET /c"])
      })
  )

  live("a body that breaks off: retry ends at the headers, request covers it", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* serve(breaksOff, breaksOff, answers(200, {}, "whole"))
      const client = HttpRetry.retry(yield* HttpClient.HttpClient, wait)
      const { result } = yield* leaping(Effect.flatMap(client.get(`${url}/1`), text))
      assert.isTrue(Exit.isFailure(result))
      const covered = HttpRetry.request(HttpClientRequest.get(`${url}/2`), text, wait)
      const again = yield* leaping(covered)
      assert.deepStrictEqual([again.result, again.waits], [Exit.succeed("200 whole"), [300]])
      assert.deepStrictEqual(requests, ["GET /1", "GET /2", "GET /2"])
    }))

  live("a body that comes too slowly is cut off with the request, and asked for again", () =>
    Effect.gen(function*() {
      const slow: Handler = (_, response) => {
        response.writeHead(200)
        response.write("ha")
      }
      const { requests, url } = yield* serve(slow, answers(200, {}, "whole"))
      const covered = HttpRetry.request(HttpClientRequest.get(url), text, wait, { attemptTimeout: "100 millis" })
      const { result } = yield* leaping(covered)
      assert.deepStrictEqual([result, requests.length], [Exit.succeed("200 whole"), 2])
    }))

  live("nobody listens: all attempts are made, and the error is the client's", () =>
    Effect.gen(function*() {
      const { url } = yield* Effect.scoped(serve())
      const client = HttpRetry.retry(yield* HttpClient.HttpClient, wait)
      const { result, waits } = yield* leaping(client.get(url))
      assert.strictEqual(outcomeOf(result), `HttpClientError: Transport error (GET ${url})`)
      assert.deepStrictEqual(waits, [300, 300, 300])
    }))

  live(
    "the response that is given up can be read, and unread ones keep no connection busy",
    () =>
      Effect.gen(function*() {
        const busy = new Set<unknown>()
        const busily: Handler = (request, response) => {
          busy.add(request.socket)
          response.on("close", () => busy.delete(request.socket))
          answers(503, {}, "x".repeat(300_000))(request, response)
        }
        const { requests, url } = yield* serve(busily, busily, busily)
        const client = HttpRetry.retry(yield* HttpClient.HttpClient, Period.sliding(0).pipe(Limit.attempts(3)))
        const response = yield* client.get(url)
        const body = yield* response.text
        yield* Effect.sleep("30 millis")
        assert.deepStrictEqual([requests.length, response.status, body.length, busy.size], [3, 503, 300_000, 0])
      })
  )

  live("provided as a Layer, it is the client of everything else", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* serve(answers(503), answers(200))
      const layer = Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, HttpRetry.retry(wait)))
      const { result } = yield* leaping(Effect.flatMap(HttpClient.get(url), text).pipe(Effect.provide(layer)))
      assert.deepStrictEqual([result, requests.length], [Exit.succeed("200 hello"), 2])
    }))
})
