/**
 * Simulates a thundering herd: many clients that contend for one resource, in virtual time. It shows the load that a
 * schedule puts on a system. AWS' simulator of "Exponential Backoff And Jitter", for any Schedule.
 *
 * ```ts
 * import { Effect, Random } from "effect"
 * import { Backoff, Jitter } from "effect-wait"
 * import { Herd } from "effect-wait/testing"
 *
 * const exponential = Backoff.exponential({ base: "10 millis", cap: "2 seconds" })
 * const simulate = Herd.curves({ exponential, jittered: Jitter.full(exponential) }, { clients: [20, 40], runs: 5 })
 *
 * const { exponential: plain, jittered } = Effect.runSync(Random.withSeed(simulate, "herd"))
 *
 * plain.forEach(({ calls, clients }, i) => {
 *   console.log(`${clients} clients: ${calls} calls, with full jitter ${jittered[i]?.calls}`)
 * })
 * ```
 *
 * ```text
 * 20 clients: 148.8 calls, with full jitter 99.4
 * 40 clients: 429.8 calls, with full jitter 252.4
 * ```
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Random from "effect/Random"
import * as Record from "effect/Record"
import type * as Schedule from "effect/Schedule"
import * as args from "../internal/args.ts"
import * as virtualClock from "../internal/virtualClock.ts"

/**
 * How one client ended.
 *
 * - `exit`: how it ended; none if it was cut
 * - `endedAt`: when it ended, in milliseconds; `until` if it was cut
 *
 * @category models
 * @since 0.1.0
 */
export interface Client<out A, out E = never> {
  readonly exit: Option.Option<Exit.Exit<A, E>>
  readonly endedAt: number
}

/**
 * How a herd ended.
 *
 * - `clients`: the clients, by number
 * - `time`: when the last client ended, in milliseconds; `until` if a client was cut
 * - `outcome`: `"done"` if all clients ended, with a success or a failure; else `"cut"`
 *
 * @category models
 * @since 0.1.0
 */
export interface Herd<out A, out E = never> {
  readonly clients: ReadonlyArray<Client<A, E>>
  readonly time: number
  readonly outcome: "done" | "cut"
}

const stuck = (): Cause.IllegalArgumentError =>
  new Cause.IllegalArgumentError(
    "Herd.run: client must wait for its Clock and other clients only, and not for ever unless there is an `until`"
  )

const dying = (cause: Cause.Cause<unknown>): Cause.Cause<never> =>
  Cause.fromReasons(cause.reasons.filter(Cause.isDieReason))

/**
 * Runs many clients at once in virtual time, where a sleep takes no real time. A client is any Effect that waits by the
 * Clock: `Effect.sleep`, `Effect.retry` with any Schedule, `Loop.run`. The clients can contend for anything: a
 * variable, a `Semaphore`, a `Queue`.
 *
 * - `clients`: the number of clients, an integer of 1 or more
 * - `client`: makes the client with this number, from 0. All clients start at time 0
 * - `from`: the time at 0 by their wall clock, for calendars; default: 1970-01-01T00:00Z, so that each run gives the same
 * - `until`: when the simulation ends, a duration of 0 or more; default: never. The remaining clients are interrupted
 *   then
 *
 * The failure of a client is part of the result. A defect of a client ends the herd; a bad argument does too, with an
 * `IllegalArgumentError`. Draws come from the `Random` service: the same seed gives the same herd.
 *
 * **Gotchas**
 *
 * Virtual time does not wait for promises, timers and I/O. With `until`, a client that waits for one is cut; without
 * `until`, the herd dies when no other client is left. A client that never waits, or that cannot be interrupted, is not
 * cut: the herd goes on with it.
 *
 * **Example** (Five clients of a server that serves one at a time)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period } from "effect-wait"
 * import { Herd } from "effect-wait/testing"
 *
 * let busy = false
 * const request = Effect.suspend(() => {
 *   if (busy) return Effect.fail("busy")
 *   busy = true
 *   return Effect.ensuring(Effect.sleep("1 minute"), Effect.sync(() => { busy = false }))
 * })
 *
 * const herd = Effect.runSync(
 *   Herd.run({ clients: 5, client: () => Effect.retry(request, Period.sliding("25 seconds")) })
 * )
 *
 * herd.clients.map((client) => client.endedAt / 1000) // => [60, 135, 210, 285, 360]
 * herd.time // => 360_000
 * ```
 *
 * @see {@link contend} for a ready-made resource
 * @category running
 * @since 0.1.0
 */
