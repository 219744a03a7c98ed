/** What Effect's own tests show about its schedules, with ours put in; EFFECT-TESTS.md has the list. */
import { assert, describe, it } from "@effect/vitest"
import {
  Clock,
  Data,
  DateTime,
  Duration,
  Effect,
  Exit,
  Fiber,
  Option,
  Pool,
  Pull,
  Resource,
  Result,
  Schedule,
  Sink,
  Stream
} from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Retry } from "effect-wait"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { makeWork, observe, startsOf, withDraws } from "./support.ts"

type Values = Schedule.Schedule<unknown, unknown, unknown>
type Work = Effect.Effect<void>
type Drive = (work: Work, schedule: Values) => Effect.Effect<unknown, unknown>

const utc = { timeZone: "UTC" }
const ended = "ended"
const seconds = (millis: ReadonlyArray<number>) => millis.map((time) => time / 1000)

/** What a schedule says to each of these inputs, asked at these times: its output and delay, or its last output. */
const ask = <Output, Input, E>(
  schedule: Schedule.Schedule<Output, Input, E>,
  ...questions: ReadonlyArray<readonly [now: number, input: Input]>
) =>
  Effect.gen(function*() {
    const step = yield* Schedule.toStep(schedule)
    return yield* Effect.forEach(questions, ([now, input]) =>
      Pull.matchEffect(step(now, input), {
        onSuccess: ([output, delay]) => Effect.succeed([output, Duration.toMillis(delay)] as const),
        onFailure: Effect.failCause,
        onDone: (output) => Effect.succeed([output, ended] as const)
      }))
  })

/** The delays of a schedule that is asked whenever its delay has passed: at most `n`, and 0 for its end. */
const delays = <Output, E>(schedule: Schedule.Schedule<Output, unknown, E>, n: number) =>
  Effect.gen(function*() {
    const given: Array<number> = []
    const collect = Effect.gen(function*() {
      const step = yield* Schedule.toStepWithMetadata(schedule)
      yield* Effect.gen(function*() {
        while (given.length < n) given.push(Duration.toMillis((yield* step(undefined)).duration))
      }).pipe(Pull.catchDone(() => Effect.sync(() => given.push(0))))
    })
    yield* observe(collect, Infinity)
    return given
  })

/** The delays that a schedule gives to runs of this length under `Effect.schedule`, six at most. */
const delaysUnderSchedule = (schedule: Schedule.Schedule<unknown>, length: Duration.Input) =>
  Effect.gen(function*() {
    const given: Array<number> = []
    const tapped = schedule.pipe(
      Schedule.while(({ attempt }) => Effect.succeed(attempt <= 5)),
      Schedule.tap(({ duration }) => Effect.sync(() => given.push(Duration.toMillis(duration))))
    )
    const { exit } = yield* observe(Effect.schedule(Effect.sleep(length), tapped), "1 minute")
    assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
    return given
  })

const failing = (work: Work) => Effect.andThen(work, Effect.fail("again"))

const client = (work: Work) =>
  HttpClient.make((request) =>
    Effect.andThen(
      work,
      Effect.fail(new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) }))
    )
  )

/** Drivers whose first run starts at once. */
const repeating: Record<string, Drive> = {
  "Effect.repeat": (work, schedule) => Effect.repeat(work, schedule),
  "Effect.retry": (work, schedule) => Effect.retry(failing(work), schedule),
  "Stream.fromEffectSchedule": (work, schedule) => Stream.runDrain(Stream.fromEffectSchedule(work, schedule)),
  "Stream.repeat": (work, schedule) => Stream.runDrain(Stream.repeat(Stream.fromEffect(work), schedule)),
  "Stream.repeatElements": (work, schedule) =>
    Stream.runForEach(Stream.repeatElements(Stream.make(0), schedule), () => work),
  "Stream.retry": (work, schedule) => Stream.runDrain(Stream.retry(Stream.fromEffect(failing(work)), schedule)),
  "HttpClient.retry": (work, schedule) => HttpClient.retry(client(work), schedule).get("http://localhost/"),
  "HttpClient.retryTransient": (work, schedule) =>
    HttpClient.retryTransient(client(work), schedule).get("http://localhost/"),
  "Loop.run": (work, schedule) => Loop.run(work, schedule, { immediate: true }),
  "Retry.run": (work, schedule) => Retry.run(failing(work), schedule)
}

/** Drivers that start with a delay. */
const delaying: Record<string, Drive> = {
  "Effect.schedule": (work, schedule) => Effect.schedule(work, schedule),
  "Stream.fromSchedule": (work, schedule) => Stream.runForEach(Stream.fromSchedule(schedule), () => work),
  "Stream.schedule": (work, schedule) =>
    Stream.runForEach(Stream.schedule(Stream.forever(Stream.make(0)), schedule), () => work)
}

