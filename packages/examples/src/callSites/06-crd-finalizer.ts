/**
 * 6. The finalizer of custom resource definitions: workers at a queue, that outlive what happens to them.
 *
 * Go: `for i := 0; i < workers; i++ { go wait.Until(c.runWorker, time.Second, stopCh) }` in `CRDFinalizer.Run`, after
 * `cache.WaitForCacheSync(stopCh, c.crdSynced)`; literally `Wait.until(runWorker, { period: "1 second", stop })`.
 * In Go a key is lost when its sync panics, a conflict waits for the watch, and `Run` returns while workers are busy. Here
 * both come again by the rate limit, and `run` waits for its workers.
 *
 * `npx --yes pnpm@12 examples 06-crd-finalizer`
 */
import { Deferred, Effect, Fiber, Schema, Stream } from "effect"
import { Loop, Period, Poll } from "effect-wait"
import * as WorkQueue from "./06-work-queue.ts"
import { type Item, kind } from "./support/api.ts"
import { layerHttp } from "./support/http.ts"
import { claim, main } from "./support/program.ts"

const Spec = Schema.Struct({
  plural: Schema.String,
  isDeleted: Schema.Boolean,
  finalizers: Schema.Array(Schema.String)
})

/** What is deleted stays until it has no finalizers. */
export const Crds = kind("customresourcedefinitions", Spec)

type Crd = Item<typeof Spec.Type>

export const finalizer = "customresourcecleanup.apiextensions.k8s.io"

const isTerminating = ({ spec }: Crd) => spec.isDeleted && spec.finalizers.includes(finalizer)

/** The definitions by the last list and a watch since, and `onSet` for each that is told. Example 4 has more of it. */
const makeCache = Effect.fnUntraced(function*(onSet: (crd: Crd) => Effect.Effect<void>) {
  const crds = new Map<string, Crd>()
  const state = { hasSynced: false }
  const set = (crd: Crd) =>
    Effect.suspend(() => {
      crds.set(crd.name, crd)
      return onSet(crd)
    })
  const listAndWatch = Effect.gen(function*() {
    const { items, version } = yield* Crds.list
    crds.clear()
    yield* Effect.forEach(items, set)
    state.hasSynced = true
    yield* Stream.runForEach(
      Crds.watch(version),
      ({ item, type }) => type === "DELETED" ? Effect.sync(() => crds.delete(item.name)) : set(item)
    )
  })
  yield* Loop.forkScoped(Loop.survive(listAndWatch), Period.sliding("1 second"), { name: "crds" })
  return { get: (name: string) => crds.get(name), hasSynced: Effect.sync(() => state.hasSynced) }
})

/** Deletes the objects of a definition, then takes the finalizer off it. A Conflict where somebody has changed it. */
const finalize = Effect.fnUntraced(function*(crd: Crd) {
  const objects = kind(crd.spec.plural, Schema.Json)
  const { items } = yield* objects.list
  yield* Effect.forEach(items, ({ name }) => Effect.catchTag(objects.remove(name), "NotFound", () => Effect.void))
  const finalizers = crd.spec.finalizers.filter((name) => name !== finalizer)
  yield* Crds.update({ ...crd, spec: { ...crd.spec, finalizers } })
  yield* Effect.log(`finalized ${crd.name}`)
})

/** Runs until `stop` completes, and what is queued then is done. `stop` is run more than once, like `Deferred.await`. */
export const run = Effect.fnUntraced(
  function*({ stop, workers }: { readonly workers: number; readonly stop: Effect.Effect<unknown> }) {
    const queue = yield* WorkQueue.make<string>()
    const cache = yield* makeCache((crd) => isTerminating(crd) ? queue.add(crd.name) : Effect.void)

    const sync = Effect.fnUntraced(function*(name: string) {
      const crd = cache.get(name)
      if (crd !== undefined && isTerminating(crd)) yield* finalize(crd)
      yield* queue.forget(name)
    })
    const processNextWorkItem = queue.processNext((name) =>
      sync(name).pipe(
        Effect.onError(() => queue.addRateLimited(name)),
        Effect.catch((error) => Effect.logError(`${name} failed with: ${error.message}`))
      )
    )
    const runWorker = Effect.repeat(processNextWorkItem, { while: (more) => more })

    yield* Effect.log("Starting CRDFinalizer")
    yield* Poll.until(cache.hasSynced, Period.sliding("100 millis"), { stop })
    const worker = Loop.forkScoped(Loop.survive(runWorker), Period.sliding("1 second"), { name: "crd_finalizer", stop })
    const loops = yield* Effect.replicateEffect(worker, workers)
    yield* stop
    yield* queue.shutDown
    yield* Effect.forEach(loops, (loop) => loop.await)
  },
  Effect.catchTag("WaitTimeout", () => Effect.void),
  Effect.ensuring(Effect.log("Shutting down CRDFinalizer")),
  Effect.scoped
)

const program = Effect.gen(function*() {
  const stop = yield* Deferred.make<void>()
  const define = Effect.fnUntraced(function*(plural: string) {
    const objects = kind(plural, Schema.Json)
    yield* Effect.forEach(Array(50).keys(), (n) => objects.create(`${plural}-${n}`, {}), { concurrency: 10 })
    const crd = yield* Crds.create(plural, { plural, isDeleted: false, finalizers: [finalizer] })
    const count = Effect.map(objects.list, ({ items }) => items.length)
    return {
      crd,
      count,
      begun: Poll.until(count, Period.sliding("2 millis"), { accept: (n) => n < 50, timeout: "20 seconds" })
    }
  })
  const remove = (crd: Crd) => Crds.update({ ...crd, spec: { ...crd.spec, isDeleted: true } })
  const widgets = yield* define("widgets")
  const gadgets = yield* define("gadgets")
  const fiber = yield* Effect.forkChild(run({ workers: 2, stop: Deferred.await(stop) }))

  const deleted = yield* remove(widgets.crd)
  yield* widgets.begun
  yield* Crds.update({ ...deleted, spec: { ...deleted.spec, finalizers: [finalizer, "backup"] } })
  const { spec } = yield* Poll.until(Crds.get("widgets"), Period.sliding("20 millis"), {
    accept: (crd) => !isTerminating(crd),
    timeout: "20 seconds"
  })
  yield* claim("what somebody else has written meanwhile is still there", spec.finalizers, ["backup"])
  const counts = [yield* widgets.count, yield* gadgets.count]
  yield* claim("all objects are gone, those of the other one are not", counts, [0, 50])

  yield* remove(gadgets.crd)
  yield* gadgets.begun
  yield* Deferred.succeed(stop, undefined)
  yield* Fiber.join(fiber)
  yield* claim("what was in flight is finished", isTerminating(yield* Crds.get("gadgets")), false)
})

if (import.meta.main) main(Effect.provide(program, layerHttp))
