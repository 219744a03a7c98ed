/** A schedule of another library, as a plan. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import { clockOf } from "./clockOf.ts"
import type { Moment } from "./moment.ts"
import { done, type Plan, planOf } from "./plan.ts"
import { CurrentAsking } from "./standalone.ts"

type Pulled<Out, E, R> = Pull.Pull<[Out, Duration.Duration], E, Out, R>

type Step<Out, In, E, R> = (now: number, input: In) => Pulled<Out, E, R>

const isResult = <Out, E, R>(
  pulled: Pulled<Out, E, R>
): pulled is Pulled<Out, E, R> & Exit.Success<[Out, Duration.Duration]> => Exit.isExit(pulled) && Exit.isSuccess(pulled)

/** One start of the schedule, and what schedules of this library inside it see. */
class State<Out, In, E, R> {
  readonly schedule: Schedule.Schedule<Out, In, E, R>
  /** Undefined until the schedule has started. */
  step: Step<Out, In, E, R> | undefined = undefined
  /** There from the first step on. */
  declare output: Out
  asking: { readonly at: Moment; now: number } | undefined = undefined

  constructor(schedule: Schedule.Schedule<Out, In, E, R>) {
    this.schedule = schedule
  }

  // The schedule starts with the first run, even if that has ended before the schedule is first asked.
  start(at: Moment): Effect.Effect<Step<Out, In, E, R>, E, R> {
    const asking = this.asking = { at, now: NaN }
    const toStep = Effect.provideService(Schedule.toStep(this.schedule), CurrentAsking, asking)
    const { now, start } = at
    const atStart = now === start
      ? toStep
      : Effect.updateService(
        toStep,
        Clock.Clock,
        (clock) => clockOf(() => at.stepTime(start), (duration) => clock.sleep(duration))
      )
    return Effect.map(atStart, (step) => this.step = step)
  }

  // Steps are Effects, unless they are results already.
  next(at: Moment, input: In): number | Effect.Effect<number, E, R> {
    const now = at.stepTime(at.now)
    if (this.step === undefined) {
      return Effect.flatMap(this.start(at), (step) => this.settle(this.ask(step, now, input)))
    }
    const pulled = this.ask(this.step, now, input)
    return isResult(pulled) ? this.take(pulled.value) : this.settle(pulled)
  }

  private ask(step: Step<Out, In, E, R>, now: number, input: In): Pulled<Out, E, R> {
    if (this.asking !== undefined) this.asking.now = now
    return step(now, input)
  }

  private take([output, delay]: [Out, Duration.Duration]): number {
    this.output = output
    return Math.max(0, Duration.toMillis(delay))
  }

  private settle(pulled: Pulled<Out, E, R>): Effect.Effect<number, E, R> {
    return Pull.matchEffect(pulled, {
      onSuccess: (result: [Out, Duration.Duration]) => Effect.sync(() => this.take(result)),
      onDone: (output: Out) =>
        Effect.sync(() => {
          this.output = output
          return done
        }),
      onFailure: Effect.failCause<E>
    })
  }
}

const foreignPlan = <Out, In, E, R>(
  schedule: Schedule.Schedule<Out, In, E, R>
): Plan<Out, In, E, R, State<Out, In, E, R>> => ({
  timed: true,
  start: () => new State(schedule),
  prepare: (state, at) => state.start(at),
  next: (state, at, input) => state.next(at, input),
  output: (state) => state.output
})

/** The plan of a schedule. */
export const toPlan = <Out, In, E, R>(schedule: Schedule.Schedule<Out, In, E, R>): Plan<Out, In, E, R> =>
  planOf(schedule) ?? foreignPlan(schedule)
