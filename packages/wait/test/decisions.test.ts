/**
 * Decisions and stops, with bounds on operations and virtual time. A driver that drops a decision, or that honours a stop one boundary
 * too late, fails here with an assertion; in other specs such a loop may only hang.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Logger, Schedule, type Scope } from "effect"
import { Backoff, Limit, Loop, Period, Poll, Retry, RetryBudget, Timeline, Wait } from "effect-wait"
import { makeWork, observe } from "./support.ts"

type Repeat = (work: Effect.Effect<void>) => Effect.Effect<unknown, unknown>

const fail = Effect.andThen(Effect.fail("down"))
const check = Effect.as(false)
const quiet = Effect.provide(Logger.layer([]))

// The same schedule as one of another library, whose steps are Effects.
const foreign = <Out>(schedule: Schedule.Schedule<Out>): Schedule.Schedule<Out> =>
  Schedule.fromStep(
    Effect.map(Schedule.toStep(schedule), (step) => (now, input) => Effect.suspend(() => step(now, input)))
  )

// Its value, the tag and the reason of its error, or its error.
const endOf = (exit: Exit.Exit<unknown, unknown> | undefined): unknown => {
  if (exit === undefined) return "still going"
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.hasInterruptsOnly(exit.cause)) return "interrupted"
  const error = Cause.squash(exit.cause)
  return Poll.isWaitTimeout(error) || Retry.isRetryExhausted(error) ? `${error._tag} ${error.reason._tag}` : error
}

/** When the runs of a loop start, and when and how it ends. */
const outcomeOf = Effect.fnUntraced(function*(repeat: Repeat, ...durations: ReadonlyArray<number>) {
  const work = makeWork(...durations)
  const { endedAt, exit } = yield* observe(quiet(repeat(work.run)), "1 minute")
  return [work.starts, endedAt, endOf(exit)]
})

