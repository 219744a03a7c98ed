/** A service with five loops, and a dashboard for them: one is paused, one fails, one follows a calendar, one is late. */
import { Dashboard } from "@effect-wait/dashboard"
import { Config, Effect, Layer, Random, Redacted, Schema } from "effect"
import { Backoff, Loop, Period } from "effect-wait"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"

class RatesUnavailable extends Schema.TaggedError<RatesUnavailable>()("RatesUnavailable", {
  message: Schema.String
}) {}

const history = 30

const takes = (least: number, most: number) => Effect.flatMap(Random.nextIntBetween(least, most), Effect.sleep)

const Orders = Loop.layer(takes(100, 600), Period.ticker("2 seconds"), { name: "sync-orders", history })

const Rates = Loop.layer(
  Effect.andThen(takes(20, 200), new RatesUnavailable({ message: "connect ECONNREFUSED 10.0.0.7:443" })),
  Period.sliding("5 seconds"),
  {
    name: "refresh-rates",
    history,
    backoff: Backoff.exponential({ base: "1 second", cap: "8 seconds" }),
    // The page shows it.
    onFailure: () => Effect.void
  }
)

const Report = Loop.layer(takes(800, 2000), Period.cron("* * * * *"), { name: "minutely-report", history })

// A slot is missed whenever a run takes longer than the interval.
const Export = Loop.layer(takes(6000, 9000), Period.ticker("4 seconds"), {
  name: "export-ledger",
  history,
  healthyWithin: "2 seconds"
})

const CleanUp = Layer.effectDiscard(Effect.gen(function*() {
  const loop = yield* Loop.forkScoped(takes(50, 100), Period.sliding("3 seconds"), { name: "clean-up", history })
  yield* Effect.forkScoped(Effect.delay(loop.pause, "10 seconds"))
}))

class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", {
  message: Schema.String
}, { httpApiStatus: 401 }) {}

export const token = Config.Redacted("TOKEN").pipe(Config.withDefault(Redacted.make("demo")))

/** Who may control the loops: those with the token. */
class Operator extends HttpApiMiddleware.Service<Operator>()("examples/Operator", {
  error: Unauthorized,
  security: { bearer: HttpApiSecurity.bearer }
}) {
  static readonly layer = Layer.effect(
    Operator,
    Effect.map(token, (token) => ({
      bearer: (httpEffect, { credential }) =>
        Redacted.value(credential) === Redacted.value(token)
          ? httpEffect
          : Effect.fail(new Unauthorized({ message: "wrong token" }))
    }))
  )
}

export const loops = Layer.mergeAll(Orders, Rates, Report, Export, CleanUp)

export const layer = Layer.merge(
  loops,
  Layer.provide(Dashboard.layer({ path: "/loops", actions: Operator }), Operator.layer)
)
