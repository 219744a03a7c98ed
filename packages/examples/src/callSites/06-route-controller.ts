/**
 * 6. The routes of a cloud follow the nodes of a cluster: they are reconciled every 10 seconds, from start to start.
 *
 * Go: `go wait.NonSlidingUntil(func() { if err := rc.reconcileNodeRoutes(); err != nil { klog.Errorf("Couldn't reconcile
 * node routes: %v", err) } }, syncPeriod, stopCh)` in `RouteController.Run`; literally
 * `Wait.nonSlidingUntil(work, { period, stop })`. In Go a route that fails is only logged. Here it fails the run, once the
 * others are done, so that the loop's status tells of it.
 *
 * `npx --yes pnpm@12 examples 06-route-controller`
 */
import { type Duration, Effect, Schema } from "effect"
import { Loop, Period, Poll } from "effect-wait"
import { Faults, kind } from "./support/api.ts"
import { layerHttp } from "./support/http.ts"
import { claim, main } from "./support/program.ts"

/** A node has no CIDR until it is assigned one. */
export const Nodes = kind("nodes", Schema.Struct({ podCIDR: Schema.NullOr(Schema.String) }))

/** A route has the name of its node. */
export const Routes = kind("routes", Schema.Struct({ destinationCIDR: Schema.String }))

/** What went wrong with some of the routes. */
export class RoutesFailed extends Schema.TaggedError<RoutesFailed>()("RoutesFailed", { message: Schema.String }) {}

/** Deletes the routes that are stale and creates those that are missing, a few at a time. */
export const reconcileNodeRoutes = Effect.fnUntraced(function*({ concurrency }: { readonly concurrency: number }) {
  const routes = new Map((yield* Routes.list).items.map(({ name, spec }) => [name, spec.destinationCIDR]))
  const nodes = new Map((yield* Nodes.list).items.map(({ name, spec }) => [name, spec.podCIDR]))
  const reconcile = Effect.fnUntraced(function*(name: string) {
    const actual = routes.get(name)
    const wanted = nodes.get(name) ?? undefined
    if (actual === wanted) return
    if (actual !== undefined) {
      yield* Routes.remove(name)
      yield* Effect.log(`deleted ${name} ${actual}`)
    }
    if (wanted !== undefined) {
      yield* Routes.create(name, { destinationCIDR: wanted })
      yield* Effect.log(`created ${name} ${wanted}`)
    }
  })
  yield* Effect.validate(new Set([...routes.keys(), ...nodes.keys()]), reconcile, { concurrency, discard: true }).pipe(
    Effect.mapError((errors) => new RoutesFailed({ message: errors.map((error) => error.message).join(", ") }))
  )
})

/** Reconciles each period, and goes on when a run fails. `stop` lets the one in flight finish. */
export const run = ({ concurrency, stop, syncPeriod }: {
  readonly concurrency: number
  readonly syncPeriod: Duration.Input
  readonly stop?: Effect.Effect<unknown>
}) =>
  reconcileNodeRoutes({ concurrency }).pipe(
    Loop.survive(),
    Loop.forkScoped(Period.nonSliding(syncPeriod), { name: "routes", stop })
  )

const program = Effect.gen(function*() {
  const { down } = yield* Faults
  yield* Nodes.create("node-1", { podCIDR: "10.0.1.0/24" })
  const node2 = yield* Nodes.create("node-2", { podCIDR: "10.0.2.0/24" })
  const node3 = yield* Nodes.create("node-3", { podCIDR: null })
  yield* Routes.create("node-0", { destinationCIDR: "10.0.0.0/24" })

  const loop = yield* run({ syncPeriod: "200 millis", concurrency: 2 })
  const wholeRun = Effect.flatMap(loop.status, ({ runs }) =>
    Poll.until(loop.status, Period.sliding("20 millis"), {
      accept: (status) => status.runs > runs + 1,
      timeout: "20 seconds"
    }))
  const routes = Effect.map(
    Routes.list,
    ({ items }) => items.map(({ name, spec }) => `${name} ${spec.destinationCIDR}`).toSorted()
  )

  yield* wholeRun
  yield* claim("each node with a CIDR has its route", yield* routes, ["node-1 10.0.1.0/24", "node-2 10.0.2.0/24"])

  yield* Nodes.remove("node-1")
  yield* Nodes.update({ ...node2, spec: { podCIDR: "10.0.9.0/24" } })
  yield* wholeRun
  yield* claim("routes follow", yield* routes, ["node-2 10.0.9.0/24"])

  yield* Nodes.update({ ...node3, spec: { podCIDR: "10.0.3.0/24" } })
  const { consecutiveFailures } = yield* down(wholeRun)
  yield* claim("a run has failed", consecutiveFailures > 0, true)
  yield* wholeRun
  yield* claim("the next ones go on", yield* routes, ["node-2 10.0.9.0/24", "node-3 10.0.3.0/24"])
})

if (import.meta.main) main(program.pipe(Effect.scoped, Effect.provide(layerHttp)))
