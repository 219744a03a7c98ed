/**
 * The time for which one runner owns a loop.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import { constUndefined } from "effect/Function"

/**
 * A term begins when a runner takes over a loop, and ends when it hands it over, or loses it.
 *
 * - `loop`: the name of the loop
 * - `runner`: the address of its owner, `host:port`; `"unknown"` where no `ShardingConfig` tells
 * - `id`: no two terms have the same; those of one runner grow
 * - `startedAt`: in milliseconds since the epoch, by the runner's clock
 *
 * @category models
 * @since 0.1.0
 */
export interface Term {
  readonly loop: string
  readonly runner: string
  readonly id: string
  readonly startedAt: number
}

/**
 * The term of the run that asks; undefined outside of any.
 *
 * **Example** (Who am I?)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Term } from "@effect-wait/cluster"
 *
 * const owner = Effect.gen(function*() {
 *   const term = yield* Term.CurrentTerm
 *   return term?.runner ?? "nobody"
 * })
 *
 * Effect.runSync(owner) // => "nobody"
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const CurrentTerm = Context.Reference<Term | undefined>("@effect-wait/cluster/CurrentTerm", {
  defaultValue: constUndefined
})
