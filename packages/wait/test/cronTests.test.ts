/** What the tests of croner and cron-parser show, with `Period.cron` in the place of theirs; CRON-TESTS.md has the list. */
import { assert, describe, it } from "@effect/vitest"
import { Cron, DateTime, Duration, Effect, Schedule } from "effect"
import { Period } from "effect-wait"
import { readFileSync } from "node:fs"

interface Slots {
  /** One expression, or several that mean the same. */
  readonly cron: string | ReadonlyArray<string>
  /** Default: UTC. */
  readonly zone?: string
  readonly from: string
  /** All in UTC: a date, its times, the next date, its times. */
  readonly slots: string
  /** The number of the slot, where only one is given. Default: all of them from the first on. */
  readonly number?: number
}

/** What their library makes of it. */
interface OtherSlots extends Slots {
  readonly theirs: string
}

const timesIn = (slots: string): number => slots.split(" ").filter((word) => word.includes(":")).length

const write = (instants: ReadonlyArray<number>): string => {
  let day: string | undefined
  return instants.flatMap((instant) => {
    const [date, time] = DateTime.formatIso(DateTime.makeUnsafe(instant)).replace(/(:00)?\.000Z$/, "").split("T")
    if (date === day) return [time]
    day = date
    return [date, time]
  }).join(" ")
}

const stepsOf = Effect.fnUntraced(function*(cron: string, zone: string, from: string, count: number) {
  const step = yield* Schedule.toStep(Period.cron(cron, { timeZone: zone }))
  const instants: Array<number> = []
  let now = DateTime.toEpochMillis(DateTime.makeUnsafe(from))
  while (instants.length < count) {
    const [, delay] = yield* step(now, undefined)
    now += Duration.toMillis(delay)
    instants.push(now)
  }
  return instants
})

