/**
 * Repeat work until stopped. Go's `Forever`, `Until`, `JitterUntil` and `BackoffUntil`.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Loop, Period, Timeline } from "effect-wait"
 *
 * // What Loop.run does with a schedule and runs of 400 ms
 * const timeline = Effect.runSync(
 *   Timeline.simulate(Period.nonSliding("1 second"), { work: 400, until: "4 seconds" })
 * )
 *
 * console.log(Timeline.render(timeline, { width: 50 }))
 * ```
 *
 * ```text
 * [==]......[==]......[==]......[==]......[==].
 * 0         1s        2s        3s        4s
 * ```
 *
 * **Two ways to end a loop.** Interruption (`Fiber.interrupt`, a Scope that closes, `Effect.timeout`) ends a sleep and
 * the run in flight, as everywhere in Effect. `stop` is a graceful shutdown, as Go's stop channel: it ends a sleep at
 * once, and the run in flight finishes. If only the run needs protection, `Effect.uninterruptible(work)` and an
 * interrupt are enough.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Cron from "effect/Cron"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { NoInfer } from "effect/Types"
import { annotate } from "./internal/annotate.ts"
import * as args from "./internal/args.ts"
import { causeOf } from "./internal/causeOf.ts"
import { endWithScope, registry } from "./internal/closing.ts"
import { formatRounded } from "./internal/describe.ts"
import type { Spec } from "./internal/driver.ts"
import { toPlan } from "./internal/foreign.ts"
import { ForkedDriver } from "./internal/forkedDriver.ts"
import { ForkedWatch, plainSettings } from "./internal/forkedWatch.ts"
import { type Loop, makeHandle, type Snapshot } from "./internal/handle.ts"
import { LoopStore } from "./internal/loopStore.ts"
import type { LoopStoreError } from "./internal/loopStoreError.ts"
import type { CatchUp } from "./internal/memory.ts"
import { meterOf } from "./internal/meter.ts"
import { refine } from "./internal/next.ts"
import { type Plan, planOf, type Started } from "./internal/plan.ts"
import { type Repeating, repeatingFrom } from "./internal/repeating.ts"
import { run as runDriver, runNamed } from "./internal/run.ts"
import { CurrentLoop } from "./internal/stopping.ts"
import { CurrentRun, type Settings } from "./internal/watch.ts"

export type { Loop, Run, Snapshot, Status } from "./internal/handle.ts"
export type { CatchUp } from "./internal/memory.ts"

/**
 * A failed run, after which the loop continues.
 *
 * - `cause`: why the run failed
 * - `failures`: how many runs have failed in a row
 * - `delay`: the delay before the next run
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure<out E> {
  readonly cause: Cause.Cause<E>
  readonly failures: number
  readonly delay: Duration.Duration
}

/**
 * Options of {@link run}, {@link forkScoped} and {@link layer}.
 *
 * - `name`: makes the loop visible. Each run is a span of this name, with `attempt`, `scheduledTime` (in milliseconds
 *   since the epoch) and `lateness` (in milliseconds). Log entries of runs are annotated with `loop`. The metrics have
 *   the attributes `kind` and `name`: `effect_wait_runs_total`, `_failures_total`, `_retries_total`, `_missed_total`,
 *   `_run_duration_seconds`, `_lateness_seconds`, `_delay_seconds`, `_last_success_timestamp_seconds`; `_active` also
 *   has `state`, and `_give_ups_total` has `reason` (`error`, `defect`, or `exhausted` when the backoff is done). Use
 *   few names: a registry never drops a series. Without a name nothing is traced or counted
 * - `immediate`: whether the first run starts at once. Default true, but false for `Period.cron`, also inside Effect's
 *   combinators other than `Schedule.concat`. With `false` it starts after the first delay of the schedule, whose input is then undefined
 * - `initialDelay`: the delay before the loop starts; default 0
 * - `backoff`: the schedule of the loop while runs fail with a typed error. It starts again after each success. During
 *   a backoff the loop's own schedule makes no step and counts no attempt. When the backoff is done, the loop fails
 *   with the last error. Without a backoff the first failure ends the loop. A defect always does, unless
 *   `Effect.sandbox(work)` makes it a typed error
 * - `onFailure`: a hook for each failed run that does not end the loop. It runs inside the delay of the backoff, in a
 *   Scope of its own. A stop interrupts it, and its own failure ends the loop. Default: a log entry of level Warn with
 *   the cause and the delay
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<
  E,
  EB = never,
  RB = never,
  EH = never,
  RH = never,
  Immediate extends boolean | undefined = boolean | undefined
> {
  readonly name?: string | undefined
  readonly immediate?: Immediate | undefined
  readonly initialDelay?: Duration.Input | undefined
  readonly backoff?: Schedule.Schedule<unknown, E, EB, RB> | undefined
  readonly onFailure?: ((failure: Failure<E>) => Effect.Effect<unknown, EH, RH>) | undefined
}

/**
 * The graceful shutdown of a loop.
 *
 * - `stop`: an effect that completes when the loop must end, such as `Deferred.await`, `Effect.sleep` or
 *   {@link fromAbortSignal}. It starts with the loop; if it completes without suspending, no run starts. It ends a
 *   sleep at once; a run in flight finishes first. It is interrupted when the loop ends. Its own failure or defect ends
 *   the loop at the same boundary
 *
 * @category models
 * @since 0.1.0
 */
