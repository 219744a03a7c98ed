import type * as Backoff from "effect-wait/Backoff"
import * as Duration from "effect/Duration"

/** What changes in a `Backoff.Policy` from step to step, as a message carries it: the next delay, and how often it may still grow. */
export interface Growth {
  readonly nanos: number
  readonly steps: number
}

const nanosOf = (duration: Duration.Input): number => Math.round(Duration.toMillis(duration) * 1_000_000)

const finite = (nanos: number): number => Math.min(Number.MAX_VALUE, nanos)

export const begin = (policy: Backoff.Policy): Growth => ({ nanos: nanosOf(policy.duration), steps: policy.steps })

/** Go's `Backoff.Step`, as `Backoff.toSchedule` takes it: the delay of this step in milliseconds, and the growth that is left. */
export const step = (policy: Backoff.Policy, growth: Growth, draw: number): readonly [delay: number, left: Growth] => {
  const { factor, jitter } = policy
  const { nanos, steps } = growth
  const cap = nanosOf(policy.cap ?? 0)
  // JSON has no Infinity.
  const delay = (jitter > 0 ? finite(nanos + Math.trunc(draw * jitter * nanos)) : nanos) / 1_000_000
  if (steps < 1) return [delay, growth]
  // A factor of 0 leaves the delay alone, and then the cap does too.
  const grown = factor === 0 ? nanos : finite(Math.trunc(nanos * factor))
  return factor !== 0 && cap > 0 && grown > cap
    ? [delay, { nanos: cap, steps: 0 }]
    : [delay, { nanos: grown, steps: steps - 1 }]
}
