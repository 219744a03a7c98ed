/** Puts the slots of a schedule where a memory says, and tells a memory where they are. */
import { type Calendar, countBetween, slotAfter, slotBefore } from "./calendar.ts"
import { find, look } from "./cron.ts"
import type { Dates, Grid, Ticks } from "./grid.ts"
import type { Memory, Policy, Slots } from "./memory.ts"
import type { LoopMoment } from "./moment.ts"
import { done } from "./plan.ts"

// Reads both clocks in one instant: what passes between the two would move all slots from then on.
const lookAtBoth = (at: LoopMoment): void => {
  for (let tries = 0; tries < 4; tries++) {
    const before = at.wall()
    at.look()
    if (at.wall() - before <= 1) return
  }
}

/** Where the slots are, by the wall clock. */
export const slotsOf = (grid: Grid, at: LoopMoment): Slots => {
  if (grid === undefined) return { anchor: null, slot: null, nextSlot: null }
  lookAtBoth(at)
  if ("millis" in grid) {
    const { millis, state: { first, slot } } = grid
    const anchor = at.wall() - (at.now - first)
    return { anchor, slot: anchor + (slot - 1) * millis, nextSlot: anchor + slot * millis }
  }
  const { calendar, state } = grid
  const isNew = state.slot === -Infinity
  const slot = isNew ? at.wall() : state.done
  return { anchor: null, slot, nextSlot: isNew ? slotAfter(calendar, slot) : state.slot }
}

/** The slot after this one. */
export const followingSlot = (grid: Grid, slot: number | null): number | null => {
  if (grid === undefined || slot === null) return null
  if ("millis" in grid) return slot + grid.millis
  const next = slotAfter(grid.calendar, slot)
  return next === Infinity ? null : next
}

/** The wait for the first run, or `done`. */
export const recallGrid = (grid: Grid, at: LoopMoment, memory: Memory, policy: Policy): number =>
  grid === undefined
    ? 0
    : "millis" in grid
    ? recallTicks(grid.millis, grid.state, at, memory, policy)
    : recallDates(grid.calendar, grid.state, at, memory, policy)

const recallTicks = (
  millis: number,
  state: Ticks,
  at: LoopMoment,
  { anchor, due, nextSlot, slot, written }: Memory,
  { missed, window }: Policy
): number => {
  if (anchor === null || slot === null) return 0
  lookAtBoth(at)
  // A memory from the future counts as one of now: the wall clock was wrong.
  const wall = Math.max(at.wall(), written)
  state.first = at.now - (wall - anchor)
  const next = Math.floor((slot - anchor) / millis + 1e-6) + 1
  const promised = nextSlot ?? anchor + next * millis
  const isSame = Math.abs(anchor + next * millis - promised) < 1
  if (isSame && (due ?? Infinity) > wall) {
    state.slot = next
    return (due ?? Infinity) - wall
  }
  const oldest = Math.max(next, Math.ceil((wall - window - anchor) / millis))
  const last = Math.floor((wall - anchor) / millis)
  // Of another interval only the slot that was promised is owed: none of this one has passed.
  const isOwed = missed !== "skip" && (isSame ? oldest <= last : wall - window <= promised && promised <= wall)
  if (isOwed && isSame && missed === "all") {
    state.slot = oldest
    state.owed = last
  } else {
    state.slot = isOwed ? last : Math.max(isSame ? next : -Infinity, Math.ceil((wall - anchor) / millis))
  }
  at.miss(() => isSame ? state.slot - next : promised <= wall && !isOwed ? 1 : 0)
  return Math.max(0, state.first + state.slot * millis - at.now)
}

const recallDates = (
  calendar: Calendar,
  state: Dates,
  at: LoopMoment,
  { due, nextSlot, slot, written }: Memory,
  { missed, window }: Policy
): number => {
  state.runs = 0
  state.lookedAt = at.now
  state.latest = written
  state.done = slot ?? written
  const wall = look(calendar, state, at)
  const counted = state.done
  const upcoming = slotAfter(calendar, counted)
  const promised = slot === null ? Infinity : nextSlot ?? upcoming
  const isSame = promised === upcoming
  if (isSame && (due ?? Infinity) > wall) {
    find(calendar, state, counted)
    return state.slot === Infinity ? done : (due ?? Infinity) - wall
  }
  const oldest = wall - window
  const last = slotBefore(calendar, wall + 1)
  // Of another expression only the slot that was promised is owed: none of this one has passed.
  const isOwed = missed !== "skip" &&
    (isSame ? last > Math.max(counted, oldest - 1) : oldest <= promised && promised <= wall)
  const from = isOwed && isSame && missed === "all"
    ? Math.max(counted, oldest - 1)
    : isOwed
    ? last - 1
    : Math.max(isSame ? counted : -Infinity, wall - 1)
  at.miss(() => isSame ? countBetween(calendar, counted, from) : promised <= wall && !isOwed ? 1 : 0)
  state.done = from
  state.slot = -Infinity
  find(calendar, state, from)
  if (isOwed && isSame && missed === "all") state.owed = wall
  return state.slot === Infinity ? done : Math.max(0, state.slot - wall)
}
