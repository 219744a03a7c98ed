/**
 * Bounds the retries of all calls to a dependency, so that an outage does not become a retry storm. Finagle's
 * `RetryBudget`, gRPC's retry throttling, AWS' retry quota.
 *
 * | budget | filled by | emptied by | refuses a retry when |
 * |---|---|---|---|
 * | {@link layerRatio} | each operation, and time | each retry | less than one retry is left |
 * | {@link layerThrottling} | each success | each failed attempt | at most half of the tokens are left |
 * | {@link layerQuota} | each success | each retry | fewer tokens are left than the retry costs |
 *
 * `Retry.run` uses the `RetryBudget` of its context. Its option `budget` is the key: calls to the same dependency share
 * a key.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { constFalse } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { changeDelays } from "./internal/delays.ts"
import { millisSince } from "./internal/moment.ts"
import { done } from "./internal/plan.ts"

/**
 * Decides whether a failed attempt may be retried, from the results of other calls to the same dependency. `Retry.run`
 * with the option `budget` calls it.
 *
 * - `started`: an operation starts, with its first attempt
 * - `failed`: an attempt failed with an error that may be retried
 * - `withdraw`: the schedule allows a retry; false refuses it
 * - `succeeded`: an operation succeeded; `retried` is the error of the attempt before, if there was one
 *
 * The key is the dependency. Each key has its own budget.
 *
 * **Example** (Your own budget, which allows no retry)
 *
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { Retry, RetryBudget } from "effect-wait"
 *
 * const empty = RetryBudget.RetryBudget.of({
 *   started: () => Effect.void,
 *   failed: () => Effect.void,
 *   withdraw: () => Effect.succeed(false),
 *   succeeded: () => Effect.void
 * })
 * const call = Retry.run(Effect.fail("down"), Schedule.recurs(3), { budget: "users" })
 * const exhausted = await Effect.runPromise(
 *   Effect.flip(call).pipe(Effect.provideService(RetryBudget.RetryBudget, empty))
 * )
 *
 * exhausted.attempts // => 1
 * exhausted.reason._tag // => "Budget"
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class RetryBudget extends Context.Service<RetryBudget, {
  readonly started: (key: string) => Effect.Effect<void>
  readonly failed: (key: string, error: unknown) => Effect.Effect<void>
  readonly withdraw: (key: string, error: unknown) => Effect.Effect<boolean>
  readonly succeeded: (key: string, retried: Option.Option<unknown>) => Effect.Effect<void>
}>()("effect-wait/RetryBudget") {}

type Service = RetryBudget["Service"]

/** Finds the bucket of a key. Deletes the buckets that have not been used for `idle` milliseconds. */
const makeBuckets = <B extends { usedAt: number }>(
  clock: Clock.Clock,
  idle: number,
  make: () => B
): (key: string) => B => {
  const origin = clock.monotonicTimeNanosUnsafe()
  const buckets = new Map<string, B>()
  return (key) => {
    const now = millisSince(clock, origin)
    // The map is in the order of the last use.
    for (const [key, { usedAt }] of buckets) {
      if (now - usedAt < idle) break
      buckets.delete(key)
    }
    const bucket = buckets.get(key) ?? make()
    bucket.usedAt = now
    buckets.delete(key)
    buckets.set(key, bucket)
    return bucket
  }
}

/** Buckets of 0 to `max` tokens. A new bucket is full. */
const makeTokens = (clock: Clock.Clock, idle: number, max: number) => {
  const bucketOf = makeBuckets(clock, idle, () => ({ usedAt: 0, tokens: max }))
  return {
    left: (key: string): number => bucketOf(key).tokens,
    add(key: string, amount: number): void {
      const bucket = bucketOf(key)
      bucket.tokens = Math.max(0, Math.min(max, bucket.tokens + amount))
    }
  }
}

const ignore = () => Effect.void

const checkRange = (
  argument: string,
  input: unknown,
  value: number,
  min: number,
  max: number,
  allowed: string
): void => {
  if (!(Predicate.isNumber(value) && value >= min && value <= max)) throw args.illegal(argument, input, allowed)
}

