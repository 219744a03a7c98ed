import { assert, describe, it } from "@effect/vitest"
import { Cause, type Duration, Effect, Option, type Scope } from "effect"
import { Nodes, Routes, run } from "../../src/callSites/06-route-controller.ts"
import { Api, Faults, layerMemory, Unavailable } from "../../src/callSites/support/api.ts"
import { logOf } from "./logOf.ts"

/** A cloud that takes 3 seconds to create a route, and 1 to delete one. It logs when it is asked for all of them. */
const slow = (api: Api["Service"]): Api["Service"] => ({
  ...api,
  list: (kind) => kind === "routes" ? Effect.andThen(Effect.log("begins"), api.list(kind)) : api.list(kind),
  create: (kind, name, spec) => Effect.delay(api.create(kind, name, spec), kind === "routes" ? "3 seconds" : 0),
  remove: (kind, name) => Effect.delay(api.remove(kind, name), kind === "routes" ? "1 second" : 0)
})

/** What a program logs with this cloud, in which there is something already. */
const logWith = Effect.fnUntraced(function*<E, E2>(
  given: Effect.Effect<unknown, E, Api>,
  program: Effect.Effect<unknown, E2, Api | Faults | Scope.Scope>,
  { cloud = slow, until }: { readonly cloud?: typeof slow; readonly until: Duration.Input }
) {
  const both = Effect.gen(function*() {
    yield* given
    yield* Effect.provideService(program, Api, cloud(yield* Api))
    yield* Effect.never
  })
  return (yield* logOf(Effect.scoped(Effect.provide(both, layerMemory)), { until })).log
})

const options = { syncPeriod: "10 seconds", concurrency: 2 } as const

const addNodes = (...numbers: ReadonlyArray<number>) =>
  Effect.forEach(numbers, (n) => Nodes.create(`node-${n}`, { podCIDR: `10.0.${n}.0/24` }), { discard: true })

const failed = "Error A run failed; the loop goes on"

describe("the route controller", () => {
  it.effect("begins a run each 10 seconds, however long one took, and creates the missing routes two at a time", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        Effect.andThen(addNodes(1, 2, 3), Nodes.create("new", { podCIDR: null })),
        Effect.andThen(run(options), Effect.delay(addNodes(4), "11 seconds")),
        { until: "31 seconds" }
      )
      assert.deepStrictEqual(log, [
        "0 begins",
        "3000 created node-1 10.0.1.0/24",
        "3000 created node-2 10.0.2.0/24",
        "6000 created node-3 10.0.3.0/24",
        "10000 begins",
        "20000 begins",
        "23000 created node-4 10.0.4.0/24",
        "30000 begins"
      ])
    }))

  it.effect("follows a run that took longer at once, and counts from there", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        addNodes(1, 2, 3, 4, 5, 6, 7),
        Effect.andThen(run(options), Effect.delay(addNodes(8), "11 seconds")),
        { until: "25 seconds" }
      )
      assert.deepStrictEqual(log, [
        "0 begins",
        "3000 created node-1 10.0.1.0/24",
        "3000 created node-2 10.0.2.0/24",
        "6000 created node-3 10.0.3.0/24",
        "6000 created node-4 10.0.4.0/24",
        "9000 created node-5 10.0.5.0/24",
        "9000 created node-6 10.0.6.0/24",
        "12000 created node-7 10.0.7.0/24",
        "12000 begins",
        "15000 created node-8 10.0.8.0/24",
        "22000 begins"
      ])
    }))

  it.effect("deletes the routes of nodes that are gone or lost their CIDR, and replaces those of another one", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        Effect.gen(function*() {
          yield* Nodes.create("kept", { podCIDR: "10.0.1.0/24" })
          yield* Nodes.create("lost", { podCIDR: null })
          yield* Nodes.create("moved", { podCIDR: "10.0.3.0/24" })
          yield* Routes.create("gone", { destinationCIDR: "10.0.0.0/24" })
          yield* Routes.create("kept", { destinationCIDR: "10.0.1.0/24" })
          yield* Routes.create("lost", { destinationCIDR: "10.0.2.0/24" })
          yield* Routes.create("moved", { destinationCIDR: "10.0.9.0/24" })
        }),
        run(options),
        { until: "15 seconds" }
      )
      assert.deepStrictEqual(log, [
        "0 begins",
        "1000 deleted gone 10.0.0.0/24",
        "1000 deleted lost 10.0.2.0/24",
        "2000 deleted moved 10.0.9.0/24",
        "5000 created moved 10.0.3.0/24",
        "10000 begins"
      ])
    }))

  it.effect("lets the run in flight finish when it is stopped", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        addNodes(1, 2, 3),
        Effect.gen(function*() {
          const loop = yield* run({ ...options, stop: Effect.sleep("4 seconds") })
          yield* loop.await
          yield* Effect.log("ended")
        }),
        { until: "1 minute" }
      )
      assert.deepStrictEqual(log, [
        "0 begins",
        "3000 created node-1 10.0.1.0/24",
        "3000 created node-2 10.0.2.0/24",
        "6000 created node-3 10.0.3.0/24",
        "6000 ended"
      ])
    }))

  it.effect("ends at once when it is stopped between two runs", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        Effect.void,
        Effect.gen(function*() {
          const loop = yield* run({ ...options, stop: Effect.sleep("14 seconds") })
          yield* loop.await
          yield* Effect.log("ended")
        }),
        { until: "1 minute" }
      )
      assert.deepStrictEqual(log, ["0 begins", "10000 begins", "14000 ended"])
    }))
})

