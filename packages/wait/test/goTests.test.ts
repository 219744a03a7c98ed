/** What the Go package's own tests show and no other spec does; GO-TESTS.md has the list. Go's ns and µs are ms here. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, Deferred, Duration, Effect, Exit, Logger, Option, Predicate, Schedule, Stream } from "effect"
import { Backoff, Loop, Wait, WaitTimeout } from "effect-wait"
import { delaysOf, makeWork, observe, startsOf, stepsOf, timeoutOf, withDraws } from "./support.ts"

type Says = boolean | "broken"

/** A condition that says this in its n-th check, counted from 1, and a stop that comes within the check `stopIn`. */
const makeCondition = (
  says: (n: number) => Says,
  { stopIn = 0, takes = [] }: { readonly stopIn?: number; readonly takes?: ReadonlyArray<number> } = {}
) => {
  const work = makeWork(...takes)
  const told = Deferred.makeUnsafe<void>()
  const check = Effect.gen(function*() {
    yield* work.run
    const n = work.starts.length
    if (n === stopIn) yield* Deferred.succeed(told, undefined)
    const said = says(n)
    return said === "broken" ? yield* Effect.fail(said) : said
  })
  return { check, starts: work.starts, stop: Deferred.await(told) }
}

/** How a wait ended: that the condition holds, its error, or why it did not get that far. */
const outcomeOf = (exit: Exit.Exit<unknown, unknown> | undefined) =>
  exit === undefined
    ? "running"
    : Exit.isSuccess(exit)
    ? "holds"
    : timeoutOf(exit)?.reason ?? Cause.squash(exit.cause)

const holds = () => true
const fails = () => false
const breaks = () => "broken" as const
const from = (first: number, n: number) => Array.from({ length: n }, (_, i) => first + i)

/** The delays of a schedule that is asked at these times. */
const askedAt = <Output>(schedule: Schedule.Schedule<Output>, times: ReadonlyArray<number>) =>
  Effect.gen(function*() {
    const step = yield* Schedule.toStep(schedule)
    const delays: Array<number> = []
    for (const now of times) {
      const [, delay] = yield* step(now, undefined).pipe(Effect.orDie)
      delays.push(Duration.toMillis(delay))
    }
    return delays
  })

describe("Go's loops", () => {
  // TestJitterUntilRecoversPanic
  it.effect("a loop of work that survives goes on after two defects, until the third run stops it", () =>
    Effect.gen(function*() {
      const work = makeWork()
      const handled: Array<unknown> = []
      const told = yield* Deferred.make<void>()
      const run = Effect.gen(function*() {
        yield* work.run
        if (work.starts.length < 3) return yield* Effect.die(`panic ${work.starts.length}`)
        yield* Deferred.succeed(told, undefined)
      }).pipe(Loop.survive({ onCause: (cause) => Effect.sync(() => handled.push(Cause.squash(cause))) }))
      const loop = Wait.jitterUntil(run, { period: 1, jitterFactor: 1, sliding: true, stop: Deferred.await(told) })
      const { endedAt, exit } = yield* observe(loop, "1 minute").pipe(
        withDraws(0.5),
        Effect.provide(Logger.layer([]))
      )
      assert.deepStrictEqual(work.starts, [0, 1.5, 3])
      assert.deepStrictEqual(handled, ["panic 1", "panic 2"])
      assert.deepStrictEqual(exit, Exit.void)
      assert.strictEqual(endedAt, 3)
    }))

  // TestContextForChannel
  it.effect("one stop ends three loops at that instant", () =>
    Effect.gen(function*() {
      const told = yield* Deferred.make<void>()
      const works = [makeWork(), makeWork(), makeWork()]
      const stop = Deferred.await(told)
      const loops = works.map(({ run }, i) => Wait.until(run, { period: 1000 * (i + 1), stop }))
      const { endedAt, exit } = yield* observe(
        Effect.all([...loops, Effect.andThen(Effect.sleep(3500), Deferred.succeed(told, undefined))], {
          concurrency: "unbounded"
        }),
        "1 minute"
      )
      assert.deepStrictEqual(works.map(({ starts }) => starts), [[0, 1000, 2000, 3000], [0, 2000], [0, 3000]])
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
      assert.strictEqual(endedAt, 3500)
    }))
})

