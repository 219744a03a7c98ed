import { DurablePoll, PollStore } from "@effect-wait/cluster"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, DateTime, Duration, Effect, Exit, Latch, Layer, Logger, Option, Schedule, Schema } from "effect"
import { Backoff, WaitTimeout } from "effect-wait"
import { ClusterError, TestRunner } from "effect/cluster"
import { TestClock } from "effect/testing"
import * as Batch from "../src/internal/batch.ts"
import { makeLog, makeRunners, withDraws } from "./durable.ts"

class Unreachable extends Data.TaggedError("Unreachable")<{ readonly message: string }> {}

const Replicas = Schema.Struct({ replicas: Schema.Int })
const doubling = { duration: "1 second", factor: 2, jitter: 0, steps: 6, cap: "30 seconds" } as const

const define = (options: {
  readonly policy?: Backoff.Policy
  readonly limits?: { readonly attempts?: number; readonly within?: Duration.Input }
} = {}) =>
  DurablePoll.make({
    name: "rollout",
    payload: { deployment: Schema.String },
    key: (payload) => payload.deployment,
    success: Replicas,
    policy: doubling,
    ...options
  })

const api = { deployment: "api" }

const held = (attempt: number) => (info: Pick<DurablePoll.Attempt, "attempt">) =>
  Effect.succeed(info.attempt >= attempt ? Option.some({ replicas: 5 }) : Option.none())

/** One runner that serves one rollout of the api, which has been started at 1 ms. */
const serving = Effect.fnUntraced(function*<A extends { readonly replicas: number }>(
  rollout: ReturnType<typeof define>,
  check: (attempt: DurablePoll.Attempt) => Effect.Effect<Option.Option<A>, unknown>
) {
  const log = makeLog(check)
  const runners = yield* makeRunners
  const runner = yield* runners.start(rollout.toLayer(log.check))
  yield* runner.ask(rollout.start(api))
  return { ...runner, runners, attempts: log.attempts }
})

/** The fields of the WaitTimeout that an effect fails with. */
const timeoutOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    if (!(error instanceof WaitTimeout)) return exit
    const { attempts, elapsed, lastError, reason } = error
    return {
      reason: reason._tag,
      attempts,
      elapsed: Duration.toMillis(elapsed),
      lastError: Option.getOrNull(lastError)
    }
  })

const plain = (status: DurablePoll.Status) => ({
  state: status.state,
  attempt: status.attempt,
  elapsed: Duration.toMillis(status.elapsed),
  delay: Option.getOrNull(Option.map(status.delay, Duration.toMillis)),
  nextAt: Option.getOrNull(Option.map(status.nextAt, DateTime.toEpochMillis)),
  lastError: Option.getOrNull(status.lastError)
})

const statusOf = (rollout: ReturnType<typeof define>, key = "api") => Effect.map(rollout.status(key), plain)

/** What is logged as a warning or worse meanwhile. */
const warnings = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const entries: Array<unknown> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (logLevel === "Warn" || logLevel === "Error") {
        const [text] = Array.isArray(message) ? message : [message]
        // The engine's own.
        if (text !== "No healthy runners available") entries.push(text)
      }
    })
    return Effect.as(Effect.provide(effect, Logger.layer([logger])), entries)
  })

