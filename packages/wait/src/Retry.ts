/**
 * Repeat a failing effect, by its typed error. client-go's `retry.OnError` and `retry.RetryOnConflict`.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Limit, Timeline } from "effect-wait"
 *
 * // The attempts of Retry.run, of 200 ms each
 * const schedule = Backoff.exponential({ base: "500 millis", cap: "10 seconds" }).pipe(Limit.attempts(5))
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { work: 200, until: "1 minute" }))
 *
 * console.log(Timeline.render(timeline, { width: 50 }))
 * ```
 *
 * ```text
 * |..[]....[].........[]...................[]
 * 0         2s        4s        6s        8s
 * ```
 *
 * **Three bounds in time.** `attemptTimeout` cuts one attempt. `Limit.within` in the schedule decides before a delay, and never
 * cuts. `Effect.timeout` around it all cuts whatever is going on.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { constant, constTrue, constUndefined, dual, type LazyArg } from "effect/Function"
import * as Option from "effect/Option"
import type * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import type { NoInfer } from "effect/Types"
import * as args from "./internal/args.ts"
import { millisSince } from "./internal/clocked.ts"
import { driveNamed } from "./internal/drive.ts"
import { Driver, type Task } from "./internal/driver.ts"
import { planOf } from "./internal/step.ts"
import { RetryBudget } from "./RetryBudget.ts"
import { RetryExhausted } from "./RetryExhausted.ts"

export { hint } from "./internal/hint.ts"
export { match } from "./internal/match.ts"
export { RetryExhausted } from "./RetryExhausted.ts"

/**
 * What `onRetry` is told before a delay.
 *
 * - `error`: of the attempt that failed
 * - `attempt`: its number, from 1
 * - `delay`: until the next attempt
 * - `elapsed`: since the start of the first attempt
 *
 * @category models
 * @since 0.1.0
 */
export interface Retrying<out E> {
  readonly error: E
  readonly attempt: number
  readonly delay: Duration.Duration
  readonly elapsed: Duration.Duration
}

/**
 * Options of {@link run}.
 *
 * - `while`: which errors are tried again; default: all. Any other one is the failure as it is
 * - `attemptTimeout`: how long an attempt may take; default: for ever. It is interrupted then, and has failed with a
 *   `Cause.TimeoutError`, which is an error like others. One that cannot be interrupted goes on to its end, and has failed all the same
 * - `budget`: the key of a budget, such as the name of the dependency; the `RetryBudget` in the context is asked before a retry.
 *   Default: none is
 * - `nested`: what to do in an attempt of another `Retry.run`. `"retry"`, the default: retry; then attempts multiply.
 *   `"defer"`: try once, and leave it to the other one, and the account too where both have the same budget
 * - `onRetry`: is run before each delay, which begins when it is done
 * - `onGiveUp`: is run before the failure with a `RetryExhausted`
 * - `name`: makes the retry visible, as that of `Loop.run` does a loop; what attempts and hooks log is annotated with `retry`
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E, Timeout, Budget, EO = never, RO = never> {
  readonly name?: string | undefined
  readonly attemptTimeout?: Timeout | undefined
  readonly budget?: Budget | undefined
  readonly nested?: "retry" | "defer" | undefined
  readonly onRetry?: ((retrying: Retrying<E>) => Effect.Effect<unknown, EO, RO>) | undefined
  readonly onGiveUp?: ((exhausted: RetryExhausted<E>) => Effect.Effect<unknown, EO, RO>) | undefined
}

type TimedOut<T> = T extends Duration.Input ? Cause.TimeoutError : never
type Budgeted<B> = B extends string ? RetryBudget : never
// With `while`, which errors the schedule has to take is known too late to refuse it: the mistake shows in the error channel.
type Mismatch<In, E> = [E] extends [In] ? never : "The schedule takes other errors than `while` lets through"
type Limit = Duration.Input | undefined
type Key = string | undefined

/**
 * Repeats a failing effect on a schedule, in the calling fiber.
 *
 * It succeeds with the first success. It fails with a `RetryExhausted` when the schedule is done or the budget refuses, and with
 * the error as it is when `while` says no. Defects and interruption pass through untouched. The schedule sees the errors.
 *
 * **When to use**
 *
 * Wherever `Effect.retry` would do, and it matters why it was given up, or that a system which is down is not retried to death.
 * As long as nothing fails it costs next to nothing: without a `name` and a `budget`, the schedule is made when the first attempt has
 * failed. Its times count from the start of that attempt all the same.
 *
 * **Details**
 *
 * Dies with an `IllegalArgumentError` for options that are not allowed, when it is run.
 *
 * **Gotchas**
 *
 * Attempts multiply where retries are nested: three around three make nine calls. An inner one with `nested: "defer"` makes it three.
 * An attempt that was forked from an attempt, as a daemon, counts as nested too.
 *
 * **Example** (A call that is busy twice; a mistake is not tried again)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Backoff, Jitter, Limit, Retry } from "effect-wait"
 *
 * class Busy extends Schema.TaggedError<Busy>()("Busy", {}) {}
 * class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", {}) {}
 *
 * let calls = 0
 * const call = Effect.suspend(() => ++calls < 3 ? Effect.fail(new Busy()) : Effect.succeed("done"))
 * const mistake = Effect.suspend((): Effect.Effect<string, Busy | Forbidden> => Effect.fail(new Forbidden()))
 * const schedule = Backoff.exponential({ base: "1 milli", cap: "1 second" }).pipe(Jitter.full, Limit.attempts(5))
 *
 * const answer = await Effect.runPromise(call.pipe(Retry.run(schedule)))
 * const error = await Effect.runPromise(
 *   mistake.pipe(Retry.run(schedule, { while: (error) => error._tag === "Busy" }), Effect.flip)
 * )
 *
 * answer // => "done"
 * calls // => 3
 * error._tag // => "Forbidden"
 * ```
 *
 * @see {@link match} for a schedule by error
 * @see {@link hint} for a delay that the error asks for
 * @see `RetryBudget` for what bounds retries across calls
 * @category retries
 * @since 0.1.0
 */
