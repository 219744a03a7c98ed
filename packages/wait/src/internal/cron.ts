/** The slots of a calendar, as a plan. */
import { type Calendar, countBetween, localOf, slotAfter, slotBefore } from "./calendar.ts"
import { earlyWake, type Moment } from "./moment.ts"
import { done, type Plan } from "./plan.ts"

const second = 1000
const minute = 60 * second

/** What becomes of slots that pass during a run. */
export type Missed = "skip" | "one" | "all"

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
    latest: -Infinity
  }),
  output: ({ runs }) => runs,
  next(state, at) {
    const isFirst = ++state.runs === 0
    const isServed = !isFirst && !at.isExtra
    const doneBefore = state.done
    if (isServed) state.done = Math.max(state.done, state.slot)
    const wall = look(calendar, state, at)
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
  look(state, at, delay) {
    const { before, slot } = state
    look(calendar, state, at)
    find(calendar, state, state.done)
    return slot === state.slot ? delay : delay * (state.slot - state.before) / (slot - before)
  },
  since: ({ before, lookedAt, wall }, { now }) => wall + now - lookedAt - before
})
