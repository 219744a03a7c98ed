/** Go's polls: `Poll*`, `DelayFunc.Until`, `WaitFor` and `ExponentialBackoff`. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { constVoid, dual, identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { NoInfer } from "effect/Types"
import * as args from "../internal/args.ts"
import { toPlan } from "../internal/foreign.ts"
import { fromPolicy, type GoBackoff, nextDelay, type Policy } from "../internal/goBackoff.ts"
import { done, fromPlan, type Plan } from "../internal/plan.ts"
import { deadline, poll as pollJob } from "../internal/poll.ts"
import { applySliding } from "../internal/sliding.ts"
import type * as Loop from "../Loop.ts"
import * as Period from "../Period.ts"
import { WaitTimeout } from "../WaitTimeout.ts"

/**
 * One of Go's polls. It takes the condition and its options, or is piped.
 *
 * @category models
 * @since 0.1.0
 */
export interface Polling<Options> {
  <SE = never, SR = never>(
    options: Options & Loop.StopOption<SE, SR>
  ): <E, R>(
    condition: Effect.Effect<boolean, E, R>
  ) => Effect.Effect<void, E | NoInfer<SE> | WaitTimeout<boolean, E>, R | NoInfer<SR>>
  <E, R, SE = never, SR = never>(
    condition: Effect.Effect<boolean, E, R>,
    options: Options & Loop.StopOption<SE, SR>
  ): Effect.Effect<void, E | NoInfer<SE> | WaitTimeout<boolean, E>, R | NoInfer<SR>>
}

const pollWith = <E, R, F>(
  name: string,
  condition: Effect.Effect<boolean, E, R>,
  options: {
    readonly plan: Plan<unknown, boolean | undefined, F, R>
    readonly first: "now" | "anyway" | "later"
    readonly stop: Effect.Effect<unknown, F, R> | undefined
    readonly exhausted?: "Deadline" | "Exhausted"
  }
): Effect.Effect<void, E | F | WaitTimeout<boolean, E>, R> =>
  Effect.asVoid(pollJob({
    check: condition,
    plan: options.plan,
    accept: identity,
    first: options.first,
    stop: args.effect(`${name}: stop`, options.stop),
    timeout: Infinity,
    exhausted: options.exhausted ?? "Exhausted"
  }))

// Go's immediate check runs even when the poll has already been stopped.
const firstCheck = (name: string, { immediate }: { readonly immediate: boolean }) =>
  args.boolean(`${name}: immediate`, immediate) ? "anyway" : "later"

// Go starts the ticker of a legacy poll after an immediate check, so ticks count from the first step. A tick during a
// check is lost. The step at the timeout is the last one.
const legacyTicks = (interval: number, timeout: number): Schedule.Schedule<number> =>
  fromPlan({
    timed: true,
    start: () => ({ first: NaN, ticks: 0, last: false }),
    output: ({ ticks }) => ticks,
    next(state, at) {
      if (state.last) return done
      if (Number.isNaN(state.first)) state.first = at.now
      const passed = at.now - state.first
      state.ticks = Math.max(state.ticks + 1, Math.ceil(passed / interval))
      const tick = state.ticks * interval
      state.last = tick > timeout
      return Math.max(0, Math.min(tick, timeout) - passed)
    }
  })

const legacyPoll = <Options extends { readonly interval: Duration.Input; readonly timeout?: Duration.Input }>(
  name: string,
  first: "anyway" | "later"
): Polling<Options> =>
  dual(2, <E, R, SE, SR>(
    condition: Effect.Effect<boolean, E, R>,
    options: Options & Loop.StopOption<SE, SR>
  ): Effect.Effect<void, E | SE | WaitTimeout<boolean, E>, R | SR> =>
    Effect.suspend(() => {
      const interval = args.positiveDuration(`${name}: interval`, options.interval)
      const timeout = args.duration(`${name}: timeout`, options.timeout ?? 0)
      const plan = toPlan(legacyTicks(interval, timeout === 0 ? Infinity : timeout))
      return pollWith<E, R | SR, SE>(name, condition, {
        plan,
        first,
        stop: options.stop,
        exhausted: "Deadline"
      })
    }))

type Interval = { readonly interval: Duration.Input }

type IntervalAndTimeout = { readonly interval: Duration.Input; readonly timeout: Duration.Input }

