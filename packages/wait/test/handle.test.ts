/** Loops in a Scope, and their handles. */
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Clock,
  Deferred,
  Effect,
  Exit,
  Fiber,
  Logger,
  Option,
  References,
  Schedule,
  Scheduler,
  Scope,
  Stream
} from "effect"
import { Backoff, Limit, Loop, Period, Poll, Retry, RetryBudget } from "effect-wait"
import { TestClock } from "effect/testing"
import { leftBehind, makeWork, observe } from "./support.ts"

/** The fields of a status, without the Options around them. */
const plain = (status: Loop.Status) => ({
  ...status,
  lastStart: Option.getOrUndefined(status.lastStart),
  lastEnd: Option.getOrUndefined(status.lastEnd),
  lastSuccess: Option.getOrUndefined(status.lastSuccess),
  lastCause: Option.map(status.lastCause, Cause.squash).pipe(Option.getOrUndefined),
  nextStart: Option.getOrUndefined(status.nextStart),
  storeFailure: Option.getOrUndefined(status.storeFailure)
})

const fresh: ReturnType<typeof plain> = {
  state: "waiting",
  runs: 0,
  failures: 0,
  consecutiveFailures: 0,
  missed: 0,
  lastStart: undefined,
  lastEnd: undefined,
  lastSuccess: undefined,
  lastCause: undefined,
  nextStart: undefined,
  storeFailure: undefined
}

const quiet = Effect.provide(Logger.layer([]))

describe("Loop.forkScoped", () => {
  it.effect("runs in a fiber of its own, and can be piped", () =>
    Effect.gen(function*() {
      const work = makeWork(400)
      const loop = yield* work.run.pipe(Loop.forkScoped(Period.nonSliding("1 second")))
      assert.deepStrictEqual(work.starts, [])
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(work.starts, [0, 1000, 2000, 3000])
      assert.strictEqual((yield* loop.status).runs, 4)
    }))

  it.effect("takes the options of Loop.run", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const work = Effect.gen(function*() {
        starts.push(yield* Clock.currentTimeMillis)
        if (starts.length < 3) return yield* Effect.fail("not yet")
      })
      const loop = yield* Loop.forkScoped(work, Period.nonSliding("4 seconds"), {
        initialDelay: "500 millis",
        backoff: Backoff.exponential({ base: "1 second", cap: "1 minute" }),
        stop: Effect.sleep("10 seconds")
      })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [500, 1500, 3500, 7500])
      assert.deepStrictEqual(yield* loop.await, Exit.succeed(undefined))
    }))

  it.effect("closing the Scope interrupts all its loops, in a sleep and in a run", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const sleeping = yield* Loop.forkScoped(Effect.void, Period.sliding("1 hour")).pipe(Scope.provide(scope))
      const running = yield* Loop.forkScoped(Effect.never, Period.sliding("1 hour")).pipe(Scope.provide(scope))
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      for (const loop of [sleeping, running]) {
        const exit = yield* loop.await
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        assert.strictEqual((yield* loop.status).state, "ended")
        assert.strictEqual((yield* loop.status).failures, 0)
      }
    }))

  it.effect("in a Scope that is already closed ends at once, without a run", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      const work = makeWork()
      const loop = yield* Loop.forkScoped(work.run, Period.sliding("1 second")).pipe(Scope.provide(scope))
      yield* loop.await
      assert.deepStrictEqual(plain(yield* loop.status), { ...fresh, state: "ended" })
      assert.deepStrictEqual(yield* Stream.runCollect(loop.changes), [yield* loop.status])
      yield* loop.stop
      assert.deepStrictEqual(work.starts, [])
    }))

  it.effect("leaves no fiber, no sleep and no finalizer behind when a loop has ended", () =>
    Effect.gen(function*() {
      const { fiber, left } = yield* leftBehind(Effect.scoped(Effect.gen(function*() {
        const scope = yield* Effect.scope
        const loops = yield* Effect.forEach([Period.sliding("1 second"), Schedule.spaced("1 second")], (schedule) =>
          Loop.forkScoped(Effect.void, schedule))
        yield* Effect.sleep("2.5 seconds")
        yield* Effect.forEach(loops, (loop) =>
          loop.trigger)
        yield* Effect.sleep("1 millis")
        yield* Effect.forEach(loops, (loop) => loop.stop)
        return scope.state._tag
      })))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(fiber), "Empty")
      assert.deepStrictEqual(left(), { fibers: 0, sleeps: 0 })
    }))
})

