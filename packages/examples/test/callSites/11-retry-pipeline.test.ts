import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, FileSystem, Option } from "effect"
import { RetryBudget } from "effect-wait"
import { HttpClient, HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import { Database, open, store, sync } from "../../src/callSites/11-retry-pipeline.ts"
import { logOf } from "./logOf.ts"

interface Answer {
  readonly status: number
  readonly body?: string
  readonly retryAfter?: string
  /** In milliseconds. */
  readonly takes?: number
}

const ok: Answer = { status: 200, body: `{"id":"7","total":250}` }

const unavailable: Answer = { status: 503 }

/** Gives these answers in turn, the last one over and over. */
const service = (answers: ReadonlyArray<Answer | "refuses">) => {
  let requests = 0
  return HttpClient.make(Effect.fnUntraced(function*(request) {
    const answer = answers[Math.min(requests++, answers.length - 1)]
    if (answer === undefined || answer === "refuses") {
      return yield* new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
    }
    const { body = "", retryAfter, status, takes = 0 } = answer
    yield* Effect.sleep(takes)
    const headers = retryAfter === undefined ? {} : { "retry-after": retryAfter }
    return HttpClientResponse.fromWeb(request, new Response(body, { status, headers }))
  })).pipe(HttpClient.mapRequest(HttpClientRequest.prependUrl("http://api")))
}

interface Given {
  readonly answers?: ReadonlyArray<Answer | "refuses">
  /** Until when another connection writes to the database, in milliseconds. */
  readonly lockedUntil?: number
  readonly maxTokens?: number | undefined
  /** A draw for all jitter; default 0.5 */
  readonly draw?: number
}

/** What a program logs, when it ends and how, and what the database has then: a real one, in a file. */
const run = Effect.fnUntraced(
  function*<A, E extends { readonly _tag: string }>(
    program: Effect.Effect<A, E, Database | HttpClient.HttpClient | RetryBudget.RetryBudget>,
    { answers = [ok], draw = 0.5, lockedUntil, maxTokens }: Given
  ) {
    const fs = yield* FileSystem.FileSystem
    const file = `${yield* fs.makeTempDirectoryScoped()}/orders.db`
    const database = yield* open(file)
    const other = yield* open(file)
    const lock = Effect.gen(function*() {
      other.exec("begin immediate")
      yield* Effect.sleep(lockedUntil ?? 0)
      other.exec("rollback")
    })
    const { endedAt, exit, log } = yield* Effect.forkChild(lock, { startImmediately: true }).pipe(
      Effect.when(Effect.succeed(lockedUntil !== undefined)),
      Effect.andThen(program),
      Effect.provideService(Database, database),
      Effect.provideService(HttpClient.HttpClient, service(answers)),
      Effect.provide(RetryBudget.layerThrottling({ maxTokens })),
      (program) => logOf(program, { until: "1 minute", random: [draw] })
    )
    const error = Option.flatMap(exit, Exit.findErrorOption)
    const rows = database.prepare("select id || ': ' || total as row from orders").all().map(({ row }) => row)
    return { log, rows, end: [endedAt, Option.match(error, { onNone: () => "done", onSome: ({ _tag }) => _tag })] }
  },
  Effect.scoped,
  Effect.provide(NodeFileSystem.layer)
)

const stored = ["7: 250"]

describe("an order", () => {
  it.effect("is fetched and stored", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* run(sync("7"), {}), { log: ["0 order 7: stored"], rows: stored, end: [0, "done"] })
    }))

  it.effect("is fetched again, with full jitter, from a service that fails or is not there", () =>
    Effect.gen(function*() {
      const { log, rows } = yield* run(sync("7"), { answers: [unavailable, "refuses", { status: 500 }, ok] })
      assert.deepStrictEqual(log, [
        "0 Warn order 7: 503, attempt 1, again in 50 ms",
        "50 Warn Transport error (GET http://api/orders/7), attempt 2, again in 100 ms",
        "150 Warn order 7: 500, attempt 3, again in 200 ms",
        "350 order 7: stored"
      ])
      assert.deepStrictEqual(rows, stored)
    }))

  it.effect("is fetched again when the service asks for it, and up to a quarter later", () =>
    Effect.gen(function*() {
      const throttled = [{ status: 429, retryAfter: "8" }, { status: 429, retryAfter: "Thu, 01 Jan 1970 00:00:12 GMT" }]
      const { log } = yield* run(sync("7"), { answers: [...throttled, { status: 429 }, ok] })
      assert.deepStrictEqual(log, [
        "0 Warn order 7: 429, attempt 1, again in 9000 ms",
        "9000 Warn order 7: 429, attempt 2, again in 3375 ms",
        "12375 Warn order 7: 429, attempt 3, again in 225 ms",
        "12600 order 7: stored"
      ])
    }))

  it.effect("is given up at once when the service asks for more than ten seconds", () =>
    Effect.gen(function*() {
      const { end, log } = yield* run(sync("7"), { answers: [{ status: 429, retryAfter: "11" }] })
      assert.deepStrictEqual(log, ["0 Error order 7: 429, attempt 1, the last one: Schedule"])
      assert.deepStrictEqual(end, [0, "RetryExhausted"])
    }))

  it.effect.each<{ what: string; answer: Answer }>([
    { what: "is not there", answer: { status: 404 } },
    { what: "is no order", answer: { status: 200, body: `{"id":7}` } },
    { what: "the database does not take", answer: { status: 200, body: `{"id":"7","total":-1}` } }
  ])("that $what is not fetched again", ({ answer }) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* run(sync("7"), { answers: [unavailable, answer, ok] }), {
        log: ["0 Warn order 7: 503, attempt 1, again in 50 ms"],
        rows: [],
        end: [50, "Rejected"]
      })
    }))

  it.effect("that is fetched twice is stored once, as it was last", () =>
    Effect.gen(function*() {
      const answers = [ok, { status: 200, body: `{"id":"7","total":300}` }]
      const { rows } = yield* run(Effect.andThen(sync("7"), sync("7")), { answers })
      assert.deepStrictEqual(rows, ["7: 300"])
    }))
})

