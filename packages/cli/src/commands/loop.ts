/** `effect-wait loop`: again and again. */
import type { ValidationError } from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Health from "../Health.ts"
import * as Keeper from "../Keeper.ts"
import * as options from "../options.ts"
import type { Outcome, Verdict } from "../Outcome.ts"
import * as policies from "../policies.ts"
import { commandOf, conclude, inTime, reportOf, running } from "../running.ts"
import * as Signals from "../Signals.ts"
import { NotWritten } from "../Stdout.ts"

const flags = {
  period: options.period,
  nonSliding: options.nonSliding,
  ticker: options.ticker,
  cron: options.cron,
  jitter: options.jitter,
  ...policies.one,
  immediate: options.present("immediate").pipe(
    Flag.withDescription("with --cron: also run at once; default: the first run is the first slot")
  ),
  times: options.times,
  untilSuccess: options.present("until-success").pipe(
    Flag.withDescription("continue while the command fails, end when it succeeds")
  ),
  survive: options.present("survive").pipe(
    Flag.withDescription("continue after failures; default: end when the command fails")
  ),
  health: options.optional(Flag.String("health")).pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("write a file with the state; its modification time is the last success")
  )
}

export const loop = Command.make(
  "loop",
  { ...flags, ...running },
  Effect.fnUntraced(function*(input) {
    const { health, immediate, survive, times: attempts, untilSuccess } = input
    const { attemptTimeout: byPolicy, isCalendar, schedule } = yield* policies.followed({ ...input, attempts })
    const { attemptTimeout = byPolicy } = input
    if (immediate && !isCalendar) {
      const wanted = input.policy === undefined ? "--cron" : "a policy of a calendar"
      return yield* options.misused(`--immediate is allowed with ${wanted} only`)
    }
    if (survive && untilSuccess) return yield* options.misused("Only one of --until-success and --survive is allowed")
    const told = yield* reportOf(input)
    if (input.command.length === 0) return yield* options.misused("Nothing to run. Expected: a command after --")
    const report = health === undefined ? told : yield* Health.keep(health, told).pipe(
      Effect.catch(({ isOfDisk, why }): Effect.Effect<never, NotWritten | ValidationError> =>
        isOfDisk
          ? Effect.fail(new NotWritten({ what: `--health ${health}`, why }))
          : options.misused(
            `Invalid value for flag --health: "${health}". Expected: a file that can be written (${why})`
          )
      )
    )
    const command = commandOf(input.command, input, report)
    const accept = ({ code }: Outcome) => untilSuccess ? code === 0 : survive ? false : code !== 0
    const conclusion = ({ last }: Verdict) => {
      const code = survive ? 0 : last?.outcome.code ?? 0
      return { code, what: code === 0 ? "done" : untilSuccess ? "gave up" : "failed" }
    }
    yield* Keeper.ready
    yield* conclude({
      ...input,
      run: (run) => command === undefined ? Effect.never : inTime(command(run), { attemptTimeout }),
      schedule,
      accept,
      immediate: immediate || !isCalendar,
      survive,
      report,
      conclusion
    })
  })
).pipe(
  Command.provide(Signals.layer),
  Command.withDescription("Run a command repeatedly: after a period, on a grid, or by the calendar"),
  Command.withExamples([
    { command: "effect-wait loop --period 10s ./sync", description: "10 seconds after each run, until one fails" },
    {
      command: "effect-wait loop --period 1m --non-sliding --survive --health sync.json ./sync",
      description: "A minute after each start, whatever happens"
    },
    { command: "effect-wait loop --cron '0 4 * * *' --survive ./backup" }
  ])
)
