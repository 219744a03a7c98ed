/**
 * When the runs of a loop start and end, as a value: computed from a schedule without waiting, compared, and drawn.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period, Timeline } from "effect-wait"
 *
 * const timeline = Effect.runSync(
 *   Timeline.simulate(Period.ticker("1 second"), { work: (run) => run === 0 ? 1500 : 100, until: "4 seconds" })
 * )
 *
 * console.log(Timeline.render(timeline, { width: 50 }))
 * ```
 *
 * ```text
 * [=============]|....|.........|.........|.
 * 0         1s        2s        3s        4s
 * ```
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { constant } from "effect/Function"
import * as Random from "effect/Random"
import type * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { clockOf, withWall } from "./internal/clockOf.ts"
import { toPlan } from "./internal/foreign.ts"
import { repeatingFrom } from "./internal/repeating.ts"
import { drawsOf, replay } from "./internal/replay.ts"
import { simulate as simulateLoop } from "./internal/run.ts"

/**
 * One run, in milliseconds since the timeline began.
 *
 * @category models
 * @since 0.1.0
 */
export interface Run {
  readonly start: number
  readonly end: number
}

/**
 * The runs of a loop, and how it ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timeline {
  readonly runs: ReadonlyArray<Run>
  /** `"cut"`: the loop was still going. */
  readonly outcome: "done" | "failed" | "cut"
}

/**
 * A recording from elsewhere, such as Go: when the runs started and ended, in milliseconds, and how the loop ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface Trace {
  readonly starts: ReadonlyArray<number>
  readonly ends: ReadonlyArray<number>
  readonly outcome: string
}

/**
 * When the runs started, in milliseconds since the timeline began.
 *
 * **Example** (Two runs)
 *
 * ```ts
 * import { Timeline } from "effect-wait"
 *
 * Timeline.starts({ runs: [{ start: 0, end: 400 }, { start: 1400, end: 1800 }], outcome: "cut" }) // => [0, 1400]
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const starts = (self: Timeline): ReadonlyArray<number> => self.runs.map((run) => run.start)

/**
 * When the runs ended, in milliseconds since the timeline began.
 *
 * **Example** (Two runs)
 *
 * ```ts
 * import { Timeline } from "effect-wait"
 *
 * Timeline.ends({ runs: [{ start: 0, end: 400 }, { start: 1400, end: 1800 }], outcome: "cut" }) // => [400, 1800]
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const ends = (self: Timeline): ReadonlyArray<number> => self.runs.map((run) => run.end)

/**
 * How long the loop waited between the runs, in milliseconds.
 *
 * **Example** (One wait)
 *
 * ```ts
 * import { Timeline } from "effect-wait"
 *
 * Timeline.delays({ runs: [{ start: 0, end: 400 }, { start: 1400, end: 1800 }], outcome: "cut" }) // => [1000]
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const delays = (self: Timeline): ReadonlyArray<number> =>
  self.runs.slice(1).map((run, i) => run.start - self.runs[i]!.end)

/**
 * How many milliseconds later than planned each run started; negative for an early run. It compares only the runs that
 * both timelines have.
 *
 * **Example** (A timer that woke late)
 *
 * ```ts
 * import { Timeline } from "effect-wait"
 *
 * const planned: Timeline.Timeline = { runs: [{ start: 0, end: 0 }, { start: 1000, end: 1000 }], outcome: "cut" }
 * const observed: Timeline.Timeline = { runs: [{ start: 0, end: 0 }, { start: 1003, end: 1003 }], outcome: "cut" }
 *
 * Timeline.lateness(observed, planned) // => [0, 3]
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const lateness = (observed: Timeline, planned: Timeline): ReadonlyArray<number> =>
  observed.runs.slice(0, planned.runs.length).map((run, i) => run.start - planned.runs[i]!.start)

/**
 * Whether two timelines have the same outcome, and the same number of runs with the same starts and ends.
 *
 * - `tolerance`: how far two times may differ, a duration of 0 or more; default 1 microsecond
 *
 * Throws an `IllegalArgumentError` for a tolerance that is negative or NaN.
 *
 * **Example** (A tenth of a millisecond apart)
 *
 * ```ts
 * import { Timeline } from "effect-wait"
 *
 * const a: Timeline.Timeline = { runs: [{ start: 0, end: 400 }], outcome: "done" }
 * const b: Timeline.Timeline = { runs: [{ start: 0, end: 400.1 }], outcome: "done" }
 *
 * Timeline.equals(a, b) // => false
 * Timeline.equals(a, b, { tolerance: "1 milli" }) // => true
 * ```
 *
 * @category comparing
 * @since 0.1.0
 */
