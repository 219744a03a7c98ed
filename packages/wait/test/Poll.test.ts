import { assert, describe, it } from "@effect/vitest"
import { Clock, Data, Deferred, Duration, Effect, Exit, Fiber, Option, Result, Schedule, Scheduler } from "effect"
import { Backoff, Jitter, Limit, Period, Poll, WaitTimeout } from "effect-wait"
import { TestClock } from "effect/testing"
import { leftBehind, observe, timeoutOf, withDraws } from "./support.ts"

class Unreachable extends Data.TaggedError("Unreachable")<{ readonly check: number }> {}

type Answer = boolean | number | string | Unreachable

/** A check that gives these answers in turn, the last one from then on, and takes so long. */
const makeCheck = <A extends Answer>(answers: ReadonlyArray<A | Unreachable>, duration: Duration.Input = 0) => {
  const starts: Array<number> = []
  const check = Effect.gen(function*() {
    starts.push(yield* Clock.currentTimeMillis)
    yield* Effect.sleep(duration)
    const answer = answers[Math.min(starts.length, answers.length) - 1]!
    return answer instanceof Unreachable ? yield* answer : answer
  })
  return { starts, check }
}

const everySecond = Period.sliding("1 second")

describe("Poll.until", () => {
  it.effect("checks at once, then on the schedule, until the check says true", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCheck([false, false, true])
      const { exit } = yield* observe(Poll.until(check, everySecond), "1 minute")
      assert.deepStrictEqual(exit, Exit.succeed(true as const))
      assert.deepStrictEqual(starts, [0, 1000, 2000])
    }))

  it.effect("waits first when it is not immediate", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCheck([false, true])
      yield* observe(check.pipe(Poll.until(everySecond, { immediate: false })), "1 minute")
      assert.deepStrictEqual(starts, [1000, 2000])
    }))

  it.effect("succeeds with the value that was accepted", () =>
    Effect.gen(function*() {
      const { check } = makeCheck<number | string>(["starting", 3, 7])
      const { exit } = yield* observe(
        Poll.until(check, everySecond, { accept: (value) => typeof value === "number" && value > 5 }),
        "1 minute"
      )
      assert.deepStrictEqual(exit, Exit.succeed(7))
    }))

  it.effect("fails with the check's own error", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCheck([false, new Unreachable({ check: 2 }), true])
      const { exit } = yield* observe(Poll.until(check, everySecond), "1 minute")
      assert.deepStrictEqual(exit, Exit.fail(new Unreachable({ check: 2 })))
      assert.deepStrictEqual(starts, [0, 1000])
    }))

  it.effect("goes on after errors that it tolerates, and tells of the last one", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCheck([new Unreachable({ check: 1 }), false, new Unreachable({ check: 3 })])
      const { exit } = yield* observe(
        Poll.until(check, everySecond.pipe(Limit.attempts(4)), { tolerate: (error) => error._tag === "Unreachable" }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [0, 1000, 2000, 3000])
      assert.deepStrictEqual(timeoutOf(exit), {
        reason: "Exhausted",
        attempts: 4,
        elapsed: 3000,
        last: false,
        lastError: new Unreachable({ check: 3 })
      })
    }))

  it.effect("tolerates the errors whose tags it lists", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCheck([new Unreachable({ check: 1 }), true])
      const { exit } = yield* observe(Poll.until(check, everySecond, { tolerate: ["Unreachable"] }), "1 minute")
      assert.deepStrictEqual([starts, exit], [[0, 1000], Exit.succeed(true as const)])
    }))

  it.effect("fails with an error that it does not tolerate", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCheck<boolean>([new Unreachable({ check: 1 }), new Unreachable({ check: 2 })])
      const { exit } = yield* observe(
        Poll.until(check, everySecond, { tolerate: (error) => error.check === 1 }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [0, 1000])
      assert.deepStrictEqual(exit, Exit.fail(new Unreachable({ check: 2 })))
    }))

  it.effect("dies with the check's defect, tolerant or not", () =>
    Effect.gen(function*() {
      const { exit } = yield* observe(Poll.until(Effect.die("boom"), everySecond, { tolerate: () => true }), "1 minute")
      assert.deepStrictEqual(exit, Exit.die("boom"))
    }))

  it.effect("the deadline interrupts a check in flight", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCheck<string>(["starting", "warm", "ready"], 900)
      const { fiber, left } = yield* leftBehind(
        Poll.until(check, everySecond, { accept: (value) => value === "ready", timeout: "4 seconds" })
      )
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(
        timeoutOf(yield* Fiber.await(fiber)),
        { reason: "Deadline", attempts: 3, elapsed: 4000, last: "warm" }
      )
      assert.deepStrictEqual(starts, [0, 1900, 3800])
      assert.deepStrictEqual(left(), { fibers: 0, sleeps: 0 })
    }))

  it.effect("a timeout of 0 has passed before the first check, on every clock", () =>
    Effect.gen(function*() {
      const poll = Poll.until(Effect.succeed(true), everySecond, { timeout: 0 })
      const expected = { reason: "Deadline", attempts: 0, elapsed: 0 }
      assert.deepStrictEqual(timeoutOf(yield* Effect.exit(poll)), expected)
      assert.strictEqual(timeoutOf(yield* TestClock.withLive(Effect.exit(poll)))?.attempts, 0)
    }))

  it.effect("the deadline wins over a check at the same instant", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCheck([false])
      const { exit } = yield* observe(Poll.until(check, everySecond, { timeout: "3 seconds" }), "1 minute")
      assert.deepStrictEqual(starts, [0, 1000, 2000])
      assert.deepStrictEqual(timeoutOf(exit), { reason: "Deadline", attempts: 3, elapsed: 3000, last: false })
    }))

  it.effect("a stop lets the check in flight finish, and its true wins", () =>
    Effect.gen(function*() {
      const { check } = makeCheck([false, true], 600)
      const { endedAt, exit } = yield* observe(
        Poll.until(check, everySecond, { stop: Effect.sleep(1800) }),
        "1 minute"
      )
      assert.deepStrictEqual(exit, Exit.succeed(true as const))
      assert.strictEqual(endedAt, 2200)
    }))

  it.effect("a stop ends the wait between two checks at once", () =>
    Effect.gen(function*() {
      const { check } = makeCheck([false])
      const { exit } = yield* observe(Poll.until(check, everySecond, { stop: Effect.sleep(1800) }), "1 minute")
      assert.deepStrictEqual(timeoutOf(exit), { reason: "Stopped", attempts: 2, elapsed: 1800, last: false })
    }))

  it.effect("checks nothing when it has already stopped", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCheck([true])
      const { exit } = yield* observe(Poll.until(check, everySecond, { stop: Effect.void }), "1 minute")
      assert.deepStrictEqual(starts, [])
      assert.deepStrictEqual(timeoutOf(exit), { reason: "Stopped", attempts: 0, elapsed: 0 })
    }))

  it.effect("counts the checks that were started, wherever the fiber yields to the stop", () =>
    Effect.gen(function*() {
      for (let turns = 0; turns < 40; turns++) {
        const stop = yield* Deferred.make<void>()
        const { check, starts } = makeCheck([false])
        const poll = yield* Poll.until(check, Period.sliding(0), { stop: Deferred.await(stop) }).pipe(
          Effect.provideService(Scheduler.MaxOpsBeforeYield, 7),
          Effect.forkChild
        )
        for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
        yield* Deferred.succeed(stop, undefined)
        const timeout = timeoutOf(yield* Fiber.await(poll))
        assert.strictEqual(timeout?.reason, "Stopped")
        assert.strictEqual(timeout?.attempts, starts.length)
      }
    }))

  it.effect("follows any schedule: a jittered backoff with limits", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCheck([false])
      const schedule = Backoff.exponential({ base: "100 millis", cap: "1 second" }).pipe(
        Jitter.equal,
        Limit.within("3 seconds")
      )
      yield* observe(withDraws(0, 0.5)(Poll.until(check, schedule)), "1 minute")
      assert.deepStrictEqual(starts, [0, 50, 200, 400, 1000, 1500, 2250, 2750])
    }))

  it.effect("can be caught by its tag", () =>
    Effect.gen(function*() {
      const { check } = makeCheck([false])
      const reason = yield* Poll.until(check, Period.sliding(0).pipe(Limit.attempts(2))).pipe(
        Effect.catchTag("WaitTimeout", (timeout) => Effect.succeed(timeout.reason._tag))
      )
      assert.strictEqual(reason, "Exhausted")
    }))
})