export const run: {
  <
    A,
    E,
    E1 extends E | TimedOut<T>,
    In,
    ES,
    RS,
    T extends Limit = undefined,
    B extends Key = undefined,
    EO = never,
    RO = never
  >(
    schedule: Schedule.Schedule<unknown, In, ES, RS>,
    options: Options<E1, T, B, EO, RO> & { readonly while: (error: E | TimedOut<T>) => error is E1 }
  ): <R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<
    A,
    Exclude<E | TimedOut<T>, E1> | RetryExhausted<E1> | Mismatch<In, E1> | ES | NoInfer<EO>,
    R | RS | NoInfer<RO> | Budgeted<B>
  >
  <A, E, ES, RS, T extends Limit = undefined, B extends Key = undefined, EO = never, RO = never>(
    schedule: Schedule.Schedule<unknown, NoInfer<E | TimedOut<T>>, ES, RS>,
    options: Options<NoInfer<E | TimedOut<T>>, T, B, EO, RO> & { readonly while: Predicate.Predicate<E | TimedOut<T>> }
  ): <R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<
    A,
    E | TimedOut<T> | RetryExhausted<E | TimedOut<T>> | ES | NoInfer<EO>,
    R | RS | NoInfer<RO> | Budgeted<B>
  >
  <A, E, ES, RS, T extends Limit = undefined, B extends Key = undefined, EO = never, RO = never>(
    schedule: Schedule.Schedule<unknown, NoInfer<E | TimedOut<T>>, ES, RS>,
    options?: Options<NoInfer<E | TimedOut<T>>, T, B, EO, RO> & { readonly while?: undefined }
  ): <R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, RetryExhausted<E | TimedOut<T>> | ES | NoInfer<EO>, R | RS | NoInfer<RO> | Budgeted<B>>
  <
    A,
    E,
    R,
    E1 extends E | TimedOut<T>,
    In,
    ES,
    RS,
    T extends Limit = undefined,
    B extends Key = undefined,
    EO = never,
    RO = never
  >(
    effect: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, In, ES, RS>,
    options: Options<E1, T, B, EO, RO> & { readonly while: (error: E | TimedOut<T>) => error is E1 }
  ): Effect.Effect<
    A,
    Exclude<E | TimedOut<T>, E1> | RetryExhausted<E1> | Mismatch<In, E1> | ES | NoInfer<EO>,
    R | RS | NoInfer<RO> | Budgeted<B>
  >
  <A, E, R, ES, RS, T extends Limit = undefined, B extends Key = undefined, EO = never, RO = never>(
    effect: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, NoInfer<E | TimedOut<T>>, ES, RS>,
    options: Options<NoInfer<E | TimedOut<T>>, T, B, EO, RO> & { readonly while: Predicate.Predicate<E | TimedOut<T>> }
  ): Effect.Effect<
    A,
    E | TimedOut<T> | RetryExhausted<E | TimedOut<T>> | ES | NoInfer<EO>,
    R | RS | NoInfer<RO> | Budgeted<B>
  >
  <A, E, R, ES, RS, T extends Limit = undefined, B extends Key = undefined, EO = never, RO = never>(
    effect: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, NoInfer<E | TimedOut<T>>, ES, RS>,
    options?: Options<NoInfer<E | TimedOut<T>>, T, B, EO, RO> & { readonly while?: undefined }
  ): Effect.Effect<A, RetryExhausted<E | TimedOut<T>> | ES | NoInfer<EO>, R | RS | NoInfer<RO> | Budgeted<B>>
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, F>(
  effect: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<unknown, E | Cause.TimeoutError, F, R>,
  options: Settings<E | Cause.TimeoutError, F, R> = {}
): Effect.Effect<A, E | Cause.TimeoutError | F | RetryExhausted<E | Cause.TimeoutError>, R | RetryBudget> => {
  let checked: Checked<A, E | Cause.TimeoutError, R, F> | undefined
  return Effect.withFiber((fiber) => {
    const retry = checked ??= check(effect, schedule, options)
    const around = retry.nested === "defer" ? fiber.getRef(CurrentRetry) : undefined
    // Where the fiber is interrupted, the retry around this one is no more.
    return around === undefined
      ? begin(retry, fiber, undefined)
      : Effect.matchCauseEffect(Effect.interruptible(Effect.void), {
        onSuccess: () => begin(retry, fiber, around),
        onFailure: () => begin(retry, fiber, undefined)
      })
  })
})

