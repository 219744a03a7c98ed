/**
 * 1. The kubelet's probe manager: two loops that take the results of probes, as they come.
 *
 * Go: `go wait.Forever(m.updateReadiness, 0)` and `go wait.Forever(m.updateStartup, 0)` in `Start`. With a period of 0
 * a run follows the last one at once; it blocks while there is no result. Here the loops end with their Scope, and tell
 * how many runs they made. The literal port is `Wait.forever(updateReadiness, { period: 0 })`.
 *
 * `npx --yes pnpm@12 examples 01-probe-manager`
 */
import { Duration, Effect, Queue, Random } from "effect"
import { Loop, Period, Poll } from "effect-wait"
import { HttpClient, HttpServerResponse } from "effect/http"
import { layerAnswers } from "./support/http.ts"
import { claim, main } from "./support/program.ts"

export interface Probe {
  readonly url: string
  readonly period?: Duration.Input
  readonly timeout?: Duration.Input
  readonly successThreshold?: number
  readonly failureThreshold?: number
}

const defaults = { period: "10 seconds", timeout: "1 second", successThreshold: 1, failureThreshold: 3 } as const

export interface Container {
  readonly name: string
  readonly readinessProbe: Probe
  readonly startupProbe?: Probe
}

export interface Status {
  readonly started: boolean
  readonly ready: boolean
}

interface Update {
  readonly container: string
  readonly success: boolean
}

export const makeManager = Effect.gen(function*() {
  const statuses = new Map<string, Status>()
  const readiness = yield* Queue.unbounded<Update>()
  const startup = yield* Queue.unbounded<Update>()

  const statusOf = (container: string) => statuses.get(container) ?? { started: false, ready: false }
  const update = Effect.fnUntraced(function*(updates: Queue.Dequeue<Update>, field: keyof Status) {
    const { container, success } = yield* Queue.take(updates)
    statuses.set(container, { ...statusOf(container), [field]: success })
    yield* Effect.log(`${container} is ${success ? "" : "not "}${field}`)
  })
  const updateReadiness = update(readiness, "ready")
  const updateStartup = update(startup, "started")

  return {
    statuses: Effect.sync(() => Object.fromEntries(statuses)),
    start: Effect.all({
      readiness: Loop.forkScoped(updateReadiness, Period.sliding(0), { name: "readiness" }),
      startup: Loop.forkScoped(updateStartup, Period.sliding(0), { name: "startup" })
    }),
    /** Starts a worker for each probe. Until the container has started, nobody asks whether it is ready. */
    addContainer: Effect.fnUntraced(function*({ name, readinessProbe, startupProbe }: Container) {
      const started = Effect.sync(() => statusOf(name).started)
      const notStarted = Effect.map(started, (started) => !started)
      statuses.set(name, { started: startupProbe === undefined, ready: false })
      if (startupProbe !== undefined) {
        yield* worker(startupProbe, { container: name, enabled: notStarted, updates: startup })
      }
      yield* worker(readinessProbe, { container: name, enabled: started, updates: readiness })
    })
  }
})

const isAnswered = (url: string, timeout: Duration.Input) =>
  HttpClient.get(url).pipe(
    Effect.map(({ status }) => status < 400),
    Effect.timeout(timeout),
    Effect.orElseSucceed(() => false)
  )

/** Probes each period, and reports what is new, once it has come often enough in a row. */
const worker = Effect.fnUntraced(function*(probe: Probe, { container, enabled, updates }: {
  readonly container: string
  readonly enabled: Effect.Effect<boolean>
  readonly updates: Queue.Enqueue<Update>
}) {
  const { failureThreshold, period, successThreshold, timeout, url } = { ...defaults, ...probe }
  let reported = false
  let last = false
  let times = 0
  const doProbe = Effect.gen(function*() {
    const success = yield* isAnswered(url, timeout)
    times = success === last ? times + 1 : 1
    last = success
    if (success === reported || times < (success ? successThreshold : failureThreshold)) return
    reported = success
    yield* Queue.offer(updates, { container, success })
  })
  // After a restart of the kubelet all workers begin at once: their first probes are spread.
  const initialDelay = Duration.times(Duration.fromInputUnsafe(period), yield* Random.next)
  yield* Loop.forkScoped(Effect.when(doProbe, enabled), Period.ticker(period), { name: "probe", initialDelay })
})

const fast = { period: "100 millis", timeout: "10 seconds" } as const

const containers: ReadonlyArray<Container> = [
  { name: "web", readinessProbe: { url: "/web/ready", ...fast } },
  { name: "db", readinessProbe: { url: "/db/ready", ...fast } },
  { name: "slow", readinessProbe: { url: "/slow/ready", ...fast }, startupProbe: { url: "/slow/started", ...fast } }
]

const answer = (...statuses: ReadonlyArray<number>) => statuses.map((status) => HttpServerResponse.empty({ status }))

const answers = {
  "/web/ready": answer(503, 503, 200),
  "/db/ready": answer(200, 200, 503),
  "/slow/started": answer(503, 503, 200),
  "/slow/ready": answer(200)
}

const program = Effect.fnUntraced(function*(requests: ReadonlyArray<string>) {
  const { addContainer, start, statuses } = yield* makeManager
  const { readiness, startup } = yield* start
  yield* Effect.forEach(containers, addContainer)

  const runs = Effect.map(Effect.all([readiness.status, startup.status]), (all) => all.map((loop) => loop.runs))
  yield* Poll.until(runs, Period.ticker("20 millis"), {
    accept: ([readiness]) => readiness === 5,
    timeout: "30 seconds"
  })
  yield* Effect.sleep("300 millis")
  yield* claim("the loops ran for 4 and 1 results, and once more to wait for the next one", yield* runs, [5, 2])
  yield* claim("the status of each container", yield* statuses, {
    web: { started: true, ready: true },
    db: { started: true, ready: false },
    slow: { started: true, ready: true }
  })
  yield* claim(
    "nobody asked the slow one whether it is ready before it had started",
    requests.filter((url) => url.startsWith("/slow")).slice(0, 3),
    ["/slow/started", "/slow/started", "/slow/started"]
  )
})

if (import.meta.main) {
  const requests: Array<string> = []
  main(program(requests).pipe(Effect.scoped, Effect.provide(layerAnswers(answers, requests))))
}
