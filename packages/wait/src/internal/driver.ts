/**
 * The one loop under everything that repeats.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Schedule from "effect/Schedule"
import { type Clocked, look, makeClocked, makeWatched, timeless } from "./clocked.ts"
import { type ForeignPlan, foreignPlan } from "./foreign.ts"
import type { Kind } from "./meter.ts"
import { done, pending, type Plan, planOf } from "./step.ts"
import { ended, planned, started, type Watch } from "./watch.ts"

/**
 * What results mean. One value serves all loops of a kind. `A` and `E` are those of a run, `In` and `Out` those of the
 * schedule, `B` is the result of the loop, `F` any other failure.
 */
export interface Task<A, E, R, In, Out, B, F> {
  readonly kind: Kind
  /** The first run comes now; now, even when already stopped; or after a delay that the schedule gives for `later`. */
  readonly first: "now" | "anyway" | { readonly later: In }
  /** Whether another schedule than the loop's own looks at the time. */
  readonly timed: boolean
  /** Takes the value of a run: advances the loop or ends it. */
  readonly succeeded: (driver: Driver<A, E, R, In, Out, B, F>, value: A) => void
  /**
   * Takes the error of a failed run: advances the loop or ends it. Where there is none, the failure ends the loop; a
   * defect always does.
   */
  readonly failed:
    | ((driver: Driver<A, E, R, In, Out, B, F>, error: E, cause: Cause.Cause<E>) => void)
    | undefined
  /** The result, once the schedule is done or the loop was stopped. */
  readonly ended: (driver: Driver<A, E, R, In, Out, B, F>, reason: "exhausted" | "stopped") => Exit.Exit<B, E | F>
}

/** The result of a loop that goes on: nobody sees it. */
const going: Exit.Exit<never> = Exit.succeed(undefined as never)

const liveClock = Context.get(Context.empty(), Clock.Clock)

// A timer of Node's that is longer is none.
const longestTimer = 2 ** 31 - 1

/** What is repeated. */
export interface Job<A, E, R, In, Out, F> {
  readonly work: Effect.Effect<A, E, R>
  readonly schedule: Schedule.Schedule<Out, In, F, R>
  /** Milliseconds before anything else. */
  readonly initialDelay?: number
  readonly stop?: Effect.Effect<unknown, F, R> | undefined
  /** When the loop began, for one that goes on after a run of its own: see `Driver.resume`. */
  readonly begun?: bigint
  /** How others see the loop and tell it what to do. Default: the stop does, if there is one. */
  readonly control?: Control<F> | undefined
}

/** How a loop is seen, and told to stop or to run now. */
export interface Control<F, W extends Watch | undefined = Watch | undefined> {
  /** Whether anybody may tell it something. */
  readonly open: boolean
  readonly watch: W
  stopped: Exit.Exit<unknown, F> | undefined
  /** The next run is to come at once. */
  triggered: boolean
  /** Ends the wait that is going on: a sleep, or the step of a schedule. One that is over is not concerned. */
  wake: (() => void) | undefined
  asleep: boolean
}

export const makeControl = <F, W extends Watch | undefined>(open: boolean, watch: W): Control<F, W> => ({
  open,
  watch,
  stopped: undefined,
  triggered: false,
  wake: undefined,
  asleep: false
})

/** Ends a loop at its next boundary. */
export const stop = <F>(control: Control<F>, exit: Exit.Exit<unknown, F>): void => {
  // A failure of the stop is not lost.
  if (control.stopped === undefined || Exit.isSuccess(control.stopped)) control.stopped = exit
  control.wake?.()
}

/** Makes a loop run: now when it sleeps, else once more after what it does. */
export const trigger = <F>(control: Control<F>): void => {
  control.triggered = true
  if (control.asleep) control.wake?.()
}

/**
 * A loop in progress. `Effect.whileLoop` runs it as it is; as an Effect it clears its timer and is the loop's result. A
 * sleeping loop holds little more than this record.
 */
export class Driver<A, E, R, In, Out, B, F> extends Effectable.Class<B, E | F> {
  readonly task: Task<A, E, R, In, Out, B, F>
  readonly context: Context.Context<R>
  readonly control: Control<F> | undefined
  readonly at: Clocked
  readonly work: Effect.Effect<unknown, E, R>
  readonly plan: Plan<Out, In> | ForeignPlan<Out, In, F, R>
  /** What the schedule remembers, once it has begun. */
  main: unknown = undefined
  phase: "waiting" | "running" | "stepping" = "waiting"
  /** How long to wait; or the Effect that will tell. */
  delay: number | Effect.Effect<number, E | F, R>
  timer: ReturnType<typeof setTimeout> | undefined = undefined
  /** How many runs have started. */
  attempts = 0
  result: Exit.Exit<B, E | F> = going

