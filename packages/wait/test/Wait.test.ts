import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, type Duration, Effect, Exit, Fiber, Schedule, Stream } from "effect"
import { Backoff, Limit, Period, Wait } from "effect-wait"
import { TestClock } from "effect/testing"
import { makeWork, observe, startsOf, timeoutOf, withDraws } from "./support.ts"

/** A condition that holds from this check on, counted from 1, and takes these times in turn. */
const makeCondition = (holdsAt: number, ...durations: ReadonlyArray<Duration.Input>) => {
  const work = makeWork(...durations)
  return { starts: work.starts, ends: work.ends, check: Effect.map(work.run, () => work.starts.length >= holdsAt) }
}

const never = Number.POSITIVE_INFINITY

describe("Wait's loops", () => {
  it.effect("backoffUntil asks a calendar for what comes after the start of the run, where it is not sliding", () =>
    Effect.gen(function*() {
      const loop = Wait.backoffUntil({ backoff: Period.cron("* * * * *", { timeZone: "UTC" }), sliding: false })
      assert.deepStrictEqual(yield* startsOf(loop, "3 minutes", "30 seconds"), [0, 60_000, 120_000, 180_000])
    }))

  it.effect("forever runs every period, measured from the end of the run", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startsOf(Wait.forever({ period: "1 second" }), 5000, 400), [0, 1400, 2800, 4200])
    }))

  it.effect("until does the same until it is stopped", () =>
    Effect.gen(function*() {
      const work = makeWork(400)
      const { endedAt, exit } = yield* observe(
        Wait.until(work.run, { period: "1 second", stop: Effect.sleep(3000) }),
        "1 minute"
      )
      assert.deepStrictEqual(work.starts, [0, 1400, 2800])
      assert.deepStrictEqual(exit, Exit.void)
      assert.strictEqual(endedAt, 3200)
    }))

  it.effect("nonSlidingUntil measures the period from the start of the run", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* startsOf(Wait.nonSlidingUntil({ period: "1 second", stop: Effect.sleep(3500) }), "1 minute", 400),
        [0, 1000, 2000, 3000]
      )
    }))

  for (
    const { sliding, starts } of [
      { sliding: true, starts: [0, 1500, 3100, 4600] },
      { sliding: false, starts: [0, 1100, 2300, 3400, 4600] }
    ]
  ) {
    it.effect(`jitterUntil draws one jitter a run, sliding: ${sliding}`, () =>
      Effect.gen(function*() {
        const loop = Wait.jitterUntil({ period: "1 second", jitterFactor: 0.4, sliding })
        assert.deepStrictEqual(yield* withDraws(0.25, 0.5)(startsOf(loop, 5000, 400)), starts)
      }))
  }

  for (const jitterFactor of [0, -1]) {
    it.effect(`jitterUntil draws nothing when the factor is ${jitterFactor}`, () =>
      Effect.gen(function*() {
        const loop = Wait.jitterUntil({ period: "1 second", jitterFactor, sliding: true })
        assert.deepStrictEqual(yield* withDraws(0.5)(startsOf(loop, 3000, 400)), [0, 1400, 2800])
      }))
  }

  it.effect("a stop that already happened starts no run", () =>
    Effect.gen(function*() {
      const options = { period: "1 second", jitterFactor: 0, sliding: true, stop: Effect.void } as const
      for (const loop of [Wait.until(options), Wait.nonSlidingUntil(options), Wait.jitterUntil(options)]) {
        assert.deepStrictEqual(yield* startsOf(loop, "1 minute"), [])
      }
    }))

  it.effect("a failed run ends the loop with its error", () =>
    Effect.gen(function*() {
      const { exit } = yield* observe(Wait.forever(Effect.fail("broken"), { period: "1 second" }), "1 minute")
      assert.deepStrictEqual(exit, Exit.fail("broken"))
    }))

  for (const sliding of [true, false]) {
    it.effect(`a loop whose period is 0 runs back to back, lets others run and sees its stop, sliding: ${sliding}`, () =>
      Effect.gen(function*() {
        let runs = 0
        const stop = yield* Deferred.make<void>()
        const other = yield* Effect.forkChild(
          Effect.andThen(Effect.replicateEffect(Effect.yieldNow, 20), Deferred.succeed(stop, undefined))
        )
        yield* Wait.jitterUntil(Effect.sync(() => runs++), {
          period: 0,
          jitterFactor: 0,
          sliding,
          stop: Deferred.await(stop)
        })
        assert.isTrue(yield* Fiber.join(other))
        assert.isAbove(runs, 1000)
      }))
  }
})

