/** What the demo does. */
import { Deferred, Effect, Layer, Random, Schema } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Poll } from "effect-wait"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { STATUS_CODES } from "node:http"
import { runMain } from "../runMain.ts"
import { release, signal } from "../signals.ts"
import { Journal, layerLogger } from "./journal.ts"
import { FlakyServer } from "./server.ts"

type Stop = Effect.Effect<string>

class CallFailed extends Schema.TaggedError<CallFailed>()("CallFailed", { status: Schema.Int }) {
  override get message() {
    return `${this.status} ${STATUS_CODES[this.status]}`
  }
}

const call = Effect.fnUntraced(function*(path: string) {
  const response = yield* HttpClient.get(path)
  if (response.status !== 200) return yield* new CallFailed({ status: response.status })
  return yield* response.text
})

// Answers to Go's wait.PollUntilContextTimeout(ctx, 250*time.Millisecond, 5*time.Second, true, condition).
const ready = Effect.fnUntraced(function*(stop: Stop) {
  const lane = yield* (yield* Journal).lane("poll")
  const check = HttpClient.get("/healthz").pipe(
    Effect.map((response) => response.status === 200),
    lane.run((isReady) => isReady ? "ready" : "not ready yet")
  )
  yield* Poll.until(check, Period.nonSliding("250 millis").pipe(lane.planned), { timeout: "5 seconds", stop })
  yield* lane.done
})

// Answers to Go's wait.JitterUntil(f, time.Second, 0.2, false, stop). Wait.jitterUntil is that call; here is the
// schedule that it stands for, so that the planned starts can be read off it.
const sync = Effect.fnUntraced(function*(stop: Stop) {
  const lane = yield* (yield* Journal).lane("sync")
  const backoff = Backoff.exponential({ base: "50 millis", cap: "1 second" }).pipe(Jitter.full, Limit.attempts(4))
  const work = Effect.retry(call("/sync"), backoff.pipe(lane.retried)).pipe(
    lane.run((body) => body),
    Loop.survive({ name: "sync" })
  )
  const schedule = Period.sliding("1 second").pipe(Jitter.additive(0.2), Period.fromStart)
  yield* Loop.run(work, schedule.pipe(lane.planned), { stop })
})

const metrics = Effect.fnUntraced(function*(stop: Stop) {
  const lane = yield* (yield* Journal).lane("metrics")
  const work = call("/metrics").pipe(
    lane.run((body) => body),
    Loop.survive({ name: "metrics" })
  )
  yield* Loop.run(work, Period.sliding("700 millis").pipe(lane.planned), { stop })
})

const signalled = Effect.map(Loop.fromAbortSignal(signal), () => String(signal.reason))

// Completes at the first signal or after 8 seconds. From half a second later a signal kills, as ever; not at once,
// since a package manager may pass on the Ctrl-C that the terminal has already sent to every process.
const makeStop = Effect.gen(function*() {
  const journal = yield* Journal
  const stop = yield* Deferred.make<string>()
  const deadline = Effect.as(Effect.sleep("8 seconds"), "8 seconds have passed")
  yield* Effect.raceFirst(signalled, deadline).pipe(
    Effect.tap((reason) => journal.note("stop", reason)),
    Effect.tap((reason) => Deferred.succeed(stop, reason)),
    Effect.andThen(Effect.sleep("500 millis")),
    Effect.ensuring(Effect.sync(release)),
    Effect.forkScoped({ startImmediately: true })
  )
  return Deferred.await(stop)
})

const about = `A server that is not ready for 1.2 s, then fails now and then. For 8 seconds, or until Ctrl-C:

  poll     asks /healthz every 250 ms until it is ready
  sync     calls /sync every 1 to 1.2 s, from start to start; tries up to 4 times
  metrics  calls /metrics 0.7 s after the end of the last call; tries once

Lateness is true start minus planned start; a timer may wake some 2 ms early.`

const program = Effect.gen(function*() {
  const journal = yield* Journal
  const stop = yield* makeStop
  yield* journal.open(about)
  yield* ready(stop).pipe(
    Effect.andThen(Effect.all([sync(stop), metrics(stop)], { concurrency: "unbounded" })),
    Effect.catchTag(
      "WaitTimeout",
      (timeout) => timeout.reason._tag === "Stopped" ? journal.note("poll", timeout.message) : Effect.fail(timeout)
    ),
    Effect.ensuring(journal.close)
  )
})

const layerClient = Layer.effect(
  HttpClient.HttpClient,
  Effect.gen(function*() {
    const { url } = yield* FlakyServer
    const client = yield* HttpClient.HttpClient
    return HttpClient.mapRequest(client, HttpClientRequest.prependUrl(url))
  })
).pipe(Layer.provide([FlakyServer.layer, FetchHttpClient.layer]))

program.pipe(
  Effect.scoped,
  Effect.provide([layerClient, Journal.layer, layerLogger]),
  Random.withSeed("effect-wait"),
  runMain
)
