/**
 * A loop that one runner of a cluster runs at a time. When this runner hands over, dies or is cut off, another runner takes over.
 * The loop is a `Loop`, on Effect's cluster engine.
 *
 * ```text
 * runner a [=]....[=]....[=]..x kill -9
 * runner b                         [=]....[=]....[=]..> SIGTERM
 * runner c                                              [=]....[=]....
 *          |-- term 1 ------|      |-- term 2 -------|  |-- term 3 ---
 * ```
 *
 * **What is promised.** One runner at a time, in normal operation. A replaced runner starts no run: each run first checks the row of the
 * loop. A new owner continues where the last one stopped, and repeats at most the run in flight. A run is not exactly once. After a pause of
 * its runner (a stopped container, a long garbage collection) the run in flight continues. And if the lock was lost, the next owner does not
 * wait for an uninterruptible run. Guard the writes of such runs: see `ClusterLoop.guard` and `Fence`.
 *
 * @since 0.1.0
 */
import * as Backoff from "effect-wait/Backoff"
import * as Jitter from "effect-wait/Jitter"
import * as Loop from "effect-wait/Loop"
import * as LoopStore from "effect-wait/LoopStore"
import * as Period from "effect-wait/Period"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { illegal } from "./internal/args.ts"
import * as Hub from "./internal/hub.ts"
import { serve } from "./internal/loopEntity.ts"
import * as Membership from "./internal/membership.ts"
import { setEmbedded, tableOf, takeOverOf } from "./internal/memory.ts"
import { registryOf } from "./internal/registry.ts"
import { hasSlots, isOwn, startsAtOnce, unreadable } from "./internal/schedule.ts"
import { forget } from "./internal/takeOver.ts"
import * as InternalTerm from "./internal/term.ts"
import * as TermMemory from "./internal/termMemory.ts"
import type { Term } from "./Term.ts"

export { ControlError } from "./internal/controlModels.ts"
export type { Control, PastRun, Status } from "./internal/controlModels.ts"
export { CurrentSlot } from "./internal/currentSlot.ts"
export { guard } from "./internal/guard.ts"
export { control, list } from "./internal/loopControl.ts"

/**
 * The layer of a loop cannot be built: the loop would run nowhere, or twice. The message names the setting to change.
 *
 * - `name`: the name of the loop
 * - `reason`:
 *   - `"duplicate"`: this runner already has a loop with that name
 *   - `"schedule"`: its cron expression is invalid
 *   - `"shardGroup"`: this runner does not serve its shard group, or its `ShardingConfig` is not provided
 *   - `"address"`: the runner has the default address, or the address of another live runner
 *   - `"shardSettings"`: its `shardsPerGroup`, its shard groups or its kind of locks differ from those of a live runner
 *   - `"pooledConnection"`: a pooler in transaction mode is in front of the database
 *
 * The last three are checked if the storage of the cluster is the Postgres of the loop's `SqlClient`.
 *
 * **Example** (Twice the same name)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Period } from "effect-wait"
 * import { ClusterLoop } from "@effect-wait/cluster"
 *
 * const sync = () => ClusterLoop.layer(Effect.void, Period.sliding("1 minute"), { name: "sync" })
 * const build = Layer.build(Layer.provide(Layer.merge(sync(), sync()), ClusterLoop.layerEmbedded))
 *
 * const error = await Effect.runPromise(Effect.scoped(Effect.flip(build)))
 * error.reason // => "duplicate"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class ClusterLoopError extends Data.TaggedError("ClusterLoopError")<{
  readonly name: string
  readonly reason: "address" | "duplicate" | "pooledConnection" | "schedule" | "shardGroup" | "shardSettings"
  readonly message: string
}> {}

/**
 * A loop that this runner owns.
 *
 * @category models
 * @since 0.1.0
 */
export interface Owned {
  readonly term: Term
  readonly loop: Loop.Loop<unknown, unknown>
}

