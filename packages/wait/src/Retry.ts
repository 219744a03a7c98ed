/**
 * Retry an effect by its typed error. client-go's `retry.OnError` and `retry.RetryOnConflict`.
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
 * **Three time limits.** `attemptTimeout` interrupts one attempt. `Limit.within` in the schedule decides before a
 * delay, and never interrupts. `Effect.timeout` around the retry interrupts the attempt or the delay.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import type * as Types from "effect/Types"
import { retry } from "./internal/retry.ts"
import type { Options } from "./internal/retryOptions.ts"
import type { Left, Picked, ScheduleDoesNotTake, TimedOut, Which } from "./internal/which.ts"
import type { RetryBudget } from "./RetryBudget.ts"
import type { RetryExhausted } from "./RetryExhausted.ts"

export { hedge } from "./internal/hedge.ts"
export type { HedgeOptions, Hedging } from "./internal/hedgeOptions.ts"
export { type AnnotateTheError, hint } from "./internal/hint.ts"
export { match } from "./internal/match.ts"
export type { Options, Retrying } from "./internal/retryOptions.ts"
export type { Unanswered } from "./internal/unanswered.ts"
export type { ScheduleDoesNotTake } from "./internal/which.ts"
export { isRetryExhausted, RetryExhausted } from "./RetryExhausted.ts"

type Budgeted<B> = B extends string ? RetryBudget : never
type Limit = Duration.Input | undefined
type Key = string | undefined
type Stop = Effect.Effect<unknown, unknown, unknown> | "ignore" | undefined
/** The error of a retry that is stopped before its first attempt. */
type Untried<S> = S extends Effect.Effect<unknown, unknown, unknown> ? undefined : never
type StopError<S> = S extends Effect.Effect<infer _, infer E, infer _> ? E : never
type StopServices<S> = S extends Effect.Effect<infer _, infer _, infer R> ? R : never

/** The type of `run`. It is no Effect if the schedule does not accept the errors that `while` selects. */
type Retried<A, E, F, R, In, W, S> = unknown extends In
  ? Effect.Effect<A, Left<W, E> | RetryExhausted<Picked<W, E> | Untried<S>> | StopError<S> | F, StopServices<S> | R>
  : [Picked<W, E>] extends [In]
    ? Effect.Effect<A, Left<W, E> | RetryExhausted<Picked<W, E> | Untried<S>> | StopError<S> | F, StopServices<S> | R>
  : ScheduleDoesNotTake<Exclude<Picked<W, E>, In>>

/**
 * A schedule that takes these errors, as long as its type is not inferred, and no type afterwards: not even `any` is assignable to it.
 * A parameter of this type gives a function in a pipe its error type. One of type `Schedule<unknown, E, ES, RS>` does not, since the
 * compiler takes no context from a type whose `ES` it does not know yet.
 */
type ScheduleOf<E, Out> = [Out] extends [never] ? Schedule.Schedule<unknown, NoInfer<E>, unknown, unknown>
  : [Out] extends [never] ? Schedule.Schedule<Out, never, unknown, unknown>
  : never

/** The second argument that fits the first one, for the compiler's messages. */
type Second<First, E> = First extends Effect.Effect<infer _, infer E1, infer _>
  ? Schedule.Schedule<unknown, E1, unknown, unknown>
  : Options<never, AnyOf<E>, Limit, Key, Stop, unknown, unknown>
type AnyOf<E> = Predicate.Predicate<E> | ReadonlyArray<Types.Tags<E | Cause.TimeoutError>>

/**
 * Repeats a failing effect on a schedule, in the calling fiber.
 *
 * It succeeds with the first success. It fails with a `RetryExhausted` when the schedule is done or the budget refuses,
 * and with the unchanged error when `while` does not select it. Defects and interruption pass through. The schedule
 * sees the errors.
 *
 * **When to use**
 *
 * Instead of `Effect.retry`, for an error that says why the retry gave up, for a time limit of each attempt, and for a
 * budget against a retry storm. A success at the first attempt costs next to nothing: without a `name`, a `budget` and
 * a `stop`, the schedule starts after the first failure, but is timed from the first attempt.
 *
 * **Details**
 *
 * Dies with an `IllegalArgumentError` that names a bad option.
 *
 * An attempt sees its number in `Schedule.CurrentMetadata`, as with `Effect.retry`.
 *
 * **Gotchas**
 *
 * Nested retries multiply: three attempts around three attempts make nine calls. With `nested: "defer"` in the inner
 * retry they make three. A retry in a fiber that an attempt has forked is nested too.
 *
 * **Example** (A call that is busy twice, and a permanent error)
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
 * @see {@link hint} for the delay in an error, such as `Retry-After`
 * @see `RetryBudget` for a limit on the retries of all calls
 * @category retries
 * @since 0.1.0
 */
