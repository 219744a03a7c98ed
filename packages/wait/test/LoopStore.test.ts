/** What loops remember: exact starts through restarts, stores that are away, and content that is no memory. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, type Cron, type Duration, Effect, Exit, Logger, Option, References, type Schedule, Scope } from "effect"
import { Backoff, Jitter, Limit, Loop, Period } from "effect-wait"
import * as LoopStore from "effect-wait/LoopStore"
import { TestClock } from "effect/testing"
import { withWall } from "../src/internal/clockOf.ts"
import { withDraws } from "./support.ts"

const minute = 60_000
const quiet = Effect.provide(Logger.layer([]))

type AnySchedule = Schedule.Schedule<unknown, unknown, Cron.CronParseError>

interface Options {
  readonly name?: string
  readonly catchUp?: Loop.CatchUp
  readonly immediate?: true | undefined
  readonly initialDelay?: Duration.Input | undefined
  readonly work?: Effect.Effect<unknown>
  readonly last?: (loop: Loop.Loop<unknown, unknown>) => Effect.Effect<void>
}

/** A loop that is built and closed again and again, on one store. Times are in minutes. */
const makeService = Effect.sync(() => {
  const memories = new Map<string, LoopStore.Memory>()
  let writes = 0
  const store = LoopStore.make({
    load: (name) => Effect.sync(() => memories.get(name)),
    save: (name, memory) =>
      Effect.sync(() => {
        writes++
        memories.set(name, memory)
      })
  })
  const starts: Array<number> = []
  const run = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now / minute))
  /** The service runs for so many minutes. Gives the status at the end. */
  const up = (
    minutes: number,
    schedule: AnySchedule,
    { catchUp = {}, immediate, initialDelay, name = "job", last = () => Effect.void, work = Effect.void }: Options = {}
  ) =>
    Effect.gen(function*() {
      const options = { catchUp, immediate, initialDelay, name }
      const loop = yield* Loop.forkScoped(Effect.andThen(run, work), schedule, options)
      yield* TestClock.adjust(minutes * minute)
      yield* last(loop)
      return yield* loop.status
    }).pipe(Effect.scoped, Effect.provideService(LoopStore.LoopStore, store))
  const down = (minutes: number) => TestClock.adjust(minutes * minute)
  const writesOf = Effect.sync(() => writes)
  return { down, memories, starts, store, up, writesOf }
})

const hourly = Period.cron("0 * * * *", { timeZone: "UTC" })

describe("a calendar through restarts", () => {
  it.effect.each(
    [
      // Up for 90 minutes, away until 315, up for 60.
      ["skip", [60, 360], 4],
      ["one", [60, 315, 360], 3],
      ["all", [60, 315, 315, 315, 315, 360], 0]
    ] as const
  )("catches up with %s", ([missed, expected, lost]) =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(90, hourly, { catchUp: { missed } })
      yield* down(225)
      const status = yield* up(60, hourly, { catchUp: { missed } })
      assert.deepStrictEqual<ReadonlyArray<number>>(starts, expected)
      assert.strictEqual(status.missed, lost)
    }))

  it.effect.each(
    [
      ["skip", [60, 360], 4],
      ["one", [60, 315, 360], 3],
      ["all", [60, 315, 315, 360], 2]
    ] as const
  )("leaves slots out that are older than the window, with %s", ([missed, expected, lost]) =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(90, hourly, { catchUp: { missed, window: "75 minutes" } })
      yield* down(225)
      const status = yield* up(60, hourly, { catchUp: { missed, window: "75 minutes" } })
      assert.deepStrictEqual<ReadonlyArray<number>>(starts, expected)
      assert.strictEqual(status.missed, lost)
    }))

  it.effect("a window that is over leaves out all", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(90, hourly)
      yield* down(225)
      const status = yield* up(60, hourly, { catchUp: { missed: "all", window: "10 minutes" } })
      assert.deepStrictEqual(starts, [60, 360])
      assert.strictEqual(status.missed, 4)
    }))

  it.effect("a slot that is as old as the window runs", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(90, hourly)
      yield* down(40)
      yield* up(20, hourly, { catchUp: { window: "10 minutes" } })
      assert.deepStrictEqual(starts, [60, 130])
    }))

  it.effect("no slot runs twice in deploys within an hour, and none is lost", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      for (let i = 0; i < 20; i++) yield* up(13, hourly)
      assert.deepStrictEqual(starts, [60, 120, 180, 240])
    }))

  it.effect("a slot that passed before the first run of a new loop is owed", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(50, hourly)
      yield* down(20)
      yield* up(20, hourly)
      assert.deepStrictEqual(starts, [70])
    }))

  it.effect("the memory beats immediate", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      yield* up(70, hourly)
      yield* up(20, hourly, { immediate: true })
      assert.deepStrictEqual(starts, [60])
    }))

  it.effect("all catches up without jitter, one by one, while runs take long", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      const jittered = Jitter.additive(hourly, 1)
      const options = { work: Effect.sleep("7 minutes"), catchUp: { missed: "all" } } as const
      yield* up(110, jittered, options)
      yield* down(195)
      const status = yield* up(120, jittered, options)
      assert.deepStrictEqual(starts, [90, 305, 312, 319, 326, 390])
      assert.strictEqual(status.missed, 0)
    }).pipe(withDraws(0.5)))

  it.effect("a jittered delay that is not over goes on", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      const jittered = Jitter.additive(hourly, 0.5)
      yield* up(61, jittered, { catchUp: { missed: "skip" } })
      yield* down(9)
      yield* up(60, jittered, { catchUp: { missed: "skip" } })
      assert.deepStrictEqual(starts, [75])
    }).pipe(withDraws(0.5)))

  it.effect("runs that a cap puts between the slots take no slot, and are not owed", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      const capped = Limit.delay(hourly, "25 minutes")
      yield* up(10, capped)
      yield* down(5)
      yield* up(60, capped)
      yield* down(20)
      yield* up(30, capped)
      assert.deepStrictEqual(starts, [25, 50, 60, 120])
    }))
})