describe("a decision is followed", () => {
  const second = Period.sliding("1 second")
  const three = second.pipe(Limit.attempts(3))
  const noDelay = Period.sliding(0).pipe(Limit.attempts(3))
  const pauses = Backoff.fromDelays(["1 second", "2 seconds"])
  const oneRetry = Effect.provide(RetryBudget.layerQuota({ capacity: 14, retryCost: 14 }))
  const slowly = { onRetry: () => Effect.sleep("1 second") }

  const rows: ReadonlyArray<readonly [name: string, repeat: Repeat, ...outcome: ReadonlyArray<unknown>]> = [
    ["of a schedule", Loop.run(three), [0, 1000, 2000], 2000, 2],
    ["of a schedule without delays", Loop.run(noDelay), [0, 0, 0], 0, 2],
    ["of a schedule of another library", Loop.run(foreign(three)), [0, 1000, 2000], 2000, 2],
    ["about a loop with a name", Loop.run(three, { name: "decisions" }), [0, 1000, 2000], 2000, 2],
    ["about a loop with a stop", Loop.run(foreign(three), { stop: Effect.never }), [0, 1000, 2000], 2000, 2],
    ["about the first run", Loop.run(three, { immediate: false }), [1000, 2000, 3000], 3000, 3],
    ["about a failure", (work) => Loop.run(fail(work), second), [0], 0, "down"],
    ["about a failure of a loop with a name", (work) => Loop.run(fail(work), second, { name: "x" }), [0], 0, "down"],
    ["of a backoff", (work) => Loop.run(fail(work), second, { backoff: pauses }), [0, 1000, 3000], 3000, "down"],
    [
      "of a backoff of another library",
      (work) => Loop.run(fail(work), second, { backoff: foreign(pauses) }),
      [0, 1000, 3000],
      3000,
      "down"
    ],
    [
      "of a hook",
      (work) => Loop.run(fail(work), second, { backoff: second, onFailure: () => Effect.fail("hook") }),
      [0],
      0,
      "hook"
    ],
    ["about a check that holds", (work) => Poll.until(Effect.as(work, true), second), [0], 0, true],
    [
      "about a check that does not",
      (work) => Poll.until(check(work), three),
      [0, 1000, 2000],
      2000,
      "WaitTimeout Exhausted"
    ],
    [
      "about a check that fails",
      (work) => Poll.until(check(fail(work)), three, { tolerate: () => true }),
      [0, 1000, 2000],
      2000,
      "WaitTimeout Exhausted"
    ],
    [
      "about a wait with a hook",
      (work) =>
        Poll.until(check(work), second.pipe(Limit.within("2 seconds")), { onWait: () => Effect.sleep("5 seconds") }),
      [0],
      5000,
      "WaitTimeout Exhausted"
    ],
    [
      "of Go's policy",
      (work) =>
        Wait.exponentialBackoff(check(work), {
          backoff: { duration: "1 second", factor: 2, jitter: 0, steps: 10, cap: "3 seconds" }
        }),
      [0, 1000],
      3000,
      "WaitTimeout Exhausted"
    ],
    ["about a retry", (work) => Retry.run(fail(work), three), [0, 1000, 2000], 2000, "RetryExhausted Schedule"],
    ["about a retry that is refused", (work) => Retry.run(fail(work), second, { while: () => false }), [0], 0, "down"],
    [
      "of a budget",
      (work) => oneRetry(Retry.run(fail(work), second, { budget: "x" })),
      [0, 1000],
      1000,
      "RetryExhausted Budget"
    ],
    [
      "of a schedule, before the budget's",
      (work) => oneRetry(Retry.run(fail(work), foreign(Limit.attempts(second, 2)), { budget: "x" })),
      [0, 1000],
      1000,
      "RetryExhausted Schedule"
    ],
    [
      "about the rest of a delay",
      (work) => Retry.run(fail(work), three, slowly),
      [0, 1000, 2000],
      2000,
      "RetryExhausted Schedule"
    ]
  ]
  for (const [name, repeat, ...outcome] of rows) {
    it.effect(name, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* outcomeOf(repeat, 0), outcome)
      }))
  }

  for (
    const [name, schedule, starts] of [["ours", noDelay, [0, 0, 0]], ["not ours", foreign(three), [
      0,
      1000,
      2000
    ]]] as const
  ) {
    it.effect(`in virtual time (${name})`, () =>
      Effect.gen(function*() {
        const { exit } = yield* observe(Timeline.simulate(schedule, { until: "1 minute", maxRuns: 20 }), 0)
        assert.deepStrictEqual(
          exit,
          Exit.succeed({ runs: starts.map((start) => ({ start, end: start })), outcome: "done" })
        )
      }))
  }
})

