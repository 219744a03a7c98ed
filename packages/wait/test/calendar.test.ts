/** Calendars: what a real cron did, on the nights of change and while its clock was stepped, and everything around. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Exit, Fiber, Layer, Option, Random, Result, Schedule } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Poll, Retry, Timeline } from "effect-wait"
import { TestClock } from "effect/testing"
import { countBetween, localOf, makeCalendar, slotAfter, slotBefore } from "../src/internal/calendar.ts"
import { parse } from "../src/internal/crontab.ts"
import { hashOf, type Scenario, scenarios, zones } from "./cronTraces.ts"
import { play } from "./liveWorld.ts"
import { makeWork, startsOf } from "./support.ts"

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const millisOf = (iso: string): number => DateTime.toEpochMillis(DateTime.makeUnsafe(iso))
const isoOf = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

const calendarOf = (expression: string, timeZone: string) =>
  makeCalendar(Result.getOrThrow(parse(expression)), Option.getOrThrow(DateTime.zoneFromString(timeZone)))

/** The slots of an expression, as a simulation of a loop has them. */
const slotsOf = (
  expression: string,
  options: { readonly timeZone: string; readonly from: number; readonly until: number }
): ReadonlyArray<number> => {
  const { from, timeZone, until } = options
  const timeline = Effect.runSync(
    Timeline.simulate(Period.cron(expression, { timeZone }), { from, until: until - from, maxRuns: 100_000 })
  )
  return Timeline.starts(timeline).map((start) => from + start)
}

// cronie never runs a range that ends on Sunday as 0 or by name. These lines say the same.
const sundays: Record<string, string | undefined> = {
  "0 9 * * FRI-SUN": "0 9 * * 5-7",
  "0 9 * * sat-sun": "0 9 * * 6-7",
  "0 9 * * 6-0": "0 9 * * 6-7",
  "0 9 * * 4-0/2": undefined
}

const takenHereOnly = new Set(["5/15 * * * *", "@Daily"])
const refusedHereOnly = new Set(["0 22-6 * * *", "30-10 * * * *", "0 0 * * 5#2"])

describe("what cron ran through two years", () => {
  for (const { cron, from, lines, until, zone } of zones) {
    it(`in ${zone} (${cron})`, () => {
      const wrong: Array<string> = []
      for (const [text, itself] of Object.entries(lines)) {
        const parsed = parse(text)
        if (Result.isFailure(parsed) || itself === null) {
          const expected = itself === null ? !takenHereOnly.has(text) : refusedHereOnly.has(text)
          assert.strictEqual(Result.isFailure(parsed), expected, text)
          continue
        }
        const line = text in sundays ? lines[sundays[text] ?? ""] : itself
        if (line === null || line === undefined || parsed.success.days.length === 0) continue
        const calendar = calendarOf(text, zone)
        for (const window of line.windows) {
          const after = window.from * minute - 1
          const slots: Array<number> = []
          for (let slot = slotAfter(calendar, after); slot < window.until * minute; slot = slotAfter(calendar, slot)) {
            slots.push(slot / minute)
          }
          // Several fixed times at the end of a gap are one slot, and each of them counts.
          const isSame = hashOf(slots) === hashOf(new Set(window.starts)) &&
            countBetween(calendar, after, window.until * minute - 1) === window.starts.length
          if (!isSame) wrong.push(`${text} from ${isoOf(after + 1)}`)
        }
        if (line.starts > 800) continue
        const slots: Array<number> = []
        for (let slot = slotAfter(calendar, from * minute); slot < until * minute; slot = slotAfter(calendar, slot)) {
          slots.push(slot / minute)
        }
        if (slots.length !== line.starts || hashOf(slots) !== line.hash) wrong.push(`${text} in two years`)
      }
      assert.deepStrictEqual(wrong, [])
    }, 60_000)
  }

  it("is what comes next, whenever a loop starts: in the repeated hour of autumn too", () => {
    let asked = 0
    for (const zone of zones) {
      for (const [text, line] of Object.entries(zone.lines)) {
        if (line === null || text in sundays || refusedHereOnly.has(text)) continue
        const calendar = calendarOf(text, zone.zone)
        for (const { from, starts, until } of line.windows) {
          // Ten hours around the change, at odd times.
          for (let at = from + 23 * 60; at < Math.min(until, from + 33 * 60); at += 67) {
            const next = starts.find((start) => start > at)
            if (next === undefined) break
            asked++
            assert.strictEqual(slotAfter(calendar, at * minute), next * minute, `${text} after ${at}`)
          }
        }
      }
    }
    assert.isAbove(asked, 60_000)
  }, 60_000)

  it("is what a simulated loop runs", () => {
    for (const zone of zones) {
      for (const [text, line] of Object.entries(zone.lines)) {
        const isOurs = line !== null && !(text in sundays) && !refusedHereOnly.has(text)
        if (!isOurs || line.starts > 3000 || line.starts === 0) continue
        for (const { from, starts, until } of line.windows) {
          assert.deepStrictEqual(
            slotsOf(text, { timeZone: zone.zone, from: from * minute - 1, until: until * minute - 1 }),
            Array.from(new Set(starts), (start) => start * minute),
            `${text} in ${zone.zone}`
          )
        }
      }
    }
  }, 60_000)
})