export interface StopOption<SE = never, SR = never> {
  readonly stop?: Effect.Effect<unknown, SE, SR> | undefined
}

/**
 * Options of {@link forkScoped} and {@link layer}, besides those of {@link run}.
 *
 * - `grace`: how long a run in flight may continue after the Scope closes, before it is interrupted; default 0. Infinity
 *   waits for the end of the run. All loops of a Scope stop together, and their graces pass at the same time
 * - `healthyWithin`: the loop is unhealthy when no run has succeeded for longer than this. Default: only a loop that
 *   has failed is unhealthy
 * - `history`: how many ended runs the handle keeps; default 0
 * - `root`: whether each run starts a trace of its own, linked to the span in which the loop was forked; default true.
 *   With `false` the spans of runs are children of that span
 * - `catchUp`: the loop continues after a restart where it was, see {@link CatchUp}. It requires a `LoopStore` and a
 *   `name`. `Period.cron` and `Period.ticker` catch up with the slots that have passed; any other schedule waits
 *   for the rest of its delay. A paused loop stays paused. The memory takes precedence over `immediate: true`. Default: a restart
 *   starts the loop as new, and nothing is stored
 *
 * @category models
 * @since 0.1.0
 */
export interface ForkOptions<
  E,
  EB = never,
  RB = never,
  EH = never,
  RH = never,
  SE = never,
  SR = never,
  Immediate extends boolean | undefined = boolean | undefined,
  C extends CatchUp | undefined = undefined
> extends Options<E, EB, RB, EH, RH, Immediate>, StopOption<SE, SR> {
  readonly grace?: Duration.Input | undefined
  readonly healthyWithin?: Duration.Input | undefined
  readonly history?: number | undefined
  readonly root?: boolean | undefined
  readonly catchUp?: C & NoOther<C> | undefined
}

/** A misspelt setting of `catchUp`: its type is inferred, so the compiler does not look for settings that it does not have. */
interface CatchUpDoesNotHave<Setting> {
  readonly setting: Setting
}
type NoOther<C, K extends PropertyKey = Exclude<keyof C, keyof CatchUp>> = [K] extends [never] ? unknown
  : { readonly [Setting in K]: CatchUpDoesNotHave<Setting> }

/** The service of the option `catchUp`. */
type StoreOf<C> = [C] extends [undefined] ? never : LoopStore
type StoreErrorOf<C> = [C] extends [undefined] ? never : LoopStoreError
/** The name under which a loop remembers. */
type NameOf<C> = [C] extends [undefined] ? unknown : { readonly name: string }

/**
 * What a schedule takes before the first run, besides the values of runs: undefined, unless the first run is immediate. By default only
 * a calendar, which may fail with a `CronParseError`, is asked before the first run.
 *
 * @category models
 * @since 0.1.0
 */
export type FirstInput<Immediate, ES> = [Immediate] extends [true] ? never
  : [Immediate] extends [undefined] ? Cron.CronParseError extends ES ? undefined : never
  : undefined

