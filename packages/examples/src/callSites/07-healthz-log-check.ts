/**
 * 7. A health check that tells whether the log gets through: it is flushed every minute, and blocked after two without.
 *
 * Go: `wait.Forever(func() { klog.Flush(); l.lastVerified.Store(time.Now()) }, time.Minute)`, started by the first `Check` of
 * the log in the API server's `healthz`; literally `Wait.forever(flush, { period: "1 minute" })`. Here the loop knows itself
 * when it last succeeded. At exactly two minutes Go says blocked, and `isHealthy` not yet. With metrics: ../observability.ts.
 *
 * `npx --yes pnpm@12 examples 07-healthz-log-check`
 */
import { NodeServices } from "@effect/platform-node"
import { Context, Duration, Effect, Layer, Schema, Scope, Stream } from "effect"
import { Loop, Period, Poll } from "effect-wait"
import { HttpClient, HttpRouter, HttpServerResponse } from "effect/http"
import { ChildProcess } from "effect/process"
import { layerServer } from "./support/http.ts"
import { claim, main } from "./support/program.ts"

export class Log extends Context.Service<Log, { readonly flush: Effect.Effect<void> }>()("examples/Log") {}

export class LoggingBlocked
  extends Schema.TaggedError<LoggingBlocked>()("LoggingBlocked", { message: Schema.String })
{}

/** Fails when no flush has got through for two periods. The first check starts them; they end with the Scope. */
export const makeCheck = Effect.fnUntraced(function*(period: Duration.Input) {
  const { flush } = yield* Log
  const scope = yield* Effect.scope
  const healthyWithin = Duration.times(Duration.fromInputUnsafe(period), 2)
  const start = Loop.forkScoped(Loop.survive(flush), Period.sliding(period), { name: "log", healthyWithin })
  const startOnce = yield* Effect.cached(Scope.provide(start, scope))
  return Effect.gen(function*() {
    const loop = yield* startOnce
    if (!(yield* loop.isHealthy)) return yield* new LoggingBlocked({ message: "logging blocked" })
  })
})

/** `GET /healthz/log`: 200 or 500. */
export const layer = ({ period }: { readonly period: Duration.Input }) =>
  HttpRouter.use(Effect.fnUntraced(function*(router) {
    const check = yield* makeCheck(period)
    yield* router.add(
      "GET",
      "/healthz/log",
      Effect.match(check, {
        onSuccess: () => HttpServerResponse.text("ok"),
        onFailure: ({ message }) => HttpServerResponse.text(`internal server error: ${message}`, { status: 500 })
      })
    )
  }))

const program = Effect.gen(function*() {
  const reader = yield* ChildProcess.make(process.execPath, ["-e", "process.stdin.resume()"], {
    stdin: { stream: "pipe", endOnDone: false },
    killSignal: "SIGKILL"
  })
  const tell = (signal: "SIGSTOP" | "SIGCONT") =>
    Effect.andThen(
      Effect.log(`${signal} for the reader of the log`),
      Effect.sync(() => process.kill(reader.pid, signal))
    )
  // More than a pipe holds.
  const lines = new TextEncoder().encode("a line\n".repeat(500_000))
  let flushes = 0
  const flush = Stream.run(Stream.make(lines), reader.stdin).pipe(
    Effect.orDie,
    Effect.tap(() => Effect.sync(() => flushes++))
  )

  const routes = Layer.provide(layer({ period: "100 millis" }), Layer.succeed(Log, { flush }))
  const client = Context.get(yield* Layer.build(layerServer(routes)), HttpClient.HttpClient)
  const answer = Effect.gen(function*() {
    const { status, text } = yield* client.get("/healthz/log")
    return `${status} ${yield* text}`
  })
  const becomes = Effect.fnUntraced(function*(expected: string) {
    const accept = (seen: string) => seen === expected
    yield* Poll.until(answer, Period.sliding("20 millis"), { accept, timeout: "20 seconds" })
    yield* Effect.log(expected)
    return flushes
  })

  yield* claim("there was no flush before the first check", flushes, 0)
  yield* becomes("200 ok")
  yield* Poll.until(Effect.sync(() => flushes > 2), Period.sliding("20 millis"), { timeout: "20 seconds" })
  yield* tell("SIGSTOP")
  yield* Effect.sleep("300 millis")
  const blocked = yield* becomes("500 internal server error: logging blocked")
  yield* Effect.sleep("300 millis")
  yield* claim("it stays blocked", [yield* answer, flushes], ["500 internal server error: logging blocked", blocked])
  yield* tell("SIGCONT")
  yield* claim("the flush has got through", (yield* becomes("200 ok")) > blocked, true)
})

if (import.meta.main) main(program.pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
