/**
 * `spawn` that also reports death by a signal without a name in Node: the real-time signals of Linux. For Node that is an
 * exit with 0, because it only looks up the name.
 *
 * The status of a dead child can be read in /proc until its parent has asked for it. So a thread starts the child, and stands
 * still until it was read here; then Node asks, in that thread.
 */
import * as Effect from "effect/Effect"
import { execFile, spawn as spawnByNode, type SpawnOptions } from "node:child_process"
import { EventEmitter } from "node:events"
import { readFileSync } from "node:fs"
import { SHARE_ENV, Worker } from "node:worker_threads"

// `gate` is 0 while the thread has to stand still.
const program = `
const { parentPort, workerData: gate } = require("node:worker_threads")
const { spawn } = require("node:child_process")
const fails = ({ message, code, errno, syscall }) => parentPort.postMessage({ error: message, details: { code, errno, syscall } })
parentPort.on("message", ({ command, args, options }) => {
  let child
  try {
    child = spawn(command, args, options)
  } catch (error) {
    return fails(error)
  }
  child.on("error", fails)
  child.on("exit", (code, signal) => parentPort.postMessage({ code, signal }))
  if (child.pid === undefined) return
  parentPort.postMessage({ pid: child.pid })
  Atomics.wait(gate, 0, 0)
  Atomics.store(gate, 0, 0)
})`

type Message =
  | { readonly pid: number }
  | { readonly code: number | null; readonly signal: string | null }
  | { readonly error: string; readonly details: object }

const isKept = process.platform === "linux" && !("bun" in process.versions) && !("deno" in process.versions)

interface Keeper {
  readonly thread: Worker
  readonly gate: Int32Array
}

// Those that have no child now.
const idle: Array<Keeper> = []

const make = (): Keeper => {
  const gate = new Int32Array(new SharedArrayBuffer(4))
  return { gate, thread: new Worker(program, { eval: true, env: SHARE_ENV, execArgv: [], workerData: gate }) }
}

/** Starts a thread for the first child, and waits until it runs: that counts for no run. */
export const ready: Effect.Effect<void> = Effect.callback((resume) => {
  if (!isKept) return resume(Effect.void)
  const keeper = make()
  const done = () => resume(Effect.void)
  keeper.thread.once("online", () => {
    keeper.thread.off("error", done)
    idle.push(keeper)
    done()
  })
  keeper.thread.once("error", done) // a child will say why
})

// The status of a child that is dead, as `wait` has it; undefined while it lives; 0 where it cannot be read.
const statusOf = (pid: number): number | undefined =>
  Effect.runSync(
    Effect.try(() => readFileSync(`/proc/${pid}/stat`, "utf8")).pipe(
      Effect.map((stat) => {
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
        return fields[0] === "Z" ? Number(fields[49]) : undefined
      }),
      Effect.orElseSucceed(() => 0)
    )
  )

const firstRealTime = 34

/** Those that Node does not know. The C library keeps 32 and 33 for itself. */
const nameOf = (signal: number): string =>
  signal < firstRealTime ? `SIG${signal}` : `SIGRTMIN${signal === firstRealTime ? "" : `+${signal - firstRealTime}`}`

/** The number of such a name; 0 of any other. */
export const numberOf = (name: string): number => {
  const [, number, , more = 0] = /^SIG(?:(\d+)|(RTMIN)(?:\+(\d+))?)$/.exec(name) ?? []
  return number !== undefined ? Number(number) : name.startsWith("SIGRTMIN") ? firstRealTime + Number(more) : 0
}

const kept = (command: string, args: ReadonlyArray<string>, options: SpawnOptions) => {
  const keeper = idle.pop() ?? make()
  const { gate, thread } = keeper
  const child = Object.assign(new EventEmitter(), {
    pid: undefined as number | undefined,
    exitCode: null as number | null,
    signalCode: null as string | null,
    stdin: null,
    stdout: null,
    stderr: null,
    stdio: [null, null, null],
    kill: (signal: NodeJS.Signals) => {
      const { exitCode, pid, signalCode } = child
      if (pid === undefined) early = signal
      if (pid === undefined || exitCode !== null || signalCode !== null) return false
      return Effect.runSync(Effect.orElseSucceed(Effect.try(() => process.kill(pid, signal)), () => false))
    }
  })
  let early: NodeJS.Signals | undefined // one that came before it was started
  let status = 0
  const look = () => {
    const found = statusOf(child.pid ?? 0)
    if (found === undefined) return
    process.off("SIGCHLD", look)
    status = found
    Atomics.store(gate, 0, 1)
    Atomics.notify(gate, 0)
  }
  const fails = (error: Error) => {
    thread.off("message", receive).off("error", fails)
    child.emit("error", error)
  }
  const receive = (message: Message) => {
    if ("pid" in message) {
      child.pid = message.pid
      child.emit("spawn")
      if (early !== undefined) child.kill(early)
      process.on("SIGCHLD", look)
      return look()
    }
    idle.push(keeper)
    if ("error" in message) return fails(Object.assign(new Error(message.error), message.details))
    thread.off("message", receive).off("error", fails)
    const signal = status & 0x7f
    child.signalCode = message.signal ?? (message.code === 0 && signal > 0 ? nameOf(signal) : null)
    child.exitCode = child.signalCode === null ? message.code : null
    child.emit("exit", child.exitCode, child.signalCode)
  }
  thread.on("message", receive).on("error", fails)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is a thread, not a window
  thread.postMessage({ command, args, options })
  return child
}

/** What a child that has the streams of this process needs of `ChildProcess`. */
interface Child {
  readonly kill: (signal: NodeJS.Signals) => boolean
  readonly on:
    & ((event: "error", listener: (error: Error) => void) => unknown)
    & ((event: "exit", listener: (code: number | null, signal: string | null) => void) => unknown)
}

export const spawn = (command: string, args: ReadonlyArray<string>, options: SpawnOptions): Child =>
  isKept ? kept(command, args, options) : spawnByNode(command, args, options)

export { execFile }
