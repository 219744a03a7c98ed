/** Loops on the live Clock set their timers themselves. Here these, and the time, pass when told. */
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { Effect, Fiber } from "effect"
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
    ["as long as a timer can be", 2 ** 31 - 1],
    ["longer than that", 2 ** 31],
    ["of 30 days", 30 * days]
  ])("%s, begins the next run when it has passed", ([_, delay]) =>
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
})
