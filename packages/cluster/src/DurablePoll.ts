/**
 * A poll that survives restarts and deploys: hours of checks, with backoff, on any live runner of a cluster. Go's `Poll*`
 * and `ExponentialBackoff` for more than one process.
 *
 * ```text
 * runner a  [1]..[2]....[3]..x kill -9
 * runner b                        [4]................[5]: held
 *            1s    2s         4s              8s
 * ```
 *
 * **How.** A poll is one row of a {@link PollStore}: the number of the next attempt, its time, and the state of the backoff. Each attempt
 * costs one SQL statement. Polls are divided into 64 slots, and Effect's cluster divides the slots among the runners of the shard group.
 * A runner reads the table once a second, and has in memory only the polls that are due within two seconds.
 *
 * **What is promised.** Each attempt is made at least once, in order, and none is skipped. A `kill -9` repeats at most the attempt in
 * flight. A graceful stop waits for this attempt, up to the `entityTerminationTimeout` of the `ShardingConfig`, which is 15 seconds by
 * default, and repeats it only if it takes longer. A runner that was paused, and counted as dead, finishes its check after the pause. Until it
 * finds that it is no longer the owner, it may make the current attempt beside its successor; the first result counts. So a check
 * must be idempotent, for example only read.
 *
 * **Deploys.** A runner reads only polls of the names that it serves. All other polls wait in the table, also beside older and newer runners,
 * and runners without durable polls.
 *
 * **Time** is that of the store: of the database with `PollStore.layerSql`. The wall clocks of the runners do not matter.
 *
 * @since 0.1.0
 */
import * as Backoff from "effect-wait/Backoff"
import * as Limit from "effect-wait/Limit"
import { WaitTimeout } from "effect-wait/WaitTimeout"
import type { PersistenceError } from "effect/cluster/ClusterError"
import type * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { illegal } from "./internal/args.ts"
import { growthOf, type PollRules } from "./internal/pollDecision.ts"
import * as meter from "./internal/pollMeter.ts"
import { type Ended, type PollRow, slotOf } from "./internal/pollRow.ts"
import { serve } from "./internal/pollServer.ts"
import { refuseShardGroup } from "./internal/pollShardGroup.ts"
import * as PollWatch from "./internal/pollWatch.ts"
import { PollStore } from "./PollStore.ts"

/**
 * A key whose poll was never started, or was removed by `forget`.
 *
 * **Example** (A key with a typo)
 *
 * ```ts
 * import { DurablePoll, PollStore } from "@effect-wait/cluster"
 * import { Effect, Schema } from "effect"
 *
 * const rollout = DurablePoll.make({
 *   name: "rollout",
 *   payload: { deployment: Schema.String },
 *   key: (payload) => payload.deployment,
 *   policy: { duration: "1 second", factor: 2, jitter: 0.2, steps: 6, cap: "30 seconds" }
 * })
 *
 * const error = await Effect.runPromise(Effect.flip(rollout.status("apu")).pipe(Effect.provide(PollStore.layerMemory)))
 *
 * error.message // => "No poll \"rollout\" was started with the key \"apu\". Start it first, with `start`."
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class DurablePollNotStarted extends Data.TaggedError("DurablePollNotStarted")<{
  readonly name: string
  readonly key: string
  readonly message: string
}> {}

/**
 * The schema of this program cannot decode a stored result: an older or a newer version of the program has stored it.
 *
 * - `value`: the stored result, as JSON
 * - `cause`: why it cannot be decoded
 *
 * **Example** (A result of a version that stored a number)
 *
 * ```ts
 * import { ClusterLoop, DurablePoll, PollStore } from "@effect-wait/cluster"
 * import { Effect, Layer, Option, Schema } from "effect"
 *
 * const common = {
 *   name: "rollout",
 *   payload: { deployment: Schema.String },
 *   key: (payload: { readonly deployment: string }) => payload.deployment,
 *   policy: { duration: "10 millis", factor: 2, jitter: 0, steps: 6, cap: "30 seconds" }
 * } as const
 * const before = DurablePoll.make({ ...common, success: Schema.Int })
 * const after = DurablePoll.make({ ...common, success: Schema.Struct({ replicas: Schema.Int }) })
 *
 * const Live = before.toLayer(() => Effect.succeed(Option.some(5))).pipe(
 *   Layer.provideMerge(PollStore.layerMemory),
 *   Layer.provide(ClusterLoop.layerEmbedded)
 * )
 *
 * const program = Effect.gen(function*() {
 *   const key = yield* before.start({ deployment: "api" })
 *   yield* before.await(key)
 *   return yield* after.await(key).pipe(Effect.catchTag("DurablePollUnreadable", ({ value }) => Effect.succeed(value)))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Live)) // => 5
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class DurablePollUnreadable extends Data.TaggedError("DurablePollUnreadable")<{
  readonly name: string
  readonly key: string
  readonly value: Schema.Json
  readonly cause: Schema.SchemaError
  readonly message: string
}> {}

/**
 * The argument of a check.
 *
 * - `key`: the key of the poll
 * - `attempt`: the number of the attempt, from 1
 * - `elapsed`: the time since the start, never negative
 * - `delay`: the delay before this attempt, as the policy gave it; 0 for the first
 *
 * @category models
 * @since 0.1.0
 */
