/** The slots of a calendar, as a plan. */
import type * as Effect from "effect/Effect"
import { type Calendar, countBetween, localOf, slotAfter, slotBefore } from "./calendar.ts"
import type { Missed } from "./memory.ts"
import { earlyWake, type Moment } from "./moment.ts"
import { done, type Plan } from "./plan.ts"

const second = 1000
const minute = 60 * second

interface State {
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

// Cron's limits. A wall clock that was set back further was wrong before: its slots come again. Cron looks once a minute.
const isWrong = (calendar: Calendar, latest: number, wall: number): boolean =>
  latest - wall > 64 * second &&
  !(calendar.isFixed && localOf(calendar, latest) - localOf(calendar, wall) <= 181 * minute)

// Reads the clocks. The time that has passed by the steady clock tells whether the wall clock was set back.
const look = (calendar: Calendar, state: State, at: Moment): number => {
  const wall = at.wall()
  const then = wall - (at.now - state.lookedAt)
  if (isWrong(calendar, state.latest, then)) {
    state.latest = state.done = then
    state.slot = -Infinity
  }
  state.latest = Math.max(state.latest, wall)
  state.lookedAt = at.now
  return state.wall = wall
}

// Finds the next slot after this time, and the one before that.
const find = (calendar: Calendar, state: State, from: number): void => {
  if (state.slot > from) return
  const following = state.slot === -Infinity ? state.slot : slotAfter(calendar, state.slot)
  state.before = following > from ? state.slot : NaN
  state.slot = following > from ? following : slotAfter(calendar, from)
  if (Number.isNaN(state.before)) state.before = slotBefore(calendar, state.slot)
}

/** The plan of an expression that cannot be read. */
export const failingPlan = <E>(failure: Effect.Effect<never, E>): Plan<number, unknown, E, never, object> => ({
  timed: false,
  isGrid: true,
  start: () => ({}),
  next: () => failure,
  recall: () => 0,
  output: () => 0
})

export const cronPlan = (calendar: Calendar, missed: Missed): Plan<number, unknown, never, never, State> => ({
  timed: true,
  isGrid: true,
  start: ({ first }) => ({
    first,
    runs: -1,
    done: -Infinity,
    slot: -Infinity,
    before: -Infinity,
    lookedAt: NaN,
    wall: NaN,
    latest: -Infinity,
    owed: -Infinity
  }),
  output: ({ runs }) => runs,
  next(state, at) {
    const isFirst = ++state.runs === 0
    const isServed = !isFirst && !at.isExtra
    const doneBefore = state.done
    if (isServed) state.done = Math.max(state.done, state.slot)
    const wall = look(calendar, state, at)
    if (state.done < state.owed) {
      find(calendar, state, state.done)
      // A clock that was set back meanwhile has not come as far.
      if (state.slot <= Math.min(state.owed, wall)) return 0
    }
    if (isFirst) state.done = wall - (at.now - state.first)
    const counted = isFirst ? state.done : Math.min(doneBefore, state.done)
    // A late run serves the slots that passed before it started: with "one" it is the run for all of them. The timer may have woken early.
    const start = wall - (at.now - at.start) + (isServed ? earlyWake : 0)
    const from = Math.max(state.done, missed === "all" ? -Infinity : missed === "skip" ? Math.max(wall, start) : start)
    find(calendar, state, from)
    state.done = from
    at.miss(() => Math.max(0, countBetween(calendar, counted, state.done) - (isServed ? 1 : 0)))
    return state.slot === Infinity ? done : state.slot - state.before
  },
  again(state, at) {
    const wall = look(calendar, state, at)
    const passed = wall - 1 // a slot that comes just now is the next one
    const { done: counted } = state
    find(calendar, state, passed)
    if (passed > counted) {
      at.miss(() => countBetween(calendar, counted, passed))
      state.done = passed
    }
    return state.slot === Infinity ? done : state.slot - wall
  },
  slots(state, at) {
    const slot = state.slot === -Infinity ? at.wall() : state.done
    return { anchor: null, slot, nextSlot: state.slot === -Infinity ? slotAfter(calendar, slot) : state.slot }
  },
  recall(state, at, { due, nextSlot, slot, written }, { missed, window }) {
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
  },
  look(state, at, delay) {
    const { before, slot } = state
    look(calendar, state, at)
    find(calendar, state, state.done)
    return slot === state.slot ? delay : delay * (state.slot - state.before) / (slot - before)
  },
  since: ({ before, lookedAt, wall }, { now }) => wall + now - lookedAt - before
})
