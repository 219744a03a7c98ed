/** What the errors say, carry and encode to. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, Duration, Effect, Exit, Layer, Logger, Option, Schema } from "effect"
import { Limit, Period, Poll, Retry, RetryExhausted, WaitTimeout } from "effect-wait"
import * as RetryExhaustedModule from "effect-wait/RetryExhausted"
import * as Schemas from "effect-wait/Schemas"
import { Rpc, RpcGroup, RpcTest } from "effect/rpc"
import { Activity, Workflow, WorkflowEngine } from "effect/workflow"
import { observe } from "./support.ts"

class Busy extends Schema.TaggedError<Busy>()("Busy", { after: Schema.optional(Schema.Finite) }) {}
class Refused extends Data.TaggedError("Refused")<{ readonly message: string }> {}

const busy = new Busy({ after: 3 })
const reasons = ["Schedule", "Budget", "Nested", "Stopped"] as const
const twice = Period.sliding("1 second").pipe(Limit.attempts(2))

const exhausted = <E>(error: E, _tag: RetryExhausted["reason"]["_tag"] = "Schedule", attempts = 3) =>
  new RetryExhausted({ error, reason: { _tag }, attempts, elapsed: Duration.seconds(2) })

const timeout = <A, E>(_tag: WaitTimeout["reason"]["_tag"], last: Option.Option<A>, lastError: Option.Option<E>) =>
  new WaitTimeout({ reason: { _tag }, attempts: 4, elapsed: Duration.millis(1500), last, lastError })

const failureOf = <E>(effect: Effect.Effect<unknown, E>) =>
  Effect.gen(function*() {
    const { exit } = yield* observe(effect, "1 minute")
    assert.isTrue(exit !== undefined && Exit.isFailure(exit))
    return Exit.getCause(exit!).pipe(Option.getOrThrow)
  })

describe("the message", () => {
  const cases: ReadonlyArray<readonly [string, Error, string]> = [
    [
      "names the last error, and what the schedule did",
      exhausted(new Refused({ message: "ECONNREFUSED 10.0.0.1" })),
      "Gave up after 3 attempts in 2s: the schedule is done. Last error: Refused: ECONNREFUSED 10.0.0.1"
    ],
    [
      "names an error that has no message by its name",
      exhausted(busy, "Budget", 1),
      "Gave up after 1 attempt in 2s: the retry budget is used up. Last error: Busy"
    ],
    [
      "names an error that is no Error",
      exhausted({ _tag: "Busy", after: 3 }, "Nested", 1),
      `Left to the retry around it after 1 attempt in 2s. Last error: {"_tag":"Busy","after":3}`
    ],
    [
      "of nested retries names the error at the bottom",
      exhausted(exhausted(exhausted("refused"), "Nested"), "Stopped"),
      `Stopped after 3 attempts in 2s. Last error: "refused"`
    ],
    [
      "names no error where there was no attempt",
      exhausted(undefined, "Stopped", 0),
      "Stopped after 0 attempts in 2s."
    ],
    [
      "shows the first line of an error, and no more than 200 characters",
      exhausted(new Refused({ message: `${"x".repeat(300)}\nand a page` })),
      `Gave up after 3 attempts in 2s: the schedule is done. Last error: Refused: ${"x".repeat(191)}...`
    ],
    [
      "of a wait names the last value and the last error",
      timeout("Deadline", Option.some("starting"), Option.some(new Refused({ message: "not yet" }))),
      `The condition did not hold before the deadline: 4 checks in 1s 500ms. Allow more time. Last value: "starting". Last error: Refused: not yet`
    ],
    [
      "of a wait names no false",
      timeout("Exhausted", Option.some(false), Option.none()),
      "The condition did not hold before the schedule ended: 4 checks in 1s 500ms. Allow more attempts."
    ],
    [
      "of a wait that was stopped",
      timeout("Stopped", Option.some({ ready: 1 }), Option.none()),
      `The wait was stopped before the condition held: 4 checks in 1s 500ms. Last value: {"ready":1}.`
    ]
  ]
  it.each(cases)("%s", (_, error, message) => {
    assert.strictEqual(error.message, message)
  })

  it("says 0ms where no time has passed", () => {
    const error = new RetryExhausted({
      error: 1,
      reason: { _tag: "Schedule" },
      attempts: 1,
      elapsed: Duration.millis(0.2)
    })
    assert.strictEqual(error.message, "Gave up after 1 attempt in 0ms: the schedule is done. Last error: 1")
  })

  it("bears an error that cannot be shown", () => {
    const hostile = {
      get secret() {
        throw new Error("no")
      },
      toJSON() {
        throw new Error("no")
      },
      toString() {
        throw new Error("no")
      }
    }
    assert.include(exhausted(hostile).message, "Last error: ")
  })
})

describe("the cause", () => {
  it.effect("of a RetryExhausted is its error, and it is logged", () =>
    Effect.gen(function*() {
      const cause = yield* failureOf(Retry.run(Effect.fail(new Refused({ message: "not yet" })), twice))
      const error = Cause.squash(cause) as RetryExhausted
      assert.strictEqual(error.cause, error.error)
      assert.include(Cause.pretty(cause), "Refused: not yet")
    }))

  it.effect("of a WaitTimeout is the last error that was tolerated, and it is logged", () =>
    Effect.gen(function*() {
      const refused = new Refused({ message: "not yet" })
      const logged: Array<string> = []
      const logger = Logger.map(Logger.formatLogFmt, (line) => {
        logged.push(line)
      })
      const poll = Poll.until(Effect.fail(refused), twice, { tolerate: ["Refused"] })
      const cause = yield* failureOf(Effect.tapCause(poll, (cause) => Effect.logError(cause))).pipe(
        Effect.provide(Logger.layer([logger]))
      )
      assert.strictEqual((Cause.squash(cause) as WaitTimeout).cause, refused)
      assert.include(logged.join(), "Last error: Refused: not yet")
      assert.strictEqual("cause" in timeout("Stopped", Option.none(), Option.none()), false)
    }))
})

describe("the stack", () => {
  it.effect("has no frame of the library on top, nor of Effect's", () =>
    Effect.gen(function*() {
      const causes: ReadonlyArray<Cause.Cause<Error>> = [
        yield* failureOf(Retry.run(Effect.fail("refused"), twice)),
        yield* failureOf(Poll.until(Effect.succeed(false), twice)),
        yield* failureOf(Poll.until(Effect.never, twice, { timeout: "5 seconds" }))
      ]
      for (const cause of causes) {
        const error = Cause.squash(cause) as Error
        assert.strictEqual(error.stack, `${error.name}: ${error.message}`)
      }
    }))

  it.effect("has the spans of Effect.fn around it", () =>
    Effect.gen(function*() {
      const sync = Effect.fn("sync")(function*() {
        return yield* Retry.run(Effect.fail("refused"), twice)
      })
      const lines = Cause.pretty(yield* failureOf(sync())).split("\n")
      assert.match(lines[0]!, /^RetryExhausted: Gave up after 2 attempts/)
      assert.match(lines[1]!, /^ {4}at sync \(.*errors\.test\.ts/)
    }))

  it("is that of the caller who makes one", () => {
    assert.include(exhausted(busy).stack!, "errors.test.ts")
  })
})

describe("as JSON", () => {
  it("a nested one does not double", () => {
    const inner = { _tag: "Busy", text: "the inner error" }
    let error: unknown = inner
    for (let depth = 1; depth <= 5; depth++) {
      error = exhausted(error)
      // Once, and once in the message of each level.
      assert.strictEqual(JSON.stringify(error).split("the inner error").length - 1, 1 + depth)
    }
    const tolerated = JSON.stringify(timeout("Stopped", Option.none(), Option.some(inner)))
    assert.strictEqual(tolerated.split("the inner error").length - 1, 2)
  })

  it("has the fields, and no cause", () => {
    assert.deepStrictEqual(JSON.parse(JSON.stringify(exhausted("refused", "Budget"))), {
      _tag: "RetryExhausted",
      message: `Gave up after 3 attempts in 2s: the retry budget is used up. Last error: "refused"`,
      reason: { _tag: "Budget" },
      error: "refused",
      attempts: 3,
      elapsed: JSON.parse(JSON.stringify(Duration.seconds(2)))
    })
  })
})

describe("the reason", () => {
  it.effect("is caught by Effect.catchReason and catchReasons, the others go on", () =>
    Effect.gen(function*() {
      const retry = (_tag: (typeof reasons)[number]) => Effect.fail(exhausted(busy, _tag))
      const outcomes = yield* Effect.forEach(reasons, (tag) =>
        retry(tag).pipe(
          Effect.catchReason(
            "RetryExhausted",
            "Budget",
            (_, { error, reason }) => Effect.succeed(`${reason._tag}: ${error._tag}`)
          ),
          Effect.catchReasons("RetryExhausted", {
            Nested: () => Effect.succeed("nested"),
            Stopped: () => Effect.succeed("stopped")
          }),
          Effect.catchTag("RetryExhausted", ({ reason }) => Effect.succeed(`rest: ${reason._tag}`))
        ))
      assert.deepStrictEqual(outcomes, ["rest: Schedule", "Budget: Busy", "nested", "stopped"])
      const waited = yield* Poll.until(Effect.succeed(false), Period.sliding(0).pipe(Limit.attempts(2))).pipe(
        Effect.catchReason("WaitTimeout", "Exhausted", (_, { attempts }) => Effect.succeed(attempts))
      )
      assert.strictEqual(waited, 2)
    }))
})

describe("the guards", () => {
  it("take the errors, of another copy of the library as well, and nothing else", () => {
    const values = [
      exhausted(busy),
      timeout("Stopped", Option.none(), Option.none()),
      { _tag: "RetryExhausted" },
      null,
      busy
    ]
    assert.deepStrictEqual(values.map(Retry.isRetryExhausted), [true, false, false, false, false])
    assert.deepStrictEqual(values.map(Poll.isWaitTimeout), [false, true, false, false, false])
    const ofAnotherCopy = { "~effect-wait/RetryExhausted": "~effect-wait/RetryExhausted" }
    assert.isTrue(RetryExhaustedModule.isRetryExhausted(ofAnotherCopy))
  })
})

const GaveUp = Schemas.RetryExhausted(Busy)
const TimedOut = Schemas.WaitTimeout({ last: Schema.Literals(["starting", "warm"]), lastError: Busy })

describe("the Schemas", () => {
  const fields = (error: unknown) => {
    assert.isTrue(error instanceof RetryExhausted || error instanceof WaitTimeout)
    const { attempts, elapsed, message, reason, stack } = error as RetryExhausted
    return {
      attempts,
      elapsed: Duration.toMillis(elapsed),
      message,
      reason,
      isBare: stack === `${(error as Error).name}: ${message}`
    }
  }

  it.effect("encode to plain JSON and back, each reason and each fraction of a millisecond", () =>
    Effect.gen(function*() {
      for (const reason of reasons) {
        for (const millis of [0, 0.25, 1500, 86_400_000]) {
          const error = new RetryExhausted({
            error: busy,
            reason: { _tag: reason },
            attempts: 2,
            elapsed: Duration.millis(millis)
          })
          const codec = Schema.toCodecJson(GaveUp)
          const json = JSON.parse(JSON.stringify(yield* Schema.encodeEffect(codec)(error)))
          assert.deepStrictEqual(json, {
            _tag: "RetryExhausted",
            reason: { _tag: reason },
            error: { _tag: "Busy", after: 3 },
            attempts: 2,
            elapsed: millis
          })
          const decoded = yield* Schema.decodeUnknownEffect(codec)(json)
          assert.deepStrictEqual(fields(decoded), { ...fields(error), isBare: true })
          assert.isTrue(decoded.error instanceof Busy && decoded.cause === decoded.error)
        }
      }
    }))

  it.effect("of a WaitTimeout know what was seen from what was not", () =>
    Effect.gen(function*() {
      const codec = Schema.toCodecJson(TimedOut)
      for (const last of [Option.some("warm" as const), Option.none()]) {
        for (const lastError of [Option.some(busy), Option.none()]) {
          const error = timeout("Deadline", last, lastError)
          const decoded = yield* Schema.decodeUnknownEffect(codec)(yield* Schema.encodeEffect(codec)(error))
          assert.deepStrictEqual(fields(decoded), { ...fields(error), isBare: true })
          assert.deepStrictEqual([decoded.last, Option.map(decoded.lastError, (error) => error.after)], [
            last,
            Option.map(lastError, () => 3)
          ])
        }
      }
      const withoutErrors = Schemas.WaitTimeout({ last: Schema.NullOr(Schema.Boolean) })
      const seenNull = timeout("Stopped", Option.some(null), Option.none<never>())
      const decoded = yield* Schema.decodeUnknownEffect(withoutErrors)(
        yield* Schema.encodeEffect(withoutErrors)(seenNull)
      )
      assert.deepStrictEqual(decoded.last, Option.some(null))
    }))

  it.effect("refuse what is none, and an error of another kind", () =>
    Effect.gen(function*() {
      const codec = Schema.toCodecJson(GaveUp)
      for (const json of [{ _tag: "RetryExhausted" }, { _tag: "WaitTimeout" }, null]) {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(Schema.decodeUnknownEffect(codec)(json))))
      }
      const other = exhausted("refused") as RetryExhausted<unknown> as RetryExhausted<Busy>
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Schema.encodeEffect(codec)(other))))
    }))

  const Calls = RpcGroup.make(
    Rpc.make("sync", { success: Schema.String, error: GaveUp }),
    Rpc.make("ready", { success: Schema.Boolean, error: TimedOut })
  )
  const Handlers = Calls.toLayer({
    sync: () => Retry.run(Effect.fail(busy), Period.sliding(0).pipe(Limit.attempts(3))),
    ready: () =>
      Effect.as(
        Poll.until(Effect.succeed("warm" as const), Period.sliding(0).pipe(Limit.attempts(2)), {
          accept: () => false
        }),
        true
      )
  })

  it.effect("are the errors of an Rpc", () =>
    Effect.gen(function*() {
      const client = yield* RpcTest.makeClient(Calls)
      const gaveUp = yield* Effect.flip(client.sync())
      const timedOut = yield* Effect.flip(client.ready())
      assert.isTrue(Retry.isRetryExhausted(gaveUp) && Poll.isWaitTimeout(timedOut))
      assert.deepStrictEqual([gaveUp.attempts, gaveUp.error._tag, timedOut.attempts, timedOut.last], [
        3,
        "Busy",
        2,
        Option.some("warm")
      ])
    }).pipe(Effect.scoped, Effect.provide(Handlers)))

  it.effect("are the errors of a Workflow and of its activities", () =>
    Effect.gen(function*() {
      const Sync = Workflow.make("Sync", {
        payload: { id: Schema.String },
        idempotencyKey: ({ id }) => id,
        success: Schema.String,
        error: GaveUp
      })
      const activity = Activity.make({
        name: "call",
        success: Schema.String,
        error: GaveUp,
        execute: Retry.run(Effect.fail(busy), Period.sliding(0).pipe(Limit.attempts(3)))
      })
      const engine = Layer.provideMerge(Sync.toLayer(() => activity), WorkflowEngine.layerMemory)
      const error = yield* Effect.flip(Sync.execute({ id: "1" })).pipe(Effect.provide(engine))
      assert.deepStrictEqual([error.attempts, error.error._tag, error.reason], [3, "Busy", { _tag: "Schedule" }])
    }))
})
