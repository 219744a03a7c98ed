/** What an attempt knows, and what reaches a retry from outside: its number, a stop, a hook that takes its time. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, type Duration, Effect, Exit, Fiber, Metric, Schedule } from "effect"
import { Backoff, Limit, Loop, Period, Poll, Retry, RetryBudget, Wait } from "effect-wait"
import { TestClock } from "effect/testing"
import { leftBehind, observe as observeAbsolute } from "./support.ts"

/** `endedAt` counts from when it began. */
const observe = <A, E, R>(effect: Effect.Effect<A, E, R>, until: Duration.Input) =>
  Effect.gen(function*() {
    const began = yield* Clock.currentTimeMillis
    const { endedAt, exit } = yield* observeAbsolute(effect, until)
    return { exit, endedAt: endedAt === undefined ? undefined : endedAt - began }
  })

const second = Period.sliding("1 second")
const three = second.pipe(Limit.attempts(3))

/** A call that takes so long and fails each time. It notes when it is made. */
const makeCall = (takes: Duration.Input = 0) => {
  const starts: Array<number> = []
  const call = Effect.gen(function*() {
    starts.push(yield* Clock.currentTimeMillis)
    yield* Effect.sleep(takes)
    return yield* Effect.fail("refused" as const)
  })
  return { call, starts }
}

const reasonOf = (exit: Exit.Exit<unknown, unknown> | undefined) => {
  const error = exit !== undefined && Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  return Retry.isRetryExhausted(error) ? [error.reason._tag, error.attempts, error.error] : error
}

type Driver = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<unknown, unknown>

describe("Schedule.CurrentMetadata", () => {
  const schedules: Readonly<Record<string, Schedule.Schedule<unknown>>> = {
    "ours": Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Limit.attempts(3)),
    "Effect's": Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 2 }))
  }
  const ways: Readonly<Record<string, (schedule: Schedule.Schedule<unknown>) => Driver>> = {
    "plain": (schedule) => Retry.run(schedule),
    "with a name": (schedule) => Retry.run(schedule, { name: "call" }),
    "with a hook": (schedule) => Retry.run(schedule, { onRetry: () => Effect.void }),
    "with a timeout": (schedule) => Retry.run(schedule, { attemptTimeout: "1 minute" }),
    "with a stop": (schedule) => Retry.run(schedule, { stop: Effect.never }),
    "with a budget": (schedule) => (effect) =>
      Effect.provide(Retry.run(effect, schedule, { budget: "api" }), RetryBudget.layerQuota())
  }
  const seenBy = (driver: (schedule: Schedule.Schedule<unknown>) => Driver, schedule: Schedule.Schedule<unknown>) =>
    Effect.gen(function*() {
      const began = yield* Clock.currentTimeMillis
      const seen: Array<unknown> = []
      const call = Effect.gen(function*() {
        const { now, start, ...metadata } = yield* Schedule.CurrentMetadata
        seen.push({ ...metadata, now: Math.max(0, now - began), start: Math.max(0, start - began) })
        yield* Effect.sleep("100 millis")
        return yield* Effect.fail(`failure ${seen.length}`)
      })
      yield* observe(driver(schedule)(call), "1 minute")
      return seen
    })

  for (const [whose, schedule] of Object.entries(schedules)) {
    for (const [how, way] of Object.entries(ways)) {
      it.effect(`is that of Effect.retry, in each attempt (${whose}, ${how})`, () =>
        Effect.gen(function*() {
          const expected = yield* seenBy((schedule) => Effect.retry(schedule), schedule)
          assert.strictEqual(expected.length, 3)
          assert.deepStrictEqual(yield* seenBy(way, schedule), expected)
        }))
    }
  }

  it.effect("stays that of its attempt, also for who keeps it", () =>
    Effect.gen(function*() {
      const kept: Array<Schedule.Metadata> = []
      const call = Effect.flatMap(Schedule.CurrentMetadata, (metadata) => Effect.fail(kept.push(metadata)))
      yield* observe(Retry.run(call, three), "1 minute")
      assert.deepStrictEqual(kept.map(({ attempt }) => attempt), [0, 1, 2])
    }))

  const nestings: Readonly<Record<string, readonly [Driver, Driver]>> = {
    "Retry.run in Retry.run": [Retry.run(second.pipe(Limit.attempts(2))), Retry.run(three)],
    "Retry.run in Effect.retry": [Retry.run(second.pipe(Limit.attempts(2))), Effect.retry(three)],
    "Effect.retry in Retry.run": [Effect.retry(second.pipe(Limit.attempts(2))), Retry.run(three)],
    "one with a name in one with a budget": [
      Retry.run(second.pipe(Limit.attempts(2)), { name: "inner" }),
      (effect) => Effect.provide(Retry.run(effect, three, { budget: "api" }), RetryBudget.layerQuota())
    ]
  }
  for (const [which, [inner, outer]] of Object.entries(nestings)) {
    it.effect(`counts in each retry for itself: ${which}`, () =>
      Effect.gen(function*() {
        const seen: Array<number> = []
        const around: Array<number> = []
        const note = (list: Array<number>) =>
          Effect.map(Schedule.CurrentMetadata, ({ attempt }) => {
            list.push(attempt)
          })
        const call = inner(Effect.andThen(note(seen), Effect.fail("refused")))
        const attempt = Effect.andThen(note(around), Effect.onError(call, () => note(around)))
        yield* observe(outer(attempt), "1 minute")
        assert.deepStrictEqual([seen, around], [[0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2]])
      }))
  }

  it.effect("is what it was after a success, a failure and an interruption", () =>
    Effect.gen(function*() {
      const after: Array<number> = []
      const note = Effect.map(Schedule.CurrentMetadata, ({ attempt }) => {
        after.push(attempt)
      })
      for (const call of [Effect.void, Effect.fail("refused"), Effect.interrupt]) {
        yield* observe(Effect.andThen(Effect.exit(Retry.run(call, three)), note), "1 minute")
        yield* observe(Effect.andThen(Effect.exit(Poll.until(Effect.as(call, false), three)), note), "1 minute")
      }
      assert.deepStrictEqual(after, [0, 0, 0, 0, 0, 0])
    }))

  it.effect("counts the checks of Poll.until", () =>
    Effect.gen(function*() {
      for (const options of [{}, { name: "ready" }, { timeout: "1 minute" }, { stop: Effect.never }] as const) {
        const seen: Array<unknown> = []
        const check = Effect.map(Schedule.CurrentMetadata, ({ attempt, input }) => {
          seen.push([attempt, input])
          return false
        })
        yield* observe(Poll.until(check, three, options), "2 minutes")
        assert.deepStrictEqual(seen, [[0, undefined], [1, false], [2, false]])
      }
    }))
})

