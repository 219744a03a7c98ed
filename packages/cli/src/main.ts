/** What `effect-wait` is on Node. */
import * as NodeChildProcessSpawner from "@effect/platform-node/NodeChildProcessSpawner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Terminal from "effect/Terminal"
import { cli } from "./cli.ts"
import { tell } from "./Report.ts"

// Node's own terminal opens stdin, which makes a pipe non-blocking for the commands that share it. Nothing is read here.
const terminal = Layer.succeed(
  Terminal.Terminal,
  Terminal.make({
    columns: Effect.sync(() => process.stdout.columns ?? 0),
    rows: Effect.sync(() => process.stdout.rows ?? 0),
    size: Effect.never,
    readInput: Effect.never,
    readLine: Effect.never,
    display: (text) => Effect.sync(() => process.stdout.write(text))
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
process.stdout.on("error", () => {})
process.stderr.on("error", () => {}) // whoever has read it is gone; the runs go on

// What nobody has foreseen belongs to stderr as well.
const reported = Effect.tapCause(
  Effect.provide(cli(process.argv.slice(2)), services),
  (cause) => Cause.hasDies(cause) ? tell(Cause.pretty(cause)) : Effect.void
)

runMain(reported, { disableErrorReporting: true })
