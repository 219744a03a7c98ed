/** Go's argument `sliding`. */
import type * as Schedule from "effect/Schedule"
import * as args from "./args.ts"
import { toPlan } from "./foreign.ts"
import { SameMoment } from "./moment.ts"
import { fromPlan } from "./plan.ts"

class AtStart extends SameMoment {
  override get now(): number {
    return this.at.start
  }

  override get ended(): number {
    return this.at.now
  }
}

// With `sliding: false` Go computes the delay before the run, so a manager sees the start of the run as its time. The
// timer is set then: a run that starts late shifts the next one, unlike with Period.fromStart.
const goNonSliding = <Out, In, E, R>(self: Schedule.Schedule<Out, In, E, R>): Schedule.Schedule<Out, In, E, R> => {
  const plan = toPlan(self)
  return fromPlan({
    ...plan,
    timed: true,
    next(state, at, input: In) {
      return plan.next(state, plan.prepare === undefined ? new AtStart(at) : at, input)
    },
    since: plan.isGrid ? plan.since : (_, { now, start }) => now - start
  })
}

/** Measures the delays from the end of the run when `sliding` is true, else from its start, as Go does. */
export const applySliding = <Out, In, E, R>(
  name: string,
  self: Schedule.Schedule<Out, In, E, R>,
  { sliding }: { readonly sliding: boolean }
): Schedule.Schedule<Out, In, E, R> => args.boolean(`${name}: sliding`, sliding) ? self : goNonSliding(self)
