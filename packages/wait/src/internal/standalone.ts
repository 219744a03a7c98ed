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
 * Effect's drivers pass only `now`. So a run counts as started when its delay has passed, and a `now` that lies before the last one
 * counts as just that. A step that comes before is for a run that another schedule wanted: the run that
 * this schedule waits for is still to come.
 */
export class Standalone implements Moment {
  // Declared, these fields take no bytes: the constructor and the first step set them.
  declare readonly random: Draws
  /** When the schedule started. */
  declare readonly first: number
  declare now: number
  declare start: number
  declare due: number
  declare isExtra: boolean
  declare private readonly asking: Asking | undefined
  /** The driver of the current step, if it is one of this library. */
  declare private driver: Moment | undefined
  /** When this schedule wants its next run: set after each step. */
  declare wanted: number
  /** The `now` of the last step, and how far the time of this Moment is from it. */
  declare private stepped: number
  declare private offset: number
  declare private readonly clock: Clock.Clock
  declare private readonly origin: bigint
  /** By how much the wall clock was ahead of the one that cannot be stepped, at the last step. */
  declare private ahead: number
  /** By how much the wall clock was set back since the schedule started, as far as it was not set forward again. */
  declare private behind: number

  constructor(fiber: Fiber.Fiber<unknown, unknown>) {
    const clock = this.clock = fiber.getRef(Clock.Clock)
    this.origin = clock.monotonicTimeNanosUnsafe()
    const started = this.stepped = this.ahead = clock.currentTimeMillisUnsafe()
    const asking = this.asking = fiber.getRef(CurrentAsking)
    this.random = fiber.getRef(Random.Random)
    this.behind = 0
    this.first =
      this.now =
      this.start =
      this.wanted =
        asking?.at.start ?? started
    this.offset = this.first - started
  }

  /** A step is made. */
  enter(stepped: number, timed: boolean): void {
    const driver = this.driver = this.asking?.now === stepped ? this.asking.at : undefined
    this.now = driver?.now ?? (timed ? this.timeAt(stepped) : stepped)
    this.stepped = stepped
    this.isExtra = (driver?.start ?? this.now) < this.wanted - earlyWake
    this.start = driver?.start ?? (this.isExtra ? this.now : this.wanted)
    this.due = driver?.due ?? this.start
  }

  // The clock that cannot be stepped tells whether the wall clock was set back.
  private timeAt(stepped: number): number {
    // In the same millisecond there is nothing to tell: the next one has it.
    if (stepped !== this.stepped) {
      const ahead = stepped - Number(this.clock.monotonicTimeNanosUnsafe() - this.origin) / 1_000_000
      const back = this.ahead - ahead
      this.ahead = ahead
      // The driver has read the wall clock for this step. Where that seems to be set back it is read once more: a `now` a second
      // away from it is no time of the wall clock.
      if (back <= earlyWake || Math.abs(this.clock.currentTimeMillisUnsafe() - stepped) < 1000) {
        this.behind = Math.max(0, this.behind + back)
      }
    }
    const now = stepped + this.offset + (this.behind > earlyWake ? this.behind : 0)
    if (now >= this.now) return now
    this.offset += this.wanted - now
    return this.wanted
  }

  get isFirst(): boolean | undefined {
    return this.driver?.isFirst
  }

  followCalendar(): void {
    this.asking?.at.followCalendar?.()
  }

  wall(): number {
    return this.driver?.wall() ?? this.stepped
  }

  stepTime(time: number): number {
    return time - this.now + this.stepped
  }

  miss(slots: () => number): void {
    this.driver?.miss(slots)
  }

  expire(time: number): void {
    this.driver?.expire?.(time)
  }
}
