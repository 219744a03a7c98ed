/**
 * What the memory of loops costs: iterations a second against one Postgres, and the first run without a database.
 *
 * `npx --yes pnpm@12 exec node packages/examples/src/cluster/memoryCost.ts`
 */
import { ClusterLoop } from "@effect-wait/cluster"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { PgClient } from "@effect/sql-pg"
import { Console, Effect, Layer, Redacted, References } from "effect"
import { Period, Poll } from "effect-wait"
import { layer as layerPostgres, Postgres } from "./postgres.ts"

const now = Effect.sync(() => performance.now())

/** Many loops that run again at once. */
const rate = Effect.fnUntraced(function*(count: number, catchUp: false | {}) {
  let runs = 0
  const run = Effect.sync(() => {
    runs++
  })
  const layers = Array.from(
    { length: count },
    (_, i) => ClusterLoop.layer(run, Period.sliding("1 milli"), { name: `loop ${i}`, catchUp })
  )
  const [first, ...more] = layers
  yield* Layer.build(Layer.provide(Layer.mergeAll(first!, ...more), ClusterLoop.layerEmbedded))
  yield* Effect.sleep("2 seconds")
  const [before, start] = [runs, yield* now]
  yield* Effect.sleep("5 seconds")
  return (runs - before) / ((yield* now) - start) * 1000
}, Effect.scoped)

const firstRun = Effect.gen(function*() {
  let at = NaN
  const run = Effect.sync(() => {
    at = performance.now()
  })
  const loop = ClusterLoop.layer(run, Period.sliding("1 minute"), { name: "first" })
  const start = yield* now
  yield* Layer.build(Layer.provide(loop, ClusterLoop.layerEmbedded))
  yield* Poll.until(Effect.sync(() => !Number.isNaN(at)), Period.sliding("1 milli"))
  return at - start
}).pipe(Effect.scoped)

const program = Effect.gen(function*() {
  const firsts: Array<number> = []
  for (let i = 0; i < 10; i++) firsts.push(yield* firstRun)
  yield* Console.log(
    `embedded, the first run after: ${firsts[0]?.toFixed(1)} ms in a new process, then at least ${
      Math.min(...firsts).toFixed(1)
    } ms`
  )
  const { url } = yield* Postgres
  for (const [name, catchUp] of [["with a memory", {}], ["with catchUp: false", false]] as const) {
    const perSecond = yield* rate(200, catchUp).pipe(
      Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 16 }))
    )
    yield* Console.log(`200 loops on one Postgres, ${name}: ${Math.round(perSecond)} iterations a second`)
  }
})

await Effect.runPromise(
  program.pipe(
    Effect.provide(layerPostgres),
    Effect.provide(NodeServices.layer),
    Effect.provideService(References.MinimumLogLevel, "Error"),
    Effect.scoped
  )
)
