/** No slot twice, none lost: whatever timers, the wall clock and the calendar do. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, type Cron, DateTime, Duration, Effect, Exit, Schedule } from "effect"
import { Jitter, Limit, Loop, Period, Timeline } from "effect-wait"
import { TestClock } from "effect/testing"
import { clockOf } from "../src/internal/clockOf.ts"
import { makeWork, withDraws } from "./support.ts"

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const epochMillis = (iso: string): number => DateTime.toEpochMillis(DateTime.makeUnsafe(iso))
const iso = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

type Slots = Schedule.Schedule<number, unknown, Cron.CronParseError>

/** Three ways to repeat work. The loop that others can see tells how many slots it missed, once it has ended. */
const drivers = {
  "Loop.run": (work: Effect.Effect<void, "over">, schedule: Slots) => Loop.run(work, schedule, { immediate: true }),
  "Effect.repeat": (work: Effect.Effect<void, "over">, schedule: Slots) => Effect.repeat(work, schedule),
  "Loop.forkScoped": (work: Effect.Effect<void, "over">, schedule: Slots) =>
    Effect.scoped(Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(work, schedule, { immediate: true })
      yield* loop.await
      return (yield* loop.status).missed
    }))
}

type Driver = keyof typeof drivers
const driverNames: ReadonlyArray<Driver> = ["Loop.run", "Effect.repeat", "Loop.forkScoped"]

interface World {
  /** When it begins, by the wall clock; default: the epoch. */
  readonly from?: string
  /** No run starts after so long. */
  readonly until: Duration.Input
  /** How much later than asked a sleep ends, by when it was to end and its number from 1 on; less than 0 is early. */
  readonly late?: (wake: number, sleep: number) => number
  /** From when on the wall clock is off, and by how much. */
  readonly step?: readonly [at: number, by: number]
  /** How long the runs take, in turn; the last one from then on. */
  readonly work?: ReadonlyArray<number>
}

/**
 * What runs in such a world, where sleeps take no time: when runs started, in milliseconds since the beginning and by the
 * wall clock, and how late each sleep ended.
 */
const simulate = (driver: Driver, schedule: Slots, { from, late = () => 0, step, until, work = [0] }: World) =>
  Effect.gen(function*() {
    const begun = from === undefined ? 0 : epochMillis(from)
    const end = Duration.toMillis(Duration.fromInputUnsafe(until))
    const starts: Array<number> = []
    const walls: Array<number> = []
    const lates: Array<number> = []
    let elapsed = 0
    const wall = () => begun + elapsed + (step !== undefined && elapsed >= step[0] ? step[1] : 0)
    const clock: Clock.Clock = {
      ...clockOf(() => elapsed, (duration) =>
        Effect.sync(() => {
          const asked = Duration.toMillis(duration)
          if (asked === 0) return
          lates.push(late(elapsed + asked, lates.length + 1))
          elapsed = Math.max(elapsed, elapsed + asked + lates[lates.length - 1]!)
        })),
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall)
    }
    const run = Effect.suspend(() => {
      if (elapsed > end || starts.length === 10_000) return Effect.fail("over" as const)
      starts.push(elapsed)
      walls.push(wall())
      elapsed += work[Math.min(starts.length, work.length) - 1] ?? 0
      return Effect.void
    })
    const exit = yield* drivers[driver](run, schedule).pipe(Effect.exit, Effect.provideService(Clock.Clock, clock))
    const missed = Exit.isSuccess(exit) ? exit.value : undefined
    return { starts, walls: walls.map(iso), lates, missed }
  })

/** Draws of 0 .. 1, always the same. */
const draws = (seed: number) => () => (seed = seed * 48_271 % 2_147_483_647) / 2_147_483_647

const utc = { timeZone: "UTC" }

/** Each sleep ends so much too early. */
const early = (by: number) => () => -by

/** The n-th sleep ends so much later than asked. */
const late = (delays: Readonly<Record<number, number>>) => (_: number, sleep: number) => delays[sleep] ?? 0

/** Timers that wake 0 to 30 ms late, and one in ten with all the others. */
const inBursts = () => {
  const draw = draws(2026)
  const untilBurst = (time: number) => Math.ceil(time / 421_000) * 421_000 - time
  return (wake: number) => draw() < 0.1 ? untilBurst(wake) : Math.floor(draw() * 31)
}