describe("a ticker through restarts", () => {
  it.effect.each(
    [
      ["skip", [0, 10, 20, 60, 70], 3],
      ["one", [0, 10, 20, 55, 60, 70], 2],
      ["all", [0, 10, 20, 55, 55, 55, 60, 70], 0]
    ] as const
  )("keeps its grid, and catches up with %s", ([missed, expected, lost]) =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(25, Period.ticker("10 minutes"), { catchUp: { missed } })
      yield* down(30)
      const status = yield* up(15, Period.ticker("10 minutes"), { catchUp: { missed } })
      assert.deepStrictEqual<ReadonlyArray<number>>(starts, expected)
      assert.strictEqual(status.missed, lost)
    }))

  it.effect("leaves slots out that are older than the window", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(25, Period.ticker("10 minutes"))
      yield* down(30)
      const status = yield* up(15, Period.ticker("10 minutes"), { catchUp: { missed: "all", window: "15 minutes" } })
      assert.deepStrictEqual(starts, [0, 10, 20, 55, 55, 60, 70])
      assert.strictEqual(status.missed, 1)
    }))

  it.effect("catches up one by one while runs take long, and then follows its own option", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      const options = { catchUp: { missed: "all" }, work: Effect.sleep("4 minutes") } as const
      yield* up(25, Period.ticker("10 minutes", { missed: "skip" }), options)
      yield* down(30)
      const status = yield* up(30, Period.ticker("10 minutes", { missed: "skip" }), options)
      assert.deepStrictEqual(starts, [0, 10, 20, 55, 59, 63, 70, 80])
      assert.strictEqual(status.missed, 1)
    }))

  it.effect("a first run that was cut is repeated in its slot", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(3, Period.ticker("10 minutes"), { work: Effect.never })
      yield* down(2)
      yield* up(20, Period.ticker("10 minutes"))
      assert.deepStrictEqual(starts, [0, 5, 10, 20])
    }))
})