export const run: {
  /**
   * @internal No call matches this signature. It gives a `hint` inside the schedule its error type. A call that does not compile has its
   * result, so that the compiler reports that call alone.
   */
  <
    X extends never,
    E,
    Out,
    const W extends Which<E | TimedOut<T>>,
    T extends Limit = undefined,
    B extends Key = undefined,
    S extends Stop = undefined
  >(
    effect: Effect.Effect<unknown, E, unknown> | ScheduleOf<E, Out>,
    schedule: ScheduleOf<E, Out>,
    options?: Options<E | TimedOut<T>, W, T, B, S, unknown, unknown>
  ): X & ((effect: Effect.Effect<unknown, E, unknown>) => X)
  /** @internal The same where the effect comes last. */
  <
    X extends never,
    E,
    Out,
    const W extends Which<E | TimedOut<T>>,
    T extends Limit = undefined,
    B extends Key = undefined,
    S extends Stop = undefined
  >(
    schedule: ScheduleOf<E, Out>,
    options?: Options<E | TimedOut<T>, W, T, B, S, unknown, unknown>
  ): (effect: Effect.Effect<unknown, E, unknown>) => X
  <A, E, ES, RS>(
    schedule: Schedule.Schedule<unknown, NoInfer<E>, ES, RS>
  ): <R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, RetryExhausted<E> | ES, R | RS>
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
    S extends Stop = undefined,
    EO = never,
    RO = never
  >(
    effect: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, In, ES, RS>,
    options: Options<E | TimedOut<T>, W, T, B, S, EO, RO>
  ): Retried<
    A,
    E | TimedOut<NoInfer<T>>,
    ES | NoInfer<EO>,
    R | RS | NoInfer<RO> | Budgeted<NoInfer<B>>,
    In,
    NoInfer<W>,
    NoInfer<S>
  >
  <
    A,
    E,
    In,
    ES,
    RS,
    const W extends Which<E | TimedOut<T>>,
    T extends Limit = undefined,
    B extends Key = undefined,
    S extends Stop = undefined,
    EO = never,
    RO = never
  >(
    schedule: Schedule.Schedule<unknown, In, ES, RS>,
    options: Options<E | TimedOut<T>, W, T, B, S, EO, RO>
  ): <R>(
    effect: Effect.Effect<A, E, R>
  ) => Retried<
    A,
    E | TimedOut<NoInfer<T>>,
    ES | NoInfer<EO>,
    R | RS | NoInfer<RO> | Budgeted<NoInfer<B>>,
    In,
    NoInfer<W>,
    NoInfer<S>
  >
  // Without an effect, `while` has the type of the errors.
  <
    In,
    ES,
    RS,
    const W extends Predicate.Predicate<never>,
    T extends ([Cause.TimeoutError] extends [Parameters<W>[0]] ? Limit : undefined) = undefined,
    B extends Key = undefined,
    S extends Stop = undefined,
    EO = never,
    RO = never
  >(
    schedule: Schedule.Schedule<unknown, In, ES, RS>,
    options: Options<Parameters<W>[0], W, T, B, S, EO, RO> & { readonly while: W }
  ): <A, E extends Parameters<W>[0], R>(
    effect: Effect.Effect<A, E, R>
  ) => Retried<
    A,
    E | TimedOut<NoInfer<T>>,
    ES | NoInfer<EO>,
    R | RS | NoInfer<RO> | Budgeted<NoInfer<B>>,
    In,
    NoInfer<W>,
    NoInfer<S>
  >
  /**
   * @internal The compiler reports the last signature with two parameters. This one covers both orders, and accepts
   * nothing else.
   */
  <A, E, First extends Effect.Effect<unknown, unknown, unknown> | Schedule.Schedule<unknown, never, unknown, unknown>>(
    effect: First,
    schedule: Second<First, E>
  ): (effect: Effect.Effect<A, E, unknown>) => ScheduleDoesNotTake<E>
} = dual((args) => Effect.isEffect(args[0]), retry)
