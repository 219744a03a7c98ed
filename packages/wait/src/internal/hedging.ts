/**
 * How `Retry.hedge` hedges: a loop whose runs start attempts, each in a fiber of its own. A failure ends the delay of the loop, and
 * an answer ends the loop.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { constTrue } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import { RetryBudget } from "../RetryBudget.ts"
import { type Reason, RetryExhausted } from "../RetryExhausted.ts"
import { annotate } from "./annotate.ts"
import * as args from "./args.ts"
import { type Attempts, makeAttempts, withAttempt, withoutMetadata } from "./attempt.ts"
import { withoutStack } from "./describe.ts"
import { Driver, type Rules } from "./driver.ts"
import { toPlan } from "./foreign.ts"
import { type HedgeMeter, hedgeMeterOf, type Kind } from "./hedgeMeter.ts"
import type { HedgeOptions } from "./hedgeOptions.ts"
import { millisSince, type Moment } from "./moment.ts"
import { End, type Next, refine } from "./next.ts"
import { done, type Plan } from "./plan.ts"
import { loopAround } from "./stopping.ts"
import { type Unanswered, unanswered } from "./unanswered.ts"
import { toPredicate, type Which } from "./which.ts"

type Settings<E, F, R> = HedgeOptions<E, Which<E>, string | undefined, F, R>

/** The options, once they are known to be allowed. */
interface Validated<E, F, R> extends Pick<Settings<E, F, R>, "name" | "budget" | "onHedge"> {
  readonly while: Predicate.Predicate<E>
}

const validate = <E, F, R>(options: Settings<E, F, R> | undefined): Validated<E, F, R> => {
  const { budget, name, onHedge, while: which } = args.options("Retry.hedge: options", options) ?? {}
  return {
    name: args.name("Retry.hedge: name", name),
    budget: args.name("Retry.hedge: budget", budget),
    while: toPredicate("Retry.hedge: while", which) ?? constTrue,
    onHedge: args.callback("Retry.hedge: onHedge", onHedge)
  }
}

/** A hedged call, which may be run again and again. */
interface Hedged<A, E, R, F> {
  readonly effect: Effect.Effect<A, E, R>
  readonly schedule: Plan<unknown, E | Unanswered, F, R>
  readonly plan: Plan<State, E | Unanswered, F, R>
  readonly rules: HedgeRules<A, E, R, F>
  readonly options: Validated<E, F, R>
}

type Result<A, E, R, F> = Effect.Effect<A, E | F | RetryExhausted<E>, R>

/** `Retry.hedge` */
export const hedging = <A, E, R, F>(
  effect: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<unknown, E | Unanswered, F, R>,
  options?: Settings<E, F, R>
): Result<A, E, R | RetryBudget, F> => {
  let start: ((context: Context.Context<R>) => Result<A, E, R | RetryBudget, F>) | undefined
  return Effect.contextWith((context: Context.Context<R>) => {
    if (start === undefined) {
      const validated = validate(options)
      const plan = toPlan(args.schedule("Retry.hedge: schedule", schedule))
      start = prepare({ effect, schedule: plan, plan: endless(plan), rules: makeRules(), options: validated })
    }
    return start(context)
  })
}

/** Made once for all operations. */
const prepare = <A, E, R, F>(
  hedged: Hedged<A, E, R, F>
): (context: Context.Context<R>) => Result<A, E, R | RetryBudget, F> => {
  const { effect, options: { budget: key, name } } = hedged
  if (key !== undefined) {
    return (context) =>
      Effect.flatMap(
        RetryBudget,
        (service) => Effect.andThen(service.started(key), operate(context, hedged, { key, service }))
      )
  }
  // An answer that is there needs no fiber.
  return name === undefined && Exit.isExit(effect) && Exit.isSuccess(effect)
    ? () => effect
    : (context) => operate(context, hedged)
}

const operate = <A, E, R, F>(
  context: Context.Context<R>,
  hedged: Hedged<A, E, R, F>,
  budget?: Budget
): Result<A, E, R, F> => {
  const operation = new Operation(context, hedged, budget)
  return Effect.onExitPrimitive(Effect.suspend(() => operation.open()), (exit) => operation.close(exit))
}

interface Budget {
  readonly key: string
  readonly service: RetryBudget["Service"]
}

