import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Clock,
  type Cron,
  Data,
  Duration,
  Effect,
  Exit,
  Fiber,
  Logger,
  Metric,
  Option,
  Predicate,
  References,
  Schedule,
  Tracer
} from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Retry, RetryExhausted } from "effect-wait"
import * as RetryExhaustedModule from "effect-wait/RetryExhausted"
import { TestClock } from "effect/testing"
import { CurrentLoop } from "../src/internal/stopping.ts"
import { delaysOf, leftBehind, observe, withDraws } from "./support.ts"

class Busy extends Data.TaggedError("Busy")<{ readonly after?: Duration.Input }> {}
class Broken extends Data.TaggedError("Broken") {}

const busy = new Busy({})
const broken = new Broken()

/** A call that takes so long and fails with these errors in turn; then it succeeds. It notes when it is made. */
const makeCall = (takes: Duration.Input, ...errors: ReadonlyArray<Busy | Broken>) => {
  const starts: Array<number> = []
  const run = Effect.gen(function*() {
    const n = starts.push(yield* Clock.currentTimeMillis)
    yield* Effect.sleep(takes)
    return n > errors.length ? "done" : yield* Effect.fail(errors[n - 1]!)
  })
  return { run, starts }
}

const always = (error: Busy | Broken) => Array.from({ length: 99 }, () => error)

/** The fields of what a retry failed with. */
const fieldsOf = (exit: Exit.Exit<unknown, unknown> | undefined) => {
  const error = exit !== undefined && Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  if (!(error instanceof Retry.RetryExhausted)) return error
  return {
    error: error.error,
    attempts: error.attempts,
    elapsed: Duration.toMillis(error.elapsed),
    reason: error.reason._tag
  }
}

const second = Period.sliding("1 second")

it("RetryExhausted is one class: of effect-wait, of its own module, and of Retry", () => {
  assert.strictEqual(RetryExhausted, Retry.RetryExhausted)
  assert.strictEqual(RetryExhausted, RetryExhaustedModule.RetryExhausted)
})

