/** The tag of the store in which loops keep what they remember. The rest is in `effect-wait/LoopStore`. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type { ForkedWatch } from "./forkedWatch.ts"
import type { LoopStoreError } from "./loopStoreError.ts"
import type { CatchUp, Change, Memory } from "./memory.ts"
import type { LoopMoment } from "./moment.ts"
import type { Next } from "./next.ts"
import type { Plan } from "./plan.ts"
import type { Watched } from "./watch.ts"

/** The memory of one loop. */
export interface Recollection<out F> {
  /** Reads what the store has. It waits for a store that is away. */
  readonly load: (loop: Watched) => Effect.Effect<void, F>
  /** Puts a schedule that has started where the memory says. The result is the wait for the first run; undefined in a new loop. */
  readonly recall: (plan: AnyPlan, state: unknown, at: LoopMoment) => number | undefined
  /** Asks the store before a run, which starts unless the loop is paused then. It waits for a store that is away. */
  readonly begin: BeginRun<F> | undefined
  /** Saves where the schedule stands before what comes next, inside its delay. It waits for a store that is away, until a stop. */
  readonly saveBefore: <B, E, R>(
    loop: Watched,
    plan: AnyPlan,
    state: unknown,
    next: Next<B, E, R>,
    during: (delay: number, save: Effect.Effect<void, F>) => Next<B, E | F, R>
  ) => Next<B, E | F, R>
  /** The loop was paused or resumed. Completes when the store has it. */
  readonly saveState: (loop: Watched) => Effect.Effect<void>
}

type BeginRun<F> = (
  loop: Watched,
  plan: AnyPlan,
  state: unknown,
  isTriggered: boolean
) => Effect.Effect<unknown, F>

/** The plan of any schedule. */
export type AnyPlan = Plan<unknown, never, unknown, unknown>

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
  ) => Recollection<LoopStoreError>
}>()("effect-wait/LoopStore") {}