const same: Record<string, ReadonlyArray<Slots>> = {
  "blanks and tabs separate fields, any number of them": [
    {
      cron: ["0 0 * * *", "  0 0 * * *  ", "0  0   *    *     *", "0\t0\t*\t*\t*", "0 \t    0\t \t  *   *  \t \t  *"],
      from: "2025-01-01T00:00:00Z",
      slots: "2025-01-02 00:00 2025-01-03 00:00"
    }
  ],
  "five fields run at second 0": [
    { cron: "* * * * *", from: "2020-03-06T10:02:01.002Z", slots: "2020-03-06 10:03 10:04" },
    { cron: "0 * * * *", from: "2025-12-31T23:59:00Z", slots: "2026-01-01 00:00 01:00" },
    { cron: "30 12 * * *", from: "2024-01-01T00:00:00Z", slots: "2024-01-01 12:30 2024-01-02 12:30" },
    { cron: "15 10 1 1 *", from: "2024-01-01T00:00:00Z", slots: "2024-01-01 10:15 2025-01-01 10:15" },
    {
      cron: ["*/15 * * * *", "0 */15 * * * *", "0,15,30,45 * * * *"],
      from: "2025-01-01T10:59:00Z",
      slots: "2025-01-01 11:00 11:15 11:30"
    },
    { cron: "*/3 * * * *", from: "2012-12-26T14:38:53Z", slots: "2012-12-26 14:39 14:42 14:45" },
    { cron: "*/10 * * * *", from: "2012-12-26T14:38:53Z", slots: "2012-12-26 14:40 14:50" },
    {
      cron: "*/20 * * * *",
      from: "2012-12-26T14:38:53Z",
      slots: "2012-12-26 14:40 15:00 15:20 15:40 16:00 16:20 16:40"
    },
    { cron: "*/25 * * * *", from: "2012-12-26T14:38:53Z", slots: "2012-12-26 14:50 15:00 15:25" },
    { cron: "0 * * * * *", from: "2024-01-15T12:30:30.500Z", slots: "2024-01-15 12:31 12:32" }
  ],
  "six fields start with the second": [
    { cron: "* * * * * *", from: "2012-12-26T14:38:00Z", slots: "2012-12-26 14:38:01 14:38:02 14:38:03" },
    { cron: "*/1 * * * * *", from: "2025-01-01T00:00:09.151Z", slots: "2025-01-01 00:00:10 00:00:11" },
    { cron: "30 * * * * *", from: "2024-01-01T00:00:00Z", slots: "2024-01-01 00:00:30 00:01:30" },
    { cron: "30 0 * * * *", from: "2024-01-01T00:00:00Z", slots: "2024-01-01 00:00:30 01:00:30" },
    { cron: "30 0 0 * * *", from: "2024-01-01T00:00:00Z", slots: "2024-01-01 00:00:30 2024-01-02 00:00:30" },
    { cron: "30 0 12 * * *", from: "2024-01-15T12:00:00Z", slots: "2024-01-15 12:00:30 2024-01-16 12:00:30" },
    { cron: "45 30 12 * * *", from: "2024-01-01T00:00:00Z", slots: "2024-01-01 12:30:45 2024-01-02 12:30:45" },
    { cron: "0 0 12 15 6 *", from: "2024-01-01T00:00:00Z", slots: "2024-06-15 12:00 2025-06-15 12:00" },
    { cron: "0 0 0 1 1 *", from: "2024-01-01T00:00:00Z", slots: "2025-01-01 00:00 2026-01-01 00:00 2027-01-01 00:00" },
    { cron: "* 30 12 * * *", from: "2024-01-15T12:29:30Z", slots: "2024-01-15 12:30 12:30:01 12:30:02" },
    { cron: "* 30 12 * * *", from: "2024-01-15T12:30:58Z", slots: "2024-01-15 12:30:59 2024-01-16 12:30" },
    { cron: "1 1 1 1 1 *", from: "2025-06-01T00:00:00Z", slots: "2026-01-01 01:01:01" },
    { cron: "59 59 23 1 1 *", from: "2025-06-01T00:00:00Z", slots: "2026-01-01 23:59:59" }
  ],
  "seconds have steps, ranges and lists": [
    {
      cron: ["*/10 * * * * *", "0-59/10 * * * * *"],
      from: "2020-01-01T00:00:00Z",
      slots: "2020-01-01 00:00:10 00:00:20 00:00:30 00:00:40 00:00:50 00:01"
    },
    {
      cron: "30-50/10 * * * * *",
      from: "2020-01-01T00:00:00Z",
      slots: "2020-01-01 00:00:30 00:00:40 00:00:50 00:01:30"
    },
    {
      cron: "10-20/2 * * * * *",
      from: "2020-01-01T00:00:00Z",
      slots: "2020-01-01 00:00:10 00:00:12 00:00:14 00:00:16 00:00:18 00:00:20 00:01:10"
    },
    {
      cron: "*/10,30-35 * * * * *",
      from: "2020-01-01T00:00:00Z",
      slots: "2020-01-01 00:00:10 00:00:20 00:00:30 00:00:31 00:00:32 00:00:33 00:00:34 00:00:35 00:00:40 00:00:50"
    },
    { cron: "*/15 */15 */3 * * *", from: "2020-01-01T00:00:00Z", slots: "2020-01-01 00:00:15 00:00:30 00:00:45 00:15" },
    {
      cron: "20-40/10 * * * * *",
      from: "2012-12-26T14:38:00Z",
      slots: "2012-12-26 14:38:20 14:38:30 14:38:40 14:39:20"
    },
    { cron: "*/20 * * * * *", from: "2012-12-26T14:38:00Z", slots: "2012-12-26 14:38:20 14:38:40 14:39" },
    { cron: ["0,30 * * * * *", "*/30 * * * * *"], from: "2022-02-16T00:00:00Z", slots: "2022-02-16 00:00:30 00:01" },
    { cron: "0-30 * * * * *", from: "2024-01-01T00:00:29Z", slots: "2024-01-01 00:00:30 00:01 00:01:01" },
    {
      cron: ["0-59 * * * * *", "* 0-59 * * * *", "* * 0-23 * * *"],
      from: "2024-01-01T00:00:58Z",
      slots: "2024-01-01 00:00:59 00:01"
    }
  ],
  "hours have steps, ranges and lists, in any order": [
    {
      cron: ["1 1 */3 * * *", "1 1 0-23/3 * * *"],
      from: "2020-01-01T00:00:00Z",
      slots: "2020-01-01 00:01:01 03:01:01 06:01:01 09:01:01 12:01:01 15:01:01 18:01:01 21:01:01 " +
        "2020-01-02 00:01:01 03:01:01"
    },
    {
      cron: "1 1 0-12/3,1,10 * * *",
      from: "2020-01-01T00:00:00Z",
      slots: "2020-01-01 00:01:01 01:01:01 03:01:01 06:01:01 09:01:01 10:01:01 12:01:01"
    },
    {
      cron: "1 1 */3,1,10 * * *",
      from: "2020-01-01T00:00:00Z",
      slots: "2020-01-01 00:01:01 01:01:01 03:01:01 06:01:01 09:01:01 10:01:01 12:01:01 15:01:01 18:01:01 21:01:01"
    },
    {
      cron: "1 1 0-6,1,10 * * *",
      from: "2020-01-01T00:00:00Z",
      slots: "2020-01-01 00:01:01 01:01:01 02:01:01 03:01:01 04:01:01 05:01:01 06:01:01 10:01:01"
    },
    {
      cron: "1 1 3-8/2,1,10 * * sat",
      from: "2020-01-01T00:00:00Z",
      slots: "2020-01-04 01:01:01 03:01:01 05:01:01 07:01:01 10:01:01 2020-01-11 01:01:01"
    },
    {
      cron: "0 12,13,10,1-3 * * *",
      from: "2012-12-26T14:38:53Z",
      slots: "2012-12-27 01:00 02:00 03:00 10:00 12:00 13:00"
    },
    {
      cron: ["0 9,11,1 * * *", "0 1,9,11 * * *"],
      from: "2012-12-26T00:00:00Z",
      slots: "2012-12-26 01:00 09:00 11:00 2012-12-27 01:00 09:00 11:00"
    },
    {
      cron: "0 0-20/5 * * *",
      from: "2025-01-01T00:00:00Z",
      slots: "2025-01-01 05:00 10:00 15:00 20:00 2025-01-02 00:00"
    },
    { cron: "0 10-20/2 * * *", from: "2025-01-01T00:00:00Z", slots: "2025-01-01 10:00 12:00 14:00 16:00 18:00 20:00" },
    {
      cron: "0 1-3,10-12 * * *",
      from: "2025-01-01T00:00:00Z",
      slots: "2025-01-01 01:00 02:00 03:00 10:00 11:00 12:00"
    },
    { cron: "0 0,12,23 * * *", from: "2025-01-01T00:00:00Z", slots: "2025-01-01 12:00 23:00 2025-01-02 00:00" },
    { cron: "0 9-17 * * *", from: "2024-01-15T16:00:00Z", slots: "2024-01-15 17:00 2024-01-16 09:00" },
    { cron: "0 0 8,12,18 * * *", from: "2024-01-15T00:00:00Z", slots: "2024-01-15 08:00 12:00 18:00 2024-01-16 08:00" },
    {
      cron: "*/10 2-2 * * *",
      from: "2024-01-01T00:00:00Z",
      slots: "2024-01-01 02:00 02:10 02:20 02:30 02:40 02:50 2024-01-02 02:00"
    },
    { cron: "* * 1-6 * * *", from: "2019-01-01T00:00:00Z", slots: "2019-01-01 01:00 01:00:01" },
    { cron: "* * 1-6 * * *", from: "2019-01-01T06:59:58Z", slots: "2019-01-01 06:59:59 2019-01-02 01:00" },
    { cron: "*/5 * 15 * * *", from: "2022-01-01T12:54:00Z", slots: "2022-01-01 15:00 15:00:05" },
    { cron: ["* * 17 * * *", "* 17 * * *"], from: "2022-01-01T12:54:00Z", slots: "2022-01-01 17:00" },
    { cron: "*/5 * 11 * * *", from: "2022-01-01T12:54:00Z", slots: "2022-01-02 11:00" },
    { cron: "0 09-18 * * 1-5", from: "2026-01-02T17:30:00Z", slots: "2026-01-02 18:00 2026-01-05 09:00" }
  ],
  "minutes have steps, ranges and lists": [
    { cron: "0,30,59 * * * *", from: "2025-01-01T10:40:00Z", slots: "2025-01-01 10:59 11:00 11:30" },
    { cron: "0-5 * * * *", from: "2025-01-01T10:04:00Z", slots: "2025-01-01 10:05 11:00" },
    { cron: "0 1-15,17 * * * *", from: "2025-01-01T10:14:00Z", slots: "2025-01-01 10:15 10:17 11:01" },
    { cron: "0 1-15/5,6 * * * *", from: "2025-01-01T10:00:00Z", slots: "2025-01-01 10:01 10:06 10:11 11:01" },
    { cron: "0 */5 * * * *", from: "2025-01-01T10:51:00Z", slots: "2025-01-01 10:55 11:00" },
    { cron: "0 0-9 * * * *", from: "2025-01-01T10:08:00Z", slots: "2025-01-01 10:09 11:00" },
    { cron: "0 15-45/15 * * * *", from: "2025-01-01T10:00:00Z", slots: "2025-01-01 10:15 10:30 10:45 11:15" },
    {
      cron: "30 15,45 9-17 * * MON-FRI",
      from: "2024-01-19T17:00:00Z",
      slots: "2024-01-19 17:15:30 17:45:30 2024-01-22 09:15:30 09:45:30"
    }
  ],
  "days have steps, ranges and lists": [
    { cron: "1 1 */3 * *", from: "2020-12-05T00:00:00Z", slots: "2020-12-07 01:01 2020-12-10 01:01 2020-12-13 01:01" },
    {
      cron: "0 0 1,15,31 * *",
      from: "2025-01-01T00:00:00Z",
      slots: "2025-01-15 00:00 2025-01-31 00:00 2025-02-01 00:00 2025-02-15 00:00 2025-03-01 00:00"
    },
    { cron: "0 0 0 15 * *", from: "2024-01-14T00:00:00Z", slots: "2024-01-15 00:00 2024-02-15 00:00" },
    {
      cron: "0 0 0 2-4,7-31 * *",
      from: "2012-12-01T14:38:53Z",
      slots: "2012-12-02 00:00 2012-12-03 00:00 2012-12-04 00:00 2012-12-07 00:00 2012-12-08 00:00"
    },
    {
      cron: "0 12 */5 6 *",
      from: "2019-06-01T11:00:00Z",
      slots: "2019-06-01 12:00 2019-06-06 12:00 2019-06-11 12:00 2019-06-16 12:00 2019-06-21 12:00 2019-06-26 12:00 " +
        "2020-06-01 12:00"
    },
    {
      cron: "0 15 */5 5 *",
      from: "2019-05-01T11:00:00Z",
      slots: "2019-05-01 15:00 2019-05-06 15:00 2019-05-11 15:00 2019-05-16 15:00 2019-05-21 15:00 2019-05-26 15:00 " +
        "2019-05-31 15:00 2020-05-01 15:00"
    },
    { cron: "10 2 3,6 * *", from: "2023-05-03T02:10:00Z", slots: "2023-05-06 02:10 2023-06-03 02:10 2023-06-06 02:10" },
    { cron: "0 0 1-31 * *", from: "2023-04-30T00:00:00Z", slots: "2023-05-01 00:00 2023-05-02 00:00" }
  ],
  "days that a month does not have are left out": [
    { cron: "0 0 16,31 6 *", from: "2024-06-01T00:00:00Z", slots: "2024-06-16 00:00 2025-06-16 00:00" },
    {
      cron: "0 0 16/5 6 *",
      from: "2024-06-01T00:00:00Z",
      slots: "2024-06-16 00:00 2024-06-21 00:00 2024-06-26 00:00 2025-06-16 00:00"
    },
    { cron: "0 0 * 2 *", from: "2024-02-28T00:00:00Z", slots: "2024-02-29 00:00 2025-02-01 00:00" },
    { cron: "0 0 31 1,6 *", from: "2024-01-01T00:00:00Z", slots: "2024-01-31 00:00 2025-01-31 00:00" },
    { cron: "0 0 31 * *", from: "2024-01-31T00:00:00Z", slots: "2024-03-31 00:00 2024-05-31 00:00 2024-07-31 00:00" },
    { cron: "0 0 31 2 1-5", from: "2025-01-01T00:00:00Z", slots: "2025-02-03 00:00 2025-02-04 00:00" }
  ],
  "29 February comes in leap years": [
    {
      cron: ["0 0 29 2 *", "0 0 0 29 feb *"],
      from: "2020-01-01T00:00:00Z",
      slots: "2020-02-29 00:00 2024-02-29 00:00 2028-02-29 00:00"
    },
    { cron: "0 0 29 2 *", from: "2096-03-01T00:00:00Z", slots: "2104-02-29 00:00" }
  ],
  "months have steps, ranges, lists and names in any case": [
    {
      cron: ["1 1 1 */3 *", "1 1 1 1-12/3 *"],
      from: "2020-12-31T23:59:59Z",
      slots: "2021-01-01 01:01 2021-04-01 01:01 2021-07-01 01:01 2021-10-01 01:01"
    },
    {
      cron: "1 1 1 */2 *",
      from: "2020-05-01T00:00:00Z",
      slots: "2020-05-01 01:01 2020-07-01 01:01 2020-09-01 01:01 2020-11-01 01:01 2021-01-01 01:01"
    },
    { cron: ["0 0 1 JAN *", "0 0 1 jan *", "0 0 1 Jan *"], from: "2024-01-01T00:00:00Z", slots: "2025-01-01 00:00" },
    { cron: ["0 0 1 DEC *", "0 0 1 dec *", "0 0 1 12 *"], from: "2024-01-01T00:00:00Z", slots: "2024-12-01 00:00" },
    {
      cron: "0 0 0 1 1,6,12 *",
      from: "2024-01-01T00:00:00Z",
      slots: "2024-06-01 00:00 2024-12-01 00:00 2025-01-01 00:00"
    },
    { cron: "* * * * 1,2,3,4,5,6,7,8,9,10,11,12 *", from: "2024-01-01T00:00:00Z", slots: "2024-01-01 00:00:01" },
    { cron: "* * * * 2 *", from: "2020-05-01T15:00:00Z", slots: "2021-02-01 00:00 00:00:01" },
    {
      cron: "15 10 * jAn-FeB mOn-tUE",
      from: "2012-12-26T14:38:53Z",
      slots: "2013-01-01 10:15 2013-01-07 10:15 2013-01-08 10:15 2013-01-14 10:15 2013-01-15 10:15 2013-01-21 10:15 " +
        "2013-01-22 10:15 2013-01-28 10:15"
    }
  ],
  "weekdays are 0 to 7 or names in any case, and Sunday is 0 and 7": [
    {
      cron: ["0 0 0 * * 0", "0 0 0 * * 7", "0 0 0 * * SUN", "0 0 0 * * sun", "0 0 0 * * Sun"],
      from: "2024-01-01T00:00:00Z",
      slots: "2024-01-07 00:00 2024-01-14 00:00"
    },
    { cron: ["0 0 * * 1", "0 0 * * MON"], from: "2023-12-31T00:00:00Z", slots: "2024-01-01 00:00 2024-01-08 00:00" },
    {
      cron: ["0 0 * * 6", "0 0 * * SAT", "0 0 * * sat"],
      from: "2024-01-01T00:00:00Z",
      slots: "2024-01-06 00:00 2024-01-13 00:00"
    },
    {
      cron: ["0 0 0 * * 5,6", "0 0 0 * * FRI,sat"],
      from: "2022-02-17T00:00:00Z",
      slots: "2022-02-18 00:00 2022-02-19 00:00 2022-02-25 00:00 2022-02-26 00:00 2022-03-04 00:00 2022-03-05 00:00"
    },
    { cron: "15 9 * * mon", from: "2022-02-28T23:59:00Z", slots: "2022-03-07 09:15 2022-03-14 09:15 2022-03-21 09:15" },
    { cron: "0 30 14 * * MON", from: "2024-01-01T14:30:00Z", slots: "2024-01-08 14:30 2024-01-15 14:30" },
    { cron: "0 * * * mon,tue,wed,fri,sat,sun", from: "2022-03-31T11:40:34Z", slots: "2022-04-01 00:00 01:00" },
    { cron: "0 * * * mon,tue,wed,thu,fri,sat,sun", from: "2022-03-31T11:40:34Z", slots: "2022-03-31 12:00 13:00" },
    {
      cron: "0 0 * * MON,3,FRI",
      from: "2024-01-01T00:00:00Z",
      slots: "2024-01-03 00:00 2024-01-05 00:00 2024-01-08 00:00 2024-01-10 00:00 2024-01-12 00:00 2024-01-15 00:00"
    },
    {
      cron: ["30 16 * * 6,7", "30 16 * * 6,0", "30 16 * * 0,6", "30 16 * * 7,6"],
      from: "2012-12-26T14:38:53Z",
      slots: "2012-12-29 16:30 2012-12-30 16:30 2013-01-05 16:30"
    },
    { cron: "15 10 * * SUN", from: "2012-12-26T14:38:53Z", slots: "2012-12-30 10:15 2013-01-06 10:15" },
    {
      cron: "15 10 * * MON-TUE",
      from: "2012-12-26T14:38:53Z",
      slots: "2012-12-31 10:15 2013-01-01 10:15 2013-01-07 10:15"
    },
    {
      cron: "10 2 * * 3",
      from: "2023-04-29T00:00:00Z",
      slots: "2023-05-03 02:10 2023-05-10 02:10 2023-05-17 02:10 2023-05-24 02:10 2023-05-31 02:10 2023-06-07 02:10 " +
        "2023-06-14 02:10 2023-06-21 02:10 2023-06-28 02:10 2023-07-05 02:10"
    },
    {
      cron: "0 0 * 6 2",
      from: "2021-05-31T12:00:00Z",
      slots: "2021-06-01 00:00 2021-06-08 00:00 2021-06-15 00:00 2021-06-22 00:00 2021-06-29 00:00"
    }
  ],
  "a range of weekdays begins or ends with Sunday": [
    {
      cron: ["0 0 * * SUN-MON", "0 0 * * 0-1"],
      from: "2024-01-01T00:00:00Z",
      slots: "2024-01-07 00:00 2024-01-08 00:00 2024-01-14 00:00"
    },
    {
      cron: ["0 0 * * MON-SUN", "0 0 * * 0,1,2,3,4,5,6,7", "0 0 * * 0-7"],
      from: "2024-01-05T00:00:00Z",
      slots: "2024-01-06 00:00 2024-01-07 00:00 2024-01-08 00:00"
    },
    {
      cron: ["0 0 * * 6-7", "0 0 * * SAT-SUN", "0 0 * * 6-0"],
      from: "2024-01-05T00:00:00Z",
      slots: "2024-01-06 00:00 2024-01-07 00:00 2024-01-13 00:00"
    }
  ],
  "a step of weekdays has Sunday only where it reaches 0 or 7": [
    {
      cron: ["0 0 * * 2/2", "0 0 * * 2-7/2"],
      from: "2024-01-01T00:00:00Z",
      slots: "2024-01-02 00:00 2024-01-04 00:00 2024-01-06 00:00 2024-01-09 00:00"
    },
    { cron: "0 0 * * 4/2", from: "2024-01-01T00:00:00Z", slots: "2024-01-04 00:00 2024-01-06 00:00 2024-01-11 00:00" },
    {
      cron: "0 0 * * 1/2",
      from: "2024-01-01T00:00:00Z",
      slots: "2024-01-03 00:00 2024-01-05 00:00 2024-01-07 00:00 2024-01-08 00:00"
    },
    { cron: "0 0 * * 6/1", from: "2024-01-01T00:00:00Z", slots: "2024-01-06 00:00 2024-01-07 00:00 2024-01-13 00:00" },
    {
      cron: "0 0 * * 0/2",
      from: "2024-01-01T00:00:00Z",
      slots: "2024-01-02 00:00 2024-01-04 00:00 2024-01-06 00:00 2024-01-07 00:00"
    }
  ],
  "a day or a weekday is enough where neither field begins with a star": [
    {
      cron: "59 59 23 2 * 6",
      from: "2022-01-31T00:00:00Z",
      slots: "2022-02-02 23:59:59 2022-02-05 23:59:59 2022-02-12 23:59:59 2022-02-19 23:59:59 2022-02-26 23:59:59 " +
        "2022-03-02 23:59:59"
    },
    { cron: "0 0 0 1 11 4", from: "2021-10-12T22:00:00Z", slots: "2021-11-01 00:00 2021-11-04 00:00" },
    {
      cron: "0 12 1 * MON",
      from: "2024-01-20T00:00:00Z",
      slots: "2024-01-22 12:00 2024-01-29 12:00 2024-02-01 12:00 2024-02-05 12:00"
    },
    {
      cron: ["10 2 12 8 0", "10 2 12 8 7"],
      from: "2012-12-26T14:38:53Z",
      slots: "2013-08-04 02:10 2013-08-11 02:10 2013-08-12 02:10 2013-08-18 02:10"
    },
    { cron: "10-30 2 12 8 0", from: "2012-12-26T14:38:53Z", slots: "2013-08-04 02:10 02:11 02:12" },
    { cron: "10-30/2 2 12 8 0", from: "2013-08-12T02:25:00Z", slots: "2013-08-12 02:26 02:28 02:30 2013-08-18 02:10" },
    {
      cron: "10 2 12 8 6,0",
      from: "2012-12-26T14:38:53Z",
      slots: "2013-08-03 02:10 2013-08-04 02:10 2013-08-10 02:10 2013-08-11 02:10"
    },
    {
      cron: "10 2 12 8 6-7",
      from: "2012-12-26T14:38:53Z",
      slots: "2013-08-03 02:10 2013-08-04 02:10 2013-08-10 02:10 2013-08-11 02:10 2013-08-12 02:10 2013-08-17 02:10 " +
        "2013-08-18 02:10 2013-08-24 02:10 2013-08-25 02:10 2013-08-31 02:10 2014-08-02 02:10 2014-08-03 02:10 " +
        "2014-08-09 02:10 2014-08-10 02:10 2014-08-12 02:10"
    },
    { cron: "0 1 1 1 * 1", from: "2012-12-26T14:38:53Z", slots: "2012-12-31 01:01 2013-01-01 01:01 2013-01-07 01:01" },
    {
      cron: "0 12 1-31 * 1",
      from: "2022-10-30T14:00:00Z",
      slots: "2022-10-31 12:00 2022-11-01 12:00 2022-11-02 12:00 2022-11-03 12:00 2022-11-04 12:00 2022-11-05 12:00 " +
        "2022-11-06 12:00 2022-11-07 12:00"
    },
    { cron: "0 0 0 1 1 0", from: "2023-01-01T00:00:00Z", slots: "2023-01-08 00:00 2023-01-15 00:00" },
    { cron: "0 0 0 1 1 0", from: "2023-01-29T00:00:00Z", slots: "2024-01-01 00:00 2024-01-07 00:00" },
    { cron: "0 0 0 1 1 0", from: "2022-01-01T00:00:00Z", slots: "2022-01-02 00:00" },
    { cron: "0 0 16 * 0-6", from: "2026-01-01T00:00:00Z", slots: "2026-01-02 00:00 2026-01-03 00:00 2026-01-04 00:00" }
  ],
  "nicknames stand for five fields, in any case": [
    {
      cron: ["@yearly", "@annually", "@YEARLY", "@Yearly", "  @yearly  "],
      from: "2024-06-15T12:00:00Z",
      slots: "2025-01-01 00:00 2026-01-01 00:00"
    },
    { cron: "@monthly", from: "2024-06-15T12:00:00Z", slots: "2024-07-01 00:00 2024-08-01 00:00" },
    { cron: "@weekly", from: "2024-06-15T12:00:00Z", slots: "2024-06-16 00:00 2024-06-23 00:00" },
    { cron: ["@daily", "@midnight"], from: "2024-06-15T12:00:00Z", slots: "2024-06-16 00:00 2024-06-17 00:00" },
    { cron: "@hourly", from: "2024-06-15T12:00:00Z", slots: "2024-06-15 13:00 14:00" }
  ],
  "the next slot is later than now": [
    { cron: "0 0 12 * * *", from: "2024-01-15T12:00:00Z", slots: "2024-01-16 12:00" },
    { cron: "0 0 12 * * *", from: "2024-01-15T12:00:01Z", slots: "2024-01-16 12:00" },
    { cron: "0 0 12 * * *", from: "2025-01-15T00:00:00Z", slots: "2025-01-15 12:00" },
    { cron: "0 0 9 * * *", from: "2023-01-01T09:00:00Z", slots: "2023-01-02 09:00" },
    { cron: "0 0 9 * * *", from: "2023-01-01T10:00:00Z", slots: "2023-01-02 09:00" },
    { cron: "10,20 * * * * *", from: "2023-01-01T00:00:12Z", slots: "2023-01-01 00:00:20" },
    { cron: "0 10,20 * * * *", from: "2023-01-01T00:12:30Z", slots: "2023-01-01 00:20" },
    { cron: "0 10 * * * *", from: "2023-01-01T00:59:30Z", slots: "2023-01-01 01:10" },
    { cron: "0 0 5,10 * * *", from: "2023-01-01T06:00:00Z", slots: "2023-01-01 10:00" },
    { cron: "*/5 * * * *", from: "2025-01-01T12:02:00Z", slots: "2025-01-01 12:05 12:10" }
  ],
  "slots go on from minute to minute, day to day and year to year": [
    { cron: "0 * * * * *", from: "2024-01-01T00:00:00Z", slots: "2024-01-01 00:45", number: 45 },
    { cron: "0 0 * * * *", from: "2024-01-01T00:30:00Z", slots: "2024-01-01 01:00 02:00 03:00" },
    { cron: "0 0 0 * * *", from: "2023-01-01T12:00:00Z", slots: "2024-01-01 00:00", number: 365 },
    { cron: "0 0 0 1 * *", from: "2024-01-15T00:00:00Z", slots: "2024-02-01 00:00 2024-03-01 00:00 2024-04-01 00:00" },
    { cron: "0 0 0 1 12 *", from: "2024-01-15T00:00:00Z", slots: "2024-12-01 00:00 2025-12-01 00:00 2026-12-01 00:00" },
    { cron: "0 0 31 12 *", from: "2023-01-15T00:00:00Z", slots: "2023-12-31 00:00 2024-12-31 00:00" },
    { cron: "0 0 0 * * 1", from: "2024-01-15T00:00:00Z", slots: "2024-01-22 00:00 2024-01-29 00:00 2024-02-05 00:00" },
    { cron: "0 3 * * *", from: "2024-01-01T00:00:00Z", slots: "2024-01-01 03:00 2024-01-02 03:00" }
  ],
  "the clocks of a zone are read": [
    { cron: "0 0 12 * * *", zone: "Etc/UTC", from: "2021-10-31T20:00:00Z", slots: "2021-11-01 12:00" },
    {
      cron: "0 0 12 * * *",
      zone: "America/New_York",
      from: "2024-01-15T16:00:00Z",
      slots: "2024-01-15 17:00 2024-01-16 17:00"
    },
    { cron: "* * * * * *", zone: "Europe/Stockholm", from: "2021-09-01T00:00:00Z", slots: "2021-09-01 00:00:01" },
    { cron: "* * * * * *", zone: "America/New_York", from: "2021-09-01T00:00:00Z", slots: "2021-09-01 00:00:01" },
    { cron: "0 0 12 30 10 *", zone: "Europe/Stockholm", from: "2021-09-01T00:00:00Z", slots: "2021-10-30 10:00" },
    { cron: "0 0 12 30 10 *", zone: "America/New_York", from: "2021-09-01T00:00:00Z", slots: "2021-10-30 16:00" },
    { cron: "0 0 12 1 11 *", zone: "Europe/Stockholm", from: "2026-03-01T00:00:00Z", slots: "2026-11-01 11:00" },
    { cron: "0 0 12 1 11 *", zone: "America/New_York", from: "2026-03-01T00:00:00Z", slots: "2026-11-01 17:00" },
    { cron: "0 0 23 8 2 2", zone: "Europe/Stockholm", from: "2022-02-08T12:00:00Z", slots: "2022-02-08 22:00" },
    { cron: "0 0 23 8 2 2", zone: "America/New_York", from: "2022-02-08T12:00:00Z", slots: "2022-02-09 04:00" },
    { cron: "0 0 0 1,2 * *", zone: "Europe/Madrid", from: "2018-11-15T16:15:33.522Z", slots: "2018-11-30 23:00" },
    { cron: "0 9 1 1 *", zone: "America/Sao_Paulo", from: "2018-10-30T00:59:00Z", slots: "2019-01-01 11:00" },
    { cron: "0 12 * * 3", zone: "America/New_York", from: "2018-10-28T00:00:00Z", slots: "2018-10-31 16:00" },
    {
      cron: "0 9,12,15,18 * * 1-5",
      zone: "Australia/Melbourne",
      from: "2026-05-06T00:00:00Z",
      slots: "2026-05-06 02:00 05:00"
    },
    { cron: "0 9,12,15,18 * * 1-5", zone: "America/New_York", from: "2026-05-07T00:00:00Z", slots: "2026-05-07 13:00" }
  ],
  "a zone can be an offset": [
    { cron: "0 0 12 * * *", zone: "+00:00", from: "2021-10-31T20:00:00Z", slots: "2021-11-01 12:00" },
    { cron: "0 0 13 * * *", zone: "-02:00", from: "2021-10-31T20:00:00Z", slots: "2021-11-01 15:00" },
    { cron: "0 0 13 * * *", zone: "+08:00", from: "2021-10-31T20:00:00Z", slots: "2021-11-01 05:00" },
    { cron: "0 0 12 * * *", zone: "+14:30", from: "2021-10-31T20:00:00Z", slots: "2021-10-31 21:30" },
    { cron: "0 0 12 * * *", zone: "-14:30", from: "2021-10-31T20:00:00Z", slots: "2021-11-01 02:30" }
  ],
  "a year of days has a slot each, whatever the clocks do": [
    {
      cron: "0 0 0 * * *",
      zone: "America/New_York",
      from: "2023-01-01T12:00:00Z",
      slots: "2024-01-01 05:00",
      number: 365
    },
    {
      cron: "0 30 2 * * *",
      zone: "America/New_York",
      from: "2023-01-01T12:00:00Z",
      slots: "2024-01-01 07:30",
      number: 365
    },
    {
      cron: "0 30 1 * * *",
      zone: "America/New_York",
      from: "2023-01-01T12:00:00Z",
      slots: "2024-01-01 06:30",
      number: 365
    },
    {
      cron: "0 30 2 * * *",
      zone: "Europe/Berlin",
      from: "2023-02-15T12:00:00Z",
      slots: "2024-02-15 01:30",
      number: 365
    }
  ],
  "UTC has no night of change": [
    {
      cron: "0 0 * * * *",
      zone: "UTC",
      from: "2025-10-05T00:00:00Z",
      slots: "2025-10-05 01:00 02:00 03:00 04:00 05:00"
    },
    { cron: "0 5 * * 7", zone: "UTC", from: "2025-03-29T00:00:00Z", slots: "2025-03-30 05:00" }
  ],
  "a skipped full hour is served at the end of the gap": [
    {
      cron: "0 3 * * *",
      zone: "Europe/Athens",
      from: "2016-03-27T00:00:01Z",
      slots: "2016-03-27 01:00 2016-03-28 00:00"
    },
    {
      cron: "0 22,23 * * *",
      zone: "America/Nuuk",
      from: "2024-03-30T00:00:00Z",
      slots: "2024-03-30 01:00 2024-03-31 00:00 01:00 23:00"
    },
    {
      cron: "0 23,0 * * *",
      zone: "America/Santiago",
      from: "2026-09-05T02:00:00Z",
      slots: "2026-09-05 03:00 04:00 2026-09-06 03:00 04:00"
    }
  ],
  "times beside the gap are what they are": [
    { cron: "30 2 * * *", zone: "Europe/Athens", from: "2016-03-27T00:00:01Z", slots: "2016-03-27 00:30 23:30" },
    { cron: "0 4,5 * * *", zone: "Europe/Athens", from: "2016-03-26T23:30:00Z", slots: "2016-03-27 01:00 02:00" },
    { cron: "0 3 * * 7", zone: "Europe/Rome", from: "2025-03-28T23:59:59Z", slots: "2025-03-30 01:00" },
    { cron: "0 4 * * 7", zone: "Europe/Rome", from: "2025-03-28T23:59:59Z", slots: "2025-03-30 02:00" },
    {
      cron: "0 5 * * 7",
      zone: "Europe/Rome",
      from: "2025-03-28T23:59:59Z",
      slots: "2025-03-30 03:00 2025-04-06 03:00"
    },
    { cron: "0 8 * * 0", zone: "America/Chicago", from: "2026-03-08T05:45:00Z", slots: "2026-03-08 13:00" },
    {
      cron: "30 2 * * *",
      zone: "Australia/Lord_Howe",
      from: "2026-10-03T05:00:00Z",
      slots: "2026-10-03 15:30 2026-10-04 15:30"
    }
  ],
  "a star for the hour leaves out the hour that spring skips": [
    { cron: "0 * * * *", zone: "Europe/Athens", from: "2016-03-27T00:00:01Z", slots: "2016-03-27 01:00 02:00" },
    {
      cron: "0 * 27 * *",
      zone: "Europe/Athens",
      from: "2016-03-26T22:00:01Z",
      slots: "2016-03-26 23:00 2016-03-27 00:00 01:00 02:00"
    },
    {
      cron: "0 * * * 7",
      zone: "Europe/Rome",
      from: "2025-03-29T00:00:00Z",
      slots: "2025-03-29 23:00 2025-03-30 00:00 01:00 02:00 03:00 04:00 05:00 06:00 07:00 08:00"
    }
  ],
  "a day that a zone skips has no slot": [
    {
      cron: "0 12 * * *",
      zone: "Pacific/Apia",
      from: "2011-12-28T00:00:00Z",
      slots: "2011-12-28 22:00 2011-12-29 22:00 2011-12-30 22:00 2011-12-31 22:00"
    }
  ],
  "a fixed time runs once in the hour that autumn repeats": [
    {
      cron: "0 30 1 5 11 *",
      zone: "America/New_York",
      from: "2023-11-05T04:00:00Z",
      slots: "2023-11-05 05:30 2024-11-05 06:30"
    },
    {
      cron: "0 30 1 * * *",
      zone: "America/New_York",
      from: "2025-11-02T04:00:00Z",
      slots: "2025-11-02 05:30 2025-11-03 06:30"
    },
    { cron: "0 30 1 * * *", zone: "America/New_York", from: "2025-11-02T05:31:00Z", slots: "2025-11-03 06:30" },
    {
      cron: "0 30 1 * * *",
      zone: "Europe/London",
      from: "2025-10-26T00:00:00Z",
      slots: "2025-10-26 00:30 2025-10-27 01:30"
    },
    { cron: "0 30 1 * * *", zone: "Europe/London", from: "2025-10-26T00:31:00Z", slots: "2025-10-27 01:30" },
    {
      cron: "0 3 * * *",
      zone: "Europe/Athens",
      from: "2016-10-29T23:00:01Z",
      slots: "2016-10-30 00:00 2016-10-31 01:00"
    }
  ],
  "a star for the hour runs in both hours of autumn": [
    { cron: "0 * * * *", zone: "Europe/Athens", from: "2016-10-29T23:00:01Z", slots: "2016-10-30 00:00 01:00 02:00" },
    {
      cron: "0 * 30 * *",
      zone: "Europe/Athens",
      from: "2016-10-29T21:00:01Z",
      slots: "2016-10-29 22:00 23:00 2016-10-30 00:00 01:00 02:00"
    }
  ],
  "noon is noon before and after the clocks are set back": [
    {
      cron: "0 12 * * *",
      zone: "Europe/Athens",
      from: "2016-10-28T23:00:00Z",
      slots: "2016-10-29 09:00 2016-10-30 10:00 2016-10-31 10:00"
    },
    {
      cron: "0 12 * * *",
      zone: "Europe/Athens",
      from: "2016-10-29T23:59:59Z",
      slots: "2016-10-30 10:00 2016-10-31 10:00"
    }
  ],
  "a value with a step goes on to the end of the field": [
    { cron: "6/23 * * * *", from: "2012-12-26T14:38:53Z", slots: "2012-12-26 14:52 15:06 15:29 15:52" },
    { cron: "5/5 * * * * *", from: "2020-01-01T00:00:00Z", slots: "2020-01-01 00:00:05 00:00:10 00:00:15" },
    { cron: "0/10 * * * * *", from: "2020-01-01T00:00:00Z", slots: "2020-01-01 00:00:10 00:00:20 00:00:30" },
    { cron: "30/30 * * * * *", from: "2020-01-01T00:00:00Z", slots: "2020-01-01 00:00:30 00:01:30 00:02:30" },
    { cron: "1/2 * * * * *", from: "2012-12-26T14:38:00Z", slots: "2012-12-26 14:38:01 14:38:03 14:38:05" },
    { cron: "0/30 * * * * *", from: "2012-12-26T14:38:53Z", slots: "2012-12-26 14:39 14:39:30 14:40" }
  ]
}

