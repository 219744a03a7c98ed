/** A schedule as a plain synchronous step. The public `Schedule` is derived from it; the driver calls it directly. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { type Draws, earlyWake, type Moment } from "./moment.ts"

/** What a schedule starts with. */
export interface Env {
  /** When the first of its runs started. */
  readonly first: number
  /** A combinator after it in the pipe shifts its delays, as jitter does. The shifted run still serves this slot. */
  readonly shifted?: boolean
}

/** The delay of a step that ends its schedule. */
export const done = -1

/**
 * A schedule of this library: a step, and the state that the step reads and changes. A stateless combinator adds
 * nothing to the state.
 */
export interface Plan<out Output, in Input = unknown, State = unknown> {
  /** Whether it reads the time. */
  readonly timed: boolean
  /** The first state: anything but undefined. */
  start(env: Env): State
  /** The milliseconds until the next run, or `done`. */
  next(state: State, at: Moment, input: Input): number
  output(state: State): Output
}

/**
 * A schedule as the driver uses it. A schedule of another library is started by `prepare`; its steps may be Effects.
 */
export interface AnyPlan<out Output, in Input, out E, out R> {
  readonly timed: boolean
  start(env: Env): unknown
  prepare?(state: unknown, at: Moment): Effect.Effect<unknown, E, R>
  next(state: unknown, at: Moment, input: Input): number | Effect.Effect<number, E, R>
  output(state: unknown): Output
}

const PlanId = "~effect-wait/Plan"

/** The plan of a schedule of this library; undefined for any other schedule. */
export const planOf = <Output, Input, E, R>(
  schedule: Schedule.Schedule<Output, Input, E, R>
): Plan<Output, Input> | undefined => (schedule as { readonly [PlanId]?: Plan<Output, Input> })[PlanId]

/** True if the run was early (triggered or shortened), so that its slot is still pending. */
export const ranBeforeSlot = (at: Moment, { shifted = false }: Env, slot: number): boolean =>
  at.start < (shifted ? at.wanted ?? -Infinity : slot) - earlyWake

/** The time of a step that a driver makes. */
export interface StepTime {
  readonly at: Moment
  /** The `now` that the driver passes to the step, by the wall clock. */
  readonly now: number
}

// The same time with other draws. It follows the original, which changes with each step.
const withDraws = (stepTime: StepTime, random: Draws): StepTime => ({
  at: Object.assign(Object.create(stepTime.at), { random }),
  get now() {
    return stepTime.now
  }
})

/**
 * Set while a schedule of another library starts, for schedules of this library inside it. They use the driver's time
 * in each step that has the driver's `now`. A loop inside a user's own effect has another driver.
 */
export const CurrentStepTime = Context.Reference<StepTime | undefined>("effect-wait/CurrentStepTime", {
  defaultValue: () => undefined
})

/** The time of a schedule under Effect's own drivers. */
export interface Standalone extends Env {
  /** Starts a step at this time of the wall clock. All steps return the same object. */
  readonly enter: (wall: number) => StepTime
  /** Ends a step that returned this delay. */
  readonly leave: (delay: number) => void
}

// Effect's drivers pass only `now`, by the wall clock, which can be stepped. So a run counts as started when the delay
// before it ends; if the clock was set back, the delay counts as just over. At `wall` the time is `first`.
const standalone = (random: Draws, wall: number, first: number): Standalone => {
  let offset = first - wall
  const at = { random, now: first, start: first, due: first, wall: () => stepTime.now, miss: constVoid }
  const stepTime = { at, now: wall }
  return {
    first,
    enter(stepped) {
      if (stepped < stepTime.now) offset = at.due - stepped
      stepTime.now = stepped
      at.now = stepped + offset
      return stepTime
    },
    leave(delay) {
      at.start = at.due = at.now + delay
    }
  }
}

/** The time of a schedule that starts here. */
export const observe: Effect.Effect<Standalone> = Effect.withFiber((fiber) => {
  const random = fiber.getRef(Random.Random)
  const driver = fiber.getRef(CurrentStepTime)
  const init = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
  const alone = standalone(random, init, driver?.at.start ?? init)
  if (driver === undefined) return Effect.succeed(alone)
  const stepTime = random === driver.at.random ? driver : withDraws(driver, random)
  return Effect.succeed({ ...alone, enter: (wall) => wall === driver.now ? stepTime : alone.enter(wall) })
})

/** The public Schedule of a plan. */
export const fromPlan = <Output, Input, State>(
  plan: Plan<Output, Input, State>
): Schedule.Schedule<Output, Input> =>
  Object.assign(
    Schedule.fromStep(Effect.map(observe, (standalone) => {
      const state = plan.start(standalone)
      return (now: number, input: Input) => {
        const delay = plan.next(state, standalone.enter(now).at, input)
        const output = plan.output(state)
        if (delay < 0) return Cause.done(output)
        standalone.leave(delay)
        return Effect.succeed<[Output, Duration.Duration]>([output, Duration.millis(delay)])
      }
    })),
    { [PlanId]: plan }
  )
