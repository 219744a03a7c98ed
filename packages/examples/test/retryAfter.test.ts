import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Duration, Effect, Exit, Fiber, Logger, Option, Random } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { listen, portOf } from "../src/listen.ts"
import { get } from "../src/retryAfter.ts"

interface Answer {
  readonly status: number
  readonly retryAfter?: string
  /** In milliseconds. */
  readonly takes?: number
}

type Script = ReadonlyArray<Answer | "refuses" | "breaks off" | "hangs">

const ok: Answer = { status: 200 }

const date = (seconds: number) => `Thu, 01 Jan 1970 00:00:0${seconds} GMT`

const headersOf = ({ retryAfter }: Answer) => retryAfter === undefined ? {} : { "retry-after": retryAfter }

/** Runs an effect with this draw, over and over. */
const withDraw = (draw: number) =>
  Effect.provideService(Random.Random, { nextDoubleUnsafe: () => draw, nextIntUnsafe: () => draw })

/** What a call came to. Errors are told by their text: an assertion takes two of a kind for equal. */
const resultOf = (exit: Exit.Exit<string, Effect.Error<ReturnType<typeof get>>>) => {
  if (Exit.isSuccess(exit)) return exit.value
  const error = Option.getOrThrow(Cause.findErrorOption(exit.cause))
  if (error._tag === "Rejected") return String(error)
  const { attempts, elapsed, reason } = error
  return { error: String(error.error), attempts, elapsed: Duration.toMillis(elapsed), reason: reason._tag }
}

/**
 * Calls a client that gives these answers in turn, the last one over and over. Tells when it was asked, what it came to, and
 * which of the requests were aborted.
 */
const call = Effect.fnUntraced(function*(script: Script, draw: number) {
  const starts: Array<number> = []
  const aborted: Array<number> = []
  const client = HttpClient.make(Effect.fnUntraced(function*(request, _, signal) {
    const n = starts.push(yield* Clock.currentTimeMillis)
    signal.addEventListener("abort", () => aborted.push(n))
    const respond = (body: BodyInit, init?: ResponseInit) =>
      HttpClientResponse.fromWeb(request, new Response(body, init))
    const answer = script[Math.min(n, script.length) - 1]
    if (answer === undefined || answer === "hangs") return yield* Effect.never
    if (answer === "breaks off") {
      return respond(new ReadableStream({ pull: (controller) => controller.error("reset") }))
    }
    if (answer === "refuses") {
      const reason = new HttpClientError.TransportError({ request })
      return yield* new HttpClientError.HttpClientError({ reason })
    }
    yield* Effect.sleep(answer.takes ?? 0)
    return respond("hello", { status: answer.status, headers: headersOf(answer) })
  }))
  const fiber = yield* get("http://api/").pipe(
    Effect.provideService(HttpClient.HttpClient, client),
    withDraw(draw),
    Effect.forkChild({ startImmediately: true })
  )
  yield* TestClock.adjust("5 minutes")
  return { starts, result: resultOf(yield* Fiber.await(fiber)), aborted }
}, Effect.provide(Logger.layer([])))