describe("a year of slots", () => {
  const clocks: ReadonlyArray<
    { readonly timers: string; readonly late: () => (wake: number) => number; readonly under: ReadonlyArray<Driver> }
  > = [
    { timers: "wake 1 ms early", late: () => early(1), under: driverNames },
    {
      timers: "wake 0 to 30 ms late, and one in ten in a burst",
      late: inBursts,
      under: ["Loop.run", "Effect.repeat"]
    }
  ]

  const hours = Array.from({ length: 8761 }, (_, i) => i * hour)

  // 04:00 on each day of 2026, by the offset from UTC as the year begins and ends, and the one between two dates.
  const daily = (
    timeZone: string,
    offset: number,
    changed: number,
    ...dates: readonly [since: string, until: string]
  ) => {
    const from = "2025-12-31T12:00:00Z"
    const [since, until] = [epochMillis(dates[0]), epochMillis(dates[1])]
    const days = Array.from({ length: 365 }, (_, i) => epochMillis("2026-01-01") + i * day)
    const slots = days.map((day) => day + (4 - (day >= since && day < until ? changed : offset)) * hour)
    return {
      name: `Period.cron("0 4 * * *") in ${timeZone}`,
      schedule: Period.cron("0 4 * * *", { timeZone }),
      from,
      starts: [0, ...slots.map((slot) => slot - epochMillis(from))]
    }
  }

  const cases: ReadonlyArray<
    { readonly name: string; readonly schedule: Slots; readonly from?: string; readonly starts: ReadonlyArray<number> }
  > = [
    { name: "Period.ticker(\"1 hour\")", schedule: Period.ticker("1 hour"), starts: hours },
    {
      name: "Period.ticker(\"1 hour\", { missed: \"skip\" })",
      schedule: Period.ticker("1 hour", { missed: "skip" }),
      starts: hours
    },
    { name: "Period.nonSliding(\"1 hour\")", schedule: Period.nonSliding("1 hour"), starts: hours },
    {
      name: "Period.cron(\"0 * * * *\")",
      schedule: Period.cron("0 * * * *", utc),
      from: "2025-12-31T23:30:00Z",
      starts: [0, ...hours.slice(0, -1).map((slot) => slot + 30 * minute)]
    },
    daily("Europe/Berlin", 1, 2, "2026-03-29", "2026-10-25"),
    daily("America/New_York", -5, -4, "2026-03-08", "2026-11-01"),
    daily("Australia/Lord_Howe", 11, 10.5, "2026-04-05", "2026-10-04")
  ]
  for (const { name, schedule, starts, ...world } of cases) {
    for (const { late, timers, under } of clocks) {
      for (const driver of under) {
        it.effect(
          `${name} starts ${starts.length} times where timers ${timers}, under ${driver}`,
          () =>
            Effect.gen(function*() {
              const until = starts[starts.length - 1]! + 30 * minute
              const seen = yield* simulate(driver, schedule, { ...world, until, late: late() })
              // One wake a start, and each start as late as its wake.
              assert.deepStrictEqual(seen.starts, starts.map((start, i) => i === 0 ? 0 : start + seen.lates[i - 1]!))
              if (driver === "Loop.forkScoped") assert.strictEqual(seen.missed, 0)
            }),
          30_000
        )
      }
    }
  }
})

describe("a year of five calendars in three zones", () => {
  const from = "2026-01-01T00:00:30Z"
  for (const timeZone of ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]) {
    for (const expression of ["0 4 * * *", "30 2 * * *", "*/30 9-17 * * 1-5", "0 */6 * * *", "15,45 1 13 * FRI"]) {
      it.effect(`${expression} in ${timeZone}: the same under all drivers, with timers 1 ms early and late in bursts`, () =>
        Effect.gen(function*() {
          const schedule = Period.cron(expression, { timeZone })
          const slots = Timeline.starts(yield* Timeline.simulate(schedule, { from, until: "365 days" }))
          assert.isAbove(slots.length, 50)
          for (const driver of driverNames) {
            for (const [name, late] of [["early", early(1)], ["bursts", inBursts()]] as const) {
              const { lates, missed, starts } = yield* simulate(driver, schedule, { from, until: "365 days", late })
              const runs = starts.slice(1)
              assert.deepStrictEqual(runs, slots.map((slot, i) => slot + lates[i]!), `${driver}, ${name}`)
              if (driver === "Loop.forkScoped") assert.strictEqual(missed, 0)
            }
          }
        }))
    }
  }
})

