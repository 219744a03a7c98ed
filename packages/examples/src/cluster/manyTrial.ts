import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { layer, Postgres } from "./postgres.ts"
import { many } from "./trials/many.ts"
NodeRuntime.runMain(
  Effect.flatMap(Postgres, ({ url }) => many(url, Number(process.argv[2] ?? 1000))).pipe(
    Effect.scoped,
    Effect.provide(Layer.merge(layer, NodeServices.layer))
  )
)
