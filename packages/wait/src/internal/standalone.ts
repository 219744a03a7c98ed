/** The time of a schedule that this library does not drive: under Effect's own drivers, and inside other schedules. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { type Draws, earlyWake, millisSince, type Moment } from "./moment.ts"

/** A driver, or a schedule, of this library that asks a schedule of another library. */
export interface Asking {
  readonly at: Moment
  /** The `now` of the last step. */
  readonly now: number
}

/**
 * Set while a schedule of another library starts. A schedule of this library inside it takes its time from here, in steps with
 * this `now`. A loop inside a user's own effects has another `now`.
 */
export const CurrentAsking = Context.Reference<Asking | undefined>("effect-wait/CurrentAsking", {
  defaultValue: () => undefined
})

/** By how much a step may come after its `now` was read. */
const tolerance = 50

/**
 * All that Effect's drivers tell is `now`, by a clock that can be stepped. So a run counts as started when its delay has passed. A
 * step that comes before is for a run that another schedule wanted: the run that this schedule waits for is still to come.
 */
export class Standalone implements Moment {
  readonly random: Draws
  /** When the schedule started. */
  readonly first: number
  now: number
  start: number
  due: number
  isExtra = false
  private readonly asking: Asking | undefined
  private readonly clock: Clock.Clock
  private readonly origin: bigint
  /** When this schedule wants its next run. */
  private wanted: number
  /** The `now` of the last step, and how far it is from the time of this Moment. */
  private stepped: number
  private offset = 0

  constructor(random: Draws, clock: Clock.Clock, asking: Asking | undefined) {
    this.random = random
    this.clock = clock
    this.asking = asking
    this.origin = clock.monotonicTimeNanosUnsafe()
    this.stepped = clock.currentTimeMillisUnsafe()
    this.first = this.now = this.start = this.due = this.wanted = asking?.at.start ?? this.stepped
    this.offset = this.first - this.stepped
  }

  get at(): Moment {
    return this
  }

  /** The Moment of a step. */
  enter(stepped: number): Moment {
    const { asking } = this
    if (asking !== undefined && asking.now === stepped) {
      this.now = asking.at.now
      this.isExtra = this.now < this.wanted - earlyWake
      this.start = asking.at.start
      this.due = asking.at.due
    } else {
      this.now = this.timeOf(stepped)
      this.isExtra = this.now < this.wanted - earlyWake
      this.start = this.due = this.isExtra ? this.now : this.wanted
    }
    this.stepped = stepped
    return this
  }

  // A live clock tells how much time has passed, and cannot be stepped. In a replay, a clock that goes back counts as the time at
  // which the run was due.
  private timeOf(stepped: number): number {
    if (Math.abs(this.clock.currentTimeMillisUnsafe() - stepped) <= tolerance) {
      const now = this.first + millisSince(this.clock, this.origin)
      this.offset = now - stepped
      return now
    }
    if (stepped < this.stepped) this.offset = this.wanted - stepped
    return stepped + this.offset
  }

  /** Notes what the step answered. */
  leave(wait: number): void {
    this.wanted = this.now + wait
  }

  wall(): number {
    return this.asking !== undefined && this.asking.now === this.stepped ? this.asking.at.wall() : this.stepped
  }

  stepTime(time: number): number {
    return time - this.offset
  }

  miss(): void {}
}

// For schedules that do not read the time.
const timeless = (random: Draws): Pick<Standalone, "at" | "first" | "enter" | "leave"> => {
  const at = {
    random,
    now: 0,
    start: 0,
    due: 0,
    isExtra: false,
    wall: () => 0,
    stepTime: (time: number) => time,
    miss: () => {}
  }
  return { at, first: 0, enter: () => at, leave: () => {} }
}

/** The time of a schedule that starts in this fiber. */
export const observe = (
  timed: boolean,
  fiber: Fiber.Fiber<unknown, unknown>
): Pick<Standalone, "at" | "first" | "enter" | "leave"> => {
  const random = fiber.getRef(Random.Random)
  return timed ? new Standalone(random, fiber.getRef(Clock.Clock), fiber.getRef(CurrentAsking)) : timeless(random)
}
