/**
 * Runs every example of this folder, each in a process of its own, two at a time. Green is one that ends with 0 within a minute,
 * and of whose claims at least one held.
 *
 * `npx --yes pnpm@12 examples`, or with the beginnings of names: `npx --yes pnpm@12 examples 04 05`
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, Console, Duration, Effect, Exit, FileSystem, Path, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { styleText } from "node:util"

class Red extends Schema.TaggedError<Red>()("Red", { message: Schema.String }) {}

/** Runs a file, and adds what it says to these lines. The number of its claims that held. */
const verify = Effect.fnUntraced(
  function*(file: string, lines: Array<string>) {
    const child = yield* ChildProcess.make(process.execPath, [file], { detached: false })
    const output = Stream.splitLines(Stream.decodeText(child.all))
    yield* Stream.runForEach(output, (line) => Effect.sync(() => lines.push(`  ${line}`.trimEnd())))
    const exitCode = yield* child.exitCode
    if (exitCode !== 0) return yield* new Red({ message: `it ended with ${exitCode}` })
    const claims = lines.filter((line) => line.startsWith("  holds: ")).length
    return claims > 0 ? claims : yield* new Red({ message: "it claims nothing" })
  },
  Effect.scoped,
  Effect.timeout("1 minute")
)

const verdict = (exit: Exit.Exit<number, { readonly message: string }>) =>
  Exit.isSuccess(exit)
    ? styleText("green", `green, ${exit.value} claims`)
    : styleText("red", `red: ${Cause.prettyErrors(exit.cause).map(({ message }) => message).join(", ")}`)

const seconds = (duration: Duration.Duration) => `${Duration.toSeconds(duration).toFixed(1)} s`

const run = Effect.fnUntraced(function*(file: string) {
  const fs = yield* FileSystem.FileSystem
  const lines: Array<string> = []
  const [took, exit] = yield* Effect.timed(Effect.exit(verify(file, lines)))
  // The first sentence of its header.
  const title = /^ \* (.+)$/m.exec(yield* fs.readFileString(file))?.[1] ?? file
  yield* Console.log([title, ...lines, `${seconds(took)}, ${verdict(exit)}`, ""].join("\n"))
  return exit
})

const program = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const wanted = process.argv.slice(2)
  const isWanted = (name: string) => wanted.length === 0 || wanted.some((begin) => name.startsWith(begin))
  const files = (yield* fs.readDirectory(import.meta.dirname))
    .filter((name) => /^\d\d-.*\.ts$/.test(name) && isWanted(name))
    .toSorted()
    .map((name) => path.join(import.meta.dirname, name))
  const [took, exits] = yield* Effect.timed(Effect.forEach(files, run, { concurrency: 2 }))
  const red = exits.filter(Exit.isFailure).length
  yield* Console.log(`${files.length} examples in ${seconds(took)}, ${red} red`)
  if (red > 0 || files.length === 0) return yield* new Red({ message: "Not all examples are green" })
})

NodeRuntime.runMain(Effect.provide(program, NodeServices.layer))