const checkIdle = (caller: string, idle: Duration.Input = "10 minutes"): number => {
  const millis = args.millisOrZero(idle)
  checkRange(`${caller}: idle`, idle, millis, Number.MIN_VALUE, Infinity, "a duration longer than 0")
  return millis
}

/**
 * Options of {@link makeRatio} and {@link layerRatio}.
 *
 * - `ttl`: how long an operation or a retry counts, from 1 to 60 seconds; default 10 seconds
 * - `minRetriesPerSecond`: how many retries are allowed without any operation, on average over the ttl: a number of 0
 *   or more; default 10
 * - `percentCanRetry`: how many more retries each operation allows. Despite its name it is a fraction, a number from 0
 *   to 1000; default 0.2
 * - `idle`: a key that is not used for this long is deleted, and starts again with its whole reserve. Infinity is
 *   allowed; default 10 minutes
 *
 * @category models
 * @since 0.1.0
 */
export interface RatioOptions {
  readonly ttl?: Duration.Input | undefined
  readonly minRetriesPerSecond?: number | undefined
  readonly percentCanRetry?: number | undefined
  readonly idle?: Duration.Input | undefined
}

/**
 * The budget of {@link makeRatio}, which is also a limit of schedules.
 *
 * - `limit`: ends a schedule when the budget of the key refuses a retry. It works without `Retry.run`, because this
 *   budget does not count successes: `Effect.retry` starts a schedule before the first attempt, which deposits; each
 *   step withdraws
 *
 * **Gotchas**
 *
 * Put the limit last in the pipe: a limit after it can refuse a retry that is already charged.
 *
 * With `Retry.run`, use the option `budget` instead. Without a `budget`, a `name` and a `stop`, `Retry.run` starts the
 * schedule after the first failure, so an operation that succeeds at once deposits nothing. With both the option and
 * this limit, each operation counts twice.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ratio extends Service {
  readonly limit: (
    key: string
  ) => <Output, Input, E, R>(self: Schedule.Schedule<Output, Input, E, R>) => Schedule.Schedule<Output, Input, E, R>
}

// Amounts are whole billionths of a retry, rounded up: so ten deposits of 0.1 make one retry.
const toBillionths = (retries: number): number => Math.ceil(retries * 1e9)
const slices = 10
const makeWindow = () => ({ usedAt: 0, slice: 0, amounts: Array.from({ length: slices }, () => 0) })

const ratio = (caller: string, options?: RatioOptions): Effect.Effect<Ratio> =>
  Clock.clockWith((clock) => {
    const { idle, minRetriesPerSecond = 10, percentCanRetry = 0.2, ttl = "10 seconds" } =
      args.options(`${caller}: options`, options) ?? {}
    const millis = args.millisOrZero(ttl)
    checkRange(`${caller}: ttl`, ttl, millis, 1000, 60_000, "a duration from 1 second to 60 seconds")
    args.number(`${caller}: minRetriesPerSecond`, minRetriesPerSecond, 0)
    checkRange(`${caller}: percentCanRetry`, percentCanRetry, percentCanRetry, 0, 1000, "a number from 0 to 1000")
    const reserve = toBillionths(minRetriesPerSecond * millis / 1000)
    const deposit = toBillionths(percentCanRetry)
    const cost = toBillionths(1)
    const bucketOf = makeBuckets(clock, checkIdle(caller, idle), makeWindow)
    // Adds the amount to the current slice. False, and adds nothing, if a withdrawal exceeds the balance.
    const tryAdd = (key: string, amount: number): boolean => {
      const bucket = bucketOf(key)
      const slice = Math.floor(bucket.usedAt * slices / millis)
      for (let i = Math.max(bucket.slice, slice - slices) + 1; i <= slice; i++) bucket.amounts[i % slices] = 0
      bucket.slice = slice
      const isAllowed = amount >= 0 || bucket.amounts.reduce((sum, amount) => sum + amount, reserve + amount) >= 0
      if (isAllowed) bucket.amounts[slice % slices]! += amount
      return isAllowed
    }
    return Effect.succeed<Ratio>({
      started: (key) => Effect.sync(() => void tryAdd(key, deposit)),
      failed: ignore,
      withdraw: (key) => Effect.sync(() => tryAdd(key, -cost)),
      succeeded: ignore,
      limit: (key) => (self) =>
        changeDelays(self, () => {
          tryAdd(key, deposit)
          return (delay) => tryAdd(key, -cost) ? delay : done
        })
    })
  })

/**
 * Allows retries in proportion to the operations: by default one retry for five operations, and 10 retries a second on
 * top. Finagle's `RetryBudget`.
 *
 * - an operation deposits `percentCanRetry` of a retry when it starts, whatever its result
 * - a retry withdraws one; a reserve of `minRetriesPerSecond · ttl` retries comes on top of the deposits
 * - deposits and withdrawals expire after the `ttl`, or up to a tenth of it earlier: so the reserve comes back
 * - the Clock is that of the context in which the budget is made
 *
 * Dies with an `IllegalArgumentError` that names a bad option. The source is Finagle's `RetryBudget`, a leaky token
 * bucket of ten slices.
 *
 * **Example** (Ten operations, and five retries, with Effect's own retry)
 *
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { RetryBudget } from "effect-wait"
 *
 * let calls = 0
 * const call = Effect.suspend(() => Effect.fail(`call ${++calls}`))
 *
 * await Effect.runPromise(Effect.gen(function*() {
 *   const budget = yield* RetryBudget.makeRatio({ minRetriesPerSecond: 0, percentCanRetry: 0.5 })
 *   const operation = Effect.retry(call, Schedule.recurs(3).pipe(budget.limit("users")))
 *   yield* Effect.repeat(Effect.ignore(operation), { times: 9 })
 * }))
 *
 * calls // => 15
 * ```
 *
 * @see {@link layerRatio} for `Retry.run`
 * @category constructors
 * @since 0.1.0
 */
