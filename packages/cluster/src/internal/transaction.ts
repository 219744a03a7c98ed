/** Transactions whose failure is that of what runs in them. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** Whether a transaction is open. */
export const isOpen = (sql: SqlClient.SqlClient): Effect.Effect<boolean> =>
  Effect.map(Effect.serviceOption(sql.transactionService), Option.isSome)

// A connection that is gone cannot be rolled back, which would be a defect, and hide the failure of the write.
export const inTransaction = <A, E, R>(
  sql: SqlClient.SqlClient,
  write: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError, R> =>
  Effect.flatMap(isOpen(sql), (open) => {
    if (open) return sql.withTransaction(write)
    let failure: Cause.Cause<E> | undefined
    const remembered = Effect.tapCause(write, (cause) => Effect.sync(() => failure = cause))
    return Effect.catchCause(sql.withTransaction(remembered), (cause) => Effect.failCause(failure ?? cause))
  })

/** How long Postgres lets a guarded transaction stand still, in milliseconds. */
export const idleTimeout = 5000