export const run = <A, E, R>(options: {
  readonly clients: number
  readonly client: (i: number) => Effect.Effect<A, E, R>
  readonly from?: DateTime.DateTime.Input | undefined
  readonly until?: Duration.Input | undefined
}): Effect.Effect<Herd<A, E>, never, R> =>
  Effect.suspend(() => {
    const length = args.integer("Herd.run: clients", options.clients, 1)
    const from = args.time("Herd.run: from", options.from ?? 0)
    const until = args.duration("Herd.run: until", options.until ?? Infinity)
    const clients = Array.from({ length }, (): Client<A, E> => ({ exit: Option.none(), endedAt: until }))
    let outcome: Herd<A, E>["outcome"] = "done"
    const client = (i: number) =>
      Effect.suspend(() => options.client(i)).pipe(
        Effect.onExit((exit) =>
          Effect.map(Clock.currentTimeMillis, (wall) => {
            if (outcome === "done") clients[i] = { exit: Option.some(exit), endedAt: wall - from }
          })
        ),
        Effect.catchCause((cause) => Cause.hasDies(cause) ? Effect.failCause(dying(cause)) : Effect.void)
      )
    // The second sleep lets the clients run that wake at `until`.
    const cut = Effect.andThen(
      Effect.sleep(until),
      Effect.map(Effect.sleep(0), () => {
        outcome = "cut"
      })
    )
    const all = Effect.forEach(clients.keys(), client, { concurrency: "unbounded", discard: true })
    return Effect.map(virtualClock.run(Effect.raceFirst(all, cut), stuck, from), () => ({
      clients,
      time: clients.reduce((time, client) => Math.max(time, client.endedAt), 0),
      outcome
    }))
  })

/**
 * The error that the schedule of {@link contend} receives: another client wrote first.
 *
 * @category models
 * @since 0.1.0
 */
export interface Conflict {
  readonly _tag: "Conflict"
}

/**
 * How long a message takes in one direction: `|N(mean, deviation)|`, the absolute value of a normal distribution.
 *
 * @category models
 * @since 0.1.0
 */
export interface Network {
  readonly mean: Duration.Input
  readonly deviation: Duration.Input
}

/**
 * The cost of the writes of all clients.
 *
 * - `time`: when the last client ended, in milliseconds
 * - `calls`: how many writes reached the server
 * - `written`: how many writes succeeded: one a client, and none for a client whose schedule ended first
 *
 * @category models
 * @since 0.1.0
 */
export interface Contention {
  readonly time: number
  readonly calls: number
  readonly written: number
}

const conflict: Conflict = { _tag: "Conflict" }

// A normal distribution, by the Box-Muller transform.
const normal = (mean: number, deviation: number): Effect.Effect<number> =>
  Effect.zipWith(
    Random.next,
    Random.next,
    (u, v) => mean + deviation * Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v)
  )

/**
 * Clients that write one row with optimistic concurrency control. Each reads the row's version and writes with it;
 * after a conflict it waits for the delay of the schedule, and reads again. The experiment of AWS' "Exponential Backoff
 * And Jitter".
 *
 * - `clients`: the number of clients, an integer of 1 or more
 * - `network`: how long each of the four messages of an attempt takes; default: as at AWS, a mean of 10 ms and a
 *   deviation of 2 ms
 *
 * Draws come from the `Random` service. A client whose schedule ends gives up. Fails with the schedule's own error;
 * dies with an `IllegalArgumentError` that names a bad argument. The source is `awslabs/aws-arch-backoff-simulator`.
 *
 * **Gotchas**
 *
 * AWS counts attempts from 1, so its "base" of 5 ms gives a first backoff of 10 ms: pass 10 ms to
 * `Backoff.exponential`. For AWS' decorrelated jitter pass 5 ms.
 *
 * **Example** (A hundred clients, with and without jitter)
 *
 * ```ts
 * import { Effect, Random } from "effect"
 * import { Backoff, Jitter } from "effect-wait"
 * import { Herd } from "effect-wait/testing"
 *
 * const exponential = Backoff.exponential({ base: "10 millis", cap: "2 seconds" })
 * const jittered = exponential.pipe(Jitter.full)
 *
 * const plain = Effect.runSync(Random.withSeed(Herd.contend(exponential, { clients: 100 }), "AWS"))
 * const full = Effect.runSync(Random.withSeed(Herd.contend(jittered, { clients: 100 }), "AWS"))
 *
 * plain.calls // => 1928
 * full.calls // => 797
 * ```
 *
 * @see {@link run} for your own resource
 * @category running
 * @since 0.1.0
 */