/** Begins an operation; `around` are the budgets of the retries that it leaves the retrying to. */
const begin = <A, E, R, F>(
  retry: Checked<A, E, R, F>,
  fiber: Fiber.Fiber<unknown, unknown>,
  around: ReadonlyArray<string> | undefined
): Effect.Effect<A, E | F | RetryExhausted<E>, R | RetryBudget> => {
  const { attempt, budget, name } = retry
  if (budget !== undefined && around?.includes(budget) !== true) {
    return Effect.flatMap(
      RetryBudget,
      (service) => operation(retry, { deferred: around !== undefined, paid: { key: budget, budget: service } })
    )
  }
  if (name !== undefined) return operation(retry, { deferred: around !== undefined })
  // Nothing is made as long as nothing fails.
  const { context } = fiber
  const { clock, inside } = placeIn(context)
  const begun = clock.monotonicTimeNanosUnsafe()
  fiber.setContext(inside)
  return Effect.matchCauseEffect(attempt, {
    onSuccess(value) {
      fiber.setContext(context)
      return Exit.succeed(value)
    },
    onFailure(cause) {
      fiber.setContext(context)
      return operation(retry, { deferred: around !== undefined, failed: { begun, cause } })
    }
  })
}

type Settings<E, F, R> = Options<E, Limit, Key, F, R> & { readonly while?: Predicate.Predicate<E> | undefined }

/** What was asked for, and is allowed. */
interface Checked<A, E, R, F> extends Settings<E, F, R> {
  readonly attempt: Effect.Effect<A, E, R>
  readonly schedule: Schedule.Schedule<unknown, E, F, R>
  readonly while: Predicate.Predicate<E>
}

const check = <A, E, R, F>(
  effect: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<unknown, E | Cause.TimeoutError, F, R>,
  options: Settings<E | Cause.TimeoutError, F, R>
): Checked<A, E | Cause.TimeoutError, R, F> => {
  const { attemptTimeout, budget, name, nested, onGiveUp, onRetry } = args.options("Retry.run: options", options)
  const limit = args.duration("Retry.run: attemptTimeout", attemptTimeout ?? Infinity)
  return {
    attempt: limit === Infinity ? effect : Effect.timeout(effect, Duration.millis(limit)),
    schedule: args.schedule("Retry.run: schedule", schedule),
    name: args.name("Retry.run: name", name),
    budget: args.name("Retry.run: budget", budget),
    nested: args.oneOf<"retry" | "defer">("Retry.run: nested", nested ?? "retry", ["retry", "defer"]),
    while: args.callback("Retry.run: while", options.while) ?? constTrue,
    onRetry: args.callback("Retry.run: onRetry", onRetry),
    onGiveUp: args.callback("Retry.run: onGiveUp", onGiveUp)
  }
}

// The budgets of the retries whose attempt this is, in whatever fiber; undefined where it is none.
const CurrentRetry = Context.Reference<ReadonlyArray<string> | undefined>("effect-wait/CurrentRetry", {
  defaultValue: constUndefined
})

const withRetry = <R>(context: Context.Context<R>, ...budgets: ReadonlyArray<string>): Context.Context<R> =>
  Context.add(context, CurrentRetry, [...Context.get(context, CurrentRetry) ?? [], ...budgets])

/** What attempts without a budget are run in, and the Clock. */
interface Place {
  readonly inside: Context.Context<never>
  readonly clock: Clock.Clock
}