describe("Retry.run with stop", () => {
  it.effect("that came already makes no attempt", () =>
    Effect.gen(function*() {
      for (const options of [{}, { name: "call" }, { onRetry: () => Effect.void }]) {
        const { call, starts } = makeCall()
        const { endedAt, exit } = yield* observe(Retry.run(call, second, { ...options, stop: Effect.void }), "1 minute")
        assert.deepStrictEqual([starts.length, endedAt, reasonOf(exit)], [0, 0, ["Stopped", 0, undefined]])
      }
    }))

  for (const takesHook of [0, 5000]) {
    it.effect(`ends a delay at that instant${takesHook === 0 ? "" : ", and the hook in it"}`, () =>
      Effect.gen(function*() {
        for (const schedule of [Period.sliding("10 seconds"), Schedule.spaced("10 seconds")]) {
          const began = yield* Clock.currentTimeMillis
          let gaveUp = 0
          const { call, starts } = makeCall()
          const { fiber, left } = yield* leftBehind(Retry.run(call, schedule, {
            stop: Effect.sleep("12 seconds"),
            onRetry: () => Effect.sleep(takesHook),
            onGiveUp: () => Effect.sync(() => gaveUp++)
          }))
          yield* TestClock.adjust("12 seconds")
          const exit = yield* Fiber.await(fiber)
          assert.deepStrictEqual(starts.map((start) => start - began), [0, 10_000])
          assert.deepStrictEqual([reasonOf(exit), gaveUp], [["Stopped", 2, "refused"], 0])
          assert.deepStrictEqual(left(), { fibers: 0, sleeps: 0 })
        }
      }))
  }

  it.effect("lets the attempt in flight finish, whose success wins", () =>
    Effect.gen(function*() {
      const { call, starts } = makeCall("3 seconds")
      const stop = Effect.sleep("2 seconds")
      const failed = yield* observe(Retry.run(call, second, { stop }), "1 minute")
      assert.deepStrictEqual([starts, failed.endedAt, reasonOf(failed.exit)], [[0], 3000, ["Stopped", 1, "refused"]])
      const held = yield* observe(Retry.run(Effect.delay(Effect.succeed(1), "3 seconds"), second, { stop }), "1 minute")
      assert.deepStrictEqual(held.exit, Exit.succeed(1))
    }))

  it.effect("asks no budget and runs no hook once it came", () =>
    Effect.gen(function*() {
      let hooks = 0
      const { call } = makeCall("3 seconds")
      yield* observe(
        Retry.run(call, second, { stop: Effect.sleep("2 seconds"), onRetry: () => Effect.sync(() => hooks++) }),
        "1 minute"
      )
      assert.strictEqual(hooks, 0)
    }))

  it.effect("fails with the failure of the stop", () =>
    Effect.gen(function*() {
      const { call } = makeCall()
      const stop = Effect.andThen(Effect.sleep("2.5 seconds"), Effect.fail("no stop" as const))
      const { endedAt, exit } = yield* observe(Retry.run(call, second, { stop }), "1 minute")
      assert.deepStrictEqual([endedAt, exit], [2500, Exit.fail("no stop")])
    }))
})