/**
 * Repeats work on a schedule, in the calling fiber.
 *
 * It succeeds with the last output of the schedule when the schedule is done, and with undefined when `stop` ends it.
 * It fails with the first error of the work, unless there is a `backoff`. The schedule sees the value of each run, as
 * with `Effect.repeat`.
 *
 * **When to use**
 *
 * Instead of `Effect.repeat`, for a graceful shutdown, a backoff, an exact cadence or less CPU and memory.
 *
 * **Details**
 *
 * The time of the schedule starts as the wall clock's, and is monotonic from then on: a step of the wall clock does not
 * move it. Only `Period.cron` reads the wall clock again.
 *
 * Dies with an `IllegalArgumentError` that names a bad argument, such as a negative initial delay.
 *
 * **Gotchas**
 *
 * If `stop` completes during the last run, the result is the last output of a schedule of this library, and undefined
 * with another library's schedule. With `backoff`, the failure of a run in flight at the stop is dropped.
 *
 * The work does not see `Schedule.CurrentMetadata`. A `Scope` in its requirements is the caller's, as with
 * `Effect.repeat`: resources of a run stay until that Scope closes. `Effect.scoped(work)` releases them after each run.
 *
 * With a `stop`, each step of another library's schedule runs in its own fiber; its child fibers end with the step.
 * Effect's own `Schedule.cron` does not notice a step of the wall clock here; `Period.cron` does.
 *
 * Very many loops should not share one `Deferred` as their `stop`: the time to close them grows with the square of
 * their number.
 *
 * **Example** (Work that fails at first, and a stop after 10 seconds)
 *
 * ```ts
 * import { Clock, Effect, Fiber } from "effect"
 * import { Backoff, Loop, Period } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const work = Effect.gen(function*() {
 *   starts.push(yield* Clock.currentTimeMillis)
 *   if (starts.length < 3) return yield* Effect.fail("not yet")
 * })
 *
 * const loop = Loop.run(work, Period.nonSliding("4 seconds"), {
 *   backoff: Backoff.exponential({ base: "1 second", cap: "1 minute" }),
 *   stop: Effect.sleep("10 seconds")
 * })
 *
 * await Effect.runPromise(
 *   Effect.gen(function*() {
 *     const fiber = yield* Effect.forkChild(loop)
 *     yield* TestClock.adjust("1 minute")
 *     yield* Fiber.join(fiber)
 *   }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [0, 1000, 3000, 7000]
 * ```
 *
 * @see {@link survive} for work whose failures must not end the loop
 * @category loops
 * @since 0.1.0
 */
export const run: {
  <
    A,
    E,
    Out,
    ES,
    RS,
    EB = never,
    RB = never,
    EH = never,
    RH = never,
    Immediate extends boolean | undefined = undefined
  >(
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options?: Options<NoInfer<E>, EB, RB, EH, RH, Immediate> & { readonly stop?: undefined }
  ): <R>(
    work: Effect.Effect<A, E, R>
  ) => Effect.Effect<Out, E | ES | NoInfer<EB> | NoInfer<EH>, R | RS | NoInfer<RB> | NoInfer<RH>>
  <
    A,
    E,
    Out,
    ES,
    RS,
    SE,
    SR,
    EB = never,
    RB = never,
    EH = never,
    RH = never,
    Immediate extends boolean | undefined = undefined
  >(
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options: Options<NoInfer<E>, EB, RB, EH, RH, Immediate> & StopOption<SE, SR>
  ): <R>(
    work: Effect.Effect<A, E, R>
  ) => Effect.Effect<
    Out | undefined,
    E | ES | NoInfer<EB> | NoInfer<EH> | NoInfer<SE>,
    R | RS | NoInfer<RB> | NoInfer<RH> | NoInfer<SR>
  >
  <
    A,
    E,
    R,
    Out,
    ES,
    RS,
    EB = never,
    RB = never,
    EH = never,
    RH = never,
    Immediate extends boolean | undefined = undefined
  >(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options?: Options<NoInfer<E>, EB, RB, EH, RH, Immediate> & { readonly stop?: undefined }
  ): Effect.Effect<Out, E | ES | NoInfer<EB> | NoInfer<EH>, R | RS | NoInfer<RB> | NoInfer<RH>>
  <
    A,
    E,
    R,
    Out,
    ES,
    RS,
    SE,
    SR,
    EB = never,
    RB = never,
    EH = never,
    RH = never,
    Immediate extends boolean | undefined = undefined
  >(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options: Options<NoInfer<E>, EB, RB, EH, RH, Immediate> & StopOption<SE, SR>
  ): Effect.Effect<
    Out | undefined,
    E | ES | NoInfer<EB> | NoInfer<EH> | NoInfer<SE>,
    R | RS | NoInfer<RB> | NoInfer<RH> | NoInfer<SR>
  >
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, Out, F>(
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A | undefined, F, R>,
  options: Options<E, F, R, F, R> & StopOption<F, R> = noOptions
): Effect.Effect<Out | undefined, E | F, R> =>
  // A Scope keeps this Effect as long as the fiber lives, with all its closures: `contextWith` would make one more.
  Effect.withFiber((fiber) => {
    const context = fiber.context as Context.Context<R> // the type of a fiber does not say what its context has
    const [name, rules, spec] = prepare("Loop.run", context, work, schedule, options)
    return runNamed(
      context,
      name,
      rules,
      spec,
      spec.stop === undefined && Context.get(context, CurrentLoop) !== undefined ? withoutStop : undefined
    )
  }))

