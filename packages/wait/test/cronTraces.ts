/** The recordings of a real cron, as scripts/cron-traces made them and its README describes them. */
import { readdirSync, readFileSync } from "node:fs"

/** What cron ran in one zone, through two years. Times are minutes since the epoch, offsets are minutes. */
export interface Zone {
  readonly cron: string
  readonly zone: string
  readonly from: number
  readonly until: number
  readonly offset: number
  readonly changes: ReadonlyArray<readonly [at: number, offset: number]>
  /** By the crontab line. A line that cron refuses is null. */
  readonly lines: Readonly<Record<string, Line | null>>
}

export interface Line {
  /** In how many minutes of the two years it ran, and the `hashOf` these minutes. */
  readonly starts: number
  readonly hash: number
  /** Each run around a change of offset, and on the sample days. A minute stands there once for each run. */
  readonly windows: ReadonlyArray<{
    readonly from: number
    readonly until: number
    readonly starts: ReadonlyArray<number>
  }>
}

/** What cron ran while the wall clock was stepped. Times are seconds, those of steps and runs are since the start. */
export interface Scenario {
  readonly zone: string
  /** Since the epoch. */
  readonly start: number
  readonly seconds: number
  readonly steps: ReadonlyArray<readonly [at: number, by: number]>
  /** By the crontab line, each alone: `mono` passes evenly, `wall` is stepped. */
  readonly lines: Readonly<Record<string, ReadonlyArray<{ readonly mono: number; readonly wall: number }>>>
}

// "0,5*3" is 0, 5, 10, 15 and "0,(2,8)*2" is 0, 2, 10, 12, 20: the first number, then the gaps.
const listOf = (text: string): ReadonlyArray<number> => {
  if (text === "") return []
  const flat = text.replace(
    /\(([^)]*)\)\*(\d+)/g,
    (_, group: string, times: string) => Array<string>(Number(times)).fill(group).join()
  )
  let number = 0
  return flat.split(",").flatMap((gap) => {
    const [by, times] = gap.split("*").map(Number)
    return Array.from({ length: times ?? 1 }, () => number += by!)
  })
}

/** FNV-1a over numbers of 32 bits. */
export const hashOf = (minutes: Iterable<number>): number => {
  let hash = 2166136261
  for (const minute of minutes) hash = Math.imul(hash ^ minute, 16777619)
  return hash >>> 0
}

const folder = new URL("./fixtures/", import.meta.url)
const read = (file: string) => JSON.parse(readFileSync(new URL(file, folder), "utf8"))

type RawLine = readonly [starts: number, hash: number, ...windows: ReadonlyArray<string>]

const mapValues = <A, B>(record: Readonly<Record<string, A>>, f: (value: A) => B): Readonly<Record<string, B>> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]))

interface RawZone extends Omit<Zone, "lines"> {
  readonly windows: ReadonlyArray<readonly [from: number, until: number]>
  readonly lines: Readonly<Record<string, RawLine | null>>
}

export const zones: ReadonlyArray<Zone> = readdirSync(folder).filter((file) => file.startsWith("cron.")).map((file) => {
  const { changes, cron, from, lines, offset, until, windows, zone }: RawZone = read(file)
  const lineOf = ([starts, hash, ...texts]: RawLine): Line => ({
    starts,
    hash,
    windows: texts.map((text, i) => {
      const [from, until] = windows[i]!
      return { from, until, starts: listOf(text).map((start) => from + start) }
    })
  })
  return { cron, zone, from, until, offset, changes, lines: mapValues(lines, (line) => line && lineOf(line)) }
})

interface RawScenario extends Omit<Scenario, "lines"> {
  readonly lines: Readonly<Record<string, readonly [monos: string, walls: string]>>
}

export const scenarios: ReadonlyArray<Scenario> = read("cron-steps.json").scenarios.map(
  ({ lines, seconds, start, steps, zone }: RawScenario): Scenario => ({
    zone,
    start,
    seconds,
    steps,
    lines: mapValues(lines, ([monos, walls]) => {
      const wall = listOf(walls)
      return listOf(monos).map((mono, i) => ({ mono, wall: wall[i]! }))
    })
  })
)
