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
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
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
 * - `outcome`: `"done"` if all clients ended, with a success or a failure; otherwise `"cut"`
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
 * cut: the herd continues with it.
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