describe("stop", () => {
  it.effect("ends a sleep at once", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.void, Period.sliding("1 hour"))
      yield* TestClock.adjust("1 second")
      yield* loop.stop
      assert.deepStrictEqual(yield* loop.await, Exit.succeed(undefined))
      assert.strictEqual(yield* Clock.currentTimeMillis, 1000)
    }))

  it.effect("completes when the run in flight has finished, and starts no other", () =>
    Effect.gen(function*() {
      const work = makeWork("10 seconds")
      const loop = yield* Loop.forkScoped(work.run, Period.sliding("1 second"))
      yield* TestClock.adjust("1 second")
      const stopping = yield* Effect.forkChild(loop.stop, { startImmediately: true })
      yield* TestClock.adjust("8 seconds")
      assert.isUndefined(stopping.pollUnsafe())
      assert.strictEqual((yield* loop.status).state, "running")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(stopping.pollUnsafe(), Exit.void)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([work.starts, work.ends], [[0], [10_000]])
    }))

  it.effect("before the loop began, starts no run", () =>
    Effect.gen(function*() {
      const work = makeWork()
      const loop = yield* Loop.forkScoped(work.run, Period.sliding("1 second"))
      yield* loop.stop
      assert.deepStrictEqual(work.starts, [])
      assert.deepStrictEqual(yield* loop.await, Exit.succeed(undefined))
    }))

  const attempts = Period.sliding("1 second").pipe(Limit.attempts(1))
  const insides: Record<string, (stop: Effect.Effect<void>) => Effect.Effect<unknown, unknown, Scope.Scope>> = {
    "its own run": (stop) => stop,
    "a finalizer of its own run": (stop) => Effect.flatMap(Effect.scope, (scope) => Scope.addFinalizer(scope, stop)),
    "a child of its own run": (stop) => Effect.timeout(stop, "1 minute"),
    "a retry in its own run": (stop) => Retry.run(stop, attempts, { name: "call" }),
    "a retry with a budget": (stop) =>
      Effect.provide(Retry.run(stop, attempts, { budget: "call" }), RetryBudget.layerThrottling()),
    "a poll in its own run": (stop) => Poll.until(Effect.as(stop, true), attempts, { name: "poll" }),
    "a loop in its own run": (stop) => Loop.run(stop, attempts),
    "a loop with a handle in its own run": (stop) =>
      Effect.scoped(Effect.flatMap(Loop.forkScoped(stop, attempts), (inner) => inner.await)),
    "what survives in its own run": (stop) => Loop.survive(Effect.die("bug"), { onCause: () => stop })
  }
  for (const [where, inside] of Object.entries(insides)) {
    it.effect(`does not wait in ${where}`, () =>
      Effect.gen(function*() {
        const handle = yield* Deferred.make<Loop.Loop<number>>()
        const work = Effect.flatMap(Deferred.await(handle), (loop) => Effect.ignore(inside(loop.stop)))
        const loop = yield* Loop.forkScoped(work, Period.sliding("1 second"))
        yield* Deferred.succeed(handle, loop)
        assert.deepStrictEqual(yield* loop.await, Exit.succeed(undefined))
        assert.strictEqual((yield* loop.status).runs, 1)
      }).pipe(quiet))
  }

  const steps: Record<string, (stop: Effect.Effect<void>) => Effect.Effect<void>> = {
    "at once": (stop) => stop,
    "and then takes long": (stop) => Effect.andThen(stop, Effect.sleep("10 minutes")),
    "after a while": (stop) => Effect.andThen(Effect.sleep(1), Effect.andThen(stop, Effect.sleep("10 minutes")))
  }
  for (const [when, step] of Object.entries(steps)) {
    it.effect(`is noticed when a step of the schedule tells it ${when}`, () =>
      Effect.gen(function*() {
        const stop = yield* Deferred.make<void>()
        const schedule = Schedule.tap(Schedule.spaced("1 second"), () =>
          step(Effect.asVoid(Deferred.succeed(stop, undefined))))
        const loop = yield* Loop.forkScoped(Effect.void, schedule, { stop: Deferred.await(stop) })
        yield* TestClock.adjust(1)
        assert.strictEqual((yield* loop.status).state, "ended")
      }))
  }

  it.effect("does not hide that the stop option has failed", () =>
    Effect.gen(function*() {
      for (const order of [[1, 2], [2, 1]] as const) {
        const stop = Effect.andThen(Effect.sleep(`${order[0]} seconds`), Effect.die("bug"))
        const loop = yield* Loop.forkScoped(makeWork("10 seconds").run, Period.sliding("1 second"), { stop })
        yield* Effect.forkChild(Effect.delay(loop.stop, `${order[1]} seconds`))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* loop.await, Exit.die("bug"))
      }
    }).pipe(quiet))

  it.effect("a second time, and after the end, does nothing", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.succeed("done"), Period.sliding("1 second").pipe(Limit.attempts(2)))
      yield* TestClock.adjust("1 second")
      yield* Effect.andThen(loop.stop, loop.stop)
      assert.deepStrictEqual(yield* loop.await, Exit.succeed(1))
    }))
})