export const makeRatio = (options?: RatioOptions): Effect.Effect<Ratio> => ratio("RetryBudget.makeRatio", options)

/**
 * Provides the budget of {@link makeRatio} to `Retry.run`.
 *
 * Dies with an `IllegalArgumentError` that names a bad option.
 *
 * **Example** (Ten operations, and five retries)
 *
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { Retry, RetryBudget } from "effect-wait"
 *
 * let calls = 0
 * const call = Effect.suspend(() => Effect.fail(`call ${++calls}`))
 * const operation = Retry.run(call, Schedule.recurs(3), { budget: "users" })
 *
 * await Effect.runPromise(
 *   Effect.repeat(Effect.ignore(operation), { times: 9 }).pipe(
 *     Effect.provide(RetryBudget.layerRatio({ minRetriesPerSecond: 0, percentCanRetry: 0.5 }))
 *   )
 * )
 *
 * calls // => 15
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRatio = (options?: RatioOptions): Layer.Layer<RetryBudget> =>
  Layer.effect(RetryBudget, ratio("RetryBudget.layerRatio", options))

/**
 * Options of {@link makeThrottling} and {@link layerThrottling}.
 *
 * - `maxTokens`: an integer from 1 to 1000; default 10
 * - `tokenRatio`: what a success adds: a number of 0.001 or more, of which three decimals count; default 0.1
 * - `idle`: a key that is not used for this long is deleted, and starts again with all of its tokens. Infinity is
 *   allowed; default 10 minutes
 *
 * @category models
 * @since 0.1.0
 */
export interface ThrottlingOptions {
  readonly maxTokens?: number | undefined
  readonly tokenRatio?: number | undefined
  readonly idle?: Duration.Input | undefined
}

// Truncates to three decimals. The comparison is exact: `n / 1000` is the same number as the literal of three decimals.
const toThousandths = (value: number): number => {
  const rounded = Math.round(value * 1000)
  return rounded / 1000 > value ? rounded - 1 : rounded
}

