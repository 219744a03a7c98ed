/**
 * Repeat a check until it holds. Go's `Poll*`, `WaitFor` and `ConditionFunc`.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Limit, Timeline } from "effect-wait"
 *
 * // When Poll.until checks, with checks of 200 ms
 * const schedule = Backoff.exponential({ base: "500 millis", cap: "2 seconds" }).pipe(Limit.within("10 seconds"))
 * const timeline = Effect.runSync(Timeline.simulate(schedule, { work: 200, until: "1 minute" }))
 *
 * console.log(Timeline.render(timeline, { width: 50 }))
 * ```
 *
 * ```text
 * |..|.....|..........|..........|..........|
 * 0         2s        4s        6s        8s
 * ```
 *
 * **Three time limits.** `timeout` limits one poll, and interrupts the check in flight. `Limit.within` limits the
 * schedule: it decides before a sleep, and never interrupts. `Effect.timeout` around the check limits one check.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { toPlan } from "./internal/foreign.ts"
import { poll, type Waiting } from "./internal/poll.ts"
import { type Left, type Picked, toPredicate, type Which } from "./internal/which.ts"
import type { WaitTimeout } from "./WaitTimeout.ts"

export type { Waiting } from "./internal/poll.ts"
export { isWaitTimeout } from "./WaitTimeout.ts"

/**
 * Options of {@link until}.
 *
 * - `name`: makes the poll visible, as the `name` of `Loop.run` does. Log entries of checks and hooks are annotated
 *   with `poll`
 * - `immediate`: whether to check before the first delay; default true
 * - `timeout`: the time limit of the poll, from its start; default: none. It interrupts a check in flight. At the same
 *   instant as a check, the timeout wins
 * - `tolerate`: the errors of the check that count as "not yet", as a predicate or a list of tags; default: none. With
 *   a refinement or a list, the type of the poll has only the other errors
 * - `stop`: ends the wait gracefully, see `Loop.run`. A check in flight finishes; if it holds, the poll succeeds
 * - `onWait`: a hook inside each delay, see {@link Waiting}. A stop interrupts it, and its own failure ends the poll
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<W, SE = never, SR = never> {
  readonly name?: string | undefined
  readonly immediate?: boolean | undefined
  readonly timeout?: Duration.Input | undefined
  readonly tolerate?: W | undefined
  readonly stop?: Effect.Effect<unknown, SE, SR> | undefined
  readonly onWait?: ((waiting: Waiting) => Effect.Effect<unknown, SE, SR>) | undefined
}

interface Unaccepted {
  readonly accept?: undefined
}

// Without this error, a check whose value is no boolean would go on for ever.
const acceptTrue = (value: unknown): boolean | Cause.IllegalArgumentError =>
  Predicate.isBoolean(value)
    ? value
    : args.illegal("Poll.until: the value of the check", value, "true or false, if there is no `accept`")

/** The type of the accepted value. */
type Accepted<P, A> = [P] extends [Predicate.Refinement<A, infer B>] ? B : A

/** The errors of a poll that tolerates `W`. */
type Failing<A, E, W> = Rest<W, E> | WaitTimeout<A, Tolerated<W, E>>
type Rest<W, E> = [Which<E>] extends [W] ? E : Left<W, E>
type Tolerated<W, E> = [Which<E>] extends [W] ? never : Picked<W, E>

/** The second argument that fits the first one, for the compiler's messages. */
type Second<First, A, E> = First extends Effect.Effect<infer A1, infer _, infer _>
  ? Schedule.Schedule<unknown, A1 | undefined, unknown, unknown>
  : Options<Which<E>, unknown, unknown> & { readonly accept?: Predicate.Predicate<A> | undefined }

/**
 * Repeats a check on a schedule until it holds, and succeeds with the accepted value.
 *
 * - `check`: an `Effect<boolean>`; or any other effect, with `accept`
 * - `accept`: a predicate, or a refinement that narrows the result
 * - the schedule sees the value of the last check, and undefined before the first check
 * - a check sees its number in `Schedule.CurrentMetadata`, from 0
 *
 * Fails with the check's own error, or with a `WaitTimeout`. Its reason is `Deadline`, `Stopped`, or `Exhausted` when
 * the schedule is done; it also has the number of checks, the time, the last value and the last error. A defect of the
 * check passes through. Dies with an `IllegalArgumentError` that names a bad argument, and for a check without `accept`
 * whose value is no boolean.
 *
 * **Example** (A job that is done at the third check)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period, Poll } from "effect-wait"
 *
 * type Job = { readonly state: "running" } | { readonly state: "done"; readonly result: number }
 *
 * let looks = 0
 * const job = Effect.sync((): Job => ++looks < 3 ? { state: "running" } : { state: "done", result: 42 })
 *
 * const done = await Effect.runPromise(
 *   Poll.until(job, Period.sliding("1 milli"), { accept: (job) => job.state === "done", timeout: "10 seconds" })
 * )
 *
 * done.result // => 42
 * looks // => 3
 * ```
 *
 * **Example** (A condition that never holds)
 *
 * ```ts
 * import { Effect, Option } from "effect"
 * import { Backoff, Limit, Poll } from "effect-wait"
 *
 * const schedule = Backoff.exponential({ base: "1 milli", cap: "4 millis" }).pipe(Limit.attempts(4))
 * const timeout = await Effect.runPromise(Effect.flip(Poll.until(Effect.succeed(false), schedule)))
 *
 * timeout.reason._tag // => "Exhausted"
 * timeout.attempts // => 4
 * timeout.last // => Option.some(false)
 * ```
 *
 * @see `Wait.poll` and its like for Go's polls, to the millisecond
 * @category polls
 * @since 0.1.0
 */
