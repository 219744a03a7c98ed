import * as Data from "effect/Data"

/**
 * A store that cannot be used, or what it has under the name of a loop is no memory of that loop.
 *
 * - `name`: the name of the loop
 * - `key`: where the store has the memory, such as a file
 * - `reason`: `"unavailable"`: the store is away, and the loop tries again; `"unreadable"`: the store has something else;
 *   `"stale"`: another process has taken over the loop, which ends here
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
