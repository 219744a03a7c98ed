/**
 * The one loop under everything that repeats. In straight lines:
 *
 * ```text
 * for (;;) {
 *   if (next is an Effect) next = yield* wait(next)   // a hook, a budget, a schedule of another library
 *   if (next is an End) return next.exit
 *   if (setDue(next)) yield* sleep(next)              // false: a run without a delay
 *   if (stopped) return ended("stopped")
 *   next = ran(yield* run())                          // the rules say what comes next
 * }
 * ```
 *
 * `Effect.whileLoop` runs it: `body` returns the Effect that the loop yields, and `step` takes its result.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { Control } from "./control.ts"
import type { Kind } from "./meter.ts"
import { liveClock, LoopMoment, SameMoment, withoutClock } from "./moment.ts"
import { type Decision, End, type Next, refine } from "./next.ts"
import { done, type Plan, type Started, waitOf } from "./plan.ts"
import { isStopped } from "./stopping.ts"
import type { Watch } from "./watch.ts"

/**
 * Decides what comes after a run. One value serves all loops of a kind. `A` and `E` are the types of a run, `In` and
 * `Out` those of the schedule, `B` is the result of the loop, and `F` any failure that does not come from a run.
 */
export interface Rules<A, E, R, In, Out, B, F> {
  readonly kind: Kind
  /** The first run starts now; now, even in a stopped loop; or after this decision, such as a delay of the schedule. */
  readonly first: "now" | "anyway" | ((loop: Driver<A, E, R, In, Out, B, F>) => Next<B, E | F, R>)
  /** The schedule after a failed run, instead of the loop's own. */
  readonly backoff?: Plan<unknown, E, F, R>
  succeeded(loop: Driver<A, E, R, In, Out, B, F>, value: A): Next<B, E | F, R>
  /** Takes a typed error. Without it, an error ends the loop. A defect always does. */
  readonly failed:
    | ((loop: Driver<A, E, R, In, Out, B, F>, error: E, cause: Cause.Cause<E>) => Next<B, E | F, R>)
    | undefined
  /** The result of a loop whose schedule is done, or that was stopped. */
  ended(loop: Driver<A, E, R, In, Out, B, F>, reason: "exhausted" | "stopped"): Exit.Exit<B, E | F>
}

/** The work, and the schedule that repeats it. */
export interface Spec<A, E, R, In, Out, F> {
  readonly work: Effect.Effect<A, E, R>
  readonly plan: Plan<Out | undefined, In, F, R>
  /** Milliseconds before the schedule starts. */
  readonly initialDelay?: number
  readonly stop?: Effect.Effect<unknown, F, R> | undefined
  /** When the first run started, if it ran before the loop. */
  readonly started?: bigint
}

// A calendar looks at the wall clock that often.
const longestNap = 60_000

class BeforeFirst extends SameMoment {
  override get isFirst(): boolean {
    return true
  }
}

/** The current delay of a calendar. */
interface CalendarDelay<F, R> {
  readonly plan: Plan<unknown, never, F, R>
  readonly state: unknown
  delay: number
  /** The run comes no sooner than this. */
  readonly until: number
}

// Whether the fiber yields within the next `ahead` operations. A budget too small for them counts as no: after a yield,
// the answer would be the same.
const mustYield = (ahead: number): boolean => {
  const fiber = Fiber.getCurrent()
  if (fiber === undefined) return false
  const { maxOpsBeforeYield } = fiber.cache
  return fiber.currentOpCount + ahead >= maxOpsBeforeYield && maxOpsBeforeYield >= ahead + 3
}

// The typed error of a Cause, unless there is a defect beside it. Nearly each Cause has one reason.
const failReason = <E>(cause: Cause.Cause<E>): Cause.Fail<E> | undefined => {
  const { reasons } = cause
  if (reasons.length > 1) return Cause.hasDies(cause) ? undefined : reasons.find(Cause.isFailReason)
  const [reason] = reasons
  return reason !== undefined && Cause.isFailReason(reason) ? reason : undefined
}

