/**
 * What a durable poll keeps in the storage of messages. User's values are JSON in here: a payload that can no longer be decoded
 * is a failed check, not a message that the cluster answers with a defect.
 */
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as DeliverAt from "effect/cluster/DeliverAt"
import * as Entity from "effect/cluster/Entity"
import * as DateTime from "effect/DateTime"
import * as PrimaryKey from "effect/PrimaryKey"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"

/** The last instant that a DateTime can hold. */
export const never = 8_640_000_000_000_000

/** One attempt, due at a time, with everything that the next one needs. Times in milliseconds by the wall clock. */
export class Attempt extends Schema.Class<Attempt>("@effect-wait/cluster/DurablePoll/Attempt")({
  payload: Schema.Json,
  attempt: Schema.Int,
  startedAt: Schema.Finite,
  dueAt: Schema.Int,
  delay: Schema.Finite,
  growth: Schema.Struct({ nanos: Schema.Finite, steps: Schema.Int }),
  lastError: Schema.NullOr(Schema.String)
}) {
  [PrimaryKey.symbol](): string {
    return String(this.attempt)
  }
  [DeliverAt.symbol](): DateTime.DateTime {
    return DateTime.makeUnsafe(this.dueAt)
  }
}

/** The reply to an attempt: when the next one is due. */
export const Planned = Schema.Struct({
  dueAt: Schema.NullOr(Schema.Int),
  delay: Schema.NullOr(Schema.Finite),
  lastError: Schema.NullOr(Schema.String)
})
export type Planned = typeof Planned.Type

/** Where the poll ended, and where an earlier delivery had planned the next attempt. */
export const unplanned: Planned = { dueAt: null, delay: null, lastError: null }

/** How a poll ended; `value` is null but for `held`. */
export const Outcome = Schema.Struct({
  state: Schema.Literals(["held", "deadline", "exhausted", "stopped"]),
  attempts: Schema.Int,
  elapsed: Schema.Finite,
  value: Schema.Json,
  lastError: Schema.NullOr(Schema.String)
})
export type Outcome = typeof Outcome.Type

/** Who waits for the outcome asks this. It is never delivered: whoever ends the poll answers it in storage. */
export class Result extends Schema.Class<Result>("@effect-wait/cluster/DurablePoll/Result")({}) {
  [PrimaryKey.symbol](): string {
    return ""
  }
  [DeliverAt.symbol](): DateTime.DateTime {
    return DateTime.makeUnsafe(never)
  }
}

export const attemptRpc = Rpc.make("attempt", { payload: Attempt, success: Planned })
  .annotate(ClusterSchema.Persisted, true)

// A caller that no longer waits leaves no message behind.
export const resultRpc = Rpc.make("result", { payload: Result, success: Outcome })
  .annotate(ClusterSchema.Persisted, true)
  .annotate(ClusterSchema.Uninterruptible, "client")

export const cancelRpc = Rpc.make("cancel", { payload: {}, primaryKey: () => "" })
  .annotate(ClusterSchema.Persisted, true)
  .annotate(ClusterSchema.Uninterruptible, true)

export const makeEntity = (name: string) => Entity.make(`DurablePoll/${name}`, [attemptRpc, resultRpc, cancelRpc])

export type PollEntity = ReturnType<typeof makeEntity>
