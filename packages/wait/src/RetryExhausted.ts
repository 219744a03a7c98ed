/**
 * `Retry.run` gave up. client-go's `retry.OnError` returns the last error instead.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"

const describe = {
  schedule: (attempts: string) => `Gave up after ${attempts}: the schedule is done. See \`error\` for the last error.`,
  budget: (attempts: string) =>
    `Gave up after ${attempts}: the retry budget is used up. See \`error\` for the last error.`,
  nested: (attempts: string) => `Left to the retry around it after ${attempts}. See \`error\`.`
}

/**
 * The failure of `Retry.run` when it gives up.
 *
 * - `error`: the last error, which is also the `cause` of this one
 * - `attempts`: how many attempts were made
 * - `elapsed`: the time from the start of the first attempt until `Retry.run` gave up
 * - `reason`: `"schedule"`: the schedule is done; `"budget"`: the budget refused a retry; `"nested"`: the outer retry
 *   decides
 *
 * **Example** (Caught by its tag)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Limit, Period, Retry } from "effect-wait"
 *
 * const call = Effect.fail("refused")
 * const answer = await Effect.runPromise(
 *   Retry.run(call, Period.sliding("1 milli").pipe(Limit.attempts(3))).pipe(
 *     Effect.catchTag("RetryExhausted", ({ attempts, error, reason }) => Effect.succeed([error, attempts, reason]))
 *   )
 * )
 *
 * answer // => ["refused", 3, "schedule"]
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class RetryExhausted<out E = unknown> extends Data.TaggedError("RetryExhausted")<{
  readonly error: unknown
  readonly attempts: number
  readonly elapsed: Duration.Duration
  readonly reason: "schedule" | "budget" | "nested"
  readonly message: string
  readonly cause: unknown
}> {
  declare readonly error: E

  constructor(options: {
    readonly error: E
    readonly attempts: number
    readonly elapsed: Duration.Duration
    readonly reason: "schedule" | "budget" | "nested"
  }) {
    const attempts = `${options.attempts} ${options.attempts === 1 ? "attempt" : "attempts"} in ${
      Duration.format(Duration.millis(Math.round(Duration.toMillis(options.elapsed))))
    }`
    super({ ...options, message: describe[options.reason](attempts), cause: options.error })
  }
}