describe("a loop's stop", () => {
  const givenUp = (registry: Metric.MetricRegistry) =>
    Effect.map(
      Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry),
      (metrics) =>
        metrics.filter(({ id }) => id === "effect_wait_give_ups_total").map((metric) =>
          metric.type === "Counter" ? Number(metric.state.count) : NaN
        )
    )

  const backoffs = { "without backoff": {}, "with backoff": { backoff: Period.sliding("1 second") } }
  for (const [how, options] of Object.entries<{ readonly backoff?: Schedule.Schedule<unknown> }>(backoffs)) {
    for (const name of [undefined, "sync"]) {
      const named = name === undefined ? "" : ", with names"
      it.effect(`ends the delay of a retry in its run at that instant (${how}${named})`, () =>
        Effect.gen(function*() {
          const registry: Metric.MetricRegistry = new Map()
          const { call, starts } = makeCall()
          let gaveUp = 0
          const work = Retry.run(call, Period.sliding("30 seconds"), {
            name,
            onGiveUp: () => Effect.sync(() => gaveUp++)
          })
          const { endedAt, exit } = yield* observe(
            Loop.run(work, second, { ...options, name, stop: Effect.sleep("1 second") }),
            "2 minutes"
          ).pipe(Effect.provideService(Metric.MetricRegistry, registry))
          assert.deepStrictEqual([starts, endedAt, exit, gaveUp], [[0], 1000, Exit.succeed(undefined), 0])
          assert.isTrue((yield* givenUp(registry)).every((count) => count === 0))
        }))
    }

    it.effect(`through its handle, as that of a loop in a fiber (${how})`, () =>
      Effect.gen(function*() {
        const { call, starts } = makeCall()
        const loop = yield* Loop.forkScoped(Retry.run(call, Period.sliding("30 seconds")), second, options)
        yield* TestClock.adjust("1 second")
        yield* loop.stop
        assert.deepStrictEqual([starts, yield* loop.await], [[0], Exit.succeed(undefined)])
        assert.strictEqual((yield* loop.status).state, "ended")
      }).pipe(Effect.scoped))
  }

  it.effect("lets the attempt in flight finish", () =>
    Effect.gen(function*() {
      const { call, starts } = makeCall("3 seconds")
      const { endedAt, exit } = yield* observe(
        Loop.run(Retry.run(call, second), second, { stop: Effect.sleep("1 second") }),
        "1 minute"
      )
      assert.deepStrictEqual([starts, endedAt, exit], [[0], 3000, Exit.succeed(undefined)])
    }))

  it.effect("is not heard by a retry that ignores it, nor under Go's loops", () =>
    Effect.gen(function*() {
      const stop = Effect.sleep("1 second")
      const schedule = Period.sliding("30 seconds").pipe(Limit.attempts(3))
      const ways = [
        (call: Effect.Effect<never, string>) =>
          Loop.run(Retry.run(call, schedule, { stop: "ignore" }), second, { stop }),
        (call: Effect.Effect<never, string>) => Wait.until(Retry.run(call, schedule), { period: "1 second", stop })
      ]
      for (const way of ways) {
        const began = yield* Clock.currentTimeMillis
        const { call, starts } = makeCall()
        const { exit } = yield* observe(way(call), "2 minutes")
        assert.deepStrictEqual(starts.map((start) => start - began), [0, 30_000, 60_000])
        assert.deepStrictEqual(reasonOf(exit), ["Schedule", 3, "refused"])
      }
    }))

  it.effect("is that of the nearest loop alone, with a stop or without", () =>
    Effect.gen(function*() {
      const retry = (call: Effect.Effect<never, string>) =>
        Retry.run(call, Period.sliding("30 seconds").pipe(Limit.attempts(2)))
      const stop = Effect.sleep("1 second")
      for (const inner of [{}, { stop: Effect.never }]) {
        const began = yield* Clock.currentTimeMillis
        const { call, starts } = makeCall()
        const { exit } = yield* observe(Loop.run(Loop.run(retry(call), second, inner), second, { stop }), "2 minutes")
        assert.deepStrictEqual(starts.map((start) => start - began), [0, 30_000])
        assert.deepStrictEqual(reasonOf(exit), ["Schedule", 2, "refused"])
      }
      const { call, starts } = makeCall()
      const began = yield* Clock.currentTimeMillis
      const { endedAt } = yield* observe(
        Loop.run(Loop.run(retry(call), second, { stop }), Period.sliding("1 hour")),
        "10 seconds"
      )
      assert.deepStrictEqual([starts.map((start) => start - began), endedAt], [[0], undefined])
    }))

  it.effect("ends the retry of a poll's check, and one that begins after it came with its first attempt", () =>
    Effect.gen(function*() {
      const { call, starts } = makeCall()
      const poll = Poll.until(Effect.as(Retry.run(call, Period.sliding("30 seconds")), true), second)
      const { endedAt, exit } = yield* observe(Loop.run(poll, second, { stop: Effect.sleep("1 second") }), "1 minute")
      assert.deepStrictEqual([starts, endedAt, exit], [[0], 1000, Exit.succeed(undefined)])
      const late = makeCall()
      const work = Effect.andThen(Effect.sleep("5 seconds"), Retry.run(late.call, Period.sliding("30 seconds")))
      const began = yield* Clock.currentTimeMillis
      const after = yield* observe(Loop.run(work, second, { stop: Effect.sleep("1 second") }), "1 minute")
      assert.deepStrictEqual([late.starts.map((start) => start - began), after.endedAt], [[5000], 5000])
    }))

  it.effect("fails the loop with its own failure", () =>
    Effect.gen(function*() {
      const { call } = makeCall()
      const stop = Effect.andThen(Effect.sleep("1 second"), Effect.fail("no stop" as const))
      for (const name of [undefined, "sync"]) {
        const { exit } = yield* observe(
          Loop.run(Retry.run(call, Period.sliding("30 seconds")), second, { name, stop }),
          "1 minute"
        )
        assert.deepStrictEqual(reasonOf(exit), "no stop")
      }
    }))

  it.effect("that came in a run leaves a failure of another kind as it is", () =>
    Effect.gen(function*() {
      const work = Effect.andThen(Effect.sleep("3 seconds"), Effect.fail("broken"))
      const { exit } = yield* observe(Loop.run(work, second, { stop: Effect.sleep("1 second") }), "1 minute")
      assert.deepStrictEqual(exit, Exit.fail("broken"))
    }))

  it.effect("forgets a retry that is over", () =>
    Effect.gen(function*() {
      let calls = 0
      const call = Effect.suspend(() => ++calls % 2 === 1 ? Effect.fail("refused") : Effect.void)
      const { endedAt, exit } = yield* observe(
        Loop.run(Retry.run(call, Period.sliding("100 millis")), second, { stop: Effect.sleep("10.5 seconds") }),
        "1 minute"
      )
      assert.deepStrictEqual([calls, endedAt, exit], [20, 10_500, Exit.succeed(undefined)])
    }))
})