// Calls are made in the same context over and over: to look this up is quicker than to make it.
const places = new WeakMap<Context.Context<never>, Place>()

const placeIn = (context: Context.Context<never>): Place => {
  const known = places.get(context)
  if (known !== undefined) return known
  const place = { inside: withRetry(context), clock: Context.get(context, Clock.Clock) }
  places.set(context, place)
  return place
}

/** What is known of an operation. */
interface Known<E> {
  /** Whether the retrying is left to the retry around it. */
  readonly deferred: boolean
  readonly paid?: { readonly key: string; readonly budget: RetryBudget["Service"] }
  /** The first attempt, where that was made already. */
  readonly failed?: { readonly begun: bigint; readonly cause: Cause.Cause<E> }
}

const operation = <A, E, R, F>(
  { attempt, name, onGiveUp, onRetry, schedule, while: isRetryable }: Checked<A, E, R, F>,
  { deferred, failed, paid }: Known<E>
): Effect.Effect<A, E | F | RetryExhausted<E>, R> => {
  type Operation = Driver<A, E, R, E, unknown, A, F | RetryExhausted<E>>
  const last: Array<E> = [] // none or one
  let retryable = true
  let exhausted: RetryExhausted<E> | undefined

  let elapsed: LazyArg<Duration.Duration> = constant(Duration.zero)
  const giveUp = ({ attempts }: Operation, error: E, reason: RetryExhausted["reason"]) =>
    Exit.fail(exhausted = new RetryExhausted<E>({ error, attempts, elapsed: elapsed(), reason }))
  const annotated = <X>(hook: Effect.Effect<X, F, R>): Effect.Effect<X, F, R> =>
    name === undefined ? hook : Effect.annotateLogs(hook, "retry", name)
  const asked = Effect.fnUntraced(function*(driver: Operation, error: E, delay: number) {
    if (paid !== undefined && !(yield* paid.budget.withdraw(paid.key, error))) {
      return yield* giveUp(driver, error, "budget")
    }
    if (onRetry !== undefined) {
      const retrying = { error, attempt: driver.attempts, delay: Duration.millis(delay), elapsed: elapsed() }
      yield* annotated(onRetry(retrying))
    }
    return delay
  })

  const task: Task<A, E, R, E, unknown, A, F | RetryExhausted<E>> = {
    kind: "retry",
    first: "now",
    timed: false,
    succeeded(driver, value) {
      driver.result = Exit.succeed(value)
    },
    failed(driver, error, cause) {
      if (paid === undefined) retryable = isRetryable(error)
      if (!retryable) {
        driver.result = Exit.failCause(cause)
      } else if (deferred) {
        driver.result = giveUp(driver, error, "nested")
      } else {
        last[0] = error
        driver.proceed(error)
        if (paid !== undefined || onRetry !== undefined) driver.consult((delay) => asked(driver, error, delay))
      }
    },
    ended: (driver) => giveUp(driver, Option.getOrThrow(Option.fromIterable(last)), "schedule")
  }
  const told = paid === undefined ? attempt : attempt.pipe(
    Effect.tap(() => paid.budget.succeeded(paid.key, Option.fromIterable(last))),
    Effect.tapError((error) => {
      retryable = isRetryable(error)
      return retryable ? paid.budget.failed(paid.key, error) : Effect.void
    })
  )
  const enter = <X, X2>(effect: Effect.Effect<X, X2, R>): Effect.Effect<X, X2, R> =>
    Effect.updateContext(
      effect,
      (context: Context.Context<R>) => withRetry(context, ...paid === undefined ? [] : [paid.key])
    )
  // Where nobody else is asked between the attempts, the loop as a whole is run as they are.
  const isPlain = paid === undefined && onRetry === undefined && planOf(schedule) !== undefined
  const job = { work: isPlain ? told : enter(told), schedule }
  const loop = Effect.contextWith((context: Context.Context<R>) => {
    const clock = Context.get(context, Clock.Clock)
    const begun = failed?.begun ?? clock.monotonicTimeNanosUnsafe()
    elapsed = () => Duration.millis(millisSince(clock, begun))
    return failed === undefined
      ? driveNamed(context, name, task, job)
      : new Driver(task, { ...job, begun }, context).resume(failed.cause)
  })
  const entered = isPlain ? enter(loop) : loop
  const paying = paid === undefined ? entered : Effect.andThen(paid.budget.started(paid.key), entered)
  return onGiveUp === undefined
    ? paying
    : Effect.tapCause(paying, () => exhausted === undefined ? Effect.void : annotated(onGiveUp(exhausted)))
}
