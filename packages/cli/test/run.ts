/** The bin as users run it, in a folder of its own; and what it runs in tests. */
import { Effect } from "effect"
import { Period, Poll } from "effect-wait"
import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inject } from "vitest"

interface Listed {
  readonly pid: number
  readonly parent: number
  readonly state: string
}

/** All processes of this machine. */
export const processes = (): ReadonlyArray<Listed> =>
  execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="], { encoding: "utf8" }).trim().split("\n").map((line) => {
    const [pid, parent, state = ""] = line.trim().split(/\s+/)
    return { pid: Number(pid), parent: Number(parent), state }
  })

/** Which of these processes still run; the dead that nobody has asked for do not. */
export const alive = (pids: ReadonlyArray<number>): ReadonlyArray<number> =>
  processes().filter(({ pid, state }) => pids.includes(pid) && !state.startsWith("Z")).map(({ pid }) => pid)

const descendants = (pid: number): ReadonlyArray<number> => {
  const all = processes()
  const withBelow = (pid: number): ReadonlyArray<number> =>
    [pid].concat(all.filter(({ parent }) => parent === pid).flatMap(({ pid }) => withBelow(pid)))
  return withBelow(pid)
}

const killAll = (pids: ReadonlyArray<number>): void =>
  pids.forEach((pid) => {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // It has ended by itself.
    }
  })

/** Waits for what another process does. */
export const until = (what: string, holds: () => boolean): Effect.Effect<void> =>
  Poll.until(Effect.sync(holds), Period.sliding("10 millis"), { timeout: "30 seconds" }).pipe(
    Effect.mapError(() => new Error(`This did not happen in 30 seconds: ${what}`)),
    Effect.orDie,
    Effect.asVoid
  )

/** What was told of the runs, with a `T` for each time that was measured; those that were asked for remain. */
export const told = (stderr: string): ReadonlyArray<string> =>
  stderr.split("\n").slice(0, -1).map((line) => line.replace(/(after|runs? in) [\d.]+(us|ms|s|m)(?!\w)/g, "$1 T"))

/** A signal's name where that ended it. */
export interface Ended {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
  readonly bytes: Buffer
}

export interface Started {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  readonly hasEnded: () => boolean
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Waits until it has written this. */
  readonly tells: (text: string) => Effect.Effect<void>
  /** Whoever reads it goes away. */
  readonly close: (stream: "stdout" | "stderr") => void
  /** Waits for its end. Whatever then still holds its streams was left behind. */
  readonly ended: Effect.Effect<Ended>
}

export interface Context {
  readonly input?: string | Buffer | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** Options as they are typed, or as they are where one has a space in it. */
type Options = string | ReadonlyArray<string>

const startIn =
  (cwd: string) => (options: Options, command: ReadonlyArray<string> = [], { env, input }: Context = {}) =>
    Effect.acquireRelease(
      Effect.sync((): Started => {
        const args = typeof options === "string" ? options.split(" ").filter((word) => word !== "") : options
        const child = spawn(process.execPath, [inject("bin"), ...args, ...command], {
          cwd,
          env: { ...process.env, ...env },
          stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"]
        })
        const streams = { stdout: child.stdout!, stderr: child.stderr! }
        const chunks: Record<"stdout" | "stderr", Array<Buffer>> = { stdout: [], stderr: [] }
        streams.stdout.on("data", (chunk: Buffer) => chunks.stdout.push(chunk))
        streams.stderr.on("data", (chunk: Buffer) => chunks.stderr.push(chunk))
        child.stdin?.on("error", () => {}) // nobody reads it to its end
        child.stdin?.end(input)
        let isClosed = false
        child.on("close", () => {
          isClosed = true
        })
        const text = (stream: "stdout" | "stderr") => () => Buffer.concat(chunks[stream]).toString()
        const started: Started = {
          pid: child.pid!,
          stdout: text("stdout"),
          stderr: text("stderr"),
          hasEnded: () => child.exitCode !== null || child.signalCode !== null,
          kill: (signal) => Effect.sync(() => child.kill(signal)),
          tells: (wanted) =>
            until(
              `it tells ${wanted}`,
              () => [started.stdout(), started.stderr()].some((output) => output.includes(wanted))
            ),
          close: (stream) => streams[stream].destroy(),
          ended: Effect.gen(function*() {
            yield* until("it ends", started.hasEnded)
            const { exitCode, signalCode } = child
            yield* until("its streams end with it", () => isClosed)
            const bytes = Buffer.concat(chunks.stdout)
            return { code: exitCode ?? signalCode!, stdout: started.stdout(), stderr: started.stderr(), bytes }
          })
        }
        return started
      }),
      (started) =>
        Effect.sync(() => {
          if (!started.hasEnded()) killAll(descendants(started.pid))
        })
    )

/** A folder in which the bin is run, and what the commands have left there. */
export const folder = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "effect-wait-test-")))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  ),
  (path) => {
    const at = (name: string) => join(path, name)
    const lines = (name: string): ReadonlyArray<string> =>
      existsSync(at(name)) ? readFileSync(at(name), "utf8").split("\n").slice(0, -1) : []
    const start = startIn(path)
    return {
      path,
      at,
      start,
      run: (options: Options, command?: ReadonlyArray<string>, context?: Context) =>
        Effect.scoped(Effect.flatMap(start(options, command, context), ({ ended }) => ended)),
      lines,
      /** How often a command of {@link sh} or {@link node} was run. */
      runs: () => lines("runs").length,
      /** When each run of {@link node} began, in milliseconds. */
      starts: () => lines("runs").map(Number),
      /** What {@link family} has noted. */
      pids: () => lines("pids").map(Number)
    }
  }
)

/** A shell script that counts its runs: `$n` is 1 in the first. */
export const sh = (script: string): ReadonlyArray<string> => [
  "--",
  "sh",
  "-c",
  `echo run >> runs; n=$(wc -l < runs); ${script}`
]

/** A program for Node that notes when each run began. */
export const node = (program: string): ReadonlyArray<string> => [
  "--",
  process.execPath,
  "-e",
  `const fs = require("fs"); fs.appendFileSync("runs", Date.now() + "\\n"); ${program}`
]

/**
 * A script that leaves a child, and a grandchild of another shell, behind it, and notes all their process ids. They live for
 * some time only, in case that nobody ends them.
 */
export const family = (script: string): ReadonlyArray<string> =>
  sh(`echo $$ >> pids; sleep 100 & echo $! >> pids
sh -c 'echo $$ >> pids; sleep 100 & echo $! >> pids; wait' &
until [ $(wc -l < pids) -ge $((n * 4)) ]; do sleep 0.01; done; ${script}`)

/** From each start to the next. */
export const gaps = (starts: ReadonlyArray<number>): ReadonlyArray<number> =>
  starts.slice(1).map((start, i) => start - starts[i]!)