/**
 * The handle of a loop, if this runner owns it now: its status, and all other operations of a `Loop`.
 *
 * **Example** (For a health page)
 *
 * ```ts
 * import { Effect, Layer, Option } from "effect"
 * import { Period } from "effect-wait"
 * import { ClusterLoop } from "@effect-wait/cluster"
 * import { TestClock } from "effect/testing"
 *
 * const Sync = ClusterLoop.layer(Effect.void, Period.sliding("1 minute"), { name: "sync" })
 *
 * const program = Effect.gen(function*() {
 *   const before = yield* ClusterLoop.find("sync")
 *   yield* TestClock.adjust("90 seconds")
 *   const owned = Option.getOrThrow(yield* ClusterLoop.find("sync"))
 *   const { runs } = yield* owned.loop.status
 *   return { before, runs, runner: owned.term.runner }
 * }).pipe(
 *   Effect.provide(Layer.provideMerge(Sync, ClusterLoop.layerEmbedded)),
 *   Effect.provide(TestClock.layer())
 * )
 *
 * await Effect.runPromise(program) // => { before: Option.none(), runs: 2, runner: "localhost:34431" }
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const find = (name: string): Effect.Effect<Option.Option<Owned>, never, Sharding.Sharding> =>
  Effect.map(Sharding.Sharding, (sharding) => Option.fromUndefinedOr(registryOf(sharding).get(name)))

// No delay is close to 0: a runner that was paused, and is refused by a `Fence`, has to learn first that it is no longer the owner.
const defaultBackoff = Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Jitter.equal)

const allowed = (given: {
  readonly work: unknown
  readonly schedule: unknown
  readonly name: unknown
  readonly immediate?: unknown
  readonly backoff?: unknown
  readonly onFailure?: unknown
  readonly catchUp?: unknown
}): Effect.Effect<void> => {
  const { backoff, catchUp, immediate, name, onFailure, schedule, work } = given
  const isRecord = Predicate.isObject(catchUp)
  const { missed, unreadable, window }: { missed?: unknown; unreadable?: unknown; window?: unknown } = isRecord
    ? catchUp
    : {}
  const isOwnSchedule = Schedule.isSchedule(schedule) && isOwn(schedule)
  const slotted = isOwnSchedule && hasSlots(schedule)
  const noSlots = "left out, for only the slots of Period.cron and Period.ticker can be missed"
  const checks = [
    [typeof name === "string" && name !== "", "name", name, "a string that is not empty"],
    [Effect.isEffect(work), "work", work, "an Effect"],
    [Schedule.isSchedule(schedule), "schedule", schedule, "a Schedule"],
    [immediate === undefined || typeof immediate === "boolean", "immediate", immediate, "true or false"],
    [backoff === undefined || Schedule.isSchedule(backoff), "backoff", backoff, "a Schedule"],
    [onFailure === undefined || typeof onFailure === "function", "onFailure", onFailure, "a function"],
    [catchUp === undefined || catchUp === false || isRecord, "catchUp", catchUp, "a record of options, or false"],
    [
      !isRecord || isOwnSchedule,
      "schedule",
      schedule,
      "a schedule of effect-wait outside Effect's own combinators, for the loop has catchUp"
    ],
    [missed === undefined || slotted, "catchUp.missed", missed, noSlots],
    [window === undefined || slotted, "catchUp.window", window, noSlots],
    [isOneOf(missed, ["skip", "one", "all"]), "catchUp.missed", missed, `"skip", "one" or "all"`],
    [isOneOf(unreadable, ["fail", "startAsNew"]), "catchUp.unreadable", unreadable, `"fail" or "startAsNew"`],
    [window === undefined || isDuration(window), "catchUp.window", window, "a duration of 0 or more"]
  ] as const
  const wrong = checks.find(([holds]) => !holds)
  if (wrong === undefined) return Effect.void
  const [, argument, value, allowed] = wrong
  return Effect.die(illegal(`ClusterLoop.layer: ${argument}`, value, allowed))
}

const isOneOf = (value: unknown, allowed: ReadonlyArray<unknown>): boolean =>
  value === undefined || allowed.includes(value)

const isDuration = (value: unknown): boolean =>
  Option.exists(Duration.fromInput(value as Duration.Input), (duration) => Duration.toMillis(duration) >= 0)

/** When a runner takes over again what another one has taken over from it. */
const retake = Period.sliding("2 seconds").pipe(Jitter.additive(0.5))

