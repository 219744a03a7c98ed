import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { Timeline } from "effect-wait"
import { TestLoop } from "effect-wait/testing"
import { SqlError } from "effect/sql"
import { waitFor } from "../../src/recipes/database.ts"

const failure = (reason: SqlError.SqlErrorReason) => Effect.fail(new SqlError.SqlError({ reason }))
const refused = failure(new SqlError.ConnectionError({ cause: "ECONNREFUSED" }))
const starting = failure(new SqlError.UnknownError({ cause: "57P03: the database system is starting up" }))
const denied = failure(new SqlError.AuthenticationError({ cause: "28P01" }))

/** When a database that gives these answers is asked, and what comes of it. Jitter.equal with a draw of 0: half of each delay. */
const startUp = (...script: ReadonlyArray<Effect.Effect<unknown, SqlError.SqlError>>) => {
  let pings = 0
  const ping = Effect.suspend(() => script[Math.min(pings++, script.length - 1)]!)
  return TestLoop.record((track) => waitFor(track(ping)), { until: "5 minutes", random: [0] }).pipe(
    Effect.map((recording) => ({
      starts: Timeline.starts(recording),
      outcome: recording.outcome,
      endedAt: recording.endedAt
    })),
    Effect.provide(Logger.layer([]))
  )
}

describe("a database at start", () => {
  it.effect("is waited for while it refuses connections, and while it starts", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startUp(refused, refused, starting, Effect.void), {
        starts: [0, 100, 300, 700],
        outcome: "done",
        endedAt: 700
      })
    }))

  it.effect("is asked again when it does not answer within 5 seconds", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startUp(Effect.never, Effect.void), {
        starts: [0, 5100],
        outcome: "done",
        endedAt: 5100
      })
    }))

  it.effect("ends the program at once when the password is wrong", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startUp(refused, denied), { starts: [0, 100], outcome: "failed", endedAt: 100 })
    }))

  it.effect("ends the program when it is away for a minute", () =>
    Effect.gen(function*() {
      const { endedAt, outcome, starts } = yield* startUp(refused)
      assert.deepStrictEqual([outcome, endedAt, starts.length], ["failed", 58_100, 28])
      assert.deepStrictEqual(starts.slice(0, 7), [0, 100, 300, 700, 1500, 3100, 5600])
    }))
})