/**
 * Go's `Poll(interval, timeout, condition)` and `PollWithContext`: checks at every tick. The first check comes after
 * one interval.
 *
 * - `interval`: a finite duration longer than 0
 * - `timeout`: a duration of 0 or more; 0 is no timeout
 *
 * **Gotchas**
 *
 * As in Go, a tick during a check is lost. At the timeout the condition is checked once more, after the check in flight
 * if there is one. So a timeout that falls on a tick brings two checks. `WaitTimeout.reason` is `Deadline`.
 *
 * **Example** (When the six legacy polls check)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * const never = Effect.succeed(false)
 * const starts = (poll: (condition: typeof never) => Effect.Effect<void, unknown>) =>
 *   Effect.runPromise(
 *     Effect.map(TestLoop.record((track) => poll(track(never)), { until: "1 minute" }), Timeline.starts)
 *   )
 *
 * const interval = "1 second"
 * const timeout = "2.5 seconds"
 * await starts(Wait.poll({ interval, timeout })) // => [1000, 2000, 2500]
 * await starts(Wait.pollImmediate({ interval, timeout })) // => [0, 1000, 2000, 2500]
 *
 * const stop = Effect.sleep("2.5 seconds")
 * await starts(Wait.pollUntil({ interval, stop })) // => [1000, 2000]
 * await starts(Wait.pollInfinite({ interval, stop })) // => [1000, 2000]
 * await starts(Wait.pollImmediateUntil({ interval, stop })) // => [0, 1000, 2000]
 * await starts(Wait.pollImmediateInfinite({ interval, stop })) // => [0, 1000, 2000]
 * ```
 *
 * @deprecated Go's successor is {@link pollUntilContextTimeout} with `immediate: false`. In new code use `Poll.until`
 * with `Period.ticker` and a `timeout`. It keeps a tick that comes during a check, and does not check at the timeout.
 * @category polls
 * @since 0.1.0
 */
export const poll: Polling<IntervalAndTimeout> = legacyPoll("Wait.poll", "later")

/**
 * Go's `PollImmediate(interval, timeout, condition)` and `PollImmediateWithContext`: checks at once, then as
 * {@link poll}. The first check comes even when the poll has already been stopped. Ticks and timeout count from its
 * end.
 *
 * - `interval`: a finite duration longer than 0
 * - `timeout`: a duration of 0 or more; 0 is no timeout
 *
 * @deprecated Go's successor is {@link pollUntilContextTimeout} with `immediate: true`. In new code use `Poll.until`
 * with `Period.ticker` and a `timeout`. It keeps a tick that comes during a check, and does not check at the timeout.
 * @see {@link poll} for the example
 * @category polls
 * @since 0.1.0
 */
export const pollImmediate: Polling<IntervalAndTimeout> = legacyPoll("Wait.pollImmediate", "anyway")

/**
 * Go's `PollInfinite(interval, condition)` and `PollInfiniteWithContext`: checks as {@link poll}, without a timeout.
 *
 * - `interval`: a finite duration longer than 0
 *
 * @deprecated Go's successor is {@link pollUntilContextCancel} with `immediate: false`. In new code use `Poll.until`
 * with `Period.ticker`. It keeps a tick that comes during a check.
 * @see {@link poll} for the example
 * @category polls
 * @since 0.1.0
 */
export const pollInfinite: Polling<Interval> = legacyPoll("Wait.pollInfinite", "later")

/**
 * Go's `PollImmediateInfinite(interval, condition)` and `PollImmediateInfiniteWithContext`: checks as
 * {@link pollImmediate}, without a timeout.
 *
 * - `interval`: a finite duration longer than 0
 *
 * @deprecated Go's successor is {@link pollUntilContextCancel} with `immediate: true`. In new code use `Poll.until`
 * with `Period.ticker`. It keeps a tick that comes during a check.
 * @see {@link poll} for the example
 * @category polls
 * @since 0.1.0
 */
export const pollImmediateInfinite: Polling<Interval> = legacyPoll("Wait.pollImmediateInfinite", "anyway")

/**
 * Go's `PollUntil(interval, condition, stopCh)` and `PollUntilWithContext`: checks as {@link poll}, until it is
 * stopped. It then fails with a `WaitTimeout`, unless the check in flight holds.
 *
 * - `interval`: a finite duration longer than 0
 *
 * @deprecated Go's successor is {@link pollUntilContextCancel} with `immediate: false`. In new code use `Poll.until`
 * with `Period.ticker` and `stop`. It keeps a tick that comes during a check.
 * @see {@link poll} for the example
 * @category polls
 * @since 0.1.0
 */
export const pollUntil: Polling<Interval> = legacyPoll("Wait.pollUntil", "later")

