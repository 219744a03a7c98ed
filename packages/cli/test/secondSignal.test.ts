import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { alive, family, folder, sh } from "./run.ts"

/** A family whose members all ignore these signals. */
const deaf = (signals: string) => family(`trap '' ${signals}; echo deaf; while :; do sleep 1; done`)

describe.concurrent("a second signal", () => {
  it.live("kills at once what --attempt-timeout has asked to end", () =>
    Effect.gen(function*() {
      const { pids, start } = yield* folder
      const started = yield* start("loop --attempt-timeout 2s --grace 1h --period 1h --survive", deaf("TERM"))
      yield* started.tells("deaf")
      yield* Effect.sleep("2500 millis") // it has its SIGTERM by now, and another hour
      yield* started.kill("SIGTERM")
      yield* Effect.sleep("200 millis")
      yield* started.kill("SIGTERM")
      const { code } = yield* started.ended
      assert.strictEqual(code, 143)
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("kills at once what --timeout has asked to end", () =>
    Effect.gen(function*() {
      const { pids, start } = yield* folder
      const started = yield* start("poll --timeout 2s --grace 1h", deaf("TERM"))
      yield* started.tells("deaf")
      yield* Effect.sleep("2500 millis")
      yield* started.kill("SIGTERM")
      yield* Effect.sleep("200 millis")
      yield* started.kill("SIGTERM")
      yield* started.ended
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("kills at once what a run has left behind that ignores SIGTERM", () =>
    Effect.gen(function*() {
      const { pids, start } = yield* folder
      const started = yield* start(
        "loop --grace 1h --period 1h",
        sh(
          "sh -c 'trap \"\" TERM; echo $$ >> pids; while :; do sleep 1; done' & until [ -s pids ]; do sleep 0.01; done; echo ended"
        )
      )
      yield* started.tells("ended")
      yield* Effect.sleep("500 millis")
      yield* started.kill("SIGTERM")
      yield* Effect.sleep("200 millis")
      yield* started.kill("SIGTERM")
      yield* started.ended
      assert.deepStrictEqual(alive(pids()), [])
    }))
})
