/** Help that fits 80 columns. */
import * as CliOutput from "effect/cli/CliOutput"

const columns = 80

// A longer name has a line of its own.
const widestName = 28

const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

// A name and its description, as Effect lays them out: the name already has the choices.
const row = (line: string): readonly [name: string, text: string] | undefined => {
  const [, name, text] = isCode(line) ? [] : /^ {2}(\S.*?) {2,}(\S.*)$/.exec(line) ?? []
  return name === undefined || text === undefined ? undefined : [name, text.replace(/ \(choices: [^)]*\)/, "")]
}

// What is copied from there, or stands above it.
const isCode = (line: string): boolean => /^ {2}(effect-wait|#)/.test(line)

const section = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const names = lines.flatMap((line) => row(line)?.[0].length ?? []).filter((length) => length <= widestName)
  const indent = 4 + Math.max(0, ...names)
  return lines.flatMap((line) => {
    const [name, text] = row(line) ?? []
    if (name === undefined || text === undefined) {
      return isCode(line) || line.length <= columns
        ? [line]
        : wrap(line.trim(), columns - 2).map((part) => `  ${part}`)
    }
    const [first = "", ...rest] = wrap(text, columns - indent).map((part) => " ".repeat(indent) + part)
    return name.length + 4 > indent
      ? [`  ${name}`, first, ...rest]
      : [`  ${name}${first.slice(name.length + 2)}`, ...rest]
  })
}

const plain = CliOutput.defaultFormatter({ colors: false })

export const formatter: CliOutput.Formatter = {
  ...plain,
  formatHelpDoc: (doc) =>
    plain.formatHelpDoc(doc).split("\n\n").map((part) => section(part.split("\n")).join("\n")).join("\n\n")
}
