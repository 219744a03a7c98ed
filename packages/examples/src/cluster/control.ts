/** Replicas as seen from outside: they are started, stopped and killed, and what they wrote is read. */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { type Duration, Effect, Option } from "effect"
import { Period, Poll } from "effect-wait"
import { ChildProcess } from "effect/process"
import { SqlClient } from "effect/sql"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"
import { config } from "./config.ts"

/** Asks the cluster, and serves nothing. */
export const client = NodeClusterSocket.layer({ storage: "sql", clientOnly: true, shardingConfig: config })

export interface Replica {
  readonly name: string
  /** `kill -9`. */
  readonly kill: Effect.Effect<void>
  /** SIGTERM; waits for its end. */
  readonly stop: Effect.Effect<void>
  readonly signal: (signal: "SIGSTOP" | "SIGCONT") => Effect.Effect<void>
}

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" ? address?.port ?? 0 : 0)))
  })
})

const program = fileURLToPath(new URL("replica.ts", import.meta.url))

/** Starts a replica, which ends with the Scope at the latest. */
export const startReplica = Effect.fnUntraced(function*(name: string, url: string) {
  const port = yield* freePort
  const child = yield* ChildProcess.make(process.execPath, [program, name, String(port), url], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    forceKillAfter: "3 seconds"
  })
  return {
    name,
    kill: Effect.ignore(child.kill({ killSignal: "SIGKILL" })),
    stop: Effect.ignore(child.kill({ killSignal: "SIGTERM", forceKillAfter: "30 seconds" })),
    signal: (signal) => Effect.sync(() => void process.kill(child.pid, signal))
  } satisfies Replica
})

export interface Row {
  readonly id: number
  /** Milliseconds since the epoch, by the database. */
  readonly at: number
  readonly token: number
  readonly replica: string
}

/** What was written through the fence, in order. */
export const reconciled = (after = 0) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql<Row>`SELECT id::float8 AS id, (extract(epoch FROM at) * 1000)::float8 AS at, token::float8 AS token, replica
      FROM reconciled WHERE id > ${after} ORDER BY id`
  )

export interface Tried extends Row {
  /** Of the owner that tried. */
  readonly term: string
}

/** What was tried, with the fence or without. */
export const tried = (after = 0) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql<
        Tried
      >`SELECT id::float8 AS id, (extract(epoch FROM at) * 1000)::float8 AS at, token::float8 AS token, replica, term
      FROM tried WHERE id > ${after} ORDER BY id`
  )

const last = Effect.map(
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql<Row>`SELECT id::float8 AS id, (extract(epoch FROM at) * 1000)::float8 AS at, token::float8 AS token, replica
      FROM reconciled ORDER BY id DESC LIMIT 1`
  ),
  ([row]) => Option.fromUndefinedOr(row)
)

/** The first row that is written after now by any of these replicas. */
export const owner = (isOne: (replica: string) => boolean, timeout: Duration.Input = "60 seconds") =>
  Effect.gen(function*() {
    // The database may be down, and its tables may not be there yet.
    const before = yield* Poll.until(last, Period.sliding("20 millis"), {
      accept: () => true,
      tolerate: () => true,
      timeout
    })
    const id = Option.match(before, { onNone: () => 0, onSome: ({ id }) => id })
    const found = yield* Poll.until(last, Period.sliding("20 millis"), {
      tolerate: () => true,
      accept: (row): row is Option.Some<Row> => Option.isSome(row) && row.value.id > id && isOne(row.value.replica),
      timeout
    })
    return found.value
  })

/** The looks of a poll, in order. */
export const looked = (deployment: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql<{ readonly attempt: number; readonly replica: string; readonly at: number }>`
      SELECT attempt, replica, (extract(epoch FROM at) * 1000)::float8 AS at FROM looked WHERE deployment = ${deployment} ORDER BY at, id`
  )
