import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Duration, Effect, Exit, Layer, Option, Schedule } from "effect"
import { Backoff, Limit, Period, Retry, RetryBudget } from "effect-wait"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { vi } from "vitest"
import { observe } from "./support.ts"

type Budget = RetryBudget.RetryBudget["Service"]

const key = "users"
const down = "down"
const slow = "slow down"
const none = Option.none()
const some = Option.some(down)

const isThrottling = (error: unknown) => error === slow
const untyped = (value: unknown) => value as never
const times = <A, E, R>(n: number, effect: Effect.Effect<A, E, R>) => Effect.replicateEffect(effect, n)

/** How many retries in a row are allowed. */
const drain = Effect.fnUntraced(function*(budget: Budget, of = key, error = down) {
  let n = 0
  while (n < 100_000 && (yield* budget.withdraw(of, error))) n++
  return n
})

/** An attempt that fails, and whether it may be tried again. */
const fails = (budget: Budget, error = down) => Effect.andThen(budget.failed(key, error), budget.withdraw(key, error))

/** A call with these answers in turn, of which a string is an error; then it is down. It notes when it is made. */
const makeCall = (...answers: ReadonlyArray<number | string>) => {
  const starts: Array<number> = []
  const run = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const answer = answers[starts.push(now) - 1] ?? down
    return typeof answer === "string" ? Effect.fail(answer) : Effect.succeed(answer)
  })
  return { run, starts }
}

/** What a retry came to. */
const outcomeOf = (exit: Exit.Exit<unknown, unknown> | undefined) => {
  if (exit === undefined || Exit.isSuccess(exit)) return exit?.value
  const error = Cause.squash(exit.cause)
  return error instanceof Retry.RetryExhausted ? `${error.reason._tag} after ${error.attempts}: ${error.error}` : error
}

describe("Retry.run with a budget", () => {
  it.effect("asks while once for each failed attempt", () =>
    Effect.gen(function*() {
      let asked = 0
      const retry = Retry.run(makeCall(down, down).run, Period.sliding(1).pipe(Limit.attempts(2)), {
        budget: key,
        while: () => {
          asked++
          return true
        }
      })
      yield* observe(Effect.exit(retry), "1 second").pipe(
        Effect.provide(RetryBudget.layerRatio({ minRetriesPerSecond: 10 }))
      )
      assert.strictEqual(asked, 2)
    }))

  it.effect("the time that a budget takes counts as elapsed from the first attempt on", () =>
    Effect.gen(function*() {
      const { exit } = yield* observe(Retry.run(makeCall(down).run, Period.sliding(1), { budget: key }), "1 minute")
        .pipe(
          Effect.provideService(RetryBudget.RetryBudget, {
            started: () => Effect.sleep(7000),
            failed: () => Effect.void,
            withdraw: () => Effect.as(Effect.sleep(50), false),
            succeeded: () => Effect.void
          })
        )
      const error = exit !== undefined && Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.isTrue(error instanceof Retry.RetryExhausted && Duration.toMillis(error.elapsed) === 50)
    }))

  it.effect("leaves the account to the outer one where it defers", () =>
    Effect.gen(function*() {
      const told: Array<string> = []
      const tell = (event: string) => Effect.sync(() => void told.push(event))
      const inner = Retry.run(makeCall(down).run, Period.sliding(1), { budget: key, nested: "defer" })
      const retry = Retry.run(inner, Period.sliding(1).pipe(Limit.attempts(1)), { budget: key })
      yield* observe(Effect.exit(retry), "1 second").pipe(
        Effect.provideService(RetryBudget.RetryBudget, {
          started: () => tell("started"),
          failed: () => tell("failed"),
          withdraw: () => Effect.as(tell("withdraw"), true),
          succeeded: () => tell("succeeded")
        })
      )
      assert.deepStrictEqual(told, ["started", "failed"])
    }))

  it.effect("keeps its own account where it defers to one that has none, or another one", () =>
    Effect.gen(function*() {
      for (const [outer, expected] of [[undefined, ["inner"]], ["outer", ["outer", "inner", "outer"]]] as const) {
        const told: Array<string> = []
        const tell = (key: string) => Effect.sync(() => void told.push(key))
        const inner = Retry.run(makeCall(down).run, Period.sliding(1), { budget: "inner", nested: "defer" })
        const retry = Retry.run(inner, Period.sliding(1).pipe(Limit.attempts(1)), { budget: outer })
        yield* observe(Effect.exit(retry), "1 second").pipe(
          Effect.provideService(RetryBudget.RetryBudget, {
            started: (key) => key === "outer" ? tell(key) : Effect.void,
            failed: tell,
            withdraw: (key) => Effect.as(tell(key), true),
            succeeded: tell
          })
        )
        assert.deepStrictEqual(told, [...expected])
      }
    }))
})