/** A loop in progress. A sleeping loop holds little more than this record. */
export class Driver<A, E, R, In, Out, B, F> extends Control<B, E | F, F, R> {
  // What the constructor sets needs no field of its own: that is some bytes.
  declare readonly rules: Rules<A, E, R, In, Out, B, F>
  declare readonly watch: Watch | undefined
  declare readonly at: LoopMoment
  /** How many runs have started. */
  attempts = 0
  declare private readonly work: Effect.Effect<unknown, E, R>
  // It takes values, and a delay of its schedule is a wait: most loops are so.
  declare private readonly isPlain: boolean
  declare protected readonly plan: Plan<Out | undefined, In, F, R>
  /** Undefined until the schedule starts. */
  protected state: unknown = undefined
  protected next: Next<B, E | F, R> = 0
  protected doing: "running" | "sleeping" | "holding" | "deciding" | "asking" = "deciding"
  // Only where the schedule is a calendar.
  declare protected calendar?: CalendarDelay<F, R>

  constructor(
    context: Context.Context<R>,
    rules: Rules<A, E, R, In, Out, B, F>,
    { plan, started, stop, work }: Spec<A, E, R, In, Out, F>,
    watch?: Watch,
    isOpen = stop !== undefined
  ) {
    super(context, isOpen)
    this.rules = rules
    this.watch = watch
    const random = Context.get(context, Random.Random)
    this.plan = plan
    this.at = watch === undefined && !plan.timed && rules.backoff?.timed !== true
      ? withoutClock(random)
      : new LoopMoment(random, Context.get(context, Clock.Clock), started)
    if (watch !== undefined || rules.kind === "poll") this.at.countMissed()
    if (watch !== undefined || rules.backoff !== undefined) this.at.expectExtra()
    this.work = this.takesValues || watch !== undefined ? work : Effect.exit(work)
    this.isPlain = this.takesValues && (plan.look ?? plan.since ?? plan.floor) === undefined
  }

  /** Runs the loop. */
  loop(initialDelay = 0): Effect.Effect<B, E | F, R> {
    this.at.look()
    this.at.setDue(initialDelay)
    this.watch?.loopStarted(this)
    return this.delayed(initialDelay)
  }

  protected delayed(initialDelay: number): Effect.Effect<B, E | F, R> {
    if (initialDelay === 0) return this.begin()
    this.doing = "sleeping"
    return Effect.flatMap(this.sleep(initialDelay), () => this.begin())
  }

  // The schedule starts with the first run.
  protected begin(): Effect.Effect<B, E | F, R> {
    this.doing = "deciding"
    return this.turns(this.startSchedule())
  }

  /** Runs the loop after a first run that came before the loop, and failed. */
  loopAfter(cause: Cause.Cause<E>): Effect.Effect<B, E | F, R> {
    this.attempts = 1
    this.state = this.plan.start({ first: this.at.start })
    return this.turns(this.failed(cause))
  }

  // As an Effect, this driver gives the result of the loop.
  protected turns(next: Next<B, E | F, R>): Effect.Effect<B, E | F, R> {
    this.next = next
    return Effect.andThen(Effect.whileLoop(this), this)
  }

  private startSchedule(): Next<B, E | F, R> {
    const { at, plan } = this
    if (this.isStopping) return this.end("stopped")
    at.startRun()
    const state = this.state = plan.start({ first: at.start })
    return plan.prepare === undefined
      ? this.firstRun()
      : refine(Effect.as(plan.prepare(state, at), 0), () => this.firstRun())
  }

  protected firstRun(): Next<B, E | F, R> {
    const { first } = this.rules
    this.at.setDue(0)
    return typeof first === "string" ? 0 : first(this)
  }

  while(): boolean {
    return !(this.next instanceof End)
  }

