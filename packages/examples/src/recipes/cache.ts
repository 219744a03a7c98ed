/** A cache that is refreshed in the background: reads never wait, and an outage of the source leaves the last value. */
import { Context, Effect, Layer, Ref, Schema } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Retry } from "effect-wait"

export type Rates = ReadonlyMap<string, number>

export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", { message: Schema.String }) {}

export class Source extends Context.Service<Source, {
  readonly load: Effect.Effect<Rates, Unavailable>
}>()("recipes/Source") {}

export class Cache extends Context.Service<Cache, {
  readonly get: Effect.Effect<Rates>
  /** After a known change: loads the next value at once. */
  readonly refresh: Effect.Effect<void>
}>()("recipes/Cache") {}

const backoff = Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Jitter.full)

export const layer = Layer.effect(
  Cache,
  Effect.gen(function*() {
    const { load } = yield* Source
    // Without a first value the service does not start.
    const first = yield* Retry.run(load, backoff.pipe(Limit.within("30 seconds")), { attemptTimeout: "10 seconds" })
    const rates = yield* Ref.make(first)
    const refresh = Effect.flatMap(Effect.timeout(load, "10 seconds"), (next) => Ref.set(rates, next))
    // Replicas that were deployed together drift apart.
    const loop = yield* Loop.forkScoped(refresh, Period.sliding("5 minutes").pipe(Jitter.additive(0.2)), {
      name: "rates",
      immediate: false,
      backoff,
      healthyWithin: "15 minutes"
    })
    return { get: Ref.get(rates), refresh: loop.trigger }
  })
)
