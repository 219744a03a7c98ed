import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Clock,
  Data,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  Latch,
  Logger,
  type Pull,
  Random,
  Schedule,
  Scheduler
} from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Poll } from "effect-wait"
import { TestClock } from "effect/testing"
import { leftBehind, makeWork, observe, startsOf } from "./support.ts"

class Flaky extends Data.TaggedError("Flaky")<{ readonly run: number }> {}

/** Work that takes no time and fails in these runs, counted from 1. */
const failingIn = (...failures: ReadonlyArray<number>) => {
  const starts: Array<number> = []
  const run = Effect.gen(function*() {
    starts.push(yield* Clock.currentTimeMillis)
    if (failures.includes(starts.length)) return yield* new Flaky({ run: starts.length })
    return starts.length
  })
  return { starts, run }
}

describe("Loop.run", () => {
  it.effect("ends with the schedule's last output when the schedule is done", () =>
    Effect.gen(function*() {
      const { exit } = yield* observe(
        Loop.run(Effect.void, Period.sliding("1 second").pipe(Limit.attempts(4))),
        "1 minute"
      )
      assert.deepStrictEqual(exit, Exit.succeed(3))
    }))

  it.effect("gives the schedule the value of each run", () =>
    Effect.gen(function*() {
      const inputs: Array<number> = []
      let n = 0
      const schedule = Period.sliding("1 second").pipe(
        Schedule.setInputType<number>(),
        Schedule.tap(({ input }) => Effect.sync(() => inputs.push(input)))
      )
      yield* observe(Loop.run(Effect.sync(() => ++n), schedule), "2500 millis")
      assert.deepStrictEqual(inputs, [1, 2, 3])
    }))

  it.effect("ends at the first failure, and passes it on", () =>
    Effect.gen(function*() {
      const { run, starts } = failingIn(3)
      const { endedAt, exit } = yield* observe(Loop.run(run, Period.sliding("1 second")), "1 minute")
      assert.deepStrictEqual(exit, Exit.fail(new Flaky({ run: 3 })))
      assert.deepStrictEqual(starts, [0, 1000, 2000])
      assert.strictEqual(endedAt, 2000)
    }))

  it.effect("waits for the initial delay, and counts from then on", () =>
    Effect.gen(function*() {
      const schedule = Period.ticker("1 second").pipe(Limit.within("2 seconds"))
      assert.deepStrictEqual(
        yield* startsOf(Loop.run(schedule, { initialDelay: "300 millis" }), "1 minute", 400),
        [300, 1300, 2300]
      )
    }))

  it.effect("runs schedules that are not ours at the same times as Effect.repeat", () =>
    Effect.gen(function*() {
      const schedules: ReadonlyArray<Schedule.Schedule<unknown>> = [
        Schedule.spaced("1 second"),
        Schedule.exponential("100 millis").pipe(Schedule.upTo({ times: 4 })),
        Schedule.concat(Schedule.recurs(2), Schedule.spaced("700 millis")),
        Schedule.fixed("1 second"),
        Period.nonSliding("1 second").pipe(Schedule.map(({ output }) => Effect.succeed(output)))
      ]
      for (const schedule of schedules) {
        const ours = yield* startsOf((work) => Loop.run(work, schedule), "5 seconds", 400)
        const effects = yield* startsOf((work) => Effect.repeat(work, schedule), "5 seconds", 400)
        const begin = effects[0]! - ours[0]!
        assert.deepStrictEqual(ours.map((start) => start + begin), effects)
      }
    }))

  it.effect("fails with the error of the schedule", () =>
    Effect.gen(function*() {
      const schedule = Period.sliding("1 second").pipe(
        Schedule.tap(({ attempt }) => attempt === 2 ? Effect.fail("broken schedule") : Effect.void)
      )
      const { endedAt, exit } = yield* observe(Loop.run(Effect.void, schedule), "1 minute")
      assert.deepStrictEqual(exit, Exit.fail("broken schedule"))
      assert.strictEqual(endedAt, 1000)
    }))
})