describe("a hook of Retry.run", () => {
  const starts = (schedule: Schedule.Schedule<unknown>, hook: Duration.Input, until: Duration.Input = "10 seconds") =>
    Effect.gen(function*() {
      const began = yield* Clock.currentTimeMillis
      const { call, starts } = makeCall()
      const { endedAt, exit } = yield* observe(
        Retry.run(call, schedule, { onRetry: () => Effect.sleep(hook) }),
        until
      )
      return [starts.map((start) => start - began), endedAt, reasonOf(exit)]
    })

  it.effect("counts for Limit.within, in either mode", () =>
    Effect.gen(function*() {
      for (const overshoot of ["stop", "truncate"] as const) {
        assert.deepStrictEqual(
          yield* starts(second.pipe(Limit.within("5 seconds", { overshoot })), "3 seconds"),
          [[0, 3000], 6000, ["Schedule", 2, "refused"]]
        )
      }
    }))

  it.effect("is inside the delay, and leaves a ticker on its grid", () =>
    Effect.gen(function*() {
      const cases = [
        [second, 300, [0, 1000, 2000, 3000]],
        [second, 1300, [0, 1300, 2600]],
        [Period.ticker("1 second"), 300, [0, 1000, 2000, 3000]],
        [Period.ticker("1 second"), 1300, [0, 1300, 2600]],
        [Schedule.spaced("1 second"), 300, [0, 1000, 2000, 3000]],
        [Period.sliding(0), 1000, [0, 1000, 2000, 3000]]
      ] as const
      for (const [schedule, hook, expected] of cases) {
        const [seen] = yield* starts(schedule, hook, "3.5 seconds")
        assert.deepStrictEqual(seen, [...expected])
      }
    }))

  it.effect("that is done before the limit leaves the run that was planned", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* starts(Period.sliding("5 seconds").pipe(Limit.within("5 seconds")), "5 seconds"),
        [[0, 5000], 5000, ["Schedule", 2, "refused"]]
      )
    }))
})

