/** Texts as trees: YAML of one or several documents, JSON, properties and crontabs. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import {
  constructFromEvents,
  CORE_SCHEMA,
  defineMappingTag,
  defineScalarTag,
  defineSequenceTag,
  type Event,
  EVENT_ID,
  mergeTag,
  parseEvents,
  YAMLException
} from "js-yaml"
import type { Keys } from "./model.ts"

/** A document of a text. */
export interface Tree {
  readonly value: unknown
  /** The lines of a crontab, which has no keys. */
  readonly jobs?: ReadonlyArray<Job>
  /** The line of a value, from 1; of its nearest parent where it has none of its own. */
  readonly lineOf: (keys: Keys) => number
}

export interface Unreadable {
  readonly line: number | undefined
  readonly reason: string
}

/** The longest text that is read, in characters. */
export const longest = 2_500_000

// What a tag such as CloudFormation's !Sub makes of its value is unknown; the value is kept.
const tags = [
  defineScalarTag("!", { matchByTagPrefix: true, resolve: (source) => source, identify: () => false }),
  defineSequenceTag<Array<unknown>>("!", {
    matchByTagPrefix: true,
    create: () => [],
    addItem(list, item) {
      list.push(item)
    },
    identify: () => false
  }),
  defineMappingTag<Record<string, unknown>>("!", {
    matchByTagPrefix: true,
    create: () => ({}),
    addPair(record, key, value) {
      Object.defineProperty(record, String(key), { configurable: true, enumerable: true, writable: true, value })
      return ""
    },
    has: (record, key) => Object.hasOwn(record, String(key)),
    keys: Object.keys,
    get: (record, key) => record[String(key)],
    identify: () => false
  })
]

const schema = CORE_SCHEMA.withTags(mergeTag, tags)

const offsetOf = (event: Event): number | undefined =>
  event.type === EVENT_ID.SCALAR
    ? event.valueStart
    : event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE
    ? event.start
    : undefined

// The first event after the value that begins at `i`.
const after = (events: ReadonlyArray<Event>, i: number): number => {
  let open = 0
  do {
    const type = events[i++]?.type
    if (type === EVENT_ID.MAPPING || type === EVENT_ID.SEQUENCE) open++
    if (type === EVENT_ID.POP) open--
  } while (open > 0)
  return i
}

// Where the value of a key, or the item of an index, begins; and where its key does.
const child = (events: ReadonlyArray<Event>, source: string, parent: number, key: string | number) => {
  const collection = events[parent]
  const isMapping = collection?.type === EVENT_ID.MAPPING
  if (!isMapping && collection?.type !== EVENT_ID.SEQUENCE) return undefined
  let index = 0
  for (let i = parent + 1; i < events.length && events[i]?.type !== EVENT_ID.POP; index++) {
    const at = events[i]!
    const value = isMapping ? after(events, i) : i
    const name = isMapping
      ? at.type === EVENT_ID.SCALAR ? source.slice(at.valueStart, at.valueEnd) : undefined
      : index
    if (name === key || name === String(key)) return { key: i, value }
    i = after(events, value)
  }
  return undefined
}

const lineAt = (source: string, offset: number): number => source.slice(0, offset).split("\n").length

const lineOf = (events: ReadonlyArray<Event>, source: string, root: number) => (keys: Keys): number => {
  let value = root
  const first = events[root]
  let offset = first && offsetOf(first) || 0
  for (const key of keys) {
    const found = child(events, source, value, key)
    if (found === undefined) break
    value = found.value
    offset = offsetOf(events[found.key]!) ?? offset
  }
  return lineAt(source, offset)
}

const nothing: ReadonlyArray<Event> = []