describe("Go's backoffs", () => {
  // TestBackoff_Step
  const steps = [
    { policy: { factor: 0, jitter: 0, steps: -1 }, draw: 0.5, delays: [1, 1, 1] },
    { policy: { factor: 0, jitter: 0, steps: 0 }, draw: 0.5, delays: [1, 1, 1] },
    { policy: { factor: 0, jitter: 0, steps: 1 }, draw: 0.5, delays: [1, 1, 1] },
    { policy: { factor: 1, jitter: 0, steps: 1 }, draw: 0.5, delays: [1, 1, 1] },
    { policy: { factor: 2, jitter: 0, steps: 3 }, draw: 0.5, delays: [1, 2, 4] },
    { policy: { factor: 2, jitter: 0, steps: 3, cap: "3 seconds" }, draw: 0.5, delays: [1, 2, 3] },
    { policy: { factor: 2, jitter: 0.5, steps: 2, cap: "3 seconds" }, draw: 0.5, delays: [1.25, 2.5, 3.75] },
    { policy: { factor: 2, jitter: 4, steps: 6 }, draw: 0.25, delays: [2, 4, 8, 16, 32, 64] }
  ] as const
  for (const { delays, draw, policy } of steps) {
    it.effect(`a second with ${JSON.stringify(policy)} gives ${delays.join(", ")} s`, () =>
      Effect.gen(function*() {
        const initial: Backoff.Policy = { duration: "1 second", ...policy }
        const millis = delays.map((seconds) => seconds * 1000)
        assert.deepStrictEqual(
          yield* withDraws(draw)(delaysOf(Backoff.toSchedule(initial), delays.length)),
          millis
        )
        assert.deepStrictEqual(stepsOf(initial, delays.map(() => draw)).delays, millis)
      }))
  }

  const policy = { duration: 1, cap: 10, factor: 2, jitter: 0, steps: 10 }
  const manager = (reset: Duration.Input) =>
    Wait.exponentialBackoffManager({ initial: 1, max: 10, reset, factor: 2, jitter: 0 })
  const growing = [1, 2, 4, 8, 10, 10, 10]

  // TestExponentialBackoffManagerGetNextBackoff, TestBackoffDelayWithResetExponential, TestBackoffDelayWithResetEmpty
  for (
    const { delays, name, schedule } of [
      { name: "the exponential manager", schedule: manager(10), delays: growing },
      { name: "DelayWithReset", schedule: Wait.delayWithReset(policy, 10), delays: growing },
      { name: "DelayWithReset with a reset of 0", schedule: Wait.delayWithReset(policy, 0), delays: Array(7).fill(1) }
    ]
  ) {
    it.effect(`${name}, asked seven times at once and again past its reset, gives ${delays.join(" ")}, then 1`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* askedAt(schedule, [0, 0, 0, 0, 0, 0, 0, 11]), [...delays, 1])
      }))
  }

  // TestExponentialBackoffManagerWithRealClock, TestBackoffDelayWithResetWithRealClockExponential
  for (
    const { name, schedule } of [
      { name: "the exponential manager", schedule: manager("1 hour") },
      { name: "DelayWithReset", schedule: Wait.delayWithReset(policy, "1 hour") }
    ]
  ) {
    it.effect(`${name} sleeps for 1, 2, 4, 8, 10, 10 and 10 ms when its reset is far off`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* startsOf(Effect.repeat(schedule), 45), [0, 1, 3, 7, 15, 25, 35, 45])
      }))
  }

  // TestJitteredBackoffManagerGetNextBackoff, TestJitterBackoffManagerWithRealClock
  for (
    const { jitterFactor, starts } of [
      { jitterFactor: 1, starts: [0, 1, 2.5, 4.25, 5.25, 6.75] },
      { jitterFactor: 0, starts: [0, 1, 2, 3, 4, 5] },
      { jitterFactor: -1, starts: [0, 1, 2, 3, 4, 5] }
    ]
  ) {
    it.effect(`a period of 1 ms with a jitter of ${jitterFactor} is never shorter, nor longer than twice that`, () =>
      Effect.gen(function*() {
        const loop = Wait.jitterUntil({ period: 1, jitterFactor, sliding: true })
        assert.deepStrictEqual(yield* withDraws(0, 0.5, 0.75)(startsOf(loop, starts[5]!)), starts)
      }))
  }

  // TestBackoffDelayWithResetJitter, TestBackoffDelayWithResetWithRealClockJitter
  for (
    const { delays, jitter } of [
      { jitter: 1, delays: [1, 1.5, 1.75, 1, 1.5] },
      { jitter: 0, delays: [1, 1, 1, 1, 1] },
      { jitter: -1, delays: [1, 1, 1, 1, 1] }
    ]
  ) {
    it.effect(`DelayWithReset without growth and with a jitter of ${jitter} gives ${delays.join(", ")}`, () =>
      Effect.gen(function*() {
        const schedule = Wait.delayWithReset({ duration: 1, factor: 0, jitter, steps: 0 }, 0)
        assert.deepStrictEqual(yield* withDraws(0, 0.5, 0.75)(delaysOf(schedule, 5)), delays)
      }))
  }
})

