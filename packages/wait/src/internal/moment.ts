/** The time and the draws of a loop. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Random from "effect/Random"

/** A Random service. */
export type Draws = Context.Service.Shape<typeof Random.Random>

/**
 * When a schedule is asked, and about which run. Times are in milliseconds, on a clock that cannot be stepped.
 */
export interface Moment {
  readonly random: Draws
  /** When the schedule is asked: at the end of the run, except for Go's timers that do not slide. */
  readonly now: number
  /** The end of the run, where `now` is another time. */
  readonly ended?: number | undefined
  /** When the run started. */
  readonly start: number
  /** When the run was due: its timer woke up to `earlyWake` early, or late. */
  readonly due: number
  /** The schedule did not want this run: it was triggered, or retried a failure. The run that it waits for is still to come. */
  readonly isExtra: boolean
  /** No run came before: the schedule is asked for the delay before the first one. */
  readonly isFirst?: boolean | undefined
  /** `now` by the wall clock, for calendars. */
  wall(): number
  /** A time as the steps of other libraries take it: by the wall clock, from which it starts. */
  stepTime(time: number): number
  /** Counts slots that passed without a run, if something wants to know. */
  miss(slots: () => number): void
  /** The schedule allows no run after this time. */
  expire?(time: number): void
  /** There is a calendar in a schedule of another library. */
  followCalendar?(): void
}

/** The same Moment, or one with another `due`. A subclass overrides what else differs. */
export class SameMoment implements Moment {
  declare protected readonly at: Moment
  declare private readonly wanted: number | undefined

  constructor(at: Moment, due?: number) {
    this.at = at
    this.wanted = due
  }

  get random(): Draws {
    return this.at.random
  }

  get now(): number {
    return this.at.now
  }

  get ended(): number | undefined {
    return this.at.ended
  }

  get start(): number {
    return this.at.start
  }

  get due(): number {
    return this.wanted ?? this.at.due
  }

  get isExtra(): boolean {
    return this.at.isExtra
  }

  get isFirst(): boolean | undefined {
    return this.at.isFirst
  }

  wall(): number {
    return this.at.wall() - (this.at.now - this.now)
  }

  stepTime(time: number): number {
    return this.at.stepTime(time)
  }

  miss(slots: () => number): void {
    this.at.miss(slots)
  }

  expire(time: number): void {
    this.at.expire?.(time)
  }
}

/** By how many milliseconds a timer may wake early. */
export const earlyWake = 2

/** Two times that differ by fewer milliseconds are the same: a sum of fractions is not exact. */
export const rounding = 1e-5

/** The Clock of a program that has no other. */
export const liveClock = Context.get(Context.empty(), Clock.Clock)

// One origin serves all loops of a Clock: a BigInt for each loop would take 24 bytes more.
const origins = new WeakMap<Clock.Clock, bigint>()

const originOf = (clock: Clock.Clock): bigint => {
  const known = origins.get(clock)
  if (known !== undefined) return known
  const origin = clock.monotonicTimeNanosUnsafe()
  origins.set(clock, origin)
  return origin
}

// A number that is added to it is rounded to a multiple of 2^-20.
const grain = 6_442_450_944

/**
 * Nanoseconds in milliseconds: a multiple of 2^-20 ms, about a nanosecond. So the sums and differences of whole milliseconds are exact,
 * and times that are equal compare as equal.
 */
const millisOf = (nanos: bigint): number => Number(nanos) / 1e6 + grain - grain

/** The milliseconds since a reading of a clock that cannot be stepped. */
export const millisSince = (clock: Clock.Clock, origin: bigint): number =>
  millisOf(clock.monotonicTimeNanosUnsafe() - origin)

/** The Moment of a loop. Its times count from the first time that a loop read this Clock. */
export class LoopMoment implements Moment {
  declare readonly random: Draws
  /** Undefined where no part of the loop reads the time. */
  declare readonly clock: Clock.Clock | undefined
  declare readonly origin: bigint
  declare now: number
  declare start: number
  declare due: number
  // When the schedule wants a run: only in a loop that may run before.
  declare private wanted?: number
  // Only in a loop that is watched.
  declare missed?: number
  // Only in a loop that is watched: the wall clock's time, if it was read at `now`.
  declare private wallRead?: number
  // Only in a loop with a schedule of another library: the wall clock's time at 0.
  declare private wallOrigin?: number
  // Only where a hook may take longer than the delay.
  declare private limit?: number
  // Only where a schedule of another library has a calendar in it.
  declare isOnCalendar?: boolean

  /** `started`: a reading of the Clock, if the first run started before the loop. */
  constructor(random: Draws, clock?: Clock.Clock, started?: bigint) {
    this.random = random
    this.clock = clock
    if (clock !== undefined) this.origin = originOf(clock)
    this.now = this.start = this.due = started === undefined ? 0 : millisOf(started - this.origin)
  }

  /** Reads the clock. */
  look(): void {
    if (this.clock === undefined) return
    this.now = millisSince(this.clock, this.origin)
    if (this.wallRead !== undefined) this.wallRead = NaN
  }

  /** The next run comes after this delay. */
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

  /** The schedule wants a run after this delay. */
  want(delay: number): void {
    if (this.wanted !== undefined) this.wanted = this.now + delay
  }

  get isExtra(): boolean {
    return this.wanted !== undefined && this.start < this.wanted - earlyWake
  }

  /** From now on, runs may come before the schedule wants them. */
  expectExtra(): void {
    if (this.clock !== undefined) this.wanted = -Infinity
  }

  countMissed(): void {
    if (this.clock === undefined) return
    this.missed = 0
    this.wallRead = NaN
  }

  stepTime(time: number): number {
    return (this.wallOrigin ??= this.wall() - this.now) + time
  }

  wall(): number {
    const wall = this.clock?.currentTimeMillisUnsafe() ?? NaN
    if (this.wallRead !== undefined) this.wallRead = wall
    return wall
  }

  /** The wall clock's time at `now`, as a calendar has read it; else what it is now. */
  lastWall(): number {
    return this.wallRead || this.wall() // undefined, or NaN: it was not read
  }

  miss(slots: () => number): void {
    if (this.missed !== undefined) this.missed += slots()
  }

  followCalendar(): void {
    this.isOnCalendar = true
  }

  /** The next step of the schedule says until when a run may start. */
  awaitLimit(): void {
    if (this.clock !== undefined) this.limit = Infinity
  }

  expire(time: number): void {
    if (this.limit !== undefined) this.limit = Math.min(this.limit, time)
  }

  /** Whether that has passed, or will have passed after this delay. */
  isExpired(delay = 0): boolean {
    this.look()
    return this.limit !== undefined && this.now + delay > this.limit
  }
}

let latest: LoopMoment | undefined

/** The Moment of loops in which no part reads the time. They share it, and nothing writes to it. */
export const withoutClock = (random: Draws): LoopMoment =>
  latest?.random === random ? latest : latest = new LoopMoment(random)
