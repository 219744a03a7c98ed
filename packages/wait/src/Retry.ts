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
export { hint } from "./internal/hint.ts"
export { match } from "./internal/match.ts"
export type { Options, Retrying } from "./internal/retryOptions.ts"
export type { Unanswered } from "./internal/unanswered.ts"
export type { ScheduleDoesNotTake } from "./internal/which.ts"
export { isRetryExhausted, RetryExhausted } from "./RetryExhausted.ts"

type Budgeted<B> = B extends string ? RetryBudget : never
type Limit = Duration.Input | undefined
type Key = string | undefined
type Stop = Effect.Effect<unknown, unknown, unknown> | "ignore" | undefined
/** A retry that was stopped before its first attempt has no error. */
type Untried<S> = S extends Effect.Effect<unknown, unknown, unknown> ? undefined : never
type StopError<S> = S extends Effect.Effect<infer _, infer E, infer _> ? E : never
type StopServices<S> = S extends Effect.Effect<infer _, infer _, infer R> ? R : never

/** What `run` gives, unless the schedule does not take the errors that `while` lets through. */
type Retried<A, E, F, R, In, W, S> = unknown extends In
  ? Effect.Effect<A, Left<W, E> | RetryExhausted<Picked<W, E> | Untried<S>> | StopError<S> | F, StopServices<S> | R>
  : [Picked<W, E>] extends [In]
    ? Effect.Effect<A, Left<W, E> | RetryExhausted<Picked<W, E> | Untried<S>> | StopError<S> | F, StopServices<S> | R>
  : ScheduleDoesNotTake<Exclude<Picked<W, E>, In>>

/** The second argument that goes with the first, for the compiler's messages. */
type Second<First, E> = First extends Effect.Effect<infer _, infer E1, infer _>
  ? Schedule.Schedule<unknown, E1, unknown, unknown>
  : Options<never, AnyOf<E>, Limit, Key, Stop, unknown, unknown>
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
 * An attempt sees its number in `Schedule.CurrentMetadata`, as under `Effect.retry`.
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
  // A retry for later, whose `while` says which errors it takes.
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
  /** @internal The compiler reports the last signature with as many parameters: this one does for both orders, and accepts no more. */
  <A, E, First extends Effect.Effect<unknown, unknown, unknown> | Schedule.Schedule<unknown, never, unknown, unknown>>(
    effect: First,
    schedule: Second<First, E>
  ): (effect: Effect.Effect<A, E, unknown>) => ScheduleDoesNotTake<E>
} = dual((args) => Effect.isEffect(args[0]), retry)
