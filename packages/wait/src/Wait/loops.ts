/**
 * Go's loops: `Forever` and the `...Until` functions. A failure of the work ends each of them; Go's `f` cannot fail.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual, identity } from "effect/Function"
import type * as Schedule from "effect/Schedule"
import type { NoInfer } from "effect/Types"
import * as args from "../internal/args.ts"
import { applySliding } from "../internal/sliding.ts"
import { CurrentLoop, hiddenStop } from "../internal/stopping.ts"
import * as Jitter from "../Jitter.ts"
import * as Loop from "../Loop.ts"
import * as Period from "../Period.ts"

/**
 * One of Go's loops. It takes the work and its options, or is piped.
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

const runLoop = <A, E, R, ES, RS, SE, SR>(
  name: string,
  work: Effect.Effect<A, E, R>,
  schedule: () => Schedule.Schedule<unknown, A, ES, RS>,
  { stop }: Loop.StopOption<SE, SR>
): Effect.Effect<void, E | ES | SE, R | RS | SR> =>
  Effect.suspend(() => {
    const loop = Effect.asVoid(
      Loop.run(work, schedule(), { immediate: true, stop: args.effect(`${name}: stop`, stop) })
    )
    return stop === undefined ? loop : Effect.provideService(loop, CurrentLoop, hiddenStop)
  })

interface JitterOptions {
  readonly period: Duration.Input
  readonly jitterFactor: number
  readonly sliding: boolean
}

const jitterLoop = <Options extends Partial<JitterOptions>>(
  name: string,
  toJitterOptions: (options: Options) => JitterOptions
): Looping<Options> =>
  dual(2, <E, R, SE, SR>(
    work: Effect.Effect<unknown, E, R>,
    options: Options & Loop.StopOption<SE, SR>
  ): Effect.Effect<void, E | SE, R | SR> =>
    runLoop(name, work, () => {
      const { jitterFactor, period, sliding } = toJitterOptions(options)
      const factor = args.number(`${name}: jitterFactor`, jitterFactor, -Infinity)
      const jitter = Jitter.additive(Math.max(0, factor))
      return applySliding(name, jitter(Period.sliding(args.duration(`${name}: period`, period))), { sliding })
    }, options))

const slidingOptions = ({ period }: { readonly period: Duration.Input }): JitterOptions => ({
  period,
  jitterFactor: 0,
  sliding: true
})

/**
 * Go's `Forever(f, period)`: runs the work again and again, with a pause of `period` after each run.
 *
 * - `period`: a duration of 0 or more; with 0 the runs follow each other without a pause
 *
 * **Example** (Runs of 400 ms)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * const work = Effect.sleep("400 millis")
 * const recording = await Effect.runPromise(
 *   TestLoop.record((track) => Wait.forever(track(work), { period: "1 second" }), { until: "5 seconds" })
 * )
 *
 * Timeline.starts(recording) // => [0, 1400, 2800, 4200]
 * ```
 *
 * @see `Loop.run` with `Period.sliding` for the same loop with more options
 * @category loops
 * @since 0.1.0
 */
export const forever: Looping<{ readonly period: Duration.Input }> = jitterLoop("Wait.forever", slidingOptions)

/**
 * Go's `Until(f, period, stopCh)` and `UntilWithContext`: runs the work until it is stopped, with a pause of `period`
 * after each run.
 *
 * - `period`: a duration of 0 or more; with 0 the runs follow each other without a pause
 *
 * **Example** (A run in flight finishes after the stop)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * const work = Effect.sleep("400 millis")
 * const stop = Effect.sleep("3 seconds")
 * const recording = await Effect.runPromise(
 *   TestLoop.record((track) => Wait.until(track(work), { period: "1 second", stop }), { until: "1 minute" })
 * )
 *
 * Timeline.starts(recording) // => [0, 1400, 2800]
 * recording.endedAt // => 3200
 * ```
 *
 * @see `Loop.run` with `Period.sliding` for the same loop with more options
 * @category loops
 * @since 0.1.0
 */
