/** `effect-wait herd`: what policies do to a server. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as options from "../options.ts"
import { json, policies, svg } from "./preview.ts"

export const herd = Command.make(
  "herd",
  {
    ...policies,
    clients: options.count("clients").pipe(
      Flag.withDefault(100),
      Flag.withDescription("the number of clients that write the same row; default 100")
    ),
    rounds: options.count("rounds").pipe(
      Flag.withDefault(10),
      Flag.withDescription("the number of simulations, whose mean is shown; default 10")
    ),
    svg,
    json
  },
  (input) => Effect.flatMap(Effect.promise(() => import("../Contention.ts")), ({ run }) => run(input))
).pipe(
  Command.withDescription("Show the effect of policies on a server: many clients compete for one row"),
  Command.withExamples([
    { command: "effect-wait herd", description: "AWS' experiment: none, exponential, and three kinds of jitter" },
    { command: "effect-wait herd --clients 200 --policy a.yaml --policy b.json --svg herd.svg" }
  ])
)
