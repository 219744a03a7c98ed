import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Layer, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import { DatabaseSync } from "node:sqlite"
import { Database, layer, Orders, tables, Topic, Unsent } from "../../src/recipes/outbox.ts"
import { withDraw } from "./support.ts"

const open = Effect.acquireRelease(
  Effect.sync(() => {
    const database = new DatabaseSync(":memory:")
    database.exec(tables)
    return database
  }),
  (database) => Effect.sync(() => database.close())
)

/** A topic that fails between these times, in seconds, and what it got. */
const topic = (from: number, to: number, answer: Effect.Effect<void> = Effect.void) => {
  const sent: Array<string> = []
  const send = Effect.fnUntraced(function*({ body, id }: { readonly body: string; readonly id: number }) {
    const now = (yield* Clock.currentTimeMillis) / 1000
    if (now >= from && now < to) return yield* new Unsent({ message: "503" })
    sent.push(`${now} ${id} ${body}`)
    yield* answer
  })
  return { sent, service: Topic.of({ send }) }
}

/** A process on this database. */
const start = Effect.fnUntraced(function*(database: DatabaseSync, service: Topic["Service"]) {
  const scope = yield* Scope.make()
  const provided = layer.pipe(
    Layer.provide([Layer.succeed(Database, database), Layer.succeed(Topic, service), Logger.layer([])])
  )
  const context = yield* withDraw(0.5)(Layer.buildWithScope(provided, scope))
  const place = (order: string) => Effect.provide(Effect.flatMap(Orders, ({ place }) => place(order)), context)
  return { place, end: Scope.close(scope, Exit.void) }
})

describe("an outbox", () => {
  it.effect("sends a message as soon as its order is stored", () =>
    Effect.gen(function*() {
      const database = yield* open
      const { sent, service } = topic(0, 0)
      const { place } = yield* start(database, service)
      yield* TestClock.adjust("3 seconds")
      yield* place("tea")
      yield* place("milk")
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(sent, ["3 1 tea", "3 2 milk"])
      assert.deepStrictEqual(database.prepare("select * from outbox").all(), [])
    }))

  it.effect("sends in order after an outage, and each message once", () =>
    Effect.gen(function*() {
      const { sent, service } = topic(0, 20)
      const { place } = yield* start(yield* open, service)
      for (const order of ["tea", "milk", "sugar"]) {
        yield* place(order)
        yield* TestClock.adjust("1 second")
      }
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(sent.map((line) => line.slice(line.indexOf(" ") + 1)), ["1 tea", "2 milk", "3 sugar"])
    }))

  it.effect("sends all of 250 messages in one run", () =>
    Effect.gen(function*() {
      const database = yield* open
      for (let n = 1; n <= 250; n++) database.prepare("insert into outbox (body) values (?)").run(`order ${n}`)
      const { sent, service } = topic(0, 0)
      yield* start(database, service)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual([sent.length, sent[0], sent[249]], [250, "0 1 order 1", "0 250 order 250"])
    }))

  it.effect("sends a message again, with the same id, when the process died before it knew that it was sent", () =>
    Effect.gen(function*() {
      const database = yield* open
      const first = topic(0, 0, Effect.never)
      const { end, place } = yield* start(database, first.service)
      yield* place("tea")
      yield* TestClock.adjust("1 second")
      yield* Effect.all([end, TestClock.adjust("20 seconds")], { concurrency: 2 })
      const second = topic(0, 0)
      yield* start(database, second.service)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual([first.sent[0], second.sent.map((line) => line.split(" ").slice(1))], ["0 1 tea", [[
        "1",
        "tea"
      ]]])
    }))

  it.effect("stores no order without its message, and goes on after an error of the database", () =>
    Effect.gen(function*() {
      const database = yield* open
      const { sent, service } = topic(0, 0)
      const { place } = yield* start(database, service)
      database.exec("alter table outbox rename to gone")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(place("tea"))))
      yield* TestClock.adjust("15 seconds") // one run fails
      assert.deepStrictEqual([sent, database.prepare("select * from orders").all()], [[], []])
      database.exec("alter table gone rename to outbox")
      yield* place("milk")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(sent.map((line) => line.split(" ")[2]), ["milk"])
    }))
})
