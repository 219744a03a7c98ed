/** Loops as a service runs them: a Scope for each run, failures that are seen, an end with grace, pauses, health. */
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Clock,
  Deferred,
  Duration,
  Effect,
  ErrorReporter,
  Exit,
  Fiber,
  Layer,
  Logger,
  Metric,
  Option,
  References,
  Schedule,
  Scope,
  Stream,
  Tracer
} from "effect"
import { Backoff, Limit, Loop, Period, Poll, Retry, type RetryExhausted } from "effect-wait"
import { TestClock } from "effect/testing"
import { makeWork } from "./support.ts"

const quiet = Effect.provide(Logger.layer([]))

/** Collects log entries: level, message and annotations. */
const logging = () => {
  const entries: Array<ReadonlyArray<unknown>> = []
  const causes: Array<Cause.Cause<unknown>> = []
  const logger = Logger.make(({ cause, fiber, logLevel, message }) => {
    causes.push(cause)
    entries.push([
      logLevel,
      ...(Array.isArray(message) ? message : [message]),
      fiber.getRef(References.CurrentLogAnnotations)
    ])
  })
  return { causes, entries, layer: Logger.layer([logger]) }
}

describe("the Scope of a run", () => {
  const ways: Record<string, Effect.Effect<void, string>> = {
    "succeeds": Effect.sleep(100),
    "fails": Effect.andThen(Effect.sleep(100), Effect.fail("no")),
    "dies": Effect.andThen(Effect.sleep(100), Effect.die("bug")),
    "interrupts itself": Effect.andThen(Effect.sleep(100), Effect.interrupt)
  }
  for (const [how, body] of Object.entries(ways)) {
    it.effect(`ends with the run that ${how}`, () =>
      Effect.gen(function*() {
        const log: Array<string> = []
        const note = (what: string) => Effect.map(Clock.currentTimeMillis, (now) => log.push(`${now} ${what}`))
        const work = Effect.andThen(Effect.acquireRelease(note("open"), () => note("closed")), body)
        yield* Loop.forkScoped(Loop.survive(work), Period.sliding("1 second"))
        yield* TestClock.adjust("1.5 seconds")
        assert.deepStrictEqual(log, ["0 open", "100 closed", "1100 open", "1200 closed"])
      }).pipe(quiet))
  }

  it.effect("ends when the run is interrupted, and when its grace is over", () =>
    Effect.gen(function*() {
      for (const [options, closedAt] of [[{}, 500], [{ grace: "2 seconds" }, 2500]] as const) {
        const scope = yield* Scope.make()
        const begun = yield* Clock.currentTimeMillis
        const log: Array<number> = []
        const close = Effect.map(Clock.currentTimeMillis, (now) => log.push(now - begun))
        const work = Effect.andThen(Effect.acquireRelease(Effect.void, () => close), Effect.never)
        yield* Loop.forkScoped(work, Period.sliding("1 second"), options).pipe(Scope.provide(scope))
        yield* TestClock.adjust(500)
        yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(log, [closedAt])
      }
    }))

  it.effect("is closed to what comes after the run", () =>
    Effect.gen(function*() {
      let late = "open"
      const work = Effect.flatMap(Effect.scope, (scope) =>
        Effect.forkDetach(Effect.delay(
          Scope.addFinalizer(scope, Effect.sync(() => late = "released")),
          "100 millis"
        )))
      yield* Loop.forkScoped(work, Period.sliding("1 hour"))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(late, "released")
    }))

  it.effect("is not there in Loop.run, as in Effect.repeat; Effect.scoped makes one", () =>
    Effect.gen(function*() {
      let open = 0
      const work = Effect.acquireRelease(Effect.sync(() => ++open), () => Effect.sync(() => --open))
      const three = Period.sliding(0).pipe(Limit.attempts(3))
      yield* Effect.scoped(Effect.andThen(Loop.run(work, three), Effect.sync(() => assert.strictEqual(open, 3))))
      yield* Loop.run(Effect.scoped(work), three)
      assert.strictEqual(open, 0)
    }))

  it.effect("has 0 resources open after 1,000 runs", () =>
    Effect.gen(function*() {
      let open = 0
      let most = 0
      const work = Effect.acquireRelease(
        Effect.sync(() => most = Math.max(most, ++open)),
        () => Effect.sync(() => open--)
      )
      yield* Loop.forkScoped(work, Period.ticker("1 second"))
      yield* TestClock.adjust("999 seconds")
      assert.deepStrictEqual([open, most], [0, 1])
    }))
})