describe("a server that throttles", () => {
  it.effect.each<{ when: string; script: Script; expected: Array<number> }>([
    {
      when: "after the seconds that it asks for, with a 429 or a 503",
      script: [{ status: 429, retryAfter: "1" }, { status: 503, retryAfter: "2" }, ok],
      expected: [0, 1000, 3000]
    },
    {
      when: "at the date that it names, in any format, however long the answer takes",
      script: [
        { status: 429, retryAfter: date(3), takes: 400 },
        { status: 503, retryAfter: "Thursday, 01-Jan-70 00:00:10 GMT", takes: 1500 },
        { status: 429, retryAfter: "Thu Jan  1 00:00:20 1970" },
        ok
      ],
      expected: [0, 3000, 10_000, 20_000]
    },
    {
      when: "later and later where it does not say when",
      script: [{ status: 429 }, { status: 503 }, { status: 429 }, ok],
      expected: [0, 250, 750, 1750]
    },
    {
      when: "no sooner than that where it asks for less",
      script: [
        { status: 429 },
        { status: 429 },
        { status: 429, retryAfter: "0" },
        { status: 429, retryAfter: "1" },
        ok
      ],
      expected: [0, 250, 750, 1750, 3750]
    },
    {
      when: "after a minute at most",
      script: [{ status: 429, retryAfter: "60" }, ok],
      expected: [0, 60_000]
    }
  ])("is asked again $when", ({ expected, script }) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* call(script, 0), { starts: expected, result: "hello", aborted: [] })
    }))

  it.effect.each([
    "-1",
    "1.5",
    "1e3",
    "Infinity",
    "soon",
    "1, 2",
    "1970-01-01T00:00:09Z",
    "Thu, 32 Jan 1970 00:00:09 GMT",
    "Wed, 31 Dec 1969 23:59:59 GMT"
  ])("is asked again as if it did not say when, with a Retry-After of %s", (retryAfter) =>
    Effect.gen(function*() {
      const { result, starts } = yield* call([{ status: 429, retryAfter }, ok], 0)
      assert.deepStrictEqual([starts, result], [[0, 250], "hello"])
    }))

  it.effect.each(["61", "99999999999999999999", "Thu, 01 Jan 1970 00:01:01 GMT"])(
    "is given up at once when it asks for more than a minute, with a Retry-After of %s",
    (retryAfter) =>
      Effect.gen(function*() {
        const { result, starts } = yield* call([{ status: 429, retryAfter }, ok], 0)
        assert.deepStrictEqual(starts, [0])
        assert.deepStrictEqual(result, {
          error: "Throttled: 429 http://api/",
          attempts: 1,
          elapsed: 0,
          reason: "Schedule"
        })
      })
  )

  it.effect("is given up after ten attempts", () =>
    Effect.gen(function*() {
      const { result, starts } = yield* call([{ status: 503 }], 0)
      assert.deepStrictEqual(starts, [0, 250, 750, 1750, 3750, 7750, 15_750, 25_750, 35_750, 45_750])
      assert.deepStrictEqual(result, {
        error: "Throttled: 503 http://api/",
        attempts: 10,
        elapsed: 45_750,
        reason: "Schedule"
      })
    }))

  it.effect("is asked again up to a quarter later than it asks for", () =>
    Effect.gen(function*() {
      const script = [{ status: 429, retryAfter: "1" }, { status: 429, retryAfter: "4" }, ok]
      assert.deepStrictEqual((yield* call(script, 0.5)).starts, [0, 1125, 5625])
    }))
})

describe("a server that is not there", () => {
  it.effect("is asked again, with full jitter", () =>
    Effect.gen(function*() {
      const { result, starts } = yield* call([{ status: 500 }, "refuses", "breaks off", { status: 502 }, ok], 0.5)
      assert.deepStrictEqual([starts, result], [[0, 50, 150, 350, 750], "hello"])
    }))

  it.effect("is given up after five attempts; one that was throttled is none of them", () =>
    Effect.gen(function*() {
      const { result, starts } = yield* call([{ status: 429, retryAfter: "8" }, { status: 500 }, "refuses"], 0.5)
      assert.deepStrictEqual(starts, [0, 9000, 9050, 9150, 9350, 9750])
      assert.deepStrictEqual(result, {
        error: "Unavailable: Transport error (GET http://api/)",
        attempts: 6,
        elapsed: 9750,
        reason: "Schedule"
      })
    }))

  it.effect("is cut off after five seconds when it hangs, and asked again", () =>
    Effect.gen(function*() {
      const { aborted, result, starts } = yield* call(["hangs", { status: 500 }, "hangs", ok], 0.5)
      assert.deepStrictEqual([starts, result, aborted], [[0, 5050, 5100, 10_200], "hello", [1, 3]])
    }))

  it.effect("is given up when it hangs for the fifth time", () =>
    Effect.gen(function*() {
      const { aborted, result, starts } = yield* call(["hangs"], 0.5)
      assert.deepStrictEqual([starts, aborted], [[0, 5050, 10_150, 15_350, 20_750], [1, 2, 3, 4, 5]])
      assert.deepStrictEqual(result, {
        error: "TimeoutError: Operation timed out after '5s'",
        attempts: 5,
        elapsed: 25_750,
        reason: "Schedule"
      })
    }))
})

