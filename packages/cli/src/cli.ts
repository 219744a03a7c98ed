/** The command line: its commands, and the message for an invalid input. */
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
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
import * as Foreign from "./Foreign.ts"
import { formatter } from "./Help.ts"
import * as Redact from "./Redact.ts"
import { Exited } from "./running.ts"
import { delimited, spelled, unasked } from "./Words.ts"

const main = Command.make("effect-wait").pipe(
  Command.withDescription("Wait, loop and retry in the shell, and preview a retry policy before you ship it"),
  Command.withSubcommands([poll, loop, retry, preview, herd])
)

const addresses = new Set(["tcp", "http", "grpc", "dns"])

// One letter is like every other, so only known names are suggested.
const messageOf = (error: CliError.NonShowHelpErrors): string => {
  switch (error._tag) {
    case "UnrecognizedOption": {
      const found = Foreign.option(error.command?.at(-1) ?? "", error.option)
      const byDefault = /^-[^-]/.test(error.option) ? [] : error.suggestions
      return new CliError.UnrecognizedOption({ ...error, suggestions: found.length > 0 ? found : byDefault }).message
    }
    case "UnknownSubcommand": {
      const found = Foreign.command(error.subcommand)
      return new CliError.UnknownSubcommand({ ...error, suggestions: found.length > 0 ? found : error.suggestions })
        .message
    }
    case "InvalidValue": {
      const value = addresses.has(error.option) ? Redact.address(error.value) : Redact.word(error.value)
      return new CliError.InvalidValue({ ...error, value }).message
    }
    default:
      return error.message
  }
}

// After an unknown command, the errors of its options say nothing.
const relevant = (errors: ReadonlyArray<CliError.NonShowHelpErrors>) => {
  const unknown = errors.filter(({ _tag }) => _tag === "UnknownSubcommand")
  return unknown.length > 0 ? unknown : errors
}

// An error is said in a line or two; the whole help would hide it.
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
        [
          ...relevant(event.errors).map((error) => `effect-wait: ${Redact.text(messageOf(error))}`),
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
  Effect.fromResult(unasked(args)).pipe(
    Effect.mapError((message) => new CliError.ValidationError({ message })),
    Effect.andThen(Command.runWith(main, { version: manifest.version })(delimited(spelled(args)))),
    Effect.catchTag(
      "ValidationError",
      ({ message }) => Effect.andThen(Console.error(`effect-wait: ${Redact.text(message)}`), Effect.fail(misused))
    ),
    Effect.catchTag("ShowHelp", () => Effect.fail(misused)),
    Effect.scoped,
    Effect.provide(layer)
  )