export const contend = <E, R>(
  schedule: Schedule.Schedule<unknown, Conflict, E, R>,
  options: {
    readonly clients: number
    readonly network?: Network | undefined
  }
): Effect.Effect<Contention, E, R> =>
  Effect.suspend(() => {
    args.schedule("Herd.contend: schedule", schedule)
    const clients = args.integer("Herd.contend: clients", options.clients, 1)
    const mean = args.finiteDuration("Herd.contend: network.mean", options.network?.mean ?? 10)
    const deviation = args.finiteDuration("Herd.contend: network.deviation", options.network?.deviation ?? 2)
    const message = Effect.flatMap(normal(mean, deviation), (delay) => Effect.sleep(Math.abs(delay)))
    let version = 0
    let calls = 0
    const attempt = Effect.gen(function*() {
      yield* message // the read
      const read = version
      yield* message // its response
      yield* message // the write
      calls++
      const isCurrent = read === version
      if (isCurrent) version++
      yield* message // its response
      if (!isCurrent) return yield* Effect.fail(conflict)
    })
    const client = Effect.retry(attempt, schedule).pipe(
      Effect.catchIf((error): error is Conflict => error === conflict, () => Effect.void)
    )
    return Effect.flatMap(run({ clients, client: () => client }), ({ clients, time }) =>
      Effect.as(
        Effect.forEach(clients, ({ exit }) => Option.getOrElse(exit, () => Exit.void), { discard: true }),
        { time, calls, written: version }
      ))
  })

/**
 * The cost for this number of clients: the mean of several runs of {@link contend}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Point {
  readonly clients: number
  readonly time: number
  readonly calls: number
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * {@link contend} for several schedules, by name, and several numbers of clients.
 *
 * - `clients`: the numbers of clients, integers of 1 or more
 * - `runs`: each point is the mean of this many runs, an integer of 1 or more; default 10
 * - `network`: as for {@link contend}
 *
 * Draws come from the `Random` service. Fails with a schedule's own error; dies with an `IllegalArgumentError` that
 * names a bad argument.
 *
 * **Example** (Calls of 1 and of 30 clients)
 *
 * ```ts
 * import { Effect, Random } from "effect"
 * import { Backoff, Jitter, Period } from "effect-wait"
 * import { Herd } from "effect-wait/testing"
 *
 * const exponential = Backoff.exponential({ base: "10 millis", cap: "2 seconds" })
 *
 * const curves = Effect.runSync(
 *   Herd.curves({ none: Period.sliding(0), full: Jitter.full(exponential) }, { clients: [1, 30], runs: 4 }).pipe(
 *     Random.withSeed("curves")
 *   )
 * )
 *
 * curves.none.map((point) => point.calls) // => [1, 283]
 * curves.full.map((point) => point.calls) // => [1, 170]
 * ```
 *
 * @see {@link toSvg} for the drawing
 * @category running
 * @since 0.1.0
 */
export const curves = <Name extends string, E, R>(
  schedules: Readonly<Record<Name, Schedule.Schedule<unknown, Conflict, E, R>>>,
  options: {
    readonly clients: ReadonlyArray<number>
    readonly runs?: number | undefined
    readonly network?: Network | undefined
  }
): Effect.Effect<Record<Name, ReadonlyArray<Point>>, E, R> =>
  Effect.suspend(() => {
    const { network } = options
    const numbers = options.clients.map((n, i) => args.integer(`Herd.curves: clients[${i}]`, n, 1))
    const runs = Array.from({ length: args.integer("Herd.curves: runs", options.runs ?? 10, 1) })
    const points = Record.map(schedules, (): Array<Point> => [])
    const add = (name: Name, clients: number) =>
      Effect.map(Effect.forEach(runs, () => contend(schedules[name], { clients, network })), (results) => {
        points[name].push({
          clients,
          time: mean(results.map((result) => result.time)),
          calls: mean(results.map((result) => result.calls))
        })
      })
    return Effect.as(
      Effect.forEach(
        Record.keys(schedules),
        (name) => Effect.forEach(numbers, (clients) => add(name, clients), { discard: true }),
        { discard: true }
      ),
      points
    )
  })