const otherRule: Record<string, ReadonlyArray<OtherSlots>> = {
  "a fixed time inside the gap runs at the end of the gap": [
    {
      cron: "0 30 2 12 3 *",
      zone: "America/New_York",
      from: "2023-03-12T00:00:00Z",
      slots: "2023-03-12 07:00",
      theirs: "2023-03-12 07:30"
    },
    {
      cron: "0 30 2 * * *",
      zone: "America/New_York",
      from: "2025-03-09T06:00:00Z",
      slots: "2025-03-09 07:00 2025-03-10 06:30",
      theirs: "2025-03-09 07:30"
    },
    {
      cron: "0 30 1 * * *",
      zone: "Europe/London",
      from: "2025-03-30T00:00:00Z",
      slots: "2025-03-30 01:00",
      theirs: "2025-03-30 01:30"
    },
    {
      cron: "30 2 * * 7",
      zone: "Europe/Rome",
      from: "2025-03-28T23:59:59Z",
      slots: "2025-03-30 01:00",
      theirs: "2025-03-30 01:30"
    },
    {
      cron: "30 59 2 * * *",
      zone: "America/New_York",
      from: "2026-03-07T12:00:00Z",
      slots: "2026-03-08 07:00 2026-03-09 06:59:30 2026-03-10 06:59:30",
      theirs: "2026-03-08 07:59:30 2026-03-09 06:59:30 2026-03-10 06:59:30"
    }
  ],
  "a gap of two hours has the same rule": [
    {
      cron: "30 1 * * *",
      zone: "Antarctica/Troll",
      from: "2026-03-27T12:00:00Z",
      slots: "2026-03-28 01:30 2026-03-29 01:00 23:30 2026-03-30 23:30",
      theirs: "2026-03-28 01:30 2026-03-29 01:30 23:30 2026-03-30 23:30"
    },
    {
      cron: "30 2 * * *",
      zone: "Antarctica/Troll",
      from: "2026-03-28T12:00:00Z",
      slots: "2026-03-29 01:00 2026-03-30 00:30",
      theirs: "2026-03-29 01:30 2026-03-30 00:30"
    }
  ],
  "a time beside a gap of half an hour is what it is": [
    {
      cron: "30 1,2 * * *",
      zone: "Australia/Lord_Howe",
      from: "2026-10-03T12:00:00Z",
      slots: "2026-10-03 15:00 15:30 2026-10-04 14:30",
      theirs: "2026-10-03 15:00 16:30 2026-10-04 14:30"
    }
  ],
  "a star for the minute has no slot in the hour that spring skips": [
    {
      cron: "*/20 3 * * *",
      zone: "Europe/Athens",
      from: "2016-03-27T00:00:01Z",
      slots: "2016-03-28 00:00 00:20 00:40",
      theirs: "2016-03-27 01:00 01:20 01:40 2016-03-28 00:00"
    }
  ],
  "a star for the minute runs in both hours of autumn": [
    {
      cron: "*/20 3 * * *",
      zone: "Europe/Athens",
      from: "2016-10-29T23:00:01Z",
      slots: "2016-10-30 00:00 00:20 00:40 01:00 01:20 01:40 2016-10-31 01:00",
      theirs: "2016-10-30 00:00 00:20 00:40 2016-10-31 01:00"
    },
    {
      cron: "* * * * *",
      zone: "America/Los_Angeles",
      from: "2025-11-02T08:58:00Z",
      slots: "2025-11-02 08:59 09:00 09:01 09:02 09:03",
      theirs: "2025-11-02 08:59 10:00 10:01 10:02 10:03"
    }
  ],
  "a slot is never in the past": [
    {
      cron: "0 30 1 * * *",
      zone: "America/New_York",
      from: "2025-11-02T06:00:00Z",
      slots: "2025-11-03 06:30",
      theirs: "2025-11-02 05:30"
    }
  ],
  "a value can have a step": [
    { cron: "0 5/5 * * * *", from: "2020-01-01T00:50:00Z", slots: "2020-01-01 00:55 01:05 01:10", theirs: "refused" },
    { cron: "0 0/10 * * * *", from: "2020-01-01T00:40:00Z", slots: "2020-01-01 00:50 01:00", theirs: "refused" },
    { cron: "30/30 * * * * *", from: "2020-01-01T00:00:00Z", slots: "2020-01-01 00:00:30 00:01:30", theirs: "refused" },
    {
      cron: "0 0 12/6 * * *",
      from: "2020-01-01T00:00:00Z",
      slots: "2020-01-01 12:00 18:00 2020-01-02 12:00",
      theirs: "refused"
    },
    {
      cron: "0 0 0 5/2 * *",
      from: "2020-01-27T00:00:00Z",
      slots: "2020-01-29 00:00 2020-01-31 00:00 2020-02-05 00:00",
      theirs: "refused"
    },
    {
      cron: "0 0 0 1 3/3 *",
      from: "2020-01-01T00:00:00Z",
      slots: "2020-03-01 00:00 2020-06-01 00:00",
      theirs: "refused"
    },
    { cron: "0 1,2/5 * * * *", from: "2020-01-01T00:00:00Z", slots: "2020-01-01 00:01 00:02 00:07", theirs: "refused" }
  ],
  "a step above its field leaves the first value": [
    {
      cron: "* */61 * * * *",
      from: "2020-01-01T00:00:58Z",
      slots: "2020-01-01 00:00:59 01:00 01:00:01",
      theirs: "refused"
    },
    { cron: "0 0 */24 * * *", from: "2020-01-01T00:00:58Z", slots: "2020-01-02 00:00", theirs: "refused" }
  ],
  "a value can stand in a list twice, and Sunday as 0 and 7": [
    {
      cron: ["0,0 0 0 1 1 *", "0 0 1 1 *"],
      from: "2024-06-15T12:00:00Z",
      slots: "2025-01-01 00:00",
      theirs: "refused"
    },
    {
      cron: ["0,0 * * * *", "0,0,0 * * * *"],
      from: "2024-06-15T12:00:00Z",
      slots: "2024-06-15 13:00 14:00",
      theirs: "refused"
    },
    { cron: "0 0,0 * * *", from: "2024-06-15T12:00:00Z", slots: "2024-06-16 00:00", theirs: "refused" },
    {
      cron: ["0 0 * * 0,0", "0 0 * * 0,0,0", "0 0 * * 0,7", "0 0 * * 7,0"],
      from: "2024-06-15T12:00:00Z",
      slots: "2024-06-16 00:00 2024-06-23 00:00",
      theirs: "refused"
    }
  ],
  "a day and a weekday can both be given": [
    {
      cron: "0 0 12 1-31 * 1",
      from: "2024-06-15T12:00:00Z",
      slots: "2024-06-16 12:00 2024-06-17 12:00",
      theirs: "refused"
    }
  ],
  "an offset can be longer than 14.5 hours": [
    {
      cron: "0 0 12 * * *",
      zone: "+15:00",
      from: "2024-06-15T00:00:00Z",
      slots: "2024-06-15 21:00",
      theirs: "refused"
    },
    { cron: "0 0 12 * * *", zone: "-15:00", from: "2024-06-15T00:00:00Z", slots: "2024-06-15 03:00", theirs: "refused" }
  ]
}

