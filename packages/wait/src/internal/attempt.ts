/** The context of an attempt: the retries around it, and `Schedule.CurrentMetadata`. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { constUndefined } from "effect/Function"
import * as Schedule from "effect/Schedule"

/** The budgets of the retries around an attempt. The fibers of the attempt inherit it. */
interface Attempt {
  readonly budgets: ReadonlyArray<string>
}

/** The first attempt of an operation. Its state is in the context, so that one Effect serves all operations. */
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

/** A context without metadata. Most contexts have none, and stay as they are. */
export const withoutMetadata = <R>(context: Context.Context<R>): Context.Context<R> =>
  Context.get(context, Schedule.CurrentMetadata) === noMetadata
    ? context
    : Context.add(context, Schedule.CurrentMetadata, noMetadata)

/** The context of an attempt. */
export const withAttempt = <R>(context: Context.Context<R>, budget: string | undefined): Context.Context<R> => {
  const budgets = budgetsAround(context) ?? noBudgets
  return Context.add(context, CurrentAttempt, { budgets: budget === undefined ? budgets : [...budgets, budget] })
}

// The last context, and what was found in it. Most operations have the context of the operation before: they look nothing up.
let known: Context.Context<never> | undefined
let clock: Clock.Clock
let base: Context.Context<never>

/** Starts the first attempt in this fiber. */
export const enterFirst = (fiber: Fiber.Fiber<unknown, unknown>, isDeferred: boolean): void => {
  const { context: outer } = fiber
  if (outer !== known) {
    known = outer
    clock = Context.get(outer, Clock.Clock)
    base = withoutMetadata(outer)
  }
  const first: FirstAttempt = { outer, started: clock.monotonicTimeNanosUnsafe(), isDeferred }
  fiber.setContext(Context.add(base, CurrentAttempt, first))
}

/** Ends the first attempt, and gives the fiber its context back. */
export const leaveFirst = (fiber: Fiber.Fiber<unknown, unknown>): FirstAttempt => {
  const first = Context.get(fiber.context, CurrentAttempt) as FirstAttempt
  fiber.setContext(first.outer)
  return first
}

/** The metadata of the attempts of one operation, as `Effect.retry` and `Effect.repeat` give them. */
export interface Attempts {
  /** Records a step of the schedule after this attempt. */
  readonly record: (attempt: number, input: unknown, output: unknown, delay: number) => void
  /** The context of the next attempt. */
  readonly next: <R>(context: Context.Context<R>) => Context.Context<R>
}

/**
 * The metadata of the attempts of one operation. Where nothing else runs between attempts there is a `base`: the fiber keeps the
 * context of an attempt until the schedule is asked about it.
 */
export const makeAttempts = (clock: Clock.Clock, base: Context.Context<never> | undefined): Attempts => {
  let metadata: Schedule.Metadata | undefined
  const next = <R>(context: Context.Context<R>): Context.Context<R> =>
    metadata === undefined ? withoutMetadata(context) : Context.add(context, Schedule.CurrentMetadata, metadata)
  return {
    record(attempt, input, output, delay) {
      const now = clock.currentTimeMillisUnsafe()
      const start = metadata === undefined ? now : metadata.start
      const elapsedSincePrevious = metadata === undefined ? 0 : now - metadata.now
      const duration = delay === 0 ? Duration.zero : Duration.millis(delay)
      metadata = { input, output, duration, attempt, start, now, elapsed: now - start, elapsedSincePrevious }
      if (base !== undefined) Fiber.getCurrent()?.setContext(next(base))
    },
    next
  }
}

/** Starts the attempts without metadata, and gives the fiber its context back at the end. */
export const restoreContext = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const { context } = fiber
    fiber.setContext(withoutMetadata(context))
    return Effect.onExit(effect, () => {
      fiber.setContext(context)
      return Effect.void
    })
  })
