/**
 * A payment: a POST that must not be done twice, although its answer may be lost. The key by which the server knows it again is made
 * once, outside of the retry, and stored with the order: a process that starts again uses the same one.
 */
import { Effect, Schema } from "effect"
import { Backoff, Jitter, Limit, type RetryBudget } from "effect-wait"
import * as HttpRetry from "effect-wait/HttpRetry"
import { type HttpClient, type HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"

export interface Order {
  readonly id: string
  /** Made with the order. */
  readonly paymentKey: string
  readonly cents: number
}

/** It will not be paid, however often it is tried. */
export class Declined extends Schema.TaggedError<Declined>()("Declined", { order: Schema.String }) {}

/** It may have been paid, or not. Ask the server, or try it again later with the same key. */
export class Unknown extends Schema.TaggedError<Unknown>()("Unknown", {
  order: Schema.String,
  attempts: Schema.Int,
  cause: Schema.optional(Schema.Defect())
}) {}

const Receipt = Schema.Struct({ id: Schema.String, cents: Schema.Int })

const schedule = Backoff.exponential({ base: "200 millis", cap: "5 seconds" }).pipe(
  Jitter.full,
  Limit.attempts(5),
  Limit.within("20 seconds")
)

const receiptOf = HttpClientResponse.schemaBodyJson(Receipt)

const read = ({ id }: Order) =>
  Effect.fnUntraced(function*(response: HttpClientResponse.HttpClientResponse) {
    if (response.status === 402) return yield* new Declined({ order: id })
    return yield* receiptOf(yield* HttpClientResponse.filterStatusOk(response))
  })

/** The receipt of a payment, which is made once. */
export const pay = (
  url: string,
  order: Order
): Effect.Effect<
  typeof Receipt.Type,
  Declined | Unknown | HttpClientError.HttpClientError | Schema.SchemaError,
  HttpClient.HttpClient | RetryBudget.RetryBudget
> =>
  Effect.suspend(() => {
    let unknown: Unknown | undefined
    return HttpClientRequest.post(url).pipe(
      HttpClientRequest.setHeader("Idempotency-Key", order.paymentKey),
      HttpClientRequest.bodyJsonUnsafe({ order: order.id, cents: order.cents }),
      HttpRetry.request(read(order), schedule, {
        name: "pay",
        // 409: the attempt before is still in progress.
        statuses: [...HttpRetry.statuses, 409],
        attemptTimeout: "4 seconds",
        budget: "host",
        onGiveUp: ({ attempts, error }) =>
          Effect.sync(() => {
            unknown = new Unknown({ order: order.id, attempts, cause: error })
          })
      }),
      Effect.mapError((error) => unknown ?? error)
    )
  })
