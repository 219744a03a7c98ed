/**
 * The one loop under everything that repeats. In straight lines:
 *
 * ```text
 * for (;;) {
 *   if (next is an Effect) next = yield* wait(next)   // a hook, a budget, a schedule of another library
 *   if (next is an End) return next.exit
 *   plan(next)                                        // when the run is due
 *   if (it is delayed) yield* sleep(next)
 *   if (stopped) return ended("stopped")
 *   next = ran(yield* run())                          // the rules say what comes next
 * }
 * ```
 *
 * `Effect.whileLoop` runs it: `body` is what the loop yields, `step` takes what that gave.
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
import { type LoopMoment, makeMoment, withoutClock } from "./moment.ts"
import { type Decision, End, type Next, refine } from "./next.ts"
import { done, type Plan, type Started, waitOf } from "./plan.ts"
import { isStopped } from "./stopping.ts"
import type { Watch } from "./watch.ts"

/**
 * What the results of runs mean. One value serves all loops of a kind. `A` and `E` are those of a run, `In` and `Out` those of the
 * schedule, `B` is the result of the loop, `F` any other failure.
 */
export interface Rules<A, E, R, In, Out, B, F> {
  readonly kind: Kind
  /** The first run comes now; now, even if the loop is stopped; or after the delay that the schedule gives for `later`. */
  readonly first: "now" | "anyway" | { readonly later: In }
  /** Another schedule, which the rules ask instead of the loop's own. */
  readonly detour?: Plan<unknown, E, F, R>
  succeeded(loop: Driver<A, E, R, In, Out, B, F>, value: A): Next<B, E | F, R>
  /** Takes a typed error. Without it, an error ends the loop. A defect always does. */
  readonly failed:
    | ((loop: Driver<A, E, R, In, Out, B, F>, error: E, cause: Cause.Cause<E>) => Next<B, E | F, R>)
    | undefined
  /** The result, when the schedule is done or the loop is stopped. */
  ended(loop: Driver<A, E, R, In, Out, B, F>, reason: "exhausted" | "stopped"): Exit.Exit<B, E | F>
}

/** What is repeated. */
export interface Spec<A, E, R, In, Out, F> {
  readonly work: Effect.Effect<A, E, R>
  readonly plan: Plan<Out | undefined, In, F, R>
  /** Milliseconds before the schedule starts. */
  readonly initialDelay?: number
  readonly stop?: Effect.Effect<unknown, F, R> | undefined
  /** When the loop started, for a loop that goes on after a run of its own. */
  readonly started?: bigint
}

// Whether the fiber yields within so many operations, which are those until a run starts, without a span or with one. A very
// small budget leaves no room for them.
const mustYield = (ahead: number): boolean => {
  const fiber = Fiber.getCurrent()
  if (fiber === undefined) return false
  const { maxOpsBeforeYield } = fiber.cache
  return fiber.currentOpCount + ahead >= maxOpsBeforeYield && maxOpsBeforeYield >= ahead + 4
}

