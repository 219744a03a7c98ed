/** The building blocks of combinators. Each accepts a schedule of any library. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as args from "./args.ts"
import type { Moment } from "./moment.ts"
import { CurrentStepTime, type Env, fromPlan, observe, planOf, type StepTime } from "./plan.ts"

/** Changes a delay. `done` ends the schedule with the output of this step. */
export type Change<in Input = unknown> = (delay: number, at: Moment, input: Input) => number

/** Maps the delays with a stateless function. The end of `self` stays as it is. `shifts`: see `Env.shifted`. */
export const mapDelays = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>,
  change: Change<Input>,
  { shifts = false, timed = false }: { readonly timed?: boolean; readonly shifts?: boolean } = {}
): Schedule.Schedule<Output, Input, E, R> => {
  const plan = planOf(args.schedule("self", self))
  if (plan === undefined) return changeDelays(self, () => change)
  return fromPlan<Output, Input, unknown>({
    timed: plan.timed || timed,
    start: (env) => plan.start(shifts ? { ...env, shifted: true } : env),
    output: (state) => plan.output(state),
    next(state, at, input) {
      const delay = plan.next(state, at, input)
      return delay < 0 ? delay : change(delay, at, input)
    }
  })
}

/** Maps the delays with a function that is made each time the schedule starts. */
export const changeDelays = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>,
  makeChange: (env: Env) => Change<Input>,
  { timed = false }: { readonly timed?: boolean } = {}
): Schedule.Schedule<Output, Input, E, R> => {
  const plan = planOf(args.schedule("self", self))
  if (plan !== undefined) {
    return fromPlan({
      timed: plan.timed || timed,
      start: (env) => ({ inner: plan.start(env), change: makeChange(env) }),
      output: ({ inner }) => plan.output(inner),
      next({ change, inner }, at, input: Input) {
        const delay = plan.next(inner, at, input)
        return delay < 0 ? delay : change(delay, at, input)
      }
    })
  }
  return Schedule.fromStep(Effect.flatMap(observe, (standalone) =>
    Effect.map(Schedule.toStep(self), (inner) => {
      const change = makeChange(standalone)
      return (now: number, input: Input) => {
        const { at } = standalone.enter(now)
        return Effect.flatMap(inner(now, input), ([output, duration]) => {
          const delay = change(Math.max(0, Duration.toMillis(duration)), at, input)
          if (delay < 0) return Cause.done(output)
          standalone.leave(delay)
          return Effect.succeed<[Output, Duration.Duration]>([output, Duration.millis(delay)])
        })
      }
    })))
}

/** Restarts a schedule before each step at which `when` is true. The run that just ended counts as its first. */
export const restartWhen = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>,
  when: (at: Moment) => boolean
): Schedule.Schedule<Output, Input, E, R> => {
  const plan = planOf(args.schedule("self", self))
  if (plan !== undefined) {
    return fromPlan({
      timed: true,
      start: (env) => ({ env, inner: plan.start(env) }),
      output: ({ inner }) => plan.output(inner),
      next(state, at, input: Input) {
        if (when(at)) state.inner = plan.start({ ...state.env, first: at.start })
        return plan.next(state.inner, at, input)
      }
    })
  }
  return Schedule.fromStep(Effect.flatMap(observe, (standalone) =>
    Effect.map(Schedule.toStep(self), (first) => {
      let inner = first
      const restart = (stepTime: StepTime) =>
        Effect.map(Effect.provideService(Schedule.toStep(self), CurrentStepTime, stepTime), (step) => inner = step)
      return (now: number, input: Input) => {
        const stepTime = standalone.enter(now)
        return Effect.flatMap(when(stepTime.at) ? restart(stepTime) : Effect.succeed(inner), (step) =>
          Effect.map(step(now, input), (result) => {
            standalone.leave(Math.max(0, Duration.toMillis(result[1])))
            return result
          }))
      }
    })))
}