const forgets = (schedule: object): string =>
  isOwn(schedule)
    ? "This loop starts anew with each owner: provide the SqlClient of the cluster to its layer, or set catchUp to false"
    : "This loop starts anew with each owner: its schedule is not one of effect-wait. Set catchUp to false if that is right"

const assigned = (
  name: string,
  shardGroup: string,
  config: Option.Option<ShardingConfig.ShardingConfig["Service"]>
): Effect.Effect<void, ClusterLoopError> => {
  const fail = (message: string) => Effect.fail(new ClusterLoopError({ name, reason: "shardGroup", message }))
  if (Option.isNone(config)) {
    return shardGroup === "default" ? Effect.void : fail(
      `The loop "${name}" is to run in the shard group "${shardGroup}", and no ShardingConfig says whether this runner serves it. Provide the ` +
        "ShardingConfig of the runner to the layer of the loop as well."
    )
  }
  if (Option.isNone(config.value.runnerAddress)) {
    return fail(
      `The loop "${name}" is to run here, and this runner has no address: it is a client of the cluster, which runs nothing.`
    )
  }
  const { assigned } = ShardingConfig.shardGroupConfig(config.value)
  return assigned.has(shardGroup) ? Effect.void : fail(
    `The loop "${name}" is to run in the shard group "${shardGroup}", which this runner does not serve: it serves ${
      Array.from(assigned, (group) => `"${group}"`).join(", ") || "none"
    }. Add it to assignedShardGroups and availableShardGroups of its ShardingConfig, or leave the loop to the runners that have it.`
  )
}

