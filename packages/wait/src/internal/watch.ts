/** Observes a loop: what its runs did, and under its name spans, metrics and log annotations. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { constUndefined } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { causeOf } from "./causeOf.ts"
import { type Kind, type Meter, meterOf } from "./meter.ts"
import type { LoopMoment } from "./moment.ts"
import { hasStopped, type Stoppable } from "./stopping.ts"

/** The part of a driver that a Watch reads. */
export interface Watched extends Stoppable {
  readonly at: LoopMoment
  readonly attempts: number
  readonly context: Context.Context<never>
  readonly rules: { readonly failed: unknown }
}

type State = "waiting" | "running" | "paused" | "ended"

// Why a loop, a poll or a retry gave up. Undefined if it was stopped, or if it deferred to the retry around it.
const giveUpReason = (kind: Kind, cause: Cause.Cause<unknown>, isBackoffDone: boolean): string | undefined => {
  if (Cause.hasDies(cause)) return "defect"
  if (hasStopped(cause)) return undefined
  if (kind === "loop") return isBackoffDone ? "exhausted" : "error"
  const error = Cause.squash(cause)
  if (!Predicate.isTagged(error, kind === "poll" ? "WaitTimeout" : "RetryExhausted")) return "error"
  if (!Predicate.hasProperty(error, "reason") || !Predicate.hasProperty(error.reason, "_tag")) return "error"
  const word = String(error.reason._tag).toLowerCase()
  return kind === "retry" && word === "nested" ? undefined : word
}

/** Settings of a loop with a fiber of its own. */
export interface Settings {
  /** Whether each run starts a trace. */
  readonly root: boolean
  /** The span to which each trace is linked. */
  readonly links: Array<Tracer.SpanLink> | undefined
  /** How many ended runs the watch keeps. */
  readonly history: number
  /** For how many milliseconds the loop is healthy without a success. */
  readonly healthyWithin: number
  /** For how many milliseconds a run in flight may go on when the Scope closes. */
  readonly grace: number
}

/** A run of a loop, and the run of the outer loop around it. */
export interface Run {
  /** Receives the causes that `Loop.survive` catches in this run. */
  readonly watch: Watch | undefined
  readonly outer: Run | undefined
}

export const CurrentRun = Context.Reference<Run | undefined>("effect-wait/CurrentRun", {
  defaultValue: constUndefined
})

/** Whether this fiber is inside a run of the loop, directly or in a fiber that the run forked. */
export const isInside = (fiber: Fiber.Fiber<unknown, unknown>, watch: Watch): boolean => {
  let run = fiber.getRef(CurrentRun)
  while (run !== undefined && run.watch !== watch) run = run.outer
  return run !== undefined
}

/** The state of one loop. Only its own methods write to it. */
export class Watch {
  declare readonly kind: Kind
  /** The name of its spans and metrics. */
  declare readonly name: string | undefined
  /** Only in a loop with a fiber of its own. */
  declare readonly settings?: Settings
  loop: Watched | undefined = undefined
  meter: Meter | undefined = undefined
  state: State = "waiting"
  /** When the next run is due, by the clock of the loop; NaN while a decision is open. */
  nextAt = NaN
  /** The wall clock minus the clock of the loop, when the next run became due. */
  wallOffset = NaN
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
  private endAt = NaN
  /** How many missed slots the metrics contain. */
  private missedInMetrics = 0
  /** The Cause that `Loop.survive` caught in this run. */
  private survivedCause: Cause.Cause<unknown> | undefined = undefined
  /** Whether the last run failed, so that the next run is a retry. */
  hasFailed = false

  constructor(kind: Kind, name: string | undefined) {
    this.kind = kind
    this.name = name
  }

  /** The loop has started, a run has, or the next run is due at another time. */
  protected moved(): void {}

  /** The state between runs. */
  protected get idle(): "waiting" | "paused" {
    return "waiting"
  }

  loopStarted(loop: Watched): void {
    this.loop = loop
    this.successAt = this.nextAt = loop.at.due
    this.wallOffset = loop.at.wall() - loop.at.now
    if (this.name !== undefined) {
      const meter = this.meter = meterOf(loop.context, this.kind, this.name)
      // Exporters skip a counter without an update.
      for (const counter of meter.counters) counter.updateUnsafe(0, loop.context)
      meter[this.idle].modifyUnsafe(1, loop.context)
      meter.running.modifyUnsafe(0, loop.context)
    }
    this.moved()
  }