// A retry with a name takes another way inside.
for (const name of [undefined, "call"]) {
  describe(`Retry.run ${name === undefined ? "without" : "with"} a name`, () => {
    it.effect("succeeds with the first success", () =>
      Effect.gen(function*() {
        const call = makeCall(100, busy, broken)
        const { endedAt, exit } = yield* observe(call.run.pipe(Retry.run(second, { name })), "1 minute")
        assert.deepStrictEqual([call.starts, endedAt, exit], [[0, 1100, 2200], 2300, Exit.succeed("done")])
      }))

    it.effect("fails with the last error, and why it was given up", () =>
      Effect.gen(function*() {
        const call = makeCall(100, broken, broken, busy)
        const schedule = Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Limit.attempts(3))
        const { endedAt, exit } = yield* observe(Retry.run(call.run, schedule, { name }), "1 minute")
        assert.deepStrictEqual([call.starts, endedAt], [[0, 1100, 3200], 3300])
        assert.deepStrictEqual(fieldsOf(exit), { error: busy, attempts: 3, elapsed: 3300, reason: "Schedule" })
      }))

    it.effect("says so in its message", () =>
      Effect.gen(function*() {
        const { exit } = yield* observe(
          Retry.run(Effect.fail(busy), second.pipe(Limit.attempts(2)), { name }),
          "1 minute"
        )
        const error = Cause.squash(Exit.isFailure(exit!) ? exit.cause : Cause.empty)
        assert.isTrue(error instanceof Retry.RetryExhausted)
        assert.strictEqual(
          String(error),
          "RetryExhausted: Gave up after 2 attempts in 1s: the schedule is done. Last error: Busy"
        )
        assert.strictEqual((error as Error).cause, busy)
      }))

    it.effect("fails with the error as it is when while says no", () =>
      Effect.gen(function*() {
        const isBusy = (error: Busy | Broken) => error._tag === "Busy"
        for (const [errors, starts] of [[[broken], [0]], [[busy, busy, broken], [0, 1000, 2000]]] as const) {
          const began = yield* Clock.currentTimeMillis
          const call = makeCall(0, ...errors)
          const { exit } = yield* observe(Retry.run(call.run, second, { name, while: isBusy }), "1 minute")
          assert.deepStrictEqual(call.starts.map((start) => start - began), [...starts])
          assert.strictEqual(fieldsOf(exit), broken)
        }
      }))

    it.effect("tries again the errors whose tags while lists", () =>
      Effect.gen(function*() {
        const began = yield* Clock.currentTimeMillis
        const call = makeCall(0, busy, busy, broken)
        const { exit } = yield* observe(call.run.pipe(Retry.run(second, { name, while: ["Busy"] })), "1 minute")
        assert.deepStrictEqual(call.starts.map((start) => start - began), [0, 1000, 2000])
        assert.strictEqual(fieldsOf(exit), broken)
        const untagged = yield* observe(
          Retry.run(Effect.fail<Busy>(null as never), second, { name, while: ["Busy"] }),
          "1 minute"
        )
        assert.strictEqual(fieldsOf(untagged.exit), null)
      }))

    it.effect("lets defects through untouched, at once and later", () =>
      Effect.gen(function*() {
        for (const failures of [0, 1]) {
          let calls = 0
          const call = Effect.suspend((): Effect.Effect<void, Busy> =>
            ++calls > failures ? Effect.failCause(Cause.combine(Cause.fail(busy), Cause.die("bug"))) : Effect.fail(busy)
          )
          const { exit } = yield* observe(Retry.run(call, second, { name }), "1 minute")
          const reasons = exit !== undefined && Exit.isFailure(exit) ? exit.cause.reasons : []
          assert.deepStrictEqual(reasons.map(({ _tag }) => _tag), ["Fail", "Die"])
          assert.strictEqual(calls, failures + 1)
        }
      }))

    it.effect("lets interruption through, in an attempt and in a delay", () =>
      Effect.gen(function*() {
        for (const wait of [500, 1500, 2500]) {
          const call = makeCall("1 second", ...always(busy))
          const { fiber, left } = yield* leftBehind(Retry.run(call.run, second, { name }))
          yield* TestClock.adjust(wait)
          yield* Fiber.interrupt(fiber)
          const exit = yield* Fiber.await(fiber)
          assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
          assert.deepStrictEqual(left(), { fibers: 0, sleeps: 0 })
        }
      }))

    it.effect("a call that interrupts itself is not tried again", () =>
      Effect.gen(function*() {
        let calls = 0
        const call = Effect.suspend(() => {
          calls++
          return Effect.interrupt
        })
        const { exit } = yield* observe(Retry.run(call, second, { name }), "1 minute")
        assert.isTrue(exit !== undefined && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        assert.strictEqual(calls, 1)
      }))

    const same: Record<string, Schedule.Schedule<unknown, unknown, Cron.CronParseError>> = {
      "ours": Backoff.exponential({ base: "100 millis", cap: "1 second" }).pipe(Limit.attempts(6)),
      "ours, measured from the start": Period.nonSliding("1 second").pipe(Limit.attempts(4)),
      "a ticker": Period.ticker("1 second").pipe(Limit.within("5 seconds")),
      "within a time": second.pipe(Limit.within("5 seconds")),
      "truncated": second.pipe(Limit.within("4.5 seconds", { overshoot: "truncate" })),
      "Effect's spaced": Schedule.spaced("1 second").pipe(Schedule.upTo({ times: 3 })),
      "Effect's, up to a time": Schedule.spaced("1 second").pipe(Schedule.upTo({ duration: "3 seconds" })),
      "Effect's fixed": Schedule.fixed("1 second").pipe(Schedule.upTo({ times: 3 })),
      "Effect's cron": Schedule.cron("*/2 * * * * *").pipe(Schedule.upTo({ times: 3 })),
      "Effect's windowed": Schedule.windowed("1 second").pipe(Schedule.upTo({ times: 3 })),
      "Effect's, with ours inside": Schedule.tap(Period.nonSliding("1 second"), () => Effect.void).pipe(
        Schedule.upTo({ times: 3 })
      )
    }
    for (const [whose, schedule] of Object.entries(same)) {
      it.effect(`makes the attempts that Effect.retry makes, also where the first one is slow: ${whose}`, () =>
        Effect.gen(function*() {
          for (const takes of [0, 400, 2600]) {
            const seen: Array<ReadonlyArray<number>> = []
            const retries: ReadonlyArray<
              (call: Effect.Effect<string, Busy | Broken>) => Effect.Effect<string, unknown>
            > = [
              Retry.run(schedule, { name }),
              Effect.retry(schedule)
            ]
            for (const retry of retries) {
              const began = yield* Clock.currentTimeMillis
              const call = makeCall(takes, ...always(busy))
              yield* observe(retry(call.run), "1 minute")
              seen.push(call.starts.map((start) => start - began))
            }
            assert.deepStrictEqual(seen[0], seen[1])
            assert.isAtLeast(seen[0]!.length, 2)
          }
        }))
    }

    it.effect("fails with the error of the schedule", () =>
      Effect.gen(function*() {
        const failing = Schedule.tap(second, () => Effect.fail("no schedule" as const))
        const { exit } = yield* observe(Retry.run(Effect.fail(busy), failing, { name }), "1 minute")
        assert.deepStrictEqual(exit, Exit.fail("no schedule"))
      }))

    it.effect("cuts an attempt that takes too long, which fails with a TimeoutError", () =>
      Effect.gen(function*() {
        const call = makeCall("1 hour")
        const { endedAt, exit } = yield* observe(
          Retry.run(call.run, second.pipe(Limit.attempts(3)), { name, attemptTimeout: "5 seconds" }),
          "1 minute"
        )
        assert.deepStrictEqual([call.starts, endedAt], [[0, 6000, 12_000], 17_000])
        const { error, ...rest } = fieldsOf(exit) as { error: unknown }
        assert.isTrue(Cause.isTimeoutError(error))
        assert.deepStrictEqual(rest, { attempts: 3, elapsed: 17_000, reason: "Schedule" })
      }))

    it.effect("while sees the timeout of an attempt", () =>
      Effect.gen(function*() {
        const call = makeCall("1 hour", busy)
        const { exit } = yield* observe(
          Retry.run(call.run, second, { name, attemptTimeout: "5 seconds", while: (error) => error._tag === "Busy" }),
          "1 minute"
        )
        assert.deepStrictEqual(call.starts, [0])
        assert.isTrue(exit !== undefined && Exit.isFailure(exit) && Cause.isTimeoutError(Cause.squash(exit.cause)))
      }))

    const schedules = {
      "ours": second.pipe(Limit.attempts(3)),
      "Effect's": Schedule.spaced("1 second").pipe(Schedule.upTo({ times: 2 }))
    }
    for (const [whose, schedule] of Object.entries<Schedule.Schedule<unknown>>(schedules)) {
      it.effect(`tells onRetry before each delay, and onGiveUp at the end (${whose})`, () =>
        Effect.gen(function*() {
          const told: Array<unknown> = []
          const call = makeCall(100, busy, broken, busy)
          const { endedAt, exit } = yield* observe(
            Retry.run(call.run, schedule, {
              name,
              onRetry: ({ attempt, delay, elapsed, error }) =>
                Effect.andThen(
                  Effect.sync(() => told.push([error, attempt, Duration.toMillis(delay), Duration.toMillis(elapsed)])),
                  Effect.sleep(50) // inside the delay
                ),
              onGiveUp: ({ attempts, error, reason }) =>
                Effect.andThen(Effect.sleep(25), Effect.sync(() => told.push([error, attempts, reason._tag])))
            }),
            "1 minute"
          )
          assert.deepStrictEqual(told, [[busy, 1, 1000, 100], [broken, 2, 1000, 1200], [busy, 3, "Schedule"]])
          assert.deepStrictEqual([call.starts, endedAt], [[0, 1100, 2200], 2325])
          assert.deepStrictEqual(fieldsOf(exit), { error: busy, attempts: 3, elapsed: 2300, reason: "Schedule" })
        }))
    }

    it.effect("a hook that fails is the failure", () =>
      Effect.gen(function*() {
        const attempts = second.pipe(Limit.attempts(2))
        const onRetry = yield* observe(
          Retry.run(Effect.fail(busy), attempts, { name, onRetry: () => Effect.fail("onRetry") }),
          "1 minute"
        )
        assert.deepStrictEqual(onRetry.exit, Exit.fail("onRetry"))
        const onGiveUp = yield* observe(
          Retry.run(Effect.fail(busy), attempts, { name, onGiveUp: () => Effect.fail("onGiveUp") }),
          "1 minute"
        )
        assert.include(JSON.stringify(onGiveUp.exit), "onGiveUp")
      }))

    it.effect("hooks hear nothing of a success, of an error that is not tried again, and of a defect", () =>
      Effect.gen(function*() {
        let told = 0
        const hooks = {
          name,
          while: (error: Busy | Broken) => error._tag === "Busy",
          onRetry: () => Effect.sync(() => told++),
          onGiveUp: () => Effect.sync(() => told++)
        }
        for (const call of [Effect.void, Effect.fail(broken), Effect.die("bug"), Effect.interrupt]) {
          yield* observe(Retry.run(call as Effect.Effect<void, Busy | Broken>, second, hooks), "1 minute")
        }
        assert.strictEqual(told, 0)
      }))

    it.effect("can be run again, and at the same time, each with its own state", () =>
      Effect.gen(function*() {
        const retry = Retry.run(Effect.fail(busy), second.pipe(Limit.attempts(3)), { name })
        const { exit } = yield* observe(
          Effect.all([Effect.flip(retry), Effect.flip(retry), Effect.andThen(Effect.flip(retry), Effect.flip(retry))], {
            concurrency: "unbounded"
          }),
          "1 minute"
        )
        assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
        if (exit !== undefined && Exit.isSuccess(exit)) {
          assert.deepStrictEqual(exit.value.map(({ attempts, elapsed }) => [attempts, Duration.toMillis(elapsed)]), [
            [3, 2000],
            [3, 2000],
            [3, 2000]
          ])
        }
      }))
  })

  describe(`nested retries ${name === undefined ? "without" : "with"} a name`, () => {
    const attempts = second.pipe(Limit.attempts(3))
    const counted = () => {
      let calls = 0
      const call = Effect.suspend(() => {
        calls++
        return Effect.fail(busy)
      })
      return { call, calls: () => calls }
    }

    it.effect("multiply: three around three make nine calls", () =>
      Effect.gen(function*() {
        const { call, calls } = counted()
        yield* observe(Retry.run(Retry.run(call, attempts, { name }), attempts, { name }), "1 minute")
        assert.strictEqual(calls(), 9)
      }))

    const ways: Record<string, <E>(inner: Effect.Effect<never, E>) => Effect.Effect<never, E>> = {
      "directly": (inner) => inner,
      "in a child fiber": (inner) => Effect.flatMap(Effect.forkChild(inner), Fiber.join)
    }
    for (const [how, way] of Object.entries(ways)) {
      it.effect(`that defer leave it to the outer one: three calls, ${how}`, () =>
        Effect.gen(function*() {
          const { call, calls } = counted()
          const inner = way(Retry.run(call, attempts, { name, nested: "defer" }))
          const { exit } = yield* observe(Retry.run(inner, attempts, { name }), "1 minute")
          assert.strictEqual(calls(), 3)
          const outer = fieldsOf(exit) as {
            readonly error: unknown
            readonly attempts: number
            readonly reason: string
          }
          assert.deepStrictEqual([outer.attempts, outer.reason], [3, "Schedule"])
          assert.deepStrictEqual(fieldsOf(Exit.fail(outer.error)), {
            error: busy,
            attempts: 1,
            elapsed: 0,
            reason: "Nested"
          })
        }))
    }

    it.effect("that defer retry in a hook, which is no attempt", () =>
      Effect.gen(function*() {
        const { call, calls } = counted()
        const hook = Effect.ignore(Retry.run(call, attempts, { name, nested: "defer" }))
        yield* observe(
          Retry.run(Effect.fail(busy), second.pipe(Limit.attempts(2)), {
            name,
            onRetry: () => hook,
            onGiveUp: () => hook
          }),
          "1 minute"
        )
        assert.strictEqual(calls(), 6)
      }))

    it.effect("that defer retry in a schedule's own effects, which are no attempt", () =>
      Effect.gen(function*() {
        const { call, calls } = counted()
        const asking = Effect.ignore(Retry.run(call, attempts, { name, nested: "defer" }))
        const schedule = Schedule.tap(second.pipe(Limit.attempts(2)), () => asking)
        yield* observe(Retry.run(Effect.fail(busy), schedule, { name }), "1 minute")
        assert.strictEqual(calls(), 3)
      }))

    it.effect("that defer retry where nothing is around them, before and after another retry too", () =>
      Effect.gen(function*() {
        const { call, calls } = counted()
        const inner = Effect.ignore(Retry.run(call, attempts, { name, nested: "defer" }))
        yield* observe(inner, "1 minute")
        assert.strictEqual(calls(), 3)
        yield* observe(Effect.andThen(Retry.run(Effect.void, attempts, { name }), inner), "1 minute")
        assert.strictEqual(calls(), 6)
        yield* observe(
          Effect.andThen(Effect.ignore(Retry.run(Effect.fail(busy), attempts, { name })), inner),
          "1 minute"
        )
        assert.strictEqual(calls(), 9)
        const cut = yield* Effect.forkChild(
          Effect.onInterrupt(Retry.run(Effect.never, attempts, { name }), () => inner),
          { startImmediately: true }
        )
        yield* Effect.all([Fiber.interrupt(cut), TestClock.adjust("1 minute")], { concurrency: "unbounded" })
        assert.strictEqual(calls(), 12)
      }))
  })
}