export const equals = (
  a: Timeline,
  b: Timeline,
  options?: { readonly tolerance?: Duration.Input | undefined }
): boolean => {
  const tolerance = args.duration("Timeline.equals: tolerance", options?.tolerance ?? 0.001)
  const near = (a: number, b: number) => Math.abs(a - b) <= tolerance
  return a.outcome === b.outcome && a.runs.length === b.runs.length &&
    a.runs.every((run, i) => near(run.start, b.runs[i]!.start) && near(run.end, b.runs[i]!.end))
}

/**
 * A timeline from a trace. The outcomes of Go's loops (`"returned"`) and polls (`"done"`) become `"done"`; any other
 * outcome becomes `"failed"`. A run without an end ends when it starts.
 *
 * **Example** (A poll that timed out)
 *
 * ```ts
 * import { Timeline } from "effect-wait"
 *
 * const timeline = Timeline.fromTrace({ starts: [1000, 2000], ends: [1100, 2100], outcome: "timeout" })
 *
 * timeline.outcome // => "failed"
 * timeline.runs[1] // => { start: 2000, end: 2100 }
 * ```
 *
 * @category conversions
 * @since 0.1.0
 */
export const fromTrace = (trace: Trace): Timeline => ({
  runs: trace.starts.map((start, i) => ({ start, end: trace.ends[i] ?? start })),
  outcome: trace.outcome === "returned" || trace.outcome === "done" ? "done" : "failed"
})

const cut = Symbol("effect-wait/Timeline/cut")

// The exit of a sleep, and of a run that does not end the loop.
const passed = Exit.succeed(undefined)

interface SimulateOptions {
  readonly until: Duration.Input
  readonly work?: Duration.Input | ((run: number) => Duration.Input) | undefined
  readonly from?: DateTime.DateTime.Input | undefined
  readonly immediate?: boolean | undefined
  readonly random?: ReadonlyArray<number> | undefined
  readonly maxRuns?: number | undefined
}

/** What a run gives to the schedule: a function of the run's number, from 0, or a list that is repeated. */
type Inputs<Input> = ((run: number) => Input) | ReadonlyArray<Input>

/** A schedule that takes undefined can do without. */
type InputOption<Input> = undefined extends Input ? { readonly input?: Inputs<Input> | undefined }
  : { readonly input: Inputs<Input> }

