/** The rows of loops: on SQLite, on a real Postgres, and in a process. */
import type { Fence } from "@effect-wait/cluster"
import { assert, describe, it, layer } from "@effect/vitest"
import { Array as Arr, Deferred, Effect, Fiber, Layer, Option, Result } from "effect"
import type { Memory } from "effect-wait/LoopStore"
import { SqlClient } from "effect/sql"
import * as Postgres from "../../examples/src/cluster/postgres.ts"
import type { Key, LoopTable } from "../src/internal/loopTable.ts"
import * as ProcessLoopTable from "../src/internal/processLoopTable.ts"
import * as SqlLoopTable from "../src/internal/sqlLoopTable.ts"
import { sqlite } from "./sqlite.ts"

const by = { owner: "a:1", shardGroup: "default" }

const memoryOf = (lastStart: number, lastEnd: number, isSuccess = true): Memory => ({
  written: lastEnd,
  anchor: 0,
  slot: lastStart,
  nextSlot: lastStart + 1000,
  due: lastStart + 1000,
  period: 1000.5,
  lastStart,
  lastEnd,
  lastSuccess: isSuccess ? lastEnd : null,
  paused: false
})

const ended = (start: number, end: number, outcome: "success" | "failure" = "success") => ({
  slot: start,
  start,
  end,
  outcome
})

const take = (table: LoopTable, name: string, term: string, owner = by) =>
  Effect.map(table.take([{ name, term }], owner), (rows) => rows.get(name)!)

const run = (slot: number | null, isTriggered = false) => ({
  slot,
  nextSlot: null,
  start: slot ?? 0,
  isTriggered
})

