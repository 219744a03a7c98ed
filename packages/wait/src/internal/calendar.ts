/**
 * The slots of a calendar, by the rules of Vixie cron. They are found on the local time line, and then put on the real one.
 *
 * - Fixed times come when the clocks first read them or more: at the end of the gap of spring, and once in the hour that
 *   autumn repeats.
 * - A time with `*` in minute or hour comes whenever the clocks read it.
 */
import * as DateTime from "effect/DateTime"
import type { Crontab } from "./crontab.ts"

const second = 1000
const minute = 60_000
const hour = 3_600_000
const day = 86_400_000

export interface Calendar extends Crontab {
  readonly clocks: Clocks
}

/**
 * The clocks of a time zone. An offset takes a microsecond, so they remember the last stretch of time with one offset, and the
 * last change.
 */
interface Clocks {
  readonly offsetAt: (at: number) => number
  offset: number
  since: number
  until: number
  change: Change
}

/** How the clocks change: the first instant of the new offset. */
interface Change {
  readonly at: number
  readonly before: number
  readonly after: number
}

const offsetAtOf = (zone: DateTime.TimeZone): Clocks["offsetAt"] => {
  if (zone._tag === "Offset") return () => zone.offset
  // DateTime's own offset takes ten times as long.
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone.id, timeZoneName: "longOffset" })
  return (at) => {
    const [, sign, hours, minutes, seconds = 0] = /GMT(.)(\d\d):(\d\d)(?::(\d\d))?$/.exec(format.format(at)) ?? []
    if (sign === undefined) return 0
    const offset = Number(hours) * hour + Number(minutes) * minute + Number(seconds) * second
    return sign === "+" ? offset : -offset
  }
}

// A formatter takes 30 kB: all calendars of a zone share its clocks.
const clocksOfZones = new WeakMap<DateTime.TimeZone, Clocks>()

const clocksOf = (zone: DateTime.TimeZone): Clocks => {
  const known = clocksOfZones.get(zone)
  if (known !== undefined) return known
  const clocks: Clocks = {
    offsetAt: offsetAtOf(zone),
    offset: 0,
    since: Infinity,
    until: -Infinity,
    change: { at: NaN, before: 0, after: 0 }
  }
  clocksOfZones.set(zone, clocks)
  return clocks
}

export const makeCalendar = (crontab: Crontab, zone: DateTime.TimeZone): Calendar => ({
  ...crontab,
  clocks: clocksOf(zone)
})

/** The farthest from the epoch that a Date can be, 8.64e15, less the 50 leap years that a search looks ahead. */
const farthest = 8_638_418_880_000_000

/**
 * The first local time after another that matches; Infinity if none ever does. Local times are milliseconds, as if the zone were
 * UTC. A date comes again within 40 years (29 February on one weekday, with a 2100 in between), or never.
 */
export const matchAfter = (
  { days, hours, isEitherDay, minutes, months, seconds, weekdays }: Crontab,
  local: number
): number => {
  const today = Math.floor(local / day) * day
  for (let midnight = today; midnight < today + 41 * 366 * day; midnight += day) {
    const date = new Date(midnight)
    const month = date.getUTCMonth()
    if (!months.includes(month + 1)) {
      midnight = date.setUTCMonth(month + 1, 0) // the last of this month
      continue
    }
    const isDay = days.includes(date.getUTCDate())
    const isWeekday = weekdays.includes(date.getUTCDay())
    if (!(isEitherDay ? isDay || isWeekday : isDay && isWeekday)) continue
    for (const h of hours) {
      const start = midnight + h * hour
      if (start + hour <= local) continue
      for (const m of minutes) {
        const time = start + m * minute
        if (time + minute <= local) continue
        for (const s of seconds) if (time + s * second > local) return time + s * second
      }
    }
  }
  return Infinity
}

const offsetAt = (clocks: Clocks, at: number): number =>
  clocks.since <= at && at <= clocks.until ? clocks.offset : clocks.offsetAt(at)

