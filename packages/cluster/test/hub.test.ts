import { ClusterLoop } from "@effect-wait/cluster"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Deferred, Effect, Exit, Layer, Scope, Stream } from "effect"
import { Period } from "effect-wait"
import { Sharding } from "effect/cluster"
import { TestClock } from "effect/testing"
import * as Hub from "../src/internal/hub.ts"
import { makePace } from "../src/internal/pace.ts"
import type { Recollection, TakeOver } from "../src/internal/takeOver.ts"
import * as Term from "../src/internal/term.ts"

/** A runner of one shard that it has got. */
const sharding = Effect.gen(function*() {
  const services = yield* Layer.build(ClusterLoop.layerEmbedded)
  yield* TestClock.adjust(1)
  return yield* Effect.provide(Sharding.Sharding, services)
})

/** What a hub does with its loops, as `name: event`. */
const makeMembers = () => {
  const log: Array<string> = []
  const calls: Array<ReadonlyArray<string>> = []
  const takeOver: TakeOver = (names) =>
    Effect.sync(() => {
      calls.push(names)
      return new Map(names.map((name): [string, Recollection] => [name, { name: `${name} of before` }]))
    })
  const member = (name: string, own = takeOver): Hub.Member => ({
    name,
    shardGroup: "default",
    takeOver: own,
    term: (seat) =>
      Effect.sync(() => log.push(`${name}: ${seat.recollection?.name ?? "nothing"}`)).pipe(
        Effect.andThen(Effect.never),
        Effect.onExit((exit) =>
          Effect.sync(() => {
            const how = Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? "cut" : "ended"
            log.push(`${name}: ${how}, ${seat.ending() ?? "nobody says why"}`)
          })
        )
      )
  })
  return { calls, log, member }
}

describe("Hub.join", () => {
  it.effect("takes over all loops of a shard in one call, and starts each with what that returned for it", () =>
    Effect.gen(function*() {
      const { calls, log, member } = makeMembers()
      const services = yield* Layer.build(ClusterLoop.layerEmbedded)
      const runner = yield* Effect.provide(Sharding.Sharding, services)
      for (const name of ["a", "b", "c"]) yield* Hub.join(runner, member(name))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(calls, [["a", "b", "c"]])
      assert.deepStrictEqual(log, ["a: a of before", "b: b of before", "c: c of before"])
    }))

  it.effect("takes over a loop that is added later by itself, and those of another memory by another call", () =>
    Effect.gen(function*() {
      const { calls, log, member } = makeMembers()
      const runner = yield* sharding
      yield* Hub.join(runner, member("a"))
      yield* TestClock.adjust(1)
      const other: TakeOver = () => Effect.succeed(new Map())
      yield* Hub.join(runner, member("b"))
      yield* Hub.join(runner, member("c", other))
      yield* Hub.join(runner, member("d"))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(calls, [["a"], ["b", "d"]])
      assert.deepStrictEqual(log, ["a: a of before", "b: b of before", "d: d of before", "c: nothing"])
    }))

  it.effect("registers one singleton a shard, and none for a loop", () =>
    Effect.gen(function*() {
      const services = yield* Layer.build(
        Layer.provideMerge(
          Layer.effectDiscard(Effect.void),
          ClusterLoop.layerEmbedded
        )
      )
      const runner = yield* Effect.provide(Sharding.Sharding, services)
      const registered: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(runner.getRegistrationEvents, (event) => Effect.sync(() => registered.push(event._tag)))
      )
      yield* TestClock.adjust(1)
      const { log, member } = makeMembers()
      for (let i = 0; i < 100; i++) yield* Hub.join(runner, member(`loop ${i}`))
      yield* TestClock.adjust(1)
      assert.strictEqual(log.length, 100)
      assert.deepStrictEqual(registered, ["SingletonRegistered"])
    }))

  it.effect("does not start a loop that left while it was taken over", () =>
    Effect.gen(function*() {
      const { log, member } = makeMembers()
      const runner = yield* sharding
      const gate = yield* Deferred.make<void>()
      const slow: TakeOver = () => Effect.as(Deferred.await(gate), new Map())
      const left = yield* Scope.make()
      yield* Hub.join(runner, member("a", slow)).pipe(Scope.provide(left))
      yield* Hub.join(runner, member("b", slow))
      yield* TestClock.adjust(1)
      yield* Scope.close(left, Exit.void)
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(log, ["b: nothing"])
    }))

  it.effect("tells a loop that leaves alone, and those of a runner that stops, why they end", () =>
    Effect.gen(function*() {
      const { log, member } = makeMembers()
      const stopped = yield* Scope.make()
      const runner = yield* sharding.pipe(Scope.provide(stopped))
      const left = yield* Scope.make()
      yield* Hub.join(runner, member("a")).pipe(Scope.provide(left))
      yield* Hub.join(runner, member("b"))
      yield* TestClock.adjust(1)
      yield* Scope.close(left, Exit.void)
      assert.deepStrictEqual(log.slice(2), ["a: cut, shutdown"])
      yield* Scope.close(stopped, Exit.void)
      assert.deepStrictEqual(log.slice(2), ["a: cut, shutdown", "b: cut, shutdown"])
    }))

  it.effect("closes the layer of a loop after its last run, also where the runner ends that already", () =>
    Effect.gen(function*() {
      const { member } = makeMembers()
      const stopped = yield* Scope.make()
      const runner = yield* sharding.pipe(Scope.provide(stopped))
      const left = yield* Scope.make()
      const term = () => Effect.andThen(Effect.uninterruptible(Effect.sleep("10 seconds")), Effect.never)
      yield* Hub.join(runner, { ...member("a"), term }).pipe(Scope.provide(left))
      yield* Hub.join(runner, member("b"))
      yield* TestClock.adjust(1)
      yield* Effect.forkChild(Scope.close(stopped, Exit.void))
      yield* TestClock.adjust("5 seconds")
      const closing = yield* Effect.forkChild(Scope.close(left, Exit.void))
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.isDefined(closing.pollUnsafe())
    }))

  it.effect("takes loops again after the last one has left", () =>
    Effect.gen(function*() {
      const { log, member } = makeMembers()
      const runner = yield* sharding
      for (let i = 0; i < 3; i++) {
        yield* Effect.scoped(Effect.andThen(Hub.join(runner, member(`loop ${i}`)), TestClock.adjust(1)))
      }
      assert.deepStrictEqual(
        log,
        [0, 1, 2].flatMap((i) => [`loop ${i}: loop ${i} of before`, `loop ${i}: cut, shutdown`])
      )
    }))

  it.live(
    "gives the event loop a turn between the starts of many loops, and between their ends",
    () =>
      Effect.gen(function*() {
        const { log, member } = makeMembers()
        const services = yield* Layer.build(ClusterLoop.layerEmbedded)
        const runner = yield* Effect.provide(Sharding.Sharding, services)
        const count = (event: string) => log.filter((line) => line.includes(event)).length
        const watch = Effect.fnUntraced(function*(event: string, all: number) {
          const seen = [count(event)]
          while (seen.at(-1) !== all) {
            yield* Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
            seen.push(count(event))
          }
          return Math.max(...seen.slice(1).map((length, i) => length - (seen[i] ?? 0)))
        })
        const scope = yield* Scope.make()
        for (let i = 0; i < 320; i++) yield* Hub.join(runner, member(`loop ${i}`)).pipe(Scope.provide(scope))
        assert.isAtMost(yield* watch("of before", 320), 64)
        yield* Effect.forkChild(Scope.close(scope, Exit.void))
        assert.isAtMost(yield* watch("cut", 320), 64)
      }),
    10_000
  )
})

