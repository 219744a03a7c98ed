/**
 * Where a dashboard finds its loops.
 *
 * @since 0.1.0
 */
import * as Loop from "effect-wait/Loop"
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { Info, LoopsUnavailable, Run } from "./DashboardApi.ts"

/**
 * What a dashboard does with a loop.
 *
 * @category models
 * @since 0.1.0
 */
export type Action = "trigger" | "pause" | "resume" | "stop"

/**
 * The loops of a dashboard.
 *
 * - `instance`: the process whose loops these are; null where each process has the same loops
 * - `interval`: the delay between two looks, while a page is open
 * - `canStop`: whether `control` can stop a loop. Without it the page has no Stop, and the route answers with status 405
 * - `list`: all loops. A loop that has not changed may be the same object as before, which saves its comparison
 * - `control`: does the action, and completes without waiting for a run. False if there is no loop of this id
 *
 * @category models
 * @since 0.1.0
 */
export interface LoopSource {
  readonly instance: string | null
  readonly interval: Duration.Input
  readonly canStop: boolean
  readonly list: Effect.Effect<ReadonlyArray<Info>, LoopsUnavailable>
  readonly control: (id: string, action: Action) => Effect.Effect<boolean, LoopsUnavailable>
}

/** A page shows about as many. */
const mostRuns = 32

/** Enough for a message; an error may contain a whole document. */
const mostCharacters = 400

const lineOf = (cause: Cause.Cause<unknown>): string => {
  const [error] = Cause.prettyErrors(cause)
  const text = error === undefined
    ? "interrupted"
    : error.name === "Error"
    ? error.message
    : `${error.name}: ${error.message}`
  const line = text.split("\n", 1)[0] ?? ""
  return line.length > mostCharacters ? `${line.slice(0, mostCharacters)}\u2026` : line
}

interface Seen {
  readonly status: Loop.Status
  readonly info: Info
  /** How many slots were missed after each run, by its number. */
  readonly missed: ReadonlyMap<number, number>
}

/**
 * A loop counts its missed slots, and does not say when they passed. They passed since the look before; so with one run since
 * then, they passed after the start of that run.
 */
const missedAfter = (
  before: Seen | undefined,
  { missed, runs }: Loop.Status,
  history: ReadonlyArray<Run>
): ReadonlyMap<number, number> => {
  const last = history.at(-1)?.attempt
  const added = before === undefined ? 0 : missed - before.status.missed
  if (before === undefined || typeof last !== "number") return none
  if (before.missed.size === 0 && added === 0) return none
  const kept = new Map(history.flatMap(({ attempt }) => {
    const known = attempt === null ? undefined : before.missed.get(attempt)
    return attempt === null || known === undefined ? [] : [[attempt, known] as const]
  }))
  const isClear = added > 0 && runs - before.status.runs <= 1
  return isClear ? kept.set(last, added + (kept.get(last) ?? 0)) : kept
}

const none: ReadonlyMap<number, number> = new Map()

const withMissed = (run: Run, missed: ReadonlyMap<number, number>): Run => {
  const after = run.attempt === null ? undefined : missed.get(run.attempt)
  return after === undefined ? run : { ...run, missed: after }
}