// finagle-core, RetryBudgetTest.scala: 10,000 operations, with a retry where one may be. What it asks for is within 1 of these.
describe("RetryBudget.makeRatio allows what Finagle's RetryBudget does", () => {
  const fractions = [0.1, 0.5, 0.25, 0.75, 0.99, 0.999, 0.9999, 0.01, 0.001, 0.0001, 0.2, 0.29, 1 / 3, 0]
  const reserves = [[60, 0], [1, 10], [2, 5], [10, 10]] as const
  const cases = fractions.flatMap((ratio) =>
    reserves.map(([ttl, minRetriesPerSecond]) => ({
      options: { ttl: Duration.seconds(ttl), minRetriesPerSecond, ratio },
      retries: Math.floor(10_000 * ratio) + ttl * minRetriesPerSecond,
      title: `${ratio} of 10,000 and ${ttl} x ${minRetriesPerSecond}`
    }))
  )

  it.effect.each(cases)("$title, one after the other", ({ options, retries }) =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeRatio(options)
      let allowed = 0
      for (let i = 0; i < 10_000; i++) {
        yield* budget.started(key)
        if (yield* budget.withdraw(key, down)) allowed++
      }
      assert.strictEqual(allowed, Math.min(retries, 10_000))
    }))

  it.effect.each(cases)("$title, all at once", ({ options, retries }) =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeRatio(options)
      yield* times(10_000, budget.started(key))
      assert.strictEqual(yield* drain(budget), retries)
    }))

  it.effect.each(
    [
      [2, 10, 20],
      [1.1, 10, 11],
      [1000, 10, 10_000],
      [0.1, 10, 1],
      [0.7, 10, 7],
      [1 / 3, 3, 1]
    ] as const
  )(
    "%d for each of %d operations are %d, and none is lost",
    ([ratio, operations, retries]) =>
      Effect.gen(function*() {
        const budget = yield* RetryBudget.makeRatio({ ratio, minRetriesPerSecond: 0 })
        yield* times(operations, budget.started(key))
        assert.strictEqual(yield* drain(budget), retries)
      })
  )

  it.effect("20 %, for 10 seconds, by default, and the reserve a second", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeRatio({ minRetriesPerSecond: 10 })
      yield* times(10, budget.started(key))
      const allowed = [yield* drain(budget)]
      yield* TestClock.adjust(9999)
      allowed.push(yield* drain(budget))
      yield* TestClock.adjust(1)
      allowed.push(yield* drain(budget))
      assert.deepStrictEqual(allowed, [102, 0, 100])
    }))
})

describe("RetryBudget.makeRatio over time", () => {
  it.effect.each(
    [
      ["10 seconds", 0, 10_000],
      ["10 seconds", 10, 10_000],
      ["10 seconds", 999, 10_000],
      ["10 seconds", 1000, 11_000],
      ["10 seconds", 123_456, 133_000],
      ["1 second", 99, 1000],
      ["1 second", 100, 1100],
      ["60 seconds", 5999, 60_000],
      ["60 seconds", 6000, 66_000]
    ] as const
  )(
    "with a ttl of %s a deposit at %d is gone at %d: up to a tenth of it early",
    ([ttl, depositAt, goneAt]) =>
      Effect.gen(function*() {
        const budget = yield* RetryBudget.makeRatio({ ttl, minRetriesPerSecond: 0, ratio: 1 })
        yield* TestClock.adjust(depositAt)
        yield* Effect.forEach(["before", "after"], budget.started)
        yield* TestClock.adjust(goneAt - depositAt - 1)
        const before = yield* budget.withdraw("before", down)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual([before, yield* budget.withdraw("after", down)], [true, false])
      })
  )

  it.effect("the reserve comes back as retries are forgotten", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeRatio({ minRetriesPerSecond: 0.2, ratio: 0 })
      const allowed: Array<number> = []
      const retry = Effect.gen(function*() {
        if (yield* budget.withdraw(key, down)) allowed.push(yield* Clock.currentTimeMillis)
      })
      yield* observe(Effect.repeat(retry, Period.sliding("1 second")), "31 seconds")
      assert.deepStrictEqual(allowed, [0, 1000, 10_000, 11_000, 20_000, 21_000, 30_000, 31_000])
    }))

  it.effect("a retry counts for as long as a deposit, and may outlive those that it took", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeRatio({ minRetriesPerSecond: 0.1, ratio: 1 })
      yield* times(2, budget.started(key))
      yield* TestClock.adjust("5 seconds")
      const allowed = [yield* drain(budget)]
      yield* TestClock.adjust("5 seconds")
      // There is a reserve of 1, and three retries to set against it.
      yield* times(2, budget.started(key))
      allowed.push(yield* drain(budget))
      yield* budget.started(key)
      allowed.push(yield* drain(budget))
      yield* TestClock.adjust("5 seconds")
      allowed.push(yield* drain(budget))
      assert.deepStrictEqual(allowed, [3, 0, 1, 3])
    }))

  it.effect("nothing is left of a busy time after a very long one", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeRatio({ minRetriesPerSecond: 0, ratio: 1, idle: Infinity })
      yield* times(100, budget.started(key))
      yield* TestClock.adjust("10000 days")
      const allowed = [yield* drain(budget)]
      yield* budget.started(key)
      allowed.push(yield* drain(budget))
      assert.deepStrictEqual(allowed, [0, 1])
    }))

  it.effect("neither failures nor successes count", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeRatio({ ttl: "1 second", minRetriesPerSecond: 10, ratio: 1 })
      yield* times(5, budget.failed(key, down))
      yield* times(5, budget.succeeded(key, none))
      yield* times(5, budget.succeeded(key, some))
      assert.strictEqual(yield* drain(budget), 10)
    }))
})