describe("Loop.run with backoff", () => {
  it.effect("follows the backoff while runs fail, and begins it afresh after a success", () =>
    Effect.gen(function*() {
      const { run, starts } = failingIn(2, 3, 4, 6)
      yield* observe(
        Loop.run(run, Period.sliding("10 seconds"), {
          backoff: Backoff.exponential({ base: "1 second", cap: "30 seconds" })
        }),
        "38 seconds"
      )
      assert.deepStrictEqual(starts, [0, 10_000, 11_000, 13_000, 17_000, 27_000, 28_000, 38_000])
    }))

  it.effect("follows a backoff that is not ours in the same way", () =>
    Effect.gen(function*() {
      const { run, starts } = failingIn(2, 3, 4, 6)
      yield* observe(
        Loop.run(run, Schedule.spaced("10 seconds"), { backoff: Schedule.exponential("1 second") }),
        "38 seconds"
      )
      assert.deepStrictEqual(starts, [0, 10_000, 11_000, 13_000, 17_000, 27_000, 28_000, 38_000])
    }))

  it.effect("does not count failed runs as attempts of the schedule", () =>
    Effect.gen(function*() {
      const { run, starts } = failingIn(1, 2)
      const { exit } = yield* observe(
        Loop.run(run, Period.sliding("10 seconds").pipe(Limit.attempts(2)), { backoff: Period.sliding("1 second") }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [0, 1000, 2000, 12_000])
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
    }))

  for (
    const { backoff, name } of [
      { name: "ours", backoff: Backoff.fromDelays(["1 second", "2 seconds"]) },
      { name: "not ours", backoff: Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 2 })) }
    ]
  ) {
    it.effect(`fails with the last error when the backoff is done (${name})`, () =>
      Effect.gen(function*() {
        const { run, starts } = failingIn(1, 2, 3)
        const { endedAt, exit } = yield* observe(Loop.run(run, Period.sliding("1 second"), { backoff }), "1 minute")
        assert.deepStrictEqual(starts, [0, 1000, 3000])
        assert.deepStrictEqual(exit, Exit.fail(new Flaky({ run: 3 })))
        assert.strictEqual(endedAt, 3000)
      }))
  }

  it.effect("ends at a defect", () =>
    Effect.gen(function*() {
      const { exit } = yield* observe(
        Loop.run(Effect.die("boom"), Period.sliding("1 second"), { backoff: Period.sliding("1 second") }),
        "1 minute"
      )
      assert.deepStrictEqual(exit, Exit.die("boom"))
    }))

  it.effect("a limit in time of the backoff counts from the start of the first failed run", () =>
    Effect.gen(function*() {
      const { run, starts } = failingIn(3, 4, 5, 6, 7)
      const { endedAt } = yield* observe(
        Loop.run(run, Period.sliding("10 seconds"), {
          backoff: Period.sliding("1 second").pipe(Limit.within("3 seconds"))
        }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [0, 10_000, 20_000, 21_000, 22_000, 23_000])
      assert.strictEqual(endedAt, 23_000)
    }))

  it.effect("ends at a defect that comes with an error", () =>
    Effect.gen(function*() {
      const cause = Cause.fromReasons([Cause.makeFailReason("error"), Cause.makeDieReason("boom")])
      const { endedAt, exit } = yield* observe(
        Loop.run(Effect.failCause(cause), Period.sliding("1 second"), { backoff: Period.sliding("1 second") }),
        "1 minute"
      )
      assert.isTrue(exit !== undefined && Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.strictEqual(endedAt, 0)
    }))

  it.effect("keeps the cadence and the limits of the schedule over a phase of failures", () =>
    Effect.gen(function*() {
      const { run, starts } = failingIn(2, 3)
      const schedule = Period.ticker("10 seconds").pipe(Limit.within("40 seconds"))
      const { endedAt } = yield* observe(Loop.run(run, schedule, { backoff: Period.sliding("1 second") }), "2 minutes")
      assert.deepStrictEqual(starts, [0, 10_000, 11_000, 12_000, 20_000, 30_000, 40_000])
      assert.strictEqual(endedAt, 40_000)
    }))
})

