/** An access token that is renewed before it expires, so that no request waits for one. */
import { Context, Duration, Effect, Latch, Layer, Option, type Redacted, Ref, Schedule, Schema } from "effect"
import { Backoff, Jitter, Loop } from "effect-wait"

export interface Token {
  readonly value: Redacted.Redacted
  readonly expiresIn: Duration.Duration
}

export class Refused extends Schema.TaggedError<Refused>()("Refused", { message: Schema.String }) {}

/** The server that grants tokens. */
export class Issuer extends Context.Service<Issuer, {
  readonly grant: Effect.Effect<Token, Refused>
}>()("recipes/Issuer") {}

export class AccessToken extends Context.Service<AccessToken, {
  /** The current token. Only the first one has to be waited for. */
  readonly get: Effect.Effect<Token>
  /** After a 401: replaces a revoked token at once. */
  readonly renew: Effect.Effect<void>
}>()("recipes/AccessToken") {}

// The schedule receives the token of the last run. A fifth of its lifetime remains for failed attempts.
const beforeItExpires = Schedule.forever.pipe(
  Schedule.setInputType<Token>(),
  Schedule.modifyDelay(({ input }) => Effect.succeed(input.expiresIn)),
  Jitter.between(0.7, 0.8)
)

const backoff = Backoff.exponential({ base: "1 second", cap: "30 seconds" }).pipe(Jitter.full)

export const layer = Layer.effect(
  AccessToken,
  Effect.gen(function*() {
    const { grant } = yield* Issuer
    const current = yield* Ref.make(Option.none<Token>())
    const hasToken = yield* Latch.make()
    const work = Effect.gen(function*() {
      const token = yield* grant
      yield* Ref.set(current, Option.some(token))
      yield* hasToken.open
      return token
    })
    const loop = yield* Loop.forkScoped(work, beforeItExpires, { name: "token", backoff })
    return {
      get: hasToken.whenOpen(Effect.map(Ref.get(current), Option.getOrThrow)),
      renew: Effect.asVoid(loop.runNow)
    }
  })
)