  constructor(task: Task<A, E, R, In, Out, B, F>, job: Job<A, E, R, In, Out, F>, context: Context.Context<R>) {
    super()
    this.task = task
    this.context = context
    this.control = job.control ?? (job.stop === undefined ? undefined : makeControl(true, undefined))
    const watch = this.control?.watch
    const random = Context.get(context, Random.Random)
    const clock = Context.get(context, Clock.Clock)
    this.at = watch !== undefined
      ? makeWatched(random, clock)
      : task.timed || planOf(job.schedule)?.timed !== false
      ? makeClocked(random, clock, job.begun)
      : timeless(random)
    this.plan = this.planFor(job.schedule)
    this.delay = job.initialDelay ?? 0
    const work = task.failed === undefined || watch !== undefined ? job.work : Effect.exit(job.work)
    this.work = this.control?.open === true ? this.unlessStopped(work) : work
  }

  // Whoever is interrupted in a sleep runs it too: the loop goes on then, so it fails with nothing.
  asEffect(): Exit.Exit<B, E | F> {
    clearTimeout(this.timer)
    return this.result
  }

  // Looks at the stop before a run. The fiber may yield between any two operations, and the stop may come just then: where
  // too little of the budget is left to begin the run, it yields before this look rather than after it. (There are budgets
  // that leave no room for that.)
  unlessStopped(work: Effect.Effect<unknown, E, R>): Effect.Effect<unknown, E, R> {
    const ahead = this.control?.watch === undefined ? 1 : 10 // operations until the run begins, with a span or without
    const looked: Effect.Effect<unknown, E, R> = Effect.withFiber((fiber) => {
      if (this.stopped !== undefined && !(this.task.first === "anyway" && this.attempts === 1)) {
        this.attempts--
        this.end("stopped")
        return Effect.void
      }
      const { maxOpsBeforeYield } = fiber.cache
      return fiber.currentOpCount + ahead < maxOpsBeforeYield || maxOpsBeforeYield < ahead + 4
        ? this.seen(work)
        : Effect.andThen(Effect.yieldNow, looked)
    })
    return looked
  }

  seen(work: Effect.Effect<unknown, E, R>): Effect.Effect<unknown, E, R> {
    const { control } = this
    if (control?.watch === undefined) return work
    control.triggered = false
    return Effect.exit(started(control.watch, this, work))
  }

  get stopped(): Exit.Exit<unknown, F> | undefined {
    return this.control?.stopped
  }

  planFor<Out, In>(schedule: Schedule.Schedule<Out, In, F, R>): Plan<Out, In> | ForeignPlan<Out, In, F, R> {
    return planOf(schedule) ?? foreignPlan(schedule, this.at, (pending) => {
      this.delay = pending
    })
  }

  /** Begins a schedule. The current run counts as its first. */
  begin(plan: Plan<unknown, never>): unknown {
    return plan.begin({ first: this.at.start })
  }

  /** Asks the loop's own schedule for the next delay. One that is done by itself is done, stopped or not. */
  proceed(input: In): void {
    const { at, control, main, plan } = this
    if (main === undefined) return
    if (control?.stopped !== undefined && "init" in plan) return this.end("stopped")
    look(at)
    const delay = plan.next(main, at, input)
    if (control?.stopped !== undefined && delay !== done) return this.end("stopped")
    this.follow(delay)
    if (control?.watch !== undefined) this.plans(at)
  }

  // Notes when the schedule itself wants a run.
  plans(at: Clocked): void {
    if (typeof this.delay === "number") {
      at.planned = at.due
    } else {
      this.delay = Effect.map(this.delay, (delay) => {
        look(at)
        at.planned = at.now + delay
        return delay
      })
    }
  }

  /** Asks another schedule. When that one is done, the loop fails. */
  detour<In>(plan: Plan<unknown, In>, state: unknown, input: In, cause: Cause.Cause<E>): void {
    if (this.stopped !== undefined) return this.end("stopped")
    look(this.at)
    const delay = plan.next(state, this.at, input)
    if (delay === done) {
      this.result = Exit.failCause(cause)
      return
    }
    this.follow(delay)
    if (typeof this.delay !== "number") {
      this.delay = Effect.flatMap(
        this.delay,
        (delay) => delay === done ? Effect.failCause(cause) : Effect.succeed(delay)
      )
    }
  }

  follow(delay: number): void {
    if (delay === done) return this.end("exhausted")
    if (delay === pending) {
      this.phase = "stepping"
      return
    }
    this.delay = delay
    this.phase = delay === 0 || this.control?.triggered === true ? "running" : "waiting"
    if (this.at.clock === undefined) return
    this.at.start = this.at.now
    this.at.due = this.at.now + delay
  }

  /** Lets an effect change the delay that was found, before the loop waits for it. */
  consult(change: (delay: number) => Effect.Effect<number, E | F, R>): void {
    if (!this.while()) return
    this.delay = typeof this.delay === "number"
      ? change(this.delay)
      : Effect.flatMap(this.delay, (delay) => delay === done ? Effect.succeed(delay) : change(delay))
    this.phase = "stepping"
  }

  /** What the schedule put out last. */
  output(): Out | undefined {
    return this.main === undefined ? undefined : this.plan.output(this.main)
  }

  end(reason: "exhausted" | "stopped"): void {
    const { stopped } = this
    this.result = stopped !== undefined && Exit.isFailure(stopped)
      ? Exit.failCause(stopped.cause)
      : this.task.ended(this, reason)
  }

