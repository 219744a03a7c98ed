/** The command that comes after the wait: this process is nothing but its parent from then on. */
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { isatty } from "node:tty"
import { spawn } from "./Keeper.ts"
import type { Outcome } from "./Outcome.ts"
import * as Redact from "./Redact.ts"
import { codeOf } from "./Signals.ts"

const relayed = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const

// Whether our process group is the one that a terminal sends its Ctrl-C to, wherever stdin is from. In Linux' words, after
// the name: state, parent, group, session, terminal, its foreground group.
const isInForeground: Effect.Effect<boolean> = Effect.try(() => readFileSync("/proc/self/stat", "utf8")).pipe(
  Effect.map((stat) => {
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return group === foreground
  }),
  Effect.orElseSucceed(() => [0, 1, 2].some(isatty))
)

// A terminal sends these to the command by itself.
const isFromTerminal = (signal: typeof relayed[number]): boolean =>
  (signal === "SIGINT" || signal === "SIGQUIT") && Effect.runSync(isInForeground)

/**
 * Runs a command as if there were nothing around it: in our process group, with the terminal, without a limit, and with
 * all signals that we get. Nothing of it is ended but by its signals.
 */
export const become = ([command, ...args]: readonly [string, ...ReadonlyArray<string>]): Effect.Effect<Outcome> =>
  Effect.callback((resume) => {
    const ends = (outcome: Outcome) => resume(Effect.succeed(outcome))
    const name = Redact.command(command)
    const notStarted = (error: unknown) => {
      const code = error instanceof Error && "code" in error ? error.code : String(error)
      return code === "ENOENT"
        ? ends({ code: 127, isHopeless: true, what: Redact.missing(command) })
        : ends({ code: 126, isHopeless: true, what: `${name}: ${code === "EACCES" ? "permission denied" : code}` })
    }
    const start = Effect.try(() => spawn(command, args, { stdio: "inherit" }))
    return Effect.runSync(Effect.match(start, {
      onFailure: ({ cause }) => notStarted(cause),
      onSuccess: (child) => {
        const listeners = relayed.map((signal) => {
          const relay = () => void (isFromTerminal(signal) || child.kill(signal))
          process.on(signal, relay)
          return () => process.off(signal, relay)
        })
        child.on("error", notStarted)
        child.on("exit", (code, signal) => {
          listeners.forEach((remove) => remove())
          ends(code === null ? { code: codeOf(signal ?? ""), what: `${signal}` } : { code, what: `exit ${code}` })
        })
      }
    }))
  })
