/** Runners in one process, on the test clock. */
import { ClusterLoop, Term } from "@effect-wait/cluster"
import { LeaseStorage } from "@effect-wait/cluster/testing"
import { Clock, Effect, Exit, Layer, Option, type Schedule, Scope } from "effect"
import { MessageStorage, RunnerAddress, RunnerHealth, Runners, Sharding, ShardingConfig } from "effect/cluster"
import { TestClock } from "effect/testing"

export const addressOf = (port: number) => RunnerAddress.make("runner", port)

/** A runner with this address, in need of a storage. */
export const runner = (port: number, config?: Partial<ShardingConfig.ShardingConfig["Service"]>) =>
  Sharding.layer.pipe(
    Layer.provideMerge(Runners.layerNoop),
    Layer.provideMerge(MessageStorage.layerNoop),
    Layer.provide(RunnerHealth.layerNoop),
    Layer.provideMerge(
      ShardingConfig.layer({ shardsPerGroup: 1, runnerAddress: Option.some(addressOf(port)), ...config })
    )
  )

/** Runners that all have one loop; what it does, as `[when, who]`, in seconds. */
export const makeCluster = Effect.fnUntraced(
  function*(schedule: Schedule.Schedule<unknown>, work: Effect.Effect<unknown, string> = Effect.void) {
    const leases = yield* LeaseStorage.make({ expiration: "35 seconds" })
    const runs: Array<readonly [seconds: number, port: number]> = []
    const terms = new Set<string>()
    const run = Effect.gen(function*() {
      const term = yield* Term.CurrentTerm
      runs.push([Math.floor((yield* Clock.currentTimeMillis) / 1000), Number(term?.runner.split(":")[1])])
      terms.add(term?.id ?? "none")
      yield* work
    })
    const loop = ClusterLoop.layer(run, schedule, { name: "sync" })
    return {
      leases,
      runs,
      terms,
      /** A runner that joins. Closing its Scope is a graceful stop. */
      join: Effect.fnUntraced(function*(port: number) {
        const scope = yield* Scope.make()
        const services = yield* Layer.build(
          Layer.provideMerge(loop, Layer.provide(runner(port), leases.layer))
        ).pipe(Scope.provide(scope))
        yield* TestClock.adjust(1) // it gets its shards
        return { services, stop: Effect.forkChild(Scope.close(scope, Exit.void)) }
      })
    }
  }
)
