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
  // What the constructor sets needs no field of its own: that is some bytes.
  declare readonly random: Draws
  /** When the schedule started. */
  declare readonly first: number
  declare now: number
  declare start: number
  declare due: number
  isExtra = false
  declare private readonly asking: Asking | undefined
  /** The driver of the current step, if it is one of this library. */
  private driver: Moment | undefined = undefined
  /** When this schedule wants its next run. */
  declare private wanted: number
  /** The `now` of the last step, and how far the time of this Moment is from it. */
  declare private stepped: number
  declare private offset: number

  constructor(fiber: Fiber.Fiber<unknown, unknown>) {
    const started = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
    const asking = this.asking = fiber.getRef(CurrentAsking)
    this.random = fiber.getRef(Random.Random)
    this.stepped = started
    this.first =
      this.now =
      this.start =
      this.due =
      this.wanted =
        asking?.at.start ?? started
    this.offset = this.first - started
  }

  /** A step is made. */
  enter(stepped: number): void {
    const driver = this.driver = this.asking?.now === stepped ? this.asking.at : undefined
    if (driver === undefined && stepped < this.stepped) this.offset = this.wanted - stepped
    this.stepped = stepped
    this.now = driver?.now ?? stepped + this.offset
    this.isExtra = (driver?.start ?? this.now) < this.wanted - earlyWake
    this.start = driver?.start ?? (this.isExtra ? this.now : this.wanted)
    this.due = driver?.due ?? this.start
  }

  /** Notes what the step answered. */
  leave(wait: number): void {
    this.wanted = this.now + wait
  }

  wall(): number {
    return this.driver?.wall() ?? this.stepped
  }

  stepTime(time: number): number {
    return time - this.offset
  }

  miss(slots: () => number): void {
    this.driver?.miss(slots)
  }

  expire(time: number): void {
    this.driver?.expire?.(time)
  }
}
