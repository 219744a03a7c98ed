/**
 * What loops of a cluster remember: the trial alone.
 *
 * `node packages/examples/src/cluster/memoryTrial.ts [--full] [--seed 1]`
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Random } from "effect"
import { parseArgs } from "node:util"
import { client } from "./control.ts"
import { layer as layerPostgres, layerClient } from "./postgres.ts"
import { allHold } from "./trials/claims.ts"
import { full, memory, small } from "./trials/memory.ts"

const { values } = parseArgs({
  options: { full: { type: "boolean", default: false }, seed: { type: "string", default: "1" } }
})

NodeRuntime.runMain(
  memory(values.full ? full : small).pipe(
    Random.withSeed(values.seed),
    Effect.provide(
      client.pipe(
        Layer.provideMerge(layerClient()),
        Layer.provideMerge(layerPostgres),
        Layer.provideMerge(NodeServices.layer)
      )
    ),
    Effect.scoped,
    Effect.andThen(Effect.sync(() => {
      if (!allHold()) process.exitCode = 1
    }))
  )
)