describe("Loop.run with stop", () => {
  const stops: ReadonlyArray<{ readonly name: string; readonly stop: Effect.Effect<unknown> }> = [
    { name: "a value", stop: Effect.void },
    { name: "an open latch", stop: Effect.suspend(() => Latch.makeUnsafe(true).await) },
    {
      name: "a deferred that is done",
      stop: Effect.suspend(() => {
        const deferred = Deferred.makeUnsafe<void>()
        Deferred.doneUnsafe(deferred, Effect.void)
        return Deferred.await(deferred)
      })
    },
    { name: "an aborted signal", stop: Effect.suspend(() => Loop.fromAbortSignal(AbortSignal.abort())) }
  ]
  for (const { name, stop } of stops) {
    it.effect(`starts no run when it has already stopped: ${name}`, () =>
      Effect.gen(function*() {
        const work = makeWork()
        const { endedAt, exit } = yield* observe(Loop.run(work.run, Period.sliding("1 second"), { stop }), "1 minute")
        assert.deepStrictEqual(work.starts, [])
        assert.deepStrictEqual(exit, Exit.succeed(undefined))
        assert.strictEqual(endedAt, 0)
      }))
  }

  for (
    const { name, schedule } of [
      { name: "ours", schedule: Period.sliding("1 second") },
      { name: "not ours", schedule: Schedule.spaced("1 second") }
    ]
  ) {
    it.effect(`ends a sleep at once (${name})`, () =>
      Effect.gen(function*() {
        const work = makeWork(0)
        const { endedAt, exit } = yield* observe(Loop.run(work.run, schedule, { stop: Effect.sleep(2300) }), "1 minute")
        assert.deepStrictEqual(work.starts, [0, 1000, 2000])
        assert.deepStrictEqual(exit, Exit.succeed(undefined))
        assert.strictEqual(endedAt, 2300)
      }))

    it.effect(`lets the run in flight finish, and starts no other (${name})`, () =>
      Effect.gen(function*() {
        const work = makeWork(900)
        const { endedAt } = yield* observe(Loop.run(work.run, schedule, { stop: Effect.sleep(2100) }), "1 minute")
        assert.deepStrictEqual(work.starts, [0, 1900])
        assert.deepStrictEqual(work.ends, [900, 2800])
        assert.strictEqual(endedAt, 2800)
      }))
  }

  it.effect("ends the initial delay", () =>
    Effect.gen(function*() {
      const work = makeWork(0)
      const { endedAt } = yield* observe(
        Loop.run(work.run, Period.sliding("1 second"), { initialDelay: "1 hour", stop: Effect.sleep(500) }),
        "1 minute"
      )
      assert.deepStrictEqual(work.starts, [])
      assert.strictEqual(endedAt, 500)
    }))

  it.effect("wins over a run at the same instant", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* startsOf(Loop.run(Period.sliding("1 second"), { stop: Effect.sleep(2000) }), "1 minute"),
        [0, 1000]
      )
    }))

  it.effect("is run once, and interrupted when the loop ends", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const stop = Effect.sync(() => events.push("begun")).pipe(
        Effect.andThen(Effect.never),
        Effect.onInterrupt(() => Effect.sync(() => events.push("interrupted")))
      )
      yield* observe(Loop.run(Effect.void, Period.sliding("1 second").pipe(Limit.attempts(5)), { stop }), "1 minute")
      assert.deepStrictEqual(events, ["begun", "interrupted"])
    }))

  it.effect("fails the loop with its own failure, at the next boundary", () =>
    Effect.gen(function*() {
      const stop = Effect.andThen(Effect.sleep(1200), Effect.fail("no stop"))
      const work = makeWork(500)
      const { endedAt, exit } = yield* observe(Loop.run(work.run, Period.sliding("600 millis"), { stop }), "1 minute")
      assert.deepStrictEqual(exit, Exit.fail("no stop"))
      assert.deepStrictEqual(work.ends, [500, 1600])
      assert.strictEqual(endedAt, 1600)
    }))

  it.effect("kills the loop with its defect", () =>
    Effect.gen(function*() {
      const stop = Effect.andThen(Effect.sleep(1200), Effect.die("broken stop"))
      const { endedAt, exit } = yield* observe(Loop.run(Effect.void, Period.sliding("1 second"), { stop }), "1 minute")
      assert.deepStrictEqual(exit, Exit.die("broken stop"))
      assert.strictEqual(endedAt, 1200)
    }))

  it.effect("ends an uninterruptible loop in its sleep", () =>
    Effect.gen(function*() {
      const loop = Effect.uninterruptible(
        Loop.run(Effect.void, Period.sliding("1 hour"), { stop: Effect.sleep(700) })
      )
      const { endedAt } = yield* observe(loop, "2 hours")
      assert.strictEqual(endedAt, 700)
    }))

  it.effect("ends a loop that never sleeps", () =>
    Effect.gen(function*() {
      let runs = 0
      const deferred = yield* Deferred.make<void>()
      const loop = yield* Effect.forkChild(
        Loop.run(Effect.sync(() => ++runs), Period.sliding(0), { stop: Deferred.await(deferred) })
      )
      while (runs < 10_000) yield* Effect.yieldNow
      yield* Deferred.succeed(deferred, undefined)
      const seen = runs
      yield* Fiber.await(loop)
      assert.strictEqual(runs, seen)
    }))

  // The loop yields after every few operations, and the stop comes at each of these points in turn.
  for (const ops of [5, 6, 7, 8, 2048]) {
    for (
      const { name, schedule } of [
        { name: "ours", schedule: Period.sliding("1 hour") },
        { name: "not ours", schedule: Schedule.spaced("1 hour") },
        { name: "without delay", schedule: Period.sliding(0) }
      ]
    ) {
      it.effect(`ends the loop at that instant, wherever it comes, yielding after ${ops} operations (${name})`, () =>
        Effect.gen(function*() {
          for (let turns = 0; turns < 40; turns++) {
            const told = yield* Deferred.make<void>()
            let stopped = false
            let late = 0
            const work = Effect.sync(() => {
              if (stopped) late++
            })
            const stop = Effect.andThen(
              Deferred.await(told),
              Effect.sync(() => {
                stopped = true
              })
            )
            const loop = yield* Loop.run(work, schedule, { stop }).pipe(
              Effect.provideService(Scheduler.MaxOpsBeforeYield, ops),
              Effect.forkChild
            )
            for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
            yield* Deferred.succeed(told, undefined)
            for (let turn = 0; turn < 400; turn++) yield* Effect.yieldNow
            assert.deepStrictEqual(loop.pollUnsafe(), Exit.succeed(undefined), `after ${turns} turns`)
            assert.strictEqual(late, 0)
          }
        }))
    }
  }

  it.effect("an abort during a long delay ends the loop at that instant, with no further attempt", () =>
    Effect.gen(function*() {
      const controller = new AbortController()
      const { run, starts } = failingIn(1)
      yield* Effect.forkChild(Effect.andThen(Effect.sleep(50), Effect.sync(() => controller.abort())))
      const { endedAt } = yield* observe(
        Loop.run(run, Period.sliding("1 second"), {
          backoff: Period.sliding("1 second"),
          stop: Loop.fromAbortSignal(controller.signal)
        }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [0])
      assert.strictEqual(endedAt, 50)
    }))
})

