/**
 * The wait ended before its condition held. Go's `ErrWaitTimeout` and `Interrupted(err)`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import type * as Option from "effect/Option"

const describe = {
  deadline: (checks: string) =>
    `The condition did not hold before the deadline: ${checks}. Allow more time, or see \`last\` and \`lastError\`.`,
  exhausted: (checks: string) =>
    `The condition did not hold before the schedule ended: ${checks}. Allow more attempts, or see \`last\` and ` +
    "`lastError`.",
  stopped: (checks: string) => `The wait was stopped before the condition held: ${checks}.`
}

/**
 * The failure of `Poll.until`, and of the polls in `Wait`, when the wait ends before its condition holds.
 *
 * - `reason`: `"deadline"`: the time is up; `"exhausted"`: the schedule is done; `"stopped"`: `stop` ended the wait
 * - `attempts`: how many checks have started
 * - `elapsed`: how long the wait lasted
 * - `last`: the last value that was not accepted
 * - `lastError`: the last error that was tolerated
 *
 * **Example** (Caught by its tag)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Period, Poll } from "effect-wait"
 *
 * const state = await Effect.runPromise(
 *   Poll.until(Effect.succeed("starting"), Period.sliding("1 milli"), {
 *     accept: (state) => state === "ready",
 *     timeout: "5 millis"
 *   }).pipe(
 *     Effect.catchTag("WaitTimeout", ({ last, reason }) => Effect.succeed(`${reason}: ${last}`))
 *   )
 * )
 *
 * state // => "deadline: some(\"starting\")"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class WaitTimeout<out A = unknown, out E = unknown> extends Data.TaggedError("WaitTimeout")<{
  readonly reason: "deadline" | "exhausted" | "stopped"
  readonly attempts: number
  readonly elapsed: Duration.Duration
  readonly last: Option.Option<unknown>
  readonly lastError: Option.Option<unknown>
  readonly message: string
}> {
  declare readonly last: Option.Option<A>
  declare readonly lastError: Option.Option<E>

  constructor(options: {
    readonly reason: "deadline" | "exhausted" | "stopped"
    readonly attempts: number
    readonly elapsed: Duration.Duration
    readonly last: Option.Option<A>
    readonly lastError: Option.Option<E>
  }) {
    const checks = `${options.attempts} ${options.attempts === 1 ? "check" : "checks"} in ${
      Duration.format(Duration.millis(Math.round(Duration.toMillis(options.elapsed))))
    }`
    super({ ...options, message: describe[options.reason](checks) })
  }
}