describe("Ratio.limit", () => {
  const settings = { minRetriesPerSecond: 0, ratio: 0.5 }
  type Retries = (
    call: Effect.Effect<number, string>,
    schedule: Schedule.Schedule<unknown>
  ) => Effect.Effect<number, unknown>
  const drivers: ReadonlyArray<{ readonly name: string; readonly retry: Retries }> = [
    { name: "Effect.retry", retry: (call, schedule) => Effect.retry(call, schedule) },
    { name: "Retry.run", retry: (call, schedule) => Retry.run(call, schedule) },
    { name: "Retry.run with a name", retry: (call, schedule) => Retry.run(call, schedule, { name: "call" }) }
  ]
  const schedules = [
    { kind: "a schedule of ours", schedule: Period.sliding("1 second") },
    { kind: "any other schedule", schedule: Schedule.spaced("1 second") }
  ]

  for (const { name, retry } of drivers) {
    for (const { kind, schedule } of schedules) {
      it.effect(`ends ${kind} under ${name} when the budget refuses`, () =>
        Effect.gen(function*() {
          const budget = yield* RetryBudget.makeRatio(settings)
          const call = makeCall()
          const operation = retry(call.run, schedule.pipe(budget.limit(key)))
          const { endedAt } = yield* observe(Effect.ignore(operation).pipe(Effect.repeat({ times: 4 })), "1 minute")
          // Five operations, of which the second and the fourth have the budget for a retry.
          assert.deepStrictEqual([call.starts, endedAt], [[0, 0, 1000, 1000, 1000, 2000, 2000], 2000])
        }))

      it.effect(`withdraws from ${kind} under ${name} only when it would go on`, () =>
        Effect.gen(function*() {
          const budget = yield* RetryBudget.makeRatio({ minRetriesPerSecond: 1, ratio: 0 })
          const call = makeCall()
          const bounded = schedule.pipe(Limit.attempts(3), budget.limit(key))
          const { exit } = yield* observe(retry(call.run, bounded), "1 minute")
          assert.deepStrictEqual(call.starts, [0, 1000, 2000])
          assert.strictEqual(outcomeOf(exit), name === "Effect.retry" ? down : `Schedule after 3: ${down}`)
          // Two of ten are taken, and have been forgotten after a minute.
          assert.strictEqual(yield* drain(budget), 10)
        }))
    }
  }

  it.effect("withdraws once for each retry, and deposits once for each operation", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeRatio({ minRetriesPerSecond: 1, ratio: 1 })
      const operation = Effect.retry(makeCall().run, Schedule.recurs(2).pipe(budget.limit(key)))
      yield* times(3, Effect.ignore(operation))
      assert.strictEqual(yield* drain(budget), 10 + 3 - 6)
    }))

  it.effect("deposits for an operation that succeeds at once under Effect.retry, and not under Retry.run", () =>
    Effect.gen(function*() {
      const allowed: Array<number> = []
      for (const { retry } of drivers) {
        const budget = yield* RetryBudget.makeRatio({ minRetriesPerSecond: 0, ratio: 1 })
        yield* times(4, retry(Effect.succeed(200), Period.sliding("1 second").pipe(budget.limit(key))))
        allowed.push(yield* drain(budget))
      }
      assert.deepStrictEqual(allowed, [4, 0, 4])
    }))

  it.effect("leaves the output and the delays as they are", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeRatio({ minRetriesPerSecond: 0.2, ratio: 0 })
      const delays = Backoff.exponential({ base: 100, cap: Infinity }).pipe(budget.limit(key))
      const { endedAt, exit } = yield* observe(Effect.repeat(Effect.void, delays), "1 minute")
      assert.deepStrictEqual([endedAt, exit], [300, Exit.succeed(Duration.millis(400))])
    }))

  it.effect("shares the budget of the key with Retry.run", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeRatio({ minRetriesPerSecond: 0.3, ratio: 0 })
      yield* Effect.ignore(Effect.retry(makeCall().run, Schedule.recurs(1).pipe(budget.limit(key))))
      const exit = yield* Retry.run(makeCall().run, Schedule.recurs(9), { budget: key }).pipe(
        Effect.provideService(RetryBudget.RetryBudget, budget),
        Effect.exit
      )
      assert.strictEqual(outcomeOf(exit), `Budget after 3: ${down}`)
    }))
})

// grpc/proposal, A6-client-retries.md, "Throttling Retry Attempts and Hedged RPCs".
describe("RetryBudget.makeThrottling counts as gRPC does", () => {
  it.effect.each(
    [
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 2],
      [10, 5],
      [11, 6],
      [1000, 500]
    ] as const
  )("with %d tokens, failure %d is the first one without a retry", ([maxTokens, first]) =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeThrottling({ maxTokens })
      assert.deepStrictEqual(
        yield* times(first + 2, fails(budget)),
        Array.from({ length: first + 2 }, (_, i) => i < first - 1)
      )
    }))

  it.effect("10 tokens and a ratio of 0.1 by default", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeThrottling()
      const allowed = yield* times(5, fails(budget))
      // 5 tokens are left, and after the first success 5.1.
      yield* budget.succeeded(key, none)
      allowed.push(yield* budget.withdraw(key, down), yield* fails(budget))
      // 4.1 are left.
      for (let i = 0; i < 10; i++) {
        yield* budget.succeeded(key, none)
        allowed.push(yield* budget.withdraw(key, down))
      }
      const [yes, no] = [true, false]
      assert.deepStrictEqual(allowed, [yes, yes, yes, yes, no, yes, no, no, no, no, no, no, no, no, no, no, yes])
    }))

  it.effect.each([
    ["0.1", 501],
    ["0.0999999", 506],
    ["0.1239", 407],
    ["0.124", 404],
    ["0.057", 878],
    ["1.001", 50],
    ["1.0019999", 50],
    ["1", 51],
    ["0.001", 50_001],
    ["0.0019", 50_001],
    ["1e9", 1]
  ])(
    "of a ratio of %s three decimals count: %d successes lead from 0 to more than 50",
    ([ratio, successes]) =>
      Effect.gen(function*() {
        const budget = yield* RetryBudget.makeThrottling({ maxTokens: 100, tokenRatio: Number(ratio) })
        yield* times(100, budget.failed(key, down))
        let n = 0
        while (!(yield* budget.withdraw(key, down))) {
          yield* budget.succeeded(key, none)
          n++
        }
        assert.strictEqual(n, successes)
      })
  )

  it.effect("never below 0, and never above the maximum", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeThrottling({ maxTokens: 4, tokenRatio: 1 })
      yield* times(100, budget.failed(key, down))
      const up: Array<boolean> = []
      for (let i = 0; i < 3; i++) {
        yield* budget.succeeded(key, some)
        up.push(yield* budget.withdraw(key, down))
      }
      yield* times(100, budget.succeeded(key, some))
      assert.deepStrictEqual([up, yield* times(3, fails(budget))], [[false, false, true], [true, false, false]])
    }))

  it.effect("neither starts nor retries, and time brings nothing back", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeThrottling({ maxTokens: 4, idle: "1 hour" })
      yield* times(100, budget.started(key))
      assert.strictEqual(yield* drain(budget), 100_000)
      yield* times(2, budget.failed(key, down))
      yield* times(100, budget.started(key))
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(yield* drain(budget), 0)
    }))

  it.effect("under Retry.run each attempt counts, but for errors that are not tried again", () =>
    Effect.gen(function*() {
      const attempt = Retry.run(Schedule.recurs(2), { budget: key, while: (error: string) => error === down })
      const outcomes: Array<unknown> = []
      for (const answers of [[down, down, down], ["bad", down], [down, 200], [down, "bad"], [down]]) {
        const call = makeCall(...answers)
        outcomes.push([outcomeOf(yield* Effect.exit(attempt(call.run))), call.starts.length])
      }
      // Of ten tokens, 7 are left after the first, 7, 6.1, 5.1, 4.1.
      assert.deepStrictEqual(outcomes, [
        [`Schedule after 3: ${down}`, 3],
        ["bad", 1],
        [200, 2],
        ["bad", 2],
        [`Budget after 1: ${down}`, 1]
      ])
    }).pipe(Effect.provide(RetryBudget.layerThrottling())))
})