describe("periods through restarts", () => {
  const deploys = (times: number, minutes: number, schedule: AnySchedule, work: Effect.Effect<unknown> = Effect.void) =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      for (let i = 0; i < times; i++) yield* up(minutes, schedule, { work })
      return starts
    })

  it.effect.each(
    [
      ["sliding", 8, 24, Period.sliding("60 minutes"), [0, 65, 130]],
      ["nonSliding", 6, 26, Period.nonSliding("60 minutes"), [0, 60, 120]],
      ["fromStart", 6, 26, Period.fromStart(Backoff.linear({ base: "60 minutes", cap: "2 hours" })), [0, 60, 120]],
      ["a growing delay", 3, 60, Backoff.exponential({ base: "20 minutes", cap: "2 hours" }), [
        0,
        25,
        70,
        95,
        140,
        165
      ]],
      ["jitter", 8, 24, Jitter.additive(Period.sliding("60 minutes"), 0.5), [0, 80, 160]],
      ["a limit", 6, 26, Limit.attempts(Period.sliding("40 minutes"), 3), [0, 45, 90, 135]]
    ] as const
  )("%s goes on with the rest of its delay", ([, times, minutes, schedule, expected]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual<ReadonlyArray<number>>(
        yield* deploys(times, minutes, schedule, Effect.sleep("5 minutes")),
        expected
      )
    }).pipe(withDraws(0.5)))

  it.effect("a run that is overdue starts at once, and once", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(5, Period.sliding("10 minutes"))
      yield* down(100)
      yield* up(15, Period.sliding("10 minutes"))
      assert.deepStrictEqual(starts, [0, 105, 115])
    }))

  it.effect("an hourly loop does not run at each of three deploys", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* deploys(8, 10, Period.sliding("1 hour")), [0, 60])
    }))

  it.effect("a period that never ends waits for a trigger, after a restart too", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      const trigger = { last: (loop: Loop.Loop<unknown, unknown>) => Effect.andThen(loop.trigger, TestClock.adjust(0)) }
      yield* up(5, Period.sliding("Infinity"), trigger)
      yield* up(5, Period.sliding("Infinity"), trigger)
      assert.deepStrictEqual(starts, [0, 5, 10])
    }))

  it.effect("a backoff goes on with the rest of its delay", () =>
    Effect.gen(function*() {
      const { starts, up, store } = yield* makeService
      const fails = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now / minute)).pipe(
        Effect.andThen(Effect.fail("no"))
      )
      const failing = (minutes: number) =>
        Loop.forkScoped(fails, Period.sliding("1 hour"), {
          name: "job",
          backoff: Backoff.exponential({ base: "30 minutes", cap: "1 hour" }),
          catchUp: {}
        }).pipe(
          Effect.andThen(TestClock.adjust(minutes * minute)),
          Effect.scoped,
          Effect.provideService(LoopStore.LoopStore, store)
        )
      yield* failing(10)
      yield* failing(10)
      yield* up(90, Period.sliding("1 hour"))
      assert.deepStrictEqual(starts, [0, 30, 90])
    }).pipe(quiet))
})

describe("a change between two deploys", () => {
  const from = (expression: string, timeZone = "UTC") => Period.cron(expression, { timeZone })

  it.effect("of an expression: slots of the new one that passed before the deploy are not owed", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      yield* up(251, from("0 3 * * *"))
      const status = yield* up(30, from("*/5 * * * *"), { catchUp: { missed: "all" } })
      assert.deepStrictEqual(starts, [180, 255, 260, 265, 270, 275, 280])
      assert.strictEqual(status.missed, 0)
    }))

  it.effect("of an expression: the slot of the old one that passed is owed once", () =>
    Effect.gen(function*() {
      for (const [missed, expected, lost] of [["all", [60, 250, 270], 0], ["skip", [60, 270], 1]] as const) {
        const begun = (yield* Clock.currentTimeMillis) / minute
        const { down, starts, up } = yield* makeService
        yield* up(100, hourly)
        yield* down(150)
        const status = yield* up(30, from("30 * * * *"), { catchUp: { missed } })
        assert.deepStrictEqual<ReadonlyArray<number>>(starts.map((start) => start - begun), expected)
        assert.strictEqual(status.missed, lost)
        yield* down(80)
      }
    }))

  it.effect("of a zone", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      yield* up(9 * 60, from("0 8 * * *"))
      yield* up(24 * 60, from("0 8 * * *", "America/New_York")) // 13:00 UTC
      assert.deepStrictEqual(starts, [8 * 60, 13 * 60])
    }))

  it.effect("of the interval of a ticker: the grid starts at the same anchor", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(5, Period.sliding("1 day"))
      const ticker = { name: "ticker" }
      yield* up(42, Period.ticker("10 minutes"), ticker)
      yield* up(20, Period.ticker("4 minutes"), ticker)
      assert.deepStrictEqual(starts, [0, 5, 15, 25, 35, 45, 49, 53, 57, 61, 65])
      yield* down(3)
      yield* up(60, Period.ticker("30 minutes"), ticker) // the slot at 69 is owed
      assert.deepStrictEqual(starts.slice(11), [70, 95, 125])
    }))

  it.effect("of a period: a shorter one applies at once, a longer one after the next run", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      yield* up(2, Period.sliding("1 hour"))
      yield* up(10, Period.sliding("5 minutes"))
      yield* up(70, Period.sliding("30 minutes"))
      assert.deepStrictEqual(starts, [0, 5, 10, 15, 45, 75])
    }))

  it.effect("of the kind of schedule", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      yield* up(10, Period.sliding("1 hour"))
      yield* up(55, hourly)
      yield* up(10, Period.sliding("20 minutes"))
      yield* up(20, Period.ticker("10 minutes"))
      assert.deepStrictEqual(starts, [0, 60, 75, 85, 95])
    }))

  it.effect("of the name: the loop is new", () =>
    Effect.gen(function*() {
      const { memories, starts, up } = yield* makeService
      yield* up(10, Period.sliding("1 hour"), { name: "a" })
      yield* up(10, Period.sliding("1 hour"), { name: "b" })
      yield* up(50, Period.sliding("1 hour"), { name: "a" })
      assert.deepStrictEqual(starts, [0, 10, 60])
      assert.deepStrictEqual([...memories.keys()], ["a", "b"])
    }))
})

