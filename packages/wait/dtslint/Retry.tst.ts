import { type Cause, type Duration, Effect, Option, Schedule, type Scope } from "effect"
import { Backoff, Limit, Loop, Period, Retry, type RetryBudget } from "effect-wait"
import { expectTypeOf } from "vitest"

class Busy {
  readonly _tag = "Busy"
  readonly after = 1
}
class Broken {
  readonly _tag = "Broken"
}
declare const call: Effect.Effect<string, Busy | Broken, "call">
const backoff = Backoff.exponential({ base: 1, cap: 2 }).pipe(Limit.attempts(3))
const isBusy = (error: Busy | Broken): error is Busy => error._tag === "Busy"

// Without while, every error is tried again.
expectTypeOf(Retry.run(call, backoff)).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Broken>, "call">
>()
expectTypeOf(call.pipe(Retry.run(backoff))).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Broken>, "call">
>()
// With a predicate.
expectTypeOf(Retry.run(call, backoff, { while: (error) => error._tag === "Busy" && error.after > 0 })).toEqualTypeOf<
  Effect.Effect<string, Busy | Broken | Retry.RetryExhausted<Busy | Broken>, "call">
>()
declare const isOpen: () => boolean
expectTypeOf(call.pipe(Retry.run(backoff, { while: (error) => error._tag === "Busy" && isOpen() }))).toEqualTypeOf<
  Effect.Effect<string, Busy | Broken | Retry.RetryExhausted<Busy | Broken>, "call">
>()
// With a refinement.
expectTypeOf(Retry.run(call, backoff, { while: isBusy })).toEqualTypeOf<
  Effect.Effect<string, Broken | Retry.RetryExhausted<Busy>, "call">
>()
expectTypeOf(Retry.run(call, backoff, { while: (error) => error._tag === "Busy" })).toEqualTypeOf<
  Effect.Effect<string, Broken | Retry.RetryExhausted<Busy>, "call">
>()
expectTypeOf(call.pipe(Retry.run(backoff, { while: (error) => error._tag === "Busy" }))).toEqualTypeOf<
  Effect.Effect<string, Broken | Retry.RetryExhausted<Busy>, "call">
>()
// A timeout of an attempt is an error like others.
expectTypeOf(Retry.run(call, backoff, { attemptTimeout: "1 second" })).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Broken | Cause.TimeoutError>, "call">
>()
expectTypeOf(call.pipe(Retry.run(backoff, { attemptTimeout: 1000, while: (error) => error._tag === "TimeoutError" })))
  .toEqualTypeOf<
    Effect.Effect<string, Busy | Broken | Retry.RetryExhausted<Cause.TimeoutError>, "call">
  >()
expectTypeOf(call.pipe(Retry.run(backoff, { while: (error) => error._tag === "TimeoutError", attemptTimeout: 1000 })))
  .toEqualTypeOf<
    Effect.Effect<string, Busy | Broken | Retry.RetryExhausted<Cause.TimeoutError>, "call">
  >()
// A budget is a requirement.
expectTypeOf(Retry.run(call, backoff, { budget: "payments" })).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Broken>, "call" | RetryBudget.RetryBudget>
>()
// Hooks see the errors.
expectTypeOf(call.pipe(Retry.run(backoff, {
  while: (error) => error._tag === "Busy",
  onRetry: ({ error }) => {
    expectTypeOf(error).toEqualTypeOf<Busy>()
    return Effect.fail("hook" as const)
  }
}))).toEqualTypeOf<
  Effect.Effect<string, Broken | Retry.RetryExhausted<Busy> | "hook", "call">
>()
expectTypeOf(Retry.run(call, backoff, {
  onGiveUp: ({ error }) => {
    expectTypeOf(error).toEqualTypeOf<Busy | Broken>()
    return Effect.fail("hook" as const)
  }
})).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Broken> | "hook", "call">
>()
// RetryExhausted is caught by its tag.
expectTypeOf(Retry.run(call, backoff).pipe(Effect.catchTag("RetryExhausted", ({ error }) => Effect.succeed(error))))
  .toEqualTypeOf<
    Effect.Effect<string | Busy | Broken, never, "call">
  >()
// @ts-expect-error a misspelt option
Retry.run(call, backoff, { atemptTimeout: 1 })
// @ts-expect-error a misspelt option beside while
Retry.run(call, backoff, { while: isBusy, nestd: "defer" })
// @ts-expect-error the schedule takes other errors
Retry.run(call, Schedule.setInputType<"other">()(backoff))

// A schedule for each tag.
const both = Retry.match({ Busy: backoff, Broken: Period.sliding(1) })
expectTypeOf(both).toEqualTypeOf<
  Schedule.Schedule<Duration.Duration | number, { readonly _tag: "Busy" } | { readonly _tag: "Broken" }, never, never>
