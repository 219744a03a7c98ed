/**
 * The time for which one runner owns a loop.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import { constUndefined } from "effect/Function"

/**
 * A term starts when a runner takes over a loop, and ends when the runner hands over or loses the loop.
 *
 * - `loop`: the name of the loop
 * - `runner`: the address of its owner, `host:port`; `"unknown"` without a `ShardingConfig`
 * - `id`: unique for each term; the ids of a runner grow
 * - `startedAt`: in milliseconds since the epoch, by the clock of the runner
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
 * The term of the current run; undefined outside of a run.
 *
 * **Example** (The owner of a run)
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
