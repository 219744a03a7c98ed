/** The slots of a calendar, as a plan. */
import type * as Effect from "effect/Effect"
import { type Calendar, countBetween, localOf, slotAfter, slotBefore } from "./calendar.ts"
import type { Dates } from "./grid.ts"
import type { Missed } from "./memory.ts"
import { earlyWake, type Moment } from "./moment.ts"
import { done, type Plan } from "./plan.ts"

// Cron's limits, 64 seconds and 181 minutes. A wall clock that was set back further was wrong before: its slots come again. Cron looks once a minute.
const isWrong = (calendar: Calendar, latest: number, wall: number): boolean =>
  latest - wall > 64_000 &&
  !(calendar.isFixed && localOf(calendar, latest) - localOf(calendar, wall) <= 10_860_000)

// Reads the clocks. The time that has passed by the steady clock tells whether the wall clock was set back.
export const look = (calendar: Calendar, state: Dates, at: Moment): number => {
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
export const find = (calendar: Calendar, state: Dates, from: number): void => {
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
  grid: () => undefined,
  start: () => ({}),
  next: () => failure,
  output: () => 0
})

export const cronPlan = (calendar: Calendar, missed: Missed): Plan<number, unknown, never, never, Dates> => ({
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
  grid: (state) => ({ calendar, state }),
  look(state, at, delay) {
    const { before, slot } = state
    look(calendar, state, at)
    find(calendar, state, state.done)
    return slot === state.slot ? delay : delay * (state.slot - state.before) / (slot - before)
  },
  since: ({ before, lookedAt, wall }, { now }) => wall + now - lookedAt - before
})
