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
 * **Two ways to end a loop.** Interruption (`Fiber.interrupt`, a Scope that closes, `Effect.timeout`) cuts the sleep and the
 * run in flight, as everywhere in Effect. `stop` is the graceful way, Go's stop channel: it ends a sleep at once, and lets
 * the run in flight finish. Where only the run has to be protected, plain Effect is enough: `Effect.uninterruptible(work)`
 * and an interrupt.
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
import type * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { NoInfer } from "effect/Types"
import * as args from "./internal/args.ts"
import { causeOf } from "./internal/causeOf.ts"
import { endWithScope, registry } from "./internal/closing.ts"
import { Driver, type Spec } from "./internal/driver.ts"
import { toPlan } from "./internal/foreign.ts"
import { type Loop, makeHandle, type Snapshot } from "./internal/handle.ts"
import { meterOf } from "./internal/meter.ts"
import { refine } from "./internal/next.ts"
import type { Plan, Started } from "./internal/plan.ts"
import { type Repeating, repeating, repeatingAtOnce } from "./internal/repeating.ts"
import { run as runDriver, runNamed } from "./internal/run.ts"
import { CurrentLoop, hasStopped, type Stoppable, unheard } from "./internal/stopping.ts"
import { CurrentRun, forkedPlainly, type Settings, Watch, withoutSpan } from "./internal/watch.ts"

export type { Loop, Run, Snapshot, Status } from "./internal/handle.ts"