// AWS SDKs and Tools Reference Guide, "Retry behavior", and the vectors of the standard mode, as of 2026.
describe("RetryBudget.makeQuota counts as AWS' standard mode does", () => {
  // Draws of 1: the delays are 50 ms, 100 ms, ...
  const schedule = Backoff.exponential({ base: 50, cap: "20 seconds" }).pipe(Limit.attempts(3))

  // A probe costs one token, and its success refunds that.
  const probing = { isThrottling: (error: unknown) => error === "probe", throttlingCost: 1 }
  const tokensOf = Effect.fnUntraced(function*(budget: Budget) {
    const n = yield* drain(budget, key, "probe")
    yield* times(n, budget.succeeded(key, Option.some("probe")))
    return n
  })

  it.effect.each(
    [
      {
        title: "a retry that succeeds gives back what it cost",
        capacity: 500,
        operations: [["500", "500", 200]],
        quotas: [486, 472, 486],
        starts: [[0, 50, 150]],
        outcomes: [200]
      },
      {
        title: "what retries that fail cost is gone",
        capacity: 500,
        operations: [["502", "502", "502"]],
        quotas: [486, 472, 472],
        starts: [[0, 50, 150]],
        outcomes: ["Schedule after 3: 502"]
      },
      {
        title: "the last 14 tokens are a retry",
        capacity: 14,
        operations: [["500", "502"]],
        quotas: [0, 0],
        starts: [[0, 50]],
        outcomes: ["Budget after 2: 502"]
      },
      {
        title: "fewer than 14 tokens are none",
        capacity: 20,
        operations: [["500", "502"]],
        quotas: [6, 6],
        starts: [[0, 50]],
        outcomes: ["Budget after 2: 502"]
      },
      {
        title: "what is given back serves the next operation",
        capacity: 30,
        operations: [["500", "502", 200], ["500", 200]],
        quotas: [16, 2, 16, 2, 16],
        starts: [[0, 50, 150], [0, 50]],
        outcomes: [200, 200]
      },
      {
        title: "a success without a retry adds 1",
        capacity: 14,
        operations: [["500", "500"], [200], [201]],
        quotas: [0, 0, 1, 2],
        starts: [[0, 50], [0], [0]],
        outcomes: ["Budget after 2: 500", 200, 201]
      },
      {
        title: "but never above the capacity",
        capacity: 14,
        operations: [[200], [201]],
        quotas: [14, 14],
        starts: [[0], [0]],
        outcomes: [200, 201]
      }
    ] as const
  )("$title", ({ capacity, operations, outcomes, quotas, starts }) =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeQuota({ capacity, ...probing })
      const ended: Array<unknown> = []
      const started: Array<ReadonlyArray<number>> = []
      const left: Array<number> = []
      for (const answers of operations) {
        const call = makeCall(...answers)
        // The quota is noted before a retry, and when the operation is over.
        const watched = Effect.suspend(() =>
          call.starts.length === 0 ? call.run : Effect.flatMap(tokensOf(budget), (n) => {
            left.push(n)
            return call.run
          })
        )
        const operation = Retry.run(watched, schedule, { budget: key }).pipe(
          Effect.provideService(RetryBudget.RetryBudget, budget)
        )
        const { exit } = yield* observe(operation, "1 second")
        ended.push(outcomeOf(exit))
        started.push(call.starts.map((start) => start - call.starts[0]!))
        left.push(yield* tokensOf(budget))
      }
      assert.deepStrictEqual([left, started, ended], [quotas, starts, outcomes])
    }))

  it.effect("500 tokens, of which a retry costs 14, by default", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeQuota()
      // 35 of 14, with 10 left
      const allowed = [yield* drain(budget)]
      yield* times(3, budget.succeeded(key, none))
      allowed.push(yield* drain(budget))
      yield* budget.succeeded(key, none)
      allowed.push(yield* drain(budget), yield* drain(budget, key, slow))
      assert.deepStrictEqual(allowed, [35, 0, 1, 0])
    }))

  it.effect("after throttling a retry costs 5, and its success gives back 5", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeQuota({ capacity: 20, isThrottling })
      const allowed = [yield* drain(budget, key, slow)]
      yield* budget.succeeded(key, Option.some(slow))
      allowed.push(yield* drain(budget, key, slow))
      yield* budget.succeeded(key, some)
      allowed.push(yield* drain(budget, key, slow))
      assert.deepStrictEqual(allowed, [4, 1, 2])
    }))

  it.effect("under Retry.run it is the last error that tells the cost, and what is given back", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeQuota({ capacity: 20, retryCost: 1, throttlingCost: 10, isThrottling })
      const operation = (...answers: ReadonlyArray<number | string>) =>
        Retry.run(makeCall(...answers).run, Schedule.recurs(5), { budget: key }).pipe(
          Effect.provideService(RetryBudget.RetryBudget, budget),
          Effect.exit,
          Effect.map(outcomeOf)
        )
      // 20 - 10 - 1 + 1 = 10, 10 - 1 - 10 is too much, and 9 are left.
      assert.deepStrictEqual(
        [yield* operation(slow, down, 200), yield* operation(down, slow, 200), yield* drain(budget)],
        [200, `Budget after 2: ${slow}`, 9]
      )
    }))

  it.effect("neither starts nor failures count, and time brings nothing back", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeQuota({ capacity: 28, idle: "1 hour" })
      yield* times(100, budget.started(key))
      yield* times(100, budget.failed(key, down))
      const allowed = [yield* drain(budget)]
      yield* TestClock.adjust("59 minutes")
      allowed.push(yield* drain(budget))
      assert.deepStrictEqual(allowed, [2, 0])
    }))

  it.effect("a capacity of 0 is no retry, and a cost of 0 is no bound", () =>
    Effect.gen(function*() {
      const empty = yield* RetryBudget.makeQuota({ capacity: 0 })
      const free = yield* RetryBudget.makeQuota({ capacity: 0, retryCost: 0 })
      assert.deepStrictEqual([yield* drain(empty), yield* drain(free)], [0, 100_000])
    }))
})

