/** Durable polls beside other versions: kinds that a runner does not know, clocks that differ, schemas that have changed. */
import { DurablePoll, PollStore } from "@effect-wait/cluster"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Layer, Logger, Option, Schema } from "effect"
import { RunnerAddress, ShardingConfig, TestRunner } from "effect/cluster"
import { TestClock } from "effect/testing"
import { makeLog, makeRunners } from "./durable.ts"

const policy = { duration: "1 second", factor: 2, jitter: 0, steps: 6, cap: "4 seconds" } as const

const define = (name: string, options: { readonly within?: Duration.Input; readonly shardGroup?: string } = {}) =>
  DurablePoll.make({
    name,
    payload: { deployment: Schema.String },
    key: (payload) => payload.deployment,
    success: Schema.Int,
    policy,
    limits: options.within === undefined ? undefined : { within: options.within },
    shardGroup: options.shardGroup
  })

const rollout = define("rollout")
const backup = define("backup")
const api = { deployment: "api" }

const heldAt = (attempt: number) => (info: DurablePoll.Attempt) =>
  Effect.succeed(info.attempt >= attempt ? Option.some(info.attempt) : Option.none())

const warnings = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const entries: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      const [text] = Array.isArray(message) ? message : [message]
      if (logLevel === "Warn" && text !== "No healthy runners available") entries.push(String(text))
    })
    return Effect.map(Effect.provide(effect, Logger.layer([logger])), (value) => ({ value, entries }))
  })

const messageOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "success"

describe("a kind of poll that a runner does not serve", () => {
  it.effect("waits for a runner that does, for as long as it takes", () =>
    Effect.gen(function*() {
      const runners = yield* makeRunners
      const other = makeLog(heldAt(1))
      const old = yield* runners.start(backup.toLayer(other.check))
      yield* old.ask(rollout.start(api))
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* old.ask(rollout.status("api")), { state: "checking", attempt: 1 })
      assert.deepStrictEqual(other.attempts, [])
      const log = makeLog(heldAt(2))
      const current = yield* runners.start(rollout.toLayer(log.check))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(log.attempts.map(([attempt]) => attempt), [1, 2])
      assert.strictEqual(yield* current.ask(rollout.await("api")), 2)
    }))

  it.effect("waits through a rollback, and goes on where it was", () =>
    Effect.gen(function*() {
      const runners = yield* makeRunners
      const attempts: Array<number> = []
      const serve = rollout.toLayer((_, { attempt }) => {
        attempts.push(attempt)
        return Effect.succeed(attempt === 6 ? Option.some(attempt) : Option.none())
      })
      const first = yield* runners.start(serve)
      yield* first.ask(rollout.start(api))
      yield* TestClock.adjust("4 seconds")
      yield* first.stop
      // Of a version without durable polls, and of one with another kind.
      const none = yield* runners.start(Layer.empty)
      const other = yield* runners.start(backup.toLayer(() => Effect.succeedNone))
      yield* TestClock.adjust("10 minutes")
      yield* none.stop
      yield* other.stop
      assert.deepStrictEqual(attempts, [1, 2, 3])
      const second = yield* runners.start(serve)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(attempts, [1, 2, 3, 4, 5, 6])
      assert.strictEqual(yield* second.ask(rollout.await("api")), 6)
    }))

  it.effect("is told once by the runner that has its slot, when it has been due for a minute", () =>
    Effect.gen(function*() {
      const { entries } = yield* warnings(Effect.gen(function*() {
        const runners = yield* makeRunners
        const old = yield* runners.start(backup.toLayer(() => Effect.succeedNone))
        yield* old.ask(rollout.start(api))
        yield* old.ask(rollout.start({ deployment: "web" }))
        yield* TestClock.adjust("55 seconds")
        yield* TestClock.adjust("10 minutes")
      }))
      assert.deepStrictEqual(entries, [
        "2 durable polls \"rollout\" wait for a runner that serves them: this one does not, and has their slots"
      ])
    }))

  it.effect("is served as soon as its layer is built on a runner that has others", () =>
    Effect.gen(function*() {
      const runners = yield* makeRunners
      const log = makeLog(heldAt(1))
      const runner = yield* runners.start(backup.toLayer(() => Effect.succeedNone))
      yield* runner.ask(rollout.start(api))
      yield* TestClock.adjust("1 minute")
      yield* runners.start(Layer.mergeAll(backup.toLayer(() => Effect.succeedNone), rollout.toLayer(log.check)))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(log.attempts.map(([attempt]) => attempt), [1])
    }))

  it.effect("stops with its layer, while the others of the runner go on", () =>
    Effect.gen(function*() {
      const [gone, stays] = [makeLog(heldAt(99)), makeLog(heldAt(99))]
      yield* Effect.gen(function*() {
        yield* Layer.build(backup.toLayer(stays.check))
        yield* TestClock.adjust(1)
        yield* backup.start(api)
        yield* rollout.start(api)
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Layer.build(rollout.toLayer(gone.check))
          yield* TestClock.adjust("4 seconds")
        }))
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual(gone.attempts.map(([attempt]) => attempt), [1, 2, 3])
        assert.deepStrictEqual(stays.attempts.map(([attempt]) => attempt), [1, 2, 3, 4])
        yield* Layer.build(rollout.toLayer(gone.check))
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual(gone.attempts.map(([attempt]) => attempt), [1, 2, 3, 4, 5])
      }).pipe(Effect.provide(Layer.merge(TestRunner.layer, PollStore.layerMemory)))
    }))
})