/** The runs of a loop in a scenario, in seconds since its start by the steady clock. */
const runsIn = async ({ lines, seconds, start, steps, zone }: Scenario) => {
  const runs = new Map<string, Array<number>>()
  const world = { from: start * second, steps: steps.map(([at, by]) => [at * second, by * second] as const) }
  await play(world, seconds * second, ({ now }) => {
    const fibers = Object.keys(lines).map((line) => {
      const starts: Array<number> = []
      runs.set(line, starts)
      return Effect.runFork(
        Loop.run(Effect.sync(() => starts.push(now() / second)), Period.cron(line, { timeZone: zone }))
      )
    })
    return () => fibers.forEach((fiber) => fiber.interruptUnsafe())
  })
  return runs
}

/**
 * What ours does in a scenario, from what cron did. They differ only after a wall clock, or the clocks of the zone, were set forward: cron
 * runs each fixed time that was passed, up to three hours, ten seconds apart, and nothing else that was passed, unless it is less than
 * five minutes. Ours runs once for all that was passed.
 */
const expectedIn = ({ lines, seconds, start, steps, zone }: Scenario, line: string): ReadonlyArray<number> => {
  const calendar = calendarOf(line, zone)
  const wallAt = (time: number, known = steps) =>
    known.reduce((wall, [at, by]) => at <= time ? wall + by : wall, start + time)
  const localAt = (time: number, known = steps) => localOf(calendar, wallAt(time, known) * second)
  const isCorrection = calendar.isFixed &&
    steps.every(([at], i) => localAt(at) - localAt(at, steps.slice(0, i)) >= -181 * minute)
  // Up to when all was served, if the last time that was seen is this.
  const seenAt = (time: number, last: number) =>
    Math.max(last, ...(isCorrection ? Array.from({ length: time }, (_, t) => Math.floor(wallAt(t) / 60) * 60) : []))
  const jumps = steps.flatMap(([at, by], i) => {
    if (by < 0) return []
    const before = wallAt(at, steps.slice(0, i))
    const woken = at + (before % 60 === 0 ? 0 : 60 - before % 60)
    const seen = seenAt(at, Math.ceil(before / 60) * 60 - 60)
    return [{ woken, seen, until: Math.min(woken + 900, steps[i + 1]?.[0] ?? Infinity) }]
  })
  const zoneOf = zones.find((one) => one.zone === zone)!
  const times = Array.from({ length: seconds }, (_, time) => time)
  const gaps = zoneOf.changes.flatMap(([at, offset], i) => {
    if (offset < (zoneOf.changes[i - 1]?.[1] ?? zoneOf.offset)) return []
    return times.filter((time) => wallAt(time) === at * 60 && wallAt(time - 1) === at * 60 - 1)
      .map((woken) => ({ woken, seen: seenAt(woken, at * 60 - 60), until: woken + 900 }))
  })
  const after = [...gaps, ...jumps]
  const slotsIn = (seen: number, until: number): ReadonlyArray<number> => {
    const slots: Array<number> = []
    for (let slot = slotAfter(calendar, seen * second); slot <= until * second; slot = slotAfter(calendar, slot)) {
      slots.push(slot / second)
    }
    return slots
  }
  const known = lines[line]!.filter(({ mono }) => !after.some(({ until, woken }) => woken <= mono && mono < until))
  const own = after.flatMap(({ seen, until, woken }) => {
    const ahead = wallAt(woken) - woken
    const late = slotsIn(seen, wallAt(woken)).length > 0 ? [woken] : []
    return late.concat(slotsIn(wallAt(woken), until - 1 + ahead).map((slot) => slot - ahead))
  })
  return [...known.map(({ mono }) => mono), ...own].filter((time) => time < seconds).toSorted((a, b) => a - b)
}

