import { Effect, type Option, Schedule } from "effect"
import { Period, Poll, Wait, type WaitTimeout } from "effect-wait"
import { expectTypeOf } from "vitest"

class Away {
  readonly _tag = "Away"
}
type Job = { readonly state: "running" } | { readonly state: "done"; readonly result: number }
declare const ready: Effect.Effect<boolean, Away, "ready">
declare const job: Effect.Effect<Job, Away>
const schedule = Period.sliding(1)

expectTypeOf(Poll.until(ready, schedule)).toEqualTypeOf<
  Effect.Effect<true, Away | WaitTimeout<boolean, never>, "ready">
>()
expectTypeOf(ready.pipe(Poll.until(schedule, { timeout: 1 }))).toEqualTypeOf<
  Effect.Effect<true, Away | WaitTimeout<boolean, never>, "ready">
>()
// A refinement or a list of tags removes the tolerated errors from the failure. A predicate does not.
class Denied {
  readonly _tag = "Denied"
}
declare const either: Effect.Effect<boolean, Away | Denied, "ready">
const narrowed = Poll.until(either, schedule, { tolerate: (error) => error._tag === "Away" })
expectTypeOf(narrowed).toEqualTypeOf<Effect.Effect<true, Denied | WaitTimeout<boolean, Away>, "ready">>()
expectTypeOf(Poll.until(either, schedule, { tolerate: ["Away"] })).toEqualTypeOf<typeof narrowed>()
expectTypeOf(either.pipe(Poll.until(schedule, { tolerate: ["Away"], timeout: 1 }))).toEqualTypeOf<typeof narrowed>()
expectTypeOf(either.pipe(Poll.until(schedule, { tolerate: (error) => error._tag === "Away" }))).toEqualTypeOf<
  typeof narrowed
>()
expectTypeOf(Poll.until(either, schedule, { tolerate: (error): boolean => error._tag === "Away" })).toEqualTypeOf<
  Effect.Effect<true, Away | Denied | WaitTimeout<boolean, Away | Denied>, "ready">
>()
// @ts-expect-error a tag that there is not
Poll.until(either, schedule, { tolerate: ["Awya"] })

// A refinement narrows the result, inferred or not; a predicate does not.
const isDone = (job: Job): job is Extract<Job, { readonly state: "done" }> => job.state === "done"
expectTypeOf(Poll.until(job, schedule, { accept: isDone })).toEqualTypeOf<
  Effect.Effect<Extract<Job, { readonly state: "done" }>, Away | WaitTimeout<Job, never>>
>()
expectTypeOf(Poll.until(job, schedule, { accept: (job) => job.state === "done" })).toEqualTypeOf<
  Effect.Effect<Extract<Job, { readonly state: "done" }>, Away | WaitTimeout<Job, never>>
>()
expectTypeOf(job.pipe(Poll.until(schedule, { accept: isDone }))).toEqualTypeOf<
  Effect.Effect<Extract<Job, { readonly state: "done" }>, Away | WaitTimeout<Job, never>>
>()
expectTypeOf(Poll.until(job, schedule, { accept: (job: Job): boolean => job.state === "done" })).toEqualTypeOf<
  Effect.Effect<Job, Away | WaitTimeout<Job, never>>
>()
// A poll for later.
const later = Poll.until(schedule, { accept: isDone, timeout: 1 })
expectTypeOf(later(job)).toEqualTypeOf<
  Effect.Effect<Extract<Job, { readonly state: "done" }>, Away | WaitTimeout<Job, never>>
>()
// @ts-expect-error its accept takes a Job
later(ready)

// The schedule sees the last value, or undefined.
Poll.until(ready, Schedule.setInputType<boolean | undefined>()(schedule))
// @ts-expect-error there may be no last value
Poll.until(ready, Schedule.setInputType<boolean>()(schedule))
// @ts-expect-error what is accepted has to be said
Poll.until(job, schedule)
// @ts-expect-error a misspelt option
Poll.until(ready, schedule, { timeOut: 1 })

// Caught by tag, with what was seen.
Poll.until(job, schedule, { accept: isDone, tolerate: ["Away"] }).pipe(
  Effect.catchTag("WaitTimeout", (timeout) => {
    expectTypeOf(timeout.last).toEqualTypeOf<Option.Option<Job>>()
    expectTypeOf(timeout.lastError).toEqualTypeOf<Option.Option<Away>>()
    expectTypeOf(timeout.reason._tag).toEqualTypeOf<"Deadline" | "Exhausted" | "Stopped">()
    return Effect.void
  })
)

// Wait: errors and requirements join, in both directions.
declare const stop: Effect.Effect<void, "stop failed", "stop">
expectTypeOf(Wait.poll(ready, { interval: 1, timeout: 2, stop })).toEqualTypeOf<
  Effect.Effect<void, Away | "stop failed" | WaitTimeout<boolean, Away>, "ready" | "stop">
>()
expectTypeOf(ready.pipe(Wait.pollUntilContextCancel({ interval: 1, immediate: true }))).toEqualTypeOf<
  Effect.Effect<void, Away | WaitTimeout<boolean, Away>, "ready">
>()
expectTypeOf(job.pipe(Wait.jitterUntil({ period: 1, jitterFactor: 0, sliding: true, stop }))).toEqualTypeOf<
  Effect.Effect<void, Away | "stop failed", "stop">
>()
expectTypeOf(Wait.backoffUntil(job, { backoff: schedule, sliding: false })).toEqualTypeOf<Effect.Effect<void, Away>>()
// @ts-expect-error no interval
Wait.pollInfinite(ready, {})
// @ts-expect-error booleans are said by name
Wait.jitterUntil(job, { period: 1, jitterFactor: 0 })