describe("a wall clock that was wrong", () => {
  // The wall clock was set back by so much between two processes.
  const setBack = (schedule: AnySchedule, minutes: number) =>
    Effect.gen(function*() {
      const { memories, starts, up } = yield* makeService
      yield* up(65, schedule)
      const memory = memories.get("job")!
      const shift = (time: number | null) => time === null ? null : time + minutes * minute
      memories.set("job", {
        ...memory,
        written: memory.written + minutes * minute,
        anchor: shift(memory.anchor),
        slot: shift(memory.slot),
        nextSlot: shift(memory.nextSlot),
        due: shift(memory.due)
      })
      yield* up(180, schedule)
      return starts
    })

  it.effect.each(
    [
      // A year: what the memory says is read as if it were from now.
      ["sliding", Period.sliding("50 minutes"), 525_600, [0, 50, 115, 165, 215]],
      ["ticker", Period.ticker("50 minutes"), 525_600, [0, 50, 115, 165, 215]],
      ["a calendar", hourly, 525_600, [60, 120, 180, 240]],
      // A minute: no slot of the calendar runs again.
      ["a calendar, by a minute", Period.cron("30 1 * * *", { timeZone: "UTC" }), 1, [90]]
    ] as const
  )("a memory from the future: %s", ([, schedule, minutes, expected]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual<ReadonlyArray<number>>(yield* setBack(schedule, minutes), expected)
    }))

  it.effect("set back by a day while a calendar catches up: slots of that day are not owed", () =>
    Effect.gen(function*() {
      const { down, store, up } = yield* makeService
      yield* down(2 * 1440)
      yield* up(110, hourly)
      yield* down(195)
      const clock = yield* Clock.Clock
      const starts: Array<number> = []
      const begun = clock.currentTimeMillisUnsafe()
      const work = Effect.andThen(
        Effect.sync(() => starts.push((clock.currentTimeMillisUnsafe() - begun) / minute)),
        Effect.sleep("7 minutes")
      )
      const wall = () => clock.currentTimeMillisUnsafe() - (starts.length > 1 ? 1440 * minute : 0)
      yield* Loop.forkScoped(work, hourly, { name: "job", catchUp: { missed: "all" } }).pipe(
        Effect.provideService(LoopStore.LoopStore, store),
        Effect.provideService(Clock.Clock, withWall(clock, wall))
      )
      yield* TestClock.adjust(150 * minute)
      assert.deepStrictEqual(starts, [0, 7, 55, 115])
    }))

  it.effect("a memory from long ago: the window bounds what is owed", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(65, hourly)
      yield* down(525_600)
      const status = yield* up(30, hourly, { catchUp: { missed: "all", window: "2 hours" } })
      assert.deepStrictEqual(starts, [60, 525_665, 525_665])
      assert.strictEqual(status.missed, 8758)
    }))
})

