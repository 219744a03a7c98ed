/** How `Retry.run` retries: the first attempt in place, and a loop from the first failure on. */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { constTrue, constUndefined, type LazyArg } from "effect/Function"
import * as Option from "effect/Option"
import type * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import { RetryBudget } from "../RetryBudget.ts"
import { RetryExhausted } from "../RetryExhausted.ts"
import { annotate } from "./annotate.ts"
import * as args from "./args.ts"
import {
  type Attempts,
  budgetsAround,
  enterFirst,
  leaveFirst,
  makeAttempts,
  withAttempt,
  withoutMetadata
} from "./attempt.ts"
import { withoutStack } from "./describe.ts"
import { Driver, type Rules } from "./driver.ts"
import { toPlan } from "./foreign.ts"
import { millisSince } from "./moment.ts"
import { End, type Next, refine } from "./next.ts"
import type { Options } from "./retryOptions.ts"
import { run } from "./run.ts"
import { loopAround, type Stoppable } from "./stopping.ts"
import { Watch } from "./watch.ts"
import { toPredicate, type Which } from "./which.ts"

type Stop<F, R> = Effect.Effect<unknown, F, R> | "ignore" | undefined
type Settings<E, F, R> = Options<E, Which<E>, Duration.Input | undefined, string | undefined, Stop<F, R>, F, R>

/** Valid options. */
interface Validated<E, F, R> extends Pick<Settings<E, F, R>, "name" | "budget" | "onRetry" | "onGiveUp"> {
  /** The limit of one attempt, in milliseconds. */
  readonly limit: number
  readonly defers: boolean
  readonly while: Predicate.Predicate<E>
  readonly stop: Effect.Effect<unknown, F, R> | undefined
  /** Whether the stop of the loop around the retry ends it too. */
  readonly followsLoop: boolean
}

const validate = <E, F, R>(options: Settings<E, F, R>): Validated<E, F, R> => {
  const { attemptTimeout, budget, name, nested, onGiveUp, onRetry, stop } = args.options("Retry.run: options", options)
  return {
    limit: args.duration("Retry.run: attemptTimeout", attemptTimeout ?? Infinity),
    name: args.name("Retry.run: name", name),
    budget: args.name("Retry.run: budget", budget),
    defers: args.oneOf<"retry" | "defer">("Retry.run: nested", nested ?? "retry", ["retry", "defer"]) === "defer",
    while: toPredicate("Retry.run: while", options.while) ?? constTrue,
    stop: stop === "ignore" ? undefined : args.effect("Retry.run: stop", stop),
    followsLoop: stop !== "ignore",
    onRetry: args.callback("Retry.run: onRetry", onRetry),
    onGiveUp: args.callback("Retry.run: onGiveUp", onGiveUp)
  }
}

const withoutOptions = validate<unknown, never, never>({})

/** A retry. Each run of it is one operation. */
interface Retry<A, E, R, F> {
  readonly attempt: Effect.Effect<A, E, R>
  readonly schedule: Schedule.Schedule<unknown, E, F, R>
  readonly options: Validated<E, F, R>
}

type Retried<A, E, R, F> = Effect.Effect<A, E | F | RetryExhausted<E | undefined>, R>

/** `Retry.run`, for the errors of an attempt: with an `attemptTimeout`, a `Cause.TimeoutError` is one of them. */
export const retry = <A, E, R, F>(
  effect: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<unknown, E, F, R>,
  options?: Settings<E, F, R>
): Retried<A, E, R | RetryBudget, F> => {
  let start: ((fiber: Fiber.Fiber<unknown, unknown>) => Retried<A, E, R | RetryBudget, F>) | undefined
  return Effect.withFiber((fiber) => {
    if (start === undefined) {
      const validated = options === undefined ? withoutOptions : validate(options)
      const { limit } = validated
      start = prepare<A, E, R, F>({
        attempt: limit === Infinity ? effect : Effect.timeout(effect, Duration.millis(limit)) as Effect.Effect<A, E, R>,
        schedule: args.schedule("Retry.run: schedule", schedule),
        options: validated
      })
    }
    return start(fiber)
  })
}

