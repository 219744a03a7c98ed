import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Logger } from "effect"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { listen, portOf } from "../../src/listen.ts"
import { layer } from "../../src/recipes/http.ts"
import { withDraw } from "./support.ts"

interface Answer {
  readonly status: number
  readonly retryAfter?: string
}

/**
 * Uses the client on a real server that gives these answers in turn, the last one over and over. Time stands still while the server
 * is asked, and leaps over every delay. The only sleep of 5 s is the time limit of an attempt.
 */
const use = Effect.fnUntraced(function*<A, E>(
  script: ReadonlyArray<Answer>,
  program: (url: string) => Effect.Effect<A, E, HttpClient.HttpClient>
) {
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const requests: Array<string> = []
  const server = yield* listen(0)
  server.on("request", ({ method }, response) => {
    const n = requests.push(`${clock.currentTimeMillisUnsafe()} ${method}`)
    const { retryAfter, status } = script[Math.min(n, script.length) - 1]!
    response.writeHead(status, retryAfter === undefined ? {} : { "retry-after": retryAfter }).end("hello")
  })
  const logged: Array<string> = []
  const result = yield* program(`http://127.0.0.1:${yield* portOf(server)}/`).pipe(
    Effect.provide(layer),
    Effect.provideService(Clock.Clock, {
      ...clock,
      sleep: (duration) =>
        Effect.suspend(() => Duration.toMillis(duration) === 5000 ? Effect.never : clock.adjust(duration))
    }),
    Effect.provide(Logger.layer([Logger.make(({ message }) => logged.push(String(message).replace(/:\d+\//, "/")))])),
    withDraw(0.5)
  )
  return { requests, result, logged }
})

const status = (url: string) => Effect.map(HttpClient.get(url), ({ status }) => status)

describe("a client of an API that throttles", () => {
  it.effect("waits with full jitter, or for as long as the server says, and up to a tenth longer", () =>
    Effect.gen(function*() {
      const { requests, result } = yield* use(
        [{ status: 503 }, { status: 429, retryAfter: "2" }, { status: 200 }],
        status
      )
      assert.deepStrictEqual([requests, result], [["0 GET", "100 GET", "2200 GET"], 200])
    }))

  it.effect("gives up at once when it would have to wait for more than 10 seconds, and says so", () =>
    Effect.gen(function*() {
      const { logged, requests, result } = yield* use([{ status: 429, retryAfter: "15" }], status)
      assert.deepStrictEqual([requests, result], [["0 GET"], 429])
      assert.deepStrictEqual(logged, ["GET http://127.0.0.1/: Schedule after 1 attempts"])
    }))

  it.effect("sends a POST once", () =>
    Effect.gen(function*() {
      const { requests, result } = yield* use(
        [{ status: 503 }],
        (url) => Effect.map(HttpClient.post(url), ({ status }) => status)
      )
      assert.deepStrictEqual([requests, result], [["0 POST"], 503])
    }))

  it.effect("sends four retries for 30 requests while the server is down: then the budget refuses", () =>
    Effect.gen(function*() {
      const { requests } = yield* use([{ status: 503 }], (url) => Effect.replicateEffect(status(url), 30))
      assert.strictEqual(requests.length, 34)
    }))
})
