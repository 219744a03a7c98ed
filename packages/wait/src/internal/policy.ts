import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

const nonNegative = Schema.makeFilter(
  (delay: Duration.Duration) => !Duration.isNegative(delay),
  { expected: "a duration of 0 or more" }
)

const finite = Schema.makeFilter(Duration.isFinite, { expected: "a finite duration" })

/**
 * Go's `wait.Backoff` as plain data: `{ duration, factor, jitter, steps, cap? }`.
 *
 * - `duration`: the first delay, finite
 * - `factor`: what the delay is multiplied by, 0 or more; 0 leaves it as it is
 * - `jitter`: each delay `d` is drawn from `d .. d + jitter·d`; nothing is drawn at 0 or less
 * - `steps`: an integer; for a schedule, how often the delay may grow; for `Wait.exponentialBackoff`, how many checks
 * - `cap`: the delay never grows past it; 0 or none is no cap
 *
 * Durations are written as Effect reads them, `"10 millis"`. Decoding fails with a `SchemaError` that names the field.
 *
 * **Example** (client-go's `retry.DefaultRetry`)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Backoff } from "effect-wait"
 *
 * const policy = Schema.decodeUnknownSync(Backoff.Policy)({ duration: "10 millis", factor: 1, jitter: 0.1, steps: 5 })
 *
 * policy.steps // => 5
 * ```
 *
 * @see {@link toSchedule} for a schedule made from it
 * @category models
 * @since 0.1.0
 */
export const Policy = Schema.Struct({
  duration: Schema.DurationFromString.check(nonNegative, finite),
  factor: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  jitter: Schema.Finite,
  steps: Schema.Int,
  cap: Schema.optional(Schema.DurationFromString.check(nonNegative))
})
