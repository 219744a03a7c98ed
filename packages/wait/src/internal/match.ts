import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schedule from "effect/Schedule"
import * as args from "./args.ts"

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
  const toStep = (argument: string, schedule: Schedule.Schedule<Out, E, F, R>) =>
    Schedule.toStep(args.schedule(`Retry.match: ${argument}`, schedule))
  const steps = Effect.all(Record.map(cases, (schedule, tag) => toStep(tag, schedule)))
  const orElse = options?.orElse === undefined ? Effect.undefined : toStep("orElse", options.orElse)
  return Schedule.fromStep(
    Effect.map(Effect.all([steps, orElse]), ([steps, orElse]) => (now, error) => {
      const step = Predicate.hasProperty(error, "_tag") && Object.hasOwn(steps, error._tag)
        ? steps[error._tag]
        : orElse
      return step === undefined ? Cause.done(undefined) : step(now, error)
    })
  )
}
