/** The rows of loops in Postgres or SQLite. */
import type * as LoopStore from "effect-wait/LoopStore"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { StaleTerm } from "../Fence.ts"
import * as Batch from "./batch.ts"
import { type Columns, pastRunOf, rowOf, type RunColumns, version } from "./loopColumns.ts"
import { type Ended, historySize, type Key, type LoopTable, type Row, type Taker } from "./loopTable.ts"
import { idleTimeout, inTransaction, isOpen } from "./transaction.ts"

interface Dialect {
  readonly prepare: Effect.Effect<unknown, SqlError>
  readonly take: LoopTable["take"]
  /** Saves the end of a run with its line of the history, and gives no row where the token is stale. */
  readonly end: (
    key: Key,
    memory: LoopStore.Memory,
    ended: Ended,
    isGuard: boolean
  ) => Effect.Effect<ReadonlyArray<unknown>, SqlError>
  /** Keeps the token until the transaction ends, and gives no row where it is stale. */
  readonly hold: (key: Key) => Effect.Effect<ReadonlyArray<unknown>, SqlError>
  /** `begin` and `end` of many loops in one statement each. False: the statement of one loop finds out why, or waits for its row. */
  readonly beginTogether: (run: BeginningRun) => Effect.Effect<boolean, SqlError>
  readonly endTogether: (run: EndingRun) => Effect.Effect<boolean, SqlError>
}

interface BeginningRun {
  readonly key: Key
  readonly run: LoopStore.NextRun
}

interface EndingRun {
  readonly key: Key
  readonly memory: LoopStore.Memory
  readonly ended: Ended
}

const found = (rows: ReadonlyArray<Columns>): ReadonlyMap<string, Row> =>
  new Map(rows.map((row) => [row.name, rowOf(row)]))

const stale = ({ name, token }: Key, row: Row | undefined): Effect.Effect<never, StaleTerm> =>
  Effect.fail(new StaleTerm({ fence: name, token, current: row?.token ?? 0n, owner: row?.owner ?? "nobody" }))

/** What one loop does alone, unless it went with others. */
const orElse = <E>(together: Effect.Effect<boolean, SqlError>, alone: () => Effect.Effect<boolean, E>) =>
  Effect.flatMap(together, (isDone) => isDone ? Effect.succeed(true) : alone())

const shardGroupOf = ([row]: ReadonlyArray<{ readonly shard_group: string }>) => row?.shard_group