// The stop of a loop further out does not end the retries in the runs of this one.
const withoutStop = <B, E, R>(loop: Effect.Effect<B, E, R>): Effect.Effect<B, E, R> =>
  Effect.provideService(loop, CurrentLoop, undefined)

// One record for all loops that have none of their own.
const noOptions = {}

const prepare = <A, E, R, Out, F>(
  caller: string,
  context: Context.Context<R>,
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A | undefined, F, R>,
  { backoff, immediate, initialDelay, name, onFailure, stop }: Options<E, F, R, F, R> & StopOption<F, R>
): readonly [string | undefined, Repeating<A, E, R, Out, F>, Spec<A, E, R, A | undefined, Out, F>] => {
  const checkedName = name === undefined ? name : args.name(`${caller}: name`, name)
  const hook = onFailure === undefined ? onFailure : args.callback(`${caller}: onFailure`, onFailure)
  const bare = repeatingFrom<A, E, R, Out, F>(
    immediate === undefined ? immediate : args.boolean(`${caller}: immediate`, immediate)
  )
  return [
    checkedName,
    backoff === undefined
      ? bare
      : withBackoff(checkedName, bare, toPlan(args.schedule(`${caller}: backoff`, backoff)), hook),
    {
      work: reportFailures(context, work),
      plan: planOf(schedule) ?? toPlan(args.schedule(`${caller}: schedule`, schedule)),
      initialDelay: initialDelay === undefined ? 0 : args.duration(`${caller}: initialDelay`, initialDelay),
      stop: stop === undefined ? stop : args.effect(`${caller}: stop`, stop)
    }
  ]
}

