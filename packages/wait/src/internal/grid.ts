/** The slots of a schedule, as a memory sees them. */
import type { Calendar } from "./calendar.ts"

/** Where a ticker stands: when slot 0 is, and the slot that comes next. */
export interface Ticks {
  first: number
  slot: number
  /** Each slot up to here has a run of its own: they passed before the loop started. */
  owed: number
}

/** Where a calendar stands. */
export interface Dates {
  readonly first: number
  runs: number
  /** The slots up to here were served, or have passed. */
  done: number
  /** The next slot, and the one before it. -Infinity while they are not known. */
  slot: number
  before: number
  /** When the clocks were last read, what the wall clock showed, and the latest time that it has ever shown. */
  lookedAt: number
  wall: number
  latest: number
  /** Each slot up to here has a run of its own: they passed before the loop started. */
  owed: number
}

/** The slots of a ticker, of a calendar, or of an expression that cannot be read. */
export type Grid =
  | { readonly millis: number; readonly state: Ticks }
  | { readonly calendar: Calendar; readonly state: Dates }
  | undefined