/**
 * The options of {@link layer}. `E` is the error of a run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<
  E,
  EB = never,
  RB = never,
  EH = never,
  RH = never,
  Immediate extends boolean | undefined = boolean | undefined
> {
  readonly name: string
  readonly immediate?: Immediate | undefined
  readonly backoff?: Schedule.Schedule<unknown, Cause.Cause<E>, EB, RB> | undefined
  readonly onFailure?: ((failure: Loop.Failure<E>) => Effect.Effect<unknown, EH, RH>) | undefined
  readonly shardGroup?: string | undefined
  readonly catchUp?: Loop.CatchUp | false | undefined
}

/**
 * A loop that one runner of the cluster runs at a time.
 *
 * `work` is one run, which reads its term from `Term.CurrentTerm`. `schedule` is as for `Loop.run`: the next owner continues where the
 * last one stopped, see `catchUp`.
 *
 * - `name`: the name of the loop, unique in the cluster. Its spans, metrics and log entries have this name, as for every `Loop` with a
 *   name; they also have the `runner` and the `term`
 * - `immediate`: whether the first run of a new loop starts at once. Default true, but false for a calendar, as for `Loop.run`
 * - `backoff`: the schedule of the loop while runs fail, with an error or a defect. It starts again after each success, and
 *   its input is the Cause. Default: exponential from 1 second to 1 minute, with equal jitter. When it is exhausted, the loop gives up, which is
 *   logged and counted
 * - `onFailure`: a hook for each failed run that does not end the loop, as for `Loop.run`. Default: a log entry of level Warn
 * - `shardGroup`: the loop runs on the runners that serve this group; default `"default"`
 * - `catchUp`: which slots of `Period.cron` and `Period.ticker` run if they passed without an owner: `missed`, default `"one"`, `window` and
 *   `unreadable`, as for `Loop.layer`. Any other schedule waits for the rest of its delay. `false`: each term starts as new, and nothing is stored
 *
 * The memory of the loop is in the tables `effect_wait_loops` and `effect_wait_loop_runs` of its `SqlClient`, Postgres or SQLite. The layer creates
 * missing tables. A run costs two SQL statements. The one before the run also finds that another runner has taken over, or that the loop is
 * paused. On Postgres, runs that start or end at the same time share these statements. A kill repeats the run in flight and no other run; with {@link guard} it repeats nothing. Without a database the memory is in a
 * `LoopStore`, if the loop has one. Without both, the loop remembers only in a cluster of one process, and elsewhere it logs a warning. A schedule of
 * another library logs this warning too.
 *
 * A failed run is counted, and the loop continues. A hand-over and the loss of the lock interrupt
 * the run in flight. `Effect.uninterruptible` prevents that, and delays a hand-over. The Scope of a run closes when the run
 * ends.
 *
 * When a runner takes over many loops, the first ten runs start at once, and the others 2.5 milliseconds apart, so that thousands of
 * loops do not run at the same moment. Runs at the slots of a calendar are not spread.
 *
 * The layer fails with a {@link ClusterLoopError} if the loop would run nowhere, or twice. To check this it reads the `ShardingConfig` and
 * the `SqlClient` of the runner, so provide both to the loop as well. It dies with an `IllegalArgumentError` for an empty name, and for
 * an argument that is no Effect or Schedule.
 *
 * **Gotchas**
 *
 * A runner that serves the shard group without this loop may get its shard, and then the loop runs nowhere. So give all
 * runners of a group the same loops, or give the loops a group of their own.
 *
 * **Example** (On one machine, without a database)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Period } from "effect-wait"
 * import { ClusterLoop } from "@effect-wait/cluster"
 * import { TestClock } from "effect/testing"
 *
 * let runs = 0
 * const Reconcile = ClusterLoop.layer(Effect.sync(() => ++runs), Period.nonSliding("1 minute"), { name: "reconcile" })
 *
 * const program = Effect.gen(function*() {
 *   yield* Layer.build(Layer.provide(Reconcile, ClusterLoop.layerEmbedded))
 *   yield* TestClock.adjust("150 seconds")
 * }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))
 *
 * await Effect.runPromise(program)
 * runs // => 3
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: {
  <
    A,
    E,
    Out,
    ES,
    RS,
    EB = never,
    RB = never,
    EH = never,
    RH = never,
    Immediate extends boolean | undefined = undefined
  >(
    schedule: Schedule.Schedule<Out, NoInfer<A> | Loop.FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options: Options<NoInfer<E>, EB, RB, EH, RH, Immediate>
  ): <R>(
    work: Effect.Effect<A, E, R>
  ) => Layer.Layer<
    never,
    ClusterLoopError,
    Sharding.Sharding | Exclude<R | RS | NoInfer<RB> | NoInfer<RH>, Scope.Scope>
  >
  <
    A,
    E,
    R,
    Out,
    ES,
    RS,
    EB = never,
    RB = never,
    EH = never,
    RH = never,
    Immediate extends boolean | undefined = undefined
  >(
    work: Effect.Effect<A, E, R>,
    schedule: Schedule.Schedule<Out, NoInfer<A> | Loop.FirstInput<NoInfer<Immediate>, NoInfer<ES>>, ES, RS>,
    options: Options<NoInfer<E>, EB, RB, EH, RH, Immediate>
  ): Layer.Layer<
    never,
    ClusterLoopError,
    Sharding.Sharding | Exclude<R | RS | NoInfer<RB> | NoInfer<RH>, Scope.Scope>
  >
} = dual(3, <A, E, R, Out, F>(
  work: Effect.Effect<A, E, R>,
  schedule: Schedule.Schedule<Out, A | undefined, F, R>,
  options: Options<E, F, R, F, R, boolean | undefined>
): Layer.Layer<never, ClusterLoopError, Sharding.Sharding | Exclude<R, Scope.Scope>> => {
  const { backoff = defaultBackoff, immediate, name, onFailure, shardGroup = "default" } = options
  // The error of a run is its Cause.
  const hook = onFailure === undefined ?
    undefined :
    ({ cause, ...failure }: Loop.Failure<Cause.Cause<E>>) =>
      onFailure({ ...failure, cause: Option.getOrElse(Cause.findErrorOption(cause), () => Cause.empty) })
  const make = Effect.gen(function*() {
    const sharding = yield* Sharding.Sharding
    yield* Hub.turn(sharding)
    const registry = registryOf(sharding)
    yield* allowed({ ...options, work, schedule })
    const config = yield* Effect.serviceOption(ShardingConfig.ShardingConfig)
    yield* assigned(name, shardGroup, config)
    const { refusal } = yield* Membership.Membership
    if (refusal !== undefined) return yield* new ClusterLoopError({ name, ...refusal })
    const mistyped = yield* unreadable(schedule)
    if (mistyped !== undefined) {
      return yield* new ClusterLoopError({
        name,
        reason: "schedule",
        message: `The loop "${name}" never runs: ${mistyped.message}`
      })
    }
    yield* Effect.acquireRelease(
      Effect.suspend((): Effect.Effect<unknown, ClusterLoopError> => {
        const message = `This runner has a loop "${name}" already. Give each loop a name of its own.`
        return registry.has(name)
          ? Effect.fail(new ClusterLoopError({ name, reason: "duplicate", message }))
          : Effect.succeed(registry.set(name, undefined))
      }),
      () => Effect.sync(() => registry.delete(name))
    )
    const runner = Option.match(Option.flatMap(config, ({ runnerAddress }) => runnerAddress), {
      onNone: () => "unknown",
      onSome: ({ host, port }) => `${host}:${port}`
    })
    const identity: InternalTerm.Identity = { name, runner, ambient: yield* Metric.CurrentMetricAttributes }
    yield* InternalTerm.setOwned(identity, 0)
    const isSpread = immediate ?? startsAtOnce(schedule)
    const context = yield* Effect.context<Exclude<R, Scope.Scope>>()
    const table = options.catchUp === false || !isOwn(schedule) ? undefined : yield* tableOf(sharding)
    if (table === undefined && options.catchUp !== false) yield* Effect.logWarning(forgets(schedule))
    if (table !== undefined) yield* serve(sharding, name, shardGroup, table)
    const takeOver = table === undefined ? forget : takeOverOf(table, sharding, { owner: runner, shardGroup })
    const catchUp = options.catchUp === false ? undefined : options.catchUp ?? {}
    const settings = { name, immediate, backoff, onFailure: hook }
    const fork = (seat: Hub.Seat) =>
      Effect.fnUntraced(function*(term: Term) {
        const row = seat.recollection?.row
        const due = row?.memory === undefined ? isSpread ? -Infinity : Infinity : row.memory.due ?? -Infinity
        const isDue = due <= (yield* Clock.currentTimeMillis)
        const { delay, onTime } = seat.firstRun
        const run = InternalTerm.iteration(work, seat, isDue ? onTime : Effect.void)
        // An overdue run starts at once, also that of a calendar.
        const initialDelay = isSpread || row?.memory !== undefined ? delay : 0
        if (table === undefined || row === undefined) {
          return yield* Loop.forkScoped(run, schedule, { ...settings, initialDelay })
        }
        const memory = TermMemory.make(table, term, row)
        const remembering = InternalTerm.remembering(run, memory)
        const loop = yield* Loop.forkScoped(remembering, schedule, { ...settings, initialDelay, catchUp }).pipe(
          Effect.provideService(LoopStore.LoopStore, memory.store)
        )
        if (row.isTriggered) yield* loop.trigger
        return loop
      })
    const oneTerm = (seat: Hub.Seat) => InternalTerm.run(sharding, identity, seat, fork(seat))
    // This runner has still the shard, for all that it knows: it takes over again.
    const again = (seat: Hub.Seat) =>
      Effect.flatMap(takeOver([name]), (known) => oneTerm({ ...seat, recollection: known.get(name) }))
    yield* Hub.join(sharding, {
      name,
      shardGroup,
      takeOver,
      term: (seat) =>
        Effect.andThen(oneTerm(seat), Loop.run(again(seat), retake, { initialDelay: "1 second" })).pipe(
          Effect.andThen(Effect.never),
          Effect.provideContext(context)
        )
    })
  })
  return Layer.provide(Layer.effectDiscard(make), Membership.layer)
})

/**
 * A cluster of one process, without a database, for a laptop and for a spec on `TestClock`. Messages are
 * kept in memory.
 *
 * **Gotchas**
 *
 * Two such processes do not form a cluster: both run the loop.
 *
 * **Example** (What it provides)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ClusterLoop } from "@effect-wait/cluster"
 * import { ShardingConfig } from "effect/cluster"
 *
 * const shards = Effect.map(ShardingConfig.ShardingConfig, (config) => config.shardsPerGroup)
 *
 * await Effect.runPromise(Effect.provide(shards, ClusterLoop.layerEmbedded)) // => 1
 * ```
 *
 * @see {@link layer} for a loop on it
 * @category layers
 * @since 0.1.0
 */