/**
 * Go's `PollImmediateUntil(interval, condition, stopCh)` and `PollImmediateUntilWithContext`: checks as
 * {@link pollImmediate}, until it is stopped.
 *
 * - `interval`: a finite duration longer than 0
 *
 * @deprecated Go's successor is {@link pollUntilContextCancel} with `immediate: true`. In new code use `Poll.until`
 * with `Period.ticker` and `stop`. It keeps a tick that comes during a check.
 * @see {@link poll} for the example
 * @category polls
 * @since 0.1.0
 */
export const pollImmediateUntil: Polling<Interval> = legacyPoll("Wait.pollImmediateUntil", "anyway")

const contextPoll = <
  Options extends Interval & { readonly immediate: boolean; readonly timeout?: Duration.Input }
>(name: string): Polling<Options> =>
  dual(2, <E, R, SE, SR>(
    condition: Effect.Effect<boolean, E, R>,
    options: Options & Loop.StopOption<SE, SR>
  ): Effect.Effect<void, E | SE | WaitTimeout<boolean, E>, R | SR> =>
    Effect.suspend(() => {
      const interval = args.finiteDuration(`${name}: interval`, options.interval)
      const timeout = args.duration(`${name}: timeout`, options.timeout ?? Infinity)
      const stop = args.effect(`${name}: stop`, options.stop)
      return pollWith<E, R | SR, SE>(name, condition, {
        plan: toPlan(interval === 0 ? Period.sliding(0) : Period.ticker(interval)),
        first: firstCheck(name, options),
        stop: timeout === Infinity ? stop : stopOrDeadline(stop ?? Effect.never, timeout)
      })
    }))

// A stop has already happened only if it completes without suspending. A sleep of 0 suspends, so a timeout of 0 is
// `Effect.void`.
const stopOrDeadline = <SE, SR>(
  stop: Effect.Effect<unknown, SE, SR>,
  timeout: number
): Effect.Effect<unknown, SE, SR> =>
  Effect.raceFirst(
    Effect.asVoid(stop),
    Effect.as(timeout === 0 ? Effect.void : Effect.sleep(Duration.millis(timeout)), deadline)
  )

/**
 * Go's `PollUntilContextCancel(ctx, interval, immediate, condition)`: checks at every tick until it is stopped. One
 * tick that comes during a check is kept.
 *
 * - `interval`: a finite duration of 0 or more; with 0 the checks follow each other without a pause
 * - `immediate`: whether to check once before the first tick, even when the poll has already been stopped
 *
 * **Gotchas**
 *
 * A check in flight at the stop finishes. If it holds, the poll succeeds.
 *
 * **Example** (Holds at the third check)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * let checks = 0
 * const condition = Effect.sync(() => ++checks === 3)
 * const poll = Wait.pollUntilContextCancel({ interval: "1 second", immediate: false })
 * const recording = await Effect.runPromise(TestLoop.record((track) => poll(track(condition)), { until: "1 minute" }))
 *
 * Timeline.starts(recording) // => [1000, 2000, 3000]
 * ```
 *
 * @see `Poll.until` for an exact deadline, and for checks that return a value
 * @category polls
 * @since 0.1.0
 */
export const pollUntilContextCancel: Polling<Interval & { readonly immediate: boolean }> = contextPoll(
  "Wait.pollUntilContextCancel"
)

/**
 * Go's `PollUntilContextTimeout(ctx, interval, timeout, immediate, condition)`: checks as
 * {@link pollUntilContextCancel}, with a deadline.
 *
 * - `interval`: a finite duration of 0 or more; with 0 the checks follow each other without a pause
 * - `timeout`: a duration of 0 or more; a timeout of 0 has already passed
 * - `immediate`: whether to check once before the first tick, even when the poll has already been stopped
 *
 * **Gotchas**
 *
 * No check starts at the deadline. A check in flight finishes; if it holds, the poll succeeds. `WaitTimeout.reason` is
 * `Deadline` or `Stopped`.
 *
 * **Example** (No check at the deadline)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * const never = Effect.succeed(false)
 * const poll = Wait.pollUntilContextTimeout({ interval: "1 second", timeout: "3 seconds", immediate: true })
 * const recording = await Effect.runPromise(TestLoop.record((track) => poll(track(never)), { until: "1 minute" }))
 *
 * Timeline.starts(recording) // => [0, 1000, 2000]
 * recording.endedAt // => 3000
 * ```
 *
 * @see `Poll.until` for an exact deadline, and for checks that return a value
 * @category polls
 * @since 0.1.0
 */
export const pollUntilContextTimeout: Polling<IntervalAndTimeout & { readonly immediate: boolean }> = contextPoll(
  "Wait.pollUntilContextTimeout"
)

/**
 * Go's `DelayFunc.Until(ctx, immediate, sliding, condition)`: checks with the delays of a schedule.
 *
 * - `backoff`: any Schedule. The poll fails with a `WaitTimeout` when the schedule is done
 * - `immediate`: whether to check once before the first delay, even when the poll has already been stopped
 * - `sliding`: true measures the delay from the end of the check, false from its start
 *
 * **Example** (Holds at the third check)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Timeline, Wait } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * let checks = 0
 * const condition = Effect.sync(() => ++checks === 3)
 * const poll = Wait.delayUntil({
 *   backoff: Backoff.exponential({ base: "1 second", cap: "1 minute" }),
 *   immediate: false,
 *   sliding: true
 * })
 * const recording = await Effect.runPromise(TestLoop.record((track) => poll(track(condition)), { until: "1 minute" }))
 *
 * Timeline.starts(recording) // => [1000, 3000, 7000]
 * ```
 *
 * @see `Poll.until` for an exact deadline, and for checks that return a value
 * @category polls
 * @since 0.1.0
 */
export const delayUntil: {
  <ES, RS, SE = never, SR = never>(
    options: {
      readonly backoff: Schedule.Schedule<unknown, boolean | undefined, ES, RS>
      readonly immediate: boolean
      readonly sliding: boolean
    } & Loop.StopOption<SE, SR>
  ): <E, R>(
    condition: Effect.Effect<boolean, E, R>
  ) => Effect.Effect<void, E | ES | NoInfer<SE> | WaitTimeout<boolean, E>, R | RS | NoInfer<SR>>
  <E, R, ES, RS, SE = never, SR = never>(
    condition: Effect.Effect<boolean, E, R>,
    options: {
      readonly backoff: Schedule.Schedule<unknown, boolean | undefined, ES, RS>
      readonly immediate: boolean
      readonly sliding: boolean
    } & Loop.StopOption<SE, SR>
  ): Effect.Effect<void, E | ES | NoInfer<SE> | WaitTimeout<boolean, E>, R | RS | NoInfer<SR>>
} = dual(2, <E, R, F>(
  condition: Effect.Effect<boolean, E, R>,
  options: {
    readonly backoff: Schedule.Schedule<unknown, boolean | undefined, F, R>
    readonly immediate: boolean
    readonly sliding: boolean
  } & Loop.StopOption<F, R>
): Effect.Effect<void, E | F | WaitTimeout<boolean, E>, R> =>
  Effect.suspend(() =>
    pollWith("Wait.delayUntil", condition, {
      plan: toPlan(
        applySliding("Wait.delayUntil", args.schedule("Wait.delayUntil: backoff", options.backoff), options)
      ),
      first: firstCheck("Wait.delayUntil", options),
      stop: options.stop
    })
  ))

// A step for each element of the stream, and one more for its end.
const streamSchedule = <E, R>(
  ticks: Stream.Stream<unknown, E, R>,
  scope: Scope.Scope
): Schedule.Schedule<void, unknown, E, R> =>
  Schedule.fromStep(Effect.map(Effect.provideService(Stream.toPull(ticks), Scope.Scope, scope), (pull) => {
    const now: [void, Duration.Duration] = [undefined, Duration.zero]
    let left = 0
    let ended = false
    const next = Pull.matchEffect(pull, {
      onSuccess: (chunk) =>
        Effect.sync(() => {
          left = chunk.length - 1
          return now
        }),
      onDone: () =>
        Effect.sync(() => {
          ended = true
          return now
        }),
      onFailure: Effect.failCause
    })
    return () => {
      if (left === 0) return ended ? Cause.done() : next
      left--
      return Effect.succeed(now)
    }
  }))

/**
 * Go's `WaitFor(wait, condition, done)`, exported until 1.26: checks once for each element of a stream, and once more
 * when the stream ends. When it is stopped, it fails with a `WaitTimeout`.
 *
 * - `ticks`: a Stream. It is pulled between checks, and closed when the wait ends
 *
 * **Example** (Ticks after 300 ms and after 500 ms more)
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * const never = Effect.succeed(false)
 * const ticks = Stream.make(300, 500).pipe(Stream.mapEffect((gap) => Effect.sleep(gap)))
 * const recording = await Effect.runPromise(
 *   TestLoop.record((track) => Wait.waitFor(track(never), { ticks }), { until: "1 minute" })
 * )
 *
 * Timeline.starts(recording) // => [300, 800, 800]
 * ```
 *
 * @deprecated Go no longer exports it. Its successor in Go is the loop behind {@link pollUntilContextCancel} and
 * {@link delayUntil}. In new code use `Poll.until` to check on a schedule. To check after each event, use
 * `Stream.mapEffect` and `Stream.takeUntil` on the stream of events.
 * @category polls
 * @since 0.1.0
 */
export const waitFor: {
  <ES, RS, SE = never, SR = never>(
    options: { readonly ticks: Stream.Stream<unknown, ES, RS> } & Loop.StopOption<SE, SR>
  ): <E, R>(
    condition: Effect.Effect<boolean, E, R>
  ) => Effect.Effect<void, E | ES | NoInfer<SE> | WaitTimeout<boolean, E>, R | RS | NoInfer<SR>>
  <E, R, ES, RS, SE = never, SR = never>(
    condition: Effect.Effect<boolean, E, R>,
    options: { readonly ticks: Stream.Stream<unknown, ES, RS> } & Loop.StopOption<SE, SR>
  ): Effect.Effect<void, E | ES | NoInfer<SE> | WaitTimeout<boolean, E>, R | RS | NoInfer<SR>>
} = dual(2, <E, R, F>(
  condition: Effect.Effect<boolean, E, R>,
  options: { readonly ticks: Stream.Stream<unknown, F, R> } & Loop.StopOption<F, R>
): Effect.Effect<void, E | F | WaitTimeout<boolean, E>, R> =>
  // The stream has a Scope of its own. The condition keeps the Scope of the caller.
  Effect.acquireUseRelease(
    Scope.make(),
    (scope) =>
      pollWith<E, R, F>("Wait.waitFor", condition, {
        plan: toPlan(streamSchedule(options.ticks, scope)),
        first: "later",
        stop: options.stop
      }),
    Scope.close
  ))

// After the sleep that brings the delay to its cap, the plan is done: no check follows.
const stepsPlan = (initial: GoBackoff): Plan<unknown, unknown, never, never> => ({
  timed: false,
  start: () => ({ backoff: initial, delay: 0 }),
  output: constVoid,
  next(state: { backoff: GoBackoff; delay: number }, at) {
    if (state.backoff.steps <= 1) return done
    const delay = nextDelay(state, at)
    return state.backoff.steps < 1 ? Effect.as(Effect.sleep(delay), done) : delay
  }
})

/**
 * Go's `ExponentialBackoff(backoff, condition)` and `ExponentialBackoffWithContext`: checks at most `steps` times, with
 * the delays of a policy.
 *
 * - `backoff`: plain data, see `Backoff.Policy`. Its `steps` is the number of checks
 *
 * **Gotchas**
 *
 * As in Go, a `cap` also ends the wait: once the next delay would exceed `cap`, the poll sleeps once more and fails
 * without a check (kubernetes/kubernetes#131122). To keep checking at the cap, use `Backoff.exponential` with
 * `Limit.attempts`.
 *
 * **Example** (A cap of 3 s: two checks, and the end at 3 s)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * const never = Effect.succeed(false)
 * const backoff = { duration: "1 second", factor: 2, jitter: 0, steps: 10, cap: "3 seconds" } as const
 * const recording = await Effect.runPromise(
 *   TestLoop.record((track) => Wait.exponentialBackoff(track(never), { backoff }), { until: "1 minute" })
 * )
 *
 * Timeline.starts(recording) // => [0, 1000]
 * recording.endedAt // => 3000
 * ```
 *
 * @see `Poll.until` for an exact deadline, and for checks that return a value
 * @category polls
 * @since 0.1.0
 */
export const exponentialBackoff: Polling<{ readonly backoff: Policy }> = dual(2, <E, R, SE, SR>(
  condition: Effect.Effect<boolean, E, R>,
  options: { readonly backoff: Policy } & Loop.StopOption<SE, SR>
): Effect.Effect<void, E | SE | WaitTimeout<boolean, E>, R | SR> =>
  Effect.suspend(() => {
    const backoff = fromPolicy("Wait.exponentialBackoff", options.backoff)
    return backoff.steps < 1
      ? Effect.fail(
        new WaitTimeout<boolean, E>({
          reason: { _tag: "Exhausted" },
          attempts: 0,
          elapsed: Duration.zero,
          last: Option.none(),
          lastError: Option.none()
        })
      )
      : pollWith<E, R | SR, SE>("Wait.exponentialBackoff", condition, {
        plan: stepsPlan(backoff),
        first: "now",
        stop: options.stop
      })
  }))
