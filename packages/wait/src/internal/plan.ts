/**
 * A schedule as a plain step. The public `Schedule` is derived from it, and the driver calls it directly. A schedule of
 * another library is a plan too, whose steps may be Effects.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { Grid } from "./grid.ts"
import type { Moment } from "./moment.ts"
import { Standalone } from "./standalone.ts"

/** What a schedule starts with. */
export interface Env {
  /** When the first of its runs started. */
  readonly first: number
}

/** The answer of a step that ends its schedule. */
export const done = -1

/** A number, or an Effect that finds it. */
export type Eventual<A, E, R> = A | Effect.Effect<A, E, R>

// A method that may be missing: only methods let a plan forget the type of its state.
type Method<Args extends ReadonlyArray<unknown>, A> = { method(...args: Args): A }["method"]

/**
 * A step, and the state that the step reads and changes. A combinator that remembers nothing adds nothing to the state.
 *
 * A step gives the whole delay, however much of it has passed: so combinators change the same number wherever they stand in a
 * pipe. `since` tells what it is measured from, and `waitOf` takes that off, once and at the end.
 */
export interface Plan<out Output, in Input = unknown, out E = never, out R = never, State = unknown> {
  /** Whether it reads the time. */
  readonly timed: boolean
  /** Whether its runs have slots, which an earlier run leaves to come. */
  readonly isGrid?: boolean | undefined
  /** The first state: an object with all fields that steps change, for a restart assigns it to the state of before. */
  start(env: Env): State
  /** What has to be done before the first run. Only a schedule of another library has it. */
  readonly prepare?: Method<[state: State, at: Moment], Effect.Effect<unknown, E, R>> | undefined
  /** The delay in milliseconds, or `done`. */
  next(state: State, at: Moment, input: Input): Eventual<number, E, R>
  /** The wait in place of one that has passed without a run, as in a pause; or `done`. Without it the run starts at once. */
  readonly again?: Method<[state: State, at: Moment], number> | undefined
  /**
   * The delay that this one has become when the wall clock was stepped meanwhile. Only calendars have it: a loop asks it once a
   * minute, and by default has its first run at the first slot.
   */
  readonly look?: Method<[state: State, at: Moment, delay: number], number> | undefined
  /** How long ago this delay started. Without it, a delay starts now: at the end of the run. */
  readonly since?: Method<[state: State, at: Moment, delay: number], number> | undefined
  /** The least wait that the last step allows, from the end of the run. */
  readonly floor?: Method<[state: State], number> | undefined
  /** The milliseconds of a plain period: a memory tells by them whether the period was changed. */
  readonly period?: number | undefined
  /** Its slots, for a loop that remembers. */
  readonly grid?: Method<[state: State], Grid> | undefined
  /** The plan of a combinator, whose state is the `inner` of this one's. */
  readonly inner?: Plan<unknown, Input, E, R> | undefined
  /** The plan with the same state whose delays `change` changes. */
  readonly mapped?: Plan<unknown, Input, E, R> | undefined
  readonly change?: ((delay: number, at: Moment) => number) | undefined
  /** How long this input asks to wait, in milliseconds, or `done`. It is no step, and changes no state. */
  readonly hint?: Method<[state: State, input: Input], number> | undefined
  /** What is followed at this input. */
  readonly follow?: Method<[state: State, input: Input], Started<unknown, Input, E, R> | undefined> | undefined
  /** What the last step put out. */
  output(state: State): Output
}

/** A schedule that has started. */
export interface Started<out Output, in Input, out E, out R> {
  readonly plan: Plan<Output, Input, E, R>
  readonly state: unknown
}

/** What is left of a delay. */
export const waitOf = <State>(
  plan: Plan<unknown, never, unknown, unknown, State>,
  state: State,
  at: Moment,
  delay: number
): number => Math.max(delay - (plan.since?.(state, at, delay) ?? 0), plan.floor?.(state) ?? 0)

const PlanId = "~effect-wait/Plan"

/** The plan of a schedule of this library; undefined for any other schedule. */
export const planOf = <Output, Input, E, R>(
  schedule: Schedule.Schedule<Output, Input, E, R> & { readonly [PlanId]?: Plan<Output, Input, E, R> }
): Plan<Output, Input, E, R> | undefined => schedule?.[PlanId]

/** The public Schedule of a plan. */
export const fromPlan = <Output, Input = unknown, E = never, R = never, State = unknown>(
  plan: Plan<Output, Input, E, R, State>
): Schedule.Schedule<Output, Input, E, R> =>
  Object.assign(
    Schedule.fromStep(Effect.withFiber((fiber) => {
      const at = new Standalone(fiber)
      if (plan.look !== undefined) at.followCalendar()
      const state = plan.start(at)
      const result = (delay: number) => {
        const output = plan.output(state)
        if (delay < 0) return Cause.done(output)
        const wait = waitOf(plan, state, at, delay)
        at.wanted = at.now + wait
        return Effect.succeed<[Output, Duration.Duration]>([output, Duration.millis(wait)])
      }
      const step = (now: number, input: Input): Pull.Pull<[Output, Duration.Duration], E, Output, R> => {
        at.enter(now, plan.timed)
        const delay = plan.next(state, at, input)
        return typeof delay === "number" ? result(delay) : Effect.flatMap(delay, result)
      }
      return plan.prepare === undefined ? Effect.succeed(step) : Effect.as(plan.prepare(state, at), step)
    })),
    { [PlanId]: plan }
  )
