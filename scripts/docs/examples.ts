/** Finds the examples of a file, be it markdown or a source with doc comments. */
import { dirname, join } from "node:path"

export interface Example {
  readonly file: string
  /** The line of its first line, from 1. */
  readonly line: number
  readonly code: ReadonlyArray<string>
  /** Whether it is also run, not only compiled. */
  readonly run: boolean
  /** What it must print: the text fence right after a run that prints. */
  readonly output: string | undefined
  /** The picture right after a run that prints it, or that exports what it shows; and its alternative text. */
  readonly picture: string | undefined
  readonly alt: string
  /** The lines that assert, from 1. */
  readonly asserted: ReadonlyArray<number>
}

/** Code that a page shows of a file: a fence with `from=` and the path of the file, from the page. */
export interface Excerpt {
  /** Where the page shows it. */
  readonly place: string
  readonly from: string
  readonly code: string
}

interface Fence {
  readonly line: number
  readonly tag: string
  readonly lines: Array<string>
}

const assertion = /^(\s*)(\S.*?)\s*\/\/ => (.+)$/
const sharedExample = /^ \* @see \{@link (\w+)\} for the example$/
const image = /^!\[(.*)\]\((\.\.?\/[^)]+\.svg)\)$/
const excerpt = /\bfrom=(\S+)/
const drawnExport = /^export const (?:timelines|herds)\b/

// A source as markdown with the same line numbers. Code is one long line of text to it.
const docComments = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  let inside = false
  return lines.map((line) => {
    if (/^\s*\/\*\*/.test(line)) inside = true
    const text = inside ? line.replace(/^\s*\*(?!\/) ?/, "") : "code"
    if (line.includes("*/")) inside = false
    return text
  })
}

// Fences in order; text in between counts as one without a tag, blank lines do not count.
const fences = (lines: ReadonlyArray<string>): ReadonlyArray<Fence> => {
  const found: Array<Fence> = []
  let open: Fence | undefined
  lines.forEach((line, i) => {
    const fence = /^\s*```\s*(.*)$/.exec(line)
    if (open !== undefined && fence === null) open.lines.push(line)
    else if (open !== undefined) open = undefined
    else if (fence !== null) found.push(open = { line: i + 2, tag: fence[1]!.trim(), lines: [] })
    else if (line.trim() !== "") found.push({ line: i + 1, tag: "", lines: [line] })
  })
  return found
}

export const examples = (file: string, source: string): ReadonlyArray<Example> => {
  const lines = source.split("\n")
  const found = fences(file.endsWith(".md") ? lines : docComments(lines))
  return found.flatMap(({ line, lines: code, tag }, i) => {
    if (!/^ts\b/.test(tag) || excerpt.test(tag)) return []
    const next = found[i + 1]
    const run = !tag.includes("no-run")
    const prints = run && code.some((text) => text.includes("console.log("))
    const isDrawn = prints || (run && code.some((text) => drawnExport.test(text)))
    const [, alt = "", picture] = (isDrawn && next?.tag === "" && image.exec(next.lines.join("\n").trim())) || []
    return [{
      file,
      line,
      code,
      run,
      output: prints && next?.tag === "text" ? next.lines.join("\n") : undefined,
      picture: picture && join(dirname(file), picture),
      alt,
      asserted: code.flatMap((text, j) => assertion.test(text) ? [line + j] : [])
    }]
  })
}

export const excerpts = (file: string, source: string): ReadonlyArray<Excerpt> =>
  fences(source.split("\n")).flatMap(({ line, lines, tag }) => {
    const from = excerpt.exec(tag)?.[1]
    return from === undefined
      ? []
      : [{ place: `${file}:${line}`, from: join(dirname(file), from), code: lines.join("\n") }]
  })

// The line on which the statement that ends on line `end` begins: past closing brackets and chained calls.
const beginning = (code: ReadonlyArray<string>, end: number): number => {
  let begin = end
  while (begin > 0 && /^\s*[)\]}.]/.test(code[begin]!)) {
    const indent = code[begin]!.search(/\S/)
    begin--
    while (begin > 0 && (code[begin]!.trim() === "" || code[begin]!.search(/\S/) > indent)) begin--
  }
  return begin
}

/** The example as a module whose lines are where they are in its file. `expr // => value` becomes a call. */
export const toModule = (example: Example, assertModule: string): string => {
  const code = [...example.code]
  for (const line of example.asserted) {
    const end = line - example.line
    const begin = beginning(code, end)
    code[end] = code[end]!.replace(assertion, `$1$2, $3, "${example.file}:${line}")`)
    code[begin] = code[begin]!.replace(/\S/, "__is($&")
  }
  return `import { is as __is } from "${assertModule}"${"\n".repeat(example.line - 1)}${code.join("\n")}\n`
}

/**
 * The public values of a module, where they are declared, and whether an example shows them: an asserted example of their
 * own, or of another value in the module that `@see {@link x} for the example` names. That example must use this value too.
 */
export const exportsOf = (file: string, source: string, found: ReadonlyArray<Example>) => {
  const lines = source.split("\n")
  const values = lines.flatMap((text, i) => {
    const name = /^export (?:declare )?(?:const|function|(?:abstract )?class) (\w+)/.exec(text)?.[1]
    if (name === undefined) return []
    const documented = lines[i - 1]?.trim().endsWith("*/") === true
    const begin = documented ? lines.findLastIndex((line, j) => j < i && line.startsWith("/**")) : i
    const examples = found.filter((example) =>
      example.file === file && example.line > begin && example.line <= i &&
      (example.asserted.length > 0 || example.output !== undefined)
    )
    const shownBy = lines.slice(begin, i).flatMap((line) => sharedExample.exec(line)?.[1] ?? [])
    return [{ name, place: `${file}:${i + 1}`, examples, shownBy }]
  })
  return values.map(({ examples, name, place, shownBy }) => {
    const isUsed = ({ code }: Example) => new RegExp(`\\.${name}\\b`).test(code.join("\n"))
    const isShared = values.some((value) => shownBy.includes(value.name) && value.examples.some(isUsed))
    return { name, place, isShown: examples.length > 0 || isShared }
  })
}
