import { Cause, Clock, Duration, Effect, Exit, Fiber, Metric, Option, Random, Schedule, Scheduler } from "effect"
import { Backoff, WaitTimeout } from "effect-wait"
import { TestClock } from "effect/testing"

/** Work that notes when it starts and ends, in ms, and takes these times in turn; the last one from then on. */
export const makeWork = (...durations: ReadonlyArray<Duration.Input>) => {
  const starts: Array<number> = []
  const ends: Array<number> = []
  const run = Effect.gen(function*() {
    starts.push(yield* Clock.currentTimeMillis)
    const duration = durations[Math.min(starts.length, durations.length) - 1] ?? 0
    if (duration !== 0) yield* Effect.sleep(duration)
    ends.push(yield* Clock.currentTimeMillis)
  })
  return { starts, ends, run }
}

/** Interrupts a fiber of this effect that takes too many operations: a loop that never ends fails its test, and does not hang it. */
const bounded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Scheduler.Scheduler, (scheduler) => {
    let operations = 0
    return Effect.provideService(effect, Scheduler.Scheduler, {
      executionMode: scheduler.executionMode,
      makeDispatcher: () => scheduler.makeDispatcher(),
      shouldYield(fiber) {
        if (++operations % maxOperations === 0) fiber.interruptUnsafe()
        return scheduler.shouldYield(fiber)
      }
    })
  })

const maxOperations = 20_000

/** Lets an effect run on the test clock for so long, and tells how and when it ended, if it did. */
export const observe = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>, time: Duration.Input) {
  let endedAt: number | undefined
  const fiber = yield* bounded(effect).pipe(
    Effect.onExit(() =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        endedAt = now
      })
    ),
    Effect.forkChild({ startImmediately: true })
  )
  yield* TestClock.adjust(time)
  const exit = fiber.pollUnsafe()
  const ended = endedAt
  yield* Fiber.interrupt(fiber)
  return { exit, endedAt: ended }
})

/** The starts of work of these lengths while `repeat` repeats it for so long. */
export const startsOf = <E, R>(
  repeat: (work: Effect.Effect<void>) => Effect.Effect<unknown, E, R>,
  time: Duration.Input,
  ...durations: ReadonlyArray<Duration.Input>
) => {
  const work = makeWork(...durations)
  return Effect.map(observe(repeat(work.run), time), () => work.starts)
}

/** Runs an effect with these draws, over and over. */
export const withDraws = (...draws: ReadonlyArray<number>) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    let i = 0
    const next = () => draws[i++ % draws.length]!
    return Effect.provideService(effect, Random.Random, { nextDoubleUnsafe: next, nextIntUnsafe: next })
  })

/** Runs an effect and tells how many fibers and sleeps of its own are left when it has ended. */
export const leftBehind = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    let fibers = 0
    let sleeps = 0
    const counted: Clock.Clock = {
      ...clock,
      sleep: (duration) =>
        Effect.acquireUseRelease(
          Effect.sync(() => sleeps++),
          () => clock.sleep(duration),
          () => Effect.sync(() => sleeps--)
        )
    }
    const fiber = yield* effect.pipe(
      Effect.provideService(Clock.Clock, counted),
      Effect.forkChild({ startImmediately: true }),
      Effect.provideService(Metric.FiberRuntimeMetrics, {
        recordFiberStart: () => void fibers++,
        recordFiberEnd: () => void fibers--
      })
    )
    return { fiber, left: () => ({ fibers, sleeps }) }
  })

/** The fields of the WaitTimeout that an exit failed with. */
export const timeoutOf = (exit: Exit.Exit<unknown, unknown> | undefined) => {
  const error = exit !== undefined && Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  if (!(error instanceof WaitTimeout)) return undefined
  const { attempts, elapsed, last, lastError, reason } = error
  return {
    reason: reason._tag,
    attempts,
    elapsed: Duration.toMillis(elapsed),
    ...(Option.isSome(last) && { last: last.value }),
    ...(Option.isSome(lastError) && { lastError: lastError.value })
  }
}

/** The first `n` delays of a schedule, asked again as soon as they have passed. */
export const delaysOf = <Output, E, R>(schedule: Schedule.Schedule<Output, unknown, E, R>, n: number) =>
  Effect.gen(function*() {
    const step = yield* Schedule.toStep(schedule)
    const delays: Array<number> = []
    let now = 0
    while (delays.length < n) {
      const [, delay] = yield* step(now, undefined)
      delays.push(Duration.toMillis(delay))
      now += delays[delays.length - 1]!
    }
    return delays
  })

/** The delays of a policy by `Backoff.step`, one for each draw, and the policy that is left. */
export const stepsOf = (policy: Backoff.Policy, draws: ReadonlyArray<number>) => {
  let next = policy
  const delays = draws.map((draw) => {
    const step = Backoff.step(next, draw)
    next = step[1]
    return Duration.toMillis(step[0])
  })
  return { delays, next }
}
