/** A database that is not up yet when the program starts: wait for it, but not for ever. */
import { Effect, Layer } from "effect"
import { Backoff, Jitter, Limit, Retry } from "effect-wait"
import { SqlClient, type SqlError } from "effect/sql"

const schedule = Backoff.exponential({ base: "200 millis", cap: "5 seconds" }).pipe(
  Jitter.equal,
  Limit.within("1 minute")
)

/** A starting server refuses connections, or answers that it is starting. A wrong password stays wrong. */
const isAway = ({ reason }: SqlError.SqlError) => reason._tag === "ConnectionError" || reason._tag === "UnknownError"

/** Succeeds when the database answers. */
export const waitFor = <R>(ping: Effect.Effect<unknown, SqlError.SqlError, R>) =>
  Retry.run(ping, schedule, {
    name: "database",
    attemptTimeout: "5 seconds",
    while: (error) => error._tag === "TimeoutError" || isAway(error),
    onRetry: ({ attempt, error }) => Effect.logInfo(`attempt ${attempt}: ${error.message}`)
  })

/** Layers that it is provided to start after the database: the loops, the server, the migrations. */
export const layer = Layer.effectDiscard(Effect.flatMap(SqlClient.SqlClient, (sql) => waitFor(sql`select 1`)))