describe("Loop.run, interrupted", () => {
  for (const stop of [undefined, Effect.never]) {
    const name = stop === undefined ? "without a stop" : "with a stop"
    const loop = (work: Effect.Effect<void>) =>
      stop === undefined
        ? Loop.run(work, Period.sliding("1 second"))
        : Loop.run(work, Period.sliding("1 second"), { stop })

    it.effect(`cuts the sleep, ${name}`, () =>
      Effect.gen(function*() {
        const work = makeWork(0)
        const fiber = yield* Effect.forkChild(loop(work.run), { startImmediately: true })
        yield* TestClock.adjust(1500)
        yield* Fiber.interrupt(fiber)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(work.starts, [0, 1000])
      }))

    it.effect(`cuts the run in flight, ${name}`, () =>
      Effect.gen(function*() {
        const work = makeWork(700)
        const fiber = yield* Effect.forkChild(loop(work.run), { startImmediately: true })
        yield* TestClock.adjust(1900)
        const exit = yield* Effect.andThen(Fiber.interrupt(fiber), Fiber.await(fiber))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        assert.deepStrictEqual(work.ends, [700])
      }))
  }
})

describe("Loop.run over Effect's own calendar", () => {
  it.effect("tells it the wall clock's time", () =>
    Effect.gen(function*() {
      const hour = 3_600_000
      yield* TestClock.setTime(10.5 * hour)
      const work = makeWork("1 minute")
      yield* observe(Loop.run(work.run, Schedule.cron("0 * * * *", "UTC")), "3 hours")
      assert.deepStrictEqual(work.starts.map((start) => start / hour), [10.5, 11, 12, 13])
    }))
})

