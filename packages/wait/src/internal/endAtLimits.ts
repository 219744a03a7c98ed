import type * as Schedule from "effect/Schedule"
import { mapDelay, planOfSelf } from "./delays.ts"
import { type Moment, rounding, SameMoment } from "./moment.ts"
import { done, fromPlan, waitOf } from "./plan.ts"

interface State {
  readonly inner: unknown
  /** Until when the schedule allows a run. */
  limit: number
}

// A schedule of another library keeps the first Moment that it is given: so what is heard goes into the state.
const hear = (state: State, at: Moment): Moment =>
  Object.assign(new SameMoment(at), {
    expire(time: number) {
      state.limit = Math.min(state.limit, time)
      at.expire?.(time)
    }
  })

/**
 * Ends a schedule before a wait that would end past a limit in time inside it. A floor that stands after `Limit.within` in the pipe
 * could reach past it.
 */
export const endAtLimits = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>
): Schedule.Schedule<Output, Input, E, R> => {
  const plan = planOfSelf(self)
  const { floor, look, prepare, since } = plan
  return fromPlan<Output, Input, E, R, State>({
    timed: plan.timed,
    isGrid: plan.isGrid,
    start: (env) => ({ inner: plan.start(env), limit: Infinity }),
    prepare: prepare && ((state, at) => prepare(state.inner, hear(state, at))),
    next(state, at, input) {
      state.limit = Infinity
      return mapDelay(plan.next(state.inner, hear(state, at), input), (delay) => {
        const end = (at.ended ?? at.now) + waitOf(plan, state.inner, at, delay)
        return end > state.limit + rounding ? done : delay
      }, at)
    },
    look: look && (({ inner }, at, delay) => look(inner, at, delay)),
    since: since && (({ inner }, at, delay) => since(inner, at, delay)),
    floor: floor && (({ inner }) => floor(inner)),
    output: ({ inner }) => plan.output(inner)
  })
}
