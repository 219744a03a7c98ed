/** The trials of durable polls alone: `node pollTrials.ts [--seed 1] [--polls 1000]`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Random } from "effect"
import { parseArgs } from "node:util"
import { allHold } from "./trials/claims.ts"
import { polls } from "./trials/polls.ts"

const { polls: count, seed } = parseArgs({
  options: { polls: { type: "string", default: "1000" }, seed: { type: "string", default: "1" } }
}).values

NodeRuntime.runMain(
  polls({ count: Number(count) }).pipe(
    Random.withSeed(seed),
    Effect.andThen(Effect.sync(() => {
      if (!allHold()) process.exitCode = 1
    }))
  )
)
