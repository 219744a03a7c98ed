/** An outbox: an order and the message about it are stored in one transaction; a loop sends the message, at least once. */
import { Context, Effect, Exit, Layer, Schema } from "effect"
import { Backoff, Jitter, Loop, Period } from "effect-wait"
import type { DatabaseSync } from "node:sqlite"

export class Database extends Context.Service<Database, DatabaseSync>()("recipes/Database") {}

// Autoincrement: an id is never used again, since receivers drop the messages whose id they know.
export const tables = `
  create table if not exists orders (id integer primary key, body text not null);
  create table if not exists outbox (id integer primary key autoincrement, body text not null)
`

export class Unsent extends Schema.TaggedError<Unsent>()("Unsent", { message: Schema.String }) {}

/** Where messages go. */
export class Topic extends Context.Service<Topic, {
  readonly send: (message: { readonly id: number; readonly body: string }) => Effect.Effect<void, Unsent>
}>()("recipes/Topic") {}

const Row = Schema.Struct({ id: Schema.Int, body: Schema.String })
const decode = Schema.decodeUnknownEffect(Schema.Array(Row))

/** Sends the oldest messages. The first failure ends the run, so that the order is kept. */
const batch = Effect.gen(function*() {
  const database = yield* Database
  const topic = yield* Topic
  const rows = yield* decode(database.prepare("select id, body from outbox order by id limit 100").all())
  for (const row of rows) {
    yield* Effect.timeout(topic.send(row), "5 seconds")
    database.prepare("delete from outbox where id = ?").run(row.id)
  }
  return rows.length
})

const relay = Effect.repeat(batch, { while: (sent) => sent === 100 })

const transaction = <A, E, R>(database: DatabaseSync, statements: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => database.exec("begin immediate")),
    () => statements,
    (_, exit) => Effect.sync(() => database.exec(Exit.isSuccess(exit) ? "commit" : "rollback"))
  )

export class Orders extends Context.Service<Orders, {
  readonly place: (order: string) => Effect.Effect<void>
}>()("recipes/Orders") {}

export const layer = Layer.effect(
  Orders,
  Effect.gen(function*() {
    const database = yield* Database
    // The driver throws when the database is locked. Sandboxed, this defect is a failure, after which the loop continues.
    const loop = yield* Loop.forkScoped(Effect.sandbox(relay), Period.sliding("10 seconds"), {
      name: "outbox",
      backoff: Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Jitter.full),
      grace: "10 seconds",
      healthyWithin: "5 minutes"
    })
    const insert = (order: string) =>
      Effect.sync(() => {
        database.prepare("insert into orders (body) values (?)").run(order)
        database.prepare("insert into outbox (body) values (?)").run(order)
      })
    return {
      // The trigger sends the message at once. The period is for what a crash has left.
      place: (order) => Effect.andThen(transaction(database, insert(order)), loop.trigger)
    }
  })
)