/** Budgets that allow two retries. */
const two = [
  {
    name: "Ratio",
    make: (idle?: Duration.Input) =>
      RetryBudget.makeRatio({ ttl: "60 seconds", minRetriesPerSecond: 2 / 60, ratio: 0, idle })
  },
  { name: "Throttling", make: (idle?: Duration.Input) => RetryBudget.makeThrottling({ maxTokens: 5, idle }) },
  { name: "Quota", make: (idle?: Duration.Input) => RetryBudget.makeQuota({ capacity: 28, idle }) }
] as const

describe("keys", () => {
  const retries = (budget: Budget, of: string) =>
    times(4, Effect.andThen(budget.failed(of, down), budget.withdraw(of, down)))
  const all = [true, true, false, false]

  for (const { make, name } of two) {
    it.effect(`${name}: each has a budget of its own`, () =>
      Effect.gen(function*() {
        const budget = yield* make()
        assert.deepStrictEqual([yield* retries(budget, "a"), yield* retries(budget, "b")], [all, all])
        assert.deepStrictEqual(yield* budget.withdraw("a", down), false)
      }))

    it.effect(`${name}: two budgets share nothing`, () =>
      Effect.gen(function*() {
        const [one, other] = yield* Effect.all([make(), make()])
        assert.deepStrictEqual([yield* retries(one, key), yield* retries(other, key)], [all, all])
      }))

    // Nothing is left of a ratio after so long a time anyway.
    for (
      const [idle, after] of name === "Ratio"
        ? [[30_000, 30_000]] as const
        : [[30_000, 30_000], [undefined, 600_000]] as const
    ) {
      it.effect(`${name}: one that is idle for ${after} ms begins afresh, and not before`, () =>
        Effect.gen(function*() {
          const budget = yield* make(idle)
          yield* Effect.all([retries(budget, "a"), retries(budget, "b")])
          yield* TestClock.adjust(after - 1)
          const before = yield* budget.withdraw("a", down)
          yield* TestClock.adjust(1)
          // That look was a use of "a".
          assert.deepStrictEqual(
            [before, yield* budget.withdraw("a", down), yield* retries(budget, "b")],
            [false, false, all]
          )
        }))
    }

    it.effect(`${name}: one is idle for ever, where that is allowed`, () =>
      Effect.gen(function*() {
        const budget = yield* make(Infinity)
        yield* retries(budget, key)
        yield* TestClock.adjust(name === "Ratio" ? "59 seconds" : "10000 days")
        assert.strictEqual(yield* budget.withdraw(key, down), false)
      }))

    it.effect(`${name}: those that are idle take no memory`, () =>
      Effect.gen(function*() {
        const budget = yield* make("30 seconds")
        const set = vi.spyOn(Map.prototype, "set")
        yield* budget.withdraw("user 0", down)
        const buckets = set.mock.contexts[set.mock.calls.findIndex(([of]) => of === "user 0")]
        set.mockRestore()
        assert.instanceOf(buckets, Map)

        const sizes: Array<number | undefined> = []
        for (let i = 1; i <= 10_000; i++) {
          yield* TestClock.adjust(10)
          yield* budget.failed(`user ${i}`, down)
          yield* budget.withdraw(`user ${i}`, down)
          // One that is always in use stays.
          yield* budget.succeeded("often", none)
          yield* budget.withdraw("often", down)
          if (i % 2000 === 0) sizes.push(buckets.size)
        }
        yield* TestClock.adjust("30 seconds")
        yield* budget.withdraw(key, down)
        sizes.push(buckets.size)
        // 30 seconds are 3,000 users.
        assert.deepStrictEqual(sizes, [2002, 3001, 3001, 3001, 3001, 1])
      }), 20_000)
  }
})

