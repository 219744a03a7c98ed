/** Loops that do nothing but note when they start. */
import { Deferred, Effect, type Schedule } from "effect"
import { Loop } from "effect-wait"
import { wall } from "./clock.ts"

/** In milliseconds, by a clock that cannot be stepped and by the wall clock. */
export interface Instant {
  readonly at: number
  readonly wall: number
}

export const now = (): Instant => ({ at: performance.now(), wall: wall() })

export interface Start extends Instant {
  /** Which slot it is by the loop's own count: the runs and the missed slots before it. */
  readonly slot: number
}

export interface Recorded {
  /** When the loop was forked. Its slots begin between that and the first start. */
  readonly forked: number
  readonly starts: ReadonlyArray<Start>
  readonly missed: Effect.Effect<number>
}

// Up to 1 ms of work in every other run, so that sleeps begin at any part of a millisecond; and none in the run after it, so
// that one which comes early is over early.
const workUntil = (start: number, run: number): void => {
  const length = run % 2 === 0 ? 0 : run * 0.37 % 1
  while (performance.now() < start + length) {
    // busy
  }
}

/** A loop of ours. */
export const recordLoop = <E>(schedule: Schedule.Schedule<unknown, void, E>) =>
  Effect.gen(function*() {
    const starts: Array<Start> = []
    const handle = yield* Deferred.make<Loop.Loop<unknown, unknown>>()
    const work = Effect.gen(function*() {
      const start = now()
      const { missed } = yield* (yield* Deferred.await(handle)).status
      starts.push({ ...start, slot: starts.length + missed })
      workUntil(start.at, starts.length)
    })
    const forked = performance.now()
    const loop = yield* Loop.forkScoped(work, schedule)
    yield* Deferred.succeed(handle, loop)
    yield* Effect.yieldNow // to the loop, for its first run
    return { forked, starts, missed: Effect.map(loop.status, ({ missed }) => missed) }
  })

/** Effect's own loop. It counts no slots; the output of the schedule may tell. */
export const recordRepeat = <E>(schedule: Schedule.Schedule<unknown, void, E>, slot: () => number = () => NaN) =>
  Effect.gen(function*() {
    const starts: Array<Start> = []
    const work = Effect.sync(() => {
      const start = now()
      starts.push({ ...start, slot: slot() })
      workUntil(start.at, starts.length)
    })
    const forked = performance.now()
    yield* Effect.forkScoped(Effect.repeat(work, schedule))
    yield* Effect.yieldNow
    return { forked, starts, missed: Effect.sync(() => slot() - starts.length) }
  })
