/** What the replicas of the example write. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export const loopPeriod = "200 millis"

/** Creates the tables, once. */
export const prepare = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SELECT pg_advisory_xact_lock(7)`
  yield* sql`CREATE TABLE IF NOT EXISTS tried (
    id BIGSERIAL PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(), token BIGINT NOT NULL, replica TEXT NOT NULL, term TEXT NOT NULL
  )`
  yield* sql`CREATE TABLE IF NOT EXISTS reconciled (
    id BIGSERIAL PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(), token BIGINT NOT NULL, replica TEXT NOT NULL
  )`
  yield* sql`CREATE TABLE IF NOT EXISTS looked (
    id BIGSERIAL PRIMARY KEY, at TIMESTAMPTZ NOT NULL,
    deployment TEXT NOT NULL, attempt INT NOT NULL, replica TEXT NOT NULL
  )`
}).pipe((tables) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(tables)))