describe("Loop.run over a schedule that is not ours, with ours inside", () => {
  const wrapped = <A, E>(self: Schedule.Schedule<A, unknown, E>) => self.pipe(Schedule.tap(() => Effect.void))

  for (
    const { name, schedule, starts } of [
      { name: "within", schedule: Period.sliding(1000).pipe(Limit.within(3000)), starts: [0, 1500, 3000, 4500] },
      {
        name: "ticker",
        schedule: Period.ticker(10_000).pipe(Limit.attempts(3)),
        starts: [0, 1500, 3000, 4500, 10_000, 20_000]
      }
    ]
  ) {
    for (const [whose, self] of [["ours", schedule], ["wrapped", wrapped(schedule)]] as const) {
      it.effect(`begins with the first run, though the first runs fail: ${name}, ${whose}`, () =>
        Effect.gen(function*() {
          const { run, starts: seen } = failingIn(1, 2, 3)
          yield* observe(Loop.run(run, self, { backoff: Period.sliding(1500) }), "1 minute")
          assert.deepStrictEqual(seen, starts)
        }))
    }
  }

  it.effect("loops of the user's inside a step keep their own time", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      for (const inner of [Period.ticker("1 second"), Period.nonSliding("1 second")]) {
        const begun = clock.currentTimeMillisUnsafe()
        const reports: Array<number> = []
        const report = Effect.suspend(() => Effect.fail(reports.push(clock.currentTimeMillisUnsafe() - begun)))
        const schedule = Period.sliding("1 minute").pipe(
          Schedule.tap(() => Effect.ignore(Effect.retry(report, inner.pipe(Limit.within("3 seconds")))))
        )
        const work = makeWork(0)
        yield* observe(Loop.run(work.run, schedule), "2 minutes")
        assert.deepStrictEqual(work.starts.map((start) => start - begun), [0, 63_000])
        assert.deepStrictEqual(reports, [0, 1000, 2000, 3000, 63_000, 64_000, 65_000, 66_000])
      }
    }))

  it.effect("a reset inside begins with the run that lasted", () =>
    Effect.gen(function*() {
      const schedule = wrapped(Period.ticker("4 seconds")).pipe(Backoff.resetAfter("5 seconds"))
      for (const drive of [Loop.run(schedule), Effect.repeat(schedule)]) {
        const begun = yield* Clock.currentTimeMillis
        const starts = yield* startsOf((work) => drive(work), "24 seconds", 0, 0, 6000, 0)
        assert.deepStrictEqual(starts.map((start) => start - begun), [0, 4000, 8000, 14_000, 16_000, 20_000, 24_000])
      }
    }))

  it.effect("a stop cuts a schedule that takes long to begin", () =>
    Effect.gen(function*() {
      const slow = Schedule.fromStep(
        Effect.as(Effect.sleep("10 seconds"), () => Effect.succeed<[number, Duration.Duration]>([0, Duration.zero]))
      )
      const { endedAt } = yield* observe(Loop.run(Effect.void, slow, { stop: Effect.sleep(1000) }), "1 minute")
      assert.strictEqual(endedAt, 1000)
    }))
})

describe("Loop.run over a schedule that is not ours, to its end", () => {
  const ends: Record<string, Schedule.Schedule<unknown>> = {
    "whose end has an output of its own": Schedule.fromStep(Effect.sync(() => {
      let steps = 0
      return (): Pull.Pull<[string, Duration.Duration], never, string> =>
        steps++ < 2 ? Effect.succeed([`step ${steps}`, Duration.millis(1)]) : Cause.done("the end")
    })),
    "of Effect": Schedule.recurs(2),
    "of Effect, in a combinator of ours": Schedule.recurs(2).pipe(Jitter.full, Backoff.resetAfter("1 hour"))
  }
  for (const [name, schedule] of Object.entries(ends)) {
    it.effect(`has the output that Effect.repeat has: ${name}`, () =>
      Effect.gen(function*() {
        const loop = yield* observe(Loop.run(Effect.void, schedule), "1 minute")
        const repeated = yield* observe(Effect.repeat(Effect.void, schedule), "1 minute")
        assert.deepStrictEqual(loop.exit, repeated.exit)
        assert.isTrue(loop.exit !== undefined && Exit.isSuccess(loop.exit))
      }))
  }

  it.effect("which is the output of its end", () =>
    Effect.gen(function*() {
      const { exit } = yield* observe(Loop.run(Effect.void, ends["whose end has an output of its own"]!), "1 minute")
      assert.deepStrictEqual(exit, Exit.succeed("the end"))
    }))
})