// Faster than as YAML. Where its values stand is looked for when somebody asks.
const fromJson = (source: string): Option.Option<ReadonlyArray<Tree>> =>
  /^\s*[[{]/.test(source)
    ? Option.map(Option.liftThrowable((): unknown => JSON.parse(source))(), (value): ReadonlyArray<Tree> => {
      let events: ReadonlyArray<Event> | undefined
      return [{
        value,
        lineOf(keys) {
          events ??= Option.getOrElse(
            Option.liftThrowable(() => parseEvents(source, { maxDepth: 100 }))(),
            () => nothing
          )
          return lineOf(events, source, 1)(keys)
        }
      }]
    })
    : Option.none()

// A file that a person writes is shorter.
const mostIndented = 500_000

const isSpace = (character: string | undefined) => character === undefined || /\s/.test(character)

/**
 * YAML wants each line of a flow collection or of a quoted text deeper than its parent. Most parsers
 * also read what people write: the closing bracket below its key. Spaces mean nothing there, so more of them change no value and no line.
 */
const indented = (source: string): string => {
  let depth = 0
  let quote = ""
  // How deep the parent of a block of text is.
  let block = -1
  let deeper = ""
  const scan = (line: string): void => {
    let i = 0
    const skip = (until: RegExp) => {
      until.lastIndex = i
      i = until.exec(line)?.index ?? line.length
    }
    while (i < line.length) {
      const at = line[i]!
      if (quote !== "") {
        if (at === "\\" && quote === "\"") i++
        else if (at === quote) {
          if (quote === "'" && line[i + 1] === "'") i++
          else quote = ""
        }
        i++
      } else if (at === " " || at === "," || isSpace(at)) i++
      else if (at === "#" && isSpace(line[i - 1])) return
      else if (at === ":" && depth > 0 || /[-?:]/.test(at) && isSpace(line[i + 1])) i++
      else if (at === "\"" || at === "'") {
        quote = at
        i++
      } else if (at === "[" || at === "{") {
        depth++
        i++
      } else if (depth > 0 && (at === "]" || at === "}")) {
        depth--
        i++
      } else if (/[&!*]/.test(at)) skip(depth > 0 ? /[\s,[\]{}]/g : /\s/g)
      else if (/[|>]/.test(at) && depth === 0) return
      else skip(depth > 0 ? /[,[\]{}]|:(?=[\s,[\]{}]|$)|\s#/g : /:(?=\s|$)|\s#/g)
    }
  }
  return source.split("\n").map((line) => {
    const isInside = depth > 0 || quote !== ""
    if (!isInside) {
      const [prefix = ""] = /^ *(?:- +)*/.exec(line) ?? []
      // The parent is the item where it has no key.
      const isItem = /^(?:[&!]\S*\s+)*[|>]/.test(line.slice(prefix.length))
      const column = isItem ? prefix.lastIndexOf("-") : prefix.length
      if (block >= 0 && (line.trim() === "" || line.search(/\S/) > block)) return line
      deeper = " ".repeat(prefix.length + 1)
      block = /(?:^|[\s:])[|>][-+\d]*\s*(?:#.*)?$/.test(line) ? column : -1
    }
    scan(line)
    return isInside ? deeper + line : line
  }).join("\n")
}

const fromYaml = (source: string): Result.Result<ReadonlyArray<Tree>, Unreadable> => {
  const trees = fromStrictYaml(source)
  const isShallow = Result.isFailure(trees) && trees.failure.reason.startsWith("deficient indentation")
  return isShallow && source.length <= mostIndented ? fromStrictYaml(indented(source)) : trees
}

const fromStrictYaml = (source: string): Result.Result<ReadonlyArray<Tree>, Unreadable> =>
  Result.try({
    try: () => {
      const events = parseEvents(source, { maxDepth: 100 })
      const values = constructFromEvents(events, { source, schema, maxAliases: 1000, json: true })
      const roots = events.flatMap(({ type }, i) => type === EVENT_ID.DOCUMENT ? [i + 1] : [])
      return values.map((value, i): Tree => ({ value, lineOf: lineOf(events, source, roots[i] ?? 0) }))
    },
    catch: (error) => {
      const remedy = source.includes("{{") ? ". It looks like a template: render it first" : ""
      return error instanceof YAMLException
        ? { line: error.mark === undefined ? undefined : error.mark.line + 1, reason: error.reason + remedy }
        : { line: undefined, reason: String(error) }
    }
  })

interface Line {
  readonly text: string
  readonly line: number
}

const linesOf = (source: string, comment: RegExp): ReadonlyArray<Line> =>
  source.split(/\r?\n/).flatMap((text, i) =>
    text.trim() === "" || comment.test(text) ? [] : [{ text: text.trim(), line: i + 1 }]
  )

const cronFields = String
  .raw`(?:@(?:reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)|(?:[\d*][\w*,/~?#-]*\s+){2}(?:[\d*?][\w*,/?-]*\s+)(?:[*\w][\w*,/-]*\s+)[*\w?][\w*,/?#-]*)`

const entry = new RegExp(String.raw`^-?(${cronFields})\s+(\S.*)$`)

const variable = /^([A-Za-z_]\w*)\s*=\s*(.*)$/

// The user, in the crontab of the system: of each job, where it is so of one.
const user = /^(?:root|nobody|daemon|mail|www-data|postgres)\s+\S/

const anyUser = /^[a-z_][\w.-]*\s+(?=\S)/

/** A job of a crontab. */
export interface Job {
  readonly schedule: string
  readonly command: string
  readonly timeZone: string | undefined
}

const unquoted = (text: string) => text.trim().replace(/^(["'])(.*)\1$/, "$2")

const fromCrontab = (source: string): Tree | undefined => {
  const lines = linesOf(source, /^\s*#/)
  const jobs: Array<Job> = []
  const at: Array<number> = []
  let timeZone: string | undefined
  for (const { line, text } of lines) {
    const [, name, value = ""] = variable.exec(text) ?? []
    if (name !== undefined) {
      if (name === "CRON_TZ") timeZone = unquoted(value)
      continue
    }
    const [, schedule, rest] = entry.exec(text) ?? []
    if (schedule === undefined || rest === undefined) return undefined
    jobs.push({ schedule: schedule.replaceAll(/\s+/g, " "), command: rest, timeZone })
    at.push(line)
  }
  const isOfSystem = jobs.some(({ command }) => user.test(command)) &&
    jobs.every(({ command }) => anyUser.test(command))
  const own = isOfSystem ? jobs.map((job) => ({ ...job, command: job.command.replace(anyUser, "") })) : jobs
  return own.length === 0
    ? undefined
    : { value: own, jobs: own, lineOf: ([i]) => at[typeof i === "number" ? i : 0] ?? 1 }
}

const property = /^([A-Za-z_][\w.\-[\]]*)\s*[=:]\s*(\S.*|)$/

const put = (root: Record<string, unknown>, keys: ReadonlyArray<string>, value: string): void => {
  const [key = "", ...rest] = keys
  if (rest.length === 0) {
    root[key] = value
    return
  }
  const inner = Object.hasOwn(root, key) ? root[key] : undefined
  const next: Record<string, unknown> = Object.assign(Object.create(null), Predicate.isObject(inner) ? inner : {})
  root[key] = next
  put(next, rest, value)
}

// Java's properties: `resilience4j.retry.instances.a.max-attempts=3`.
const fromProperties = (source: string): Tree | undefined => {
  const lines = linesOf(source, /^\s*[#!]/)
  const root: Record<string, unknown> = Object.create(null)
  const at = new Map<string, number>()
  for (const { line, text } of lines) {
    const [, name, value = ""] = property.exec(text) ?? []
    if (name === undefined || !name.includes(".") && text.includes(": ")) return undefined
    const keys = name.split(".").flatMap((key) => key.split(/[[\]]/)).filter((key) => key !== "")
    put(root, keys, value.trim())
    keys.forEach((_, i) => {
      const path = keys.slice(0, i + 1).join(".")
      if (!at.has(path)) at.set(path, line)
    })
  }
  if (!lines.some(({ text }) => /^[\w-]+\.[\w.\-[\]]+\s*=/.test(text))) return undefined
  return {
    value: root,
    lineOf: (keys) => {
      for (let n = keys.length; n > 0; n--) {
        const line = at.get(keys.slice(0, n).join("."))
        if (line !== undefined) return line
      }
      return 1
    }
  }
}

const inMegabytes = (length: number) => `${(length / 1e6).toFixed(1)} MB`

/** The documents of a text. A text without any has one, `null`. */
export const treesOf = (source: string): Result.Result<ReadonlyArray<Tree>, Unreadable> => {
  if (source.length > longest) {
    const reason = `the text is ${inMegabytes(source.length)} long, and at most ${inMegabytes(longest)} are read`
    return Result.fail({ line: undefined, reason })
  }
  const text = source.replace(/^\uFEFF/, "")
  const lines = fromCrontab(text) ?? fromProperties(text)
  if (lines !== undefined) return Result.succeed([lines])
  return Option.match(fromJson(text), { onNone: () => fromYaml(text), onSome: Result.succeed })
}