describe("onWait", () => {
  it.effect("is told before each delay, the first one too, with the slots that were missed", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const { check, starts } = makeCheck([false], "2.5 seconds")
      const { exit } = yield* observe(
        Poll.until(check, Period.ticker("1 second", { missed: "skip" }).pipe(Limit.attempts(3)), {
          immediate: false,
          onWait: ({ attempts, delay, missed }) =>
            Effect.sync(() => seen.push([attempts, Duration.toMillis(delay), missed]))
        }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [1000, 4000, 7000])
      assert.deepStrictEqual(seen, [[0, 1000, 0], [1, 500, 2], [2, 500, 4]])
      const timeout = exit && Exit.isFailure(exit) ? Exit.findErrorOption(exit) : Option.none()
      assert.deepStrictEqual(
        Option.map(Option.filter(timeout, Poll.isWaitTimeout), ({ missed }) => missed),
        Option.some(4)
      )
    }))

  it.effect("counts as part of the delay; past a limit in time it ends the poll", () =>
    Effect.gen(function*() {
      const { check, starts } = makeCheck([false])
      const { exit } = yield* observe(
        Poll.until(check, Period.sliding("1 second").pipe(Limit.within("5 seconds")), {
          onWait: () => Effect.sleep("3 seconds")
        }),
        "1 minute"
      )
      assert.deepStrictEqual(starts, [0, 3000])
      assert.deepStrictEqual(timeoutOf(exit)?.reason, "Exhausted")
    }))
})

