/** What is not given does not become `any` where an Effect of any kind is expected. */
import { type Cause, Effect, type Scope } from "effect"
import { Loop, Period, Poll, Retry, Wait, type WaitTimeout } from "effect-wait"
import { expectTypeOf } from "vitest"

declare const call: Effect.Effect<number, "e", "r">
const schedule = Period.sliding(1)

expectTypeOf(Effect.all([Loop.run(call, schedule)])).toEqualTypeOf<Effect.Effect<[number], "e", "r">>()
expectTypeOf(Effect.all([Loop.run(call, schedule, { stop: Effect.void })])).toEqualTypeOf<
  Effect.Effect<[number | undefined], "e", "r">
>()
expectTypeOf(Effect.all([Loop.forkScoped(call, schedule)])).toEqualTypeOf<
  Effect.Effect<[Loop.Loop<number, "e", number>], never, "r" | Scope.Scope>
>()
expectTypeOf(Effect.all([Poll.until(call, schedule, { accept: (n) => n > 1 })])).toEqualTypeOf<
  Effect.Effect<[number], "e" | WaitTimeout<number, never>, "r">
>()
expectTypeOf(Effect.all([Retry.run(call, schedule)])).toEqualTypeOf<
  Effect.Effect<[number], Retry.RetryExhausted<"e">, "r">
>()
expectTypeOf(Effect.all([Retry.run(call, schedule, { attemptTimeout: 1 })])).toEqualTypeOf<
  Effect.Effect<[number], Retry.RetryExhausted<"e" | Cause.TimeoutError>, "r">
>()
expectTypeOf(Effect.all([call.pipe(Retry.run(schedule, { while: (error) => error === "e" }))])).toEqualTypeOf<
  Effect.Effect<[number], "e" | Retry.RetryExhausted<"e">, "r">
>()
expectTypeOf(Effect.all([Loop.survive(call)])).toEqualTypeOf<Effect.Effect<[number | undefined], never, "r">>()
expectTypeOf(Effect.all([Wait.until(call, { period: 1 })])).toEqualTypeOf<Effect.Effect<[void], "e", "r">>()
expectTypeOf(Effect.all([Wait.poll(Effect.as(call, true), { interval: 1, timeout: 1 })])).toEqualTypeOf<
  Effect.Effect<[void], "e" | WaitTimeout<boolean, "e">, "r">
>()
