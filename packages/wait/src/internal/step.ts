/**
 * One representation of a schedule: a plain synchronous step. The public `Schedule` is derived from it; the driver
 * calls it directly.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as args from "./args.ts"

/** When a schedule is asked, and about which run. In milliseconds, on a clock that cannot be stepped. */
export interface Moment {
  /** The draws. */
  readonly random: Context.Service.Shape<typeof Random.Random>
  /** When the schedule is asked: at the end of the run, but for Go's timers that are not sliding. */
  now: number
  /** The end of the run, where the schedule is asked about another time. */
  readonly ended?: number
  /** The same instant by the wall clock, for calendars. */
  readonly wall: () => number
  /** When the run started. */
  start: number
  /** When it was to start: a timer wakes up to `earlyWake` early, or late. */
  due: number
  /** The `now` that a schedule is asked with, by those who hand this on through `CurrentMoment`. */
  asked?: number
  /** The wall clock's time of 0, for them too. */
  wallOrigin?: number
  /** When the schedule itself last wanted a run, where one may come before: by a trigger, or after a backoff. */
  planned?: number
  /** Counts the slots that passed without a run, where somebody wants to know. */
  readonly missed?: { slots: number }
}

/** By how many milliseconds a timer may wake early. */
export const earlyWake = 2

/**
 * Whether the run came before the slot that the schedule wanted it for, so that this is still to come: it was triggered, or
 * something made the delay shorter.
 */
export const isExtra = (at: Moment, { moved = false }: Env, slot: number): boolean =>
  at.start < (moved ? at.planned ?? -Infinity : slot) - earlyWake

/** What a schedule begins with. */
export interface Env {
  /** When the first of its runs started. */
  readonly first: number
  /** What comes after moves the runs, as jitter does: the run that it asks for is the one that the schedule wanted. */
  readonly moved?: boolean
}

/** The answer of a step that ends its schedule. */
export const done = -1

/** The answer of a step whose delay has to be found first. */
export const pending = -2

/**
 * A schedule of ours: what it remembers (`State`), and a step that looks at it and changes it. What a combinator need not
 * remember adds nothing to the state.
 */
export interface Plan<out Output, in Input = unknown, State = unknown> {
  /** Whether it looks at the time. */
  readonly timed: boolean
  /** What it remembers at first: anything but undefined. */
  begin(env: Env): State
  /** Advances: the milliseconds until the next run, or `done`. */
  next(state: State, at: Moment, input: Input): number
  output(state: State): Output
  /** Whether the loop ends after the delay that was given, without a run. */
  isOver?(state: State): boolean
}

const PlanId = "~effect-wait/Plan"

/** The plan of a schedule of ours; undefined for any other. */
export const planOf = <Output, Input, E, R>(
  schedule: Schedule.Schedule<Output, Input, E, R>
): Plan<Output, Input> | undefined => (schedule as { readonly [PlanId]?: Plan<Output, Input> })[PlanId]

/**
 * The Moment of a driver that begins a schedule which is not ours, but may have ours inside. Those take their time from it,
 * as long as they are asked with the `now` of that driver; a loop inside a user's own effects is not.
 */
export const CurrentMoment = Context.Reference<Moment | undefined>("effect-wait/CurrentMoment", {
  defaultValue: () => undefined
})

interface Observer extends Env {
  /** The Moment of a step; `leave` has to be told the delay. */
  readonly arrive: (wall: number) => Moment
  readonly leave: (delay: number) => void
}

// Drivers other than ours tell a schedule no more than `now`, by a clock that can be stepped. A run starts when the
// last delay has passed; where the clock went back, it counts as just that. `first` is the time that it is at `wall`.
const standalone = (random: Moment["random"], wall: number, first: number): Observer => {
  let offset = first - wall
  const at: Moment = { random, now: first, wall: () => wall, start: first, due: first, asked: NaN }
  return {
    first,
    arrive(now) {
      if (now < wall) offset = at.due - now
      wall = at.asked = now
      at.now = now + offset
      return at
    },
    leave(delay) {
      at.start = at.due = at.now + delay
    }
  }
}

const observe: Effect.Effect<Observer> = Effect.withFiber((fiber) => {
  const random = fiber.getRef(Random.Random)
  const driven = fiber.getRef(CurrentMoment)
  const init = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
  const alone = standalone(random, init, driven?.start ?? init)
  return Effect.succeed(
    driven === undefined ? alone : {
      ...alone,
      arrive(now) {
        if (now !== driven.asked) return alone.arrive(now)
        return random === driven.random ? driven : { ...driven, random }
      }
    }
  )
})