export interface Attempt {
  readonly key: string
  readonly attempt: number
  readonly elapsed: Duration.Duration
  readonly delay: Duration.Duration
}

/**
 * The state of a poll: `"checking"`, an attempt is due or in flight; `"waiting"` for the next one; or how it ended: `"held"`, or the
 * `reason` of the `WaitTimeout`.
 *
 * @category models
 * @since 0.1.0
 */
export type State = "checking" | "waiting" | Ended

/**
 * The status of a poll.
 *
 * - `run`: how often this key was started, from 1
 * - `attempt`: the number of the attempt in flight, or of the next attempt. After the end: the number of attempts; a cancelled poll counts an
 *   attempt that was due
 * - `startedAt`: the time of the start, by the clock of the store
 * - `elapsed`: the time since the start; after the end, the time from the start to the end
 * - `delay`, `nextAt`: the delay before the attempt in flight, or before the next attempt, and its time. None for the first, and after the end
 * - `lastError`: the text of the last check that failed
 *
 * @category models
 * @since 0.1.0
 */
export interface Status {
  readonly state: State
  readonly run: number
  readonly attempt: number
  readonly startedAt: DateTime.Utc
  readonly elapsed: Duration.Duration
  readonly delay: Option.Option<Duration.Duration>
  readonly nextAt: Option.Option<DateTime.Utc>
  readonly lastError: Option.Option<string>
}

/**
 * A poll of a list.
 *
 * @category models
 * @since 0.1.0
 */
export interface Listed extends Status {
  readonly key: string
}

/**
 * Which polls to list; by default all.
 *
 * - `states`: only polls in one of these states
 * - `prefix`: only keys that start with it
 * - `after`: only keys that come after this one, as for the next page
 * - `limit`: how many at most; default 100
 *
 * @category models
 * @since 0.1.0
 */