describe("Loop.run over a schedule whose steps take time", () => {
  const slow = Schedule.fromStep(
    Effect.succeed(() =>
      Effect.as(Effect.onInterrupt(Effect.sleep("1 second"), () => Effect.sleep("300 millis")), [0, Duration.zero] as [
        number,
        Duration.Duration
      ])
    )
  )

  it.effect("waits for each step", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startsOf(Loop.run(slow), 3000, 400), [0, 1400, 2800])
    }))

  it.effect("an interrupt waits for the step that it cuts", () =>
    Effect.gen(function*() {
      for (const stop of [undefined, Effect.never]) {
        const loop = stop === undefined ? Loop.run(Effect.void, slow) : Loop.run(Effect.void, slow, { stop })
        const begun = yield* Clock.currentTimeMillis
        const fiber = yield* Effect.forkChild(loop, { startImmediately: true })
        yield* TestClock.adjust(500)
        let endedAt = 0
        yield* Effect.forkChild(Effect.andThen(
          Fiber.interrupt(fiber),
          Effect.map(Clock.currentTimeMillis, (now) => {
            endedAt = now - begun
          })
        ))
        yield* TestClock.adjust(1000)
        assert.strictEqual(endedAt, 800)
      }
    }))

  it.effect("a stop cuts the step", () =>
    Effect.gen(function*() {
      const { endedAt } = yield* observe(Loop.run(Effect.void, slow, { stop: Effect.sleep(2500) }), "1 minute")
      assert.strictEqual(endedAt, 2800)
    }))
})

describe("Loop.run leaves no timer and no fiber behind", () => {
  it.effect("after a schedule that throws before the first run", () =>
    Effect.gen(function*() {
      const broken = {
        nextDoubleUnsafe: () => {
          throw new Error("no random")
        },
        nextIntUnsafe: () => 0
      }
      const poll = Poll.until(Effect.succeed(true), Period.sliding(1).pipe(Jitter.full), {
        immediate: false,
        stop: Effect.never
      })
      const { fiber, left } = yield* leftBehind(Effect.provideService(poll, Random.Random, broken))
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepStrictEqual(left(), { fibers: 0, sleeps: 0 })
    }))

  const schedules = [
    { name: "ours", schedule: Period.sliding("1 second") },
    { name: "not ours", schedule: Schedule.spaced("1 second") }
  ]
  const ends = [
    { name: "after a stop in a sleep", work: 0, stop: Effect.sleep(2300) },
    { name: "after a stop in a run", work: 900, stop: Effect.sleep(2100) },
    { name: "after a stop that came before", work: 900, stop: Effect.void },
    { name: "after its schedule is done", work: 10, stop: Effect.never }
  ]
  for (const { name, stop, work } of ends) {
    for (const { name: whose, schedule } of schedules) {
      it.effect(`${name} (${whose})`, () =>
        Effect.gen(function*() {
          const loop = Loop.run(Effect.sleep(work), schedule.pipe(Limit.attempts(6)), { stop })
          const { fiber, left } = yield* leftBehind(loop)
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.succeed(stop === Effect.never ? 5 : undefined))
          assert.deepStrictEqual(left(), { fibers: 0, sleeps: 0 })
        }))
    }
  }

  for (const { at, name } of [{ name: "in a sleep", at: 1500 }, { name: "in a run", at: 300 }]) {
    for (const stop of [undefined, Effect.never]) {
      it.effect(`after an interrupt ${name}, ${stop === undefined ? "without" : "with"} a stop`, () =>
        Effect.gen(function*() {
          const work = Effect.sleep(500)
          const { fiber, left } = yield* leftBehind(
            stop === undefined
              ? Loop.run(work, Period.sliding("2 seconds"))
              : Loop.run(work, Period.sliding("2 seconds"), { stop })
          )
          yield* TestClock.adjust(at)
          assert.notDeepEqual(left(), { fibers: 0, sleeps: 0 })
          yield* Fiber.interrupt(fiber)
          assert.deepStrictEqual(left(), { fibers: 0, sleeps: 0 })
        }))
    }
  }
})