describe("the clocks of runners", () => {
  it.effect.each([40_000, -40_000, 70_000, -70_000, 86_400_000])(
    "do not matter: one that is off by %i ms stalls no poll and ends none early",
    (clockIsOffBy) =>
      Effect.gen(function*() {
        const runners = yield* makeRunners
        const short = define("rollout", { within: "1 minute" })
        const elapsedTimes: Array<number> = []
        const log = makeLog((info) => {
          elapsedTimes.push(Duration.toMillis(info.elapsed))
          return heldAt(6)(info)
        })
        // The one that starts it, and the one that makes the first attempts, are off; the last is not.
        const first = yield* runners.start(short.toLayer(log.check), { clockIsOffBy })
        yield* first.ask(short.start(api))
        yield* TestClock.adjust("2 seconds")
        yield* first.kill
        const second = yield* runners.start(short.toLayer(log.check), { clockIsOffBy: -clockIsOffBy / 2 })
        yield* TestClock.adjust("6 seconds")
        yield* second.kill
        const third = yield* runners.start(short.toLayer(log.check))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(elapsedTimes, [0, 1000, 3000, 7000, 11_000, 15_000])
        assert.strictEqual(yield* third.ask(short.await("api")), 6)
        const status = yield* third.ask(short.status("api"))
        assert.deepInclude(status, { state: "held", attempt: 6, elapsed: Duration.seconds(15) })
      })
  )

  it.effect("may be set while a poll waits", () =>
    Effect.gen(function*() {
      const runners = yield* makeRunners
      const elapsedTimes: Array<number> = []
      const log = makeLog((info) => {
        elapsedTimes.push(Duration.toMillis(info.elapsed))
        return heldAt(4)(info)
      })
      const offset = { clockIsOffBy: 0 }
      const runner = yield* runners.start(rollout.toLayer(log.check), offset)
      yield* runner.ask(rollout.start(api))
      yield* TestClock.adjust("2 seconds")
      offset.clockIsOffBy = 3_600_000
      yield* TestClock.adjust("2 seconds")
      offset.clockIsOffBy = -3_600_000
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(elapsedTimes, [0, 1000, 3000, 7000])
    }))
})

