/** A database for specs on the test clock. */
import { Array as Arr, Effect, Semaphore, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"
import { DatabaseSync, type SQLInputValue } from "node:sqlite"

/** What is done around each statement: it may fail or never end, before or after it. */
export type Around = <A>(
  text: string,
  statement: Effect.Effect<A, SqlError.SqlError>
) => Effect.Effect<A, SqlError.SqlError>

export const sqlError = (message: string) =>
  new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause: new Error(message) }) })

/** A client over Node's own SQLite: the drivers are for an older Effect. */
export const makeSqlite = (database: DatabaseSync, around: Around = (_, statement) => statement) =>
  Effect.gen(function*() {
    const run = (text: string, params: ReadonlyArray<unknown>) =>
      around(
        text,
        Effect.try({
          try: () => database.prepare(text).all(...params as ReadonlyArray<SQLInputValue>),
          catch: (cause) => new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause }) })
        })
      )
    const values = (text: string, params: ReadonlyArray<unknown>) =>
      Effect.map(run(text, params), Arr.map((row) => Object.values(row)))
    const connection: SqlConnection.Connection = {
      execute: run,
      executeRaw: run,
      executeStream: () => Stream.empty,
      executeValues: values,
      executeValuesUnprepared: values,
      executeUnprepared: run
    }
    const semaphore = yield* Semaphore.make(1)
    return yield* SqlClient.make({
      ...SqlClient.makeSqliteAcquirers({ connection: Effect.succeed(connection), semaphore }),
      compiler: Statement.makeCompilerSqlite(),
      driver: "sqlite",
      spanAttributes: []
    })
  }).pipe(Effect.provide(Reactivity.layer))

export const sqlite = Effect.suspend(() => makeSqlite(new DatabaseSync(":memory:")))
