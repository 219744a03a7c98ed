/** The handle of a loop that runs in a fiber of its own. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Record from "effect/Record"
import * as Stream from "effect/Stream"
import type { EndedRun, ForkedWatch } from "./forkedWatch.ts"
import type { LoopStoreError } from "./loopStoreError.ts"
import { millisSince } from "./moment.ts"
import { isInside } from "./watch.ts"

/**
 * The state of a loop, and its results so far. Times are in whole milliseconds since the epoch, by the wall clock.
 *
 * - `state`: `"waiting"` for the next run, `"running"`, `"paused"`, or `"ended"`. A pause during a run leaves the state
 *   at `"running"` until the run ends
 * - `runs`: how many runs have started
 * - `failures`: how many runs have failed, with an error or a defect, with or without `Loop.survive`
 * - `consecutiveFailures`: how many runs have failed since the last success
 * - `missed`: how many slots of `Period.ticker` or `Period.cron` passed without a run of their own
 * - `lastStart`, `lastEnd`, `lastSuccess`: when a run last started, ended, and succeeded
 * - `lastCause`: the Cause of the last failure; a success does not clear it. Interruption from outside is not a
 *   failure; a run that interrupts itself is
 * - `nextStart`: when the next run is due, while the loop waits for it. With `Period.cron` it is the time of the slot
 * - `storeFailure`: why the `LoopStore` of a loop with `catchUp` is away, while the loop waits for it
 *
 * With `catchUp`, `lastStart`, `lastEnd` and `lastSuccess` may be times of an earlier process.
 *
 * @category models
 * @since 0.1.0
 */
export interface Status {
  readonly state: "waiting" | "running" | "paused" | "ended"
  readonly runs: number
  readonly failures: number
  readonly consecutiveFailures: number
  readonly missed: number
  readonly lastStart: Option.Option<number>
  readonly lastEnd: Option.Option<number>
  readonly lastSuccess: Option.Option<number>
  readonly lastCause: Option.Option<Cause.Cause<unknown>>
  readonly nextStart: Option.Option<number>
  readonly storeFailure: Option.Option<LoopStoreError>
}

/**
 * An ended run in the history of a loop.
 *
 * - `attempt`: the number of the run, from 1
 * - `start`, `end`: in milliseconds since the epoch
 * - `cause`: why the run failed or was interrupted; none after a success
 *
 * @category models
 * @since 0.1.0
 */
export interface Run extends EndedRun {}

/**
 * A loop as JSON, for a health page. `lastFailure` is the first line of the last failure, without a stack. There is a
 * `storeFailure` only while the `LoopStore` is away.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  readonly id: string
  readonly name: string | null
  readonly healthy: boolean
  readonly state: Status["state"]
  readonly runs: number
  readonly failures: number
  readonly consecutiveFailures: number
  readonly missed: number
  readonly lastStart: number | null
  readonly lastEnd: number | null
  readonly lastSuccess: number | null
  readonly nextStart: number | null
  readonly lastFailure: string | null
  readonly storeFailure?: string
}

/**
 * A loop in a fiber of its own, made by `Loop.forkScoped`.
 *
 * - `id`: unique in the process
 * - `name`: the option `name`
 * - `stop`: shuts the loop down gracefully, and completes when the loop has ended. It ends a sleep at once; a run in
 *   flight finishes first. Inside a run of this loop, in its fibers and finalizers too, it does not wait
 * - `interrupt`: interrupts the loop and the run in flight, and completes when the loop has ended
 * - `await`: waits for the end of the loop, and succeeds with its exit. The value of a stopped loop is undefined
 * - `trigger`: starts a run now. It ends a sleep. During a run, any number of triggers make one more run. A trigger
 *   less than 2 ms before a planned run counts as that run. In a loop that stops or has ended it does nothing
 * - `runNow`: triggers the loop, and succeeds with the exit of that run; none if the loop ends first. Callers during a
 *   run share the next run. Inside a run of this loop it does not wait, and gives none
 * - `pause`: from now on only a trigger starts a run. It completes at once; a run in flight finishes. With `catchUp`,
 *   `pause` and `resume` take effect at once, and complete when the store has them
 * - `resume`: ends the pause. An overdue run starts at once. `Period.ticker` and `Period.cron` wait for their next
 *   slot; slots that passed in the pause count as missed
 * - `status`: the state of the loop, and its results so far
 * - `changes`: the status now, and after each change, until the loop ends. A consumer that is more than 16 changes
 *   behind loses the oldest changes
 * - `history`: the last ended runs, from the oldest to the newest; the option `history` is their number
 * - `isHealthy`: false after the loop has failed or was interrupted, and when no run has succeeded for longer than the
 *   option `healthyWithin`. That time starts when the first run is due, and again at a resume. A loop that has
 *   completed, was stopped or is paused is healthy
 *
 * As JSON it is a {@link Snapshot}: serve `JSON.stringify(loop)` as a health page.
 *
 * @category models
 * @since 0.1.0
 */
