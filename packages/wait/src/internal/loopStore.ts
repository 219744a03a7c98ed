/** The tag of the store in which loops keep what they remember. The rest is in `effect-wait/LoopStore`. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type { Rules, Spec } from "./driver.ts"
import type { ForkedDriver } from "./forkedDriver.ts"
import type { ForkedWatch } from "./forkedWatch.ts"
import type { LoopStoreError } from "./loopStoreError.ts"
import type { CatchUp, Change, Memory } from "./memory.ts"

/**
 * Where loops keep what they remember.
 *
 * - `load`: what was saved under the name of a loop; undefined if there is nothing
 * - `save`: replaces it, as a whole. `change` tells why: `"start"`: the loop is new; `"run"`: a run has ended; `"pause"` and
 *   `"resume"`
 *
 * `LoopStore.make` makes one from these two.
 *
 * **Example** (The memory of a loop)
 *
 * ```ts
 * import { Effect } from "effect"
 * import * as LoopStore from "effect-wait/LoopStore"
 *
 * const program = Effect.gen(function*() {
 *   const store = yield* LoopStore.LoopStore
 *   return yield* store.load("sync")
 * }).pipe(Effect.provide(LoopStore.layerMemory))
 *
 * await Effect.runPromise(program) // => undefined
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class LoopStore extends Context.Service<LoopStore, {
  readonly load: (name: string) => Effect.Effect<Memory | undefined, LoopStoreError>
  readonly save: (name: string, memory: Memory, change: Change) => Effect.Effect<void, LoopStoreError>
  /** @internal */
  readonly remember: (
    caller: string,
    watch: ForkedWatch,
    schedule: Schedule.Schedule<unknown, never, unknown, unknown>,
    catchUp: CatchUp
  ) => <A, E, R, In, Out, B, F>(
    context: Context.Context<R>,
    rules: Rules<A, E, R, In, Out, B, F | LoopStoreError>,
    spec: Spec<A, E, R, In, Out, F | LoopStoreError>
  ) => ForkedDriver<A, E, R, In, Out, B, F | LoopStoreError>
}>()("effect-wait/LoopStore") {}