describe("inside Effect's combinators ours behave as Effect's own do", () => {
  const atMost = (max: Duration.Input) => <Output, E>(schedule: Schedule.Schedule<Output, unknown, E>) =>
    Schedule.modifyDelay(
      schedule,
      ({ duration }) => Effect.succeed(Duration.min(duration, Duration.fromInputUnsafe(max)))
    )
  const pastHalf = "30 * * * * *"
  const cases: ReadonlyArray<{
    readonly name: string
    readonly ours: Values
    readonly theirs: Values
    /** In seconds, with runs of no length. */
    readonly starts: ReadonlyArray<number>
    /** Whether the schedule is done after them. */
    readonly ends?: boolean
  }> = [
    {
      name: "min of a period and a ticker",
      ours: Schedule.min([Period.sliding("20 seconds"), Period.ticker("30 seconds")]),
      theirs: Schedule.min([Schedule.spaced("20 seconds"), Schedule.fixed("30 seconds")]),
      starts: [0, 20, 30, 50, 60, 80, 90, 110, 120]
    },
    {
      name: "min of a period and a ticker that skips",
      ours: Schedule.min([Period.nonSliding("20 seconds"), Period.ticker("30 seconds", { missed: "skip" })]),
      theirs: Schedule.min([Schedule.spaced("20 seconds"), Schedule.windowed("30 seconds")]),
      starts: [0, 20, 30, 50, 60, 80, 90, 110, 120]
    },
    {
      name: "min of a period and a calendar",
      ours: Schedule.min([Period.sliding("20 seconds"), Period.cron(pastHalf, utc)]),
      theirs: Schedule.min([Schedule.spaced("20 seconds"), Schedule.cron(pastHalf, "UTC")]),
      starts: [0, 20, 30, 50, 70, 90, 110, 130, 150]
    },
    {
      name: "min of two tickers",
      ours: Schedule.min([Period.ticker("20 seconds"), Period.ticker("30 seconds")]),
      theirs: Schedule.min([Schedule.fixed("20 seconds"), Schedule.fixed("30 seconds")]),
      starts: [0, 20, 30, 40, 60, 80, 90, 100, 120]
    },
    {
      name: "min of a backoff and a ticker: a retry at least every quarter of an hour",
      ours: Schedule.min([Backoff.exponential({ base: "1 minute", cap: Infinity }), Period.ticker("15 minutes")]),
      theirs: Schedule.min([Schedule.exponential("1 minute"), Schedule.fixed("15 minutes")]),
      starts: [0, 60, 180, 420, 900, 1800, 2700, 3600]
    },
    {
      name: "min of a list that ends and a ticker, which goes on",
      ours: Schedule.min([Backoff.fromDelays(["5 seconds", "20 seconds"]), Period.ticker("10 seconds")]),
      theirs: Schedule.min([
        Schedule.concat(Schedule.duration("5 seconds"), Schedule.duration("20 seconds")),
        Schedule.fixed("10 seconds")
      ]),
      starts: [0, 5, 10, 20, 30, 40]
    },
    {
      name: "max of a period and a ticker",
      ours: Schedule.max([Period.sliding("7 seconds"), Period.ticker("5 seconds")]),
      theirs: Schedule.max([Schedule.spaced("7 seconds"), Schedule.fixed("5 seconds")]),
      starts: [0, 7, 14, 21, 28, 35, 42]
    },
    {
      name: "max of a shorter period and a ticker",
      ours: Schedule.max([Period.sliding("3 seconds"), Period.ticker("5 seconds")]),
      theirs: Schedule.max([Schedule.spaced("3 seconds"), Schedule.fixed("5 seconds")]),
      starts: [0, 5, 10, 15, 20]
    },
    {
      name: "max of a period and a calendar",
      ours: Schedule.max([Period.sliding("45 seconds"), Period.cron(pastHalf, utc)]),
      theirs: Schedule.max([Schedule.spaced("45 seconds"), Schedule.cron(pastHalf, "UTC")]),
      starts: [0, 45, 90, 150, 210]
    },
    {
      name: "max of a min and a limit",
      ours: Schedule.max([
        Schedule.min([Period.sliding("20 seconds"), Period.ticker("30 seconds")]),
        Period.sliding(0).pipe(Limit.attempts(6))
      ]),
      theirs: Schedule.max([
        Schedule.min([Schedule.spaced("20 seconds"), Schedule.fixed("30 seconds")]),
        Schedule.recurs(5)
      ]),
      starts: [0, 20, 30, 50, 60, 80],
      ends: true
    },
    {
      name: "a limit after min",
      ours: Schedule.min([Period.sliding("20 seconds"), Period.ticker("30 seconds")]).pipe(Limit.attempts(4)),
      theirs: Schedule.min([Schedule.spaced("20 seconds"), Schedule.fixed("30 seconds")]).pipe(
        Schedule.upTo({ times: 3 })
      ),
      starts: [0, 20, 30, 50],
      ends: true
    },
    {
      name: "concat of a list and a ticker, which starts after it",
      ours: Schedule.concat(Backoff.fromDelays(["1 second", "1 second"]), Period.ticker("10 seconds")),
      theirs: Schedule.concat(
        Schedule.spaced("1 second").pipe(Schedule.upTo({ times: 2 })),
        Schedule.fixed("10 seconds")
      ),
      starts: [0, 1, 2, 12, 22, 32]
    },
    {
      name: "concat of two limited periods",
      ours: Schedule.concat(
        Period.nonSliding("1 second").pipe(Limit.attempts(3)),
        Period.nonSliding("5 seconds").pipe(Limit.attempts(3))
      ),
      theirs: Schedule.concat(
        Schedule.spaced("1 second").pipe(Schedule.upTo({ times: 2 })),
        Schedule.spaced("5 seconds").pipe(Schedule.upTo({ times: 2 }))
      ),
      starts: [0, 1, 2, 7, 12],
      ends: true
    },
    {
      name: "modifyDelay that shortens the delays of a ticker",
      ours: Period.ticker("30 seconds").pipe(atMost("20 seconds")),
      theirs: Schedule.fixed("30 seconds").pipe(atMost("20 seconds")),
      starts: [0, 20, 30, 50, 60, 80, 90]
    },
    {
      name: "modifyDelay that shortens the delays of a calendar",
      ours: Period.cron(pastHalf, utc).pipe(atMost("20 seconds")),
      theirs: Schedule.cron(pastHalf, "UTC").pipe(atMost("20 seconds")),
      starts: [0, 20, 30, 50, 70, 90, 110]
    },
    {
      name: "modifyDelay that shortens the delays of a jittered backoff",
      ours: Backoff.exponential({ base: "1 second", cap: Infinity }).pipe(Jitter.between(1, 1), atMost("3 seconds")),
      theirs: Schedule.exponential("1 second").pipe(atMost("3 seconds")),
      starts: [0, 1, 3, 6, 9, 12]
    },
    {
      name: "addDelay on a ticker",
      ours: Period.ticker("30 seconds").pipe(Schedule.addDelay(() => Effect.succeed("5 seconds"))),
      theirs: Schedule.fixed("30 seconds").pipe(Schedule.addDelay(() => Effect.succeed("5 seconds"))),
      starts: [0, 35, 65, 95, 125]
    },
    {
      name: "addDelay on a calendar",
      ours: Period.cron(pastHalf, utc).pipe(Schedule.addDelay(() => Effect.succeed("5 seconds"))),
      theirs: Schedule.cron(pastHalf, "UTC").pipe(Schedule.addDelay(() => Effect.succeed("5 seconds"))),
      starts: [0, 35, 95, 155]
    },
    {
      name: "while, passthrough, tap and map",
      ours: Period.ticker("30 seconds").pipe(
        Schedule.while(({ attempt }) => Effect.succeed(attempt <= 3)),
        Schedule.passthrough,
        Schedule.tap(() => Effect.void),
        Schedule.map(({ attempt }) => attempt)
      ),
      theirs: Schedule.fixed("30 seconds").pipe(
        Schedule.while(({ attempt }) => Effect.succeed(attempt <= 3)),
        Schedule.passthrough,
        Schedule.tap(() => Effect.void),
        Schedule.map(({ attempt }) => attempt)
      ),
      starts: [0, 30, 60, 90],
      ends: true
    },
    {
      name: "upTo, by times",
      ours: Period.ticker("30 seconds").pipe(Schedule.upTo({ times: 2 })),
      theirs: Schedule.fixed("30 seconds").pipe(Schedule.upTo({ times: 2 })),
      starts: [0, 30, 60],
      ends: true
    },
    {
      name: "upTo, by time",
      ours: Period.nonSliding("30 seconds").pipe(Schedule.upTo({ duration: "1 minute" })),
      theirs: Schedule.spaced("30 seconds").pipe(Schedule.upTo({ duration: "1 minute" })),
      starts: [0, 30, 60, 90],
      ends: true
    }
  ]
  for (const { ends = false, name, ours, starts, theirs } of cases) {
    const check = (drive: Drive, expected: ReadonlyArray<number>, driver: string) =>
      Effect.gen(function*() {
        for (const [whose, schedule] of [["Effect's", theirs], ["ours", ours]] as const) {
          yield* TestClock.setTime(0)
          const got = yield* startsOf((work) => drive(work, schedule), ends ? "1 hour" : starts.at(-1)! * 1000)
          assert.deepStrictEqual(seconds(got), expected, `${whose}, under ${driver}`)
        }
      }).pipe(Effect.provide(TestClock.layer()))
    it.effect(name, () =>
      Effect.gen(function*() {
        for (const [driver, drive] of Object.entries(repeating)) yield* check(drive, starts, driver)
        for (const [driver, drive] of Object.entries(delaying)) {
          if (driver !== "Stream.schedule" || !ends) yield* check(drive, starts.slice(1), driver)
        }
      }))
  }
})

