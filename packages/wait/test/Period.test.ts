import { assert, describe, it } from "@effect/vitest"
import { Clock, Cron, DateTime, Duration, Effect, Exit, Schedule } from "effect"
import { Backoff, Limit, Loop, Period } from "effect-wait"
import { TestClock } from "effect/testing"
import { makeWork, observe, startsOf } from "./support.ts"

const timelines = [
  { name: "sliding", schedule: Period.sliding("1 second"), work: [400], starts: [0, 1400, 2800, 4200] },
  { name: "nonSliding", schedule: Period.nonSliding("1 second"), work: [400], starts: [0, 1000, 2000, 3000, 4000] },
  {
    name: "nonSliding with runs that overrun",
    schedule: Period.nonSliding("1 second"),
    work: [400, 800, 1200, 1600, 2000],
    starts: [0, 1000, 2000, 3200, 4800, 6800]
  },
  {
    name: "ticker that keeps a missed slot",
    schedule: Period.ticker("1 second"),
    work: [1500, 100],
    starts: [0, 1500, 2000, 3000]
  },
  {
    name: "ticker that skips missed slots",
    schedule: Period.ticker("1 second", { missed: "skip" }),
    work: [1500, 100],
    starts: [0, 2000, 3000, 4000]
  }
] as const

/** The wall times at which a cron schedule starts runs of this length, from `from` on, under both drivers. */
const cronStarts = Effect.fnUntraced(function*(
  options: { readonly expression: string; readonly timeZone?: string; readonly from: string; readonly days: number },
  drive: (
    work: Effect.Effect<void>,
    schedule: Schedule.Schedule<number, unknown, Cron.CronParseError>
  ) => Effect.Effect<
    unknown,
    unknown
  >
) {
  yield* TestClock.setTime(DateTime.toEpochMillis(DateTime.makeUnsafe(options.from)))
  const schedule = Period.cron(options.expression, { timeZone: options.timeZone })
  const work = makeWork(0)
  yield* observe(drive(work.run, schedule), `${options.days} days`)
  return work.starts.map((start) => DateTime.formatIso(DateTime.makeUnsafe(start)))
})

describe("Period.cron", () => {
  const cases = [
    {
      name: "a daily slot in UTC",
      options: { expression: "0 4 * * *", timeZone: "UTC", from: "2026-01-01T03:00:00Z", days: 2 },
      starts: ["2026-01-01T04:00:00.000Z", "2026-01-02T04:00:00.000Z"]
    },
    {
      name: "a slot at local time moves with daylight saving time",
      options: { expression: "0 4 * * *", timeZone: "Europe/Berlin", from: "2026-03-28T00:00:00Z", days: 3 },
      starts: ["2026-03-28T03:00:00.000Z", "2026-03-29T02:00:00.000Z", "2026-03-30T02:00:00.000Z"]
    },
    {
      name: "a leap day",
      options: { expression: "0 0 29 2 *", timeZone: "UTC", from: "2027-12-31T00:00:00Z", days: 366 },
      starts: ["2028-02-29T00:00:00.000Z"]
    }
  ]
  for (const { name, options, starts } of cases) {
    it.effect(`${name}, under Loop.run`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* cronStarts(options, (work, schedule) => Loop.run(work, schedule)), starts)
      }))
    it.effect(`${name}, under Effect.repeat`, () =>
      Effect.gen(function*() {
        const [first, ...others] = yield* cronStarts(options, (work, schedule) => Effect.repeat(work, schedule))
        assert.strictEqual(first, options.from.replace("Z", ".000Z"))
        assert.deepStrictEqual(others, starts)
      }))
  }

  const slotsAt = Effect.fnUntraced(function*(expression: string, ...nows: ReadonlyArray<string>) {
    const step = yield* Schedule.toStep(Period.cron(expression, { timeZone: "UTC" }))
    const slots: Array<string> = []
    for (const time of nows) {
      const now = DateTime.toEpochMillis(DateTime.makeUnsafe(`2026-01-01T${time}Z`))
      const [, delay] = yield* step(now, undefined)
      slots.push(DateTime.formatIso(DateTime.makeUnsafe(now + Duration.toMillis(delay))).slice(11, 16))
    }
    return slots
  })

  it.effect("a slot that was served stays served when the timer woke early", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* slotsAt("0 * * * *", "02:30:00.000", "02:59:59.999", "04:00:00.001"), [
        "03:00",
        "04:00",
        "05:00"
      ])
    }))

  it.effect("a clock that is set back by up to three hours serves no slot again; by more, it was wrong before", () =>
    Effect.gen(function*() {
      const fixed = "0 0-23 * * *"
      assert.deepStrictEqual(yield* slotsAt(fixed, "06:30:00", "05:10:00"), ["07:00", "08:00"])
      assert.deepStrictEqual(yield* slotsAt(fixed, "06:30:00", "02:10:00"), ["07:00", "03:00"])
    }))

  it.effect("with a * it goes on at once", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* slotsAt("0 * * * *", "06:30:00", "05:10:00"), ["07:00", "06:00"])
    }))

  it.effect("puts out the number of slots before", () =>
    Effect.gen(function*() {
      const { exit } = yield* observe(
        Effect.repeat(Effect.void, Period.cron("* * * * *", { timeZone: "UTC" }).pipe(Limit.attempts(3))),
        "1 hour"
      )
      assert.deepStrictEqual(exit, Exit.succeed(2))
    }))
})