describe("a retry with a name", () => {
  it.effect("tells its attempts as metrics and spans", () =>
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      const spans: Array<unknown> = []
      const tracer = Tracer.make({
        span(options) {
          const span = new Tracer.NativeSpan(options)
          spans.push([span.name, span.attributes])
          return span
        }
      })
      const call = makeCall(100, busy, broken, busy)
      yield* observe(Retry.run(call.run, second.pipe(Limit.attempts(3)), { name: "call" }), "1 minute").pipe(
        Effect.provideService(Metric.MetricRegistry, registry),
        Effect.provideService(Tracer.Tracer, tracer)
      )
      assert.deepStrictEqual(
        spans,
        [0, 1100, 2200].map((scheduledTime, i) => [
          "call",
          new Map(Object.entries({ attempt: i + 1, scheduledTime, lateness: 0 }))
        ])
      )
      const counters = (yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)).filter(
        (metric) => metric.type === "Counter"
      )
      assert.deepStrictEqual(
        counters.map(({ attributes, id, state }) =>
          [id, attributes?.["kind"], attributes?.["reason"], state.count].filter((field) => field !== undefined)
        ),
        [
          ["effect_wait_runs_total", "retry", 3],
          ["effect_wait_failures_total", "retry", 3],
          ["effect_wait_retries_total", "retry", 2],
          ["effect_wait_missed_total", "retry", 0],
          ["effect_wait_give_ups_total", "retry", "error", 0],
          ["effect_wait_give_ups_total", "retry", "defect", 0],
          ["effect_wait_give_ups_total", "retry", "schedule", 1],
          ["effect_wait_give_ups_total", "retry", "budget", 0]
        ]
      )
    }))

  it.effect("annotates what attempts and hooks log", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ fiber, message }) => {
        logged.push([message, fiber.getRef(References.CurrentLogAnnotations)])
      })
      const retry = Retry.run(
        Effect.andThen(Effect.log("attempt"), Effect.fail(busy)),
        second.pipe(Limit.attempts(2)),
        {
          name: "call",
          onRetry: () => Effect.log("onRetry"),
          onGiveUp: () => Effect.log("onGiveUp")
        }
      )
      yield* observe(retry, "1 minute").pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(
        logged,
        ["attempt", "onRetry", "attempt", "onGiveUp"].map((message) => [
          [message],
          { retry: "call" }
        ])
      )
    }))
})

