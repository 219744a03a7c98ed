import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as args from "./args.ts"
import { around, mapDelay, planOfSelf } from "./delays.ts"
import { toPlan } from "./foreign.ts"
import { done, fromPlan } from "./plan.ts"
import { isUnanswered, type Unanswered } from "./unanswered.ts"

type HintOf<E> = (error: E) => Option.Option<Duration.Input>

interface HintOptions {
  readonly max: Duration.Input
  readonly onExceed?: "giveUp" | "clamp" | undefined
}

/**
 * Makes a delay at least as long as the error asks for: an HTTP `Retry-After`, a gRPC pushback.
 *
 * - `hintOf`: what an error asks for, if anything. What is negative or NaN asks for nothing
 * - `max`: the longest hint that is followed, a duration of 0 or more. It does not bound the schedule's own delays
 * - `onExceed`: what becomes of a longer one. `"giveUp"`, the default: the schedule is done. `"clamp"`: it counts as `max`
 *
 * Data-first, `Retry.hint(schedule, (error) => ..., options)`, it infers the error from where the schedule goes. In a pipe the error
 * needs an annotation.
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
function either<E>(
  hintOf: HintOf<E>,
  options: HintOptions
): <Output, Input, Error, Env>(
  self: Schedule.Schedule<Output, Input, Error, Env>
) => Schedule.Schedule<Output, Input & (E | Unanswered), Error, Env>
function either<Output, E, Error, Env>(
  self: Schedule.Schedule<Output, NoInfer<E> | Unanswered, Error, Env>,
  hintOf: HintOf<E>,
  options: HintOptions
): Schedule.Schedule<Output, E | Unanswered, Error, Env>
function either<Output, E, Error, Env>(
  self: Schedule.Schedule<Output, NoInfer<E>, Error, Env>,
  hintOf: HintOf<E>,
  options: HintOptions
): Schedule.Schedule<Output, E, Error, Env>
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
) => Schedule.Schedule<Output, Input & (E | Unanswered), Error, Env> => {
  args.fn("Retry.hint: hintOf", hintOf)
  const max = args.duration("Retry.hint: max", options.max)
  const clamps = args.oneOf("Retry.hint: onExceed", options.onExceed ?? "giveUp", ["giveUp", "clamp"]) === "clamp"
  const isTooLong = (hint: number): boolean => hint > max && !clamps
  return <Output, Input, Error, Env>(self: Schedule.Schedule<Output, Input & (E | Unanswered), Error, Env>) => {
    const plan = planOfSelf(self)
    const { floor } = plan
    const hinted = (input: E | Unanswered): number =>
      isUnanswered(input) ? 0 : Option.match(hintOf(input), { onNone: () => 0, onSome: args.millisOrZero })
    const schedule = around(plan, {
      remember: () => ({ hinted: 0 }),
      next: (state, at, input) =>
        mapDelay(plan.next(state.inner, at, input), (delay) => {
          const hint = hinted(input)
          state.hinted = Math.min(hint, max)
          return isTooLong(hint) ? done : Math.max(delay, state.hinted)
        }),
      floor: ({ hinted, inner }) => Math.max(hinted, floor?.(inner) ?? 0)
    })
    return fromPlan({
      ...toPlan(schedule),
      hint(_, input: Input & (E | Unanswered)) {
        const hint = hinted(input)
        return isTooLong(hint) ? done : Math.min(hint, max)
      }
    })
  }
}