describe("a timer that wakes early", () => {
  for (const driver of driverNames) {
    for (const work of [0, 1, 400]) {
      it.effect(`at 03:59:59.999: one start a day, with runs of ${work} ms, under ${driver}`, () =>
        Effect.gen(function*() {
          const world = { from: "2026-01-01T03:00:00Z", until: "3 days", work: [work] } as const
          const always = yield* simulate(driver, Period.cron("0 4 * * *", utc), { ...world, late: early(1) })
          assert.deepStrictEqual(always.walls, [
            "2026-01-01T03:00:00.000Z",
            "2026-01-01T03:59:59.999Z",
            "2026-01-02T03:59:59.999Z",
            "2026-01-03T03:59:59.999Z"
          ])
          const once = yield* simulate(driver, Period.cron("0 4 * * *", utc), { ...world, late: late({ 1: -1 }) })
          assert.deepStrictEqual(once.walls, [
            "2026-01-01T03:00:00.000Z",
            "2026-01-01T03:59:59.999Z",
            "2026-01-02T04:00:00.000Z",
            "2026-01-03T04:00:00.000Z"
          ])
        }))
    }

    // 2 ms are the most that a timer is early.
    for (const by of [1, 2]) {
      it.effect(`by ${by} ms serves its slot and no other, under ${driver}`, () =>
        Effect.gen(function*() {
          const schedules = [
            Period.ticker("1 second"),
            Period.ticker("1 second", { missed: "skip" }),
            Period.nonSliding("1 second"),
            Period.cron("* * * * * *", utc)
          ]
          for (const schedule of schedules) {
            const { lates, missed, starts } = yield* simulate(driver, schedule, { until: "4 seconds", late: early(by) })
            assert.deepStrictEqual(starts, [0, 1000 - by, 2000 - by, 3000 - by, 4000 - by])
            assert.strictEqual(lates.length, 5)
            if (driver === "Loop.forkScoped") assert.strictEqual(missed, 0)
          }
        }))
    }
  }
})

