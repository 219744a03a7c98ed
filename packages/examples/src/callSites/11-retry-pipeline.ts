/**
 * 11. An order goes from an HTTP service into SQLite: retries by error, hints, budgets, and a deadline for all of it.
 *
 * Go: client-go's `retry.OnError(retry.DefaultBackoff, retriable, fn)` and `retry.RetryOnConflict(retry.DefaultRetry, fn)`, which is
 * what Kubernetes has: one backoff for all errors, and the last of them as the result. Here each error has a backoff, each dependency
 * a budget, and the result tells how often it was tried, and why no more.
 *
 * `npx --yes pnpm@12 examples 11-retry-pipeline`
 */
import { NodeFileSystem } from "@effect/platform-node"
import { Context, Duration, Effect, Fiber, FileSystem, Layer, Predicate, Schema } from "effect"
import { Backoff, Jitter, Limit, Retry, RetryBudget } from "effect-wait"
import { HttpClient, HttpClientResponse, HttpServerResponse } from "effect/http"
import { DatabaseSync } from "node:sqlite"
import { Rejected, retryAfterOf, Throttled, Unavailable } from "../retryAfter.ts"
import { layerAnswers } from "./support/http.ts"
import { claim, main } from "./support/program.ts"

const Order = Schema.Struct({ id: Schema.String, total: Schema.Int })

/** Somebody else is writing to the database. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", { message: Schema.String }) {}

/** It does not wait for a lock by itself: `node:sqlite` is synchronous, and nothing else would get on meanwhile. */
export const open = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const database = new DatabaseSync(file, { timeout: 0 })
      database.exec("create table if not exists orders (id text primary key, total integer check (total >= 0))")
      return database
    }),
    (database) => Effect.sync(() => database.close())
  )

export class Database extends Context.Service<Database, DatabaseSync>()("examples/Database") {}

const fetch = Effect.fnUntraced(
  function*(id: string) {
    const response = yield* HttpClient.get(`/orders/${id}`)
    const { headers, status } = response
    if (status === 200) return yield* HttpClientResponse.schemaBodyJson(Order)(response)
    const message = `order ${id}: ${status}`
    if (status >= 500) return yield* new Unavailable({ message })
    if (status !== 429) return yield* new Rejected({ message })
    return yield* new Throttled({ message, retryAfter: yield* retryAfterOf(headers) })
  },
  Effect.catchTags({
    HttpClientError: ({ message }) => new Unavailable({ message }),
    SchemaError: ({ message }) => new Rejected({ message })
  })
)

// The low byte of SQLite's code is the kind of the error.
const isBusy = (error: unknown) => Predicate.hasProperty(error, "errcode") && Number(error.errcode) % 256 === 5

/** The id is the key of the whole operation: a retry may repeat what had been done, and nothing changes. */
const put = ({ id, total }: typeof Order.Type) =>
  Effect.flatMap(Database, (database) =>
    Effect.try({
      try: () => database.prepare("insert or replace into orders values (?, ?)").run(id, total),
      catch: (error) => {
        const message = `order ${id}: ${error}`
        return isBusy(error) ? new Busy({ message }) : new Rejected({ message })
      }
    }))

const hooks = {
  onRetry: ({ attempt, delay, error }: Retry.Retrying<Error>) =>
    Effect.logWarning(`${error.message}, attempt ${attempt}, again in ${Math.round(Duration.toMillis(delay))} ms`),
  onGiveUp: ({ attempts, error, reason }: Retry.RetryExhausted<Error>) =>
    Effect.logError(`${error.message}, attempt ${attempts}, the last one: ${reason._tag}`)
}

const away = Backoff.exponential({ base: "100 millis", cap: "5 seconds" }).pipe(Jitter.full)

const fetching = Retry.match({
  // Never sooner than it asks for; and up to a quarter later, since others were told the same.
  Throttled: away.pipe(
    Retry.hint(({ retryAfter }: Throttled) => retryAfter, { max: "10 seconds" }),
    Jitter.additive(0.25)
  ),
  Unavailable: away,
  TimeoutError: away
})

