import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Layer, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Away, Broker, layer, type Message, Poison } from "../../src/recipes/consumer.ts"
import { withDraw } from "./support.ts"

const seconds = Effect.map(Clock.currentTimeMillis, (now) => now / 1000)

/** A broker in memory: a log of messages for each partition, of which a poll gives all that are new. */
const broker = (logs: ReadonlyArray<ReadonlyArray<string>>) => {
  const committed = logs.map(() => 0)
  const read = logs.map(() => 0)
  const dead: Array<string> = []
  let rewinds = 0
  const poll = Effect.gen(function*() {
    const messages = logs.flatMap((log, partition) =>
      log.flatMap((value, offset): ReadonlyArray<Message> =>
        offset >= read[partition]! ? [{ partition, offset, value }] : []
      )
    )
    if (messages.length === 0) return yield* Effect.never
    for (const { offset, partition } of messages) read[partition] = offset + 1
    return messages
  })
  const service = Broker.of({
    poll,
    commit: ({ offset, partition }) =>
      Effect.sync(() => {
        committed[partition] = offset + 1
      }),
    deadLetter: ({ value }, reason) => Effect.sync(() => void dead.push(`${value}: ${reason}`)),
    rewind: Effect.sync(() => {
      rewinds++
      for (const partition of read.keys()) read[partition] = committed[partition]!
    })
  })
  return { service, committed, dead, rewinds: () => rewinds }
}

const consume = Effect.fnUntraced(function*(
  logs: ReadonlyArray<ReadonlyArray<string>>,
  handle: (value: string, now: number) => Effect.Effect<void, Away | Poison>
) {
  const { service, ...rest } = broker(logs)
  const handled: Array<string> = []
  const consumer = layer(Effect.fnUntraced(function*({ value }: Message) {
    const now = yield* seconds
    handled.push(`${now} ${value}`)
    yield* handle(value, now)
  })).pipe(
    Layer.provide([Layer.succeed(Broker, service), Logger.layer([])])
  )
  const scope = yield* Scope.make()
  yield* withDraw(0.5)(Layer.buildWithScope(consumer, scope))
  const stop = Effect.all([Scope.close(scope, Exit.void), TestClock.adjust("1 minute")], { concurrency: 2 })
  return { ...rest, handled, stop }
})

const away = new Away({ message: "503" })

describe("a consumer", () => {
  it.effect("handles the messages of a partition in order, and partitions side by side", () =>
    Effect.gen(function*() {
      const { committed, handled, stop } = yield* consume([["a", "b"], ["x"]], () => Effect.sleep("1 second"))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(handled, ["0 a", "0 x", "1 b"])
      assert.deepStrictEqual(committed, [2, 1])
      yield* stop
    }))

  it.effect("tries a message again where what it needs is away", () =>
    Effect.gen(function*() {
      const { committed, dead, handled, stop } = yield* consume([["a", "b"]], (value, now) =>
        value === "a" && now < 0.3 ? Effect.fail(away) : Effect.void)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(handled, ["0 a", "0.05 a", "0.15 a", "0.35 a", "0.35 b"])
      assert.deepStrictEqual([committed, dead], [[2], []])
      yield* stop
    }))

  it.effect("puts what cannot be handled aside, and goes on", () =>
    Effect.gen(function*() {
      const poison = new Poison({ message: "no JSON" })
      const { committed, dead, handled, stop } = yield* consume([["a", "b"]], (value) =>
        value === "a" ? Effect.fail(poison) : Effect.void)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([handled, dead, committed], [["0 a", "0 b"], ["a: no JSON"], [2]])
      yield* stop
    }))

  it.effect("in an outage of two minutes commits nothing, drops nothing, and goes on afterwards", () =>
    Effect.gen(function*() {
      const { committed, dead, handled, rewinds, stop } = yield* consume(
        [["a", "b"]],
        (_, now) => now < 120 ? Effect.fail(away) : Effect.void
      )
      yield* TestClock.adjust("119 seconds")
      assert.deepStrictEqual([committed, dead, rewinds()], [[0], [], 2])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([committed, dead], [[2], []])
      assert.deepStrictEqual(handled.slice(-2).map((line) => line.split(" ")[1]), ["a", "b"])
      yield* stop
    }))

  it.effect("stops between attempts; the message stays for the next consumer", () =>
    Effect.gen(function*() {
      const { committed, handled, rewinds, stop } = yield* consume([["a"]], () => Effect.fail(away))
      yield* TestClock.adjust("100 millis")
      yield* stop
      assert.deepStrictEqual(handled, ["0 a", "0.05 a"])
      assert.deepStrictEqual([committed, rewinds()], [[0], 1])
    }))

  it.effect("finishes the message in flight when it is stopped", () =>
    Effect.gen(function*() {
      const { committed, handled, stop } = yield* consume([["a"]], () => Effect.sleep("5 seconds"))
      yield* TestClock.adjust("1 second")
      yield* stop
      assert.deepStrictEqual([handled, committed], [["0 a"], [1]])
    }))
})