describe("interrupt", () => {
  it.effect("cuts the run in flight, and completes when the loop has ended", () =>
    Effect.gen(function*() {
      let cleanedUp = false
      const work = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          cleanedUp = true
        }))
      const loop = yield* Loop.forkScoped(work, Period.sliding("1 second"))
      yield* TestClock.adjust(1)
      yield* loop.interrupt
      assert.isTrue(cleanedUp)
      assert.deepStrictEqual(plain(yield* loop.status), {
        ...fresh,
        state: "ended",
        runs: 1,
        lastStart: 0,
        lastEnd: 1
      })
    }))
})

describe("await", () => {
  const exits: ReadonlyArray<
    readonly [string, Effect.Effect<number, string>, Schedule.Schedule<number>, Exit.Exit<unknown, unknown>]
  > = [
    ["the last output of the schedule", Effect.succeed(7), Period.sliding(0).pipe(Limit.attempts(3)), Exit.succeed(2)],
    ["the error of a run", Effect.fail("boom"), Period.sliding(0), Exit.fail("boom")],
    ["the defect of a run", Effect.die("boom"), Period.sliding(0), Exit.die("boom")]
  ]
  for (const [name, work, schedule, exit] of exits) {
    it.effect(`tells ${name}`, () =>
      Effect.gen(function*() {
        const loop = yield* Loop.forkScoped(work, schedule)
        assert.deepStrictEqual(yield* loop.await, exit)
      }))
  }
})

