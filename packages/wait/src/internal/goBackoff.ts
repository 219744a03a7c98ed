import * as Duration from "effect/Duration"
import * as args from "./args.ts"
import type { Moment } from "./moment.ts"

/**
 * Go's `wait.Backoff`, with Effect's durations.
 *
 * - `duration`: the first delay, a finite duration of 0 or more
 * - `factor`: multiplies the delay after each step, a finite number of 0 or more; 0 turns off the growth
 * - `jitter`: draws each delay `d` from `d .. d + jitter·d`, a finite number; 0 or less draws nothing
 * - `steps`: how often the delay may grow, an integer; for `Wait.exponentialBackoff`, the number of checks
 * - `cap`: the growth stops here, a duration of 0 or more; 0 or undefined is no cap
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

/** A Backoff as Go holds it, in whole nanoseconds. */
export interface GoBackoff {
  readonly nanos: number
  readonly factor: number
  readonly jitter: number
  readonly steps: number
  readonly cap: number
}

// Go truncates to nanoseconds, and overflows its int64. Here the growth stops at the largest number, which JSON and
// Duration.nanos accept.
const truncate = (nanos: number): number => Math.min(Number.MAX_VALUE, Math.trunc(nanos))

// Milliseconds are exact to the nanosecond only up to 26 days. So the nanoseconds come from the input itself.
const nanosOf = (millis: number, input: Duration.Input): number =>
  truncate(millis < Infinity ? Number(Duration.toNanosUnsafe(input)) : millis)

/** Checks a policy for the function `caller`. */
export const fromPolicy = (caller: string, policy: Policy): GoBackoff => {
  const { duration, factor, jitter, steps } = policy
  const cap = policy.cap ?? 0
  return {
    nanos: nanosOf(args.finiteDuration(`${caller}: duration`, duration), duration),
    factor: args.number(`${caller}: factor`, factor, 0),
    jitter: args.number(`${caller}: jitter`, jitter, -Infinity),
    steps: args.integer(`${caller}: steps`, steps, -Infinity),
    cap: nanosOf(args.duration(`${caller}: cap`, cap), cap)
  }
}

/** Go's `Backoff.Step`: the delay of this step in nanoseconds, and the Backoff of the next step. */
export const step = (backoff: GoBackoff, draw: number): readonly [nanos: number, next: GoBackoff] => {
  const { cap, factor, jitter, nanos, steps } = backoff
  const delay = jitter > 0 ? truncate(nanos + Math.trunc(draw * jitter * nanos)) : nanos
  // As in Go, a factor of 0 turns off the growth and the cap.
  if (steps < 1 || factor === 0) return [delay, { ...backoff, steps: Math.max(0, steps - 1) }]
  const grown = truncate(nanos * factor)
  const isCapped = cap > 0 && grown > cap
  return [delay, { ...backoff, nanos: isCapped ? cap : grown, steps: isCapped ? 0 : steps - 1 }]
}

/** The next delay of a schedule, in milliseconds. As in Go, a policy without jitter draws nothing. */
export const nextDelay = (state: { backoff: GoBackoff; delay: number }, { random }: Moment): number => {
  const [nanos, next] = step(state.backoff, state.backoff.jitter > 0 ? random.nextDoubleUnsafe() : 0)
  state.backoff = next
  return state.delay = nanos / 1_000_000
}