/** The public Schedule of a plan. */
export const fromPlan = <Output, Input, State>(
  plan: Plan<Output, Input, State>
): Schedule.Schedule<Output, Input> =>
  Object.assign(
    Schedule.fromStep(Effect.map(observe, (observer) => {
      const state = plan.begin(observer)
      return (now: number, input: Input) => {
        const delay = plan.next(state, observer.arrive(now), input)
        const output = plan.output(state)
        if (delay < 0) return Cause.done(output)
        observer.leave(delay)
        return Effect.succeed<[Output, Duration.Duration]>([output, Duration.millis(delay)])
      }
    })),
    { [PlanId]: plan }
  )

/** What a combinator does to a delay; `done` ends the schedule with the output of this step. */
export type Change<in Input = unknown> = (delay: number, at: Moment, input: Input) => number

/** A schedule whose delays are changed by what remembers nothing; `moves`: see `Env.moved`. The end of `self` stays as it is. */
export const mapDelays = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>,
  change: Change<Input>,
  { moves = false, timed = false }: { readonly timed?: boolean; readonly moves?: boolean } = {}
): Schedule.Schedule<Output, Input, E, R> => {
  const plan = planOf(args.schedule("self", self))
  if (plan === undefined) return changeDelays(self, () => change)
  return fromPlan<Output, Input, unknown>({
    timed: plan.timed || timed,
    begin: (env) => plan.begin(moves ? { ...env, moved: true } : env),
    output: (state) => plan.output(state),
    next(state, at, input) {
      const delay = plan.next(state, at, input)
      return delay < 0 ? delay : change(delay, at, input)
    }
  })
}

/** The same with a change that is made anew each time the schedule begins. */
export const changeDelays = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>,
  begin: (env: Env) => Change<Input>,
  { timed = false }: { readonly timed?: boolean } = {}
): Schedule.Schedule<Output, Input, E, R> => {
  const plan = planOf(args.schedule("self", self))
  if (plan !== undefined) {
    return fromPlan({
      timed: plan.timed || timed,
      begin: (env) => ({ inner: plan.begin(env), change: begin(env) }),
      output: ({ inner }) => plan.output(inner),
      next({ change, inner }, at, input: Input) {
        const delay = plan.next(inner, at, input)
        return delay < 0 ? delay : change(delay, at, input)
      }
    })
  }
  return Schedule.fromStep(Effect.flatMap(observe, (observer) =>
    Effect.map(Schedule.toStep(self), (inner) => {
      const change = begin(observer)
      return (now: number, input: Input) => {
        const at = observer.arrive(now)
        return Effect.flatMap(inner(now, input), ([output, duration]) => {
          const delay = change(Math.max(0, Duration.toMillis(duration)), at, input)
          if (delay < 0) return Cause.done(output)
          observer.leave(delay)
          return Effect.succeed<[Output, Duration.Duration]>([output, Duration.millis(delay)])
        })
      }
    })))
}

/** A schedule that begins afresh before a step that `when` picks: the run that just ended counts as its first. */
export const restartWhen = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>,
  when: (at: Moment) => boolean
): Schedule.Schedule<Output, Input, E, R> => {
  const plan = planOf(args.schedule("self", self))
  if (plan !== undefined) {
    return fromPlan({
      timed: true,
      begin: (env) => ({ env, inner: plan.begin(env) }),
      output: ({ inner }) => plan.output(inner),
      next(state, at, input: Input) {
        if (when(at)) state.inner = plan.begin({ ...state.env, first: at.start })
        return plan.next(state.inner, at, input)
      }
    })
  }
  return Schedule.fromStep(Effect.flatMap(observe, (observer) =>
    Effect.map(Schedule.toStep(self), (first) => {
      let inner = first
      return (now: number, input: Input) => {
        const at = observer.arrive(now)
        const begun = when(at)
          ? Effect.map(
            Effect.provideService(Schedule.toStep(self), CurrentMoment, at),
            (afresh) => inner = afresh
          )
          : Effect.succeed(inner)
        return Effect.flatMap(begun, (step) =>
          Effect.map(step(now, input), (result) => {
            observer.leave(Math.max(0, Duration.toMillis(result[1])))
            return result
          }))
      }
    })))
}