describe("a calendar", () => {
  // The starts after the first run, in UTC.
  const cases: ReadonlyArray<{
    readonly name: string
    readonly cron: readonly [timeZone: string, expression: string]
    readonly from: string
    readonly until: Duration.Input
    readonly starts: ReadonlyArray<string>
  }> = [
    {
      name: "half past two is skipped in spring: at the end of the gap, three o'clock",
      cron: ["Europe/Berlin", "30 2 * * *"],
      from: "2026-03-27T12:00:00Z",
      until: "4 days",
      starts: ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30", "2026-03-31T00:30"]
    },
    {
      name: "half past two comes twice in autumn: one start, the first time",
      cron: ["Europe/Berlin", "30 2 * * *"],
      from: "2026-10-23T12:00:00Z",
      until: "3 days",
      starts: ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]
    },
    {
      name: "every real hour in spring",
      cron: ["Europe/Berlin", "0 * * * *"],
      from: "2026-03-28T22:30:00Z",
      until: "5 hours",
      starts: ["2026-03-28T23:00", "2026-03-29T00:00", "2026-03-29T01:00", "2026-03-29T02:00", "2026-03-29T03:00"]
    },
    {
      name: "every real hour in autumn, and two o'clock twice",
      cron: ["Europe/Berlin", "0 * * * *"],
      from: "2026-10-24T22:30:00Z",
      until: "5 hours",
      starts: ["2026-10-24T23:00", "2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00", "2026-10-25T03:00"]
    },
    {
      name: "a change by half an hour in spring: there is no two o'clock",
      cron: ["Australia/Lord_Howe", "0 * * * *"],
      from: "2026-10-03T14:00:00Z",
      until: "4 hours",
      starts: ["2026-10-03T14:30", "2026-10-03T16:00", "2026-10-03T17:00", "2026-10-03T18:00"]
    },
    {
      name: "a change by half an hour in autumn: half past one comes twice",
      cron: ["Australia/Lord_Howe", "0,30 * * * *"],
      from: "2026-04-04T13:45:00Z",
      until: "3 hours",
      starts: [
        "2026-04-04T14:00",
        "2026-04-04T14:30",
        "2026-04-04T15:00",
        "2026-04-04T15:30",
        "2026-04-04T16:00",
        "2026-04-04T16:30"
      ]
    },
    {
      name: "midnight is skipped in spring: one o'clock that day",
      cron: ["America/Havana", "0 0 * * *"],
      from: "2026-03-06T12:00:00Z",
      until: "4 days",
      starts: ["2026-03-07T05:00", "2026-03-08T05:00", "2026-03-09T04:00", "2026-03-10T04:00"]
    },
    {
      name: "midnight comes twice in autumn: one start, the first time",
      cron: ["America/Havana", "0 0 * * *"],
      from: "2026-10-30T12:00:00Z",
      until: "4 days",
      starts: ["2026-10-31T04:00", "2026-11-01T04:00", "2026-11-02T05:00", "2026-11-03T05:00"]
    },
    {
      name: "the new year where it begins first",
      cron: ["Pacific/Kiritimati", "0 0 1 1 *"],
      from: "2026-01-01T00:00:00Z",
      until: "730 days",
      starts: ["2026-12-31T10:00", "2027-12-31T10:00"]
    },
    {
      name: "the new year where it begins last",
      cron: ["Pacific/Pago_Pago", "0 0 1 1 *"],
      from: "2026-01-02T00:00:00Z",
      until: "730 days",
      starts: ["2027-01-01T11:00", "2028-01-01T11:00"]
    },
    {
      name: "midnight in a zone that is a quarter of an hour off",
      cron: ["Asia/Kathmandu", "0 0 * * *"],
      from: "2026-12-30T18:14:00Z",
      until: "2 days",
      starts: ["2026-12-30T18:15", "2026-12-31T18:15"]
    },
    {
      name: "Mondays by the day there: still Sunday in UTC",
      cron: ["Asia/Tokyo", "0 8 * * 1"],
      from: "2026-01-01T00:00:00Z",
      until: "20 days",
      starts: ["2026-01-04T23:00", "2026-01-11T23:00", "2026-01-18T23:00"]
    },
    {
      name: "a leap day: none in 2026 and 2027",
      cron: ["UTC", "0 0 29 2 *"],
      from: "2026-01-01T00:00:00Z",
      until: "2300 days",
      starts: ["2028-02-29T00:00", "2032-02-29T00:00"]
    },
    {
      name: "a leap day: none in 2100",
      cron: ["UTC", "0 0 29 2 *"],
      from: "2096-01-01T00:00:00Z",
      until: "3000 days",
      starts: ["2096-02-29T00:00", "2104-02-29T00:00"]
    },
    {
      name: "the 31st: seven times a year",
      cron: ["UTC", "0 0 31 * *"],
      from: "2026-01-01T00:00:00Z",
      until: "365 days",
      starts: ["01-31", "03-31", "05-31", "07-31", "08-31", "10-31", "12-31"].map((date) => `2026-${date}T00:00`)
    },
    {
      name: "the last second of the year",
      cron: ["UTC", "59 59 23 31 12 *"],
      from: "2026-01-01T00:00:00Z",
      until: "730 days",
      starts: ["2026-12-31T23:59:59", "2027-12-31T23:59:59"]
    },
    {
      name: "every twentieth second over the end of the year",
      cron: ["UTC", "*/20 * * * * *"],
      from: "2026-12-31T23:59:30Z",
      until: "1 minute",
      starts: ["2026-12-31T23:59:40", "2027-01-01T00:00:00", "2027-01-01T00:00:20"]
    }
  ]
  for (const { cron, from, name, starts, until } of cases) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const slots = starts.map(epochMillis)
        const [timeZone, expression] = cron
        const schedule = Period.cron(expression, { timeZone })
        for (const driver of driverNames) {
          for (const by of [0, 1]) {
            const { missed, walls } = yield* simulate(driver, schedule, { from, until, late: early(by) })
            assert.deepStrictEqual(walls.slice(1), slots.map((slot) => iso(slot - by)), driver)
            if (driver === "Loop.forkScoped") assert.strictEqual(missed, 0)
          }
        }
      }))
  }
})