/** What holds for each table. */
const contract: Record<string, (table: LoopTable) => Effect.Effect<void, unknown>> = {
  "takes tokens that grow, and reads what is there": (table) =>
    Effect.gen(function*() {
      const names = ["c", "a", "b"]
      const first = yield* table.take(names.map((name) => ({ name, term: `1${name}` })), by)
      assert.deepStrictEqual(
        [...first.values()].map(({ name, term, token }) => `${name} ${term} ${token}`).toSorted(),
        [
          "a 1a 1",
          "b 1b 1",
          "c 1c 1"
        ]
      )
      const { token } = first.get("a")!
      assert.isUndefined(first.get("a")!.memory)
      yield* table.save({ name: "a", token }, memoryOf(1000, 1200), {})
      const second = yield* table.take(names.map((name) => ({ name, term: `2${name}` })), {
        owner: "b:1",
        shardGroup: "batch"
      })
      const row = second.get("a")!
      assert.deepInclude(row, { token: 2n, owner: "b:1", term: "2a", shardGroup: "batch", isForeign: false })
      assert.deepStrictEqual(row.memory, memoryOf(1000, 1200))
      assert.isUndefined(second.get("b")!.memory)
    }),
  "lets the newest term begin and save, and refuses all others": (table) =>
    Effect.gen(function*() {
      const old = yield* take(table, "stale", "1")
      assert.isTrue(yield* table.begin(old, run(1000)))
      const current = yield* take(table, "stale", "2", { owner: "b:1", shardGroup: "default" })
      const stale: Partial<Fence.StaleTerm> = {
        _tag: "StaleTerm",
        fence: "stale",
        token: 1n,
        current: 2n,
        owner: "b:1"
      }
      assert.deepInclude(yield* Effect.flip(table.begin(old, run(2000))), stale)
      assert.deepInclude(yield* Effect.flip(table.save(old, memoryOf(1, 2), { ended: ended(1, 2) })), stale)
      assert.deepInclude(yield* Effect.flip(table.save(old, memoryOf(1, 2), { paused: true })), stale)
      assert.isTrue(yield* table.begin(current, run(2000)))
      yield* table.save(current, memoryOf(2000, 2100), { ended: ended(2000, 2100) })
      assert.deepStrictEqual((yield* table.find("stale"))!.memory, memoryOf(2000, 2100))
      assert.isFalse((yield* table.find("stale"))!.isPaused)
    }),
  "refuses the runs of a loop that is paused, except those that are triggered": (table) =>
    Effect.gen(function*() {
      const key = yield* take(table, "paused", "1")
      yield* table.save(key, memoryOf(1000, 1100), {})
      assert.strictEqual(yield* table.setPaused("paused", true), "default")
      assert.isFalse(yield* table.begin(key, run(2000)))
      assert.strictEqual(yield* table.trigger("paused"), "default")
      assert.isTrue((yield* table.find("paused"))!.isTriggered)
      assert.isTrue(yield* table.begin(key, run(null, true)))
      assert.isFalse((yield* table.find("paused"))!.isTriggered)
      // The end of a run does not end the pause.
      yield* table.save(key, memoryOf(3000, 3100), { ended: ended(3000, 3100) })
      assert.isTrue((yield* take(table, "paused", "2")).memory!.paused)
      assert.isUndefined(yield* table.setPaused("nobody", true))
      assert.isUndefined(yield* table.setPaused("nobody", false))
      assert.isUndefined(yield* table.trigger("nobody"))
    }),
  "counts the slots of a pause as missed when nobody owns the loop, but not that of a retry or of a run in flight": (
    table
  ) =>
    Effect.gen(function*() {
      const slotOf = Effect.fnUntraced(function*(name: string, memory: Memory, isRunning: boolean) {
        const key = yield* take(table, name, "1")
        yield* table.save(key, memory, {})
        if (isRunning) yield* table.begin(key, run(2000))
        yield* table.setPaused(name, true)
        yield* table.setPaused(name, false)
        const { due, nextSlot, slot } = (yield* table.find(name))!.memory!
        return slot! > 2000 ? [due! >= slot!, nextSlot] : slot
      })
      assert.deepStrictEqual(yield* slotOf("waiting", memoryOf(1000, 1100), false), [true, null])
      assert.strictEqual(yield* slotOf("failing", memoryOf(1000, 1100, false), false), 1000)
      assert.strictEqual(yield* slotOf("running", memoryOf(1000, 1100), true), 1000)
      // A second resume changes nothing.
      const key = yield* take(table, "twice", "1")
      yield* table.save(key, memoryOf(1000, 1100), {})
      yield* table.setPaused("twice", false)
      assert.strictEqual((yield* table.find("twice"))!.memory!.slot, 1000)
    }),
  "keeps the last twenty runs, also of earlier owners, and those that were cut": (table) =>
    Effect.gen(function*() {
      let key: Key = yield* take(table, "history", "1")
      for (let i = 1; i <= 23; i++) {
        yield* table.begin(key, run(i * 1000))
        if (i === 22) {
          key = yield* take(table, "history", "2", { owner: "b:1", shardGroup: "default" })
          continue
        }
        const outcome = i === 21 ? "failure" : "success"
        yield* table.save(key, memoryOf(i * 1000, i * 1000 + 5), { ended: ended(i * 1000, i * 1000 + 5, outcome) })
      }
      const history = yield* table.history("history")
      assert.deepStrictEqual(history.map(({ start }) => start / 1000), Array.from({ length: 20 }, (_, i) => i + 4))
      const line = { owner: "a:1", term: "1", slot: Option.some(21_000), start: 21_000, end: Option.some(21_005) }
      assert.deepStrictEqual(history.slice(-3), [
        { ...line, outcome: "failure" },
        { ...line, slot: Option.some(22_000), start: 22_000, end: Option.none(), outcome: "cut" },
        {
          owner: "b:1",
          term: "2",
          slot: Option.some(23_000),
          start: 23_000,
          end: Option.some(23_005),
          outcome: "success"
        }
      ])
      assert.deepStrictEqual(yield* table.history("nobody"), [])
    }),
  "lists all loops by name": (table) =>
    Effect.gen(function*() {
      yield* table.take([{ name: "z", term: "1" }, { name: "y", term: "1" }], by)
      const names = (yield* table.all).map(({ name }) => name)
      assert.deepStrictEqual(names.filter((name) => name === "z" || name === "y"), ["y", "z"])
      assert.isUndefined(yield* table.find("nobody"))
    })
}

