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
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { NoInfer } from "effect/Types"
import * as args from "./internal/args.ts"
import { Driver, type Spec } from "./internal/driver.ts"
import { toPlan } from "./internal/foreign.ts"
import { type Loop, makeHandle } from "./internal/handle.ts"
import { meterOf } from "./internal/meter.ts"
import type { Plan, Started } from "./internal/plan.ts"
import { type Repeating, repeating } from "./internal/repeating.ts"
import { run as runDriver, runNamed } from "./internal/run.ts"
import { CurrentLoop, hasStopped, type Stoppable, unheard } from "./internal/stopping.ts"
import { CurrentRun, Watch } from "./internal/watch.ts"

export type { Loop, Status } from "./internal/handle.ts"

/**
 * Options of {@link run} and {@link forkScoped}.
 *
 * - `name`: makes the loop visible. Each run is a span of this name, with `attempt`, `scheduledTime` (in milliseconds since the
 *   epoch) and `lateness` (in milliseconds); what runs log is annotated with `loop`; and Effect's metrics tell, by `kind`
 *   and `name`: `effect_wait_runs_total`, `_failures_total`, `_retries_total`, `_give_ups_total`, `_missed_total`,
 *   `_run_duration_seconds`, `_lateness_seconds`, `_delay_seconds`, `_last_success_timestamp_seconds`, and by `state` as well
 *   `_active`. Names should be few: a registry keeps what it has once counted. Without a name none of it is done
 * - `initialDelay`: how long to wait before the first run; default 0. Everything else counts from then on
 * - `backoff`: while runs fail with a typed error, the loop follows this schedule instead, afresh after each success. The
 *   loop's own schedule is not asked then, and counts no attempt. When the backoff is done, the loop fails with the last
 *   error. Without it the first failure ends the loop. A defect always does
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E, EB = never, RB = never> {
  readonly name?: string | undefined
  readonly initialDelay?: Duration.Input | undefined
  readonly backoff?: Schedule.Schedule<unknown, E, EB, RB> | undefined
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
 * schedule is of this library, and undefined for any other. The work does not see `Schedule.CurrentMetadata`. With a stop, the
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
  <A, E, Out, ES, RS, EB = never, RB = never>(
    schedule: Schedule.Schedule<Out, NoInfer<A>, ES, RS>,
    options?: Options<NoInfer<E>, EB, RB> & { readonly stop?: undefined }
  ): <R>(work: Effect.Effect<A, E, R>) => Effect.Effect<Out, E | ES | NoInfer<EB>, R | RS | NoInfer<RB>>
  <A, E, Out, ES, RS, SE, SR, EB = never, RB = never>(
    schedule: Schedule.Schedule<Out, NoInfer<A>, ES, RS>,
    options: Options<NoInfer<E>, EB, RB> & StopOption<SE, SR>
  ): <R>(
    work: Effect.Effect<A, E, R>
  ) => Effect.Effect<Out | undefined, E | ES | NoInfer<EB> | NoInfer<SE>, R | RS | NoInfer<RB> | NoInfer<SR>>
  <A, E, R, Out, ES, RS, EB = never, RB = never>(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A>, ES, RS>,
    options?: Options<NoInfer<E>, EB, RB> & { readonly stop?: undefined }
  ): Effect.Effect<Out, E | ES | NoInfer<EB>, R | RS | NoInfer<RB>>
  <A, E, R, Out, ES, RS, SE, SR, EB = never, RB = never>(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A>, ES, RS>,
    options: Options<NoInfer<E>, EB, RB> & StopOption<SE, SR>
  ): Effect.Effect<Out | undefined, E | ES | NoInfer<EB> | NoInfer<SE>, R | RS | NoInfer<RB> | NoInfer<SR>>
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, Out, F>(
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A, F, R>,
  options: Options<E, F, R> & StopOption<F, R> = {}
): Effect.Effect<Out | undefined, E | F, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const [name, rules, spec] = looping("Loop.run", work, schedule, options)
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
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A, F, R>,
  { backoff, initialDelay, name, stop }: Options<E, F, R> & StopOption<F, R>
): readonly [string | undefined, Repeating<A, E, R, Out, F>, Spec<A, E, R, A, Out, F>] => [
  name === undefined ? name : args.name(`${caller}: name`, name),
  backoff === undefined ? repeating : following(toPlan(args.schedule(`${caller}: backoff`, backoff))),
  {
    work,
    plan: toPlan(args.schedule(`${caller}: schedule`, schedule)),
    initialDelay: initialDelay === undefined ? 0 : args.duration(`${caller}: initialDelay`, initialDelay),
    stop: stop === undefined ? stop : args.effect(`${caller}: stop`, stop)
  }
]

/**
 * Repeats work on a schedule, in a fiber of its own that ends with the Scope.
 *
 * - the result is the handle of the loop, see {@link Loop}
 * - the options are those of {@link run}
 *
 * **When to use**
 *
 * For loops of a service: what must be stopped gracefully, run now, or be asked at 3 a.m. whether it still runs. Loops in one
 * Scope end together when that is closed: it interrupts them. To let a run in flight finish when the Scope closes, make it
 * `Effect.acquireRelease(Loop.forkScoped(work, schedule), (loop) => loop.stop)`.
 *
 * **Details**
 *
 * A trigger begins a run at once, and the schedule is asked after it as after any other: it counts for `Limit.attempts`. A
 * period (`Period.sliding`, `Period.nonSliding`, `Period.fromStart`) begins anew with that run. The slots of `Period.ticker` and
 * `Period.cron` stay where they are: the one that was to come is served too. While runs fail, a trigger ends the delay of the `backoff`.
 *
 * It dies with an `IllegalArgumentError` where {@link run} does. A loop that fails logs its Cause; the failure is in `await`.
 *
 * **Example** (A loop that is asked, triggered and stopped)
 *
 * ```ts
 * import { Effect, Option } from "effect"
 * import { Loop, Period } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const program = Effect.gen(function*() {
 *   const loop = yield* Loop.forkScoped(Effect.void, Period.nonSliding("1 minute"), { name: "sync" })
 *   yield* TestClock.adjust("90 seconds")
 *   yield* loop.trigger
 *   yield* TestClock.adjust("10 seconds")
 *   const { lastStart, nextStart, runs, state } = yield* loop.status
 *   const healthy = yield* loop.isHealthy({ within: "2 minutes" })
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
  <A, E, Out, ES, RS, EB = never, RB = never, SE = never, SR = never>(
    schedule: Schedule.Schedule<Out, NoInfer<A>, ES, RS>,
    options?: Options<NoInfer<E>, EB, RB> & StopOption<SE, SR>
  ): <R>(
    work: Effect.Effect<A, E, R>
  ) => Effect.Effect<
    Loop<Out, E | ES | NoInfer<EB> | NoInfer<SE>>,
    never,
    R | RS | NoInfer<RB> | NoInfer<SR> | Scope.Scope
  >
  <A, E, R, Out, ES, RS, EB = never, RB = never, SE = never, SR = never>(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A>, ES, RS>,
    options?: Options<NoInfer<E>, EB, RB> & StopOption<SE, SR>
  ): Effect.Effect<
    Loop<Out, E | ES | NoInfer<EB> | NoInfer<SE>>,
    never,
    R | RS | NoInfer<RB> | NoInfer<SR> | Scope.Scope
  >
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, Out, F>(
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A, F, R>,
  options: Options<E, F, R> & StopOption<F, R> = {}
): Effect.Effect<Loop<Out, E | F>, never, R | Scope.Scope> =>
  Effect.suspend(() => {
    const [name, rules, spec] = looping("Loop.forkScoped", work, schedule, options)
    const watch = new Watch("loop", name, { logs: true })
    return Effect.flatMap(Effect.context<R | Scope.Scope>(), (context) => {
      const driver = new Driver(context, rules, spec, watch, true)
      return Effect.map(
        Effect.forkScoped(Effect.suspend(() => runDriver(driver, spec, heard))),
        (fiber) => makeHandle(fiber, driver, watch)
      )
    })
  }))

// While runs fail, the loop follows the backoff, which starts again after each success.
const following = <A, E, R, Out, F>(plan: Plan<unknown, E, F, R>): Repeating<A, E, R, Out, F> => {
  let backoff: Started<unknown, E, F, R> | undefined
  return {
    ...repeating,
    detour: plan,
    succeeded(loop, value) {
      backoff = undefined
      return loop.ask(value)
    },
    failed: (loop, error, cause) => loop.askOther(backoff ??= loop.start(plan), error, cause)
  }
}

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
