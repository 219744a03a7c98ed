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
import { identity } from "effect/Function"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import { type Clocked, look, makeClocked, timeless } from "./clocked.ts"
import { type ForeignPlan, foreignPlan } from "./foreign.ts"
import { done, pending, type Plan, planOf, Reads, type Step } from "./step.ts"

/**
 * What results mean. One value serves all loops of a kind. `A` and `E` are those of a run, `In` and `Out` those of the
 * schedule, `B` is the result of the loop, `F` any other failure.
 */
export interface Task<A, E, R, In, Out, B, F> {
  /** The first run comes now; now, even when already stopped; or after a delay that the schedule gives for `later`. */
  readonly first: "now" | "anyway" | { readonly later: In }
  /** What other schedules than the loop's own read of the time. */
  readonly reads: number
  /** Takes the value of a run: advances the loop or ends it. */
  readonly succeeded: (driver: Driver<A, E, R, In, Out, B, F>, value: A) => void
  /**
   * Takes the error of a failed run: advances the loop or ends it. Where there is none, the failure ends the loop; a
   * defect always does.
   */
  readonly failed:
    | ((driver: Driver<A, E, R, In, Out, B, F>, error: E, failure: Exit.Exit<never, E>) => void)
    | undefined
  /** The result, once the schedule is done or the loop was stopped. */
  readonly ended: (driver: Driver<A, E, R, In, Out, B, F>, reason: "exhausted" | "stopped") => Exit.Exit<B, E | F>
}

/** The result of a loop that goes on. */
const going = Exit.die("effect-wait: the loop goes on")

/** What is repeated. */
export interface Job<A, E, R, In, Out, F> {
  readonly work: Effect.Effect<A, E, R>
  readonly schedule: Schedule.Schedule<Out, In, F, R>
  /** Milliseconds before anything else. */
  readonly initialDelay?: number
  readonly stop?: Effect.Effect<unknown, F, R> | undefined
}

/** How a loop is told to stop. */
interface Control<F> {
  stopped: Exit.Exit<unknown, F> | undefined
  /** Ends the wait that is going on. */
  wake: (() => void) | undefined
}

/**
 * A loop in progress. `Effect.whileLoop` runs it as it is; as an Effect it is the loop's result. A sleeping loop holds
 * little more than this record.
 */
export class Driver<A, E, R, In, Out, B, F> extends Effectable.Class<B, E | F> {
  readonly task: Task<A, E, R, In, Out, B, F>
  readonly context: Context.Context<R>
  readonly control: Control<F> | undefined
  readonly at: Clocked
  readonly work: Effect.Effect<unknown, E, R>
  readonly plan: Plan<Out, In> | ForeignPlan<Out, In, F, R>
  /** The schedule in progress. */
  main: Step<In> | undefined = undefined
  phase: "waiting" | "running" | "stepping" = "waiting"
  /** How long to wait; or the Effect that will tell. */
  delay: number | Effect.Effect<number, E | F, R>
  /** How many runs have started. */
  attempts = 0
  result: Exit.Exit<B, E | F> = going

  constructor(task: Task<A, E, R, In, Out, B, F>, job: Job<A, E, R, In, Out, F>, context: Context.Context<R>) {
    super()
    this.task = task
    this.context = context
    this.control = job.stop === undefined ? undefined : { stopped: undefined, wake: undefined }
    const reads = task.reads | (planOf(job.schedule)?.reads ?? Reads.all)
    this.at = reads === Reads.nothing ? timeless : makeClocked(reads, Context.get(context, Clock.Clock))
    this.plan = this.planFor(job.schedule)
    this.delay = job.initialDelay ?? 0
    const work = task.failed === undefined ? job.work : Effect.exit(job.work)
    this.work = this.control === undefined ? work : this.unlessStopped(work)
  }

  asEffect(): Exit.Exit<B, E | F> {
    return this.result
  }

  // Looks at the stop before a run. The fiber may yield between any two operations, and the stop may come just then: where
  // the budget is used up, it yields before this look rather than after it. (A budget below 5 leaves no room for that.)
  unlessStopped(work: Effect.Effect<unknown, E, R>): Effect.Effect<unknown, E, R> {
    const looked: Effect.Effect<unknown, E, R> = Effect.withFiber((fiber) => {
      if (this.stopped !== undefined && !(this.task.first === "anyway" && this.attempts === 1)) {
        this.attempts--
        this.end("stopped")
        return Effect.void
      }
      const { maxOpsBeforeYield } = fiber.cache
      return fiber.currentOpCount + 1 < maxOpsBeforeYield || maxOpsBeforeYield < 5
        ? work
        : Effect.andThen(Effect.yieldNow, looked)
    })
    return looked
  }

  get stopped(): Exit.Exit<unknown, F> | undefined {
    return this.control?.stopped
  }

  /** Ends the loop at its next boundary. */
  stop(exit: Exit.Exit<unknown, F>): void {
    if (this.control === undefined) return
    this.control.stopped = exit
    this.control.wake?.()
  }

  planFor<Out, In>(schedule: Schedule.Schedule<Out, In, F, R>): Plan<Out, In> | ForeignPlan<Out, In, F, R> {
    return planOf(schedule) ?? foreignPlan(schedule, this.at, (pending) => {
      this.delay = pending
    })
  }