describe("the attempts", () => {
  it.effect("come at once, then as the policy says, until the check holds", () =>
    Effect.gen(function*() {
      const { ask, attempts } = yield* serving(define(), held(9))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(
        attempts.map(([attempt, at]) => [attempt, at - 1]),
        [[1, 0], [2, 1000], [3, 3000], [4, 7000], [5, 15_000], [6, 31_000], [7, 61_000], [8, 91_000], [9, 121_000]]
      )
      assert.deepStrictEqual(yield* ask(define().await("api")), { replicas: 5 })
    }))

  it.effect("are jittered by the draws of Random", () =>
    Effect.gen(function*() {
      const rollout = define({ policy: { ...doubling, jitter: 0.5 } })
      const { attempts } = yield* serving(rollout, held(5))
      yield* TestClock.adjust("1 hour")
      // 1 s + 0, 2 s + 0.5 s, 4 s + 0, 8 s + 2 s
      assert.deepStrictEqual(attempts.map(([, at]) => at - 1), [0, 1000, 3500, 7500, 17_500])
    }).pipe(withDraws(0, 0.5)))

  it.effect("begin their delay at the end of the check", () =>
    Effect.gen(function*() {
      const { attempts } = yield* serving(define(), (info) => Effect.delay(held(3)(info), "10 seconds"))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(attempts.map(([, at]) => at - 1), [0, 11_000, 23_000])
    }))

  it.effect("tell the check their number, the time since the start and the delay that they had", () =>
    Effect.gen(function*() {
      const told: Array<unknown> = []
      yield* serving(define(), ({ attempt, delay, elapsed, key }) => {
        told.push([key, attempt, Duration.toMillis(elapsed), Duration.toMillis(delay)])
        return Effect.delay(Effect.succeedNone, "100 millis")
      })
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(told, [["api", 1, 0, 0], ["api", 2, 1100, 1000], ["api", 3, 3200, 2000]])
    }))

  it.effect("that are due at a fraction of a millisecond come at the next one", () =>
    Effect.gen(function*() {
      const { attempts } = yield* serving(
        define({ policy: { duration: "1500 micros", factor: 1, jitter: 0, steps: 0 } }),
        held(4)
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(attempts.map(([, at]) => at - 1), [0, 2, 4, 6])
    }))

  it.effect("come on time after hours, and ask the store no more for it", () =>
    Effect.gen(function*() {
      const { attempts, runners } = yield* serving(
        define({ policy: { ...doubling, duration: "1 hour", steps: 0, cap: 0 } }),
        held(3)
      )
      yield* TestClock.adjust("1 hour")
      runners.asked.length = 0
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(attempts.map(([, at]) => at - 1), [0, 3_600_000, 7_200_000])
      // A look a second, a count each 15, and the end.
      assert.deepStrictEqual(new Set(runners.asked), new Set(["due", "count", "end"]))
      assert.strictEqual(runners.asked.filter((name) => name === "due").length, 3600)
    }))

  it.effect("of many polls are told apart by their keys", () =>
    Effect.gen(function*() {
      const rollout = define()
      const seen: Array<string> = []
      const runners = yield* makeRunners
      const { ask } = yield* runners.start(rollout.toLayer(({ deployment }, { attempt, key }) => {
        seen.push(`${deployment} ${key} ${attempt}`)
        return Effect.succeed(deployment === "web" ? Option.some({ replicas: 1 }) : Option.none())
      }))
      yield* ask(rollout.start(api))
      yield* ask(rollout.start({ deployment: "web" }))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(seen, ["api api 1", "web web 1", "api api 2"])
      assert.deepStrictEqual(yield* ask(rollout.await("web")), { replicas: 1 })
    }))
})

describe("the limits", () => {
  it.effect("end it after so many attempts", () =>
    Effect.gen(function*() {
      const rollout = define({ limits: { attempts: 3 } })
      const { ask, attempts } = yield* serving(rollout, held(9))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(attempts.map(([, at]) => at - 1), [0, 1000, 3000])
      assert.deepStrictEqual(yield* timeoutOf(ask(rollout.await("api"))), {
        reason: "Exhausted",
        attempts: 3,
        elapsed: 3000,
        lastError: null
      })
    }))

  it.effect("end it before an attempt that would come too late; one that comes just in time is made", () =>
    Effect.gen(function*() {
      const rollout = define({ limits: { within: "7 seconds" } })
      const { ask, attempts } = yield* serving(rollout, held(9))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(attempts.map(([, at]) => at - 1), [0, 1000, 3000, 7000])
      assert.deepStrictEqual(yield* timeoutOf(ask(rollout.await("api"))), {
        reason: "Deadline",
        attempts: 4,
        elapsed: 7000,
        lastError: null
      })
    }))

  it.effect("do not interrupt a check, which may still hold", () =>
    Effect.gen(function*() {
      const rollout = define({ limits: { within: "1 second" } })
      const { ask } = yield* serving(rollout, () => Effect.delay(Effect.succeedSome({ replicas: 3 }), "1 minute"))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 3 })
    }))

  it.effect("are asked after the check: the last attempt may hold", () =>
    Effect.gen(function*() {
      const rollout = define({ limits: { attempts: 3 } })
      const { ask } = yield* serving(rollout, held(3))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 5 })
    }))

  it.effect("let an attempt that an outage made late be made", () =>
    Effect.gen(function*() {
      const rollout = define({ limits: { within: "7 seconds" } })
      const first = yield* serving(rollout, held(3))
      yield* TestClock.adjust("2 seconds")
      yield* first.kill
      yield* TestClock.adjust("1 hour")
      const log = makeLog(held(3))
      const { ask } = yield* first.runners.start(rollout.toLayer(log.check))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(log.attempts.map(([attempt]) => attempt), [3])
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 5 })
    }))
})

