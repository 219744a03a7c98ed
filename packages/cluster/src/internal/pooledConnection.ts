/** Whether a pooler in transaction mode, such as PgBouncer, stands between this process and Postgres. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"

// A pooler that knows no prepared statements would fail them, on a server where they are another client's.
const backendOf = (connection: Connection) =>
  Effect.map(connection.executeValuesUnprepared("SELECT pg_backend_pid()", []), ([row]) => Number(row?.[0]))

const inTransaction = <A>(connection: Connection, effect: Effect.Effect<A, SqlError>) =>
  Effect.acquireUseRelease(
    connection.executeUnprepared("BEGIN", [], undefined),
    () => effect,
    () => Effect.ignore(connection.executeUnprepared("ROLLBACK", [], undefined))
  )

// A connection of its own has one backend for good. A pooler lends one for each transaction: an open transaction on `b` takes the
// one that `a` had before.
const hasMoved = Effect.fnUntraced(function*(a: Connection, b: Connection) {
  const before = yield* backendOf(a)
  if (before !== (yield* backendOf(a))) return true
  return yield* inTransaction(
    b,
    Effect.gen(function*() {
      return before === (yield* backendOf(b)) || before !== (yield* backendOf(a))
    })
  )
})

const rounds = 3

/**
 * Asks two connections of the client which backends they have. Undefined if nobody can tell: the database is away, or the
 * pool of the client has no two connections to spare.
 */
export const isPooled = (sql: SqlClient.SqlClient): Effect.Effect<boolean | undefined> =>
  Effect.gen(function*() {
    const a = yield* sql.reserve
    const b = yield* sql.reserve
    for (let round = 0; round < rounds; round++) {
      if (yield* hasMoved(a, b)) return true
    }
    return false
  }).pipe(
    Effect.scoped,
    // Another client's prepared statement: nothing else than a pooler makes that.
    Effect.catch((error) =>
      Effect.succeed(/prepared statement .* (already exists|does not exist)/.test(String(error.cause)) || undefined)
    ),
    Effect.timeoutOption("5 seconds"),
    Effect.map(Option.getOrUndefined)
  )
