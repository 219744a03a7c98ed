import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as args from "./args.ts"
import { mapDelays } from "./delays.ts"
import { done } from "./plan.ts"

/**
 * Makes a delay at least as long as the error asks for: an HTTP `Retry-After`, a gRPC pushback.
 *
 * - `hintOf`: what an error asks for, if anything. What is negative or NaN asks for nothing
 * - `max`: the longest hint that is followed, a duration of 0 or more. It does not bound the schedule's own delays
 * - `onExceed`: what becomes of a longer one. `"giveUp"`, the default: the schedule is done. `"clamp"`: it counts as `max`
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
export const hint = <E>(
  hintOf: (error: E) => Option.Option<Duration.Input>,
  options: { readonly max: Duration.Input; readonly onExceed?: "giveUp" | "clamp" | undefined }
): <Output, Input, Error, Env>(
  self: Schedule.Schedule<Output, Input, Error, Env>
) => Schedule.Schedule<Output, Input & E, Error, Env> => {
  args.fn("Retry.hint: hintOf", hintOf)
  const max = args.duration("Retry.hint: max", options.max)
  const clamps = args.oneOf("Retry.hint: onExceed", options.onExceed ?? "giveUp", ["giveUp", "clamp"]) === "clamp"
  return <Output, Input, Error, Env>(self: Schedule.Schedule<Output, Input & E, Error, Env>) =>
    mapDelays(self, (delay, _, error) => {
      const hinted = Option.match(hintOf(error), { onNone: () => 0, onSome: args.millisOrZero })
      return hinted > max && !clamps ? done : Math.max(delay, Math.min(hinted, max))
    })
}