describe("a check", () => {
  it.effect("that fails or dies counts as not yet, is logged, and its error is told at the end", () =>
    Effect.gen(function*() {
      const rollout = define({ limits: { attempts: 4 } })
      const logged = yield* warnings(Effect.gen(function*() {
        const { ask, attempts } = yield* serving(rollout, ({ attempt }) =>
          attempt === 1
            ? Effect.fail(new Unreachable({ message: "no route" }))
            : attempt === 2
            ? Effect.die(new Error("a bug"))
            : Effect.succeedNone)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(attempts.map(([, at]) => at - 1), [0, 1000, 3000, 7000])
        assert.deepStrictEqual(yield* timeoutOf(ask(rollout.await("api"))), {
          reason: "Exhausted",
          attempts: 4,
          elapsed: 7000,
          lastError: "Error: a bug"
        })
      }))
      assert.deepStrictEqual(logged, Array(2).fill("A check failed; the poll goes on"))
    }))

  it.effect("that fails with an error which ends in the middle of a character leaves text that every store takes", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { ask } = yield* serving(rollout, () => Effect.fail(`\0${"x".repeat(998)}\u{1F600}`))
      yield* TestClock.adjust(1)
      const { lastError } = yield* ask(statusOf(rollout))
      assert.strictEqual(lastError, `\uFFFD${"x".repeat(998)}\uFFFD`)
    }))

  it.effect("may hold after it failed", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { ask } = yield* serving(rollout, ({ attempt }) =>
        attempt < 3 ? Effect.fail("away") : Effect.succeedSome({ replicas: 5 }))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 5 })
    }))

  it.effect("that interrupts itself or throws counts as not yet", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { attempts } = yield* serving(rollout, (info) => {
        if (info.attempt === 1) throw new Error("not even an effect")
        return info.attempt === 2 ? Effect.interrupt : held(3)(info)
      })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(attempts.map(([, at]) => at - 1), [0, 1000, 3000])
    }))

  it.effect("that finds what its schema cannot write counts as not yet", () =>
    Effect.gen(function*() {
      const rollout = define({ limits: { attempts: 1 } })
      const { ask } = yield* serving(rollout, () => Effect.succeedSome({ replicas: 0.5 }))
      const exit = yield* timeoutOf(ask(rollout.await("api")))
      assert.include(exit, { reason: "Exhausted", attempts: 1 })
      assert.match("lastError" in exit ? exit.lastError ?? "" : "", /replicas/)
    }))

  it.effect("of a later version that cannot read the payload counts as not yet, and one that can goes on", () =>
    Effect.gen(function*() {
      const rollout = define()
      const first = yield* serving(rollout, held(9))
      yield* TestClock.adjust("2 seconds")
      yield* first.stop
      const broken = DurablePoll.make({
        name: "rollout",
        payload: { service: Schema.String },
        key: (payload) => payload.service,
        policy: doubling
      })
      const second = yield* first.runners.start(broken.toLayer(() => Effect.succeedNone))
      yield* TestClock.adjust("20 seconds")
      const { lastError, state } = yield* second.ask(statusOf(rollout))
      assert.strictEqual(state, "waiting")
      assert.match(lastError ?? "", /service/)
      yield* second.stop
      const log = makeLog(held(1))
      const third = yield* first.runners.start(rollout.toLayer(log.check))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(log.attempts.map(([attempt]) => attempt), [6])
      assert.deepStrictEqual(yield* third.ask(rollout.await("api")), { replicas: 5 })
    }))

  it.effect("gives what it took back after each attempt", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      yield* serving(define(), () =>
        Effect.as(
          Effect.acquireRelease(
            Effect.sync(() => events.push("acquire")),
            () => Effect.sync(() => events.push("release"))
          ),
          Option.none()
        ).pipe(Effect.scoped))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(events, ["acquire", "release", "acquire", "release"])
    }))
})

describe("start", () => {
  it.effect("does nothing for a key that was started before, even if that has ended", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { ask, attempts, runners } = yield* serving(rollout, held(2))
      assert.strictEqual(yield* ask(rollout.start(api)), "api")
      yield* TestClock.adjust("500 millis")
      yield* ask(rollout.start(api))
      yield* TestClock.adjust("1 minute")
      yield* ask(rollout.start(api))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(attempts.map(([, at]) => at - 1), [0, 1000])
      assert.strictEqual(yield* runners.rows(), 1)
    }))

  it.effect("works where nobody serves the poll yet", () =>
    Effect.gen(function*() {
      const rollout = define()
      const runners = yield* makeRunners
      const other = yield* runners.start(Layer.empty, { config: { runnerAddress: Option.none() } })
      yield* other.ask(rollout.start(api))
      yield* TestClock.adjust("1 hour")
      const log = makeLog(held(2))
      const { ask } = yield* runners.start(rollout.toLayer(log.check))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(log.attempts.map(([, at]) => at - 3_600_002), [0, 1000])
      assert.deepStrictEqual(yield* other.ask(rollout.await("api")), { replicas: 5 })
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 5 })
    }))
})