describe("Retry.match", () => {
  const errors = [busy, broken, busy, busy, broken, busy]
  const schedule = Retry.match({
    Busy: Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Limit.attempts(4)),
    Broken: Period.sliding("10 millis")
  })

  it.effect("follows a schedule by tag, each with its own state; the same with plain Effect.retry", () =>
    Effect.gen(function*() {
      const drivers: ReadonlyArray<(call: Effect.Effect<string, Busy | Broken>) => Effect.Effect<string, unknown>> = [
        Retry.run(schedule),
        Effect.retry(schedule)
      ]
      for (const driver of drivers) {
        const began = yield* Clock.currentTimeMillis
        const call = makeCall(0, ...errors)
        const { exit } = yield* observe(driver(call.run), "1 minute")
        assert.deepStrictEqual(call.starts.map((start) => start - began), [0, 1000, 1010, 3010, 7010, 7020])
        assert.isTrue(exit !== undefined && Exit.isFailure(exit))
      }
    }))

  it.effect("follows orElse for every other tag", () =>
    Effect.gen(function*() {
      const call = makeCall(0, ...errors)
      yield* observe(
        Retry.run(
          call.run,
          Retry.match({ Broken: Period.sliding("10 millis") }, { orElse: Period.sliding("1 second") })
        ),
        "1 minute"
      )
      assert.deepStrictEqual(call.starts, [0, 1000, 1010, 2010, 3010, 3020, 4020])
    }))

  it.effect("puts out what the schedule puts out that it follows", () =>
    Effect.gen(function*() {
      const step = yield* Schedule.toStep(Retry.match({
        Busy: Schedule.map(second, () => "busy"),
        Broken: Schedule.map(Period.sliding("2 seconds"), () => "broken")
      }))
      assert.deepStrictEqual(yield* step(0, busy), ["busy", Duration.seconds(1)])
      assert.deepStrictEqual(yield* step(0, broken), ["broken", Duration.seconds(2)])
    }))

  it.effect("is done at a tag that has no case, where a type error was overlooked", () =>
    Effect.gen(function*() {
      const errors = [{ _tag: "Broken" }, { _tag: "toString" }, { _tag: "__proto__" }, "Busy", null, undefined]
      for (const error of errors) {
        const call = makeCall(0, busy, error as never as Busy)
        const began = yield* Clock.currentTimeMillis
        const { exit } = yield* observe(
          Retry.run(call.run as Effect.Effect<string, Busy>, Retry.match({ Busy: second })),
          "1 minute"
        )
        assert.deepStrictEqual(call.starts.map((start) => start - began), [0, 1000])
        assert.deepStrictEqual(fieldsOf(exit), { error, attempts: 2, elapsed: 1000, reason: "Schedule" })
      }
    }))
})

