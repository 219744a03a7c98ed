/**
 * Records the runs of a real loop on its own test clock. The test needs no fork, no `TestClock.adjust`, no join and no
 * real time.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import * as args from "../internal/args.ts"
import { drawsOf, replay } from "../internal/replay.ts"
import type * as Timeline from "../Timeline.ts"

/**
 * An observed timeline, with the result of the loop.
 *
 * - `exit`: how the loop ended; none if it was cut
 * - `endedAt`: when it ended, in milliseconds; `until` if it was cut
 *
 * @category models
 * @since 0.1.0
 */
export interface Recording<out A, out E> extends Timeline.Timeline {
  readonly exit: Option.Option<Exit.Exit<A, E>>
  readonly endedAt: number
}

/**
 * The failure of {@link record} when the loop starts run after run without a sleep, so that no time passes.
 *
 * **Example** (A period of 0)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Loop, Period } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * const error = await Effect.runPromise(Effect.flip(
 *   TestLoop.record((track) => Loop.run(track(Effect.void), Period.sliding(0)), { until: "1 second" })
 * ))
 *
 * error.message // => "The loop started 1000 runs at 0 ms without sleeping. Give it a period, or end it."
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class NeverSleeps extends Data.TaggedError("NeverSleeps")<{
  readonly runs: number
  readonly at: number
  readonly message: string
}> {}

/**
 * Runs a loop on its own test clock, until the loop ends or `until` has passed. It records the runs of the tracked
 * work.
 *
 * - `make`: makes the loop; each run of an effect that it passes to `track` is recorded
 * - `until`: how much time passes, a finite duration of 0 or more
 * - `from`: the time at 0 by the wall clock, for calendars; default: 1970-01-01T00:00Z, where a test clock starts. The times of
 *   the recording count from 0
 * - `random`: draws from 0 up to 1, repeated in this order; default: the `Random` service
 *
 * Fails with `NeverSleeps` when 1,000 runs start at the same instant. Dies with an `IllegalArgumentError` that names a
 * bad argument. A run in flight at `until` is interrupted, and recorded as ending there.
 *
 * **Gotchas**
 *
 * Only the time of the Clock passes: work that waits for real I/O or a Promise makes no progress.
 *
 * **Example** (Your own loop)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period, Loop, Timeline } from "effect-wait"
 * import { TestLoop } from "effect-wait/testing"
 *
 * const sync = Effect.sleep("400 millis")
 *
 * const recording = await Effect.runPromise(
 *   TestLoop.record((track) => Loop.run(track(sync), Period.nonSliding("1 second")), { until: "3.5 seconds" })
 * )
 *
 * Timeline.starts(recording) // => [0, 1000, 2000, 3000]
 * recording.outcome // => "cut"
 * ```
 *
 * @see `Timeline.simulate` for a schedule alone
 * @category running
 * @since 0.1.0
 */
export const record = <A, E, R>(
  make: (track: <B, E2, R2>(work: Effect.Effect<B, E2, R2>) => Effect.Effect<B, E2, R2>) => Effect.Effect<A, E, R>,
  options: {
    readonly until: Duration.Input
    readonly from?: DateTime.DateTime.Input | undefined
    readonly random?: ReadonlyArray<number> | undefined
  }
): Effect.Effect<Recording<A, E>, NeverSleeps, R> =>
  Effect.suspend(() => {
    const until = args.finiteDuration("TestLoop.record: until", options.until)
    const from = args.time("TestLoop.record: from", options.from ?? 0)
    const draws = options.random && drawsOf("TestLoop.record: random", options.random)
    const recorded = recordOn(make, from, until)
    return Effect.provide(
      draws === undefined ? recorded : Effect.provideService(recorded, Random.Random, replay(draws)),
      TestClock.layer()
    )
  })

// How many runs may start at the same instant.
const maxRuns = 1000

const recordOn = Effect.fnUntraced(function*<A, E, R>(
  make: (track: <B, E2, R2>(work: Effect.Effect<B, E2, R2>) => Effect.Effect<B, E2, R2>) => Effect.Effect<A, E, R>,
  from: number,
  until: number
): Effect.fn.Return<Recording<A, E>, NeverSleeps, R> {
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe() - from
  const runs: Array<{ readonly start: number; end: number }> = []
  let endedAt = until
  let stuck: NeverSleeps | undefined

  const track = <B, E2, R2>(work: Effect.Effect<B, E2, R2>): Effect.Effect<B, E2, R2> =>
    Effect.suspend(() => {
      const start = now()
      if (stuck !== undefined || runs[runs.length - maxRuns]?.start === start) {
        const message = `The loop started ${maxRuns} runs at ${start} ms without sleeping. Give it a period, or end it.`
        stuck ??= new NeverSleeps({ runs: maxRuns, at: start, message })
        return Effect.interruptible(Effect.never)
      }
      const run = { start, end: until }
      runs.push(run)
      return Effect.onExit(work, () =>
        Effect.sync(() => {
          run.end = now()
        }))
    })

  // The test clock waits until the fibers that it wakes are suspended again. So a wake at 0 starts the loop.
  yield* TestClock.setTime(from - 1)
  const fiber = yield* Effect.sleep(1).pipe(
    Effect.andThen(Effect.suspend(() => make(track))),
    Effect.onExit(() =>
      Effect.sync(() => {
        endedAt = now()
      })
    ),
    Effect.forkChild({ startImmediately: true })
  )
  yield* TestClock.adjust(until + 1)
  const exit = fiber.pollUnsafe()
  const recording: Recording<A, E> = {
    runs: runs.map(({ end, start }) => ({ start, end })),
    outcome: exit === undefined ? "cut" : Exit.isSuccess(exit) ? "done" : "failed",
    exit: Option.fromUndefinedOr(exit),
    endedAt
  }
  // The finalizers of the loop may sleep.
  fiber.interruptUnsafe()
  yield* TestClock.adjust(Infinity)
  yield* Fiber.await(fiber)
  if (stuck !== undefined) return yield* stuck
  return recording
})