describe("Go's exponentialBackoff", () => {
  // TestExponentialBackoff, TestExponentialBackoffWithContext
  const cases = [
    { name: "three steps of 0 are three checks at once", steps: 3, duration: 0, says: fails, n: 3, is: "Exhausted" },
    { name: "the first of three checks holds", steps: 3, duration: 0, says: holds, n: 1, is: "holds" },
    { name: "the first of three checks breaks", steps: 3, duration: 0, says: breaks, n: 1, is: "broken" },
    { name: "the only check holds", steps: 1, duration: 1, says: holds, n: 1, is: "holds" },
    { name: "five checks in vain", steps: 5, duration: 1, says: fails, n: 5, is: "Exhausted" },
    { name: "the first of five checks breaks", steps: 5, duration: 1, says: breaks, n: 1, is: "broken" },
    { name: "a stop within the fourth check is the end", steps: 5, duration: 1, says: fails, n: 4, is: "Stopped" },
    {
      name: "without delays the third of five checks holds",
      steps: 5,
      duration: 0,
      says: (n: number) => n === 3,
      n: 3,
      is: "holds"
    }
  ]
  for (const { duration, is, n, name, says, steps } of cases) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const { check, starts, stop } = makeCondition(says, { stopIn: is === "Stopped" ? n : 0 })
        const { endedAt, exit } = yield* observe(
          Wait.exponentialBackoff(check, { backoff: { duration, factor: 1, jitter: 0, steps }, stop }),
          "1 minute"
        )
        assert.deepStrictEqual(starts, from(0, n).map((i) => i * duration))
        assert.strictEqual(outcomeOf(exit), is)
        assert.strictEqual(endedAt, (n - 1) * duration)
      }))
  }
})

describe("Go's legacy polls", () => {
  // TestPollImmediate, TestPollImmediateError, TestPollImmediateUntilWithContext and Test_poll, where immediate
  for (
    const { is, name, poll, says } of [
      { name: "pollImmediateInfinite", poll: Wait.pollImmediateInfinite, says: holds, is: "holds" },
      { name: "pollImmediateInfinite", poll: Wait.pollImmediateInfinite, says: breaks, is: "broken" },
      { name: "pollImmediateUntil", poll: Wait.pollImmediateUntil, says: holds, is: "holds" },
      { name: "pollImmediateUntil", poll: Wait.pollImmediateUntil, says: breaks, is: "broken" }
    ]
  ) {
    it.effect(`${name} waits for no tick when its first check ${is === "holds" ? is : "breaks"}`, () =>
      Effect.gen(function*() {
        const { check, starts } = makeCondition(says)
        const { endedAt, exit } = yield* observe(poll(check, { interval: 1 }), "1 minute")
        assert.deepStrictEqual(starts, [0])
        assert.strictEqual(outcomeOf(exit), is)
        assert.strictEqual(endedAt, 0)
      }))
  }

  // TestPollImmediateUntilWithContext
  it.effect("a stop within the fourth check of an immediate poll is the end, at that instant", () =>
    Effect.gen(function*() {
      const { check, starts, stop } = makeCondition(fails, { stopIn: 4 })
      const { endedAt, exit } = yield* observe(Wait.pollImmediateUntil(check, { interval: 1, stop }), "1 minute")
      assert.deepStrictEqual(starts, [0, 1, 2, 3])
      assert.strictEqual(outcomeOf(exit), "Stopped")
      assert.strictEqual(endedAt, 3)
    }))

  // TestPollForever
  it.effect("an infinite poll checks as often as it takes, and not once more", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition((n) => n === 12)
      const { endedAt, exit } = yield* observe(Wait.pollInfinite(check, { interval: 1 }), "1 minute")
      assert.deepStrictEqual(starts, from(1, 12))
      assert.strictEqual(outcomeOf(exit), "holds")
      assert.strictEqual(endedAt, 12)
    }))
})

