/** Many items in one statement. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch } from "effect"
import * as Batch from "../src/internal/batch.ts"

/** A statement that ends when the gate is open, and says what it was given. */
const gated = Effect.gen(function*() {
  const gate = yield* Latch.make()
  const seen: Array<ReadonlyArray<number>> = []
  const ask = Batch.make((items: ReadonlyArray<number>) => {
    seen.push(items)
    const answer = items.includes(0) ? Effect.fail("zero") : Effect.succeed(items.map((item) => item * 10))
    return Effect.andThen(gate.await, answer)
  })
  const askAll = (items: ReadonlyArray<number>) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Effect.forEach(items, (item) => Effect.exit(ask(item)), {
        concurrency: "unbounded"
      }))
      yield* Effect.repeat(Effect.yieldNow, { times: 9 })
      return fiber
    })
  return { ask, askAll, gate, seen }
})

describe("batch", () => {
  it.effect("takes together what comes at once, and what comes while a statement is in flight", () =>
    Effect.gen(function*() {
      const { askAll, gate, seen } = yield* gated
      const first = yield* askAll([1, 2])
      const second = yield* askAll([3])
      const third = yield* askAll([5, 4])
      assert.deepStrictEqual(seen, [[1, 2]])
      yield* gate.open
      assert.deepStrictEqual(yield* Fiber.join(first), [Exit.succeed(10), Exit.succeed(20)])
      assert.deepStrictEqual(yield* Fiber.join(second), [Exit.succeed(30)])
      assert.deepStrictEqual(yield* Fiber.join(third), [Exit.succeed(50), Exit.succeed(40)])
      assert.deepStrictEqual(seen, [[1, 2], [3, 5, 4]])
    }))

  it.effect("fails each item of a statement that fails, and goes on", () =>
    Effect.gen(function*() {
      const { ask, askAll, gate, seen } = yield* gated
      const first = yield* askAll([1, 0])
      const second = yield* askAll([2])
      yield* gate.open
      assert.deepStrictEqual(yield* Fiber.join(first), [Exit.fail("zero"), Exit.fail("zero")])
      assert.deepStrictEqual(yield* Fiber.join(second), [Exit.succeed(20)])
      assert.strictEqual(yield* ask(3), 30)
      assert.deepStrictEqual(seen, [[1, 0], [2], [3]])
    }))

  it.effect("does not send an item whose caller was interrupted, and does not wait for it", () =>
    Effect.gen(function*() {
      const { ask, askAll, gate, seen } = yield* gated
      const first = yield* askAll([1])
      const second = yield* askAll([2])
      const third = yield* askAll([3])
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(first)
      const alone = yield* askAll([4])
      yield* Fiber.interrupt(third)
      yield* Fiber.interrupt(alone)
      yield* gate.open
      assert.strictEqual(yield* ask(5), 50)
      assert.deepStrictEqual(seen, [[1], [5]])
    }))
})