describe("Retry.hint", () => {
  interface HintOptions {
    readonly max: Duration.Input
    readonly onExceed?: "giveUp" | "clamp"
  }
  const delayFor = (options: HintOptions, hint: Option.Option<Duration.Input>) =>
    Effect.gen(function*() {
      const schedule = second.pipe(Retry.hint(({ hint }: { hint: Option.Option<Duration.Input> }) => hint, options))
      const step = yield* Schedule.toStep(schedule)
      const result = yield* Effect.exit(step(0, { hint }))
      return Exit.isSuccess(result) ? Duration.toMillis(result.value[1]) : "gives up"
    })
  const most = { max: "1 minute" } as const
  const cases: ReadonlyArray<
    readonly [string, HintOptions, Option.Option<Duration.Input>, number | "gives up"]
  > = [
    ["no hint leaves the delay", most, Option.none(), 1000],
    ["a longer hint is followed", most, Option.some("30 seconds"), 30_000],
    ["a shorter hint does not shorten", most, Option.some("10 millis"), 1000],
    ["a hint of exactly the most is followed", most, Option.some("1 minute"), 60_000],
    ["a hint past the most gives up", most, Option.some(60_001), "gives up"],
    ["a hint for ever gives up", most, Option.some("Infinity"), "gives up"],
    ["a hint past the most is clamped", { ...most, onExceed: "clamp" }, Option.some("1 day"), 60_000],
    ["a hint for ever is clamped", { ...most, onExceed: "clamp" }, Option.some("Infinity"), 60_000],
    ["a negative hint asks for nothing", most, Option.some(-5000), 1000],
    ["a hint of minus infinity asks for nothing", most, Option.some("-Infinity"), 1000],
    ["a hint that is NaN asks for nothing", most, Option.some(NaN), 1000],
    ["a hint that is no duration asks for nothing", most, Option.some("soon" as never), 1000],
    ["the most does not bound the schedule", { max: "10 millis", onExceed: "clamp" }, Option.some("1 day"), 1000]
  ]
  for (const [name, options, hint, expected] of cases) {
    it.effect(name, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* delayFor(options, hint), expected)
      }))
  }

  it.effect("is the same data-first, where the error needs no annotation", () =>
    Effect.gen(function*() {
      const call = makeCall(0, new Busy({ after: "5 seconds" }), broken)
      const schedule = (calls: typeof call) =>
        Retry.run(
          calls.run,
          Retry.hint(second, (error) => Option.fromUndefinedOr(error._tag === "Busy" ? error.after : undefined), most)
        )
      yield* observe(schedule(call), "1 hour")
      assert.deepStrictEqual(call.starts, [0, 5000, 6000])
    }))

  it.effect("past the most ends the retry with the schedule", () =>
    Effect.gen(function*() {
      const call = makeCall(0, new Busy({ after: "5 seconds" }), new Busy({ after: "1 day" }))
      const schedule = second.pipe(
        Retry.hint((error: Busy | Broken) => Option.fromUndefinedOr("after" in error ? error.after : undefined), most)
      )
      const { exit } = yield* observe(Retry.run(call.run, schedule), "1 hour")
      assert.deepStrictEqual(call.starts, [0, 5000])
      assert.strictEqual((fieldsOf(exit) as { readonly reason: string }).reason, "Schedule")
    }))
})

