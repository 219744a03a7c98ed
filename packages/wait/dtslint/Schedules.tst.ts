import { DateTime, type Duration, Effect, Option, Schedule } from "effect"
import { Backoff, Jitter, Limit, Period, type Policy, Retry, Timeline, Wait } from "effect-wait"
import type * as effectWait from "effect-wait"
import { Policy as PolicySchema } from "effect-wait/Policy"
import { expectTypeOf } from "vitest"

const backoff = Backoff.exponential({ base: 1, cap: 2 })
expectTypeOf(backoff).toEqualTypeOf<Schedule.Schedule<Duration.Duration>>()
expectTypeOf(Backoff.linear({ base: 1, cap: 2 })).toEqualTypeOf<Schedule.Schedule<Duration.Duration>>()
expectTypeOf(Backoff.decorrelated({ base: 1, cap: 2 })).toEqualTypeOf<Schedule.Schedule<Duration.Duration>>()
expectTypeOf(Backoff.decorrelatedV2({ median: 1, cap: 2 })).toEqualTypeOf<Schedule.Schedule<Duration.Duration>>()
expectTypeOf(Backoff.fromDelays([1, "2 seconds"])).toEqualTypeOf<Schedule.Schedule<Duration.Duration>>()
expectTypeOf(Period.ticker(1)).toEqualTypeOf<Schedule.Schedule<number>>()

// Combinators keep output, input, errors and requirements, whatever they are.
declare const typed: Schedule.Schedule<"out", { readonly input: true }, "error", "service">
expectTypeOf(
  typed.pipe(
    Jitter.additive(0.2),
    Jitter.full,
    Jitter.equal,
    Jitter.between(0.8, 1.2),
    Limit.delay(1),
    Backoff.resetAfter(1),
    Period.fromStart,
    Limit.attempts(3),
    Limit.within(1)
  )
).toEqualTypeOf<typeof typed>()

// Errors come through Effect.retry, and inputs are checked.
class Busy {
  readonly _tag = "Busy"
}
const call = Effect.succeed(1) as Effect.Effect<number, Busy>
expectTypeOf(Effect.retry(call, backoff.pipe(Jitter.full, Limit.attempts(5)))).toEqualTypeOf<
  Effect.Effect<number, Busy>
>()
const onlyStrings = Schedule.setInputType<string>()(Period.sliding(1)).pipe(Limit.attempts(2))
// @ts-expect-error the schedule takes strings
Effect.retry(call, onlyStrings)

// A simulation needs the inputs that the schedule takes, and none where it takes undefined.
declare const maybe: Schedule.Schedule<number, string | undefined>
expectTypeOf(Timeline.simulate(backoff, { until: 9 })).toEqualTypeOf<Effect.Effect<Timeline.Timeline>>()
Timeline.simulate(backoff, { until: 9, input: (run) => run })
Timeline.simulate(backoff, { until: 9, input: undefined })
Timeline.simulate(maybe, { until: 9 })
Timeline.simulate(maybe, { until: 9, input: ["a", undefined] })
expectTypeOf(Timeline.simulate(typed, { until: 9, input: () => ({ input: true }) })).toEqualTypeOf<
  Effect.Effect<Timeline.Timeline, "error", "service">
>()
const matched = Retry.match({ Busy: backoff, Broken: Period.sliding(1) })
Timeline.simulate(matched, { until: 9, input: [{ _tag: "Busy" }, { _tag: "Broken" }] })
Timeline.simulate(matched, { until: 9, input: (run) => run < 3 ? { _tag: "Busy" } : { _tag: "Broken" } })
Timeline.simulate(backoff.pipe(Retry.hint((busy: Busy) => Option.some(busy._tag.length), { max: 9 })), {
  until: 9,
  input: [new Busy()]
})
// @ts-expect-error no input, which the schedule needs
Timeline.simulate(typed, { until: 9 })
// @ts-expect-error undefined is no input
Timeline.simulate(typed, { until: 9, input: undefined })
// @ts-expect-error no such case
Timeline.simulate(matched, { until: 9, input: [{ _tag: "Bussy" }] })
// @ts-expect-error an input of another type
Timeline.simulate(maybe, { until: 9, input: (run) => run })
// @ts-expect-error neither a list nor a function
Timeline.simulate(backoff, { until: 9, input: 5 })
for (const from of [0, "2026-03-29", new Date(0), DateTime.makeUnsafe(0), { year: 2026 }]) {
  Timeline.simulate(backoff, { until: 9, from })
}
// @ts-expect-error no point in time
Timeline.simulate(backoff, { until: 9, from: true })

// A cap has to be said, a policy is complete.
// @ts-expect-error no cap
Backoff.exponential({ base: 1 })
// @ts-expect-error no steps
Backoff.toSchedule({ duration: 1, factor: 2, jitter: 0 })
expectTypeOf(Backoff.toSchedule).parameter(0).toEqualTypeOf<Backoff.Policy>()
// One type, wherever it comes from; the Schema is in a subpath.
expectTypeOf<Policy>().toEqualTypeOf<Backoff.Policy>()
expectTypeOf<PolicySchema>().toEqualTypeOf<Backoff.Policy>()
expectTypeOf<typeof PolicySchema.Type>().toExtend<Policy>()
expectTypeOf<typeof effectWait>().not.toHaveProperty("Policy")
expectTypeOf(Wait.delayWithReset({ duration: 1, factor: 2, jitter: 0, steps: 3 }, 1)).toEqualTypeOf<
  Schedule.Schedule<Duration.Duration>
>()
