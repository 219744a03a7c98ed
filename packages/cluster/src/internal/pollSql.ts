/** Polls in a table of Postgres or SQLite. Every time is that of the database. */
import * as Cause from "effect/Cause"
import { PersistenceError } from "effect/cluster/ClusterError"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"
import * as Batch from "./batch.ts"
import { never, overdueAfter, type PollRow, type PollStorage } from "./pollRow.ts"

/** An attempt that is over, with the columns of its poll that change. */
interface Over {
  readonly id: string
  readonly attempt: number
  readonly last_error: string | null
}

interface Plan extends Over {
  readonly wait: number
  readonly delay: number
  readonly growth_nanos: number
  readonly growth_steps: number
}

interface End extends Over {
  readonly state: string
  readonly value: string
}

/** Gives a column of an item: as a parameter, or as a column of a statement for many items. */
type Column<Item> = (name: keyof Item & string) => Fragment

interface SqlRow {
  readonly id: string
  readonly name: string
  readonly key: string
  readonly run: number
  readonly slot: number
  readonly payload: string
  readonly state: PollRow["state"]
  readonly attempt: number
  readonly started_at: number
  readonly due_at: number
  readonly ended_at: number | null
  readonly delay: number
  readonly growth_nanos: number
  readonly growth_steps: number
  readonly last_error: string | null
  readonly value: string
}

const toRow = (row: SqlRow): PollRow => ({
  id: row.id,
  name: row.name,
  key: row.key,
  run: row.run,
  slot: row.slot,
  payload: JSON.parse(row.payload),
  state: row.state,
  attempt: row.attempt,
  startedAt: row.started_at,
  dueAt: row.due_at,
  endedAt: row.ended_at,
  delay: row.delay,
  growth: { nanos: row.growth_nanos, steps: row.growth_steps },
  lastError: row.last_error,
  value: JSON.parse(row.value)
})

const stored = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, PersistenceError> =>
  Effect.mapError(effect, (cause) => new PersistenceError({ cause }))

