/** What loops of a cluster remember: exact starts through hand-overs, deploys and outages, on the test clock. */
import { ClusterLoop } from "@effect-wait/cluster"
import { assert, describe, it } from "@effect/vitest"
import { Clock, type Cron, DateTime, Effect, Exit, Layer, Logger, Schedule, Scope } from "effect"
import { Jitter, Loop, Period } from "effect-wait"
import * as LoopStore from "effect-wait/LoopStore"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { DatabaseSync } from "node:sqlite"
import { type Around, makeSqlite } from "./sqlite.ts"

const second = 1000
const quiet = Effect.provide(Logger.layer([]))
const eachMinute = Period.cron("* * * * *", { timeZone: "UTC" })

type AnySchedule = Schedule.Schedule<unknown, unknown, Cron.CronParseError>

interface Options {
  readonly name?: string
  readonly catchUp?: Loop.CatchUp | false
  readonly immediate?: true
  readonly work?: Effect.Effect<unknown, unknown, SqlClient.SqlClient>
  readonly around?: Around
}

const backoff = Period.sliding("2 seconds")

/** Processes one after the other on one database. Times are in seconds. */
const makeService = Effect.sync(() => {
  const database = new DatabaseSync(":memory:")
  const starts: Array<number> = []
  const slots: Array<number | undefined> = []
  const run = Effect.gen(function*() {
    starts.push(Math.round((yield* Clock.currentTimeMillis) / second))
    const slot = yield* ClusterLoop.CurrentSlot
    slots.push(slot && DateTime.toEpochMillis(slot) / second)
  })
  /** A process runs for so many seconds. */
  const up = (
    seconds: number,
    schedule: AnySchedule,
    { around, catchUp, immediate, name = "job", work = Effect.void }: Options = {}
  ) =>
    Effect.gen(function*() {
      const sql = yield* makeSqlite(database, around)
      const loop = ClusterLoop.layer(Effect.andThen(run, work), schedule, { name, catchUp, immediate, backoff })
      const scope = yield* Scope.make()
      yield* Layer.build(Layer.provide(loop, ClusterLoop.layerEmbedded)).pipe(
        Effect.provideService(SqlClient.SqlClient, sql),
        Scope.provide(scope)
      )
      yield* TestClock.adjust(seconds * second)
      yield* Scope.close(scope, Exit.void)
    })
  const down = (seconds: number) => TestClock.adjust(seconds * second)
  return { database, down, run, slots, starts, up }
})

