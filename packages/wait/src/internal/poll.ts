/** What Poll and Wait have in common: a job that ends with the value that was accepted, or with a WaitTimeout. */
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
import { makeAttempts, restoring } from "./attempt.ts"
import { withoutStack } from "./describe.ts"
import type { Driver } from "./driver.ts"
import { millisSince } from "./moment.ts"
import { End, type Next, refine } from "./next.ts"
import type { Plan } from "./plan.ts"
import { runNamed } from "./run.ts"

/** A stop that completes with this is a deadline that lets the check in flight finish. */
export const deadline = Symbol("effect-wait/deadline")

/**
 * What `onWait` gets before a delay.
 *
 * - `attempts`: how many checks were started
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
  /** Dies for a value that is neither accepted nor refused. */
  readonly accept: (value: A) => boolean | Cause.IllegalArgumentError
  readonly tolerate?: Predicate.Predicate<E> | undefined
  readonly first: "now" | "anyway" | "later"
  readonly stop: Effect.Effect<unknown, F, R> | undefined
  /** Milliseconds until the wait is over and the check in flight is interrupted. */
  readonly timeout: number
  readonly name?: string | undefined
  readonly onWait?: ((waiting: Waiting) => Effect.Effect<unknown, F, R>) | undefined
  /** What the end of the schedule means. */
  readonly exhausted: "Exhausted" | "Deadline"
}): Effect.Effect<A, E | F | WaitTimeout<A, E>, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    type Polling = Driver<A, E, R, A | undefined, unknown, A, F | WaitTimeout<A, E>>
    const { accept, check, exhausted, first, name, onWait, plan, stop, timeout, tolerate = constFalse } = options
    const clock = Context.get(context, Clock.Clock)
    const begun = clock.monotonicTimeNanosUnsafe()
    const last: Array<A> = [] // none or one
    let lastError: Option.Option<E> = Option.none()
    const timedOut = (driver: Polling, _tag: WaitTimeout["reason"]["_tag"]) =>
      Exit.fail(withoutStack(
        new WaitTimeout<A, E>({
          reason: { _tag },
          attempts: driver.attempts,
          elapsed: Duration.millis(millisSince(clock, begun)),
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
        name === undefined ? hook : Effect.annotateLogs(hook, "poll", name),
        (driver) => timedOut(driver, exhausted)
      )
    }
    const ask = (driver: Polling, value: A | undefined) => {
      if (onWait !== undefined) driver.at.awaitLimit()
      return driver.ask(value)
    }
    const again = (driver: Polling, value: A | undefined) =>
      refine(ask(driver, value), (delay) => {
        attempts.asked(driver.attempts, value, driver.output(), delay)
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
          return again(driver, value)
        },
        failed: options.tolerate === undefined ? undefined : (driver, error, cause) => {
          if (!tolerate(error)) return new End(Exit.failCause(cause))
          lastError = Option.some(error)
          return again(driver, last[0])
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
        plan: onWait === undefined ? plan : { ...plan, timed: true }, // the time that a hook takes counts
        stop
      },
      timeout === Infinity
        ? isPlain ? restoring : undefined
        : (loop, driver) =>
          timeout === 0 && driver.stopped === undefined
            ? timedOut(driver, "Deadline")
            : Effect.raceFirst(
              Effect.flatMap(Effect.sleep(Duration.millis(timeout)), () => timedOut(driver, "Deadline")),
              isPlain ? restoring(loop) : loop
            )
    )
  })
