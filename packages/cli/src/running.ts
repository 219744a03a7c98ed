/** The options of all commands that run something, and what becomes of them. */
import * as Arr from "effect/Array"
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Child from "./Child.ts"
import * as options from "./options.ts"
import { type Conclusion, type Outcome, timedOut, type Verdict } from "./Outcome.ts"
import type { Any } from "./Policy.ts"
import { repeat } from "./repeat.ts"
import * as Report from "./Report.ts"
import { codeOf } from "./Signals.ts"

export const running = {
  attemptTimeout: options.optional(options.duration("attempt-timeout", 1)).pipe(
    Flag.withDescription("end a run that takes longer; it counts as exit 124")
  ),
  grace: options.duration("grace").pipe(
    Flag.withDefault(10_000),
    Flag.withDescription("the time from SIGTERM to SIGKILL; default 10s")
  ),
  quiet: options.present("quiet").pipe(
    Flag.withAlias("q"),
    Flag.withDescription("print nothing about the runs; at the end print only a failure")
  ),
  log: Flag.Literals("log", ["text", "json"]).pipe(
    Flag.withMetavar("text|json"),
    Flag.withDefault("text"),
    Flag.withDescription("the format of the messages on stderr: text, or a line of JSON for each run")
  ),
  command: Argument.String("command").pipe(
    Argument.variadic(),
    Argument.withDescription(
      "the command and its arguments: everything from the first word that is no option, or after --"
    )
  )
}

export interface Running {
  readonly attemptTimeout: number | undefined
  readonly grace: number
  readonly quiet: boolean
  readonly log: "text" | "json"
  readonly command: ReadonlyArray<string>
}

/** What this process exits with, where that is not 0. */
export class Exited extends Data.TaggedError("Exited")<{ readonly code: number }> {
  override readonly [Runtime.errorExitCode] = this.code
  override readonly [Runtime.errorReported] = false
}

/** A command as one run. It can tell by RETRY_ATTEMPT which one, from 1. */
export const commandOf = (
  command: ReadonlyArray<string>,
  { grace }: Pick<Running, "grace">,
  report: Report.Report
) => {
  if (!Arr.isReadonlyArrayNonEmpty(command)) return undefined
  return (run: number, env: Readonly<Record<string, string>> = {}) =>
    Effect.andThen(report.begins, Child.run([...command], { grace, env: { ...env, RETRY_ATTEMPT: String(run) } }))
}

/** As a shell runs it. */
export const script = (text: string): ReadonlyArray<string> =>
  process.platform === "win32" ? ["cmd.exe", "/d", "/s", "/c", text] : ["sh", "-c", text]

/** The destination of messages about runs: by default one live line on a terminal, and elsewhere a line for each run. */
export const reportOf = ({ log, quiet }: Running) =>
  Effect.gen(function*() {
    const { columns } = yield* Report.Output
    if (quiet) return Report.quiet(log === "json" ? Report.json() : Report.lines())
    if (log === "json") return Report.json()
    return columns() > 0 ? yield* Report.live : Report.lines()
  })

/** A run that is cut after `--attempt-timeout`. */
export const inTime = <R>(
  run: Effect.Effect<Outcome, never, R>,
  { attemptTimeout }: Pick<Running, "attemptTimeout">
): Effect.Effect<Outcome, never, R> =>
  attemptTimeout === undefined ? run : Effect.timeoutOption(run, attemptTimeout).pipe(
    Effect.map(Option.getOrElse((): Outcome => ({ code: timedOut, what: "timed out" })))
  )

/** Runs until the condition holds, reports the end, and exits with its code. */
export const conclude = <R>(
  options: Running & {
    readonly run: (run: number) => Effect.Effect<Outcome, never, R>
    readonly schedule: Any
    readonly accept: (outcome: Outcome) => boolean
    /** Continue even if the command cannot be run. */
    readonly survive?: boolean | undefined
    readonly immediate?: boolean | undefined
    readonly timeout?: number | undefined
    readonly report: Report.Report
    readonly conclusion: (verdict: Verdict) => Conclusion
  }
) =>
  Effect.gen(function*() {
    const accept = (outcome: Outcome) =>
      options.accept(outcome) || outcome.isHopeless === true && options.survive !== true
    const verdict = yield* repeat({ ...options, accept })
    const { reason } = verdict
    const conclusion = reason === "accepted" || reason === "exhausted" || reason === "deadline"
      ? options.conclusion(verdict)
      : { code: codeOf(reason), what: `stopped by ${reason}` }
    yield* options.report.over(verdict, conclusion)
    if (conclusion.code !== 0) return yield* new Exited({ code: conclusion.code })
  })
