import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Logger, Option, Random } from "effect"
import { RetryBudget } from "effect-wait"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { listen, portOf } from "../src/listen.ts"
import { complete, statusOf } from "../src/llm.ts"

const text = (text: string) => `data: ${JSON.stringify({ type: "text", text })}\n\n`
const done = `data: {"type":"done"}\n\n`
const overloaded = `data: {"type":"error","message":"overloaded"}\n\n`

/** A response: a status with a `Retry-After`, or a stream of these parts, which breaks off, ends or stands still. */
type Answer =
  | { readonly status: number; readonly retryAfter?: string }
  | { readonly parts: ReadonlyArray<string>; readonly end?: "breaks" | "ends" | "hangs" }

const whole: Answer = { parts: [text("Hello"), text(" world"), done] }

const bodyOf = (parts: ReadonlyArray<string>, end: "breaks" | "ends" | "hangs") => {
  const rest = [...parts]
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = rest.shift()
      if (part !== undefined) return controller.enqueue(encoder.encode(part))
      if (end === "breaks") controller.error(new TypeError("terminated"))
      if (end === "ends") controller.close()
    }
  })
}

/** One call of a client whose server gives these answers in turn, the last one over and over. */
const ask = Effect.fnUntraced(function*(...script: ReadonlyArray<Answer>) {
  const starts: Array<number> = []
  const shown: Array<string> = []
  const client = HttpClient.make((request) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const answer = script[Math.min(starts.push(now), script.length) - 1]!
      const response = "status" in answer
        ? new Response("no", {
          status: answer.status,
          headers: answer.retryAfter === undefined ? {} : { "retry-after": answer.retryAfter }
        })
        : new Response(bodyOf(answer.parts, answer.end ?? "ends"))
      return HttpClientResponse.fromWeb(request, response)
    })
  )
  const fiber = yield* complete("http://llm/v1", "Say hello", {
    onText: (text) => Effect.sync(() => void shown.push(text)),
    onAgain: Effect.sync(() => void shown.push("again"))
  }).pipe(
    Effect.provideService(HttpClient.HttpClient, client),
    Effect.provideService(Random.Random, { nextDoubleUnsafe: () => 0.5, nextIntUnsafe: () => 0 }),
    Effect.provide(RetryBudget.layerThrottling()),
    Effect.provide(Logger.layer([])),
    Effect.forkChild({ startImmediately: true })
  )
  // The parts of a stream come outside of the test clock: it is moved once they are there.
  while (fiber.pollUnsafe() === undefined) {
    yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 1)))
    yield* TestClock.adjust("500 millis")
  }
  const exit = yield* Fiber.await(fiber)
  const outcome = Exit.isSuccess(exit) ? exit.value : String(Cause.squash(exit.cause))
  return { starts, shown, outcome, exit }
})

describe("a language model", () => {
  it.effect("is asked once when all is well", () =>
    Effect.gen(function*() {
      const { outcome, shown, starts } = yield* ask(whole)
      assert.deepStrictEqual([starts, shown, outcome], [[0], ["Hello", " world"], "Hello world"])
    }))

  it.effect("is asked again when it says so, after a 429 and a 529: up to a tenth later", () =>
    Effect.gen(function*() {
      const { outcome, shown, starts } = yield* ask(
        { status: 429, retryAfter: "20" },
        { status: 529, retryAfter: "40" },
        whole
      )
      assert.deepStrictEqual([starts, outcome], [[0, 21_000, 63_000], "Hello world"])
      assert.deepStrictEqual(shown, ["again", "again", "Hello", " world"])
    }))

  it.effect.each<{ how: string; broken: Answer }>([
    { how: "breaks off", broken: { parts: [text("Hel"), text("lo")], end: "breaks" } },
    { how: "ends without the last event", broken: { parts: [text("Hel"), text("lo")], end: "ends" } },
    { how: "ends with an error", broken: { parts: [text("Hel"), text("lo"), overloaded] } }
  ])("starts again from the beginning when the stream $how", ({ broken }) =>
    Effect.gen(function*() {
      const { outcome, shown, starts } = yield* ask(broken, whole)
      assert.deepStrictEqual([starts.length, outcome], [2, "Hello world"])
      assert.deepStrictEqual(shown, ["Hel", "lo", "again", "Hello", " world"])
    }))

  it.effect("starts again when the stream stands still for ten seconds", () =>
    Effect.gen(function*() {
      const { outcome, shown, starts } = yield* ask({ parts: [text("Hel")], end: "hangs" }, whole)
      assert.deepStrictEqual([starts.length, outcome], [2, "Hello world"])
      assert.isTrue(starts[1]! >= 10_500)
      assert.deepStrictEqual(shown, ["Hel", "again", "Hello", " world"])
    }))

  it.effect("is not asked again after a mistake", () =>
    Effect.gen(function*() {
      const { outcome, starts } = yield* ask({ status: 400 })
      assert.deepStrictEqual([starts, outcome], [
        [0],
        "HttpClientError: StatusCode: non 2xx status code (400 POST http://llm/v1)"
      ])
    }))

  it.effect("is given up at once when it asks for more than 90 seconds, with its status", () =>
    Effect.gen(function*() {
      const { exit, starts } = yield* ask({ status: 429, retryAfter: "91" })
      const error = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()
      assert.deepStrictEqual([starts, Option.flatMap(error, statusOf)], [[0], Option.some(429)])
    }))

  it.effect("is given up when the budget is used up, before the six attempts", () =>
    Effect.gen(function*() {
      const { outcome, starts } = yield* ask({ status: 529 })
      assert.deepStrictEqual(starts, [0, 500, 1500, 3500, 7500])
      assert.strictEqual(outcome, "HttpClientError: StatusCode: non 2xx status code (529 POST http://llm/v1)")
    }))

  it.live("is understood when it is a real server, whose stream is reset", () =>
    Effect.gen(function*() {
      const bodies: Array<string> = []
      const server = yield* listen(0)
      server.on("request", (request, response) => {
        let body = ""
        request.on("data", (data) => body += data).on("end", () => {
          bodies.push(body)
          if (bodies.length === 1) {
            response.writeHead(529, { "retry-after": "0" }).end()
            return
          }
          response.writeHead(200, { "content-type": "text/event-stream" })
          response.write(text("Hel"), () => {
            if (bodies.length === 2) setTimeout(() => response.socket?.resetAndDestroy(), 5)
            else response.end(text("lo") + done)
          })
        })
      })
      const shown: Array<string> = []
      const answer = yield* complete(`http://127.0.0.1:${yield* portOf(server)}/v1`, "Say hello", {
        onText: (text) => Effect.sync(() => void shown.push(text)),
        onAgain: Effect.sync(() => void shown.push("again"))
      }).pipe(
        Effect.provide(FetchHttpClient.layer),
        Effect.provide(RetryBudget.layerThrottling()),
        Effect.provide(Logger.layer([])),
        Effect.provideService(Random.Random, { nextDoubleUnsafe: () => 0, nextIntUnsafe: () => 0 })
      )
      assert.deepStrictEqual([answer, shown], ["Hello", ["again", "Hel", "again", "Hel", "lo"]])
      assert.deepStrictEqual(new Set(bodies), new Set([`{"prompt":"Say hello","stream":true}`]))
    }))
})