describe("a schema that has changed", () => {
  const grown = {
    name: "rollout",
    payload: { deployment: Schema.String, region: Schema.String },
    key: (payload: { readonly deployment: string }) => payload.deployment,
    success: Schema.Int,
    policy
  } as const

  it.effect("fails the looks of a payload that lacks a field, in the log and in the status", () =>
    Effect.gen(function*() {
      const { entries, value } = yield* warnings(Effect.gen(function*() {
        const runners = yield* makeRunners
        const client = yield* runners.start(Layer.empty, { config: { runnerAddress: Option.none() } })
        yield* client.ask(rollout.start(api))
        const log = makeLog()
        yield* runners.start(DurablePoll.make(grown).toLayer(() => Effect.as(log.check({}, info), Option.some(1))))
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual(log.attempts, [])
        return yield* client.ask(rollout.status("api"))
      }))
      assert.deepStrictEqual(entries, Array(3).fill("A check failed; the poll goes on"))
      assert.match(
        Option.getOrElse(value.lastError, () => ""),
        /The stored payload cannot be decoded and there is no `migrate`: .*region/s
      )
    }))

  it.effect("is migrated by a function, which sees only what cannot be decoded", () =>
    Effect.gen(function*() {
      const migrated: Array<unknown> = []
      const regional = DurablePoll.make({
        ...grown,
        migrate: (stored) => {
          migrated.push(stored)
          return { ...Object(stored), region: "eu" }
        }
      })
      const runners = yield* makeRunners
      const client = yield* runners.start(Layer.empty, { config: { runnerAddress: Option.none() } })
      yield* client.ask(rollout.start(api))
      yield* client.ask(regional.start({ deployment: "web", region: "us" }))
      const seen: Array<string> = []
      yield* runners.start(regional.toLayer(({ deployment, region }, { attempt }) => {
        seen.push(`${deployment} ${region} ${attempt}`)
        return Effect.succeed(attempt === 2 ? Option.some(2) : Option.none())
      }))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(seen.toSorted(), ["api eu 1", "api eu 2", "web us 1", "web us 2"])
      assert.deepStrictEqual(migrated, [api, api])
      assert.strictEqual(yield* client.ask(rollout.await("api")), 2)
    }))

  it.effect("fails the looks where the function throws, or makes nothing that can be decoded", () =>
    Effect.gen(function*() {
      const lastError = (migrate: (stored: Schema.Json) => Schema.Json) =>
        Effect.gen(function*() {
          const runners = yield* makeRunners
          const poll = DurablePoll.make({ ...grown, migrate })
          const runner = yield* runners.start(poll.toLayer(() => Effect.succeedNone))
          yield* runner.ask(rollout.start(api))
          yield* TestClock.adjust("1 second")
          return Option.getOrElse((yield* runner.ask(poll.status("api"))).lastError, () => "")
        })
      assert.match(yield* lastError(() => ({})), /The stored payload cannot be decoded: .*deployment/s)
      assert.include(
        yield* lastError(() => {
          throw new Error("a bug in migrate")
        }),
        "a bug in migrate"
      )
    }))

  it.effect("is an error of await, by name, for a result that cannot be decoded", () =>
    Effect.gen(function*() {
      const runners = yield* makeRunners
      const runner = yield* runners.start(rollout.toLayer(() => Effect.succeedSome(7)))
      yield* runner.ask(rollout.start(api))
      yield* TestClock.adjust(1)
      const later = DurablePoll.make({ ...grown, success: Schema.Struct({ replicas: Schema.Int }) })
      const error = yield* Effect.flip(runner.ask(later.await("api")))
      assert.instanceOf(error, DurablePoll.DurablePollUnreadable)
      assert.deepInclude(error, { _tag: "DurablePollUnreadable", name: "rollout", key: "api", value: 7 })
      assert.match(error.message, /^The stored result of the poll "rollout" with the key "api" cannot be decoded/)
      // It is still there for who can decode it.
      assert.strictEqual(yield* runner.ask(rollout.await("api")), 7)
      assert.strictEqual((yield* runner.ask(later.status("api"))).state, "held")
    }))
})

describe("the shard group", () => {
  const config = (groups: ReadonlyArray<string>) => ({ availableShardGroups: groups, assignedShardGroups: groups })

  it.effect("is where the poll is served", () =>
    Effect.gen(function*() {
      const workers = define("rollout", { shardGroup: "workers" })
      const runners = yield* makeRunners
      const log = makeLog(heldAt(2))
      const runner = yield* runners.start(workers.toLayer(log.check), { config: config(["workers"]) })
      yield* runner.ask(workers.start(api))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* runner.ask(workers.await("api")), 2)
    }))

  it.effect("is refused, by name, where the runner does not have it", () =>
    Effect.gen(function*() {
      const workers = define("rollout", { shardGroup: "workers" })
      const build = (config: Layer.Layer<ShardingConfig.ShardingConfig>) =>
        Effect.map(
          Effect.exit(Effect.scoped(Layer.build(
            workers.toLayer(() => Effect.succeedNone).pipe(
              Layer.provide([TestRunner.layer, PollStore.layerMemory, config])
            )
          ))),
          messageOf
        )
      const runnerAddress = Option.some(RunnerAddress.make("runner", 1))
      assert.include(
        yield* build(ShardingConfig.layer({ runnerAddress })),
        "The poll \"rollout\" is served in the shard group \"workers\", which this runner does not have: it has \"default\"."
      )
      assert.include(
        yield* build(ShardingConfig.layer({ runnerAddress: Option.none() })),
        "this runner has no address: it is a client of the cluster"
      )
    }))
})

const info: DurablePoll.Attempt = { key: "", attempt: 1, elapsed: Duration.zero, delay: Duration.zero }
