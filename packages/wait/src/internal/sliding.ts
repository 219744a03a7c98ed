/** Go's argument `sliding`. */
import type * as Schedule from "effect/Schedule"
import * as Period from "../Period.ts"
import * as args from "./args.ts"
import { atStart } from "./moment.ts"
import { fromPlan, planOf } from "./plan.ts"

// With `sliding: false` Go computes the delay before the run, so a manager sees the start of the run as its time.
const goNonSliding = <Out, In, E, R>(self: Schedule.Schedule<Out, In, E, R>): Schedule.Schedule<Out, In, E, R> => {
  const plan = planOf(self)
  if (plan === undefined) return Period.fromStart(self)
  return Period.fromStart(fromPlan<Out, In, unknown>({
    ...plan,
    timed: true,
    next: (state, at, input) => plan.next(state, atStart(at), input)
  }))
}

/** Measures the delays from the end of the run when `sliding` is true, else from its start, as Go does. */
export const applySliding = <Out, In, E, R>(
  name: string,
  self: Schedule.Schedule<Out, In, E, R>,
  { sliding }: { readonly sliding: boolean }
): Schedule.Schedule<Out, In, E, R> => args.boolean(`${name}: sliding`, sliding) ? self : goNonSliding(self)