describe("trigger", () => {
  // Runs take 100 ms. Triggered at 2350 ms in a sleep, and twice during the run that comes then.
  const slots = [0, 1000, 2000, 2350, 2450, 3000, 4000, 5000]
  const anew = [0, 1000, 2000, 2350, 2450, 3450, 4450]
  const anewFromTheEnd = [0, 1100, 2200, 2350, 2450, 3550, 4650]
  const cadences: Record<string, readonly [Schedule.Schedule<unknown, unknown, unknown>, ReadonlyArray<number>]> = {
    "a sliding period begins anew": [Period.sliding("1 second"), anewFromTheEnd],
    "a non-sliding period begins anew": [Period.nonSliding("1 second"), anew],
    "delays from the start begin anew": [Period.fromStart(Period.sliding("1 second")), anew],
    "the slots of a ticker stay": [Period.ticker("1 second"), slots],
    "the slots of a ticker that skips stay": [Period.ticker("1 second", { missed: "skip" }), slots],
    "the slots of a calendar stay": [Period.cron("* * * * * *", { timeZone: "UTC" }), slots],
    "a schedule that is not ours is asked as after any run": [Schedule.spaced("1 second"), anewFromTheEnd],
    "the slots stay inside a schedule that is not ours": [
      Schedule.tap(Period.ticker("1 second"), () => Effect.void),
      slots
    ],
    "triggered runs count as attempts": [Period.ticker("1 second").pipe(Limit.attempts(6)), slots.slice(0, 6)]
  }
  for (const [name, [schedule, starts]] of Object.entries(cadences)) {
    it.effect(`runs now, and during a run once more after it; ${name}`, () =>
      Effect.gen(function*() {
        const work = makeWork(100)
        const loop = yield* Loop.forkScoped(work.run, schedule, { immediate: true })
        yield* TestClock.adjust(2350)
        yield* loop.trigger
        yield* TestClock.adjust(50)
        yield* Effect.andThen(loop.trigger, loop.trigger)
        yield* TestClock.adjust(2600)
        assert.deepStrictEqual(work.starts, [...starts])
        assert.strictEqual((yield* loop.status).missed, 0)
      }))
  }

  it.effect("a slot that comes during the triggered run is served late, once", () =>
    Effect.gen(function*() {
      for (const [missed, starts, slots] of [["one", [0, 900, 1200, 2000], 0], ["skip", [0, 900, 2000], 1]] as const) {
        const work = makeWork(0, 300, 0)
        const began = yield* Clock.currentTimeMillis
        const loop = yield* Loop.forkScoped(work.run, Period.ticker("1 second", { missed }))
        yield* TestClock.adjust(900)
        yield* loop.trigger
        yield* TestClock.adjust(1200)
        assert.deepStrictEqual(work.starts.map((start) => start - began), [...starts])
        assert.strictEqual((yield* loop.status).missed, slots)
      }
    }))

  it.effect("within 2 ms before a slot it is taken for a timer that woke early", () =>
    Effect.gen(function*() {
      const work = makeWork(0)
      const loop = yield* Loop.forkScoped(work.run, Period.ticker("1 second"))
      yield* TestClock.adjust(998)
      yield* loop.trigger
      yield* TestClock.adjust(1002)
      assert.deepStrictEqual(work.starts, [0, 998, 2000])
    }))

  it.effect("ends the initial delay", () =>
    Effect.gen(function*() {
      const work = makeWork(0)
      const loop = yield* Loop.forkScoped(work.run, Period.ticker("1 second"), { initialDelay: "1 hour" })
      yield* TestClock.adjust(300)
      yield* loop.trigger
      yield* TestClock.adjust(2000)
      assert.deepStrictEqual(work.starts, [300, 1300, 2300])
    }))

  it.effect("ends the delay of the backoff, which goes on where it was; the slots of the schedule stay", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const work = Effect.gen(function*() {
        starts.push(yield* Clock.currentTimeMillis)
        if (starts.length > 1 && starts.length < 5) return yield* Effect.fail("no")
      })
      const backoff = Backoff.fromDelays(["200 millis", "400 millis", "800 millis"])
      const loop = yield* Loop.forkScoped(work, Period.ticker("1 second"), { backoff })
      yield* TestClock.adjust(500)
      yield* loop.trigger // fails: 500, 700
      yield* TestClock.adjust(300)
      yield* loop.trigger // fails: 800; the next one is at 1600, and serves the slot at 1000
      yield* TestClock.adjust(2200)
      assert.deepStrictEqual(starts, [0, 500, 700, 800, 1600, 2000, 3000])
      assert.deepStrictEqual(plain(yield* loop.status), {
        ...fresh,
        runs: 7,
        failures: 3,
        lastStart: 3000,
        lastEnd: 3000,
        lastSuccess: 3000,
        lastCause: "no",
        nextStart: 4000
      })
    }))

  it.effect("before the loop began and after its end does nothing", () =>
    Effect.gen(function*() {
      const work = makeWork(0)
      const loop = yield* Loop.forkScoped(work.run, Period.sliding("1 second").pipe(Limit.attempts(2)))
      yield* loop.trigger
      yield* TestClock.adjust("1 second")
      yield* loop.trigger
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(work.starts, [0, 1000])
    }))

  it.effect("during the last run of a schedule does not make another one", () =>
    Effect.gen(function*() {
      const work = makeWork(100)
      const loop = yield* Loop.forkScoped(work.run, Period.sliding("1 second").pipe(Limit.attempts(1)))
      yield* TestClock.adjust(50)
      yield* loop.trigger
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(work.starts, [0])
      assert.deepStrictEqual(yield* loop.await, Exit.succeed(0))
    }))

  it.effect("while a schedule makes up its mind is remembered", () =>
    Effect.gen(function*() {
      const work = makeWork(0)
      const slow = Schedule.tap(Schedule.spaced("1 hour"), () => Effect.sleep(500))
      const loop = yield* Loop.forkScoped(work.run, slow)
      yield* TestClock.adjust(100)
      yield* loop.trigger
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(work.starts, [0, 500])
    }))

  it.effect("loses against a stop", () =>
    Effect.gen(function*() {
      const work = makeWork(100)
      const loop = yield* Loop.forkScoped(work.run, Period.sliding("1 second"))
      yield* TestClock.adjust(50)
      yield* loop.trigger
      yield* Effect.forkChild(loop.stop, { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(work.starts, [0])
    }))
})