describe("a server that rejects", () => {
  it.effect.each<{ when: string; script: Script; expected: Array<number> }>([
    { when: "at once", script: [{ status: 404, retryAfter: "1" }], expected: [0] },
    {
      when: "later",
      script: [{ status: 429, retryAfter: "8" }, { status: 500 }, { status: 404 }],
      expected: [0, 9000, 9050]
    }
  ])("is not asked again, $when", ({ expected, script }) =>
    Effect.gen(function*() {
      const { result, starts } = yield* call(script, 0.5)
      assert.deepStrictEqual([starts, result], [expected, "Rejected: 404 http://api/"])
    }))
})

/** Calls a real server. The time of the client stands still while one is asked, and leaps over every wait in between. */
const callReal = Effect.fnUntraced(function*(url: string, draw: number) {
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const starts: Array<number> = []
  const logged: Array<string> = []
  let asking = false
  const client = HttpClient.transformResponse(yield* HttpClient.HttpClient, (response) =>
    Effect.suspend(() => {
      starts.push(clock.currentTimeMillisUnsafe())
      asking = true
      return Effect.ensuring(
        response,
        Effect.sync(() => {
          asking = false
        })
      )
    }))
  const exit = yield* get(url).pipe(
    Effect.exit,
    Effect.provideService(HttpClient.HttpClient, client),
    Effect.provideService(Clock.Clock, {
      ...clock,
      sleep: (duration) => Effect.suspend(() => asking ? Effect.never : clock.adjust(duration))
    }),
    Effect.provide(Logger.layer([Logger.make(({ message }) => logged.push(String(message)))])),
    withDraw(draw)
  )
  return { starts, logged, result: resultOf(exit) }
}, Effect.provide(FetchHttpClient.layer))

describe("a real server", () => {
  it.effect("is understood, and asked once an attempt", () =>
    Effect.gen(function*() {
      const script: ReadonlyArray<Answer> = [
        { status: 429, retryAfter: "0" },
        { status: 429, retryAfter: "Wed, 31 Dec 1969 23:59:59 GMT" },
        { status: 503, retryAfter: "3" },
        { status: 500, retryAfter: "7" },
        { status: 429, retryAfter: date(9) },
        { status: 503, retryAfter: "soon" },
        ok
      ]
      const requests: Array<string> = []
      const server = yield* listen(0)
      server.on("request", ({ method, url }, response) => {
        const answer = script[requests.push(`${method} ${url}`) - 1] ?? { status: 404 }
        response.writeHead(answer.status, headersOf(answer)).end("hello")
      })
      const url = `http://127.0.0.1:${yield* portOf(server)}/a`

      const { logged, result, starts } = yield* callReal(url, 0)
      assert.deepStrictEqual(requests, Array.from(script, () => "GET /a"))
      assert.deepStrictEqual([starts, result], [[0, 250, 750, 3750, 3750, 9000, 13_000], "hello"])
      assert.deepStrictEqual(logged, [
        `attempt 1: 429 ${url}, again in 250 ms`,
        `attempt 2: 429 ${url}, again in 500 ms`,
        `attempt 3: 503 ${url}, again in 3000 ms`,
        `attempt 4: 500 ${url}, again in 0 ms`,
        `attempt 5: 429 ${url}, again in 5250 ms`,
        `attempt 6: 503 ${url}, again in 4000 ms`
      ])
    }))

  it.effect("is given up when it goes on resetting the connection", () =>
    Effect.gen(function*() {
      let requests = 0
      const server = yield* listen(0)
      server.on("request", ({ socket }) => {
        requests++
        socket.resetAndDestroy()
      })
      const url = `http://127.0.0.1:${yield* portOf(server)}/`

      const { result, starts } = yield* callReal(url, 0.5)
      assert.deepStrictEqual([requests, starts], [5, [0, 50, 150, 350, 750]])
      assert.deepStrictEqual(result, {
        error: `Unavailable: Transport error (GET ${url})`,
        attempts: 5,
        elapsed: 750,
        reason: "Schedule"
      })
    }))

  it.effect("is asked again when nobody listens yet", () =>
    Effect.gen(function*() {
      const port = yield* Effect.scoped(Effect.flatMap(listen(0), portOf))
      const { starts } = yield* callReal(`http://127.0.0.1:${port}/`, 0.5)
      assert.deepStrictEqual(starts, [0, 50, 150, 350, 750])
    }))
})
