/**
 * Bounds the retries of all calls to a dependency, so that an outage does not become a retry storm. Finagle's
 * `RetryBudget`, gRPC's retry throttling, AWS' retry quota.
 *
 * | budget | filled by | emptied by | refuses a retry when |
 * |---|---|---|---|
 * | {@link layerThrottling} | each success | each failed attempt | at most half of the tokens are left |
 * | {@link layerQuota} | each success | each retry | fewer tokens are left than the retry costs |
 * | {@link layerRatio} | each operation, and time | each retry | less than one retry is left |
 *
 * `Retry.run` uses the `RetryBudget` of its context. Its option `budget` is the key: calls to the same dependency share
 * a key.
 *
 * While a dependency is down, throttling and the quota stop nearly all retries. A ratio continues to allow its part of them: it has to be
 * smaller than the spare capacity of the dependency.
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
  make: (key: string) => B
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
    const bucket = buckets.get(key) ?? make(key)
    bucket.usedAt = now
    buckets.delete(key)
    buckets.set(key, bucket)
    return bucket
  }
}

interface Tokens {
  usedAt: number
  tokens: number
  readonly max: number
}

/** A bucket of 0 to `max` tokens, full at first. */
const makeTokens = (max: number): Tokens => ({ usedAt: 0, tokens: max, max })

const addTokens = (bucket: Tokens, amount: number): void => {
  bucket.tokens = Math.max(0, Math.min(bucket.max, bucket.tokens + amount))
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
 * Settings for single keys: a record, or a function that is called when a key is first used. A setting that is missing there is that
 * of the other options.
 *
 * **Example** (A dependency that is called a lot has a larger bucket)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RetryBudget } from "effect-wait"
 *
 * const byKey: RetryBudget.ByKey<RetryBudget.ThrottlingSettings> = { search: { maxTokens: 100 } }
 * const retries = await Effect.runPromise(Effect.gen(function*() {
 *   const budget = yield* RetryBudget.makeThrottling({ byKey })
 *   const fails = (key: string) => Effect.andThen(budget.failed(key, "down"), budget.withdraw(key, "down"))
 *   const allowed = yield* Effect.forEach(["users", "search"], (key) => Effect.replicateEffect(fails(key), 60))
 *   return allowed.map((answers) => answers.filter(Boolean).length)
 * }))
 *
 * retries // => [4, 49]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type ByKey<Settings> =
  | { readonly [key: string]: Partial<Settings> }
  | ((key: string) => Partial<Settings> | undefined)

const given = (settings: object): { readonly [name: string]: unknown } =>
  Object.fromEntries(Object.entries(settings).filter(([, setting]) => setting !== undefined))

/** The checked settings of a key. Those of a record are checked at once. */
const settingsOf = <Settings extends object, Checked>(
  caller: string,
  options: Settings,
  byKey: ByKey<Settings> | undefined,
  check: (caller: string, settings: Settings) => Checked
): (key: string) => Checked => {
  const common = check(caller, options)
  if (byKey === undefined) return () => common
  const checkOwn = (key: string, settings: Partial<Settings> | undefined): Checked =>
    settings === undefined
      ? common
      : check(`${caller}: byKey.${key}`, {
        ...options,
        ...given(args.requiredOptions(`${caller}: byKey.${key}`, settings))
      })
  if (Predicate.isFunction(byKey)) return (key) => checkOwn(key, byKey(key))
  const records = args.requiredOptions(`${caller}: byKey`, byKey)
  const known = new Map(Object.entries(records).map(([key, settings]) => [key, checkOwn(key, settings)]))
  return (key) => known.get(key) ?? common
}

/**
 * The settings of a ratio, for all keys or for one.
 *
 * - `minRetriesPerSecond`: how many retries are allowed without any operation, on average over the ttl: a number of 0 or more.
 *   Each process has this reserve. Finagle's default is 10, gRPC and AWS have none
 * - `ratio`: how many more retries each operation allows, a number from 0 to 1000; default 0.2, one retry for five operations
 * - `ttl`: how long an operation or a retry counts, from 1 to 60 seconds; default 10 seconds
 *
 * @category models
 * @since 0.1.0
 */
export interface RatioSettings {
  readonly minRetriesPerSecond: number
  readonly ratio?: number | undefined
  readonly ttl?: Duration.Input | undefined
}

/**
 * Options of {@link makeRatio} and {@link layerRatio}: the {@link RatioSettings} of all keys, and
 *
 * - `byKey`: other settings for single keys, see {@link ByKey}; default: none
 * - `idle`: a key that is not used for this long is deleted, and starts again with its whole reserve. Infinity is
 *   allowed; default 10 minutes
 *
 * @category models
 * @since 0.1.0
 */