>()
expectTypeOf(Retry.run(call, both)).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Broken>, "call">
>()
// Leaving a tag out is an error, in Retry.run and in Effect.retry.
// @ts-expect-error Broken has no case
Retry.run(call, Retry.match({ Busy: backoff }))
// @ts-expect-error Broken has no case
Effect.retry(call, Retry.match({ Busy: backoff }))
// @ts-expect-error Broken has no case, in a pipe
call.pipe(Retry.run(Retry.match({ Busy: backoff })))
// With an orElse, or a while that leaves no other error, none is missing.
expectTypeOf(Retry.run(call, Retry.match({ Busy: backoff }, { orElse: Period.sliding(1) }))).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Broken>, "call">
>()
expectTypeOf(Retry.run(call, Retry.match({ Busy: backoff }), { while: (error) => error._tag === "Busy" }))
  .toEqualTypeOf<
    Effect.Effect<string, Broken | Retry.RetryExhausted<Busy>, "call">
  >()
expectTypeOf(call.pipe(Retry.run(Retry.match({ Busy: backoff }), { while: (error) => error._tag === "Busy" })))
  .toEqualTypeOf<Effect.Effect<string, Broken | Retry.RetryExhausted<Busy>, "call">>()
// A case sees the errors of its tag; errors and requirements of the cases add up.
expectTypeOf(Retry.match({
  Busy: Period.sliding(1).pipe(
    Schedule.setInputType<Busy>(),
    Schedule.tap(({ input }) => Effect.flatMap(Effect.scope, () => input.after > 0 ? Effect.fail("tap") : Effect.void))
  ),
  Broken: Schedule.map(Period.sliding(1), () => "broken" as const)
})).toEqualTypeOf<
  Schedule.Schedule<
    number | "broken",
    (Busy & { readonly _tag: "Busy" }) | { readonly _tag: "Broken" },
    string,
    Scope.Scope
  >
>()

// A hint sees the errors that it names; those of the schedule join.
expectTypeOf(backoff.pipe(Retry.hint((error: Busy) => Option.some(error.after), { max: 1 }))).toEqualTypeOf<
  Schedule.Schedule<Duration.Duration, Busy, never, never>
>()
const other = backoff.pipe(Retry.hint((error: { readonly other: 1 }) => Option.some(error.other), { max: 1 }))
// @ts-expect-error the hint takes other errors
Retry.run(call, other)
// With options, what comes is no Effect, and says which errors the schedule does not take.
expectTypeOf(Retry.run(call, other, { while: isBusy })).toEqualTypeOf<Retry.ScheduleDoesNotTake<Busy>>()
expectTypeOf(Retry.run(call, Retry.match({ Busy: backoff, Broken: backoff }), { attemptTimeout: 1 })).toEqualTypeOf<
  Retry.ScheduleDoesNotTake<Cause.TimeoutError>
>()
expectTypeOf(
  call.pipe(Retry.run(Retry.match({ Busy: backoff }), { attemptTimeout: 1, while: (error) => error._tag !== "Broken" }))
).toEqualTypeOf<Retry.ScheduleDoesNotTake<Cause.TimeoutError>>()
// It infers the errors from its place: as the last of a pipe, or data-first.
const max = { max: 1 } as const
const after = (error: Busy | Broken) => Option.some(error._tag === "Busy" ? error.after : 0)
const retried = Retry.run(call, backoff)
expectTypeOf(Retry.run(call, backoff.pipe(Retry.hint((e) => after(e), max)))).toEqualTypeOf<typeof retried>()
expectTypeOf(call.pipe(Retry.run(backoff.pipe(Retry.hint((e) => after(e), max))))).toEqualTypeOf<typeof retried>()
expectTypeOf(Retry.run(call, Retry.hint(backoff, (e) => after(e), max))).toEqualTypeOf<typeof retried>()
expectTypeOf(call.pipe(Retry.run(Retry.hint(backoff, (e) => after(e), max)))).toEqualTypeOf<typeof retried>()
Retry.run(
  call,
  backoff.pipe(
    Limit.attempts(3),
    Retry.hint((error) => {
      expectTypeOf(error).toEqualTypeOf<Busy | Broken>()
      return after(error)
    }, max)
  )
)
// Beside options too, whose hooks see what they saw.
const narrowedRetry = Retry.run(call, backoff, { while: isBusy })
expectTypeOf(Retry.run(call, backoff.pipe(Retry.hint((e) => after(e), max)), { while: isBusy })).toEqualTypeOf<
  typeof narrowedRetry