  run(): Effect.Effect<B, E | F, R> {
    this.start()
    return Effect.andThen(Effect.whileLoop(this), this)
  }

  /** Goes on after a first run that has failed. */
  resume(cause: Cause.Cause<E>): Effect.Effect<B, E | F, R> {
    this.attempts = 1
    this.main = this.begin(this.plan)
    this.failed(cause)
    return this.while() ? Effect.andThen(Effect.whileLoop(this), this) : this.result
  }

  start(): void {
    if (this.stopped !== undefined && this.task.first !== "anyway") this.end("stopped")
    else if (this.delay === 0) this.prepare()
    else if (this.at.clock !== undefined) this.at.due = Number(this.delay)
  }

  prepare(): void {
    this.arrive()
    if ("init" in this.plan) {
      this.phase = "stepping"
      this.delay = Effect.as(this.plan.init, 0)
    } else {
      this.firstRun()
    }
  }

  firstRun(): void {
    this.arrive()
    if (this.at.clock !== undefined) this.at.due = this.at.start
    this.main = this.begin(this.plan)
    if (typeof this.task.first === "string") this.phase = "running"
    else this.proceed(this.task.first.later)
  }

  // A run starts now.
  arrive(): void {
    if (this.at.clock === undefined) return
    look(this.at)
    this.at.start = this.at.now
  }

  while(): boolean {
    return this.result === going
  }

  body(): Effect.Effect<unknown, E | F, R> {
    if (this.phase === "running") {
      this.attempts++
      return this.control === undefined || this.control.open ? this.work : this.seen(this.work)
    }
    if (typeof this.delay !== "number") return this.wait(this.delay)
    const clock = Context.get(this.context, Clock.Clock)
    return clock === liveClock && this.delay <= longestTimer
      ? this.sleep(this.delay)
      : this.wait(clock.sleep(Duration.millis(this.delay)))
  }

  step(value: unknown): void {
    if (this.result !== going) return
    if (this.phase === "running") return this.ran(value)
    if (this.stopped !== undefined && !(this.main === undefined && this.task.first === "anyway")) {
      return this.end("stopped")
    }
    if (this.phase === "waiting") {
      if (this.main === undefined) return this.prepare()
      if (this.plan.isOver?.(this.main) === true) return this.end("exhausted")
      this.arrive()
      this.phase = "running"
    } else if (this.main === undefined) {
      this.firstRun()
    } else {
      look(this.at)
      this.follow(value as number)
      if (this.control?.watch !== undefined) planned(this.control.watch, this)
    }
  }

  ran(value: unknown): void {
    const { failed, succeeded } = this.task
    const watch = this.control?.watch
    if (watch !== undefined) return this.ranWatched(watch, value as Exit.Exit<A, E>)
    if (failed === undefined) return succeeded(this, value as A)
    const exit = value as Exit.Exit<A, E>
    if (Exit.isSuccess(exit)) succeeded(this, exit.value)
    else this.failed(exit.cause)
  }

  ranWatched(watch: Watch, exit: Exit.Exit<A, E>): void {
    if (Exit.isSuccess(exit)) {
      ended(watch, this, watch.survived)
      this.task.succeeded(this, exit.value)
    } else {
      ended(watch, this, exit.cause)
      this.failed(exit.cause)
    }
    planned(watch, this)
  }

  failed(cause: Cause.Cause<E>): void {
    const { failed } = this.task
    const { reasons } = cause
    const reason = reasons.length > 1 && Cause.hasDies(cause) ? undefined : reasons.find(Cause.isFailReason)
    if (failed === undefined || reason === undefined) this.result = Exit.failCause(cause)
    else failed(this, reason.error, cause)
  }

  // Whether the loop was told something that ends its wait.
  get isTold(): boolean {
    const { control, phase } = this
    return control !== undefined && (control.stopped !== undefined || (phase === "waiting" && control.triggered))
  }

  // What the live Clock's own `sleep` does, with less to remember, and others may end it.
  sleep(millis: number): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const { control } = this
      if (this.isTold) return resume(Effect.void)
      this.timer = setTimeout(resume, millis, Effect.void)
      if (control?.open === true) {
        control.asleep = true
        control.wake = () => {
          clearTimeout(this.timer)
          resume(Effect.void)
        }
      }
      return this as Effect.Effect<unknown, unknown> as Effect.Effect<void>
    })
  }

  // A loop that may be told something waits in a fiber of its own, so that a stop or a trigger ends the wait and nothing else.
  wait(effect: Effect.Effect<unknown, E | F, R>): Effect.Effect<unknown, E | F, R> {
    const { context, control } = this
    if (control === undefined || !control.open) return effect
    return Effect.callback((resume) => {
      if (this.isTold) return resume(Effect.void)
      const fiber = Effect.runForkWith(context)(effect)
      control.asleep = this.phase === "waiting"
      control.wake = () => fiber.interruptUnsafe()
      fiber.addObserver((exit) => resume(this.isTold ? Effect.void : exit))
      if (this.isTold) control.wake?.() // told by what has just begun
      return Fiber.interrupt(fiber)
    })
  }
}