describe("Wait.backoffUntil", () => {
  const backoff = Backoff.exponential({ base: "1 second", cap: "5 seconds" })
  for (
    const { schedule, whose } of [
      { whose: "ours", schedule: backoff },
      { whose: "not ours", schedule: backoff.pipe(Schedule.map(({ output }) => output)) }
    ]
  ) {
    it.effect(`sliding, a schedule of ${whose}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(
          yield* startsOf(Wait.backoffUntil({ backoff: schedule, sliding: true }), 20_000, 500),
          [0, 1500, 4000, 8500, 14_000, 19_500]
        )
      }))

    it.effect(`not sliding, a schedule of ${whose}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(
          yield* startsOf(Wait.backoffUntil({ backoff: schedule, sliding: false }), 20_000, 500),
          [0, 1000, 3000, 7000, 12_000, 17_000]
        )
      }))
  }

  for (const sliding of [true, false]) {
    it.effect(`resets and limits know how long a run took, sliding: ${sliding}`, () =>
      Effect.gen(function*() {
        const resetting = Backoff.exponential({ base: "1 second", cap: "1 hour" }).pipe(
          Backoff.resetAfter("30 seconds")
        )
        const starts = yield* startsOf(Wait.backoffUntil({ backoff: resetting, sliding }), 80_000, 0, 0, 0, 60_000, 0)
        assert.deepStrictEqual(
          starts,
          [0, 1000, 3000, 7000].concat(sliding ? [68_000, 70_000, 74_000] : [67_000, 69_000, 73_000])
        )
        const limited = Period.sliding("1 second").pipe(Limit.within("5 seconds"))
        const few = yield* startsOf(Wait.backoffUntil({ backoff: limited, sliding }), "1 minute", 3000)
        assert.deepStrictEqual(few.map((start) => start - 80_000), sliding ? [0, 4000] : [0, 3000])
      }))
  }

  it.effect("a schedule that ends, ends the loop", () =>
    Effect.gen(function*() {
      const work = makeWork(0)
      const { endedAt } = yield* observe(
        Wait.backoffUntil(work.run, { backoff: Backoff.fromDelays([100, 200]), sliding: true }),
        "1 minute"
      )
      assert.deepStrictEqual(work.starts, [0, 100, 300])
      assert.strictEqual(endedAt, 300)
    }))
})

