/** Loops as a service runs them: calls, and what is inferred for them. */
import type { Cause, Duration, Exit, Option, Scope, Stream } from "effect"
import { Effect, Layer, Schedule } from "effect"
import { Backoff, Loop, Period, Poll, type WaitTimeout } from "effect-wait"
import { expectTypeOf } from "vitest"

class Away {
  readonly _tag = "Away"
}
declare const work: Effect.Effect<string, Away, "work">
declare const scoped: Effect.Effect<string, Away, "work" | Scope.Scope>
declare const hook: Effect.Effect<void, "hook failed", "hook">
declare const flag: boolean
const period = Period.sliding(1)
const backoff = Backoff.exponential({ base: 1, cap: 2 })

// 1 to 3: a run has a Scope of its own; in the calling fiber it is the caller's
expectTypeOf(Loop.forkScoped(scoped, period)).toEqualTypeOf<
  Effect.Effect<Loop.Loop<number, Away, string>, never, "work" | Scope.Scope>
>()
expectTypeOf(Loop.run(scoped, period)).toEqualTypeOf<Effect.Effect<number, Away, "work" | Scope.Scope>>()
expectTypeOf(Loop.run(Effect.scoped(scoped), period)).toEqualTypeOf<Effect.Effect<number, Away, "work">>()

// 4 to 6: a layer provides nothing, and asks for no Scope
expectTypeOf(Loop.layer(work, period, { name: "sync" })).toEqualTypeOf<Layer.Layer<never, never, "work">>()
expectTypeOf(Loop.layer(scoped, period, { name: "sync", grace: "1 second" })).toEqualTypeOf<
  Layer.Layer<never, never, "work">
>()
expectTypeOf(work.pipe(Loop.layer(period, { name: "sync", onFailure: () => hook }))).toEqualTypeOf<
  Layer.Layer<never, never, "work" | "hook">
>()

// 7 to 10: the hook sees the errors of the work; its own join
expectTypeOf(
  Loop.run(work, period, {
    backoff,
    onFailure: (failure) => {
      expectTypeOf(failure).toEqualTypeOf<Loop.Failure<Away>>()
      expectTypeOf(failure.cause).toEqualTypeOf<Cause.Cause<Away>>()
      expectTypeOf(failure.delay).toEqualTypeOf<Duration.Duration>()
      return hook
    }
  })
).toEqualTypeOf<Effect.Effect<number, Away | "hook failed", "work" | "hook">>()
expectTypeOf(work.pipe(Loop.run(period, { backoff, onFailure: () => hook }))).toEqualTypeOf<
  Effect.Effect<number, Away | "hook failed", "work" | "hook">
>()
expectTypeOf(Loop.forkScoped(Effect.sandbox(work), period, { backoff })).toEqualTypeOf<
  Effect.Effect<Loop.Loop<number, Cause.Cause<Away>, string>, never, "work" | Scope.Scope>
>()
expectTypeOf(Loop.run(work, period, { backoff, stop: Effect.never, onFailure: () => Effect.void })).toEqualTypeOf<
  Effect.Effect<number | undefined, Away, "work">
>()

// 11 to 13: before there is a value the schedule takes undefined
const ofStrings = period.pipe(Schedule.setInputType<string>())
const ofAny = period.pipe(Schedule.setInputType<string | undefined>())
expectTypeOf(Loop.run(work, ofStrings, { immediate: true })).toEqualTypeOf<Effect.Effect<number, Away, "work">>()
expectTypeOf(Loop.run(work, ofAny, { immediate: false })).toEqualTypeOf<Effect.Effect<number, Away, "work">>()
expectTypeOf(Loop.forkScoped(work, ofAny, { immediate: flag })).toEqualTypeOf<
  Effect.Effect<Loop.Loop<number, Away, string>, never, "work" | Scope.Scope>
>()
// @ts-expect-error the schedule takes strings alone
Loop.run(work, ofStrings, { immediate: false })
// @ts-expect-error the schedule takes strings alone
Loop.layer(work, ofStrings, { name: "sync", immediate: flag })

// 14 to 18: the handle
declare const loop: Loop.Loop<number, Away, string>
expectTypeOf(loop.runNow).toEqualTypeOf<Effect.Effect<Option.Option<Exit.Exit<string, unknown>>>>()
expectTypeOf(loop.pause).toEqualTypeOf<Effect.Effect<void>>()
expectTypeOf(loop.changes).toEqualTypeOf<Stream.Stream<Loop.Status>>()
expectTypeOf(loop.history).toEqualTypeOf<Effect.Effect<ReadonlyArray<Loop.Run>>>()
expectTypeOf(loop).toExtend<Loop.Loop<unknown, unknown>>()

// 19 to 21: all loops, and their health
expectTypeOf(Loop.all).toEqualTypeOf<Effect.Effect<ReadonlyArray<Loop.Loop<unknown, unknown>>>>()
expectTypeOf(Loop.health).toEqualTypeOf<Effect.Effect<Loop.Health>>()
expectTypeOf(Effect.provideService(Loop.all, Loop.Registry, new Set())).toEqualTypeOf<
  Effect.Effect<ReadonlyArray<Loop.Loop<unknown, unknown>>>
>()

// 22: the hook of a poll
expectTypeOf(Poll.until(Effect.succeed(true), period, { onWait: ({ missed }) => Effect.log(missed) })).toEqualTypeOf<
  Effect.Effect<true, WaitTimeout<boolean, never>>
>()