describe("Retry.run tells a budget what happens", () => {
  const recorder = () => {
    const events: Array<string> = []
    const note = <A>(event: string, answer: A) => Effect.sync(() => (events.push(event), answer))
    const budget = (...answers: ReadonlyArray<boolean>): Budget => {
      let asked = 0
      return {
        started: (key) => note(`${key} started`, undefined),
        failed: (_, error) => note(`failed ${error}`, undefined),
        withdraw: (_, error) => note(`withdraw ${error}`, answers[asked++] ?? true),
        succeeded: (_, retried) => note(`succeeded ${Option.getOrElse(retried, () => "at once")}`, undefined)
      }
    }
    return { events, budget }
  }

  it.effect.each(
    [
      { title: "a success", answers: [200], events: ["users started", "succeeded at once"] },
      {
        title: "a success after retries",
        answers: ["a", "b", 200],
        events: ["users started", "failed a", "withdraw a", "failed b", "withdraw b", "succeeded b"]
      },
      {
        title: "no withdrawal when the schedule is done",
        answers: ["a", "b", "c"],
        events: ["users started", "failed a", "withdraw a", "failed b", "withdraw b", "failed c"]
      },
      {
        title: "no failure when the error is not tried again",
        answers: ["a", "bad"],
        events: ["users started", "failed a", "withdraw a"]
      },
      {
        title: "nothing after a refusal",
        answers: ["a", "refuse"],
        events: ["users started", "failed a", "withdraw a", "failed refuse", "withdraw refuse"]
      }
    ] as const
  )("$title", ({ answers, events }) =>
    Effect.gen(function*() {
      const recorded = recorder()
      for (const schedule of [Period.sliding(0).pipe(Limit.attempts(3)), Schedule.recurs(2)]) {
        recorded.events.length = 0
        yield* Retry.run(makeCall(...answers).run, schedule, { budget: key, while: (error) => error !== "bad" }).pipe(
          Effect.provideService(RetryBudget.RetryBudget, recorded.budget(true, !answers.includes("refuse" as never))),
          Effect.exit
        )
        assert.deepStrictEqual(recorded.events, [...events])
      }
    }))
})

const duration = "a duration from 1 second to 60 seconds"
const fraction = "a number from 0 to 1000"
const count = "an integer from 1 to 1000"
const whole = "an integer of 0 or more"
const idle = "a duration longer than 0"

describe("bad options", () => {
  const ratio = [RetryBudget.makeRatio, RetryBudget.layerRatio] as const
  const throttling = [RetryBudget.makeThrottling, RetryBudget.layerThrottling] as const
  const quota = [RetryBudget.makeQuota, RetryBudget.layerQuota] as const
  type Make = (options: never) => Effect.Effect<unknown> | Layer.Layer<RetryBudget.RetryBudget>

  const table: ReadonlyArray<
    [name: string, makes: readonly [Make, Make], option: string, value: unknown, allowed: string, formatted?: string]
  > = [
    ["Ratio", ratio, "ttl", "999 millis", duration, `"999 millis"`],
    ["Ratio", ratio, "ttl", 60_001, duration],
    ["Ratio", ratio, "ttl", NaN, duration],
    ["Ratio", ratio, "ttl", "soon", duration, `"soon"`],
    ["Ratio", ratio, "minRetriesPerSecond", undefined, "a finite number of 0 or more"],
    ["Ratio", ratio, "minRetriesPerSecond", -1, "a finite number of 0 or more"],
    ["Ratio", ratio, "minRetriesPerSecond", Infinity, "a finite number of 0 or more"],
    ["Ratio", ratio, "ratio", -0.1, fraction],
    ["Ratio", ratio, "ratio", 1000.1, fraction],
    ["Ratio", ratio, "ratio", NaN, fraction],
    ["Ratio", ratio, "ratio", "20", fraction, `"20"`],
    ["Ratio", ratio, "byKey", "users", "an object", `"users"`],
    ["Ratio", ratio, "idle", 0, idle],
    ["Ratio", ratio, "idle", -1, idle],
    ["Throttling", throttling, "maxTokens", 0, count],
    ["Throttling", throttling, "maxTokens", 1001, count],
    ["Throttling", throttling, "maxTokens", 1.5, count],
    ["Throttling", throttling, "maxTokens", NaN, count],
    ["Throttling", throttling, "tokenRatio", 0, "a finite number of 0.001 or more"],
    ["Throttling", throttling, "tokenRatio", 0.0009, "a finite number of 0.001 or more"],
    ["Throttling", throttling, "tokenRatio", Infinity, "a finite number of 0.001 or more"],
    ["Throttling", throttling, "idle", NaN, idle],
    ["Quota", quota, "capacity", -1, whole],
    ["Quota", quota, "capacity", 0.5, whole],
    ["Quota", quota, "retryCost", -1, whole],
    ["Quota", quota, "throttlingCost", NaN, whole],
    ["Quota", quota, "isThrottling", true, "a function"],
    ["Quota", quota, "idle", 0, idle]
  ]

  const dies = Effect.fnUntraced(function*(make: Make, options: unknown, message: string) {
    const made = make(untyped(options))
    const exit = yield* Effect.exit(Effect.isEffect(made) ? made : Effect.scoped(Layer.build(made)))
    const error = Exit.isFailure(exit) && Cause.hasDies(exit.cause) ? Cause.squash(exit.cause) : undefined
    assert.isTrue(Cause.isIllegalArgumentError(error))
    assert.strictEqual((error as Error).message, message)
  })

  for (const [name, makes, option, value, allowed, formatted = `${value}`] of table) {
    for (const [i, make] of makes.entries()) {
      const argument = `RetryBudget.${i === 0 ? "make" : "layer"}${name}: ${option}`
      it.effect(`${argument} ${formatted}`, () =>
        dies(make, { minRetriesPerSecond: 1, [option]: value }, `${argument} must be ${allowed}, got ${formatted}`))
    }
  }

  for (const [name, makes] of [["Ratio", ratio], ["Throttling", throttling], ["Quota", quota]] as const) {
    for (const [i, make] of makes.entries()) {
      const argument = `RetryBudget.${i === 0 ? "make" : "layer"}${name}: options`
      it.effect(`${argument} "many"`, () => dies(make, "many", `${argument} must be an object, got "many"`))
    }
  }
})

