/** A loop in a fiber of its own, as others see it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Record from "effect/Record"
import * as Stream from "effect/Stream"
import { millisSince } from "./moment.ts"
import { type EndedRun, isInside, type Watch } from "./watch.ts"

/**
 * What a loop does, and what it has done. Times are in whole milliseconds since the epoch, by the wall clock.
 *
 * - `state`: `"waiting"` for the next run, `"running"`, `"paused"`, or `"ended"`. A loop that is paused during a run is running
 *   until that ends
 * - `runs`: how many runs have started
 * - `failures`: how many have failed, with an error or a defect, caught by `Loop.survive` or not
 * - `consecutiveFailures`: how many since the last one that succeeded
 * - `missed`: how many slots of `Period.ticker` or `Period.cron` passed without a run of their own
 * - `lastStart`, `lastEnd`, `lastSuccess`: when a run last started, ended, and succeeded
 * - `lastCause`: of the last failure; it stays after a success. A run that was cut has not failed; one that interrupts itself has
 * - `nextStart`: when the next run is due, while the loop waits for it. For a calendar it is the slot
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
}

/**
 * A run that has ended, as the history of a loop has it.
 *
 * - `attempt`: the number of the run, from 1
 * - `start`, `end`: in milliseconds since the epoch
 * - `cause`: why it failed, or was interrupted; none for a run that succeeded
 *
 * @category models
 * @since 0.1.0
 */
export interface Run extends EndedRun {}

/**
 * A loop as JSON. It can be served: `lastFailure` is the first line of the last failure, without a stack.
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
}

/**
 * A loop in a fiber of its own, made by `Loop.forkScoped`.
 *
 * - `id`: no other loop of the process has it
 * - `name`: what it is called
 * - `stop`: ends the loop gracefully, and completes when it has ended. It ends a sleep at once; a run in flight finishes first.
 *   Inside a run of the loop itself, and in what such a run forked, it does not wait
 * - `interrupt`: interrupts the loop, the run in flight as well, and completes when it has ended
 * - `await`: waits for the end of the loop, and succeeds with its exit; undefined is the value of a loop that was stopped
 * - `trigger`: makes the loop run now. It ends a sleep; during a run, any number of triggers are remembered as one more run. A trigger
 *   within 2 ms before a run is taken for a timer that woke early. While the loop stops, and after its last run, it does nothing
 * - `runNow`: triggers the loop, and succeeds with the exit of that run; none when the loop ends first. Callers during a run share the
 *   next one. Inside a run of the loop itself it does not wait, and gives none
 * - `pause`: no run starts by itself from now on. It completes at once; a run in flight finishes, and a trigger runs once
 * - `resume`: ends the pause. A run that is overdue starts at once. A `Period.ticker` or `Period.cron` waits for its next slot, and
 *   the slots that have passed count as missed
 * - `status`: what the loop does, and what it has done
 * - `changes`: the status now, and after each change, until the loop ends. A consumer that is more than 16 changes behind loses
 *   the oldest ones
 * - `history`: the last ended runs, the oldest first, as many as the option `history` says
 * - `isHealthy`: false once the loop has failed or was interrupted, and when no run has succeeded for longer than the option
 *   `healthyWithin`. That time counts from when the first run was due, and from a resume. A loop that has completed, was stopped or
 *   is paused is healthy
 *
 * As JSON it is a {@link Snapshot}: `JSON.stringify(loop)` does for a health page.
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
interface Handled {
  readonly stop: (exit: Exit.Exit<unknown>) => void
  readonly trigger: () => void
  readonly pause: () => void
  readonly resume: () => void
}

/** All that a handle holds. */
interface Held<out Out, out E> {
  readonly fiber: Fiber.Fiber<Out, E>
  readonly driver: Handled
  readonly watch: Watch
}

/** A handle from the inside. */
export type Handle<Out, E, A> = Loop<Out, E, A> & Held<Out | undefined, E>

const time = (millis: number): Option.Option<number> =>
  Number.isFinite(millis) ? Option.some(Math.round(millis)) : Option.none()

// A wall clock and a monotonic one differ by less from reading to reading, unless one was set.
const stepped = 5

