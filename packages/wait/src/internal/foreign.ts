/** A schedule of another library, as a plan. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import { clockOf } from "./clockOf.ts"
import type { Moment } from "./moment.ts"
import { done, type Plan, planOf } from "./plan.ts"
import { CurrentAsking } from "./standalone.ts"

type Pulled<Out, E, R> = Pull.Pull<[Out, Duration.Duration], E, Out, R>

type Step<Out, In, E, R> = (at: Moment, input: In) => Pulled<Out, E, R>

const isResult = <Out, E, R>(
  pulled: Pulled<Out, E, R>
): pulled is Pulled<Out, E, R> & Exit.Success<[Out, Duration.Duration]> => Exit.isExit(pulled) && Exit.isSuccess(pulled)

/** One start of the schedule. */
interface State<Out, In, E, R> {
  /** Undefined until the schedule has started. */
  step: Step<Out, In, E, R> | undefined
  /** Undefined until the first step. */
  output: Out | undefined
}

// The schedule starts with the first run, even if its first step comes after that run.
const startStep = <Out, In, E, R>(
  schedule: Schedule.Schedule<Out, In, E, R>,
  state: State<Out, In, E, R>,
  at: Moment
): Effect.Effect<Step<Out, In, E, R>, E, R> => {
  const { now, start } = at
  const asking = { at, now: NaN } // what schedules of this library inside it see of the driver
  const toStep = Effect.provideService(Schedule.toStep(schedule), CurrentAsking, asking)
  const atStart = now === start
    ? toStep
    : Effect.updateService(
      toStep,
      Clock.Clock,
      (clock) => clockOf(() => at.stepTime(start), (duration) => clock.sleep(duration))
    )
  return Effect.map(atStart, (step) =>
    state.step = (at, input) => {
      asking.at = at
      asking.now = at.stepTime(at.now)
      return step(asking.now, input)
    })
}

const foreignPlan = <Out, In, E, R>(
  schedule: Schedule.Schedule<Out, In, E, R>
): Plan<Out, In, E, R, State<Out, In, E, R>> => {
  const take = (state: State<Out, In, E, R>, [output, delay]: [Out, Duration.Duration]): number => {
    state.output = output
    return Math.max(0, Duration.toMillis(delay))
  }
  return {
    timed: true,
    start: () => ({ step: undefined, output: undefined }),
    prepare: (state, at) => startStep(schedule, state, at),
    // A step that is already a result is no Effect to the driver.
    next(state, at, input) {
      const pulled = state.step === undefined
        ? Effect.flatMap(startStep(schedule, state, at), (step) => step(at, input))
        : state.step(at, input)
      return isResult(pulled)
        ? take(state, pulled.value)
        : Pull.catchDone(Effect.map(pulled, (result) => take(state, result)), (output) => {
          state.output = output as Out // no Done is in E
          return Effect.succeed(done)
        })
    },
    output: (state) => state.output as Out // the first step sets it
  }
}

/** The plan of a schedule. */
export const toPlan = <Out, In, E, R>(schedule: Schedule.Schedule<Out, In, E, R>): Plan<Out, In, E, R> =>
  planOf(schedule) ?? foreignPlan(schedule)