describe("slots that passed without a run", () => {
  const schedules = {
    one: Period.ticker("1 second"),
    skip: Period.ticker("1 second", { missed: "skip" }),
    cron: Period.cron("* * * * * *", utc)
  }
  type Expected = readonly [missed: number, starts: ReadonlyArray<number>, underRepeat?: ReadonlyArray<number>]

  // Slot n is at n seconds. Run 0 is slot 0 of a ticker, and before the first slot of a calendar.
  const cases: ReadonlyArray<
    Pick<World, "late" | "work"> & { readonly name: string } & { readonly [name in keyof typeof schedules]?: Expected }
  > = [
    {
      name: "none",
      work: [400],
      one: [0, [0, 1000, 2000, 3000, 4000, 5000, 6000]],
      skip: [0, [0, 1000, 2000, 3000, 4000, 5000, 6000]],
      cron: [0, [0, 1000, 2000, 3000, 4000, 5000, 6000]]
    },
    {
      name: "2, during a run; kept, it is served late",
      work: [0, 1500, 0],
      one: [0, [0, 1000, 2500, 3000, 4000, 5000, 6000]],
      skip: [1, [0, 1000, 3000, 4000, 5000, 6000]],
      cron: [1, [0, 1000, 3000, 4000, 5000, 6000]]
    },
    {
      name: "2, 3 and 4, during a run; kept, the last is served late",
      work: [0, 3500, 0],
      one: [2, [0, 1000, 4500, 5000, 6000]],
      skip: [3, [0, 1000, 5000, 6000]],
      cron: [3, [0, 1000, 5000, 6000]]
    },
    {
      name: "2 and 3, during a run that ends at 4: a ticker serves that, a calendar looks for what comes after",
      work: [0, 3000, 0],
      one: [2, [0, 1000, 4000, 5000, 6000]],
      skip: [2, [0, 1000, 4000, 5000, 6000]],
      cron: [3, [0, 1000, 5000, 6000]]
    },
    {
      name: "1, 2 and 3, during the first run",
      work: [3500, 0],
      one: [2, [0, 3500, 4000, 5000, 6000]],
      skip: [3, [0, 4000, 5000, 6000]],
      cron: [3, [0, 4000, 5000, 6000]]
    },
    {
      name: "2, and later one of 3 and 4: they add up",
      work: [0, 1500, 1500, 0],
      one: [1, [0, 1000, 2500, 4000, 5000, 6000]],
      skip: [2, [0, 1000, 3000, 5000, 6000]],
      cron: [2, [0, 1000, 3000, 5000, 6000]]
    },
    {
      name: "3 and 4, when the timer of 2 wakes late: that run serves them",
      late: late({ 2: 2500 }),
      one: [2, [0, 1000, 4500, 5000, 6000], [0, 1000, 4500, 4500, 5000, 6000]],
      skip: [2, [0, 1000, 4500, 5000, 6000]],
      cron: [2, [0, 1000, 4500, 5000, 6000]]
    },
    {
      name: "3 and 4, when the timer of 2 wakes at 4: that run serves them",
      late: late({ 2: 2000 }),
      one: [2, [0, 1000, 4000, 5000, 6000], [0, 1000, 4000, 4000, 5000, 6000]],
      skip: [2, [0, 1000, 4000, 5000, 6000], [0, 1000, 4000, 4000, 5000, 6000]],
      cron: [2, [0, 1000, 4000, 5000, 6000]]
    },
    {
      name: "2 and 3, when the timer of 1 wakes late and its run is long; kept, the last is served late",
      late: late({ 1: 500 }),
      work: [0, 1700, 0],
      one: [1, [0, 1500, 3200, 4000, 5000, 6000]],
      skip: [2, [0, 1500, 4000, 5000, 6000]],
      cron: [2, [0, 1500, 4000, 5000, 6000]]
    }
  ]
  for (const { name, late, work, ...expected } of cases) {
    for (const [which, [missed, starts, underRepeat = starts]] of Object.entries(expected)) {
      it.effect(`${name} (${which}: ${missed} missed)`, () =>
        Effect.gen(function*() {
          for (const driver of driverNames) {
            const world = { until: "6 seconds", ...(late && { late }), ...(work && { work }) } as const
            const seen = yield* simulate(driver, schedules[which as keyof typeof schedules], world)
            // Effect's own driver does not tell a late wake from a long run.
            assert.deepStrictEqual(seen.starts, driver === "Effect.repeat" ? underRepeat : starts, driver)
            if (driver === "Loop.forkScoped") assert.strictEqual(seen.missed, missed)
          }
        }))
    }
  }

  it.effect("a calendar's are counted up to 10,000 at a time", () =>
    Effect.gen(function*() {
      const work = [0, 3 * hour, 999_000, 998_500, 0]
      const { missed, starts } = yield* simulate("Loop.forkScoped", schedules.cron, { until: 12_802_000, work })
      assert.deepStrictEqual(starts, [0, 1000, 10_802_000, 11_802_000, 12_801_000, 12_802_000])
      assert.strictEqual(missed, 10_000 - 1 + 999 + 998)
    }))

  it.effect("are told when the run has ended", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(makeWork(0, 3500, 0).run, schedules.skip)
      const seen: Array<number> = []
      for (const time of [1000, 3499, 1, 5000]) {
        yield* TestClock.adjust(time)
        seen.push((yield* loop.status).missed)
      }
      assert.deepStrictEqual(seen, [0, 0, 3, 3])
    }))
})