describe("a stop starts no further run", () => {
  const stop = Effect.sleep(1100)
  const noDelay = Period.sliding(0)
  const short = Period.sliding(100)
  const scoped =
    (repeat: (work: Effect.Effect<void>) => Effect.Effect<Loop.Loop<unknown, unknown>, never, Scope.Scope>): Repeat =>
    (work) => Effect.scoped(Effect.flatMap(repeat(work), (loop) => Effect.flatten(loop.await)))

  const rows: ReadonlyArray<readonly [name: string, repeat: Repeat, ...outcome: ReadonlyArray<unknown>]> = [
    ["in a run", Loop.run(short, { stop }), [0, 500, 1000], 1400, undefined],
    ["in a run without delays", Loop.run(noDelay, { stop }), [0, 400, 800], 1200, undefined],
    ["in a run with a name", Loop.run(noDelay, { stop, name: "decisions" }), [0, 400, 800], 1200, undefined],
    ["in a run of another library's schedule", Loop.run(foreign(noDelay), { stop }), [0, 400, 800], 1200, undefined],
    [
      "in a run that fails",
      (work) => Loop.run(fail(work), short, { stop, backoff: noDelay }),
      [0, 400, 800],
      1200,
      undefined
    ],
    ["in the last run", Loop.run(noDelay.pipe(Limit.attempts(3)), { stop }), [0, 400, 800], 1200, 2],
    [
      "in the last run of another library's schedule",
      Loop.run(foreign(noDelay.pipe(Limit.attempts(3))), { stop }),
      [0, 400, 800],
      1200,
      undefined
    ],
    [
      "in the last run of a backoff",
      (work) => Loop.run(fail(work), short, { stop, backoff: noDelay.pipe(Limit.attempts(3)) }),
      [0, 400, 800],
      1200,
      undefined
    ],
    ["in a forked loop's run", scoped(Loop.forkScoped(noDelay, { stop })), [0, 400, 800], 1200, undefined],
    ["in a check", (work) => Poll.until(check(work), noDelay, { stop }), [0, 400, 800], 1200, "WaitTimeout Stopped"],
    [
      "in a check that fails",
      (work) => Poll.until(check(fail(work)), noDelay, { stop, tolerate: () => true }),
      [0, 400, 800],
      1200,
      "WaitTimeout Stopped"
    ],
    ["in Go's loop", Wait.until({ period: 0, stop }), [0, 400, 800], 1200, undefined],
    [
      "in an attempt",
      (work) => Retry.run(fail(work), noDelay, { stop }),
      [0, 400, 800],
      1200,
      "RetryExhausted Stopped"
    ],
    [
      "in a retry inside a run",
      (work) => Loop.run(Retry.run(fail(work), noDelay), short, { stop }),
      [0, 400, 800],
      1200,
      undefined
    ],
    ["in the first run", Loop.run(noDelay, { stop: Effect.sleep(1) }), [0], 400, undefined],
    ["in a sleep", Loop.run(Period.sliding("1 second"), { stop }), [0], 1100, undefined],
    ["in the initial delay", Loop.run(noDelay, { stop, initialDelay: "2 seconds" }), [], 1100, undefined],
    ["before the first run", Loop.run(noDelay, { stop: Effect.void }), [], 0, undefined]
  ]
  for (const [name, repeat, ...outcome] of rows) {
    it.effect(name, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* outcomeOf(repeat, 400), outcome)
      }))
  }

  it.effect("and takes no further step of another library's schedule", () =>
    Effect.gen(function*() {
      let steps = 0
      const counted = Schedule.fromStep(
        Effect.map(Schedule.toStep(noDelay), (step) => (now: number, input: unknown) => {
          steps++
          return step(now, input)
        })
      )
      assert.deepStrictEqual(yield* outcomeOf(Loop.run(counted, { stop }), 400), [[0, 400, 800], 1200, undefined])
      assert.strictEqual(steps, 2)
    }))

  it.effect("in a pause", () =>
    Effect.gen(function*() {
      const paused = Effect.fnUntraced(function*(work: Effect.Effect<void>) {
        const loop = yield* Loop.forkScoped(work, noDelay)
        yield* Effect.sleep(500)
        yield* loop.pause
        yield* Effect.sleep(600)
        yield* loop.stop
        return yield* Effect.flatten(loop.await)
      }, Effect.scoped)
      assert.deepStrictEqual(yield* outcomeOf(paused, 400), [[0, 400], 1100, undefined])
    }))
})

describe("a pause", () => {
  it.effect("ends with the run that is due, and with no other", () =>
    Effect.gen(function*() {
      const resumed = Effect.fnUntraced(function*(work: Effect.Effect<void>) {
        const loop = yield* Loop.forkScoped(work, Period.ticker("1 second").pipe(Limit.attempts(4)))
        yield* Effect.sleep(1500)
        yield* loop.pause
        yield* Effect.sleep(2700)
        yield* loop.resume
        return yield* Effect.flatten(loop.await)
      }, Effect.scoped)
      assert.deepStrictEqual(yield* outcomeOf(resumed, 0), [[0, 1000, 5000, 6000], 6000, 7])
    }))
})
