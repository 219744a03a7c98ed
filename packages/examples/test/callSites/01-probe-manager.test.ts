import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Option } from "effect"
import { Loop, Period } from "effect-wait"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { type Container, makeManager } from "../../src/callSites/01-probe-manager.ts"
import { logOf } from "./logOf.ts"

/** A manager of these containers, whose probes are answered by URL and time. */
const manage = Effect.fnUntraced(function*(
  containers: ReadonlyArray<Container>,
  answer: (url: string, seconds: number) => Effect.Effect<number, "refused">
) {
  const client = HttpClient.make((request) =>
    Clock.currentTimeMillis.pipe(
      Effect.flatMap((now) => answer(request.url.slice("http://".length), now / 1000)),
      Effect.map((status) => HttpClientResponse.fromWeb(request, new Response(null, { status }))),
      Effect.mapError((description) =>
        new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, description }) })
      )
    )
  )
  const { addContainer, start, statuses } = yield* makeManager
  const loops = yield* start
  yield* Effect.provideService(Effect.forEach(containers, addContainer), HttpClient.HttpClient, client)
  return { ...loops, statuses }
})

const container = (name: string): Container => ({ name, readinessProbe: { url: `http://${name}/ready` } })

const starting = (name: string): Container => ({ ...container(name), startupProbe: { url: `http://${name}/started` } })

describe("the probe manager", () => {
  it.effect("tells when a container starts, is ready and fails, by probes each 10 s after a random part of them", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const answer = (url: string, seconds: number) => {
        asked.push(`${seconds} ${url}`)
        const isDown = url === "web/ready" || url === "slow/started" ? seconds < 30 : seconds > 30 && seconds < 60
        return Effect.succeed(isDown && url !== "slow/ready" ? 503 : 200)
      }
      const { exit, log } = yield* logOf(
        Effect.gen(function*() {
          const { statuses } = yield* manage([container("web"), container("db"), starting("slow")], answer)
          yield* Effect.sleep("58 seconds")
          return yield* statuses
        }).pipe(Effect.tap(() => Effect.sleep("10 seconds")), Effect.scoped),
        { until: "70 seconds", random: [0.25, 0.5, 0.1, 0] }
      )
      assert.deepStrictEqual(log, [
        "5000 db is ready",
        "31000 slow is started",
        "32500 web is ready",
        "40000 slow is ready",
        "55000 db is not ready",
        "65000 db is ready"
      ])
      assert.deepStrictEqual(asked.filter((line) => line.includes("slow")), [
        "1 slow/started",
        "11 slow/started",
        "21 slow/started",
        "31 slow/started",
        "40 slow/ready",
        "50 slow/ready",
        "60 slow/ready"
      ])
      const ready = { ready: true, started: true }
      const statuses = { web: ready, db: { ready: false, started: true }, slow: ready }
      assert.deepStrictEqual(exit, Option.some(Exit.succeed(statuses)))
    }))

  it.effect("believes the first success and the third failure in a row; no answer within 1 s is a failure", () =>
    Effect.gen(function*() {
      const answers = [
        Effect.delay(Effect.succeed(302), "900 millis"),
        Effect.never,
        Effect.succeed(503),
        Effect.succeed(399),
        Effect.fail("refused" as const),
        Effect.never,
        Effect.succeed(400),
        Effect.succeed(200),
        Effect.succeed(200)
      ]
      const careful = { name: "careful", readinessProbe: { url: "http://careful/ready", successThreshold: 2 } }
      const { log } = yield* logOf(
        manage([container("web"), careful], (_, seconds) => answers[seconds / 10] ?? Effect.never).pipe(
          Effect.andThen(Effect.never),
          Effect.scoped
        ),
        { until: "89 seconds", random: [0] }
      )
      assert.deepStrictEqual(log, [
        "900 web is ready",
        "60000 web is not ready",
        "70000 web is ready",
        "80000 careful is ready"
      ])
    }))

  it.effect("runs once for each result, with no time between, and once more to wait for the next one", () =>
    Effect.gen(function*() {
      const answer = (url: string, seconds: number) => Effect.succeed(url === "c/ready" && seconds < 3600 ? 503 : 200)
      const { log } = yield* logOf(
        Effect.gen(function*() {
          const { readiness, startup } = yield* manage([starting("a"), starting("b"), container("c")], answer)
          const look = Effect.forEach(
            [startup, readiness],
            ({ name, status }) =>
              Effect.flatMap(
                status,
                ({ lastStart, runs, state }) => Effect.log(name, runs, state, ...Option.toArray(lastStart))
              )
          )
          yield* Loop.run(look, Period.ticker("1800 seconds"), { initialDelay: "1 second" })
        }).pipe(Effect.scoped),
        { until: "2 hours", random: [0, 0.5] }
      )
      assert.deepStrictEqual(log, [
        "0 a is started",
        "0 b is started",
        "1000 startup 3 running 0",
        "1000 readiness 1 running 0",
        "5000 a is ready",
        "5000 b is ready",
        "1801000 startup 3 running 0",
        "1801000 readiness 3 running 5000",
        "3600000 c is ready",
        "3601000 startup 3 running 0",
        "3601000 readiness 4 running 3600000",
        "5401000 startup 3 running 0",
        "5401000 readiness 4 running 3600000"
      ])
    }))

  it.effect("lets other fibers run, even with a period of 0 and runs that never wait", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.void, Period.sliding(0))
      yield* Fiber.join(yield* Effect.forkChild(Effect.repeat(Effect.yieldNow, { times: 100 })))
      yield* loop.stop
      assert.strictEqual((yield* loop.status).state, "ended")
    }))
})
