/** The metrics of durable polls, by the name of their kind. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Ended } from "./pollRow.ts"

const counter = (id: string, attributes: Readonly<Record<string, string>>, description: string) =>
  Metric.counter(`effect_wait_durable_poll_${id}_total`, { description, attributes, incremental: true })

export const looks = (name: string, outcome: "held" | "not_yet" | "failed"): Effect.Effect<void> =>
  Metric.update(counter("looks", { name, outcome }, "Attempts of durable polls that were made here"), 1)

export const ended = (name: string, reason: Ended): Effect.Effect<void> =>
  Metric.update(counter("ended", { name, reason }, "Durable polls that were ended by this process"), 1)

/** How many polls of this name wait in the slots of this runner, and how many of these have been due for a minute. */
export const waiting = (name: string, counts: { readonly waiting: number; readonly overdue: number }) =>
  Effect.andThen(
    Metric.update(
      Metric.gauge("effect_wait_durable_poll_waiting", {
        description: "Durable polls that have not ended, in the part of this runner",
        attributes: { name }
      }),
      counts.waiting
    ),
    Metric.update(
      Metric.gauge("effect_wait_durable_poll_overdue", {
        description: "Durable polls that have been due for a minute, in the part of this runner",
        attributes: { name }
      }),
      counts.overdue
    )
  )