/**
 * The timeline of `Loop.run` with a schedule, in virtual time: nothing sleeps, and nothing is forked. It works with
 * every Schedule, of this library or of another one.
 *
 * - `until`: no run starts later; a duration of 0 or more
 * - `work`: how long a run takes, or a function of the run's number, from 0; default 0
 * - `from`: the wall-clock time at 0, for calendars; default: now, by the `Clock` service. The times of the
 *   timeline count from 0
 * - `input`: what each run gives to the schedule, its value or its error: a function of the run's number, from 0, or a
 *   list, repeated in this order. Only a schedule that takes undefined can do without
 * - `immediate`: whether the first run starts at 0. Default true, but false for `Period.cron` without an `input`
 * - `random`: draws from 0 up to 1, repeated in this order; default: the `Random` service
 * - `maxRuns`: the most runs, so that a schedule without delays ends too; default 10,000
 *
 * The outcome is `"done"` if the schedule ended, and otherwise `"cut"`. Fails with the schedule's own error; dies with an
 * `IllegalArgumentError` that names a bad argument.
 *
 * **Gotchas**
 *
 * A calendar gives another timeline each time, unless it has a `from`. A string without an offset is in UTC.
 *
 * **Example** (A preview of a backoff)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Jitter, Limit, Timeline } from "effect-wait"
 *
 * const schedule = Backoff.exponential({ base: "1 second", cap: "10 seconds" }).pipe(
 *   Jitter.additive(0.5),
 *   Limit.within("20 seconds")
 * )
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { work: 100, until: "1 minute", random: [0, 1 / 2] }))
 *
 * timeline.runs[1] // => { start: 1100, end: 1200 }
 * Timeline.starts(timeline) // => [0, 1100, 3700, 7800, 17900]
 * timeline.outcome // => "done"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const simulate: typeof simulated = simulated

function simulated<Input, E, R>(
  schedule: Schedule.Schedule<unknown, Input, E, R>,
  options: SimulateOptions & InputOption<NoInfer<Input>>
): Effect.Effect<Timeline, E, R>
function simulated<Input, E, R>(
  schedule: Schedule.Schedule<unknown, Input | undefined, E, R>,
  options: SimulateOptions & { readonly input?: Inputs<Input> | undefined }
): Effect.Effect<Timeline, E, R> {
  return Effect.contextWith((context: Context.Context<R>) => {
    const { from, input, random, work = 0 } = options
    const plan = toPlan(args.schedule("Timeline.simulate: schedule", schedule))
    const until = args.duration("Timeline.simulate: until", options.until)
    const maxRuns = args.integer("Timeline.simulate: maxRuns", options.maxRuns ?? 10_000, 0)
    const lengthOf = typeof work === "function"
      ? (run: number) => args.duration(`Timeline.simulate: work(${run})`, work(run))
      : constant(args.duration("Timeline.simulate: work", work))
    const wall = from === undefined
      ? Context.get(context, Clock.Clock).currentTimeMillisUnsafe()
      : args.time("Timeline.simulate: from", from)
    const inputOf = input && args.byRun("Timeline.simulate: input", input)
    const draws = random && drawsOf("Timeline.simulate: random", random)
    const time = { now: 0 } // a field is faster than a variable that closures share
    const pass = (millis: number): typeof passed => {
      time.now += millis
      return passed
    }
    // For the Effects of another library's schedule: their sleeps take no real time either.
    const clock = withWall(
      clockOf(
        () => time.now,
        (duration) => Effect.suspend(() => pass(Math.max(0, Duration.toMillis(duration))))
      ),
      () => wall + time.now
    )
    const runs: Array<Run> = []
    const run = (): Exit.Exit<undefined, typeof cut> => {
      const start = time.now
      if (start > until || start === Infinity || runs.length >= maxRuns) return Exit.fail(cut)
      const end = start + lengthOf(runs.length)
      runs.push({ start, end })
      time.now = end
      return passed
    }
    const immediate = options.immediate === undefined
      ? inputOf && true
      : args.boolean("Timeline.simulate: immediate", options.immediate)
    const bare = repeatingFrom<Input | undefined, typeof cut, R, unknown, E>(immediate)
    const rules: typeof bare = inputOf === undefined
      ? bare
      : { ...bare, succeeded: (loop) => loop.ask(inputOf(runs.length - 1)) }
    const timeline = (outcome: Timeline["outcome"]) => (): Timeline => ({ runs, outcome })
    const loop = Effect.contextWith((context: Context.Context<R>) =>
      simulateLoop(context, rules, { work: Effect.undefined, plan }, { passed, run, sleep: pass })
    ).pipe(
      Effect.map(timeline("done")),
      Effect.catchIf((error): error is typeof cut => error === cut, () => Effect.sync(timeline("cut"))),
      Effect.provideService(Clock.Clock, clock)
    )
    return draws === undefined ? loop : Effect.provideService(loop, Random.Random, replay(draws))
  })
}

const units = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "m"], [1_000, "s"], [1, "ms"]] as const

// From a minute on, the label has the next smaller unit too: 1m20s.
const label = (inexact: number): string => {
  const millis = Number(inexact.toPrecision(12))
  const i = units.findIndex(([size]) => millis >= size)
  const [size, unit] = units[i] ?? [1, "ms"]
  if (millis === 0) return "0"
  if (size < 60_000) return `${Number((millis / size).toPrecision(4))}${unit}`
  const rest = millis % size
  return `${Math.floor(millis / size)}${unit}${rest === 0 ? "" : label(rest)}`
}

// The smallest number of at least `least` that is one of these digits times a power of ten.
const roundUp = (digits: ReadonlyArray<number>, least: number): number => {
  const magnitude = 10 ** Math.floor(Math.log10(least))
  return digits.map((digit) => digit * magnitude).find((n) => n >= least) ?? least
}

const day = 86_400_000

// Round times in seconds, between 10 seconds and a day. Shorter times, and days, are rounded as decimal numbers.
const roundSeconds = [20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]

const roundUpTime = (least: number): number =>
  least <= 10_000
    ? roundUp([1, 2, 5, 10], least)
    : roundSeconds.map((s) => s * 1000).find((time) => time >= least) ?? day * roundUp([1, 2, 5, 10], least / day)

// The columns of a run are counted from its length alone: equal runs are drawn equal.
const drawLane = (timeline: Timeline, width: number, millisPerColumn: number): string => {
  const lane = Array.from({ length: width }, () => ".")
  // What is a hair short of a column, by the rounding of a division, is a column.
  const columns = (millis: number) => Math.floor(millis / millisPerColumn + 1e-6)
  let free = 0
  for (const { end, start } of timeline.runs) {
    const column = columns(start)
    const last = column + Math.max(1, columns(end - start)) - 1
    const first = Math.max(column, free)
    if (first < last) {
      lane.fill("=", first, last)
      lane[first] = "["
      lane[last] = "]"
    } else {
      lane[last] = first === last && lane[last] === "." ? "|" : "#"
    }
    free = last + 1
  }
  const drawn = lane.join("")
  return timeline.outcome === "done" ? drawn.replace(/\.+$/, "") : drawn
}

const drawAxis = (width: number, millisPerColumn: number): string => {
  const columns = roundUpTime(8 * millisPerColumn) / millisPerColumn
  let axis = ""
  for (let column = 0; column < width; column += columns) {
    axis = axis.padEnd(Math.floor(column)) + label(column * millisPerColumn)
  }
  return axis
}

/**
 * Draws timelines as text: one timeline, or several by name, on one axis.
 *
 * `[==]` is a run, `|` a run of less than two columns, `#` several runs in one column, and a dot is a wait. Runs of equal
 * length are drawn equal.
 *
 * - `width`: the most columns of the drawing, without the names; an integer of 10 or more; default 72
 *
 * Throws an `IllegalArgumentError` for any other width.
 *
 * **Example** (Two timelines)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Limit, Period, Timeline } from "effect-wait"
 *
 * const draw = (period: "sliding" | "nonSliding") =>
 *   Timeline.simulate(Period[period]("1 second").pipe(Limit.attempts(3)), { work: 500, until: "1 minute" })
 *
 * console.log(Timeline.render(Effect.runSync(Effect.all({
 *   sliding: draw("sliding"),
 *   nonSliding: draw("nonSliding")
 * })), { width: 40 }))
 * ```
 *
 * ```text
 * sliding    [===]..........[===]..........[===]
 * nonSliding [===].....[===].....[===]
 *            0         1s        2s        3s
 * ```
 *
 * @category drawing
 * @since 0.1.0
 */