/** What holds for each database besides. */
const guarded: Record<string, (table: LoopTable, sql: SqlClient.SqlClient) => Effect.Effect<void, unknown>> = {
  "saves the end of a run with its own write, or neither": (table, sql) =>
    Effect.gen(function*() {
      yield* sql`CREATE TABLE IF NOT EXISTS written (what TEXT)`
      const write = (what: string) => sql`INSERT INTO written VALUES (${what})`
      const rows = Effect.map(sql`SELECT what FROM written ORDER BY what`, (rows) => rows.map(({ what }) => what))
      const guard = table.guard!
      const key = yield* take(table, "guard", "1")
      yield* table.begin(key, run(1000))
      const end = { memory: memoryOf(1000, 1100), ended: ended(1000, 1100) }
      assert.strictEqual(yield* Effect.flip(guard(key, end, Effect.andThen(write("no"), Effect.fail("no")))), "no")
      assert.deepStrictEqual(yield* table.history("guard"), [])
      assert.isUndefined((yield* table.find("guard"))!.memory)
      assert.isTrue((yield* guard(key, end, write("a"))).isCommitted)
      assert.isTrue((yield* guard(key, undefined, write("b"))).isCommitted)
      const row = (yield* table.find("guard"))!
      assert.deepStrictEqual(row.memory, end.memory)
      assert.isNull(row.begunAt)
      assert.strictEqual((yield* table.history("guard")).length, 1)
      assert.isFalse((yield* sql.withTransaction(guard(key, end, write("c")))).isCommitted)
      yield* take(table, "guard", "2")
      for (const last of [end, undefined]) {
        assert.deepInclude(yield* Effect.flip(guard(key, last, write("late"))), { _tag: "StaleTerm", current: 2n })
      }
      assert.deepStrictEqual(yield* rows, ["a", "b", "c"])
    }),
  "has a row of a later version for unreadable": (table, sql) =>
    Effect.gen(function*() {
      yield* take(table, "later", "1")
      yield* sql`UPDATE effect_wait_loops SET version = 2 WHERE name = 'later'`
      assert.isTrue((yield* take(table, "later", "2")).isForeign)
    }),
  "goes on after an operator has deleted the row of a loop": (table, sql) =>
    Effect.gen(function*() {
      const key = yield* take(table, "deleted", "1")
      yield* table.save(key, memoryOf(1, 2), { ended: ended(1, 2) })
      yield* sql`DELETE FROM effect_wait_loops WHERE name = 'deleted'`
      assert.deepInclude(yield* Effect.flip(table.begin(key, run(1000))), { current: 0n, owner: "nobody" })
      const again = yield* take(table, "deleted", "2")
      yield* table.save(again, memoryOf(3, 4), { ended: ended(3, 4) })
      assert.strictEqual((yield* table.history("deleted")).at(-1)!.start, 3)
    })
}

describe("the rows of loops in a process", () => {
  it.live.each(Object.entries(contract))("%s", ([, holds]) => holds(ProcessLoopTable.make(undefined)))
})

describe("the rows of loops on SQLite", () => {
  it.live.each(Object.entries(contract))(
    "%s",
    ([, holds]) => Effect.flatMap(sqlite, (sql) => holds(SqlLoopTable.make(sql)!))
  )
  it.live.each(Object.entries(guarded))(
    "%s",
    ([, holds]) => Effect.flatMap(sqlite, (sql) => holds(SqlLoopTable.make(sql)!, sql))
  )
})