/**
 * A run that failed in a loop that goes on.
 *
 * - `cause`: why it failed
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
 * - `name`: makes the loop visible. Each run is a span of this name, with `attempt`, `scheduledTime` (in milliseconds since the
 *   epoch) and `lateness` (in milliseconds). Log entries of runs are annotated with `loop`. Effect's metrics count by `kind`
 *   and `name`: `effect_wait_runs_total`, `_failures_total`, `_retries_total`, `_missed_total`,
 *   `_run_duration_seconds`, `_lateness_seconds`, `_delay_seconds`, `_last_success_timestamp_seconds`; `_active` also by `state`,
 *   and `_give_ups_total` by `reason` (`error`, `defect`, or `exhausted` when the backoff is done). Names should be few: a
 *   registry keeps every series. Without a name there are no spans and metrics
 * - `immediate`: whether the first run starts at once, default true, but false for a calendar: `Period.cron`, also inside of
 *   Effect's combinators. With `false` it starts after the first delay of the schedule, which takes undefined for the value that no run
 *   has given yet
 * - `initialDelay`: the delay before the loop starts; default 0
 * - `backoff`: the schedule that the loop follows while runs fail with a typed error. It starts again after each success. The loop's
 *   own schedule is not stepped meanwhile, and counts no attempt. When the backoff is done, the loop fails with the last error.
 *   Without a backoff the first failure ends the loop. A defect always does, unless `Effect.sandbox(work)` makes it a typed error
 * - `onFailure`: a hook for each failed run that the loop outlives. It runs inside the delay of the backoff, in a Scope of its
 *   own; a stop interrupts it, and its own failure ends the loop. Default: a log entry of level Warn with the cause and the delay
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
 * The graceful end of a loop.
 *
 * - `stop`: an effect that completes when the loop must end, such as `Deferred.await`, `Effect.sleep` or
 *   {@link fromAbortSignal}. It is run once, at the very beginning; one that completes without suspending starts no run at
 *   all. It ends a sleep at once; a run in flight finishes first. It is interrupted when the loop ends. Its own failure or
 *   defect ends the loop at the same boundary
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
 * - `grace`: how long a run in flight may go on when the Scope closes; it is interrupted then. Default 0. All loops of a Scope
 *   stop when the first of them does, and end side by side. Infinity waits as long as the run takes
 * - `healthyWithin`: the loop is unhealthy when no run has succeeded for longer. Default: only a loop that has failed is unhealthy
 * - `history`: how many ended runs the handle remembers; default 0
 * - `root`: whether each run starts a trace of its own, linked to the span in which the loop was made. Default true. With `false`
 *   the spans of runs are children of that span
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
  Immediate extends boolean | undefined = boolean | undefined
> extends Options<E, EB, RB, EH, RH, Immediate>, StopOption<SE, SR> {
  readonly grace?: Duration.Input | undefined
  readonly healthyWithin?: Duration.Input | undefined
  readonly history?: number | undefined
  readonly root?: boolean | undefined
}

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
 * It succeeds with the last output of the schedule when that is done; with undefined when it was stopped; and fails with the
 * first error of the work, unless `backoff` takes it. The schedule sees the value of each run, as with `Effect.repeat`.
 *
 * **When to use**
 *
 * Wherever `Effect.repeat` would do, and `stop`, `backoff` or an exact cadence is wanted. With a schedule of this library it
 * costs a fraction of it.
 *
 * **Details**
 *
 * The schedule's time cannot be stepped: it is the wall clock's at the beginning, and monotonic from then on. Only
 * `Period.cron` looks at the wall clock.
 *
 * Dies with an `IllegalArgumentError` for an initial delay that is negative or NaN, and for what is not a Schedule.
 *
 * **Gotchas**
 *
 * When the stop comes during the run after which the schedule would be done, the result is the schedule's last output where the
 * schedule is of this library, and undefined for any other. The work does not see `Schedule.CurrentMetadata`. A `Scope` in the
 * requirements is that of the caller, as with `Effect.repeat`: what runs acquire stays until it closes. `Effect.scoped(work)` releases it
 * at the end of each run. With a stop, the
 * steps of a schedule that is not of this library run in a fiber of their own each: what they fork as children ends with them.
 *
 * A `stop` that is shared by very many loops should not be one `Deferred`: closing is quadratic in them. With `backoff`, a
 * run that fails after the stop came counts for nothing. Effect's own `Schedule.cron` does not notice here that the wall clock
 * is stepped; `Period.cron` does.
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
  options: Options<E, F, R, F, R> & StopOption<F, R> = {}
): Effect.Effect<Out | undefined, E | F, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const [name, rules, spec] = looping("Loop.run", context, work, schedule, options)
    const hear = hearing(context, spec.stop !== undefined)
    return runNamed(context, name, rules, spec, hear && ((loop, driver) => endWell(hear(loop, driver), driver)))
  }))

type Hearing = <B, E, R>(loop: Effect.Effect<B, E, R>, driver: Stoppable) => Effect.Effect<B, E, R>

// Retries in the runs hear the stop of the nearest loop, and of no other.
const heard: Hearing = (loop, driver) =>
  Effect.updateService(loop, CurrentLoop, (outer) => outer === unheard ? undefined : driver)

// A failure of a run ends a plain loop, also that of a retry which the loop's stop has ended.
const endWell = <Out, E, R>(
  loop: Effect.Effect<Out | undefined, E, R>,
  driver: { readonly stopped: Exit.Exit<unknown, E> | undefined }
): Effect.Effect<Out | undefined, E, R> =>
  Effect.catchCause(loop, (cause) => {
    const { stopped } = driver
    if (stopped === undefined || !hasStopped(cause)) return Effect.failCause(cause)
    return Exit.isSuccess(stopped) ? Effect.undefined : Effect.failCause(stopped.cause)
  })

const unstoppable: Hearing = (loop) => Effect.provideService(loop, CurrentLoop, undefined)

const hearing = (context: Context.Context<never>, canStop: boolean): Hearing | undefined =>
  canStop ? heard : Context.get(context, CurrentLoop) === undefined ? undefined : unstoppable

const looping = <A, E, R, Out, F>(
  caller: string,
  context: Context.Context<R>,
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A | undefined, F, R>,
  { backoff, immediate, initialDelay, name, onFailure, stop }: Options<E, F, R, F, R> & StopOption<F, R>
): readonly [string | undefined, Repeating<A, E, R, Out, F>, Spec<A, E, R, A | undefined, Out, F>] => {
  const called = name === undefined ? name : args.name(`${caller}: name`, name)
  const hook = args.callback(`${caller}: onFailure`, onFailure)
  const bare: Repeating<A, E, R, Out, F> = immediate === undefined
    ? repeating
    : args.boolean(`${caller}: immediate`, immediate)
    ? repeatingAtOnce
    : { ...repeating, first: (loop) => loop.ask(undefined) }
  return [
    called,
    backoff === undefined
      ? bare
      : following(called, bare, toPlan(args.schedule(`${caller}: backoff`, backoff)), hook),
    {
      work: reported(context, work),
      plan: toPlan(args.schedule(`${caller}: schedule`, schedule)),
      initialDelay: initialDelay === undefined ? 0 : args.duration(`${caller}: initialDelay`, initialDelay),
      stop: stop === undefined ? stop : args.effect(`${caller}: stop`, stop)
    }
  ]
}

// Each failed run is reported once.
const reported = <A, E, R>(context: Context.Context<R>, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Context.get(context, ErrorReporter.CurrentErrorReporters).size === 0
    ? work
    : Effect.onError(work, (cause) => ErrorReporter.report(causeOf(cause)))

/**
 * Repeats work on a schedule, in a fiber of its own that ends with the Scope.
 *
 * - the result is the handle of the loop, see {@link Loop}
 * - the options are those of {@link run}, and `grace`, `healthyWithin`, `history` and `root`
 * - each run has a Scope of its own: what a run acquires is released when the run ends, however it ends
 *
 * **When to use**
 *
 * For loops of a service: they can be stopped gracefully, paused and run now, and have a status. Loops in one Scope end together
 * when it closes: it interrupts them. With `grace` a run in flight may finish.
 *
 * **Details**
 *
 * A trigger begins a run at once, and the schedule is asked after it as after any other: it counts for `Limit.attempts`. A
 * period (`Period.sliding`, `Period.nonSliding`, `Period.fromStart`) begins anew with that run. The slots of `Period.ticker` and
 * `Period.cron` stay where they are: the one that was to come is served too. While runs fail, a trigger ends the delay of the `backoff`.
 *
 * It dies with an `IllegalArgumentError` where {@link run} does, and for options that are not allowed. A loop that fails logs its Cause
 * at `References.UnhandledLogLevel`, and its failure is in `await`. Each failed run is reported to the `ErrorReporter`s of the context.
 *
 * **Example** (A loop that is asked, triggered and stopped)
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
 * const seen = await Effect.runPromise(program)
 * seen.state // => "waiting"
 * seen.runs // => 3
 * seen.lastStart // => Option.some(90_000)
 * seen.nextStart // => Option.some(150_000)
 * seen.healthy // => true
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
    Immediate extends boolean | undefined = undefined
  >(
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options?: ForkOptions<NoInfer<E>, EB, RB, EH, RH, SE, SR, Immediate>
  ): <R>(
    work: Effect.Effect<A, E, R>
  ) => Effect.Effect<
    Loop<Out, E | ES | NoInfer<EB> | NoInfer<EH> | NoInfer<SE>, A>,
    never,
    R | RS | NoInfer<RB> | NoInfer<RH> | NoInfer<SR> | Scope.Scope
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
    Immediate extends boolean | undefined = undefined
  >(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options?: ForkOptions<NoInfer<E>, EB, RB, EH, RH, SE, SR, Immediate>
  ): Effect.Effect<
    Loop<Out, E | ES | NoInfer<EB> | NoInfer<EH> | NoInfer<SE>, A>,
    never,
    R | RS | NoInfer<RB> | NoInfer<RH> | NoInfer<SR> | Scope.Scope
  >
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, Out, F>(
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A | undefined, F, R>,
  options?: ForkOptions<E, F, R, F, R, F, R>
): Effect.Effect<Loop<Out, E | F, A>, never, R | Scope.Scope> => fork("Loop.forkScoped", work, schedule, options))

const fork = <A, E, R, Out, F>(
  caller: string,
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A | undefined, F, R>,
  options: ForkOptions<E, F, R, F, R, F, R> = {}
): Effect.Effect<Loop<Out, E | F, A>, never, R | Scope.Scope> =>
  Effect.contextWith((outer: Context.Context<R | Scope.Scope>) => {
    const settings = settingsOf(caller, Context.getOrUndefined(outer, Tracer.ParentSpan), options)
    // Each run starts a trace: the span around the loop goes no further.
    const context = settings.root ? withoutSpan(outer) : outer
    const [name, rules, spec] = looping<A, E, R | Scope.Scope, Out, F>(caller, context, work, schedule, options)
    const watch = new Watch("loop", name, settings)
    const driver = new Driver(context, rules, spec, watch, true)
    const loop = Effect.suspend(() => runDriver(driver, spec))
    return Effect.flatMap(
      Effect.forkScoped(context === outer ? loop : Effect.updateContext(loop, () => context)),
      (fiber) => endWithScope(context, makeHandle(fiber, driver, watch))
    )
  })

const settingsOf = (
  caller: string,
  span: Tracer.AnySpan | undefined,
  { grace, healthyWithin, history = 0, root = true }: Pick<
    ForkOptions<never>,
    "grace" | "healthyWithin" | "history" | "root"
  >
): Settings =>
  span === undefined && history === 0 && root === true && (healthyWithin ?? grace) === undefined
    ? forkedPlainly
    : {
      isForked: true,
      root: args.boolean(`${caller}: root`, root),
      link: root ? span : undefined,
      history: args.integer(`${caller}: history`, history, 0),
      healthyWithin: args.duration(`${caller}: healthyWithin`, healthyWithin ?? Infinity),
      grace: args.duration(`${caller}: grace`, grace ?? 0)
    }

// While runs fail, the loop follows the backoff, which starts again after each success.
const following = <A, E, R, Out, F>(
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
    // The time that a hook takes counts.
    detour: onFailure === undefined ? plan : { ...plan, timed: true },
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
          Effect.scoped(annotate(name, Effect.suspend(() => hook({ cause, failures, delay: Duration.millis(delay) })))),
          () => Exit.failCause(cause)
        ))
    }
  }
}

const warn = ({ cause, delay }: Failure<unknown>): Effect.Effect<void> =>
  Effect.logWarning(
    `A run failed; the next one starts in ${Duration.format(Duration.millis(Math.round(Duration.toMillis(delay))))}`,
    causeOf(cause)
  )

const annotate = <A, E, R>(name: string | undefined, hook: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  name === undefined ? hook : Effect.annotateLogs(hook, "loop", name)

/**
 * Repeats work on a schedule, in a fiber that ends with the Layer.
 *
 * - `name`: is required; {@link all} and {@link health} list the loop
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
    Immediate extends boolean | undefined = undefined
  >(
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options: ForkOptions<NoInfer<E>, EB, RB, EH, RH, SE, SR, Immediate> & { readonly name: string }
  ): <R>(
    work: Effect.Effect<A, E, R>
  ) => Layer.Layer<never, never, Exclude<R | RS | NoInfer<RB> | NoInfer<RH> | NoInfer<SR>, Scope.Scope>>
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
    Immediate extends boolean | undefined = undefined
  >(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A> | FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options: ForkOptions<NoInfer<E>, EB, RB, EH, RH, SE, SR, Immediate> & { readonly name: string }
  ): Layer.Layer<never, never, Exclude<R | RS | NoInfer<RB> | NoInfer<RH> | NoInfer<SR>, Scope.Scope>>
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, Out, F>(
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A | undefined, F, R>,
  options: ForkOptions<E, F, R, F, R, F, R> & { readonly name: string }
): Layer.Layer<never, never, Exclude<R, Scope.Scope>> =>
  Layer.effectDiscard(Effect.suspend(() => {
    args.requiredName("Loop.layer: name", options.name)
    return fork("Loop.layer", work, schedule, options)
  })))

/**
 * Where the loops with a name are listed, each until its Scope closes. Default: one list for the process. Tests and libraries can
 * provide their own.
 *
 * **Example** (A registry of one's own)
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
 * The loops with a name, in the order in which they were made: those of `Loop.layer` and `Loop.forkScoped` whose Scope is open.
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
 * What a health check answers: a boolean, and each loop with its status. It can be served as JSON.
 *
 * - a loop that has failed is unhealthy, and so is one without a success for longer than its `healthyWithin`
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
 * - `name`: annotates the log entry as `loop`; in a loop without a name, `effect_wait_failures_total` goes by it too. Default: what
 *   the loop is called
 * - `onCause`: is run after the entry was logged; what it fails with ends the run
 *
 * @category models
 * @since 0.1.0
 */