export const until: {
  <E, ES, RS>(
    schedule: Schedule.Schedule<unknown, boolean | undefined, ES, RS>
  ): <R>(check: Effect.Effect<boolean, E, R>) => Effect.Effect<true, E | ES | WaitTimeout<boolean, never>, R | RS>
  /** @internal The type of a call that does not compile, so that the compiler reports only that call of a pipe. */
  <X extends never>(check: never, schedule: never, options?: never): X
  <E, R, ES, RS>(
    check: Effect.Effect<boolean, E, R>,
    schedule: Schedule.Schedule<unknown, boolean | undefined, ES, RS>
  ): Effect.Effect<true, E | ES | WaitTimeout<boolean, never>, R | RS>
  <E, R, ES, RS, const W extends Which<E>, SE = never, SR = never>(
    check: Effect.Effect<boolean, E, R>,
    schedule: Schedule.Schedule<unknown, boolean | undefined, ES, RS>,
    options: Options<W, SE, SR> & Unaccepted
  ): Effect.Effect<true, Failing<boolean, E, NoInfer<W>> | ES | NoInfer<SE>, R | RS | NoInfer<SR>>
  <A, E, R, ES, RS, P extends Predicate.Predicate<A>, const W extends Which<E>, SE = never, SR = never>(
    check: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<unknown, NoInfer<A> | undefined, ES, RS>,
    options: Options<W, SE, SR> & { readonly accept: P }
  ): Effect.Effect<Accepted<NoInfer<P>, A>, Failing<A, E, NoInfer<W>> | ES | NoInfer<SE>, R | RS | NoInfer<SR>>
  <E, ES, RS, const W extends Which<E>, SE = never, SR = never>(
    schedule: Schedule.Schedule<unknown, boolean | undefined, ES, RS>,
    options: Options<W, SE, SR> & Unaccepted
  ): <R>(
    check: Effect.Effect<boolean, E, R>
  ) => Effect.Effect<true, Failing<boolean, E, NoInfer<W>> | ES | NoInfer<SE>, R | RS | NoInfer<SR>>
  <A, E, ES, RS, P extends Predicate.Predicate<A>, const W extends Which<E>, SE = never, SR = never>(
    schedule: Schedule.Schedule<unknown, NoInfer<A> | undefined, ES, RS>,
    options: Options<W, SE, SR> & { readonly accept: P }
  ): <R>(
    check: Effect.Effect<A, E, R>
  ) => Effect.Effect<Accepted<NoInfer<P>, A>, Failing<A, E, NoInfer<W>> | ES | NoInfer<SE>, R | RS | NoInfer<SR>>
  // Without a check, `accept` has the type of its value.
  <ES, RS, P extends Predicate.Predicate<never>, SE = never, SR = never>(
    schedule: Schedule.Schedule<unknown, Parameters<P>[0] | undefined, ES, RS>,
    options: Options<undefined, SE, SR> & { readonly accept: P }
  ): <A extends Parameters<P>[0], E, R>(
    check: Effect.Effect<A, E, R>
  ) => Effect.Effect<Accepted<P, A>, E | WaitTimeout<A, never> | ES | NoInfer<SE>, R | RS | NoInfer<SR>>
  /**
   * @internal The compiler reports the last signature with two parameters. This one covers both orders, and accepts
   * nothing else.
   */
  <A, E, First extends Effect.Effect<boolean, unknown, unknown> | Schedule.Schedule<unknown, never, unknown, unknown>>(
    check: First,
    schedule: Second<First, A, E>
  ): (check: Effect.Effect<A, E, unknown>) => Effect.Effect<never, "not a poll">
} = dual((args) => Effect.isEffect(args[0]), <A, E, R, F>(
  check: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<unknown, A | undefined, F, R>,
  options: Options<Which<E>, F, R> & { readonly accept?: Predicate.Predicate<A> | undefined } = {}
): Effect.Effect<A, E | F | WaitTimeout<A, E>, R> =>
  Effect.suspend(() =>
    poll({
      check,
      plan: toPlan(args.schedule("Poll.until: schedule", schedule)),
      accept: args.callback("Poll.until: accept", options.accept) ?? acceptTrue,
      tolerate: toPredicate("Poll.until: tolerate", options.tolerate),
      first: args.boolean("Poll.until: immediate", options.immediate ?? true) ? "now" : "later",
      stop: args.effect("Poll.until: stop", options.stop),
      onWait: args.callback("Poll.until: onWait", options.onWait),
      name: args.name("Poll.until: name", options.name),
      timeout: args.duration("Poll.until: timeout", options.timeout ?? Infinity),
      exhausted: "Exhausted"
    })
  ))
