/** The spans and metrics of a hedged call with a name. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import { counter, type Meter, meterOf } from "./meter.ts"
import { hasStopped } from "./stopping.ts"

/** Why an attempt starts: it is the first one, the delay has passed, or another one has failed. */
export type Kind = "first" | "hedge" | "retry"

/** What is counted of one operation. */
export interface HedgeMeter {
  readonly begin: () => void
  /** The attempt in a span, and counted. */
  readonly attempt: <A, E, R>(effect: Effect.Effect<A, E, R>, number: number, kind: Kind) => Effect.Effect<A, E, R>
  readonly end: (exit: Exit.Exit<unknown, unknown>) => void
}

// The reason that the metric of give-ups has; none for an interruption and a stop.
const giveUpReason = (cause: Cause.Cause<unknown>): string | undefined => {
  if (Cause.hasDies(cause)) return "defect"
  if (hasStopped(cause) || Cause.hasInterruptsOnly(cause)) return undefined
  const error = Cause.squash(cause)
  if (!Predicate.isTagged(error, "RetryExhausted") || !Predicate.hasProperty(error, "reason")) return "error"
  return Predicate.isTagged(error.reason, "Budget") ? "budget" : "schedule"
}

export const hedgeMeterOf = (context: Context.Context<never>, name: string): HedgeMeter => {
  const clock = Context.get(context, Clock.Clock)
  const meter: Meter = meterOf(context, "hedge", name)
  const hedges = counter(
    "hedges",
    { kind: "hedge", name },
    "Attempts that started beside others, for want of an answer"
  )
  const kinds = { first: undefined, hedge: hedges, retry: meter.retries }
  let previous = NaN
  return {
    begin() {
      // A counter that never counted would not be exported.
      for (const counter of [...meter.counters, hedges]) counter.updateUnsafe(0, context)
      meter.running.modifyUnsafe(1, context)
    },
    attempt(effect, number, kind) {
      const start = clock.currentTimeMillisUnsafe()
      meter.runs.updateUnsafe(1, context)
      kinds[kind]?.updateUnsafe(1, context)
      if (number > 1) meter.delay.updateUnsafe((start - previous) / 1000, context)
      previous = start
      const measured = Effect.onExit(effect, (exit) =>
        Effect.sync(() => {
          const now = clock.currentTimeMillisUnsafe()
          meter.duration.updateUnsafe((now - start) / 1000, context)
          if (Exit.isSuccess(exit)) meter.lastSuccess.updateUnsafe(now / 1000, context)
          else if (!Cause.hasInterruptsOnly(exit.cause)) meter.failures.updateUnsafe(1, context)
        }))
      // A stack would be the driver's.
      return Effect.withSpan(Effect.annotateLogs(measured, "hedge", name), name, {
        attributes: { attempt: number, kind },
        captureStackTrace: false
      })
    },
    end(exit) {
      meter.running.modifyUnsafe(-1, context)
      const reason = Exit.isFailure(exit) ? giveUpReason(exit.cause) : undefined
      if (reason !== undefined) meter.giveUps(reason).updateUnsafe(1, context)
    }
  }
}