  body(): Effect.Effect<unknown, E | F, R> {
    const { next } = this
    if (next instanceof End) return next.exit // never: `while` has ended the loop
    if (typeof next !== "number") {
      this.doing = "deciding"
      this.reportNext(NaN)
      return this.wait(next)
    }
    if (this.doing === "sleeping" || this.doing === "asking" || !this.setDue(next)) return this.run()
    this.doing = "sleeping"
    return this.sleep(this.naps ? Math.min(next, longestNap) : next)
  }

  // `doing` is the kind of Effect that `body` returned, so it gives the type of the result: the value of a run, its Exit
  // if the rules, the stop or the watch need it, a decision, or nothing after a sleep.
  step(result: unknown): void {
    if (this.doing !== "running") this.waited(result)
    else if (this.isPlain || this.takesValues) this.next = this.rules.succeeded(this, result as A)
    else this.next = this.ran(result as Exit.Exit<A, E>)
  }

  protected waited(result: unknown): void {
    this.wake = undefined
    if (this.isStopping) {
      this.next = this.end("stopped")
    } else if (this.doing === "deciding") {
      this.at.look()
      this.next = result as Decision<B, E | F>
    } else {
      this.at.startRun()
      if (this.naps && !this.triggered) this.endNap()
    }
  }

  private get naps(): boolean {
    return this.calendar !== undefined && Context.get(this.context, Clock.Clock) === liveClock
  }

  // The delay of a calendar goes on, unless it has passed. The wall clock may have been stepped during the nap.
  private endNap(): void {
    const { at, calendar } = this
    if (calendar === undefined) return
    const { plan, state, until } = calendar
    const delay = calendar.delay = plan.look?.(state, at, calendar.delay) ?? calendar.delay
    const wait = Math.max(0, until - at.now, delay - (plan.since?.(state, at, delay) ?? 0))
    if (state === this.state) at.want(wait)
    if (wait === 0) return
    this.doing = "deciding"
    this.next = wait
  }

  // Notes the delay of a calendar.
  private follow(plan: Plan<unknown, never, F, R>, state: unknown, delay: number): number {
    const { at } = this
    if (plan.look !== undefined) this.calendar = { plan, state, delay, until: at.now + (plan.floor?.(state) ?? 0) }
    else if (this.calendar !== undefined) delete this.calendar
    return waitOf(plan, state, at, delay)
  }

  // Whether a failed run fails the loop. The failure of a retry that ended at the stop of the loop does not.
  private get takesValues(): boolean {
    const { isOpen, rules, watch } = this
    return rules.failed === undefined && watch === undefined && !(isOpen && rules.kind === "loop")
  }

  protected get isAsleep(): boolean {
    return this.doing === "sleeping" || this.doing === "holding"
  }

  // Sets when the next run is due. True if the loop sleeps until then.
  private setDue(delay: number): boolean {
    const { at } = this
    at.setDue(delay)
    const isDelayed = delay > 0 && !this.triggered
    this.reportNext(isDelayed ? at.due : at.now)
    return isDelayed
  }

  private reportNext(nextAt: number): void {
    if (this.attempts > 0 || nextAt > this.at.now) this.watch?.setNext(this, nextAt)
  }

  // A fiber yields when it has used up its operations, and a stop may come in that moment. If too few operations are
  // left to start the run, the fiber yields now, and then checks the stop once more.
  protected run(): Effect.Effect<unknown, E | F, R> {
    if (!this.isOpen) return this.startRun()
    if (this.isStopping) {
      this.doing = "deciding"
      return Effect.void
    }
    return mustYield(this.watch === undefined ? 2 : 10)
      ? Effect.flatMap(Effect.yieldNow, () => this.run())
      : this.startRun()
  }

  private startRun(): Effect.Effect<unknown, E, R> {
    this.doing = "running"
    this.triggered = false
    this.attempts++
    return this.runWork()
  }

  protected runWork(): Effect.Effect<unknown, E, R> {
    return this.watch === undefined ? this.work : Effect.exit(this.watch.run(this, this.work))
  }