describe("a stall", () => {
  // The timer of the fifth slot is that late. Under Effect's own driver a late wake looks like a long run.
  const cases: ReadonlyArray<
    readonly [
      name: string,
      schedule: Slots,
      by: number,
      starts: ReadonlyArray<number>,
      underRepeat?: ReadonlyArray<number>
    ]
  > = [
    ["one: nothing at once", Period.ticker(100), 2950, [3450, 3500, 3600, 3700], [3450, 3450, 3500, 3600, 3700]],
    ["one: a slot just then", Period.ticker(100), 3000, [3500, 3600, 3700], [3500, 3500, 3600, 3700]],
    ["skip: nothing at once", Period.ticker(100, { missed: "skip" }), 2950, [3450, 3500, 3600, 3700]],
    ["skip: a slot just then", Period.ticker(100, { missed: "skip" }), 3000, [3500, 3600, 3700], [
      3500,
      3500,
      3600,
      3700
    ]],
    ["nonSliding: begins anew", Period.nonSliding(100), 2950, [3450, 3550, 3650], [3450, 3450, 3550, 3650]],
    ["nonSliding: begins anew", Period.nonSliding(100), 3000, [3500, 3600, 3700], [3500, 3500, 3600, 3700]],
    ["nonSliding: by a period, begins anew", Period.nonSliding(100), 100, [600, 700, 800], [600, 600, 700, 800]],
    ["nonSliding: by less, the next run is on time", Period.nonSliding(100), 99, [599, 600, 700, 800]]
  ]
  for (const [name, schedule, by, starts, underRepeat = starts] of cases) {
    it.effect(`of ${by} ms with slots of 100 ms, ${name}`, () =>
      Effect.gen(function*() {
        for (const driver of driverNames) {
          const world = { until: starts[starts.length - 1]!, late: late({ 5: by }) }
          const seen = yield* simulate(driver, schedule, world)
          const after = driver === "Effect.repeat" ? underRepeat : starts
          assert.deepStrictEqual(seen.starts, [0, 100, 200, 300, 400, ...after], driver)
        }
      }))
  }

  for (
    const [by, starts] of [
      [2950, [0, 1000, 2000, 5950, 6000, 7000]],
      [3000, [0, 1000, 2000, 6000, 7000]]
    ] as const
  ) {
    it.effect(`of ${by} ms with a calendar's slots each second: nothing at once`, () =>
      Effect.gen(function*() {
        for (const driver of driverNames) {
          const world = { until: "7 seconds", late: late({ 3: by }) } as const
          const seen = yield* simulate(driver, Period.cron("* * * * * *", utc), world)
          assert.deepStrictEqual(seen.starts, [...starts], driver)
        }
      }))
  }
})

