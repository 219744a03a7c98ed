/** Calendars: what a real cron did, on the nights of change and while its clock was stepped, and everything around. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Exit, Fiber, Option, Random, Result, Schedule } from "effect"
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

const takenHereOnly = ["5/15 * * * *", "@Daily"]
const refusedHereOnly = ["0 22-6 * * *", "30-10 * * * *", "0 0 * * 5#2"]

describe("what cron ran through two years", () => {
  for (const { cron, from, lines, until, zone } of zones) {
    it(`in ${zone} (${cron})`, () => {
      const wrong: Array<string> = []
      for (const [text, itself] of Object.entries(lines)) {
        const parsed = parse(text)
        if (Result.isFailure(parsed) || itself === null) {
          const expected = itself === null ? !takenHereOnly.includes(text) : refusedHereOnly.includes(text)
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

  it("is what a simulated loop runs", () => {
    for (const zone of zones) {
      for (const [text, line] of Object.entries(zone.lines)) {
        const isOurs = line !== null && !(text in sundays) && !refusedHereOnly.includes(text)
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
    return [
      ...(slotsIn(seen, wallAt(woken)).length > 0 ? [woken] : []),
      ...slotsIn(wallAt(woken), until - 1 + ahead).map((slot) => slot - ahead)
    ]
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

  it("is the same in 1,465 of 1,701 cases", () => {
    const same = scenarios.flatMap((scenario) =>
      Object.entries(scenario.lines).map(([line, theirs]) =>
        theirs.map(({ mono }) => mono).join() === expectedIn(scenario, line).join()
      )
    )
    assert.deepStrictEqual([same.filter((isSame) => isSame).length, same.length], [1465, 1701])
  })
})
