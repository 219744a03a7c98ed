import type { Cause, Duration, Exit, Scope } from "effect"
import { Effect, Schedule } from "effect"
import { Backoff, Limit, Loop, Period } from "effect-wait"
import { expectTypeOf } from "vitest"

class Broken {
  readonly _tag = "Broken"
}
declare const work: Effect.Effect<string, Broken, "work">
declare const stop: Effect.Effect<void, "stop failed", "stop">
declare const schedule: Schedule.Schedule<number, string, "schedule failed", "schedule">
const backoff = Backoff.exponential({ base: 1, cap: 2 })

// Without a stop, the output of the schedule; with one, or undefined. In both directions.
expectTypeOf(Loop.run(work, schedule)).toEqualTypeOf<
  Effect.Effect<number, Broken | "schedule failed", "work" | "schedule">
>()
expectTypeOf(work.pipe(Loop.run(schedule))).toEqualTypeOf<
  Effect.Effect<number, Broken | "schedule failed", "work" | "schedule">
>()
expectTypeOf(Loop.run(work, schedule, { stop })).toEqualTypeOf<
  Effect.Effect<number | undefined, Broken | "schedule failed" | "stop failed", "work" | "schedule" | "stop">
>()
expectTypeOf(work.pipe(Loop.run(schedule, { stop, initialDelay: 1 }))).toEqualTypeOf<
  Effect.Effect<number | undefined, Broken | "schedule failed" | "stop failed", "work" | "schedule" | "stop">
>()
expectTypeOf(Loop.run(work, Period.sliding(1).pipe(Limit.attempts(2)), { backoff })).toEqualTypeOf<
  Effect.Effect<number, Broken, "work">
>()

// The backoff sees the errors of the work.
expectTypeOf(
  work.pipe(Loop.run(Period.sliding(1), {
    backoff: backoff.pipe(Schedule.setInputType<Broken>(), Schedule.tap(({ input }) => Effect.log(input._tag)))
  }))
).toEqualTypeOf<Effect.Effect<number, Broken, "work">>()
// @ts-expect-error the backoff takes other errors
Loop.run(work, Period.sliding(1), { backoff: Schedule.setInputType<"other">()(backoff) })
// @ts-expect-error the schedule takes numbers, the work gives strings
Loop.run(work, Schedule.setInputType<number>()(Period.sliding(1)))
// @ts-expect-error a misspelt option
Loop.run(work, Period.sliding(1), { initialDelai: 1 })
// @ts-expect-error a misspelt option beside a stop
Loop.run(work, Period.sliding(1), { stop, initialDelai: 1 })
// @ts-expect-error no schedule
Loop.run(work, "1 second")

// The handle's exit: the output, or undefined, since it can be stopped. In both directions.
expectTypeOf(Loop.forkScoped(work, schedule)).toEqualTypeOf<
  Effect.Effect<Loop.Loop<number, Broken | "schedule failed", string>, never, "work" | "schedule" | Scope.Scope>
>()
expectTypeOf(work.pipe(Loop.forkScoped(schedule, { name: "sync", stop, backoff }))).toEqualTypeOf<
  Effect.Effect<
    Loop.Loop<number, Broken | "schedule failed" | "stop failed", string>,
    never,
    "work" | "schedule" | "stop" | Scope.Scope
  >
>()
expectTypeOf<Loop.Loop<number, "e">["await"]>().toEqualTypeOf<Effect.Effect<Exit.Exit<number | undefined, "e">>>()
expectTypeOf<Loop.Loop<number, "e">>().toExtend<Loop.Loop<number | string, "e" | "f">>()
// @ts-expect-error a misspelt option
Loop.forkScoped(work, Period.sliding(1), { nam: "sync" })
// @ts-expect-error the backoff takes other errors
Loop.forkScoped(work, Period.sliding(1), { backoff: Schedule.setInputType<"other">()(backoff) })

// survive takes the errors away, and the hook's join.
expectTypeOf(Loop.survive(work)).toEqualTypeOf<Effect.Effect<string | undefined, never, "work">>()
expectTypeOf(work.pipe(Loop.survive({ name: "sync" }))).toEqualTypeOf<
  Effect.Effect<string | undefined, never, "work">
>()
expectTypeOf(
  Loop.survive(work, {
    onCause: (cause) => {
      expectTypeOf(cause).toEqualTypeOf<Cause.Cause<Broken>>()
      return Effect.fail("hook" as const)
    }
  })
).toEqualTypeOf<Effect.Effect<string | undefined, "hook", "work">>()

expectTypeOf(Loop.fromAbortSignal).returns.toEqualTypeOf<Effect.Effect<void>>()
expectTypeOf<Parameters<typeof Period.sliding>[0]>().toEqualTypeOf<Duration.Input>()

// A stop that may be left out can be handed on.
declare const options: { readonly stop?: Effect.Effect<void> | undefined }
expectTypeOf(Loop.run(work, schedule, options)).toEqualTypeOf<
  Effect.Effect<number | undefined, Broken | "schedule failed", "work" | "schedule">
>()