describe("a database that another one writes to", () => {
  it.effect("is asked again, with client-go's DefaultBackoff", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* run(sync("7"), { lockedUntil: 300, draw: 0 }), {
        log: [
          "0 Warn order 7: Error: database is locked, attempt 1, again in 10 ms",
          "10 Warn order 7: Error: database is locked, attempt 2, again in 50 ms",
          "60 Warn order 7: Error: database is locked, attempt 3, again in 250 ms",
          "310 order 7: stored"
        ],
        rows: stored,
        end: [310, "done"]
      })
    }))

  it.effect("is given up after four attempts, each up to a tenth later", () =>
    Effect.gen(function*() {
      const { end, log, rows } = yield* run(store({ id: "7", total: 250 }), { lockedUntil: 350, draw: 0.5 })
      assert.deepStrictEqual(log, [
        "0 Warn order 7: Error: database is locked, attempt 1, again in 11 ms",
        "10 Warn order 7: Error: database is locked, attempt 2, again in 53 ms",
        "63 Warn order 7: Error: database is locked, attempt 3, again in 263 ms",
        "325 Error order 7: Error: database is locked, attempt 4, the last one: Schedule"
      ])
      assert.deepStrictEqual([end, rows], [[325.5, "RetryExhausted"], []])
    }))
})

describe("time", () => {
  const hangs = { status: 200, takes: 60_000 }

  it.effect("is up after three seconds for an attempt, and no attempt begins that might not end within thirty", () =>
    Effect.gen(function*() {
      const { end, log } = yield* run(sync("7"), { answers: [hangs], maxTokens: 100 })
      const late = "Operation timed out after '3s'"
      assert.deepStrictEqual(log, [
        `3000 Warn ${late}, attempt 1, again in 50 ms`,
        `6050 Warn ${late}, attempt 2, again in 100 ms`,
        `9150 Warn ${late}, attempt 3, again in 200 ms`,
        `12350 Warn ${late}, attempt 4, again in 400 ms`,
        `15750 Warn ${late}, attempt 5, again in 800 ms`,
        `19550 Warn ${late}, attempt 6, again in 1600 ms`,
        `24150 Warn ${late}, attempt 7, again in 2500 ms`,
        `29650 Error ${late}, attempt 8, the last one: Schedule`
      ])
      assert.deepStrictEqual(end, [29_650, "RetryExhausted"])
    }))

  it.effect("is up for all of it at the deadline, whatever is going on", () =>
    Effect.gen(function*() {
      const times = { attempt: "3 seconds", within: "1 second", deadline: "2 seconds" } as const
      const slow = { ...ok, takes: 1970 }
      assert.deepStrictEqual(yield* run(sync("7", times), { answers: [slow], lockedUntil: 60_000, draw: 0 }), {
        log: [
          "1970 Warn order 7: Error: database is locked, attempt 1, again in 10 ms",
          "1980 Warn order 7: Error: database is locked, attempt 2, again in 50 ms"
        ],
        rows: [],
        end: [2000, "TimeoutError"]
      })
    }))
})

describe("a budget", () => {
  it.effect("of which half is used up allows no retry, by any call to that service", () =>
    Effect.gen(function*() {
      const program = Effect.andThen(Effect.exit(sync("7")), sync("8"))
      const { end, log } = yield* run(program, { answers: [unavailable], maxTokens: 6 })
      assert.deepStrictEqual(log, [
        "0 Warn order 7: 503, attempt 1, again in 50 ms",
        "50 Warn order 7: 503, attempt 2, again in 100 ms",
        "150 Error order 7: 503, attempt 3, the last one: Budget",
        "150 Error order 8: 503, attempt 1, the last one: Budget"
      ])
      assert.deepStrictEqual(end, [150, "RetryExhausted"])
    }))

  it.effect("of the service is not that of the database", () =>
    Effect.gen(function*() {
      const program = Effect.andThen(Effect.exit(sync("7")), store({ id: "8", total: 1 }))
      const { log, rows } = yield* run(program, { answers: [unavailable], maxTokens: 6, lockedUntil: 50, draw: 0 })
      assert.deepStrictEqual(log, [
        "0 Warn order 7: 503, attempt 1, again in 0 ms",
        "0 Warn order 7: 503, attempt 2, again in 0 ms",
        "0 Error order 7: 503, attempt 3, the last one: Budget",
        "0 Warn order 8: Error: database is locked, attempt 1, again in 10 ms",
        "10 Warn order 8: Error: database is locked, attempt 2, again in 50 ms",
        "60 order 8: stored"
      ])
      assert.deepStrictEqual(rows, ["8: 1"])
    }))
})