describe("inside Effect's combinators a slot is served once", () => {
  it.effect("a slot that has passed when the schedule is asked counts as served, as in Schedule.cron", () =>
    Effect.gen(function*() {
      // The run from 25 to 30 s ends on a slot, and so does that from 85 to 90 s.
      const starts = [0, 25, 50, 60, 85, 110, 120]
      const everyHalf = "*/30 * * * * *"
      for (
        const schedule of [
          Schedule.min([Schedule.spaced("20 seconds"), Schedule.cron(everyHalf, "UTC")]),
          Schedule.min([Period.sliding("20 seconds"), Period.cron(everyHalf, utc)]),
          Schedule.min([Period.sliding("20 seconds"), Period.ticker("30 seconds")])
        ]
      ) {
        const got = yield* startsOf(Effect.repeat(schedule), "2 minutes", "5 seconds").pipe(
          Effect.provide(TestClock.layer())
        )
        assert.deepStrictEqual(seconds(got), starts)
      }
    }))

  const slots = {
    ticker: Period.ticker("30 seconds"),
    cron: Period.cron("*/30 * * * * *", utc)
  }
  for (const [name, schedule] of Object.entries<Schedule.Schedule<number, unknown, unknown>>(slots)) {
    it.effect(`a slot of ${name} that a timer reached up to 2 ms early counts as served; 3 ms early it is to come`, () =>
      Effect.gen(function*() {
        const delaysAt = (...nows: ReadonlyArray<number>) =>
          Effect.map(
            ask(schedule, ...nows.map((now) => [now, undefined] as const)),
            (answers) => answers.map(([, delay]) => delay)
          )
        assert.deepStrictEqual(yield* delaysAt(0, 20_000, 30_000), [30_000, 10_000, 30_000])
        assert.deepStrictEqual(yield* delaysAt(0, 20_000, 29_998), [30_000, 10_000, 30_002])
        assert.deepStrictEqual(yield* delaysAt(0, 20_000, 29_997), [30_000, 10_000, 3])
        assert.deepStrictEqual(yield* delaysAt(0, 29_998), [30_000, 30_002])
        assert.deepStrictEqual(yield* delaysAt(0, 10_000, 20_000, 29_000, 30_000), [
          30_000,
          20_000,
          10_000,
          1000,
          30_000
        ])
      }))
  }

  it.effect("a ticker whose delays HttpClient lengthens by Retry-After keeps its slots, as fixed does", () =>
    Effect.gen(function*() {
      for (const schedule of [Schedule.fixed("30 seconds"), Period.ticker("30 seconds")]) {
        const starts = yield* startsOf((work) => {
          let attempts = 0
          const client = HttpClient.make((request) =>
            Effect.as(
              work,
              HttpClientResponse.fromWeb(
                request,
                new Response(null, { status: 503, headers: attempts++ === 0 ? { "retry-after": "50" } : {} })
              )
            )
          )
          return HttpClient.retryTransient(client, schedule).get("http://localhost/")
        }, "2 minutes").pipe(Effect.provide(TestClock.layer()))
        assert.deepStrictEqual(seconds(starts), [0, 50, 60, 90, 120])
      }
    }))
})

class Throttled extends Data.TaggedError("Throttled") {}
class Network extends Data.TaggedError("Network") {}

