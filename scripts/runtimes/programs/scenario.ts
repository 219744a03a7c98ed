/**
 * Every public module, with exact times: the values are the same on each runtime. A scenario runs on a test clock of its own, and
 * with its own seed.
 */
import { Cause, Clock, Duration, Effect, Exit, Logger, Option, Random, type Schedule, Schema, type Scope } from "effect"
import {
  Backoff,
  Jitter,
  Limit,
  Loop,
  Period,
  Poll,
  Retry,
  RetryBudget,
  RetryExhausted,
  Timeline,
  Wait,
  WaitTimeout
} from "effect-wait"
import * as HttpRetry from "effect-wait/HttpRetry"
import * as LoopStore from "effect-wait/LoopStore"
import { Policy } from "effect-wait/Policy"
import * as Schemas from "effect-wait/Schemas"
import { Herd, TestLoop } from "effect-wait/testing"
import { HttpClient, HttpClientResponse } from "effect/http"
import { KeyValueStore } from "effect/persistence"
import { TestClock } from "effect/testing"

/** When an effect under test starts its work, and how it ends; a failure by its tag. */
const record = <A, E>(
  make: Parameters<typeof TestLoop.record<A, E, never>>[0],
  until: Duration.Input,
  from?: string
) =>
  Effect.map(TestLoop.record(make, { until, from }), (recording) => [
    Timeline.starts(recording),
    Option.match(recording.exit, {
      onNone: () => recording.outcome,
      onSome: Exit.match({
        onSuccess: (value) => value ?? "ended",
        onFailure: (cause) => {
          const error = Cause.squash(cause)
          return error instanceof RetryExhausted || error instanceof WaitTimeout
            ? `${error._tag}: ${error.reason._tag} after ${error.attempts} in ${Duration.toMillis(error.elapsed)} ms`
            : String(error)
        }
      })
    }),
    recording.endedAt
  ])

/** A call that fails so many times, and then answers. */
const fails = (times: number, error: string): Effect.Effect<string, string> => {
  let calls = 0
  return Effect.suspend(() => calls++ < times ? Effect.fail(error) : Effect.succeed("answer"))
}

const simulated = (schedule: Schedule.Schedule<unknown>, until: Duration.Input, random?: ReadonlyArray<number>) =>
  Effect.map(Timeline.simulate(schedule, { until, random }), Timeline.starts)

const growing = Backoff.exponential({ base: "1 second", cap: "10 seconds" })
const policy: Policy = {
  duration: Duration.millis(10),
  factor: 5,
  jitter: 0.1,
  steps: 4,
  cap: Duration.seconds(1)
}

/** Runs an effect on the test clock, in a scope, and tells the times that it notes. */
const noted = <E>(
  use: (note: Effect.Effect<void>) => Effect.Effect<unknown, E, Scope.Scope>
): Effect.Effect<ReadonlyArray<number>, E> =>
  Effect.suspend(() => {
    const starts: Array<number> = []
    const note = Effect.map(Clock.currentTimeMillis, (now) => void starts.push(now))
    return use(note).pipe(Effect.scoped, Effect.provide(TestClock.layer()), Effect.as(starts))
  })

/** A server that answers 429 with a hint, 503, and then 200. */
const server = (note: Effect.Effect<void>) => {
  const answers = [{ status: 429, headers: { "retry-after": "2" } }, { status: 503 }, { status: 200 }]
  return HttpClient.make((request) =>
    Effect.map(note, () => HttpClientResponse.fromWeb(request, new Response(null, answers.shift())))
  )
}

const attempts = (period: Duration.Input, n: number) => Period.sliding(period).pipe(Limit.attempts(n))

type Scenario = readonly [title: string, effect: Effect.Effect<unknown, unknown>, expected: unknown]