const throttling = (caller: string, options?: ThrottlingOptions): Effect.Effect<Service> =>
  Clock.clockWith((clock) => {
    const { idle, maxTokens = 10, tokenRatio = 0.1 } = args.options(`${caller}: options`, options) ?? {}
    const count = Number.isInteger(maxTokens) ? maxTokens : NaN
    checkRange(`${caller}: maxTokens`, maxTokens, count, 1, 1000, "an integer from 1 to 1000")
    const max = maxTokens * 1000
    const gain = toThousandths(args.number(`${caller}: tokenRatio`, tokenRatio, 0.001))
    const tokens = makeTokens(clock, checkIdle(caller, idle), max)
    return Effect.succeed<Service>({
      started: ignore,
      failed: (key) => Effect.sync(() => tokens.add(key, -1000)),
      withdraw: (key) => Effect.sync(() => tokens.left(key) > max / 2),
      succeeded: (key) => Effect.sync(() => tokens.add(key, gain))
    })
  })

/**
 * Refuses retries while too many attempts fail: by default more than about one in eleven. gRPC's retry throttling.
 *
 * - `maxTokens` is the number of tokens at first, and at most
 * - an attempt that fails with an error that may be retried takes one token, down to 0; a success adds `tokenRatio`
 * - retries are refused while at most half of `maxTokens` are left
 *
 * Dies with an `IllegalArgumentError` that names a bad option. The source is gRPC's proposal A6, "gRPC Retry Design".
 *
 * **Example** (The fifth failure stops the retries, until a success)
 *
 * ```ts
 * import { Effect, Option } from "effect"
 * import { RetryBudget } from "effect-wait"
 *
 * const allowed = await Effect.runPromise(Effect.gen(function*() {
 *   const budget = yield* RetryBudget.makeThrottling({ maxTokens: 10, tokenRatio: 0.1 })
 *   const fails = Effect.andThen(budget.failed("users", "down"), budget.withdraw("users", "down"))
 *   const failures = yield* Effect.replicateEffect(fails, 5)
 *   yield* budget.succeeded("users", Option.none())
 *   return [...failures, yield* budget.withdraw("users", "down")]
 * }))
 *
 * allowed // => [true, true, true, true, false, true]
 * ```
 *
 * @see {@link layerThrottling} for `Retry.run`
 * @category constructors
 * @since 0.1.0
 */
export const makeThrottling = (options?: ThrottlingOptions): Effect.Effect<RetryBudget["Service"]> =>
  throttling("RetryBudget.makeThrottling", options)

/**
 * Provides the budget of {@link makeThrottling} to `Retry.run`.
 *
 * Dies with an `IllegalArgumentError` that names a bad option.
 *
 * **Example** (Four operations of at most three attempts)
 *
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { Retry, RetryBudget } from "effect-wait"
 *
 * const operation = Retry.run(Effect.fail("down"), Schedule.recurs(2), { budget: "users" })
 * const exhausted = await Effect.runPromise(
 *   Effect.replicateEffect(Effect.flip(operation), 4).pipe(Effect.provide(RetryBudget.layerThrottling()))
 * )
 *
 * exhausted.map(({ attempts }) => attempts) // => [3, 2, 1, 1]
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerThrottling = (options?: ThrottlingOptions): Layer.Layer<RetryBudget> =>
  Layer.effect(RetryBudget, throttling("RetryBudget.layerThrottling", options))

/**
 * Options of {@link makeQuota} and {@link layerQuota}.
 *
 * - `capacity`: the number of tokens, an integer of 0 or more; default 500
 * - `retryCost`: how many tokens a retry costs, an integer of 0 or more; default 14
 * - `throttlingCost`: its cost after an error that `isThrottling` accepts, an integer of 0 or more; default 5
 * - `isThrottling`: true for an error by which the dependency throttles its callers; default: never
 * - `idle`: a key that is not used for this long is deleted, and starts again with its whole capacity. Infinity is
 *   allowed; default 10 minutes
 *
 * @category models
 * @since 0.1.0
 */
