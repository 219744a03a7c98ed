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
      const loop = ClusterLoop.layer({ name, run: Effect.andThen(run, work), schedule, catchUp, immediate, backoff })
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
      const around: Around = (_, statement) => Effect.suspend(() => (statements++, statement))
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
        "Warn This loop remembers nothing through a hand-over: its schedule is not one"
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
        const loop = ClusterLoop.layer({ name: "job", run, schedule: Period.sliding("1 minute") })
        yield* Effect.scoped(Effect.andThen(
          Layer.build(Layer.provide(loop, ClusterLoop.layerEmbedded)),
          TestClock.adjust(25 * second)
        )).pipe(Effect.provideService(LoopStore.LoopStore, store))
      }
      assert.deepStrictEqual(starts, [0, 60, 120])
      assert.strictEqual(Math.round(memories.get("job")!.due! / second), 180)
    }))
})