describe("settings by key", () => {
  type Settings = RetryBudget.ByKey<RetryBudget.ThrottlingSettings>
  const failures = (budget: Budget, of: string) =>
    Effect.gen(function*() {
      let n = 0
      while (n < 1000 && (yield* budget.withdraw(of, down))) {
        n++
        yield* budget.failed(of, down)
      }
      return n
    })

  it.effect.each<{ kind: string; byKey: Settings | undefined; expected: ReadonlyArray<number> }>([
    { kind: "none", byKey: undefined, expected: [10, 10, 10] },
    { kind: "a record", byKey: { search: { maxTokens: 100 } }, expected: [10, 50, 10] },
    {
      kind: "a record of settings that are undefined",
      byKey: { search: { maxTokens: undefined } },
      expected: [10, 10, 10]
    },
    {
      kind: "a function",
      byKey: (key) => key === "search" ? { maxTokens: 4 } : undefined,
      expected: [10, 2, 10]
    }
  ])("of throttling, $kind: what is missing is as for all", ({ byKey, expected }) =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeThrottling({ maxTokens: 20, byKey })
      assert.deepStrictEqual(
        yield* Effect.forEach(["users", "search", "constructor"], (of) => failures(budget, of)),
        expected
      )
    }))

  it.effect("of throttling: what a success adds", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeThrottling({
        maxTokens: 2,
        tokenRatio: 1,
        byKey: { b: { tokenRatio: 0.1 } }
      })
      const allowed = yield* Effect.forEach(["a", "b"], (of) =>
        Effect.gen(function*() {
          yield* times(2, budget.failed(of, down))
          yield* times(2, budget.succeeded(of, none))
          return yield* budget.withdraw(of, down)
        }))
      assert.deepStrictEqual(allowed, [true, false])
    }))

  it.effect("of a ratio", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeRatio({
        minRetriesPerSecond: 1,
        ratio: 0.5,
        byKey: { b: { ratio: 1 }, c: { minRetriesPerSecond: 0, ttl: "1 second" } }
      })
      const allowed = yield* Effect.forEach(["a", "b", "c"], (of) =>
        Effect.andThen(times(10, budget.started(of)), drain(budget, of)))
      yield* TestClock.adjust("1 second")
      yield* Effect.forEach(["a", "b", "c"], budget.started)
      const later = yield* Effect.forEach(["a", "b", "c"], (of) =>
        times(2, budget.started(of)).pipe(
          Effect.andThen(drain(budget, of))
        ))
      assert.deepStrictEqual([allowed, later], [[15, 20, 5], [1, 3, 1]])
    }))

  it.effect("of a quota", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeQuota({
        capacity: 28,
        byKey: { b: { retryCost: 7 }, c: { capacity: 0 }, d: { isThrottling } }
      })
      const allowed = yield* Effect.forEach(["a", "b", "c"], (of) => drain(budget, of))
      assert.deepStrictEqual([...allowed, yield* drain(budget, "d", slow)], [2, 4, 0, 5])
    }))

  it.effect("a function is called once for a key, and again when the key was idle", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const budget = yield* RetryBudget.makeQuota({
        idle: "1 minute",
        byKey(key) {
          asked.push(key)
          return {}
        }
      })
      yield* times(3, budget.withdraw("a", down))
      yield* budget.withdraw("b", down)
      yield* TestClock.adjust("1 minute")
      yield* budget.withdraw("a", down)
      assert.deepStrictEqual(asked, ["a", "b", "a"])
    }))

  it.effect.each([
    [{ users: { maxTokens: 0 } }, `RetryBudget.makeThrottling: byKey.users: maxTokens must be ${count}, got 0`],
    [{ users: 5 }, "RetryBudget.makeThrottling: byKey.users must be an object, got 5"]
  ])("bad settings of a record are refused by name at once: %j", ([byKey, message]) =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(RetryBudget.makeThrottling({ byKey: untyped(byKey) }))
      assert.strictEqual(
        Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : exit.value,
        `IllegalArgumentError: ${message}`
      )
    }))

  it.effect("bad settings of a function are refused by name when its key is first used", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.makeThrottling({ byKey: (key) => ({ maxTokens: key === "users" ? -1 : 10 }) })
      const fine = yield* budget.withdraw("search", down)
      const exit = yield* Effect.exit(budget.withdraw("users", down))
      assert.strictEqual(
        Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : exit.value,
        `IllegalArgumentError: RetryBudget.makeThrottling: byKey.users: maxTokens must be ${count}, got -1`
      )
      assert.isTrue(fine)
    }))
})

