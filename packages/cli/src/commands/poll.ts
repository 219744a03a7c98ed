/** `effect-wait poll`: until something holds. */
import * as Arr from "effect/Array"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import { become } from "../Become.ts"
import * as Foreign from "../Foreign.ts"
import * as Keeper from "../Keeper.ts"
import * as options from "../options.ts"
import { type Outcome, timedOut, type Verdict } from "../Outcome.ts"
import * as policies from "../policies.ts"
import * as Probe from "../Probe.ts"
import * as Redact from "../Redact.ts"
import * as Report from "../Report.ts"
import { commandOf, conclude, Exited, inTime, reportOf, running, script } from "../running.ts"
import * as Signals from "../Signals.ts"
import * as targets from "../targets.ts"
import { format } from "../Time.ts"

const flags = {
  ...targets.flags,
  interval: options.interval,
  backoff: options.backoff,
  factor: options.factor,
  jitter: options.jitter,
  ...policies.one,
  timeout: options.optional(options.duration("timeout", 1)).pipe(
    Flag.withDescription("give up after this time, with exit code 124; default never")
  ),
  immediate: options.negatable("immediate", true).pipe(
    Flag.withDescription("check at once; --no-immediate waits before the first check")
  )
}

const conclusion = ({ last, reason }: Verdict) => {
  if (reason !== "accepted") return { code: timedOut, what: "timed out" }
  const code = last?.outcome.code ?? 0
  return { code, what: code === 0 ? "ready" : "gave up" }
}

const fails = (what: string): Outcome => ({ code: 1, what })

/** A probe that holds for some time, and a number of times; a change starts again. */
const steady = <R>(
  check: (run: number) => Effect.Effect<Outcome, never, R>,
  { stable = 0, successes = 1 }: { readonly stable: number | undefined; readonly successes: number | undefined }
) => {
  let held: { readonly since: number; readonly times: number; readonly mark: string | undefined } | undefined
  return Effect.fnUntraced(function*(run: number) {
    const outcome = yield* check(run)
    if (outcome.code !== 0) {
      held = undefined
      return outcome
    }
    const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
    held = held === undefined || held.mark !== outcome.mark
      ? { since: now, times: 1, mark: outcome.mark }
      : { ...held, times: held.times + 1 }
    if (held.times < successes) return fails(`ok ${held.times} of ${successes} times`)
    return now - held.since < stable
      ? fails(`ok for ${format(Math.round(now - held.since))} of ${format(stable)}`)
      : outcome
  })
}

const inverted = ({ code, isHopeless, what }: Outcome): Outcome =>
  isHopeless === true ? { code, what, isHopeless } : code === 0 ? { code: 1, what } : { code: 0, what }

type Look = Probe.Probe<ChildProcessSpawner | FileSystem.FileSystem | Signals.Signals>

type Needed = ChildProcessSpawner | FileSystem.FileSystem | Scope.Scope | Signals.Signals

// The looks of one run at all targets.
const looking = Effect.fnUntraced(function*(
  input: targets.Input & { readonly attemptTimeout: number | undefined; readonly grace: number },
  report: Report.Report
) {
  const signals = yield* Signals.Signals
  const interrupted = Effect.map(signals.first, (signal): Outcome => ({ code: Signals.codeOf(signal), what: signal }))
  const { attemptTimeout = 10_000, check, invert } = input
  let run = 1
  const probes = (yield* targets.probesOf(input)).map((probe) => {
    const { check, name } = Probe.limited(probe, attemptTimeout, format(attemptTimeout))
    return { name, check: Effect.raceFirst(check, interrupted) } satisfies Look
  })
  const commands = check.map((text) => {
    const command = commandOf(script(text), input, report)
    return {
      name: `check ${Redact.script(text)}`,
      check: Effect.suspend(() => command === undefined ? Effect.never : Effect.scoped(inTime(command(run), input)))
    } satisfies Look
  })
  const both: ReadonlyArray<Look> = [...probes, ...commands]
  const all = Probe.all(invert ? both.map((look) => Probe.inverted(look)) : both)
  return {
    pending: all.pending,
    check: Effect.fnUntraced(function*(n: number) {
      run = n
      const outcome = yield* all.check
      return (yield* signals.isReceived) ? yield* interrupted : outcome
    })
  }
})

export const poll = Command.make(
  "poll",
  { ...flags, ...running },
  Effect.fnUntraced(function*(input) {
    const { backoff, command } = input
    const { attemptTimeout: byPolicy, schedule, timeout: total } = yield* policies.followed(
      input,
      backoff === undefined ? { interval: 1000 } : {}
    )
    const { attemptTimeout = byPolicy, timeout = total } = input
    const report = yield* reportOf(input)
    const looks = yield* looking({ ...input, attemptTimeout }, report)
    const own = commandOf(command, input, report)
    const isTarget = targets.isAny(input)
    const target = command[0] === undefined ? undefined : Foreign.target(command[0])
    if (target !== undefined) {
      return yield* options.misused(
        `"${Redact.word(command[0] ?? "")}" is a target, not a command. Expected: ${target}`
      )
    }
    if (!isTarget && own === undefined) {
      return yield* options.misused(
        "Nothing to wait for. Expected: a command, or --tcp, --http, --file, --unix, --dns, --grpc or --check"
      )
    }
    const asked = (run: number): Effect.Effect<Outcome, never, Needed> => {
      if (isTarget || own === undefined) return looks.check(run)
      const checked = inTime(own(run), { attemptTimeout })
      return input.invert ? Effect.map(checked, inverted) : checked
    }
    if (!isTarget || input.check.length > 0) yield* Keeper.ready
    yield* conclude({
      ...input,
      timeout,
      run: steady(asked, input),
      schedule,
      accept: ({ code }) => code === 0,
      report,
      conclusion: (verdict) => {
        const waitingFor = isTarget ? looks.pending() : []
        return verdict.reason === "accepted" || waitingFor.length === 0
          ? conclusion(verdict)
          : { ...conclusion(verdict), waitingFor }
      }
    })
    const signals = yield* Signals.Signals
    if (!isTarget || !Arr.isReadonlyArrayNonEmpty(command) || (yield* signals.isReceived)) return
    const { code, isHopeless, what } = yield* become(command)
    if (isHopeless === true) yield* Report.tell(what)
    if (code !== 0) return yield* new Exited({ code })
  })
).pipe(
  Command.provide(Signals.layer),
  Command.withDescription("Wait for a port, a URL, a file; or run a command until it exits with 0"),
  Command.withExamples([
    {
      command: "effect-wait poll --tcp localhost:5432 --timeout 2m npm start",
      description: "Start when the database listens: npm takes over"
    },
    {
      command: "effect-wait poll --http http://localhost:8080/health --json '$.status=UP'",
      description: "Until a body says so"
    },
    {
      command: "effect-wait poll --interval 5s kubectl rollout status deploy/api --watch=false",
      description: "A command alone is the check: ask every 5 seconds"
    },
    {
      command: "effect-wait poll --backoff 100ms..30s --jitter 0.2 pg_isready -q -h db",
      description: "Ask less and less often"
    }
  ])
)
