/**
 * 4. A cache of all objects of a kind, kept by a list and a watch that may break.
 *
 * Go: `wait.BackoffUntil(func() { if err := r.ListAndWatch(stopCh); err != nil { r.watchErrorHandler(r, err) } }, r.backoffManager,
 * true, stopCh)` in client-go's Reflector.
 * Go gives `stopCh` to the run as well, to cut the watch. That is interruption here: of the loop, or with its Scope. A watch that
 * breaks is followed by a list here, one that ends by the next watch.
 *
 * `npx --yes pnpm@12 examples 04-reflector`
 */
import { Clock, Duration, Effect, Queue, Random, Ref, Schema, Stream } from "effect"
import { Backoff, Jitter, Loop, Period, Poll, Wait } from "effect-wait"
import { Faults, type Item, kind, Unavailable } from "./support/api.ts"
import { layerHttp } from "./support/http.ts"
import { claim, main } from "./support/program.ts"

/**
 * Go: `wait.NewExponentialBackoffManager(800*time.Millisecond, 30*time.Second, 2*time.Minute, 2.0, 1.0, clock)`. It begins afresh
 * when more than 2 minutes lie between two steps. The delay, up to a minute, is part of that.
 */
export const backoffManager = Wait.exponentialBackoffManager({
  initial: "800 millis",
  max: "30 seconds",
  reset: "2 minutes",
  factor: 2,
  jitter: 1
})

/** The same, but it begins afresh only after a watch that held for more than 2 minutes: waiting is no sign of health. */
export const backoff = Backoff.exponential({ base: "800 millis", cap: "30 seconds" }).pipe(
  Jitter.additive(1),
  Backoff.resetAfter("2 minutes")
)

/** With `finalStateUnknown` it was deleted while nobody watched, and the item is the last that was known of it. */
export type Event<A> =
  | { readonly type: "added" | "updated"; readonly item: Item<A> }
  | { readonly type: "deleted"; readonly item: Item<A>; readonly finalStateUnknown: boolean }

/**
 * Keeps a cache of a kind, and tells the handler what changes in it. A watch that breaks, or is gone, is followed by a list after the
 * backoff. One that ended, as each does after `minWatchTimeout` to twice that, goes on from the last version.
 */
export const reflect = Effect.fnUntraced(function*<A, R>(
  source: Pick<ReturnType<typeof kind<A>>, "list" | "watch">,
  handler: (event: Event<A>) => Effect.Effect<void, never, R>,
  times = { backoff, minWatchTimeout: Duration.minutes(5) }
) {
  const store = new Map<string, Item<A>>()
  let synced = false

  const put = (item: Item<A>) =>
    Effect.suspend(() => {
      const known = store.get(item.name)
      if (known !== undefined && known.version >= item.version) return Effect.void
      store.set(item.name, item)
      return handler({ type: known === undefined ? "added" : "updated", item })
    })
  const remove = (deleted: { readonly item: Item<A>; readonly finalStateUnknown: boolean }) =>
    Effect.suspend(() => store.delete(deleted.item.name) ? handler({ type: "deleted", ...deleted }) : Effect.void)

  const replace = Effect.fnUntraced(function*(items: ReadonlyArray<Item<A>>) {
    const names = new Set(items.map(({ name }) => name))
    const missing = [...store.values()].filter(({ name }) => !names.has(name))
    yield* Effect.forEach(missing, (item) => remove({ item, finalStateUnknown: true }))
    yield* Effect.forEach(items, put)
    synced = true
  }, Effect.uninterruptible)

  const listAndWatch = Effect.gen(function*() {
    const listed = yield* source.list
    yield* replace(listed.items)
    let version = listed.version
    const watch = Effect.gen(function*() {
      const timeout = Duration.times(times.minWatchTimeout, 1 + (yield* Random.next))
      yield* source.watch(version).pipe(
        Stream.interruptWhen(Effect.sleep(timeout)),
        Stream.runForEach(({ item, type }) => {
          if (item.version <= version) return Effect.void
          version = item.version
          return Effect.uninterruptible(type === "DELETED" ? remove({ item, finalStateUnknown: false }) : put(item))
        })
      )
    })
    // A server that ends each watch at once is not asked more often than that.
    return yield* Loop.run(watch, Period.nonSliding("1 second"))
  })

  // As Go's watchErrorHandler: what is gone is no error, and nothing ends the loop.
  const watched = listAndWatch.pipe(
    Effect.catchTag("Gone", ({ message }) => Effect.log(`the watch is gone: ${message}`)),
    Loop.survive()
  )
  return {
    get: (name: string) => store.get(name),
    names: () => [...store.keys()],
    hasSynced: Effect.sync(() => synced),
    loop: yield* Loop.forkScoped(watched, times.backoff, { name: "reflector" })
  }
})

