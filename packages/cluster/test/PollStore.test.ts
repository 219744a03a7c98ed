/** The stores of durable polls: in memory, on SQLite and on a real Postgres they do the same. */
import { DurablePoll, PollStore } from "@effect-wait/cluster"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it, layer } from "@effect/vitest"
import { Array as Arr, Context, Effect, Exit, Fiber, Latch, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DatabaseSync } from "node:sqlite"
import * as Postgres from "../../examples/src/cluster/postgres.ts"
import { makeSqlite, sqlError, sqlite } from "./sqlite.ts"

type Store = PollStore.PollStore["Service"]

const growth = { nanos: 1e9, steps: 6 }

const poll = (key: string, slot = 0, name = "rollout") => ({ name, key, slot, payload: { key }, growth })

const all = { states: undefined, prefix: undefined, after: undefined, limit: 100 } as const

const idOf = Effect.fnUntraced(function*(store: Store, key: string) {
  return (yield* store.newest("rollout", key)).rows[0]?.id ?? ""
})

/** All that a store promises, on an empty one. */
const laws: Record<string, (store: Store) => Effect.Effect<unknown, unknown>> = {
  "starts a key once, and again after the end where that is asked for": Effect.fnUntraced(function*(store: Store) {
    assert.isTrue(yield* store.start(poll("api"), false))
    assert.isFalse(yield* store.start(poll("api"), false))
    assert.isFalse(yield* store.start(poll("api"), true))
    yield* store.stop("rollout", "api")
    assert.isFalse(yield* store.start(poll("api"), false))
    assert.isTrue(yield* store.start({ ...poll("api"), payload: { key: "other" } }, true))
    const { rows: [row] } = yield* store.newest("rollout", "api")
    assert.deepInclude(row, { run: 2, state: "waiting", attempt: 1, payload: { key: "other" }, endedAt: null })
    assert.isTrue(yield* store.start(poll("new"), true))
    assert.strictEqual((yield* store.newest("rollout", "new")).rows[0]?.run, 1)
  }),
  "starts a key once where many start it at the same time": Effect.fnUntraced(function*(store: Store) {
    const many = (again: boolean) =>
      Effect.map(
        Effect.all(Arr.makeBy(10, () => store.start(poll("api"), again)), { concurrency: "unbounded" }),
        Arr.filter((started) => started)
      )
    assert.deepStrictEqual(yield* many(false), [true])
    yield* store.stop("rollout", "api")
    assert.deepStrictEqual(yield* many(true), [true])
  }),
  "finds what is due of some names in some slots, the earliest first": Effect.fnUntraced(function*(store: Store) {
    for (const [key, slot] of [["a", 1], ["b", 2], ["c", 3], ["d", 1]] as const) {
      yield* store.start(poll(key, slot), false)
    }
    yield* store.start(poll("a", 1, "other"), false)
    yield* store.plan(yield* idOf(store, "a"), 1, { delay: 500, wait: 500, growth, lastError: null })
    yield* store.plan(yield* idOf(store, "d"), 1, { delay: 9000, wait: 9000, growth, lastError: null })
    const due = (options: Partial<Parameters<Store["due"]>[0]>) =>
      Effect.map(
        store.due({ names: ["rollout"], slots: [1, 2], within: 2000, limit: 10, ...options }),
        ({ rows }) => rows.map(({ key, name }) => `${name} ${key}`)
      )
    assert.deepStrictEqual(yield* due({}), ["rollout b", "rollout a"])
    assert.deepStrictEqual(yield* due({ limit: 1 }), ["rollout b"])
    assert.deepStrictEqual(yield* due({ within: 0 }), ["rollout b"])
    assert.deepStrictEqual(yield* due({ slots: [1], names: ["rollout", "other"] }), ["other a", "rollout a"])
    assert.deepStrictEqual(yield* due({ slots: [3] }), ["rollout c"])
    yield* store.stop("rollout", "c")
    assert.deepStrictEqual(yield* due({ slots: [3] }), [])
  }),
  "plans the next attempt of the one that it is at, by its own clock": Effect.fnUntraced(function*(store: Store) {
    yield* store.start(poll("api"), false)
    const id = yield* idOf(store, "api")
    const next = { delay: 1500.5, wait: 1000.25, growth: { nanos: 2e9, steps: 5 }, lastError: "no \"route\"\n" }
    assert.isUndefined(yield* store.plan(id, 2, next))
    const { now: before } = yield* store.newest("rollout", "api")
    const planned = yield* store.plan(id, 1, next)
    const { dueAt, now: after } = planned ?? { dueAt: NaN, now: NaN }
    assert.isTrue(dueAt >= before + 1000 && dueAt <= after + 1002, `${before} ${dueAt} ${after}`)
    assert.isUndefined(yield* store.plan(id, 1, next))
    const { now, rows: [row] } = yield* store.newest("rollout", "api")
    assert.deepInclude(row, { attempt: 2, delay: 1500.5, growth: next.growth, lastError: next.lastError })
    assert.strictEqual(row?.dueAt, planned?.dueAt)
    assert.isTrue(now >= (planned?.now ?? NaN))
  }),
  "plans what comes after all time for the end of all time": Effect.fnUntraced(function*(store: Store) {
    yield* store.start(poll("api"), false)
    const delay = Number.MAX_VALUE / 1e6
    const huge = { delay, wait: delay, growth: { nanos: Number.MAX_VALUE, steps: 1 }, lastError: null }
    const planned = yield* store.plan(yield* idOf(store, "api"), 1, huge)
    assert.strictEqual(planned?.dueAt, 8_640_000_000_000_000)
    assert.deepInclude((yield* store.newest("rollout", "api")).rows[0], { delay, growth: huge.growth })
  }),
  "ends a poll once, with the attempt that it is at": Effect.fnUntraced(function*(store: Store) {
    yield* store.start(poll("api"), false)
    const id = yield* idOf(store, "api")
    const held = { state: "held", value: { text: "\0 \u{1F600} '" }, lastError: "e" } as const
    assert.isFalse(yield* store.end(id, 2, held))
    assert.deepStrictEqual(yield* store.ended([id, "0"]), [])
    assert.deepStrictEqual(yield* store.waiting([id, "0"]), [id])
    assert.isTrue(yield* store.end(id, 1, held))
    assert.isFalse(yield* store.end(id, 1, { ...held, state: "exhausted" }))
    assert.isUndefined(yield* store.stop("rollout", "api"))
    const [row] = yield* store.ended([id, "0"])
    assert.deepInclude(row, { ...held, attempt: 1 })
    assert.isTrue((row?.endedAt ?? NaN) >= (row?.startedAt ?? NaN))
    assert.deepStrictEqual(yield* store.waiting([id]), [])
  }),
  "stores what follows many attempts at once, and answers each by itself": Effect.fnUntraced(function*(store: Store) {
    for (const key of ["a", "b", "c", "d"]) yield* store.start(poll(key), false)
    const [a, b, c, d] = yield* Effect.all([idOf(store, "a"), idOf(store, "b"), idOf(store, "c"), idOf(store, "d")])
    const next = (n: number) => ({
      delay: n,
      wait: n * 1000,
      growth: { nanos: n, steps: n },
      lastError: `error "${n}"`
    })
    const plans = [[a, 1], [b, 2], ["0", 1], [c, 1], [d, 1], [c, 1]] as const
    const planned = yield* Effect.forEach(plans, ([id, attempt], i) => store.plan(id, attempt, next(i + 1)), {
      concurrency: "unbounded"
    })
    const answered = planned.map((answer) => answer && Math.round((answer.dueAt - answer.now) / 1000))
    // Of two for the same attempt, one counts.
    assert.deepStrictEqual(
      answered.map((seconds, i) => i === 3 || i === 5 ? seconds !== undefined : seconds),
      [1, undefined, undefined, answered[5] === undefined, 5, answered[3] === undefined]
    )
    const rows = (yield* store.list("rollout", all)).rows.map(({ attempt, delay, growth, key, lastError }) =>
      [key, attempt, delay, growth, lastError] as const
    )
    const first = answered[3] ?? answered[5] ?? NaN
    assert.deepStrictEqual(rows, [
      ["a", 2, 1, { nanos: 1, steps: 1 }, "error \"1\""],
      ["b", 1, 0, growth, null],
      ["c", 2, first, { nanos: first, steps: first }, `error "${first}"`],
      ["d", 2, 5, { nanos: 5, steps: 5 }, "error \"5\""]
    ])
    const ends = [[a, 2], [b, 2], [c, 1], [d, 2]] as const
    const ended = yield* Effect.forEach(
      ends,
      ([id, attempt], i) => store.end(id, attempt, { state: "held", value: { i }, lastError: `end ${i}` }),
      { concurrency: "unbounded" }
    )
    assert.deepStrictEqual(ended, [true, false, false, true])
    const held = (yield* store.ended([a, b, c, d])).map(({ key, lastError, value }) => [key, value, lastError])
    assert.deepStrictEqual(held, [["a", { i: 0 }, "end 0"], ["d", { i: 3 }, "end 3"]])
  }),
  "stops a poll: an attempt that is due counts as made": Effect.fnUntraced(function*(store: Store) {
    yield* store.start(poll("due"), false)
    yield* store.start(poll("waits"), false)
    yield* store.plan(yield* idOf(store, "waits"), 1, { delay: 1e6, wait: 1e6, growth, lastError: null })
    assert.isUndefined(yield* store.stop("rollout", "nobody"))
    assert.strictEqual(yield* store.stop("rollout", "due"), yield* idOf(store, "due"))
    yield* store.stop("rollout", "waits")
    const rows = (yield* store.list("rollout", all)).rows.map(({ attempt, key, state }) => [key, state, attempt])
    assert.deepStrictEqual(rows, [["due", "stopped", 1], ["waits", "stopped", 1]])
  }),
  "forgets all runs of a key": Effect.fnUntraced(function*(store: Store) {
    yield* store.start(poll("api"), false)
    yield* store.stop("rollout", "api")
    yield* store.start(poll("api"), true)
    yield* store.start(poll("api", 0, "other"), false)
    assert.lengthOf(yield* store.forget("rollout", "api"), 2)
    assert.lengthOf(yield* store.forget("rollout", "api"), 0)
    assert.lengthOf((yield* store.newest("rollout", "api")).rows, 0)
    assert.lengthOf((yield* store.newest("other", "api")).rows, 1)
  }),
  "purges what ended long ago, of one name or all": Effect.fnUntraced(function*(store: Store) {
    for (const key of ["a", "b", "c", "lives"]) yield* store.start(poll(key), false)
    yield* store.start(poll("a", 0, "other"), false)
    for (const key of ["a", "b", "c"]) yield* store.stop("rollout", key)
    yield* store.stop("other", "a")
    assert.strictEqual(yield* store.purge(undefined, 60_000, 100), 0)
    assert.strictEqual(yield* store.purge("rollout", 0, 2), 2)
    assert.strictEqual(yield* store.purge("rollout", 0, 100), 1)
    assert.strictEqual(yield* store.purge(undefined, 0, 100), 1)
    assert.deepStrictEqual((yield* store.list("rollout", all)).rows.map(({ key }) => key), ["lives"])
  }),
  "lists the newest run of each key, by key and in pages": Effect.fnUntraced(function*(store: Store) {
    for (const key of ["b", "B", "ab_1", "ab%2", "é", "waits"]) yield* store.start(poll(key), false)
    yield* store.stop("rollout", "b")
    yield* store.start(poll("b"), true)
    yield* store.stop("rollout", "B")
    yield* store.plan(yield* idOf(store, "waits"), 1, { delay: 1e6, wait: 1e6, growth, lastError: null })
    const keys = (filter: Partial<Parameters<Store["list"]>[1]>) =>
      Effect.map(
        store.list("rollout", { ...all, ...filter }),
        ({ rows }) => rows.map(({ key, run }) => `${key} ${run}`)
      )
    assert.deepStrictEqual(yield* keys({}), ["B 1", "ab%2 1", "ab_1 1", "b 2", "waits 1", "é 1"])
    assert.deepStrictEqual(yield* keys({ limit: 2 }), ["B 1", "ab%2 1"])
    assert.deepStrictEqual(yield* keys({ limit: 2, after: "ab%2" }), ["ab_1 1", "b 2"])
    assert.deepStrictEqual(yield* keys({ prefix: "ab_" }), ["ab_1 1"])
    assert.deepStrictEqual(yield* keys({ states: ["stopped"] }), ["B 1"])
    assert.deepStrictEqual(yield* keys({ states: ["waiting"] }), ["waits 1"])
    assert.deepStrictEqual(yield* keys({ states: ["checking"], after: "b" }), ["é 1"])
    assert.deepStrictEqual(yield* keys({ states: [] }), [])
  }),
  "counts what waits in some slots, by name": Effect.fnUntraced(function*(store: Store) {
    for (const [key, slot] of [["a", 1], ["b", 1], ["c", 2], ["d", 1]] as const) {
      yield* store.start(poll(key, slot), false)
    }
    yield* store.start(poll("a", 1, "other"), false)
    yield* store.stop("rollout", "d")
    const counts = Arr.sortBy((a: { name: string }, b) => a.name < b.name ? -1 : 1)
    assert.deepStrictEqual(counts(yield* store.count([1])), [
      { name: "other", waiting: 1, overdue: 0 },
      { name: "rollout", waiting: 2, overdue: 0 }
    ])
  }),
  "reads any number of polls at once": Effect.fnUntraced(function*(store: Store) {
    yield* store.start(poll("api"), false)
    const id = yield* idOf(store, "api")
    const ids = [...Arr.makeBy(2500, (i) => String(1_000_000 + i)), id]
    assert.deepStrictEqual(yield* store.waiting(ids), [id])
    yield* store.stop("rollout", "api")
    assert.deepStrictEqual((yield* store.ended(ids)).map((row) => row.id), [id])
  })
}