describe("status", () => {
  it.effect("tells what the loop does, at each point of its life", () =>
    Effect.gen(function*() {
      let run = 0
      const work = Effect.suspend(() =>
        Effect.andThen(Effect.sleep(300), ++run === 2 ? Effect.fail("no") : Effect.void)
      )
      const loop = yield* Loop.forkScoped(work, Period.nonSliding("1 second"), {
        initialDelay: "200 millis",
        backoff: Backoff.fromDelays(["100 millis"]),
        stop: Effect.sleep("2.2 seconds")
      })
      const seen = [plain(yield* loop.status)]
      for (const at of [0, 200, 500, 1200, 1500, 1600, 1900, 3000]) {
        yield* TestClock.setTime(at)
        seen.push(plain(yield* loop.status))
      }
      const once = { ...fresh, runs: 1, lastStart: 200 }
      const twice = { ...once, runs: 2, lastStart: 1200, lastEnd: 500, lastSuccess: 500 }
      const failed = { ...twice, failures: 1, consecutiveFailures: 1, lastEnd: 1500, lastCause: "no" }
      const again = { ...failed, runs: 3, lastStart: 1600 }
      const succeeded = { ...again, consecutiveFailures: 0, lastEnd: 1900, lastSuccess: 1900 }
      assert.deepStrictEqual(seen, [
        fresh,
        { ...fresh, nextStart: 200 },
        { ...once, state: "running" },
        { ...once, lastEnd: 500, lastSuccess: 500, nextStart: 1200 },
        { ...twice, state: "running" },
        { ...failed, nextStart: 1600 },
        { ...again, state: "running" },
        { ...succeeded, nextStart: 2600 },
        { ...succeeded, state: "ended" }
      ])
    }))

  it.effect("counts what Loop.survive caught, with its Cause", () =>
    Effect.gen(function*() {
      let run = 0
      const work = Effect.suspend(() => ++run === 3 ? Effect.void : run === 2 ? Effect.die("bug") : Effect.fail("no"))
      const loop = yield* Loop.forkScoped(Loop.survive(work), Period.sliding("1 second"))
      const seen: Array<unknown> = []
      for (const at of [0, 1000, 2000, 3000]) {
        yield* TestClock.setTime(at)
        const { consecutiveFailures, failures, lastCause, runs } = plain(yield* loop.status)
        seen.push([runs, failures, consecutiveFailures, lastCause])
      }
      assert.deepStrictEqual(seen, [[1, 1, 1, "no"], [2, 2, 2, "bug"], [3, 2, 0, "bug"], [4, 3, 1, "no"]])
    }).pipe(quiet))

  it.effect("counts a run once in which Loop.survive caught several failures", () =>
    Effect.gen(function*() {
      const work = Effect.all([Loop.survive(Effect.fail("a")), Loop.survive(Effect.fail("b"))])
      const loop = yield* Loop.forkScoped(work, Period.sliding("1 second"))
      yield* TestClock.adjust(1)
      const { failures, lastCause } = plain(yield* loop.status)
      assert.deepStrictEqual([failures, lastCause], [1, "b"])
    }).pipe(quiet))

  it.effect("counts what Loop.survive caught in a retry or a poll inside a run", () =>
    Effect.gen(function*() {
      const failing = Loop.survive(Effect.fail("no"))
      const attempts = Period.sliding(0).pipe(Limit.attempts(1))
      const ways = [
        Retry.run(failing, attempts),
        Retry.run(failing, attempts, { name: "call" }),
        Retry.run(failing, attempts, { budget: "call" }).pipe(Effect.provide(RetryBudget.layerThrottling())),
        Effect.ignore(Poll.until(Effect.as(failing, false), attempts, { name: "poll" }))
      ]
      for (const way of ways) {
        const loop = yield* Loop.forkScoped(way, Period.sliding("1 second"))
        yield* TestClock.adjust(1)
        assert.strictEqual((yield* loop.status).failures, 1)
      }
    }).pipe(quiet))

  it.effect("does not count what a loop inside a run survived", () =>
    Effect.gen(function*() {
      const inner = Loop.run(Loop.survive(Effect.fail("inner")), Period.sliding(0).pipe(Limit.attempts(2)))
      const loop = yield* Loop.forkScoped(inner, Period.sliding("1 second"))
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* loop.status).failures, 0)
    }).pipe(quiet))

  it.effect("tells the defect, the error of the schedule or of the stop that ended the loop", () =>
    Effect.gen(function*() {
      const noDate = Period.cron("0 0 30 2 *", { timeZone: "UTC" })
      const loops = yield* Effect.all([
        Loop.forkScoped(Effect.die("bug"), Period.sliding("1 second")),
        Loop.forkScoped(Effect.void, noDate),
        Loop.forkScoped(Effect.void, Period.sliding("1 second"), { stop: Effect.delay(Effect.fail("stop"), 10) })
      ])
      yield* TestClock.adjust("1 second")
      const seen = yield* Effect.forEach(loops, (loop: Loop.Loop<unknown, unknown>) => Effect.map(loop.status, plain))
      assert.deepStrictEqual(seen.map(({ failures, runs, state }) => [state, runs, failures]), [
        ["ended", 1, 1],
        ["ended", 1, 0],
        ["ended", 1, 0]
      ])
      assert.strictEqual(seen[0]!.lastCause, "bug")
      assert.include(String(seen[1]!.lastCause), "no date ever matches")
      assert.strictEqual(seen[2]!.lastCause, "stop")
    }))

  it.effect("counts the slots that passed without a run", () =>
    Effect.gen(function*() {
      for (
        const [schedule, missed] of [
          [Period.ticker("1 second"), 2],
          [Period.ticker("1 second", { missed: "skip" }), 3],
          [Period.cron("* * * * * *", { timeZone: "UTC" }), 3],
          [Period.nonSliding("1 second"), 0]
        ] as const
      ) {
        const loop = yield* Loop.forkScoped(makeWork(0, 3500, 0).run, schedule)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* loop.status).missed, missed)
        yield* loop.interrupt
      }
    }))

  it.effect("a run that is cut is neither a success nor a failure", () =>
    Effect.gen(function*() {
      let run = 0
      const work = Loop.survive(Effect.suspend(() => ++run === 1 ? Effect.fail("no") : Effect.never))
      const loop = yield* Loop.forkScoped(work, Period.sliding("1 second"))
      yield* TestClock.adjust("2 seconds")
      yield* loop.interrupt
      const { consecutiveFailures, failures, lastEnd, lastSuccess } = plain(yield* loop.status)
      assert.deepStrictEqual([failures, consecutiveFailures, lastEnd, lastSuccess], [1, 1, 2000, undefined])
    }).pipe(quiet))

  it.effect("is what the loop looks like as JSON", () =>
    Effect.gen(function*() {
      const work = Loop.survive(Effect.fail("no"))
      const loop = yield* Loop.forkScoped(work, Period.sliding("1 second"), { name: "sync" })
      yield* TestClock.adjust(1500)
      const { id, ...rest } = JSON.parse(JSON.stringify(loop))
      assert.strictEqual(id, loop.id)
      assert.deepStrictEqual(rest, {
        name: "sync",
        healthy: true,
        state: "waiting",
        runs: 2,
        failures: 2,
        consecutiveFailures: 2,
        missed: 0,
        lastStart: 1000,
        lastEnd: 1000,
        lastSuccess: null,
        nextStart: 2000,
        lastFailure: "no"
      })
    }).pipe(quiet))
})

