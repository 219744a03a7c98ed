import { Effect, type Layer, type Option, Schedule } from "effect"
import { Backoff, Retry, RetryBudget } from "effect-wait"
import { expectTypeOf } from "vitest"

class Busy {
  readonly _tag = "Busy"
}
type Service = RetryBudget.RetryBudget["Service"]
declare const call: Effect.Effect<string, Busy, "call">
declare const ratio: RetryBudget.Ratio

// What makes one needs nothing and does not fail.
expectTypeOf(RetryBudget.makeRatio({ minRetriesPerSecond: 1 })).toEqualTypeOf<Effect.Effect<RetryBudget.Ratio>>()
expectTypeOf(RetryBudget.makeThrottling()).toEqualTypeOf<Effect.Effect<Service>>()
expectTypeOf(RetryBudget.makeQuota()).toEqualTypeOf<Effect.Effect<Service>>()
expectTypeOf(RetryBudget.layerRatio({ minRetriesPerSecond: 1 })).toEqualTypeOf<Layer.Layer<RetryBudget.RetryBudget>>()
expectTypeOf(RetryBudget.layerThrottling()).toEqualTypeOf<Layer.Layer<RetryBudget.RetryBudget>>()
expectTypeOf(RetryBudget.layerQuota()).toEqualTypeOf<Layer.Layer<RetryBudget.RetryBudget>>()

// A layer is what a budget requires.
const operation = Retry.run(call, Schedule.recurs(1), { budget: "users" })
expectTypeOf(operation.pipe(Effect.provide(RetryBudget.layerQuota()))).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy>, "call">
>()
expectTypeOf(operation.pipe(Effect.provideService(RetryBudget.RetryBudget, ratio))).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy>, "call">
>()

// Options may be undefined.
RetryBudget.layerRatio({ ttl: undefined, minRetriesPerSecond: 1, ratio: 2, idle: "1 hour", byKey: undefined })
RetryBudget.layerThrottling({ maxTokens: undefined, tokenRatio: undefined, idle: undefined })
RetryBudget.layerQuota({ capacity: undefined, retryCost: 1, throttlingCost: undefined, isThrottling: undefined })
RetryBudget.layerQuota({ isThrottling: (error) => error instanceof Busy })
// @ts-expect-error a ratio does not guess its reserve
RetryBudget.layerRatio({ ratio: 0.1 })
// @ts-expect-error nor has it any without options
RetryBudget.makeRatio()
// @ts-expect-error a budget is shared by calls with any error
RetryBudget.layerQuota({ isThrottling: (error: Busy) => error._tag === "Busy" })
// @ts-expect-error a misspelt option
RetryBudget.layerThrottling({ maxToken: 10 })
// Settings by key: some of them, by a record or a function.
RetryBudget.layerRatio({ minRetriesPerSecond: 1, byKey: { users: { ratio: 0.1 } } })
RetryBudget.layerQuota({ byKey: (key) => key === "users" ? { capacity: 10 } : undefined })
RetryBudget.layerThrottling({
  byKey: {
    // @ts-expect-error a misspelt setting
    users: { maxToken: 10 }
  }
})
// @ts-expect-error a budget forgets all keys alike
RetryBudget.layerThrottling({ byKey: { users: { idle: "1 minute" } } })
// @ts-expect-error only a ratio can do without successes
Effect.map(RetryBudget.makeQuota(), (budget) => budget.limit("users"))

// A limit changes no type.
const schedule = Schedule.setInputType<Busy>()(Backoff.exponential({ base: 1, cap: 2 }))
expectTypeOf(ratio.limit("users")(schedule)).toEqualTypeOf<typeof schedule>()
expectTypeOf(schedule.pipe(ratio.limit("users"))).toEqualTypeOf<typeof schedule>()
declare const needing: Schedule.Schedule<number, Busy, "error", "service">
expectTypeOf(needing.pipe(ratio.limit("users"))).toEqualTypeOf<typeof needing>()
expectTypeOf(Effect.retry(call, needing.pipe(ratio.limit("users")))).toEqualTypeOf<
  Effect.Effect<string, Busy | "error", "call" | "service">
>()

// The service is open to others.
RetryBudget.RetryBudget.of({
  started: (key) => Effect.log(key),
  failed: (_, error) => {
    expectTypeOf(error).toEqualTypeOf<unknown>()
    return Effect.void
  },
  withdraw: () => Effect.succeed(true),
  succeeded: (_, retried) => {
    expectTypeOf(retried).toEqualTypeOf<Option.Option<unknown>>()
    return Effect.void
  }
})
