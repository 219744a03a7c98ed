/**
 * A page that reads many shards at once is as slow as the slowest of them. So each read is hedged: when a replica has not answered
 * after the time in which 95 of 100 do, the next replica is asked as well, and the first answer counts.
 *
 * A budget bounds the additional reads: when all replicas are slow, they are not sent three times the load. The page does not wait for a
 * shard for longer than half a second, and says which shards it is without.
 *
 * `npx --yes pnpm@12 exec node packages/examples/src/fanOut.ts`
 */
import { Clock, Console, Effect, FiberSet, Layer, Random, Schedule, Schema } from "effect"
import { Limit, Period, Retry, RetryBudget } from "effect-wait"
import { FetchHttpClient, HttpClient } from "effect/http"
import { listen, portOf } from "./listen.ts"
import { runMain } from "./runMain.ts"

export interface Shard {
  readonly name: string
  /** The addresses of its replicas. */
  readonly replicas: ReadonlyArray<string>
}

/** No answer, or a 5xx: another replica may do better. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", { message: Schema.String }) {}

/** Any other status: another replica would say the same. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", { message: Schema.String }) {}

const get = Effect.fnUntraced(function*(url: string) {
  const response = yield* HttpClient.get(url)
  if (response.status === 200) return yield* response.text
  const message = `${response.status} ${url}`
  return yield* response.status >= 500 ? new Unavailable({ message }) : new Rejected({ message })
}, Effect.catchTag("HttpClientError", ({ message }) => new Unavailable({ message })))

// 20 ms is the 95th percentile of a read. A third attempt is for a replica that fails.
const schedule = Period.sliding("20 millis").pipe(Limit.attempts(3))

/** The answer of the first replica that answers. The first attempt goes to any of them, the next ones to the others. */
const read = Effect.fnUntraced(function*({ replicas }: Shard, path: string) {
  const first = yield* Random.nextIntBetween(0, replicas.length, { halfOpen: true })
  const attempt = Effect.flatMap(
    Schedule.CurrentMetadata,
    ({ attempt }) => get(`${replicas[(first + attempt) % replicas.length]}${path}`)
  )
  return yield* Retry.hedge(attempt, schedule, { name: "shard", budget: "shards", while: ["Unavailable"] })
})

export interface Page {
  readonly found: ReadonlyArray<string>
  /** The shards that the page is without. */
  readonly missing: ReadonlyArray<string>
}

/** What all shards say, of those that answer in time. */
export const readAll = Effect.fnUntraced(function*(shards: ReadonlyArray<Shard>, path: string) {
  const found: Array<string> = []
  const missing: Array<string> = []
  yield* Effect.forEach(
    shards,
    (shard) =>
      Effect.match(Effect.timeout(read(shard, path), "500 millis"), {
        onSuccess: (text) => found.push(text),
        onFailure: () => missing.push(shard.name)
      }),
    { concurrency: "unbounded", discard: true }
  )
  return { found, missing } satisfies Page
})

/** One additional read for ten, and five a second: the replicas have that much to spare. */
export const layerBudget = RetryBudget.layerRatio({ ratio: 0.1, minRetriesPerSecond: 5 })

/** A replica on loopback. Every 25th of its answers takes a second. */
const replica = Effect.gen(function*() {
  const server = yield* listen(0)
  const runFork = yield* FiberSet.makeRuntime()
  let requests = 0
  server.on("request", (_, response) => {
    const time = ++requests % 25 === 0 ? "1 second" : "2 millis"
    runFork(Effect.delay(Effect.sync(() => response.end("found")), time))
  })
  return `http://127.0.0.1:${yield* portOf(server)}`
})

const demo = Effect.gen(function*() {
  const replicas = yield* Effect.replicateEffect(replica, 2)
  const shards = Array.from({ length: 10 }, (_, i): Shard => ({ name: `shard ${i}`, replicas }))
  yield* readAll(shards, "/") // connects
  for (let page = 1; page <= 10; page++) {
    const start = yield* Clock.currentTimeMillis
    const { found, missing } = yield* readAll(shards, "/")
    const took = (yield* Clock.currentTimeMillis) - start
    yield* Console.log(`page ${page}: ${found.length} shards in ${took} ms, ${missing.length} missing`)
  }
}).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(FetchHttpClient.layer, layerBudget)))

if (import.meta.main) runMain(demo)
