import { Clock, Duration, Effect, Exit, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"

/** Work that notes its starts on the clock, in ms, and takes these times in turn; the last one from then on. */
export const makeWork = (...durations: ReadonlyArray<Duration.Input>) => {
  const starts: Array<number> = []
  const ends: Array<number> = []
  const run = Effect.gen(function*() {
    starts.push(yield* Clock.currentTimeMillis)
    yield* Effect.sleep(durations[Math.min(starts.length, durations.length) - 1] ?? 0)
    ends.push(yield* Clock.currentTimeMillis)
  })
  return { starts, ends, run }
}

/** Runs an effect on the test clock for so long, and says whether and how it ended, and when. */
export const observe = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>, time: Duration.Input) {
  let endedAt: number | undefined
  const fiber = yield* effect.pipe(
    Effect.onExit(() => Effect.map(Clock.currentTimeMillis, (now) => void (endedAt = now))),
    Effect.forkChild({ startImmediately: true })
  )
  yield* TestClock.adjust(time)
  const exit = fiber.pollUnsafe()
  yield* Fiber.interrupt(fiber)
  return { exit, endedAt }
})

/** The starts of work of these lengths, repeated by `repeat` for so long. */
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

export const exitOf = <A, E>(exit: Exit.Exit<A, E> | undefined) => exit