describe("what passed between two terms", () => {
  it.effect.each(
    [
      // Up for 90 seconds, away until 315, up for 60.
      [eachMinute, "skip", undefined, [60, 360]],
      [eachMinute, "one", undefined, [60, 315, 360]],
      [eachMinute, "all", undefined, [60, 315, 315, 315, 315, 360]],
      [eachMinute, "one", "10 seconds", [60, 360]],
      [eachMinute, "all", "76 seconds", [60, 315, 315, 360]],
      [Period.ticker("1 minute"), "skip", undefined, [0, 60, 360]],
      [Period.ticker("1 minute"), "one", undefined, [0, 60, 315, 360]],
      [Period.ticker("1 minute"), "all", undefined, [0, 60, 315, 315, 315, 315, 360]],
      [Period.ticker("1 minute"), "all", "76 seconds", [0, 60, 315, 315, 360]],
      [Jitter.additive(eachMinute, 0), "all", "76 seconds", [60, 315, 315, 360]]
    ] as const
  )("%#: slots", ([schedule, missed, window, expected]) =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      const catchUp = { missed, window }
      yield* up(90, schedule, { catchUp })
      yield* down(225)
      yield* up(60, schedule, { catchUp })
      assert.deepStrictEqual<ReadonlyArray<number>>(starts, expected)
    }))

  it.effect.each(
    [
      ["sliding", Period.sliding("1 minute"), [0, 60, 315, 375]],
      ["nonSliding", Period.nonSliding("1 minute"), [0, 60, 315, 375]],
      ["fromStart", Period.fromStart(Period.sliding("1 minute")), [0, 60, 315, 375]]
    ] as const
  )("%s: a run that is overdue starts at once", ([, schedule, expected]) =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(90, schedule)
      yield* down(225)
      yield* up(70, schedule)
      assert.deepStrictEqual<ReadonlyArray<number>>(starts, expected)
    }))

  it.effect.each(
    [
      ["cron", eachMinute, [60, 120, 180, 240]],
      ["ticker", Period.ticker("1 minute"), [0, 60, 120, 180, 240]],
      ["nonSliding", Period.nonSliding("1 minute"), [0, 60, 120, 180, 240]],
      ["sliding", Period.sliding("1 minute"), [0, 60, 120, 180, 240]]
    ] as const
  )("twenty deploys in four minutes move no run of %s", ([, schedule, expected]) =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      for (let i = 0; i < 20; i++) yield* up(13, schedule)
      assert.deepStrictEqual<ReadonlyArray<number>>(starts, expected)
    }))

  it.effect("is forgotten where that is asked for: each term begins anew, without a statement", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      let statements = 0
      const around: Around = (text, statement) =>
        Effect.suspend(() => {
          if (text.includes("effect_wait_loop")) statements++
          return statement
        })
      for (let i = 0; i < 3; i++) yield* up(40, Period.sliding("1 minute"), { catchUp: false, around })
      assert.deepStrictEqual(starts, [0, 40, 80])
      assert.strictEqual(statements, 0)
    }))

  it.effect("is not known for a schedule of Effect's own: it begins anew with each term, and that is logged", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      const entries: Array<unknown> = []
      const logger = Logger.make(({ logLevel, message }) => entries.push(`${logLevel} ${String(message)}`))
      for (let i = 0; i < 2; i++) {
        yield* up(40, Schedule.spaced("1 minute")).pipe(Effect.provide(Logger.layer([logger])))
      }
      assert.deepStrictEqual(starts, [0, 40])
      assert.include(
        String(entries[0]),
        "Warn This loop starts anew with each owner: its schedule is not one"
      )
    }))
})

describe("a change between two deploys", () => {
  it.effect.each(
    [
      ["an expression", eachMinute, Period.cron("30 * * * * *", { timeZone: "UTC" }), [60, 150]],
      [
        "a zone",
        Period.cron("0 3 1 1 *", { timeZone: "UTC" }),
        Period.cron("2 1 1 1 *", { timeZone: "Europe/Berlin" }),
        [120]
      ],
      ["a shorter period", Period.sliding("1 minute"), Period.sliding("30 seconds"), [0, 60, 100, 130, 160]],
      ["a longer period", Period.sliding("1 minute"), Period.sliding("2 minutes"), [0, 60, 120]],
      ["an interval", Period.ticker("1 minute"), Period.ticker("40 seconds"), [0, 60, 120, 160]],
      ["another kind", Period.sliding("1 minute"), eachMinute, [0, 60, 120]]
    ] as const
  )("%s", ([, before, after, expected]) =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      yield* up(100, before)
      yield* up(65, after)
      assert.deepStrictEqual<ReadonlyArray<number>>(starts, expected)
    }))

  it.effect("a loop that was renamed is a new one", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      yield* up(40, Period.sliding("1 minute"))
      yield* up(40, Period.sliding("1 minute"), { name: "renamed" })
      yield* up(40, Period.sliding("1 minute"))
      assert.deepStrictEqual(starts, [0, 40, 80])
    }))

  it.effect.each(
    [
      ["cron", eachMinute, [60, 120, 180]],
      ["ticker", Period.ticker("1 minute"), [0, 60, 150]],
      ["sliding", Period.sliding("1 minute"), [0, 60, 150]]
    ] as const
  )(
    "a clock that was wrong by a year: the memory of %s counts as one of now",
    ([, schedule, expected]) =>
      Effect.gen(function*() {
        const { database, starts, up } = yield* makeService
        yield* up(90, schedule)
        // As if the process before had a clock that was a year fast.
        const year = 365 * 24 * 60 * 60 * second
        const columns = ["written", "anchor", "slot", "next_slot", "due", "last_start", "last_end", "last_success"]
        database.exec(
          `UPDATE effect_wait_loops SET ${columns.map((column) => `${column} = ${column} + ${year}`).join(", ")}`
        )
        yield* up(95, schedule)
        assert.deepStrictEqual<ReadonlyArray<number>>(starts, expected)
      })
  )
})

