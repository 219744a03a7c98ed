/** Commands that start nothing, run in the process of the test: their files and their terminal are made up. */
import { Effect, FileSystem, Layer, Path, PlatformError, Stdio, Terminal } from "effect"
import { Command } from "effect/cli"
import { ChildProcessSpawner } from "effect/process"
import { TestConsole } from "effect/testing"
import { resolve } from "node:path"

export interface Made {
  readonly files?: Readonly<Record<string, string>>
  readonly width?: number
}

const missing = (path: string) =>
  PlatformError.systemError({
    _tag: "NotFound",
    module: "FileSystem",
    method: "readFileString",
    pathOrDescriptor: path
  })

/** What it prints, and the files that it writes. */
export const run = <Name extends string, Input, E, R>(
  command: Command.Command<Name, Input, {}, E, R | Command.Environment>,
  args: ReadonlyArray<string>,
  { files = {}, width = 80 }: Made = {}
) =>
  Effect.suspend(() => {
    const contents = new Map(Object.entries(files).map(([path, content]) => [resolve(path), content]))
    const written: Record<string, string> = {}
    const services = Layer.mergeAll(
      FileSystem.layerNoop({
        exists: () => Effect.succeed(false),
        readFileString: (path) => {
          const content = contents.get(resolve(path))
          return content === undefined ? Effect.fail(missing(path)) : Effect.succeed(content)
        },
        writeFileString: (path, content) =>
          path.startsWith("nowhere/") ? Effect.fail(missing(path)) : Effect.sync(() => {
            written[path] = content
          })
      }),
      Path.layer,
      Layer.fresh(TestConsole.layer),
      Stdio.layerTest({}),
      Layer.succeed(
        Terminal.Terminal,
        Terminal.make({
          columns: Effect.succeed(width),
          rows: Effect.succeed(0),
          size: Effect.die("size"),
          readInput: Effect.die("readInput"),
          readLine: Effect.die("readLine"),
          display: () => Effect.die("display")
        })
      ),
      Layer.succeed(
        ChildProcessSpawner.ChildProcessSpawner,
        ChildProcessSpawner.make(() => Effect.die("spawn"))
      )
    )
    return Command.runWith(command, { version: "0", renderErrors: false })(args).pipe(
      Effect.andThen(TestConsole.logLines),
      Effect.map((lines) => ({ text: lines.join("\n"), written })),
      Effect.provide(services)
    )
  })
