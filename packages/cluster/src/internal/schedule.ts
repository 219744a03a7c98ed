/** What a schedule of effect-wait shows of itself before it runs. */
import * as Predicate from "effect/Predicate"

// A plan without `prepare` is of effect-wait alone, and asking it does nothing to the outside.
const planOf = (schedule: object): { readonly look?: unknown } | undefined =>
  Predicate.hasProperty(schedule, "~effect-wait/Plan") && Predicate.isObject(schedule["~effect-wait/Plan"]) &&
    !Predicate.hasProperty(schedule["~effect-wait/Plan"], "prepare")
    ? schedule["~effect-wait/Plan"]
    : undefined

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