export interface Loop<out Out, out E = never, out A = unknown> extends Inspectable.Inspectable {
  readonly id: string
  readonly name: string | undefined
  readonly stop: Effect.Effect<void>
  readonly interrupt: Effect.Effect<void>
  readonly await: Effect.Effect<Exit.Exit<Out | undefined, E>>
  readonly trigger: Effect.Effect<void>
  readonly runNow: Effect.Effect<Option.Option<Exit.Exit<A, unknown>>>
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
  readonly status: Effect.Effect<Status>
  readonly changes: Stream.Stream<Status>
  readonly history: Effect.Effect<ReadonlyArray<Run>>
  readonly isHealthy: Effect.Effect<boolean>
  toJSON(): Snapshot
}

/** The part of a driver that a handle uses. */
interface Controls {
  readonly stop: (exit: Exit.Exit<unknown>) => void
  readonly trigger: () => void
  readonly pause: () => Effect.Effect<void>
  readonly resume: () => Effect.Effect<void>
}

/** The fields of a handle. */
interface HandleFields<out Out, out E> {
  readonly fiber: Fiber.Fiber<Out, E>
  readonly driver: Controls
  readonly watch: ForkedWatch
}

/** A handle, with the fields that users do not see. */
export type Handle<Out, E, A> = Loop<Out, E, A> & HandleFields<Out | undefined, E>

const timeOf = (millis: number): Option.Option<number> =>
  Number.isFinite(millis) ? Option.some(Math.round(millis)) : Option.none()

// If the distance of the wall clock from the monotonic clock changes by more milliseconds, the wall clock was stepped.
const leastStep = 5

const nextStart = ({ loop, nextAt, state, wallOffset }: ForkedWatch): number => {
  if (loop?.at.clock === undefined || state !== "waiting") return NaN
  const { clock, origin } = loop.at
  const offset = clock.currentTimeMillisUnsafe() - millisSince(clock, origin)
  return nextAt + (Math.abs(offset - wallOffset) < leastStep ? wallOffset : offset)
}

const statusOf = ({ fiber, watch }: HandleFields<unknown, unknown>): Status => ({
  state: fiber.pollUnsafe() === undefined ? watch.state : "ended",
  runs: watch.loop?.attempts ?? 0,
  failures: watch.failures,
  consecutiveFailures: watch.consecutiveFailures,
  missed: watch.loop?.at.missed ?? 0,
  lastStart: timeOf(watch.lastStart),
  lastEnd: timeOf(watch.lastEnd),
  lastSuccess: timeOf(watch.lastSuccess),
  lastCause: Option.fromUndefinedOr(watch.lastCause),
  nextStart: timeOf(nextStart(watch)),
  storeFailure: Option.fromUndefinedOr(watch.storeFailure)
})