>()
expectTypeOf(call.pipe(Retry.run(backoff.pipe(Retry.hint((e) => after(e), max)), { while: ["Busy"] }))).toEqualTypeOf<
  typeof narrowedRetry
>()
expectTypeOf(
  Retry.run(call, Retry.hint(backoff, (e) => after(e), max), { while: (error) => error._tag === "Busy" })
).toEqualTypeOf<typeof narrowedRetry>()
expectTypeOf(
  call.pipe(Retry.run(Retry.hint(backoff, (e) => after(e), max), {
    while: (error) => error._tag === "Busy",
    onRetry: ({ error }) => {
      expectTypeOf(error).toEqualTypeOf<Busy>()
      return Effect.void
    }
  }))
).toEqualTypeOf<typeof narrowedRetry>()
// With combinators after it, where these take the schedule first.
expectTypeOf(Retry.run(call, Limit.within(backoff.pipe(Retry.hint((e) => after(e), max)), 1))).toEqualTypeOf<
  typeof retried
>()
expectTypeOf(
  call.pipe(Retry.run(Limit.within(Retry.hint(backoff, (e) => after(e), max), 1), { while: ["Busy"] }))
).toEqualTypeOf<typeof narrowedRetry>()
// In the backoff of a loop, data-first.
expectTypeOf(Loop.run(call, Period.sliding(1), { backoff: Retry.hint(backoff, (e) => after(e), max) })).toEqualTypeOf<
  Effect.Effect<number, Busy | Broken, "call">
>()
// Elsewhere the message says that an annotation is missing; a hint that reads no error needs none.
backoff.pipe(
  Retry.hint((error) => {
    expectTypeOf(error).toEqualTypeOf<Retry.AnnotateTheError>()
    return Option.none()
  }, max)
)
expectTypeOf(backoff.pipe(Retry.hint(() => Option.none(), max))).toEqualTypeOf<
  Schedule.Schedule<Duration.Duration, unknown, never, never>
>()
// A hint for any error of a shape goes with a schedule for some errors.
const byShape = Retry.hint((error: { readonly after: number }) => Option.some(error.after), max)
expectTypeOf(byShape(Schedule.setInputType<Busy>()(backoff))).toEqualTypeOf<
  Schedule.Schedule<Duration.Duration, { readonly after: number } & Busy, never, never>
>()
// @ts-expect-error no max
Retry.hint((error: Busy) => Option.some(error.after), {})

// A retry for later takes the errors that its `while` takes.
const later = Retry.run(backoff, { while: isBusy, onRetry: ({ error }) => Effect.log(error.after) })
expectTypeOf(later(call)).toEqualTypeOf<Effect.Effect<string, Broken | Retry.RetryExhausted<Busy>, "call">>()
const laterByPredicate = Retry.run(backoff, {
  while: (error: Busy | Cause.TimeoutError) => error._tag === "Busy" && isOpen(),
  attemptTimeout: 1
})
declare const busyCall: Effect.Effect<string, Busy>
expectTypeOf(laterByPredicate(busyCall)).toEqualTypeOf<
  Effect.Effect<string, Busy | Cause.TimeoutError | Retry.RetryExhausted<Busy | Cause.TimeoutError>>
>()
// @ts-expect-error its while does not take Broken
laterByPredicate(call)
// @ts-expect-error its while does not take a TimeoutError
Effect.exit(Retry.run(backoff, { while: isBusy, attemptTimeout: 1 })(call))
// A list of tags narrows as well, and the hooks see what it lets through.
expectTypeOf(Retry.run(call, backoff, {
  while: ["Busy", "TimeoutError"],
  attemptTimeout: 1,
  onRetry: ({ error }) => {
    expectTypeOf(error).toEqualTypeOf<Busy | Cause.TimeoutError>()
    return Effect.void
  }
})).toEqualTypeOf<Effect.Effect<string, Broken | Retry.RetryExhausted<Busy | Cause.TimeoutError>, "call">>()
expectTypeOf(call.pipe(Retry.run(Retry.match({ Busy: backoff }), { while: ["Busy"] }))).toEqualTypeOf<
  Effect.Effect<string, Broken | Retry.RetryExhausted<Busy>, "call">
>()
// @ts-expect-error a tag that there is not
Retry.run(call, backoff, { while: ["Bussy"] })
// @ts-expect-error a tag that there is not, in a pipe
call.pipe(Retry.run(backoff, { while: ["Bussy"] }))
// What is not typed stays as loose as it was.
declare const untyped: ReturnType<typeof JSON.parse>
expectTypeOf(Retry.run(call, untyped)).toEqualTypeOf<Effect.Effect<string, unknown, unknown>>()
expectTypeOf(call.pipe(Retry.run(untyped))).toEqualTypeOf<Effect.Effect<string, unknown, unknown>>()
// In a generic function.
const generic = <A, E>(effect: Effect.Effect<A, E>) =>
  Retry.run(effect, backoff, { attemptTimeout: 1, onRetry: ({ attempt }) => Effect.log(attempt) })