/** Prepares what all operations share. */
const prepare = <A, E, R, F>(retry: Retry<A, E, R, F>) => {
  const { attempt, options: { budget: key, defers, name, stop } } = retry
  // An attempt that succeeds needs no loop.
  const first = Effect.matchCauseEffect(attempt, {
    onSuccess: endFirst<A>,
    onFailure(cause) {
      const { isDeferred, started } = leaveFirst(Fiber.getCurrent()!)
      return loop(retry, { isDeferred, failed: { started, cause } })
    }
  })
  const start = (
    fiber: Fiber.Fiber<unknown, unknown>,
    outerBudgets: ReadonlyArray<string> | undefined
  ): Retried<A, E, R | RetryBudget, F> => {
    const isDeferred = outerBudgets !== undefined
    if (key !== undefined && outerBudgets?.includes(key) !== true) {
      return Effect.flatMap(RetryBudget, (service) => loop(retry, { isDeferred, budget: { key, service } }))
    }
    if (name !== undefined || stop !== undefined) return loop(retry, { isDeferred })
    enterFirst(fiber, isDeferred)
    return first
  }
  return (fiber: Fiber.Fiber<unknown, unknown>): Retried<A, E, R | RetryBudget, F> => {
    const outerBudgets = defers ? budgetsAround(fiber.context) : undefined
    // In an interrupted fiber the outer retry has ended, and this one does not defer to it.
    return outerBudgets === undefined
      ? start(fiber, undefined)
      : Effect.matchCauseEffect(Effect.interruptible(Effect.void), {
        onSuccess: () => start(fiber, outerBudgets),
        onFailure: () => start(fiber, undefined)
      })
  }
}

const endFirst = <A>(value: A): Effect.Effect<A> => {
  leaveFirst(Fiber.getCurrent()!)
  return Exit.succeed(value)
}

/** The start of one operation. */
interface Start<E> {
  /** Whether only the retry around this one retries. */
  readonly isDeferred: boolean
  readonly budget?: { readonly key: string; readonly service: RetryBudget["Service"] }
  /** The first attempt, if it ran before the loop. */
  readonly failed?: { readonly started: bigint; readonly cause: Cause.Cause<E> }
}

/** The state of one operation. */
interface Progress<E> {
  last: Option.Option<E>
  exhausted: RetryExhausted<E> | undefined
  readonly elapsed: LazyArg<Duration.Duration>
  readonly attempts: Attempts
  /** The loop around the retry, if its stop ends the retry. */
  readonly outerLoop: Stoppable | undefined
  unlisten: () => void
}

const loop = <A, E, R, F>(retry: Retry<A, E, R, F>, start: Start<E>): Retried<A, E, R, F> => {
  const { options: { onRetry }, schedule } = retry
  const { budget } = start
  // If nothing runs between the attempts, the whole loop has the context of an attempt.
  const isPlain = budget === undefined && onRetry === undefined &&
    toPlan(schedule).prepare === undefined
  const attempts = Effect.contextWith((context: Context.Context<R>) => drive(retry, start, isPlain, context))
  const withContext = isPlain
    ? Effect.updateContext(attempts, (context: Context.Context<R>) => withAttempt(withoutMetadata(context), undefined))
    : attempts
  return budget === undefined ? withContext : Effect.andThen(budget.service.started(budget.key), withContext)
}

const drive = <A, E, R, F>(
  retry: Retry<A, E, R, F>,
  start: Start<E>,
  isPlain: boolean,
  context: Context.Context<R>
): Retried<A, E, R, F> => {
  const { options: { followsLoop, name, onGiveUp, onRetry, stop }, schedule } = retry
  const { failed } = start
  const plan = toPlan(schedule)
  const clock = Context.get(context, Clock.Clock)
  const started = failed?.started ?? clock.monotonicTimeNanosUnsafe()
  const progress: Progress<E> = {
    last: Option.none(),
    exhausted: undefined,
    elapsed: () => Duration.millis(millisSince(clock, started)),
    attempts: makeAttempts(clock, isPlain && name === undefined ? context : undefined),
    outerLoop: followsLoop ? loopAround(context) : undefined,
    unlisten: constUndefined
  }
  const spec = {
    work: workOf(retry, start, progress, isPlain),
    plan: onRetry === undefined ? plan : { ...plan, timed: true }, // the time that a hook takes counts
    stop,
    started
  }
  const watch = name === undefined ? undefined : new Watch("retry", name)
  const isOpen = stop !== undefined || progress.outerLoop !== undefined
  const driver = new Driver(context, rulesOf(retry, start, progress), spec, watch, isOpen)
  const loop = failed === undefined ? run(driver, spec) : Effect.suspend(() => driver.loopAfter(failed.cause))
  const retrying = progress.outerLoop === undefined
    ? loop
    : Effect.onExit(loop, () => Effect.sync(() => progress.unlisten()))
  return onGiveUp === undefined
    ? retrying
    : Effect.tapCause(
      retrying,
      () => progress.exhausted === undefined ? Effect.void : annotate("retry", name, onGiveUp(progress.exhausted))
    )
}