  /** Starts a run. */
  run<A, E, R>(loop: Watched, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const { kind, meter, name, settings } = this
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
    this.moved()
    // One change of the context adds all that a run sees: its span, the name in its logs, the run itself, and what is `inside`.
    const inContext = (span?: Tracer.Span): Effect.Effect<A, E, R> =>
      Effect.withFiber((fiber) => {
        const before = fiber.context
        const named = span === undefined ? before : before.pipe(
          Context.add(Tracer.ParentSpan, span),
          // Without a stack: it would be that of the driver.
          Context.add(References.CurrentStackFrame, {
            name: span.name,
            stack: constUndefined,
            parent: Context.get(before, References.CurrentStackFrame)
          }),
          Context.add(References.CurrentLogAnnotations, {
            ...Context.get(before, References.CurrentLogAnnotations),
            [kind]: name
          })
        )
        const marked = kind === "loop"
          ? Context.add(named, CurrentRun, { watch: this, outer: Context.get(context, CurrentRun) })
          : named
        const change = (to = before) => void fiber.setContext(to)
        change(this.inside(loop, marked))
        return Effect.onExitPrimitive(work, (exit) => {
          const closing = this.close(exit)
          change(closing && marked)
          return closing && Effect.onExitPrimitive(closing, () => change())
        })
      })
    if (name === undefined) return kind === "loop" ? inContext() : work
    const attributes = { attempt: attempts, scheduledTime: this.lastStart - lateness, lateness }
    return Effect.useSpan(name, { attributes, root: settings?.root, links: settings?.links }, inContext)
  }

  /** The context of the work of a run. */
  protected inside(_loop: Watched, context: Context.Context<never>): Context.Context<never> {
    return context
  }

  /** What is left to do at the end of a run. */
  protected close(_exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> | undefined {
    return undefined
  }

  /** `Loop.survive` caught this Cause in the current run. */
  survived(cause: Cause.Cause<unknown>): void {
    this.survivedCause = cause
  }

  runEnded(loop: Watched, exit: Exit.Exit<unknown, unknown>): void {
    const cause = Exit.isFailure(exit) ? causeOf(exit.cause) : this.survivedCause
    this.leaveRun(loop, cause)
    const { context } = loop
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

  /** Sets when the next run is due; NaN while a decision is open. */
  setNext({ at, context }: Watched, nextAt: number): void {
    const before = this.nextAt + this.wallOffset
    this.nextAt = nextAt
    this.wallOffset = at.lastWall() - at.now
    // A calendar looks once a minute, and finds the same slot.
    if (Math.abs(this.nextAt + this.wallOffset - before) < 1) return
    const missed = at.missed ?? 0
    this.meter?.missed.updateUnsafe(missed - this.missedInMetrics, context)
    this.missedInMetrics = missed
    this.moved()
  }

  loopEnded(loop: Watched, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    if (this.state === "running") this.leaveRun(loop, Exit.isFailure(exit) ? exit.cause : undefined)
    this.enter(loop, "ended")
    const cause = Exit.isFailure(exit) ? causeOf(exit.cause) : undefined
    const isReported = cause === this.lastCause // the run has reported it
    if (cause !== undefined && !Cause.hasInterruptsOnly(cause)) {
      const reason = giveUpReason(this.kind, cause, isReported && loop.rules.failed !== undefined)
      if (reason !== undefined) this.meter?.giveUps(reason).updateUnsafe(1, loop.context)
      this.lastCause = cause
    }
    return this.logEnd(loop, cause, isReported)
  }

  /** Logs the end of the loop: after a failure, with its Cause. */
  protected logEnd(
    _loop: Watched,
    _cause: Cause.Cause<unknown> | undefined,
    _isReported: boolean
  ): Effect.Effect<void> {
    return Effect.void
  }

  // A run has ended, with any exit.
  protected leaveRun(loop: Watched, _cause: Cause.Cause<unknown> | undefined): void {
    const { at, context } = loop
    at.look()
    this.endAt = at.now
    this.nextAt = NaN
    this.lastEnd = at.wall()
    this.enter(loop, this.idle)
    this.meter?.duration.updateUnsafe((at.now - at.start) / 1000, context)
  }

  protected enter({ context }: Watched, state: State): void {
    const { meter, state: before } = this
    this.state = state
    if (meter === undefined) return
    if (before !== "ended") meter[before].modifyUnsafe(-1, context)
    if (state !== "ended") meter[state].modifyUnsafe(1, context)
  }
}