describe("RetryBudget beside a model of it", () => {
  type Event = "started" | "failed" | "withdraw" | "withdraw throttled" | "succeeded" | "retried" | "retried throttled"
  const events: ReadonlyArray<Event> = [
    "started",
    "failed",
    "withdraw",
    "withdraw throttled",
    "succeeded",
    "retried",
    "retried throttled"
  ]
  type History = ReadonlyArray<readonly [wait: number, key: string, event: Event]>
  const historyOf = (longest: number) =>
    fc.array(
      fc.tuple(
        fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: longest })),
        fc.constantFrom("a", "b", "c"),
        fc.constantFrom(...events)
      ),
      { maxLength: 150, size: "max" }
    )

  /** The answers of a budget. The wall clock is nobody's business. */
  const answersOf = (make: Effect.Effect<Budget>, history: History) => {
    let now = 123_456
    const told = (budget: Budget, key: string, event: Event) => {
      switch (event) {
        case "started":
          return budget.started(key)
        case "failed":
          return budget.failed(key, down)
        case "withdraw":
          return budget.withdraw(key, down)
        case "withdraw throttled":
          return budget.withdraw(key, slow)
        case "succeeded":
          return budget.succeeded(key, none)
        case "retried":
          return budget.succeeded(key, some)
        case "retried throttled":
          return budget.succeeded(key, Option.some(slow))
      }
    }
    return Effect.runSync(
      Effect.gen(function*() {
        const budget = yield* make
        const answers: Array<boolean | void> = []
        for (const [wait, key, event] of history) {
          now += wait
          answers.push(yield* told(budget, key, event))
        }
        return answers
      }).pipe(
        Effect.updateService(Clock.Clock, (clock) => ({
          ...clock,
          currentTimeMillisUnsafe: () => -now,
          monotonicTimeNanosUnsafe: () => BigInt(now) * BigInt(1_000_000)
        }))
      )
    )
  }

  /** The answers of a model: states of keys, which are not used for so long, are made anew. */
  const expected = <S>(
    history: History,
    idle: number,
    make: () => S,
    uses: ReadonlyArray<Event>,
    answer: (state: S, event: Event, now: number) => boolean | undefined
  ) => {
    const states = new Map<string, { readonly state: S; used: number }>()
    let now = 0
    return history.map(([wait, key, event]) => {
      now += wait
      if (!uses.includes(event)) return undefined
      const found = states.get(key)
      const entry = found === undefined || now - found.used >= idle ? { state: make(), used: now } : found
      states.set(key, entry)
      entry.used = now
      return answer(entry.state, event, now)
    })
  }

  const idles = fc.constantFrom(1, 500, 3000, 20_000, Infinity)
  const check = <T>(property: fc.IProperty<T>) => fc.assert(property, { numRuns: 1000 })

  it("a ratio is what was added within the ttl, in tenths of it", () =>
    check(fc.property(
      historyOf(4000),
      idles,
      fc.integer({ min: 1000, max: 10_000 }),
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom(0, 0.25, 0.5, 1, 2),
      (history, idle, ttl, minRetriesPerSecond, ratio) => {
        const uses = ["started", "withdraw", "withdraw throttled"] as const
        const answers = expected(
          history,
          idle,
          (): Array<[slice: number, retries: number]> => [],
          uses,
          (added, event, now) => {
            const slice = Math.floor(now * 10 / ttl)
            if (event === "started") {
              added.push([slice, ratio])
              return undefined
            }
            const left = added.reduce(
              (sum, [at, retries]) => at > slice - 10 ? sum + retries : sum,
              minRetriesPerSecond * ttl / 1000
            )
            // Thirds and their like are not exact here.
            if (left > 1 - 1e-6) added.push([slice, -1])
            return left > 1 - 1e-6
          }
        )
        const make = RetryBudget.makeRatio({ ttl, minRetriesPerSecond, ratio, idle })
        assert.deepStrictEqual(answersOf(make, history), answers)
      }
    )), 60_000)

  it("throttling has from 0 to the maximum of tokens", () =>
    check(fc.property(
      historyOf(1000),
      idles,
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(0.125, 0.5, 1, 2),
      (history, idle, maxTokens, tokenRatio) => {
        const uses = events.filter((event) => event !== "started")
        const answers = expected(history, idle, () => ({ tokens: maxTokens }), uses, (state, event) => {
          if (event === "withdraw" || event === "withdraw throttled") return state.tokens > maxTokens / 2
          const changed = state.tokens + (event === "failed" ? -1 : tokenRatio)
          state.tokens = changed < 0 ? 0 : changed > maxTokens ? maxTokens : changed
          return undefined
        })
        assert.deepStrictEqual(answersOf(RetryBudget.makeThrottling({ maxTokens, tokenRatio, idle }), history), answers)
      }
    )), 60_000)

  it("a quota has from 0 to its capacity of tokens", () =>
    check(fc.property(
      historyOf(1000),
      idles,
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 0, max: 14 }),
      fc.integer({ min: 0, max: 14 }),
      (history, idle, capacity, retryCost, throttlingCost) => {
        const uses = events.filter((event) => event !== "started" && event !== "failed")
        const answers = expected(history, idle, () => ({ tokens: capacity }), uses, (state, event) => {
          const cost = event.endsWith("throttled") ? throttlingCost : retryCost
          if (event.startsWith("withdraw")) {
            if (state.tokens < cost) return false
            state.tokens -= cost
            return true
          }
          state.tokens = Math.min(capacity, state.tokens + (event === "succeeded" ? 1 : cost))
          return undefined
        })
        const make = RetryBudget.makeQuota({ capacity, retryCost, throttlingCost, isThrottling, idle })
        assert.deepStrictEqual(answersOf(make, history), answers)
      }
    )), 60_000)
})
