/** Go's argument `sliding`. */
import type * as Schedule from "effect/Schedule"
import * as args from "./args.ts"
import { toPlan } from "./foreign.ts"
import { changed } from "./moment.ts"
import { fromPlan } from "./plan.ts"

// With `sliding: false` Go computes the delay before the run, so a manager sees the start of the run as its time. The
// timer is set then: a run that starts late shifts the next one, unlike with Period.fromStart.
const goNonSliding = <Out, In, E, R>(self: Schedule.Schedule<Out, In, E, R>): Schedule.Schedule<Out, In, E, R> => {
  const plan = toPlan(self)
  return fromPlan({
    ...plan,
    timed: true,
    next(state, at, input: In) {
      const { now, start } = at
      const atStart = plan.prepare === undefined
        ? changed(at, { now: start, ended: now })
        : at
      return plan.next(state, atStart, input)
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
