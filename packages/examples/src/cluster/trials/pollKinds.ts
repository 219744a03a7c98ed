/** The polls of the trials, what their checks write, and the tables for that. */
import { DurablePoll } from "@effect-wait/cluster"
import { Effect, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"

const define = <const Name extends string>(name: Name) =>
  DurablePoll.make({
    name,
    payload: { key: Schema.String, heldAt: Schema.Int },
    key: ({ key }) => key,
    success: Schema.Struct({ looks: Schema.Int }),
    policy: { duration: "400 millis", factor: 1.1, jitter: 0.1, steps: 5, cap: "1 second" },
    limits: { within: "1 minute" }
  })

export const kinds = {
  /** What old runners have. */
  backup: define("backup"),
  /** What new runners have as well. */
  deploy: define("deploy"),
  /** One of very many: each looks every five seconds. */
  many: DurablePoll.make({
    name: "many",
    payload: { key: Schema.String, heldAt: Schema.Int },
    key: ({ key }) => key,
    success: Schema.Struct({ looks: Schema.Int }),
    policy: { duration: "5 seconds", factor: 1, jitter: 0, steps: 0 }
  })
}

export type KindName = keyof typeof kinds

/** Serves a kind: each look is a row, and it holds at the look that its payload says. */
export const serve = (kind: KindName, runner: string) =>
  kinds[kind].toLayer(({ heldAt, key }, { attempt }) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`INSERT INTO poll_looks (kind, key, attempt, runner) VALUES (${kind}, ${key}, ${attempt}, ${runner})`
      return attempt < heldAt ? Option.none() : Option.some({ looks: attempt })
    })
  )

export const prepare = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql`CREATE TABLE IF NOT EXISTS poll_looks (
    id BIGSERIAL PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    kind TEXT NOT NULL, key TEXT NOT NULL, attempt INT NOT NULL, runner TEXT NOT NULL
  )`)

export interface Look {
  readonly key: string
  readonly attempt: number
  readonly runner: string
  /** Milliseconds, by the database. */
  readonly at: number
}

/** The looks of a kind, by key and in order. */
export const looks = (kind: KindName) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql<Look>`SELECT key, attempt, runner, (extract(epoch FROM at) * 1000)::float8 AS at FROM poll_looks
      WHERE kind = ${kind} ORDER BY key, id`
  )
