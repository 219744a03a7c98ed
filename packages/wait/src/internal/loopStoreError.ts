import * as Data from "effect/Data"

/**
 * The store is away, or its data under the name of a loop is no memory of this loop.
 *
 * - `name`: the name of the loop
 * - `key`: the place of the memory in the store, such as a file
 * - `reason`: `"unavailable"`: the store is away, and the loop tries again; `"unreadable"`: the data is no memory;
 *   `"stale"`: another process has taken over the loop, so the loop ends here
 * - `cause`: the error of the store
 *
 * **Example** (Something else under the name of the loop)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Loop, Period } from "effect-wait"
 * import * as LoopStore from "effect-wait/LoopStore"
 * import { KeyValueStore } from "effect/persistence"
 *
 * const program = Effect.gen(function*() {
 *   const { set } = yield* KeyValueStore.KeyValueStore
 *   yield* set("effect-wait/loop/sync", "{}")
 *   const loop = yield* Loop.forkScoped(Effect.void, Period.sliding("1 minute"), { name: "sync", catchUp: {} })
 *   return yield* Effect.flip(Effect.flatten(loop.await))
 * }).pipe(Effect.scoped, Effect.provide(LoopStore.layerKeyValueStore), Effect.provide(KeyValueStore.layerMemory))
 *
 * const { key, reason } = await Effect.runPromise(program)
 * reason // => "unreadable"
 * key // => "effect-wait/loop/sync"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class LoopStoreError extends Data.TaggedError("LoopStoreError")<{
  readonly name: string
  readonly key: string
  readonly reason: "unavailable" | "unreadable" | "stale"
  readonly message: string
  readonly cause?: unknown
}> {}