/** `retry.DefaultBackoff`. */
const storing = Backoff.exponential({ base: "10 millis", factor: 5, cap: "1 second" }).pipe(
  Jitter.additive(0.1),
  Limit.attempts(4)
)

export const store = (order: typeof Order.Type) =>
  put(order).pipe(
    Retry.run(storing, { name: "store", budget: "database", while: ["Busy"], ...hooks }),
    Effect.andThen(Effect.log(`order ${order.id}: stored`))
  )

/**
 * Three bounds in time.
 *
 * - `attempt`: a service that hangs costs an attempt, not all of the time
 * - `within`: no attempt begins that might not end in time, and the failure tells what was wrong
 * - `deadline`: whoever waits can rely on it; it cuts whatever is going on, and tells nothing else
 */
const times = { attempt: "3 seconds", within: "27 seconds", deadline: "30 seconds" } as const

/** Two retries one after the other, since one around the other would multiply their attempts. */
export const sync = (id: string, { attempt, deadline, within }: Record<keyof typeof times, Duration.Input> = times) =>
  fetch(id).pipe(
    Retry.run(fetching.pipe(Limit.within(within)), {
      name: "fetch",
      budget: "orders",
      attemptTimeout: attempt,
      while: ["Throttled", "Unavailable", "TimeoutError"],
      ...hooks
    }),
    Effect.tap(store),
    Effect.timeout(deadline)
  )

const order = (id: string, total: number) => HttpServerResponse.jsonUnsafe({ id, total })
const unavailable = HttpServerResponse.empty({ status: 503 })
const throttled = (retryAfter: string) =>
  HttpServerResponse.empty({ status: 429, headers: { "retry-after": retryAfter } })

const answers = {
  "/orders/1": [unavailable, throttled("1"), order("1", 250)],
  "/orders/2": [order("2", -1)],
  "/orders/3": [throttled("3600")],
  "/orders/4": [unavailable],
  "/orders/5": [order("5", 100)]
}

const program = Effect.fnUntraced(function*(requests: ReadonlyArray<string>) {
  const database = yield* Database
  const outcome = (id: string) =>
    Effect.map(Effect.flip(sync(id)), (error) => error._tag === "RetryExhausted" ? error.reason._tag : error._tag)
  yield* sync("1")
  yield* claim("an invalid order is refused", yield* outcome("2"), "Rejected")
  yield* claim("an hour is too long to wait", yield* outcome("3"), "Schedule")
  const down = Effect.provide(outcome("4"), RetryBudget.layerThrottling({ maxTokens: 4 }))
  yield* claim("a budget of which half is used up allows no retry", yield* down, "Budget")
  yield* claim("there is no such order", yield* outcome("6"), "Rejected")
  yield* claim("nothing else was asked", requests.map((url) => url.slice(8)).join(" "), "1 1 1 2 3 4 4 6")

  const other = yield* open(database.location() ?? "")
  other.exec("begin immediate")
  const cut = yield* Effect.flip(sync("5", { ...times, deadline: "200 millis" }))
  yield* claim("a deadline is kept while the database is locked", cut._tag, "TimeoutError")
  const stored = yield* Effect.forkChild(store({ id: "1", total: 300 }), { startImmediately: true })
  yield* Effect.sleep("25 millis")
  other.exec("rollback")
  yield* Fiber.join(stored)

  const rows = database.prepare("select id || ': ' || total as stored from orders").all()
  yield* claim("an order is stored once", rows.map(({ stored }) => stored), ["1: 300"])
})

const layerDatabase = Layer.effect(
  Database,
  FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped()).pipe(
    Effect.flatMap((folder) => open(`${folder}/orders.db`)),
    Effect.provide(NodeFileSystem.layer)
  )
)

const layerBudget = RetryBudget.layerThrottling({ maxTokens: 100 })

if (import.meta.main) {
  const requests: Array<string> = []
  main(
    program(requests).pipe(Effect.scoped, Effect.provide([layerDatabase, layerAnswers(answers, requests), layerBudget]))
  )
}
