/**
 * Leases that expire, for which runners in one process compete: for specs of hand-overs and partitions on `TestClock`.
 * Effect's `RunnerStorage.layerMemory` grants every shard to every runner.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import { PersistenceError } from "effect/cluster/ClusterError"
import * as MachineId from "effect/cluster/MachineId"
import type { Runner } from "effect/cluster/Runner"
import type { RunnerAddress } from "effect/cluster/RunnerAddress"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import type { ShardId } from "effect/cluster/ShardId"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { illegal } from "../internal/args.ts"

/**
 * - `layer`: the storage for all runners of the cluster
 * - `partition`: cuts off a runner: its calls to register, acquire, refresh and release fail at once, and its leases expire.
 *   It still sees the other runners
 * - `heal`: ends a partition. Heal it before the Scope of the runner closes, because the runner then releases its shards
 * - `ownerOf`: the runner that has the lease of a shard now, as `host:port`
 *
 * @category models
 * @since 0.1.0
 */
export interface LeaseStorage {
  readonly layer: Layer.Layer<RunnerStorage.RunnerStorage>
  readonly partition: (address: RunnerAddress) => Effect.Effect<void>
  readonly heal: (address: RunnerAddress) => Effect.Effect<void>
  readonly ownerOf: (shardId: ShardId) => Effect.Effect<string | undefined>
}

interface Lease {
  readonly owner: string
  readonly until: number
}

interface Registered {
  readonly runner: Runner
  readonly machine: MachineId.MachineId
  readonly healthy: boolean
  /** Until when it is alive, as far as anybody knows. */
  readonly until: number
}

const toKey = ({ host, port }: RunnerAddress): string => `${host}:${port}`

/**
 * Leases for the runners of one process.
 *
 * - `expiration`: how long a lease lasts, a duration longer than 0; use the `ShardingConfig.shardLockExpiration` of the runners
 *
 * Dies with an `IllegalArgumentError` for any other value.
 *
 * **Example** (A lease expires when its owner is cut off)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { LeaseStorage } from "@effect-wait/cluster/testing"
 * import { RunnerAddress, RunnerStorage, ShardId } from "effect/cluster"
 * import { TestClock } from "effect/testing"
 *
 * const [a, b] = [RunnerAddress.make("a", 1), RunnerAddress.make("b", 1)]
 * const shard = ShardId.make("default", 1)
 *
 * const program = Effect.gen(function*() {
 *   const leases = yield* LeaseStorage.make({ expiration: "35 seconds" })
 *   return yield* Effect.gen(function*() {
 *     const storage = yield* RunnerStorage.RunnerStorage
 *     yield* storage.acquire(a, [shard])
 *     yield* leases.partition(a)
 *     const before = yield* storage.acquire(b, [shard])
 *     yield* TestClock.adjust("35 seconds")
 *     const after = yield* storage.acquire(b, [shard])
 *     return [before.length, after.length, yield* leases.ownerOf(shard)]
 *   }).pipe(Effect.provide(leases.layer))
 * }).pipe(Effect.provide(TestClock.layer()))
 *
 * await Effect.runPromise(program) // => [0, 1, "b:1"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: { readonly expiration: Duration.Input }): Effect.Effect<LeaseStorage> =>
  Effect.sync(() => {
    const millis = Option.match(Duration.fromInput(options.expiration), {
      onNone: () => NaN,
      onSome: Duration.toMillis
    })
    if (!(millis > 0)) throw illegal("LeaseStorage.make: expiration", options.expiration, "a duration longer than 0")
    const runners = new Map<string, Registered>()
    const leases = new Map<string, Lease>()
    const cut = new Set<string>()
    let machines = 0
    const reached = <A>(address: RunnerAddress, ask: (owner: string, now: number) => A) =>
      Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<A, PersistenceError> => {
        const owner = toKey(address)
        return cut.has(owner)
          ? Effect.fail(new PersistenceError({ cause: new Error(`${owner} is cut off`) }))
          : Effect.succeed(ask(owner, now))
      })
    const change = (key: string, changed: Partial<Registered>) => {
      const known = runners.get(key)
      if (known !== undefined) runners.set(key, { ...known, ...changed })
    }
    const take = (
      shardIds: Iterable<ShardId>,
      owner: string,
      now: number,
      may: (lease: Lease | undefined) => boolean
    ) =>
      Array.from(shardIds).filter((shardId) => {
        const key = String(shardId)
        if (!may(leases.get(key))) return false
        leases.set(key, { owner, until: now + millis })
        return true
      })
    const storage = RunnerStorage.RunnerStorage.of({
      register: (runner, healthy) =>
        reached(runner.address, (key, now) => {
          const machine = runners.get(key)?.machine ?? MachineId.make(machines++)
          runners.set(key, { runner, machine, healthy, until: now + millis })
          return machine
        }),
      unregister: (address) => Effect.asVoid(reached(address, (key) => runners.delete(key))),
      getRunners: Effect.map(Clock.currentTimeMillis, (now) =>
        Array.from(runners.values())
          .filter(({ until }) => until > now)
          .map(({ healthy, runner }) => [runner, healthy] as const)),
      setRunnerHealth: (address, healthy) => Effect.sync(() => change(toKey(address), { healthy })),
      acquire: (address, shardIds) =>
        reached(
          address,
          (owner, now) =>
            take(shardIds, owner, now, (lease) => lease === undefined || lease.owner === owner || lease.until <= now)
        ),
      refresh: (address, shardIds) =>
        reached(address, (owner, now) => {
          change(owner, { until: now + millis })
          return take(shardIds, owner, now, (lease) => lease?.owner === owner)
        }),
      release: (address, shardId) =>
        Effect.asVoid(
          reached(address, (owner) => leases.get(String(shardId))?.owner === owner && leases.delete(String(shardId)))
        ),
      releaseAll: (address) =>
        reached(address, (owner) => {
          for (const [key, lease] of leases) if (lease.owner === owner) leases.delete(key)
        })
    })
    return {
      layer: Layer.succeed(RunnerStorage.RunnerStorage, storage),
      partition: (address) => Effect.sync(() => void cut.add(toKey(address))),
      heal: (address) => Effect.sync(() => void cut.delete(toKey(address))),
      ownerOf: (shardId) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const lease = leases.get(String(shardId))
          return lease !== undefined && lease.until > now ? lease.owner : undefined
        })
    }
  })