export const render = (
  timelines: Timeline | Readonly<Record<string, Timeline>>,
  options?: { readonly width?: number | undefined }
): string => {
  const most = args.integer("Timeline.render: width", options?.width ?? 72, 10)
  const { lanes, longest, span } = layOut(timelines)
  const millisPerColumn = roundUp([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10], span / (most - 1))
  const width = Math.floor(span / millisPerColumn + 1e-6) + 1
  const margin = longest && longest + 1
  return [
    ...lanes.map(([name, lane]) => name.padEnd(margin) + drawLane(lane, width, millisPerColumn)),
    " ".repeat(margin) + drawAxis(width, millisPerColumn)
  ].join("\n")
}

const endOf = ({ runs }: Timeline): number => runs.reduce((end, run) => Math.max(end, run.end), 0)

const layOut = (timelines: Timeline | Readonly<Record<string, Timeline>>) => {
  const lanes = isTimeline(timelines) ? [["", timelines] as const] : Object.entries(timelines)
  return {
    lanes,
    longest: lanes.reduce((most, [name]) => Math.max(most, name.length), 0),
    span: lanes.reduce((most, [, lane]) => Math.max(most, endOf(lane)), 1)
  }
}

const isTimeline = (u: Timeline | Readonly<Record<string, Timeline>>): u is Timeline => Array.isArray(u.runs)

