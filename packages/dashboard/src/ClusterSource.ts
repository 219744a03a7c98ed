/**
 * The loops of a cluster with their owners, and pause, resume and run now from any replica. It needs `@effect-wait/cluster`.
 *
 * @since 0.1.0
 */
import * as ClusterLoop from "@effect-wait/cluster/ClusterLoop"
import * as Arr from "effect/Array"
import type * as Sharding from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Info, LoopsUnavailable, type Run } from "./DashboardApi.ts"
import type { LoopSource } from "./LoopSource.ts"

const failures: { readonly [Outcome in ClusterLoop.PastRun["outcome"]]: string | null } = {
  success: null,
  failure: "failed",
  cut: "cut: its owner died, or handed the loop over"
}

const runOf = ({ end, outcome, start }: ClusterLoop.PastRun): Run => ({
  attempt: null,
  start,
  end: Option.getOrElse(end, () => start),
  failure: failures[outcome]
})

const infoOf = (status: ClusterLoop.Status, history: ReadonlyArray<ClusterLoop.PastRun>): Info => {
  const latestFirst = Arr.reverse(history)
  const others = latestFirst.findIndex(({ outcome }) => outcome !== "failure")
  const consecutiveFailures = others === -1 ? history.length : others
  const lastFailure = latestFirst.find(({ outcome }) => outcome !== "success")
  return {
    id: status.name,
    name: status.name,
    healthy: consecutiveFailures === 0,
    state: status.state,
    runs: null,
    failures: null,
    consecutiveFailures,
    missed: null,
    lastStart: Option.getOrNull(status.lastStart),
    lastEnd: Option.getOrNull(status.lastEnd),
    lastSuccess: Option.getOrNull(status.lastSuccess),
    nextStart: Option.getOrNull(status.nextStart),
    lastFailure: lastFailure === undefined ? null : failures[lastFailure.outcome],
    owner: status.owner,
    history: history.map(runOf)
  }
}

const unavailable = ({ message }: ClusterLoop.ControlError) => new LoopsUnavailable({ message })

/**
 * The loops of the cluster, as `ClusterLoop.list` has them: the same in each replica.
 *
 * - `owner`: the runner that last took over the loop. After a crash it stays until the next runner takes over
 * - `runs`, `failures`, `missed`: null, since the database does not count them
 *
 * **Gotchas**
 *
 * A loop of a cluster cannot be stopped: each replica has it in a layer. Pause it.
 *
 * **Example** (The loops of a cluster)
 *
 * ```ts
 * import { ClusterLoop } from "@effect-wait/cluster"
 * import * as ClusterSource from "@effect-wait/dashboard/ClusterSource"
 * import { Effect, Layer } from "effect"
 * import { Period } from "effect-wait"
 * import { TestClock } from "effect/testing"
 *
 * const Sync = ClusterLoop.layer(Effect.void, Period.sliding("1 minute"), { name: "sync" })
 *
 * const program = Effect.gen(function*() {
 *   yield* TestClock.adjust("90 seconds")
 *   const source = yield* ClusterSource.make
 *   yield* source.control("sync", "pause")
 *   return (yield* source.list).map(({ history, name, owner, state }) => [name, state, owner, history.length])
 * }).pipe(
 *   Effect.provide(Layer.provideMerge(Sync, ClusterLoop.layerEmbedded)),
 *   Effect.provide(TestClock.layer())
 * )
 *
 * await Effect.runPromise(program) // => [["sync", "paused", "localhost:34431", 2]]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<LoopSource, never, Sharding.Sharding> = Effect.gen(function*() {
  const context = yield* Effect.context<Sharding.Sharding>()
  const seen = new Map<string, Info>()

  // The history is read again when a run has ended.
  const look = Effect.fnUntraced(function*(status: ClusterLoop.Status) {
    const before = seen.get(status.name)
    const isSame = before !== undefined && before.lastEnd === Option.getOrNull(status.lastEnd) &&
      before.lastStart === Option.getOrNull(status.lastStart) && before.owner === status.owner
    if (isSame) return { ...before, state: status.state, nextStart: Option.getOrNull(status.nextStart) }
    const { history } = yield* ClusterLoop.control(status.name)
    const info = infoOf(status, yield* history)
    seen.set(status.name, info)
    return info
  })

  const provided = <A>(effect: Effect.Effect<A, ClusterLoop.ControlError, Sharding.Sharding>) =>
    effect.pipe(Effect.mapError(unavailable), Effect.provideContext(context))

  return {
    instance: null,
    interval: "500 millis",
    canStop: false,
    list: provided(Effect.flatMap(ClusterLoop.list, (all) => Effect.forEach(all, look))),
    control: (id, action) =>
      provided(
        Effect.gen(function*() {
          if (action === "stop") return false
          const control = yield* ClusterLoop.control(id)
          yield* control[action]
          return true
        }).pipe(
          Effect.catch((error) => error.reason === "unknown" ? Effect.succeed(false) : Effect.fail(error))
        )
      )
  }
})
