/** The trials of durable polls alone: `node pollTrials.ts [--seed 1] [--polls 1000] [deploys | clocks | locked | many]`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Random } from "effect"
import { parseArgs } from "node:util"
import { allHold } from "./trials/claims.ts"
import { polls } from "./trials/polls.ts"

const { positionals, values: { polls: count, seed } } = parseArgs({
  allowPositionals: true,
  options: { polls: { type: "string", default: "1000" }, seed: { type: "string", default: "1" } }
})

NodeRuntime.runMain(
  polls({ count: Number(count), only: positionals }).pipe(
    Random.withSeed(seed),
    Effect.andThen(Effect.sync(() => {
      if (!allHold()) process.exitCode = 1
    }))
  )
)