describe("a stop of a handle", () => {
  // The loop yields after every so many operations, and the stop comes at each of these points in turn.
  for (const ops of [30, 31, 32, 33, 34, 35, 36, 37]) {
    for (const name of [undefined, "sync"]) {
      it.effect(`starts no run after it, wherever it comes, yielding after ${ops} operations, name ${name}`, () =>
        Effect.gen(function*() {
          for (let turns = 0; turns < 60; turns++) {
            let stopped = false
            let late = 0
            const work = Effect.sync(() => {
              if (stopped) late++
            })
            const loop = yield* Loop.forkScoped(work, Period.sliding(0), { name }).pipe(
              Effect.provideService(Scheduler.MaxOpsBeforeYield, ops)
            )
            for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
            stopped = true
            yield* loop.stop
            assert.strictEqual(late, 0, `after ${turns} turns`)
          }
        }))
    }
  }
})

describe("a loop that fails", () => {
  const logged = Effect.fnUntraced(function*(work: Effect.Effect<void, string>, options?: Loop.ForkOptions<string>) {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ cause, fiber, message }) => {
      lines.push([message, cause.reasons.map(({ _tag }) => _tag), fiber.getRef(References.CurrentLogAnnotations)])
    })
    yield* Effect.flatMap(Loop.forkScoped(work, Period.sliding("1 second"), options), (loop) => loop.await).pipe(
      Effect.scoped,
      Effect.timeoutOption("1 second"),
      Effect.provide(Logger.layer([logger])),
      (effect) => observe(effect, "1 minute")
    )
    return lines
  })

  it.effect("logs its Cause once, under its name; one that is interrupted does not", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* logged(Effect.fail("no"), { name: "sync" }), [
        [["The loop has failed"], ["Fail"], { loop: "sync" }]
      ])
      assert.deepStrictEqual(yield* logged(Effect.die("bug")), [[["The loop has failed"], ["Die"], {}]])
      assert.deepStrictEqual(yield* logged(Effect.never), [])
      assert.deepStrictEqual(yield* logged(Effect.interrupt), [[["The loop has failed"], ["Interrupt"], {}]])
    }))
})