describe("Go's waitFor", () => {
  // TestPoll, TestPollError, Test_waitFor, Test_waitForWithContext and Test_poll, where not immediate
  const ticked = [
    { says: holds, ticks: 5, used: 1, is: "holds" },
    { says: breaks, ticks: 5, used: 1, is: "broken" },
    { says: breaks, ticks: 0, used: 0, is: "broken" }
  ]
  for (const { is, says, ticks, used } of ticked) {
    const how = is === "holds" ? is : "breaks"
    it.effect(`checks once and takes ${used} of ${ticks} ticks when the first check ${how}`, () =>
      Effect.gen(function*() {
        let taken = 0
        const { check, starts } = makeCondition(says)
        const { endedAt, exit } = yield* observe(
          Wait.waitFor(check, {
            ticks: Stream.range(1, ticks).pipe(Stream.rechunk(1), Stream.tap(() => Effect.sync(() => taken++)))
          }),
          "1 minute"
        )
        assert.deepStrictEqual(starts, [0])
        assert.strictEqual(taken, used)
        assert.strictEqual(outcomeOf(exit), is)
        assert.strictEqual(endedAt, 0)
      }))
  }

  // Test_poll
  it.effect("a stop within the second check is the end, whether or not more ticks come", () =>
    Effect.gen(function*() {
      const { check, starts, stop } = makeCondition(fails, { stopIn: 2 })
      const ticks = Stream.concat(Stream.make(1, 2), Stream.never)
      const { endedAt, exit } = yield* observe(Wait.waitFor(check, { ticks, stop }), "1 minute")
      assert.deepStrictEqual(starts, [0, 0])
      assert.strictEqual(outcomeOf(exit), "Stopped")
      assert.strictEqual(endedAt, 0)
    }))
})

