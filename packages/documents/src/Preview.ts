/** What policies will do: simulated over many seeds, and summed up. Times are in milliseconds. */
import type * as draw from "@effect-wait/draw"
import * as Timeline from "effect-wait/Timeline"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Policy } from "./Policy.ts"

/** A policy, and what it is called. */
export interface Named {
  readonly name: string
  readonly policy: Policy
}

/** A run as it is drawn, and when it starts. */
export interface Row extends draw.Row {
  readonly start: draw.Spread
}

/**
 * How it ends, where nothing succeeds.
 *
 * - `never`: there is no limit
 * - `gives-up`: after so many runs and so much time
 * - `waits-forever`: after so many runs, with no limit
 * - `unknown`: it goes on for more runs than were looked at
 */
export type Outcome =
  | { readonly kind: "never" }
  | { readonly kind: "gives-up"; readonly runs: draw.Spread; readonly after: draw.Spread }
  | { readonly kind: "waits-forever"; readonly runs: number }
  | { readonly kind: "unknown"; readonly runs: number }

export interface Preview {
  readonly name: string
  readonly policy: Policy
  /** When it begins, if it is a calendar: in milliseconds since 1970. */
  readonly from: number | undefined
  readonly rows: ReadonlyArray<Row>
  readonly outcome: Outcome
  /** What a few seeds do. */
  readonly lanes: ReadonlyArray<Timeline.Timeline>
}

/** The 95th percentile is the least value that is not below 95 of 100. */
export const spread = (values: ReadonlyArray<number>): draw.Spread => {
  const sorted = Float64Array.from(values).toSorted()
  const [min = 0] = sorted
  const [max = 0] = sorted.slice(-1)
  // The mean of equals is that, exactly.
  const mean = min === max ? min : sorted.reduce((sum, value) => sum + value / sorted.length, 0)
  return { min, mean, p95: sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0, max }
}

export interface Settings {
  readonly work: number
  readonly runs: number
  readonly seeds: number
  /** When a calendar begins, in milliseconds since 1970; default: now. */
  readonly from?: number | undefined
  /** How many runs are looked at for an end: of one seed, and of all of them. */
  readonly far?: { readonly runs: number; readonly total: number } | undefined
}

const manyLanes = 24

const rowsOf = (timelines: ReadonlyArray<Timeline.Timeline>): ReadonlyArray<Row> => {
  const longest = timelines.reduce((most, { runs }) => Math.max(most, runs.length), 0)
  return Array.from({ length: longest }, (_, i): Row => {
    const reaching = timelines.filter(({ runs }) => runs.length > i)
    return {
      run: i + 1,
      reached: reaching.length / timelines.length,
      delay: spread(reaching.map(({ runs }) => i === 0 ? 0 : runs[i]!.start - runs[i - 1]!.end)),
      start: spread(reaching.map(({ runs }) => runs[i]!.start))
    }
  })
}

/** Whether a policy looks at the date. */
export const isCalendar = ({ code }: Policy): boolean => code.startsWith("Period.cron")

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const

/** To the second, in the time zone of this machine: `Sun 2026-03-29 03:00:00+02:00`. */
export const date = (millis: number): string => {
  const zoned = DateTime.makeZonedUnsafe(Math.round(millis), { timeZone: DateTime.zoneMakeLocal() })
  const text = DateTime.formatIsoOffset(zoned).replace("T", " ").replace(/\.\d+/, "")
  return `${days[DateTime.toParts(zoned).weekDay]} ${text}`
}

/** When the last run ends. */
export const endOf = ({ runs }: Timeline.Timeline): number => runs.at(-1)?.end ?? 0

/** How long a run takes may depend on its number, from 0. The same seeds give the same preview: 0, 1, 2 and so on. Where nothing is drawn, one stands for all. */
export const preview = Effect.fnUntraced(function*(
  { name, policy }: Named,
  settings: Omit<Settings, "work"> & { readonly work: number | ((run: number) => number) }
) {
  const { far = { runs: 100_000, total: 300_000 }, runs, seeds, work } = settings
  const from = settings.from ?? (yield* Clock.currentTimeMillis)
  const most = policy.ends ? Math.max(far.runs, runs) : runs
  let draws = 0
  const counting = (random: typeof Random.Random.Service): typeof Random.Random.Service => ({
    nextDoubleUnsafe: () => (draws++, random.nextDoubleUnsafe()),
    nextIntUnsafe: () => (draws++, random.nextIntUnsafe())
  })
  const simulate = (seed: number, maxRuns: number) =>
    Timeline.simulate(policy.schedule, { until: Infinity, from, work, maxRuns }).pipe(
      Effect.updateService(Random.Random, counting),
      Random.withSeed(seed)
    )
  const first = yield* simulate(0, most)
  const different = draws === 0 ? 1 : seeds
  const all = first.outcome === "done" ? Math.max(1, Math.floor(far.total / first.runs.length)) : 0
  const shown: Array<Timeline.Timeline> = []
  const ends: Array<{ readonly runs: number; readonly after: number }> = []
  for (let seed = 0; seed < different; seed++) {
    const timeline = seed === 0 ? first : yield* simulate(seed, seed < all ? most : runs)
    if (timeline.outcome === "done" && seed < all) {
      ends.push({ runs: timeline.runs.length, after: endOf(timeline) })
    }
    shown.push(timeline.runs.length > runs ? { runs: timeline.runs.slice(0, runs), outcome: "cut" } : timeline)
  }
  const outcome: Outcome = first.outcome === "done"
    ? {
      kind: "gives-up",
      runs: spread(ends.map(({ runs }) => runs)),
      after: spread(ends.map(({ after }) => after))
    }
    : first.runs.length < most
    ? { kind: "waits-forever", runs: first.runs.length }
    : policy.ends
    ? { kind: "unknown", runs: first.runs.length }
    : { kind: "never" }
  return {
    name,
    policy: isCalendar(policy)
      ? { ...policy, notes: [...policy.notes, `The calendar of this preview begins on ${date(from)}`] }
      : policy,
    from: isCalendar(policy) ? from : undefined,
    rows: rowsOf(shown),
    outcome,
    lanes: Array.from({ length: Math.min(seeds, manyLanes) }, (_, seed) => shown[seed % different]!)
  } satisfies Preview
})
