import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option } from "effect"
import { Loop, Period, type WaitTimeout } from "effect-wait"
import { control, Controllers, host, Pods, podsOnHosts, update } from "../../src/callSites/09-rolling-update.ts"
import { Faults, layerMemory, type NotFound, Unavailable } from "../../src/callSites/support/api.ts"
import { logOf } from "./logOf.ts"

// The times of Kubernetes.
const times = { period: "1 minute", interval: "5 seconds", timeout: "300 seconds" } as const

/** A controller of new pods, that has two old ones. */
const web = Effect.gen(function*() {
  yield* Controllers.create("web", { replicas: 2, image: "new" })
  yield* Pods.create("old-1", { controller: "web", image: "old" })
  yield* Pods.create("old-2", { controller: "web", image: "old" })
})

/** What a wait says that was given up. */
const seen = (exit: Exit.Exit<Unavailable | NotFound | WaitTimeout, unknown>) => {
  if (Exit.isFailure(exit) || exit.value._tag !== "WaitTimeout") return exit
  const { attempts, last, reason } = exit.value
  return { reason: reason._tag, attempts, last }
}

describe("a rolling update", () => {
  it.effect("deletes a pod each period, and ends when the last one is back", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* web
        yield* Loop.forkScoped(control("web"), Period.ticker("7 seconds"), { initialDelay: "3 seconds" })
        yield* update("web", times)
      })
      const { endedAt, log } = yield* logOf(Effect.scoped(Effect.provide(program, layerMemory)), {
        until: "10 minutes"
      })
      assert.deepStrictEqual(log, [
        "0 deleted old-1",
        "3000 created new-4",
        "60000 deleted old-2",
        "66000 created new-6",
        "125000 updated: new-4 new-6"
      ])
      assert.strictEqual(endedAt, 125_000)
    }))

  it.effect("looks each 5 seconds for what is not back after the last period", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* web
        yield* Loop.forkScoped(control("web"), Period.ticker("1 minute"), { initialDelay: "8 seconds" })
        yield* update("web", { ...times, period: "1 second" })
      })
      const { log } = yield* logOf(Effect.scoped(Effect.provide(program, layerMemory)), { until: "10 minutes" })
      assert.deepStrictEqual(log, [
        "0 deleted old-1",
        "1000 deleted old-2",
        "8000 created new-5",
        "8000 created new-6",
        "12000 updated: new-5 new-6"
      ])
    }))

  it.effect("is given up after 300 seconds, with what was seen last", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* web
        const one = Pods.create("new-1", { controller: "web", image: "new" })
        yield* Effect.forkChild(Effect.delay(one, "250 seconds"))
        return yield* Effect.flip(update("web", { ...times, period: "1 second" }))
      })
      const { endedAt, exit } = yield* logOf(Effect.provide(program, layerMemory), { until: "10 minutes" })
      assert.strictEqual(endedAt, 302_000)
      assert.deepStrictEqual(exit.pipe(Option.getOrThrow, seen), {
        reason: "Deadline",
        attempts: 59,
        last: Option.some(["new-1"])
      })
    }))
})

describe("pods on hosts", () => {
  it.effect("is true once a host tells about each of them", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* web
        yield* Effect.forkChild(Effect.delay(host, "2500 millis"))
        yield* podsOnHosts(["old-1", "old-2"], { interval: "1 second", timeout: "10 seconds" })
      })
      const { endedAt } = yield* logOf(Effect.provide(program, layerMemory), { until: "1 minute" })
      assert.strictEqual(endedAt, 3000)
    }))

  it.effect("times out with the pods that no host tells about", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* web
        yield* host
        return yield* Effect.flip(podsOnHosts(["old-1", "new-9"], { interval: "1 second", timeout: "10 seconds" }))
      })
      const { endedAt, exit } = yield* logOf(Effect.provide(program, layerMemory), { until: "1 minute" })
      assert.strictEqual(endedAt, 10_000)
      assert.deepStrictEqual(exit.pipe(Option.getOrThrow, seen), {
        reason: "Deadline",
        attempts: 9,
        last: Option.some(["new-9"])
      })
    }))

  it.effect("fails when nobody answers", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const { down } = yield* Faults
        return yield* Effect.flip(down(podsOnHosts(["old-1"], { interval: "1 second", timeout: "10 seconds" })))
      })
      const { endedAt, exit } = yield* logOf(Effect.provide(program, layerMemory), { until: "1 minute" })
      assert.strictEqual(endedAt, 1000)
      assert.deepStrictEqual(exit, Option.some(Exit.succeed(new Unavailable({ message: "connection refused" }))))
    }))
})