describe("a pause", () => {
  const pause = { last: (loop: Loop.Loop<unknown, unknown>) => loop.pause }
  const resume = { last: (loop: Loop.Loop<unknown, unknown>) => loop.resume }

  it.effect("outlives restarts, and so does a resume", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      yield* up(5, Period.sliding("10 minutes"), pause)
      assert.strictEqual((yield* up(25, Period.sliding("10 minutes"))).state, "paused")
      assert.strictEqual((yield* up(5, Period.sliding("10 minutes"), resume)).state, "waiting")
      yield* up(15, Period.sliding("10 minutes"))
      assert.deepStrictEqual(starts, [0, 35, 45])
    }))

  it.effect("before the first run outlives a restart", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      yield* up(5, Period.sliding("10 minutes"), { ...pause, initialDelay: "1 hour" })
      assert.strictEqual((yield* up(25, Period.sliding("10 minutes"), resume)).state, "waiting")
      yield* up(15, Period.sliding("10 minutes"))
      assert.deepStrictEqual(starts, [30, 40])
    }))

  it.effect("the slots of a pause are missed, and not owed", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      yield* up(65, hourly, pause)
      yield* down(120)
      const resumed = yield* up(10, hourly, { ...resume, catchUp: { missed: "all" } })
      assert.strictEqual(resumed.missed, 2)
      const status = yield* up(60, hourly, { catchUp: { missed: "all" } })
      assert.deepStrictEqual(starts, [60, 240])
      assert.strictEqual(status.missed, 0)
    }))

  it.effect("the slots of a pause that ended in a process are not owed to the next one; those after it are", () =>
    Effect.gen(function*() {
      for (const schedule of [hourly, Period.ticker("1 hour").pipe(Jitter.additive(0))]) {
        const begun = (yield* Clock.currentTimeMillis) / minute
        const { down, starts, up } = yield* makeService
        yield* up(65, schedule, {
          last: (loop) => Effect.andThen(loop.pause, Effect.andThen(TestClock.adjust("150 minutes"), loop.resume))
        })
        yield* down(100) // 315: the slots at 240 and 300 are owed
        yield* up(5, schedule, { catchUp: { missed: "all" } })
        assert.deepStrictEqual(starts.map((start) => start - begun).filter((start) => start > 0), [60, 315, 315])
        yield* down(40)
      }
    }))

  it.effect("a trigger runs once, and the loop stays paused through a restart", () =>
    Effect.gen(function*() {
      const { starts, up } = yield* makeService
      yield* up(5, Period.sliding("10 minutes"), pause)
      yield* up(5, Period.sliding("10 minutes"), {
        last: (loop) => Effect.andThen(loop.trigger, TestClock.adjust(0))
      })
      assert.strictEqual((yield* up(30, Period.sliding("10 minutes"))).state, "paused")
      assert.deepStrictEqual(starts, [0, 10])
    }))
})

describe("what a loop writes", () => {
  it.effect("nothing after a failure that ends the loop: its slot comes again", () =>
    Effect.gen(function*() {
      const { down, starts, store, up, writesOf } = yield* makeService
      const failing = Loop.forkScoped(Effect.fail("no"), hourly, { name: "job", catchUp: {} }).pipe(
        Effect.provideService(LoopStore.LoopStore, store)
      )
      yield* Effect.scoped(Effect.andThen(failing, TestClock.adjust(65 * minute)))
      assert.strictEqual(yield* writesOf, 1)
      yield* down(5)
      yield* up(60, hourly)
      assert.deepStrictEqual(starts, [70, 120])
    }).pipe(quiet))

  it.effect("once when it is new, and once an iteration", () =>
    Effect.gen(function*() {
      const { up, writesOf } = yield* makeService
      yield* up(95, Period.sliding("10 minutes"))
      assert.strictEqual(yield* writesOf, 1 + 10)
      yield* up(95, Period.sliding("10 minutes"))
      assert.strictEqual(yield* writesOf, 1 + 10 + 10)
    }))

  it.effect("the last runs of an earlier process are in the status", () =>
    Effect.gen(function*() {
      const { up } = yield* makeService
      yield* up(25, Period.sliding("10 minutes"), { work: Effect.sleep("1 minute") })
      const { lastEnd, lastStart, lastSuccess, nextStart, runs } = yield* up(0, Period.sliding("10 minutes"))
      assert.deepStrictEqual(
        [lastStart, lastEnd, lastSuccess, nextStart].map((time) => Option.getOrThrow(time) / minute),
        [22, 23, 23, 33]
      )
      assert.strictEqual(runs, 0)
    }))

  it.effect("nothing without catchUp, and needs no store then", () =>
    Effect.gen(function*() {
      const { store, writesOf } = yield* makeService
      const loop = yield* Loop.forkScoped(Effect.void, Period.sliding("1 minute"), { name: "job" }).pipe(
        Effect.provideService(LoopStore.LoopStore, store)
      )
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* loop.status).runs, 11)
      assert.strictEqual(yield* writesOf, 0)
    }))

  it.effect("after the last run of a stop, and of a schedule that is done", () =>
    Effect.gen(function*() {
      const { down, starts, up } = yield* makeService
      const work = Effect.sleep("5 minutes")
      yield* up(62, hourly, {
        work,
        last: (loop) =>
          Effect.gen(function*() {
            yield* Effect.forkChild(loop.stop, { startImmediately: true })
            yield* TestClock.adjust("5 minutes")
          })
      })
      yield* up(65, Limit.attempts(hourly, 1), { work })
      yield* down(10)
      yield* up(58, Limit.attempts(hourly, 1), { work })
      yield* up(10, hourly, { work })
      assert.deepStrictEqual(starts, [60, 120, 180])
    }))
})