describe("a wall clock that is stepped at 06:30, in the sleep before an hourly slot", () => {
  const before = ["03:20", "04:00", "05:00", "06:00"]
  // With times of day, and with `*` for the hour.
  const cases: ReadonlyArray<
    readonly [
      name: string,
      by: number,
      missed: number,
      fixed: ReadonlyArray<string>,
      wild?: ReadonlyArray<string>
    ]
  > = [
    ["forward by 10 minutes", 10 * minute, 0, ["07:10", "08:00", "09:00", "10:00", "11:00", "12:00"]],
    ["forward by 2 hours and 10 minutes", 130 * minute, 2, ["09:10", "10:00", "11:00", "12:00", "13:00", "14:00"]],
    [
      "back by 10 minutes",
      -10 * minute,
      0,
      ["06:50", "08:00", "09:00", "10:00", "11:00", "12:00"],
      ["06:50", "07:00", "08:00", "09:00", "10:00", "11:00", "12:00"]
    ],
    [
      "back by 2 hours",
      -2 * hour,
      0,
      ["05:00", "08:00", "09:00", "10:00"],
      ["05:00", "06:00", "07:00", "08:00", "09:00", "10:00"]
    ],
    [
      "back by 3 hours and a minute, the most that is a correction",
      -181 * minute,
      0,
      ["03:59", "08:00", "09:00"],
      ["03:59", "04:00", "05:00", "06:00", "07:00", "08:00", "09:00"]
    ],
    [
      "back by 3 hours and 2 minutes: it was wrong before",
      -182 * minute,
      0,
      ["03:58", "04:00", "05:00", "06:00", "07:00", "08:00", "09:00"]
    ],
    ["back by 5 hours: it was wrong before", -5 * hour, 0, ["02:00", "03:00", "04:00", "05:00", "06:00", "07:00"]]
  ]
  for (const [name, by, missed, fixed, wild = fixed] of cases) {
    it.effect(name, () =>
      Effect.gen(function*() {
        for (const [expression, after] of [["0 0-23 * * *", fixed], ["0 * * * *", wild]] as const) {
          for (const driver of driverNames) {
            const seen = yield* simulate(driver, Period.cron(expression, utc), {
              from: "2026-01-01T03:20:00Z",
              until: "9 hours",
              step: [190 * minute, by]
            })
            assert.deepStrictEqual(seen.walls.map((wall) => wall.slice(11, 16)), [...before, ...after], driver)
            if (driver === "Loop.forkScoped") assert.strictEqual(seen.missed, missed)
          }
        }
      }))
  }
})

describe("a wall clock that is stepped by whole hours, when timers wake early", () => {
  for (
    const [name, by, after] of [
      ["forward", 2 * hour, ["08:59:59.999", "09:59:59.999", "10:59:59.999"]],
      ["back", -5 * hour, ["01:59:59.999", "02:59:59.999", "03:59:59.999"]]
    ] as const
  ) {
    // Effect.repeat cannot tell a step forward from a long run.
    it.effect(`${name}: no two runs for one slot`, () =>
      Effect.gen(function*() {
        for (const driver of ["Loop.run", "Loop.forkScoped"] as const) {
          const seen = yield* simulate(driver, Period.cron("0 * * * *", utc), {
            from: "2026-01-01T05:30:00Z",
            until: "3.6 hours",
            late: early(1),
            step: [hour, by]
          })
          assert.deepStrictEqual(seen.walls.map((wall) => wall.slice(11, 23)), [
            "05:30:00.000",
            "05:59:59.999",
            ...after
          ])
        }
      }))
  }
})