const laid = Object.entries(laws).map(([name, law]) => ({ name, law }))

const build = Effect.map(Layer.build(PollStore.layerSql), (services) => Context.get(services, PollStore.PollStore))

describe("PollStore in memory", () => {
  it.effect.each(laid)(
    "$name",
    ({ law }) =>
      Effect.flatMap(Layer.build(PollStore.layerMemory), (services) => law(Context.get(services, PollStore.PollStore)))
  )
})

describe("PollStore on SQLite", () => {
  it.live.each(laid)("$name", ({ law }) =>
    Effect.gen(function*() {
      const sql = yield* sqlite
      yield* Effect.flatMap(Effect.provideService(build, SqlClient.SqlClient, sql), law)
    }))
})

describe("a statement for many", () => {
  it.live("that fails has stored none of them, and each can be stored again", () =>
    Effect.gen(function*() {
      const texts: Array<string> = []
      let failsAt = Infinity
      const sql = yield* makeSqlite(new DatabaseSync(":memory:"), (text, statement) => {
        texts.push(text.trim().split(" ")[0] ?? "")
        return texts.length === failsAt ? Effect.fail(sqlError("the disk is full")) : statement
      })
      const store = yield* Effect.provideService(build, SqlClient.SqlClient, sql)
      for (const key of ["a", "b", "c"]) yield* store.start(poll(key), false)
      const ids = yield* Effect.forEach(["a", "b", "c"], (key) => idOf(store, key))
      const plan = Effect.forEach(
        ids,
        (id) => Effect.exit(store.plan(id, 1, { delay: 1, wait: 1, growth, lastError: null })),
        { concurrency: "unbounded" }
      )
      texts.length = 0
      failsAt = 3
      assert.deepStrictEqual((yield* plan).map(Exit.isFailure), [true, true, true])
      failsAt = Infinity
      assert.deepStrictEqual((yield* store.list("rollout", all)).rows.map(({ attempt }) => attempt), [1, 1, 1])
      texts.length = 0
      const answers = yield* plan
      assert.deepStrictEqual(answers.map((exit) => Exit.isSuccess(exit) && exit.value !== undefined), [
        true,
        true,
        true
      ])
      assert.deepStrictEqual(texts, ["BEGIN", "UPDATE", "UPDATE", "UPDATE", "COMMIT"])
      assert.deepStrictEqual((yield* store.list("rollout", all)).rows.map(({ attempt }) => attempt), [2, 2, 2])
    }))
})

