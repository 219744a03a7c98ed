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
  /** When the schedule is asked: at the end of the run, but for Go's timers that are not sliding. */
  now: number
  /** The end of the run, where the schedule is asked about another time. */
  readonly ended?: number
  /** The same instant by the wall clock, for calendars. */
  wall: number
  /** When the run started. */
  start: number
  /** When it was to start: a timer wakes up to `earlyWake` early, or late. */
  due: number
  /** The `now` that a schedule is asked with, by those who hand this on through `CurrentMoment`. */
  asked: number
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
export const isExtra = ({ planned = -Infinity, start }: Moment, { moved = false }: Env, slot: number): boolean =>
  start < (moved ? planned : slot) - earlyWake

/** What a schedule reads of a Moment, so that the driver need not fill in the rest. */
export const Reads = { nothing: 0, time: 1, wall: 2, all: 3 } as const

/** What a schedule begins with: the draws, and when the first of its runs started. */
export interface Env {
  readonly random: Context.Service.Shape<typeof Random.Random>
  readonly first: number
  /** What comes after moves the runs, as jitter does: the run that it asks for is the one that the schedule wanted. */
  readonly moved?: boolean
}

/** The answer of a step that ends its schedule. */
export const done = -1

/** The answer of a step whose delay has to be found first. */
export const pending = -2

/** One schedule in progress. */
export interface Step<in Input = unknown> {
  /** What the last output is made from, see `Plan.output`. */
  value: number
  /** The driver ends the loop after the delay, without a run. */
  readonly over?: boolean
  /** Advances: the milliseconds until the next run, or `done`. */
  next(at: Moment, input: Input): number
}

/** A schedule of ours. */
export interface Plan<out Output, in Input = unknown> {
  readonly reads: number
  readonly begin: (env: Env) => Step<Input>
  readonly output: (value: number) => Output
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
// last delay has passed; where the clock went back, it counts as just that.
const standalone = (random: Env["random"], init: number): Observer => {
  const at: Moment = { now: init, wall: init, start: init, due: init, asked: NaN }
  let offset = 0
  return {
    random,
    first: init,
    arrive(wall) {
      if (wall < at.wall) offset = at.due - wall
      at.wall = at.asked = wall
      at.now = wall + offset
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
  const alone = standalone(random, fiber.getRef(Clock.Clock).currentTimeMillisUnsafe())
  return Effect.succeed(
    driven === undefined ? alone : {
      random,
      first: driven.start,
      arrive: (wall) => wall === driven.asked ? driven : alone.arrive(wall),
      leave: alone.leave
    }
  )
})

/** The public Schedule of a plan. */
export const fromPlan = <Output, Input>(plan: Plan<Output, Input>): Schedule.Schedule<Output, Input> =>
  Object.assign(
    Schedule.fromStep(Effect.map(observe, (observer) => {
      const step = plan.begin(observer)
      return (now: number, input: Input) => {
        const delay = step.next(observer.arrive(now), input)
        const output = plan.output(step.value)
        if (delay < 0) return Cause.done(output)
        observer.leave(delay)
        return Effect.succeed<[Output, Duration.Duration]>([output, Duration.millis(delay)])
      }
    })),
    { [PlanId]: plan }
  )

/** What a combinator does to a delay; `done` ends the schedule with the output of this step. */
export type Change<in Input = unknown> = (delay: number, at: Moment, input: Input) => number

/** A schedule whose delays are changed. The end of `self` stays as it is. `moves` is for what moves runs, see `Env.moved`. */
export const changeDelays = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>,
  reads: number,
  begin: (env: Env) => Change<Input>,
  { moves }: { readonly moves: boolean } = { moves: false }
): Schedule.Schedule<Output, Input, E, R> => {
  const plan = planOf(args.schedule("self", self))
  if (plan !== undefined) {
    return fromPlan<Output, Input>({
      reads: plan.reads | reads,
      output: plan.output,
      begin(env) {
        const inner = plan.begin(moves ? { ...env, moved: true } : env)
        const change = begin(env)
        return {
          value: 0,
          next(at, input) {
            const delay = inner.next(at, input)
            this.value = inner.value
            return delay < 0 ? delay : change(delay, at, input)
          }
        }
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
    return fromPlan<Output, Input>({
      reads: plan.reads | Reads.time,
      output: plan.output,
      begin(env) {
        let inner = plan.begin(env)
        return {
          value: 0,
          next(at, input) {
            if (when(at)) inner = plan.begin({ ...env, first: at.start })
            const delay = inner.next(at, input)
            this.value = inner.value
            return delay
          }
        }
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