export interface RatioOptions extends RatioSettings {
  readonly byKey?: ByKey<RatioSettings> | undefined
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

const checkRatio = (caller: string, { minRetriesPerSecond, ratio = 0.2, ttl = "10 seconds" }: RatioSettings) => {
  const millis = args.millisOrZero(ttl)
  checkRange(`${caller}: ttl`, ttl, millis, 1000, 60_000, "a duration from 1 second to 60 seconds")
  args.number(`${caller}: minRetriesPerSecond`, minRetriesPerSecond, 0)
  checkRange(`${caller}: ratio`, ratio, ratio, 0, 1000, "a number from 0 to 1000")
  return { millis, reserve: toBillionths(minRetriesPerSecond * millis / 1000), deposit: toBillionths(ratio) }
}

const ratioBudget = (caller: string, options: RatioOptions): Effect.Effect<Ratio> =>
  Clock.clockWith((clock) => {
    const { byKey, idle, ...common } = args.requiredOptions(`${caller}: options`, options)
    const settings = settingsOf(caller, common, byKey, checkRatio)
    const cost = toBillionths(1)
    const bucketOf = makeBuckets(clock, checkIdle(caller, idle), (key) => ({
      ...settings(key),
      usedAt: 0,
      slice: 0,
      amounts: Array.from({ length: slices }, () => 0)
    }))
    type Bucket = ReturnType<typeof bucketOf>
    // Adds the amount to the current slice. False, and adds nothing, if a withdrawal exceeds the balance.
    const tryAdd = (key: string, amountOf: (bucket: Bucket) => number): boolean => {
      const bucket = bucketOf(key)
      const amount = amountOf(bucket)
      const slice = Math.floor(bucket.usedAt * slices / bucket.millis)
      for (let i = Math.max(bucket.slice, slice - slices) + 1; i <= slice; i++) bucket.amounts[i % slices] = 0
      bucket.slice = slice
      const isAllowed = amount >= 0 ||
        bucket.amounts.reduce((sum, amount) => sum + amount, bucket.reserve + amount) >= 0
      if (isAllowed) bucket.amounts[slice % slices]! += amount
      return isAllowed
    }
    const deposit = (key: string): boolean => tryAdd(key, (bucket) => bucket.deposit)
    const withdraw = (key: string): boolean => tryAdd(key, () => -cost)
    return Effect.succeed<Ratio>({
      started: (key) => Effect.sync(() => void deposit(key)),
      failed: ignore,
      withdraw: (key) => Effect.sync(() => withdraw(key)),
      succeeded: ignore,
      limit: (key) => (self) =>
        changeDelays(self, () => {
          deposit(key)
          return (delay) => withdraw(key) ? delay : done
        })
    })
  })

/**
 * Allows retries in proportion to the operations: by default one retry for five operations, and a reserve on top.
 * Finagle's `RetryBudget`.
 *
 * - an operation deposits the `ratio` of a retry when it starts, whatever its result
 * - a retry withdraws one; a reserve of `minRetriesPerSecond · ttl` retries comes on top of the deposits
 * - deposits and withdrawals expire after the `ttl`, or up to a tenth of it earlier: so the reserve comes back
 * - it uses the Clock of the context in which the budget is made
 *
 * Dies with an `IllegalArgumentError` that names a bad option. The source is Finagle's `RetryBudget`, a leaky token
 * bucket of ten slices.
 *
 * **Gotchas**
 *
 * It continues to allow retries while the dependency is down. Keep the ratio, and the reserve of all processes together, smaller than the
 * spare capacity of the dependency: otherwise the retries keep it down. {@link makeThrottling} and {@link makeQuota} do not depend on that.
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
 *   const budget = yield* RetryBudget.makeRatio({ minRetriesPerSecond: 0, ratio: 0.5 })
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
export const makeRatio = (options: RatioOptions): Effect.Effect<Ratio> => ratioBudget("RetryBudget.makeRatio", options)

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
 *     Effect.provide(RetryBudget.layerRatio({ minRetriesPerSecond: 0, ratio: 0.5 }))
 *   )
 * )
 *
 * calls // => 15
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRatio = (options: RatioOptions): Layer.Layer<RetryBudget> =>
  Layer.effect(RetryBudget, ratioBudget("RetryBudget.layerRatio", options))

/**
 * The settings of throttling, for all keys or for one.
 *
 * - `maxTokens`: an integer from 1 to 1000; default 10
 * - `tokenRatio`: what a success adds: a number of 0.001 or more, of which three decimals count; default 0.1
 *
 * @category models
 * @since 0.1.0
 */
export interface ThrottlingSettings {
  readonly maxTokens?: number | undefined
  readonly tokenRatio?: number | undefined
}

/**
 * Options of {@link makeThrottling} and {@link layerThrottling}: the {@link ThrottlingSettings} of all keys, and
 *
 * - `byKey`: other settings for single keys, see {@link ByKey}; default: none
 * - `idle`: a key that is not used for this long is deleted, and starts again with all of its tokens. Infinity is
 *   allowed; default 10 minutes
 *
 * @category models
 * @since 0.1.0
 */
export interface ThrottlingOptions extends ThrottlingSettings {
  readonly byKey?: ByKey<ThrottlingSettings> | undefined
  readonly idle?: Duration.Input | undefined
}

// Truncates to three decimals. The comparison is exact: `n / 1000` is the same number as the literal of three decimals.
const toThousandths = (value: number): number => {
  const rounded = Math.round(value * 1000)
  return rounded / 1000 > value ? rounded - 1 : rounded
}

const checkThrottling = (caller: string, { maxTokens = 10, tokenRatio = 0.1 }: ThrottlingSettings) => {
  const count = Number.isInteger(maxTokens) ? maxTokens : NaN
  checkRange(`${caller}: maxTokens`, maxTokens, count, 1, 1000, "an integer from 1 to 1000")
  return { max: maxTokens * 1000, gain: toThousandths(args.number(`${caller}: tokenRatio`, tokenRatio, 0.001)) }
}

const throttlingBudget = (caller: string, options: ThrottlingOptions = {}): Effect.Effect<Service> =>
  Clock.clockWith((clock) => {
    const { byKey, idle, ...common } = args.requiredOptions(`${caller}: options`, options)
    const settings = settingsOf(caller, common, byKey, checkThrottling)
    const bucketOf = makeBuckets(clock, checkIdle(caller, idle), (key) => {
      const { gain, max } = settings(key)
      return Object.assign(makeTokens(max), { gain })
    })
    return Effect.succeed<Service>({
      started: ignore,
      failed: (key) => Effect.sync(() => addTokens(bucketOf(key), -1000)),
      withdraw: (key) =>
        Effect.sync(() => {
          const { max, tokens } = bucketOf(key)
          return tokens > max / 2
        }),
      succeeded: (key) =>
        Effect.sync(() => {
          const bucket = bucketOf(key)
          addTokens(bucket, bucket.gain)
        })
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
  throttlingBudget("RetryBudget.makeThrottling", options)

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
  Layer.effect(RetryBudget, throttlingBudget("RetryBudget.layerThrottling", options))

/**
 * The settings of a quota, for all keys or for one.
 *
 * - `capacity`: the number of tokens, an integer of 0 or more; default 500
 * - `retryCost`: how many tokens a retry costs, an integer of 0 or more; default 14
 * - `throttlingCost`: its cost after an error that `isThrottling` accepts, an integer of 0 or more; default 5
 * - `isThrottling`: true for an error by which the dependency throttles its callers; default: never
 *
 * @category models
 * @since 0.1.0
 */
export interface QuotaSettings {
  readonly capacity?: number | undefined
  readonly retryCost?: number | undefined
  readonly throttlingCost?: number | undefined
  readonly isThrottling?: Predicate.Predicate<unknown> | undefined
}

/**
 * Options of {@link makeQuota} and {@link layerQuota}: the {@link QuotaSettings} of all keys, and
 *
 * - `byKey`: other settings for single keys, see {@link ByKey}; default: none
 * - `idle`: a key that is not used for this long is deleted, and starts again with its whole capacity. Infinity is
 *   allowed; default 10 minutes
 *
 * @category models
 * @since 0.1.0
 */
export interface QuotaOptions extends QuotaSettings {
  readonly byKey?: ByKey<QuotaSettings> | undefined
  readonly idle?: Duration.Input | undefined
}

const checkQuota = (
  caller: string,
  { capacity = 500, isThrottling = constFalse, retryCost = 14, throttlingCost = 5 }: QuotaSettings
) => {
  args.integer(`${caller}: capacity`, capacity, 0)
  args.integer(`${caller}: retryCost`, retryCost, 0)
  args.integer(`${caller}: throttlingCost`, throttlingCost, 0)
  args.fn(`${caller}: isThrottling`, isThrottling)
  return { capacity, costOf: (error: unknown): number => isThrottling(error) ? throttlingCost : retryCost }
}

const quotaBudget = (caller: string, options: QuotaOptions = {}): Effect.Effect<Service> =>
  Clock.clockWith((clock) => {
    const { byKey, idle, ...common } = args.requiredOptions(`${caller}: options`, options)
    const settings = settingsOf(caller, common, byKey, checkQuota)
    const bucketOf = makeBuckets(clock, checkIdle(caller, idle), (key) => {
      const { capacity, costOf } = settings(key)
      return Object.assign(makeTokens(capacity), { costOf })
    })
    return Effect.succeed<Service>({
      started: ignore,
      failed: ignore,
      withdraw: (key, error) =>
        Effect.sync(() => {
          const bucket = bucketOf(key)
          const cost = bucket.costOf(error)
          const isAllowed = bucket.tokens >= cost
          if (isAllowed) addTokens(bucket, -cost)
          return isAllowed
        }),
      succeeded: (key, retried) =>
        Effect.sync(() => {
          const bucket = bucketOf(key)
          addTokens(bucket, Option.match(retried, { onNone: () => 1, onSome: bucket.costOf }))
        })
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
  quotaBudget("RetryBudget.makeQuota", options)

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
  Layer.effect(RetryBudget, quotaBudget("RetryBudget.layerQuota", options))
