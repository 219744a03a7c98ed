/** The polls of the trials, what their checks write, and the tables for that. */
import { DurablePoll } from "@effect-wait/cluster"
import { Effect, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { openSync, readFileSync, writeSync } from "node:fs"

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

/** Serves a kind: each look is reported, and it holds at the look that its payload says. */
export const serve = <R>(kind: KindName, report: (key: string, attempt: number) => Effect.Effect<void, unknown, R>) =>
  kinds[kind].toLayer(({ heldAt, key }, { attempt }) =>
    Effect.as(report(key, attempt), attempt < heldAt ? Option.none() : Option.some({ looks: attempt }))
  )

/** Reports a look to the table of looks. */
export const toTable = (kind: KindName, runner: string) => (key: string, attempt: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.asVoid(
      sql`INSERT INTO poll_looks (kind, key, attempt, runner) VALUES (${kind}, ${key}, ${attempt}, ${runner})`
    ))

/** Reports a look to a file, which costs next to nothing and outlives a kill. */
export const toFile = (file: string) => {
  const descriptor = openSync(file, "a")
  return (key: string, attempt: number) =>
    Effect.sync(() => void writeSync(descriptor, `${key} ${attempt} ${process.hrtime.bigint() / 1000n}\n`))
}

export const prepare = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql`CREATE TABLE IF NOT EXISTS poll_looks (
    id BIGSERIAL PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    kind TEXT NOT NULL, key TEXT NOT NULL, attempt INT NOT NULL, runner TEXT NOT NULL
  )`)

export interface Look {
  readonly key: string
  readonly attempt: number
  readonly runner: string
  /** Milliseconds, by the database or by the monotonic clock of the machine. */
  readonly at: number
}

/** The looks that a runner has reported to a file, in order. */
export const looksIn = (file: string, runner: string): ReadonlyArray<Look> =>
  readFileSync(file, "utf8").split("\n").slice(0, -1).map((line) => {
    const [key = "", attempt, micros] = line.split(" ")
    return { key, attempt: Number(attempt), runner, at: Number(micros) / 1000 }
  })

/** The looks of a kind, by key and in order. */
export const looks = (kind: KindName) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql<Look>`SELECT key, attempt, runner, (extract(epoch FROM at) * 1000)::float8 AS at FROM poll_looks
      WHERE kind = ${kind} ORDER BY key, id`
  )