describe("the hour that comes again in autumn, for an expression", () => {
  const cases: ReadonlyArray<readonly [name: string, expression: string, starts: ReadonlyArray<string>]> = [
    ["a time of day comes once", "30 2 * * *", ["00:30"]],
    ["an hourly slot goes on", "0 * * * *", ["00:00", "01:00", "02:00"]],
    ["every half hour goes on", "*/30 2 * * *", ["00:00", "00:30", "01:00", "01:30"]],
    ["with seconds, an hourly slot goes on", "0 0 */1 * * *", ["00:00", "01:00", "02:00"]],
    ["with seconds, a time of day comes once", "* 30 2 * * *", Array.from({ length: 60 }, () => "00:30")]
  ]
  for (const [name, expression, starts] of cases) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const { walls } = yield* simulate("Loop.run", Period.cron(expression, { timeZone: "Europe/Berlin" }), {
          from: "2026-10-24T23:45:00Z",
          until: "2.5 hours"
        })
        assert.deepStrictEqual(walls.slice(1).map((wall) => wall.slice(11, 16)), [...starts])
      }))
  }
})

describe("slots, when something else moves the runs", () => {
  const quarters = ["00:00", "00:25", "00:50", "01:00", "01:25", "01:50", "02:00"]
  const hourly = { "Period.ticker": Period.ticker("1 hour"), "Period.cron": Period.cron("0 * * * *", utc) }
  for (const [name, schedule] of Object.entries<Slots>(hourly)) {
    it.effect(`${name}: a shorter delay adds runs, and takes no slot away`, () =>
      Effect.gen(function*() {
        const limited = schedule.pipe(Limit.delay("25 minutes"))
        for (const driver of driverNames) {
          const { missed = 0, walls } = yield* simulate(driver, limited, { until: "2 hours" })
          assert.deepStrictEqual([walls.map((wall) => wall.slice(11, 16)), missed], [quarters, 0], driver)
        }
        const least = Schedule.min([schedule, Schedule.spaced("25 minutes")]).pipe(Schedule.map(() => 0))
        const { walls } = yield* simulate("Loop.run", least, { until: "2 hours" })
        assert.deepStrictEqual(walls.map((wall) => wall.slice(11, 16)), quarters)
      }))

    it.effect(`${name}: jitter moves the run of a slot, and adds none`, () =>
      Effect.gen(function*() {
        const jittered = schedule.pipe(Jitter.between(0.8, 1))
        for (const driver of driverNames) {
          const { missed = 0, starts } = yield* simulate(driver, jittered, { until: "100 hours" })
          const slots = starts.map((start) => Math.ceil(start / hour))
          assert.deepStrictEqual([slots, missed], [slots.map((_, i) => i), 0], driver)
          assert.isAbove(slots.length, 99)
        }
      }))

    it.effect(`${name}: a trigger adds a run to jittered slots, and takes none away`, () =>
      Effect.gen(function*() {
        const work = makeWork(0)
        const loop = yield* Loop.forkScoped(work.run, schedule.pipe(Jitter.between(0.9, 1)), { immediate: true }).pipe(
          withDraws(0.5)
        )
        for (const at of [20, 70, 80]) {
          yield* TestClock.setTime(at * minute)
          yield* loop.trigger
        }
        yield* TestClock.setTime(3 * hour)
        const minutes = work.starts.map((start) => Math.round(start / minute))
        assert.deepStrictEqual(minutes, [0, 20, 57, 70, 80, 117, 177])
      }))
  }
})

describe("a calendar's first slot", () => {
  it.effect("is served also when the loop begins a millisecond before it", () =>
    Effect.gen(function*() {
      for (const driver of driverNames) {
        const { missed = 0, starts } = yield* simulate(driver, Period.cron("* * * * *", utc), {
          from: "2026-01-01T00:00:59.999Z",
          until: "2 minutes"
        })
        assert.deepStrictEqual([starts, missed], [[0, 1, 60_001], 0])
      }
    }))
})

describe("a calendar's missed slots", () => {
  it.effect("are counted once, whatever is triggered later", () =>
    Effect.gen(function*() {
      const loop = yield* Loop.forkScoped(makeWork(3500, 0).run, Period.cron("* * * * * *", utc))
      yield* TestClock.adjust(4600)
      const missed: Array<number> = []
      for (const _ of Array.from({ length: 3 })) {
        yield* loop.trigger
        yield* TestClock.adjust(100)
        missed.push((yield* loop.status).missed)
      }
      assert.deepStrictEqual(missed, [3, 3, 3])
    }))
})