layer(Postgres.layerClient().pipe(Layer.provideMerge(Postgres.layer)), {
  excludeTestServices: true,
  timeout: "60 seconds"
})("the rows of loops on Postgres", (it) => {
  it.effect.each(Object.entries(contract))(
    "%s",
    ([, holds]) => Effect.flatMap(SqlClient.SqlClient, (sql) => holds(SqlLoopTable.make(sql)!))
  )
  it.effect.each(Object.entries(guarded))(
    "%s",
    ([, holds]) => Effect.flatMap(SqlClient.SqlClient, (sql) => holds(SqlLoopTable.make(sql)!, sql))
  )

  it.effect("creates its tables once, when many begin at once", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      for (let round = 0; round < 5; round++) {
        yield* sql`DROP TABLE IF EXISTS effect_wait_loops, effect_wait_loop_runs`
        yield* Effect.all(
          Array.from({ length: 15 }, (_, i) => take(SqlLoopTable.make(sql)!, "many", String(i))),
          { concurrency: "unbounded" }
        )
      }
      assert.strictEqual((yield* SqlLoopTable.make(sql)!.find("many"))!.token, 15n)
    }))

  it.effect("takes a thousand loops in one statement, and two that take the same do not wait for each other for ever", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const table = SqlLoopTable.make(sql)!
      const takers = Array.from({ length: 1000 }, (_, i) => ({ name: `loop ${i}`, term: "1" }))
      const taken = yield* Effect.all(
        [takers, takers.toReversed(), takers].map((takers) => table.take(takers, by)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(taken.map((rows) => rows.size), [1000, 1000, 1000])
      assert.deepStrictEqual(taken.map((rows) => rows.get("loop 7")!.token).toSorted(), [1n, 2n, 3n])
    }))

  it.effect("begins and ends many runs in one statement each, and answers each as if it were alone", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const table = SqlLoopTable.make(sql)!
      const names = ["a", "b", "c", "gone", "paused", "stale", "triggered"]
      const taken = yield* table.take(names.map((name) => ({ name: `together ${name}`, term: "1" })), by)
      const keys = names.map((name) => taken.get(`together ${name}`)!)
      yield* table.setPaused("together paused", true)
      yield* table.setPaused("together triggered", true)
      yield* table.trigger("together triggered")
      yield* take(table, "together stale", "2")
      yield* sql`DELETE FROM effect_wait_loops WHERE name = 'together gone'`
      const together = <A>(f: (key: Key, i: number) => Effect.Effect<A, { readonly _tag: string }>) =>
        Effect.forEach(keys, (key, i) => Effect.result(f(key, i)), { concurrency: "unbounded" }).pipe(
          Effect.map(Arr.map((result) => Result.isSuccess(result) ? result.success : result.failure._tag))
        )
      // The rows of one statement have the same transaction.
      const lastWriter = Effect.map(
        sql<{ name: string }>`SELECT name FROM effect_wait_loops
          WHERE xmin::text = (SELECT max(xmin::text::bigint)::text FROM effect_wait_loops) ORDER BY name`,
        Arr.map(({ name }) => name.slice("together ".length))
      )
      assert.deepStrictEqual(
        yield* together((key) => table.begin(key, run(1000, key.name === "together triggered"))),
        [true, true, true, "StaleTerm", false, "StaleTerm", true]
      )
      assert.deepStrictEqual(yield* lastWriter, ["a", "b", "c", "triggered"])
      const end = (i: number) => 1000.5 + i
      const outcome = (i: number) => i === 1 ? "failure" : "success"
      assert.deepStrictEqual(
        yield* together((key, i) =>
          table.save(key, memoryOf(1000, end(i), i !== 1), { ended: ended(1000, end(i), outcome(i)) })
        ),
        [undefined, undefined, undefined, "StaleTerm", undefined, "StaleTerm", undefined]
      )
      assert.deepStrictEqual(yield* lastWriter, ["a", "b", "c", "paused", "triggered"])
      for (const [i, { name }] of keys.slice(0, 3).entries()) {
        const { begunAt, memory } = (yield* table.find(name))!
        assert.deepStrictEqual([begunAt, memory], [null, memoryOf(1000, end(i), i !== 1)])
        assert.deepStrictEqual(yield* table.history(name), [
          {
            owner: "a:1",
            term: "1",
            slot: Option.some(1000),
            start: 1000,
            end: Option.some(end(i)),
            outcome: outcome(i)
          }
        ])
      }
      assert.deepStrictEqual(yield* table.history("together stale"), [])
    }))

  it.effect("a row that somebody holds makes nobody wait but its own loop", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const table = SqlLoopTable.make(sql)!
      const [held, free] = [yield* take(table, "held", "1"), yield* take(table, "free", "1")]
      const [started, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const operator = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
        yield* sql`UPDATE effect_wait_loops SET triggered = 0 WHERE name = 'held'`
        yield* Deferred.succeed(started, undefined)
        yield* Deferred.await(go)
      })))
      yield* Deferred.await(started)
      const waiting = yield* Effect.forkChild(table.begin(held, run(1000)))
      assert.isTrue(yield* table.begin(free, run(1000)))
      yield* table.save(free, memoryOf(1000, 1100), { ended: ended(1000, 1100) })
      assert.isUndefined(waiting.pollUnsafe())
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(operator)
      assert.isTrue(yield* Fiber.join(waiting))
    }))

  it.effect("a take waits for the guarded write in flight of the term before", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const table = SqlLoopTable.make(sql)!
      const key = yield* take(table, "waits", "1")
      const [started, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const end = { memory: memoryOf(1000, 1100), ended: ended(1000, 1100) }
      const writing = yield* Effect.forkChild(
        table.guard!(key, end, Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(go)))
      )
      yield* Deferred.await(started)
      const taking = yield* Effect.forkChild(take(table, "waits", "2"))
      yield* Effect.sleep("50 millis")
      assert.isUndefined(taking.pollUnsafe())
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(writing)
      assert.deepStrictEqual((yield* Fiber.join(taking)).memory, end.memory)
    }))
})
