import { assert, describe, it } from "@effect/vitest"
import { Effect, Queue } from "effect"
import { Nodes, type Pod, Pods, run } from "../../src/callSites/03-scheduler.ts"
import { Faults, layerMemory } from "../../src/callSites/support/api.ts"
import { logOf } from "./logOf.ts"

/** A scheduler over a host of 4 cpu, and its queue. */
const scheduler = Effect.gen(function*() {
  const queue = yield* Queue.unbounded<Pod>()
  yield* Nodes.create("node", { cpu: 4 })
  const loop = yield* run(queue)
  const add = Effect.fnUntraced(function*(name: string, cpu: number) {
    yield* Queue.offer(queue, yield* Pods.create(name, { cpu, host: null }))
  })
  return { add, loop, queue }
})

/** What is logged until then. */
const logUntil = <A, E>(seconds: number, program: Effect.Effect<A, E, Effect.Services<typeof scheduler> | Faults>) =>
  Effect.andThen(program, Effect.never).pipe(
    Effect.scoped,
    Effect.provide(layerMemory),
    (program) => logOf(program, { until: seconds * 1000 }),
    Effect.map(({ log }) => log)
  )

/** Somebody else changes a pod. */
const change = Effect.fnUntraced(function*(name: string, spec: Partial<Pod["spec"]>) {
  const pod = yield* Pods.get(name)
  return yield* Pods.update({ ...pod, spec: { ...pod.spec, ...spec } })
})

const noFit = (name: string, cpu: number) => (seconds: number) =>
  `${seconds * 1000} Warn ${name} is not bound: no host has ${cpu} cpu left`

describe("the scheduler", () => {
  it.effect("binds one pod after another where most is left, and then waits for the next one", () =>
    Effect.gen(function*() {
      const log = yield* logUntil(
        100,
        Effect.gen(function*() {
          const { add, loop } = yield* scheduler
          yield* Nodes.create("large", { cpu: 5 })
          yield* add("a", 1)
          yield* add("b", 3)
          yield* add("c", 2)
          yield* Effect.sleep("1 second")
          yield* Effect.log("runs", (yield* loop.status).runs)
          yield* add("d", 2)
          yield* Effect.sleep("1 minute")
          yield* Effect.log("runs", (yield* loop.status).runs)
        })
      )
      assert.deepStrictEqual(log, [
        "0 a is bound to large",
        "0 b is bound to node",
        "0 c is bound to large",
        "1000 runs 4",
        "1000 d is bound to large",
        "61000 runs 5"
      ])
    }))

  it.effect("tries a pod that fits nowhere after 1 s, 2 s, 4 s to 60 s, and binds others in the meantime", () =>
    Effect.gen(function*() {
      const log = yield* logUntil(
        300,
        Effect.gen(function*() {
          const { add } = yield* scheduler
          yield* add("big", 8)
          yield* add("small", 1)
          yield* Effect.sleep("20 seconds")
          yield* add("other", 3)
          yield* Effect.sleep("110 seconds")
          yield* Nodes.create("large", { cpu: 8 })
        })
      )
      const fails = noFit("big", 8)
      assert.deepStrictEqual(log, [
        fails(0),
        "0 small is bound to node",
        ...[1, 3, 7, 15].map(fails),
        "20000 other is bound to node",
        ...[31, 63, 123].map(fails),
        "183000 big is bound to large"
      ])
    }))

  it.effect("gets a pod again that somebody else has changed, bound or deleted", () =>
    Effect.gen(function*() {
      const log = yield* logUntil(
        100,
        Effect.gen(function*() {
          const { add, queue } = yield* scheduler
          const changed = yield* Pods.create("changed", { cpu: 3, host: null })
          const bound = yield* Pods.create("bound", { cpu: 1, host: null })
          const deleted = yield* Pods.create("deleted", { cpu: 1, host: null })
          yield* change("changed", { cpu: 4 })
          yield* change("bound", { host: "elsewhere" })
          yield* Pods.remove("deleted")
          yield* Queue.offerAll(queue, [changed, bound, deleted])
          yield* add("big", 8)
          yield* Effect.sleep("2 seconds")
          yield* Pods.remove("big")
          yield* Effect.sleep("90 seconds")
          for (const { name, spec } of (yield* Pods.list).items) yield* Effect.log(name, spec.cpu, spec.host)
        })
      )
      assert.deepStrictEqual(log, [
        "0 Warn changed is not bound: pods/changed is at 5, not 2",
        "0 Warn bound is not bound: pods/bound is at 6, not 3",
        "0 Warn deleted is not bound: pods/deleted not found",
        noFit("big", 8)(0),
        "1000 changed is bound to node",
        noFit("big", 8)(1),
        "92000 changed 4 node",
        "92000 bound 1 elsewhere"
      ])
    }))

  it.effect("begins the backoff of a pod afresh once it was bound", () =>
    Effect.gen(function*() {
      const log = yield* logUntil(
        100,
        Effect.gen(function*() {
          const { add, queue } = yield* scheduler
          yield* add("big", 8)
          yield* Effect.sleep("2 seconds")
          yield* Nodes.create("large", { cpu: 8 })
          yield* Effect.sleep("8 seconds")
          yield* Nodes.remove("large")
          yield* Queue.offer(queue, yield* change("big", { host: null }))
          yield* Effect.sleep("2 seconds")
          yield* Pods.remove("big")
        })
      )
      assert.deepStrictEqual(log, [
        ...[0, 1].map(noFit("big", 8)),
        "3000 big is bound to large",
        ...[10, 11].map(noFit("big", 8))
      ])
    }))

  it.effect("begins it afresh when it ended a minute ago, and not before", () =>
    Effect.gen(function*() {
      const log = yield* logUntil(
        300,
        Effect.gen(function*() {
          const { add, queue } = yield* scheduler
          const elsewhere = change("big", { host: "elsewhere" })
          const again = Effect.flatMap(change("big", { host: null }), (pod) => Queue.offer(queue, pod))
          yield* add("big", 8)
          yield* Effect.delay(elsewhere, "5 seconds") // which is seen at 7 s
          yield* Effect.delay(again, "61 seconds") // 66 s
          yield* Effect.delay(elsewhere, "9 seconds") // 75 s; seen at 90 s
          yield* Effect.delay(again, "76 seconds") // 151 s
          yield* Effect.delay(Pods.remove("big"), "2 seconds")
        })
      )
      assert.deepStrictEqual(log, [0, 1, 3, 66, 74, 151, 152].map(noFit("big", 8)))
    }))

  it.effect("goes on when the API is away, and so does the retry of a pod", () =>
    Effect.gen(function*() {
      const log = yield* logUntil(
        100,
        Effect.gen(function*() {
          const { add, queue } = yield* scheduler
          const { down } = yield* Faults
          const web = yield* Pods.create("web", { cpu: 1, host: null })
          yield* down(Effect.andThen(Queue.offer(queue, web), Effect.sleep("5 seconds")))
          yield* add("db", 1)
        })
      )
      assert.deepStrictEqual(log, [
        "0 Warn web is not bound: connection refused",
        "5000 db is bound to node",
        "7000 web is bound to node"
      ])
    }))
})