/** The state of the schedule, and whether it is done. */
interface State {
  readonly inner: unknown
  isDone: boolean
}

// For the loop, a schedule that is done is one whose next run never comes: the attempts that are in flight go on.
const endless = <E, R, F>(plan: Plan<unknown, E, F, R>): Plan<State, E, F, R, State> => {
  const { floor, prepare, since } = plan
  const take = (state: State, delay: number): number => {
    state.isDone = delay === done
    return state.isDone ? Infinity : delay
  }
  return {
    timed: plan.timed,
    start: (env) => ({ inner: plan.start(env), isDone: false }),
    prepare: prepare && (({ inner }, at) => prepare(inner, at)),
    next(state, at, input) {
      const delay = plan.next(state.inner, at, input)
      return typeof delay === "number" ? take(state, delay) : Effect.map(delay, (delay) => take(state, delay))
    },
    since: since && (({ inner }, at, delay) => since(inner, at, delay)),
    floor: floor && (({ inner }) => floor(inner)),
    output: (state) => state
  }
}

// How long the hints in a schedule make this error wait: the longest, or `done` if one is too long.
const hintOf = <E, F, R>(plan: Plan<unknown, E, F, R>, state: unknown, at: Moment, error: E): number => {
  const { change, inner, mapped } = plan
  if (mapped !== undefined && change !== undefined) {
    const hint = hintOf(mapped, state, at, error)
    return hint > 0 ? change(hint, at) : hint
  }
  const followed = plan.follow?.(state, error)
  const hints = [
    plan.hint?.(state, error) ?? 0,
    inner !== undefined && Predicate.hasProperty(state, "inner") ? hintOf(inner, state.inner, at, error) : 0,
    followed === undefined ? 0 : hintOf(followed.plan, followed.state, at, error)
  ]
  return hints.includes(done) ? done : Math.max(...hints)
}

/** What a run of the loop did: it started an attempt, found one due that the budget has to allow, or none; or waits for so long. */
type Turn = "started" | "due" | "over" | number

type HedgeRules<A, E, R, F> = Rules<Turn, never, R, E | Unanswered, State, A, E | F | RetryExhausted<E>>

const makeRules = <A, E, R, F>(): HedgeRules<A, E, R, F> => ({
  kind: "hedge",
  first: "now",
  succeeded: (operation: Operation<A, E, R, F>, turn: Turn) => operation.after(turn),
  failed: undefined,
  ended: (operation: Operation<A, E, R, F>) => operation.outcome()
})

/** What an operation remembers from the first failure on, or from the second attempt on. */
interface Memory<E> {
  /** The failures that the loop has not seen yet. */
  readonly failures: Array<E>
  /** The failures for which an attempt is still to start: one for each, but one for all that come while a hint delays the next. */
  readonly reasons: Array<E>
  readonly attempts: Attempts
  last: Option.Option<E>
  /** The next attempt does not start before this, in milliseconds since the first. */
  notBefore: number
  /** The budget has allowed the next attempt, and the hook has run. */
  isAllowed: boolean
}

/** One operation: its attempts, and the loop that starts them. With a first attempt in time, it is little more than this record. */
class Operation<A, E, R, F> extends Driver<Turn, never, R, E | Unanswered, State, A, E | F | RetryExhausted<E>> {
  declare private readonly hedged: Hedged<A, E, R, F>
  declare private readonly budget: Budget | undefined
  declare private readonly started: bigint
  /** The attempts in flight. */
  private readonly fibers: Array<Fiber.Fiber<A, E>> = []
  /** How many attempts have started. */
  private launched = 0
  /** The last delay of the schedule. */
  private delay = 0
  /** The first answer, which ends the operation. */
  private answer: Exit.Exit<A, E> | undefined = undefined
  /** Why no further attempt starts. */
  private over: Reason["_tag"] | undefined = undefined
  declare private memory?: Memory<E>
  declare private meter?: HedgeMeter
  declare private unlisten?: (() => void) | undefined

  constructor(context: Context.Context<R>, hedged: Hedged<A, E, R, F>, budget: Budget | undefined) {
    const started = Context.get(context, Clock.Clock).monotonicTimeNanosUnsafe()
    super(context, hedged.rules, { work: Effect.never, plan: hedged.plan, started }, undefined, true)
    this.hedged = hedged
    this.budget = budget
    this.started = started
    if (hedged.options.name !== undefined) this.meter = hedgeMeterOf(context, hedged.options.name)
  }