/**
 * The loops of this process that have a name: those of `Loop.all`.
 *
 * **Example** (The loops of a registry)
 *
 * ```ts
 * import { LoopSource } from "@effect-wait/dashboard"
 * import { Effect } from "effect"
 * import { Loop, Period } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const program = Effect.gen(function*() {
 *   yield* Loop.forkScoped(Effect.void, Period.sliding("1 minute"), { name: "flush", history: 10 })
 *   yield* TestClock.adjust("90 seconds")
 *   const source = yield* LoopSource.local
 *   return yield* source.list
 * }).pipe(Effect.scoped, Effect.provideService(Loop.Registry, new Set()), Effect.provide(TestClock.layer()))
 *
 * const [flush] = await Effect.runPromise(program)
 * flush?.runs // => 2
 * flush?.nextStart // => 120000
 * flush?.history.map(({ attempt, start }) => [attempt, start]) // => [[1, 0], [2, 60000]]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const local: Effect.Effect<LoopSource, never, Scope.Scope> = Effect.gen(function*() {
  const registry = yield* Loop.Registry
  const scope = yield* Effect.scope
  const draw = yield* Random.nextIntBetween(0, 2 ** 48)
  const lines = new WeakMap<Cause.Cause<unknown>, string>()
  const seen = new WeakMap<Loop.Loop<unknown, unknown>, Seen>()

  // The pretty form of a Cause costs more than the rest of a look.
  const failureOf = (cause: Option.Option<Cause.Cause<unknown>>): string | null => {
    if (Option.isNone(cause)) return null
    const line = lines.get(cause.value) ?? lineOf(cause.value)
    lines.set(cause.value, line)
    return line
  }

  const historyOf = (
    runs: ReadonlyArray<Loop.Run>,
    { consecutiveFailures, lastCause, lastEnd, lastStart, runs: attempt, state }: Loop.Status
  ): ReadonlyArray<Run> => {
    if (runs.length > 0) {
      return runs.slice(-mostRuns).map(({ attempt, cause, end, start }) => ({
        attempt,
        start: Math.round(start),
        end: Math.round(end),
        failure: failureOf(cause)
      }))
    }
    if (state === "running" || attempt === 0 || Option.isNone(lastStart) || Option.isNone(lastEnd)) return []
    const failure = consecutiveFailures > 0 ? failureOf(lastCause) : null
    return [{ attempt, start: lastStart.value, end: lastEnd.value, failure }]
  }

  const infoOf = (
    { id, name = "" }: Loop.Loop<unknown, unknown>,
    status: Loop.Status,
    healthy: boolean,
    history: ReadonlyArray<Run>
  ): Info => ({
    id,
    name,
    healthy,
    state: status.state,
    runs: status.runs,
    failures: status.failures,
    consecutiveFailures: status.consecutiveFailures,
    missed: status.missed,
    lastStart: Option.getOrNull(status.lastStart),
    lastEnd: Option.getOrNull(status.lastEnd),
    lastSuccess: Option.getOrNull(status.lastSuccess),
    nextStart: Option.getOrNull(status.nextStart),
    lastFailure: failureOf(status.lastCause),
    ...(Option.isSome(status.storeFailure) && { storeFailure: status.storeFailure.value.message }),
    history
  })

  const look = (loop: Loop.Loop<unknown, unknown>): Effect.Effect<Info> =>
    Effect.flatMap(loop.status, (status) =>
      Effect.flatMap(loop.isHealthy, (healthy) => {
        const before = seen.get(loop)
        if (before !== undefined && before.info.healthy === healthy && isSame(before.status, status)) {
          return Effect.succeed(before.info)
        }
        return Effect.map(loop.history, (runs) => {
          const history = historyOf(runs, status)
          const missed = missedAfter(before, status, history)
          const info = infoOf(loop, status, healthy, history.map((run) => withMissed(run, missed)))
          seen.set(loop, { status, info, missed })
          return info
        })
      }))

  const actions: {
    readonly [A in Action]: (loop: Loop.Loop<unknown, unknown>) => Effect.Effect<unknown>
  } = {
    trigger: (loop) => loop.trigger,
    pause: (loop) => loop.pause,
    resume: (loop) => loop.resume,
    // It waits for the run in flight; a caller over HTTP does not.
    stop: (loop) => Effect.forkIn(loop.stop, scope, { startImmediately: true })
  }

  return {
    instance: draw.toString(36),
    interval: "250 millis",
    canStop: true,
    list: Effect.suspend(() => Effect.forEach(registry, look)),
    control: (id, action) =>
      Effect.suspend(() => {
        const loop = Array.from(registry).find((loop) => loop.id === id)
        return loop === undefined ? Effect.succeed(false) : Effect.as(actions[action](loop), true)
      })
  }
})

const isSame = (a: Loop.Status, b: Loop.Status): boolean =>
  a.state === b.state &&
  a.runs === b.runs &&
  a.failures === b.failures &&
  a.consecutiveFailures === b.consecutiveFailures &&
  a.missed === b.missed &&
  isSameValue(a.lastStart, b.lastStart) &&
  isSameValue(a.lastEnd, b.lastEnd) &&
  isSameValue(a.lastSuccess, b.lastSuccess) &&
  isSameValue(a.nextStart, b.nextStart) &&
  isSameValue(a.lastCause, b.lastCause) &&
  isSameValue(a.storeFailure, b.storeFailure)

const isSameValue = <A>(a: Option.Option<A>, b: Option.Option<A>): boolean =>
  Option.getOrUndefined(a) === Option.getOrUndefined(b)
