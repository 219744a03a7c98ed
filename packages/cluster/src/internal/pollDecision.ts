/** What follows an attempt: the end of the poll, or the next attempt. */
import * as Backoff from "effect-wait/Backoff"
import * as Duration from "effect/Duration"
import type { Growth, PollRow } from "./pollRow.ts"

/** The policy and the limits of a kind of poll. Times are in milliseconds. */
export interface PollRules {
  readonly policy: Backoff.Policy
  readonly attempts: number
  readonly within: number
}

/** The part of a policy that changes from step to step. */
export const growthOf = ({ duration, steps }: Backoff.Policy): Growth => ({
  nanos: Math.min(Number.MAX_VALUE, Number(Duration.toNanosUnsafe(duration))),
  steps
})

/** What follows an attempt of this row that did not hold. */
export const following = (
  { attempts, policy, within }: PollRules,
  { attempt, growth, startedAt }: Pick<PollRow, "attempt" | "growth" | "startedAt">,
  now: number,
  draw: number
): { readonly delay: number; readonly growth: Growth } | "exhausted" | "deadline" => {
  if (attempt >= attempts) return "exhausted"
  const [duration, next] = Backoff.step(
    { ...policy, duration: { nanoseconds: growth.nanos }, steps: growth.steps },
    draw
  )
  const delay = Duration.toMillis(duration)
  return Math.max(0, now - startedAt) + delay > within ? "deadline" : { delay, growth: growthOf(next) }
}
