/**
 * 6. A work queue: each key is in it once, is at one worker at a time, and comes back later and later while it fails.
 *
 * Go: `workqueue.NewRateLimitingQueue(workqueue.NewItemExponentialFailureRateLimiter(5*time.Millisecond,
 * 1000*time.Second))` of client-go. `Get` and `Done` are one here, so that `Done` cannot be forgotten. The rate limit is any
 * Schedule, with a state for each key; one that ends, as by `Limit.attempts`, gives the key up. Go's bucket for all keys
 * together is left out.
 *
 * `npx --yes pnpm@12 examples 06-work-queue`
 */
import { Clock, Duration, Effect, Fiber, FiberMap, Latch, Option, Pull, Schedule, type Scope } from "effect"
import { Backoff, Limit, Period, Poll } from "effect-wait"
import { claim, main } from "./support/program.ts"

export interface WorkQueue<Key> {
  /** Queues a key that is not queued. One that is being processed is queued when that is done. */
  readonly add: (key: Key) => Effect.Effect<void>
  /** Adds a key after the next of its delays. Where it waits for one already, the one that ends first counts. */
  readonly addRateLimited: (key: Key) => Effect.Effect<void>
  /** The delays of the key begin afresh. */
  readonly forget: (key: Key) => Effect.Effect<void>
  /** Waits for the next key and processes it. False: the queue is shut down, and nothing is left in it. */
  readonly processNext: <A, E, R>(process: (key: Key) => Effect.Effect<A, E, R>) => Effect.Effect<boolean, E, R>
  /** Adds nothing more, not even what waits for its delay. What is queued is still processed. */
  readonly shutDown: Effect.Effect<void>
}

/** Go's default for controllers. */
export const rateLimit = Backoff.exponential({ base: "5 millis", cap: "1000 seconds" })

/** A queue that is shut down with the Scope. */
export const make = Effect.fnUntraced(function*<Key>(
  limit: Schedule.Schedule<unknown> = rateLimit
): Effect.fn.Return<WorkQueue<Key>, never, Scope.Scope> {
  const begin = Schedule.toStep(limit)
  const steps = new Map<Key, Effect.Success<typeof begin>>()
  const readyAt = new Map<Key, number>()
  const waiting = yield* FiberMap.make<Key>()
  const dirty = new Set<Key>()
  const processing = new Set<Key>()
  // Open when there may be something to get.
  const changed = yield* Latch.make()
  const state = { shutDown: false }

  const add = (key: Key) =>
    Effect.suspend(() => {
      if (state.shutDown) return Effect.void
      dirty.add(key)
      return changed.open
    })
  const addReady = (key: Key) =>
    Effect.suspend(() => {
      readyAt.delete(key)
      return add(key)
    })
  const forget = (key: Key) => Effect.sync(() => steps.delete(key))
  const get: Effect.Effect<Option.Option<Key>> = Effect.suspend(() => {
    for (const key of dirty) {
      if (processing.has(key)) continue
      dirty.delete(key)
      processing.add(key)
      return Effect.succeedSome(key)
    }
    if (state.shutDown) return Effect.succeedNone
    changed.closeUnsafe()
    return Effect.andThen(Effect.interruptible(changed.await), get)
  })
  const done = (key: Key) =>
    Effect.suspend(() => {
      processing.delete(key)
      // It goes to the end of the queue.
      if (dirty.delete(key)) dirty.add(key)
      return changed.open
    })
  const shutDown = Effect.suspend(() => {
    state.shutDown = true
    return changed.open
  })
  yield* Effect.addFinalizer(() => shutDown)

  return {
    add,
    addRateLimited: (key) =>
      Effect.gen(function*() {
        const step = steps.get(key) ?? (yield* begin)
        steps.set(key, step)
        const now = yield* Clock.currentTimeMillis
        const [, delay] = yield* step(now, undefined)
        const time = now + Duration.toMillis(delay)
        if (state.shutDown || time >= (readyAt.get(key) ?? Infinity)) return
        readyAt.set(key, time)
        yield* FiberMap.run(waiting, key, Effect.delay(addReady(key), delay))
      }).pipe(Pull.catchDone(() => forget(key)), Effect.asVoid),
    forget,
    processNext: (process) =>
      Effect.acquireUseRelease(
        get,
        (key) => Option.isSome(key) ? Effect.as(process(key.value), true) : Effect.succeed(false),
        (key) => Option.isSome(key) ? done(key.value) : Effect.void
      ),
    shutDown
  }
})

const program = Effect.gen(function*() {
  const queue = yield* make<string>(rateLimit.pipe(Limit.attempts(4)))
  const processed: Array<string> = []
  const counted = (key: string) => processed.filter((name) => name === key).length
  const process = Effect.fnUntraced(function*(key: string) {
    yield* Effect.log(`processes ${key}`)
    processed.push(key)
    if (key === "broken") return yield* queue.addRateLimited(key)
    if (key === "busy" && counted(key) === 1) yield* Effect.all([queue.add(key), queue.add(key)])
    yield* Effect.sleep("20 millis")
  })
  const worker = Effect.repeat(queue.processNext(process), { while: (more) => more })

  yield* Effect.forEach(["broken", "busy", "busy", "other"], queue.add)
  const workers = yield* Effect.forkChild(Effect.all([worker, worker], { concurrency: 2 }))
  const [took] = yield* Effect.timed(
    Poll.until(Effect.sync(() => counted("broken") === 4), Period.sliding("5 millis"), { timeout: "20 seconds" })
  )
  // 5, 10 and 20 ms. A timer may wake a little early.
  yield* claim("what fails comes back, later and later", Duration.toMillis(took) > 30, true)
  yield* queue.add("last")
  yield* queue.shutDown
  yield* queue.add("late")
  yield* Fiber.join(workers)
  const expected = ["broken", "broken", "broken", "broken", "busy", "busy", "last", "other"]
  yield* claim("all of it is processed, and what was added meanwhile once more", processed.toSorted(), expected)
})

if (import.meta.main) main(Effect.scoped(program))
