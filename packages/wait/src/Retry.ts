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
import type * as Types from "effect/Types"
import * as args from "./internal/args.ts"
import { withoutStack } from "./internal/describe.ts"
import { Driver, type Rules } from "./internal/driver.ts"
import { toPlan } from "./internal/foreign.ts"
import { millisSince } from "./internal/moment.ts"
import { End, type Next, refine } from "./internal/next.ts"
import { planOf } from "./internal/plan.ts"
import { runNamed } from "./internal/run.ts"
import type { Left, Picked, ScheduleDoesNotTake, TimedOut, Which } from "./internal/which.ts"
import { toPredicate } from "./internal/which.ts"
import { RetryBudget } from "./RetryBudget.ts"
import { RetryExhausted } from "./RetryExhausted.ts"

export { hint } from "./internal/hint.ts"
export { match } from "./internal/match.ts"
export type { ScheduleDoesNotTake } from "./internal/which.ts"
export { isRetryExhausted, RetryExhausted } from "./RetryExhausted.ts"

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
 * - `while`: which errors are tried again: a predicate, or a list of tags such as `["Busy", "TimeoutError"]`; default: all. Any other
 *   error is the failure as it is. A predicate cannot be an Effect: that is `Schedule.while`
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
export interface Options<E, W, Timeout, Budget, EO = never, RO = never> {
  readonly while?: W | undefined
  readonly name?: string | undefined
  readonly attemptTimeout?: Timeout | undefined
  readonly budget?: Budget | undefined
  readonly nested?: "retry" | "defer" | undefined
  readonly onRetry?: ((retrying: Retrying<NoInfer<Picked<W, E>>>) => Effect.Effect<unknown, EO, RO>) | undefined
  readonly onGiveUp?: ((exhausted: RetryExhausted<NoInfer<Picked<W, E>>>) => Effect.Effect<unknown, EO, RO>) | undefined
}

type Budgeted<B> = B extends string ? RetryBudget : never
type Limit = Duration.Input | undefined
type Key = string | undefined

/** What `run` gives, unless the schedule does not take the errors that `while` lets through. */
type Retried<A, E, F, R, In, W> = unknown extends In ? Retry<A, E, F, R, W>
  : [Picked<W, E>] extends [In] ? Retry<A, E, F, R, W>
  : ScheduleDoesNotTake<Exclude<Picked<W, E>, In>>
type Retry<A, E, F, R, W> = Effect.Effect<A, Left<W, E> | RetryExhausted<Picked<W, E>> | F, R>

/** The second argument that goes with the first, for the compiler's messages. */
type Second<First, E> = First extends Effect.Effect<infer _, infer E1, infer _>
  ? Schedule.Schedule<unknown, E1, unknown, unknown>
  : Options<never, AnyOf<E>, Limit, Key, unknown, unknown>