describe("await", () => {
  it.effect("waits for the end, for any number of callers", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { ask, runners } = yield* serving(rollout, held(3))
      const waiting = yield* Effect.forEach(
        Array.from({ length: 20 }),
        () => Effect.forkChild(ask(rollout.await("api")), { startImmediately: true })
      )
      yield* TestClock.adjust("2999 millis")
      assert.deepStrictEqual(waiting.map((fiber) => fiber.pollUnsafe()), Array(20).fill(undefined))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(waiting.map((fiber) => fiber.pollUnsafe()), Array(20).fill(Exit.succeed({ replicas: 5 })))
      // One question serves all that wait: the end is told at once in this process.
      assert.strictEqual(runners.asked.filter((name) => name === "ended").length, 7)
    }))

  it.effect("can be given up, and asks no more then", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { ask, runners } = yield* serving(rollout, held(3))
      const exit = yield* Effect.forkChild(Effect.timeoutOption(ask(rollout.await("api")), "1 second"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(exit.pollUnsafe(), Exit.succeed(Option.none()))
      runners.asked.length = 0
      yield* TestClock.adjust("1 minute")
      assert.notInclude(runners.asked, "ended")
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 5 })
    }))

  it.effect("hears of it on a runner that does not serve the poll", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { runners } = yield* serving(rollout, held(3))
      const other = yield* runners.start(Layer.empty, { config: { runnerAddress: Option.none() } })
      const fiber = yield* Effect.forkChild(other.ask(rollout.await("api")))
      yield* TestClock.adjust("3500 millis")
      assert.deepStrictEqual(fiber.pollUnsafe(), Exit.succeed({ replicas: 5 }))
    }))

  it.effect("goes on while the store is away", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { runners } = yield* serving(rollout, held(3))
      let isAway = false
      const other = yield* runners.start(Layer.empty, {
        config: { runnerAddress: Option.none() },
        fails: (name) => isAway && name === "ended"
      })
      const fiber = yield* Effect.forkChild(other.ask(rollout.await("api")))
      yield* TestClock.adjust(1)
      isAway = true
      yield* TestClock.adjust("10 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      isAway = false
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(fiber.pollUnsafe(), Exit.succeed({ replicas: 5 }))
    }))

  it.effect("reads the result or the timeout after a restart", () =>
    Effect.gen(function*() {
      const rollout = define({ limits: { attempts: 2 } })
      const first = yield* serving(rollout, ({ key }) =>
        key === "web" ? Effect.succeedSome({ replicas: 1 }) : Effect.fail("no"))
      yield* first.ask(rollout.start({ deployment: "web" }))
      yield* TestClock.adjust("1 minute")
      yield* first.stop
      const log = makeLog(held(1))
      const { ask } = yield* first.runners.start(rollout.toLayer(log.check))
      assert.deepStrictEqual(yield* ask(rollout.await("web")), { replicas: 1 })
      assert.deepStrictEqual(yield* timeoutOf(ask(rollout.await("api"))), {
        reason: "Exhausted",
        attempts: 2,
        elapsed: 1000,
        lastError: "no"
      })
      yield* ask(rollout.start(api))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(log.attempts, [])
    }))

  it.effect("status and cancel fail for a poll that was not started", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { ask, runners } = yield* serving(rollout, held(9))
      for (const effect of [rollout.await("web"), rollout.status("web"), rollout.cancel("web")]) {
        const error = yield* Effect.flip(ask<unknown, unknown>(effect))
        assert.instanceOf(error, DurablePoll.DurablePollNotStarted)
        assert.deepInclude(error, {
          name: "rollout",
          key: "web",
          message: "No poll \"rollout\" was started with the key \"web\". Start it first, with `start`."
        })
      }
      assert.strictEqual(yield* runners.rows(), 1)
    }))
})

describe("status", () => {
  it.effect("tells where the poll stands, at each stage", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { ask } = yield* serving(rollout, (info) =>
        Effect.delay(info.attempt === 2 ? Effect.fail("away") : held(4)(info), "500 millis"))
      const status = ask(statusOf(rollout))
      const none = { delay: null, nextAt: null, lastError: null }
      assert.deepStrictEqual(yield* status, { state: "checking", attempt: 1, elapsed: 0, ...none })
      yield* TestClock.adjust("700 millis") // the second is at 1.5 s
      assert.deepStrictEqual(yield* status, {
        state: "waiting",
        attempt: 2,
        elapsed: 700,
        delay: 1000,
        nextAt: 1501,
        lastError: null
      })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* status, {
        state: "checking",
        attempt: 2,
        elapsed: 1700,
        delay: 1000,
        nextAt: 1501,
        lastError: null
      })
      yield* TestClock.adjust("1 second") // the third is at 4 s
      assert.deepStrictEqual(yield* status, {
        state: "waiting",
        attempt: 3,
        elapsed: 2700,
        delay: 2000,
        nextAt: 4001,
        lastError: "away"
      })
      yield* TestClock.adjust("1 minute") // the fourth is at 8.5 s
      assert.deepStrictEqual(yield* status, { state: "held", attempt: 4, elapsed: 9000, ...none, lastError: "away" })
    }))

  it.effect("is one read, for the thousandth attempt too", () =>
    Effect.gen(function*() {
      const rollout = define({ policy: { duration: "1 second", factor: 1, jitter: 0, steps: 0 } })
      const { ask, runners } = yield* serving(rollout, held(1001))
      for (const attempt of [2, 100, 999]) {
        yield* TestClock.setTime(1 + (attempt - 1) * 1000 - 500)
        runners.asked.length = 0
        assert.deepInclude(yield* ask(statusOf(rollout)), { state: "waiting", attempt })
        assert.deepStrictEqual(runners.asked, ["newest"])
      }
    }))
})

