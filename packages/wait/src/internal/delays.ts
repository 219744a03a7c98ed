/** What combinators are made of. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as args from "./args.ts"
import { toPlan } from "./foreign.ts"
import type { Moment } from "./moment.ts"
import { type Env, type Eventual, fromPlan, type Plan } from "./plan.ts"

/** A function from schedule to schedule. */
export interface Combinator {
  <Output, Input, E, R>(self: Schedule.Schedule<Output, Input, E, R>): Schedule.Schedule<Output, Input, E, R>
}

/** A combinator with settings, which come alone or after the schedule. */
interface Dual<Settings extends ReadonlyArray<unknown>> {
  <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>,
    ...settings: Settings
  ): Schedule.Schedule<Output, Input, E, R>
  (...settings: Settings): Combinator
}

/** Makes a combinator dual. The settings are checked at once, also when the schedule comes later. */
export function dualOf<Settings extends ReadonlyArray<unknown>>(
  make: (...settings: Settings) => Combinator
): Dual<Settings>
export function dualOf(make: (...settings: ReadonlyArray<unknown>) => Combinator): unknown {
  return (self: unknown, ...settings: ReadonlyArray<unknown>) =>
    Schedule.isSchedule(self) ? make(...settings)(self) : make(self, ...settings)
}

/** The plan of the schedule that a combinator takes. */
export const planOfSelf = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>
): Plan<Output, Input, E, R> => toPlan(args.schedule("self", self))

/** Changes a delay. The end of a schedule stays as it is. */
export const mapDelay = <E, R>(
  delay: Eventual<number, E, R>,
  change: (delay: number, at: Moment) => number,
  at: Moment
): Eventual<number, E, R> =>
  typeof delay === "number"
    ? delay < 0 ? delay : change(delay, at)
    : Effect.map(delay, (delay) => delay < 0 ? delay : change(delay, at))

/** Maps the whole delays with a function that remembers nothing. */
export const mapDelays = <Output, Input, E, R>(
  plan: Plan<Output, Input, E, R>,
  change: (delay: number, at: Moment) => number
): Schedule.Schedule<Output, Input, E, R> =>
  fromPlan({
    ...plan,
    next: (state, at, input: Input) => mapDelay(plan.next(state, at, input), change, at),
    mapped: plan,
    change
  })

/** A schedule around a plan, which remembers something of its own. What it does not change stays as it is. */
export const around = <Output, Input, E, R, Own extends object>(
  plan: Plan<Output, Input, E, R>,
  { again, floor, next, remember, timed = false }: {
    readonly remember: (env: Env) => Own
    readonly next: (state: Around<Own>, at: Moment, input: Input) => Eventual<number, E, R>
    readonly again?: ((state: Around<Own>, at: Moment) => number) | undefined
    readonly floor?: ((state: Around<Own>) => number) | undefined
    readonly timed?: boolean
  }
): Schedule.Schedule<Output, Input, E, R> => {
  const { again: innerAgain, floor: innerFloor, look, prepare, since } = plan
  return fromPlan<Output, Input, E, R, Around<Own>>({
    timed: plan.timed || timed,
    isGrid: plan.isGrid,
    start: (env) => ({ ...remember(env), inner: plan.start(env) }),
    inner: plan,
    prepare: prepare && (({ inner }, at) => prepare(inner, at)),
    next,
    again: again ?? (innerAgain && (({ inner }, at) => innerAgain(inner, at))),
    look: look && (({ inner }, at, delay) => look(inner, at, delay)),
    since: since && (({ inner }, at, delay) => since(inner, at, delay)),
    floor: floor ?? (innerFloor && (({ inner }) => innerFloor(inner))),
    output: ({ inner }) => plan.output(inner)
  })
}

/** What such a schedule remembers, and the state of the plan in it. */
type Around<Own> = Own & { inner: unknown }

/** Maps the whole delays with a function that is made each time the schedule starts. */
export const changeDelays = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>,
  makeChange: () => (delay: number, at: Moment) => number
): Schedule.Schedule<Output, Input, E, R> => {
  const plan = planOfSelf(self)
  return around(plan, {
    remember: () => ({ change: makeChange() }),
    next: ({ change, inner }, at, input) => mapDelay(plan.next(inner, at, input), change, at)
  })
}

/** Restarts a schedule before the steps that `when` picks. The run that just ended counts as its first. */
export const restartWhen = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>,
  when: (at: Moment) => boolean
): Schedule.Schedule<Output, Input, E, R> => {
  const plan = planOfSelf(self)
  return fromPlan<Output, Input, E, R, object>({
    ...plan,
    timed: true,
    start: (env) => Object.assign({}, plan.start(env)),
    next(state, at, input) {
      if (when(at)) Object.assign(state, plan.start({ first: at.start }))
      return plan.next(state, at, input)
    }
  })
}