const nextStart = ({ loop, nextAt, state, wallOffset }: Watch): number => {
  if (loop?.at.clock === undefined || state !== "waiting") return NaN
  const { clock, origin } = loop.at
  const offset = clock.currentTimeMillisUnsafe() - millisSince(clock, origin)
  return nextAt + (Math.abs(offset - wallOffset) < stepped ? wallOffset : offset)
}

const statusOf = ({ fiber, watch }: Held<unknown, unknown>): Status => ({
  state: fiber.pollUnsafe() === undefined ? watch.state : "ended",
  runs: watch.loop?.attempts ?? 0,
  failures: watch.failures,
  consecutiveFailures: watch.consecutiveFailures,
  missed: watch.loop?.at.missed ?? 0,
  lastStart: time(watch.lastStart),
  lastEnd: time(watch.lastEnd),
  lastSuccess: time(watch.lastSuccess),
  lastCause: Option.fromUndefinedOr(watch.lastCause),
  nextStart: time(nextStart(watch))
})

const isHealthy = ({ fiber, watch: { isPaused, loop, settings, successAt } }: Held<unknown, unknown>): boolean => {
  const exit = fiber.pollUnsafe()
  if (exit !== undefined) return Exit.isSuccess(exit)
  if (isPaused || loop?.at.clock === undefined) return true
  return millisSince(loop.at.clock, loop.at.origin) - successAt <= settings.healthyWithin
}

// The name and the message of the error, up to the end of the line.
const firstLine = (cause: Cause.Cause<unknown>): string => {
  const [error] = Cause.prettyErrors(cause)
  const text = error === undefined
    ? "interrupted"
    : error.name === "Error"
    ? error.message
    : `${error.name}: ${error.message}`
  return text.split("\n")[0] ?? ""
}

const Proto: Loop<unknown, unknown> & ThisType<Handle<unknown, unknown, unknown>> = {
  ...Inspectable.BaseProto,
  toJSON() {
    const { lastCause, lastEnd, lastStart, lastSuccess, nextStart, ...counts } = statusOf(this)
    return {
      id: this.id,
      name: this.name ?? null,
      healthy: isHealthy(this),
      ...counts,
      ...Record.map({ lastStart, lastEnd, lastSuccess, nextStart }, Option.getOrNull),
      lastFailure: Option.getOrNull(Option.map(lastCause, firstLine))
    }
  },
  get id() {
    return String(this.fiber.id)
  },
  get name() {
    return this.watch.name
  },
  get stop() {
    return Effect.withFiber((asking) => {
      this.driver.stop(Exit.void)
      return isInside(asking, this.watch) ? Effect.void : Effect.asVoid(Fiber.await(this.fiber))
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
    return Effect.withFiber((asking) => {
      const { driver, fiber, watch } = this
      if (fiber.pollUnsafe() !== undefined) return Effect.succeedNone
      if (isInside(asking, watch)) return Effect.as(this.trigger, Option.none())
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
    return Effect.sync(() => this.driver.pause())
  },
  get resume() {
    return Effect.sync(() => this.driver.resume())
  },
  get status() {
    return Effect.sync(() => statusOf(this))
  },
  get changes() {
    const { fiber, watch } = this
    return Stream.callback<Status>((queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const tell = () => Queue.offerUnsafe(queue, statusOf(this))
          if (fiber.pollUnsafe() === undefined) tell()
          const unlisten = watch.listen(tell)
          const forget = fiber.addObserver(() => {
            tell()
            Queue.endUnsafe(queue)
          })
          return () => {
            unlisten()
            forget()
          }
        }),
        (forget) => Effect.sync(forget)
      ), { bufferSize: 16, strategy: "sliding" })
  },
  get history() {
    return Effect.sync(() => Array.from(this.watch.history))
  },
  get isHealthy() {
    return Effect.sync(() => isHealthy(this))
  }
}

/** The handle of a loop. */
export const makeHandle = <Out, E, A>(
  fiber: Fiber.Fiber<Out | undefined, E>,
  driver: Handled,
  watch: Watch
): Handle<Out, E, A> => Object.assign(Object.create(Proto), { fiber, driver, watch })
