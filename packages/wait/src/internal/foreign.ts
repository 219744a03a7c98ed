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

type Step<Out, In, E, R> = (now: number, input: In) => Pulled<Out, E, R>

const isResult = <Out, E, R>(
  pulled: Pulled<Out, E, R>
): pulled is Pulled<Out, E, R> & Exit.Success<[Out, Duration.Duration]> => Exit.isExit(pulled) && Exit.isSuccess(pulled)

/** One start of the schedule. */
interface State<Out, In, E, R> {
  /** Undefined until the schedule has started. */
  step?: Step<Out, In, E, R>
  /** Undefined until the first step. */
  output?: Out
  /** The driver, for schedules of this library inside this one. */
  asking?: { at: Moment; now: number }
}

// The schedule starts with the first run, even if its first step comes after that run.
const startStep = <Out, In, E, R>(
  schedule: Schedule.Schedule<Out, In, E, R>,
  state: State<Out, In, E, R>,
  at: Moment
): Effect.Effect<Step<Out, In, E, R>, E, R> => {
  const { now, start } = at
  const asking = state.asking = { at, now: NaN }
  const toStep = Effect.provideService(Schedule.toStep(schedule), CurrentAsking, asking)
  const atStart = now === start
    ? toStep
    : Effect.updateService(
      toStep,
      Clock.Clock,
      (clock) => clockOf(() => at.stepTime(start), (duration) => clock.sleep(duration))
    )
  return Effect.map(atStart, (step) => state.step = step)
}

const foreignPlan = <Out, In, E, R>(
  schedule: Schedule.Schedule<Out, In, E, R>
): Plan<Out, In, E, R, State<Out, In, E, R>> => {
  type Started = State<Out, In, E, R>
  const take = (state: Started, [output, delay]: [Out, Duration.Duration]): number => {
    state.output = output
    return Math.max(0, Duration.toMillis(delay))
  }
  const settle = (state: Started, pulled: Pulled<Out, E, R>): Effect.Effect<number, E, R> =>
    Pull.matchEffect(pulled, {
      onSuccess: (result: [Out, Duration.Duration]) => Effect.succeed(take(state, result)),
      onDone(output: Out) {
        state.output = output
        return Effect.succeed(done)
      },
      onFailure: Effect.failCause<E>
    })
  const pull = ({ asking }: Started, step: Step<Out, In, E, R>, at: Moment, input: In) => {
    const now = at.stepTime(at.now)
    if (asking !== undefined) {
      asking.at = at
      asking.now = now
    }
    return step(now, input)
  }
  return {
    timed: true,
    start: () => ({}),
    prepare: (state, at) => startStep(schedule, state, at),
    // A step that is already a result is no Effect to the driver.
    next(state, at, input) {
      if (state.step === undefined) {
        return Effect.flatMap(startStep(schedule, state, at), (step) => settle(state, pull(state, step, at, input)))
      }
      const pulled = pull(state, state.step, at, input)
      return isResult(pulled) ? take(state, pulled.value) : settle(state, pulled)
    },
    output: (state) => state.output as Out // the first step sets it
  }
}

/** The plan of a schedule. */
export const toPlan = <Out, In, E, R>(schedule: Schedule.Schedule<Out, In, E, R>): Plan<Out, In, E, R> =>
  planOf(schedule) ?? foreignPlan(schedule)