describe("Retry.match under Effect's drivers", () => {
  type Failure = Throttled | Network
  const throttled = new Throttled()
  const network = new Network()
  const drivers: Record<
    string,
    (work: Effect.Effect<void, Failure>, schedule: Schedule.Schedule<unknown, Failure, unknown>) => Effect.Effect<
      unknown,
      unknown
    >
  > = {
    "Retry.run": (work, schedule) => Retry.run(work, schedule),
    "Effect.retry": (work, schedule) => Effect.retry(work, schedule),
    "Stream.retry": (work, schedule) => Stream.runDrain(Stream.retry(Stream.fromEffect(work), schedule)),
    "Effect.retry, with passthrough and tap around it": (work, schedule) =>
      Effect.retry(work, schedule.pipe(Schedule.passthrough, Schedule.tap(() => Effect.void)))
  }
  const cases: ReadonlyArray<{
    readonly name: string
    readonly schedule: Schedule.Schedule<unknown, Failure, unknown>
    readonly errors: ReadonlyArray<Failure>
    readonly work?: Duration.Input
    /** In seconds. */
    readonly starts: ReadonlyArray<number>
    readonly drivers?: ReadonlyArray<string>
  }> = [
    {
      name: "another case's delay is no healthy run",
      schedule: Retry.match({
        Throttled: Backoff.exponential({ base: "1 second", cap: "1 hour" }).pipe(Backoff.resetAfter("1 minute")),
        Network: Period.sliding("2 minutes")
      }),
      errors: [throttled, throttled, throttled, network, throttled, throttled],
      starts: [0, 1, 3, 7, 127, 135, 151]
    },
    {
      name: "a ticker in a case keeps its slots while another case is followed",
      schedule: Retry.match({ Throttled: Period.ticker("30 seconds"), Network: Period.sliding("20 seconds") }),
      errors: [throttled, network, throttled, throttled, network, network, throttled],
      starts: [0, 30, 50, 60, 90, 110, 130, 150]
    },
    {
      name: "a period from the start in a case measures from the run's own start",
      schedule: Retry.match({ Throttled: Period.nonSliding("10 seconds"), Network: Period.sliding("3 seconds") }),
      errors: [throttled, network, throttled, throttled],
      work: "1 second",
      starts: [0, 10, 14, 24, 34],
      // Stream.retry starts the schedule at the first failure.
      drivers: ["Retry.run", "Effect.retry", "Effect.retry, with passthrough and tap around it"]
    }
  ]
  for (const { drivers: names = Object.keys(drivers), errors, name, schedule, starts, work = 0 } of cases) {
    for (const driver of names) {
      it.effect(`${name}, under ${driver}`, () =>
        Effect.gen(function*() {
          let failures = 0
          const got = yield* startsOf(
            (run) => {
              const failing = Effect.andThen(
                run,
                Effect.suspend(() => Effect.fail(errors[Math.min(failures++, errors.length - 1)]!))
              )
              return drivers[driver]!(failing, schedule)
            },
            starts.at(-1)! * 1000,
            work
          )
          assert.deepStrictEqual(seconds(got), starts)
        }))
    }
  }
})