  /** Makes the first attempt, and runs the loop if that does not answer at once. */
  open(): Result<A, E, R, F> {
    this.meter?.begin()
    this.startAttempt(withoutMetadata(this.context), "first")
    if (this.answer !== undefined) return this.answer
    const around = loopAround(this.context)
    if (around !== undefined) this.unlisten = around.listen(() => this.aroundStopped())
    return this.loopAfter(Cause.empty)
  }

  // An operation is short: a closure takes less time than `andThen`, and only a loop that sleeps for long minds its memory.
  protected override turns(
    next: Next<A, E | F | RetryExhausted<E>, R>
  ): Effect.Effect<A, E | F | RetryExhausted<E>, R> {
    this.next = next
    return Effect.flatMap(Effect.whileLoop(this), () => this)
  }

  // The loop starts after the first attempt has started.
  protected override failed(): Next<A, E | F | RetryExhausted<E>, R> {
    return this.after("started")
  }

  /** Ends the attempts that are still in flight. */
  close(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> | undefined {
    const { budget, fibers, memory } = this
    this.unlisten?.()
    if (this.launched > 0) this.meter?.end(exit)
    const interrupted = fibers.length === 0 ? undefined : Fiber.interruptAll(fibers.slice())
    if (budget === undefined || Exit.isFailure(exit)) return interrupted
    return Effect.andThen(
      budget.service.succeeded(budget.key, memory?.last ?? Option.none()),
      interrupted ?? Effect.void
    )
  }

  protected override runWork(): Exit.Exit<Turn> {
    return Exit.succeed(this.turn(this.remember()))
  }

  private turn(memory: Memory<E>): Turn {
    for (const error of memory.failures.splice(0)) this.heed(memory, error)
    if (this.over !== undefined) return "over"
    const wait = memory.notBefore === 0 ? 0 : memory.notBefore - this.elapsed()
    if (wait > 0) {
      memory.reasons.splice(1)
      return wait
    }
    const { budget, hedged: { options: { onHedge } } } = this
    if (!memory.isAllowed && (budget !== undefined || onHedge !== undefined)) return "due"
    this.startNext(memory)
    return "started"
  }

  // The next attempt starts now, unless the error asks for a later one, or for none.
  private heed(memory: Memory<E>, error: E): void {
    memory.reasons.push(error)
    const wait = hintOf(this.hedged.schedule, this.output()?.inner, this.at, error)
    if (wait === done || this.at.isExpired(wait)) this.over ??= "Schedule"
    else if (wait > 0) memory.notBefore = Math.max(memory.notBefore, this.elapsed() + wait)
  }

  /** What comes after a run. */
  after(turn: Turn): Next<A, E | F | RetryExhausted<E>, R> {
    if (typeof turn === "number") return turn
    if (turn === "due") return this.before(this.remember())
    if (turn === "over") return this.rest()
    this.at.awaitLimit()
    const next = this.ask(unanswered)
    return typeof next === "number" ? this.asked(next) : refine(next, (delay) => this.asked(delay))
  }

  // The schedule has said when the next attempt is due. A failure brings it forward.
  private asked(delay: number): Next<A, E | F | RetryExhausted<E>, R> {
    const { memory } = this
    this.delay = delay
    if (this.output()?.isDone === true) this.over ??= "Schedule"
    if (this.over !== undefined) return this.rest()
    return memory !== undefined && memory.failures.length + memory.reasons.length > 0 ? 0 : delay
  }

  // The attempts in flight go on.
  private rest(): End<A, RetryExhausted<E> | E> | number {
    return this.fibers.length === 0 ? new End(this.outcome()) : Infinity
  }

  private startNext(memory: Memory<E>): void {
    const reason = Arr.head(memory.reasons.splice(0, 1))
    const { inner } = this.output() ?? {}
    const output = inner === undefined ? undefined : this.hedged.schedule.output(inner)
    memory.isAllowed = false
    memory.attempts.record(this.launched, Option.getOrElse(reason, () => unanswered), output, this.delay)
    this.startAttempt(memory.attempts.next(this.context), Option.isNone(reason) ? "hedge" : "retry")
  }

  private startAttempt(context: Context.Context<R>, kind: Kind): void {
    const { budget, fibers, hedged: { effect }, meter } = this
    const number = ++this.launched
    const observed = meter === undefined ? effect : meter.attempt(effect, number, kind)
    const attempt = budget === undefined ? observed : Effect.tapCause(observed, (cause) => this.report(budget, cause))
    const fiber = Effect.runForkWith(withAttempt(context, budget?.key))(attempt)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.attemptEnded(exit)
    fibers.push(fiber)
    fiber.addObserver((exit) => {
      if (fibers.length === 1) fibers.pop()
      else fibers.splice(fibers.indexOf(fiber), 1)
      this.attemptEnded(exit)
    })
  }

  private report({ key, service }: Budget, cause: Cause.Cause<E>): Effect.Effect<void> {
    const error = this.retryable(cause)
    return Option.isNone(error) ? Effect.void : service.failed(key, error.value)
  }

  // The error, if it may be tried again: not a defect, an interruption, or an error that `while` refuses.
  private retryable(cause: Cause.Cause<E>): Option.Option<E> {
    const { reasons } = cause
    const reason = reasons.length > 1 && Cause.hasDies(cause) ? undefined : reasons.find(Cause.isFailReason)
    return reason !== undefined && this.hedged.options.while(reason.error) ? Option.some(reason.error) : Option.none()
  }

  private attemptEnded(exit: Exit.Exit<A, E>): void {
    if (this.answer !== undefined) return
    if (Exit.isSuccess(exit)) return this.answered(exit)
    // What the predicate throws is a defect.
    const error = Effect.runSyncExit(Effect.sync(() => this.retryable(exit.cause)))
    if (Exit.isFailure(error)) this.answered(Exit.failCause(error.cause))
    else if (Option.isNone(error.value)) this.answered(exit)
    else this.attemptFailed(error.value)
  }

  private answered(exit: Exit.Exit<A, E>): void {
    this.answer = exit
    this.stop(Exit.void)
  }

  private attemptFailed(error: Option.Some<E>): void {
    const memory = this.remember()
    memory.last = error
    memory.failures.push(error.value)
    if (this.over === undefined) this.trigger()
    else if (this.fibers.length === 0) this.stop(Exit.void)
  }

  private aroundStopped(): void {
    this.over ??= "Stopped"
    if (this.fibers.length === 0) this.stop(Exit.void)
  }

  /** Asks the budget and runs the hook, when an attempt is due. An answer interrupts that. */
  private before(memory: Memory<E>): Next<A, E | F | RetryExhausted<E>, R> {
    return Effect.gen({ self: this }, function*() {
      const { budget, fibers, hedged: { options: { name, onHedge } }, launched } = this
      const reason = Arr.head(memory.reasons)
      const input = Option.getOrElse(reason, () => unanswered)
      if (budget !== undefined && !(yield* budget.service.withdraw(budget.key, input))) {
        this.over ??= "Budget"
        return this.rest()
      }
      if (onHedge !== undefined) {
        const isLate = this.at.isExpired()
        const [attempt, running] = [launched + 1, fibers.length]
        const elapsed = Duration.millis(this.elapsed())
        const hook = onHedge({ attempt, running, error: reason, elapsed })
        yield* annotate("hedge", name, hook)
        // The hook took so long that the limits in time allow no attempt.
        if (!isLate && this.at.isExpired()) {
          this.over ??= "Schedule"
          return this.rest()
        }
      }
      memory.isAllowed = true
      return 0
    })
  }

  private remember(): Memory<E> {
    return this.memory ??= {
      failures: [],
      reasons: [],
      attempts: makeAttempts(Context.get(this.context, Clock.Clock), undefined),
      last: Option.none(),
      notBefore: 0,
      isAllowed: false
    }
  }

  private elapsed(): number {
    return millisSince(Context.get(this.context, Clock.Clock), this.started)
  }

  /** The first answer, or why there is none. */
  outcome(): Exit.Exit<A, E | RetryExhausted<E>> {
    const { answer, launched, memory, over: reason = "Schedule" } = this
    if (answer !== undefined) return answer
    const error = Option.getOrThrow(memory?.last ?? Option.none())
    const elapsed = Duration.millis(this.elapsed())
    return Exit.fail(
      withoutStack(new RetryExhausted({ error, attempts: launched, elapsed, reason: { _tag: reason } }))
    )
  }
}
