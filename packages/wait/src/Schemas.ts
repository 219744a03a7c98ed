/**
 * Schemas of the errors, to send an error to another process: an Rpc, a Workflow, an HttpApi. It is a separate module,
 * because Schema is larger than this library: `import * as Schemas from "effect-wait/Schemas"`.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { withoutStack } from "./internal/describe.ts"
import * as Exhausted from "./RetryExhausted.ts"
import * as Timeout from "./WaitTimeout.ts"

const reason = <Tag extends string>(...tags: ReadonlyArray<Tag>) => Schema.Struct({ _tag: Schema.Literals(tags) })

const counts = { attempts: Schema.Int, elapsed: Schema.DurationFromMillis }

/**
 * The Schema of a `RetryExhausted` whose error has this Schema. Decoding restores the message and the `cause`.
 *
 * **Example** (The error of a Workflow's activity, or of an Rpc)
 *
 * ```ts
 * import { Duration, Schema } from "effect"
 * import { RetryExhausted } from "effect-wait"
 * import * as Schemas from "effect-wait/Schemas"
 *
 * class Busy extends Schema.TaggedError<Busy>()("Busy", {}) {}
 * const GaveUp = Schemas.RetryExhausted(Busy)
 *
 * const error = new RetryExhausted({
 *   reason: { _tag: "Schedule" },
 *   error: new Busy(),
 *   attempts: 3,
 *   elapsed: Duration.millis(20)
 * })
 * const json = Schema.encodeSync(Schema.toCodecJson(GaveUp))(error)
 * const decoded = Schema.decodeUnknownSync(Schema.toCodecJson(GaveUp))(json)
 *
 * json // => { _tag: "RetryExhausted", reason: { _tag: "Schedule" }, error: { _tag: "Busy" }, attempts: 3, elapsed: 20 }
 * decoded.message // => "Gave up after 3 attempts in 20ms: the schedule is done. Last error: Busy"
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const RetryExhausted = <T, Encoded, RD, RE>(
  error: Schema.Codec<T, Encoded, RD, RE>
): Schema.Codec<Exhausted.RetryExhausted<T>, EncodedRetryExhausted<Encoded>, RD, RE> =>
  Schema.Struct({
    _tag: Schema.tag("RetryExhausted"),
    reason: reason("Schedule", "Budget", "Nested", "Stopped"),
    error,
    ...counts
  }).pipe(Schema.decodeTo(
    Schema.declare((u): u is Exhausted.RetryExhausted<T> => Exhausted.isRetryExhausted(u)),
    SchemaTransformation.transform({
      decode: (fields) => withoutStack(new Exhausted.RetryExhausted<T>(fields)),
      encode: ({ _tag, attempts, elapsed, error, reason }) => ({ _tag, reason, error, attempts, elapsed })
    })
  ))

/**
 * A `RetryExhausted` that is encoded; `elapsed` is in milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface EncodedRetryExhausted<out E> {
  readonly _tag: "RetryExhausted"
  readonly reason: { readonly _tag: Exhausted.Reason["_tag"] }
  readonly error: E
  readonly attempts: number
  readonly elapsed: number
}

/**
 * The Schema of a `WaitTimeout`, made of the Schemas of its last value and its last error.
 *
 * - `last`: the Schema of the values that are not accepted; `Schema.Boolean` if the poll has no `accept`
 * - `lastError`: the Schema of the tolerated errors; default: no error is tolerated
 *
 * **Example** (Across a process)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Limit, Period, Poll } from "effect-wait"
 * import * as Schemas from "effect-wait/Schemas"
 *
 * const TimedOut = Schema.toCodecJson(Schemas.WaitTimeout({ last: Schema.Boolean }))
 *
 * const poll = Poll.until(Effect.succeed(false), Period.sliding(0).pipe(Limit.attempts(2)))
 * const timeout = await Effect.runPromise(Effect.flip(poll))
 * const decoded = Schema.decodeUnknownSync(TimedOut)(Schema.encodeSync(TimedOut)(timeout))
 *
 * decoded.attempts // => 2
 * decoded.reason // => { _tag: "Exhausted" }
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const WaitTimeout = <A, EncodedA, RD, RE, E = never, EncodedE = never, RD2 = never, RE2 = never>(options: {
  readonly last: Schema.Codec<A, EncodedA, RD, RE>
  readonly lastError?: Schema.Codec<E, EncodedE, RD2, RE2>
}): Schema.Codec<Timeout.WaitTimeout<A, E>, EncodedWaitTimeout<EncodedA, EncodedE>, RD | RD2, RE | RE2> => {
  const { last, lastError = Schema.Never } = options
  return Schema.Struct({
    _tag: Schema.tag("WaitTimeout"),
    reason: reason("Deadline", "Exhausted", "Stopped"),
    ...counts,
    missed: Schema.Number,
    last: Schema.OptionFromNullOr(Schema.Struct({ value: last })),
    lastError: Schema.OptionFromNullOr(Schema.Struct({ value: lastError }))
  }).pipe(Schema.decodeTo(
    Schema.declare((u): u is Timeout.WaitTimeout<A, E> => Timeout.isWaitTimeout(u)),
    SchemaTransformation.transform({
      decode: ({ last, lastError, ...counts }) =>
        withoutStack(
          new Timeout.WaitTimeout<A, E>({
            ...counts,
            last: Option.map(last, valueOf),
            lastError: Option.map(lastError, valueOf)
          })
        ),
      encode: ({ _tag, attempts, elapsed, last, lastError, missed, reason }) => ({
        _tag,
        reason,
        attempts,
        elapsed,
        missed,
        last: Option.map(last, toValue),
        lastError: Option.map(lastError, toValue)
      })
    })
  ))
}

const valueOf = <A>({ value }: { readonly value: A }): A => value
const toValue = <A>(value: A): { readonly value: A } => ({ value })

/**
 * A `WaitTimeout` that is encoded; `elapsed` is in milliseconds, and null is what was not seen.
 *
 * @category models
 * @since 0.1.0
 */
export interface EncodedWaitTimeout<out A, out E> {
  readonly _tag: "WaitTimeout"
  readonly reason: { readonly _tag: Timeout.Reason["_tag"] }
  readonly attempts: number
  readonly elapsed: number
  readonly missed: number
  readonly last: { readonly value: A } | null
  readonly lastError: { readonly value: E } | null
}