describe("published policies", () => {
  it.effect("client-go retry.DefaultRetry: 5 steps of 10 ms, jitter 0.1 (k8s.io/client-go/util/retry)", () =>
    Effect.gen(function*() {
      const schedule = Period.sliding("10 millis").pipe(Jitter.additive(0.1), Limit.attempts(5))
      const call = makeCall(0, ...always(busy))
      yield* withDraws(0.5)(observe(Retry.run(call.run, schedule), "1 minute"))
      assert.deepStrictEqual(call.starts, [0, 10.5, 21, 31.5, 42])
    }))

  it.effect("client-go retry.DefaultBackoff: 4 steps from 10 ms, factor 5, jitter 0.1", () =>
    Effect.gen(function*() {
      const schedule = Backoff.toSchedule({ duration: "10 millis", factor: 5, jitter: 0.1, steps: 4 }).pipe(
        Limit.attempts(4)
      )
      const call = makeCall(0, ...always(busy))
      yield* withDraws(0)(observe(Retry.run(call.run, schedule), "1 minute"))
      assert.deepStrictEqual(call.starts, [0, 10, 60, 310])
    }))

  it.effect("gRPC A6: delay n is min(initial * multiplier^(n-1), max) times 0.8 to 1.2", () =>
    Effect.gen(function*() {
      const schedule = Backoff.exponential({ base: "100 millis", factor: 2, cap: "1 second" }).pipe(
        Jitter.between(0.8, 1.2)
      )
      assert.deepStrictEqual(yield* withDraws(0)(delaysOf(schedule, 5)), [80, 160, 320, 640, 800])
      assert.deepStrictEqual(yield* withDraws(0.5)(delaysOf(schedule, 5)), [100, 200, 400, 800, 1000])
    }))

  it.effect("AWS SDK for JavaScript: Retry-After is followed by at most 5 s more than the delay", () =>
    Effect.gen(function*() {
      const capped = (after: Duration.Input) =>
        second.pipe(Retry.hint(() => Option.some(after), { max: "6 seconds", onExceed: "clamp" }))
      const delays = yield* Effect.forEach([500, 3000, 60_000], (after) => delaysOf(capped(after), 1))
      assert.deepStrictEqual(delays.flat(), [1000, 3000, 6000])
    }))
})

