/** What a loop remembers through a restart. */
import type * as Duration from "effect/Duration"

/** What becomes of slots that passed without a run. */
export type Missed = "skip" | "one" | "all"

/** The slots of a schedule, in milliseconds since the epoch. Null for a schedule without slots. */
export interface Slots {
  /** The first slot of a ticker. */
  readonly anchor: number | null
  /** The slots up to this time were served, or counted as missed. */
  readonly slot: number | null
  /** The next slot; null where it is not known. */
  readonly nextSlot: number | null
}

/**
 * The memory of a loop in a store. Times are in milliseconds since the epoch, or null.
 *
 * - `written`: when the loop wrote this memory
 * - `anchor`: the first slot of a `Period.ticker`
 * - `slot`: the slots up to this time were served, or counted as missed
 * - `nextSlot`: the slot after it; null if it is not known
 * - `due`: when the next run is due; null for a delay of Infinity
 * - `period`: the milliseconds of a `Period.sliding` or `Period.nonSliding`
 * - `lastStart`, `lastEnd`, `lastSuccess`: when a run last started, ended, and succeeded
 * - `paused`: whether the loop is paused
 *
 * @category models
 * @since 0.1.0
 */
export interface Memory extends Slots {
  readonly written: number
  readonly due: number | null
  readonly period: number | null
  readonly lastStart: number | null
  readonly lastEnd: number | null
  readonly lastSuccess: number | null
  readonly paused: boolean
}

/**
 * A run that is about to start.
 *
 * - `slot`: the slot of `Period.cron` or `Period.ticker` that it serves, in milliseconds since the epoch. Null for other
 *   schedules, and for a run that was triggered or is immediate
 * - `nextSlot`: the slot after it
 * - `start`: when it starts, in milliseconds since the epoch
 * - `isTriggered`: whether a trigger starts it, which also happens while the loop is paused
 *
 * @category models
 * @since 0.1.0
 */
export interface NextRun {
  readonly slot: number | null
  readonly nextSlot: number | null
  readonly start: number
  readonly isTriggered: boolean
}

/** Why a memory is saved. */
export type Change = "start" | "run" | "pause" | "resume"

/** What becomes of slots that passed while no process ran the loop. */
export interface Policy {
  readonly missed: Missed
  /** Slots older than so many milliseconds are missed. */
  readonly window: number
  readonly unreadable: "fail" | "startAsNew"
}

/**
 * How a loop continues after a restart: the option `catchUp` of `Loop.forkScoped` and `Loop.layer`.
 *
 * - `missed`: how to catch up with slots of `Period.cron` and `Period.ticker` that passed while no process ran the loop.
 *   `"one"`, the default: one run at once for all of them. `"skip"`: no run, the loop waits for the next slot.
 *   `"all"`: one run at once for each of them, the oldest first
 * - `window`: older slots do not run, and count as missed; default Infinity
 * - `unreadable`: what to do if the store has invalid data under the name. `"fail"`, the default: the loop fails
 *   with a `LoopStoreError`. `"startAsNew"`: the loop starts as new, and overwrites the data
 *
 * @category models
 * @since 0.1.0
 */
export interface CatchUp {
  readonly missed?: Missed | undefined
  readonly window?: Duration.Input | undefined
  readonly unreadable?: Policy["unreadable"] | undefined
}
