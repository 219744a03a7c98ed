/** Observes a loop in a fiber of its own, for its handle: its history, its changes and its logs. */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import type { Severity } from "effect/LogLevel"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { annotate } from "./annotate.ts"
import type { LoopStoreError } from "./loopStoreError.ts"
import { withLoop } from "./stopping.ts"
import { type Settings, Watch, type Watched } from "./watch.ts"

/** A run that has ended. */
export interface EndedRun {
  readonly attempt: number
  readonly start: number
  readonly end: number
  readonly cause: Option.Option<Cause.Cause<unknown>>
}

/** The settings of all loops without settings of their own. */
export const plainSettings: Settings = {
  history: 0,
  root: true,
  links: undefined,
  healthyWithin: Infinity,
  grace: 0
}

/** The loops of a Scope. A loop leaves the group when it ends. */
interface Group {
  delete(watch: ForkedWatch): unknown
}

type Caller = (exit: Exit.Exit<unknown, unknown>) => void

export class ForkedWatch extends Watch {
  declare readonly settings: Settings
  isPaused = false
  private listeners: Set<() => void> | undefined = undefined
  /** The failure of the last run, until the next run is due. */
  private openFailure: Cause.Cause<unknown> | undefined = undefined
  // The rest is for few loops.
  /** Why the store of the loop's memory is away. */
  declare storeFailure?: LoopStoreError | undefined
  /** The callers that wait for the exit of the next run, and of the current run. */
  declare private next?: Set<Caller> | undefined
  declare private current?: Set<Caller> | undefined
  /** The last ended runs, from the oldest to the newest. */
  declare private runs?: Array<EndedRun>
  /** The Scope of the run in flight. */
  private scope: Scope.Closeable | undefined = undefined
  /** The loops of the same Scope. */
  private group: Group | undefined = undefined

  constructor(name: string | undefined, settings: Settings) {
    super("loop", name)
    this.settings = settings
  }

  get history(): ReadonlyArray<EndedRun> {
    return this.runs ?? []
  }

  protected override get idle(): "waiting" | "paused" {
    return this.isPaused ? "paused" : "waiting"
  }

  protected override moved(): void {
    if (this.next !== undefined && this.state === "running") {
      this.current = this.next
      this.next = undefined
    }
    this.openFailure = undefined
    this.changed()
  }

  // The stop of the loop, and a Scope. What closes with the Scope sees the run, but not the stop.
  protected override inside(loop: Watched, context: Context.Context<never>): Context.Context<never> {
    const scope = this.scope = Scope.makeUnsafe()
    return Context.add(withLoop(context, loop), Scope.Scope, scope)
  }

  protected override close(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> | undefined {
    const { scope } = this
    this.scope = undefined
    return scope && Scope.closeUnsafe(scope, exit)
  }

  override runEnded(loop: Watched, exit: Exit.Exit<unknown, unknown>): void {
    super.runEnded(loop, exit)
    this.openFailure = this.hasFailed ? this.lastCause : undefined
    if (this.current === undefined) return
    this.current.forEach((caller) => caller(exit))
    this.current = undefined
  }

  override loopEnded(loop: Watched, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    this.group?.delete(this)
    return super.loopEnded(loop, exit)
  }

  protected override logEnd(
    { context }: Watched,
    cause: Cause.Cause<unknown> | undefined,
    isReported: boolean
  ): Effect.Effect<void> {
    if (cause === undefined) return this.log("Warn", "The last run before the stop failed", this.openFailure)
    const log = this.log(Context.get(context, References.UnhandledLogLevel), "The loop has failed", cause)
    return isReported ? log : Effect.andThen(ErrorReporter.report(cause), log)
  }

  // In a fiber with a pending interruption, `interruptible` skips the log.
  private log(level: Severity | undefined, message: string, cause: Cause.Cause<unknown> | undefined) {
    if (level === undefined || cause === undefined) return Effect.void
    const log = Effect.logWithLevel(level)(message, cause)
    return Effect.asVoid(Effect.exit(Effect.interruptible(annotate(this.kind, this.name, log))))
  }

  protected override leaveRun(loop: Watched, cause: Cause.Cause<unknown> | undefined): void {
    super.leaveRun(loop, cause)
    const { lastEnd: end, lastStart: start, settings: { history } } = this
    if (history === 0) return
    const runs = this.runs ??= []
    runs.push({ attempt: loop.attempts, start, end, cause: Option.fromUndefinedOr(cause) })
    if (runs.length > history) runs.shift()
  }

  /** Adds the loop to the loops of a Scope. */
  join(group: Group): void {
    this.group = group
  }

  /** From now on only a trigger starts a run. */
  pause(loop: Watched): void {
    this.isPaused = true
    if (this.state !== "waiting") return
    this.enter(loop, "paused")
    this.changed()
  }

  resume(loop: Watched): void {
    this.isPaused = false
    if (this.state !== "paused") return
    this.enter(loop, "waiting")
    // The time of a pause does not count against `healthyWithin`.
    loop.at.look()
    this.successAt = Math.max(this.successAt, loop.at.now)
    this.changed()
  }

  /** The store of the loop's memory is away, or it is there again. */
  storeFailed(failure: LoopStoreError | undefined): void {
    if (failure === this.storeFailure) return
    this.storeFailure = failure
    this.changed()
  }

  /** An earlier process had these runs. */
  recall(loop: Watched, lastStart: number, lastEnd: number, lastSuccess: number): void {
    this.lastStart = lastStart
    this.lastEnd = lastEnd
    this.lastSuccess = lastSuccess
    if (lastSuccess > 0) this.meter?.lastSuccess.updateUnsafe(lastSuccess / 1000, loop.context)
    this.changed()
  }

  /** Calls back with the exit of the next run, unless the loop ends first. The result unsubscribes. */
  onNextRun(caller: Caller): () => void {
    const next = this.next ??= new Set()
    next.add(caller)
    return () => next.delete(caller)
  }

  /** Calls the listener after each change. The result unsubscribes. */
  listen(listener: () => void): () => void {
    const listeners = this.listeners ??= new Set()
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  private changed(): void {
    this.listeners?.forEach((listener) => listener())
  }
}
