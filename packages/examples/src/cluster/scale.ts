/**
 * How many loops a runner carries: to take them over, to keep them, to hand them over, in one process without a database.
 *
 * `npx --yes pnpm@12 exec node --expose-gc packages/examples/src/cluster/scale.ts`
 */
import { ClusterLoop } from "@effect-wait/cluster"
import { Clock, Console, Effect, Exit, Layer, References, Scope } from "effect"
import { Period, Poll } from "effect-wait"

const heap = Effect.sync(() => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
})

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const begun = yield* Clock.monotonicTimeNanos
    const value = yield* effect
    return [Number((yield* Clock.monotonicTimeNanos) - begun) / 1e6, value] as const
  })

const measure = Effect.fnUntraced(function*(count: number) {
  const scope = yield* Scope.make()
  let runs = 0
  const run = Effect.sync(() => {
    runs++
  })
  const before = yield* heap
  const [started] = yield* timed(
    Effect.gen(function*() {
      const cluster = yield* Layer.build(ClusterLoop.layerEmbedded)
      yield* Effect.forEach(
        Array.from(
          { length: count },
          (_, i) => ClusterLoop.layer(run, Period.sliding("1 hour"), { name: `loop ${i}` })
        ),
        (layer) => Layer.build(layer).pipe(Effect.provide(cluster)),
        { discard: true }
      )
      yield* Poll.until(Effect.sync(() => runs === count), Period.sliding("1 milli"))
    }).pipe(Scope.provide(scope))
  )
  const after = yield* heap
  const [stopped] = yield* timed(Scope.close(scope, Exit.void))
  const bytes = Math.round((after - before) / count)
  yield* Console.log(
    [count.toLocaleString("en"), started.toFixed(0), bytes.toLocaleString("en"), stopped.toFixed(0)]
      .map((cell) => cell.padStart(16)).join("")
  )
})

await Effect.runPromise(
  Effect.gen(function*() {
    yield* Console.log(
      ["loops", "first runs, ms", "bytes a loop", "stopped, ms"].map((cell) => cell.padStart(16)).join("")
    )
    yield* Effect.forEach([10, 1000, 10_000], measure, { discard: true })
  }).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))
)
