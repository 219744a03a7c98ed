/** What an operator sees of a loop of the cluster, and does with it. */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"

/**
 * A loop cannot be controlled from here.
 *
 * - `name`: the name of the loop; empty for a list of all
 * - `reason`: `"unknown"`: no runner has ever owned a loop of that name; `"storage"`: the memory of the loops cannot be read
 *   or written; `"noStorage"`: this process has neither a `SqlClient` nor the loop itself
 * - `cause`: the error of the database
 *
 * **Example** (A name that no loop has)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ClusterLoop } from "@effect-wait/cluster"
 *
 * const error = Effect.flip(ClusterLoop.control("snyc"))
 *
 * const { reason } = await Effect.runPromise(Effect.provide(error, ClusterLoop.layerEmbedded))
 * reason // => "unknown"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class ControlError extends Data.TaggedError("ControlError")<{
  readonly name: string
  readonly reason: "unknown" | "storage" | "noStorage"
  readonly message: string
  readonly cause?: unknown
}> {}

/**
 * The state of a loop, from its row in the database. Times are in milliseconds since the epoch.
 *
 * - `owner`, `term`: the runner that last took over the loop, `host:port`, and its term. After a crash they stay until the next runner takes over
 * - `state`: `"running"`: a run has started and not ended; `"paused"`: no run starts in the whole cluster, except by a trigger
 * - `isTriggered`: a run is requested, and has not started yet
 * - `lastStart`, `lastEnd`, `lastSuccess`: when a run last started, ended and succeeded
 * - `nextStart`: when the next run is due; none while the loop runs or is paused, and if there is no next run
 *
 * @category models
 * @since 0.1.0
 */
export interface Status {
  readonly name: string
  readonly shardGroup: string
  readonly owner: string
  readonly term: string
  readonly state: "waiting" | "running" | "paused"
  readonly isTriggered: boolean
  readonly lastStart: Option.Option<number>
  readonly lastEnd: Option.Option<number>
  readonly lastSuccess: Option.Option<number>
  readonly nextStart: Option.Option<number>
}

/**
 * A run of the past. Times are in milliseconds since the epoch.
 *
 * - `slot`: the slot that the run served; none for a schedule without slots, and for a triggered run
 * - `end`: when it ended; none for an outcome of `"cut"`
 * - `outcome`: `"cut"`: its owner died in the run, or handed the loop over
 *
 * @category models
 * @since 0.1.0
 */
export interface PastRun {
  readonly owner: string
  readonly term: string
  readonly slot: Option.Option<number>
  readonly start: number
  readonly end: Option.Option<number>
  readonly outcome: "success" | "failure" | "cut"
}

/**
 * The control of a loop, from any process of the cluster.
 *
 * - `status`: its state now, from its row
 * - `history`: its last runs, from the oldest to the newest, also those of earlier owners
 * - `trigger`: starts a run now; during a run, one more after it. A paused loop runs once, and stays paused
 * - `pause`: from now on only a trigger starts a run, in the whole cluster. A run in flight finishes
 * - `resume`: ends a pause. An overdue run starts at once; slots that passed in the pause are missed
 *
 * Each command is written to the row, so it survives the death of the owner. Then the owner gets a message, within milliseconds. An owner that cannot
 * be reached reads the row within the `entityMessagePollInterval`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Control {
  readonly name: string
  readonly status: Effect.Effect<Status, ControlError>
  readonly history: Effect.Effect<ReadonlyArray<PastRun>, ControlError>
  readonly trigger: Effect.Effect<void, ControlError>
  readonly pause: Effect.Effect<void, ControlError>
  readonly resume: Effect.Effect<void, ControlError>
}