describe("the slot of a run", () => {
  it.effect("is told to it, also when it is late, retried or jittered", () =>
    Effect.gen(function*() {
      const { down, slots, starts, up } = yield* makeService
      let runs = 0
      const work = Effect.suspend(() => ++runs === 1 ? Effect.fail("no") : Effect.void)
      const catchUp = { missed: "all" } as const
      yield* quiet(up(90, eachMinute, { catchUp, work }))
      yield* down(120)
      yield* up(35, eachMinute, { catchUp })
      assert.deepStrictEqual(starts, [60, 62, 210, 210, 240])
      assert.deepStrictEqual(slots, [60, 60, 120, 180, 240])
    }))

  it.effect("is none for a schedule without slots, an immediate run of a calendar, and outside of a run", () =>
    Effect.gen(function*() {
      const { slots, up } = yield* makeService
      yield* up(65, Period.sliding("1 minute"), { name: "sliding" })
      yield* up(5, eachMinute, { name: "immediate", immediate: true })
      assert.deepStrictEqual(slots, [undefined, undefined, undefined])
      assert.isUndefined(yield* ClusterLoop.CurrentSlot)
    }))
})

/** Draws by which a spec kills. */
const drawsOf = (seed: number) => {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

describe("a process that is killed", () => {
  /**
   * Processes that die before or after a statement, and others that start seven seconds later. Gives the slots of the runs, and those
   * of the rows that the runs wrote.
   */
  const killing = (
    schedule: AnySchedule,
    isGuarded: boolean,
    kills: (statement: number) => "before" | "after" | undefined,
    until: number
  ) =>
    Effect.gen(function*() {
      const database = new DatabaseSync(":memory:")
      database.exec("CREATE TABLE written (slot REAL)")
      const served: Array<number> = []
      let statements = 0
      let killed = 0
      const process = Effect.gen(function*() {
        let isDead = false
        const around: Around = (text, statement) =>
          Effect.suspend(() => {
            if (isDead) return Effect.never
            const when = text.includes("effect_wait_loop") || text.includes("written") ? kills(statements++) : undefined
            if (when === undefined) return statement
            isDead = true
            killed++
            return when === "before" ? Effect.never : Effect.andThen(statement, Effect.never)
          })
        const sql = yield* makeSqlite(database, around)
        const run = Effect.gen(function*() {
          const slot = DateTime.toEpochMillis((yield* ClusterLoop.CurrentSlot)!)
          served.push(slot / second)
          yield* Effect.sleep("3 seconds")
          const write = sql`INSERT INTO written VALUES (${slot})`
          yield* isGuarded ? ClusterLoop.guard(write) : write
        })
        const scope = yield* Scope.make()
        const loop = ClusterLoop.layer(run, schedule, { name: "job", catchUp: { missed: "all" } })
        yield* Effect.forkDetach(
          Layer.build(Layer.provide(loop, ClusterLoop.layerEmbedded)).pipe(
            Effect.provideService(SqlClient.SqlClient, sql),
            Scope.provide(scope)
          )
        )
        while (!isDead && (yield* Clock.currentTimeMillis) < until * second) yield* TestClock.adjust("1 second")
        // The connection of a process that is dead: its transaction is rolled back.
        if (database.isTransaction) database.exec("ROLLBACK")
        yield* Effect.forkDetach(Scope.close(scope, Exit.void), { startImmediately: true })
        yield* TestClock.adjust("7 seconds")
      })
      while ((yield* Clock.currentTimeMillis) < until * second) yield* process
      const rows = database.prepare("SELECT slot FROM written ORDER BY rowid").all()
      return { killed, served, written: rows.map(({ slot }) => Number(slot) / second) }
    }).pipe(quiet, Effect.provide(TestClock.layer()))

  const slots = (from: number, until: number, step: number) =>
    Array.from({ length: (until - from) / step + 1 }, (_, i) => from + i * step)

  it.effect("at any statement: no slot is lost, and only the one in flight is repeated", () =>
    Effect.gen(function*() {
      for (const when of ["before", "after"] as const) {
        for (let at = 0; at < 14; at++) {
          const { killed, served } = yield* killing(eachMinute, false, (n) => n === at ? when : undefined, 250)
          const hint = `${when} statement ${at}: ${served}`
          assert.deepStrictEqual([...new Set(served)], slots(60, 240, 60), hint)
          assert.isAtMost(served.length, 5, hint)
          assert.strictEqual(killed, 1, hint)
        }
      }
    }))

  it.effect("at any statement: what is guarded is written exactly once", () =>
    Effect.gen(function*() {
      for (const schedule of [eachMinute, Period.ticker("1 minute")]) {
        for (const when of ["before", "after"] as const) {
          for (let at = 3; at < 16; at++) {
            const { killed, written } = yield* killing(schedule, true, (n) => n === at ? when : undefined, 250)
            const from = written[0]!
            assert.deepStrictEqual(
              written,
              slots(from, from + 60 * (written.length - 1), 60),
              `${when} ${at}: ${written}`
            )
            assert.isAtLeast(written.length, 4, `${when} statement ${at}`)
            assert.strictEqual(killed, 1)
          }
        }
      }
    }))

  it.effect("again and again: guarded slots are written exactly once, and the others are at most repeated", () =>
    Effect.gen(function*() {
      let kills = 0
      let repeats = 0
      for (let seed = 1; seed <= 8; seed++) {
        const isGuarded = seed % 2 === 0
        const draw = drawsOf(seed * 7919)
        const kill = () => draw() < 0.15 ? draw() < 0.5 ? "before" : "after" : undefined
        const schedule = Period.cron("*/20 * * * * *", { timeZone: "UTC", missed: "all" })
        const { killed, served, written } = yield* killing(schedule, isGuarded, kill, 400)
        const seen = isGuarded ? written : [...new Set(served)]
        assert.deepStrictEqual(seen, slots(seen[0]!, seen.at(-1)!, 20), `seed ${seed}: ${seen}`)
        assert.isAtLeast(seen.at(-1)!, 200, `seed ${seed}: ${seen}`)
        assert.isAtMost(served.length - new Set(served).size, killed, `seed ${seed}`)
        kills += killed
        repeats += served.length - new Set(served).size
      }
      assert.isAbove(kills, 20)
      assert.isAbove(repeats, 5)
    }))
})

describe("ClusterLoop.guard", () => {
  it.effect("costs one statement beside the transaction of the run, a plain run two, and a loop that forgets none", () =>
    Effect.gen(function*() {
      for (
        const [name, catchUp, isGuarded, expected] of [
          ["forgets", false, false, []],
          ["plain", {}, false, ["UPDATE begun", "BEGIN", "UPDATE done", "INSERT", "COMMIT"]],
          ["guarded", {}, true, ["UPDATE begun", "BEGIN", "UPDATE done", "INSERT", "write", "COMMIT"]]
        ] as const
      ) {
        const { database, up } = yield* makeService
        database.exec("CREATE TABLE written (what TEXT)")
        const statements: Array<string> = []
        let isCounting = false
        const around: Around = (text, statement) =>
          Effect.suspend(() => {
            if (isCounting && !text.includes("runners")) {
              const word = text.trim().split(/\s/)[0]!
              const column = text.includes("SET begun_at =") ? " begun" : word === "UPDATE" ? " done" : ""
              statements.push(text.includes("written (what)") ? "write" : `${word}${column}`)
            }
            return statement
          })
        const work = Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          if (isGuarded) yield* ClusterLoop.guard(sql`INSERT INTO written (what) VALUES ('a')`)
        })
        // The third run alone.
        const counting = Effect.andThen(Effect.sleep("100 seconds"), Effect.sync(() => isCounting = true))
        yield* Effect.forkChild(counting)
        yield* up(150, eachMinute, { name, catchUp, work, around })
        assert.deepStrictEqual<ReadonlyArray<string>>(statements, expected, name)
      }
    }))

  it.effect("a run that fails after its guard is reported, and is not repeated", () =>
    Effect.gen(function*() {
      const { database, starts, up } = yield* makeService
      database.exec("CREATE TABLE written (what TEXT)")
      const work = Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* ClusterLoop.guard(sql`INSERT INTO written VALUES ('a')`)
        return yield* Effect.fail("too late")
      })
      yield* quiet(up(130, eachMinute, { work }))
      assert.deepStrictEqual(starts, [60, 120])
      assert.strictEqual(database.prepare("SELECT * FROM written").all().length, 2)
    }))

  it.effect("a run whose guarded write fails is repeated", () =>
    Effect.gen(function*() {
      const { database, slots, starts, up } = yield* makeService
      database.exec("CREATE TABLE written (what TEXT)")
      let runs = 0
      const work = Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const write = sql`INSERT INTO written VALUES ('a')`
        yield* ClusterLoop.guard(++runs === 1 ? Effect.andThen(write, Effect.fail("no")) : write)
      })
      yield* quiet(up(130, eachMinute, { work }))
      assert.deepStrictEqual(starts, [60, 62, 120])
      assert.deepStrictEqual(slots, [60, 60, 120])
      assert.strictEqual(database.prepare("SELECT * FROM written").all().length, 2)
    }))

  it.effect("keeps out an owner that another one has replaced: it ends, and takes over again", () =>
    Effect.gen(function*() {
      const { database, starts, up } = yield* makeService
      database.exec("CREATE TABLE written (what TEXT)")
      const seen: Array<unknown> = []
      const work = Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        if (seen.length === 0) database.exec("UPDATE effect_wait_loops SET token = token + 1, owner = 'b:1'")
        yield* ClusterLoop.guard(sql`INSERT INTO written VALUES ('a')`).pipe(
          Effect.onExit((exit) => Effect.sync(() => seen.push(Exit.isSuccess(exit))))
        )
      })
      yield* quiet(up(130, eachMinute, { work }))
      assert.deepStrictEqual(seen, [false, true, true])
      assert.deepStrictEqual([starts[0], starts.at(-1)], [60, 120])
      assert.strictEqual(database.prepare("SELECT * FROM written").all().length, 2)
    }))

  it.effect("dies outside of a run, and without a database", () =>
    Effect.gen(function*() {
      const outside = yield* Effect.exit(ClusterLoop.guard(Effect.void))
      assert.include(
        String(Exit.isFailure(outside) && outside.cause),
        "works in the run of a ClusterLoop that remembers"
      )
      let seen = ""
      const run = Effect.onExit(
        ClusterLoop.guard(Effect.void),
        (exit) => Effect.sync(() => seen = String(Exit.isFailure(exit) && exit.cause))
      )
      const loop = ClusterLoop.layer(run, eachMinute, { name: "job" })
      yield* quiet(Effect.scoped(Effect.andThen(
        Layer.build(Layer.provide(loop, ClusterLoop.layerEmbedded)),
        TestClock.adjust("61 seconds")
      )))
      assert.include(seen, `provide the SqlClient of Postgres or SQLite to the layer of the loop "job"`)
    }))
})

describe("a store of files", () => {
  it.effect("goes on through restarts of a cluster of one", () =>
    Effect.gen(function*() {
      const memories = new Map<string, LoopStore.Memory>()
      const store = LoopStore.make({
        load: (name) => Effect.sync(() => memories.get(name)),
        save: (name, memory) => Effect.sync(() => memories.set(name, memory))
      })
      const { run, starts } = yield* makeService
      for (let i = 0; i < 5; i++) {
        const loop = ClusterLoop.layer(run, Period.sliding("1 minute"), { name: "job" })
        yield* Effect.scoped(Effect.andThen(
          Layer.build(Layer.provide(loop, ClusterLoop.layerEmbedded)),
          TestClock.adjust(25 * second)
        )).pipe(Effect.provideService(LoopStore.LoopStore, store))
      }
      assert.deepStrictEqual(starts, [0, 60, 120])
      assert.strictEqual(Math.round(memories.get("job")!.due! / second), 180)
    }))
})