export interface Filter {
  readonly states?: ReadonlyArray<State> | undefined
  readonly prefix?: string | undefined
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

/**
 * A kind of poll, with its operations. Only `toLayer` needs a runner of the cluster. The others work in any process with the {@link PollStore}.
 *
 * - `toLayer`: serves the polls on this runner. The check succeeds with `Option.some` when the condition holds, and with `Option.none` for "not yet". Dies
 *   with an `IllegalArgumentError` for a name that this runner already serves, and for a shard group that it does not have
 * - `start`: starts a poll, and returns its key. The first attempt is due at once; another process sees it within a second. If the key was
 *   started before, nothing happens. With `again: true` a new run starts with this payload, if the last run has ended. Dies with a
 *   `SchemaError` for a payload that its schema cannot encode
 * - `await`: waits for the end of the newest run, also if it has ended long ago. Fails with a `WaitTimeout` whose `lastError` is a text, and
 *   with a `DurablePollUnreadable` if the stored result cannot be decoded
 * - `status`: the status of the newest run; one read
 * - `cancel`: ends the poll with the reason `Stopped`, also without a live runner. A check in flight is interrupted: at once in this
 *   process, within two seconds in another. If the poll has ended, nothing happens
 * - `forget`: removes all runs of a key, and returns whether there was one. The key can be used again. A poll in progress ends,
 *   and its `await` fails with a `DurablePollNotStarted`
 * - `list`: the newest run of each key, ordered by key
 *
 * `await`, `status` and `cancel` fail with a `DurablePollNotStarted` if there is no poll with the key.
 *
 * @category models
 * @since 0.1.0
 */
export interface DurablePoll<Fields extends Schema.Struct.Fields, Success extends Schema.Constraint> {
  readonly name: string
  readonly toLayer: <E, R>(
    check: (
      payload: Schema.Struct<Fields>["Type"],
      attempt: Attempt
    ) => Effect.Effect<Option.Option<Success["Type"]>, E, R>
  ) => Layer.Layer<
    never,
    never,
    | Sharding.Sharding
    | PollStore
    | Exclude<R, Scope.Scope>
    | Schema.Struct<Fields>["DecodingServices"]
    | Success["EncodingServices"]
  >
  readonly start: (
    payload: Schema.Struct<Fields>["Type"],
    options?: { readonly again?: boolean | undefined }
  ) => Effect.Effect<string, PersistenceError, PollStore | Schema.Struct<Fields>["EncodingServices"]>
  readonly await: (
    key: string
  ) => Effect.Effect<
    Success["Type"],
    WaitTimeout<never, string> | DurablePollNotStarted | DurablePollUnreadable | PersistenceError,
    PollStore | Success["DecodingServices"]
  >
  readonly status: (key: string) => Effect.Effect<Status, DurablePollNotStarted | PersistenceError, PollStore>
  readonly cancel: (key: string) => Effect.Effect<void, DurablePollNotStarted | PersistenceError, PollStore>
  readonly forget: (key: string) => Effect.Effect<boolean, PersistenceError, PollStore>
  readonly list: (filter?: Filter) => Effect.Effect<ReadonlyArray<Listed>, PersistenceError, PollStore>
}

/**
 * The options of {@link make}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<Fields extends Schema.Struct.Fields> {
  readonly name: string
  readonly payload: Fields
  readonly key: (payload: Schema.Struct<Fields>["Type"]) => string
  readonly policy: Backoff.Policy
  readonly limits?: {
    readonly attempts?: number | undefined
    readonly within?: Duration.Input | undefined
  } | undefined
  readonly migrate?: ((stored: Schema.Json) => Schema.Json) | undefined
  readonly shardGroup?: string | undefined
}

const reasonOf = {
  deadline: { _tag: "Deadline" },
  exhausted: { _tag: "Exhausted" },
  stopped: { _tag: "Stopped" }
} as const

const statusOf = (row: PollRow, now: number): Listed => {
  const isPlanned = row.state === "waiting" && row.attempt > 1
  return {
    key: row.key,
    state: row.state === "waiting" && row.dueAt <= now ? "checking" : row.state,
    run: row.run,
    attempt: row.attempt,
    startedAt: DateTime.makeUnsafe(row.startedAt),
    elapsed: Duration.millis(Math.max(0, (row.endedAt ?? now) - row.startedAt)),
    delay: isPlanned ? Option.some(Duration.millis(row.delay)) : Option.none(),
    nextAt: isPlanned ? Option.some(DateTime.makeUnsafe(row.dueAt)) : Option.none(),
    lastError: Option.fromNullOr(row.lastError)
  }
}

const define = <Fields extends Schema.Struct.Fields, Success extends Schema.Constraint>(
  options: Options<Fields>,
  success: Success
): DurablePoll<Fields, Success> => {
  const { key: keyOf, limits = {}, migrate, name, policy, shardGroup = "default" } = options
  if (typeof name !== "string" || name === "") {
    throw illegal("DurablePoll.make: name", name, "a string that is not empty")
  }
  if (migrate !== undefined && typeof migrate !== "function") {
    throw illegal("DurablePoll.make: migrate", migrate, "a function")
  }
  // What these refuse is refused here.
  Backoff.toSchedule(policy)
  if (limits.attempts !== undefined) Limit.attempts(limits.attempts)
  if (limits.within !== undefined) Limit.within(limits.within)

  const payloadCodec = Schema.toCodecJson(Schema.Struct(options.payload))
  const successCodec = Schema.toCodecJson(success)
  const encodePayload = Schema.encodeEffect(payloadCodec)
  const decodePayload = Schema.decodeUnknownEffect(payloadCodec)
  const encodeSuccess = Schema.encodeEffect(successCodec)
  const decodeSuccess = Schema.decodeUnknownEffect(successCodec)
  const rules: PollRules = {
    policy,
    attempts: limits.attempts ?? Infinity,
    within: Duration.toMillis(limits.within ?? Infinity)
  }

  const notStarted = (key: string): DurablePollNotStarted => {
    const message = `No poll "${name}" was started with the key ${
      Formatter.format(key)
    }. Start it first, with \`start\`.`
    return new DurablePollNotStarted({ name, key, message })
  }

  const readPayload = (stored: Schema.Json) =>
    decodePayload(stored).pipe(
      Effect.catch((error) =>
        migrate === undefined ? Effect.fail(error) : Effect.suspend(() => decodePayload(migrate(stored)))
      ),
      Effect.mapError((error) =>
        `The stored payload cannot be decoded${
          migrate === undefined ? " and there is no `migrate`" : ""
        }: ${error.message}`
      )
    )

  const readResult = ({ key, value }: PollRow) =>
    Effect.mapError(decodeSuccess(value), (cause) =>
      new DurablePollUnreadable({
        name,
        key,
        value,
        cause,
        message: `The stored result of the poll "${name}" with the key ${
          Formatter.format(key)
        } cannot be decoded by the schema of this program: ${cause.message}`
      }))

  const newest = Effect.fnUntraced(function*(key: string) {
    const store = yield* PollStore
    const { now, rows: [row] } = yield* store.newest(name, key)
    return row === undefined ? yield* notStarted(key) : { now, row, store }
  })

  return {
    name,
    toLayer: (check) => {
      const checked = (row: PollRow, elapsed: number) =>
        Effect.gen(function*() {
          const { attempt, delay, key, payload } = row
          const found = yield* check(yield* readPayload(payload), {
            key,
            attempt,
            elapsed: Duration.millis(elapsed),
            delay: Duration.millis(delay)
          })
          return Option.isSome(found) ? Option.some(yield* encodeSuccess(found.value)) : Option.none()
        }).pipe(Effect.scoped)
      return Layer.effectDiscard(Effect.gen(function*() {
        const config = yield* Effect.serviceOption(ShardingConfig.ShardingConfig)
        yield* refuseShardGroup(name, shardGroup, config)
        const services = yield* Effect.context<Effect.Services<ReturnType<typeof checked>>>()
        yield* serve(
          yield* PollStore,
          { name, rules, check: (row, elapsed) => Effect.provideContext(checked(row, elapsed), services) },
          {
            shardGroup,
            grace: Option.match(config, {
              onNone: () => "15 seconds" as const,
              onSome: ({ entityTerminationTimeout }) => entityTerminationTimeout
            })
          }
        )
      }))
    },
    start: (payload, { again = false } = {}) =>
      Effect.gen(function*() {
        const key = keyOf(payload)
        if (key === "" || key.length > 255 || key.includes("\0")) {
          return yield* Effect.die(
            illegal(`DurablePoll "${name}": key`, key, "a string of 1 to 255 characters without NUL")
          )
        }
        if (typeof again !== "boolean") {
          return yield* Effect.die(illegal(`DurablePoll "${name}": again`, again, "true or false"))
        }
        const store = yield* PollStore
        const encoded = yield* Effect.orDie(encodePayload(payload))
        const poll = { name, key, slot: slotOf(name, key), payload: encoded, growth: growthOf(policy) }
        if (yield* store.start(poll, again)) yield* PollWatch.of(store).started
        return key
      }),
    await: (key) =>
      Effect.gen(function*() {
        const { row: newestRow, store } = yield* newest(key)
        const row = newestRow.state === "waiting" ? yield* PollWatch.of(store).await(newestRow.id) : newestRow
        if (row === undefined || row.state === "waiting") return yield* notStarted(key)
        if (row.state === "held") return yield* readResult(row)
        const { attempt, elapsed, lastError } = statusOf(row, 0)
        return yield* new WaitTimeout({
          reason: reasonOf[row.state],
          attempts: attempt,
          elapsed,
          last: Option.none(),
          lastError
        })
      }),
    status: (key) => Effect.map(newest(key), ({ now, row }) => statusOf(row, now)),
    cancel: (key) =>
      Effect.gen(function*() {
        const { store } = yield* newest(key)
        const id = yield* store.stop(name, key)
        if (id === undefined) return
        yield* meter.ended(name, "stopped")
        yield* PollWatch.of(store).over([id])
      }),
    forget: (key) =>
      Effect.gen(function*() {
        const store = yield* PollStore
        const ids = yield* store.forget(name, key)
        yield* PollWatch.of(store).over(ids)
        return ids.length > 0
      }),
    list: ({ after, limit = 100, prefix, states } = {}) =>
      Effect.gen(function*() {
        if (!(Number.isSafeInteger(limit) && limit > 0)) {
          return yield* Effect.die(
            illegal(`DurablePoll "${name}": limit`, limit, "a whole number of 1 or more")
          )
        }
        const store = yield* PollStore
        const { now, rows } = yield* store.list(name, { after, limit, prefix, states })
        return rows.map((row) => statusOf(row, now))
      })
  }
}

// One signature with a Schema for the result, one without.
function build<const Fields extends Schema.Struct.Fields, Success extends Schema.Constraint>(
  options: Options<Fields> & { readonly success: Success }
): DurablePoll<Fields, Success>
function build<const Fields extends Schema.Struct.Fields>(
  options: Options<Fields> & { readonly success?: undefined }
): DurablePoll<Fields, typeof Schema.Void>
function build<const Fields extends Schema.Struct.Fields, Success extends Schema.Constraint>(
  options: Options<Fields> & { readonly success?: Success | undefined }
): DurablePoll<Fields, Success> | DurablePoll<Fields, typeof Schema.Void> {
  return options.success === undefined ? define(options, Schema.Void) : define(options, options.success)
}

/**
 * Defines a poll that survives restarts.
 *
 * - `name`: the name of the kind of poll, unique in the cluster
 * - `payload`: the fields of the payload, as for `Schema.Struct`
 * - `key`: the identity of a poll within its kind; a string of 1 to 255 characters
 * - `success`: the schema of the result of a check; default `Schema.Void`
 * - `policy`: the delays, as data: a `Backoff.Policy`, where `steps` limits the growth and not the attempts
 * - `limits.attempts`: the largest number of attempts, with the first one; default: no limit. The reason is then `Exhausted`
 * - `limits.within`: the poll ends if the next attempt would be due later than this after the start; default: no limit. The reason is then
 *   `Deadline`. It never interrupts a check, and a late attempt, as after an outage, is still made
 * - `migrate`: converts a stored payload that cannot be decoded, as JSON; default: none
 * - `shardGroup`: the runners of this shard group serve the poll; default `"default"`
 *
 * **Details**
 *
 * A check that fails, with an error or a defect, counts as "not yet": it is logged as a warning, its text is in the status, and the poll
 * backs off. To end a poll for good, return a result: make `success` a union of the possible outcomes.
 *
 * A stored payload cannot be decoded if a later version of the program has added a field. Each attempt then fails in the same way. `migrate` receives the
 * JSON of such a payload, for example `(stored) => ({ ...Object(stored), region: "eu" })`.
 *
 * The metrics of a kind have its `name`: `effect_wait_durable_poll_looks_total` by `outcome` (`held`, `not_yet`, `failed`),
 * `effect_wait_durable_poll_ended_total` by `reason` (`held`, `deadline`, `exhausted`, `stopped`), `effect_wait_durable_poll_waiting`, and
 * `effect_wait_durable_poll_overdue`, which counts the polls that have been due for a minute. Each runner counts the polls of its slots each
 * 15 seconds, also those of kinds that it does not serve. Each attempt is a span `DurablePoll/<name>`.
 *
 * Each attempt follows the policy and the limits of the process that makes it. So a new version of a program applies its own to the
 * polls in the table; their delays continue to grow from where they were.
 *
 * Throws an `IllegalArgumentError` for an invalid name, policy, limit or `migrate`.
 *
 * **Gotchas**
 *
 * A poll waits while the runner of its slot does not serve its kind, as during a deploy. If only some replicas serve polls,
 * give these replicas a `shardGroup`.
 *
 * An ended poll stays in the table, so that it can be read and is not started again: `PollStore.purge` removes it by age.
 *
 * `start` with `again: true` is not idempotent: called twice, it starts two runs if the first one has ended in between.
 *
 * A check that hangs blocks its poll, but not `cancel`: limit it with `Effect.timeout`.
 *
 * **Example** (A rollout that is ready at the third look)
 *
 * ```ts
 * import { ClusterLoop, DurablePoll, PollStore } from "@effect-wait/cluster"
 * import { Effect, Layer, Option, Schema } from "effect"
 * import { TestClock } from "effect/testing"
 *
 * const rollout = DurablePoll.make({
 *   name: "rollout",
 *   payload: { deployment: Schema.String },
 *   key: (payload) => payload.deployment,
 *   success: Schema.Struct({ replicas: Schema.Int }),
 *   policy: { duration: "1 second", factor: 2, jitter: 0, steps: 6, cap: "30 seconds" },
 *   limits: { attempts: 100, within: "1 hour" }
 * })
 *
 * const looks: Array<string> = []
 * const RolloutLive = rollout.toLayer(({ deployment }, { attempt, elapsed }) =>
 *   Effect.sync(() => {
 *     looks.push(`${deployment} ${attempt} at ${elapsed}`)
 *     return attempt === 3 ? Option.some({ replicas: 5 }) : Option.none()
 *   })
 * )
 *
 * // In production: PollStore.layerSql, and the runner of the service
 * const Live = RolloutLive.pipe(Layer.provideMerge(PollStore.layerMemory), Layer.provide(ClusterLoop.layerEmbedded))
 *
 * const program = Effect.gen(function*() {
 *   yield* TestClock.adjust(1) // the runner gets its shards
 *   yield* rollout.start({ deployment: "api" })
 *   yield* TestClock.adjust("1 minute")
 *   return yield* rollout.await("api")
 * }).pipe(Effect.provide(Live), Effect.provide(TestClock.layer()))
 *
 * await Effect.runPromise(program) // => { replicas: 5 }
 * looks // => ["api 1 at 0 millis", "api 2 at 1000 millis", "api 3 at 3000 millis"]
 * ```
 *
 * @see `Poll.until` for a poll in one process
 * @category constructors
 * @since 0.1.0
 */
export const make: typeof build = build
