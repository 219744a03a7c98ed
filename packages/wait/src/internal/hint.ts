import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as args from "./args.ts"
import { around, mapDelay, planOfSelf } from "./delays.ts"
import { toPlan } from "./foreign.ts"
import { done, fromPlan } from "./plan.ts"
import { isUnanswered } from "./unanswered.ts"

type HintOf<E> = (error: E) => Option.Option<Duration.Input>

interface HintOptions {
  readonly max: Duration.Input
  readonly onExceed?: "giveUp" | "clamp" | undefined
}

/**
 * The type of the error if the compiler cannot infer it. Its message names this type; the error needs an annotation, as in
 * `Retry.hint((error: Busy) => ..., { max: "1 minute" })`. In `Retry.run` the error is inferred if the hint is the last function of its
 * pipe, or if the schedule is its first argument.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnnotateTheError {
  readonly "annotate the error of the hint": never
}

// `E & Input`. The compiler infers `E` from the place of the schedule through these branches, and not through an intersection.
type Both<E, Input> = [E] extends [AnnotateTheError] ? Input : E extends Input ? E : E & Input

/**
 * Makes a delay at least as long as the hint in the error, such as an HTTP `Retry-After` or a gRPC pushback.
 *
 * - `hintOf`: the hint of an error, if it has one. A negative or NaN hint counts as 0
 * - `max`: the longest hint, a duration of 0 or more. It does not limit the schedule's own delays
 * - `onExceed`: the result of a longer hint. `"giveUp"`, the default: the schedule is done. `"clamp"`: the hint counts
 *   as `max`
 *
 * In `Retry.run` the error needs no annotation if the hint is the last function of its pipe, or if the schedule is its first
 * argument: `Retry.hint(schedule, (error) => ..., options)`. The same holds in a combinator that takes the schedule first, as in
 * `Limit.within(Retry.hint(schedule, ...), "1 minute")`. Elsewhere the type of the error is {@link AnnotateTheError}.
 *
 * Throws an `IllegalArgumentError` for a `max` that is negative or NaN.
 *
 * **Gotchas**
 *
 * Jitter after the hint does not shorten it; `Limit.delay` after it does. `Jitter.additive` after the hint spreads
 * clients with the same hint.
 *
 * **Example** (A schedule of 1 s; the hints are 3 s, none, and a day)
 *
 * ```ts
 * import { Effect, Option } from "effect"
 * import { Period, Retry, Timeline } from "effect-wait"
 *
 * const hintOf = (error: { readonly after?: "3 seconds" | "1 day" }) => Option.fromUndefinedOr(error.after)
 * const timeline = Effect.runSync(Timeline.simulate(
 *   Period.sliding("1 second").pipe(Retry.hint(hintOf, { max: "1 minute" })),
 *   { until: "1 hour", input: [{ after: "3 seconds" }, {}, { after: "1 day" }] }
 * ))
 *
 * Timeline.delays(timeline) // => [3000, 1000]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const hint: typeof hintDual = hintDual

// Data-last, bad options throw before there is a schedule.
function hintDual<E = AnnotateTheError>(
  hintOf: HintOf<E>,
  options: HintOptions
): <Output, Input, Error, Env>(
  self: Schedule.Schedule<Output, Input, Error, Env>
) => Schedule.Schedule<Output, Both<E, Input>, Error, Env>
function hintDual<Output, Input, Error, Env, E = AnnotateTheError>(
  self: Schedule.Schedule<Output, Input, Error, Env>,
  hintOf: HintOf<E>,
  options: HintOptions
): Schedule.Schedule<Output, Both<E, Input>, Error, Env>
function hintDual<Output, E, Error, Env>(
  ...given:
    | readonly [HintOf<E>, HintOptions]
    | readonly [Schedule.Schedule<Output, E, Error, Env>, HintOf<E>, HintOptions]
) {
  return given.length === 2 ? addHint(given[0], given[1]) : addHint(given[1], given[2])(given[0])
}

const addHint = <E>(
  hintOf: HintOf<E>,
  options: HintOptions
): <Output, Input, Error, Env>(
  self: Schedule.Schedule<Output, Input, Error, Env>
) => Schedule.Schedule<Output, Input & E, Error, Env> => {
  args.fn("Retry.hint: hintOf", hintOf)
  const max = args.duration("Retry.hint: max", options.max)
  const clamps = args.oneOf("Retry.hint: onExceed", options.onExceed ?? "giveUp", ["giveUp", "clamp"]) === "clamp"
  const isTooLong = (hint: number): boolean => hint > max && !clamps
  return <Output, Input, Error, Env>(self: Schedule.Schedule<Output, Input & E, Error, Env>) => {
    const plan = planOfSelf(self)
    const { floor } = plan
    // `Retry.hedge` steps its schedule without an error too.
    const valueOf = (input: E): number =>
      isUnanswered(input) ? 0 : Option.match(hintOf(input), { onNone: () => 0, onSome: args.millisOrZero })
    const schedule = around(plan, {
      remember: () => ({ least: 0 }),
      next: (state, at, input) =>
        mapDelay(plan.next(state.inner, at, input), (delay) => {
          const hint = valueOf(input)
          state.least = Math.min(hint, max)
          return isTooLong(hint) ? done : Math.max(delay, state.least)
        }, at),
      floor: ({ inner, least }) => Math.max(least, floor?.(inner) ?? 0)
    })
    return fromPlan({
      ...toPlan(schedule),
      hint(_, input: Input & E) {
        const hint = valueOf(input)
        return isTooLong(hint) ? done : Math.min(hint, max)
      }
    })
  }
}
