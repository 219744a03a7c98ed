import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric, References } from "effect"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { makeMonitors, sizes } from "../../src/callSites/08-etcd-size-monitor.ts"
import { logOf } from "./logOf.ts"

type Answer = Effect.Effect<Response, "refused">

const json = (body: unknown, status = 200): Answer => Effect.sync(() => Response.json(body, { status }))

// As etcd's gateway writes it.
const size = (bytes: number) => json({ header: { member_id: "10276657743932975437" }, dbSize: `${bytes}` })

const url = (endpoint: string) => `http://${endpoint}:2379`

/** Logs what the metric tells. */
const tell = Effect.flatMap(
  sizes,
  (sizes) => Effect.log(["told", ...[...sizes].map(([endpoint, size]) => `${endpoint} ${size}`).toSorted()].join(" "))
)

/**
 * What is asked, and what a program of `add`, `remove` and `tell` logs, with Kubernetes' interval. These are the answers of each
 * endpoint, the last one over and over.
 */
const logWith = Effect.fnUntraced(function*(
  answers: Record<string, ReadonlyArray<Answer>>,
  program: (monitors: {
    readonly add: (endpoint: string) => Effect.Effect<unknown, never, HttpClient.HttpClient>
    readonly remove: (endpoint: string) => Effect.Effect<void>
  }) => Effect.Effect<unknown, never, HttpClient.HttpClient>,
  { lasts = Effect.never, ...options }: Parameters<typeof logOf>[1] & { readonly lasts?: Effect.Effect<unknown> }
) {
  const asked: Record<string, number> = {}
  const client = HttpClient.make(Effect.fnUntraced(function*(request, { hostname }) {
    yield* Effect.log(`${request.method} ${request.url}`)
    const script = answers[hostname] ?? []
    const n = asked[hostname] = (asked[hostname] ?? 0) + 1
    const response = yield* Effect.mapError(
      script[Math.min(n, script.length) - 1] ?? Effect.never,
      () => new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
    )
    return HttpClientResponse.fromWeb(request, response)
  }))
  const monitored = Effect.gen(function*() {
    const { add, remove } = yield* makeMonitors("30 seconds")
    yield* program({ add: (endpoint) => add(url(endpoint)), remove: (endpoint) => remove(url(endpoint)) })
    yield* lasts
  }).pipe(
    Effect.scoped,
    Effect.andThen(tell),
    Effect.andThen(Effect.never),
    Effect.provideService(HttpClient.HttpClient, client),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(References.MinimumLogLevel, "Debug")
  )
  const { log } = yield* logOf(monitored, options)
  // Schema's errors have a second line.
  return log.map((line) =>
    line.replace(/\n.*/, "").replaceAll(/http:\/\/(\w+):2379/g, "$1").replace(
      /POST (\w+)\/v3\/maintenance\/status/,
      "$1 asked"
    )
  )
})