export interface QuotaOptions {
  readonly capacity?: number | undefined
  readonly retryCost?: number | undefined
  readonly throttlingCost?: number | undefined
  readonly isThrottling?: Predicate.Predicate<unknown> | undefined
  readonly idle?: Duration.Input | undefined
}

const quota = (caller: string, options?: QuotaOptions): Effect.Effect<Service> =>
  Clock.clockWith((clock) => {
    const { capacity = 500, idle, isThrottling = constFalse, retryCost = 14, throttlingCost = 5 } =
      args.options(`${caller}: options`, options) ?? {}
    args.integer(`${caller}: capacity`, capacity, 0)
    args.integer(`${caller}: retryCost`, retryCost, 0)
    args.integer(`${caller}: throttlingCost`, throttlingCost, 0)
    args.fn(`${caller}: isThrottling`, isThrottling)
    const tokens = makeTokens(clock, checkIdle(caller, idle), capacity)
    const costOf = (error: unknown): number => isThrottling(error) ? throttlingCost : retryCost
    return Effect.succeed<Service>({
      started: ignore,
      failed: ignore,
      withdraw: (key, error) =>
        Effect.sync(() => {
          const cost = costOf(error)
          const isAllowed = tokens.left(key) >= cost
          if (isAllowed) tokens.add(key, -cost)
          return isAllowed
        }),
      succeeded: (key, retried) =>
        Effect.sync(() => tokens.add(key, Option.match(retried, { onNone: () => 1, onSome: costOf })))
    })
  })

/**
 * Failed retries use up a quota, by default 35 of them; a success refunds its retry. AWS' standard retry mode, as of
 * 2026.
 *
 * - `capacity` is the number of tokens at first, and at most
 * - a retry costs `retryCost` or `throttlingCost` tokens; it is refused when fewer are left
 * - a success refunds the cost of the last retry of its operation; without a retry it adds 1 token
 *
 * Dies with an `IllegalArgumentError` that names a bad option. The source is "Retry behavior" in the reference guide of
 * the AWS SDKs.
 *
 * **Example** (The second retry is refused, until the first one succeeds)
 *
 * ```ts
 * import { Effect, Option } from "effect"
 * import { RetryBudget } from "effect-wait"
 *
 * const allowed = await Effect.runPromise(Effect.gen(function*() {
 *   const budget = yield* RetryBudget.makeQuota({ capacity: 20 })
 *   const first = yield* budget.withdraw("users", "down")
 *   const second = yield* budget.withdraw("users", "down")
 *   yield* budget.succeeded("users", Option.some("down"))
 *   return [first, second, yield* budget.withdraw("users", "down")]
 * }))
 *
 * allowed // => [true, false, true]
 * ```
 *
 * @see {@link layerQuota} for `Retry.run`
 * @category constructors
 * @since 0.1.0
 */
export const makeQuota = (options?: QuotaOptions): Effect.Effect<RetryBudget["Service"]> =>
  quota("RetryBudget.makeQuota", options)

/**
 * Provides the budget of {@link makeQuota} to `Retry.run`.
 *
 * Dies with an `IllegalArgumentError` that names a bad option.
 *
 * **Example** (A retry costs 14 of 40 tokens, and is cheaper when throttled)
 *
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { Retry, RetryBudget } from "effect-wait"
 *
 * const attempts = (error: string) =>
 *   Retry.run(Effect.fail(error), Schedule.recurs(20), { budget: "users" }).pipe(
 *     Effect.flip,
 *     Effect.map(({ attempts }) => attempts),
 *     Effect.provide(RetryBudget.layerQuota({ capacity: 40, isThrottling: (error) => error === "slow down" })),
 *     Effect.runPromise
 *   )
 *
 * await attempts("down") // => 3
 * await attempts("slow down") // => 9
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerQuota = (options?: QuotaOptions): Layer.Layer<RetryBudget> =>
  Layer.effect(RetryBudget, quota("RetryBudget.layerQuota", options))