  protected ran(exit: Exit.Exit<A, E>): Next<B, E | F, R> {
    this.watch?.runEnded(this, exit)
    return Exit.isSuccess(exit) ? this.rules.succeeded(this, exit.value) : this.failed(exit.cause)
  }

  /** What comes after a run that failed. */
  protected failed(cause: Cause.Cause<E>): Next<B, E | F, R> {
    const { failed } = this.rules
    const reason = failReason(cause)
    if (reason !== undefined && this.stopped !== undefined && isStopped(reason.error)) return this.end("stopped")
    return failed === undefined || reason === undefined
      ? new End(Exit.failCause(cause))
      : failed(this, reason.error, cause)
  }

  /**
   * Takes the next delay from the loop's schedule. An exhausted schedule ends the loop as exhausted, even if stopped.
   */
  ask(input: In): Next<B, E | F, R> {
    const { at, plan } = this
    if (this.stopped !== undefined && plan.prepare !== undefined) return this.end("stopped")
    at.look()
    const answer = plan.next(this.state, this.attempts === 0 ? new BeforeFirst(at) : at, input)
    if (typeof answer === "number") return this.decide(answer)
    return Effect.map(answer, (delay) => {
      at.look()
      return this.decide(delay)
    })
  }

  protected decide(delay: number): Decision<B, E | F> {
    if (delay === done) return this.end("exhausted")
    const wait = this.isPlain && this.calendar === undefined ? delay : this.follow(this.plan, this.state, delay)
    this.at.want(wait)
    return wait
  }

  /** Whether the schedule is a calendar, or has one in it. */
  get isOnCalendar(): boolean {
    return this.plan.look !== undefined || this.at.isOnCalendar === true
  }

  /** Starts a schedule besides the loop's own, such as a backoff. The current run counts as its first. */
  start<Out2, In2>(plan: Plan<Out2, In2, F, R>): Started<Out2, In2, F, R> {
    return { plan, state: plan.start({ first: this.at.start }) }
  }

  /** Takes the next delay from such a schedule. When it is done, the loop fails with the cause. */
  askOther<In2>(
    { plan, state }: Started<unknown, In2, F, R>,
    input: In2,
    cause: Cause.Cause<E>
  ): Next<B, E | F, R> {
    if (this.stopped !== undefined) return this.end("stopped")
    this.at.look()
    return refine<B, E | F, R>(
      plan.next(state, this.at, input),
      (delay) => delay === done ? new End(Exit.failCause(cause)) : this.follow(plan, state, delay)
    )
  }

  /**
   * Runs a hook inside a delay. If the hook takes longer, and a time limit has passed meanwhile, `expired` ends the
   * loop. The limit is known only if `at.awaitLimit` came before the step.
   */
  during(
    delay: number,
    hook: Effect.Effect<unknown, E | F, R>,
    expired: (loop: this) => Exit.Exit<B, E | F>
  ): Next<B, E | F, R> {
    const { at } = this
    at.look()
    const due = at.now + delay
    return Effect.map(hook, () => {
      const isExpired = at.isExpired()
      return at.now > due && isExpired ? new End(expired(this)) : Math.max(0, due - at.now)
    })
  }

  /** The last output of the schedule. */
  output(): Out | undefined {
    return this.state === undefined ? undefined : this.plan.output(this.state)
  }

  protected end(reason: "exhausted" | "stopped"): End<B, E | F> {
    const { stopped } = this
    return new End(
      stopped !== undefined && Exit.isFailure(stopped)
        ? Exit.failCause(stopped.cause)
        : this.rules.ended(this, reason)
    )
  }

  // A stop ends the loop at the next boundary, but not before a first run of "anyway".
  protected get isStopping(): boolean {
    return this.stopped !== undefined && !(this.rules.first === "anyway" && this.attempts === 0)
  }

  protected get result(): Exit.Exit<B, E | F> | undefined {
    return this.next instanceof End ? this.next.exit : undefined
  }
}
