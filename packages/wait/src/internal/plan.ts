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

/** Who asks a schedule of another library. */
export interface Asking {
  readonly at: Moment
  /** The `now` of the last step, by the wall clock. */
  readonly now: number
}

// The same, now and later, with other draws.
const withDraws = (asking: Asking, random: Draws): Asking => ({
  at: Object.assign(Object.create(asking.at), { random }),
  get now() {
    return asking.now
  }
})

/**
 * Set while a schedule of another library starts. Schedules of this library inside it take their time from this driver,
 * if a step has the driver's `now`. A loop inside a user's own effects has another one.
 */
export const CurrentAsking = Context.Reference<Asking | undefined>("effect-wait/CurrentAsking", {
  defaultValue: () => undefined
})

/** The time of a schedule under Effect's own drivers. */
export interface Standalone extends Env {
  /** Who asks, and when, in a step at this time of the wall clock. It is one object for all steps. */
  readonly enter: (wall: number) => Asking
  /** Notes the delay that the step gave. */
  readonly leave: (delay: number) => void
}

// Effect's drivers pass only `now`, by a clock that can be stepped. A run counts as started when the last delay has
// passed; a clock that was set back counts as just that. At `wall` the time is `first`.
const standalone = (random: Draws, wall: number, first: number): Standalone => {
  let offset = first - wall
  const at = { random, now: first, start: first, due: first, wall: () => asking.now, miss: constVoid }
  const asking = { at, now: wall }
  return {
    first,
    enter(stepped) {
      if (stepped < asking.now) offset = at.due - stepped
      asking.now = stepped
      at.now = stepped + offset
      return asking
    },
    leave(delay) {
      at.start = at.due = at.now + delay
    }
  }
}

/** The time of a schedule that starts here. */
export const observe: Effect.Effect<Standalone> = Effect.withFiber((fiber) => {
  const random = fiber.getRef(Random.Random)
  const driver = fiber.getRef(CurrentAsking)
  const init = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
  const alone = standalone(random, init, driver?.at.start ?? init)
  if (driver === undefined) return Effect.succeed(alone)
  const asking = random === driver.at.random ? driver : withDraws(driver, random)
  return Effect.succeed({ ...alone, enter: (wall) => wall === driver.now ? asking : alone.enter(wall) })
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