const Live = Postgres.layerClient().pipe(Layer.provideMerge(Postgres.layer))

layer(Live, { excludeTestServices: true, timeout: "60 seconds" })("PollStore on Postgres", (it) => {
  const fresh = Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`DROP TABLE IF EXISTS effect_wait_polls`
  })

  it.effect.each(laid)("$name", ({ law }) => fresh.pipe(Effect.andThen(build), Effect.flatMap(law)))

  it.effect("creates its table once, when many begin at once", () =>
    Effect.gen(function*() {
      for (let round = 0; round < 5; round++) {
        yield* fresh
        yield* Effect.all(Arr.makeBy(15, () => build), { concurrency: "unbounded" })
      }
    }))

  it.effect("needs no right to create tables where the table is", () =>
    Effect.gen(function*() {
      yield* fresh
      yield* build
      const sql = yield* SqlClient.SqlClient
      const { url } = yield* Postgres.Postgres
      yield* sql`CREATE ROLE poller LOGIN PASSWORD 'poller'`
      yield* sql`GRANT SELECT, INSERT, UPDATE, DELETE ON effect_wait_polls TO poller`
      const poller = Object.assign(new URL(url), { username: "poller", password: "poller" })
      const started = yield* Effect.flatMap(build, (store) => store.start(poll("api"), false)).pipe(
        Effect.provide(PgClient.layer({ url: Redacted.make(poller.href) }))
      )
      assert.isTrue(started)
    }))

  it.effect("stores the others while a transaction has the row of a poll", () =>
    Effect.gen(function*() {
      yield* fresh
      const sql = yield* SqlClient.SqlClient
      const store = yield* build
      for (const key of ["a", "b", "c"]) yield* store.start(poll(key), false)
      const [a, b, c] = yield* Effect.all([idOf(store, "a"), idOf(store, "b"), idOf(store, "c")])
      const plan = (id: string) => store.plan(id, 1, { delay: 1, wait: 1, growth, lastError: null })
      const stopped = yield* Latch.make()
      const commit = yield* Latch.make()
      yield* Effect.forkChild(sql.withTransaction(
        store.stop("rollout", "a").pipe(Effect.andThen(stopped.open), Effect.andThen(commit.await))
      ))
      yield* stopped.await
      const ofA = yield* Effect.forkChild(plan(a))
      const ofB = yield* Effect.forkChild(plan(b))
      assert.isDefined(yield* Effect.timeout(Fiber.join(ofB), "5 seconds"))
      assert.isDefined(yield* Effect.timeout(plan(c), "5 seconds"))
      assert.isUndefined(ofA.pollUnsafe())
      yield* commit.open
      assert.isUndefined(yield* Fiber.join(ofA))
    }))

  it.effect("starts a poll with the transaction of the caller, or not at all", () =>
    Effect.gen(function*() {
      yield* fresh
      const sql = yield* SqlClient.SqlClient
      const rollout = DurablePoll.make({
        name: "rollout",
        payload: { deployment: Schema.String },
        key: ({ deployment }) => deployment,
        policy: { duration: "1 second", factor: 1, jitter: 0, steps: 1 }
      })
      const store = yield* build
      yield* Effect.gen(function*() {
        const exit = yield* Effect.exit(
          sql.withTransaction(Effect.andThen(rollout.start({ deployment: "no" }), Effect.fail("rolled back")))
        )
        assert.isTrue(Exit.isFailure(exit))
        yield* sql.withTransaction(rollout.start({ deployment: "yes" }))
        assert.deepStrictEqual((yield* rollout.list()).map(({ key }) => key), ["yes"])
      }).pipe(Effect.provideService(PollStore.PollStore, store))
    }))
})