describe("Loop.survive", () => {
  const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      const lines: Array<string> = []
      const logger = Logger.make<unknown, void>(({ cause, logLevel, message }) => {
        lines.push(`${logLevel} ${String(message)} ${Cause.squash(cause)}`)
      })
      return Effect.map(Effect.provide(effect, Logger.layer([logger])), () => lines)
    })

  it.effect("goes on after failures, defects and runs that interrupt themselves, and logs each Cause", () =>
    Effect.gen(function*() {
      const outcomes = [Effect.fail("failure"), Effect.die("defect"), Effect.interrupt, Effect.succeed("fine")]
      const seen: Array<string | undefined> = []
      let run = 0
      const work = Effect.suspend(() => outcomes[run++]!).pipe(
        Loop.survive({
          onCause: (cause) => Effect.sync(() => seen.push(Cause.hasInterrupts(cause) ? "interrupt" : "failed"))
        })
      )
      const lines = yield* logged(
        observe(Loop.run(work, Period.sliding("1 second").pipe(Limit.attempts(4))), "1 minute")
      )
      assert.strictEqual(run, 4)
      assert.deepStrictEqual(seen, ["failed", "failed", "interrupt"])
      assert.deepStrictEqual(lines.map((line) => line.split(" ").slice(0, 5).join(" ")), [
        "Error A run failed; the",
        "Error A run failed; the",
        "Error A run failed; the"
      ])
    }))

  it.effect("gives the value of the run, and undefined for one that failed", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Loop.survive(Effect.succeed(1)), 1)
      assert.deepStrictEqual(
        (yield* logged(Effect.map(Loop.survive(Effect.fail("no")), (value) => assert.isUndefined(value)))).length,
        1
      )
    }))

  it.effect("ends when its own fiber is interrupted in an uninterruptible region", () =>
    Effect.gen(function*() {
      let runs = 0
      const work = Effect.interruptible(Effect.andThen(Effect.sync(() => runs++), Effect.sleep("1 second")))
      const lines = yield* logged(Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(
          Effect.uninterruptible(Loop.run(Loop.survive(work), Period.sliding(0).pipe(Limit.attempts(5)))),
          { startImmediately: true }
        )
        yield* TestClock.adjust(500)
        yield* Fiber.interrupt(fiber)
      }))
      assert.strictEqual(runs, 1)
      assert.deepStrictEqual(lines, [])
    }))

  it.effect("ends when its own fiber is interrupted, and logs nothing", () =>
    Effect.gen(function*() {
      const lines = yield* logged(Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(
          Loop.run(Loop.survive(Effect.sleep("1 hour")), Period.sliding(0)),
          { startImmediately: true }
        )
        yield* TestClock.adjust(10)
        const exit = yield* Effect.andThen(Fiber.interrupt(fiber), Fiber.await(fiber))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      }))
      assert.deepStrictEqual(lines, [])
    }))
})

describe("Loop.fromAbortSignal", () => {
  it.effect("completes when the signal is aborted, and leaves no listener behind", () =>
    Effect.gen(function*() {
      const controller = new AbortController()
      let listeners = 0
      const { signal } = controller
      const add = signal.addEventListener.bind(signal)
      const remove = signal.removeEventListener.bind(signal)
      signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args))
      signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args))
      const fiber = yield* Effect.forkChild(Loop.fromAbortSignal(signal), { startImmediately: true })
      assert.strictEqual(listeners, 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(listeners, 0)
      const again = yield* Effect.forkChild(Loop.fromAbortSignal(signal), { startImmediately: true })
      controller.abort()
      assert.deepStrictEqual(yield* Fiber.await(again), Exit.void)
    }))
})
