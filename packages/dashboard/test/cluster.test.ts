import { ClusterLoop } from "@effect-wait/cluster"
import { DashboardApi } from "@effect-wait/dashboard"
import * as ClusterSource from "@effect-wait/dashboard/ClusterSource"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Schema, Stream } from "effect"
import { Period } from "effect-wait"
import { TestClock } from "effect/testing"
import { makeService } from "./service.ts"

const decodeLoops = Schema.decodeUnknownSync(Schema.fromJsonString(DashboardApi.Loops))
const decodeChanges = Schema.decodeUnknownSync(DashboardApi.Changes)
const post = { method: "POST", headers: { authorization: "Bearer secret" } }

describe("the loops of a cluster", () => {
  it.effect("have an owner and a history, and are paused, resumed and run now, but not stopped", () => {
    let runs = 0
    const run = Effect.suspend(() => ++runs === 2 ? Effect.fail("no route") : Effect.sleep(100))
    const loop = ClusterLoop.layer(run, Period.sliding("1 minute"), {
      name: "sync",
      backoff: Period.sliding("10 seconds")
    })
    return Effect.gen(function*() {
      const source = yield* ClusterSource.make
      const send = yield* makeService({ actions: true, source: Effect.succeed(source) })
      const list = Effect.map(send("/loops/api"), ({ text }) => decodeLoops(text).loops)
      yield* TestClock.adjust("61 seconds")

      const [failing] = yield* list
      const paused = yield* send("/loops/api/sync/pause", post)
      yield* TestClock.adjust("1 hour")
      const atPause = runs
      yield* send("/loops/api/sync/trigger", post)
      yield* TestClock.adjust("1 second")
      const atTrigger = runs
      const stopped = yield* send("/loops/api/sync/stop", post)
      yield* send("/loops/api/sync/resume", post)
      yield* TestClock.adjust("10 seconds")
      const [resumed] = yield* list
      const missing = yield* send("/loops/api/none/pause", post)

      assert.deepStrictEqual(
        [failing!.owner, failing!.consecutiveFailures, failing!.history.map(({ failure }) => failure)],
        ["localhost:34431", 1, [null, "failed"]]
      )
      assert.deepStrictEqual([paused.status, stopped.status, missing.status], [200, 405, 404])
      assert.deepStrictEqual([atPause, atTrigger], [2, 3])
      assert.strictEqual(resumed!.state, "waiting")
    }).pipe(Effect.provide(Layer.provideMerge(loop, ClusterLoop.layerEmbedded)), Effect.provide(Logger.layer([])))
  })

  it.effect("an action at one replica is seen at another within half a second", () => {
    const loop = ClusterLoop.layer(Effect.sleep(100), Period.sliding("1 minute"), { name: "sync" })
    return Effect.gen(function*() {
      const replica = Effect.flatMap(
        ClusterSource.make,
        (source) => makeService({ actions: true, source: Effect.succeed(source) })
      )
      const [here, there] = [yield* replica, yield* replica]
      yield* TestClock.adjust("10 seconds")
      const { events } = yield* there("/loops/api/changes")
      const seen: Array<unknown> = []
      yield* Effect.forkScoped(Stream.runForEach(Stream.drop(events, 1), (event) =>
        Effect.sync(() => {
          const { at, changed } = decodeChanges(event)
          for (const { lastEnd, state } of changed) seen.push([at, state, lastEnd])
        })))
      yield* TestClock.adjust("2100 millis")
      yield* here("/loops/api/sync/pause", post)
      yield* TestClock.adjust("1 second")
      yield* here("/loops/api/sync/trigger", post)
      yield* TestClock.adjust("1 second")
      yield* here("/loops/api/sync/resume", post)
      yield* TestClock.adjust("1 second")

      // The actions at 12,100, 13,100 and 14,100 ms: the time of the event, the state, and the end of the last run.
      assert.deepStrictEqual(seen, [[12_500, "paused", 300], [13_500, "paused", 13_200], [14_500, "waiting", 13_200]])
    }).pipe(Effect.provide(Layer.provideMerge(loop, ClusterLoop.layerEmbedded)), Effect.provide(Logger.layer([])))
  })
})