describe("Period.ticker", () => {
  it.effect("puts out the slot that comes next: a gap tells how many were missed", () =>
    Effect.gen(function*() {
      const slots = (missed: "one" | "skip") =>
        Effect.gen(function*() {
          const seen: Array<number> = []
          const schedule = Period.ticker("1 second", { missed }).pipe(
            Schedule.tap(({ output }) => Effect.sync(() => seen.push(output)))
          )
          yield* observe(Loop.run(makeWork(3500, 0).run, schedule), "6 seconds")
          return seen
        })
      assert.deepStrictEqual(yield* slots("one"), [3, 4, 5, 6, 7])
      assert.deepStrictEqual(yield* slots("skip"), [4, 5, 6, 7])
    }))

  it.effect("a run that ends exactly on a slot is followed at once", () =>
    Effect.gen(function*() {
      for (const missed of ["one", "skip"] as const) {
        const work = makeWork(1000, 0)
        yield* observe(Loop.run(work.run, Period.ticker("1 second", { missed })), "3 seconds")
        assert.deepStrictEqual(work.starts.map((start) => start - work.starts[0]!), [0, 1000, 2000, 3000])
      }
    }))
})

describe("Period.fromStart", () => {
  it.effect("measures any schedule's delays from the start of the run", () =>
    Effect.gen(function*() {
      const schedule = Backoff.exponential({ base: "1 second", cap: "1 hour" }).pipe(Period.fromStart)
      assert.deepStrictEqual(
        yield* startsOf(Effect.repeat(schedule), "8 seconds", 400, 400, 5000, 0),
        [0, 1000, 3000, 8000]
      )
    }))

  it.effect("measures a schedule that is not ours", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* startsOf(Loop.run(Period.fromStart(Schedule.spaced("1 second"))), "3 seconds", 400),
        [0, 1000, 2000, 3000]
      )
    }))

  it.effect("measures the first delay from the start of the schedule, which takes a second here", () =>
    Effect.gen(function*() {
      const step = () => Effect.succeed<[number, Duration.Duration]>([0, Duration.seconds(3)])
      const schedule = Period.fromStart(Schedule.fromStep(Effect.as(Effect.sleep("1 second"), step)))
      const drivers = [Effect.schedule(schedule), Loop.run(schedule, { immediate: false })]
      for (const drive of drivers) {
        const begun = yield* Clock.currentTimeMillis
        const starts = yield* startsOf(drive, "7 seconds")
        assert.deepStrictEqual(starts.map((start) => start - begun), [3000, 6000])
      }
    }))
})

describe("Period", () => {
  for (const { name, schedule, starts, work } of timelines) {
    const time = starts[starts.length - 1]!
    it.effect(`${name}, under Effect.repeat`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* startsOf(Effect.repeat(schedule), time, ...work), [...starts])
      }))
    it.effect(`${name}, under Loop.run`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* startsOf(Loop.run(schedule), time, ...work), [...starts])
      }))
  }
})