// Reports each failed run once.
const reportFailures = <A, E, R>(context: Context.Context<R>, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Context.get(context, ErrorReporter.CurrentErrorReporters).size === 0
    ? work
    : Effect.onError(work, (cause) => ErrorReporter.report(causeOf(cause)))

/**
 * Repeats work on a schedule, in a fiber of its own that ends with the Scope.
 *
 * - the result is the handle of the loop, see {@link Loop}
 * - the options are those of {@link run}, and `grace`, `healthyWithin`, `history` and `root`
 * - each run has a Scope of its own: it closes when the run ends, and releases the resources of the run
 *
 * **When to use**
 *
 * For the loops of a service. The handle shuts the loop down gracefully, pauses and triggers it, and shows its status.
 * When the Scope closes, it interrupts its loops. With `grace` a run in flight may finish.
 *
 * **Details**
 *
 * A trigger starts a run at once. The run is like any other to the schedule, and counts for `Limit.attempts`. A period
 * (`Period.sliding`, `Period.nonSliding`, `Period.fromStart`) starts again with that run. The slots of `Period.ticker`
 * and `Period.cron` stay: the next slot still has its run. While runs fail, a trigger ends the delay of the `backoff`.
 *
 * Dies with an `IllegalArgumentError` that names a bad argument. A loop that fails logs its Cause at
 * `References.UnhandledLogLevel`, and its failure is in `await`. Each failed run is reported to the `ErrorReporter`s of
 * the context.
 *
 * **Example** (A loop with a status, a trigger and a stop)
 *
 * ```ts
 * import { Effect, Option } from "effect"
 * import { Loop, Period } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const program = Effect.gen(function*() {
 *   const loop = yield* Loop.forkScoped(Effect.void, Period.nonSliding("1 minute"), { healthyWithin: "2 minutes" })
 *   yield* TestClock.adjust("90 seconds")
 *   yield* loop.trigger
 *   yield* TestClock.adjust("10 seconds")
 *   const { lastStart, nextStart, runs, state } = yield* loop.status
 *   const healthy = yield* loop.isHealthy
 *   yield* loop.stop
 *   return { healthy, lastStart, nextStart, runs, state }
 * }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))
 *
 * const result = await Effect.runPromise(program)
 * result.state // => "waiting"
 * result.runs // => 3
 * result.lastStart // => Option.some(90_000)
 * result.nextStart // => Option.some(150_000)
 * result.healthy // => true
 * ```
 *
 * @see {@link run} for a loop in the calling fiber
 * @category loops
 * @since 0.1.0
 */
export const forkScoped: {
  <
    A,
    E,
    Out,
    ES,
    RS,
    EB = never,
    RB = never,
    EH = never,
    RH = never,
    SE = never,
    SR = never,
    Immediate extends boolean | undefined = undefined,
    C extends CatchUp | undefined = undefined
  >(
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options?: ForkOptions<NoInfer<E>, EB, RB, EH, RH, SE, SR, Immediate, C> & NameOf<NoInfer<C>>
  ): <R>(
    work: Effect.Effect<A, E, R>
  ) => Effect.Effect<
    Loop<Out, E | ES | NoInfer<EB> | NoInfer<EH> | NoInfer<SE> | StoreErrorOf<NoInfer<C>>, A>,
    never,
    R | RS | NoInfer<RB> | NoInfer<RH> | NoInfer<SR> | StoreOf<NoInfer<C>> | Scope.Scope
  >
  <
    A,
    E,
    R,
    Out,
    ES,
    RS,
    EB = never,
    RB = never,
    EH = never,
    RH = never,
    SE = never,
    SR = never,
    Immediate extends boolean | undefined = undefined,
    C extends CatchUp | undefined = undefined
  >(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options?: ForkOptions<NoInfer<E>, EB, RB, EH, RH, SE, SR, Immediate, C> & NameOf<NoInfer<C>>
  ): Effect.Effect<
    Loop<Out, E | ES | NoInfer<EB> | NoInfer<EH> | NoInfer<SE> | StoreErrorOf<NoInfer<C>>, A>,
    never,
    R | RS | NoInfer<RB> | NoInfer<RH> | NoInfer<SR> | StoreOf<NoInfer<C>> | Scope.Scope
  >
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, Out, F>(
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A | undefined, F, R>,
  options?: ForkOptions<E, F, R, F, R, F, R, boolean | undefined, CatchUp | undefined>
): Effect.Effect<Loop<Out, E | F | LoopStoreError, A>, never, R | Scope.Scope> =>
  fork("Loop.forkScoped", work, schedule, options))

const fork = <A, E, R, Out, F>(
  caller: string,
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A | undefined, F, R>,
  options: ForkOptions<E, F, R, F, R, F, R, boolean | undefined, CatchUp | undefined> = {}
): Effect.Effect<Loop<Out, E | F | LoopStoreError, A>, never, R | Scope.Scope> =>
  Effect.contextWith((outer: Context.Context<R | Scope.Scope>) => {
    const settings = settingsOf(caller, Context.getOrUndefined(outer, Tracer.ParentSpan), options)
    // With `root` each run starts a trace, outside the span around the loop.
    const context = settings.root ? withoutSpan(outer) : outer
    const [name, rules, spec] = prepare<A, E, R | Scope.Scope, Out, F | LoopStoreError>(
      caller,
      context,
      work,
      schedule,
      options
    )
    const watch = new ForkedWatch(name, settings)
    const { catchUp } = options
    const driver = catchUp === undefined
      ? new ForkedDriver(context, rules, spec, watch)
      : Context.getUnsafe(context, LoopStore).remember(caller, watch, schedule, catchUp)(context, rules, spec)
    const loop = starting(driver, spec)
    return Effect.flatMap(
      Effect.forkScoped(context === outer ? loop : Effect.updateContext(loop, () => context)),
      (fiber) => endWithScope(context, makeHandle(fiber, driver, watch))
    )
  })

// The Scope keeps this Effect while the loop runs, so its closure captures no more than these.
const starting = <A, E, R, Out, F>(
  driver: ForkedDriver<A, E, R, A | undefined, Out, Out | undefined, F>,
  spec: Spec<A, E, R, A | undefined, Out, F>
): Effect.Effect<Out | undefined, E | F, R> => Effect.suspend(() => runDriver(driver, spec))

// The same context without its span. A span is no requirement of any effect.
const withoutSpan = <R>(context: Context.Context<R>): Context.Context<R> =>
  Option.isNone(Context.getOption(context, Tracer.ParentSpan))
    ? context
    : Context.omit(Tracer.ParentSpan)(context) as Context.Context<R>

const settingsOf = (
  caller: string,
  span: Tracer.AnySpan | undefined,
  { grace, healthyWithin, history = 0, root = true }: Pick<
    ForkOptions<never>,
    "grace" | "healthyWithin" | "history" | "root"
  >
): Settings =>
  span === undefined && history === 0 && root === true && (healthyWithin ?? grace) === undefined
    ? plainSettings
    : {
      root: args.boolean(`${caller}: root`, root),
      links: root && span ? [{ span, attributes: {} }] : undefined,
      history: args.integer(`${caller}: history`, history, 0),
      healthyWithin: args.duration(`${caller}: healthyWithin`, healthyWithin ?? Infinity),
      grace: args.duration(`${caller}: grace`, grace ?? 0)
    }

// The rules of a loop with a backoff: it gives the delays while runs fail, and starts again after each success.
const withBackoff = <A, E, R, Out, F>(
  name: string | undefined,
  bare: Repeating<A, E, R, Out, F>,
  plan: Plan<unknown, E, F, R>,
  onFailure: Options<E, F, R, F, R>["onFailure"]
): Repeating<A, E, R, Out, F> => {
  const hook = onFailure ?? warn
  let backoff: Started<unknown, E, F, R> | undefined
  let failures = 0
  return {
    ...bare,
    // The run time of a hook is part of the delay.
    backoff: onFailure === undefined ? plan : { ...plan, timed: true },
    succeeded(loop, value) {
      backoff = undefined
      failures = 0
      return loop.ask(value)
    },
    failed(loop, error, cause) {
      const started = backoff ??= loop.start(plan)
      failures++
      if (onFailure !== undefined) loop.at.awaitLimit()
      return refine(loop.askOther(started, error, cause), (delay) =>
        loop.during(
          delay,
          Effect.scoped(
            annotate("loop", name, Effect.suspend(() => hook({ cause, failures, delay: Duration.millis(delay) })))
          ),
          () => Exit.failCause(cause)
        ))
    }
  }
}

const warn = ({ cause, delay }: Failure<unknown>): Effect.Effect<void> =>
  Effect.logWarning(
    `A run failed; the next one starts in ${formatRounded(delay)}`,
    causeOf(cause)
  )

/**
 * Repeats work on a schedule, in a fiber that ends with the Layer.
 *
 * - `name`: required; {@link all} and {@link health} list the loop under it
 * - the other options are those of {@link forkScoped}
 *
 * **Example** (A loop of a service, and a health check)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Loop, Period } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * let runs = 0
 * const Flush = Loop.layer(Effect.sync(() => ++runs), Period.sliding("1 minute"), {
 *   name: "flush",
 *   grace: "10 seconds",
 *   healthyWithin: "3 minutes"
 * })
 *
 * const program = Effect.gen(function*() {
 *   yield* TestClock.adjust("90 seconds")
 *   return yield* Loop.health
 * }).pipe(Effect.provide(Flush), Effect.provide(TestClock.layer()))
 *
 * const { healthy, loops } = await Effect.runPromise(program)
 * runs // => 2
 * healthy // => true
 * loops.map(({ name, state, runs }) => [name, state, runs]) // => [["flush", "waiting", 2]]
 * ```
 *
 * @see {@link forkScoped} for a loop with a handle
 * @category layers
 * @since 0.1.0
 */
export const layer: {
  <
    A,
    E,
    Out,
    ES,
    RS,
    EB = never,
    RB = never,
    EH = never,
    RH = never,
    SE = never,
    SR = never,
    Immediate extends boolean | undefined = undefined,
    C extends CatchUp | undefined = undefined
  >(
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options: ForkOptions<NoInfer<E>, EB, RB, EH, RH, SE, SR, Immediate, C> & { readonly name: string }
  ): <R>(
    work: Effect.Effect<A, E, R>
  ) => Layer.Layer<
    never,
    never,
    Exclude<R | RS | NoInfer<RB> | NoInfer<RH> | NoInfer<SR> | StoreOf<NoInfer<C>>, Scope.Scope>
  >
  <
    A,
    E,
    R,
    Out,
    ES,
    RS,
    EB = never,
    RB = never,
    EH = never,
    RH = never,
    SE = never,
    SR = never,
    Immediate extends boolean | undefined = undefined,
    C extends CatchUp | undefined = undefined
  >(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options: ForkOptions<NoInfer<E>, EB, RB, EH, RH, SE, SR, Immediate, C> & { readonly name: string }
  ): Layer.Layer<
    never,
    never,
    Exclude<R | RS | NoInfer<RB> | NoInfer<RH> | NoInfer<SR> | StoreOf<NoInfer<C>>, Scope.Scope>
  >
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, Out, F>(
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A | undefined, F, R>,
  options: ForkOptions<E, F, R, F, R, F, R, boolean | undefined, CatchUp | undefined> & { readonly name: string }
): Layer.Layer<never, never, Exclude<R, Scope.Scope>> =>
  Layer.effectDiscard(Effect.suspend(() => {
    args.requiredName("Loop.layer: name", options.name)
    return fork("Loop.layer", work, schedule, options)
  })))

/**
 * The loops with a name, until their Scope closes. Default: one registry for the process. A test or a library can
 * provide its own.
 *
 * **Example** (Your own registry)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Loop, Period } from "effect-wait"
 *
 * const names = Effect.gen(function*() {
 *   yield* Loop.forkScoped(Effect.void, Period.sliding("1 minute"), { name: "flush" })
 *   return (yield* Loop.all).map((loop) => loop.name)
 * }).pipe(Effect.scoped, Effect.provideService(Loop.Registry, new Set()))
 *
 * await Effect.runPromise(names) // => ["flush"]
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const Registry: Context.Reference<Set<Loop<unknown, unknown>>> = registry

/**
 * The loops of {@link layer} and {@link forkScoped} that have a name and an open Scope, from the oldest to the newest.
 *
 * **Example** (Stop every loop)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Loop, Period } from "effect-wait"
 *
 * const program = Effect.gen(function*() {
 *   yield* Loop.forkScoped(Effect.void, Period.sliding("1 minute"), { name: "flush" })
 *   yield* Loop.forkScoped(Effect.void, Period.sliding("1 minute"), { name: "sync" })
 *   const loops = yield* Loop.all
 *   yield* Effect.forEach(loops, (loop) => loop.stop, { concurrency: "unbounded" })
 *   return loops.map((loop) => loop.name)
 * }).pipe(Effect.scoped, Effect.provideService(Loop.Registry, new Set()))
 *
 * await Effect.runPromise(program) // => ["flush", "sync"]
 * ```
 *
 * @see {@link health} for a health check
 * @category getters
 * @since 0.1.0
 */
export const all: Effect.Effect<ReadonlyArray<Loop<unknown, unknown>>> = Effect.map(
  registry,
  (loops) => Array.from(loops)
)

/**
 * The answer of a health check.
 *
 * - `healthy`: whether all loops are healthy
 * - `loops`: each loop with its status
 *
 * @category models
 * @since 0.1.0
 */
export interface Health {
  readonly healthy: boolean
  readonly loops: ReadonlyArray<Snapshot>
}

/**
 * The answer of a health check: a boolean, and each loop with its status. It can be served as JSON.
 *
 * - a loop that has failed is unhealthy, and so is a loop without a success for longer than its `healthyWithin`
 * - a loop that has completed, was stopped or is paused is healthy
 *
 * **Example** (A loop that has failed)
 *
 * ```ts
 * import { Effect, Logger } from "effect"
 * import { Loop, Period } from "effect-wait"
 *
 * const program = Effect.gen(function*() {
 *   const loop = yield* Loop.forkScoped(Effect.fail("away"), Period.sliding("1 minute"), { name: "flush" })
 *   yield* loop.await
 *   return yield* Loop.health
 * }).pipe(Effect.scoped, Effect.provideService(Loop.Registry, new Set()), Effect.provide(Logger.layer([])))
 *
 * const { healthy, loops } = await Effect.runPromise(program)
 * healthy // => false
 * loops.map(({ name, state, lastFailure }) => [name, state, lastFailure]) // => [["flush", "ended", "away"]]
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const health: Effect.Effect<Health> = Effect.map(all, (list) => {
  const loops = list.map((loop) => loop.toJSON())
  return { healthy: loops.every(({ healthy }) => healthy), loops }
})

/**
 * Options of {@link survive}.
 *
 * - `name`: annotates the log entry as `loop`. In a loop without a name, `effect_wait_failures_total` counts under this
 *   name too. Default: the name of the loop
 * - `onCause`: a hook that runs after the log entry. Its failure is the failure of the run
 *
 * @category models
 * @since 0.1.0
 */
export interface SurviveOptions<E, E2 = never, R2 = never> {
  readonly name?: string | undefined
  readonly onCause?: ((cause: Cause.Cause<E>) => Effect.Effect<unknown, E2, R2>) | undefined
}

/**
 * Logs the Cause of a failed run, so that the loop continues. Go's `HandleCrash` with `ReallyCrash` false.
 *
 * - the value is the value of the work, or undefined after a failed run
 * - a defect counts as a failure, and so does a run that interrupts itself. Interruption of the loop's fiber passes
 *   through
 *
 * **Example** (A loop that continues after a defect)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Limit, Loop, Period } from "effect-wait"
 *
 * let runs = 0
 * const work = Effect.suspend(() => ++runs === 2 ? Effect.die("boom") : Effect.void).pipe(
 *   Loop.survive({ name: "sync" })
 * )
 *
 * await Effect.runPromise(Loop.run(work, Period.sliding("1 milli").pipe(Limit.attempts(3))))
 *
 * runs // => 3
 * ```
 *
 * @see `Options.backoff` for longer delays while runs fail
 * @category combinators
 * @since 0.1.0
 */
export const survive: {
  <E, E2 = never, R2 = never>(
    options?: SurviveOptions<E, E2, R2>
  ): <A, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A | undefined, NoInfer<E2>, R | NoInfer<R2>>
  <A, E, R, E2 = never, R2 = never>(
    work: Effect.Effect<A, E, R>,
    options?: SurviveOptions<E, E2, R2>
  ): Effect.Effect<A | undefined, NoInfer<E2>, R | NoInfer<R2>>
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, E2, R2>(
  work: Effect.Effect<A, E, R>,
  options: SurviveOptions<E, E2, R2> = {}
): Effect.Effect<A | undefined, E2, R | R2> =>
  Effect.suspend(() => {
    const name = args.name("Loop.survive: name", options.name)
    const onCause = args.callback("Loop.survive: onCause", options.onCause)
    return Effect.catchCause(work, (cause) => {
      const log = Effect.logError("A run failed; the loop goes on", cause)
      return pendingInterruption.pipe(
        Effect.andThen(countFailure(cause, name)),
        Effect.andThen(ErrorReporter.report(cause)),
        Effect.andThen(annotate("loop", name, log)),
        Effect.andThen(onCause === undefined ? Effect.undefined : Effect.as(onCause(cause), undefined))
      )
    })
  }))

// Under the name of the loop if the loop has one, else under the name of `survive`.
const countFailure = (cause: Cause.Cause<unknown>, name: string | undefined): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const run = fiber.getRef(CurrentRun)?.watch
    run?.survived(cause)
    if (run?.meter === undefined && name !== undefined) {
      meterOf(fiber.context, "loop", name).failures.updateUnsafe(1, fiber.context)
    }
    return Effect.void
  })

// In an uninterruptible region the Cause of a run can contain an interruption of the fiber that is still pending.
const pendingInterruption = Effect.interruptible(Effect.void)

/**
 * Completes when the signal is aborted: a `stop` for code that has an `AbortSignal`. When the effect ends, its listener
 * is removed.
 *
 * **Example** (An abort during a long delay)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Loop, Period } from "effect-wait"
 *
 * const controller = new AbortController()
 * let runs = 0
 * const work = Effect.sync(() => {
 *   runs++
 *   setTimeout(() => controller.abort(), 5)
 * })
 *
 * await Effect.runPromise(
 *   Loop.run(work, Period.sliding("1 hour"), { stop: Loop.fromAbortSignal(controller.signal) })
 * )
 *
 * runs // => 1
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromAbortSignal = (signal: AbortSignal): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const abort = () => resume(Effect.void)
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })
