/**
 * Go's names and Go's exact behaviour: the package `k8s.io/apimachinery/pkg/util/wait`, release 0.37.2, to the millisecond.
 * For porting; `Loop`, `Poll` and the schedule values are for everything else.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Jitter, Period, Timeline } from "effect-wait"
 *
 * // wait.JitterUntil(f, time.Second, 0.5, sliding, stopCh)
 * const jittered = Period.sliding("1 second").pipe(Jitter.additive(0.5))
 * const options = { work: 400, until: "5 seconds", random: [0, 0.6, 0.3] } as const
 *
 * console.log(Timeline.render(Effect.runSync(Effect.all({
 *   "sliding: true": Timeline.simulate(jittered, options),
 *   "sliding: false": Timeline.simulate(jittered.pipe(Period.fromStart), options)
 * })), { width: 56 }))
 * ```
 *
 * ```text
 * sliding: true  [==]..........[==].............[==]...........[===]
 * sliding: false [==]......[==].........[==].......[===].....[===]..
 *                0         1s        2s        3s        4s        5s
 * ```
 *
 * Where Go takes a channel or a context, these take `stop`, see `Loop.run`; so that the `...WithContext` twins are the same
 * functions here. Loops complete when they are stopped. Polls succeed when the condition holds, and fail with its error, or
 * with a `WaitTimeout`. They die with an `IllegalArgumentError` for a bad argument.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual, identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { NoInfer } from "effect/Types"
import * as args from "./internal/args.ts"
import { fromPolicy, type GoBackoff, nextDelay, type Policy } from "./internal/goBackoff.ts"
import { deadline, poll as pollJob } from "./internal/poll.ts"
import { done, fromPlan, type Moment, planOf } from "./internal/step.ts"
import * as Jitter from "./Jitter.ts"
import * as Loop from "./Loop.ts"
import * as Period from "./Period.ts"
import { WaitTimeout } from "./WaitTimeout.ts"

// -----------------------------------------------------------------------------
// loops
// -----------------------------------------------------------------------------

/**
 * A loop of Go's: of the work and its options, in this order or piped.
 *
 * @category models
 * @since 0.1.0
 */
export interface Looping<Options> {
  <SE = never, SR = never>(
    options: Options & Loop.StopOption<SE, SR>
  ): <E, R>(work: Effect.Effect<unknown, E, R>) => Effect.Effect<void, E | NoInfer<SE>, R | NoInfer<SR>>
  <E, R, SE = never, SR = never>(
    work: Effect.Effect<unknown, E, R>,
    options: Options & Loop.StopOption<SE, SR>
  ): Effect.Effect<void, E | NoInfer<SE>, R | NoInfer<SR>>
}

const loop = <A, E, R, ES, RS, SE, SR>(
  name: string,
  work: Effect.Effect<A, E, R>,
  schedule: () => Schedule.Schedule<unknown, A, ES, RS>,
  { stop }: Loop.StopOption<SE, SR>
): Effect.Effect<void, E | ES | SE, R | RS | SR> =>
  Effect.suspend(() => Effect.asVoid(Loop.run(work, schedule(), { stop: args.effect(`${name}: stop`, stop) })))

// Go asks its timers when a run starts, and a manager that looks at the clock sees that time.
const askedAtStart = <Out, In, E, R>(self: Schedule.Schedule<Out, In, E, R>): Schedule.Schedule<Out, In, E, R> => {
  const plan = planOf(self)
  if (plan === undefined) return Period.fromStart(self)
  return Period.fromStart(fromPlan<Out, In, unknown>({
    ...plan,
    timed: true,
    next(state, at, input) {
      const atStart: Moment = {
        ...at,
        ended: at.now,
        now: at.start,
        wall: () => at.wall() - (at.now - at.start)
      }
      return plan.next(state, atStart, input)
    }
  }))
}

const measured = <Out, In, E, R>(
  name: string,
  self: Schedule.Schedule<Out, In, E, R>,
  { sliding }: { readonly sliding: boolean }
): Schedule.Schedule<Out, In, E, R> => args.boolean(`${name}: sliding`, sliding) ? self : askedAtStart(self)

interface Jittered {
  readonly period: Duration.Input
  readonly jitterFactor: number
  readonly sliding: boolean
}

const jittered = <Options extends Partial<Jittered>>(
  name: string,
  given: (options: Options) => Jittered
): Looping<Options> =>
  dual(2, <E, R, SE, SR>(
    work: Effect.Effect<unknown, E, R>,
    options: Options & Loop.StopOption<SE, SR>
  ): Effect.Effect<void, E | SE, R | SR> =>
    loop(name, work, () => {
      const { jitterFactor, period, sliding } = given(options)
      const factor = args.number(`${name}: jitterFactor`, jitterFactor, -Infinity)
      const jitter = Jitter.additive(Math.max(0, factor))
      return measured(name, jitter(Period.sliding(args.duration(`${name}: period`, period))), { sliding })
    }, options))

const plain = ({ period }: { readonly period: Duration.Input }): Jittered => ({
  period,
  jitterFactor: 0,
  sliding: true
})

/**
 * Go's `Forever(f, period)`: runs every period, measured from the end of the run, for ever. A period of 0 runs back to back.
 *
 * **Example** (Four runs, until somebody stops it)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const work = Effect.andThen(Effect.map(Clock.currentTimeMillis, (now) => starts.push(now)), Effect.sleep(400))
 * const loop = Wait.forever(work, { period: "1 second", stop: Effect.sleep("5 seconds") })
 *
 * await Effect.runPromise(
 *   Effect.all([loop, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [0, 1400, 2800, 4200]
 * ```
 *
 * @see `Loop.run` with `Period.sliding` for the same with more to say
 * @category loops
 * @since 0.1.0
 */
export const forever: Looping<{ readonly period: Duration.Input }> = jittered("Wait.forever", plain)

/**
 * Go's `Until(f, period, stopCh)` and `UntilWithContext`: runs every period, measured from the end of the run, until stopped.
 *
 * **Example** (A stop during a run lets it finish)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const work = Effect.andThen(Effect.map(Clock.currentTimeMillis, (now) => starts.push(now)), Effect.sleep(400))
 * const loop = Wait.until(work, { period: "1 second", stop: Effect.sleep("3 seconds") })
 *
 * await Effect.runPromise(
 *   Effect.all([loop, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [0, 1400, 2800]
 * ```
 *
 * @see `Loop.run` with `Period.sliding` for the same with more to say
 * @category loops
 * @since 0.1.0
 */
export const until: Looping<{ readonly period: Duration.Input }> = jittered("Wait.until", plain)

/**
 * Go's `NonSlidingUntil(f, period, stopCh)` and `NonSlidingUntilWithContext`: runs every period, measured from the start of the
 * run, until stopped.
 *
 * **Example** (Runs of 400 ms)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const work = Effect.andThen(Effect.map(Clock.currentTimeMillis, (now) => starts.push(now)), Effect.sleep(400))
 * const loop = Wait.nonSlidingUntil(work, { period: "1 second", stop: Effect.sleep("3 seconds") })
 *
 * await Effect.runPromise(
 *   Effect.all([loop, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [0, 1000, 2000]
 * ```
 *
 * @see `Loop.run` with `Period.nonSliding` for the same with more to say
 * @category loops
 * @since 0.1.0
 */
export const nonSlidingUntil: Looping<{ readonly period: Duration.Input }> = jittered(
  "Wait.nonSlidingUntil",
  (options) => ({ ...plain(options), sliding: false })
)

/**
 * Go's `JitterUntil(f, period, jitterFactor, sliding, stopCh)` and `JitterUntilWithContext`.
 *
 * - `period`: a duration of 0 or more; with 0 it runs back to back, and still sees its stop before each run
 * - `jitterFactor`: each period `d` is drawn from `d .. d + jitterFactor·d`; nothing is drawn at 0 or less
 * - `sliding`: whether the period is measured from the end of the run, or from its start
 *
 * **Example** (Not sliding, without jitter)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const work = Effect.andThen(Effect.map(Clock.currentTimeMillis, (now) => starts.push(now)), Effect.sleep(400))
 * const loop = work.pipe(
 *   Wait.jitterUntil({ period: "1 second", jitterFactor: 0, sliding: false, stop: Effect.sleep("3.5 seconds") })
 * )
 *
 * await Effect.runPromise(
 *   Effect.all([loop, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [0, 1000, 2000, 3000]
 * ```
 *
 * @see `Jitter.additive` and `Period.fromStart` for what it is made of
 * @category loops
 * @since 0.1.0
 */
export const jitterUntil: Looping<{
  readonly period: Duration.Input
  readonly jitterFactor: number
  readonly sliding: boolean
}> = jittered("Wait.jitterUntil", identity)

/**
 * Go's `BackoffUntil(f, backoff, sliding, stopCh)` and `BackoffUntilWithContext`. The backoff is any Schedule; one that ends,
 * ends the loop.
 *
 * - `backoff`: a Schedule, such as {@link exponentialBackoffManager} or {@link delayWithReset}
 * - `sliding`: whether the delay is measured from the end of the run, or from its start; in the latter case a manager of this
 *   module sees the time at which the run starts, as in Go
 *
 * **Example** (A growing delay)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Backoff, Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const work = Effect.andThen(Effect.map(Clock.currentTimeMillis, (now) => starts.push(now)), Effect.sleep(400))
 * const loop = Wait.backoffUntil(work, {
 *   backoff: Backoff.exponential({ base: "1 second", cap: "1 minute" }),
 *   sliding: false,
 *   stop: Effect.sleep("10 seconds")
 * })
 *
 * await Effect.runPromise(
 *   Effect.all([loop, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [0, 1000, 3000, 7000]
 * ```
 *
 * @see `Loop.run` for the same with more to say
 * @category loops
 * @since 0.1.0
 */
export const backoffUntil: {
  <A, ES, RS, SE = never, SR = never>(
    options: {
      readonly backoff: Schedule.Schedule<unknown, NoInfer<A>, ES, RS>
      readonly sliding: boolean
    } & Loop.StopOption<SE, SR>
  ): <E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<void, E | ES | NoInfer<SE>, R | RS | NoInfer<SR>>
  <A, E, R, ES, RS, SE = never, SR = never>(
    work: Effect.Effect<A, E, R>,
    options: {
      readonly backoff: Schedule.Schedule<unknown, NoInfer<A>, ES, RS>
      readonly sliding: boolean
    } & Loop.StopOption<SE, SR>
  ): Effect.Effect<void, E | ES | NoInfer<SE>, R | RS | NoInfer<SR>>
} = dual(2, <A, E, R, ES, RS, SE, SR>(
  work: Effect.Effect<A, E, R>,
  options:
    & { readonly backoff: Schedule.Schedule<unknown, A, ES, RS>; readonly sliding: boolean }
    & Loop.StopOption<SE, SR>
): Effect.Effect<void, E | ES | SE, R | RS | SR> =>
  loop(
    "Wait.backoffUntil",
    work,
    () => measured("Wait.backoffUntil", args.schedule("Wait.backoffUntil: backoff", options.backoff), options),
    options
  ))

// -----------------------------------------------------------------------------
// backoff managers
// -----------------------------------------------------------------------------

// A Go Backoff that begins afresh by the clock. `reset` says whether, given the time of the last mark; marks are set
// at each reset or at each step.
const resetting = (
  initial: GoBackoff,
  reset: number,
  marks: "reset" | "step"
): Schedule.Schedule<Duration.Duration> =>
  fromPlan({
    timed: true,
    begin: ({ first }) => ({ backoff: initial, mark: first, delay: 0 }),
    output: ({ delay }) => Duration.millis(delay),
    next(state, at) {
      const due = at.now - state.mark > reset
      if (due || marks === "step") state.mark = at.now
      if (due) state.backoff = initial
      return nextDelay(state, at)
    }
  })

/**
 * Go's `NewExponentialBackoffManager(initBackoff, maxBackoff, resetDuration, backoffFactor, jitter, clock)`, as a Schedule.
 *
 * - `initial`, `max`: the first and the longest delay, before the jitter; a `max` of 0 is no cap
 * - `reset`: it begins afresh when more than this lies between two steps
 * - `factor`: what the delay is multiplied by, 0 or more
 * - `jitter`: each delay `d` is drawn from `d .. d + jitter·d`; nothing is drawn at 0 or less
 * - output: the delay, its jitter included
 *
 * Throws an `IllegalArgumentError` that names a bad argument.
 *
 * **Gotchas**
 *
 * `reset` is compared with the time between two steps, the delay included: with a `reset` that is not longer than `max` it
 * never stays at `max`.
 *
 * **Example** (Kubernetes' Reflector, without its jitter)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 *
 * const manager = Wait.exponentialBackoffManager({
 *   initial: "800 millis",
 *   max: "30 seconds",
 *   reset: "2 minutes",
 *   factor: 2,
 *   jitter: 0
 * })
 * const timeline = Effect.runSync(Timeline.simulate(manager, { until: "1 minute" }))
 *
 * Timeline.starts(timeline) // => [0, 800, 2400, 5600, 12000, 24800, 50400]
 * ```
 *
 * @see `Backoff.resetAfter` for a reset after a run that lasted long
 * @category backoff managers
 * @since 0.1.0
 */
export const exponentialBackoffManager = (options: {
  readonly initial: Duration.Input
  readonly max: Duration.Input
  readonly reset: Duration.Input
  readonly factor: number
  readonly jitter: number
}): Schedule.Schedule<Duration.Duration> => {
  const name = "Wait.exponentialBackoffManager"
  const { factor, initial, jitter, max, reset } = options
  return resetting(
    fromPolicy(name, {
      duration: args.finite(`${name}: initial`, initial),
      cap: args.duration(`${name}: max`, max),
      factor,
      jitter,
      steps: 2 ** 31 - 1
    }),
    args.duration(`${name}: reset`, reset),
    "step"
  )
}

/**
 * Go's `Backoff.DelayWithReset(clock, resetInterval)`, as a Schedule: the policy's delays, which begin afresh `reset` after the
 * *last reset*, whatever happened since.
 *
 * - `policy`: see `Backoff.Policy`
 * - `reset`: a duration of 0 or more; with 0, or a factor of 0, nothing grows
 * - output: the delay, its jitter included
 *
 * Throws an `IllegalArgumentError` that names a bad argument.
 *
 * **Example** (Afresh every 20 seconds)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 *
 * const policy = { duration: "1 second", factor: 2, jitter: 0, steps: 10, cap: "8 seconds" } as const
 * const timeline = Effect.runSync(
 *   Timeline.simulate(Wait.delayWithReset(policy, "20 seconds"), { until: "27 seconds" })
 * )
 *
 * Timeline.starts(timeline) // => [0, 1000, 3000, 7000, 15000, 23000, 24000, 26000]
 * ```
 *
 * @see `Backoff.resetAfter` for a reset after a run that lasted long
 * @category backoff managers
 * @since 0.1.0
 */
export const delayWithReset = (policy: Policy, reset: Duration.Input): Schedule.Schedule<Duration.Duration> => {
  const initial = fromPolicy("Wait.delayWithReset", policy)
  const millis = args.duration("Wait.delayWithReset: reset", reset)
  return initial.factor === 0 || millis === 0
    ? resetting({ ...initial, factor: 0, steps: 0 }, Infinity, "reset")
    : resetting(initial, millis, "reset")
}

// -----------------------------------------------------------------------------
// polls
// -----------------------------------------------------------------------------

/**
 * A poll of Go's: of the condition and its options, in this order or piped.
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
    readonly schedule: Schedule.Schedule<unknown, boolean | undefined, F, R>
    readonly first: "now" | "anyway" | "later"
    readonly stop: Effect.Effect<unknown, F, R> | undefined
    readonly exhausted?: "deadline" | "exhausted"
  }
): Effect.Effect<void, E | F | WaitTimeout<boolean, E>, R> =>
  Effect.asVoid(pollJob({
    check: condition,
    schedule: options.schedule,
    accept: identity,
    first: options.first,
    stop: args.effect(`${name}: stop`, options.stop),
    timeout: Infinity,
    exhausted: options.exhausted ?? "exhausted"
  }))

// Go's immediate check runs even when already stopped.
const firstCheck = (name: string, { immediate }: { readonly immediate: boolean }) =>
  args.boolean(`${name}: immediate`, immediate) ? "anyway" : "later"

// The ticks of the legacy polls begin with the first step: after the first check, where that is immediate. A tick that
// comes while a check runs is lost, and the timeout brings one last check.
const ticksUntil = (interval: number, timeout: number): Schedule.Schedule<number> =>
  fromPlan({
    timed: true,
    begin: () => ({ first: NaN, ticks: 0, last: false }),
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

const legacy = <Options extends { readonly interval: Duration.Input; readonly timeout?: Duration.Input }>(
  name: string,
  first: "anyway" | "later"
): Polling<Options> =>
  dual(2, <E, R, SE, SR>(
    condition: Effect.Effect<boolean, E, R>,
    options: Options & Loop.StopOption<SE, SR>
  ): Effect.Effect<void, E | SE | WaitTimeout<boolean, E>, R | SR> =>
    Effect.suspend(() => {
      const interval = args.positive(`${name}: interval`, options.interval)
      const timeout = args.duration(`${name}: timeout`, options.timeout ?? 0)
      const schedule = ticksUntil(interval, timeout === 0 ? Infinity : timeout)
      return pollWith<E, R | SR, SE>(name, condition, {
        schedule,
        first,
        stop: options.stop,
        exhausted: "deadline"
      })
    }))

type Interval = { readonly interval: Duration.Input }

type IntervalAndTimeout = { readonly interval: Duration.Input; readonly timeout: Duration.Input }

/**
 * Go's `Poll(interval, timeout, condition)` and `PollWithContext`: checks at every tick, the first one after an interval.
 *
 * - `interval`: a finite duration longer than 0
 * - `timeout`: a duration of 0 or more; 0 means never
 *
 * **Gotchas**
 *
 * As in Go: a tick that comes while the condition runs is lost. At the timeout the condition is checked once more, after the
 * check in flight where there is one; so a timeout that falls on a tick gives two checks. `WaitTimeout.reason` is `"deadline"`.
 *
 * **Example** (The last check comes with the timeout)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const condition = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now) === 5)
 * const poll = Effect.flip(Wait.poll(condition, { interval: "1 second", timeout: "2.5 seconds" }))
 *
 * await Effect.runPromise(
 *   Effect.all([poll, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [1000, 2000, 2500]
 * ```
 *
 * @see `Poll.until` for a deadline that is exact, and a result that tells what was seen
 * @category polls
 * @since 0.1.0
 */
export const poll: Polling<IntervalAndTimeout> = legacy("Wait.poll", "later")

/**
 * Go's `PollImmediate(interval, timeout, condition)` and `PollImmediateWithContext`: as {@link poll}, after a check that comes at
 * once, even when already stopped. Ticks and timeout count from the end of that check.
 *
 * - `interval`: a finite duration longer than 0
 * - `timeout`: a duration of 0 or more; 0 means never
 *
 * **Example** (Holds at the third check)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const condition = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now) === 3)
 * const poll = Wait.pollImmediate(condition, { interval: "1 second", timeout: "1 minute" })
 *
 * await Effect.runPromise(
 *   Effect.all([poll, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [0, 1000, 2000]
 * ```
 *
 * @see `Poll.until` for a deadline that is exact, and a result that tells what was seen
 * @category polls
 * @since 0.1.0
 */
export const pollImmediate: Polling<IntervalAndTimeout> = legacy("Wait.pollImmediate", "anyway")

/**
 * Go's `PollInfinite(interval, condition)` and `PollInfiniteWithContext`: as {@link poll}, without a timeout.
 *
 * - `interval`: a finite duration longer than 0
 *
 * **Example** (Holds at the third check)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const condition = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now) === 3)
 * const poll = Wait.pollInfinite(condition, { interval: "1 second" })
 *
 * await Effect.runPromise(
 *   Effect.all([poll, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [1000, 2000, 3000]
 * ```
 *
 * @see `Poll.until` for a deadline that is exact, and a result that tells what was seen
 * @category polls
 * @since 0.1.0
 */
export const pollInfinite: Polling<Interval> = legacy("Wait.pollInfinite", "later")

/**
 * Go's `PollImmediateInfinite(interval, condition)` and `PollImmediateInfiniteWithContext`: as {@link pollImmediate}, without a
 * timeout.
 *
 * - `interval`: a finite duration longer than 0
 *
 * **Example** (Holds at the third check)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const condition = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now) === 3)
 * const poll = Wait.pollImmediateInfinite(condition, { interval: "1 second" })
 *
 * await Effect.runPromise(
 *   Effect.all([poll, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [0, 1000, 2000]
 * ```
 *
 * @see `Poll.until` for a deadline that is exact, and a result that tells what was seen
 * @category polls
 * @since 0.1.0
 */
export const pollImmediateInfinite: Polling<Interval> = legacy("Wait.pollImmediateInfinite", "anyway")

/**
 * Go's `PollUntil(interval, condition, stopCh)` and `PollUntilWithContext`: as {@link poll}, until stopped. Stopping fails with a
 * `WaitTimeout`, unless a check in flight holds.
 *
 * - `interval`: a finite duration longer than 0
 *
 * **Example** (Stopped before it holds)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const condition = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now) === 5)
 * const poll = Effect.flip(Wait.pollUntil(condition, { interval: "1 second", stop: Effect.sleep("2.5 seconds") }))
 *
 * await Effect.runPromise(
 *   Effect.all([poll, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [1000, 2000]
 * ```
 *
 * @see `Poll.until` for a deadline that is exact, and a result that tells what was seen
 * @category polls
 * @since 0.1.0
 */
export const pollUntil: Polling<Interval> = legacy("Wait.pollUntil", "later")

/**
 * Go's `PollImmediateUntil(interval, condition, stopCh)` and `PollImmediateUntilWithContext`: as {@link pollImmediate}, until
 * stopped.
 *
 * - `interval`: a finite duration longer than 0
 *
 * **Example** (A check comes at once, even when already stopped)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const condition = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now) === 5)
 * const poll = Effect.flip(Wait.pollImmediateUntil(condition, { interval: "1 second", stop: Effect.void }))
 *
 * await Effect.runPromise(
 *   Effect.all([poll, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [0]
 * ```
 *
 * @see `Poll.until` for a deadline that is exact, and a result that tells what was seen
 * @category polls
 * @since 0.1.0
 */
export const pollImmediateUntil: Polling<Interval> = legacy("Wait.pollImmediateUntil", "anyway")

const pollUntilContext = <
  Options extends Interval & { readonly immediate: boolean; readonly timeout?: Duration.Input }
>(name: string): Polling<Options> =>
  dual(2, <E, R, SE, SR>(
    condition: Effect.Effect<boolean, E, R>,
    options: Options & Loop.StopOption<SE, SR>
  ): Effect.Effect<void, E | SE | WaitTimeout<boolean, E>, R | SR> =>
    Effect.suspend(() => {
      const interval = args.finite(`${name}: interval`, options.interval)
      const timeout = args.duration(`${name}: timeout`, options.timeout ?? Infinity)
      const stop = args.effect(`${name}: stop`, options.stop)
      return pollWith<E, R | SR, SE>(name, condition, {
        schedule: interval === 0 ? Period.sliding(0) : Period.ticker(interval),
        first: firstCheck(name, options),
        stop: timeout === Infinity ? stop : orDeadline(stop ?? Effect.never, timeout)
      })
    }))

// A timeout of 0 has passed at once, which a sleep of 0 would not tell without suspending.
const orDeadline = <SE, SR>(stop: Effect.Effect<unknown, SE, SR>, timeout: number): Effect.Effect<unknown, SE, SR> =>
  Effect.raceFirst(
    Effect.asVoid(stop),
    Effect.as(timeout === 0 ? Effect.void : Effect.sleep(Duration.millis(timeout)), deadline)
  )

/**
 * Go's `PollUntilContextCancel(ctx, interval, immediate, condition)`: checks at the ticks of a ticker that keeps one missed tick.
 *
 * - `interval`: a finite duration of 0 or more; with 0 it checks back to back
 * - `immediate`: whether to check once before the first tick, even when already stopped
 *
 * **Gotchas**
 *
 * A check in flight at the stop finishes, and its `true` wins.
 *
 * **Example** (Holds at the third check)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const condition = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now) === 3)
 * const poll = Wait.pollUntilContextCancel(condition, { interval: "1 second", immediate: false })
 *
 * await Effect.runPromise(
 *   Effect.all([poll, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [1000, 2000, 3000]
 * ```
 *
 * @see `Poll.until` for a deadline that is exact, and a result that tells what was seen
 * @category polls
 * @since 0.1.0
 */
export const pollUntilContextCancel: Polling<Interval & { readonly immediate: boolean }> = pollUntilContext(
  "Wait.pollUntilContextCancel"
)

/**
 * Go's `PollUntilContextTimeout(ctx, interval, timeout, immediate, condition)`: as {@link pollUntilContextCancel}, with a deadline.
 *
 * - `interval`: a finite duration of 0 or more; with 0 it checks back to back
 * - `timeout`: a duration of 0 or more; 0 is a deadline that has passed
 * - `immediate`: whether to check once before the first tick, even when already stopped
 *
 * **Gotchas**
 *
 * At the deadline there is no further check; one in flight finishes, and its `true` wins. `WaitTimeout.reason` tells the deadline
 * from a stop.
 *
 * **Example** (No check at the deadline)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const condition = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now) === 5)
 * const poll = Effect.flip(
 *   Wait.pollUntilContextTimeout(condition, { interval: "1 second", timeout: "3 seconds", immediate: true })
 * )
 *
 * await Effect.runPromise(
 *   Effect.all([poll, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [0, 1000, 2000]
 * ```
 *
 * @see `Poll.until` for a deadline that is exact, and a result that tells what was seen
 * @category polls
 * @since 0.1.0
 */
export const pollUntilContextTimeout: Polling<IntervalAndTimeout & { readonly immediate: boolean }> = pollUntilContext(
  "Wait.pollUntilContextTimeout"
)

/**
 * Go's `DelayFunc.Until(ctx, immediate, sliding, condition)`: checks with the delays of any Schedule.
 *
 * - `backoff`: a Schedule; one that ends, ends the wait
 * - `immediate`: whether to check once before the first delay, even when already stopped
 * - `sliding`: whether the delay is measured from the end of the check, or from its start
 *
 * **Example** (Holds at the third check)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Backoff, Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const condition = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now) === 3)
 * const poll = Wait.delayUntil(condition, {
 *   backoff: Backoff.exponential({ base: "1 second", cap: "1 minute" }),
 *   immediate: false,
 *   sliding: true
 * })
 *
 * await Effect.runPromise(
 *   Effect.all([poll, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [1000, 3000, 7000]
 * ```
 *
 * @see `Poll.until` for a deadline that is exact, and a result that tells what was seen
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
      schedule: measured("Wait.delayUntil", args.schedule("Wait.delayUntil: backoff", options.backoff), options),
      first: firstCheck("Wait.delayUntil", options),
      stop: options.stop
    })
  ))

// Every tick of the stream, and its end.
const ticking = <E, R>(
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
 * Go's `WaitFor(wait, condition, done)`, unexported since 1.27: checks once for every tick of a stream, and once more when that
 * ends. A stop fails with a `WaitTimeout`.
 *
 * - `ticks`: a Stream; it is pulled when the wait is ready for the next tick, and closed when the wait ends
 *
 * **Example** (Ticks of one's own)
 *
 * ```ts
 * import { Clock, Effect, Stream } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const condition = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now) === 5)
 * const ticks = Stream.make(300, 500).pipe(Stream.mapEffect((gap) => Effect.sleep(gap)))
 * const poll = Effect.flip(Wait.waitFor(condition, { ticks }))
 *
 * await Effect.runPromise(
 *   Effect.all([poll, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [300, 800, 800]
 * ```
 *
 * @see `Poll.until` for a deadline that is exact, and a result that tells what was seen
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
  // The condition keeps the Scope of the caller.
  Effect.acquireUseRelease(
    Scope.make(),
    (scope) =>
      pollWith<E, R, F>("Wait.waitFor", condition, {
        schedule: ticking(options.ticks, scope),
        first: "later",
        stop: options.stop
      }),
    Scope.close
  ))

// A sleep that brought the delay to its cap is the last one, and no check follows it.
const goSteps = (initial: GoBackoff): Schedule.Schedule<Duration.Duration> =>
  fromPlan({
    timed: false,
    begin: () => ({ backoff: initial, delay: 0 }),
    output: ({ delay }) => Duration.millis(delay),
    isOver: ({ backoff }) => backoff.steps < 1,
    next: (state, at) => state.backoff.steps <= 1 ? done : nextDelay(state, at)
  })

/**
 * Go's `ExponentialBackoff(backoff, condition)` and `ExponentialBackoffWithContext`: checks at most `steps` times.
 *
 * - `backoff`: plain data, see `Backoff.Policy`; `steps` is the number of checks here
 *
 * **Gotchas**
 *
 * As in Go, a `cap` also ends the wait: once the delay after the next one would exceed it, the sleep that follows is the last
 * thing that happens, and nothing is checked after it (kubernetes/kubernetes#131122). `Backoff.exponential` with `Limit.attempts`
 * does what most people expect.
 *
 * **Example** (A cap of 3 s: two checks, and an end at 3 s)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Wait } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const condition = Effect.map(Clock.currentTimeMillis, (now) => starts.push(now) === 5)
 * const poll = Effect.flip(Wait.exponentialBackoff(condition, {
 *   backoff: { duration: "1 second", factor: 2, jitter: 0, steps: 10, cap: "3 seconds" }
 * }))
 *
 * await Effect.runPromise(
 *   Effect.all([poll, TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(Effect.provide(TestClock.layer()))
 * )
 *
 * starts // => [0, 1000]
 * ```
 *
 * @see `Poll.until` for a deadline that is exact, and a result that tells what was seen
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
          reason: "exhausted",
          attempts: 0,
          elapsed: Duration.zero,
          last: Option.none(),
          lastError: Option.none()
        })
      )
      : pollWith<E, R | SR, SE>("Wait.exponentialBackoff", condition, {
        schedule: goSteps(backoff),
        first: "now",
        stop: options.stop
      })
  }))