/**
 * A line chart.
 *
 * - `title`, `x`, `y`: the title of the chart and the labels of its axes
 * - `lines`: by name, the points `[x, y]` that the line connects in this order; finite numbers of 0 or more
 * - `width`, `height`: in pixels, integers of 200 or more; default 720 by 400
 *
 * @category models
 * @since 0.1.0
 */
export interface Chart {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly lines: Readonly<Record<string, ReadonlyArray<readonly [x: number, y: number]>>>
  readonly width?: number | undefined
  readonly height?: number | undefined
}

const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

// Okabe and Ito's colors, which color-blind readers can tell apart.
const colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]

const coordinate = (value: number): string => String(Number(value.toFixed(1)))

// With thousands separators.
const formatNumber = (value: number): string => {
  const [whole = "", fraction] = String(Number(value.toPrecision(12))).split(".")
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ",")
  return fraction === undefined ? groups : `${groups}.${fraction}`
}

// About five round numbers, from 0 to the first of at least `most`.
const ticks = (most: number): ReadonlyArray<number> => {
  const magnitude = 10 ** Math.floor(Math.log10(most / 5))
  const step = [1, 2, 5, 10].map((digit) => digit * magnitude).find((step) => step * 6 >= most) ?? most
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step)
}

const maxLength = (texts: ReadonlyArray<string>): number => texts.reduce((most, text) => Math.max(most, text.length), 0)

// Moves labels that overlap apart. `ys` are in order, from top to bottom.
const separate = (ys: ReadonlyArray<number>, gap: number, bottom: number): ReadonlyArray<number> => {
  const placed: Array<number> = []
  for (const y of ys) placed.push(Math.max(y, (placed.at(-1) ?? -Infinity) + gap))
  return placed.map((y, i) => Math.min(y, bottom - (placed.length - 1 - i) * gap))
}

/**
 * Draws a line chart as an SVG. The name of a line stands at its end. The same chart gives the same text.
 *
 * Throws an `IllegalArgumentError` for a point or a size that is not allowed.
 *
 * **Example** (One line)
 *
 * ```ts
 * import { Herd } from "effect-wait/testing"
 *
 * const svg = Herd.lineChart({ title: "Load", x: "seconds", y: "requests", lines: { retries: [[0, 10], [30, 40]] } })
 *
 * svg.match(/<polyline.*points="(.*)"/)?.[1] // => "58,272 635,44"
 * ```
 *
 * @see {@link toSvg} for curves of contention
 * @category drawing
 * @since 0.1.0
 */