const isHealthy = (
  { fiber, watch: { isPaused, loop, settings, successAt } }: HandleFields<unknown, unknown>
): boolean => {
  const exit = fiber.pollUnsafe()
  if (exit !== undefined) return Exit.isSuccess(exit)
  if (isPaused || loop?.at.clock === undefined) return true
  return millisSince(loop.at.clock, loop.at.origin) - successAt <= settings.healthyWithin
}

// The first line of the error's name and message.
const firstLine = (cause: Cause.Cause<unknown>): string => {
  const [error] = Cause.prettyErrors(cause)
  const text = error === undefined
    ? "interrupted"
    : error.name === "Error"
    ? error.message
    : `${error.name}: ${error.message}`
  return text.split("\n")[0] ?? ""
}

// A function, so that a bundler leaves it out of a program without handles: it keeps an object with a spread.
const makeProto = (): Loop<unknown, unknown> & ThisType<Handle<unknown, unknown, unknown>> => ({
  ...Inspectable.BaseProto,
  toJSON() {
    const { lastCause, lastEnd, lastStart, lastSuccess, nextStart, storeFailure, ...counts } = statusOf(this)
    return {
      id: this.id,
      name: this.name ?? null,
      healthy: isHealthy(this),
      ...counts,
      ...Record.map({ lastStart, lastEnd, lastSuccess, nextStart }, Option.getOrNull),
      lastFailure: Option.getOrNull(Option.map(lastCause, firstLine)),
      ...(Option.isSome(storeFailure) && { storeFailure: storeFailure.value.message })
    }
  },
  get id() {
    return String(this.fiber.id)
  },
  get name() {
    return this.watch.name
  },
  get stop() {
    return Effect.withFiber((caller) => {
      this.driver.stop(Exit.void)
      return isInside(caller, this.watch) ? Effect.void : Effect.asVoid(Fiber.await(this.fiber))
    })
  },
  get interrupt() {
    return Fiber.interrupt(this.fiber)
  },
  get await() {
    return Fiber.await(this.fiber)
  },
  get trigger() {
    return Effect.sync(() => this.driver.trigger())
  },
  get runNow() {
    return Effect.withFiber((caller) => {
      const { driver, fiber, watch } = this
      if (fiber.pollUnsafe() !== undefined) return Effect.succeedNone
      if (isInside(caller, watch)) return Effect.as(this.trigger, Option.none())
      return Effect.callback<Option.Option<Exit.Exit<unknown, unknown>>>((resume) => {
        const unobserve = fiber.addObserver(() => resume(Effect.succeedNone))
        const forget = watch.onNextRun((exit) => {
          unobserve()
          resume(Effect.succeedSome(exit))
        })
        driver.trigger()
        return Effect.sync(() => {
          forget()
          unobserve()
        })
      })
    })
  },
  get pause() {
    return Effect.suspend(() => this.driver.pause())
  },
  get resume() {
    return Effect.suspend(() => this.driver.resume())
  },
  get status() {
    return Effect.sync(() => statusOf(this))
  },
  get changes() {
    const { fiber, watch } = this
    return Stream.callback<Status>((queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const offer = () => Queue.offerUnsafe(queue, statusOf(this))
          if (fiber.pollUnsafe() === undefined) offer()
          const unlisten = watch.listen(offer)
          const unobserve = fiber.addObserver(() => {
            offer()
            Queue.endUnsafe(queue)
          })
          return () => {
            unlisten()
            unobserve()
          }
        }),
        (release) => Effect.sync(release)
      ), { bufferSize: 16, strategy: "sliding" })
  },
  get history() {
    return Effect.sync(() => Array.from(this.watch.history))
  },
  get isHealthy() {
    return Effect.sync(() => isHealthy(this))
  }
})

const Proto = makeProto()

/** The handle of a loop. */
export const makeHandle = <Out, E, A>(
  fiber: Fiber.Fiber<Out | undefined, E>,
  driver: Controls,
  watch: ForkedWatch
): Handle<Out, E, A> => Object.assign(Object.create(Proto), { fiber, driver, watch })
