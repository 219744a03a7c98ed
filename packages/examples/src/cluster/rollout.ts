/** A poll that outlives the replicas that serve it: it holds at the 20th look. */
import { DurablePoll } from "@effect-wait/cluster"
import { Clock, Effect, Option, Schema } from "effect"
import { Period } from "effect-wait"
import { SqlClient } from "effect/sql"

export const rollout = DurablePoll.make({
  name: "rollout",
  payload: { deployment: Schema.String },
  key: ({ deployment }) => deployment,
  success: Schema.Struct({ looks: Schema.Int }),
  policy: { duration: "250 millis", factor: 1.2, jitter: 0.1, steps: 8, cap: "1 second" },
  limits: { attempts: 100, within: "5 minutes" }
})

/** Serves it as this replica, which writes down each look. */
export const layer = (replica: string) =>
  rollout.toLayer(({ deployment }, { attempt }) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      // When it began: its row is late if the replica is paused meanwhile, or the database is away.
      const at = new Date(yield* Clock.currentTimeMillis)
      // A look that fails is an attempt too, and would leave no row.
      yield* sql`INSERT INTO looked (at, deployment, attempt, replica)
        VALUES (${at}, ${deployment}, ${attempt}, ${replica})`.pipe(Effect.retry(Period.sliding("100 millis")))
      return attempt < 20 ? Option.none() : Option.some({ looks: attempt })
    })
  )