describe("Go's loop of a condition", () => {
  // Test_loopConditionUntilContext_semantic
  const cases: ReadonlyArray<{
    readonly name: string
    readonly says: (n: number) => Says
    readonly starts: ReadonlyArray<number>
    readonly is: string
    readonly immediate?: true
    readonly already?: "Stopped" | "Deadline"
    readonly stopIn?: number
  }> = [
    { name: "holds at the first check", says: holds, starts: [1], is: "holds" },
    { name: "holds at the second check", says: (n) => n > 1, starts: [1, 2], is: "holds" },
    { name: "holds at the hundredth check", says: (n) => n >= 100, starts: from(1, 100), is: "holds" },
    { name: "breaks at the first check", says: breaks, starts: [1], is: "broken" },
    { name: "already stopped, checks nothing", says: fails, starts: [], is: "Stopped", already: "Stopped" },
    {
      name: "already stopped and immediate, holds",
      says: holds,
      starts: [0],
      is: "holds",
      already: "Stopped",
      immediate: true
    },
    {
      name: "already stopped and immediate, breaks",
      says: breaks,
      starts: [0],
      is: "broken",
      already: "Stopped",
      immediate: true
    },
    {
      name: "already stopped and immediate, checks once",
      says: fails,
      starts: [0],
      is: "Stopped",
      already: "Stopped",
      immediate: true
    },
    { name: "stopped in the fifth check", says: fails, starts: [1, 2, 3, 4, 5], is: "Stopped", stopIn: 5 },
    {
      name: "immediate, and stopped in the fifth check",
      says: fails,
      starts: [0, 1, 2, 3, 4],
      is: "Stopped",
      stopIn: 5,
      immediate: true
    },
    {
      name: "immediate when the deadline has passed, checks once",
      says: fails,
      starts: [0],
      is: "Deadline",
      already: "Deadline",
      immediate: true
    },
    {
      name: "checks nothing when the deadline has passed",
      says: fails,
      starts: [],
      is: "Deadline",
      already: "Deadline"
    }
  ]
  for (const { already, immediate = false, is, name, says, starts, stopIn = 0 } of cases) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const condition = makeCondition(says, { stopIn })
        const stop = already === "Stopped" ? Effect.void : condition.stop
        const { endedAt, exit } = yield* observe(
          already === "Deadline"
            ? Wait.pollUntilContextTimeout(condition.check, { interval: 1, timeout: 0, immediate })
            : Wait.pollUntilContextCancel(condition.check, { interval: 1, immediate, stop }),
          "1 minute"
        )
        assert.deepStrictEqual(condition.starts, starts)
        assert.strictEqual(outcomeOf(exit), is)
        assert.strictEqual(endedAt, starts[starts.length - 1] ?? 0)
      }))
  }

  it.effect("a deadline before the second check is the end", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(fails)
      const { endedAt, exit } = yield* observe(
        Wait.pollUntilContextTimeout(check, { interval: "2 seconds", timeout: "1 second", immediate: true }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [0])
      assert.strictEqual(outcomeOf(exit), "Deadline")
      assert.strictEqual(endedAt, 1000)
    }))

  for (
    const { endedAt, is, sliding, starts } of [
      { sliding: false, starts: [0, 200.1, 400.2, 600.3], is: "holds", endedAt: 600.3 },
      { sliding: true, starts: [0, 400.1, 800.2], is: "Stopped", endedAt: 1000.2 }
    ]
  ) {
    it.effect(`checks as long as the delay come ${starts.length} times in a second, sliding: ${sliding}`, () =>
      Effect.gen(function*() {
        const condition = makeCondition((n) => n >= 4, { takes: [200, 200, 200, 0] })
        const backoff = Backoff.toSchedule({ duration: 200, factor: 0, jitter: 0.001, steps: 0 })
        const stop = Effect.sleep("1 second")
        const observed = yield* withDraws(0.5)(
          observe(Wait.delayUntil(condition.check, { backoff, immediate: true, sliding, stop }), "1 minute")
        )
        assert.deepStrictEqual(condition.starts.map((time) => Math.round(time * 1000) / 1000), starts)
        assert.strictEqual(outcomeOf(observed.exit), is)
        assert.closeTo(observed.endedAt!, endedAt, 0.001)
      }))
  }

  // Test_loopConditionWithContextImmediateDelay
  it.effect("waits for its delay before the first check, whose error is the end", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(breaks)
      const backoff = Backoff.toSchedule({ duration: "1 second", factor: 0, jitter: 0, steps: 0 })
      const { endedAt, exit } = yield* observe(
        Wait.delayUntil(check, { backoff, immediate: false, sliding: true }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [1000])
      assert.strictEqual(outcomeOf(exit), "broken")
      assert.strictEqual(endedAt, 1000)
    }))

  // Test_loopConditionUntilContext_timings
  for (
    const { at, immediate, sliding } of [
      { immediate: false, sliding: false, at: 1000 },
      { immediate: true, sliding: false, at: 0 },
      { immediate: false, sliding: true, at: 1000 }
    ]
  ) {
    it.effect(`a first check that holds comes at ${at} ms, immediate: ${immediate}, sliding: ${sliding}`, () =>
      Effect.gen(function*() {
        const { check, starts } = makeCondition(holds)
        const backoff = Backoff.toSchedule({ duration: "1 second", factor: 2, jitter: 0, steps: 2 })
        const { endedAt, exit } = yield* observe(Wait.delayUntil(check, { backoff, immediate, sliding }), "1 minute")
        assert.deepStrictEqual(starts, [at])
        assert.strictEqual(outcomeOf(exit), "holds")
        assert.strictEqual(endedAt, at)
      }))
  }

  // Test_loopConditionUntilContext_Elapsed
  const tenth = (n: number) => n >= 10
  it.effect("ten checks of a jittered delay take from ten to twenty times that", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCondition(tenth)
      const backoff = Backoff.toSchedule({ duration: 1, factor: 0, jitter: 1, steps: 0 })
      yield* withDraws(0, 0.5)(observe(Wait.delayUntil(check, { backoff, immediate: false, sliding: false }), 100))
      assert.deepStrictEqual(starts, [1, 2.5, 3.5, 5, 6, 7.5, 8.5, 10, 11, 12.5])
    }))

  for (const interval of [1, 0]) {
    it.effect(`ten checks at an interval of ${interval} take ten intervals`, () =>
      Effect.gen(function*() {
        const { check, starts } = makeCondition(tenth)
        yield* observe(Wait.pollUntilContextCancel(check, { interval, immediate: false }), 100)
        assert.deepStrictEqual(starts, from(1, 10).map((n) => n * interval))
      }))
  }
})