describe("what cron ran while its wall clock was stepped", () => {
  for (const scenario of scenarios) {
    const { lines, start, steps, zone } = scenario
    const stepped = steps.map(([at, by]) => `by ${by} s after ${at} s`).join(" and ") || "by nothing"
    it(`${stepped}, from ${isoOf(start * second)} in ${zone}`, async () => {
      const runs = await runsIn(scenario)
      for (const line of Object.keys(lines)) {
        assert.deepStrictEqual(runs.get(line), [...expectedIn(scenario, line)], line)
      }
    })
  }

  it("is the same in 1,468 of 1,701 cases", () => {
    const same = scenarios.flatMap((scenario) =>
      Object.entries(scenario.lines).map(([line, theirs]) =>
        theirs.map(({ mono }) => mono).join() === expectedIn(scenario, line).join()
      )
    )
    assert.deepStrictEqual([same.filter((isSame) => isSame).length, same.length], [1468, 1701])
  })
})

const utc = { timeZone: "UTC" } as const
const midnight = millisOf("2026-01-01T00:00:00Z")

describe("on the live clock", () => {
  /** Starts a loop at this time, and tells when its runs started, by the wall clock. */
  const startsIn = async (
    loop: (run: Effect.Effect<void>) => Effect.Effect<unknown, unknown>,
    { from, steps = [], until }: { readonly from: number; readonly steps?: Steps; readonly until: number }
  ) => {
    const walls: Array<string> = []
    let naps = 0
    await play({ from, steps }, until, ({ timers, wall }) => {
      const fiber = Effect.runFork(loop(Effect.sync(() => walls.push(isoOf(wall())))))
      return () => {
        naps = timers()
        fiber.interruptUnsafe()
      }
    })
    return { naps, walls }
  }
  type Steps = ReadonlyArray<readonly [at: number, by: number]>

  it("a calendar naps, at most a minute at a time", async () => {
    const { naps, walls } = await startsIn((run) => Loop.run(run, Period.cron("0 1 * * *", utc)), {
      from: midnight + 30 * minute + 12_345,
      until: 31 * minute
    })
    assert.deepStrictEqual([walls, naps], [["2026-01-01T01:00:00.000Z"], 30 + 2])
  })

  for (const [expression, ...after] of [["0 3 * * *"], ["0 * * * *", "2026-01-01T10:00:00.000Z"]] as const) {
    it(`a laptop that slept for nine hours serves a slot of ${expression} within a minute of waking, once`, async () => {
      const { walls } = await startsIn((run) => Loop.run(run, Period.cron(expression, utc)), {
        from: midnight + 30 * minute,
        steps: [[10 * minute + 12_345, 9 * hour]],
        until: hour
      })
      assert.deepStrictEqual(walls, ["2026-01-01T09:41:00.000Z", ...after])
    })
  }

  const every = Period.cron("0 3 * * *", utc)
  const failing = (run: Effect.Effect<void>) => Effect.andThen(run, Effect.fail("no"))
  const others = {
    "a poll": (run: Effect.Effect<void>) => Poll.until(Effect.as(run, false), every),
    "a retry": (run: Effect.Effect<void>) => Retry.run(failing(run), every),
    "a backoff": (run: Effect.Effect<void>) => Loop.run(failing(run), Period.sliding(0), { backoff: every })
  }
  for (const [name, loop] of Object.entries(others)) {
    it(`${name} notices it too`, async () => {
      const { walls } = await startsIn(loop, { from: midnight, steps: [[10 * minute, 9 * hour]], until: hour })
      assert.deepStrictEqual(walls, ["2026-01-01T00:00:00.000Z", "2026-01-01T09:10:00.000Z"])
    })
  }

  it("a hint is a floor from the end of the run, through all naps", async () => {
    const hinted = Retry.hint(Period.cron("*/5 * * * *", utc), () => Option.some("7 minutes"), { max: "1 hour" })
    const fail = (run: Effect.Effect<void>) => Retry.run(Effect.andThen(run, Effect.fail("no")), hinted)
    const { walls } = await startsIn(fail, { from: midnight + 90 * second, until: 12 * minute })
    assert.deepStrictEqual(walls, ["2026-01-01T00:01:30.000Z", "2026-01-01T00:08:30.000Z"])
  })

  it("a slot keeps its draw through all naps, and a slot that another takes the place of keeps its share", async () => {
    let draws = 0
    const random = Random.Random.of({ nextDoubleUnsafe: () => (draws++, 0.5), nextIntUnsafe: () => 0 })
    const jittered = (expression: string) => (run: Effect.Effect<void>) =>
      Loop.run(run, Period.cron(expression, utc).pipe(Jitter.between(0.8, 1))).pipe(
        Effect.provideService(Random.Random, random)
      )
    const daily = await startsIn(jittered("0 3 * * *"), { from: midnight, until: 30 * hour })
    // The day from slot to slot, times 0.9. It has passed at the start of the loop, for the first slot.
    assert.deepStrictEqual([daily.walls, draws], [[
      "2026-01-01T00:36:00.000Z",
      "2026-01-02T00:36:00.000Z"
    ], 3])
    const hourly = await startsIn(jittered("0 * * * *"), {
      from: midnight,
      steps: [[600 * second, -5 * hour]],
      until: hour
    })
    assert.deepStrictEqual(hourly.walls, ["2025-12-31T19:54:00.000Z"])
  })

  it("a nap ends at once with a trigger, a stop, and a pause", async () => {
    const seen: Array<unknown> = []
    await play({ from: midnight }, 4 * hour, ({ wall }) => {
      const time = () => isoOf(wall()).slice(11, 19)
      const program = Effect.gen(function*() {
        const run = Effect.sync(() => seen.push(time()))
        const loop = yield* Loop.forkScoped(run, Period.cron("0 1 * * *", utc))
        yield* Effect.sleep("1810 seconds")
        seen.push(isoOf(Option.getOrThrow((yield* loop.status).nextStart)).slice(11, 19))
        yield* loop.trigger
        yield* loop.pause
        yield* Effect.sleep("1 hour")
        yield* loop.resume
        yield* Effect.sleep("1 minute")
        yield* loop.stop
        seen.push(time(), (yield* loop.status).missed)
      })
      const fiber = Effect.runFork(Effect.scoped(program))
      return () => fiber.interruptUnsafe()
    })
    assert.deepStrictEqual(seen, ["01:00:00", "00:30:10", "01:31:10", 1])
  })
})