type AnyOf<E> = Predicate.Predicate<E> | ReadonlyArray<Types.Tags<E | Cause.TimeoutError>>

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
  <A, E, ES, RS>(
    schedule: Schedule.Schedule<unknown, NoInfer<E>, ES, RS>
  ): <R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, RetryExhausted<E> | ES, R | RS>
  /** @internal What a call that does not compile gives to the rest of a pipe, so that the compiler reports that call alone. */
  <X extends never>(effect: never, schedule: never): X
  <A, E, R, ES, RS>(
    effect: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, NoInfer<E>, ES, RS>
  ): Effect.Effect<A, RetryExhausted<E> | ES, R | RS>
  <
    A,
    E,
    R,
    In,
    ES,
    RS,
    const W extends Which<E | TimedOut<T>>,
    T extends Limit = undefined,
    B extends Key = undefined,
    EO = never,
    RO = never
  >(
    effect: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, In, ES, RS>,
    options: Options<E | TimedOut<T>, W, T, B, EO, RO>
  ): Retried<A, E | TimedOut<NoInfer<T>>, ES | NoInfer<EO>, R | RS | NoInfer<RO> | Budgeted<NoInfer<B>>, In, NoInfer<W>>
  <
    A,
    E,
    In,
    ES,
    RS,
    const W extends Which<E | TimedOut<T>>,
    T extends Limit = undefined,
    B extends Key = undefined,
    EO = never,
    RO = never
  >(
    schedule: Schedule.Schedule<unknown, In, ES, RS>,
    options: Options<E | TimedOut<T>, W, T, B, EO, RO>
  ): <R>(
    effect: Effect.Effect<A, E, R>
  ) => Retried<
    A,
    E | TimedOut<NoInfer<T>>,
    ES | NoInfer<EO>,
    R | RS | NoInfer<RO> | Budgeted<NoInfer<B>>,
    In,
    NoInfer<W>
  >
  // A retry for later, whose `while` says which errors it takes.
  <
    In,
    ES,
    RS,
    const W extends Predicate.Predicate<never>,
    T extends ([Cause.TimeoutError] extends [Parameters<W>[0]] ? Limit : undefined) = undefined,
    B extends Key = undefined,
    EO = never,
    RO = never
  >(
    schedule: Schedule.Schedule<unknown, In, ES, RS>,
    options: Options<Parameters<W>[0], W, T, B, EO, RO> & { readonly while: W }
  ): <A, E extends Parameters<W>[0], R>(
    effect: Effect.Effect<A, E, R>
  ) => Retried<
    A,
    E | TimedOut<NoInfer<T>>,
    ES | NoInfer<EO>,
    R | RS | NoInfer<RO> | Budgeted<NoInfer<B>>,
    In,
    NoInfer<W>
  >
  /** @internal The compiler reports the last signature with as many parameters: this one does for both orders, and accepts no more. */
  <A, E, First extends Effect.Effect<unknown, unknown, unknown> | Schedule.Schedule<unknown, never, unknown, unknown>>(
    effect: First,
    schedule: Second<First, E>
  ): (effect: Effect.Effect<A, E, unknown>) => ScheduleDoesNotTake<E>
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, F>(
  effect: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<unknown, E | Cause.TimeoutError, F, R>,
  options: Settings<E | Cause.TimeoutError, F, R> = {}
): Effect.Effect<A, E | Cause.TimeoutError | F | RetryExhausted<E | Cause.TimeoutError>, R | RetryBudget> => {
  let validated: Validated<A, E | Cause.TimeoutError, R, F> | undefined
  return Effect.withFiber((fiber) => {
    const retry = validated ??= validate(effect, schedule, options)
    const outerBudgets = retry.nested === "defer" ? fiber.getRef(CurrentRetry) : undefined
    // In an interrupted fiber the outer retry is over.
    return outerBudgets === undefined
      ? firstAttempt(retry, fiber, undefined)
      : Effect.matchCauseEffect(Effect.interruptible(Effect.void), {
        onSuccess: () => firstAttempt(retry, fiber, outerBudgets),
        onFailure: () => firstAttempt(retry, fiber, undefined)
      })
  })
})

type Settings<E, F, R> = Options<E, Which<E>, Limit, Key, F, R>

/** The arguments, once they are known to be allowed. */
interface Validated<A, E, R, F> extends Omit<Settings<E, F, R>, "while"> {
  readonly attempt: Effect.Effect<A, E, R>
  readonly schedule: Schedule.Schedule<unknown, E, F, R>
  readonly while: Predicate.Predicate<E>
}

