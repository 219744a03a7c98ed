/** Turns a schedule of any library into a plan for the driver. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import { clockOf } from "./clockOf.ts"
import type { Moment } from "./moment.ts"
import { type AnyPlan, CurrentStepTime, done, planOf } from "./plan.ts"

type Step<Out, In, E, R> = (now: number, input: In) => Pull.Pull<[Out, Duration.Duration], E, Out, R>

interface State<Out, In, E, R> {
  /** Undefined until the schedule has started. */
  step: Step<Out, In, E, R> | undefined
  output: Out | undefined
  /** For schedules of this library inside it. `origin` is the time of the wall clock when the loop's clock was 0. */
  stepTime: { readonly at: Moment; readonly origin: number; now: number } | undefined
}

/** The plan of a schedule. A step of another library's schedule is an Effect, unless that is an Exit already. */
export const toPlan = <Out, In, E, R>(
  schedule: Schedule.Schedule<Out, In, E, R>
): AnyPlan<Out | undefined, In, E, R> => planOf(schedule) ?? foreignPlan(schedule)

const foreignPlan = <Out, In, E, R>(
  schedule: Schedule.Schedule<Out, In, E, R>
): AnyPlan<Out | undefined, In, E, R> => ({
  timed: true,
  start: (): State<Out, In, E, R> => ({ step: undefined, output: undefined, stepTime: undefined }),
  output: (state: State<Out, In, E, R>) => state.output,
  prepare: (state: State<Out, In, E, R>, at) => startStep(schedule, state, at),
  next(state: State<Out, In, E, R>, at, input) {
    const stepTime = stepTimeOf(state, at)
    const now = stepTime.now = stepTime.origin + at.now
    if (state.step === undefined) {
      return Effect.flatMap(startStep(schedule, state, at), (step) => settle(state, step(now, input)))
    }
    const pulled = state.step(now, input)
    return isResult(pulled) ? take(state, pulled.value) : settle(state, pulled)
  }
})

const stepTimeOf = <Out, In, E, R>(state: State<Out, In, E, R>, at: Moment) =>
  state.stepTime ??= { at, origin: at.wall() - at.now, now: NaN }

// The schedule starts when the first run does, even if that run has ended before the first step.
const startStep = <Out, In, E, R>(
  schedule: Schedule.Schedule<Out, In, E, R>,
  state: State<Out, In, E, R>,
  at: Moment
): Effect.Effect<Step<Out, In, E, R>, E, R> => {
  const stepTime = stepTimeOf(state, at)
  const toStep = Effect.provideService(Schedule.toStep(schedule), CurrentStepTime, stepTime)
  const atStart = at.now === at.start
    ? toStep
    : Effect.updateService(
      toStep,
      Clock.Clock,
      (clock) => clockOf(() => stepTime.origin + at.start, (duration) => clock.sleep(duration))
    )
  return Effect.map(atStart, (step) => state.step = step)
}

const isResult = <Out, E, R>(
  pulled: Pull.Pull<[Out, Duration.Duration], E, Out, R>
): pulled is Pull.Pull<[Out, Duration.Duration], E, Out, R> & Exit.Success<[Out, Duration.Duration]> =>
  Exit.isExit(pulled) && Exit.isSuccess(pulled)

const take = <Out, In, E, R>(state: State<Out, In, E, R>, [output, delay]: [Out, Duration.Duration]): number => {
  state.output = output
  return Math.max(0, Duration.toMillis(delay))
}

const settle = <Out, In, E, R>(
  state: State<Out, In, E, R>,
  pulled: Pull.Pull<[Out, Duration.Duration], E, Out, R>
): Effect.Effect<number, E, R> =>
  Pull.matchEffect(pulled, {
    onSuccess: (result: [Out, Duration.Duration]) => Effect.sync(() => take(state, result)),
    onDone: (output: Out) =>
      Effect.sync(() => {
        state.output = output
        return done
      }),
    onFailure: Effect.failCause<E>
  })
