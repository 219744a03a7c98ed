/** What an attempt sees: the retries that it is in, and `Schedule.CurrentMetadata`. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { constUndefined } from "effect/Function"
import * as Schedule from "effect/Schedule"

/** The retries whose attempt this is, in whatever fiber. */
interface Attempt {
  readonly budgets: ReadonlyArray<string>
}

/** The first attempt of a call. What it takes to go on is in the context, so that one Effect serves all calls. */
interface FirstAttempt {
  readonly outer: Context.Context<never>
  readonly started: bigint
  readonly isDeferred: boolean
}

/** Undefined outside of attempts. */
const CurrentAttempt = Context.Reference<Attempt | FirstAttempt | undefined>("effect-wait/CurrentAttempt", {
  defaultValue: constUndefined
})

const noBudgets: ReadonlyArray<string> = []

/** The budgets of the retries around this attempt; undefined outside of attempts. */
export const budgetsAround = (context: Context.Context<never>): ReadonlyArray<string> | undefined => {
  const attempt = Context.get(context, CurrentAttempt)
  if (attempt === undefined) return undefined
  return "outer" in attempt ? budgetsAround(attempt.outer) ?? noBudgets : attempt.budgets
}

const noMetadata: Schedule.Metadata = Context.get(Context.empty(), Schedule.CurrentMetadata)

// A context that has none is left as it is, which is that of most calls.
export const withoutMetadata = <R>(context: Context.Context<R>): Context.Context<R> =>
  Context.get(context, Schedule.CurrentMetadata) === noMetadata
    ? context
    : Context.add(context, Schedule.CurrentMetadata, noMetadata)

/** The context of an attempt. */
export const withAttempt = <R>(context: Context.Context<R>, budget: string | undefined): Context.Context<R> => {
  const budgets = budgetsAround(context) ?? noBudgets
  return Context.add(context, CurrentAttempt, { budgets: budget === undefined ? budgets : [...budgets, budget] })
}

/** Starts the first attempt in this fiber. */
export const enterFirst = (fiber: Fiber.Fiber<unknown, unknown>, isDeferred: boolean): void => {
  const { context: outer } = fiber
  const started = Context.get(outer, Clock.Clock).monotonicTimeNanosUnsafe()
  const first: FirstAttempt = { outer, started, isDeferred }
  fiber.setContext(Context.add(withoutMetadata(outer), CurrentAttempt, first))
}

/** Ends it. */
export const leaveFirst = (fiber: Fiber.Fiber<unknown, unknown>): FirstAttempt => {
  const first = Context.get(fiber.context, CurrentAttempt) as FirstAttempt
  fiber.setContext(first.outer)
  return first
}

/** The metadata of the attempts of one operation, as `Effect.retry` and `Effect.repeat` give them. */
export interface Attempts {
  /** The schedule was asked about this many attempts. */
  readonly asked: (attempt: number, input: unknown, output: unknown, delay: number) => void
  /** The context of the next attempt. */
  readonly next: <R>(context: Context.Context<R>) => Context.Context<R>
}

export const makeAttempts = (clock: Clock.Clock): Attempts => {
  let start: number | undefined
  let metadata: Schedule.Metadata | undefined
  return {
    asked(attempt, input, output, delay) {
      const now = clock.currentTimeMillisUnsafe()
      start ??= now
      const elapsedSincePrevious = metadata === undefined ? 0 : now - metadata.now
      const elapsed = now - start
      const duration = Duration.millis(delay)
      metadata = { input, output, duration, attempt, start, now, elapsed, elapsedSincePrevious }
    },
    next: (context) =>
      metadata === undefined ? withoutMetadata(context) : Context.add(context, Schedule.CurrentMetadata, metadata)
  }
}

/** The attempt in the context of its number. Where nothing else runs between attempts, the fiber keeps that until `restoring`. */
export const numbered = <A, E, R>(
  attempt: Effect.Effect<A, E, R>,
  attempts: Attempts,
  options: { readonly base: Context.Context<R>; readonly isPlain: boolean; readonly isWatched: boolean }
): Effect.Effect<A, E, R> => {
  const { base, isPlain, isWatched } = options
  if (!isPlain || isWatched) return Effect.updateContext(attempt, attempts.next<R>)
  return Effect.withFiber((fiber) => {
    fiber.setContext(attempts.next(base))
    return attempt
  })
}

/** Gives the fiber its context back at the end. */
export const restoring = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const { context } = fiber
    return Effect.onExit(effect, () => {
      fiber.setContext(context)
      return Effect.void
    })
  })