describe("Schedule.test.ts", () => {
  it.effect("Limit.within goes on while its time has not passed", () =>
    Effect.gen(function*() {
      const answers = yield* ask(Period.sliding(0).pipe(Limit.within("1 second")), [0, 0], [1000, 0], [1001, 0])
      assert.deepStrictEqual(answers, [[0, 0], [1, 0], [2, ended]])
    }))

  const combined = [
    Period.ticker("5 seconds"),
    Backoff.exponential({ base: "5 seconds", cap: Infinity }),
    Period.sliding("10 seconds")
  ] as const

  it.effect("max takes the longest delay", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* delays(Schedule.max(combined), 3), [10_000, 10_000, 20_000])
    }))

  it.effect("max is done when one of its schedules is", () =>
    Effect.gen(function*() {
      const schedule = Schedule.max([Backoff.fromDelays(["1 second"]), Period.sliding("5 seconds")])
      assert.deepStrictEqual(yield* delays(schedule, 3), [5000, 0])
    }))

  it.effect("min takes the shortest delay", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* delays(Schedule.min(combined), 3), [5000, 5000, 5000])
    }))

  it.effect("min goes on when one of its schedules is done", () =>
    Effect.gen(function*() {
      const schedule = Schedule.min([Backoff.fromDelays(["1 second"]), Period.sliding("5 seconds")])
      assert.deepStrictEqual(yield* delays(schedule, 3), [1000, 5000, 5000])
    }))

  const twice = Period.sliding(0).pipe(Limit.attempts(3), Schedule.setInputType<string>(), Schedule.passthrough)
  const always = Period.sliding(0).pipe(Schedule.setInputType<string>(), Schedule.passthrough)

  it.effect("concat follows the one, then the other", () =>
    Effect.gen(function*() {
      const schedule = Schedule.concat(
        Schedule.map(twice, ({ output }) => `left ${output}`),
        Schedule.map(always, ({ output }) => `right ${output}`)
      )
      assert.deepStrictEqual(yield* ask(schedule, [0, "a"], [0, "b"], [0, "c"]), [
        ["left a", 0],
        ["left b", 0],
        ["right c", 0]
      ])
    }))

  it.effect("concatResult marks the outputs of the one as Failure, of the other as Success", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ask(Schedule.concatResult(twice, always), [0, "a"], [0, "b"], [0, "c"]), [
        [Result.fail("a"), 0],
        [Result.fail("b"), 0],
        [Result.succeed("c"), 0]
      ])
    }))

  const upTo = (n: number) =>
    Period.ticker("500 millis").pipe(Schedule.while(({ attempt }) => Effect.succeed(attempt <= n)))

  it.effect("concatResult gives the delays of the one, then those of the other", () =>
    Effect.gen(function*() {
      const schedule = Schedule.concatResult(upTo(3), Period.ticker("1 second"))
      assert.deepStrictEqual(yield* delays(schedule, 6), [500, 500, 500, 1000, 1000, 1000])
    }))

  it.effect("concatResult is done when the other is", () =>
    Effect.gen(function*() {
      const schedule = Schedule.concatResult(upTo(2), Backoff.fromDelays(["1 second"]))
      assert.deepStrictEqual(yield* delays(schedule, 5), [500, 500, 1000, 0])
    }))

  const period = Period.sliding(250).pipe(Schedule.setInputType<string>())
  const metadata = (duration: number) => [
    { input: "a", output: 0, duration, attempt: 1, start: 1000, now: 1000, elapsed: 0, elapsedSincePrevious: 0 },
    { input: "b", output: 1, duration, attempt: 2, start: 1000, now: 1250, elapsed: 250, elapsedSincePrevious: 250 }
  ]
  const looks: Record<
    string,
    readonly [
      after: ReadonlyArray<number | "ended">,
      look: (seen: (metadata: Schedule.Metadata<number, string>) => number) => Schedule.Schedule<number, string>
    ]
  > = {
    tap: [[250, 250], (seen) => Schedule.tap(period, (metadata) => Effect.sync(() => seen(metadata)))],
    modifyDelay: [
      [250, 500],
      (seen) => Schedule.modifyDelay(period, (metadata) => Effect.sync(() => 250 + seen(metadata)))
    ],
    addDelay: [[250, 500], (seen) => Schedule.addDelay(period, (metadata) => Effect.sync(() => seen(metadata)))]
  }
  for (const [name, [after, look]] of Object.entries(looks)) {
    it.effect(`${name} gets the full metadata of a step`, () =>
      Effect.gen(function*() {
        const seen: Array<unknown> = []
        const schedule = look((metadata) => {
          seen.push({ ...metadata, duration: Duration.toMillis(metadata.duration) })
          return metadata.elapsedSincePrevious
        })
        const answers = yield* ask(schedule, [1000, "a"], [1250, "b"])
        assert.deepStrictEqual(answers.map(([, delay]) => delay), after)
        assert.deepStrictEqual(seen, metadata(250))
      }))
  }

  const calendars = [
    {
      expression: "*/2 * * * *",
      from: "2024-01-01T00:00:35Z",
      slots: ["00:02", "00:04", "00:06", "00:08"].map((time) => `2024-01-01T${time}:00.000Z`)
    },
    {
      expression: "*/3 * * * * *",
      from: "2024-01-01T00:00:00Z",
      slots: ["03", "06", "09", "12", "15", "18", "21", "24", "27", "30"].map((s) => `2024-01-01T00:00:${s}.000Z`)
    },
    {
      // On days 5 and 15, and on Wednesdays.
      expression: "30 4 5,15 * WED",
      from: "2024-01-01T00:00:00Z",
      slots: ["03", "05", "10", "15", "17", "24"].map((day) => `2024-01-${day}T04:30:00.000Z`)
    }
  ]
  for (const { expression, from, slots } of calendars) {
    it.effect(`a calendar comes at ${expression}, as Effect's own does`, () =>
      Effect.gen(function*() {
        const begun = DateTime.toEpochMillis(DateTime.makeUnsafe(from))
        for (const schedule of [Schedule.cron(expression, "UTC"), Period.cron(expression, utc)]) {
          yield* TestClock.setTime(begun)
          let slot = begun
          const given = yield* delays(schedule as Schedule.Schedule<unknown, unknown, unknown>, slots.length)
          assert.deepStrictEqual(
            given.map((delay) => DateTime.formatIso(DateTime.makeUnsafe(slot += delay))),
            slots
          )
        }
      }))
  }

  it.effect("a list of one delay is one more run", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* delays(Backoff.fromDelays(["1 second"]), 5), [1000, 0])
    }))

  it.effect("upTo and Limit.attempts limit the runs", () =>
    Effect.gen(function*() {
      for (const schedule of [always.pipe(Schedule.upTo({ times: 2 })), always.pipe(Limit.attempts(3))]) {
        assert.deepStrictEqual(yield* ask(schedule, [0, "a"], [0, "b"], [0, "c"]), [["a", 0], ["b", 0], ["c", ended]])
      }
    }))

  it.effect("upTo and Limit.within limit the time", () =>
    Effect.gen(function*() {
      for (
        const schedule of [always.pipe(Schedule.upTo({ duration: "1 second" })), always.pipe(Limit.within("1 second"))]
      ) {
        assert.deepStrictEqual(yield* ask(schedule, [0, "a"], [1000, "b"], [1001, "c"]), [
          ["a", 0],
          ["b", 0],
          ["c", ended]
        ])
      }
    }))

  it.effect("the first of two limits ends it", () =>
    Effect.gen(function*() {
      for (
        const schedule of [
          always.pipe(Schedule.upTo({ duration: "1 hour", times: 1 })),
          always.pipe(Limit.within("1 hour"), Limit.attempts(2))
        ]
      ) {
        assert.deepStrictEqual(yield* ask(schedule, [0, "a"], [0, "b"]), [["a", 0], ["b", ended]])
      }
    }))

  it.effect("upTo without options changes nothing", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ask(always.pipe(Schedule.upTo({})), [0, "a"], [0, "b"]), [["a", 0], ["b", 0]])
    }))

  it.effect("jittered and Jitter.between(0.8, 1.2) give the same delays", () =>
    Effect.gen(function*() {
      for (
        const schedule of [Schedule.jittered(Period.sliding(1000)), Period.sliding(1000).pipe(Jitter.between(0.8, 1.2))]
      ) {
        const given = yield* withDraws(0, 0.25, 0.5, 0.75)(delays(schedule, 5))
        assert.deepStrictEqual(given.map(Math.round), [800, 900, 1000, 1100, 800])
      }
    }))

  it.effect("jitter does not change the end", () =>
    Effect.gen(function*() {
      const list = Backoff.fromDelays(["1 second"])
      for (const schedule of [Schedule.jittered(list), list.pipe(Jitter.between(0.8, 1.2))]) {
        assert.deepStrictEqual((yield* withDraws(0.75)(delays(schedule, 5))).map(Math.round), [1100, 0])
      }
    }))

  const constants = {
    "sliding, as spaced": Period.sliding("1 second"),
    "nonSliding, as spaced": Period.nonSliding("1 second"),
    "ticker, as fixed": Period.ticker("1 second"),
    "ticker that skips, as windowed": Period.ticker("1 second", { missed: "skip" })
  }
  for (const [name, schedule] of Object.entries(constants)) {
    it.effect(`${name}: constant delays for runs of no length`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* delays(schedule, 5), [1000, 1000, 1000, 1000, 1000])
      }))
  }

  const boundaries = [
    {
      name: "runs of half an interval",
      theirs: Schedule.fixed,
      ours: Period.ticker,
      length: 500,
      given: [1000, 500, 500, 500, 500]
    },
    { name: "runs that overrun", theirs: Schedule.fixed, ours: Period.ticker, length: 1500, given: [1000, 0, 0, 0, 0] },
    {
      name: "runs that overrun, and skip",
      theirs: Schedule.windowed,
      ours: (interval: Duration.Input) => Period.ticker(interval, { missed: "skip" }),
      length: 1500,
      given: [1000, 500, 500, 500, 500]
    }
  ]
  for (const { given, length, name, ours, theirs } of boundaries) {
    it.effect(`a ticker gives ${name} the delays that Effect's own gives`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* delaysUnderSchedule(theirs("1 second"), length), given)
        assert.deepStrictEqual(yield* delaysUnderSchedule(ours("1 second"), length), given)
      }))
  }
})

