/** How runs end. */
import type { Signal } from "./Signals.ts"

/**
 * How one run ended.
 *
 * - `code`: 0 after a success; otherwise as in a shell: the command's own, 124 after a timeout, 128 and the
 *   number of the signal that ended it
 * - `what`: the same in words: `exit 1`, `SIGTERM`, `tcp localhost:5432: ECONNREFUSED`
 * - `isHopeless`: no other run will do better: there is no such command, or it may not be run
 * - `mark`: where it is 0: another one when what was looked at has changed
 */
export interface Outcome {
  readonly code: number
  readonly what: string
  readonly isHopeless?: true
  readonly mark?: string
}

/** What coreutils' `timeout` exits with. */
export const timedOut = 124

/** A run that has ended. Times are in milliseconds. */
export interface Run {
  readonly run: number
  readonly outcome: Outcome
  readonly took: number
}

/**
 * Why no more is run, and what was run.
 *
 * - `runs`: how many have started
 * - `last`: the last one that ended; the one that the deadline cut has not
 * - `missed`: how many slots of a ticker or a calendar passed without a run
 */
export interface Verdict {
  readonly reason: "accepted" | "exhausted" | "deadline" | Signal
  readonly runs: number
  readonly last: Run | undefined
  readonly elapsed: number
  readonly missed: number
}

/**
 * What this process exits with, and why.
 *
 * - `waitingFor`: what did not hold to the end, each by name
 */
export interface Conclusion {
  readonly code: number
  readonly what: string
  readonly waitingFor?: ReadonlyArray<string>
}