/** Creates the table if there is none. */
export const make: Effect.Effect<PollStorage, SqlError, SqlClient.SqlClient> = Effect.gen(function*() {
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  const dialect = sql.onDialectOrElse({
    pg: () => ({
      id: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
      text: "TEXT COLLATE \"C\"",
      now: "floor(extract(epoch FROM clock_timestamp()) * 1000)::float8",
      found: "to_regclass('effect_wait_polls') IS NOT NULL",
      elements: "json_array_elements_text"
    }),
    sqlite: () => ({
      id: "INTEGER PRIMARY KEY",
      text: "TEXT",
      now: "round((julianday('now') - 2440587.5) * 86400000.0)",
      found: "EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'effect_wait_polls')",
      elements: "json_each"
    }),
    orElse: () => undefined
  })
  if (dialect === undefined) {
    return yield* Effect.die(
      new Cause.IllegalArgumentError(
        `PollStore.layerSql works on Postgres and SQLite, and not with the driver "${sql.driver}"`
      )
    )
  }

  const create = Effect.forEach(
    [
      `CREATE TABLE IF NOT EXISTS effect_wait_polls (
      id ${dialect.id}, name TEXT NOT NULL, key ${dialect.text} NOT NULL, run INTEGER NOT NULL, slot INTEGER NOT NULL,
      payload TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, started_at DOUBLE PRECISION NOT NULL,
      due_at DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION, delay DOUBLE PRECISION NOT NULL,
      growth_nanos DOUBLE PRECISION NOT NULL, growth_steps INTEGER NOT NULL, last_error TEXT, value TEXT NOT NULL,
      UNIQUE (name, key, run)
    )`,
      "CREATE INDEX IF NOT EXISTS effect_wait_polls_due ON effect_wait_polls (slot, due_at) WHERE state = 'waiting'",
      "CREATE INDEX IF NOT EXISTS effect_wait_polls_ended ON effect_wait_polls (ended_at) WHERE state <> 'waiting'"
    ],
    (statement) => sql.unsafe(statement),
    { discard: true }
  )
  // Looked for first: not every role may create tables. Of two that create it at once, Postgres lets one fail.
  yield* sql.unsafe<{ found: boolean | number }>(`SELECT ${dialect.found} AS found`).pipe(
    Effect.flatMap((rows) => Effect.when(sql.withTransaction(create), Effect.succeed(!rows[0]?.found))),
    Effect.retry({ times: 3 })
  )

  const now = sql.literal(dialect.now)
  const columns = sql.literal(
    `CAST(id AS TEXT) AS id, name, key, run, slot, payload, state, attempt, started_at, due_at, ended_at, delay,
    growth_nanos, growth_steps, last_error, value`
  )
  const number = (id: string) => sql`CAST(${id} AS BIGINT)`
  // One parameter, however many there are.
  const inIds = (ids: ReadonlyArray<string>) =>
    sql`id IN (SELECT CAST(value AS BIGINT) FROM ${sql.literal(dialect.elements)}(${JSON.stringify(ids)}))`
  const isWaiting = sql`state = 'waiting'`

  // Stores what follows an attempt, unless the poll is no longer at this attempt: then there is no answer.
  const makeWrite = <Item extends Over, Answer extends object>(
    types: Record<keyof Item & string, string>,
    set: (of: Column<Item>) => Fragment,
    returning: Fragment
  ): (item: Item) => Effect.Effect<Answer | undefined, SqlError> => {
    const alone = (item: Item): Effect.Effect<Answer | undefined, SqlError> =>
      Effect.map(
        sql<Answer>`UPDATE effect_wait_polls SET ${set((name) => sql`${item[name]}`)}
          WHERE id = ${number(item.id)} AND attempt = ${item.attempt} AND ${isWaiting} RETURNING ${returning}`,
        ([row]) => row
      )
    const columns = Object.entries(types).map(([name, type]) => `${name} ${type}`).join(", ")
    // A row that somebody has locked holds up no other one.
    const together = (items: ReadonlyArray<Item>): Effect.Effect<ReadonlyArray<Answer | undefined>, SqlError> =>
      Effect.map(
        sql<Answer & { readonly n: number }>`WITH item AS (
            SELECT item.* FROM json_to_recordset(${JSON.stringify(items.map((item, n) => ({ n, ...item })))})
              AS item(n INTEGER, ${sql.literal(columns)})
            JOIN effect_wait_polls poll ON poll.id = item.id AND poll.attempt = item.attempt AND poll.state = 'waiting'
            FOR NO KEY UPDATE OF poll SKIP LOCKED
          ) UPDATE effect_wait_polls poll SET ${set((name) => sql.literal(`item.${name}`))} FROM item
          WHERE poll.id = item.id AND poll.attempt = item.attempt AND poll.state = 'waiting' RETURNING n, ${returning}`,
        (rows) => {
          const answers = new Map(rows.map((row) => [row.n, row]))
          return items.map((_, n) => answers.get(n))
        }
      )
    return sql.onDialectOrElse({
      pg: () => {
        const write = Batch.make(together)
        return (item: Item) =>
          Effect.flatMap(write(item), (answer) => answer === undefined ? alone(item) : Effect.succeed(answer))
      },
      orElse: () =>
        Batch.make((items: ReadonlyArray<Item>) =>
          items.length === 1 ? Effect.forEach(items, alone) : sql.withTransaction(Effect.forEach(items, alone))
        )
    })
  }

  const planned = makeWrite<Plan, { readonly now: number; readonly due_at: number }>(
    {
      id: "BIGINT",
      attempt: "INTEGER",
      last_error: "TEXT",
      wait: "DOUBLE PRECISION",
      delay: "DOUBLE PRECISION",
      growth_nanos: "DOUBLE PRECISION",
      growth_steps: "INTEGER"
    },
    (of) =>
      sql`attempt = ${of("attempt")} + 1, due_at = CASE WHEN ${of("wait")} < ${never} - ${now} THEN ${now} + ${
        of("wait")
      } ELSE ${never} END, delay = ${of("delay")}, growth_nanos = ${of("growth_nanos")}, growth_steps = ${
        of("growth_steps")
      }, last_error = ${of("last_error")}`,
    sql`due_at, ${now} AS now`
  )
  const ended = makeWrite<End, { readonly ended_at: number }>(
    { id: "BIGINT", attempt: "INTEGER", last_error: "TEXT", state: "TEXT", value: "TEXT" },
    (of) => sql`state = ${of("state")}, ended_at = ${now}, value = ${of("value")}, last_error = ${of("last_error")}`,
    sql`ended_at`
  )

  // An answer without rows tells the time as well.
  const read = (rows: Effect.Effect<ReadonlyArray<SqlRow & { readonly now: number }>, SqlError>) =>
    stored(Effect.flatMap(rows, (rows) => {
      const time = rows[0] === undefined
        ? Effect.map(sql<{ now: number }>`SELECT ${now} AS now`, ([row]) => row?.now ?? NaN)
        : Effect.succeed(rows[0].now)
      return Effect.map(time, (now) => ({ now, rows: rows.map(toRow) }))
    }))

  const storage: PollStorage = {
    start: ({ growth, key, name, payload, slot }, again) => {
      const isFree = again
        ? sql`count(*) = 0 OR sum(CASE WHEN ${isWaiting} THEN 1 ELSE 0 END) = 0`
        : sql`count(*) = 0`
      return stored(Effect.map(
        sql`INSERT INTO effect_wait_polls (name, key, run, slot, payload, state, attempt, started_at, due_at, delay,
            growth_nanos, growth_steps, value)
          SELECT CAST(${name} AS TEXT), CAST(${key} AS TEXT), coalesce(max(run), 0) + 1, CAST(${slot} AS INTEGER),
            CAST(${JSON.stringify(payload)} AS TEXT), 'waiting', 1, ${now}, ${now}, 0,
            CAST(${growth.nanos} AS DOUBLE PRECISION), CAST(${growth.steps} AS INTEGER), 'null'
          FROM effect_wait_polls WHERE name = ${name} AND key = ${key} HAVING ${isFree}
          ON CONFLICT (name, key, run) DO NOTHING RETURNING run`,
        (rows) => rows.length > 0
      ))
    },
    due: ({ limit, names, slots, within }) =>
      read(sql`SELECT ${columns}, ${now} AS now FROM effect_wait_polls
        WHERE ${isWaiting} AND ${sql.in("slot", slots)} AND ${sql.in("name", names)} AND due_at <= ${now} + ${within}
        ORDER BY due_at LIMIT ${limit}`),
    newest: (name, key) =>
      read(sql`SELECT ${columns}, ${now} AS now FROM effect_wait_polls WHERE name = ${name} AND key = ${key}
        ORDER BY run DESC LIMIT 1`),
    ended: (ids) =>
      stored(Effect.map(
        sql<SqlRow>`SELECT ${columns} FROM effect_wait_polls WHERE ${inIds(ids)} AND state <> 'waiting'`,
        (rows) => rows.map(toRow)
      )),
    waiting: (ids) =>
      stored(Effect.map(
        sql<{ id: string }>`SELECT CAST(id AS TEXT) AS id FROM effect_wait_polls WHERE ${inIds(ids)} AND ${isWaiting}`,
        (rows) => rows.map(({ id }) => id)
      )),
    plan: (id, attempt, { delay, growth, lastError, wait }) =>
      stored(Effect.map(
        planned({
          id,
          attempt,
          last_error: lastError,
          wait: Math.ceil(wait),
          delay,
          growth_nanos: growth.nanos,
          growth_steps: growth.steps
        }),
        (row) => row === undefined ? undefined : { now: row.now, dueAt: row.due_at }
      )),
    end: (id, attempt, { lastError, state, value }) =>
      stored(Effect.map(
        ended({ id, attempt, last_error: lastError, state, value: JSON.stringify(value) }),
        (row) => row !== undefined
      )),
    stop: (name, key) =>
      stored(Effect.map(
        sql<{ id: string }>`UPDATE effect_wait_polls
          SET state = 'stopped', ended_at = ${now}, attempt = attempt - CASE WHEN due_at <= ${now} THEN 0 ELSE 1 END
          WHERE name = ${name} AND key = ${key} AND ${isWaiting} RETURNING CAST(id AS TEXT) AS id`,
        (rows) => rows[0]?.id
      )),
    forget: (name, key) =>
      stored(Effect.map(
        sql<
          { id: string }
        >`DELETE FROM effect_wait_polls WHERE name = ${name} AND key = ${key} RETURNING CAST(id AS TEXT) AS id`,
        (rows) => rows.map(({ id }) => id)
      )),
    purge: (name, age, limit) =>
      stored(Effect.map(
        sql`DELETE FROM effect_wait_polls WHERE id IN (
          SELECT id FROM effect_wait_polls WHERE state <> 'waiting' AND ended_at <= ${now} - ${age}
          ${name === undefined ? sql.literal("") : sql`AND name = ${name}`} ORDER BY ended_at LIMIT ${limit}
        ) RETURNING id`,
        (rows) => rows.length
      )),
    list: (name, { after, limit, prefix, states }) =>
      read(sql`SELECT ${columns}, ${now} AS now FROM effect_wait_polls p WHERE ${
        sql.and([
          sql`name = ${name}`,
          sql`NOT EXISTS (SELECT 1 FROM effect_wait_polls n WHERE n.name = p.name AND n.key = p.key AND n.run > p.run)`,
          ...(states === undefined ? [] : [
            sql`CASE WHEN ${isWaiting} AND due_at <= ${now} THEN 'checking' ELSE state END IN ${sql.in(states)}`
          ]),
          ...(prefix === undefined
            ? []
            : [sql`substr(key, 1, CAST(${Array.from(prefix).length} AS INTEGER)) = ${prefix}`]),
          ...(after === undefined ? [] : [sql`key > ${after}`])
        ])
      } ORDER BY key LIMIT ${limit}`),
    count: (slots) =>
      stored(
        sql<{ name: string; waiting: number; overdue: number }>`SELECT name, CAST(count(*) AS INTEGER) AS waiting,
          CAST(sum(CASE WHEN due_at <= ${now} - ${overdueAfter} THEN 1 ELSE 0 END) AS INTEGER) AS overdue
          FROM effect_wait_polls WHERE ${isWaiting} AND ${sql.in("slot", slots)} GROUP BY name`
      )
  }
  return storage
})