export const layerEmbedded: Layer.Layer<
  Sharding.Sharding | Runners.Runners | MessageStorage.MessageStorage | ShardingConfig.ShardingConfig
> = Layer.effectDiscard(Effect.map(Sharding.Sharding, setEmbedded)).pipe(
  Layer.provideMerge(Sharding.layer),
  Layer.provideMerge(Runners.layerNoop),
  Layer.provideMerge(MessageStorage.layerMemory),
  Layer.provide([RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
  Layer.provideMerge(ShardingConfig.layer({ shardsPerGroup: 1 }))
)

/**
 * Settings for loops that must move within seconds: another runner takes over 2 to 3 seconds after a `kill -9`. With Effect's
 * defaults that takes about 32 seconds. Three idle runners make 32 transactions a second with these settings, and 10 with Effect's. Use
 * them in `ShardingConfig.layerFromEnv`, `ShardingConfig.layer` or the `shardingConfig` of `NodeClusterSocket.layer`.
 *
 * - `shardLockExpiration`: 3 seconds; `shardLockRefreshInterval`: 1 second
 * - `refreshAssignmentsInterval`: 250 milliseconds; `runnerHealthCheckInterval`: 1 second
 * - `entityMessagePollInterval`: 500 milliseconds
 *
 * **Gotchas**
 *
 * A runner that stands still for 3 seconds, because of a garbage collection or its database, loses its loops.
 *
 * **Example** (With another setting)
 *
 * ```ts
 * import { ClusterLoop } from "@effect-wait/cluster"
 * import { ShardingConfig } from "effect/cluster"
 *
 * const config = ShardingConfig.layer({ ...ClusterLoop.fast, shardsPerGroup: 16 })
 *
 * ClusterLoop.fast.shardLockExpiration // => "3 seconds"
 * ```
 *
 * @category settings
 * @since 0.1.0
 */
export const fast = {
  shardLockExpiration: "3 seconds",
  shardLockRefreshInterval: "1 second",
  refreshAssignmentsInterval: "250 millis",
  runnerHealthCheckInterval: "1 second",
  entityMessagePollInterval: "500 millis"
} as const satisfies Partial<ShardingConfig.ShardingConfig["Service"]>
