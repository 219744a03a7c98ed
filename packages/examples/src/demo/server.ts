/** An HTTP server on loopback that is not ready at first, and then fails now and then. */
import { Clock, Context, Effect, FiberSet, Layer, Random } from "effect"
import { listen, portOf } from "../listen.ts"

interface Answer {
  readonly status: number
  readonly body?: string
  /** In milliseconds. */
  readonly takes: number
}

export class FlakyServer extends Context.Service<FlakyServer, { readonly url: string }>()("examples/FlakyServer") {
  static readonly layer = Layer.effect(
    FlakyServer,
    Effect.gen(function*() {
      const healthz = yield* readyAfter(1200)
      // Seeds with which 8 seconds show a bit of everything.
      const sync = yield* seeded(syncAnswer, "sync 166")
      const metrics = yield* seeded(metricsAnswer, "metrics 3")
      const routes = new Map([["/healthz", healthz], ["/sync", sync], ["/metrics", metrics]])

      const server = yield* listen(0)
      const runFork = yield* FiberSet.makeRuntime()
      server.on("request", (request, response) => {
        runFork(Effect.gen(function*() {
          const answer = yield* routes.get(request.url ?? "") ?? Effect.succeed({ status: 404, body: "", takes: 0 })
          yield* Effect.sleep(answer.takes)
          response.writeHead(answer.status).end(answer.body)
        }))
      })
      return FlakyServer.of({ url: `http://127.0.0.1:${yield* portOf(server)}` })
    })
  )
}

// A draw for each request, from a generator of the route's own: its answers depend on nothing but their number.
const seeded = (answer: Effect.Effect<Answer>, seed: string): Effect.Effect<Effect.Effect<Answer>> =>
  Effect.service(Random.Random).pipe(
    Random.withSeed(seed),
    Effect.map((random) => Effect.provideService(answer, Random.Random, random))
  )

const readyAfter = Effect.fnUntraced(function*(millis: number) {
  const start = yield* Clock.currentTimeMillis
  return Effect.map(Clock.currentTimeMillis, (now): Answer => ({ status: now - start < millis ? 503 : 200, takes: 5 }))
})

const syncAnswer: Effect.Effect<Answer> = Effect.gen(function*() {
  const draw = yield* Random.next
  const takes = yield* Random.nextIntBetween(40, 160)
  const body = `${yield* Random.nextIntBetween(3, 30)} objects in sync`
  if (draw < 0.3) return { status: 500, takes }
  if (draw < 0.45) return { status: 429, takes: 5 }
  return { status: 200, body, takes: draw < 0.6 ? takes + 1200 : takes }
})

const metricsAnswer: Effect.Effect<Answer> = Effect.gen(function*() {
  const draw = yield* Random.next
  const takes = yield* Random.nextIntBetween(10, 250)
  return draw < 0.15 ? { status: 500, takes } : { status: 200, body: `load ${draw.toFixed(2)}`, takes }
})