describe("Retry.run is interrupted as Effect.retry is", () => {
  const outcomes = (retry: Driver, way: (effect: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>) =>
    Effect.gen(function*() {
      const began = yield* Clock.currentTimeMillis
      const { call, starts } = makeCall("700 millis")
      const { endedAt, exit } = yield* observe(way(retry(call)), "1 minute")
      const outcome = exit === undefined ? "running" : Exit.isSuccess(exit) ? exit.value : Cause.squash(exit.cause)
      return [starts.map((start) => start - began), endedAt, outcome instanceof Error ? outcome.name : outcome]
    })
  const ways: Record<string, (effect: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>> = {
    "Effect.timeout, in an attempt": Effect.timeout("2 seconds"),
    "Effect.timeout, in a delay": Effect.timeout("3 seconds"),
    "Effect.race": Effect.race(Effect.as(Effect.sleep("3 seconds"), "other")),
    "Effect.timeout around an uninterruptible one": (effect) =>
      Effect.timeout(Effect.uninterruptible(Effect.timeoutOption(effect, "2 seconds")), "1 second")
  }
  for (const [name, way] of Object.entries(ways)) {
    it.effect(name, () =>
      Effect.gen(function*() {
        for (const options of [{}, { name: "call" }, { stop: Effect.never }, { onRetry: () => Effect.void }]) {
          const expected = yield* outcomes((effect) => Effect.retry(effect, second), way)
          assert.deepStrictEqual(yield* outcomes((effect) => Retry.run(effect, second, options), way), expected)
        }
      }))
  }
})

describe("Poll.until without accept", () => {
  it.effect.each([1, "ready", null, undefined, {}])(
    "dies by name when the check yields %s",
    (value) =>
      Effect.gen(function*() {
        let checks = 0
        const check = Effect.sync(() => {
          checks++
          return value as boolean
        })
        const { exit } = yield* observe(Poll.until(check, second), "1 minute")
        const error = Exit.isFailure(exit!) ? Cause.squash(exit.cause) : undefined
        assert.isTrue(Cause.isIllegalArgumentError(error))
        assert.match(
          (error as Error).message,
          /^Poll\.until: the value of the check must be true or false, if there is no `accept`, got /
        )
        assert.strictEqual(checks, 1)
      })
  )
})