describe("cancel", () => {
  it.effect("ends a poll that waits", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { ask, attempts } = yield* serving(rollout, () => Effect.fail("away"))
      yield* TestClock.adjust("2 seconds")
      yield* ask(rollout.cancel("api"))
      const stopped = { reason: "Stopped" as const, attempts: 2, elapsed: 2000, lastError: "away" }
      assert.deepStrictEqual(yield* timeoutOf(ask(rollout.await("api"))), stopped)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(attempts.map(([, at]) => at - 1), [0, 1000])
      yield* ask(rollout.cancel("api"))
      assert.deepStrictEqual(yield* timeoutOf(ask(rollout.await("api"))), stopped)
      assert.deepInclude(yield* ask(statusOf(rollout)), { state: "stopped", attempt: 2, elapsed: 2000 })
    }))

  it.effect("interrupts a check in flight, which counts as an attempt but not as a failure", () =>
    Effect.gen(function*() {
      const rollout = define()
      const logged = yield* warnings(Effect.gen(function*() {
        let interrupted = false
        const { ask, attempts } = yield* serving(rollout, ({ attempt }) =>
          attempt === 1
            ? Effect.succeedNone
            : Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted = true)))
        yield* TestClock.adjust("3 seconds")
        yield* ask(rollout.cancel("api"))
        assert.isTrue(interrupted)
        assert.deepStrictEqual(yield* timeoutOf(ask(rollout.await("api"))), {
          reason: "Stopped",
          attempts: 2,
          elapsed: 3000,
          lastError: null
        })
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(attempts.map(([attempt]) => attempt), [1, 2])
      }))
      assert.deepStrictEqual(logged, [])
    }))

  it.effect("does not wait for a check that cannot be interrupted, and what that finds comes too late", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { ask } = yield* serving(
        rollout,
        () => Effect.uninterruptible(Effect.delay(Effect.succeedSome({ replicas: 5 }), "1 minute"))
      )
      yield* TestClock.adjust("1 second")
      yield* ask(rollout.cancel("api"))
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* timeoutOf(ask(rollout.await("api"))), { reason: "Stopped", attempts: 1, elapsed: 1000 })
    }))

  it.effect("changes nothing where the poll has held", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { ask } = yield* serving(rollout, held(1))
      yield* TestClock.adjust(1)
      yield* ask(rollout.cancel("api"))
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 5 })
    }))

  it.effect("wins over a result that is not stored yet", () =>
    Effect.gen(function*() {
      const rollout = define()
      const log = makeLog(held(1))
      const runners = yield* makeRunners
      const { ask } = yield* runners.start(rollout.toLayer(log.check), {
        slow: (name) => name === "end" ? Effect.sleep("1 second") : Effect.void
      })
      yield* ask(rollout.start(api))
      yield* TestClock.adjust("500 millis")
      yield* ask(rollout.cancel("api"))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(log.attempts, [[1, 1]])
      assert.deepInclude(yield* timeoutOf(ask(rollout.await("api"))), { reason: "Stopped", attempts: 1, elapsed: 500 })
    }))

  it.effect("needs no runner, and a runner that comes later finds it", () =>
    Effect.gen(function*() {
      const rollout = define()
      const first = yield* serving(rollout, held(9))
      yield* TestClock.adjust("2 seconds")
      yield* first.kill
      const client = yield* first.runners.start(Layer.empty, { config: { runnerAddress: Option.none() } })
      yield* client.ask(rollout.cancel("api"))
      assert.deepInclude(yield* timeoutOf(client.ask(rollout.await("api"))), { reason: "Stopped", attempts: 2 })
      const log = makeLog(held(9))
      yield* first.runners.start(rollout.toLayer(log.check))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(log.attempts, [])
    }))

  it.effect("by another process interrupts a check in flight within two seconds", () =>
    Effect.gen(function*() {
      const rollout = define()
      let interrupted = false
      const { runners } = yield* serving(
        rollout,
        () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted = true))
      )
      const client = yield* runners.start(Layer.empty, { config: { runnerAddress: Option.none() } })
      yield* TestClock.adjust("10 seconds")
      yield* client.ask(rollout.cancel("api"))
      assert.isFalse(interrupted)
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(interrupted)
    }))
})