describe("immediate: false", () => {
  it.effect("starts after the first delay", () =>
    Effect.gen(function*() {
      for (const initialDelay of [0, 300]) {
        const begun = yield* Clock.currentTimeMillis
        const work = makeWork(100)
        const loop = yield* Loop.forkScoped(work.run, Period.sliding("1 second"), { immediate: false, initialDelay })
        yield* TestClock.adjust("2.5 seconds")
        assert.deepStrictEqual(work.starts.map((start) => start - begun - initialDelay), [1000, 2100])
        yield* loop.interrupt
      }
    }))

  it.effect("gives the schedule undefined, and then the values", () =>
    Effect.gen(function*() {
      const inputs: Array<unknown> = []
      const schedule = Period.sliding("1 second").pipe(
        Schedule.setInputType<number | undefined>(),
        Schedule.tap(({ input }) => Effect.sync(() => inputs.push(input)))
      )
      yield* Effect.forkChild(Loop.run(Effect.succeed(7), schedule, { immediate: false }))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(inputs, [undefined, 7, 7])
    }))

  it.effect("three deploys within an hour: a daily calendar has its slots alone", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const work = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now))
      const hour = 3_600_000
      for (const until of [3 * hour, 3.3 * hour, 3.6 * hour, 30 * hour]) {
        const daily = Period.cron("0 4 * * *", { timeZone: "UTC" })
        const deploy = Effect.andThen(Loop.forkScoped(work, daily, { immediate: false }), TestClock.setTime(until))
        yield* Effect.scoped(deploy)
      }
      assert.deepStrictEqual(starts, [4 * hour, 28 * hour])
    }))
})

describe("onFailure", () => {
  const failing = (times: number) => {
    const starts: Array<number> = []
    const work = Effect.gen(function*() {
      starts.push(yield* Clock.currentTimeMillis)
      if (starts.length <= times) return yield* Effect.fail(`no ${starts.length}`)
    })
    return { starts, work }
  }

  it.effect("by default logs each failed run at Warn, with its delay and the name", () =>
    Effect.gen(function*() {
      const { causes, entries, layer } = logging()
      const { work } = failing(2)
      yield* Loop.forkScoped(work, Period.sliding("1 hour"), {
        name: "sync",
        backoff: Backoff.exponential({ base: "1.5 seconds", cap: "1 minute" })
      }).pipe(Effect.provide(layer))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(entries, [
        ["Warn", "A run failed; the next one starts in 1s 500ms", { loop: "sync" }],
        ["Warn", "A run failed; the next one starts in 3s", { loop: "sync" }]
      ])
      assert.deepStrictEqual(causes.map(Cause.squash), ["no 1", "no 2"])
    }))

  it.effect("gets the cause, the failures in a row and the delay, in Loop.run too", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const { starts, work } = failing(3)
      const loop = Loop.run(work, Period.sliding("1 hour"), {
        backoff: Backoff.exponential({ base: "1 second", cap: "1 minute" }),
        onFailure: ({ cause, delay, failures }) =>
          Effect.sync(() => seen.push([Cause.squash(cause), failures, Duration.toMillis(delay)]))
      })
      yield* Effect.forkChild(loop)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [0, 1000, 3000, 7000])
      assert.deepStrictEqual(seen, [["no 1", 1, 1000], ["no 2", 2, 2000], ["no 3", 3, 4000]])
    }))

  it.effect("counts as part of the delay, and one that takes longer is followed at once", () =>
    Effect.gen(function*() {
      const { starts, work } = failing(3)
      let hooks = 0
      yield* Loop.forkScoped(work, Period.sliding("1 hour"), {
        backoff: Period.sliding("1 second"),
        onFailure: () => Effect.suspend(() => Effect.sleep([400, 2500, 1000][hooks++] ?? 0))
      })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [0, 1000, 3500, 4500])
    }))

  it.effect("that overruns a limit in time ends the loop", () =>
    Effect.gen(function*() {
      const { starts, work } = failing(99)
      const loop = yield* Loop.forkScoped(work, Period.sliding("1 hour"), {
        backoff: Period.sliding("1 second").pipe(Limit.within("5 seconds")),
        onFailure: () => Effect.sleep("3 seconds")
      })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [0, 3000])
      assert.deepStrictEqual(yield* loop.await, Exit.fail("no 2"))
    }).pipe(quiet))

  it.effect("that fails ends the loop with its own error; a stop interrupts it", () =>
    Effect.gen(function*() {
      const backoff = Period.sliding("1 second")
      const failed = yield* Loop.forkScoped(failing(9).work, backoff, { backoff, onFailure: () => Effect.fail("hook") })
      assert.deepStrictEqual(yield* failed.await, Exit.fail("hook"))
      const hangs = yield* Loop.forkScoped(failing(9).work, backoff, { backoff, onFailure: () => Effect.never })
      yield* TestClock.adjust("1 hour")
      yield* hangs.stop
      assert.deepStrictEqual(yield* hangs.await, Exit.succeed(undefined))
    }).pipe(quiet))

  it.effect("has a Scope of its own", () =>
    Effect.gen(function*() {
      let open = 0
      const resource = Effect.acquireRelease(Effect.sync(() => ++open), () => Effect.sync(() => --open))
      const { work } = failing(99)
      yield* Loop.forkScoped(work, Period.sliding(1), { backoff: Period.sliding(1), onFailure: () => resource })
      yield* TestClock.adjust(50)
      assert.strictEqual(open, 0)
    }))

  it.effect("Effect.sandbox takes the loop through defects: the backoff and the hook see the Cause", () =>
    Effect.gen(function*() {
      const { entries, layer } = logging()
      const starts: Array<number> = []
      const work = Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => starts.push(now) < 3 ? Effect.die("bug") : Effect.void
      )
      const loop = yield* Loop.forkScoped(Effect.sandbox(work), Period.sliding("1 hour"), {
        backoff: Period.sliding("1 second")
      }).pipe(Effect.provide(layer))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [0, 1000, 2000])
      const { failures, lastCause } = yield* loop.status
      assert.deepStrictEqual([failures, Option.map(lastCause, Cause.squash)], [2, Option.some("bug")])
      assert.strictEqual(entries.length, 2)
    }))
})

