/**
 * The Schema of a backoff in a configuration file. Go's `wait.Backoff`. `effect-wait` exports the type `Policy` alone, so
 * that a program without Schema does not load it.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Backoff, Timeline } from "effect-wait"
 * import { Policy } from "effect-wait/Policy"
 *
 * // client-go's retry.DefaultBackoff
 * const policy = Schema.decodeUnknownSync(Policy)({ duration: "10 millis", factor: 5, jitter: 0.1, steps: 4 })
 * const timeline = Effect.runSync(Timeline.simulate(Backoff.toSchedule(policy), { until: "2 seconds", random: [0] }))
 *
 * console.log(Timeline.render(timeline, { width: 50 }))
 * ```
 *
 * ```text
 * #|.....|...............................|
 * 0           500ms        1s          1.5s
 * ```
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type * as Backoff from "./Backoff.ts"

const nonNegative = Schema.makeFilter(
  (delay: Duration.Duration) => !Duration.isNegative(delay),
  { expected: "a duration of 0 or more" }
)

const finite = Schema.makeFilter(Duration.isFinite, { expected: "a finite duration" })

/**
 * A backoff as plain data: the same type as `Backoff.Policy`, and as `Policy` in `effect-wait`. One import from this module
 * gives the Schema and the type.
 *
 * @category models
 * @since 0.1.0
 */
export type Policy = Backoff.Policy

/**
 * The Schema of `Backoff.Policy`: `{ duration, factor, jitter, steps, cap? }`.
 *
 * Durations are strings in Effect's format, such as `"10 millis"`. Decoding fails with a `SchemaError` that names the
 * field: for a negative or infinite `duration`, a negative `factor`, a `jitter` that is not finite, `steps` that are
 * not an integer, or a negative `cap`.
 *
 * **Example** (client-go's `retry.DefaultRetry`)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Backoff, Timeline } from "effect-wait"
 * import { Policy } from "effect-wait/Policy"
 *
 * const policy = Schema.decodeUnknownSync(Policy)({ duration: "10 millis", factor: 1, jitter: 0.1, steps: 5 })
 * const timeline = Effect.runSync(Timeline.simulate(Backoff.toSchedule(policy), { until: "30 millis", random: [0] }))
 *
 * Timeline.starts(timeline) // => [0, 10, 20, 30]
 * ```
 *
 * @see `Backoff.toSchedule` for a schedule made from it
 * @category schemas
 * @since 0.1.0
 */
export const Policy = Schema.Struct({
  duration: Schema.DurationFromString.check(nonNegative, finite),
  factor: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  jitter: Schema.Finite,
  steps: Schema.Int,
  cap: Schema.optional(Schema.DurationFromString.check(nonNegative))
})