// The change within a day or two: no zone has two. `at` is `since` if there is none.
const changeIn = (clocks: Clocks, since: number, until: number): Change => {
  const before = offsetAt(clocks, since)
  const after = offsetAt(clocks, until)
  if (before === after) {
    const grows = clocks.offset === before && since <= clocks.until && clocks.since <= until
    clocks.offset = before
    clocks.since = grows ? Math.min(clocks.since, since) : since
    clocks.until = grows ? Math.max(clocks.until, until) : until
    return { at: since, before, after }
  }
  const known = clocks.change
  if (since < known.at && known.at <= until && known.before === before && known.after === after) return known
  let low = Math.floor(since / second)
  let at = Math.ceil(until / second)
  while (at - low > 1) {
    const middle = Math.floor((low + at) / 2)
    if (offsetAt(clocks, middle * second) === before) low = middle
    else at = middle
  }
  return clocks.change = { at: at * second, before, after }
}

/** The local time at an instant. */
export const localOf = ({ clocks }: Calendar, instant: number): number => instant + offsetAt(clocks, instant)

// How far local time has come at an instant: clocks that were set back have to catch up first.
const reached = (clocks: Clocks, instant: number): number => {
  const { after, at, before } = changeIn(clocks, instant - day, instant)
  return Math.max(instant + after, at + before - 1)
}

// The first fixed time after a local time, and when it comes. A gap of three hours or more, as at the date line, leaves its times out.
const fixedAfter = (calendar: Calendar, after: number): { readonly local: number; readonly instant: number } => {
  let local = matchAfter(calendar, after)
  while (local < Infinity) {
    const { after, at, before } = changeIn(calendar.clocks, local - day, local + day)
    if (local < at + before) return { local, instant: local - before }
    const end = at + after
    if (local >= end || after - before < 3 * hour) return { local, instant: Math.max(at, local - after) }
    local = matchAfter(calendar, end - 1)
  }
  return { local, instant: local }
}

const wildAfter = (calendar: Calendar, after: number): number => {
  let from = Math.floor(after / second) * second + second
  while (true) {
    const until = (Math.floor(from / day) + 2) * day
    const { at, before } = changeIn(calendar.clocks, from, until)
    const slot = matchAfter(calendar, from + before - 1) - before
    if (at > from && at <= slot) from = at
    else if (slot <= until || slot === Infinity) return slot
    else from = Math.max(until, slot - 2 * day)
  }
}

/** The first slot after an instant; Infinity if there is none that a Date can hold. */
export const slotAfter = (calendar: Calendar, after: number): number => {
  if (!(Math.abs(after) < farthest)) return Infinity
  return calendar.isFixed ? fixedAfter(calendar, reached(calendar.clocks, after)).instant : wildAfter(calendar, after)
}

/**
 * The last slot before an instant: it looks further and further back, and from there on halves the way. Every second of last February
 * is 2 million slots. Without a slot, some time before all slots.
 */
export const slotBefore = (calendar: Calendar, instant: number): number => {
  for (let back = second; instant - back > -farthest; back *= 8) {
    let slot = slotAfter(calendar, instant - back)
    if (slot >= instant) continue
    let until = instant
    for (let next = slotAfter(calendar, slot); next < instant; next = slotAfter(calendar, slot)) {
      const middle = (next + until) / 2
      const later = slotAfter(calendar, middle)
      if (later >= instant) until = middle
      slot = later < instant ? later : next
    }
    return slot
  }
  return instant - day
}

/** The most times that are counted, since each takes a microsecond or more. */
const mostCounted = 10_000

/** How many times lie after one instant and not after another. Each of those that come together at the end of a gap counts. */
export const countBetween = (calendar: Calendar, after: number, until: number): number => {
  if (!(after < until && Math.abs(after) < farthest)) return 0
  const { clocks, isFixed } = calendar
  const end = isFixed ? reached(clocks, Math.min(until, farthest)) : until
  const next = (at: number): number => isFixed ? fixedAfter(calendar, at).local : slotAfter(calendar, at)
  let count = 0
  for (let at = next(isFixed ? reached(clocks, after) : after); at <= end && count < mostCounted; at = next(at)) count++
  return count
}
