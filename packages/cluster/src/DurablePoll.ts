/**
 * A poll that survives the process it runs in: hours of checks, with backoff, on whichever runner of a cluster is alive. Go's `Poll*`
 * and `ExponentialBackoff`, where they outgrow one process.
 *
 * ```text
 * runner a  [1]..[2]....[3]..x kill -9
 * runner b                        [4]................[5]: held
 *            1s    2s         4s              8s
 * ```
 *
 * **How.** Each attempt is a message in the storage of Effect's cluster, due at its time. It carries what the next one needs: the number,
 * the start, the last delay, and how far the backoff has grown. Nothing is replayed, so that the thousandth attempt costs what the first
 * one did: one message and one reply. In memory there is a timer for each poll that waits, on the runner that made its
 * last attempt.
 *
 * **What is promised.** Each attempt is done at least once, in order, and none is skipped. A `kill -9` repeats the attempt that was in
 * flight, at most; a graceful stop does too. A runner that was paused in a check, and was taken for dead, ends that check when it wakes,
 * beside those of its successor. So a check has to bear being done twice, as one that only looks does.
 *
 * **Time** is that of the wall clocks of the machines, since it is carried from one to another. Where a clock is behind the one that the
 * poll was started by, an elapsed time counts as 0.
 *
 * @since 0.1.0
 */
import * as Backoff from "effect-wait/Backoff"
import * as Limit from "effect-wait/Limit"
import { WaitTimeout } from "effect-wait/WaitTimeout"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type {
  AlreadyProcessingMessage,
  EntityNotAssignedToRunner,
  MailboxFull,
  PersistenceError
} from "effect/cluster/ClusterError"
import * as Entity from "effect/cluster/Entity"
import type * as MessageStorage from "effect/cluster/MessageStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { illegal } from "./internal/args.ts"
import * as messages from "./internal/durablePollMessages.ts"
import { open } from "./internal/durablePollStore.ts"

/**
 * What is asked about a poll that was never started.
 *
 * **Example** (A key with a slip of the pen)
 *
 * ```ts
 * import { DurablePoll } from "@effect-wait/cluster"
 * import { Effect, Schema } from "effect"
 * import { TestRunner } from "effect/cluster"
 *
 * const rollout = DurablePoll.make({
 *   name: "rollout",
 *   payload: { deployment: Schema.String },
 *   key: (payload) => payload.deployment,
 *   policy: { duration: "1 second", factor: 2, jitter: 0.2, steps: 6, cap: "30 seconds" }
 * })
 *
 * const error = await Effect.runPromise(Effect.flip(rollout.status("apu")).pipe(Effect.provide(TestRunner.layer)))
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
 * What a check is told.
 *
 * - `key`: of the poll
 * - `attempt`: from 1
 * - `elapsed`: since the start, never negative
 * - `delay`: how long this attempt was to wait for; 0 for the first
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
 * Where a poll stands.
 *
 * - `state`: `"checking"`: an attempt is due or in flight; `"waiting"` for the next one; or how it ended: `"held"`, or the `reason` of
 *   the `WaitTimeout`
 * - `attempt`: the number of the attempt that is in flight or to come; of a poll that ended, how many were made
 * - `elapsed`: since the start; of a poll that ended, how long it lasted
 * - `delay`, `nextAt`: how long the attempt in flight or to come was to wait, and when it is due. None for the first, and after a kill
 *   between two attempts until the next one
 * - `lastError`: of the last check that failed
 *
 * @category models
 * @since 0.1.0
 */
export interface Status {
  readonly state: "checking" | "waiting" | "held" | "deadline" | "exhausted" | "stopped"
  readonly attempt: number
  readonly elapsed: Duration.Duration
  readonly delay: Option.Option<Duration.Duration>
  readonly nextAt: Option.Option<DateTime.Utc>
  readonly lastError: Option.Option<string>
}