export const until: Looping<{ readonly period: Duration.Input }> = jitterLoop("Wait.until", slidingOptions)

/**
 * Go's `NonSlidingUntil(f, period, stopCh)` and `NonSlidingUntilWithContext`: runs the work every `period` until it is
 * stopped. The period is measured from the start of the run.
 *
 * - `period`: a duration of 0 or more; after a run that took longer, the next run starts at once
 *
 * **Example** (Runs of 400 ms)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * const work = Effect.sleep("400 millis")
 * const stop = Effect.sleep("3 seconds")
 * const recording = await Effect.runPromise(
 *   TestLoop.record((track) => Wait.nonSlidingUntil(track(work), { period: "1 second", stop }), { until: "1 minute" })
 * )
 *
 * Timeline.starts(recording) // => [0, 1000, 2000]
 * ```
 *
 * @see `Loop.run` with `Period.nonSliding` for the same loop with more options
 * @category loops
 * @since 0.1.0
 */
export const nonSlidingUntil: Looping<{ readonly period: Duration.Input }> = jitterLoop(
  "Wait.nonSlidingUntil",
  (options) => ({ ...slidingOptions(options), sliding: false })
)

/**
 * Go's `JitterUntil(f, period, jitterFactor, sliding, stopCh)` and `JitterUntilWithContext`: runs the work every
 * `period`, with jitter, until it is stopped.
 *
 * - `period`: a duration of 0 or more; with 0 the runs follow each other without a pause; `stop` is checked before each
 *   run
 * - `jitterFactor`: each period `d` is drawn from `d .. d + jitterFactor·d`; 0 or less is no jitter
 * - `sliding`: true measures the period from the end of the run, false from its start
 *
 * **Example** (Jitter of up to half a period, from the start of the run)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeline, Wait } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * const work = Effect.sleep("400 millis")
 * const loop = Wait.jitterUntil({
 *   period: "1 second",
 *   jitterFactor: 0.5,
 *   sliding: false,
 *   stop: Effect.sleep("4 seconds")
 * })
 * const recording = await Effect.runPromise(
 *   TestLoop.record((track) => loop(track(work)), { until: "1 minute", random: [0, 0.6, 0.3] })
 * )
 *
 * Timeline.starts(recording) // => [0, 1000, 2300, 3450]
 * ```
 *
 * @see `Jitter.additive` and `Period.fromStart` for its two parts
 * @category loops
 * @since 0.1.0
 */
export const jitterUntil: Looping<{
  readonly period: Duration.Input
  readonly jitterFactor: number
  readonly sliding: boolean
}> = jitterLoop("Wait.jitterUntil", identity)

/**
 * Go's `BackoffUntil(f, backoff, sliding, stopCh)` and `BackoffUntilWithContext`: runs the work with the delays of a
 * schedule until it is stopped.
 *
 * - `backoff`: any Schedule, such as `Wait.delayWithReset`. The loop ends when the schedule is done
 * - `sliding`: true measures the delay from the end of the run, false from its start. With false, `Wait.delayWithReset`
 *   and `Wait.exponentialBackoffManager` also use the start of the run as the time of their step, as in Go
 *
 * **Example** (A delay that doubles, from the start of the run)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Timeline, Wait } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * const work = Effect.sleep("400 millis")
 * const loop = Wait.backoffUntil({
 *   backoff: Backoff.exponential({ base: "1 second", cap: "1 minute" }),
 *   sliding: false,
 *   stop: Effect.sleep("10 seconds")
 * })
 * const recording = await Effect.runPromise(TestLoop.record((track) => loop(track(work)), { until: "1 minute" }))
 *
 * Timeline.starts(recording) // => [0, 1000, 3000, 7000]
 * ```
 *
 * @see `Loop.run` for the same loop with more options
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
  runLoop(
    "Wait.backoffUntil",
    work,
    () => applySliding("Wait.backoffUntil", args.schedule("Wait.backoffUntil: backoff", options.backoff), options),
    options
  ))
