import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Schema } from "effect"
import { Crds, finalizer, run } from "../../src/callSites/06-crd-finalizer.ts"
import { Api, Faults, kind, layerMemory, Unavailable } from "../../src/callSites/support/api.ts"
import { logOf } from "./logOf.ts"

/** A definition and objects of it. */
const define = Effect.fnUntraced(function*(plural: string, { isDeleted = true, objects = 0 }) {
  for (let n = 0; n < objects; n++) yield* kind(plural, Schema.Json).create(`${plural}-${n}`, {})
  yield* Crds.create(plural, { plural, isDeleted, finalizers: [finalizer] })
})

const update = Effect.fnUntraced(
  function*(plural: string, spec: Partial<Effect.Success<typeof Crds.list>["items"][number]["spec"]>) {
    const crd = yield* Crds.get(plural)
    yield* Crds.update({ ...crd, spec: { ...crd.spec, ...spec } })
  }
)

/** Somebody else's change. */
const touch = (plural: string) => update(plural, { finalizers: [finalizer, "backup"] })

/** An API that takes a second to delete an object, and logs it. What is in the list fails, or dies, instead. */
const slow = (api: Api["Service"], failures: Array<Effect.Effect<never, Unavailable> | undefined>) =>
  Api.of({
    ...api,
    remove: (kind, name) =>
      failures.shift() ?? Effect.delay(Effect.tap(api.remove(kind, name), Effect.log(`deleted ${name}`)), "1 second")
  })

/** What is logged by the finalizer, and by what goes on beside it. */
const logWith = Effect.fnUntraced(function*<E>(
  given: Effect.Effect<unknown, unknown, Api>,
  meanwhile: (stop: Effect.Effect<unknown>) => Effect.Effect<unknown, E, Api | Faults>,
  { failures = [], workers = 1 }: {
    readonly workers?: number
    readonly failures?: ReadonlyArray<Effect.Effect<never, Unavailable> | undefined>
  } = {}
) {
  const both = Effect.gen(function*() {
    yield* given
    const stop = yield* Deferred.make<void>()
    const api = slow(yield* Api, [...failures])
    const finalizing = Effect.provideService(run({ workers, stop: Deferred.await(stop) }), Api, api)
    const finalized = Effect.andThen(finalizing, Effect.log("has returned"))
    yield* Effect.all([finalized, meanwhile(Deferred.succeed(stop, undefined))], { concurrency: 2 })
  })
  return (yield* logOf(Effect.provide(both, layerMemory), { until: "1 minute" })).log
})

const nothing = () => Effect.void

/** What is logged by a finalizer that is not stopped. */
const untilCut = (...lines: ReadonlyArray<string>) => [
  "0 Starting CRDFinalizer",
  ...lines,
  "60000 Shutting down CRDFinalizer"
]

describe("the finalizer of definitions", () => {
  it.effect("deletes the objects of those that are deleted, at once", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        Effect.all([define("widgets", { objects: 2 }), define("gadgets", { objects: 1, isDeleted: false })]),
        () => Effect.delay(update("gadgets", { isDeleted: true }), "12345 millis")
      )
      assert.deepStrictEqual(
        log,
        untilCut(
          "1100 deleted widgets-0",
          "2100 deleted widgets-1",
          "2100 finalized widgets",
          "13345 deleted gadgets-0",
          "13345 finalized gadgets"
        )
      )
    }))

  it.effect("does not mind objects that somebody else deletes meanwhile", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        define("widgets", { objects: 2 }),
        () => Effect.delay(kind("widgets", Schema.Json).remove("widgets-1"), "500 millis")
      )
      assert.deepStrictEqual(log, untilCut("1100 deleted widgets-0", "2100 finalized widgets"))
    }))

  it.effect("waits until it knows them", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        define("widgets", { objects: 1 }),
        () => Effect.flatMap(Faults, ({ down }) => down(Effect.sleep("1500 millis")))
      )
      assert.deepStrictEqual(
        log,
        untilCut(
          "0 Error A run failed; the loop goes on",
          "1000 Error A run failed; the loop goes on",
          "3000 deleted widgets-0",
          "3000 finalized widgets"
        )
      )
    }))

  it.effect("has as many workers as it is told to, and no definition at two of them", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        Effect.all([
          define("widgets", { objects: 2 }),
          define("gadgets", { objects: 2 }),
          define("things", { objects: 1 })
        ]),
        () => Effect.delay(touch("widgets"), "500 millis"),
        { workers: 2 }
      )
      assert.deepStrictEqual(
        log,
        untilCut(
          "1100 deleted widgets-0",
          "1100 deleted gadgets-0",
          "2100 deleted widgets-1",
          "2100 Error widgets failed with: customresourcedefinitions/widgets is at 9, not 3",
          "2100 deleted gadgets-1",
          "2100 finalized gadgets",
          "2100 finalized widgets",
          "3100 deleted things-0",
          "3100 finalized things"
        )
      )
    }))
})