describe("a term that ends", () => {
  it.effect("starts no run any more, while other terms of the runner are interrupted one after the other", () =>
    Effect.gen(function*() {
      let ending: Hub.Ending | undefined
      let runs = 0
      const seat: Hub.Seat = {
        recollection: undefined,
        firstRun: { delay: 0, onTime: Effect.void },
        ending: () => ending
      }
      const run = Term.iteration(Effect.sync(() => ++runs), seat, Effect.void)
      yield* run
      ending = "lost lock"
      yield* Effect.forkChild(run)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(runs, 1)
    }))
})

describe("the first runs after a take-over", () => {
  it.effect("are at once for a few loops, and 2.5 ms apart for the others", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const run = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now))
      const loops = Array.from(
        { length: 100 },
        (_, i) => ClusterLoop.layer(run, Period.nonSliding("1 hour"), { name: `loop ${i}` })
      )
      const [first, ...others] = loops
      yield* Layer.build(Layer.provideMerge(Layer.mergeAll(first!, ...others), ClusterLoop.layerEmbedded))
      yield* TestClock.adjust(1)
      yield* TestClock.adjust("1 minute")
      const expected = Array.from({ length: 100 }, (_, i) => 1 + Math.max(0, Math.round((i - 10) * 2.5)))
      assert.deepStrictEqual(starts.toSorted((a, b) => a - b), expected)
    }))

  it.effect("are apart too after a stop of the event loop", () =>
    Effect.gen(function*() {
      const { firstRun } = makePace()
      const starts: Array<number> = []
      const places = yield* Effect.replicateEffect(firstRun, 60)
      assert.deepStrictEqual(places.slice(-2).map(({ delay }) => delay), [120, 123])
      // All timers until then fire in the same instant.
      yield* TestClock.adjust(130)
      yield* Effect.forkChild(Effect.forEach(
        places,
        ({ onTime }) => Effect.andThen(onTime, Effect.map(Clock.currentTimeMillis, (now) => starts.push(now))),
        { concurrency: "unbounded" }
      ))
      yield* TestClock.adjust(0)
      yield* TestClock.adjust("1 minute")
      // Six are on time yet, and the others start 6 ms apart.
      const apart = Array.from({ length: 54 }, (_, i) => 130 + 6 * i)
      assert.deepStrictEqual(starts, [...Array.from({ length: 6 }, () => 130), ...apart])
    }))

  it.effect("of a calendar are at its slots", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const run = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now))
      const loops = Array.from(
        { length: 100 },
        (_, i) => ClusterLoop.layer(run, Period.cron("* * * * *", { timeZone: "UTC" }), { name: `loop ${i}` })
      )
      const [first, ...others] = loops
      yield* TestClock.adjust("59900 millis")
      yield* Layer.build(Layer.provideMerge(Layer.mergeAll(first!, ...others), ClusterLoop.layerEmbedded))
      yield* TestClock.adjust(1)
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(starts, Array.from({ length: 100 }, () => 60_000))
    }))
})
