/** What `effect-wait` is on Node. */
import * as NodeChildProcessSpawner from "@effect/platform-node/NodeChildProcessSpawner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Terminal from "effect/Terminal"
import { cli } from "./cli.ts"
import * as Redact from "./Redact.ts"
import { tell } from "./Report.ts"
import { NotWritten, write } from "./Stdout.ts"

// Node's own terminal opens stdin, which makes a pipe non-blocking for the commands that share it. Nothing is read here.
const terminal = Layer.succeed(
  Terminal.Terminal,
  Terminal.make({
    columns: Effect.sync(() => process.stdout.columns ?? 0),
    rows: Effect.sync(() => process.stdout.rows ?? 0),
    size: Effect.never,
    readInput: Effect.never,
    readLine: Effect.never,
    display: (text) => Effect.orDie(write(text))
  })
)

const services = NodeChildProcessSpawner.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeStdio.layer, terminal))
)

// Signals end the runs, not this fiber: it ends by itself after that.
const runMain = Runtime.makeRunMain(({ fiber, teardown }) => {
  fiber.addObserver((exit) => teardown(exit, process.exit))
})

// A pipe that Node opens no longer blocks, for nobody who shares it: what others write to it, or we at the end, would be lost.
const keepBlocking = (
  { _handle }: NodeJS.WriteStream & { readonly _handle?: { readonly setBlocking?: (blocking: boolean) => void } }
) => _handle?.setBlocking?.(true)

keepBlocking(process.stdout)
keepBlocking(process.stderr)
process.stderr.on("error", () => {}) // the reader of the pipe is gone; the runs continue

// Node's own console writes to its own stream.
const console: Console.Console = Object.assign(Object.create(globalThis.console), {
  log: (...parts: ReadonlyArray<unknown>) => Effect.runSync(Effect.orDie(write(`${parts.join(" ")}\n`)))
})

// Unexpected errors go to stderr as well.
const reported = Effect.tapCause(
  Effect.provide(Effect.provideService(cli(process.argv.slice(2)), Console.Console, console), services),
  (cause) => {
    const error = Cause.squash(cause)
    if (error instanceof NotWritten) return tell(`${Redact.text(error.what)} cannot be written: ${error.why}`)
    return Cause.hasDies(cause) ? tell(Redact.text(Cause.pretty(cause))) : Effect.void
  }
)

runMain(reported, { disableErrorReporting: true })