describe("a runner that stops or dies", () => {
  it.effect("hands a poll that waits over, with its backoff and its limits", () =>
    Effect.gen(function*() {
      const rollout = define({ limits: { within: "20 seconds" } })
      const first = yield* serving(rollout, held(9))
      yield* TestClock.adjust("4 seconds")
      yield* first.stop
      const log = makeLog(held(9))
      const { ask } = yield* first.runners.start(rollout.toLayer(log.check), {
        config: { entityMessagePollInterval: 100 }
      })
      yield* TestClock.adjust("30 seconds")
      // The first was due at 7 s, and the next was told of by a timer.
      assert.deepStrictEqual(log.attempts, [[4, 7001], [5, 15_001]])
      assert.deepStrictEqual(yield* timeoutOf(ask(rollout.await("api"))), {
        reason: "Deadline",
        attempts: 5,
        elapsed: 15_000,
        lastError: null
      })
    }))

  it.effect("lets a check in flight finish at a graceful stop, and nobody repeats it", () =>
    Effect.gen(function*() {
      const rollout = define()
      const first = yield* serving(rollout, () => Effect.delay(Effect.succeedNone, "10 seconds"))
      yield* TestClock.adjust("4 seconds")
      const stopping = yield* Effect.forkChild(first.stop, { startImmediately: true })
      yield* TestClock.adjust("5999 millis")
      assert.isUndefined(stopping.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.isDefined(stopping.pollUnsafe())
      const log = makeLog(held(2))
      const { ask } = yield* first.runners.start(rollout.toLayer(log.check))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(first.attempts.map(([attempt]) => attempt), [1])
      assert.deepStrictEqual(log.attempts, [[2, 11_001]])
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 5 })
    }))

  it.effect("interrupts a check that takes longer than the entityTerminationTimeout", () =>
    Effect.gen(function*() {
      const rollout = define()
      const log = makeLog<{ readonly replicas: number }>(() => Effect.never)
      const runners = yield* makeRunners
      const { ask, stop } = yield* runners.start(rollout.toLayer(log.check), {
        config: { entityTerminationTimeout: "5 seconds" }
      })
      yield* ask(rollout.start(api))
      yield* TestClock.adjust("1 second")
      const stopping = yield* Effect.forkChild(stop, { startImmediately: true })
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(stopping.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.isDefined(stopping.pollUnsafe())
    }))

  it.effect("repeats an attempt in flight after a graceful stop, without counting it as failed", () =>
    Effect.gen(function*() {
      const rollout = define({ limits: { attempts: 2 } })
      const logged = yield* warnings(Effect.gen(function*() {
        const first = yield* serving(rollout, ({ attempt }) => attempt === 2 ? Effect.never : Effect.succeedNone)
        yield* TestClock.adjust("1500 millis")
        yield* Effect.forkChild(first.stop, { startImmediately: true })
        yield* TestClock.adjust("1 minute")
        const log = makeLog(held(9))
        const { ask } = yield* first.runners.start(rollout.toLayer(log.check))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(first.attempts.map(([attempt]) => attempt), [1, 2])
        assert.deepStrictEqual(log.attempts.map(([attempt]) => attempt), [2])
        assert.deepInclude(yield* timeoutOf(ask(rollout.await("api"))), {
          reason: "Exhausted",
          attempts: 2,
          lastError: null
        })
      }))
      assert.deepStrictEqual(logged, [])
    }))
})

describe("two runners that both think they own it", () => {
  it.effect("make no attempt that is over: one that was paused looks first when it wakes", () =>
    Effect.gen(function*() {
      const rollout = define({ policy: { duration: "1500 millis", factor: 1, jitter: 0, steps: 0 } })
      const awake = yield* Latch.make(true)
      const runners = yield* makeRunners
      const seen: Array<readonly [runner: string, attempt: number]> = []
      const serve = (runner: string) =>
        rollout.toLayer((_, info) => {
          seen.push([runner, info.attempt])
          return held(12)(info)
        })
      const a = yield* runners.start(serve("a"), { paused: awake.await })
      yield* a.ask(rollout.start(api))
      yield* TestClock.adjust("2 seconds")
      yield* awake.close
      yield* runners.start(serve("b"))
      yield* TestClock.adjust("9 seconds")
      const before = seen.length
      yield* awake.open
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(seen.slice(0, 3), [["a", 1], ["a", 2], ["b", 3]])
      assert.isTrue(seen.slice(before).some(([runner]) => runner === "a"))
      const attempts = seen.map(([, attempt]) => attempt)
      assert.deepStrictEqual(attempts, attempts.toSorted((a, b) => a - b))
      assert.deepStrictEqual(new Set(attempts).size, 12)
    }))

  it.effect("get one result: the first", () =>
    Effect.gen(function*() {
      const rollout = define()
      const { runners } = yield* serving(rollout, () => Effect.delay(Effect.succeedSome({ replicas: 1 }), "1 minute"))
      const { ask } = yield* runners.start(rollout.toLayer(() => Effect.succeedSome({ replicas: 2 })))
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 2 })
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 2 })
    }))
})

