/** What is seen of a loop from outside, and what its name makes visible: spans, metrics, log annotations. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Clocked, look } from "./clocked.ts"
import { type Kind, type Meter, meterOf } from "./meter.ts"

/** The part of a driver that is seen. */
interface Watched {
  readonly at: Clocked
  readonly attempts: number
  readonly phase: "waiting" | "running" | "stepping"
  readonly context: Context.Context<never>
}

/** What is seen of a loop. */
export interface Watch {
  readonly kind: Kind
  /** Its spans and metrics go by it. */
  readonly name: string | undefined
  driver: Watched | undefined
  state: "new" | "waiting" | "running" | "ended"
  failures: number
  consecutiveFailures: number
  lastCause: Cause.Cause<unknown> | undefined
  /** In milliseconds by the wall clock; NaN where there was none. */
  lastStart: number
  lastEnd: number
  lastSuccess: number
  /** When the last run ended, and the last that succeeded, by the clock of the loop. */
  ended: number
  succeeded: number
  /** The missed slots that the metrics know of. */
  missed: number
  /** What `Loop.survive` caught in this run. */
  survived: Cause.Cause<unknown> | undefined
  /** Whether the last run failed: the next one is a retry. */
  failed: boolean
  meter: Meter | undefined
  /** Called after each change. */
  listeners: Set<() => void> | undefined
}

/** The loop whose run this is, and the run around that. */
export interface Run {
  /** `Loop.survive` tells it what it caught. */
  readonly watch: Watch | undefined
  readonly outer: Run | undefined
}

export const CurrentRun = Context.Reference<Run | undefined>("effect-wait/CurrentRun", {
  defaultValue: () => undefined
})

export const makeWatch = (kind: Kind, name: string | undefined): Watch => ({
  kind,
  name,
  driver: undefined,
  state: "new",
  failures: 0,
  consecutiveFailures: 0,
  lastCause: undefined,
  lastStart: NaN,
  lastEnd: NaN,
  lastSuccess: NaN,
  ended: NaN,
  succeeded: 0,
  missed: 0,
  survived: undefined,
  failed: false,
  meter: undefined,
  listeners: undefined
})

const enter = (watch: Watch, { context }: Watched, state: "waiting" | "running" | "ended"): void => {
  const { meter, state: before } = watch
  watch.state = state
  if (meter !== undefined) {
    if (before === "waiting" || before === "running") meter[before].modifyUnsafe(-1, context)
    if (state !== "ended") meter[state].modifyUnsafe(1, context)
  }
}

const changed = (watch: Watch): void => watch.listeners?.forEach((listener) => listener())

/** The loop begins. */
export const begun = (watch: Watch, driver: Watched): void => {
  watch.driver = driver
  watch.succeeded = driver.at.due // the first run counts from when it is due
  if (watch.name !== undefined) {
    const meter = watch.meter = meterOf(driver.context, watch.kind, watch.name)
    // A counter that never counted would not be exported.
    const counters = [meter.runs, meter.failures, meter.retries, meter.giveUps, meter.missed]
    for (const counter of counters) counter.updateUnsafe(0, driver.context)
    meter.running.modifyUnsafe(0, driver.context)
  }
  enter(watch, driver, "waiting")
  changed(watch)
}

/** A run starts. */
export const started = <A, E, R>(
  watch: Watch,
  driver: Watched,
  work: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const { at, attempts, context } = driver
  const { kind, meter, name } = watch
  const due = Math.min(at.due, at.start) // a trigger comes before
  const lateness = at.start - due
  watch.survived = undefined
  watch.lastStart = at.wall()
  enter(watch, driver, "running")
  if (meter !== undefined) {
    meter.runs.updateUnsafe(1, context)
    if (watch.failed) meter.retries.updateUnsafe(1, context)
    meter.lateness.updateUnsafe(lateness / 1000, context)
    if (attempts > 1) meter.delay.updateUnsafe((due - watch.ended) / 1000, context)
  }
  changed(watch)
  const run = kind === "loop"
    ? Effect.provideService(work, CurrentRun, { watch, outer: Context.get(context, CurrentRun) })
    : work
  if (name === undefined) return run
  const attributes = { attempt: attempts, scheduledTime: watch.lastStart - lateness, lateness }
  // Its stack would be that of the driver, and to capture it costs more than all the rest.
  return Effect.withSpan(Effect.annotateLogs(run, kind, name), name, { attributes, captureStackTrace: false })
}

// A run is over, in whatever way.
const over = (watch: Watch, driver: Watched): void => {
  const { at, context } = driver
  look(at)
  watch.ended = at.now
  watch.lastEnd = at.wall()
  enter(watch, driver, "waiting")
  watch.meter?.duration.updateUnsafe((at.now - at.start) / 1000, context)
}

/** A run has ended, and failed where there is a cause. */
export const ended = (watch: Watch, driver: Watched, cause: Cause.Cause<unknown> | undefined): void => {
  over(watch, driver)
  watch.failed = cause !== undefined && cause !== watch.survived
  const { context } = driver
  const { meter } = watch
  if (cause === undefined) {
    watch.consecutiveFailures = 0
    watch.succeeded = watch.ended
    watch.lastSuccess = watch.lastEnd
    meter?.lastSuccess.updateUnsafe(watch.lastSuccess / 1000, context)
  } else {
    watch.failures++
    watch.consecutiveFailures++
    watch.lastCause = cause
    meter?.failures.updateUnsafe(1, context)
  }
}

/** The schedule was asked. */
export const planned = (watch: Watch, { at, context }: Watched): void => {
  const { meter } = watch
  if (meter !== undefined && at.missed !== undefined) {
    meter.missed.updateUnsafe(at.missed.slots - watch.missed, context)
    watch.missed = at.missed.slots
  }
  changed(watch)
}

/** The loop has ended. */
export const finished = (watch: Watch, driver: Watched, exit: Exit.Exit<unknown, unknown>): void => {
  if (watch.state === "running") over(watch, driver)
  enter(watch, driver, "ended")
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return
  watch.lastCause = exit.cause
  watch.meter?.giveUps.updateUnsafe(1, driver.context)
}
