import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import type * as Schedule from "effect/Schedule"
import * as args from "./args.ts"
import { mapDelay } from "./delays.ts"
import { toPlan } from "./foreign.ts"
import { changed } from "./moment.ts"
import { done, fromPlan, type Plan, type Started, waitOf } from "./plan.ts"

type Matched<Cases> = {
  [Tag in keyof Cases]: Schedule.Input<Cases[Tag]> & { readonly _tag: Tag }
}[keyof Cases]

/**
 * A schedule that follows another one for each tag of the error, each with its own state.
 *
 * - `cases`: schedules by tag; each sees the errors of its tag, and nothing of the others
 * - `orElse`: for all other tags. Where there is none, every tag needs a case: leaving one out is a type error
 * - output: that of the schedule that was followed
 *
 * It is done when the schedule that it follows is, and at an error whose tag has no case, which the compiler refuses. Works with
 * plain `Effect.retry`.
 *
 * Throws an `IllegalArgumentError` for what is not a Schedule.
 *
 * **Gotchas**
 *
 * `Limit.attempts(3)` in a case is three errors of that tag; around it all, three attempts of any kind. With an `orElse` that
 * takes anything, the types of the cases' errors are not checked, nor how their tags are spelt. A case that is no schedule is found
 * out at run time.
 *
 * **Example** (Throttled at 0, 1 and 3 s, and a reset connection in between)
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { Backoff, Period, Retry } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const errors = [{ _tag: "Throttled" }, { _tag: "Reset" }, { _tag: "Throttled" }] as const
 * const starts: Array<number> = []
 * const call = Effect.gen(function*() {
 *   const error = errors[starts.push(yield* Clock.currentTimeMillis) - 1]
 *   if (error !== undefined) return yield* Effect.fail(error)
 * })
 * const schedule = Retry.match({
 *   Throttled: Backoff.exponential({ base: "1 second", cap: "1 minute" }),
 *   Reset: Period.sliding("10 millis")
 * })
 *
 * await Effect.runPromise(
 *   Effect.all([Retry.run(call, schedule), TestClock.adjust("1 minute")], { concurrency: 2 }).pipe(
 *     Effect.provide(TestClock.layer())
 *   )
 * )
 *
 * starts // => [0, 1000, 1010, 3010]
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
      return { cases: Record.map(plans, start), orElse: orElse && start(orElse), followed: undefined }
    },
    prepare: (matching, at) =>
      Effect.forEach(
        [...Object.values(matching.cases), matching.orElse],
        (started) => started?.plan.prepare?.(started.state, at) ?? Effect.void,
        { discard: true }
      ),
    next(matching, at, error) {
      const followed = caseOf(matching, error)
      if (followed === undefined) return done
      matching.followed = followed
      const { plan, state, wanted } = followed
      // Slots that passed during the delays of other cases are late, not missed in a run.
      const delay = plan.next(state, plan.isGrid ? changed(at, { due: wanted }) : at, error)
      return mapDelay(delay, (delay) => {
        followed.wanted = at.now + waitOf(plan, state, at, delay)
        return delay
      })
    },
    since: ({ followed }, at, delay) => followed?.plan.since?.(followed.state, at, delay) ?? 0,
    floor: ({ followed }) => followed?.plan.floor?.(followed.state) ?? 0,
    follow: caseOf,
    output: ({ followed }) => followed?.plan.output(followed.state)
  })
}

interface Case<Out, E, F, R> extends Started<Out, E, F, R> {
  /** When it last wanted a run. */
  wanted: number
}

interface Matching<Out, E, F, R> {
  readonly cases: Readonly<Record<string, Case<Out, E, F, R>>>
  readonly orElse: Case<Out, E, F, R> | undefined
  /** The case of the last error. */
  followed: Case<Out, E, F, R> | undefined
}

// The case of the error's tag.
const caseOf = <Out, E, F, R>({ cases, orElse }: Matching<Out, E, F, R>, error: E): Case<Out, E, F, R> | undefined =>
  Predicate.hasProperty(error, "_tag") && Predicate.isString(error._tag) && Object.hasOwn(cases, error._tag)
    ? cases[error._tag]
    : orElse