const validate = <A, E, R, F>(
  effect: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<unknown, E | Cause.TimeoutError, F, R>,
  options: Settings<E | Cause.TimeoutError, F, R>
): Validated<A, E | Cause.TimeoutError, R, F> => {
  const { attemptTimeout, budget, name, nested, onGiveUp, onRetry } = args.options("Retry.run: options", options)
  const limit = args.duration("Retry.run: attemptTimeout", attemptTimeout ?? Infinity)
  return {
    attempt: limit === Infinity ? effect : Effect.timeout(effect, Duration.millis(limit)),
    schedule: args.schedule("Retry.run: schedule", schedule),
    name: args.name("Retry.run: name", name),
    budget: args.name("Retry.run: budget", budget),
    nested: args.oneOf<"retry" | "defer">("Retry.run: nested", nested ?? "retry", ["retry", "defer"]),
    while: toPredicate("Retry.run: while", options.while) ?? constTrue,
    onRetry: args.callback("Retry.run: onRetry", onRetry),
    onGiveUp: args.callback("Retry.run: onGiveUp", onGiveUp)
  }
}

/** Makes the first attempt. `outerBudgets` are those of the retries around this one, if it leaves the retrying to them. */
const firstAttempt = <A, E, R, F>(
  retry: Validated<A, E, R, F>,
  fiber: Fiber.Fiber<unknown, unknown>,
  outerBudgets: ReadonlyArray<string> | undefined
): Effect.Effect<A, E | F | RetryExhausted<E>, R | RetryBudget> => {
  const { attempt, budget: key, name } = retry
  const isDeferred = outerBudgets !== undefined
  if (key !== undefined && outerBudgets?.includes(key) !== true) {
    return Effect.flatMap(RetryBudget, (service) => loop(retry, { isDeferred, budget: { key, service } }))
  }
  if (name !== undefined) return loop(retry, { isDeferred })
  // An attempt that succeeds needs no loop.
  const { context } = fiber
  const { clock, inAttempt } = attemptContextOf(context)
  const started = clock.monotonicTimeNanosUnsafe()
  fiber.setContext(inAttempt)
  return Effect.matchCauseEffect(attempt, {
    onSuccess(value) {
      fiber.setContext(context)
      return Exit.succeed(value)
    },
    onFailure(cause) {
      fiber.setContext(context)
      return loop(retry, { isDeferred, failed: { started, cause } })
    }
  })
}

// The budgets of the retries around this attempt, in whatever fiber; undefined outside of attempts.
const CurrentRetry = Context.Reference<ReadonlyArray<string> | undefined>("effect-wait/CurrentRetry", {
  defaultValue: constUndefined
})

const withRetry = <R>(context: Context.Context<R>, ...budgets: ReadonlyArray<string>): Context.Context<R> =>
  Context.add(context, CurrentRetry, [...Context.get(context, CurrentRetry) ?? [], ...budgets])

interface AttemptContext {
  readonly inAttempt: Context.Context<never>
  readonly clock: Clock.Clock
}

// Many calls have the same context: to look this up is quicker than to make it.
const attemptContexts = new WeakMap<Context.Context<never>, AttemptContext>()

const attemptContextOf = (context: Context.Context<never>): AttemptContext => {
  const known = attemptContexts.get(context)
  if (known !== undefined) return known
  const made = { inAttempt: withRetry(context), clock: Context.get(context, Clock.Clock) }
  attemptContexts.set(context, made)
  return made
}

/** How a loop starts. */
interface Start<E> {
  /** The retrying is left to the retry around this one. */
  readonly isDeferred: boolean
  readonly budget?: { readonly key: string; readonly service: RetryBudget["Service"] }
  /** The first attempt, if it was made before. */
  readonly failed?: { readonly started: bigint; readonly cause: Cause.Cause<E> }
}

/** What one operation remembers. */
interface Progress<E> {
  last: Option.Option<E>
  exhausted: RetryExhausted<E> | undefined
  elapsed: LazyArg<Duration.Duration>
}