/** The attempt with its context. */
const workOf = <A, E, R, F>(
  { attempt, options: { name } }: Retry<A, E, R, F>,
  { budget }: Start<E>,
  { attempts }: Progress<E>,
  isPlain: boolean
): Effect.Effect<A, E, R> =>
  isPlain
    ? name === undefined ? attempt : Effect.updateContext(attempt, attempts.next<R>)
    : Effect.updateContext(
      attempt,
      (context: Context.Context<R>) => attempts.next(withAttempt(context, budget?.key))
    )

type Loop<A, E, R, F> = Driver<A, E, R, E, unknown, A, F | RetryExhausted<E | undefined>>

const exhaustedBy = <E>(
  _tag: RetryExhausted["reason"]["_tag"],
  error: E,
  attempts: number,
  { elapsed }: { readonly elapsed: LazyArg<Duration.Duration> }
): RetryExhausted<E> => withoutStack(new RetryExhausted<E>({ error, attempts, elapsed: elapsed(), reason: { _tag } }))

const giveUp = <A, E, R, F>(
  { attempts }: Loop<A, E, R, F>,
  error: E,
  progress: Progress<E>,
  tag: RetryExhausted["reason"]["_tag"]
): Exit.Exit<never, RetryExhausted<E>> => Exit.fail(progress.exhausted = exhaustedBy(tag, error, attempts, progress))

/** Withdraws from the budget and runs the hook, inside the delay. */
const beforeRetry = <A, E, R, F>(
  { options: { name, onRetry } }: Retry<A, E, R, F>,
  { budget }: Start<E>,
  progress: Progress<E>
) =>
(loop: Loop<A, E, R, F>, error: E, delay: number): Next<A, E | F | RetryExhausted<E | undefined>, R> => {
  const granted = budget === undefined ? delay : Effect.map(
    budget.service.withdraw(budget.key, error),
    (isGranted) => isGranted ? delay : new End(giveUp(loop, error, progress, "Budget"))
  )
  return onRetry === undefined ? granted : refine(granted, () => {
    const hook = Effect.suspend(() =>
      onRetry({ error, attempt: loop.attempts, delay: Duration.millis(delay), elapsed: progress.elapsed() })
    )
    return loop.during(delay, annotate("retry", name, hook), () => giveUp(loop, error, progress, "Schedule"))
  })
}

const rulesOf = <A, E, R, F>(
  retry: Retry<A, E, R, F>,
  start: Start<E>,
  progress: Progress<E>
): Rules<A, E, R, E, unknown, A, F | RetryExhausted<E | undefined>> => {
  const { options: { onRetry, while: isRetryable } } = retry
  const { budget, isDeferred } = start
  const before = beforeRetry(retry, start, progress)
  const askNext = (loop: Loop<A, E, R, F>, error: E): Next<A, E | F | RetryExhausted<E | undefined>, R> => {
    if (isDeferred) return new End(giveUp(loop, error, progress, "Nested"))
    if (onRetry !== undefined) loop.at.awaitLimit()
    return refine(loop.ask(error), (delay) => {
      progress.attempts.record(loop.attempts, error, loop.output(), delay)
      return before(loop, error, delay)
    })
  }
  return {
    kind: "retry",
    first: "now",
    succeeded(_, value) {
      const end = new End(Exit.succeed(value))
      return budget === undefined ? end : Effect.as(budget.service.succeeded(budget.key, progress.last), end)
    },
    failed(loop, error, cause) {
      if (!isRetryable(error)) return new End(Exit.failCause(cause))
      if (Option.isNone(progress.last)) {
        progress.unlisten = progress.outerLoop?.listen(() => loop.stop(Exit.void)) ?? progress.unlisten
      }
      progress.last = Option.some(error)
      return budget === undefined
        ? askNext(loop, error)
        : refine(Effect.as(budget.service.failed(budget.key, error), 0), () => askNext(loop, error))
    },
    ended: (loop, reason) =>
      reason === "stopped"
        // A stopped retry has not given up: `onGiveUp` does not run.
        ? Exit.fail(exhaustedBy("Stopped", Option.getOrUndefined(progress.last), loop.attempts, progress))
        : giveUp(loop, Option.getOrThrow(progress.last), progress, "Schedule")
  }
}
