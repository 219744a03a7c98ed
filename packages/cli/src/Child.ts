/** One run of a command: a child process, whose streams are ours. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import type { Outcome } from "./Outcome.ts"
import * as Redact from "./Redact.ts"
import { codeOf, Signals } from "./Signals.ts"

// Where a signal ended the child, its name is in the error only.
const signalOf = (error: PlatformError): string =>
  /'(SIG[A-Z0-9+]+)'/.exec(String(error.reason.cause))?.[1] ?? "SIGKILL"

const signalGroup = (pid: number, signal: NodeJS.Signals) => Effect.ignore(Effect.try(() => process.kill(-pid, signal)))

const listen = (signal: NodeJS.Signals, told: () => void) =>
  Effect.acquireRelease(
    Effect.sync(() => process.on(signal, told)),
    () => Effect.sync(() => process.off(signal, told))
  )

// What does not ask for an end: it is passed on as it is, and a Ctrl-Z stops us as well.
const relay = Effect.fnUntraced(function*(pid: number) {
  const pass = (signal: NodeJS.Signals) => Effect.runSync(signalGroup(pid, signal))
  yield* listen("SIGUSR1", () => pass("SIGUSR1"))
  yield* listen("SIGUSR2", () => pass("SIGUSR2"))
  yield* listen("SIGCONT", () => pass("SIGCONT"))
  yield* listen("SIGTSTP", () => {
    pass("SIGSTOP")
    process.kill(process.pid, "SIGSTOP")
  })
})

const causeOf = ({ cause }: PlatformError["reason"]): string | undefined =>
  cause instanceof Error ? cause.message : undefined

const hopeless = (code: 126 | 127, what: string): Outcome => ({ code, what, isHopeless: true })

/**
 * Runs a command to its end. It has a process group of its own, so that nothing of it is left behind: what there is of it when
 * the Scope closes gets a SIGTERM, and a SIGKILL after the grace (in milliseconds). Its environment is ours, and `env`.
 *
 * A signal that we get is passed on, and a SIGKILL after the grace, or at the second signal.
 */
export const run = (
  [command, ...args]: readonly [string, ...ReadonlyArray<string>],
  { env, grace }: { readonly grace: number; readonly env?: Readonly<Record<string, string>> }
): Effect.Effect<Outcome, never, ChildProcessSpawner | Scope.Scope | Signals> =>
  Effect.gen(function*() {
    if (command === "") return hopeless(127, "\"\": command not found")
    const name = Redact.command(command)
    const signals = yield* Signals
    const started = yield* Deferred.make<ChildProcessHandle>()
    // Begun before the child, so that they are there until nothing of that is left.
    const passOn = Effect.gen(function*() {
      const killSignal = yield* signals.first
      const child = yield* Deferred.await(started)
      // A stopped process must continue to receive the signal.
      const ended = child.kill({ killSignal, forceKillAfter: grace })
      yield* Effect.all([ended, signalGroup(child.pid, "SIGCONT")], { concurrency: "unbounded" })
    })
    const atOnce = Effect.gen(function*() {
      yield* signals.second
      const child = yield* Deferred.await(started)
      yield* child.kill({ killSignal: "SIGKILL" })
    })
    yield* Effect.forkScoped(Effect.ignore(passOn))
    yield* Effect.forkScoped(Effect.ignore(atOnce))

    const child = yield* ChildProcess.make(command, args, {
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      env,
      extendEnv: true,
      forceKillAfter: grace
    }).pipe(
      Effect.catch(({ message, reason }) =>
        Effect.succeed(
          reason._tag === "NotFound"
            ? hopeless(127, Redact.missing(command))
            : hopeless(
              126,
              `${name}: ${
                reason._tag === "PermissionDenied" ? "permission denied" : Redact.text(causeOf(reason) ?? message)
              }`
            )
        )
      ),
      // Node throws for a command that it cannot start at all.
      Effect.catchDefect((error) =>
        Effect.succeed(hopeless(126, `${name}: ${Redact.text(error instanceof Error ? error.message : String(error))}`))
      )
    )
    if ("code" in child) return child
    yield* Deferred.succeed(started, child)
    yield* relay(child.pid)
    return yield* child.exitCode.pipe(
      Effect.map((code): Outcome => ({ code, what: `exit ${code}` })),
      Effect.catch((error) => {
        const signal = signalOf(error)
        return Effect.succeed<Outcome>({ code: codeOf(signal), what: signal })
      })
    )
  })
