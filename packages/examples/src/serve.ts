/**
 * Serves the loops of `observability.ts` on 127.0.0.1:9464, or the port of PORT, until Ctrl-C.
 *
 * `npx pnpm@12 exec node packages/examples/src/serve.ts`, then `curl localhost:9464/metrics` and `curl localhost:9464/healthz`
 */
import { Config, Effect, Layer } from "effect"
import { Loop } from "effect-wait"
import { HttpRouter } from "effect/http"
import * as NodeServer from "./nodeServer.ts"
import * as Observability from "./observability.ts"
import { runMain } from "./runMain.ts"
import { signal } from "./signals.ts"

const port = Config.Port("PORT").pipe(Config.withDefault(9464))

HttpRouter.serve(Observability.layer, { disableLogger: true }).pipe(
  Layer.provide([Layer.unwrap(Effect.map(port, NodeServer.layer)), Observability.Work.layer]),
  Layer.launch,
  Effect.raceFirst(Loop.fromAbortSignal(signal)),
  runMain
)
