/** What Poll and Wait have in common: a job that ends with the value that was accepted, or with a WaitTimeout. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { constFalse } from "effect/Function"
import * as Option from "effect/Option"
import type * as Predicate from "effect/Predicate"
import { WaitTimeout } from "../WaitTimeout.ts"
import { withoutStack } from "./describe.ts"
import type { Driver } from "./driver.ts"
import { millisSince } from "./moment.ts"
import { End } from "./next.ts"
import type { AnyPlan } from "./plan.ts"
import { runNamed } from "./run.ts"

/** A stop that completes with this is a deadline that lets the check in flight finish. */
export const deadline = Symbol("effect-wait/deadline")

export const poll = <A, E, R, F>(options: {
  readonly check: Effect.Effect<A, E, R>
  readonly plan: AnyPlan<unknown, A | undefined, F, R>
  readonly accept: Predicate.Predicate<A>
  readonly tolerate?: Predicate.Predicate<E> | undefined
  readonly first: "now" | "anyway" | "later"
  readonly stop: Effect.Effect<unknown, F, R> | undefined
  /** Milliseconds until the wait is over and the check in flight is interrupted. */
  readonly timeout: number
  readonly name?: string | undefined
  /** What the end of the schedule means. */
  readonly exhausted: "Exhausted" | "Deadline"
}): Effect.Effect<A, E | F | WaitTimeout<A, E>, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    type Polling = Driver<A, E, R, A | undefined, unknown, A, F | WaitTimeout<A, E>>
    const { accept, check, exhausted, first, name, plan, stop, timeout, tolerate = constFalse } = options
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
          last: Option.fromIterable(last),
          lastError
        })
      ))
    return runNamed<A, E, R, A | undefined, unknown, A, F | WaitTimeout<A, E>>(
      context,
      name,
      {
        kind: "poll",
        first: first === "later" ? { later: undefined } : first,
        timed: false,
        succeeded(driver, value) {
          if (accept(value)) return new End(Exit.succeed(value))
          last[0] = value
          return driver.ask(value)
        },
        failed: options.tolerate === undefined ? undefined : (driver, error, cause) => {
          if (!tolerate(error)) return new End(Exit.failCause(cause))
          lastError = Option.some(error)
          return driver.ask(last[0])
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
      { work: check, plan, stop },
      timeout === Infinity
        ? undefined
        : (loop, driver) =>
          timeout === 0 && driver.stopped === undefined
            ? timedOut(driver, "Deadline")
            : Effect.raceFirst(
              Effect.flatMap(Effect.sleep(Duration.millis(timeout)), () => timedOut(driver, "Deadline")),
              loop
            )
    )
  })