/**
 * Draws timelines as an SVG image: one timeline, or several by name, on one axis. Light or dark, as the reader prefers.
 * The same timelines give the same text. A name of more than 32 characters is cut.
 *
 * - `width`: in pixels, an integer of 100 or more; default 720
 *
 * Throws an `IllegalArgumentError` for any other width.
 *
 * **Example** (A run is a bar)
 *
 * ```ts
 * import { Timeline } from "effect-wait"
 *
 * const svg = Timeline.toSvg({ runs: [{ start: 0, end: 400 }, { start: 1000, end: 1400 }], outcome: "cut" })
 *
 * svg.startsWith("<svg") // => true
 * svg.split("<rect").length - 1 // => 2
 * ```
 *
 * @see {@link render} for text
 * @category drawing
 * @since 0.1.0
 */
export const toSvg = (
  timelines: Timeline | Readonly<Record<string, Timeline>>,
  options?: { readonly width?: number | undefined }
): string => {
  const width = args.integer("Timeline.toSvg: width", options?.width ?? 720, 100)
  const { lanes, longest, span } = layOut(timelines)
  const margin = 16 + 7.25 * Math.min(32, longest)
  const scale = Math.max(1, width - margin - 40) / span
  const x = (millis: number) => (margin + millis * scale).toFixed(1)
  const height = 40 + lanes.length * 28
  const step = roundUpTime(48 / scale)
  let svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" role="img"><style>text{font:12px monospace}` +
    `${rules("#fff", "#59636e", "#d1d9e0", "#0072b2")}@media(prefers-color-scheme:dark){${
      rules("#0d1117", "#9198a1", "#30363d", "#56b4e9")
    }}</style>`
  for (let i = 0; i <= span / step; i++) {
    svg += `<path d="M${x(i * step)} 8v${height - 36}"/><text x="${x(i * step)}" y="${height - 12}">${
      label(i * step)
    }</text>\n`
  }
  let y = 16
  for (const [name, lane] of lanes) {
    svg += `<path d="M${margin} ${y + 8}H${x(lane.outcome === "cut" ? span : endOf(lane))}"/>` +
      `<text x="8" y="${y + 12}">${
        name.replace(/^(.{29}).{4,}/, "$1...").replaceAll("&", "&amp;").replaceAll("<", "&lt;")
      }</text>\n`
    for (const { end, start } of lane.runs) {
      const length = Math.max(2, (end - start) * scale).toFixed(1)
      svg += `<rect x="${x(start)}" y="${y}" width="${length}" height="16"/>\n`
    }
    y += 28
  }
  return `${svg}</svg>`
}

const rules = (ground: string, ink: string, grid: string, run: string): string =>
  `svg{background:${ground}}text{fill:${ink}}path{stroke:${grid}}rect{fill:${run}}`