describe("Effect.test.ts", () => {
  const counting = () => {
    let n = 0
    const count = Effect.sync(() => ++n)
    return { count, fail: Effect.flatMap(count, Effect.fail), runs: () => n }
  }
  const three = Period.sliding(0).pipe(Limit.attempts(4))

  it.effect("repeat is interruptible", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.repeat(Effect.void, Period.nonSliding(10)).pipe(
        Effect.timeoutOption(50),
        Effect.forkChild
      )
      yield* TestClock.adjust(50)
      assert.deepStrictEqual(yield* Fiber.join(fiber), Option.none())
    }))

  it.effect("repeat puts out what its schedule puts out", () =>
    Effect.gen(function*() {
      const { count, runs } = counting()
      assert.strictEqual(yield* Effect.repeat(count, three), 3)
      assert.strictEqual(runs(), 4)
    }))

  const conditions = {
    "until": { until: (n: number) => n === 3 },
    "until, as an effect": { until: (n: number) => Effect.succeed(n === 3) },
    "while": { while: (n: number) => n < 3 },
    "while, as an effect": { while: (n: number) => Effect.succeed(n < 3) },
    "times": { times: 2 }
  }
  for (const [name, options] of Object.entries<object>(conditions)) {
    for (const schedule of [three, Period.ticker("1 second")]) {
      it.effect(`repeat with ${name} ends after three runs, under ${schedule === three ? "sliding" : "ticker"}`, () =>
        Effect.gen(function*() {
          const { count, runs } = counting()
          const { exit } = yield* observe(Effect.repeat(count, { schedule, ...options }), "1 minute")
          assert.deepStrictEqual(exit, Exit.succeed(3))
          assert.strictEqual(runs(), 3)
        }))
      it.effect(`retry with ${name} ends after three runs, under ${schedule === three ? "sliding" : "ticker"}`, () =>
        Effect.gen(function*() {
          const { fail, runs } = counting()
          const exit: Exit.Exit<unknown, unknown> | undefined =
            (yield* observe(Effect.retry(fail, { schedule, ...options }), "1 minute")).exit
          assert.deepStrictEqual(exit, Exit.fail(3))
          assert.strictEqual(runs(), 3)
        }))
    }
  }

  const never = { until: { until: () => true }, while: { while: () => false } }
  for (const [name, options] of Object.entries<object>(never)) {
    it.effect(`repeat and retry run at least once, even if ${name} ends them at once`, () =>
      Effect.gen(function*() {
        const { count, fail, runs } = counting()
        yield* Effect.repeat(count, { schedule: three, ...options })
        assert.strictEqual(runs(), 1)
        assert.strictEqual(yield* Effect.flip(Effect.retry(fail, { schedule: three, ...options })), 2)
        assert.strictEqual(runs(), 2)
      }))
  }

  it.effect("retry does nothing on success", () =>
    Effect.gen(function*() {
      const { count, runs } = counting()
      yield* Effect.retry(count, Period.ticker("1 second"))
      assert.strictEqual(runs(), 1)
    }))

  it.effect("retry follows its schedule", () =>
    Effect.gen(function*() {
      const { fail, runs } = counting()
      assert.strictEqual(yield* Effect.flip(Effect.retry(fail, three)), 4)
      assert.strictEqual(runs(), 4)
    }))

  for (
    const [name, options] of Object.entries<object>({
      until: { until: () => Effect.fail("boom") },
      while: { while: () => Effect.fail("boom") }
    })
  ) {
    it.effect(`the error of ${name} ends a retry`, () =>
      Effect.gen(function*() {
        const { fail, runs } = counting()
        assert.deepStrictEqual<unknown>(
          yield* Effect.exit(Effect.retry(fail, { schedule: three, ...options })),
          Exit.fail("boom")
        )
        assert.strictEqual(runs(), 1)
      }))
  }

  const seeMetadata = (seen: Array<unknown>) =>
    Effect.gen(function*() {
      const { duration, ...metadata } = yield* Schedule.CurrentMetadata
      seen.push({ ...metadata, duration: Duration.toMillis(duration) })
      return yield* Effect.fail("again")
    })
  const first = {
    attempt: 0,
    input: undefined,
    output: undefined,
    duration: 0,
    start: 0,
    now: 0,
    elapsed: 0,
    elapsedSincePrevious: 0
  }

  it.effect("an attempt sees the metadata of the step before it", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      yield* observe(Effect.retry(seeMetadata(seen), Period.nonSliding("1 second").pipe(Limit.attempts(3))), "1 minute")
      const later = { input: "again", duration: 1000, start: 0 }
      assert.deepStrictEqual(seen, [
        first,
        { ...later, attempt: 1, output: 0, now: 0, elapsed: 0, elapsedSincePrevious: 0 },
        { ...later, attempt: 2, output: 1, now: 1000, elapsed: 1000, elapsedSincePrevious: 1000 }
      ])
    }))

  it.effect("an expression that cannot be parsed fails a repeat with the error of the calendar", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(
        Effect.repeat(Effect.void, Schedule.min([Period.sliding(0), Period.cron("no", utc)]))
      )
      assert.isTrue(Exit.isFailure(exit))
    }))

  it.effect("an attempt of a stream sees the metadata of the step before it", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const schedule = Backoff.exponential({ base: "1 second", cap: Infinity })
      yield* observe(Stream.runDrain(Stream.retry(Stream.fromEffect(seeMetadata(seen)), schedule)), "7 seconds")
      assert.deepStrictEqual(seen, [
        first,
        ...[[0, 0, 1000], [1000, 1000, 2000], [3000, 2000, 4000]].map(([now, elapsedSincePrevious, duration], i) => ({
          attempt: i + 1,
          input: "again",
          output: Duration.millis(duration!),
          duration,
          start: 0,
          now,
          elapsed: now,
          elapsedSincePrevious
        }))
      ])
    }))
})

