/** Schedules that are not ours, as plans for the driver. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import { type Clocked, millisSince } from "./clocked.ts"
import { clockOf } from "./clockOf.ts"
import { CurrentMoment, done, pending, type Plan } from "./step.ts"

export interface ForeignPlan<Out, In, F, R> extends Plan<Out, In> {
  /** Begins the schedule, where the first step is not to do that. */
  readonly init: Effect.Effect<unknown, F, R>
}

/** A schedule that is not ours: its steps are Effects, which the driver runs unless they are results already. */
export const foreignPlan = <Out, In, F, R>(
  schedule: Schedule.Schedule<Out, In, F, R>,
  at: Clocked,
  suspend: (pending: Effect.Effect<number, F, R>) => void
): ForeignPlan<Out, In, F, R> => {
  type Pulled = Pull.Pull<[Out, Duration.Duration], F, Out, R>
  let output: Out
  let pull: ((now: number, input: In) => Pulled) | undefined
  const wallOrigin = at.wallOrigin ??= at.wall() -
    (at.clock === undefined ? 0 : millisSince(at.clock, at.monotonicOrigin))
  const isSucceeded = (pulled: Pulled): pulled is Pulled & Exit.Success<[Out, Duration.Duration]> =>
    Exit.isExit(pulled) && Exit.isSuccess(pulled)
  const record = ([out, delay]: [Out, Duration.Duration]): number => {
    output = out
    return Math.max(0, Duration.toMillis(delay))
  }
  const settle = (pulled: Pulled): Effect.Effect<number, F, R> =>
    Pull.matchEffect(pulled, {
      onSuccess: (result: [Out, Duration.Duration]) => Effect.sync(() => record(result)),
      onDone: (out: Out) =>
        Effect.sync(() => {
          output = out
          return done
        }),
      onFailure: Effect.failCause<F>
    })
  // It begins with the first run, also where that has ended before it is asked.
  const begun = Effect.suspend(() =>
    at.now === at.start
      ? Schedule.toStep(schedule)
      : Effect.updateService(
        Schedule.toStep(schedule),
        Clock.Clock,
        (clock) => clockOf(() => wallOrigin + at.start, (duration) => clock.sleep(duration))
      )
  )
  const init = Effect.map(Effect.provideService(begun, CurrentMoment, at), (step) => pull = step)
  return {
    timed: true,
    output: () => output,
    init,
    begin: () => schedule, // what it remembers is in the step
    next(_, __, input) {
      const now = at.asked = wallOrigin + at.now
      if (pull === undefined) {
        suspend(Effect.flatMap(init, (pull) => settle(pull(now, input))))
        return pending
      }
      const pulled = pull(now, input)
      if (isSucceeded(pulled)) return record(pulled.value)
      suspend(settle(pulled))
      return pending
    }
  }
}
