/**
 * Calls a server that throttles, with `retryAfter.ts`, and draws when it was asked.
 *
 * `npx --yes pnpm@12 exec node packages/examples/src/throttle.ts`
 */
import { Clock, Console, DateTime, Effect, FiberSet, Logger } from "effect"
import { Timeline } from "effect-wait"
import { FetchHttpClient, Headers } from "effect/http"
import { listen, portOf } from "./listen.ts"
import { get } from "./retryAfter.ts"
import { runMain } from "./runMain.ts"

// A date in a header has no fractions of a second: it is 1 to 2 s ahead.
const inTwoSeconds = Effect.map(
  DateTime.now,
  (now) => Headers.formatRetryAfter(Headers.retryAfterDateTime(DateTime.add(now, { seconds: 2 })))
)

const answers = [
  { status: 429, retryAfter: Effect.succeed("1") },
  { status: 503 },
  { status: 429, retryAfter: inTwoSeconds },
  { status: 200 }
]

/** A server that gives these answers in turn; and when it was asked for them. */
const serve = Effect.gen(function*() {
  const server = yield* listen(0)
  const runFork = yield* FiberSet.makeRuntime()
  const runs: Array<Timeline.Run> = []
  const origin = yield* Clock.currentTimeMillis
  const rest = answers.values()
  server.on("request", (_, response) => {
    runFork(Effect.gen(function*() {
      const { retryAfter, status } = rest.next().value ?? { status: 404 }
      const start = (yield* Clock.currentTimeMillis) - origin
      yield* Effect.sleep("100 millis")
      const headers = retryAfter === undefined ? {} : { "retry-after": yield* retryAfter }
      yield* Effect.log(`server: ${status} ${JSON.stringify(headers)}`)
      response.writeHead(status, headers).end("hello")
      runs.push({ start, end: (yield* Clock.currentTimeMillis) - origin })
    }))
  })
  return { url: `http://127.0.0.1:${yield* portOf(server)}`, runs }
})

Effect.gen(function*() {
  const { runs, url } = yield* serve
  yield* Effect.log(`client: ${yield* get(url)}`)
  yield* Console.log(`\n${Timeline.render({ runs, outcome: "done" })}`)
}).pipe(
  Effect.scoped,
  Effect.provide([FetchHttpClient.layer, Logger.layer([Logger.consolePretty()])]),
  runMain
)