/** Draws by which a test kills. */
const drawsOf = (seed: number) => {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

describe("a process that is killed", () => {
  /**
   * A loop on a store that kills the process before or after some operations, and another process that starts seven minutes later.
   * Gives the slot of each run, in minutes, and the number of kills.
   */
  const killing = (
    schedule: AnySchedule,
    kills: (operation: number) => "before" | "after" | undefined,
    minutes: number
  ) =>
    Effect.gen(function*() {
      const memories = new Map<string, LoopStore.Memory>()
      const served: Array<number> = []
      let operation = 0
      let killed = 0
      const process = Effect.gen(function*() {
        let isDead = false
        const dying = <A>(effect: Effect.Effect<A>): Effect.Effect<A> =>
          Effect.suspend(() => {
            if (isDead) return Effect.never
            const when = kills(operation++)
            if (when === undefined) return effect
            isDead = true
            killed++
            return when === "before" ? Effect.never : Effect.andThen(effect, Effect.never)
          })
        const store = LoopStore.make({
          load: (name) => dying(Effect.sync(() => memories.get(name))),
          save: (name, memory) => dying(Effect.sync(() => memories.set(name, memory)))
        })
        const work = Effect.andThen(
          Effect.sync(() => served.push(memories.get("job")!.nextSlot! / minute)),
          Effect.sleep("3 minutes")
        )
        const scope = yield* Scope.make()
        yield* Loop.forkScoped(work, schedule, { name: "job", catchUp: { missed: "all" } }).pipe(
          Scope.provide(scope),
          Effect.provideService(LoopStore.LoopStore, store)
        )
        while (!isDead && (yield* Clock.currentTimeMillis) < minutes * minute) yield* TestClock.adjust("1 minute")
        yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        yield* TestClock.adjust("7 minutes")
      })
      while ((yield* Clock.currentTimeMillis) < minutes * minute) yield* process
      return { killed, served }
    }).pipe(quiet, Effect.provide(TestClock.layer()))

  const slots = (from: number, until: number, step: number) =>
    Array.from({ length: (until - from) / step + 1 }, (_, i) => from + i * step)

  it.effect.each(
    [
      ["hourly", hourly, slots(60, 600, 60), 630],
      ["a ticker", Period.ticker("1 hour"), slots(0, 600, 60), 630]
    ] as const
  )("by the store, at any operation: no slot of %s is lost, and only the one in flight is repeated", (
    [, schedule, all, until]
  ) =>
    Effect.gen(function*() {
      for (const when of ["before", "after"] as const) {
        for (let at = 0; at < 12; at++) {
          const { killed, served } = yield* killing(schedule, (operation) => operation === at ? when : undefined, until)
          const hint = `${when} operation ${at}: ${served}`
          // Without a memory there is no grid: a ticker that is killed before its first write starts another one.
          assert.deepStrictEqual([...new Set(served)].map((slot) => slot - served[0]! + all[0]!), all, hint)
          assert.strictEqual(killed, 1, hint)
          // A save that has reached the store is not repeated: a kill after it costs nothing. The first two are no saves of runs.
          const isRepeated = when === "before" && at >= 2
          assert.strictEqual(served.length, all.length + (isRepeated ? 1 : 0), hint)
        }
      }
    }))

  it.effect("again and again", () =>
    Effect.gen(function*() {
      let repeats = 0
      let kills = 0
      for (let seed = 1; seed <= 40; seed++) {
        const draw = drawsOf(seed * 7919)
        const kill = () => draw() < 0.3 ? draw() < 0.5 ? "before" : "after" : undefined
        // A slot that passes during a run follows the schedule's own option.
        const schedule = seed % 2 === 0
          ? Period.cron("*/30 * * * *", { timeZone: "UTC", missed: "all" })
          : Period.ticker("30 minutes", { missed: "all" })
        const { killed, served } = yield* killing(schedule, kill, 720)
        const seen = [...new Set(served)]
        assert.deepStrictEqual(seen, slots(served[0]!, seen.at(-1)!, 30), `seed ${seed}: ${served}`)
        assert.isAtMost(served[0]!, 60, `seed ${seed}: ${served}`)
        assert.isAtLeast(seen.at(-1)!, 660, `seed ${seed}: ${served}`)
        assert.deepStrictEqual(served, served.toSorted((a, b) => a - b), `seed ${seed}`)
        assert.isAtMost(served.length - seen.length, killed, `seed ${seed}`)
        kills += killed
        repeats += served.length - seen.length
      }
      assert.isAbove(kills, 200)
      assert.isAbove(repeats, 50)
    }))
})

describe("a store that is away", () => {
  /** A store that fails or does not answer for some time, in milliseconds; all times by the clock of the test. */
  const flaky = (how: "fails" | "never answers", from: number, until: number) => {
    const memories = new Map<string, LoopStore.Memory>()
    const down = <A>(name: string, effect: Effect.Effect<A>) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now): Effect.Effect<A, LoopStore.LoopStoreError> =>
          now < from || now >= until ? effect : how === "never answers" ? Effect.never : Effect.fail(
            new LoopStore.LoopStoreError({ name, key: `key of ${name}`, reason: "unavailable", message: "away" })
          )
      )
    return LoopStore.make({
      load: (name) => down(name, Effect.sync(() => memories.get(name))),
      save: (name, memory) => down(name, Effect.sync(() => memories.set(name, memory)))
    })
  }

  const loopOn = (store: LoopStore.LoopStore["Service"], starts: Array<number>) =>
    Loop.forkScoped(
      Effect.map(Clock.currentTimeMillis, (now) => starts.push(now)),
      Period.sliding("1 minute"),
      { name: "job", catchUp: {} }
    ).pipe(Effect.provideService(LoopStore.LoopStore, store))

  const logging = () => {
    const entries: Array<unknown> = []
    const logger = Logger.make(({ fiber, logLevel, message }) => {
      entries.push([logLevel, ...(message as Array<unknown>), fiber.getRef(References.CurrentLogAnnotations)["loop"]])
    })
    return { entries, layer: Logger.layer([logger]) }
  }

  it.effect("at the start: no run, a Warn for each try, and the status has the reason", () => {
    const { entries, layer } = logging()
    return Effect.gen(function*() {
      const starts: Array<number> = []
      const loop = yield* loopOn(flaky("fails", 0, 3000), starts)
      yield* TestClock.adjust(2000)
      assert.deepStrictEqual(starts, [])
      const { state, storeFailure } = yield* loop.status
      assert.strictEqual(state, "waiting")
      assert.strictEqual(Option.getOrThrow(storeFailure).message, "away")
      assert.strictEqual(JSON.parse(JSON.stringify(loop)).storeFailure, "away")
      yield* TestClock.adjust(62_000)
      assert.deepStrictEqual(starts, [3500, 63_500])
      assert.deepStrictEqual((yield* loop.status).storeFailure, Option.none())
      assert.isFalse("storeFailure" in JSON.parse(JSON.stringify(loop)))
      const warning = (delay: string) => [
        "Warn",
        `The store of this loop's memory is away; the next try is in ${delay}`,
        "away",
        "job"
      ]
      assert.deepStrictEqual(entries, [warning("500ms"), warning("1s"), warning("2s")])
    }).pipe(withDraws(0), Effect.provide(layer))
  })

  it.effect("that does not answer is away after ten seconds", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const loop = yield* loopOn(flaky("never answers", 0, 5000), starts)
      yield* TestClock.adjust(10_000)
      assert.strictEqual(
        Option.getOrThrow((yield* loop.status).storeFailure).message,
        "The store has not answered for 10 seconds"
      )
      yield* TestClock.adjust(3000)
      assert.deepStrictEqual(starts.map((start) => start > 10_000), [true])
    }).pipe(withDraws(0), quiet))

  it.effect("after a run: the next run waits until the store has the last one", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      yield* loopOn(flaky("fails", 90_000, 200_000), starts)
      yield* TestClock.adjust(280_000)
      // The tries come at 120, 120.5, 121.5, 123.5, 127.5, 135.5, 151.5, 181.5 and 211.5 seconds.
      assert.deepStrictEqual(starts, [0, 60_000, 120_000, 211_500, 271_500])
    }).pipe(withDraws(0), quiet))

  it.effect("and a stop: the loop ends at once while it waits, and its last slot comes again", () => {
    const { entries, layer } = logging()
    return Effect.gen(function*() {
      const starts: Array<number> = []
      const store = flaky("fails", 60_000, 70_000)
      const loop = yield* loopOn(store, starts)
      yield* TestClock.adjust(61_000)
      yield* loop.stop
      assert.deepStrictEqual(entries.at(-1), [
        "Error",
        "The loop has stopped, and its memory was not written: after the next start its last run is repeated",
        entries.flat().at(-2),
        "job"
      ])
      yield* TestClock.adjust(10_000)
      yield* loopOn(store, starts)
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(starts, [0, 60_000, 71_000])
    }).pipe(withDraws(0), Effect.provide(layer))
  })

  it.effect("and the end of the Scope: it waits a second for a write in flight", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const scope = yield* Scope.make()
      yield* Scope.provide(loopOn(flaky("never answers", 60_000, Infinity), starts), scope)
      yield* TestClock.adjust(61_000)
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* TestClock.adjust(999)
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.isDefined(closing.pollUnsafe())
      assert.deepStrictEqual(starts, [0, 60_000])
    }).pipe(withDraws(0), quiet))

  it.effect("a write in flight at a stop ends, and so does one at the end of the Scope", () =>
    Effect.gen(function*() {
      for (const end of ["stop", "close"] as const) {
        const begun = yield* Clock.currentTimeMillis
        const saved: Array<number> = []
        const store = LoopStore.make({
          load: () => Effect.undefined,
          save: () =>
            Effect.andThen(Effect.sleep(500), Effect.map(Clock.currentTimeMillis, (now) => saved.push(now - begun)))
        })
        const scope = yield* Scope.make()
        const starts: Array<number> = []
        const loop = yield* Scope.provide(loopOn(store, starts), scope)
        yield* TestClock.adjust(700) // the first run started at 500
        yield* Effect.forkChild(end === "stop" ? loop.stop : Scope.close(scope, Exit.void), { startImmediately: true })
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(starts.map((start) => start - begun), [500])
        assert.deepStrictEqual(saved, [500, 1000])
        assert.isDefined(yield* Effect.timeoutOption(Effect.forkChild(loop.await), 0))
        assert.strictEqual((yield* loop.status).state, "ended")
      }
    }))

  it.effect("a pause takes effect at once, and completes when the store has it", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const loop = yield* loopOn(flaky("fails", 30_000, 90_000), starts)
      yield* TestClock.adjust(30_000)
      const pausing = yield* Effect.forkChild(loop.pause, { startImmediately: true })
      yield* TestClock.adjust(59_000)
      assert.strictEqual((yield* loop.status).state, "paused")
      assert.isUndefined(pausing.pollUnsafe())
      yield* TestClock.adjust(31_000)
      assert.isDefined(pausing.pollUnsafe())
      assert.deepStrictEqual(starts, [0])
    }).pipe(withDraws(0), quiet))

  it.effect("a pause during a slow write is what the store has in the end", () =>
    Effect.gen(function*() {
      const memories = new Map<string, LoopStore.Memory>()
      let saves = 0
      const store = LoopStore.make({
        load: (name) => Effect.sync(() => memories.get(name)),
        // The first write of a run takes longer than all others.
        save: (name, memory) =>
          Effect.andThen(Effect.sleep(++saves === 2 ? 500 : 10), Effect.sync(() => memories.set(name, memory)))
      })
      const loop = yield* loopOn(store, [])
      yield* TestClock.adjust(100)
      yield* Effect.forkChild(loop.pause, { startImmediately: true })
      yield* TestClock.adjust(1000)
      assert.strictEqual(saves, 3)
      assert.isTrue(memories.get("job")?.paused)
    }))

  it.effect("the time of a write is part of the delay", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const save = () => Effect.sleep("10 seconds").pipe(Effect.timeout("9 seconds"), Effect.ignore)
      yield* loopOn(LoopStore.make({ load: () => Effect.undefined, save }), starts)
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(starts, [9000, 69_000, 129_000])
    }))

  it.effect("a pause and a resume before the memory was read beat it", () =>
    Effect.gen(function*() {
      const starts: Array<number> = []
      const store = flaky("fails", 100_000, 110_000)
      yield* Effect.scoped(Effect.andThen(loopOn(store, starts), TestClock.adjust(100_000)))
      const loop = yield* loopOn(store, starts)
      yield* TestClock.adjust(1000)
      yield* loop.pause
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(starts, [0, 60_000])
      assert.isTrue((yield* store.load("job"))?.paused)
    }).pipe(withDraws(0), quiet))
})
