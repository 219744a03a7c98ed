import { DurablePoll } from "@effect-wait/cluster"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer, Option, Schema } from "effect"
import { ClusterError, type Message, MessageStorage, TestRunner } from "effect/cluster"
import type { Rpc } from "effect/rpc"
import { TestClock } from "effect/testing"
import * as messages from "../src/internal/durablePollMessages.ts"
import { open } from "../src/internal/durablePollStore.ts"

const poll = DurablePoll.make({
  name: "rollout",
  payload: { deployment: Schema.String },
  key: ({ deployment }) => deployment,
  policy: { duration: "1 second", factor: 1, jitter: 0, steps: 1 }
})

describe("the end of a durable poll", () => {
  it.effect("is seen by a runner that has the poll in memory, whoever ended it", () =>
    Effect.gen(function*() {
      const looks: Array<number> = []
      const Live = poll.toLayer((_, { attempt }) => Effect.sync(() => (looks.push(attempt), Option.none())))
      yield* Effect.gen(function*() {
        yield* TestClock.adjust(1)
        yield* poll.start({ deployment: "api" })
        yield* TestClock.adjust("2500 millis")
        // As a runner does that was taken for dead, and wakes.
        const store = yield* open(messages.makeEntity("rollout"), "api")
        yield* store.end({ state: "held", attempts: 3, elapsed: 2000, value: null, lastError: null })
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(looks, [1, 2, 3])
        assert.strictEqual((yield* poll.status("api")).state, "held")
        assert.isUndefined(yield* poll.await("api"))
      }).pipe(Effect.provide(Layer.provideMerge(Live, TestRunner.layer)))
    }))

  it.effect("is stored before a cancellation that comes meanwhile is answered", () =>
    Effect.gen(function*() {
      let isAway = true
      const Live = poll.toLayer(() => Effect.succeed(Option.some(undefined)))
      const services = yield* Layer.build(TestRunner.layer)
      const storage = Context.get(services, MessageStorage.MessageStorage)
      const away = Effect.fail(new ClusterError.PersistenceError({ cause: new Error("away") }))
      const faulty: typeof storage = {
        ...storage,
        saveRequest: <R extends Rpc.Any>(message: Message.OutgoingRequest<R>) =>
          isAway && message.envelope.tag === "result" ? away : storage.saveRequest(message)
      }
      yield* Effect.gen(function*() {
        yield* Layer.build(Live)
        yield* TestClock.adjust(1)
        yield* poll.start({ deployment: "api" })
        yield* TestClock.adjust("1 second")
        const cancelling = yield* Effect.forkChild(poll.cancel("api"))
        yield* TestClock.adjust("1 second")
        assert.isUndefined(cancelling.pollUnsafe())
        isAway = false
        yield* TestClock.adjust("1 minute")
        assert.isDefined(cancelling.pollUnsafe())
        assert.strictEqual((yield* poll.status("api")).state, "held")
      }).pipe(Effect.provide(Context.add(services, MessageStorage.MessageStorage, faulty)))
    }))
})

describe("the key of a durable poll", () => {
  it.effect.each(["", "k".repeat(256)])("is not %j", (deployment) =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Effect.provide(poll.start({ deployment }), TestRunner.layer))
      assert.isTrue(
        Exit.isFailure(exit) && String(Cause.squash(exit.cause)).includes("a string of 1 to 255 characters")
      )
    }))
})