describe("the backoff", () => {
  it.effect.each<Backoff.Policy>([
    doubling,
    { ...doubling, jitter: 0.2 },
    { duration: "3 millis", factor: 1.7, jitter: 1.5, steps: 4 },
    { duration: "10 seconds", factor: 0.5, jitter: 0.1, steps: 5, cap: "1 minute" },
    { duration: "1 second", factor: 0, jitter: -1, steps: 3, cap: "100 millis" },
    { duration: 0, factor: 3, jitter: 0.5, steps: 3 },
    { duration: "1 nano", factor: 1.5, jitter: 1, steps: 20, cap: "5 nanos" },
    { duration: "1 second", factor: 2, jitter: 0.3, steps: -1 },
    { duration: "1 second", factor: 2, jitter: 0.3, steps: 30, cap: Infinity }
  ])("has the delays of Backoff.toSchedule from message to message, for %j", (policy) =>
    Effect.gen(function*() {
      const draws = [0, 0.25, 0.5, 0.999, 0.125]
      const attempts = 12
      const schedule = yield* withDraws(...draws)(Schedule.toStep(Backoff.toSchedule(policy)))
      const expected = yield* Effect.forEach(
        Array.from({ length: attempts - 1 }),
        () => Effect.map(schedule(0, undefined), ([, delay]) => Duration.toMillis(delay))
      )
      const delays: Array<number> = []
      yield* Effect.andThen(
        serving(define({ policy, limits: { attempts } }), ({ delay }) => {
          delays.push(Duration.toMillis(delay))
          return Effect.succeedNone
        }),
        TestClock.adjust("2 hours")
      ).pipe(withDraws(...draws))
      assert.deepStrictEqual(delays, [0, ...expected])
    }))

  it.effect.each([
    { duration: 1000, attempt: 3 },
    { duration: 1e305, attempt: 2 }
  ])(
    "stops at the largest number, as JSON has no Infinity: from $duration ms",
    ({ attempt, duration }) =>
      Effect.gen(function*() {
        const rollout = define({ policy: { duration, factor: 1e300, jitter: 0.5, steps: 9 } })
        const { ask } = yield* serving(rollout, held(9))
        yield* TestClock.adjust("1 minute")
        assert.deepInclude(yield* ask(statusOf(rollout)), { attempt, delay: Number.MAX_VALUE / 1_000_000 })
      })
  )
})

