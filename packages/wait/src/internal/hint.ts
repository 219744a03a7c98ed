import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as args from "./args.ts"
import { around, mapDelay, planOfSelf } from "./delays.ts"
import { done } from "./plan.ts"

type HintOf<E> = (error: E) => Option.Option<Duration.Input>

interface HintOptions {
  readonly max: Duration.Input
  readonly onExceed?: "giveUp" | "clamp" | undefined
}

/**
 * The type of the error where the compiler cannot infer it: the message says so, and the error needs an annotation, as in
 * `Retry.hint((error: Busy) => ..., { max: "1 minute" })`. In `Retry.run` the error is inferred for a hint that is the last function of
 * its pipe, or that has the schedule as its first argument.
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
 * Makes a delay at least as long as the error asks for: an HTTP `Retry-After`, a gRPC pushback.
 *
 * - `hintOf`: what an error asks for, if anything. What is negative or NaN asks for nothing
 * - `max`: the longest hint that is followed, a duration of 0 or more. It does not bound the schedule's own delays
 * - `onExceed`: what becomes of a longer one. `"giveUp"`, the default: the schedule is done. `"clamp"`: it counts as `max`
 *
 * In `Retry.run` the error needs no annotation where the hint is the last function of its pipe, or has the schedule as its first argument:
 * `Retry.hint(schedule, (error) => ..., options)`. A combinator after it has the schedule first too, as in
 * `Limit.within(Retry.hint(schedule, ...), "1 minute")`. Elsewhere the type of the error is {@link AnnotateTheError}.
 *
 * Throws an `IllegalArgumentError` for a `max` that is negative or NaN.
 *
 * **Gotchas**
 *
 * Put it after the jitter, which might shorten the hint. `Jitter.additive` may follow it, so that clients who were told the same do
 * not come back together.
 *
 * **Example** (The schedule wants 1 s; the hints are 3 s, none, and a day)
 *
 * ```ts
 * import { Effect, Option } from "effect"
 * import { Period, Retry, Timeline } from "effect-wait"
 *
 * const hints = [Option.some("3 seconds" as const), Option.none(), Option.some("1 day" as const)]
 * let failures = 0
 * const hinted = (onExceed: "giveUp" | "clamp") => {
 *   failures = 0
 *   return Timeline.delays(Effect.runSync(Timeline.simulate(
 *     Period.sliding("1 second").pipe(
 *       Retry.hint(() => hints[failures++] ?? Option.none(), { max: "1 minute", onExceed })
 *     ),
 *     { until: "62 seconds" }
 *   )))
 * }
 *
 * hinted("giveUp") // => [3000, 1000]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const hint: typeof either = either

// Data-last it refuses bad options at once, before there is a schedule.
function either<E = AnnotateTheError>(
  hintOf: HintOf<E>,
  options: HintOptions
): <Output, Input, Error, Env>(
  self: Schedule.Schedule<Output, Input, Error, Env>
) => Schedule.Schedule<Output, Both<E, Input>, Error, Env>
function either<Output, Input, Error, Env, E = AnnotateTheError>(
  self: Schedule.Schedule<Output, Input, Error, Env>,
  hintOf: HintOf<E>,
  options: HintOptions
): Schedule.Schedule<Output, Both<E, Input>, Error, Env>
function either<Output, E, Error, Env>(
  ...given:
    | readonly [HintOf<E>, HintOptions]
    | readonly [Schedule.Schedule<Output, E, Error, Env>, HintOf<E>, HintOptions]
) {
  return given.length === 2 ? hinted(given[0], given[1]) : hinted(given[1], given[2])(given[0])
}

const hinted = <E>(
  hintOf: HintOf<E>,
  options: HintOptions
): <Output, Input, Error, Env>(
  self: Schedule.Schedule<Output, Input, Error, Env>
) => Schedule.Schedule<Output, Input & E, Error, Env> => {
  args.fn("Retry.hint: hintOf", hintOf)
  const max = args.duration("Retry.hint: max", options.max)
  const clamps = args.oneOf("Retry.hint: onExceed", options.onExceed ?? "giveUp", ["giveUp", "clamp"]) === "clamp"
  return <Output, Input, Error, Env>(self: Schedule.Schedule<Output, Input & E, Error, Env>) => {
    const plan = planOfSelf(self)
    const { floor } = plan
    return around(plan, {
      remember: () => ({ hinted: 0 }),
      next: (state, at, error) =>
        mapDelay(plan.next(state.inner, at, error), (delay) => {
          const hinted = Option.match(hintOf(error), { onNone: () => 0, onSome: args.millisOrZero })
          state.hinted = Math.min(hinted, max)
          return hinted > max && !clamps ? done : Math.max(delay, state.hinted)
        }),
      floor: ({ hinted, inner }) => Math.max(hinted, floor?.(inner) ?? 0)
    })
  }
}