describe("Go's Interrupted", () => {
  class Refused extends Data.TaggedError("Refused")<{ readonly cause?: unknown }> {}

  const isInterrupted = <E, R>(wait: Effect.Effect<unknown, E, R>) =>
    Effect.map(
      observe(wait, "1 minute"),
      ({ exit }) =>
        exit !== undefined && Exit.isFailure(exit) && Predicate.isTagged(Cause.squash(exit.cause), "WaitTimeout")
    )

  const made = (lastError: Option.Option<unknown>) =>
    new WaitTimeout({
      reason: { _tag: "Stopped" },
      attempts: 1,
      elapsed: Duration.zero,
      last: Option.none(),
      lastError
    })

  // TestInterrupted
  const waits: ReadonlyArray<readonly [name: string, wait: Effect.Effect<unknown, unknown>, is: boolean]> = [
    [
      "checks that were used up",
      Wait.exponentialBackoff(Effect.succeed(false), {
        backoff: { duration: 1, factor: 1, jitter: 0, steps: 2 }
      }),
      true
    ],
    [
      "a stop",
      Wait.pollUntilContextCancel(Effect.succeed(false), { interval: 1, immediate: false, stop: Effect.void }),
      true
    ],
    [
      "a deadline",
      Wait.pollUntilContextTimeout(Effect.succeed(false), { interval: 1, timeout: 3, immediate: false }),
      true
    ],
    ["a WaitTimeout of one's own", Wait.pollInfinite(Effect.fail(made(Option.none())), { interval: 1 }), true],
    ["one's own, over an error", Wait.pollInfinite(Effect.fail(made(Option.some("x"))), { interval: 1 }), true],
    [
      "one's own, over another",
      Wait.pollInfinite(Effect.fail(made(Option.some(made(Option.none())))), { interval: 1 }),
      true
    ],
    ["a condition that holds", Wait.pollInfinite(Effect.succeed(true), { interval: 1 }), false],
    ["the condition's error", Wait.pollInfinite(Effect.fail(new Refused({})), { interval: 1 }), false],
    [
      "an error that was caused by a WaitTimeout",
      Wait.pollInfinite(Effect.fail(new Refused({ cause: made(Option.none()) })), { interval: 1 }),
      false
    ]
  ]
  for (const [name, wait, is] of waits) {
    it.effect(`${is ? "an interruption" : "no interruption"}: ${name}`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* isInterrupted(wait), is)
      }))
  }

  // TestErrorInterrupted
  it.effect("a WaitTimeout that the condition fails with comes through as it is", () =>
    Effect.gen(function*() {
      const timeout = made(Option.some("broken"))
      const { exit } = yield* observe(Wait.pollInfinite(Effect.fail(timeout), { interval: 1 }), "1 minute")
      assert.strictEqual(outcomeOf(exit), "Stopped")
      assert.isTrue(exit !== undefined && Exit.isFailure(exit) && Cause.squash(exit.cause) === timeout)
    }))
})
