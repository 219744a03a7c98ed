import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import { constUndefined } from "effect/Function"

/**
 * The slot of `Period.cron` or `Period.ticker` that the run serves, also if the run is late. Undefined for other schedules, for a triggered or
 * immediate run, for a loop without a memory, and outside of a run.
 *
 * Runs that catch up with `missed: "all"` have one slot each, and a retry has the slot of the failed run: so a report can read its hour from it.
 *
 * **Example** (The hour of a report)
 *
 * ```ts
 * import { DateTime, Effect, Layer } from "effect"
 * import { Jitter, Period } from "effect-wait"
 * import { ClusterLoop } from "@effect-wait/cluster"
 * import { TestClock } from "effect/testing"
 *
 * const hours: Array<string> = []
 * const run = Effect.map(ClusterLoop.CurrentSlot, (slot) => hours.push(slot === undefined ? "none" : DateTime.formatIso(slot)))
 * const schedule = Period.cron("0 * * * *", { timeZone: "UTC" }).pipe(Jitter.additive(0.5))
 * const Report = ClusterLoop.layer(run, schedule, { name: "report" })
 *
 * const program = Effect.gen(function*() {
 *   yield* Layer.build(Layer.provide(Report, ClusterLoop.layerEmbedded))
 *   yield* TestClock.adjust("160 minutes")
 * }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))
 *
 * await Effect.runPromise(program)
 * hours[0] // => "1970-01-01T01:00:00.000Z"
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const CurrentSlot = Context.Reference<DateTime.Utc | undefined>("@effect-wait/cluster/CurrentSlot", {
  defaultValue: constUndefined
})