describe("on TestClock", () => {
  it.effect("a calendar does not nap", () =>
    Effect.gen(function*() {
      let sleeps = 0
      const clock = yield* Clock.Clock
      const counting: Clock.Clock = Object.assign(Object.create(clock), {
        sleep: (duration: Duration.Duration) => (sleeps++, clock.sleep(duration))
      })
      const loop = Loop.run(Effect.void, Period.cron("0 4 * * *", utc))
      const fiber = yield* Effect.forkChild(Effect.provideService(loop, Clock.Clock, counting))
      yield* TestClock.adjust("30 days")
      assert.strictEqual(sleeps, 31)
      yield* Fiber.interrupt(fiber)
    }))
})

describe("the first run of a calendar", () => {
  const minutely = Period.cron("* * * * *", utc)
  const starts = (loop: (run: Effect.Effect<void>) => Effect.Effect<unknown, unknown, never>) =>
    Effect.gen(function*() {
      yield* TestClock.setTime(30 * second)
      const starts = yield* startsOf(loop, "2 minutes")
      return starts.map((start) => start / second)
    }).pipe(Effect.provide(TestClock.layer()))

  const loops: Record<string, readonly [loop: Parameters<typeof starts>[0], starts: ReadonlyArray<number>]> = {
    "is its first slot in Loop.run": [(run) => Loop.run(run, minutely), [60, 120]],
    "is its first slot in Loop.forkScoped": [
      (run) => Effect.scoped(Effect.flatMap(Loop.forkScoped(run, minutely), (loop) => loop.await)),
      [60, 120]
    ],
    "comes at once where the loop says so": [(run) => Loop.run(run, minutely, { immediate: true }), [30, 60, 120]],
    "comes after an initial delay and at a slot": [
      (run) => Loop.run(run, minutely, { initialDelay: "45 seconds" }),
      [120]
    ],
    "is the first slot of one of our combinators": [
      (run) => Loop.run(run, minutely.pipe(Jitter.between(1, 1), Limit.within("1 hour"), Backoff.resetAfter("1 hour"))),
      [60, 120]
    ],
    "is its first slot inside Effect's combinators": [
      (run) => Loop.run(run, Schedule.min([Schedule.spaced("20 seconds"), minutely])),
      [50, 60, 80, 100, 120, 140]
    ],
    "is its first slot inside Effect's combinators, inside ours": [
      (run) => Loop.run(run, Schedule.passthrough(minutely).pipe(Limit.attempts(1))),
      [60]
    ],
    "is its first slot inside our combinators, inside Effect's": [
      (run) => Loop.run(run, Schedule.tap(Schedule.passthrough(minutely).pipe(Limit.attempts(2)), () => Effect.void)),
      [60, 120]
    ],
    "comes at once where the calendar comes later": [
      (run) => Loop.run(run, Schedule.concat(Schedule.recurs(1), minutely)),
      [30, 30, 60, 120]
    ],
    "comes at once with a schedule of Effect": [
      (run) => Loop.run(run, Schedule.cron("* * * * *", "UTC")),
      [30, 60, 120]
    ],
    "comes at once with a period": [(run) => Loop.run(run, Period.ticker("1 minute")), [30, 90, 150]],
    "comes at once under Effect.repeat": [(run) => Effect.repeat(run, minutely), [30, 60, 120]],
    "comes at once in a poll": [(run) => Poll.until(Effect.as(run, false), minutely), [30, 60, 120]]
  }
  for (const [name, [loop, expected]] of Object.entries(loops)) {
    it.effect(name, () => Effect.map(starts(loop), (seen) => assert.deepStrictEqual(seen, [...expected])))
  }

  it.effect("counts for Limit.attempts as any other", () =>
    Effect.gen(function*() {
      const three = minutely.pipe(Limit.attempts(3))
      for (
        const [loop, expected] of [
          [(run: Effect.Effect<void>) => Loop.run(run, three), 3],
          [(run: Effect.Effect<void>) => Loop.run(run, three, { immediate: true }), 3],
          [(run: Effect.Effect<void>) => Loop.run(run, Schedule.passthrough(three)), 3],
          [(run: Effect.Effect<void>) =>
            Loop.run(run, Period.sliding("1 second").pipe(Limit.attempts(3)), { immediate: false }), 3],
          [(run: Effect.Effect<void>) =>
            Poll.until(Effect.as(run, false), three, { immediate: false }), 3],
          [(run: Effect.Effect<void>) =>
            Effect.repeat(run, three), 3],
          [(run: Effect.Effect<void>) => Effect.schedule(run, three), 2]
        ] as const
      ) {
        const work = makeWork(0)
        const fiber = yield* Effect.forkChild(Effect.exit(loop(work.run)))
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(work.starts.length, expected)
        yield* Fiber.interrupt(fiber)
      }
    }))
})