  /** Begins a schedule. The current run counts as its first. */
  begin<In>(plan: Plan<unknown, In>): Step<In> {
    return plan.begin({ random: Context.get(this.context, Random.Random), first: this.at.start })
  }

  /** Asks the loop's own schedule for the next delay. One that is done by itself is done, stopped or not. */
  proceed(input: In): void {
    if (this.main === undefined) return
    if (this.stopped !== undefined && "init" in this.plan) return this.end("stopped")
    look(this.at)
    const delay = this.main.next(this.at, input)
    if (this.stopped !== undefined && delay !== done) return this.end("stopped")
    this.follow(delay)
  }

  /** Asks another schedule. When that one is done, the loop fails. */
  detour<In>(step: Step<In>, input: In, failure: Exit.Exit<never, E | F>): void {
    if (this.stopped !== undefined) return this.end("stopped")
    look(this.at)
    const delay = step.next(this.at, input)
    if (delay === done) {
      this.result = failure
      return
    }
    this.follow(delay)
    if (typeof this.delay !== "number") {
      this.delay = Effect.flatMap(this.delay, (delay) => delay === done ? failure : Effect.succeed(delay))
    }
  }

  follow(delay: number): void {
    if (delay === done) return this.end("exhausted")
    if (delay === pending) {
      this.phase = "stepping"
      return
    }
    this.delay = delay
    this.phase = delay === 0 ? "running" : "waiting"
    if (this.at === timeless) return
    this.at.start = this.at.now
    this.at.due = this.at.now + delay
  }

  /** What the schedule put out last. */
  output(): Out | undefined {
    return this.main && this.plan.output(this.main.value)
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

  start(): void {
    if (this.stopped !== undefined && this.task.first !== "anyway") this.end("stopped")
    else if (this.delay === 0) this.prepare()
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
    if (this.at !== timeless) this.at.due = this.at.start
    this.main = this.begin(this.plan)
    if (typeof this.task.first === "string") this.phase = "running"
    else this.proceed(this.task.first.later)
  }

  // A run starts now.
  arrive(): void {
    if (this.at === timeless) return
    look(this.at)
    this.at.start = this.at.now
  }

  while(): boolean {
    return this.result === going
  }

  body(): Effect.Effect<unknown, E | F, R> {
    if (this.phase === "running") {
      this.attempts++
      return this.work
    }
    return this.wait(
      typeof this.delay === "number"
        ? Context.get(this.context, Clock.Clock).sleep(Duration.millis(this.delay))
        : this.delay
    )
  }

  step(value: unknown): void {
    if (this.result !== going) return
    if (this.phase === "running") return this.ran(value)
    if (this.stopped !== undefined && !(this.main === undefined && this.task.first === "anyway")) {
      return this.end("stopped")
    }
    if (this.phase === "waiting") {
      if (this.main === undefined) return this.prepare()
      if (this.main.over === true) return this.end("exhausted")
      this.arrive()
      this.phase = "running"
    } else if (this.main === undefined) {
      this.firstRun()
    } else {
      look(this.at)
      this.follow(value as number)
    }
  }

  ran(value: unknown): void {
    const { failed, succeeded } = this.task
    if (failed === undefined) return succeeded(this, value as A)
    const exit = value as Exit.Exit<A, E>
    if (Exit.isSuccess(exit)) return succeeded(this, exit.value)
    const failure = Exit.failCause(exit.cause)
    const error = Cause.findError(exit.cause)
    if (Cause.hasDies(exit.cause) || Result.isFailure(error)) this.result = failure
    else failed(this, error.success, failure)
  }

  // A loop with a stop waits in a fiber of its own, so that the stop can end the wait and nothing else.
  wait(effect: Effect.Effect<unknown, E | F, R>): Effect.Effect<unknown, E | F, R> {
    const { context, control } = this
    if (control === undefined) return effect
    return Effect.callback((resume) => {
      if (control.stopped !== undefined) return resume(Effect.void)
      const fiber = Effect.runForkWith(context)(effect)
      control.wake = () => fiber.interruptUnsafe()
      fiber.addObserver((exit) => {
        control.wake = undefined
        resume(control.stopped === undefined ? exit : Effect.void)
      })
      return Fiber.interrupt(fiber)
    })
  }
}

type Around<A, E, R, In, Out, B, F> = (
  loop: Effect.Effect<B, E | F, R>,
  driver: Driver<A, E, R, In, Out, B, F>
) => Effect.Effect<B, E | F, R>

/** Runs a job. `around` sees the driver, and may put something around the loop. */
export const drive = <A, E, R, In, Out, B, F>(
  task: Task<A, E, R, In, Out, B, F>,
  job: Job<A, E, R, In, Out, F>,
  around: Around<A, E, R, In, Out, B, F> = identity
): Effect.Effect<B, E | F, R> => {
  const { stop } = job
  if (stop === undefined) {
    return Effect.contextWith((context: Context.Context<R>) => {
      const driver = new Driver(task, job, context)
      return around(driver.run(), driver)
    })
  }
  return Effect.uninterruptibleMask((restore) =>
    Effect.contextWith((context: Context.Context<R>) => {
      const driver = new Driver(task, job, context)
      const watcher = Effect.runForkWith(context)(stop)
      watcher.addObserver((exit) => driver.stop(exit))
      const loop = Effect.suspend(() => around(driver.run(), driver))
      return Effect.onExit(restore(loop), () => Fiber.interrupt(watcher))
    })
  )
}