export const lineChart = (chart: Chart): string => {
  const width = args.integer("Herd.lineChart: width", chart.width ?? 720, 200)
  const height = args.integer("Herd.lineChart: height", chart.height ?? 400, 200)
  const lines = Object.entries(chart.lines).map(([name, points], i) => ({
    name,
    color: colors[i % colors.length]!,
    dashes: i < colors.length ? "" : ` stroke-dasharray="6 4"`,
    points: points.map((point, j) => point.map((value) => args.number(`Herd.lineChart: lines.${name}[${j}]`, value, 0)))
  }))
  const most = (axis: 0 | 1) =>
    lines.reduce((most, { points }) => points.reduce((most, point) => Math.max(most, point[axis]!), most), 0) || 1
  const xs = ticks(most(0))
  const ys = ticks(most(1))
  const left = 44 + 7 * maxLength(ys.map(formatNumber))
  const right = width - 36 - 7 * maxLength(lines.map(({ name }) => name))
  const [top, bottom] = [44, height - 52]
  const toX = (x: number) => left + x / xs.at(-1)! * (right - left)
  const toY = (y: number) => bottom - y / ys.at(-1)! * (bottom - top)
  const drawnLines = Arr.sortWith(
    lines.filter(({ points }) => points.length > 0),
    ({ points }) => toY(points.at(-1)![1]!),
    Order.Number
  )
  const labelYs = separate(drawnLines.map(({ points }) => toY(points.at(-1)![1]!)), 16, bottom)
  const at = coordinate
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `role="img" font-family="system-ui, sans-serif" font-size="12" fill="#333333">`,
    `<title>${escape(chart.title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${left}" y="24" font-size="15" font-weight="bold">${escape(chart.title)}</text>`,
    ...ys.map((y) =>
      `<path d="M${left} ${at(toY(y))}H${right}" stroke="${y === 0 ? "#333333" : "#dddddd"}"/>` +
      `<text x="${left - 8}" y="${at(toY(y) + 4)}" text-anchor="end">${formatNumber(y)}</text>`
    ),
    ...xs.map((x) =>
      `<path d="M${at(toX(x))} ${bottom}v5" stroke="#333333"/>` +
      `<text x="${at(toX(x))}" y="${bottom + 19}" text-anchor="middle">${formatNumber(x)}</text>`
    ),
    `<text x="${at((left + right) / 2)}" y="${height - 12}" text-anchor="middle">${escape(chart.x)}</text>`,
    `<text transform="translate(18 ${at((top + bottom) / 2)}) rotate(-90)" text-anchor="middle">${
      escape(chart.y)
    }</text>`,
    ...lines.map(({ color, dashes, points }) =>
      `<polyline fill="none" stroke="${color}" stroke-width="2" stroke-linejoin="round"${dashes} ` +
      `points="${points.map(([x, y]) => `${at(toX(x!))},${at(toY(y!))}`).join(" ")}"/>`
    ),
    ...drawnLines.map(({ color, dashes, name }, i) =>
      `<path d="M${right + 6} ${at(labelYs[i]!)}h14" stroke="${color}" stroke-width="2"${dashes}/>` +
      `<text x="${right + 25}" y="${at(labelYs[i]! + 4)}">${escape(name)}</text>`
    ),
    "</svg>\n"
  ].join("\n")
}

const measures = {
  time: { title: "Time until all clients have written", y: "seconds", of: (point: Point) => point.time / 1000 },
  calls: { title: "Write calls until all clients have written", y: "calls", of: (point: Point) => point.calls }
}

/**
 * Draws {@link curves} as an SVG: the time or the calls of the writes, by the number of clients.
 *
 * - `measure`: `"time"` or `"calls"`
 * - `width`, `height`: in pixels, integers of 200 or more; default 720 by 400
 *
 * Throws an `IllegalArgumentError` for any other option.
 *
 * **Example** (A chart with the names at the ends of the lines)
 *
 * ```ts
 * import { Effect, Random } from "effect"
 * import { Backoff, Jitter } from "effect-wait"
 * import { Herd } from "effect-wait/testing"
 *
 * const exponential = Backoff.exponential({ base: "10 millis", cap: "2 seconds" })
 * const simulate = Herd.curves({ exponential, full: Jitter.full(exponential) }, { clients: [1, 10, 20] })
 *
 * const curves = Effect.runSync(Random.withSeed(simulate, "AWS"))
 * const svg = Herd.toSvg(curves, { measure: "calls" })
 *
 * svg.match(/<title>(.*)<.title>/)?.[1] // => "Write calls until all clients have written"
 * svg.match(/exponential|full/g) // => ["exponential", "full"]
 * ```
 *
 * @see {@link lineChart} for other measures
 * @category drawing
 * @since 0.1.0
 */
export const toSvg = (curves: Readonly<Record<string, ReadonlyArray<Point>>>, options: {
  readonly measure: "time" | "calls"
  readonly width?: number | undefined
  readonly height?: number | undefined
}): string => {
  const { of, title, y } = measures[args.oneOf("Herd.toSvg: measure", options.measure, ["time", "calls"])]
  return lineChart({
    title,
    x: "clients",
    y,
    lines: Record.map(curves, (points) => points.map((point) => [point.clients, of(point)] as const)),
    width: options.width,
    height: options.height
  })
}
