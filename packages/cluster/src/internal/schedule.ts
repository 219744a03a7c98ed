/** What a schedule shows of itself before it runs. */
import * as Cron from "effect/Cron"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"

interface Plan {
  readonly look?: unknown
  readonly prepare?: unknown
}

// A plan without `prepare` is of effect-wait alone: to ask it does nothing to the outside.
const planOf = (schedule: object): Plan | undefined => {
  if (!Predicate.hasProperty(schedule, "~effect-wait/Plan")) return undefined
  const plan = schedule["~effect-wait/Plan"]
  return Predicate.isObject(plan) && (!Predicate.hasProperty(plan, "prepare") || plan.prepare === undefined)
    ? plan
    : undefined
}

/** Whether the first run of a loop is surely at once, and not at the slot of a calendar. */
export const startsAtOnce = (schedule: object): boolean => {
  const plan = planOf(schedule)
  return plan !== undefined && plan.look === undefined
}

interface Slotted {
  readonly grid?: unknown
  readonly inner?: Slotted | undefined
}

const ownPlanOf = (schedule: object): Slotted | undefined =>
  Predicate.hasProperty(schedule, "~effect-wait/Plan") && Predicate.isObject(schedule["~effect-wait/Plan"])
    ? schedule["~effect-wait/Plan"]
    : undefined

/** Whether it is of effect-wait as a whole: only such a schedule can go on where it was. */
export const isOwn = (schedule: object): boolean => ownPlanOf(schedule) !== undefined

/** Whether its runs have slots, which can be missed. */
export const hasSlots = (schedule: object): boolean => {
  let plan = ownPlanOf(schedule)
  while (plan !== undefined && plan.grid === undefined) plan = plan.inner
  return plan !== undefined
}

/** The cron expression that nothing can read, if the schedule has one. */
export const unreadable = <Out, In, E, R>(
  schedule: Schedule.Schedule<Out, In, E, R>
): Effect.Effect<Cron.CronParseError | undefined, never, R> =>
  planOf(schedule) === undefined ? Effect.undefined : Schedule.toStep(schedule).pipe(
    // Before the first run no schedule has an input.
    Effect.flatMap((step): Effect.Effect<unknown, unknown, R> => Reflect.apply(step, undefined, [0, undefined])),
    Effect.result,
    Effect.map((result) =>
      Result.isFailure(result) && Cron.isCronParseError(result.failure) ? result.failure : undefined
    ),
    // Whatever else goes wrong is told by the first run.
    Effect.catchDefect(() => Effect.undefined)
  )
