/** What is seen of a loop from outside, and what its name makes visible: spans, metrics, log annotations. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import { type Clocked, look } from "./clocked.ts"
import { type Around, type Control, CurrentRun, drive, type Job, type Task } from "./driver.ts"
import { type Kind, type Meter, meterOf } from "./meter.ts"

/** The part of a driver that is seen. */
interface Watched {
  readonly at: Clocked
  readonly attempts: number
  readonly phase: "waiting" | "running" | "stepping"
  readonly control: Pick<Control<never>, "triggered"> | undefined
  readonly context: Context.Context<never>
}

/** What is seen of a loop. */
export interface Watch {
  driver: Watched | undefined
  state: "new" | "waiting" | "running" | "ended"
  failures: number
  consecutiveFailures: number
  lastCause: Cause.Cause<unknown> | undefined
  /** In milliseconds by the wall clock; NaN where there was none. */
  lastStart: number
  lastEnd: number
  /** In milliseconds by the clock of the loop. The first run counts from when it was due. */
  end: number
  lastSuccess: number
  /** The missed slots that the metrics know of. */
  missed: number
  /** What `Loop.survive` caught in this run. */
  survived: Cause.Cause<unknown> | undefined
  meter: Meter | undefined
  /** Called after each change. */
  listeners: Set<() => void> | undefined
}

export const makeWatch = (): Watch => ({
  driver: undefined,
  state: "new",
  failures: 0,
  consecutiveFailures: 0,
  lastCause: undefined,
  lastStart: NaN,
  lastEnd: NaN,
  end: NaN,
  lastSuccess: 0,
  missed: 0,
  survived: undefined,
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

const started = (watch: Watch, driver: Watched): void => {
  const { at, context, control } = driver
  const { meter } = watch
  if (control !== undefined) control.triggered = false
  watch.survived = undefined
  watch.lastStart = at.wall
  enter(watch, driver, "running")
  if (meter !== undefined) {
    meter.runs.updateUnsafe(1, context)
    meter.lateness.updateUnsafe(latenessOf(at) / 1000, context)
    if (driver.attempts > 1) meter.delay.updateUnsafe((at.due - watch.end) / 1000, context)
  }
  changed(watch)
}

const latenessOf = ({ due, start }: Clocked): number => Math.max(0, start - due)

const ended = (watch: Watch, driver: Watched, cause: Cause.Cause<unknown> | undefined): void => {
  const { at, context } = driver
  const { start } = at
  const { meter } = watch
  look(at)
  watch.end = at.now
  watch.lastEnd = at.wall
  enter(watch, driver, "waiting")
  meter?.duration.updateUnsafe((at.now - start) / 1000, context)
  if (cause === undefined) {
    watch.consecutiveFailures = 0
    watch.lastSuccess = at.now
  } else {
    watch.failures++
    watch.consecutiveFailures++
    watch.lastCause = cause
    meter?.failures.updateUnsafe(1, context)
  }
}

// After the schedule was asked.
const planned = (watch: Watch, { at, context }: Watched): void => {
  const { meter } = watch
  if (meter !== undefined && at.missed !== undefined) {
    meter.missed.updateUnsafe(at.missed.slots - watch.missed, context)
    watch.missed = at.missed.slots
  }
  changed(watch)
}

const finished = (watch: Watch, driver: Watched, exit: Exit.Exit<unknown, unknown>): void => {
  const cause = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause) ? exit.cause : undefined
  if (watch.state === "running") ended(watch, driver, cause)
  enter(watch, driver, "ended")
  if (cause === undefined) return
  watch.lastCause = cause
  watch.meter?.giveUps.updateUnsafe(1, driver.context)
}

/** What a loop is called. Its spans and metrics go by it. */
export type Name = readonly [kind: Kind, name: string]

/** Runs a job, and watches it where it has a name. */
export const driveNamed = <A, E, R, In, Out, B, F>(
  name: Name | undefined,
  task: Task<A, E, R, In, Out, B, F>,
  job: Job<A, E, R, In, Out, F>,
  around?: Around<A, E, R, In, Out, B, F>
): Effect.Effect<B, E | F, R> =>
  name === undefined ? drive(task, job, around) : driveWatched(makeWatch(), name, task, job, around)

/** Runs a job, and watches it. */
export const driveWatched = <A, E, R, In, Out, B, F>(
  watch: Watch,
  name: Name | undefined,
  task: Task<A, E, R, In, Out, B, F>,
  job: Job<A, E, R, In, Out, F>,
  around: Around<A, E, R, In, Out, B, F> = identity
): Effect.Effect<B, E | F, R> => {
  const watching: Task<A, E, R, In, Out, B, F> = {
    ...task,
    succeeded(driver, value) {
      ended(watch, driver, watch.survived)
      task.succeeded(driver, value)
      planned(watch, driver)
    },
    failed(driver, error, cause) {
      ended(watch, driver, cause)
      if (task.failed === undefined) driver.result = Exit.failCause(cause)
      else task.failed(driver, error, cause)
      if (driver.while()) watch.meter?.retries.updateUnsafe(1, driver.context)
      planned(watch, driver)
    },
    watch: (driver, work) =>
      Effect.suspend(() => {
        started(watch, driver)
        if (name === undefined) return work
        const { at, attempts } = driver
        return Effect.withSpan(work, name[1], {
          attributes: {
            attempt: attempts,
            scheduledTime: at.wall + at.due - at.start,
            lateness: latenessOf(at)
          }
        })
      })
  }
  return drive(watching, job, (loop, driver) => {
    const watched = Effect.suspend(() => {
      watch.driver = driver
      watch.lastSuccess = driver.at.due
      if (name !== undefined) watch.meter = meterOf(driver.context, ...name)
      enter(watch, driver, "waiting")
      return around(loop, driver)
    }).pipe(
      Effect.onExit((exit) => Effect.sync(() => finished(watch, driver, exit))),
      Effect.provideService(CurrentRun, watch)
    )
    return name === undefined ? watched : Effect.annotateLogs(watched, ...name)
  })
}