describe("the monitors of etcd's size", () => {
  it.effect("ask each endpoint at its own time, 30 to 45 seconds after an answer", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        { a: [Effect.delay(size(10), "2 seconds")], b: [size(20)] },
        ({ add }) => Effect.all([add("a"), add("b")]),
        { until: "2 minutes", random: [0, 0.9, 0.5] }
      )
      assert.deepStrictEqual(log, [
        "0 a asked",
        "0 b asked",
        "30000 b asked",
        "45500 a asked",
        "67500 b asked",
        "77500 a asked",
        "111000 b asked",
        "117000 a asked"
      ])
    }))

  it.effect("tell the last size, and -1 for what does not tell", () =>
    Effect.gen(function*() {
      const answers = [
        size(10),
        Effect.fail("refused" as const),
        size(20),
        json({}, 503),
        size(30),
        json({ dbSize: "many" }),
        size(2 ** 40)
      ]
      const log = yield* logWith(
        { a: answers },
        ({ add }) => Effect.andThen(add("a"), Effect.forever(Effect.delay(tell, "30 seconds"))),
        { until: "211 seconds", random: [0] }
      )
      assert.deepStrictEqual(log, [
        "0 a asked",
        "30000 told a 10",
        "30000 a asked",
        "30000 Debug Failed to get the size of a: Transport error (a asked)",
        "60000 told a -1",
        "60000 a asked",
        "90000 told a 20",
        "90000 a asked",
        "90000 Debug Failed to get the size of a: StatusCode: non 2xx status code (503 a asked)",
        "120000 told a -1",
        "120000 a asked",
        "150000 told a 30",
        "150000 a asked",
        "150000 Debug Failed to get the size of a: Expected a finite number",
        "180000 told a -1",
        "180000 a asked",
        "210000 told a 1099511627776",
        "210000 a asked"
      ])
    }))

  it.effect("take one that hangs for down after the interval", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        { a: [size(10), Effect.never, size(20)] },
        ({ add }) => Effect.andThen(add("a"), Effect.forever(Effect.delay(tell, "29999 millis"))),
        { until: "100 seconds", random: [0] }
      )
      assert.deepStrictEqual(log, [
        "0 a asked",
        "29999 told a 10",
        "30000 a asked",
        "59998 told a 10",
        "60000 Debug Failed to get the size of a: Operation timed out after '30s'",
        "89997 told a -1",
        "90000 a asked"
      ])
    }))

  it.effect("outlive a panic", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        { a: [Effect.die("boom"), size(10)] },
        ({ add }) => Effect.andThen(add("a"), Effect.delay(tell, "31 seconds")),
        { until: "1 minute", random: [0] }
      )
      assert.deepStrictEqual(log, [
        "0 a asked",
        "0 Error A run failed; the loop goes on",
        "30000 a asked",
        "31000 told a 10",
        "60000 a asked"
      ])
    }))
})

describe("an endpoint", () => {
  it.effect("that is monitored already is not added once more", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        { a: [size(10)] },
        ({ add }) => Effect.andThen(add("a"), Effect.delay(add("a"), "10 seconds")),
        { until: "70 seconds", random: [0] }
      )
      assert.deepStrictEqual(log, ["0 a asked", "30000 a asked", "60000 a asked"])
    }))

  it.effect("that is removed is asked and told no more, and the others are", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        { a: [size(10)], b: [size(20)] },
        ({ add, remove }) =>
          Effect.gen(function*() {
            yield* Effect.all([add("a"), add("b")])
            yield* Effect.sleep("10 seconds")
            yield* tell
            yield* remove("a")
            yield* tell
          }),
        { until: "70 seconds", random: [0] }
      )
      assert.deepStrictEqual(log, [
        "0 a asked",
        "0 b asked",
        "10000 told a 10 b 20",
        "10000 told b 20",
        "30000 b asked",
        "60000 b asked"
      ])
    }))

  it.effect("that is removed during a question is not told by its answer", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        { a: [Effect.delay(size(10), "5 seconds")] },
        ({ add, remove }) =>
          Effect.gen(function*() {
            yield* add("a")
            yield* Effect.delay(remove("a"), "2 seconds")
            yield* Effect.delay(tell, "10 seconds")
          }),
        { until: "70 seconds", random: [0] }
      )
      assert.deepStrictEqual(log, ["0 a asked", "12000 told"])
    }))

  it.effect("that comes again is asked at once", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        { a: [size(10)] },
        ({ add, remove }) =>
          Effect.gen(function*() {
            yield* add("a")
            yield* Effect.delay(remove("a"), "10 seconds")
            yield* Effect.delay(add("a"), "5 seconds")
          }),
        { until: "50 seconds", random: [0] }
      )
      assert.deepStrictEqual(log, ["0 a asked", "15000 a asked", "45000 a asked"])
    }))
})

describe("the end of the Scope", () => {
  it.effect("is that of all of them", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        { a: [Effect.delay(size(10), "1 second")], b: [Effect.never] },
        ({ add }) => Effect.all([add("a"), add("b")]),
        { until: "2 minutes", random: [0], lasts: Effect.delay(tell, "31500 millis") }
      )
      assert.deepStrictEqual(log, [
        "0 a asked",
        "0 b asked",
        "30000 Debug Failed to get the size of b: Operation timed out after '30s'",
        "31000 a asked",
        "31500 told a 10 b -1",
        "31500 told"
      ])
    }))
})