describe("changes", () => {
  it.effect("begins with the status, tells each change, and ends with the loop", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(makeWork(100).run, Period.nonSliding("1 second"))
      yield* TestClock.adjust(500)
      const collected = yield* Effect.forkChild(Stream.runCollect(loop.changes), { startImmediately: true })
      yield* TestClock.adjust(1000)
      yield* loop.stop
      const seen = (yield* Fiber.join(collected)).map(plain)
      assert.deepStrictEqual(seen.map(({ nextStart, runs, state }) => [state, runs, nextStart]), [
        ["waiting", 1, 1000],
        ["running", 2, undefined],
        ["waiting", 2, 2000],
        ["ended", 2, undefined]
      ])
    }))

  it.effect("tells the first delay, and the delay that a schedule finds in the end", () =>
    Effect.gen(function*() {
      const schedule = Schedule.tap(Schedule.spaced("1 second"), () => Effect.sleep(10))
      const loop = yield* Loop.forkScoped(Effect.void, schedule, { initialDelay: 500 })
      const collected = yield* Effect.forkChild(Stream.runCollect(loop.changes), { startImmediately: true })
      yield* TestClock.adjust(600)
      yield* loop.stop
      const seen = (yield* Fiber.join(collected)).map(plain)
      assert.deepStrictEqual(seen.map(({ nextStart, runs, state }) => [state, runs, nextStart]), [
        ["waiting", 0, undefined],
        ["waiting", 0, 500],
        ["running", 1, undefined],
        ["waiting", 1, undefined],
        ["waiting", 1, 1510],
        ["ended", 1, undefined]
      ])
    }))

  it.effect("keeps the 16 latest for a consumer that is slow", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.void, Period.sliding("1 second"))
      yield* TestClock.adjust(1)
      const runs: Array<number> = []
      const slow = Stream.runForEach(loop.changes, (status) =>
        Effect.andThen(Effect.sync(() => runs.push(status.runs)), Effect.sleep("1 minute")))
      yield* Effect.forkScoped(slow, { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      yield* loop.stop
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(runs.at(-1), 61)
      assert.isAtMost(runs.length, 18)
    }))

  it.effect("forgets a consumer that is gone", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.void, Period.sliding("1 second"))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual((yield* Stream.runCollect(Stream.take(loop.changes, 1))).length, 1)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual((yield* Stream.runCollect(Stream.take(loop.changes, 1)))[0]?.runs, 4)
    }))
})