/** Undefined for databases other than Postgres and SQLite. */
export const make = (client: SqlClient.SqlClient): LoopTable | undefined => {
  const sql = client.withoutTransforms()

  const columns = sql`
    name TEXT PRIMARY KEY, version INTEGER NOT NULL, shard_group TEXT NOT NULL,
    token BIGINT NOT NULL, owner TEXT NOT NULL, term TEXT NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0, triggered INTEGER NOT NULL DEFAULT 0,
    begun_at DOUBLE PRECISION, begun_slot DOUBLE PRECISION, runs BIGINT NOT NULL DEFAULT 0,
    written DOUBLE PRECISION, anchor DOUBLE PRECISION, slot DOUBLE PRECISION, next_slot DOUBLE PRECISION,
    due DOUBLE PRECISION, period DOUBLE PRECISION,
    last_start DOUBLE PRECISION, last_end DOUBLE PRECISION, last_success DOUBLE PRECISION`
  const runColumns = sql`
    loop TEXT NOT NULL, place INTEGER NOT NULL, number BIGINT NOT NULL, owner TEXT NOT NULL, term TEXT NOT NULL,
    slot DOUBLE PRECISION, started DOUBLE PRECISION NOT NULL, ended DOUBLE PRECISION, outcome TEXT NOT NULL,
    PRIMARY KEY (loop, place)`
  // A line takes the place of the oldest one, unless it is that of the same run.
  const orReplace = sql`ON CONFLICT (loop, place) DO UPDATE SET
    number = excluded.number, owner = excluded.owner, term = excluded.term, slot = excluded.slot,
    started = excluded.started, ended = excluded.ended, outcome = excluded.outcome
    WHERE effect_wait_loop_runs.number <> excluded.number OR effect_wait_loop_runs.started <> excluded.started`
  const orTake = sql`ON CONFLICT (name) DO UPDATE SET
    token = effect_wait_loops.token + 1, owner = excluded.owner, term = excluded.term, shard_group = excluded.shard_group,
    runs = effect_wait_loops.runs + CASE WHEN effect_wait_loops.begun_at IS NULL THEN 0 ELSE 1 END,
    begun_at = NULL, begun_slot = NULL
    RETURNING *`
  const size = sql.literal(String(historySize))
  const line = sql`INSERT INTO effect_wait_loop_runs (loop, place, number, owner, term, slot, started, ended, outcome)`
  const cutRun = sql`name, CAST((runs + 1) % ${size} AS INTEGER), runs + 1, owner, term,
    begun_slot, begun_at, CAST(NULL AS DOUBLE PRECISION), 'cut' FROM effect_wait_loops`

  const times = ({ anchor, due, lastEnd, lastStart, lastSuccess, nextSlot, period, slot, written }: LoopStore.Memory) =>
    sql`version = ${
      sql.literal(String(version))
    }, written = ${written}, anchor = ${anchor}, slot = ${slot}, next_slot = ${nextSlot},
      due = ${due}, period = ${period}, last_start = ${lastStart}, last_end = ${lastEnd}, last_success = ${lastSuccess}`
  const endOfRun = (key: Key, memory: LoopStore.Memory) =>
    sql`UPDATE effect_wait_loops SET ${times(memory)}, begun_at = NULL, begun_slot = NULL, runs = runs + 1
      WHERE name = ${key.name} AND token = ${key.token}`

  /** Writes many rows in one statement. A row that another transaction holds is left out: nobody waits for it here. */
  const together = <A extends { readonly key: Key }>(
    valuesOf: (item: A) => object,
    condition: Statement.Fragment,
    write: Statement.Fragment
  ) =>
    Batch.make((items: ReadonlyArray<A>) => {
      const given = items.map((item) => ({ ...valuesOf(item), name: item.key.name, token: String(item.key.token) }))
      return Effect.map(
        sql<Columns>`WITH held AS (
          SELECT given.* FROM json_to_recordset(${JSON.stringify(given)}::json) AS given (
            name text, token bigint, "isTriggered" boolean, "runSlot" float8, start float8, "end" float8, outcome text,
            written float8, anchor float8, slot float8, "nextSlot" float8, due float8, period float8,
            "lastStart" float8, "lastEnd" float8, "lastSuccess" float8
          )
          JOIN effect_wait_loops loops ON loops.name = given.name AND loops.token = given.token ${condition}
          FOR NO KEY UPDATE OF loops SKIP LOCKED
        ) ${write}`,
        (rows) => {
          const tokens = new Map(rows.map(({ name, token }) => [name, BigInt(token)]))
          return items.map(({ key: { name, token } }) => tokens.get(name) === token)
        }
      )
    })
  const inOneStatement: Pick<Dialect, "beginTogether" | "endTogether"> = {
    beginTogether: together(
      ({ run }) => ({ ...run, runSlot: run.slot }),
      sql`AND (loops.paused = 0 OR given."isTriggered")`,
      sql`UPDATE effect_wait_loops loops
        SET begun_at = held.start, begun_slot = held."runSlot", last_start = held.start, triggered = 0
        FROM held WHERE loops.name = held.name RETURNING loops.name, loops.token`
    ),
    endTogether: together(
      ({ ended, memory }) => ({ ...ended, ...memory, runSlot: ended.slot }),
      sql``,
      sql`, done AS (
          UPDATE effect_wait_loops loops
          SET version = ${sql.literal(String(version))}, written = held.written, anchor = held.anchor, slot = held.slot,
            next_slot = held."nextSlot", due = held.due, period = held.period, last_start = held."lastStart",
            last_end = held."lastEnd", last_success = held."lastSuccess",
            begun_at = NULL, begun_slot = NULL, runs = loops.runs + 1
          FROM held WHERE loops.name = held.name
          RETURNING loops.name, loops.token, loops.runs, loops.owner, loops.term,
            held."runSlot", held.start, held."end", held.outcome
        ), line AS (
          ${line} SELECT name, (runs % ${size})::integer, runs, owner, term, "runSlot", start, "end", outcome FROM done
          ${orReplace}
        ) SELECT name, token FROM done`
    )
  }

  const dialect = sql.onDialectOrElse({
    pg: (): Dialect => {
      const storage = sql`WITH (fillfactor = 70)`
      const create = Effect.andThen(
        sql`CREATE TABLE IF NOT EXISTS effect_wait_loops (${columns}) ${storage}`,
        sql`CREATE TABLE IF NOT EXISTS effect_wait_loop_runs (${runColumns}) ${storage}`
      )
      const idle = sql`set_config('idle_in_transaction_session_timeout', ${String(idleTimeout)}, true)`
      return {
        // Looked for first: not every role may create tables. Of two that create it at once, Postgres lets one fail.
        prepare: sql<{ found: boolean }>`SELECT to_regclass('effect_wait_loops') IS NOT NULL
          AND to_regclass('effect_wait_loop_runs') IS NOT NULL AS found`.pipe(
          Effect.flatMap((rows) => Effect.when(create, Effect.succeed(rows[0]?.found !== true))),
          Effect.retry({ times: 3 })
        ),
        // Sorted: of two that take at once, none waits for the other for ever.
        take: (takers, { owner, shardGroup }) => {
          const sorted = sortedByName(takers)
          const names = sorted.map(({ name }) => name)
          return Effect.map(
            sql<Columns>`WITH cut AS (
              ${line}
              SELECT ${cutRun} WHERE begun_at IS NOT NULL AND name = ANY(${names}::text[]) ORDER BY name
              ${orReplace}
            )
            INSERT INTO effect_wait_loops (name, version, shard_group, token, owner, term)
            SELECT name, ${version}::integer, ${shardGroup}, 1, ${owner}, term
            FROM unnest(${names}::text[], ${
              sorted.map(({ term }) => term)
            }::text[]) AS takers (name, term) ORDER BY name
            ${orTake}`,
            found
          )
        },
        end: (key, memory, { end, outcome, slot, start }, isGuard) =>
          sql`WITH done AS (
            ${endOfRun(key, memory)} RETURNING name, runs, owner, term${isGuard ? sql`, ${idle}` : sql``}
          ), line AS (
          ${line}
          SELECT name, (runs % ${size})::integer, runs, owner, term,
            ${slot}::float8, ${start}::float8, ${end}::float8, ${outcome} FROM done
          ${orReplace}
          ) SELECT 1 FROM done`,
        hold: ({ name, token }) =>
          sql`SELECT ${idle} FROM effect_wait_loops WHERE name = ${name} AND token = ${token} FOR SHARE`,
        ...inOneStatement
      }
    },
    sqlite: (): Dialect => ({
      prepare: Effect.andThen(
        sql`CREATE TABLE IF NOT EXISTS effect_wait_loops (${columns})`,
        sql`CREATE TABLE IF NOT EXISTS effect_wait_loop_runs (${runColumns})`
      ),
      take: (takers, { owner, shardGroup }) =>
        Effect.map(
          inTransaction(
            sql,
            Effect.forEach(sortedByName(takers), ({ name, term }) =>
              Effect.andThen(
                sql`${line}
                  SELECT ${cutRun} WHERE begun_at IS NOT NULL AND name = ${name} ${orReplace}`,
                sql<Columns>`INSERT INTO effect_wait_loops (name, version, shard_group, token, owner, term)
                  VALUES (${name}, ${version}, ${shardGroup}, 1, ${owner}, ${term}) ${orTake}`
              ))
          ),
          (rows) => found(rows.flat())
        ),
      end: (key, memory, { end, outcome, slot, start }, isGuard) => {
        const statements = Effect.tap(
          sql<{ runs: number; owner: string; term: string }>`${endOfRun(key, memory)} RETURNING runs, owner, term`,
          ([done]) =>
            done === undefined ?
              Effect.void :
              Effect.asVoid(
                sql`${line} VALUES (${key.name}, ${
                  Number(done.runs) % historySize
                }, ${done.runs}, ${done.owner}, ${done.term},
                ${slot}, ${start}, ${end}, ${outcome}) ${orReplace}`
              )
        )
        return isGuard ? statements : inTransaction(sql, statements)
      },
      hold: ({ name, token }) =>
        sql`UPDATE effect_wait_loops SET token = token WHERE name = ${name} AND token = ${token} RETURNING 1`,
      // A statement is a call here, and not a way to a server.
      beginTogether: () => Effect.succeed(false),
      endTogether: () => Effect.succeed(false)
    }),
    orElse: () => undefined
  })
  if (dialect === undefined) return undefined
  const { beginTogether, end, endTogether, hold, prepare } = dialect

  // What is there stays there: it is looked for until it was found once.
  let isPrepared = false
  const prepared = Effect.suspend(() =>
    isPrepared ? Effect.void : Effect.andThen(prepare, Effect.sync(() => isPrepared = true))
  )

  const find = (name: string) =>
    Effect.map(
      sql<Columns>`SELECT * FROM effect_wait_loops WHERE name = ${name}`,
      ([row]) => row === undefined ? undefined : rowOf(row)
    )

  const orStale = (key: Key, rows: Effect.Effect<ReadonlyArray<unknown>, SqlError>) =>
    Effect.flatMap(
      rows,
      ({ length }) => length > 0 ? Effect.void : Effect.flatMap(find(key.name), (row) => stale(key, row))
    )

  return {
    take: (takers, owner) => Effect.andThen(prepared, dialect.take(takers, owner)),
    begin: (key, run) =>
      orElse(
        beginTogether({ key, run }),
        () =>
          sql`UPDATE effect_wait_loops
          SET begun_at = ${run.start}, begun_slot = ${run.slot}, last_start = ${run.start}, triggered = 0
          WHERE name = ${key.name} AND token = ${key.token} ${
            run.isTriggered ? sql`` : sql`AND paused = 0`
          } RETURNING 1`
            .pipe(
              Effect.flatMap((rows) =>
                rows.length > 0
                  ? Effect.succeed(true)
                  : Effect.flatMap(
                    find(key.name),
                    (row) => row?.token === key.token ? Effect.succeed(false) : stale(key, row)
                  )
              )
            )
      ),
    save: (key, memory, { ended, paused }) =>
      ended !== undefined
        ? Effect.asVoid(
          orElse(
            endTogether({ key, memory, ended }),
            () => Effect.as(orStale(key, end(key, memory, ended, false)), true)
          )
        )
        : orStale(
          key,
          sql`UPDATE effect_wait_loops
            SET ${times(memory)} ${paused === undefined ? sql`` : sql`, paused = ${paused ? 1 : 0}`}
            WHERE name = ${key.name} AND token = ${key.token} RETURNING 1`
        ),
    guard: (key, last, write) =>
      Effect.flatMap(isOpen(sql), (open) =>
        Effect.map(
          inTransaction(
            sql,
            Effect.andThen(
              orStale(key, last === undefined ? hold(key) : end(key, last.memory, last.ended, true)),
              write
            )
          ),
          (value) => ({ value, isCommitted: !open })
        )),
    setPaused: Effect.fnUntraced(function*(name, isPaused) {
      yield* prepared
      if (isPaused) {
        return shardGroupOf(
          yield* sql<Columns>`UPDATE effect_wait_loops SET paused = 1 WHERE name = ${name} RETURNING shard_group`
        )
      }
      const now = yield* Clock.currentTimeMillis
      // The slots of the pause are missed, but not that of a run in flight or of a retry.
      const isMissed = sql`paused = 1 AND slot IS NOT NULL AND due <= ${now} AND begun_at IS NULL
        AND (last_end IS NULL OR last_end = last_success)`
      return shardGroupOf(
        yield* sql<Columns>`UPDATE effect_wait_loops SET paused = 0,
          written = CASE WHEN ${isMissed} THEN ${now} ELSE written END,
          due = CASE WHEN ${isMissed} THEN ${now} ELSE due END,
          next_slot = CASE WHEN ${isMissed} THEN NULL ELSE next_slot END,
          slot = CASE WHEN ${isMissed} AND slot < ${now - 1} THEN ${now - 1} ELSE slot END
          WHERE name = ${name} RETURNING shard_group`
      )
    }),
    trigger: (name) =>
      Effect.andThen(
        prepared,
        Effect.map(
          sql<Columns>`UPDATE effect_wait_loops SET triggered = 1 WHERE name = ${name} RETURNING shard_group`,
          shardGroupOf
        )
      ),
    find: (name) => Effect.andThen(prepared, find(name)),
    all: Effect.andThen(
      prepared,
      Effect.map(sql<Columns>`SELECT * FROM effect_wait_loops ORDER BY name`, (rows) => rows.map(rowOf))
    ),
    history: (name) =>
      Effect.andThen(
        prepared,
        Effect.map(
          sql<RunColumns>`SELECT owner, term, slot, started, ended, outcome FROM effect_wait_loop_runs
            WHERE loop = ${name} ORDER BY started`,
          (rows) => rows.map(pastRunOf)
        )
      )
  }
}

const sortedByName = (takers: ReadonlyArray<Taker>): ReadonlyArray<Taker> =>
  Arr.sortWith(takers, ({ name }) => name, Order.String)
