import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { StaleTerm } from "../Fence.ts"
import { CurrentTerm } from "../Term.ts"
import { ofTerm } from "./termMemory.ts"

const illegal = (message: string): Effect.Effect<never> => Effect.die(new Cause.IllegalArgumentError(message))

/**
 * Writes and completes a run in one transaction: each slot of the loop is written exactly once, even if its owner dies at any
 * point.
 *
 * - use it once a run: put all writes of the run into one guard
 * - it costs one SQL statement inside the transaction, and saves the statement after the run
 * - if this process is no longer the owner, it fails with a `Fence.StaleTerm`, and nothing is written. The loop ends, and starts again
 *   if this runner still owns it
 * - if the run fails after its guard, the failure is reported, and the run is not repeated: its slot is done
 * - Postgres ends a transaction that stands still for 5 seconds, so an owner that was paused inside the transaction does not block the next owner
 *
 * It dies with an `IllegalArgumentError` outside of a run, and in a loop without a database.
 *
 * **Gotchas**
 *
 * The write must use the `SqlClient` of the layer of the loop: the guard does not protect writes with another client.
 * Do slow work before the guard, and only write inside it.
 *
 * **Example** (Each hour is billed exactly once)
 *
 * ```ts no-run
 * import { Effect } from "effect"
 * import { Period } from "effect-wait"
 * import { ClusterLoop } from "@effect-wait/cluster"
 * import { SqlClient } from "effect/sql"
 *
 * const measure = Effect.succeed(21)
 *
 * const run = Effect.gen(function*() {
 *   const sql = yield* SqlClient.SqlClient
 *   const hour = yield* ClusterLoop.CurrentSlot
 *   const amount = yield* measure
 *   yield* ClusterLoop.guard(sql`INSERT INTO bills (hour, amount) VALUES (${hour}, ${amount})`)
 * })
 *
 * const Bill = ClusterLoop.layer(run, Period.cron("0 * * * *", { timeZone: "UTC" }), {
 *   name: "bill",
 *   catchUp: { missed: "all" }
 * })
 * ```
 *
 * @see `Fence` for writes of other loops, and to other databases
 * @category guards
 * @since 0.1.0
 */
export const guard = <A, E, R>(write: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError | StaleTerm, R> =>
  Effect.gen(function*() {
    const term = yield* CurrentTerm
    const memory = term && ofTerm(term)
    if (term === undefined || memory === undefined) {
      return yield* illegal("ClusterLoop.guard works in the run of a ClusterLoop that remembers, and nowhere else")
    }
    if (memory.guard === undefined) {
      return yield* illegal(
        `ClusterLoop.guard needs a database: provide the SqlClient of Postgres or SQLite to the layer of the loop "${term.loop}"`
      )
    }
    return yield* memory.guard(write, yield* Clock.currentTimeMillis)
  })
