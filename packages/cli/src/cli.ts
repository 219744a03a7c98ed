/** The command line: its commands, and the message for an invalid input. */
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import manifest from "../package.json" with { type: "json" }
import { herd } from "./commands/herd.ts"
import { loop } from "./commands/loop.ts"
import { poll } from "./commands/poll.ts"
import { preview } from "./commands/preview.ts"
import { retry } from "./commands/retry.ts"
import { formatter } from "./Help.ts"
import * as Redact from "./Redact.ts"
import { Exited } from "./running.ts"
import { delimited } from "./Words.ts"

const main = Command.make("effect-wait").pipe(
  Command.withDescription("Wait, loop and retry in the shell, and preview a retry policy before you ship it"),
  Command.withSubcommands([poll, loop, retry, preview, herd])
)

// An error is said in a line or two; the whole help would hide it.
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
        [
          ...event.errors.map(({ message }) => `effect-wait: ${Redact.text(message)}`),
          `Try: ${event.commandPath.join(" ")} --help`
        ].join("\n")
      )
      : CliOutput.defaultPresenter.present(event)
}

const layer = Layer.mergeAll(
  CliOutput.layer(formatter),
  CliOutput.layerPresenter(presenter),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })
)

// What it exits with when it was called wrongly: `EX_USAGE` of sysexits.h.
const misused = new Exited({ code: 64 })

export const cli = (args: ReadonlyArray<string>) =>
  Command.runWith(main, { version: manifest.version })(delimited(args)).pipe(
    Effect.catchTag(
      "ValidationError",
      ({ message }) => Effect.andThen(Console.error(`effect-wait: ${Redact.text(message)}`), Effect.fail(misused))
    ),
    Effect.catchTag("ShowHelp", () => Effect.fail(misused)),
    Effect.scoped,
    Effect.provide(layer)
  )