const loop = <A, E, R, F>(
  retry: Validated<A, E, R, F>,
  start: Start<E>
): Effect.Effect<A, E | F | RetryExhausted<E>, R> => {
  const { attempt, name, onGiveUp, onRetry, schedule } = retry
  const { budget, failed } = start
  const progress: Progress<E> = { last: Option.none(), exhausted: undefined, elapsed: constant(Duration.zero) }
  const rules = rulesOf(retry, start, progress)
  const asAttempt = <X, X2>(effect: Effect.Effect<X, X2, R>): Effect.Effect<X, X2, R> =>
    Effect.updateContext(
      effect,
      (context: Context.Context<R>) => withRetry(context, ...budget === undefined ? [] : [budget.key])
    )
  // With nothing to run between the attempts, the whole loop is marked as an attempt once.
  const isPlain = budget === undefined && onRetry === undefined && planOf(schedule) !== undefined
  const spec = { work: isPlain ? attempt : asAttempt(attempt), plan: toPlan(schedule) }
  const attempts = Effect.contextWith((context: Context.Context<R>) => {
    const clock = Context.get(context, Clock.Clock)
    const started = failed?.started ?? clock.monotonicTimeNanosUnsafe()
    progress.elapsed = () => Duration.millis(millisSince(clock, started))
    return failed === undefined
      ? runNamed(context, name, rules, spec)
      : new Driver(context, rules, { ...spec, started }).loopAfter(failed.cause)
  })
  const marked = isPlain ? asAttempt(attempts) : attempts
  const budgeted = budget === undefined ? marked : Effect.andThen(budget.service.started(budget.key), marked)
  return onGiveUp === undefined
    ? budgeted
    : Effect.tapCause(
      budgeted,
      () => progress.exhausted === undefined ? Effect.void : annotate(name, onGiveUp(progress.exhausted))
    )
}

const annotate = <X, F, R>(name: string | undefined, hook: Effect.Effect<X, F, R>): Effect.Effect<X, F, R> =>
  name === undefined ? hook : Effect.annotateLogs(hook, "retry", name)

const rulesOf = <A, E, R, F>(
  { name, onRetry, while: isRetryable }: Validated<A, E, R, F>,
  { budget, isDeferred }: Start<E>,
  progress: Progress<E>
): Rules<A, E, R, E, unknown, A, F | RetryExhausted<E>> => {
  type Loop = Driver<A, E, R, E, unknown, A, F | RetryExhausted<E>>
  const giveUp = ({ attempts }: Loop, error: E, _tag: RetryExhausted["reason"]["_tag"]) => {
    const elapsed = progress.elapsed()
    return Exit.fail(
      progress.exhausted = withoutStack(new RetryExhausted<E>({ error, attempts, elapsed, reason: { _tag } }))
    )
  }
  const beforeRetry = Effect.fnUntraced(function*(loop: Loop, error: E, delay: number) {
    if (budget !== undefined && !(yield* budget.service.withdraw(budget.key, error))) {
      return yield* giveUp(loop, error, "Budget")
    }
    if (onRetry !== undefined) {
      const { attempts: attempt } = loop
      yield* annotate(name, onRetry({ error, attempt, delay: Duration.millis(delay), elapsed: progress.elapsed() }))
    }
    return delay
  })
  const retry = (loop: Loop, error: E): Next<A, E | F | RetryExhausted<E>, R> => {
    if (isDeferred) return new End(giveUp(loop, error, "Nested"))
    progress.last = Option.some(error)
    const next = loop.ask(error)
    return budget === undefined && onRetry === undefined
      ? next
      : refine(next, (delay) => beforeRetry(loop, error, delay))
  }
  return {
    kind: "retry",
    first: "now",
    timed: false,
    succeeded(_, value) {
      const end = new End(Exit.succeed(value))
      return budget === undefined ? end : Effect.as(budget.service.succeeded(budget.key, progress.last), end)
    },
    failed(loop, error, cause) {
      if (!isRetryable(error)) return new End(Exit.failCause(cause))
      return budget === undefined
        ? retry(loop, error)
        : refine(Effect.as(budget.service.failed(budget.key, error), 0), () => retry(loop, error))
    },
    ended: (loop) => giveUp(loop, Option.getOrThrow(progress.last), "Schedule")
  }
}
