/** One run of a command: a child process, whose streams are ours. */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type { Outcome } from "./Outcome.ts"
import { codeOf, Signals } from "./Signals.ts"

/** There is no such command, or it may not be run: `code` is what shells exit with then. */
export class NotRunnable extends Data.TaggedError("NotRunnable")<{
  readonly command: string
  readonly code: 126 | 127
  readonly why: string
}> {
  override get message(): string {
    return `${this.command}: ${this.why}`
  }
}

// Where a signal ended the child, its name is in the error only.
const signalOf = (error: PlatformError): string => /'(SIG[A-Z0-9]+)'/.exec(String(error.reason.cause))?.[1] ?? "SIGKILL"

/**
 * Runs a command to its end. It has a process group of its own, so that nothing of it is left behind: what outlives it, or is
 * interrupted, gets a SIGTERM, and a SIGKILL after the grace (in milliseconds).
 *
 * A signal that we get is passed on, and a SIGKILL after the grace, or at the second signal.
 */
export const run = (
  [command, ...args]: readonly [string, ...ReadonlyArray<string>],
  { grace }: { readonly grace: number }
): Effect.Effect<Outcome, NotRunnable, ChildProcessSpawner | Signals> =>
  Effect.gen(function*() {
    const signals = yield* Signals
    const started = yield* Deferred.make<ChildProcessHandle>()
    // Begun before the child, so that it is there until nothing of that is left.
    const atOnce = Effect.andThen(
      signals.second,
      Effect.flatMap(Deferred.await(started), (child) => child.kill({ killSignal: "SIGKILL" }))
    )
    yield* Effect.forkScoped(Effect.ignore(atOnce))
    if (command === "") return yield* new NotRunnable({ command: "\"\"", code: 127, why: "command not found" })
    const child = yield* ChildProcess.make(command, args, {
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      forceKillAfter: grace
    })
    yield* Deferred.succeed(started, child)
    const passOn = Effect.flatMap(signals.first, (killSignal) => child.kill({ killSignal, forceKillAfter: grace }))
    yield* Effect.forkScoped(Effect.ignore(passOn))
    return yield* child.exitCode.pipe(
      Effect.map((code): Outcome => ({ code, what: `exit ${code}` })),
      Effect.catch((error) => {
        const signal = signalOf(error)
        return Effect.succeed<Outcome>({ code: codeOf(signal), what: signal })
      })
    )
  }).pipe(
    Effect.scoped,
    Effect.catchTag("PlatformError", ({ reason }) =>
      Effect.fail(
        reason._tag === "NotFound"
          ? new NotRunnable({ command, code: 127, why: "command not found" })
          : new NotRunnable({
            command,
            code: 126,
            why: reason._tag === "PermissionDenied" ? "permission denied" : reason.message
          })
      ))
  )
