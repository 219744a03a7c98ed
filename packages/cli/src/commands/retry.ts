/** `effect-wait retry`: until a command succeeds, a number of times. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Keeper from "../Keeper.ts"
import * as options from "../options.ts"
import type { Outcome, Verdict } from "../Outcome.ts"
import * as policies from "../policies.ts"
import * as Report from "../Report.ts"
import { commandOf, conclude, inTime, reportOf, running, script } from "../running.ts"
import * as Signals from "../Signals.ts"

// A code, or a range of codes: 75, 1..123
const range = (text: string): Option.Option<ReadonlyArray<number>> => {
  const [, from = 0, to = from] = (/^(\d+)(?:\.\.(\d+))?$/.exec(text) ?? []).filter((part) => part !== undefined).map(
    Number
  )
  return from >= 1 && from <= to && to <= 255
    ? Option.some(Array.from({ length: to - from + 1 }, (_, i) => from + i))
    : Option.none()
}

const codes = (text: string): Option.Option<ReadonlyArray<number>> =>
  Option.map(Option.all(text.split(",").map(range)), (ranges) => ranges.flat())

const flags = {
  attempts: options.attempts.pipe(Flag.withDescription("the number of all runs; default 5")),
  backoff: options.backoff.pipe(
    Flag.withDescription("growing delays, from the first to the longest; default 100ms..30s")
  ),
  factor: options.factor,
  jitter: options.jitter,
  fullJitter: options.fullJitter,
  within: options.within,
  ...policies.one,
  onRetry: options.optional(Flag.String("on-retry")).pipe(
    Flag.withMetavar("COMMAND"),
    Flag.withDescription(
      "a command that sh runs before each retry; RETRY_ATTEMPT is the number of the next run, RETRY_EXIT the exit code of the last run"
    )
  ),
  onExit: options.optional(options.written("on-exit", codes, "exit codes of 1 to 255 such as 75,111 or 1..123")).pipe(
    Flag.withMetavar("CODES"),
    Flag.withDescription(
      "retry only after these exit codes: 75,111 or 1..123; 124 is a timeout, 128 plus its number a signal"
    )
  )
}

const conclusion = ({ last, reason }: Verdict) => {
  const { code = 1, isHopeless = false } = last?.outcome ?? {}
  if (code === 0) return { code, what: "done" }
  return { code, what: reason === "accepted" && !isHopeless ? "gave up by --on-exit" : "gave up" }
}

export const retry = Command.make(
  "retry",
  { ...flags, ...running },
  Effect.fnUntraced(function*(input) {
    const { onExit, onRetry } = input
    const { attemptTimeout: byPolicy, schedule } = yield* policies.followed(input, {
      attempts: 5,
      backoff: { base: 100, cap: 30_000 }
    })
    const { attemptTimeout = byPolicy } = input
    const report = yield* reportOf(input)
    const command = commandOf(input.command, input, report)
    if (command === undefined) return yield* options.misused("Nothing to retry. Expected: a command after --")
    const hook = onRetry === undefined ? undefined : commandOf(script(onRetry), input, report)
    let code = 0
    // The hook is independent of the command: its failure is reported, and the command runs.
    const before = Effect.fnUntraced(function*(run: number) {
      if (hook === undefined || run === 1) return
      const outcome = yield* inTime(hook(run, { RETRY_EXIT: String(code) }), { attemptTimeout })
      if (outcome.code !== 0) yield* Report.tell(`--on-retry: ${outcome.what}`)
    })
    const signals = yield* Signals.Signals
    const run = Effect.fnUntraced(function*(run: number) {
      yield* Effect.scoped(before(run))
      // Who stops the hook does not want the command.
      if (yield* signals.isReceived) {
        const signal = yield* signals.first
        return { code: Signals.codeOf(signal), what: signal }
      }
      const outcome = yield* inTime(command(run), { attemptTimeout })
      code = outcome.code
      return outcome
    })
    yield* Keeper.ready
    yield* conclude({
      ...input,
      run,
      schedule,
      accept: ({ code }: Outcome) => code === 0 || onExit?.includes(code) === false,
      report,
      conclusion
    })
  })
).pipe(
  Command.provide(Signals.layer),
  Command.withDescription("Run a command again while it fails, and exit as it did"),
  Command.withExamples([
    {
      command: "effect-wait retry git fetch",
      description: "Up to 5 times, with 100, 200, 400 and 800 ms in between"
    },
    { command: "effect-wait retry --attempts 8 --backoff 1s..1m --full-jitter npm publish" },
    {
      command: "effect-wait retry --on-exit 75,124 --attempt-timeout 10s ./send-mail",
      description: "Only what is worth it"
    }
  ])
)
