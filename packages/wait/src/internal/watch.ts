/** Observes a loop: its status, and under its name spans, metrics and log annotations. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Kind, type Meter, meterOf } from "./meter.ts"
import type { LoopMoment } from "./moment.ts"
import { hasStopped } from "./stopping.ts"

/** The part of a driver that a Watch reads. */
export interface Watched {
  readonly at: LoopMoment
  readonly attempts: number
  readonly context: Context.Context<never>
}

type State = "waiting" | "running" | "ended"

/** A run of a loop, and the run of the outer loop around it. */
export interface Run {
  /** Receives the causes that `Loop.survive` catches in this run. */
  readonly watch: Watch | undefined
  readonly outer: Run | undefined
}

export const CurrentRun = Context.Reference<Run | undefined>("effect-wait/CurrentRun", {
  defaultValue: () => undefined
})

/** The status and the metrics of one loop. Only its own methods write to it. */
export class Watch {
  readonly kind: Kind
  /** The name of its spans and metrics. */
  readonly name: string | undefined
  /** Whether a failure of the loop is logged. */
  readonly logs: boolean
  loop: Watched | undefined = undefined
  meter: Meter | undefined = undefined
  state: State = "waiting"
  /** When the next run is due, by the clock of the loop; NaN while that is not known. */
  nextAt = NaN
  failures = 0
  consecutiveFailures = 0
  lastCause: Cause.Cause<unknown> | undefined = undefined
  /** In milliseconds by the wall clock; NaN before the first. */
  lastStart = NaN
  lastEnd = NaN
  lastSuccess = NaN
  /**
   * When the last successful run ended, by the clock of the loop. Before the first success: when the first run was due.
   */
  successAt = 0
  private listeners: Set<() => void> | undefined = undefined
  private endAt = NaN
  /** How many missed slots the metrics contain. */
  private missedInMetrics = 0
  /** What `Loop.survive` caught in this run. */
  private survivedCause: Cause.Cause<unknown> | undefined = undefined
  /** The last run failed: the next run is a retry. */
  private hasFailed = false

  constructor(kind: Kind, name: string | undefined, { logs = false }: { readonly logs?: boolean } = {}) {
    this.kind = kind
    this.name = name
    this.logs = logs
  }

  loopStarted(loop: Watched): void {
    this.loop = loop
    this.successAt = this.nextAt = loop.at.due
    if (this.name !== undefined) {
      const meter = this.meter = meterOf(loop.context, this.kind, this.name)
      // A counter is exported only after its first update.
      const counters = [meter.runs, meter.failures, meter.retries, meter.giveUps, meter.missed]
      for (const counter of counters) counter.updateUnsafe(0, loop.context)
      meter.waiting.modifyUnsafe(1, loop.context)
      meter.running.modifyUnsafe(0, loop.context)
    }
    this.changed()
  }

  /** Starts a run. */
  run<A, E, R>(loop: Watched, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const { kind, meter, name } = this
    const { at, attempts, context } = loop
    const due = Math.min(at.due, at.start) // a triggered run starts before it is due
    const lateness = at.start - due
    this.survivedCause = undefined
    this.lastStart = at.wall()
    this.enter(loop, "running")
    if (meter !== undefined) {
      meter.runs.updateUnsafe(1, context)
      if (this.hasFailed) meter.retries.updateUnsafe(1, context)
      meter.lateness.updateUnsafe(lateness / 1000, context)
      if (attempts > 1) meter.delay.updateUnsafe((due - this.endAt) / 1000, context)
    }
    this.changed()
    const run = kind === "loop"
      ? Effect.provideService(work, CurrentRun, { watch: this, outer: Context.get(context, CurrentRun) })
      : work
    if (name === undefined) return run
    const attributes = { attempt: attempts, scheduledTime: this.lastStart - lateness, lateness }
    // A stack trace would show the driver only, and costs more than the rest of the span.
    return Effect.withSpan(Effect.annotateLogs(run, kind, name), name, { attributes, captureStackTrace: false })
  }

  /** `Loop.survive` caught this in the current run. */
  survived(cause: Cause.Cause<unknown>): void {
    this.survivedCause = cause
  }

  runEnded(loop: Watched, exit: Exit.Exit<unknown, unknown>): void {
    this.leaveRun(loop)
    const { context } = loop
    const cause = Exit.isFailure(exit) ? exit.cause : this.survivedCause
    this.hasFailed = Exit.isFailure(exit)
    if (cause === undefined) {
      this.consecutiveFailures = 0
      this.successAt = this.endAt
      this.lastSuccess = this.lastEnd
      this.meter?.lastSuccess.updateUnsafe(this.lastSuccess / 1000, context)
    } else {
      this.failures++
      this.consecutiveFailures++
      this.lastCause = cause
      this.meter?.failures.updateUnsafe(1, context)
    }
  }

  /** The next run is due then; NaN while that is not known. */
  setNext({ at, context }: Watched, nextAt: number): void {
    this.nextAt = nextAt
    const missed = at.missed ?? 0
    this.meter?.missed.updateUnsafe(missed - this.missedInMetrics, context)
    this.missedInMetrics = missed
    this.changed()
  }

  loopEnded(loop: Watched, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    if (this.state === "running") this.leaveRun(loop)
    this.enter(loop, "ended")
    if (Exit.isSuccess(exit)) return Effect.void
    if (!Cause.hasInterruptsOnly(exit.cause)) {
      this.lastCause = exit.cause
      if (!hasStopped(exit.cause)) this.meter?.giveUps.updateUnsafe(1, loop.context)
    }
    return this.logs ? this.logFailure(exit.cause) : Effect.void
  }

  // An interrupted fiber logs nothing.
  private logFailure(cause: Cause.Cause<unknown>): Effect.Effect<void> {
    const log = Effect.logError("The loop has failed", cause)
    const annotated = this.name === undefined ? log : Effect.annotateLogs(log, this.kind, this.name)
    return Effect.asVoid(Effect.exit(Effect.interruptible(annotated)))
  }

  // The run is over, however it ended.
  private leaveRun(loop: Watched): void {
    const { at, context } = loop
    at.look()
    this.endAt = at.now
    this.lastEnd = at.wall()
    this.enter(loop, "waiting")
    this.meter?.duration.updateUnsafe((at.now - at.start) / 1000, context)
  }

  private enter({ context }: Watched, state: State): void {
    const { meter, state: before } = this
    this.state = state
    if (meter === undefined) return
    if (before !== "ended") meter[before].modifyUnsafe(-1, context)
    if (state !== "ended") meter[state].modifyUnsafe(1, context)
  }

  /** Calls the listener after each change, until the result is called. */
  listen(listener: () => void): () => void {
    const listeners = this.listeners ??= new Set()
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  private changed(): void {
    this.listeners?.forEach((listener) => listener())
  }
}