export interface SurviveOptions<E, E2 = never, R2 = never> {
  readonly name?: string | undefined
  readonly onCause?: ((cause: Cause.Cause<E>) => Effect.Effect<unknown, E2, R2>) | undefined
}

/**
 * Logs the Cause of a failed run and goes on: Go's `HandleCrash` with `ReallyCrash` false. Defects and runs that interrupt
 * themselves count as failed; the interruption of the loop's own fiber is never swallowed.
 *
 * - the value is that of the work, or undefined for a run that failed
 *
 * **Example** (A loop that outlives its work)
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
 * @see `Options.backoff` for a loop that waits longer while its work fails
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
      const logged = Effect.logError("A run failed; the loop goes on", cause)
      return ownInterruption.pipe(
        Effect.andThen(counted(cause, name)),
        Effect.andThen(ErrorReporter.report(cause)),
        Effect.andThen(name === undefined ? logged : Effect.annotateLogs(logged, "loop", name)),
        Effect.andThen(onCause === undefined ? Effect.undefined : Effect.as(onCause(cause), undefined))
      )
    })
  }))

// By the loop where that is watched; by the name of its own where the loop has none.
const counted = (cause: Cause.Cause<unknown>, name: string | undefined): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const run = fiber.getRef(CurrentRun)?.watch
    run?.survived(cause)
    if (run?.meter === undefined && name !== undefined) {
      meterOf(fiber.context, "loop", name).failures.updateUnsafe(1, fiber.context)
    }
    return Effect.void
  })

// In an uninterruptible region the interruption of the fiber comes along with the Cause of a run; it is still pending then.
const ownInterruption = Effect.interruptible(Effect.void)

/**
 * Completes when the signal is aborted: a `stop` for code that has an `AbortSignal`. The listener goes with the effect.
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