const months = "jan feb mar apr may jun jul aug sep oct nov dec"
const allowed = {
  second: "0 to 59",
  minute: "0 to 59",
  hour: "0 to 23",
  day: "1 to 31",
  month: `1 to 12 or ${months}`,
  weekday: "0 to 7 or sun mon tue wed thu fri sat"
}
type Field = keyof typeof allowed

/** The message for a field that says this. */
const of = (
  field: Field,
  text: string,
  remedy = `write ${allowed[field]}, a range a-b, a step */n, or a list of these`
) => `${field} "${text}": ${remedy}`

const fields = (text: string) =>
  `"${text}": write five fields (minute, hour, day, month, weekday), six with the second first, or one of ` +
  "@yearly @annually @monthly @weekly @daily @midnight @hourly; no year, user or command"

const backwards = (instead: string) => `a range cannot run backwards: write ${instead}`
const noStep = "a step is 1 or more"
const question = "write * instead of ?; six fields start with the second, there is no year field, and Sunday is 0"
const lastDay = "L is not supported: for the last day of a month write the days 28-31, and check the date in the run"
const nthWeekday =
  "the n-th or last weekday of a month is not supported: write the weekday alone, and check the date in the run"
const nearest =
  "the nearest weekday is not supported: write every day that it can fall on, and check the date in the run"
const both = "+ is not supported: write the day or the weekday alone, and check the other in the run"
const random = "random values are not supported: write a fixed value, and spread the runs with Jitter"
const noYear = "there is no year field; six fields start with the second"

const refused: Record<string, ReadonlyArray<readonly [expression: string, message: string, zone?: string]>> = {
  "a value outside its field": [
    ["60 * * * *", of("minute", "60")],
    ["61 * * * * *", of("second", "61")],
    ["0-60 * * * * *", of("second", "0-60")],
    ["* 0-5,55,60 * * * *", of("minute", "0-5,55,60")],
    ["* 32,72 * * * *", of("minute", "32,72")],
    ["* 10-70/5 * * * *", of("minute", "10-70/5")],
    ["0 24 * * *", of("hour", "24")],
    ["* * 0,23,24 * * *", of("hour", "0,23,24")],
    ["* * 12-36 * * *", of("hour", "12-36")],
    ["0 0 32 * *", of("day", "32")],
    ["* * * 0 * *", of("day", "0")],
    ["* * * 10-15,40 * *", of("day", "10-15,40")],
    ["0 0 1 13 *", of("month", "13")],
    ["* * * * 7-13 *", of("month", "7-13")],
    ["* * * * 0-3 *", of("month", "0-3")],
    ["* * * * */10,12-13 *", of("month", "*/10,12-13")],
    ["0 0 * * 8", of("weekday", "8")],
    ["* * * * * 9", of("weekday", "9")]
  ],
  "a range that lacks an end, or has three": [
    ["* -9 * * * *", of("minute", "-9")],
    ["-1 * * * * *", of("second", "-1")],
    ["* * * * * -1", of("weekday", "-1")],
    ["* 0- * * * *", of("minute", "0-")],
    ["- * * * * *", of("second", "-")],
    ["* 0-0-0 * * * *", of("minute", "0-0-0")]
  ],
  "a range that runs backwards": [
    ["0 17-9 * * *", of("hour", "17-9", backwards("17-23,0-9"))],
    ["* 12-2 * * * *", of("minute", "12-2", backwards("12-59,0-2"))],
    ["30-20 * * * * *", of("second", "30-20", backwards("30-59,0-20"))],
    ["* 50-40/5 * * * *", of("minute", "50-40/5", backwards("its values as a list"))]
  ],
  "a step of 0": [
    ["* */0 * * * *", of("minute", "*/0", noStep)],
    ["* 10-20/0 * * * *", of("minute", "10-20/0", noStep)],
    ["0 */0 * * *", of("hour", "*/0", noStep)]
  ],
  "a step that is not a number, has nothing before it, or has another step": [
    ["* */ * * * *", of("minute", "*/")],
    ["* 5/* * * * *", of("minute", "5/*")],
    ["* */a * * * *", of("minute", "*/a")],
    ["* a/5 * * * *", of("minute", "a/5")],
    ["* */* * * * *", of("minute", "*/*")],
    ["* */5/5 * * * *", of("minute", "*/5/5")],
    ["0 5/5/5 * * *", of("hour", "5/5/5")],
    ["* /10 * * * *", of("minute", "/10")],
    ["/3 * * * * *", of("second", "/3")],
    ["10 */A 12 8 0", of("hour", "*/A")],
    ["0 */-5 * * *", of("hour", "*/-5")]
  ],
  "letters and signs that mean nothing": [
    ["* a * * * *", of("minute", "a")],
    ["* *a * * * *", of("minute", "*a")],
    ["* *1 * * * *", of("minute", "*1")],
    ["10 ! 12 8 0", of("hour", "!")],
    ["10 x 12 8 0", of("hour", "x")],
    ["10 ) 12 8 0", of("hour", ")")],
    ["10 0-z 12 8 0", of("hour", "0-z")],
    ["10 0,1,z 12 8 0", of("hour", "0,1,z")],
    ["15 10 * * MON-TUR", of("weekday", "MON-TUR")],
    ["0 0 0 * * 1.2", of("weekday", "1.2")],
    ["*/10 * * * * ,", of("weekday", ",")],
    ["*/10 * * * * ,2", of("weekday", ",2")]
  ],
  "fewer than five fields, or more than six": [
    ["20 15 * *", fields("20 15 * *")],
    ["15 * *", fields("15 * *")],
    ["* * * *", fields("* * * *")],
    ["", fields("")],
    ["   ", fields("")],
    ["* * * * * * * *ASD", fields("* * * * * * * *ASD")],
    ["invalid expression here", fields("invalid expression here")]
  ],
  "a nickname that there is not": [
    ["@wekly", fields("@wekly")],
    ["@unknown", fields("@unknown")],
    ["@hourly 5", fields("@hourly 5")]
  ],
  "a date instead of fields": [
    ["2020-01-01T00:00:00", fields("2020-01-01T00:00:00")],
    ["2020-13-01T00:00:00Z", fields("2020-13-01T00:00:00Z")]
  ],
  "a year": [
    ["0 0 0 1 1 * 2024", fields("0 0 0 1 1 * 2024")],
    ["0 0 0 1 1 * 2024-2030/2", fields("0 0 0 1 1 * 2024-2030/2")],
    ["0 0 0 1 1 * *", fields("0 0 0 1 1 * *")],
    ["0 0 1 1 * 2030", of("weekday", "2030", noYear)],
    ["0 0 1 1 * 2024,2026", of("weekday", "2024,2026", noYear)],
    ["0 0 1 1 * 2010-2015", of("weekday", "2010-2015", noYear)]
  ],
  "a question mark": [
    ["? * * * * *", of("second", "?", question)],
    ["0 ?/15 * * * *", of("minute", "?/15", question)],
    ["0 0 ? * * *", of("hour", "?", question)],
    ["0 0 12 ? * *", of("day", "?", question)],
    ["0 0 12 1 ? *", of("month", "?", question)],
    ["0/30 * * * * ?", of("weekday", "?", question)],
    ["0 12 * * ? *", of("month", "?", question)],
    ["* * 1-6 ? * *", of("day", "?", question)],
    ["0 0 0 ? * 2-4#2", of("day", "?", question)],
    ["59 * ? ? ? ?", of("hour", "?", question)]
  ],
  "L for the last day of a month": [
    ["0 0 L * *", of("day", "L", lastDay)],
    ["0 0 l * *", of("day", "l", lastDay)],
    ["0 0 0 15,L * *", of("day", "15,L", lastDay)],
    ["0 0 1,3,6-8,L 2 *", of("day", "1,3,6-8,L", lastDay)],
    ["0 0 0 * * L", of("weekday", "L", lastDay)],
    ["0 0 0 * * 1,L", of("weekday", "1,L", lastDay)]
  ],
  "L and # for the n-th or last weekday of a month": [
    ["0 0 0 * * 5L", of("weekday", "5L", nthWeekday)],
    ["0 0 * * 5l", of("weekday", "5l", nthWeekday)],
    ["0 0 * * fril", of("weekday", "fril", nthWeekday)],
    ["0 0 * * MONL,FRIL", of("weekday", "MONL,FRIL", nthWeekday)],
    ["0 0 * * MON-FRIL", of("weekday", "MON-FRIL", nthWeekday)],
    ["0 0 0 * * 1,5L", of("weekday", "1,5L", nthWeekday)],
    ["0 0 * * FRI#L", of("weekday", "FRI#L", nthWeekday)],
    ["0 0 * * TUE#2", of("weekday", "TUE#2", nthWeekday)],
    ["0 0 0 8 * 5#3", of("weekday", "5#3", nthWeekday)],
    ["0 0 0 * * SAT-SUN#L,SUN#1", of("weekday", "SAT-SUN#L,SUN#1", nthWeekday)],
    ["0 0 0 * * 2-4#2", of("weekday", "2-4#2", nthWeekday)],
    ["0 0 0 * * 1/2#3", of("weekday", "1/2#3", nthWeekday)],
    ["0 0 0 * * 0,6#4", of("weekday", "0,6#4", nthWeekday)],
    ["0 0 0 * * 1.2#2", of("weekday", "1.2#2", nthWeekday)],
    ["0 0 0 * * 0##4", of("weekday", "0##4", nthWeekday)]
  ],
  "W for the nearest weekday": [
    ["0 0 0 15W 7 *", of("day", "15W", nearest)],
    ["0 0 0 15w 7 *", of("day", "15w", nearest)],
    ["0 0 1W,15W 1 *", of("day", "1W,15W", nearest)],
    ["0 0 LW * *", of("day", "LW", nearest)],
    ["0 0 lw * *", of("day", "lw", nearest)],
    ["0 0 0 15W-20 * *", of("day", "15W-20", nearest)],
    ["0 12 10-15W * *", of("day", "10-15W", nearest)],
    ["0 15W * * * *", of("minute", "15W", nearest)],
    ["0 0 * * * 2W", of("weekday", "2W", nearest)]
  ],
  "+ for a day that is also a weekday": [
    ["0 0 13 * +FRI", of("weekday", "+FRI", both)],
    ["0 12 1 * +MON-FRI", of("weekday", "+MON-FRI", both)],
    ["0 12 15 * +5", of("weekday", "+5", both)],
    ["0 12 1 * +", of("weekday", "+", both)],
    ["0 12 1 * +*", of("weekday", "+*", both)],
    ["0 +12 * * *", of("hour", "+12", both)]
  ],
  "H for a random value": [
    ["H * * * * *", of("second", "H", random)],
    ["H/5 * * * * *", of("second", "H/5", random)],
    ["H(10-5) * * * *", of("minute", "H(10-5)", random)],
    ["H(0-29)/10 * * * *", of("minute", "H(0-29)/10", random)],
    ["0 0 0 H/2 * *", of("day", "H/2", random)],
    ["* H H(9-20)/3 * * 1-5", of("minute", "H", random)]
  ],
  "@reboot": [
    ["@reboot", "@reboot is no time: a loop with immediate: true runs when it starts"],
    ["@every 5m", "@every is no time of a calendar: use Period.ticker"]
  ],
  "a date that no month has": [
    ["0 0 31 2 *", "no date ever matches: there is no day 31 in month 2"],
    ["0 0 31 4 *", "no date ever matches: there is no day 31 in month 4"],
    ["0 0 0 31 4,6 *", "no date ever matches: there is no day 31 in month 4,6"]
  ],
  "a time zone that there is not": [
    [
      "0 0 12 * * *",
      "no time zone is called \"hello\": write a name such as Europe/Berlin or an offset such as +02:00",
      "hello"
    ]
  ]
}

const notAString = "refuses a value that is not a string"
const notAStringMessage = "Period.cron: expression must be a string such as \"0 3 * * *\", got "

// Each spec's title, and what its row in CRON-TESTS.md begins with.
const titles = new Map<string, string>([
  ...Object.keys(same).map((name) => [name, "same"] as const),
  ...Object.keys(otherRule).map((name) => [name, "by another rule"] as const),
  ...Object.keys(refused).map((name) => [`refuses ${name}`, "refused"] as const),
  [notAString, "refused"] as const
])

/** The rows of a table, each with its cells. */
const rowsOf = (text: string): ReadonlyArray<ReadonlyArray<string>> =>
  text.split("\n").filter((line) => /^\| *\d/.test(line)).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  )

describe("croner's and cron-parser's tests", () => {
  for (const [name, cases] of Object.entries({ ...same, ...otherRule })) {
    it.effect(name, () =>
      Effect.gen(function*() {
        for (const { cron, from, number, slots, zone = "UTC" } of cases) {
          for (const expression of typeof cron === "string" ? [cron] : cron) {
            const instants = yield* stepsOf(expression, zone, from, number ?? timesIn(slots))
            assert.strictEqual(
              write(number === undefined ? instants : instants.slice(-1)),
              slots,
              `${expression} in ${zone}`
            )
          }
        }
      }), 3000)
  }

  for (const [name, cases] of Object.entries(refused)) {
    it.effect(`refuses ${name}`, () =>
      Effect.gen(function*() {
        for (const [expression, message, zone = "UTC"] of cases) {
          const error = yield* Effect.flip(stepsOf(expression, zone, "2024-01-01T00:00:00Z", 1))
          assert.strictEqual(Cron.isCronParseError(error) ? error.message : error, message)
        }
      }))
  }

  it(notAString, () => {
    for (const value of [{}, Object("* * * * *"), DateTime.toDateUtc(DateTime.makeUnsafe(0)), undefined]) {
      assert.throws(() => Period.cron(value as never), notAStringMessage)
    }
  })

  it("theirs differ where a rule is another", () => {
    for (const { slots, theirs } of Object.values(otherRule).flat()) {
      assert.notStrictEqual(slots, theirs)
      if (theirs !== "refused") assert.isAtLeast(timesIn(theirs), 1)
    }
  })
})

