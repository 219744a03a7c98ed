import * as Cron from "effect/Cron"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { changeDelays, earlyWake, fromPlan, type Moment, Reads, type Step } from "./internal/step.ts"

// A schedule that puts out the number of runs that came before, from 0.
const counting = (reads: number, delay: (at: Moment) => number): Schedule.Schedule<number> => {
  function next(this: Step, at: Moment): number {
    this.value++
    return delay(at)
  }
  return fromPlan({ reads, output: identity, begin: () => ({ value: -1, next }) })
}

export const sliding = (period: Duration.Input): Schedule.Schedule<number> => {
  const millis = args.duration("Period.sliding: period", period)
  return counting(Reads.nothing, () => millis)
}

// What is left of a delay that began when the run was due. An early wake gives back what it took, and no more.
const remaining = (delay: number, sinceDue: number): number =>
  Math.max(0, Math.min(delay - sinceDue, delay + earlyWake))

export const nonSliding = (period: Duration.Input): Schedule.Schedule<number> => {
  const millis = args.duration("Period.nonSliding: period", period)
  return counting(Reads.time, (at) => remaining(millis, at.now - at.due))
}

export const fromStart = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>
): Schedule.Schedule<Output, Input, E, R> =>
  changeDelays(self, Reads.time, () => (delay, at) => remaining(delay, at.now - at.due))

export const ticker = (
  interval: Duration.Input,
  options?: { readonly missed?: "keep" | "skip" | undefined }
): Schedule.Schedule<number> => {
  const millis = args.positive("Period.ticker: interval", interval)
  const keep = args.oneOf("Period.ticker: missed", options?.missed ?? "keep", ["keep", "skip"]) === "keep"
  return fromPlan({
    reads: Reads.time,
    output: identity,
    begin: ({ first }) => ({
      value: 0, // the slot that was served last; the first run is slot 0
      next(at) {
        const slots = (at.now - first) / millis
        if (keep && Math.floor(slots) > this.value) {
          this.value = Math.floor(slots)
          return 0
        }
        this.value = Math.max(this.value + 1, keep ? 0 : Math.ceil(slots))
        return Math.max(0, first + this.value * millis - at.now)
      }
    })
  })
}

const threeHours = 3 * 60 * 60 * 1000

export const cron = (
  expression: string | Cron.Cron,
  options?: { readonly timeZone?: string | DateTime.TimeZone | undefined }
): Schedule.Schedule<number, unknown, Cron.CronParseError> => {
  const parsed = Cron.isCron(expression) ? Result.succeed(expression) : Cron.parse(expression, options?.timeZone)
  const matching = Result.flatMap(parsed, (cron) =>
    Result.try({
      try: () => (Cron.next(cron, 0), cron),
      catch: () =>
        new Cron.CronParseError({ message: "No date ever matches the cron expression", input: Cron.format(cron) })
    }))
  if (Result.isFailure(matching)) return Schedule.fromStep(Effect.fail(matching.failure))
  const calendar = matching.success
  return fromPlan({
    reads: Reads.wall,
    output: identity,
    begin: () => {
      let served = -Infinity
      return {
        value: -1,
        next(at) {
          this.value++
          // A slot that was served stays served when the timer woke early or the clock was set back a little; a
          // clock that was set back by more than three hours was wrong before (the rule of Vixie cron).
          const from = served - at.wall > threeHours ? at.wall : Math.max(served, at.wall)
          served = Cron.next(calendar, from).getTime()
          return served - at.wall
        }
      }
    }
  })
}