describe("Schedule.CurrentMetadata around a poll", () => {
  const attempt = Effect.map(Schedule.CurrentMetadata, (metadata) => metadata.attempt)

  it.effect("a hook is no check, and sees what is around the poll", () =>
    Effect.gen(function*() {
      const checks: Array<number> = []
      const hooks: Array<number> = []
      const check = Effect.map(attempt, (n) => checks.push(n) % 3 === 0)
      const poll = Poll.until(check, everySecond, { onWait: () => Effect.map(attempt, (n) => hooks.push(n)) })
      yield* observe(Effect.retry(Effect.andThen(poll, Effect.fail("again")), { times: 1 }), "1 minute")
      assert.deepStrictEqual([checks, hooks], [[0, 1, 2, 0, 1, 2], [0, 0, 1, 1]])
    }))

  it.effect("the first check is number 0 also in an attempt of another number", () =>
    Effect.gen(function*() {
      for (const options of [{}, { timeout: "10 seconds" }, { stop: Effect.never }, { name: "ready" }] as const) {
        const checks: Array<number> = []
        const poll = Poll.until(Effect.map(attempt, (n) => checks.push(n) % 2 === 0), everySecond, options)
        yield* observe(Effect.retry(Effect.andThen(poll, Effect.fail("again")), { times: 1 }), "1 minute")
        assert.deepStrictEqual(checks, [0, 1, 0, 1])
      }
    }))

  it.effect("a fiber that outlives its check keeps the number of that", () =>
    Effect.gen(function*() {
      for (const options of [{}, { timeout: "10 seconds" }, { stop: Effect.never }, { name: "ready" }] as const) {
        const later: Array<number> = []
        let checks = 0
        const check = Effect.as(
          Effect.forkDetach(Effect.delay(Effect.map(attempt, (n) => later.push(n)), "30 seconds")),
          false
        ).pipe(Effect.map(() => ++checks === 3))
        yield* observe(Poll.until(check, everySecond, options), "1 minute")
        assert.deepStrictEqual(later, [0, 1, 2])
      }
    }))
})

describe("WaitTimeout", () => {
  const make = (_tag: WaitTimeout["reason"]["_tag"], attempts: number) =>
    new WaitTimeout({
      reason: { _tag },
      attempts,
      elapsed: Duration.seconds(3),
      last: Option.none(),
      lastError: Option.none()
    })

  it("says what happened and what to do", () => {
    assert.deepStrictEqual([make("Deadline", 4).message, make("Exhausted", 1).message, make("Stopped", 0).message], [
      "The condition did not hold before the deadline: 4 checks in 3s. Allow more time.",
      "The condition did not hold before the schedule ended: 1 check in 3s. Allow more attempts.",
      "The wait was stopped before the condition held: 0 checks in 3s."
    ])
  })

  it("is tagged", () => {
    assert.strictEqual(make("Stopped", 0)._tag, "WaitTimeout")
    assert.isTrue(Result.isFailure(Result.fail(make("Stopped", 0))))
  })
})
