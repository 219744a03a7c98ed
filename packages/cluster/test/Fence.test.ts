/** The fence, on a real Postgres, and in real time. */
import { Fence, Term } from "@effect-wait/cluster"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it, layer } from "@effect/vitest"
import { Array as Arr, Cause, Data, Deferred, type Duration, Effect } from "effect"
import { Exit, Fiber, Layer, Random, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, SqlError, Statement } from "effect/sql"
import * as Postgres from "../../examples/src/cluster/postgres.ts"
import { sqlite } from "./sqlite.ts"

class Boom extends Data.TaggedError("Boom") {}

const now = Effect.sync(() => performance.now())

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const start = yield* now
    const value = yield* effect
    return { value, millis: (yield* now) - start }
  })

/** A fence of its own for each test, and the rows that it let through, in the order of their commits. */
const makeRows = Effect.fnUntraced(function*(name: string, idleTimeout: Duration.Input = "20 seconds") {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE IF NOT EXISTS written (fence TEXT NOT NULL, token BIGINT NOT NULL, what TEXT NOT NULL)`
  return {
    sql,
    fence: yield* Fence.make(name, { idleTimeout }),
    write: (token: bigint, what: string) =>
      sql`INSERT INTO written (fence, token, what) VALUES (${name}, ${token}, ${what})`,
    rows: Effect.map(
      sql<{ token: bigint; what: string }>`
        SELECT token, what FROM written WHERE fence = ${name} ORDER BY pg_xact_commit_timestamp(xmin), ctid`,
      Arr.map(({ token, what }) => `${token} ${what}`)
    )
  }
})

const termOf = (runner: string): Term.Term => ({ loop: "loop", runner, id: runner, startedAt: 0 })

const inTerm = (term: Term.Term) => Effect.provideService(Term.CurrentTerm, term)

/** Waits until a statement waits for a lock that another transaction holds. */
const untilBlocked = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  while (true) {
    const rows = yield* sql`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`
    if (rows.length > 0) return
    yield* Effect.sleep("5 millis")
  }
})

const messageOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "success"

const Live = Postgres.layerClient().pipe(Layer.provideMerge(Postgres.layer))

layer(Live, { excludeTestServices: true, timeout: "60 seconds" })("Fence, on Postgres", (it) => {
  it.effect("creates its table once, when many begin at once", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      for (let round = 0; round < 5; round++) {
        yield* sql`DROP TABLE IF EXISTS effect_wait_fences`
        yield* Effect.all(Arr.makeBy(15, () => Fence.make("many")), { concurrency: "unbounded" })
      }
    }))

  it.effect("needs no right to create tables where the table is", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const { url } = yield* Postgres.Postgres
      yield* Fence.make("rights")
      yield* sql`CREATE ROLE clerk LOGIN PASSWORD 'clerk'`
      yield* sql`GRANT SELECT, INSERT, UPDATE ON effect_wait_fences TO clerk`
      const clerk = Object.assign(new URL(url), { username: "clerk", password: "clerk" })
      const { token } = yield* Effect.flatMap(Fence.make("rights"), (fence) => fence.take({ owner: "clerk" })).pipe(
        Effect.provide(PgClient.layer({ url: Redacted.make(clerk.href) }))
      )
      assert.strictEqual(token, 1n)
    }))

  it.effect("gives tokens that grow, also when many are taken at once", () =>
    Effect.gen(function*() {
      const { fence } = yield* makeRows("takes")
      const terms = yield* Effect.all(Arr.makeBy(60, (i) => fence.take({ owner: String(i) })), {
        concurrency: "unbounded"
      })
      const tokens = terms.map(({ token }) => Number(token))
      assert.deepStrictEqual(tokens.toSorted((a, b) => a - b), Arr.range(1, 60))
      assert.strictEqual((yield* fence.take({ owner: "last" })).token, 61n)
      const other = yield* Fence.make("takes, too")
      assert.strictEqual((yield* other.take({ owner: "a" })).token, 1n)
    }))

  it.effect("lets the writes of the newest term through, and says so when one is stale", () =>
    Effect.gen(function*() {
      const { fence, rows, write } = yield* makeRows("stale")
      const a = yield* fence.take({ owner: "a" })
      yield* a.guard(write(a.token, "a"))
      const b = yield* fence.take({ owner: "b" })
      let started = false
      const error = yield* Effect.flip(
        a.guard(Effect.andThen(Effect.sync(() => started = true), write(a.token, "late")))
      )
      assert.deepInclude(error, { _tag: "StaleTerm", fence: "stale", token: 1n, current: 2n, owner: "b" })
      assert.isFalse(started)
      yield* b.guard(write(b.token, "b"))
      assert.deepStrictEqual(yield* rows, ["1 a", "2 b"])
    }))

  it.effect("makes a new term wait for the write that is open, which is accepted", () =>
    Effect.gen(function*() {
      const { fence, rows, write } = yield* makeRows("middle")
      const a = yield* fence.take({ owner: "a" })
      const go = yield* Deferred.make<void>()
      const open = yield* Deferred.make<void>()
      const writing = yield* Effect.forkChild(
        a.guard(
          Effect.all([write(a.token, "a"), Deferred.succeed(open, undefined), Deferred.await(go), write(a.token, "a")])
        )
      )
      yield* Deferred.await(open)
      const taking = yield* Effect.forkChild(
        Effect.flatMap(fence.take({ owner: "b" }), (b) => b.guard(write(b.token, "b")))
      )
      yield* untilBlocked
      // Another write of the term that is still on does not wait for it.
      yield* a.guard(write(a.token, "beside"))
      assert.isUndefined(taking.pollUnsafe())
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(writing)
      yield* Fiber.join(taking)
      assert.deepStrictEqual(yield* rows, ["1 beside", "1 a", "1 a", "2 b"])
    }))

  it.effect("makes a write wait for a new term that begins, which then refuses it", () =>
    Effect.gen(function*() {
      const { fence, rows, sql, write } = yield* makeRows("begins")
      const a = yield* fence.take({ owner: "a" })
      const open = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      // A take is one statement. This is what it does, held open.
      const taking = yield* Effect.forkChild(sql.withTransaction(Effect.all([
        sql`UPDATE effect_wait_fences SET token = token + 1, owner = 'b' WHERE name = 'begins'`,
        Deferred.succeed(open, undefined),
        Deferred.await(go)
      ])))
      yield* Deferred.await(open)
      const writing = yield* Effect.forkChild(Effect.flip(a.guard(write(a.token, "a"))))
      yield* untilBlocked
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(taking)
      assert.deepInclude(yield* Fiber.join(writing), { _tag: "StaleTerm", token: 1n, current: 2n, owner: "b" })
      assert.deepStrictEqual(yield* rows, [])
    }))

  it.effect.each(Arr.range(1, 12))(
    "accepts no token after a newer one, whatever the schedule (seed %i)",
    (seed) =>
      Effect.gen(function*() {
        const { fence, rows, write } = yield* makeRows(`seed ${seed}`)
        const counts = { accepted: 0, stale: 0, rolledBack: 0 }
        const pause = Effect.flatMap(Random.nextIntBetween(-3, 4), (n) => n > 0 ? Effect.sleep(n) : Effect.void)
        const runner = Effect.fnUntraced(function*(owner: string) {
          let term = yield* fence.take({ owner })
          for (let step = 0; step < 15; step++) {
            yield* pause
            if ((yield* Random.nextIntBetween(0, 3)) === 0) {
              const { token } = term
              term = yield* fence.take({ owner })
              assert.isAbove(Number(term.token), Number(token))
            }
            const end = yield* Random.choice<Arr.NonEmptyArray<Effect.Effect<void, Boom>>>([
              Effect.void,
              Effect.void,
              Effect.fail(new Boom()),
              Effect.die("boom"),
              Effect.interrupt
            ])
            const { guard, token } = term
            const exit = yield* Effect.exit(
              guard(Effect.all([write(token, owner), pause, write(token, owner), pause, end], { discard: true }))
            )
            if (Exit.isSuccess(exit)) counts.accepted++
            else if (messageOf(exit).includes("StaleTerm")) counts.stale++
            else counts.rolledBack++
          }
        })
        yield* Effect.all(["a", "b", "c"].map(runner), { concurrency: "unbounded" }).pipe(Random.withSeed(seed))
        const accepted = (yield* rows).map((row) => Number(row.split(" ")[0]))
        assert.deepStrictEqual(accepted, accepted.toSorted((a, b) => a - b))
        assert.strictEqual(accepted.length, counts.accepted * 2)
        assert.isAbove(counts.accepted, 0)
        assert.isAbove(counts.stale, 0)
      })
  )

  it.effect.each([
    { name: "commits", ending: Effect.void, expected: "SqlError" },
    { name: "fails", ending: Effect.fail(new Boom()), expected: "Boom" },
    { name: "dies", ending: Effect.die(new Boom()), expected: "Boom" }
  ])(
    "holds up the next term for the idle timeout at most, when a frozen write $name later",
    ({ ending, expected, name }) =>
      Effect.gen(function*() {
        const { fence, rows, write } = yield* makeRows(`frozen ${name}`, "400 millis")
        const a = yield* fence.take({ owner: "a" })
        const open = yield* Deferred.make<void>()
        const wake = yield* Deferred.make<void>()
        const frozen = yield* Effect.forkChild(a.guard(Effect.all([
          write(a.token, "a"),
          Deferred.succeed(open, undefined),
          Deferred.await(wake),
          ending
        ])))
        yield* Deferred.await(open)
        const { millis, value: b } = yield* timed(fence.take({ owner: "b" }))
        assert.isAbove(millis, 300)
        assert.isBelow(millis, 10_000)
        yield* b.guard(write(b.token, "b"))
        yield* Deferred.succeed(wake, undefined)
        const exit = yield* Fiber.await(frozen)
        assert.isTrue(Exit.isFailure(exit))
        if (Exit.isFailure(exit)) {
          assert.strictEqual(exit.cause.reasons.length, 1)
          assert.strictEqual(Cause.isDieReason(exit.cause.reasons[0]!), name === "dies")
          assert.include(messageOf(exit), expected)
        }
        assert.deepStrictEqual(yield* rows, ["2 b"])
        // The next write of the one that woke has another connection, and the right answer.
        assert.strictEqual((yield* Effect.flip(a.guard(write(a.token, "a"))))._tag, "StaleTerm")
      })
  )

  it.effect("does not change the timeout of what comes after it on the same connection", () =>
    Effect.gen(function*() {
      const { url } = yield* Postgres.Postgres
      yield* Effect.gen(function*() {
        const { fence, sql, write } = yield* makeRows("timeout", "400 millis")
        const timeout = sql<{ value: string }>`SELECT current_setting('idle_in_transaction_session_timeout') AS value`
        const { guard, token } = yield* fence.take({ owner: "a" })
        assert.deepStrictEqual(yield* guard(Effect.andThen(write(token, "a"), timeout)), [{ value: "400ms" }])
        assert.deepStrictEqual(yield* timeout, [{ value: "0" }])
      }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })))
    }))

  it.effect("rolls back and passes on what goes wrong in a write", () =>
    Effect.gen(function*() {
      const { fence, rows, sql, write } = yield* makeRows("wrong")
      const { guard, token } = yield* fence.take({ owner: "a" })
      const ends: ReadonlyArray<Effect.Effect<unknown, Boom | SqlError.SqlError>> = [
        Effect.fail(new Boom()),
        Effect.die(new Boom()),
        Effect.interrupt,
        sql`SELECT 1 FROM nowhere`
      ]
      const exits = yield* Effect.forEach(ends, (end) => Effect.exit(guard(Effect.andThen(write(token, "a"), end))))
      assert.deepStrictEqual(
        exits.map((exit) =>
          Exit.isFailure(exit) ?
            exit.cause.reasons.map((reason) => Cause.isFailReason(reason) ? `Fail ${reason.error._tag}` : reason._tag)
              .join() :
            "success"
        ),
        ["Fail Boom", "Die", "Interrupt", "Fail SqlError"]
      )
      const open = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        guard(Effect.all([write(token, "a"), Deferred.succeed(open, undefined), Effect.never]))
      )
      yield* Deferred.await(open)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* rows, [])
      assert.strictEqual(yield* guard(Effect.as(write(token, "a"), "value")), "value")
      assert.strictEqual((yield* fence.take({ owner: "b" })).token, 2n)
    }))

  it.effect("is a savepoint within a transaction, and holds the term until that ends", () =>
    Effect.gen(function*() {
      const { fence, rows, sql, write } = yield* makeRows("nested")
      const { guard, token } = yield* fence.take({ owner: "a" })
      const go = yield* Deferred.make<void>()
      const open = yield* Deferred.make<void>()
      const outer = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
        yield* write(token, "outer")
        yield* guard(write(token, "inner"))
        yield* Effect.flip(guard(Effect.andThen(write(token, "rolled back"), Effect.fail(new Boom()))))
        yield* guard(guard(write(token, "innermost")))
        yield* Deferred.succeed(open, undefined)
        yield* Deferred.await(go)
      })))
      yield* Deferred.await(open)
      const taking = yield* Effect.forkChild(fence.take({ owner: "b" }))
      yield* untilBlocked
      assert.isUndefined(taking.pollUnsafe())
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(outer)
      yield* Fiber.join(taking)
      assert.deepStrictEqual(yield* rows, ["1 outer", "1 inner", "1 innermost"])
      // Refused within: what is outside may go on.
      yield* sql.withTransaction(
        Effect.andThen(Effect.flip(guard(write(token, "stale"))), write(0n, "without a guard"))
      )
      assert.deepStrictEqual(yield* rows, ["1 outer", "1 inner", "1 innermost", "0 without a guard"])
    }))

  it.effect("takes one token a term, at its beginning", () =>
    Effect.gen(function*() {
      const { fence, rows, write } = yield* makeRows("terms")
      const first = termOf("a:1")
      for (let run = 0; run < 3; run++) {
        yield* Effect.gen(function*() {
          // Made anew in each run: it is the same fence.
          const fence = yield* Fence.make("terms")
          const { token } = yield* fence.begin
          yield* fence.guard(write(token, `run ${run}`))
          const { begin } = yield* Fence.make("terms, of another fence")
          assert.strictEqual((yield* begin).fence, "terms, of another fence")
        }).pipe(inTerm(first))
      }
      yield* Effect.flatMap(fence.begin, ({ owner, token }) => fence.guard(write(token, owner))).pipe(
        inTerm(termOf("b:1"))
      )
      assert.deepStrictEqual(yield* rows, ["1 run 0", "1 run 1", "1 run 2", "2 b:1"])
    }))

  it.effect("refuses the run of a paused owner, and its next one that had begun", () =>
    Effect.gen(function*() {
      const { fence, rows, write } = yield* makeRows("paused")
      const a = termOf("a:1")
      const b = termOf("b:1")
      const run = (what: string) => Effect.flatMap(fence.begin, ({ guard, token }) => guard(write(token, what)))
      yield* run("a").pipe(inTerm(a))
      yield* run("b").pipe(inTerm(b))
      // It wakes: the run that was due, in which it does not give up.
      const woken = Effect.gen(function*() {
        const { token } = yield* fence.begin
        const first = yield* Effect.flip(fence.guard(write(token, "woken")))
        const second = yield* Effect.flip(fence.guard(write(token, "woken")))
        return [first._tag, second._tag]
      })
      assert.deepStrictEqual(yield* woken.pipe(inTerm(a)), ["StaleTerm", "StaleTerm"])
      yield* run("b").pipe(inTerm(b))
      assert.deepStrictEqual(yield* rows, ["1 a", "2 b", "2 b"])
    }))

  it.effect("heals when one that is no longer the owner has begun last", () =>
    Effect.gen(function*() {
      const { fence, rows, write } = yield* makeRows("heals")
      const stale = termOf("a:1")
      const owner = termOf("b:1")
      const run = (what: string) => Effect.flatMap(fence.begin, ({ guard, token }) => guard(write(token, what)))
      yield* run("b").pipe(inTerm(owner))
      yield* fence.begin.pipe(inTerm(stale))
      const error = yield* Effect.flip(run("b, refused").pipe(inTerm(owner)))
      assert.deepInclude(error, { _tag: "StaleTerm", token: 1n, current: 2n, owner: "a:1" })
      yield* run("b, again").pipe(inTerm(owner))
      assert.strictEqual((yield* Effect.flip(run("a").pipe(inTerm(stale))))._tag, "StaleTerm")
      assert.deepStrictEqual(yield* rows, ["1 b", "3 b, again"])
    }))

  it.effect("says what to do where there is no term", () =>
    Effect.gen(function*() {
      const { fence, rows, sql, write } = yield* makeRows("misuse")
      const term = termOf("a:1")
      const misuses: ReadonlyArray<Effect.Effect<unknown, unknown, SqlClient.SqlClient>> = [
        fence.begin,
        fence.guard(write(0n, "no term")),
        fence.guard(write(0n, "not begun")).pipe(inTerm(term)),
        sql.withTransaction(fence.begin).pipe(inTerm(term)),
        sql.withTransaction(fence.take({ owner: "a" })),
        Fence.make(""),
        Fence.make("misuse", { idleTimeout: 0 }),
        Fence.make("misuse", { idleTimeout: "Infinity" }),
        Fence.make("misuse", { idleTimeout: NaN })
      ]
      const exits = yield* Effect.forEach(misuses, (misuse) => Effect.exit(misuse))
      assert.isTrue(
        exits.every((exit) => Exit.isFailure(exit) && Cause.isIllegalArgumentError(Cause.squash(exit.cause)))
      )
      assert.include(messageOf(exits[2]!), "has not begun in this term")
      assert.include(messageOf(exits[3]!), "no token in a transaction")
      assert.deepStrictEqual(yield* rows, [])
      assert.strictEqual((yield* fence.take({ owner: "a" })).token, 1n)
    }))

  it.effect("refuses all terms when somebody has deleted the token", () =>
    Effect.gen(function*() {
      const { fence, rows, sql, write } = yield* makeRows("deleted")
      const { guard, token } = yield* fence.take({ owner: "a" })
      yield* sql`DELETE FROM effect_wait_fences WHERE name = 'deleted'`
      const error = yield* Effect.flip(guard(write(token, "a")))
      assert.deepInclude(error, { _tag: "StaleTerm", token: 1n, current: 0n, owner: "nobody" })
      assert.deepStrictEqual(yield* rows, [])
    }))

  it.effect("counts beyond what a number holds", () =>
    Effect.gen(function*() {
      const { fence, sql, write } = yield* makeRows("large")
      yield* fence.take({ owner: "a" })
      yield* sql`UPDATE effect_wait_fences SET token = 9007199254740992 WHERE name = 'large'`
      const { guard, token } = yield* fence.take({ owner: "b" })
      assert.strictEqual(token, 9007199254740993n)
      yield* guard(write(token, "b"))
      yield* sql`UPDATE effect_wait_fences SET token = 9007199254740992 WHERE name = 'large'`
      assert.strictEqual((yield* Effect.flip(guard(write(token, "b"))))._tag, "StaleTerm")
    }))

  it.effect("keeps its tokens over a crash of the database", () =>
    Effect.gen(function*() {
      const { fence, rows, write } = yield* makeRows("crash")
      const { kill, start } = yield* Postgres.Postgres
      const a = yield* fence.take({ owner: "a" })
      yield* a.guard(write(a.token, "before"))
      const open = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const writing = yield* Effect.forkChild(
        Effect.exit(
          a.guard(Effect.all([write(a.token, "lost"), Deferred.succeed(open, undefined), Deferred.await(go)]))
        )
      )
      yield* Deferred.await(open)
      yield* kill
      assert.include(messageOf(yield* Effect.exit(a.guard(write(a.token, "down")))), "SqlError")
      yield* start
      yield* Deferred.succeed(go, undefined)
      assert.include(messageOf(yield* Fiber.join(writing)), "SqlError")
      yield* a.guard(write(a.token, "after"))
      assert.strictEqual((yield* fence.take({ owner: "b" })).token, 2n)
      assert.deepStrictEqual(yield* rows, ["1 before", "1 after"])
    }))

  it.effect("costs one statement more than a transaction", () =>
    Effect.gen(function*() {
      const { log, url } = yield* Postgres.Postgres
      yield* Effect.gen(function*() {
        const { fence, sql, write } = yield* makeRows("statements")
        const { guard, token } = yield* fence.take({ owner: "a" })
        yield* sql`SELECT 'from here on'::text`
        yield* guard(write(token, "a"))
        yield* sql`SELECT 'to here'::text`
        const said = Effect.map(log, (text) =>
          Array.from(text.matchAll(/LOG: {2}(?:execute [^:]*|statement): (.*)/g), ([, statement]) => statement!))
        yield* Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), said), {
          until: (statements) =>
            statements.some((statement) => statement.includes("to here"))
        })
        const words = (yield* said).map((statement) => statement.split(" ")[0])
        assert.deepStrictEqual(words.slice(-6), ["SELECT", "BEGIN", "SELECT", "INSERT", "COMMIT", "SELECT"])
      }).pipe(
        Effect.provide(
          PgClient.layer({ url: Redacted.make(url), maxConnections: 1, startupParameters: { log_statement: "all" } })
        )
      )
      const { fence, sql, write } = yield* makeRows("cost")
      const { guard, token } = yield* fence.take({ owner: "a" })
      const each = (effect: Effect.Effect<unknown, unknown>) =>
        Effect.map(timed(Effect.repeat(effect, { times: 299 })), ({ millis }) => (millis / 300).toFixed(2))
      yield* each(guard(write(token, "warm")))
      const guarded = yield* each(guard(write(token, "a")))
      const plain = yield* each(sql.withTransaction(write(token, "a")))
      const begins = yield* each(fence.begin.pipe(inTerm(termOf("cost:1"))))
      yield* Effect.logInfo(`a guard ${guarded} ms, its transaction alone ${plain} ms, a later begin ${begins} ms`)
    }))
})

describe("Fence, elsewhere", () => {
  it.live("works on SQLite", () =>
    Effect.gen(function*() {
      const sql = yield* sqlite
      const fence = yield* Fence.make("sqlite").pipe(Effect.provideService(SqlClient.SqlClient, sql))
      yield* sql`CREATE TABLE written (token INTEGER)`
      const write = (token: bigint) => sql`INSERT INTO written VALUES (${token})`
      const a = yield* fence.take({ owner: "a" })
      yield* a.guard(write(a.token))
      yield* Effect.flip(a.guard(Effect.andThen(write(a.token), Effect.fail(new Boom()))))
      const b = yield* fence.take({ owner: "b" })
      assert.deepInclude(yield* Effect.flip(a.guard(write(a.token))), {
        _tag: "StaleTerm",
        token: 1n,
        current: 2n,
        owner: "b"
      })
      yield* b.guard(write(b.token))
      assert.deepStrictEqual((yield* sql`SELECT token FROM written`).map((row) => row.token), [1, 2])
    }))

  it.live("says where it does not work", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.make({
        acquirer: Effect.never,
        compiler: Statement.makeCompiler({
          dialect: "mysql",
          placeholder: () => "?",
          onIdentifier: (name) => name,
          onRecordUpdate: () => ["", []],
          onCustom: () => ["", []]
        }),
        driver: "mysql2",
        spanAttributes: []
      })
      const exit = yield* Effect.exit(Effect.provideService(Fence.make("mysql"), SqlClient.SqlClient, sql))
      assert.include(messageOf(exit), `not with the driver "mysql2"`)
    }).pipe(Effect.provide(Reactivity.layer)))
})