describe("a retry in a run of a loop", () => {
  for (const name of [undefined, "sync"]) {
    it.effect(`ends at the stop of the loop, which has not failed (name: ${name})`, () =>
      Effect.gen(function*() {
        const call = makeCall(0, ...always(busy))
        const loop = Loop.run(Retry.run(call.run, second), second, {
          stop: Effect.sleep("2500 millis"),
          ...(name !== undefined && { name })
        })
        const { endedAt, exit } = yield* observe(loop, "1 minute")
        assert.deepStrictEqual([call.starts, endedAt, exit], [[0, 1000, 2000], 2500, Exit.succeed(undefined)])
      }))
  }

  it.effect("retries after that loop has ended, in the same fiber", () =>
    Effect.gen(function*() {
      const call = makeCall(0, busy, busy)
      const loop = Loop.run(Effect.void, second, { stop: Effect.sleep("1500 millis") })
      const { endedAt, exit } = yield* observe(Effect.andThen(loop, Retry.run(call.run, second)), "1 minute")
      assert.deepStrictEqual([call.starts, endedAt, exit], [[1500, 2500, 3500], 3500, Exit.succeed("done")])
    }))

  const ends: Readonly<Record<string, Effect.Effect<string, string>>> = {
    "that succeeds": Effect.succeed("done"),
    "that is refused": Effect.fail("broken"),
    "that is given up": Effect.fail("busy"),
    "that dies": Effect.die("broken"),
    "that is interrupted": Effect.interrupt
  }
  for (const [how, end] of Object.entries(ends)) {
    it.effect(`${how} leaves no listener on the loop: 10,000 in one run`, () =>
      Effect.gen(function*() {
        const counts: Array<number | undefined> = []
        let calls = 0
        const count = Effect.map(CurrentLoop, (loop) => {
          const listeners: unknown = Predicate.isObject(loop) ? Reflect.get(loop, "listeners") : undefined
          return counts.push(listeners instanceof Set ? listeners.size : undefined)
        })
        const call = Effect.suspend(() => ++calls % 2 === 1 ? Effect.fail("busy") : Effect.andThen(count, end))
        const retry = Retry.run(call, Period.sliding(0).pipe(Limit.attempts(2)), { while: (error) => error === "busy" })
        const run = Effect.andThen(Effect.repeat(Effect.exit(retry), Schedule.recurs(9999)), count)
        yield* Loop.run(run, Period.sliding(0).pipe(Limit.attempts(1)), { stop: Effect.never })
        assert.strictEqual(calls, 20_000)
        assert.deepStrictEqual([counts.length, Array.from(new Set(counts.slice(0, -1))), counts.at(-1)], [
          10_001,
          [1],
          0
        ])
      }))
  }
})

it.effect("the first attempt is number 0 also in an attempt of another number", () =>
  Effect.gen(function*() {
    const two = second.pipe(Limit.attempts(2))
    for (const options of [{}, { stop: Effect.never }, { name: "call" }, { onRetry: () => Effect.void }] as const) {
      const seen: Array<number> = []
      const call = Effect.flatMap(Schedule.CurrentMetadata, ({ attempt }) => {
        seen.push(attempt)
        return Effect.fail("refused")
      })
      yield* observe(Effect.retry(Retry.run(call, two, options), { times: 1 }), "1 minute")
      assert.deepStrictEqual(seen, [0, 1, 0, 1])
    }
  }))
