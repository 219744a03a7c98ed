/** A consumer of a log with partitions, such as Kafka's: at least once, in order, and a dead-letter topic for messages that cannot be handled. */
import { Context, Effect, Schema } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Retry } from "effect-wait"

export interface Message {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/** The broker, or a dependency of the handler, is away. */
export class Away extends Schema.TaggedError<Away>()("Away", { message: Schema.String }) {}

/** No retry will handle this message. */
export class Poison extends Schema.TaggedError<Poison>()("Poison", { message: Schema.String }) {}

export class Broker extends Context.Service<Broker, {
  /** The next messages. It waits when there are none. */
  readonly poll: Effect.Effect<ReadonlyArray<Message>, Away>
  /** Marks everything up to this message as handled. */
  readonly commit: (message: Message) => Effect.Effect<void, Away>
  readonly deadLetter: (message: Message, reason: string) => Effect.Effect<void, Away>
  /** The next poll starts after the last commit. */
  readonly rewind: Effect.Effect<void>
}>()("recipes/Broker") {}

// Shorter than `max.poll.interval.ms`, 5 minutes: a consumer that does not poll loses its partitions.
const quick = Backoff.exponential({ base: "100 millis", cap: "5 seconds" }).pipe(Jitter.full, Limit.within("1 minute"))

// A longer outage concerns all messages: none goes to the dead letters, and all wait.
const slow = Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Jitter.full)

export const layer = (handle: (message: Message) => Effect.Effect<void, Away | Poison>) => {
  const one = Effect.fnUntraced(function*(message: Message) {
    const { commit, deadLetter } = yield* Broker
    yield* handle(message).pipe(
      Retry.run(quick, { name: "handle", attemptTimeout: "10 seconds", while: ["Away", "TimeoutError"] }),
      Effect.catchTag("Poison", ({ message: reason }) => deadLetter(message, reason))
    )
    yield* commit(message)
  })

  // Partitions run concurrently; the messages of a partition in order.
  const batch = Effect.gen(function*() {
    const { poll } = yield* Broker
    const partitions = Map.groupBy(yield* poll, ({ partition }) => partition).values()
    yield* Effect.forEach(partitions, Effect.forEach(one, { discard: true }), { concurrency: 10, discard: true })
  }).pipe(Effect.onError(() => Effect.flatMap(Broker, ({ rewind }) => rewind)))

  return Loop.layer(batch, Period.sliding(0), {
    name: "consumer",
    backoff: slow,
    grace: "20 seconds",
    healthyWithin: "5 minutes"
  })
}
