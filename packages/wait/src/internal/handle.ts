/** A loop in a fiber of its own, as others see it. */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Record from "effect/Record"
import * as Stream from "effect/Stream"
import * as args from "./args.ts"
import { millisSince } from "./moment.ts"
import { CurrentRun, type Watch } from "./watch.ts"

/**
 * What a loop does, and what it has done. Times are in milliseconds since the epoch, by the wall clock.
 *
 * - `state`: `"waiting"` for the next run, `"running"`, or `"ended"`
 * - `runs`: how many runs have started
 * - `failures`: how many have failed, with an error or a defect, caught by `Loop.survive` or not
 * - `consecutiveFailures`: how many since the last one that succeeded
 * - `missed`: how many slots of `Period.ticker` or `Period.cron` passed without a run of their own
 * - `lastStart`, `lastEnd`, `lastSuccess`: when a run last started, ended, and ended well
 * - `lastCause`: of the last failure; it stays after a success. A run that was cut has not failed; one that interrupts itself has
 * - `nextStart`: when the next run is planned, while the loop waits for it
 *
 * @category models
 * @since 0.1.0
 */
export interface Status {
  readonly state: "waiting" | "running" | "ended"
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
 * A loop in a fiber of its own, made by `Loop.forkScoped`.
 *
 * - `name`: what it is called
 * - `stop`: ends the loop gracefully, and completes when it has ended. It ends a sleep at once; a run in flight finishes first.
 *   Inside a run of the loop itself, and in what such a run forked, it does not wait
 * - `interrupt`: interrupts the loop, the run in flight as well, and completes when it has ended
 * - `await`: waits for the end of the loop, and succeeds with its exit; undefined is the value of a loop that was stopped
 * - `trigger`: makes the loop run now. It ends a sleep; during a run, any number of triggers are remembered as one more run. One
 *   that comes within 2 ms before a run is taken for a timer that woke early; after the last run it does nothing
 * - `status`: what the loop does, and what it has done
 * - `changes`: the status now, and after each change, until the loop ends. A consumer that is more than 16 changes behind loses
 *   the oldest ones
 * - `isHealthy`: false when no run has succeeded for longer than `within`, and once the loop has failed or was interrupted. Until a
 *   run succeeds, the time counts from when the first run was due. It dies with an `IllegalArgumentError` for a time that is
 *   negative or NaN
 *
 * As JSON it is its status, times and all: `JSON.stringify(loop)` does for a health page.
 *
 * @category models
 * @since 0.1.0
 */
export interface Loop<out Out, out E = never> extends Inspectable.Inspectable {
  readonly name: string | undefined
  readonly stop: Effect.Effect<void>
  readonly interrupt: Effect.Effect<void>
  readonly await: Effect.Effect<Exit.Exit<Out | undefined, E>>
  readonly trigger: Effect.Effect<void>
  readonly status: Effect.Effect<Status>
  readonly changes: Stream.Stream<Status>
  readonly isHealthy: (options: { readonly within: Duration.Input }) => Effect.Effect<boolean>
}

/** The part of a driver that a handle uses. */
interface Handled {
  readonly stop: (exit: Exit.Exit<unknown>) => void
  readonly trigger: () => void
}

/** All that a handle holds. */
interface Held<out Out, out E> {
  readonly fiber: Fiber.Fiber<Out, E>
  readonly driver: Handled
  readonly watch: Watch
}

const time = (millis: number): Option.Option<number> => Number.isFinite(millis) ? Option.some(millis) : Option.none()

const nextStart = ({ loop, nextAt, state }: Watch): number => {
  if (loop?.at.clock === undefined || state !== "waiting") return NaN
  const { clock, origin } = loop.at
  return clock.currentTimeMillisUnsafe() + nextAt - millisSince(clock, origin)
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

const Proto: Loop<unknown, unknown> & ThisType<Held<unknown, unknown> & Loop<unknown, unknown>> = {
  ...Inspectable.BaseProto,
  toJSON() {
    const { lastCause, lastEnd, lastStart, lastSuccess, nextStart, ...counts } = statusOf(this)
    const times = Record.map({ lastStart, lastEnd, lastSuccess, nextStart }, Option.getOrNull)
    return { name: this.name, ...counts, ...times, lastCause: Option.getOrNull(Option.map(lastCause, Cause.pretty)) }
  },
  get name() {
    return this.watch.name
  },
  get stop() {
    return Effect.withFiber((asking) => {
      this.driver.stop(Exit.void)
      let run = asking.getRef(CurrentRun)
      while (run !== undefined && run.watch !== this.watch) run = run.outer
      return run === undefined ? Effect.asVoid(Fiber.await(this.fiber)) : Effect.void
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
  isHealthy({ within }) {
    return Effect.sync(() => {
      const most = args.duration("isHealthy: within", within)
      const { fiber, watch: { loop, successAt } } = this
      const exit = fiber.pollUnsafe()
      if (exit !== undefined && Exit.isFailure(exit)) return false
      if (loop?.at.clock === undefined) return true
      return millisSince(loop.at.clock, loop.at.origin) - successAt <= most
    })
  }
}

/** The handle of a loop. */
export const makeHandle = <Out, E>(
  fiber: Fiber.Fiber<Out | undefined, E>,
  driver: Handled,
  watch: Watch
): Loop<Out, E> => Object.assign(Object.create(Proto), { fiber, driver, watch })