describe("the storage", () => {
  it.effect("has one row a poll, and gets one statement an attempt, the last as the first", () =>
    Effect.gen(function*() {
      const rollout = define({ policy: { duration: "1 second", factor: 1, jitter: 0, steps: 0 } })
      const { runners } = yield* serving(rollout, held(1001))
      const { asked } = runners
      yield* TestClock.adjust("1500 millis")
      for (const attempts of [3, 500, 1000]) {
        yield* TestClock.setTime(1 + (attempts - 1) * 1000 - 500)
        asked.length = 0
        yield* TestClock.adjust("1 second")
        // besides what the runner asks for all its polls
        assert.deepStrictEqual(asked.filter((name) => name !== "due" && name !== "count"), ["plan"])
      }
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* runners.rows(), 1)
    }))

  it.effect("may answer late: what it read before an attempt was made is not made again", () =>
    Effect.gen(function*() {
      const rollout = define({ policy: { duration: "5 seconds", factor: 1, jitter: 0, steps: 0 } })
      const log = makeLog((info) => Effect.delay(held(20)(info), "300 millis"))
      const runners = yield* makeRunners
      const { ask } = yield* runners.start(rollout.toLayer(log.check), {
        late: (name) => name === "due" ? Effect.sleep("700 millis") : Effect.void
      })
      yield* ask(rollout.start(api))
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(
        log.attempts.map(([attempt]) => attempt),
        Array.from({ length: 20 }, (_, i) => i + 1)
      )
    }))

  it.effect("may die with a defect, in a look or in a plan: the poll goes on", () =>
    Effect.gen(function*() {
      const rollout = define()
      const log = makeLog(held(4))
      const runners = yield* makeRunners
      let defects = 0
      const { ask } = yield* runners.start(rollout.toLayer(log.check), {
        slow: (name) => {
          const dies = (name === "due" && log.attempts.length === 2 || name === "plan") && defects++ % 2 === 0
          return dies ? Effect.die(new Error("a bug in a driver")) : Effect.void
        }
      })
      yield* ask(rollout.start(api))
      yield* TestClock.adjust("1 minute")
      assert.isAbove(defects, 4)
      assert.deepStrictEqual(log.attempts.map(([attempt]) => attempt), [1, 2, 3, 4])
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 5 })
    }))

  it.effect("may fail a statement for many: what follows each is stored with the next one", () =>
    Effect.gen(function*() {
      const rollout = define()
      const seen: Array<string> = []
      const sizes: Array<number> = []
      const runners = yield* makeRunners
      const { ask } = yield* runners.start(
        rollout.toLayer(({ deployment }, { attempt }) => {
          seen.push(`${deployment} ${attempt}`)
          return held(3)({ attempt })
        }),
        {
          through: (store) => {
            const plan = Batch.make((items: ReadonlyArray<Parameters<typeof store.plan>>) =>
              Effect.andThen(
                Effect.sleep(1),
                sizes.push(items.length) === 1
                  ? Effect.fail(new ClusterError.PersistenceError({ cause: new Error("away") }))
                  : Effect.forEach(items, (args) => store.plan(...args))
              )
            )
            return { ...store, plan: (...args) => plan(args) }
          }
        }
      )
      const keys = Array.from({ length: 10 }, (_, i) => `p${i}`)
      yield* Effect.forEach(keys, (deployment) => ask(rollout.start({ deployment })))
      yield* TestClock.adjust("1 minute")
      // The timers of the test clock end one after another.
      assert.deepStrictEqual(sizes, [10, 1, 9, 1, 9])
      assert.deepStrictEqual(seen, [1, 2, 3].flatMap((attempt) => keys.map((key) => `${key} ${attempt}`)))
    }))

  it.effect("has at most 64 looks to store before more are made", () =>
    Effect.gen(function*() {
      const rollout = define()
      const log = makeLog(held(2))
      const runners = yield* makeRunners
      const { ask } = yield* runners.start(rollout.toLayer(log.check), {
        slow: (name) => name === "plan" ? Effect.sleep("10 seconds") : Effect.void
      })
      const keys = Array.from({ length: 100 }, (_, i) => `p${i}`)
      yield* Effect.forEach(keys, (deployment) => ask(rollout.start({ deployment })))
      yield* TestClock.adjust("9 seconds")
      assert.lengthOf(log.attempts, 64)
      yield* TestClock.adjust("1 minute")
      const made = (attempt: number) => log.attempts.filter(([each]) => each === attempt).length
      assert.deepStrictEqual([made(1), made(2), log.attempts.length], [100, 100, 200])
    }))

  it.effect("is not what a check that takes long waits for, and nor do the others", () =>
    Effect.gen(function*() {
      const rollout = define()
      const log = makeLog(() => Effect.delay(Effect.succeedNone, "1 minute"))
      const runners = yield* makeRunners
      const { ask } = yield* runners.start(rollout.toLayer(log.check))
      const keys = Array.from({ length: 100 }, (_, i) => `p${i}`)
      yield* Effect.forEach(keys, (deployment) => ask(rollout.start({ deployment })))
      yield* TestClock.adjust("1 second")
      assert.lengthOf(log.attempts, 100)
    }))

  it.effect("may fail for a while: what was checked is not checked again", () =>
    Effect.gen(function*() {
      const rollout = define()
      const log = makeLog(held(3))
      const runners = yield* makeRunners
      let failing = 0
      const { ask } = yield* runners.start(rollout.toLayer(log.check), {
        fails: (name) => name === "plan" && failing-- > 0
      })
      yield* ask(rollout.start(api))
      yield* TestClock.adjust("500 millis")
      failing = 5 // the plan of the third attempt: 0.1 + 0.2 + 0.4 + 0.8 + 1.6 s
      const logged = yield* warnings(TestClock.adjust("4 seconds"))
      assert.deepStrictEqual(logged, [])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(log.attempts.map(([attempt, at]) => [attempt, at - 1]), [[1, 0], [2, 1000], [3, 4100]])
      assert.deepStrictEqual(yield* ask(rollout.await("api")), { replicas: 5 })
    }))
})

describe("make", () => {
  it.effect("has Void for a success by default, and any payload that can be written as JSON", () =>
    Effect.gen(function*() {
      const backup = DurablePoll.make({
        name: "backup",
        payload: { at: Schema.DateTimeUtc, size: Schema.BigInt },
        key: (payload) => DateTime.formatIso(payload.at),
        policy: doubling
      })
      const seen: Array<unknown> = []
      const payload = { at: DateTime.makeUnsafe(0), size: 10n }
      const runners = yield* makeRunners
      const { ask } = yield* runners.start(backup.toLayer((payload) => {
        seen.push(payload)
        return Effect.succeedSome(undefined)
      }))
      const key = yield* ask(backup.start(payload))
      assert.isUndefined(yield* ask(backup.await(key)))
      assert.deepStrictEqual(seen, [payload])
    }))

  it.each([
    [{ policy: { ...doubling, factor: -1 } }, "factor"],
    [{ policy: { ...doubling, duration: Infinity } }, "duration"],
    [{ limits: { attempts: 0 } }, "attempts"],
    [{ limits: { within: -1 } }, "within"]
  ])("refuses %j", (options, field) => {
    assert.throws(() => define(options), new RegExp(field))
  })

  it.effect("dies for a name that this runner serves already", () =>
    Effect.gen(function*() {
      const serve = () => define().toLayer(() => Effect.succeedNone)
      const exit = yield* Effect.exit(
        Layer.build(
          Layer.mergeAll(serve(), serve()).pipe(Layer.provide([TestRunner.layer, PollStore.layerMemory]))
        )
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.match(String(Exit.isFailure(exit) && Cause.squash(exit.cause)), /serves a poll "rollout" already/)
    }))
})