describe("a service with a daily calendar", () => {
  it.effect("runs its slots alone, through three deploys within an hour", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(midnight + 2 * hour + 30 * minute)
      const work = makeWork(0)
      const service = Loop.layer(work.run, Period.cron("0 3 * * *", utc), { name: "daily" })
      for (const minutes of [20, 20, 20, 24 * 60]) {
        yield* Effect.scoped(Effect.andThen(Layer.build(service), TestClock.adjust(minutes * minute)))
      }
      assert.deepStrictEqual(work.starts.map(isoOf), ["2026-01-01T03:00:00.000Z", "2026-01-02T03:00:00.000Z"])
    }))
})

describe("slots that pass during a run of a calendar", () => {
  // The run of 00:01:00 takes 3.5 minutes.
  const cases = [
    ["skip", [60, 300, 360], 3],
    ["one", [60, 270, 300, 360], 2],
    ["all", [60, 270, 270, 270, 300, 360], 0]
  ] as const
  for (const [missed, starts, count] of cases) {
    it.effect(`${missed}: ${starts.length} runs, ${count} missed`, () =>
      Effect.gen(function*() {
        const work = makeWork(210 * second, 0)
        const loop = yield* Loop.forkScoped(work.run, Period.cron("* * * * *", { ...utc, missed }))
        yield* TestClock.adjust("6 minutes")
        assert.deepStrictEqual(work.starts.map((start) => start / second), [...starts])
        assert.strictEqual((yield* loop.status).missed, count)
      }))
  }

  it.effect("three fixed times in a gap are one run, two of them missed", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(millisOf("2026-03-29T00:30:00Z"))
      const work = makeWork(0)
      const schedule = Period.cron("0,20,40 2 * * *", { timeZone: "Europe/Berlin" })
      const loop = yield* Loop.forkScoped(work.run, schedule)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(work.starts.map(isoOf), ["2026-03-29T01:00:00.000Z"])
      assert.strictEqual((yield* loop.status).missed, 2)
    }))
})