const scenarios: ReadonlyArray<Scenario> = [
  ["Backoff.exponential", simulated(growing, "30 seconds"), [0, 1000, 3000, 7000, 15000, 25000]],
  [
    "Backoff.linear",
    simulated(Backoff.linear({ base: "1 second", increment: "2 seconds", cap: "4 seconds" }), "20 seconds"),
    [0, 1000, 4000, 8000, 12000, 16000, 20000]
  ],
  [
    "Backoff.decorrelated",
    simulated(Backoff.decorrelated({ base: "1 second", cap: "10 seconds" }), "20 seconds", [0, 0.5, 0.9]),
    [0, 1000, 3000, 8500, 9500, 11500, 17000, 18000, 20000]
  ],
  [
    "Backoff.decorrelatedV2",
    simulated(Backoff.decorrelatedV2({ median: "1 second", cap: "10 seconds" }), "20 seconds", [0.25, 0.5, 0.75]),
    [0, 646.9237064336339, 1990.4084829608787, 4792.4930619861325, 6785.441862754577, 16155.76747818652]
  ],
  ["Backoff.fromDelays", simulated(Backoff.fromDelays([1, 2, 3]), "1 second"), [0, 1, 3, 6]],
  ["Backoff.toSchedule", simulated(Backoff.toSchedule(policy), "10 seconds", [0.5]), [
    0,
    10.5,
    63,
    325.5,
    1375.5,
    2425.5,
    3475.5,
    4525.5,
    5575.5,
    6625.5,
    7675.5,
    8725.5,
    9775.5
  ]],
  ["Backoff.step", Effect.sync(() => Duration.toMillis(Backoff.step(policy, 0.5)[0])), 10.5],
  [
    "Backoff.resetAfter",
    record((track) => {
      const lengths = [0, 0, 5000]
      const work = Effect.suspend(() => Effect.sleep(lengths.shift() ?? 0))
      return Loop.run(track(work), Backoff.resetAfter(growing, "3 seconds"))
    }, "20 seconds"),
    [[0, 1000, 3000, 9000, 11000, 15000], "cut", 20000]
  ],
  ["Jitter.full, seeded draws", simulated(attempts("1 second", 6).pipe(Jitter.full), "1 minute"), [
    0,
    497.65838849692324,
    1464.3357591152098,
    1800.5482378544316,
    2731.7175543579096,
    3250.4429225167023
  ]],
  [
    "Jitter.additive, equal, between",
    simulated(
      Period.sliding("1 second").pipe(Jitter.additive(0.5), Jitter.equal, Jitter.between(0.5, 1.5)),
      "5 seconds",
      [
        0.2,
        0.4,
        0.6
      ]
    ),
    [0, 847.0000000000001, 1694.0000000000002, 2541.0000000000005, 3388.0000000000005, 4235.000000000001]
  ],
  [
    "Limit.delay, attempts, within",
    simulated(growing.pipe(Limit.delay("5 seconds"), Limit.attempts(9), Limit.within("18 seconds")), "1 minute"),
    [0, 1000, 3000, 7000, 12000, 17000]
  ],
  ["Period.sliding", record((track) => Loop.run(track(Effect.sleep(400)), Period.sliding("1 second")), "5 seconds"), [
    [0, 1400, 2800, 4200],
    "cut",
    5000
  ]],
  [
    "Period.nonSliding",
    record((track) => Loop.run(track(Effect.sleep(400)), Period.nonSliding("1 second")), "5 seconds"),
    [[0, 1000, 2000, 3000, 4000, 5000], "cut", 5000]
  ],
  [
    "Period.fromStart",
    record((track) => Loop.run(track(Effect.sleep(400)), Period.fromStart(growing)), "9 seconds"),
    [[0, 1000, 3000, 7000], "cut", 9000]
  ],
  [
    "Period.ticker, with late runs",
    record((track) => Loop.run(track(Effect.sleep(1700)), Period.ticker("1 second")), "9 seconds"),
    [[0, 1700, 3400, 5100, 6800, 8500], "cut", 9000]
  ],
  [
    "Period.cron, as summer time starts",
    record(
      (track) => Loop.run(track(Effect.void), Period.cron("30 2 * * *", { timeZone: "Europe/Berlin" })),
      "3 days",
      "2026-03-28T12:00:00Z"
    ),
    [[46800000, 131400000, 217800000], "cut", 259200000]
  ],
  [
    "Period.cron, as summer time ends",
    record(
      (track) => Loop.run(track(Effect.void), Period.cron("0 */1 * * *", { timeZone: "America/New_York" })),
      "5 hours",
      "2026-11-01T03:30:00Z"
    ),
    [[1800000, 5400000, 9000000, 12600000, 16200000], "cut", 18000000]
  ],
  [
    "Loop.run, with a stop and a backoff",
    record((track) => {
      const call = fails(2, "down")
      return Loop.run(track(call), Period.sliding("3 seconds"), { backoff: growing, stop: Effect.sleep("10 seconds") })
    }, "1 minute"),
    [[0, 1000, 3000, 6000, 9000], "ended", 10000]
  ],
  [
    "Loop.survive",
    record((track) => Loop.run(Loop.survive(track(fails(3, "down"))), Period.sliding("1 second")), "5 seconds"),
    [[0, 1000, 2000, 3000, 4000, 5000], "cut", 5000]
  ],
  [
    "Loop.forkScoped, a pause, a run now, a status",
    noted((note) =>
      Effect.gen(function*() {
        const loop = yield* Loop.forkScoped(note, Period.ticker("1 second"), { name: "sync" })
        yield* TestClock.adjust("1500 millis")
        yield* loop.pause
        yield* TestClock.adjust("3 seconds")
        yield* loop.runNow
        yield* loop.resume
        yield* TestClock.adjust("1 second")
      })
    ),
    [0, 1000, 4500, 5000]
  ],
  [
    "Loop.layer, Loop.health",
    Effect.gen(function*() {
      yield* TestClock.adjust("90 seconds")
      const { healthy, loops } = yield* Loop.health
      return [healthy, loops.map(({ name, runs, healthy }) => [name, runs, healthy])]
    }).pipe(
      Effect.provide(Loop.layer(Effect.void, Period.ticker("1 minute"), { name: "sync", healthyWithin: "2 minutes" })),
      Effect.provide(TestClock.layer())
    ),
    [true, [["sync", 2, true]]]
  ],
  [
    "Loop.fromAbortSignal",
    record((track) => {
      const controller = new AbortController()
      const abort = Effect.sync(() => controller.abort())
      return Loop.run(track(abort), Period.sliding("1 hour"), { stop: Loop.fromAbortSignal(controller.signal) })
    }, "1 day"),
    [[0], "ended", 0]
  ],
  [
    "LoopStore.layerKeyValueStore, catching up",
    noted((note) => {
      const hourly = Loop.forkScoped(note, Period.cron("0 * * * *", { timeZone: "UTC" }), {
        name: "hourly",
        catchUp: { missed: "one" }
      })
      const process = Effect.scoped(Effect.andThen(hourly, TestClock.adjust("90 minutes")))
      return Effect.gen(function*() {
        yield* process
        yield* TestClock.adjust("3 hours")
        yield* process
      }).pipe(Effect.provide(LoopStore.layerKeyValueStore), Effect.provide(KeyValueStore.layerMemory))
    }),
    [3600000, 16200000, 18000000, 21600000]
  ],
  [
    "Poll.until",
    record((track) => {
      let looks = 0
      return Poll.until(track(Effect.sync(() => ++looks)), growing, { accept: (look) => look > 3, timeout: "1 minute" })
    }, "1 hour"),
    [[0, 1000, 3000, 7000], 4, 7000]
  ],
  [
    "Poll.until, a timeout",
    record(
      (track) => Poll.until(track(Effect.succeed(false)), Period.sliding("4 seconds"), { timeout: "10 seconds" }),
      "1 hour"
    ),
    [[0, 4000, 8000], "WaitTimeout: Deadline after 3 in 10000 ms", 10000]
  ],
  ["Retry.run", record((track) => Retry.run(track(fails(3, "busy")), growing), "1 hour"), [
    [0, 1000, 3000, 7000],
    "answer",
    7000
  ]],
  [
    "Retry.run, a timeout of attempts",
    record(
      (track) => Retry.run(track(Effect.never), attempts("1 second", 3), { attemptTimeout: "2 seconds" }),
      "1 hour"
    ),
    [[0, 3000, 6000], "RetryExhausted: Schedule after 3 in 8000 ms", 8000]
  ],
  [
    "Retry.hedge",
    record((track) => {
      const lengths = [5000, 100]
      const call = Effect.suspend(() => Effect.as(Effect.sleep(lengths.shift() ?? 0), "answer"))
      return Retry.hedge(track(call), attempts("1 second", 2))
    }, "1 hour"),
    [[0, 1000], "answer", 1100]
  ],
  [
    "Retry.hint",
    record(
      (track) =>
        Retry.run(track(fails(2, "busy")), Retry.hint(growing, () => Option.some("7 seconds"), { max: "1 minute" })),
      "1 hour"
    ),
    [[0, 7000, 14000], "answer", 14000]
  ],
  [
    "RetryBudget.makeThrottling",
    record(
      (track) =>
        Effect.flatMap(
          RetryBudget.makeThrottling({ maxTokens: 4, tokenRatio: 0.1 }),
          (budget) =>
            Retry.run(track(fails(9, "busy")), Period.sliding("1 second"), { budget: "server" }).pipe(
              Effect.provideService(RetryBudget.RetryBudget, budget)
            )
        ),
      "1 hour"
    ),
    [[0, 1000], "RetryExhausted: Budget after 2 in 1000 ms", 1000]
  ],
  [
    "HttpRetry.retry",
    noted((note) => {
      const client = HttpRetry.retry(server(note), growing, { hint: { spread: 0 } })
      return Effect.andThen(Effect.forkChild(client.get("http://server/")), TestClock.adjust("1 minute"))
    }),
    [0, 2000, 4000]
  ],
  [
    "Schemas.RetryExhausted",
    Effect.suspend(() =>
      Schema.encodeEffect(Schema.toCodecJson(Schemas.RetryExhausted(Schema.String)))(
        new RetryExhausted({ reason: { _tag: "Schedule" }, error: "busy", attempts: 3, elapsed: Duration.millis(20) })
      )
    ),
    { "_tag": "RetryExhausted", "reason": { "_tag": "Schedule" }, "error": "busy", "attempts": 3, "elapsed": 20 }
  ],
  [
    "Policy",
    Schema.decodeUnknownEffect(Policy)({ duration: "10 millis", factor: 5, jitter: 0.1, steps: 4 }).pipe(
      Effect.flatMap((policy) => simulated(Backoff.toSchedule(policy), "10 seconds", [0]))
    ),
    [0, 10, 60, 310, 1560, 7810]
  ],
  [
    "Timeline.render",
    Effect.map(
      Timeline.simulate(growing, { work: 500, until: "20 seconds" }),
      (timeline) => Timeline.render({ growing: timeline }, { width: 40 })
    ),
    "growing |..|....|........|................|.\n        0         5s        10s       15s"
  ],
  [
    "Timeline.toSvg",
    Effect.map(
      Timeline.simulate(growing, { work: 500, until: "20 seconds" }),
      (timeline) => Timeline.toSvg({ growing: timeline }).length
    ),
    1147
  ],
  [
    "Wait.jitterUntil",
    record(
      (track) => Wait.jitterUntil(track(Effect.sleep(300)), { period: "1 second", jitterFactor: 0.5, sliding: false }),
      "9 seconds"
    ),
    [
      [
        0,
        1248.829194,
        2732.1678789999996,
        3900.2741179999994,
        5365.858775999999,
        6625.221459999999,
        8029.1067269999985
      ],
      "cut",
      9000
    ]
  ],
  [
    "Wait.exponentialBackoff",
    record((track) => Wait.exponentialBackoff(track(Effect.succeed(false)), { backoff: policy }), "1 hour"),
    [[0, 10.497658, 65.33104399999999], "WaitTimeout: Exhausted after 3 in 323.736355 ms", 323.736355]
  ],
  [
    "Wait.pollUntilContextTimeout",
    record(
      (track) =>
        Wait.pollUntilContextTimeout(track(Effect.succeed(false)), {
          interval: "3 seconds",
          timeout: "10 seconds",
          immediate: true
        }),
      "1 hour"
    ),
    [[0, 3000, 6000, 9000], "WaitTimeout: Deadline after 4 in 10000 ms", 10000]
  ],
  [
    "Herd.run",
    Effect.map(
      Herd.run({ clients: 3, client: (i) => Effect.retry(Effect.fail("busy"), attempts(`${i + 1} seconds`, 3)) }),
      ({ clients, time }) => [time, clients.map(({ endedAt }) => endedAt)]
    ),
    [6000, [2000, 4000, 6000]]
  ],
  ["Herd.contend, seeded draws", Herd.contend(Jitter.full(growing), { clients: 20 }), {
    "time": 2595.698694,
    "calls": 44,
    "written": 20
  }]
]

/** Runs them one after the other: the title, what it gave, and what it should give, of each. */
const run = async (): Promise<ReadonlyArray<readonly [title: string, given: unknown, expected: unknown]>> => {
  const results: Array<readonly [string, unknown, unknown]> = []
  for (const [title, effect, expected] of scenarios) {
    const exit = await Effect.runPromiseExit(effect.pipe(Random.withSeed("runtimes"), Effect.provide(Logger.layer([]))))
    results.push([title, Exit.isSuccess(exit) ? exit.value : Cause.pretty(exit.cause), expected])
  }
  return results
}

export default run
