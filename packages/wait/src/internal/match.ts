import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import type * as Schedule from "effect/Schedule"
import * as args from "./args.ts"
import { mapDelay } from "./delays.ts"
import { toPlan } from "./foreign.ts"
import { SameMoment } from "./moment.ts"
import { done, fromPlan, type Plan, type Started, waitOf } from "./plan.ts"

type Matched<Cases> = {
  [Tag in keyof Cases]: Schedule.Input<Cases[Tag]> & { readonly _tag: Tag }
}[keyof Cases]

/**
 * A schedule by the tag of the error. Each case is a schedule with its own state.
 *
 * - `cases`: schedules by tag; each sees only the errors of its tag
 * - `orElse`: the schedule for all other tags. Without it, a tag without a case is a type error
 * - output: the output of the case's schedule
 *
 * It is done when the schedule of the case is done, and at an error without a case. It works with `Effect.retry` too.
 *
 * Throws an `IllegalArgumentError` for a case that is not a Schedule.
 *
 * **Gotchas**
 *
 * `Limit.attempts(3)` in a case counts three errors of that tag; around the match it counts three attempts of any kind.
 * With an `orElse` that accepts any error, the compiler checks neither the error types of the cases nor the spelling of
 * their tags.
 *
 * **Example** (Two throttled attempts, and a reset connection between them)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Backoff, Period, Retry, Timeline } from "effect-wait"
 *
 * const schedule = Retry.match({
 *   Throttled: Backoff.exponential({ base: "1 second", cap: "1 minute" }),
 *   Reset: Period.sliding("10 millis")
 * })
 *
 * const timeline = Effect.runSync(Timeline.simulate(schedule, {
 *   until: "4 seconds",
 *   input: [{ _tag: "Throttled" }, { _tag: "Reset" }, { _tag: "Throttled" }]
 * }))
 *
 * Timeline.starts(timeline) // => [0, 1000, 1010, 3010]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const match: {
  <Cases extends { readonly [tag: string]: unknown }, Else>(
    cases: Cases,
    options: { readonly orElse: Else }
  ): Schedule.Schedule<
    Schedule.Output<Cases[keyof Cases] | Else>,
    Matched<Cases> | Schedule.Input<Else>,
    Schedule.Error<Cases[keyof Cases] | Else>,
    Schedule.Env<Cases[keyof Cases] | Else>
  >
  <Cases extends { readonly [tag: string]: unknown }>(
    cases: Cases,
    options?: { readonly orElse?: undefined }
  ): Schedule.Schedule<
    Schedule.Output<Cases[keyof Cases]>,
    Matched<Cases>,
    Schedule.Error<Cases[keyof Cases]>,
    Schedule.Env<Cases[keyof Cases]>
  >
} = <Out, E extends { readonly _tag: string }, F, R>(
  cases: { readonly [tag: string]: Schedule.Schedule<Out, E, F, R> },
  options?: { readonly orElse?: Schedule.Schedule<Out, E, F, R> | undefined }
): Schedule.Schedule<Out | undefined, E, F, R> => {
  const planOf = (argument: string, schedule: Schedule.Schedule<Out, E, F, R>) =>
    toPlan(args.schedule(`Retry.match: ${argument}`, schedule))
  const plans = Record.map(cases, (schedule, tag) => planOf(tag, schedule))
  const orElse = options?.orElse === undefined ? undefined : planOf("orElse", options.orElse)
  return fromPlan<Out | undefined, E, F, R, Matching<Out, E, F, R>>({
    timed: [...Object.values(plans), orElse].some((plan) => plan?.timed),
    start(env) {
      const start = (plan: Plan<Out, E, F, R>) => ({ plan, state: plan.start(env), wanted: env.first })
      return { cases: Record.map(plans, start), orElse: orElse && start(orElse), current: undefined }
    },
    prepare: (matching, at) =>
      Effect.forEach(
        [...Object.values(matching.cases), matching.orElse],
        (started) => started?.plan.prepare?.(started.state, at) ?? Effect.void,
        { discard: true }
      ),
    next(matching, at, error) {
      const current = caseOf(matching, error)
      if (current === undefined) return done
      matching.current = current
      const { plan, state, wanted } = current
      // A slot that passed during the delays of other cases counts as late, not as missed.
      const delay = plan.next(state, plan.isGrid ? new SameMoment(at, wanted) : at, error)
      return mapDelay(delay, (delay) => {
        current.wanted = at.now + waitOf(plan, state, at, delay)
        return delay
      }, at)
    },
    look: Object.values(plans).concat(orElse ?? []).some((plan) => plan.look !== undefined)
      ? ({ current }, at, delay) => current?.plan.look?.(current.state, at, delay) ?? delay
      : undefined,
    since: ({ current }, at, delay) => current?.plan.since?.(current.state, at, delay) ?? 0,
    floor: ({ current }) => current?.plan.floor?.(current.state) ?? 0,
    follow: caseOf,
    output: ({ current }) => current?.plan.output(current.state)
  })
}

interface Case<Out, E, F, R> extends Started<Out, E, F, R> {
  /** When its next run was due, by its last step. */
  wanted: number
}

interface Matching<Out, E, F, R> {
  readonly cases: Readonly<Record<string, Case<Out, E, F, R>>>
  readonly orElse: Case<Out, E, F, R> | undefined
  /** The case of the last error. */
  current: Case<Out, E, F, R> | undefined
}

// The case of the error's tag.
const caseOf = <Out, E, F, R>({ cases, orElse }: Matching<Out, E, F, R>, error: E): Case<Out, E, F, R> | undefined =>
  Predicate.hasProperty(error, "_tag") && Predicate.isString(error._tag) && Object.hasOwn(cases, error._tag)
    ? cases[error._tag]
    : orElse