describe("a failure that nobody waits for", () => {
  it.effect("is logged at References.UnhandledLogLevel, and not where that is undefined", () =>
    Effect.gen(function*() {
      for (const [level, expected] of [["Fatal", ["Fatal"]], [undefined, []]] as const) {
        const { entries, layer } = logging()
        const loop = Effect.flatMap(Loop.forkScoped(Effect.fail("no"), Period.sliding(1)), (loop) => loop.await)
        yield* Effect.scoped(loop).pipe(
          Effect.provideService(References.UnhandledLogLevel, level),
          Effect.provide(layer)
        )
        assert.deepStrictEqual(entries.map((entry) => entry[0]), [...expected])
      }
    }))

  const reporting = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
    const reports: Array<unknown> = []
    const reporter: ErrorReporter.ErrorReporter = {
      [ErrorReporter.TypeId]: ErrorReporter.TypeId,
      report: ({ cause }) => void reports.push(Cause.squash(cause))
    }
    yield* Effect.exit(effect).pipe(Effect.provide(ErrorReporter.layer([reporter])), quiet)
    return reports
  })
  const twice = Period.sliding(1).pipe(Limit.attempts(2))
  const inTurn = () => {
    let runs = 0
    return Effect.suspend(() => Effect.fail(`no ${++runs}`))
  }
  const cases: Record<string, readonly [() => Effect.Effect<unknown, unknown>, ReadonlyArray<unknown>]> = {
    "Loop.run": [() => Loop.run(inTurn(), twice), ["no 1"]],
    "Loop.run with a backoff": [() => Loop.run(inTurn(), twice, { backoff: twice }), ["no 1", "no 2"]],
    "Loop.run with a name": [() => Loop.run(inTurn(), twice, { name: "x", backoff: twice }), ["no 1", "no 2"]],
    "survive": [() => Loop.run(Loop.survive(inTurn()), twice, { name: "x" }), ["no 1", "no 2"]],
    "forkScoped": [
      () => Effect.scoped(Effect.flatMap(Loop.forkScoped(inTurn(), twice, { backoff: twice }), (loop) => loop.await)),
      ["no 1", "no 2"]
    ],
    "a defect behind Effect.sandbox": [
      () =>
        Effect.scoped(Effect.flatMap(
          Loop.forkScoped(Effect.sandbox(Effect.die("bug")), twice, { backoff: twice }),
          (loop) => loop.await
        )),
      ["bug", "bug"]
    ],
    "a stop that fails": [
      () =>
        Effect.scoped(Effect.flatMap(
          Loop.forkScoped(Effect.void, Period.sliding(5), { stop: Effect.delay(Effect.fail("stop"), 1) }),
          (loop) => loop.await
        )),
      ["stop"]
    ]
  }
  for (const [name, [make, expected]] of Object.entries(cases)) {
    it.live(`is reported once to the ErrorReporters: ${name}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* reporting(make()), [...expected])
      }))
  }

  it.effect("in the last run before a stop is logged", () =>
    Effect.gen(function*() {
      const { entries, layer } = logging()
      const work = Effect.andThen(Effect.sleep("1 second"), Effect.fail("no"))
      const loop = yield* Loop.forkScoped(work, Period.sliding(1), {
        backoff: Period.sliding(1),
        stop: Effect.sleep(500)
      })
        .pipe(Effect.provide(layer))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* loop.await, Exit.succeed(undefined))
      assert.deepStrictEqual(entries.map((entry) => entry.slice(0, 2)), [
        ["Warn", "The last run before the stop failed"]
      ])
    }))

  it.effect("is not logged again at a stop in the delay after it", () =>
    Effect.gen(function*() {
      const { entries, layer } = logging()
      const loop = yield* Loop.forkScoped(Effect.fail("no"), Period.sliding(1), { backoff: Period.sliding("1 minute") })
        .pipe(Effect.provide(layer))
      yield* TestClock.adjust("1 second")
      yield* loop.stop
      assert.deepStrictEqual(entries.map((entry) => entry.slice(0, 2)), [
        ["Warn", "A run failed; the next one starts in 1m"]
      ])
    }))
})

describe("grace", () => {
  const closing = Effect.fnUntraced(function*(
    runs: ReadonlyArray<Duration.Input>,
    grace: Duration.Input,
    others: Effect.Effect<unknown, never, Scope.Scope> = Effect.void
  ) {
    const scope = yield* Scope.make()
    const ends: Array<string> = []
    yield* Effect.forEach(runs, (run) => {
      const work = Effect.onExit(
        Effect.sleep(run),
        (exit) =>
          Effect.map(Clock.currentTimeMillis, (now) => ends.push(`${now} ${Exit.isSuccess(exit) ? "finished" : "cut"}`))
      )
      return Loop.forkScoped(work, Period.sliding("1 second"), { grace })
    }).pipe(Scope.provide(scope))
    yield* Scope.provide(others, scope)
    yield* TestClock.adjust("1 second")
    const fiber = yield* Effect.forkChild(
      Effect.andThen(Scope.close(scope, Exit.void), Clock.currentTimeMillis),
      { startImmediately: true }
    )
    yield* TestClock.adjust("10 minutes")
    return { ends, closedAt: yield* Fiber.join(fiber) }
  })

  it.effect.each(
    [
      { grace: "10 seconds", run: "3 seconds", ends: ["3000 finished"], closedAt: 3000 },
      { grace: "1 second", run: "3 seconds", ends: ["2000 cut"], closedAt: 2000 },
      { grace: 0, run: "3 seconds", ends: ["1000 cut"], closedAt: 1000 },
      { grace: Infinity, run: "5 minutes", ends: ["300000 finished"], closedAt: 300_000 }
    ] as const
  )("of $grace, during a run of $run: closed at $closedAt", ({ closedAt, ends, grace, run }) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* closing([run], grace), { ends: [...ends], closedAt })
    }))

  it.effect("ends ten loops of one Scope side by side", () =>
    Effect.gen(function*() {
      const runs = Array.from({ length: 10 }, () => "3 seconds" as const)
      const { closedAt, ends } = yield* closing(runs, "10 seconds")
      assert.deepStrictEqual([closedAt, ends], [3000, runs.map(() => "3000 finished")])
      const hanging = yield* Effect.provide(closing(runs.map(() => "1 hour" as const), "5 seconds"), TestClock.layer())
      assert.strictEqual(hanging.closedAt, 6000)
    }))

  it.effect("a loop without grace in the same Scope is interrupted at once, and starts no run meanwhile", () =>
    Effect.gen(function*() {
      const other = makeWork("100 millis")
      const { closedAt } = yield* closing(
        ["5 seconds"],
        "10 seconds",
        Loop.forkScoped(other.run, Period.ticker("300 millis"))
      )
      assert.strictEqual(closedAt, 5000)
      assert.deepStrictEqual(other.starts, [0, 300, 600, 900])
    }))

  it.effect("a Scope that is closed inside a run of the loop does not wait for it", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const loop = yield* Loop.forkScoped(
        Effect.uninterruptible(Scope.close(scope, Exit.void)),
        Period.sliding("1 second"),
        { grace: "1 hour" }
      ).pipe(Scope.provide(scope))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* loop.status).state, "ended")
      yield* loop.await
    }))

  it.effect("leaves no finalizer behind when the loop has ended", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const loop = yield* Loop.forkScoped(Effect.void, Period.sliding("1 second"), { grace: "1 hour" }).pipe(
        Scope.provide(scope)
      )
      yield* loop.stop
      assert.strictEqual(scope.state._tag, "Empty")
    }))
})

/** The starts of a loop that is paused at some times and resumed at others, and its missed slots. */
const pausing = Effect.fnUntraced(function*(
  schedule: Schedule.Schedule<unknown, unknown, unknown>,
  { backoff, commands, fails, until, work = makeWork(100) }: {
    readonly commands: ReadonlyArray<readonly [at: number, "pause" | "resume" | "trigger" | "stop"]>
    readonly until: number
    readonly work?: ReturnType<typeof makeWork>
    readonly backoff?: Schedule.Schedule<unknown>
    readonly fails?: (start: number) => boolean
  }
) {
  const run = Effect.flatMap(
    work.run,
    () => fails?.(work.starts.at(-1) ?? 0) === true ? Effect.fail("no") : Effect.void
  )
  const loop = yield* Loop.forkScoped(run, schedule, { backoff, immediate: true })
  for (const [at, command] of commands) {
    yield* TestClock.setTime(at)
    yield* command === "stop" ? Effect.forkChild(loop.stop, { startImmediately: true }) : loop[command]
  }
  yield* TestClock.setTime(until)
  return { starts: work.starts, missed: (yield* loop.status).missed }
})

describe("pause and resume", () => {
  const second = Period.sliding("1 second")
  const calendar = Period.cron("* * * * * *", { timeZone: "UTC" })
  // Runs take 100 ms. Paused from 1.5 to 4.2 s.
  const away = [[1500, "pause"], [4200, "resume"]] as const
  const table: Record<string, readonly [Schedule.Schedule<unknown, unknown, unknown>, ReadonlyArray<number>, number]> =
    {
      "sliding: the overdue run at once, and on from there": [second, [0, 1100, 4200, 5300], 0],
      "nonSliding: the overdue run at once, and on from there": [
        Period.nonSliding("1 second"),
        [0, 1000, 4200, 5200],
        0
      ],
      "fromStart: the overdue run at once": [Period.fromStart(second), [0, 1000, 4200, 5200], 0],
      "a ticker: its next slot; three are missed": [Period.ticker("1 second"), [0, 1000, 5000, 6000], 3],
      "a ticker that skips: the same": [Period.ticker("1 second", { missed: "skip" }), [0, 1000, 5000, 6000], 3],
      "cron: its next slot; three are missed": [calendar, [0, 1000, 5000, 6000], 3],
      "a schedule that is not ours: at once": [Schedule.spaced("1 second"), [0, 1100, 4200, 5300], 0],
      "a limit in time counts the pause": [second.pipe(Limit.within("4 seconds")), [0, 1100], 0],
      "a limit in runs does not": [Period.ticker("1 second").pipe(Limit.attempts(3)), [0, 1000, 5000], 3]
    }
  for (const [name, [schedule, starts, missed]] of Object.entries(table)) {
    it.effect(name, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* pausing(schedule, { commands: away, until: 6000 }), {
          starts: [...starts],
          missed
        })
      }))
  }

  it.effect("a pause that ends before the run is due changes nothing", () =>
    Effect.gen(function*() {
      const commands = [[1200, "pause"], [1900, "resume"]] as const
      for (const schedule of [Period.ticker("1 second"), Period.nonSliding("1 second"), calendar]) {
        const { missed, starts } = yield* Effect.provide(
          pausing(schedule, { commands, until: 3000 }),
          TestClock.layer()
        )
        assert.deepStrictEqual([starts, missed], [[0, 1000, 2000, 3000], 0])
      }
    }))

  it.effect("a backoff: the overdue run at once, and its delays go on where they were", () =>
    Effect.gen(function*() {
      const { starts } = yield* pausing(Period.ticker("1 second"), {
        backoff: Backoff.fromDelays(["1 second", "2 seconds", "4 seconds"]),
        fails: (start) => start < 6000,
        commands: [[500, "pause"], [3000, "resume"]],
        until: 12_000
      })
      assert.deepStrictEqual(starts, [0, 3000, 5100, 9200, 9300, 10_000, 11_000, 12_000])
    }).pipe(quiet))

  it.effect("a retry that was overdue leaves the slot that is to come", () =>
    Effect.gen(function*() {
      const { missed, starts } = yield* pausing(Period.ticker("1 second", { missed: "skip" }), {
        work: makeWork(0, 1600, 0),
        backoff: Period.sliding("100 millis"),
        fails: (start) => start === 0,
        commands: [[50, "pause"], [600, "resume"]],
        until: 4000
      })
      assert.deepStrictEqual([starts, missed], [[0, 600, 3000, 4000], 2])
    }).pipe(quiet))

  it.effect("a run in flight finishes; pause completes at once", () =>
    Effect.gen(function*() {
      const work = makeWork("3 seconds")
      const loop = yield* Loop.forkScoped(work.run, second)
      yield* TestClock.adjust("1 second")
      yield* loop.pause
      assert.strictEqual((yield* loop.status).state, "running")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([work.ends, (yield* loop.status).state], [[3000], "paused"])
      assert.isTrue(Option.isNone((yield* loop.status).nextStart))
    }))

  it.effect("a trigger runs once, and the loop stays paused", () =>
    Effect.gen(function*() {
      const commands = [[500, "pause"], [700, "trigger"], [2500, "trigger"], [3200, "resume"]] as const
      for (
        const [schedule, expected, slots] of [
          [second, [0, 700, 2500, 3600, 4700], 0],
          [Period.nonSliding("1 second"), [0, 700, 2500, 3500, 4500], 0],
          [Period.ticker("1 second", { missed: "skip" }), [0, 700, 2500, 4000, 5000], 2],
          [calendar, [0, 700, 2500, 4000, 5000], 2]
        ] as const
      ) {
        const { missed, starts } = yield* Effect.provide(
          pausing(schedule, { commands, until: 5000 }),
          TestClock.layer()
        )
        assert.deepStrictEqual([starts, missed], [[...expected], slots])
      }
    }))

  it.effect("runNow runs once as well, and gives the exit of that run", () =>
    Effect.gen(function*() {
      let runs = 0
      const loop = yield* Loop.forkScoped(Effect.sync(() => ++runs), second)
      yield* TestClock.adjust(500)
      yield* loop.pause
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* loop.runNow, Option.some(Exit.succeed(2)))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([runs, (yield* loop.status).state], [2, "paused"])
      yield* loop.resume
      yield* TestClock.adjust(0)
      assert.strictEqual(runs, 3)
    }))

  it.effect("before the first run: the schedule starts with the resume", () =>
    Effect.gen(function*() {
      for (const initialDelay of [0, 500]) {
        const begun = yield* Clock.currentTimeMillis
        const work = makeWork(100)
        const loop = yield* Loop.forkScoped(work.run, Period.ticker("1 second"), { initialDelay })
        yield* loop.pause
        yield* TestClock.adjust(2300)
        assert.strictEqual((yield* loop.status).state, "paused")
        yield* loop.resume
        yield* TestClock.adjust(2000)
        assert.deepStrictEqual(work.starts.map((start) => start - begun), [2300, 3300, 4300])
        yield* loop.interrupt
      }
    }))

  it.effect("a stop ends a paused loop at once; a trigger during the last run is ignored", () =>
    Effect.gen(function*() {
      const { starts } = yield* pausing(second, {
        work: makeWork(400),
        commands: [[1500, "stop"], [1600, "trigger"]],
        until: 9000
      })
      assert.deepStrictEqual(starts, [0, 1400])
      const paused = yield* Loop.forkScoped(Effect.void, second)
      yield* paused.pause
      yield* TestClock.adjust("1 minute")
      yield* paused.stop
      assert.deepStrictEqual(yield* paused.await, Exit.succeed(undefined))
    }))

  it.effect("is told by changes and metrics", () =>
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      const loop = yield* Loop.forkScoped(Effect.void, second, { name: "sync" }).pipe(
        Effect.provideService(Metric.MetricRegistry, registry)
      )
      yield* TestClock.adjust(500)
      const collected = yield* Effect.forkChild(Stream.runCollect(loop.changes), { startImmediately: true })
      const paused = Effect.map(
        Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry),
        (metrics) => metrics.flatMap(({ attributes, state }) => attributes?.["state"] === "paused" ? [state] : [])
      )
      yield* loop.pause
      assert.deepStrictEqual(yield* paused, [{ value: 1 }])
      yield* TestClock.adjust("1 minute")
      yield* loop.resume
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* paused, [{ value: 0 }])
      yield* loop.stop
      const states = (yield* Fiber.join(collected)).map(({ state }) => state)
      assert.deepStrictEqual(states.slice(0, 2), ["waiting", "paused"])
      assert.include(states.slice(2), "running")
    }))
})

describe("runNow", () => {
  it.effect("gives the exit of the run that it makes, a failed one too", () =>
    Effect.gen(function*() {
      let runs = 0
      const work = Effect.delay(Effect.suspend(() => ++runs === 2 ? Effect.fail("no") : Effect.succeed(runs)), 100)
      const loop = yield* Loop.forkScoped(work, Period.sliding("1 hour"), { backoff: Period.sliding("1 hour") })
      yield* TestClock.adjust("1 second")
      const now = Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(loop.runNow, { startImmediately: true })
        yield* TestClock.adjust(100)
        return yield* Fiber.join(fiber)
      })
      assert.deepStrictEqual(yield* now, Option.some(Exit.fail("no")))
      assert.deepStrictEqual(yield* now, Option.some(Exit.succeed(3)))
    }).pipe(quiet))

  it.effect("callers during a run share the next one", () =>
    Effect.gen(function*() {
      let runs = 0
      const work = Effect.delay(Effect.sync(() => ++runs), 100)
      const loop = yield* Loop.forkScoped(work, Period.sliding("1 hour"))
      yield* TestClock.adjust(50)
      const fibers = yield* Effect.all(
        [loop.runNow, loop.runNow].map((now) => Effect.forkChild(now, { startImmediately: true }))
      )
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), [
        Option.some(Exit.succeed(2)),
        Option.some(Exit.succeed(2))
      ])
      assert.strictEqual(runs, 2)
    }))

  it.effect("a caller during the run of an earlier caller has the run after it", () =>
    Effect.gen(function*() {
      let runs = 0
      const work = Effect.delay(Effect.sync(() => ++runs), 100)
      const loop = yield* Loop.forkScoped(work, Period.sliding("1 hour"))
      yield* TestClock.adjust("1 second")
      const earlier = yield* Effect.forkChild(loop.runNow, { startImmediately: true })
      yield* TestClock.adjust(50)
      const later = yield* Effect.forkChild(loop.runNow, { startImmediately: true })
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(yield* Fiber.join(earlier), Option.some(Exit.succeed(2)))
      assert.deepStrictEqual(yield* Fiber.join(later), Option.some(Exit.succeed(3)))
    }))

  it.effect("gives none when the loop ends first, was over, or is asked by its own run", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.sleep("1 second"), Period.sliding(1).pipe(Limit.attempts(1)))
      yield* TestClock.adjust(500)
      const during = yield* Effect.forkChild(loop.runNow, { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Fiber.join(during), Option.none())
      assert.deepStrictEqual(yield* loop.runNow, Option.none())
      const handle = yield* Deferred.make<Loop.Loop<number>>()
      const inside: Array<unknown> = []
      const own = yield* Loop.forkScoped(
        Effect.flatMap(Deferred.await(handle), (loop) => Effect.map(loop.runNow, (exit) => inside.push(exit))),
        Period.sliding("1 hour").pipe(Limit.attempts(2))
      )
      yield* Deferred.succeed(handle, own)
      yield* own.await
      assert.deepStrictEqual(inside, [Option.none(), Option.none()])
      const never = yield* Loop.forkScoped(Effect.void, Period.sliding(1))
      const early = yield* Effect.forkChild(never.runNow, { startImmediately: true })
      yield* never.interrupt
      assert.deepStrictEqual(yield* Fiber.join(early), Option.none())
    }))

  it.effect("gives none in a finalizer of its own run", () =>
    Effect.gen(function*() {
      const handle = yield* Deferred.make<Loop.Loop<number>>()
      const inside: Array<unknown> = []
      const ask = Effect.flatMap(
        Deferred.await(handle),
        (loop) => Effect.map(loop.runNow, (exit) => inside.push(exit))
      )
      const work = Effect.flatMap(Effect.scope, (scope) => Scope.addFinalizer(scope, ask))
      const loop = yield* Loop.forkScoped(work, Period.sliding("1 hour").pipe(Limit.attempts(2)))
      yield* Deferred.succeed(handle, loop)
      yield* loop.await
      assert.deepStrictEqual(inside, [Option.none(), Option.none()])
    }))

  it.effect("runs a paused loop", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.succeed("ran"), Period.sliding("1 second"))
      yield* TestClock.adjust(1)
      yield* loop.pause
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* loop.runNow, Option.some(Exit.succeed("ran")))
      const { runs, state } = yield* loop.status
      assert.deepStrictEqual([runs, state], [2, "paused"])
    }))
})

describe("history", () => {
  it.effect("has the last ended runs, the oldest first, and none by default", () =>
    Effect.gen(function*() {
      let runs = 0
      const work = Effect.delay(Effect.suspend(() => ++runs === 2 ? Effect.fail("no") : Effect.void), 100)
      const make = (history?: number) => Loop.forkScoped(Loop.survive(work), Period.nonSliding("1 second"), { history })
      const loop = yield* make(2)
      yield* TestClock.adjust("2.5 seconds")
      const history = (yield* loop.history).map(({ attempt, cause, end, start }) => ({
        attempt,
        start,
        end,
        cause: Option.map(cause, Cause.squash)
      }))
      assert.deepStrictEqual(history, [
        { attempt: 2, start: 1000, end: 1100, cause: Option.some("no") },
        { attempt: 3, start: 2000, end: 2100, cause: Option.none() }
      ])
      const none = yield* make()
      yield* TestClock.adjust("2.5 seconds")
      assert.deepStrictEqual(yield* none.history, [])
    }).pipe(quiet))
})

describe("health", () => {
  it.effect("lists the loops with a name until their Scope closes, by registry", () =>
    Effect.gen(function*() {
      const names = Effect.map(Loop.all, (loops) => loops.map(({ name }) => name))
      const scope = yield* Scope.make()
      yield* Effect.gen(function*() {
        const twin = { name: "twin" }
        const loops = [
          yield* Loop.forkScoped(Effect.void, Period.sliding(1).pipe(Limit.attempts(1)), twin),
          yield* Loop.forkScoped(Effect.void, Period.sliding(1), twin),
          yield* Loop.forkScoped(Effect.void, Period.sliding(1))
        ]
        assert.strictEqual(new Set(loops.map(({ id }) => id)).size, 3)
      }).pipe(Scope.provide(scope))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* names, ["twin", "twin"])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* names, [])
      const late = Loop.forkScoped(Effect.void, Period.sliding(1), { name: "late" })
      yield* Scope.provide(late, scope)
      assert.deepStrictEqual(yield* names, [])
    }).pipe(Effect.provideService(Loop.Registry, new Set())))

  it.effect("failed is unhealthy; completed, stopped and paused are healthy", () =>
    Effect.gen(function*() {
      const healthyWithin = "5 seconds"
      const every = Period.sliding("1 second")
      yield* Loop.forkScoped(Effect.void, every.pipe(Limit.attempts(1)), { name: "completed", healthyWithin })
      const stopped = yield* Loop.forkScoped(Effect.void, every, { name: "stopped", healthyWithin })
      const paused = yield* Loop.forkScoped(Effect.void, every, { name: "paused", healthyWithin })
      yield* Loop.forkScoped(Effect.never, every, { name: "hangs", healthyWithin })
      yield* Loop.forkScoped(Effect.void, Period.sliding("1 day"), { name: "daily" })
      yield* TestClock.adjust("2 seconds")
      yield* Effect.andThen(stopped.stop, paused.pause)
      assert.isTrue((yield* Loop.health).healthy)
      yield* TestClock.adjust("1 minute")
      const unhealthy = Effect.map(Loop.health, ({ healthy, loops }) => [
        healthy,
        ...loops.flatMap(({ healthy, name }) => healthy ? [] : [name])
      ])
      assert.deepStrictEqual(yield* unhealthy, [false, "hangs"])
      yield* Loop.forkScoped(Effect.fail("no"), every, { name: "failed" })
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* unhealthy, [false, "hangs", "failed"])
    }).pipe(Effect.provideService(Loop.Registry, new Set()), quiet))

  it.effect("a resume starts the time anew", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.void, Period.ticker("1 hour"), { healthyWithin: "90 minutes" })
      yield* TestClock.adjust("1 minute")
      yield* loop.pause
      yield* TestClock.adjust("1 day")
      yield* loop.resume
      assert.isTrue(yield* loop.isHealthy)
    }))
})

describe("Loop.layer", () => {
  it.effect("runs with the Layer, stops with grace, and can be piped", () =>
    Effect.gen(function*() {
      const work = makeWork("3 seconds")
      const Sync = work.run.pipe(Loop.layer(Period.sliding("1 second"), { name: "sync", grace: "1 minute" }))
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(Sync, scope)
      yield* TestClock.adjust("5 seconds")
      yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([work.starts, work.ends], [[0, 4000], [3000, 7000]])
    }))
})

describe("the trace of a run", () => {
  const traced = Effect.fnUntraced(function*(options: Loop.ForkOptions<never>) {
    const spans: Array<Tracer.Span> = []
    const roots: Array<string> = []
    const tracer = Tracer.make({
      span(options) {
        const span = new Tracer.NativeSpan(options)
        if (options.root) roots.push(options.name)
        spans.push(span)
        return span
      }
    })
    yield* Effect.gen(function*() {
      const work = Effect.withSpan(Effect.void, "inner")
      yield* Loop.forkScoped(work, Period.sliding("1 second"), options).pipe(Effect.withSpan("startup"))
      yield* TestClock.adjust("1 second")
    }).pipe(Effect.scoped, Effect.provideService(Tracer.Tracer, tracer))
    const nameOf = (id: string) => spans.find(({ spanId }) => spanId === id)?.name ?? null
    return {
      roots,
      traces: new Set(spans.map(({ traceId }) => traceId)).size,
      spans: spans.map(({ links, name, parent }) =>
        [name, Option.getOrNull(Option.map(parent, ({ spanId }) => nameOf(spanId)))].concat(
          links.map(({ span }) => nameOf(span.spanId) ?? null)
        )
      )
    }
  })

  it.effect("is its own, linked to where the loop was made", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* traced({ name: "sync" }), {
        roots: ["sync", "sync"],
        traces: 3,
        spans: [["startup", null], ["sync", null, "startup"], ["inner", "sync"], ["sync", null, "startup"], [
          "inner",
          "sync"
        ]]
      })
      assert.deepStrictEqual((yield* traced({})).spans, [["startup", null], ["inner", null], ["inner", null]])
    }))

  it.effect("is that of where the loop was made with root: false", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* traced({ name: "sync", root: false }), {
        roots: [],
        traces: 1,
        spans: [["startup", null], ["sync", "startup"], ["inner", "sync"], ["sync", "startup"], ["inner", "sync"]]
      })
    }))
})

describe("what can be served", () => {
  it.effect("is the first line of the last failure, without a stack", () =>
    Effect.gen(function*() {
      const failures: ReadonlyArray<readonly [unknown, string]> = [
        [new Error("first\nsecond\n    at /etc/passwd"), "first"],
        [new TypeError("no url"), "TypeError: no url"],
        ["text", "text"],
        [{ _tag: "Busy", code: 7 }, `{"_tag":"Busy","code":7}`]
      ]
      for (const [failure, line] of failures) {
        const loop = yield* Loop.forkScoped(Loop.survive(Effect.fail(failure)), Period.sliding("1 second"))
        yield* TestClock.adjust(0)
        assert.strictEqual(loop.toJSON().lastFailure, line)
      }
    }).pipe(quiet))

  it.live("has whole milliseconds, and the slot of a calendar", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.void, Period.cron("0 0 * * *", { timeZone: "UTC" }), {
        immediate: true
      })
      const other = yield* Loop.forkScoped(Effect.void, Period.sliding(3_600_000.25))
      const statuses = Effect.all([loop.status, other.status])
      yield* Poll.until(statuses, Period.sliding(1), { accept: (all) => all.every(({ runs }) => runs === 1) })
      for (let look = 0; look < 20; look++) {
        yield* Effect.sleep(3)
        const { lastStart, nextStart } = loop.toJSON()
        assert.strictEqual((nextStart ?? 1) % 86_400_000, 0)
        assert.isTrue(Number.isInteger(lastStart) && Number.isInteger(other.toJSON().nextStart))
      }
    }))
})

describe("effect_wait_give_ups_total", () => {
  it.effect("does not count an inner retry that left it to the outer one", () =>
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      const three = Period.sliding(0).pipe(Limit.attempts(3))
      const inner: Effect.Effect<never, RetryExhausted<string>> = Retry.run(Effect.fail("no"), three, {
        name: "inner",
        nested: "defer"
      })
      yield* Effect.exit(Retry.run(inner, three, { name: "outer" })).pipe(
        Effect.provideService(Metric.MetricRegistry, registry)
      )
      const metrics = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)
      const counted = metrics.flatMap(({ attributes, id, state }) =>
        id === "effect_wait_give_ups_total" && "count" in state && state.count > 0
          ? [[attributes?.["name"], attributes?.["reason"], state.count]]
          : []
      )
      assert.deepStrictEqual(counted, [["outer", "schedule", 1]])
    }))
})