describe("CRON-TESTS.md", () => {
  const [preface, ...files] = readFileSync(new URL("./CRON-TESTS.md", import.meta.url), "utf8").split(/^### /m)
  const rows = rowsOf(files.join("\n"))
  const messages = new Map<string, ReadonlyArray<string>>([
    ...Object.entries(refused).map(([name, cases]) =>
      [`refuses ${name}`, cases.map(([, message]) => message)] as const
    ),
    [notAString, [`${notAStringMessage}{}`]] as const
  ])
  const specsOf = (cell: string) => Array.from(cell.matchAll(/“([^”]+)”/g), ([, title]) => title!)

  it("names specs that there are, with what they show", () => {
    for (const [, what, ours = "", specs = ""] of rows) {
      const kinds = specsOf(specs).map((title) => titles.get(title))
      const kind = /^(same|by another rule|refused|does not apply)\b/.exec(ours)?.[1]
      if (kind === "does not apply") assert.deepStrictEqual(kinds, [], what)
      else if (kind === "by another rule") assert.isTrue(kinds.includes(kind) && !kinds.includes("refused"), what)
      else assert.deepStrictEqual([...new Set(kinds)], [kind], what)
    }
  })

  it("names each spec", () => {
    const named = new Set(rows.flatMap(([, , , specs = ""]) => specsOf(specs)))
    assert.deepStrictEqual([...titles.keys()].filter((title) => !named.has(title)), [])
  })

  it("quotes refusals as they are", () => {
    for (const [, what, ours = "", specs = ""] of rows) {
      if (!ours.startsWith("refused")) continue
      const quoted = /^refused: `(.+)`$/.exec(ours)?.[1]
      assert.isTrue(specsOf(specs).some((title) => messages.get(title)?.includes(quoted ?? "")), what)
    }
  })

  it("has each case of their files once", () => {
    const counts: Record<string, number> = { same: 0, "by another rule": 0, refused: 0, "does not apply": 0 }
    for (const file of files) {
      const own = rowsOf(file)
      const heading = Number(/^\S+, (\d+) cases/.exec(file)?.[1])
      assert.strictEqual(own.reduce((sum, [cases]) => sum + Number(cases), 0), heading, file.split("\n", 1)[0])
      for (const [cases, , ours = ""] of own) counts[ours.split(":")[0]!]! += Number(cases)
    }
    const totals = rowsOf(preface!).map(([cases, ours]) => [ours, Number(cases)])
    assert.deepStrictEqual(Object.fromEntries(totals), counts)
  })
})
