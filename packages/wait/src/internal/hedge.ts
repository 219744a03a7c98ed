import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import type * as Types from "effect/Types"
import type { RetryBudget } from "../RetryBudget.ts"
import type { RetryExhausted } from "../RetryExhausted.ts"
import type { HedgeOptions } from "./hedgeOptions.ts"
import { hedging } from "./hedging.ts"
import type { Unanswered } from "./unanswered.ts"
import type { Left, Picked, ScheduleDoesNotTake, Which } from "./which.ts"

type Budgeted<B> = B extends string ? RetryBudget : never
type Key = string | undefined

/** What `hedge` gives, unless the schedule does not take the errors that `while` lets through, or no error. */
type Hedged<A, E, F, R, In, W> = [Picked<W, E> | Unanswered] extends [In]
  ? Effect.Effect<A, Left<W, E> | RetryExhausted<Picked<W, E>> | F, R>
  : ScheduleDoesNotTake<Exclude<Picked<W, E> | Unanswered, In>>

/** The second argument that goes with the first, for the compiler's messages. */
type Second<First, E> = First extends Effect.Effect<infer _, infer E1, infer _>
  ? Schedule.Schedule<unknown, E1 | Unanswered, unknown, unknown>
  : HedgeOptions<never, AnyOf<E>, Key, unknown, unknown>
type AnyOf<E> = Predicate.Predicate<E> | ReadonlyArray<Types.Tags<E>>

/**
 * Starts a second attempt beside a slow one, and takes the first success. It shortens the slowest calls.
 *
 * The first attempt starts at once. The next attempt starts when the delay of the schedule has passed without an answer, and at once when an
 * attempt fails. The first success is the result, and interrupts the other attempts. An error that `while` does not select, a defect and an
 * attempt that interrupts itself also end the operation, and interrupt the others. When all attempts have failed and none follows, it
 * fails with a `RetryExhausted`, like `Retry.run`.
 *
 * **When to use**
 *
 * For idempotent calls to a dependency with several replicas, where a few calls are much slower than the rest. A delay of the 95th percentile costs
 * at most 5 % more calls. An overloaded dependency is slow in every call, and hedges multiply its load: a `budget` limits them.
 *
 * **Details**
 *
 * - the schedule gives the delay from the start of an attempt to the start of the next; each attempt takes one step. Its input is {@link Unanswered}
 * - `Retry.hint` in the schedule is the server's pushback: it delays the next attempt after that error. After a hint longer than `max` no
 *   further attempt starts, and attempts in flight continue
 * - after a refusal of the budget no further attempt starts, nor after a stop of the loop around the operation
 * - an attempt reads its number, from 0, in `Schedule.CurrentMetadata`, as under `Effect.retry`
 * - interruption ends all attempts, and completes when they have ended
 * - when the first attempt answers in time, the hedge adds up to 2 µs, less than `Effect.timeout`
 *
 * The sources are "The Tail at Scale" (Dean and Barroso, 2013) and the `hedgingPolicy` of gRPC's proposal A6. Dies with an
 * `IllegalArgumentError` for options that are not allowed, when it is run.
 *
 * **Gotchas**
 *
 * The schedule needs a limit: without a limit, a dependency that does not answer gets an attempt after each delay until the call ends.
 *
 * A success waits for the attempts that it interrupts. An uninterruptible attempt runs to its end, and delays the success until
 * then.
 *
 * A `Retry.hint` inside a combinator of Effect, such as `Schedule.max`, delays no attempt. Put the hint around the combinator.
 *
 * **Example** (The first replica hangs; 50 ms later the second one answers)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Limit, Period, Retry } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const read = Effect.gen(function*() {
 *   const attempt = starts.push(yield* Clock.currentTimeMillis)
 *   yield* Effect.sleep(attempt === 1 ? "1 minute" : "10 millis")
 *   return `replica ${attempt}`
 * })
 * const hedged = read.pipe(Retry.hedge(Period.sliding("50 millis").pipe(Limit.attempts(3))))
 *
 * const [answer] = await Effect.runPromise(
 *   Effect.all([hedged, TestClock.adjust("1 second")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * answer // => "replica 2"
 * starts // => [0, 50]
 * ```
 *
 * @see {@link run} for attempts one after the other
 * @see {@link hint} for a delay from the error
 * @see `RetryBudget` for a limit of the attempts of all calls
 * @category retries
 * @since 0.1.0
 */
export const hedge: {
  <A, E, ES, RS>(
    schedule: Schedule.Schedule<unknown, NoInfer<E> | Unanswered, ES, RS>
  ): <R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, RetryExhausted<E> | ES, R | RS>
  /** @internal What a call that does not compile gives to the rest of a pipe, so that the compiler reports that call alone. */
  <X extends never>(effect: never, schedule: never): X
  <A, E, R, ES, RS>(
    effect: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, NoInfer<E> | Unanswered, ES, RS>
  ): Effect.Effect<A, RetryExhausted<E> | ES, R | RS>
  <A, E, R, In, ES, RS, const W extends Which<E>, B extends Key = undefined, EO = never, RO = never>(
    effect: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, In, ES, RS>,
    options: HedgeOptions<E, W, B, EO, RO>
  ): Hedged<A, E, ES | NoInfer<EO>, R | RS | NoInfer<RO> | Budgeted<NoInfer<B>>, In, NoInfer<W>>
  <A, E, In, ES, RS, const W extends Which<E>, B extends Key = undefined, EO = never, RO = never>(
    schedule: Schedule.Schedule<unknown, In, ES, RS>,
    options: HedgeOptions<E, W, B, EO, RO>
  ): <R>(
    effect: Effect.Effect<A, E, R>
  ) => Hedged<A, E, ES | NoInfer<EO>, R | RS | NoInfer<RO> | Budgeted<NoInfer<B>>, In, NoInfer<W>>
  // For later, with a `while` that says which errors it takes.
  <In, ES, RS, const W extends Predicate.Predicate<never>, B extends Key = undefined, EO = never, RO = never>(
    schedule: Schedule.Schedule<unknown, In, ES, RS>,
    options: HedgeOptions<Parameters<W>[0], W, B, EO, RO> & { readonly while: W }
  ): <A, E extends Parameters<W>[0], R>(
    effect: Effect.Effect<A, E, R>
  ) => Hedged<A, E, ES | NoInfer<EO>, R | RS | NoInfer<RO> | Budgeted<NoInfer<B>>, In, NoInfer<W>>
  /** @internal The compiler reports the last signature with as many parameters: this one does for both orders, and accepts no more. */
  <A, E, First extends Effect.Effect<unknown, unknown, unknown> | Schedule.Schedule<unknown, never, unknown, unknown>>(
    effect: First,
    schedule: Second<First, E>
  ): (effect: Effect.Effect<A, E, unknown>) => ScheduleDoesNotTake<E>
} = dual((args) => Effect.isEffect(args[0]), hedging)
