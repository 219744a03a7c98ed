/** `effect-wait preview`: the delays and runs of a policy. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as options from "../options.ts"
import { all as allPolicies } from "../policies.ts"

/** What says how it is waited. */
export const policies = {
  interval: options.interval,
  period: options.period,
  nonSliding: options.nonSliding,
  ticker: options.ticker,
  cron: options.cron,
  backoff: options.backoff,
  factor: options.factor,
  jitter: options.jitter,
  fullJitter: options.fullJitter,
  attempts: options.attempts.pipe(
    Flag.withAlias("times"),
    Flag.withDescription("the number of all runs; default no limit")
  ),
  within: options.within,
  ...allPolicies
}

export const svg = options.optional(Flag.String("svg")).pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("draw a picture; - prints it in place of the text")
)

export const json = Flag.Boolean("json").pipe(
  Flag.withoutNegation,
  Flag.withDefault(false),
  Flag.withDescription("print JSON, times in milliseconds")
)

export const preview = Command.make(
  "preview",
  {
    ...policies,
    from: options.from,
    work: options.duration("work").pipe(Flag.withDefault(0), Flag.withDescription("the length of a run; default 0")),
    runs: options.count("runs").pipe(
      Flag.withDefault(12),
      Flag.withDescription("the number of runs to show; default 12")
    ),
    seeds: options.count("seeds").pipe(
      Flag.withDefault(1000),
      Flag.withDescription("the number of simulations; default 1000")
    ),
    svg,
    json,
    open: Flag.Boolean("open").pipe(
      Flag.withoutNegation,
      Flag.withDefault(false),
      Flag.withDescription("open the playground, a page, with this policy; its address is printed")
    )
  },
  (input) =>
    input.open
      ? Effect.flatMap(Effect.promise(() => import("../open.ts")), ({ open }) => open(input))
      : Effect.flatMap(Effect.promise(() => import("../drawPreview.ts")), ({ run }) => run(input))
).pipe(
  Command.withDescription("Show the delays of policies with their spread, and their timeline"),
  Command.withExamples([
    { command: "effect-wait preview --backoff 100ms..30s --jitter 0.2", description: "Delays of a policy" },
    { command: "effect-wait preview --policy retry.yaml --policy service-config.json", description: "Side by side" },
    { command: "effect-wait preview --backoff 1s..1m --full-jitter --work 2s --svg retry.svg" }
  ])
)