describe("a run that fails", () => {
  it.effect("is logged and counted, and the next period comes", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        Effect.void,
        Effect.gen(function*() {
          const { down } = yield* Faults
          const { status } = yield* run(options)
          yield* Effect.delay(down(Effect.sleep("20 seconds")), "5 seconds")
          yield* addNodes(1)
          const { consecutiveFailures, runs } = yield* status
          yield* Effect.log(`${consecutiveFailures} of ${runs} failed`)
        }),
        { until: "39 seconds" }
      )
      assert.deepStrictEqual(log, [
        "0 begins",
        "10000 begins",
        `10000 ${failed}`,
        "20000 begins",
        `20000 ${failed}`,
        "25000 2 of 3 failed",
        "30000 begins",
        "33000 created node-1 10.0.1.0/24"
      ])
    }))

  it.effect("for one of the routes has done the others", () =>
    Effect.gen(function*() {
      const broken = new Set(["node-1", "node-3"])
      const cloud = (api: Api["Service"]) =>
        Api.of({
          ...slow(api),
          create: (kind, name, spec) =>
            broken.delete(name)
              ? Effect.fail(new Unavailable({ message: `no ${name}` }))
              : slow(api).create(kind, name, spec)
        })
      const log = yield* logWith(
        addNodes(1, 2, 3, 4),
        Effect.gen(function*() {
          const { status } = yield* run(options)
          yield* Effect.sleep("9 seconds")
          const { lastCause } = yield* status
          yield* Effect.log(String(Cause.squash(Option.getOrThrow(lastCause))))
        }),
        { cloud, until: "19 seconds" }
      )
      assert.deepStrictEqual(log, [
        "0 begins",
        "3000 created node-2 10.0.2.0/24",
        "3000 created node-4 10.0.4.0/24",
        `3000 ${failed}`,
        "9000 RoutesFailed: no node-1, no node-3",
        "10000 begins",
        "13000 created node-1 10.0.1.0/24",
        "13000 created node-3 10.0.3.0/24"
      ])
    }))

  it.effect("by a defect is survived as well", () =>
    Effect.gen(function*() {
      const broken = new Set(["node-1"])
      const cloud = (api: Api["Service"]) =>
        Api.of({
          ...slow(api),
          create: (kind, name, spec) => broken.delete(name) ? Effect.die("boom") : slow(api).create(kind, name, spec)
        })
      const log = yield* logWith(addNodes(1), run(options), { cloud, until: "19 seconds" })
      assert.deepStrictEqual(log, [
        "0 begins",
        `0 ${failed}`,
        "10000 begins",
        "13000 created node-1 10.0.1.0/24"
      ])
    }))
})
