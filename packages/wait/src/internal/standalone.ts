/** The time of a schedule that this library does not drive: under Effect's own drivers, and inside other schedules. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { type Draws, earlyWake, type Moment } from "./moment.ts"

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

/**
 * Effect's drivers pass only `now`, by a clock that can be stepped. So a run counts as started when its delay has passed, and a
 * clock that was set back counts as just that. A step that comes before is for a run that another schedule wanted: the run that
 * this schedule waits for is still to come.
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
  /** When this schedule wants its next run. */
  private wanted: number
  /** The `now` of the last step, and how far it is from the time of this Moment. */
  private stepped: number
  private offset: number

  constructor(random: Draws, started: number, asking: Asking | undefined) {
    this.random = random
    this.asking = asking
    this.stepped = started
    this.first =
      this.now =
      this.start =
      this.due =
      this.wanted =
        asking?.at.start ?? this.stepped
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
      this.start = asking.at.start
      this.isExtra = this.start < this.wanted - earlyWake
      this.due = asking.at.due
    } else {
      if (stepped < this.stepped) this.offset = this.wanted - stepped
      this.now = stepped + this.offset
      this.isExtra = this.now < this.wanted - earlyWake
      this.start = this.due = this.isExtra ? this.now : this.wanted
    }
    this.stepped = stepped
    return this
  }

  expire(time: number): void {
    if (this.asking !== undefined && this.asking.now === this.stepped) this.asking.at.expire?.(time)
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

  miss(slots: () => number): void {
    if (this.asking !== undefined && this.asking.now === this.stepped) this.asking.at.miss(slots)
  }
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
  return timed
    ? new Standalone(random, fiber.getRef(Clock.Clock).currentTimeMillisUnsafe(), fiber.getRef(CurrentAsking))
    : timeless(random)
}
