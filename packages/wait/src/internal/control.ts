/** How a loop waits, and how it is stopped and triggered. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { liveClock } from "./moment.ts"

/** A longer timer fires at once. */
const longestTimer = 2_147_483_647

/** The result of a wait that was cut short: no delay. */
export const noDelay = Effect.succeed(0)

// The result of an interrupted loop, which nothing reads.
const unfinished = Exit.void as Exit.Exit<never>

/** The part of a loop that waits. As an Effect it clears its timer and gives the result of the loop. */
export abstract class Control<B, E, F, R> extends Effectable.Class<B, E> {
  declare readonly context: Context.Context<R>
  /** Whether anything can stop or trigger the loop. */
  declare readonly isOpen: boolean
  stopped: Exit.Exit<unknown, F> | undefined = undefined
  /** The next run comes without a delay, and serves the trigger. */
  protected triggered = false
  /** Ends the current wait; undefined when the wait is over. */
  protected wake: ((noDelay: Effect.Effect<number>) => void) | undefined = undefined
  private timer: ReturnType<typeof setTimeout> | undefined = undefined
  // Only where something in a run listens.
  declare private listeners?: Set<() => void>

  constructor(context: Context.Context<R>, isOpen: boolean) {
    super()
    this.context = context
    this.isOpen = isOpen
  }

  protected abstract readonly isAsleep: boolean

  protected abstract readonly result: Exit.Exit<B, E> | undefined

  asEffect(): Exit.Exit<B, E> {
    clearTimeout(this.timer)
    return this.result ?? unfinished
  }

  /** Ends the loop at its next boundary. A failure of the stop wins over a success. */
  stop(exit: Exit.Exit<unknown, F>): void {
    if (this.stopped === undefined || Exit.isSuccess(this.stopped)) this.stopped = exit
    this.endWait()
    this.listeners?.forEach((listener) => listener())
  }

  /** Calls the listener when the loop is stopped, at once if it is. The result ends that. */
  listen(listener: () => void): () => void {
    const listeners = this.listeners ??= new Set()
    listeners.add(listener)
    if (this.stopped !== undefined) listener()
    return () => listeners.delete(listener)
  }

  /** Wakes a sleeping loop. During a run or a step of the schedule it requests one more run. */
  trigger(): void {
    this.triggered = true
    if (this.isAsleep) this.endWait()
  }

  protected endWait(): void {
    const { wake } = this
    if (wake === undefined) return
    this.wake = undefined
    clearTimeout(this.timer)
    wake(noDelay)
  }

  /** Sleeps for this time, or until a stop or a trigger. */
  protected sleep(millis: number): Effect.Effect<unknown, E, R> {
    const clock = Context.get(this.context, Clock.Clock)
    if (clock !== liveClock || millis > longestTimer) return this.wait(clock.sleep(Duration.millis(millis)))
    // The same as the live Clock's own `sleep`, with less memory.
    return Effect.callback((resume) => {
      if (this.isCutShort) return resume(noDelay)
      this.timer = setTimeout(resume, millis, noDelay)
      if (this.isOpen) this.wake = resume
      return this as Effect.Effect<unknown, unknown> as Effect.Effect<void> // one record is the finalizer too
    })
  }

  /** Waits for an effect: in a fiber of its own if a stop or a trigger can end the wait. */
  protected wait<X>(effect: Effect.Effect<X, E, R>): Effect.Effect<X | number, E, R> {
    if (!this.isOpen) return effect
    return Effect.callback<X | number, E, R>((resume) => {
      if (this.isCutShort) return resume(noDelay)
      const fiber = Effect.runForkWith(this.context)(effect)
      this.wake = () => fiber.interruptUnsafe()
      fiber.addObserver((exit) => resume(this.wake === undefined ? noDelay : exit))
      if (this.isCutShort) this.endWait() // the effect itself has stopped or triggered the loop
      return Fiber.interrupt(fiber)
    })
  }

  private get isCutShort(): boolean {
    return this.stopped !== undefined || (this.triggered && this.isAsleep)
  }
}