describe("one run a day, with", () => {
  const jitters: Record<string, <A, E>(self: Schedule.Schedule<A, unknown, E>) => Schedule.Schedule<A, unknown, E>> = {
    "Jitter.additive(0.2)": Jitter.additive(0.2),
    "Jitter.full": Jitter.full,
    "Jitter.equal": Jitter.equal,
    "Jitter.between(0.8, 1.2)": Jitter.between(0.8, 1.2)
  }
  for (const [name, jitter] of Object.entries(jitters)) {
    for (
      const [driver, drive] of Object.entries({
        "Loop.run": (run: Effect.Effect<void>, schedule: Schedule.Schedule<number, unknown, unknown>) =>
          Loop.run(run, schedule, { immediate: false }),
        "Effect.repeat": (run: Effect.Effect<void>, schedule: Schedule.Schedule<number, unknown, unknown>) =>
          Effect.repeat(run, schedule)
      })
    ) {
      it.effect(`${name}, under ${driver}`, () =>
        Effect.gen(function*() {
          const schedule = jitter(Period.cron("0 3 * * *", utc))
          yield* TestClock.setTime(midnight + 4 * hour)
          const starts = yield* startsOf((run) => drive(run, schedule), "30 days")
          const runs = driver === "Loop.run" ? starts : starts.slice(1)
          // The run of a slot comes in the day before it, or with a factor over 1 in the day after.
          const early = runs.filter((start, i) => start < midnight + (i + 1) * day + 3 * hour - day)
          const late = runs.filter((start, i) => start > midnight + (i + 1) * day + 3 * hour + 0.2 * day)
          assert.deepStrictEqual([early, late], [[], []])
          assert.isTrue(runs.length === 30 || runs.length === 29 || runs.length === 31, String(runs.length))
        }))
    }
  }
})

describe("where there are no slots", () => {
  it.effect("a schedule ends when the clock stands at infinity, and beyond what a Date can hold", () =>
    Effect.gen(function*() {
      for (const time of [Infinity, 8.64e15, 8.64e15 - day, 8.7e15]) {
        yield* TestClock.setTime(time)
        const schedule = Period.cron("0 4 * * *", { timeZone: "Europe/Berlin" })
        for (
          const loop of [
            Effect.repeat(Effect.void, schedule),
            Loop.run(Effect.void, schedule),
            Loop.run(Effect.void, schedule, { immediate: true }),
            Effect.map(Loop.run(Effect.void, Schedule.passthrough(schedule), { immediate: true }), () => 0)
          ]
        ) {
          assert.isTrue(Exit.isSuccess(yield* Effect.exit(loop)), String(time))
        }
      }
    }))

  it("no year from 1970 to 2100 and no zone gives a wrong slot, or none", () => {
    const allZones = [
      "UTC",
      "+05:30",
      "-11:00",
      "Etc/GMT+12",
      "Europe/Berlin",
      "Asia/Kathmandu",
      "America/St_Johns",
      "Australia/Lord_Howe",
      "Africa/Monrovia",
      "Pacific/Apia",
      "Pacific/Kwajalein",
      "Antarctica/Troll",
      "Asia/Gaza",
      "Europe/Dublin",
      "Africa/Casablanca"
    ]
    const lines = [
      "* * * * *",
      "30 2 * * *",
      "*/20 1-3 * * *",
      "0 0 29 2 *",
      "0 0 13 * FRI",
      "0 12 31 12 *",
      "59 59 23 * * SUN"
    ]
    for (const zone of allZones) {
      for (const line of lines) {
        const calendar = calendarOf(line, zone)
        for (let year = 1970; year <= 2100; year += 5) {
          const from = Date.UTC(year, (year * 7) % 12, (year * 11) % 28, 1, 30, 17)
          const slot = slotAfter(calendar, from)
          assert.isTrue(slot > from && slot < from + 9 * 366 * day, `${line} in ${zone} after ${isoOf(from)}`)
          assert.strictEqual(slotAfter(calendar, slot - 1), slot)
          const before = slotBefore(calendar, slot)
          assert.isTrue(before <= from, `${line} in ${zone} before ${isoOf(slot)}`)
          assert.strictEqual(slotAfter(calendar, before), slot)
        }
      }
    }
  })
})
