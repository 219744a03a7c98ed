/** What the demo does. */
import { Effect, Layer, Random, Schema } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Poll, Retry } from "effect-wait"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { STATUS_CODES } from "node:http"
import { runMain } from "../runMain.ts"
import { release, signal } from "../signals.ts"
import { Journal, layerLogger } from "./journal.ts"
import { FlakyServer } from "./server.ts"

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
const ready = Effect.gen(function*() {
  const lane = yield* (yield* Journal).lane("poll")
  const check = HttpClient.get("/healthz").pipe(
    Effect.map((response) => response.status === 200),
    lane.run((isReady) => isReady ? "ready" : "not ready yet")
  )
  yield* Poll.until(check, Period.nonSliding("250 millis").pipe(lane.planned), { timeout: "5 seconds" })
  yield* lane.done
})

const options = { grace: "5 seconds", healthyWithin: "5 seconds" } as const

// Answers to Go's wait.JitterUntil(f, time.Second, 0.2, false, stop). Wait.jitterUntil is that call; here is the
// schedule that it stands for, so that the planned starts can be read off it.
const Sync = Layer.unwrap(Effect.gen(function*() {
  const lane = yield* (yield* Journal).lane("sync")
  const backoff = Backoff.exponential({ base: "50 millis", cap: "1 second" }).pipe(Jitter.full, Limit.attempts(4))
  const work = call("/sync").pipe(
    Retry.run(backoff, { while: ["CallFailed"], onRetry: () => lane.retried }),
    lane.run((body) => body)
  )
  const schedule = Period.sliding("1 second").pipe(Jitter.additive(0.2), Period.fromStart, lane.planned)
  return Loop.layer(work, schedule, { name: "sync", backoff: schedule, ...options })
}))

const Metrics = Layer.unwrap(Effect.gen(function*() {
  const lane = yield* (yield* Journal).lane("metrics")
  const work = lane.run((body: string) => body)(call("/metrics"))
  const schedule = Period.sliding("700 millis").pipe(lane.planned)
  return Loop.layer(work, schedule, { name: "metrics", backoff: schedule, ...options })
}))

const signalled = Effect.map(Loop.fromAbortSignal(signal), () => String(signal.reason))

// At the first signal, or after 8 seconds. From half a second later a signal kills, as ever; not at once, since a package
// manager may pass on the Ctrl-C that the terminal has already sent to every process.
const end = Effect.gen(function*() {
  const journal = yield* Journal
  const reason = yield* Effect.raceFirst(signalled, Effect.as(Effect.sleep("8 seconds"), "8 seconds have passed"))
  yield* Effect.forkDetach(Effect.andThen(Effect.sleep("500 millis"), Effect.sync(release)))
  const { loops } = yield* Loop.health
  yield* journal.note("stop", reason)
  yield* journal.note("health", `${loops.filter(({ healthy }) => healthy).length} of ${loops.length} loops are healthy`)
})

const about = `A server that is not ready for 1.2 s, then fails now and then. For 8 seconds, or until Ctrl-C:

  poll     asks /healthz every 250 ms until it is ready
  sync     calls /sync every 1 to 1.2 s, from start to start; tries up to 4 times
  metrics  calls /metrics 0.7 s after the end of the last call; tries once

Lateness is true start minus planned start; a timer may wake some 2 ms early.`

// Runs in flight finish: that is the grace of the loops.
const program = Effect.gen(function*() {
  const journal = yield* Journal
  yield* journal.open(about)
  yield* ready.pipe(
    Effect.andThen(Layer.launch(Layer.mergeAll(Sync, Metrics))),
    Effect.raceFirst(end),
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