describe("a definition that fails", () => {
  it.effect("by a conflict is tried again later and later, until its change is known", () =>
    Effect.gen(function*() {
      const conflict = "customresourcedefinitions/widgets is at 3, not 2"
      const log = yield* logWith(define("widgets", { objects: 1 }), () =>
        Effect.gen(function*() {
          const { drop } = yield* Faults
          yield* Effect.sleep("500 millis")
          yield* drop
          yield* touch("widgets")
        }))
      assert.deepStrictEqual(
        log,
        untilCut(
          "500 Error A run failed; the loop goes on",
          "1100 deleted widgets-0",
          ...[1100, 1105, 1115, 1135, 1175, 1255, 1415].map((time) => `${time} Error widgets failed with: ${conflict}`),
          "1500 finalized widgets"
        )
      )
    }))

  it.effect("has its first delay again after a success", () =>
    Effect.gen(function*() {
      const no = Effect.fail(new Unavailable({ message: "no" }))
      const log = yield* logWith(
        define("widgets", { objects: 1 }),
        () =>
          Effect.delay(Effect.andThen(kind("widgets", Schema.Json).create("new", {}), touch("widgets")), "10 seconds"),
        { failures: [no, no, undefined, no] }
      )
      assert.deepStrictEqual(
        log,
        untilCut(
          "100 Error widgets failed with: no",
          "105 Error widgets failed with: no",
          "1115 deleted widgets-0",
          "1115 finalized widgets",
          "10000 Error widgets failed with: no",
          "11005 deleted new",
          "11005 finalized widgets"
        )
      )
    }))
})

describe("a definition that is gone meanwhile", () => {
  const failed = "Error widgets failed with: customresourcedefinitions/widgets not found"

  it.effect("is let go", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        define("widgets", { objects: 1 }),
        () => Effect.delay(Crds.remove("widgets"), "500 millis")
      )
      assert.deepStrictEqual(log, untilCut("1100 deleted widgets-0", `1100 ${failed}`))
    }))

  it.effect("is let go once that is known", () =>
    Effect.gen(function*() {
      const log = yield* logWith(define("widgets", { objects: 1 }), () =>
        Effect.gen(function*() {
          const { drop } = yield* Faults
          yield* Effect.sleep("500 millis")
          yield* drop
          yield* Crds.remove("widgets")
        }))
      assert.deepStrictEqual(
        log,
        untilCut(
          "500 Error A run failed; the loop goes on",
          "1100 deleted widgets-0",
          ...[1100, 1105, 1115, 1135, 1175, 1255, 1415].map((time) => `${time} ${failed}`)
        )
      )
    }))
})

describe("a worker whose run panics", () => {
  it.effect("has the next one a second later, and the definition comes again", () =>
    Effect.gen(function*() {
      const log = yield* logWith(define("widgets", { objects: 1 }), nothing, { failures: [Effect.die("boom")] })
      assert.deepStrictEqual(
        log,
        untilCut(
          "100 Error A run failed; the loop goes on",
          "2100 deleted widgets-0",
          "2100 finalized widgets"
        )
      )
    }))

  it.effect("leaves the definition to another one", () =>
    Effect.gen(function*() {
      const log = yield* logWith(define("widgets", { objects: 1 }), nothing, {
        failures: [Effect.die("boom")],
        workers: 2
      })
      assert.deepStrictEqual(
        log,
        untilCut(
          "100 Error A run failed; the loop goes on",
          "1105 deleted widgets-0",
          "1105 finalized widgets"
        )
      )
    }))
})

describe("a stop", () => {
  it.effect("lets what is queued be done", () =>
    Effect.gen(function*() {
      const log = yield* logWith(
        Effect.all([
          define("widgets", { objects: 2 }),
          define("gadgets", { objects: 1 }),
          define("things", { isDeleted: false })
        ]),
        (stop) =>
          Effect.gen(function*() {
            yield* Effect.delay(stop, "500 millis")
            yield* Effect.sleep("1 milli")
            yield* update("things", { isDeleted: true })
          })
      )
      assert.deepStrictEqual(log, [
        "0 Starting CRDFinalizer",
        "1100 deleted widgets-0",
        "2100 deleted widgets-1",
        "2100 finalized widgets",
        "3100 deleted gadgets-0",
        "3100 finalized gadgets",
        "3100 Shutting down CRDFinalizer",
        "3100 has returned"
      ])
    }))

  it.effect("ends workers that wait at once", () =>
    Effect.gen(function*() {
      const log = yield* logWith(Effect.void, (stop) =>
        Effect.gen(function*() {
          const { drop } = yield* Faults
          yield* Effect.delay(stop, "12345 millis")
          // Nobody watches.
          yield* Effect.delay(drop, "1 second")
        }), { workers: 2 })
      assert.deepStrictEqual(log, ["0 Starting CRDFinalizer", "12345 Shutting down CRDFinalizer", "12345 has returned"])
    }))

  it.effect("that comes before it knows the definitions starts no worker", () =>
    Effect.gen(function*() {
      const log = yield* logWith(define("widgets", { objects: 1 }), (stop) =>
        Effect.flatMap(Faults, ({ down }) => down(Effect.delay(stop, "1500 millis"))))
      assert.deepStrictEqual(log, [
        "0 Starting CRDFinalizer",
        "0 Error A run failed; the loop goes on",
        "1000 Error A run failed; the loop goes on",
        "1500 Shutting down CRDFinalizer",
        "1500 has returned"
      ])
    }))
})