describe("Go's backoff managers", () => {
  const manager = Wait.exponentialBackoffManager({
    initial: "1 second",
    max: "10 seconds",
    reset: "60 seconds",
    factor: 2,
    jitter: 0
  })

  // wait_test.go, TestExponentialBackoffManagerGetNextBackoff
  it.effect("the exponential one: 1 2 4 8 10 10 10, and 1 again when more than `reset` lies between two steps", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* startsOf(Effect.repeat(manager), "150 seconds", 0, 0, 0, 0, 0, 0, 0, 51_000, 0),
        [0, 1, 3, 7, 15, 25, 35, 45, 97, 99, 103, 111, 121, 131, 141].map((seconds) => seconds * 1000)
      )
    }))

  it.effect("the exponential one keeps its growth when exactly `reset` lies between two steps", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* startsOf(Effect.repeat(manager), "75 seconds", 0, 59_000, 0),
        [0, 1, 62, 66, 74].map((seconds) => seconds * 1000)
      )
    }))

  it.effect("not sliding, the exponential one sees the time at which a run starts", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* startsOf(Wait.backoffUntil({ backoff: manager, sliding: false }), "140 seconds", 0, 0, 61_000, 0, 0),
        [0, 1, 3, 64, 65, 67, 71, 79, 89, 99, 109, 119, 129, 139].map((seconds) => seconds * 1000)
      )
    }))

  // wait_test.go, TestExponentialBackoffManagerWithRealClock and the jitter of Backoff.Step
  it.effect("the exponential one jitters each delay, but not its growth", () =>
    Effect.gen(function*() {
      const jittered = Wait.exponentialBackoffManager({
        initial: "800 millis",
        max: "30 seconds",
        reset: "2 minutes",
        factor: 2,
        jitter: 1
      })
      assert.deepStrictEqual(
        yield* withDraws(0, 0.5)(startsOf(Effect.repeat(jittered), "30 seconds")),
        [0, 800, 3200, 6400, 16_000, 28_800]
      )
    }))

  const policy = { duration: "1 second", factor: 2, jitter: 0, steps: 10, cap: "8 seconds" } as const

  it.effect("DelayWithReset begins afresh by the time since the last reset", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* startsOf(Effect.repeat(Wait.delayWithReset(policy, "20 seconds")), "50 seconds"),
        [0, 1, 3, 7, 15, 23, 24, 26, 30, 38, 46, 47, 49].map((seconds) => seconds * 1000)
      )
    }))

  for (
    const { name, schedule } of [
      { name: "when `reset` is 0", schedule: Wait.delayWithReset(policy, 0) },
      { name: "when the factor is 0", schedule: Wait.delayWithReset({ ...policy, factor: 0 }, "20 seconds") }
    ]
  ) {
    it.effect(`DelayWithReset does not grow ${name}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* startsOf(Effect.repeat(schedule), 3000), [0, 1000, 2000, 3000])
      }))
  }
})

describe("Wait.delayUntil", () => {
  const backoff = Backoff.exponential({ base: "1 second", cap: "1 hour" })
  for (
    const { immediate, sliding, starts } of [
      { immediate: true, sliding: true, starts: [0, 1500, 4000, 8500] },
      { immediate: true, sliding: false, starts: [0, 1000, 3000, 7000] },
      { immediate: false, sliding: true, starts: [1000, 3500, 8000] },
      { immediate: false, sliding: false, starts: [1000, 3000, 7000] }
    ]
  ) {
    it.effect(`immediate: ${immediate}, sliding: ${sliding}`, () =>
      Effect.gen(function*() {
        const { check, starts: seen } = makeCondition(starts.length, 500)
        const { exit } = yield* observe(Wait.delayUntil(check, { backoff, immediate, sliding }), "1 hour")
        assert.deepStrictEqual(seen, starts)
        assert.deepStrictEqual(exit, Exit.void)
      }))
  }
})

describe("Wait's legacy polls", () => {
  it.effect("poll waits for the interval before each check", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(3)
      const { exit } = yield* observe(Wait.poll(check, { interval: "1 second", timeout: "1 minute" }), "2 minutes")
      assert.deepStrictEqual(starts, [1000, 2000, 3000])
      assert.deepStrictEqual(exit, Exit.void)
    }))

  it.effect("a tick that comes while the condition runs is dropped", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(4, 1500, 100)
      yield* observe(Wait.poll(check, { interval: "1 second", timeout: "1 minute" }), "2 minutes")
      assert.deepStrictEqual(starts, [1000, 3000, 4000, 5000])
    }))

  it.effect("at the timeout the condition is checked once more", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never)
      const { endedAt, exit } = yield* observe(
        Wait.poll(check, { interval: "1 second", timeout: 2500 }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [1000, 2000, 2500])
      assert.deepStrictEqual(timeoutOf(exit), { reason: "Deadline", attempts: 3, elapsed: 2500, last: false })
      assert.strictEqual(endedAt, 2500)
    }))

  it.effect("the last check may hold", () =>
    Effect.gen(function*() {
      const { check } = makeCondition(3)
      const { exit } = yield* observe(Wait.poll(check, { interval: "1 second", timeout: 2500 }), "1 minute")
      assert.deepStrictEqual(exit, Exit.void)
    }))

  it.effect("a timeout that falls on a tick gives the tick's check and the last one", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never, 100)
      yield* observe(Wait.poll(check, { interval: "1 second", timeout: 2000 }), "1 minute")
      assert.deepStrictEqual(starts, [1000, 2000, 2100])
    }))

  it.effect("a timeout that comes while the condition runs gives one more check", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never, 900)
      const { exit } = yield* observe(Wait.poll(check, { interval: "1 second", timeout: 2500 }), "1 minute")
      assert.deepStrictEqual(starts, [1000, 2000, 2900])
      assert.deepStrictEqual(timeoutOf(exit), { reason: "Deadline", attempts: 3, elapsed: 3800, last: false })
    }))

  it.effect("a timeout shorter than the interval gives one check", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never)
      yield* observe(Wait.poll(check, { interval: "1 second", timeout: 300 }), "1 minute")
      assert.deepStrictEqual(starts, [300])
    }))

  it.effect("a timeout of 0 means never", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(100)
      const { exit } = yield* observe(Wait.poll(check, { interval: "1 second", timeout: 0 }), "2 minutes")
      assert.strictEqual(starts.length, 100)
      assert.deepStrictEqual(exit, Exit.void)
    }))

  it.effect("pollImmediate checks at once; ticks and timeout count from the end of that check", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never, 400, 0)
      const { endedAt } = yield* observe(
        Wait.pollImmediate(check, { interval: "1 second", timeout: 2500 }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [0, 1400, 2400, 2900])
      assert.strictEqual(endedAt, 2900)
    }))

  const endless = [
    { name: "pollInfinite", poll: Wait.pollInfinite, starts: [1000, 2000, 3000] },
    { name: "pollImmediateInfinite", poll: Wait.pollImmediateInfinite, starts: [0, 1000, 2000] },
    { name: "pollUntil", poll: Wait.pollUntil, starts: [1000, 2000, 3000] },
    { name: "pollImmediateUntil", poll: Wait.pollImmediateUntil, starts: [0, 1000, 2000] }
  ]
  for (const { name, poll, starts } of endless) {
    it.effect(`${name} goes on until the condition holds`, () =>
      Effect.gen(function*() {
        const { check, starts: seen } = makeCondition(3)
        const { exit } = yield* observe(poll(check, { interval: "1 second" }), "1 minute")
        assert.deepStrictEqual(seen, starts)
        assert.deepStrictEqual(exit, Exit.void)
      }))

    it.effect(`${name}: stopping gives a WaitTimeout at that instant`, () =>
      Effect.gen(function*() {
        const { check } = makeCondition(never)
        const { endedAt, exit } = yield* observe(
          check.pipe(poll({ interval: "1 second", stop: Effect.sleep(2300) })),
          "1 minute"
        )
        assert.strictEqual(endedAt, 2300)
        assert.deepStrictEqual(timeoutOf(exit), {
          reason: "Stopped",
          attempts: name.includes("Immediate") ? 3 : 2,
          elapsed: 2300,
          last: false
        })
      }))

    it.effect(`${name}: a check in flight at the stop finishes, and its true wins`, () =>
      Effect.gen(function*() {
        const { check } = makeCondition(2, 600)
        const { exit } = yield* observe(poll(check, { interval: "1 second", stop: Effect.sleep(2100) }), "1 minute")
        assert.deepStrictEqual(exit, Exit.void)
      }))

    it.effect(`${name}: already stopped`, () =>
      Effect.gen(function*() {
        const { check, starts: seen } = makeCondition(never)
        const { exit } = yield* observe(poll(check, { interval: "1 second", stop: Effect.void }), "1 minute")
        const immediate = name.includes("Immediate")
        assert.deepStrictEqual(seen, immediate ? [0] : [])
        assert.deepStrictEqual(
          timeoutOf(exit),
          immediate
            ? { reason: "Stopped", attempts: 1, elapsed: 0, last: false }
            : { reason: "Stopped", attempts: 0, elapsed: 0 }
        )
      }))
  }

  it.effect("the condition's error ends the poll", () =>
    Effect.gen(function*() {
      const { exit } = yield* observe(
        Wait.poll(Effect.fail("broken"), { interval: "1 second", timeout: "1 minute" }),
        "1 minute"
      )
      assert.deepStrictEqual(exit, Exit.fail("broken"))
    }))
})

describe("Wait.pollUntilContextCancel", () => {
  for (
    const { immediate, starts } of [
      { immediate: false, starts: [1000, 2500, 3000, 4000] },
      { immediate: true, starts: [0, 1500, 2000, 3000] }
    ]
  ) {
    it.effect(`its ticker keeps one missed tick, immediate: ${immediate}`, () =>
      Effect.gen(function*() {
        const { check, starts: seen } = makeCondition(4, 1500, 100)
        yield* observe(Wait.pollUntilContextCancel(check, { interval: "1 second", immediate }), "1 minute")
        assert.deepStrictEqual(seen, starts)
      }))

    it.effect(`already stopped, immediate: ${immediate}`, () =>
      Effect.gen(function*() {
        const { check, starts: seen } = makeCondition(never)
        const { exit } = yield* observe(
          Wait.pollUntilContextCancel(check, { interval: "1 second", immediate, stop: Effect.void }),
          "1 minute"
        )
        assert.deepStrictEqual(seen, immediate ? [0] : [])
        assert.strictEqual(timeoutOf(exit)?.reason, "Stopped")
      }))
  }

  it.effect("an interval of 0 runs back to back", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(4, 300)
      yield* observe(Wait.pollUntilContextCancel(check, { interval: 0, immediate: false }), "1 minute")
      assert.deepStrictEqual(starts, [0, 300, 600, 900])
    }))
})

describe("Wait.pollUntilContextTimeout", () => {
  it.effect("checks nothing at the deadline", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never)
      const { exit } = yield* observe(
        Wait.pollUntilContextTimeout(check, { interval: "1 second", timeout: "3 seconds", immediate: true }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [0, 1000, 2000])
      assert.deepStrictEqual(timeoutOf(exit), { reason: "Deadline", attempts: 3, elapsed: 3000, last: false })
    }))

  it.effect("a check in flight at the deadline finishes, and its true wins", () =>
    Effect.gen(function*() {
      const { check } = makeCondition(2, 600)
      const { endedAt, exit } = yield* observe(
        Wait.pollUntilContextTimeout(check, { interval: "1 second", timeout: 2300, immediate: false }),
        "1 minute"
      )
      assert.deepStrictEqual(exit, Exit.void)
      assert.strictEqual(endedAt, 2600)
    }))

  it.effect("a check in flight at the deadline that says false is the last", () =>
    Effect.gen(function*() {
      const { check } = makeCondition(never, 600)
      const { exit } = yield* observe(
        Wait.pollUntilContextTimeout(check, { interval: "1 second", timeout: 2300, immediate: false }),
        "1 minute"
      )
      assert.deepStrictEqual(timeoutOf(exit), { reason: "Deadline", attempts: 2, elapsed: 2600, last: false })
    }))

  const reasons = [
    { stop: 1700, reason: "Stopped", elapsed: 1700 },
    { stop: 5000, reason: "Deadline", elapsed: 2500 }
  ] as const
  for (const { elapsed, reason, stop } of reasons) {
    it.effect(`the reason tells a stop from the deadline: ${reason}`, () =>
      Effect.gen(function*() {
        const { check } = makeCondition(never)
        const { exit } = yield* observe(
          Wait.pollUntilContextTimeout(check, {
            interval: "1 second",
            timeout: 2500,
            immediate: false,
            stop: Effect.sleep(stop)
          }),
          "1 minute"
        )
        assert.deepStrictEqual(timeoutOf(exit), {
          reason,
          attempts: reason === "Stopped" ? 1 : 2,
          elapsed,
          last: false
        })
      }))
  }

  it.effect("a stop that fails, fails the wait at once", () =>
    Effect.gen(function*() {
      const { check } = makeCondition(never)
      const stop = Effect.andThen(Effect.sleep(1500), Effect.fail("no stop"))
      const { endedAt, exit } = yield* observe(
        Wait.pollUntilContextTimeout(check, { interval: "1 second", timeout: "1 minute", immediate: false, stop }),
        "2 minutes"
      )
      assert.deepStrictEqual(exit, Exit.fail("no stop"))
      assert.strictEqual(endedAt, 1500)
    }))

  for (const immediate of [true, false]) {
    it.effect(`a timeout of 0 is a deadline that has passed, immediate: ${immediate}`, () =>
      Effect.gen(function*() {
        const { check, starts } = makeCondition(never)
        const { exit } = yield* observe(
          Wait.pollUntilContextTimeout(check, { interval: "1 second", timeout: 0, immediate }),
          "1 minute"
        )
        assert.deepStrictEqual(starts, immediate ? [0] : [])
        assert.strictEqual(timeoutOf(exit)?.reason, "Deadline")
      }))

    it.effect(`already stopped, immediate: ${immediate}`, () =>
      Effect.gen(function*() {
        const { check, starts } = makeCondition(never)
        const { exit } = yield* observe(
          Wait.pollUntilContextTimeout(check, {
            interval: "1 second",
            timeout: "1 minute",
            immediate,
            stop: Effect.void
          }),
          "1 minute"
        )
        assert.deepStrictEqual(starts, immediate ? [0] : [])
        assert.strictEqual(timeoutOf(exit)?.reason, "Stopped")
      }))
  }
})

describe("Wait.waitFor", () => {
  const ticksAt = (...gaps: ReadonlyArray<number>) =>
    Stream.fromIterable(gaps).pipe(Stream.mapEffect((gap) => Effect.sleep(gap), { concurrency: 1 }))

  it.effect("checks once for every tick, and once more at the end of the stream", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never)
      const { exit } = yield* observe(Wait.waitFor(check, { ticks: ticksAt(300, 500) }), "1 minute")
      assert.deepStrictEqual(starts, [300, 800, 800])
      assert.deepStrictEqual(timeoutOf(exit), { reason: "Exhausted", attempts: 3, elapsed: 800, last: false })
    }))

  it.effect("checks once when the stream is empty", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(1)
      const { exit } = yield* observe(Wait.waitFor(check, { ticks: Stream.empty }), "1 minute")
      assert.deepStrictEqual(starts, [0])
      assert.deepStrictEqual(exit, Exit.void)
    }))

  it.effect("a schedule that makes the ticks has its own time, also while nobody waits for them", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(7000)
      const checks: Array<number> = []
      const check = Effect.map(Clock.currentTimeMillis, (now) => checks.push(now) < 0)
      const ticks = Stream.fromSchedule(Period.ticker("4 seconds")).pipe(Stream.buffer({ capacity: 1 }))
      const fiber = yield* Effect.forkChild(Wait.waitFor(check, { ticks }))
      yield* TestClock.adjust("13 seconds")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(checks, [11_000, 15_000, 19_000])
    }))

  it.effect("takes chunks of ticks one by one", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(3, 100)
      const { exit } = yield* observe(Wait.waitFor(check, { ticks: Stream.make(1, 2, 3, 4) }), "1 minute")
      assert.deepStrictEqual(starts, [0, 100, 200])
      assert.deepStrictEqual(exit, Exit.void)
    }))

  it.effect("a stop ends the wait for a tick at once", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never)
      const { endedAt, exit } = yield* observe(
        Wait.waitFor(check, { ticks: ticksAt(300, 5000), stop: Effect.sleep(1000) }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [300])
      assert.strictEqual(endedAt, 1000)
      assert.strictEqual(timeoutOf(exit)?.reason, "Stopped")
    }))

  it.effect("a stream that fails, fails the wait", () =>
    Effect.gen(function*() {
      const { exit } = yield* observe(Wait.waitFor(Effect.succeed(false), { ticks: Stream.fail("no ticks") }), 1)
      assert.deepStrictEqual(exit, Exit.fail("no ticks"))
    }))

  it.effect("the condition keeps the Scope of the caller", () =>
    Effect.scoped(Effect.gen(function*() {
      let released = false
      const condition = Effect.as(
        Effect.addFinalizer(() =>
          Effect.sync(() => {
            released = true
          })
        ),
        true
      )
      yield* Wait.waitFor(condition, { ticks: Stream.make(1) })
      assert.isFalse(released)
    })))

  it.effect("closes the stream when the condition holds", () =>
    Effect.gen(function*() {
      let closed = false
      const ticks = Stream.make(1, 2).pipe(Stream.ensuring(Effect.sync(() => {
        closed = true
      })))
      yield* Wait.waitFor(Effect.succeed(true), { ticks })
      assert.isTrue(closed)
    }))
})

describe("Wait.exponentialBackoff", () => {
  const policy = { duration: "1 second", factor: 2, jitter: 0, steps: 4 } as const

  it.effect("checks at most `steps` times, and does not sleep after the last", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never)
      const { exit } = yield* observe(Wait.exponentialBackoff(check, { backoff: policy }), "1 minute")
      assert.deepStrictEqual(starts, [0, 1000, 3000, 7000])
      assert.deepStrictEqual(timeoutOf(exit), { reason: "Exhausted", attempts: 4, elapsed: 7000, last: false })
    }))

  // kubernetes/kubernetes#131122
  it.effect("ends unchecked after the sleep whose successor would exceed the cap", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never)
      const { exit } = yield* observe(
        Wait.exponentialBackoff(check, { backoff: { ...policy, steps: 10, cap: "3 seconds" } }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [0, 1000])
      assert.deepStrictEqual(timeoutOf(exit), { reason: "Exhausted", attempts: 2, elapsed: 3000, last: false })
    }))

  it.effect("a successor that is just the cap is still checked", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never)
      const { endedAt } = yield* observe(
        Wait.exponentialBackoff(check, { backoff: { ...policy, steps: 10, cap: "4 seconds" } }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [0, 1000, 3000])
      assert.strictEqual(endedAt, 7000)
    }))

  it.effect("a stop during that last sleep ends it at that instant", () =>
    Effect.gen(function*() {
      const { check } = makeCondition(never)
      const { exit } = yield* observe(
        Wait.exponentialBackoff(check, {
          backoff: { ...policy, steps: 10, cap: "3 seconds" },
          stop: Effect.sleep(2200)
        }),
        "1 minute"
      )
      assert.deepStrictEqual(timeoutOf(exit), { reason: "Stopped", attempts: 2, elapsed: 2200, last: false })
    }))

  for (const steps of [0, -3]) {
    it.effect(`checks nothing when steps is ${steps}`, () =>
      Effect.gen(function*() {
        const { check, starts } = makeCondition(1)
        const { exit } = yield* observe(Wait.exponentialBackoff(check, { backoff: { ...policy, steps } }), "1 minute")
        assert.deepStrictEqual(starts, [])
        assert.deepStrictEqual(timeoutOf(exit), { reason: "Exhausted", attempts: 0, elapsed: 0 })
      }))
  }

  it.effect("checks nothing when it has already stopped", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(1)
      const { exit } = yield* observe(
        Wait.exponentialBackoff(check, { backoff: policy, stop: Effect.void }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [])
      assert.strictEqual(timeoutOf(exit)?.reason, "Stopped")
    }))

  it.effect("succeeds as soon as the condition holds", () =>
    Effect.gen(function*() {
      const { check } = makeCondition(3)
      const { endedAt, exit } = yield* observe(check.pipe(Wait.exponentialBackoff({ backoff: policy })), "1 minute")
      assert.deepStrictEqual(exit, Exit.void)
      assert.strictEqual(endedAt, 3000)
    }))

  // client-go, retry.DefaultRetry
  it.effect("draws one jitter a sleep", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(never)
      yield* withDraws(0.5, 0)(observe(
        Wait.exponentialBackoff(check, { backoff: { duration: "10 millis", factor: 1, jitter: 0.1, steps: 5 } }),
        "1 minute"
      ))
      assert.deepStrictEqual(starts, [0, 10.5, 20.5, 31, 41])
    }))
})

describe("Go's rules, composed from the schedule values", () => {
  it.effect("jitterUntil is sliding with additive jitter; not sliding is that, from the start", () =>
    Effect.gen(function*() {
      const schedule = Period.sliding("1 second").pipe(Period.fromStart, Limit.attempts(4))
      assert.deepStrictEqual(yield* startsOf(Effect.repeat(schedule), "1 minute", 400), [0, 1000, 2000, 3000])
    }))
})
