import type * as Duration from "effect/Duration"
import * as args from "./args.ts"
import type { Draws } from "./moment.ts"

/**
 * Go's `wait.Backoff`, with durations as Effect takes them.
 *
 * - `duration`: the first delay, a finite duration of 0 or more
 * - `factor`: what the delay is multiplied by, a finite number of 0 or more; 0 leaves it as it is
 * - `jitter`: each delay `d` is drawn from `d .. d + jitter·d`, a finite number; nothing is drawn at 0 or less
 * - `steps`: an integer; for a schedule, how often the delay may grow; for `Wait.exponentialBackoff`, how many checks
 * - `cap`: the delay never grows past it, a duration of 0 or more; 0 or none is no cap
 *
 * @see `Policy` for its Schema
 * @category models
 * @since 0.1.0
 */
export interface Policy {
  readonly duration: Duration.Input
  readonly factor: number
  readonly jitter: number
  readonly steps: number
  readonly cap?: Duration.Input | undefined
}

/** A Backoff as Go holds it, in whole nanoseconds, so that what Go truncates is truncated here. */
export interface GoBackoff {
  readonly nanos: number
  readonly factor: number
  readonly jitter: number
  readonly steps: number
  readonly cap: number
}

const nanos = (millis: number): number => Math.round(millis * 1_000_000)

export const fromPolicy = (caller: string, policy: Policy): GoBackoff => ({
  nanos: nanos(args.finite(`${caller}: duration`, policy.duration)),
  factor: args.number(`${caller}: factor`, policy.factor, 0),
  jitter: args.number(`${caller}: jitter`, policy.jitter, -Infinity),
  steps: args.integer(`${caller}: steps`, policy.steps, -Infinity),
  cap: nanos(args.duration(`${caller}: cap`, policy.cap ?? 0))
})

/** Go's `Backoff.Step`: the delay of this step in milliseconds, and the Backoff that is left. */
export const step = (backoff: GoBackoff, random: Draws): readonly [delay: number, next: GoBackoff] => {
  const { cap, factor, jitter, nanos } = backoff
  const delay =
    (jitter > 0 && nanos < Infinity ? nanos + Math.trunc(random.nextDoubleUnsafe() * jitter * nanos) : nanos) /
    1_000_000
  if (backoff.steps < 1) return [delay, backoff]
  // A factor of 0 leaves the delay alone, and then the cap does too.
  const grown = factor === 0 ? nanos : Math.trunc(nanos * factor)
  return factor !== 0 && cap > 0 && grown > cap
    ? [delay, { ...backoff, nanos: cap, steps: 0 }]
    : [delay, { ...backoff, nanos: grown, steps: backoff.steps - 1 }]
}
