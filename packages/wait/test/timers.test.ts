/** Loops on the live Clock set their timers themselves. Here these, and the time, pass when told. */
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scheduler } from "effect"
import { Loop, Period } from "effect-wait"

const days = 24 * 60 * 60 * 1000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (millis: number) => Effect.promise(() => vi.advanceTimersByTimeAsync(millis))

describe("a sleep on the live Clock", () => {
  it.live.each([
    { name: "as long as a timer can be", delay: 2 ** 31 - 1 },
    { name: "longer than that", delay: 2 ** 31 },
    { name: "of 30 days", delay: 30 * days }
  ])("$name, begins the next run when it has passed", ({ delay }) =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const fiber = yield* Effect.forkChild(
        Loop.run(Effect.sync(() => starts.push(Date.now())), Period.sliding(delay)),
        { startImmediately: true }
      )
      yield* pass(delay - 1)
      assert.deepStrictEqual(starts, [0])
      yield* pass(1)
      assert.deepStrictEqual(starts, [0, delay])
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(vi.getTimerCount(), 0)
    }))

  it.live("for ever needs no timer", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Loop.run(Effect.void, Period.sliding("Infinity")), {
        startImmediately: true
      })
      assert.strictEqual(vi.getTimerCount(), 0)
      yield* Fiber.interrupt(fiber)
    }))

  it.live("has one timer, with a handle too, and none once it is interrupted", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.void, Period.sliding("1 hour"))
      yield* Effect.yieldNow
      assert.strictEqual(vi.getTimerCount(), 1)
      yield* loop.trigger
      assert.strictEqual((yield* loop.status).runs, 2)
      assert.strictEqual(vi.getTimerCount(), 1)
      yield* loop.interrupt
      assert.strictEqual(vi.getTimerCount(), 0)
    }).pipe(Effect.scoped))

  it.live("ends at a stop, which leaves no timer", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(Effect.void, Period.sliding("1 hour"))
      yield* Effect.yieldNow
      yield* loop.stop
      assert.strictEqual((yield* loop.status).state, "ended")
      assert.strictEqual(vi.getTimerCount(), 0)
    }).pipe(Effect.scoped))

  // The loop yields after every few operations, and the stop comes at each of these points in turn.
  it.live.each([5, 6, 7, 8])(
    "does not begin after a stop, wherever it comes, yielding after %d operations",
    (ops) =>
      Effect.gen(function*() {
        for (let turns = 0; turns < 40; turns++) {
          const told = yield* Deferred.make<void>()
          const loop = yield* Loop.run(Effect.void, Period.sliding("1 hour"), { stop: Deferred.await(told) }).pipe(
            Effect.provideService(Scheduler.MaxOpsBeforeYield, ops),
            Effect.forkChild
          )
          for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
          yield* Deferred.succeed(told, undefined)
          for (let turn = 0; turn < 50; turn++) yield* Effect.yieldNow
          assert.deepStrictEqual(loop.pollUnsafe(), Exit.succeed(undefined), `after ${turns} turns`)
          assert.strictEqual(vi.getTimerCount(), 0)
        }
      })
  )
})