/** A loop in progress. A sleeping loop holds little more than this record. */
export class Driver<A, E, R, In, Out, B, F> extends Control<B, E | F, F, R> {
  readonly rules: Rules<A, E, R, In, Out, B, F>
  readonly watch: Watch | undefined
  readonly at: LoopMoment
  /** How many runs have started. */
  attempts = 0
  private readonly work: Effect.Effect<unknown, E, R>
  private readonly plan: Plan<Out | undefined, In, F, R>
  /** Undefined until the schedule starts. */
  private state: unknown = undefined
  private next: Next<B, E | F, R> = 0
  private doing: "running" | "sleeping" | "deciding" = "deciding"

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
    const clock = Context.get(context, Clock.Clock)
    this.plan = plan
    this.at = watch === undefined && !plan.timed && rules.detour?.timed !== true
      ? withoutClock(random)
      : makeMoment(random, clock, started)
    if (watch !== undefined) this.at.countMissed()
    if (watch !== undefined || rules.detour !== undefined) this.at.expectExtra()
    this.work = rules.failed === undefined || watch !== undefined ? work : Effect.exit(work)
  }

  /** Runs the loop. */
  loop(initialDelay = 0): Effect.Effect<B, E | F, R> {
    this.at.look()
    this.at.plan(initialDelay)
    this.watch?.loopStarted(this)
    if (initialDelay === 0) return this.turns(this.startSchedule())
    this.doing = "sleeping"
    return Effect.flatMap(this.sleep(initialDelay), () => this.turns(this.startSchedule()))
  }

  /** Runs the loop after a first run that has failed. */
  loopAfter(cause: Cause.Cause<E>): Effect.Effect<B, E | F, R> {
    this.attempts = 1
    this.state = this.plan.start({ first: this.at.start })
    return this.turns(this.failed(cause))
  }

  private turns(next: Next<B, E | F, R>): Effect.Effect<B, E | F, R> {
    this.next = next
    return Effect.andThen(Effect.whileLoop(this), this)
  }

  private startSchedule(): Next<B, E | F, R> {
    const { at, plan, rules: { first } } = this
    if (this.isStopping) return this.end("stopped")
    at.startRun()
    const state = this.state = plan.start({ first: at.start })
    const firstRun = () => {
      at.startRun()
      at.plan(0)
      return typeof first === "string" ? 0 : this.ask(first.later)
    }
    return plan.prepare === undefined ? firstRun() : refine(Effect.as(plan.prepare(state, at), 0), firstRun)
  }

  while(): boolean {
    return !(this.next instanceof End)
  }

  body(): Effect.Effect<unknown, E | F, R> {
    const { next } = this
    if (next instanceof End) return next.exit // never: `while` has ended the loop
    if (typeof next !== "number") {
      this.doing = "deciding"
      this.tell(NaN)
      return this.wait(next)
    }
    if (this.doing === "sleeping" || !this.isDelayed(next)) return this.run()
    this.doing = "sleeping"
    return this.sleep(next)
  }

  step(result: unknown): void {
    if (this.isValue(result)) this.next = this.rules.succeeded(this, result)
    else if (this.isExit(result)) this.next = this.ran(result)
    else this.waited(result)
  }

  private waited(result: unknown): void {
    this.awake()
    if (this.isStopping) {
      this.next = this.end("stopped")
    } else if (this.isDecision(result)) {
      this.at.look()
      this.next = result
    } else {
      this.at.startRun()
    }
  }

  // What `body` gave says what `step` takes: the value of a run, its Exit where failures matter, a decision, or nothing.
  private isValue(_result: unknown): _result is A {
    return this.doing === "running" && this.rules.failed === undefined && this.watch === undefined
  }

  private isExit(_result: unknown): _result is Exit.Exit<A, E> {
    return this.doing === "running"
  }

  private isDecision(_result: unknown): _result is Decision<B, E | F> {
    return this.doing === "deciding"
  }

  protected get isAsleep(): boolean {
    return this.doing === "sleeping"
  }

  // Plans the next run.
  private isDelayed(delay: number): boolean {
    const { at } = this
    at.plan(delay)
    const isDelayed = delay > 0 && !this.isTriggered
    this.tell(isDelayed ? at.due : at.now)
    return isDelayed
  }

  private tell(nextAt: number): void {
    if (this.attempts > 0) this.watch?.planned(this, nextAt)
  }

  // The fiber may yield between any two operations, and a stop may come just then. Where too few operations are left to start
  // the run, it yields before the last look at the stop.
  private run(): Effect.Effect<unknown, E, R> {
    if (!this.isOpen) return this.startRun()
    if (this.isStopping) {
      this.doing = "deciding"
      return Effect.void
    }
    return mustYield(this.watch === undefined ? 1 : 10)
      ? Effect.flatMap(Effect.yieldNow, () => this.run())
      : this.startRun()
  }

  private startRun(): Effect.Effect<unknown, E, R> {
    this.doing = "running"
    this.serveTrigger()
    this.attempts++
    return this.runWork()
  }

  protected runWork(): Effect.Effect<unknown, E, R> {
    return this.watch === undefined ? this.work : Effect.exit(this.watch.run(this, this.work))
  }

  private ran(exit: Exit.Exit<A, E>): Next<B, E | F, R> {
    this.watch?.runEnded(this, exit)
    return Exit.isSuccess(exit) ? this.rules.succeeded(this, exit.value) : this.failed(exit.cause)
  }

  private failed(cause: Cause.Cause<E>): Next<B, E | F, R> {
    const { failed } = this.rules
    const { reasons } = cause
    const reason = reasons.length > 1 && Cause.hasDies(cause) ? undefined : reasons.find(Cause.isFailReason)
    if (reason !== undefined && this.stopped !== undefined && isStopped(reason.error)) return this.end("stopped")
    return failed === undefined || reason === undefined
      ? new End(Exit.failCause(cause))
      : failed(this, reason.error, cause)
  }

  /** Asks the schedule of the loop. An exhausted schedule ends the loop as exhausted, even when it was stopped. */
  ask(input: In): Next<B, E | F, R> {
    const { at, plan } = this
    if (this.stopped !== undefined && plan.prepare !== undefined) return this.end("stopped")
    at.look()
    const answer = plan.next(this.state, at, input)
    if (typeof answer === "number") return this.decide(answer)
    return Effect.map(answer, (delay) => {
      at.look()
      return this.decide(delay)
    })
  }

  private decide(delay: number): Decision<B, E | F> {
    if (delay === done) return this.end("exhausted")
    const wait = waitOf(this.plan, this.state, this.at, delay)
    this.at.want(wait)
    return wait
  }

  /** Starts another schedule than that of the loop. The current run counts as its first. */
  start<Out2, In2>(plan: Plan<Out2, In2, F, R>): Started<Out2, In2, F, R> {
    return { plan, state: plan.start({ first: this.at.start }) }
  }

  /** Asks another schedule than that of the loop. When that one is done, the loop fails. */
  askOther<In2>(
    { plan, state }: Started<unknown, In2, F, R>,
    input: In2,
    cause: Cause.Cause<E>
  ): Next<B, E | F, R> {
    if (this.stopped !== undefined) return this.end("stopped")
    this.at.look()
    return refine<B, E | F, R>(
      plan.next(state, this.at, input),
      (delay) => delay === done ? new End(Exit.failCause(cause)) : waitOf(plan, state, this.at, delay)
    )
  }

  /** The last output of the schedule. */
  output(): Out | undefined {
    return this.state === undefined ? undefined : this.plan.output(this.state)
  }

  private end(reason: "exhausted" | "stopped"): End<B, E | F> {
    const { stopped } = this
    return new End(
      stopped !== undefined && Exit.isFailure(stopped)
        ? Exit.failCause(stopped.cause)
        : this.rules.ended(this, reason)
    )
  }

  // Whether the loop ends here: it was stopped, and no first run comes anyway.
  private get isStopping(): boolean {
    return this.stopped !== undefined && !(this.rules.first === "anyway" && this.attempts === 0)
  }

  protected get result(): Exit.Exit<B, E | F> | undefined {
    return this.next instanceof End ? this.next.exit : undefined
  }
}