/**
 * A poll: how it is served, and what can be asked of it by any process that has the cluster's storage.
 *
 * - `toLayer`: serves it on this runner. The check says `Option.some` when it holds, and `Option.none` for "not yet". Dies
 *   with an `IllegalArgumentError` for a name that this runner serves already
 * - `start`: starts it, and gives its key. The first attempt is due at once. Nothing happens where it was started before, even if it has
 *   ended. Dies with a `SchemaError` for a payload that its schema does not write
 * - `await`: waits for the end, however long ago that was. Fails with a `WaitTimeout` whose `lastError` is a text
 * - `status`: where it stands; a few reads, `2 log2(attempts) + 5` at most
 * - `cancel`: ends it with the reason `Stopped`, and interrupts a check in flight; waits until a runner that serves the poll has done so.
 *   Nothing happens where it has ended
 *
 * All but `start` fail with a `DurablePollNotStarted` where there is no poll with the key.
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
    | MessageStorage.MessageStorage
    | Exclude<R, Scope.Scope>
    | Schema.Struct<Fields>["DecodingServices"]
    | Success["EncodingServices"]
  >
  readonly start: (
    payload: Schema.Struct<Fields>["Type"]
  ) => Effect.Effect<string, PersistenceError, Sharding.Sharding | Schema.Struct<Fields>["EncodingServices"]>
  readonly await: (
    key: string
  ) => Effect.Effect<
    Success["Type"],
    WaitTimeout<never, string> | DurablePollNotStarted | PersistenceError,
    Sharding.Sharding | MessageStorage.MessageStorage | Success["DecodingServices"]
  >
  readonly status: (
    key: string
  ) => Effect.Effect<
    Status,
    DurablePollNotStarted | PersistenceError,
    Sharding.Sharding | MessageStorage.MessageStorage
  >
  readonly cancel: (
    key: string
  ) => Effect.Effect<
    void,
    DurablePollNotStarted | PersistenceError,
    Sharding.Sharding | MessageStorage.MessageStorage
  >
}

/**
 * What makes a kind of poll. See {@link make}.
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
}

// The polls that each runner serves: the engine would keep the first of a name, and say nothing.
const registries = new WeakMap<Sharding.Sharding["Service"], Set<string>>()

const register = (sharding: Sharding.Sharding["Service"], name: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    const names = registries.get(sharding) ?? new Set<string>()
    registries.set(sharding, names)
    if (names.has(name)) {
      return Effect.die(
        new Cause.IllegalArgumentError(
          `This runner serves a poll "${name}" already. Give each kind of poll a name of its own, and build its layer once.`
        )
      )
    }
    names.add(name)
    return Effect.void
  })

const storageRetry = Backoff.exponential({ base: "100 millis", cap: "10 seconds" })

// The storage may be away for a while: an attempt that was made is not to be made again for that.
const untilStored = <A, R>(effect: Effect.Effect<A, PersistenceError, R>): Effect.Effect<A, never, R> =>
  effect.pipe(
    Effect.tapError((error) => Effect.logWarning("The storage failed; trying again", error)),
    Effect.retry(storageRetry),
    Effect.orDie
  )

// A message that is stored fails with nothing else: where it goes to is found later.
const routed = <A, R>(
  effect: Effect.Effect<A, PersistenceError | MailboxFull | AlreadyProcessingMessage | EntityNotAssignedToRunner, R>
): Effect.Effect<A, PersistenceError, R> =>
  Effect.catchTags(effect, {
    MailboxFull: Effect.die,
    AlreadyProcessingMessage: Effect.die,
    EntityNotAssignedToRunner: Effect.die
  })

const describe = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  const text = typeof error === "string" || error instanceof Error ? String(error) : Formatter.format(error)
  return text.slice(0, 1_000)
}

// A timer may be early, and the wall clock may go back.
const sleepUntil = (time: number): Effect.Effect<void> =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) => now < time ? Effect.andThen(Effect.sleep(time - now), sleepUntil(time)) : Effect.void
  )

interface Definition {
  readonly name: string
  readonly entity: messages.PollEntity
  readonly policy: Backoff.Policy
  readonly attempts: number
  readonly within: number
}

// The part of a policy that changes from step to step, as a message carries it. JSON has no Infinity.
const reasonOf = {
  deadline: { _tag: "Deadline" },
  exhausted: { _tag: "Exhausted" },
  stopped: { _tag: "Stopped" }
} as const

const growthOf = ({ duration, steps }: Backoff.Policy): messages.Attempt["growth"] => ({
  nanos: Math.min(Number.MAX_VALUE, Number(Duration.toNanosUnsafe(duration))),
  steps
})

// What follows an attempt that did not hold.
const following = (
  { attempts, policy, within }: Definition,
  message: messages.Attempt,
  now: number,
  draw: number,
  lastError: string | null
): messages.Attempt | "exhausted" | "deadline" => {
  if (message.attempt >= attempts) return "exhausted"
  const { nanos, steps } = message.growth
  const [duration, next] = Backoff.step({ ...policy, duration: { nanoseconds: nanos }, steps }, draw)
  const delay = Duration.toMillis(duration)
  if (Math.max(0, now - message.startedAt) + delay > within) return "deadline"
  return new messages.Attempt({
    payload: message.payload,
    attempt: message.attempt + 1,
    startedAt: message.startedAt,
    dueAt: Math.min(messages.never, Math.ceil(now + delay)),
    delay,
    growth: growthOf(next),
    lastError
  })
}

// Serves the polls of a definition; `check` takes and gives JSON.
const serve = <R>(
  definition: Definition,
  check: (payload: Schema.Json, attempt: Attempt) => Effect.Effect<Option.Option<Schema.Json>, unknown, R>
) =>
  Effect.gen(function*() {
    const { entity, name } = definition
    const sharding = yield* Sharding.Sharding
    const layerScope = yield* Effect.scope
    yield* register(sharding, name)

    // The engine looks for due messages every `entityMessagePollInterval`, and when it is told to.
    const wakeAt = (time: number) => Effect.forkIn(Effect.andThen(sleepUntil(time), sharding.pollStorage), layerScope)

    // Of one poll, while the engine keeps it in memory: not while it waits for long.
    const build = Effect.gen(function*() {
      const key: string = (yield* Entity.CurrentAddress).entityId
      const store = yield* open(entity, key)
      const stopped = yield* Deferred.make<void>()
      const stored = yield* Deferred.make<void>()
      let ended = false
      let done = 0
      let inFlight = 0

      // The first to end it does: nothing comes between the look and the change.
      const end = (outcome: Effect.Effect<messages.Outcome>) =>
        Effect.suspend(() => {
          if (ended) return Deferred.await(stored)
          ended = true
          return Effect.flatMap(outcome, (outcome) => untilStored(store.end(outcome))).pipe(
            Effect.andThen(Deferred.succeed(stored, undefined)),
            Effect.asVoid
          )
        })

      // Another runner may have ended it, which was thought to be dead.
      const hasEnded = Effect.gen(function*() {
        if (ended || Option.isNone(yield* untilStored(store.outcome))) return ended
        ended = true
        yield* Deferred.succeed(stored, undefined)
        return true
      })
      yield* hasEnded

      const checkOnce = ({ attempt, delay, payload, startedAt }: messages.Attempt) =>
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          const exit = yield* Effect.exit(Effect.scoped(check(payload, {
            key,
            attempt,
            elapsed: Duration.millis(Math.max(0, now - startedAt)),
            delay: Duration.millis(delay)
          })))
          if (Exit.isSuccess(exit)) return { found: exit.value, error: null }
          yield* Effect.logWarning("A check failed; the poll goes on", exit.cause)
          return { found: Option.none<Schema.Json>(), error: describe(exit.cause) }
        }).pipe(Effect.annotateLogs({ poll: name, key, attempt }))

      const attempt = Effect.fnUntraced(
        function*(message: messages.Attempt): Effect.fn.Return<messages.Planned, never, R> {
          const { attempt, startedAt } = message
          // An attempt comes again where its reply was not stored. It is over if the next one was planned.
          if (attempt <= done || (yield* hasEnded)) return messages.unplanned
          if (done === 0 && (yield* untilStored(store.has(attempt + 1)))) return messages.unplanned
          inFlight = attempt
          const checked = yield* Effect.raceFirst(
            Effect.asSome(checkOnce(message)),
            Effect.as(Deferred.await(stopped), Option.none())
          )
          if (Option.isNone(checked)) return messages.unplanned
          const { error, found } = checked.value
          const lastError = error ?? message.lastError
          const now = yield* Clock.currentTimeMillis
          const next = Option.isSome(found)
            ? "held"
            : following(definition, message, now, yield* Random.next, lastError)
          if (typeof next === "string") {
            yield* end(Effect.succeed({
              state: next,
              attempts: attempt,
              elapsed: Math.max(0, now - startedAt),
              value: Option.getOrNull(found),
              lastError
            }))
            return messages.unplanned
          }
          yield* untilStored(store.plan(next))
          done = attempt
          yield* wakeAt(next.dueAt)
          return { delay: next.delay, dueAt: next.dueAt, lastError }
        }
      )

      const cancel = Effect.gen(function*() {
        yield* Deferred.succeed(stopped, undefined)
        const now = yield* Clock.currentTimeMillis
        const { attempt, planned, startedAt } = Option.getOrElse(
          yield* untilStored(store.position),
          () => ({ attempt: 1, planned: messages.unplanned, startedAt: now })
        )
        return {
          state: "stopped" as const,
          attempts: inFlight === attempt ? attempt : attempt - 1,
          elapsed: Math.max(0, now - startedAt),
          value: null,
          lastError: planned.lastError
        }
      })

      return entity.of({
        attempt: ({ payload }) => attempt(payload),
        cancel: () => Rpc.wrap({ fork: true, uninterruptible: true })(end(cancel)),
        // Never delivered.
        result: () => Effect.never
      })
    })
    // An entity that waits is of no use in memory: the next attempt makes it anew.
    yield* sharding.registerEntity(entity, build, { maxIdleTime: "10 seconds", concurrency: 1 })
  })

const define = <Fields extends Schema.Struct.Fields, Success extends Schema.Constraint>(
  options: Options<Fields>,
  success: Success
): DurablePoll<Fields, Success> => {
  const { key: keyOf, limits = {}, name, policy } = options
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
  const entity = messages.makeEntity(name)
  const definition: Definition = {
    name,
    entity,
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

  const started = (key: string) =>
    Effect.gen(function*() {
      const store = yield* open(entity, key)
      if (!(yield* store.has(1))) return yield* notStarted(key)
    })

  return {
    name,
    toLayer: (check) =>
      Layer.effectDiscard(serve(definition, (payload, attempt) =>
        Effect.gen(function*() {
          const found = yield* check(yield* decodePayload(payload), attempt)
          return Option.isSome(found) ? Option.some(yield* encodeSuccess(found.value)) : Option.none()
        }))),
    start: (payload) =>
      Effect.gen(function*() {
        const key = keyOf(payload)
        if (key === "" || key.length > 255) {
          return yield* Effect.die(illegal(`DurablePoll "${name}": key`, key, "a string of 1 to 255 characters"))
        }
        const now = yield* Clock.currentTimeMillis
        const first = new messages.Attempt({
          payload: yield* Effect.orDie(encodePayload(payload)),
          attempt: 1,
          startedAt: now,
          dueAt: 0, // by any clock
          delay: 0,
          growth: growthOf(policy),
          lastError: null
        })
        const client = yield* entity.client
        yield* routed(client(key).attempt(first, { discard: true }))
        return key
      }),
    await: (key) =>
      Effect.gen(function*() {
        yield* started(key)
        const client = yield* entity.client
        const { attempts, elapsed, lastError, state, value } = yield* routed(
          client(key).result(new messages.Result({}))
        )
        if (state === "held") return yield* Effect.orDie(decodeSuccess(value))
        return yield* new WaitTimeout({
          reason: reasonOf[state],
          attempts,
          elapsed: Duration.millis(elapsed),
          last: Option.none(),
          lastError: Option.fromNullOr(lastError)
        })
      }),
    status: (key) =>
      Effect.gen(function*() {
        const store = yield* open(entity, key)
        const outcome = yield* store.outcome
        if (Option.isSome(outcome)) {
          const { attempts, elapsed, lastError, state } = outcome.value
          return {
            state,
            attempt: attempts,
            elapsed: Duration.millis(elapsed),
            delay: Option.none(),
            nextAt: Option.none(),
            lastError: Option.fromNullOr(lastError)
          }
        }
        const position = yield* store.position
        if (Option.isNone(position)) return yield* notStarted(key)
        const { attempt, planned: { delay, dueAt, lastError }, startedAt } = position.value
        const now = yield* Clock.currentTimeMillis
        return {
          state: attempt === 1 || (dueAt !== null && dueAt <= now) ? "checking" : "waiting",
          attempt,
          elapsed: Duration.millis(Math.max(0, now - startedAt)),
          delay: Option.map(Option.fromNullOr(delay), Duration.millis),
          nextAt: Option.map(Option.fromNullOr(dueAt), DateTime.makeUnsafe),
          lastError: Option.fromNullOr(lastError)
        }
      }),
    cancel: (key) =>
      Effect.gen(function*() {
        yield* started(key)
        const client = yield* entity.client
        yield* routed(client(key).cancel({}))
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
 * - `name`: of the kind of poll, in the whole cluster
 * - `payload`: the fields of what a poll is about
 * - `key`: what tells one poll from another; a string of 1 to 255 characters, as the storage has room for
 * - `success`: what an accepted check gives; default `Schema.Void`
 * - `policy`: the delays, as data: `Backoff.Policy`, where `steps` bounds the growth and not the attempts
 * - `limits.attempts`: how many attempts at most, the first one counted; default: no limit. Then the reason is `Exhausted`
 * - `limits.within`: an attempt that would be due later than this after the start is not waited for; default: no limit. Then the reason is
 *   `Deadline`. It never interrupts a check, and an attempt that comes late, as after an outage, is still made
 *
 * **Details**
 *
 * A check that fails, with an error or a defect, counts as "not yet": it is logged as a warning, its text is remembered, and the poll
 * backs off. What is to end the poll for good is no failure but a result, and belongs to `success`, as in a union of what may be found.
 * The same goes for a payload that the schema of a later version cannot read.
 *
 * The policy and the limits are those of the process that serves the attempt. A new version of a program applies its own to the
 * polls that it finds; the growth of their delays goes on from where it was.
 *
 * Throws an `IllegalArgumentError` for a policy or a limit that is not allowed.
 *
 * **Gotchas**
 *
 * The runner that made an attempt wakes for the next one. One that takes over finds what is due at its next look into the storage: up to
 * `entityMessagePollInterval` late, which is 10 seconds by default, once.
 *
 * What a poll leaves in the storage stays there, so that it can be read and is not started again: two rows for each attempt, two for the
 * result, two for a cancellation. Nothing removes them.
 *
 * A check that hangs blocks its poll, though not `cancel`: bound it with `Effect.timeout`.
 *
 * **Example** (A rollout that is ready at the third look)
 *
 * ```ts
 * import { DurablePoll } from "@effect-wait/cluster"
 * import { Effect, Layer, Option, Schema } from "effect"
 * import { TestRunner } from "effect/cluster"
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
 * const program = Effect.gen(function*() {
 *   yield* TestClock.adjust(1) // the runner gets its shards
 *   yield* rollout.start({ deployment: "api" })
 *   yield* TestClock.adjust("1 minute")
 *   return yield* rollout.await("api")
 * }).pipe(Effect.provide(Layer.provideMerge(RolloutLive, TestRunner.layer)), Effect.provide(TestClock.layer()))
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