/** Go: `cache.WaitForCacheSync(stopCh, hasSynced)`. */
export const waitForCacheSync = (hasSynced: Effect.Effect<boolean>) =>
  Poll.until(hasSynced, Period.ticker("100 millis"))

export const Pods = kind("pods", Schema.Struct({ phase: Schema.String }))

/** `deleted web-1, final state unknown` */
export const lineOf = <A>(event: Event<A>) =>
  `${event.type} ${event.item.name}${
    event.type === "deleted" && event.finalStateUnknown ? ", final state unknown" : ""
  }`

const program = Effect.gen(function*() {
  const faults = yield* Faults
  const events = yield* Queue.unbounded<string>()
  const told = (n: number) => Effect.timeout(Queue.takeN(events, n), "20 seconds")
  const lists: Array<number> = []
  const cut = yield* Ref.make(false)
  const list = Effect.gen(function*() {
    lists.push(yield* Clock.currentTimeMillis)
    if (yield* Ref.get(cut)) return yield* new Unavailable({ message: "no route to host" })
    return yield* Pods.list
  })

  const web1 = yield* Pods.create("web-1", { phase: "Pending" })
  yield* Pods.create("web-2", { phase: "Running" })
  const pods = yield* reflect(
    { ...Pods, list },
    (event) => Effect.andThen(Effect.log(lineOf(event)), Queue.offer(events, lineOf(event))),
    {
      backoff: Backoff.exponential({ base: "100 millis", cap: "2 seconds" }).pipe(Jitter.additive(1)),
      minWatchTimeout: Duration.minutes(5)
    }
  )
  yield* waitForCacheSync(pods.hasSynced)
  yield* claim("the cache has what there was", pods.names(), ["web-1", "web-2"])
  yield* claim("and has told it", yield* told(2), ["added web-1", "added web-2"])

  yield* Pods.create("web-3", { phase: "Pending" })
  yield* claim("the watch tells what comes", yield* told(1), ["added web-3"])

  yield* Ref.set(cut, true)
  yield* faults.drop
  yield* Pods.update({ ...web1, spec: { phase: "Running" } })
  yield* Pods.remove("web-2")
  yield* Poll.until(pods.loop.status, Period.sliding("20 millis"), {
    accept: ({ failures }) => failures >= 4,
    timeout: "20 seconds"
  })
  const [, first = 0, second = 0, third = 0] = lists
  yield* claim("it waits longer and longer", [second - first >= 198, third - second >= 398], [true, true])
  yield* Ref.set(cut, false)
  yield* claim("the list tells what was missed, and only that", yield* told(2), [
    "deleted web-2, final state unknown",
    "updated web-1"
  ])
  yield* claim("the cache has what there is", [pods.names(), pods.get("web-1")?.spec], [
    ["web-1", "web-3"],
    { phase: "Running" }
  ])

  yield* Pods.remove("web-3")
  yield* claim("the new watch tells what goes", yield* told(1), ["deleted web-3"])
})

if (import.meta.main) main(program.pipe(Effect.scoped, Effect.provide(layerHttp)))
