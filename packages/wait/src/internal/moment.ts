/** The time and the draws of a loop. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Random from "effect/Random"

/** A Random service. */
export type Draws = Context.Service.Shape<typeof Random.Random>

/** The time of a step of a schedule, and of the run before it. Times are in milliseconds, by a monotonic clock. */
export interface Moment {
  readonly random: Draws
  /** When the step is made: at the end of the run, except for Go's timers that do not slide. */
  readonly now: number
  /** The end of the run, where `now` is another time. */
  readonly ended?: number
  /** When the run started. */
  readonly start: number
  /** When the run was due: its timer woke up to `earlyWake` early, or late. */
  readonly due: number
  /**
   * The run's slot by the schedule itself. Only in a watched loop, where a trigger or a backoff may start the run
   * earlier.
   */
  readonly wanted?: number | undefined
  /** `now` by the wall clock, for calendars. */
  wall(): number
  /** Counts slots that passed without a run. It calls `slots` only in a loop that is watched. */
  miss(slots: () => number): void
}

/** The Moment at which the run started. */
export const atStart = (at: Moment): Moment => ({
  random: at.random,
  now: at.start,
  ended: at.now,
  start: at.start,
  due: at.due,
  wanted: at.wanted,
  wall: () => at.wall() - (at.now - at.start),
  miss: (slots) => at.miss(slots)
})

/** By how many milliseconds a timer may wake early. */
export const earlyWake = 2

/** Effect's default Clock. */
export const liveClock = Context.get(Context.empty(), Clock.Clock)

// All loops of a Clock share one origin: a BigInt for each loop would take 24 bytes more.
const origins = new WeakMap<Clock.Clock, bigint>()

const originOf = (clock: Clock.Clock): bigint => {
  const known = origins.get(clock)
  if (known !== undefined) return known
  const origin = clock.monotonicTimeNanosUnsafe()
  origins.set(clock, origin)
  return origin
}

/** The milliseconds since a reading of the monotonic clock. */
export const millisSince = (clock: Clock.Clock, origin: bigint): number =>
  Number(clock.monotonicTimeNanosUnsafe() - origin) / 1_000_000

/** The Moment of a loop. Its times count from the first time that a loop read this Clock. */
export class LoopMoment implements Moment {
  readonly random: Draws
  /** Undefined where no part of the loop reads the time. */
  readonly clock: Clock.Clock | undefined
  readonly origin: bigint
  now: number
  start: number
  due: number
  // Both are set only in a loop that is watched.
  declare wanted?: number
  declare missed?: number

  constructor(random: Draws, clock: Clock.Clock | undefined, origin: bigint, now: number) {
    this.random = random
    this.clock = clock
    this.origin = origin
    this.now = now
    this.start = now
    this.due = now
  }

  /** Reads the clock. */
  look(): void {
    if (this.clock !== undefined) this.now = millisSince(this.clock, this.origin)
  }

  /** The next run is due after this delay. */
  setDue(delay: number): void {
    if (this.clock === undefined) return
    this.start = this.now
    this.due = this.now + delay
  }

  /** A run starts. */
  startRun(): void {
    if (this.clock === undefined) return
    this.look()
    this.start = this.now
  }

  /** The schedule itself has a slot after this delay. */
  want(delay: number): void {
    this.look()
    this.wanted = this.now + delay
  }

  wall(): number {
    return this.clock?.currentTimeMillisUnsafe() ?? NaN
  }

  miss(slots: () => number): void {
    if (this.missed !== undefined) this.missed += slots()
  }
}

/** The Moment of a loop that starts now, or that started at this reading of the Clock. */
export const makeMoment = (
  random: Draws,
  clock: Clock.Clock,
  started: bigint = clock.monotonicTimeNanosUnsafe()
): LoopMoment => {
  const origin = originOf(clock)
  return new LoopMoment(random, clock, origin, Number(started - origin) / 1_000_000)
}

/** The Moment of a loop that is watched: its runs may be triggered, and its missed slots are counted. */
export const makeWatchedMoment = (random: Draws, clock: Clock.Clock): LoopMoment => {
  const at = makeMoment(random, clock)
  at.wanted = -Infinity
  at.missed = 0
  return at
}

const withoutClocks = new WeakMap<Draws, LoopMoment>()

/** The Moment of loops in which no part reads the time. They share one, and never write to it. */
export const withoutClock = (random: Draws): LoopMoment => {
  const known = withoutClocks.get(random)
  if (known !== undefined) return known
  const at = new LoopMoment(random, undefined, BigInt(0), 0)
  withoutClocks.set(random, at)
  return at
}
