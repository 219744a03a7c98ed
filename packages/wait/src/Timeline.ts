import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { constant } from "effect/Function"
import * as Random from "effect/Random"
import type * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import * as Loop from "./Loop.ts"

/** One run, in milliseconds since the timeline began. */
export interface Run {
  readonly start: number
  readonly end: number
}

export interface Timeline {
  readonly runs: ReadonlyArray<Run>
  /** Whether the schedule was done, or the timeline was cut while it went on. */
  readonly outcome: "done" | "cut"
}

export const starts = (self: Timeline): ReadonlyArray<number> => self.runs.map((run) => run.start)

const cut = Symbol("effect-wait/Timeline/cut")

interface SimulatedClock extends Clock.Clock {
  now: number
}

// A Clock on which a sleep takes no time.
const makeClock = (): SimulatedClock => {
  const nanos = (): bigint => BigInt(Math.round(clock.now * 1_000_000))
  const clock: SimulatedClock = {
    now: 0,
    currentTimeMillisUnsafe: () => clock.now,
    currentTimeMillis: Effect.sync(() => clock.now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) =>
      Effect.sync(() => {
        clock.now += Math.max(0, Duration.toMillis(duration))
      })
  }
  return clock
}

// Draws that are given, in this order, over and over.
const replay = (draws: ReadonlyArray<number>) => {
  let i = 0
  const next = () => draws[i++ % draws.length] ?? 0
  return { nextDoubleUnsafe: next, nextIntUnsafe: () => Math.floor(next() * Number.MAX_SAFE_INTEGER) }
}

export const simulate = <E, R>(
  schedule: Schedule.Schedule<unknown, undefined, E, R>,
  options: {
    readonly until: Duration.Input
    readonly work?: Duration.Input | ((run: number) => Duration.Input) | undefined
    readonly random?: ReadonlyArray<number> | undefined
    readonly maxRuns?: number | undefined
  }
): Effect.Effect<Timeline, E, R> =>
  Effect.suspend(() => {
    const { random, work = 0 } = options
    const until = args.duration("Timeline.simulate: until", options.until)
    const maxRuns = args.integer("Timeline.simulate: maxRuns", options.maxRuns ?? 10_000, 0)
    const length = typeof work === "function"
      ? (run: number) => args.duration(`Timeline.simulate: work(${run})`, work(run))
      : constant(args.duration("Timeline.simulate: work", work))
    const draws = random?.map((draw, i) => args.draw(`Timeline.simulate: random[${i}]`, draw))
    const clock = makeClock()
    const runs: Array<Run> = []
    const run = Effect.suspend(() => {
      if (clock.now > until || runs.length >= maxRuns) return Effect.fail(cut)
      const start = clock.now
      clock.now += length(runs.length)
      runs.push({ start, end: clock.now })
      return Effect.undefined
    })
    const timeline = (outcome: Timeline["outcome"]) => (): Timeline => ({ runs, outcome })
    const loop = Loop.run(run, schedule).pipe(
      Effect.map(timeline("done")),
      Effect.catchIf((error): error is typeof cut => error === cut, () => Effect.sync(timeline("cut"))),
      Effect.provideService(Clock.Clock, clock)
    )
    return draws === undefined ? loop : Effect.provideService(loop, Random.Random, replay(draws))
  })

const units = [[3_600_000, "h"], [60_000, "m"], [1_000, "s"], [1, "ms"]] as const

const label = (millis: number): string => {
  const [size, unit] = units.find(([size]) => millis >= size) ?? [1, "ms"]
  return millis === 0 ? "0" : `${Number((millis / size).toPrecision(4))}${unit}`
}

// The smallest round number that is not below `least`.
const round = (least: number): number => {
  const magnitude = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 2.5, 5, 10].map((n) => n * magnitude).find((n) => n >= least) ?? least
}

const drawLane = (timeline: Timeline, width: number, millisPerColumn: number): string => {
  const lane = Array.from({ length: width }, () => ".")
  for (const { end, start } of timeline.runs) {
    const first = Math.min(width - 1, Math.floor(start / millisPerColumn))
    const last = Math.min(width - 1, Math.max(first, Math.ceil(end / millisPerColumn) - 1))
    if (first === last) {
      lane[first] = lane[first] === "." ? "|" : "#"
    } else {
      lane.fill("=", first, last)
      lane[first] = "["
      lane[last] = "]"
    }
  }
  const drawn = lane.join("")
  return timeline.outcome === "done" ? drawn.replace(/\.+$/, "") : drawn
}

const drawAxis = (width: number, millisPerColumn: number): string => {
  const columns = round(8 * millisPerColumn) / millisPerColumn
  let axis = ""
  for (let column = 0; column < width; column += columns) {
    axis = axis.padEnd(Math.floor(column)) + label(column * millisPerColumn)
  }
  return axis
}

export const render = (
  timelines: Timeline | Readonly<Record<string, Timeline>>,
  options?: { readonly width?: number | undefined }
): string => {
  const most = args.integer("Timeline.render: width", options?.width ?? 72, 10)
  const lanes = isTimeline(timelines) ? [["", timelines] as const] : Object.entries(timelines)
  const span = Math.max(1, ...lanes.flatMap(([, { runs }]) => runs.map((run) => run.end)))
  const millisPerColumn = round(span / most)
  const width = Math.floor(span / millisPerColumn) + 1
  const margin = Math.max(0, ...lanes.map(([name]) => name === "" ? 0 : name.length + 1))
  return [
    ...lanes.map(([name, lane]) => name.padEnd(margin) + drawLane(lane, width, millisPerColumn)),
    " ".repeat(margin) + drawAxis(width, millisPerColumn)
  ].join("\n")
}

const isTimeline = (u: Timeline | Readonly<Record<string, Timeline>>): u is Timeline => Array.isArray(u.runs)