describe("isHealthy", () => {
  const healthAt = Effect.fnUntraced(function*<Out, E>(loop: Loop.Loop<Out, E>, ...times: ReadonlyArray<number>) {
    const seen: Array<boolean> = []
    for (const at of times) {
      yield* TestClock.setTime(at)
      seen.push(yield* loop.isHealthy)
    }
    return seen
  })
  const minute = 60_000
  const healthyWithin = "2 minutes"

  it.effect("is false when no run has succeeded for longer than that, and true again after a success", () =>
    Effect.gen(function*() {
      let run = 0
      const work = Effect.suspend(() => ++run === 2 || run === 3 ? Effect.fail("no") : Effect.void)
      const loop = yield* Loop.forkScoped(Loop.survive(work), Period.sliding("1 minute"), { healthyWithin })
      assert.deepStrictEqual(yield* healthAt(loop, 0, minute, 2 * minute, 2 * minute + 1, 3 * minute), [
        true,
        true,
        true,
        false,
        true
      ])
    }).pipe(quiet))

  it.effect("is false for a run that hangs, and for a loop that never succeeded, from its first run on", () =>
    Effect.gen(function*() {
      const hanging = yield* Loop.forkScoped(Effect.never, Period.sliding("1 minute"), {
        initialDelay: "1 hour",
        healthyWithin
      })
      assert.deepStrictEqual(yield* healthAt(hanging, 60 * minute, 62 * minute, 62 * minute + 1), [true, true, false])
    }))

  it.effect("is false once the loop has failed; a loop that was stopped is healthy", () =>
    Effect.gen(function*() {
      const failed = yield* Loop.forkScoped(Effect.fail("no"), Period.sliding("1 minute"), { healthyWithin })
      const stopped = yield* Loop.forkScoped(Effect.void, Period.sliding("1 minute"), { healthyWithin })
      yield* TestClock.adjust(1)
      yield* stopped.stop
      assert.deepStrictEqual(yield* healthAt(failed, 1), [false])
      assert.deepStrictEqual(yield* healthAt(stopped, minute, 2 * minute, 2 * minute + 1), [true, true, true])
    }))

  it.effect("does not notice that the wall clock is stepped", () =>
    Effect.gen(function*() {
      let off = 0
      const loop = yield* Effect.updateService(
        Effect.gen(function*() {
          const loop = yield* Loop.forkScoped(Effect.void, Period.sliding("1 minute"), { healthyWithin: "1 minute" })
          yield* TestClock.adjust(1)
          off = 60 * minute
          assert.isTrue(yield* loop.isHealthy)
          assert.deepStrictEqual(plain(yield* loop.status).nextStart, 61 * minute)
          return loop
        }),
        Clock.Clock,
        (clock) => ({
          ...clock,
          currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + off
        })
      )
      yield* loop.interrupt
    }))
})
