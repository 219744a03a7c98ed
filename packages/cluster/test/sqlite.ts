/** A SqlClient of SQLite in memory, on Node's own driver. */
import { Array as Arr, Effect, Semaphore, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"
import { DatabaseSync, type SQLInputValue } from "node:sqlite"

export const sqlite = Effect.gen(function*() {
  const database = new DatabaseSync(":memory:")
  const run = (text: string, params: ReadonlyArray<unknown>) =>
    Effect.try({
      try: () => database.prepare(text).all(...params as ReadonlyArray<SQLInputValue>),
      catch: (cause) => new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause }) })
    })
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