describe("Stream.test.ts", () => {
  const everySecond = Stream.fromSchedule(Period.ticker("1 second").pipe(Schedule.map(({ attempt }) => attempt - 1)))

  /** What a stream puts out in so much time. */
  const collect = <A, E>(stream: Stream.Stream<A, E>, time: Duration.Input) =>
    Effect.gen(function*() {
      const seen: Array<A> = []
      const { exit } = yield* observe(Stream.runForEach(stream, (a) => Effect.sync(() => seen.push(a))), time)
      return { seen, exit }
    })

  it.effect("a shared stream restarts its schedule after its last subscriber has left", () =>
    Effect.gen(function*() {
      const shared = yield* Stream.share(everySecond, { capacity: 16 })
      for (let i = 0; i < 2; i++) {
        assert.deepStrictEqual((yield* collect(Stream.take(shared, 1), "1 second")).seen, [0])
      }
    }))

  it.effect("a shared stream continues its schedule for a subscriber who comes within its time to live", () =>
    Effect.gen(function*() {
      const shared = yield* Stream.share(everySecond, { capacity: 16, idleTimeToLive: "1 second" })
      for (let i = 0; i < 2; i++) {
        assert.deepStrictEqual((yield* collect(Stream.take(shared, 1), "1 second")).seen, [i])
      }
    }))

  it.effect("two subscribers share one schedule", () =>
    Effect.gen(function*() {
      const shared = yield* Stream.share(everySecond, { capacity: 16 })
      const results = yield* Effect.forEach([1, 2], (n) =>
        Effect.forkChild(Stream.runCollect(Stream.take(shared, n)), { startImmediately: true }))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.joinAll(results), [[0], [0, 1]])
    }))

  it.effect("the faster of two schedules wins a race, and a stream without delays beats both", () =>
    Effect.gen(function*() {
      const slow = Stream.fromSchedule(Period.sliding("2 seconds"))
      const race = Stream.take(Stream.raceAll(everySecond, slow), 5)
      assert.deepStrictEqual((yield* collect(race, "5 seconds")).seen, [0, 1, 2, 3, 4])
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.raceAll(everySecond, Stream.make(7, 8))), [7, 8])
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.raceAll(Stream.make(7, 8), everySecond)), [7, 8])
    }))

  it.effect("a schedule feeds a throttle", () =>
    Effect.gen(function*() {
      const throttled = Stream.fromSchedule(Period.sliding(100)).pipe(
        Stream.take(10),
        Stream.throttle({ cost: () => 1, units: 1, duration: "200 millis", strategy: "enforce" })
      )
      assert.deepStrictEqual((yield* collect(throttled, "1 second")).seen, [0, 2, 4, 6, 8])
    }))

  const flushes = {
    spaced: Schedule.spaced("1 second"),
    sliding: Period.sliding("1 second"),
    nonSliding: Period.nonSliding("1 second"),
    fixed: Schedule.fixed("1 second"),
    ticker: Period.ticker("1 second"),
    windowed: Schedule.windowed("1 second"),
    "ticker that skips": Period.ticker("1 second", { missed: "skip" })
  }
  const isGrid = (name: string) => !["spaced", "sliding", "nonSliding"].includes(name)
  for (const [name, schedule] of Object.entries(flushes)) {
    it.effect(`aggregateWithin with ${name} measures only the time that it aggregates`, () =>
      Effect.gen(function*() {
        const after = (time: number, value: string) => Stream.fromEffect(Effect.as(Effect.sleep(time), value))
        const grouped = after(0, "a").pipe(
          Stream.concat(after(400, "b")),
          Stream.concat(after(4600, "c")),
          Stream.concat(after(5000, "d")),
          Stream.concat(Stream.never),
          Stream.aggregateWithin(Sink.take(2), schedule),
          Stream.mapEffect((group) => Effect.map(Clock.currentTimeMillis, (now) => [group.join(""), now]))
        )
        const { seen } = yield* collect(grouped, "20 seconds")
        // The second group opens 400 ms after the first, by the time of the schedule.
        assert.deepStrictEqual(seen, [["ab", 400], ["c", isGrid(name) ? 5600 : 6000], ["d", 11_000]])
      }))
  }

  it.effect("aggregateWithin emits nothing while no element comes", () =>
    Effect.gen(function*() {
      for (const schedule of [Period.sliding(50), Period.ticker(50)]) {
        const { exit, seen } = yield* collect(Stream.aggregateWithin(Stream.never, Sink.take(25), schedule), "1 second")
        assert.deepStrictEqual(seen, [])
        assert.isUndefined(exit)
      }
    }))

  it.effect("aggregateWithin fails when its stream fails or its sink dies", () =>
    Effect.gen(function*() {
      const stream = Stream.make(1, 1, 1)
      const died = Stream.runCollect(
        Stream.aggregateWithin(stream, Sink.fromEffect(Effect.die("boom")), Period.sliding("30 minutes"))
      )
      assert.deepStrictEqual(yield* Effect.exit(died), Exit.die("boom"))
      const failed = Stream.runCollect(
        Stream.aggregateWithin(Stream.concat(stream, Stream.fail("boom")), Sink.take<number>(5), Period.sliding(0))
      )
      assert.deepStrictEqual(yield* Effect.exit(failed), Exit.fail("boom"))
    }))

  it.effect("aggregateWithin is interruptible while its schedule waits", () =>
    Effect.gen(function*() {
      let interrupted = 0
      const sink = Sink.fromEffect(Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)))
      yield* observe(Stream.runDrain(Stream.aggregateWithin(Stream.make(1), sink, Period.ticker("30 minutes"))), 0)
      assert.strictEqual(interrupted, 1)
    }))

  it.effect("repeat runs a stream again for each delay", () =>
    Effect.gen(function*() {
      const result = yield* Stream.runCollect(Stream.repeat(Stream.make(1), Period.sliding(0).pipe(Limit.attempts(5))))
      assert.deepStrictEqual(result, [1, 1, 1, 1, 1])
    }))

  it.effect("repeat stops when enough elements are taken", () =>
    Effect.gen(function*() {
      const starts = yield* startsOf(
        (work) => Stream.fromEffect(work).pipe(Stream.repeat(Period.ticker(10)), Stream.take(2), Stream.runDrain),
        50
      )
      assert.deepStrictEqual(starts, [0, 10])
    }))

  it.effect("repeat fails when a repetition does", () =>
    Effect.gen(function*() {
      let n = 0
      const work = Effect.suspend(() => n++ <= 2 ? Effect.succeed(n) : Effect.fail("boom"))
      const repeated = Stream.repeat(Stream.fromEffect(work), Period.sliding(0).pipe(Limit.attempts(4)))
      assert.deepStrictEqual(yield* Effect.exit(Stream.runDrain(repeated)), Exit.fail("boom"))
    }))

  for (
    const { n, result } of [
      { n: 6, result: ["A", "A", "B", "B", "C", "C"] },
      { n: 4, result: ["A", "A", "B", "B"] },
      { n: 3, result: ["A", "A", "B"] }
    ]
  ) {
    it.effect(`repeatElements restarts the schedule for each element; ${n} are taken`, () =>
      Effect.gen(function*() {
        const repeated = Stream.make("A", "B", "C").pipe(
          Stream.repeatElements(Period.ticker("1 second").pipe(Limit.attempts(2))),
          Stream.take(n)
        )
        assert.deepStrictEqual((yield* collect(repeated, "1 minute")).seen, result)
      }))
  }

  it.effect("retry releases the resources of a failed stream before it runs it again", () =>
    Effect.gen(function*() {
      let released = 0
      const stream = Stream.unwrap(Effect.as(
        Effect.addFinalizer(() => Effect.sync(() => released++)),
        Stream.concat(Stream.fromEffect(Effect.sync(() => released)), Stream.fail("again"))
      ))
      const retried = stream.pipe(Stream.retry(Period.sliding(0)), Stream.take(2), Stream.runCollect)
      assert.deepStrictEqual(yield* retried, [0, 1])
    }))

  const growing = Backoff.exponential({ base: "1 second", cap: Infinity })

  it.effect("retry follows its schedule", () =>
    Effect.gen(function*() {
      const starts = yield* startsOf(
        (work) => Stream.runDrain(Stream.retry(Stream.fromEffect(failing(work)), growing)),
        "3 seconds"
      )
      assert.deepStrictEqual(starts, [0, 1000, 3000])
    }))

  it.effect("retry restarts its schedule after an element", () =>
    Effect.gen(function*() {
      let attempt = 0
      const starts = yield* startsOf((work) =>
        Stream.fromEffect(work).pipe(
          Stream.flatMap(() => {
            attempt++
            return attempt === 3 || attempt === 5 ? Stream.succeed(attempt) : Stream.fail("again")
          }),
          Stream.forever,
          Stream.retry(growing),
          Stream.take(2),
          Stream.runDrain
        ), "1 minute")
      assert.deepStrictEqual(starts, [0, 1000, 3000, 3000, 4000])
    }))

  it.effect("schedule delays each element of a stream", () =>
    Effect.gen(function*() {
      const timed = Stream.range(1, 8).pipe(
        Stream.schedule(Period.ticker(100)),
        Stream.mapEffect((n) => Effect.map(Clock.currentTimeMillis, (now) => [n, now]))
      )
      const { exit, seen } = yield* collect(timed, 800)
      assert.deepStrictEqual(exit, Exit.void)
      assert.deepStrictEqual(seen, [[1, 100], [2, 200], [3, 300], [4, 400], [5, 500], [6, 600], [7, 700], [8, 800]])
    }))
})

