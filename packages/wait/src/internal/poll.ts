/** The polls of Poll and Wait: they end with the accepted value, or with a WaitTimeout. */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { constFalse } from "effect/Function"
import * as Option from "effect/Option"
import type * as Predicate from "effect/Predicate"
import { WaitTimeout } from "../WaitTimeout.ts"
import { annotate } from "./annotate.ts"
import { makeAttempts, restoreContext } from "./attempt.ts"
import { withoutStack } from "./describe.ts"
import type { Driver } from "./driver.ts"
import { millisSince } from "./moment.ts"
import { End, type Next, refine } from "./next.ts"
import type { Plan } from "./plan.ts"
import { runNamed } from "./run.ts"

/** The value of a stop that is a deadline: the check in flight finishes. */
export const deadline = Symbol("effect-wait/deadline")

/**
 * A wait between two checks, the input of `onWait`.
 *
 * - `attempts`: how many checks have started
 * - `delay`: the delay before the next check
 * - `missed`: how many slots of a `Period.ticker` or a `Period.cron` passed without a check
 *
 * @category models
 * @since 0.1.0
 */
export interface Waiting {
  readonly attempts: number
  readonly delay: Duration.Duration
  readonly missed: number
}

export const poll = <A, E, R, F>(options: {
  readonly check: Effect.Effect<A, E, R>
  readonly plan: Plan<unknown, A | undefined, F, R>
  /** The error is a defect: the value is no boolean, and there is no predicate. */
  readonly accept: (value: A) => boolean | Cause.IllegalArgumentError
  readonly tolerate?: Predicate.Predicate<E> | undefined
  readonly first: "now" | "anyway" | "later"
  readonly stop: Effect.Effect<unknown, F, R> | undefined
  /** Milliseconds until the poll ends and interrupts the check in flight. */
  readonly timeout: number
  readonly name?: string | undefined
  readonly onWait?: ((waiting: Waiting) => Effect.Effect<unknown, F, R>) | undefined
  /** The reason of the WaitTimeout when the schedule is done. */
  readonly exhausted: "Exhausted" | "Deadline"
}): Effect.Effect<A, E | F | WaitTimeout<A, E>, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    type Polling = Driver<A, E, R, A | undefined, unknown, A, F | WaitTimeout<A, E>>
    const { accept, check, exhausted, first, name, onWait, plan, stop, timeout, tolerate = constFalse } = options
    const clock = Context.get(context, Clock.Clock)
    const started = clock.monotonicTimeNanosUnsafe()
    const last: Array<A> = [] // at most one
    let lastError: Option.Option<E> = Option.none()
    const timedOut = (driver: Polling, _tag: WaitTimeout["reason"]["_tag"]) =>
      Exit.fail(withoutStack(
        new WaitTimeout<A, E>({
          reason: { _tag },
          attempts: driver.attempts,
          elapsed: Duration.millis(millisSince(clock, started)),
          missed,
          last: Option.fromIterable(last),
          lastError
        })
      ))
    const isPlain = plan.prepare === undefined && onWait === undefined && name === undefined
    const attempts = makeAttempts(clock, isPlain ? context : undefined)
    let missed = 0
    const wait = (driver: Polling, delay: number): Next<A, E | F | WaitTimeout<A, E>, R> => {
      missed = driver.at.missed ?? 0
      if (onWait === undefined) return delay
      const waiting = { attempts: driver.attempts, delay: Duration.millis(delay), missed }
      const hook = Effect.suspend(() => onWait(waiting))
      return driver.during(
        delay,
        annotate("poll", name, hook),
        (driver) => timedOut(driver, exhausted)
      )
    }
    const ask = (driver: Polling, value: A | undefined) => {
      if (onWait !== undefined) driver.at.awaitLimit()
      return driver.ask(value)
    }
    const askNext = (driver: Polling, value: A | undefined) =>
      refine(ask(driver, value), (delay) => {
        attempts.record(driver.attempts, value, driver.output(), delay)
        return wait(driver, delay)
      })
    return runNamed<A, E, R, A | undefined, unknown, A, F | WaitTimeout<A, E>>(
      context,
      name,
      {
        kind: "poll",
        first: first !== "later" ? first : (driver) => refine(ask(driver, undefined), (delay) => wait(driver, delay)),
        succeeded(driver, value) {
          const accepted = accept(value)
          if (accepted === true) return new End(Exit.succeed(value))
          if (accepted !== false) return new End(Exit.die(accepted))
          last[0] = value
          return askNext(driver, value)
        },
        failed: options.tolerate === undefined ? undefined : (driver, error, cause) => {
          if (!tolerate(error)) return new End(Exit.failCause(cause))
          lastError = Option.some(error)
          return askNext(driver, last[0])
        },
        ended: (driver, reason) =>
          timedOut(
            driver,
            reason === "exhausted"
              ? exhausted
              : driver.stopped !== undefined && Exit.isSuccess(driver.stopped) && driver.stopped.value === deadline
              ? "Deadline"
              : "Stopped"
          )
      },
      {
        work: isPlain ? check : Effect.updateContext(check, attempts.next<R>),
        plan: onWait === undefined ? plan : { ...plan, timed: true }, // the run time of a hook is part of the delay
        stop
      },
      timeout === Infinity
        ? isPlain ? restoreContext : undefined
        : (loop, driver) =>
          timeout === 0 && driver.stopped === undefined
            ? timedOut(driver, "Deadline")
            : Effect.raceFirst(
              Effect.flatMap(Effect.sleep(Duration.millis(timeout)), () => timedOut(driver, "Deadline")),
              isPlain ? restoreContext(loop) : loop
            )
    )
  })
