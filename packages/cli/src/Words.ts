/** Where the options end and the command begins, as in `timeout` and `env`: at the first word, with or without `--`. */
import * as Result from "effect/Result"
import { switches } from "./options.ts"

const running = new Set(["poll", "loop", "retry"])

// `-timeout`, as Go's programs have it, is no letters.
const isLong = (option: string): boolean => /^(--|-[a-z]{3})/.test(option)

// A word such as `-q` is switches only; `--quiet`, and `--name=value`, are one word too.
const isWhole = (option: string): boolean =>
  !isLong(option) || option.includes("=") || switches.has(option.replace(/^--?/, ""))

// A word such as `--quiet` is the value of no option; `-` and `-1s` may be.
const isOption = (word: string | undefined): boolean => word !== undefined && /^-[^\d.]/.test(word)

// Where the first word is, or the `--` before it.
const endOfOptions = (args: ReadonlyArray<string>, from: number): number => {
  const arg = args[from]
  if (arg === undefined || arg === "--" || arg === "-" || !arg.startsWith("-")) return from
  return endOfOptions(args, from + (isWhole(arg) || isOption(args[from + 1]) ? 1 : 2))
}

// A value such as -1s, or -#/spec/retry for a place of stdin, looks like flags: it belongs to the flag before it, whose message names the allowed values.
const joined = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const end = args.includes("--") ? args.indexOf("--") : args.length
  return args.flatMap((arg, i) => {
    const isNegative = (j: number) =>
      j < end && /^-(\.?\d|#)/.test(args[j] ?? "") && /^--[^=]+$/.test(args[j - 1] ?? "")
    return isNegative(i) ? [] : [isNegative(i + 1) ? `${arg}=${args[i + 1]}` : arg]
  })
}

/** `help retry` is `retry --help`, `version` is `--version`, and `-timeout` is `--timeout`. */
export const spelled = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [first = "", ...others] = args
  if (first === "help") return [...others, "--help"]
  if (first === "version") return ["--version", ...others]
  const end = running.has(first) ? endOfOptions(args, 1) : 0
  return args.map((arg, i) => i < end && isLong(arg) ? arg.replace(/^--?/, "--") : arg)
}

/**
 * wait-for-it.sh has a host after `-h`, wait-on logs with `-v`, and here help and version would succeed without a wait.
 */
export const unasked = (args: ReadonlyArray<string>): Result.Result<void, string> => {
  const options = running.has(args[0] ?? "") ? args.slice(0, endOfOptions(args, 1)) : []
  const help = options.indexOf("-h")
  if (help > 0 && args[help + 1] !== undefined) {
    return Result.fail("-h is --help, and nothing comes after it. Expected, for a host: --tcp HOST:PORT")
  }
  return options.includes("-v") && args.length > 2
    ? Result.fail("-v is --version, and stands alone. A line for each run is the default; see --quiet and --log")
    : Result.void
}

/** The same words, with `--` before the command. */
export const delimited = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const end = endOfOptions(args, 1)
  const isBare = running.has(args[0] ?? "") && end < args.length && args[end] !== "--"
  return joined(isBare ? args.toSpliced(end, 0, "--") : args)
}
