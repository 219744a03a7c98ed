/** Webhook deliveries that outlive the process: the delay of each is in the database, and grows from 10 s to 6 hours. */
import { Clock, Context, Duration, Effect, Random } from "effect"
import { Backoff, Jitter, Loop, Period } from "effect-wait"
import { HttpBody, HttpClient } from "effect/http"

// The growth of a delivery; plain data, which is stored with it.
export const policy: Backoff.Policy = { duration: "10 seconds", factor: 3, jitter: 0.2, steps: 10, cap: "6 hours" }

export interface Delivery {
  readonly id: string
  readonly url: string
  readonly body: string
  /** Its next delay comes from this policy. */
  readonly policy: Backoff.Policy
  readonly attempts: number
  /** In milliseconds since the epoch. */
  readonly dueAt: number
}

export class Deliveries extends Context.Service<Deliveries, {
  readonly due: (now: number) => Effect.Effect<ReadonlyArray<Delivery>>
  readonly update: (delivery: Delivery) => Effect.Effect<void>
  readonly end: (id: string, how: "delivered" | "rejected" | "given up") => Effect.Effect<void>
}>()("recipes/Deliveries") {}

const maxAttempts = 15

/** Only no answer, 429 and 5xx deserve another attempt. */
const send = ({ body, id, url }: Delivery) =>
  HttpClient.post(url, { headers: { "webhook-id": id }, body: HttpBody.text(body, "application/json") }).pipe(
    Effect.timeout("10 seconds"),
    Effect.map(({ status }) => status < 300 ? "delivered" : status === 429 || status >= 500 ? "again" : "rejected"),
    Effect.orElseSucceed(() => "again" as const)
  )

const deliver = Effect.fnUntraced(function*(delivery: Delivery) {
  const deliveries = yield* Deliveries
  const outcome = yield* send(delivery)
  if (outcome !== "again") return yield* deliveries.end(delivery.id, outcome)
  const attempts = delivery.attempts + 1
  if (attempts === maxAttempts) return yield* deliveries.end(delivery.id, "given up")
  const [delay, policy] = Backoff.step(delivery.policy, yield* Random.next)
  const dueAt = (yield* Clock.currentTimeMillis) + Duration.toMillis(delay)
  yield* deliveries.update({ ...delivery, attempts, policy, dueAt })
})

const work = Effect.gen(function*() {
  const due = yield* (yield* Deliveries).due(yield* Clock.currentTimeMillis)
  yield* Effect.forEach(due, deliver, { concurrency: 20, discard: true })
})

export const layer = Loop.layer(Loop.survive(work), Period.sliding("5 seconds").pipe(Jitter.additive(0.2)), {
  name: "webhooks",
  grace: "15 seconds",
  healthyWithin: "1 minute"
})
