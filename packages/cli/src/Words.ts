/** Where the options end and the command begins, as in `timeout` and `env`: at the first word, with or without `--`. */
import { switches } from "./options.ts"

const running = new Set(["poll", "loop", "retry"])

// A word such as `-q` is switches only; `--quiet`, and `--name=value`, are one word too.
const isWhole = (option: string): boolean =>
  !option.startsWith("--") || option.includes("=") || switches.has(option.slice(2))

// Where the first word is, or the `--` before it.
const endOfOptions = (args: ReadonlyArray<string>, from: number): number => {
  const arg = args[from]
  if (arg === undefined || arg === "--" || arg === "-" || !arg.startsWith("-")) return from
  return endOfOptions(args, from + (isWhole(arg) ? 1 : 2))
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

/** The same words, with `--` before the command. */
export const delimited = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const end = endOfOptions(args, 1)
  const isBare = running.has(args[0] ?? "") && end < args.length && args[end] !== "--"
  return joined(isBare ? args.toSpliced(end, 0, "--") : args)
}