describe("Pool.test.ts, Resource.test.ts, HttpClient.test.ts", () => {
  it.effect("a pool is asked again until it has an item", () =>
    Effect.gen(function*() {
      let made = 0
      const acquire = Effect.suspend(() => ++made <= 10 ? Effect.fail(made) : Effect.succeed(made))
      const pool = yield* Pool.make({ acquire, size: 10 })
      assert.strictEqual(yield* Effect.retry(Effect.scoped(Pool.get(pool)), Period.nonSliding(0)), 11)
    }))

  it.effect("a resource is refreshed by a schedule, and keeps its value when a refresh fails", () =>
    Effect.gen(function*() {
      const { ends, run, starts } = makeWork()
      const acquire = Effect.andThen(
        run,
        Effect.suspend(() => starts.length === 3 ? Effect.fail("no") : Effect.succeed(ends.length))
      )
      const resource = yield* Resource.auto(acquire, Period.ticker(4))
      const seen: Array<number> = []
      for (let i = 0; i < 5; i++) {
        seen.push(yield* Resource.get(resource))
        yield* TestClock.adjust(i === 0 ? 5 : 4)
      }
      assert.deepStrictEqual(seen, [1, 2, 2, 4, 5])
      assert.deepStrictEqual(starts, [0, 4, 8, 12, 16, 20])
    }))

  for (
    const { attempts, retryOn } of [
      { retryOn: "errors-and-responses", attempts: 3 },
      { retryOn: "errors-only", attempts: 1 }
    ] as const
  ) {
    it.effect(`retryTransient with ${retryOn} makes ${attempts} requests for a 503`, () =>
      Effect.gen(function*() {
        const schedule = Period.ticker("1 second").pipe(Limit.attempts(3))
        const starts = yield* startsOf((work) => {
          const client = HttpClient.make((request) =>
            Effect.as(work, HttpClientResponse.fromWeb(request, new Response(null, { status: 503 })))
          )
          return HttpClient.retryTransient(client, { retryOn, schedule }).get("http://localhost/")
        }, "1 minute")
        assert.deepStrictEqual(starts, [0, 1000, 2000].slice(0, attempts))
      }))
  }
})