expectTypeOf(generic(call as never as Effect.Effect<string, Busy>)).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Cause.TimeoutError>>
>()

// A hedged call: without while, every error lets the others go on.
expectTypeOf(Retry.hedge(call, backoff)).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Broken>, "call">
>()
expectTypeOf(call.pipe(Retry.hedge(backoff))).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Broken>, "call">
>()
// With a predicate, a refinement, or tags.
expectTypeOf(call.pipe(Retry.hedge(backoff, { while: (error) => error._tag === "Busy" && isOpen() }))).toEqualTypeOf<
  Effect.Effect<string, Busy | Broken | Retry.RetryExhausted<Busy | Broken>, "call">
>()
expectTypeOf(Retry.hedge(call, backoff, { while: isBusy })).toEqualTypeOf<
  Effect.Effect<string, Broken | Retry.RetryExhausted<Busy>, "call">
>()
expectTypeOf(call.pipe(Retry.hedge(backoff, { while: ["Busy"] }))).toEqualTypeOf<
  Effect.Effect<string, Broken | Retry.RetryExhausted<Busy>, "call">
>()
// A budget is a requirement, and the hook sees the errors.
expectTypeOf(Retry.hedge(call, backoff, { budget: "payments" })).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Broken>, "call" | RetryBudget.RetryBudget>
>()
expectTypeOf(call.pipe(Retry.hedge(backoff, {
  name: "call",
  while: (error) => error._tag === "Busy",
  onHedge: ({ attempt, error, running }) => {
    expectTypeOf(error).toEqualTypeOf<Option.Option<Busy>>()
    return attempt + running > 9 ? Effect.fail("hook" as const) : Effect.scope
  }
}))).toEqualTypeOf<
  Effect.Effect<string, Broken | Retry.RetryExhausted<Busy> | "hook", "call" | Scope.Scope>
>()
// Errors and requirements of the schedule are added. Without a call that fails there is no failure to tell of.
declare const failing: Schedule.Schedule<number, unknown, "schedule", "clock">
expectTypeOf(Retry.hedge(call, failing)).toEqualTypeOf<
  Effect.Effect<string, Retry.RetryExhausted<Busy | Broken> | "schedule", "call" | "clock">
>()
// A hint infers the errors, and the delays without one.
Retry.hedge(call, Retry.hint(backoff, (error) => Option.some(error._tag === "Busy" ? error.after : 0), { max: 1 }))
call.pipe(Retry.hedge(Retry.hint(backoff, (error) => Option.some(error._tag === "Busy" ? error.after : 0), { max: 1 })))
type Hedged = Busy | Broken | Retry.Unanswered
call.pipe(Retry.hedge(backoff.pipe(Retry.hint((error: Hedged) => Option.some(error._tag.length), { max: 1 }))))
// @ts-expect-error an annotation that leaves out the delays without an error
call.pipe(Retry.hedge(backoff.pipe(Retry.hint((error: Busy | Broken) => Option.some(error._tag.length), { max: 1 }))))
Retry.hedge(call, Retry.match({ Busy: backoff }, { orElse: Period.sliding(1) }))
Retry.hedge(call, Retry.match({ Busy: backoff, Broken: backoff, Unanswered: Period.sliding(1) }))
// @ts-expect-error no case for a delay without an error
Retry.hedge(call, both)
// @ts-expect-error no case for a delay without an error, in a pipe
call.pipe(Retry.hedge(both))
expectTypeOf(Retry.hedge(call, both, { while: isBusy })).toEqualTypeOf<Retry.ScheduleDoesNotTake<Retry.Unanswered>>()
expectTypeOf(Retry.hedge(call, other, { while: isBusy })).toEqualTypeOf<
  Retry.ScheduleDoesNotTake<Busy | Retry.Unanswered>
>()
// @ts-expect-error the hint takes other errors
Retry.hedge(call, other)
// @ts-expect-error a misspelt option
Retry.hedge(call, backoff, { onHegde: () => Effect.void })
// @ts-expect-error a misspelt option beside while, in a pipe
call.pipe(Retry.hedge(backoff, { while: isBusy, bugdet: "payments" }))
// @ts-expect-error an option of Retry.run alone
Retry.hedge(call, backoff, { attemptTimeout: 1 })
// @ts-expect-error a misspelt tag
Retry.hedge(call, backoff, { while: ["Bussy"] })
// @ts-expect-error no schedule
Retry.hedge(call, { while: isBusy })
