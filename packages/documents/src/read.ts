/** The policies of a text. */
import * as Formatter from "effect/Formatter"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Entries } from "./fields.ts"
import {
  DocumentError,
  type DocumentPolicy,
  type Keys,
  type Place,
  type Problem,
  type Read,
  type System,
  systems,
  type Trouble
} from "./model.ts"
import { fromSettings } from "./Policy.ts"
import { entriesOf, manifestOf, type Node, type Reader } from "./reader.ts"
import { readers } from "./readers.ts"
import { crontab } from "./systems/crontab.ts"
import { type Tree, treesOf } from "./text.ts"

/**
 * - `as`: the system, for a document that could be of two
 * - `pointer`: where to look, an RFC 6901 pointer such as `/spec/retry`; default: everywhere
 * - `name`: what the document is called in messages
 */
export interface ReadOptions {
  readonly as?: System | undefined
  readonly pointer?: string | undefined
  readonly name?: string | undefined
}

const toPath = (keys: Keys): string =>
  keys.map((key) => typeof key === "number" ? `[${key}]` : /^[\w$-]+$/.test(key) ? `.${key}` : `["${key}"]`)
    .join("").replace(/^\./, "")

const toPointer = (keys: Keys): string =>
  keys.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")

const placeOf = (tree: Tree, keys: Keys): Place => ({
  path: toPath(keys),
  pointer: toPointer(keys),
  line: tree.lineOf(keys)
})

const problemsOf = (tree: Tree, troubles: ReadonlyArray<Trouble>): ReadonlyArray<Problem> =>
  troubles.map(({ keys, reason }) => Object.assign(placeOf(tree, keys), { reason }))

const inList = (words: ReadonlyArray<string>, last = "and"): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`

const known = `What can be read: ${inList(Object.values(systems))}`

// What was found on the way through a document.
interface Search {
  readonly found: Array<{ readonly system: System; readonly read: Read }>
  readonly troubles: Array<Trouble>
  /** The object that is most like a policy, and by how many of its keys. */
  nearest: { readonly reader: Reader; readonly node: Node; readonly keys: number } | undefined
  /** The objects that were seen, and how often one was seen again: by its anchor. */
  readonly seen: Set<unknown>
  again: number
  /** How many characters of texts inside of the document were read. */
  inside: number
  /** Whether a key can be of a policy. */
  readonly telling: Map<string, boolean>
}

// A bomb has more.
const mostAgain = 1000

const deepest = 100

// One that is a policy by its shape is before all that are not.
const shape = 1000

const rankOf = (reader: Reader, node: Node): number => {
  const match = reader.match(node)
  return match === "certain" ? shape + 1 : match === "shape" ? shape : match
}

const readWith = (search: Search, reader: Reader, node: Node): void => {
  const read = reader.read(node)
  if (Result.isFailure(read)) search.troubles.push(...read.failure)
  else search.found.push(...read.success.map((read) => ({ system: reader.system, read })))
}

const programs = new Set<System>(["grpc", "temporal", "spring", "resilience4j"])

// Programs have their policies in files: in a manifest of Kubernetes, a file is inside of a ConfigMap.
const isElsewhere = ({ system }: Reader, node: Node): boolean =>
  programs.has(system) && (manifestOf(node)?.apiVersion ?? "v1") !== "v1"

// One key is like a policy's by accident, unless the object is called one, or is the whole document. Most keys of others are others'.
const isNear = ({ keys, value }: Node, best: number): boolean => {
  const names = Object.keys(value)
  const isWhole = keys.length === 0 && !names.includes("kind")
  const isNamed = /retr(y|ies)|back_?off/i.test(String(keys.at(-1)))
  return best > 1 || isWhole ? 2 * best >= names.length : isNamed && 2 * best > names.length
}

/** @returns whether the object was a policy, or one that is wrong. */
const readNode = (search: Search, node: Node, among: ReadonlyArray<Reader>, least: number): boolean => {
  const ranked = among.map((reader) => [reader, rankOf(reader, node)] as const)
  const best = Math.max(0, ...ranked.map(([, rank]) => rank))
  const alike = ranked.filter(([, rank]) => rank === best).map(([reader]) => reader)
  const [one] = alike
  if (one === undefined || best === 0) return false
  if (best < least) {
    if (isNear(node, best) && !isElsewhere(one, node) && (search.nearest?.keys ?? 0) < best) {
      search.nearest = { reader: one, node, keys: best }
    }
    return false
  }
  if (alike.length === 1) {
    readWith(search, one, node)
    return true
  }
  const ways = alike.map(({ system }) => `--as ${system}`)
  search.troubles.push({
    keys: node.keys,
    reason: `could be ${inList(alike.map(({ system }) => systems[system]), "or")}: choose with ${inList(ways, "or")}`
  })
  return true
}

// Most objects of a large document have no key that any reader looks for.
const isTold = ({ telling }: Search, key: string): boolean => {
  const known = telling.get(key)
  if (known !== undefined) return known
  const isTelling = readers.some(({ tells }) => tells.test(key))
  telling.set(key, isTelling)
  return isTelling
}

// A ConfigMap has whole files for its values, and a template of CloudFormation its state machine.
const isFile = (text: string): boolean =>
  /^\s*[[{]/.test(text) || /\n./.test(text) && /^[\w."'/-]+:(?:\s|$)/m.test(text)

// More than that is no configuration.
const mostInside = 500_000

const inside = (text: string): object | undefined => {
  const [tree, ...others] = isFile(text) ? Result.getOrElse(treesOf(text), () => []) : []
  const value = others.length > 0 || tree?.jobs !== undefined ? undefined : tree?.value
  return Predicate.isObjectOrArray(value) ? value : undefined
}

const walk = (
  search: Search,
  value: unknown,
  keys: Keys,
  parents: ReadonlyArray<unknown>,
  among: ReadonlyArray<Reader>
): void => {
  if (typeof value !== "object" || value === null || search.again > mostAgain) return
  const refuse = (reason: string): void => {
    search.again = Infinity
    search.troubles.push({ keys: [], reason })
  }
  if (parents.includes(value)) return refuse(`has an anchor that contains itself, at ${toPath(keys).slice(0, 100)}`)
  if (keys.length > deepest) return refuse(`is nested deeper than ${deepest} times`)
  if (search.seen.has(value)) search.again++
  if (search.again > mostAgain) return refuse(`follows its anchors more than ${mostAgain} times`)
  search.seen.add(value)
  const within = [...parents, value]
  const each = (key: string | number, inner: unknown) => {
    if (typeof inner === "object" && inner !== null) walk(search, inner, [...keys, key], within, among)
    if (typeof inner !== "string" || !isFile(inner) || (search.inside += inner.length) > mostInside) return
    const file = inside(inner)
    if (file !== undefined) walk(search, file, [...keys, key], within, among)
  }
  if (Array.isArray(value)) {
    value.forEach((item, i) => each(i, item))
    return
  }
  const names = Object.keys(value)
  const own = keys.at(-1)
  const isTelling = typeof own === "string" && isTold(search, own) || names.some((key) => isTold(search, key))
  const entries: Entries = { ...value }
  if (isTelling && readNode(search, { value: entries, keys, parents }, among, shape)) return
  // The schema of a policy looks like one.
  if ("properties" in value && "type" in value) return
  for (const key of names) each(key, entries[key])
}

interface Target {
  readonly value: unknown
  readonly keys: Keys
  readonly parents: ReadonlyArray<unknown>
}

const target = (root: unknown, pointer: string): Target | { readonly missing: string; readonly depth: number } => {
  let at: Target = { value: root, keys: [], parents: [] }
  for (const token of pointer.split("/").slice(1)) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~")
    const { keys, parents } = at
    const value = typeof at.value === "string" ? inside(at.value) ?? at.value : at.value
    const entries = entriesOf(value)
    const key = Array.isArray(value) && /^\d+$/.test(name) ? Number(name) : name
    const inner = Array.isArray(value)
      ? value[Number(name)]
      : entries && Object.hasOwn(entries, name)
      ? entries[name]
      : undefined
    if (inner === undefined) {
      const has = Array.isArray(value)
        ? `a list of ${value.length}`
        : entries === undefined
        ? Formatter.format(value).slice(0, 100)
        : `an object with ${inList(Object.keys(entries).slice(0, 20)) || "no keys"}`
      return { depth: keys.length, missing: `there is no ${pointer}: ${toPointer(keys) || "the document"} is ${has}` }
    }
    at = { value: inner, keys: [...keys, key], parents: [...parents, value] }
  }
  return typeof at.value === "string" && pointer !== "" ? { ...at, value: inside(at.value) ?? at.value } : at
}

// Entries of a document of ours belong together: where one is a policy, the others are not left out in silence.
const strangers = (search: Search, { keys, value }: Target): ReadonlyArray<Trouble> => {
  const isOwn = search.found.some(({ read, system }) =>
    system === "effect-wait" && read.keys.length === keys.length + 1
  )
  if (!isOwn) return []
  const isWithin = (key: string | number) => search.found.some(({ read }) => read.keys[keys.length] === key)
  const entries: ReadonlyArray<readonly [string | number, unknown]> = Array.isArray(value)
    ? value.map((item, i) => [i, item] as const)
    : Object.entries(entriesOf(value) ?? {})
  return entries.filter(([key, item]) => {
    const troubled = search.troubles.some((trouble) => trouble.keys[keys.length] === key)
    return !troubled && !isWithin(key) && (typeof item === "object" || Array.isArray(value))
  }).map(([key, item]) => ({
    keys: [...keys, key],
    reason: `is no policy: ${
      entriesOf(item) === undefined
        ? Formatter.format(item).slice(0, 100)
        : `its keys are ${inList(Object.keys(item ?? {})) || "none"}`
    }`
  }))
}

const readTree = (
  tree: Tree,
  { as, pointer = "" }: ReadOptions
): Search | { readonly missing: string; readonly depth: number } => {
  const search: Search = {
    found: [],
    troubles: [],
    nearest: undefined,
    seen: new Set(),
    again: 0,
    inside: 0,
    telling: new Map()
  }
  if (tree.jobs !== undefined) {
    const read = crontab(tree.jobs)
    if (as !== undefined && as !== "crontab") return search
    if (Result.isFailure(read)) search.troubles.push(...read.failure)
    else search.found.push(...read.success.map((read) => ({ system: "crontab" as const, read })))
    return search
  }
  const at = target(tree.value, pointer)
  if ("missing" in at) return at
  const among = as === undefined ? readers : readers.filter(({ system }) => system === as)
  const { keys, parents, value } = at
  const entries = entriesOf(value)
  const isWanted = pointer !== "" || as !== undefined
  if (!(isWanted && entries !== undefined && readNode(search, { value: entries, keys, parents }, among, 1))) {
    walk(search, value, keys, parents, among)
  }
  search.troubles.push(...strangers(search, at))
  return search
}

const toName = (keys: Keys): string =>
  keys.map((key) => typeof key === "number" ? `[${key}]` : `.${key}`).join("").replace(/^\./, "")

// Of the policies of one document with a name of its own, each has that name.
const nameOf = (tree: Tree, { keys, name }: Read, siblings: number): string => {
  if (name !== "") return name
  const metadata = entriesOf(entriesOf(tree.value)?.["metadata"])
  const own = typeof metadata?.["name"] === "string" ? metadata["name"] : ""
  return siblings === 1 && own !== "" ? own : [own, toName(keys)].filter((part) => part !== "").join(" ")
}

const describe = ({ line, path, reason }: Problem, isOneLine: boolean): string =>
  `${path === "" ? "this" : path} ${reason}${isOneLine ? "" : `, line ${line}`}`

const mostProblems = 12

const nothing = (
  search: Search,
  tree: Tree,
  as: System | undefined
): { readonly problems: ReadonlyArray<Problem>; readonly message: string } => {
  const { nearest } = search
  const none = as === undefined ? "there is no policy in it" : `nothing in it is read as ${systems[as]}`
  // Who names a system has read what there is.
  const list = as === undefined ? `. ${known}` : ""
  if (nearest === undefined) {
    const isObject = Array.isArray(tree.value) || entriesOf(tree.value) !== undefined
    const what = isObject ? "" : `, it is ${Formatter.format(tree.value).slice(0, 100)}`
    return { problems: [], message: `${none}${what}${list}` }
  }
  const { node: { keys }, reader } = nearest
  const read = reader.read(nearest.node)
  const choose = `has the keys of one: choose it with the pointer ${toPointer(keys)}`
  const troubles = Result.isFailure(read) ? read.failure : [{ keys, reason: choose }]
  const problems = problemsOf(tree, troubles)
  const { line, path } = placeOf(tree, keys)
  const where = path === "" ? "" : ` is ${path}, line ${line}`
  const why = problems.slice(0, mostProblems).map((problem) => describe(problem, true)).join("; ")
  return {
    problems,
    message: `${none}. Nearest to one${where}, as ${systems[reader.system]}: ${why}${list}`
  }
}

/**
 * Reads the policies of a text: YAML of one or several documents, JSON, Java's properties, or a crontab. A policy is found by its keys and
 * by what it stands in, anywhere in the text.
 */
export const read = (
  text: string,
  options: ReadOptions = {}
): Result.Result<ReadonlyArray<DocumentPolicy>, DocumentError> => {
  const fail = (message: string, problems: ReadonlyArray<Problem> = []) =>
    Result.fail(
      new DocumentError({ problems, message: options.name === undefined ? message : `${options.name}: ${message}` })
    )
  const trees = treesOf(text)
  if (Result.isFailure(trees)) {
    const { line, reason } = trees.failure
    return fail(line === undefined ? reason : `line ${line}: this is no YAML: ${reason}`)
  }
  const searches = trees.success.map((tree) => [tree, readTree(tree, options)] as const)
  const looked = searches.flatMap(([tree, search]) => "missing" in search ? [] : [[tree, search] as const])
  const problems = looked.flatMap(([tree, { troubles }]) => problemsOf(tree, troubles))
  if (problems.length > 0) {
    const isOneLine = text.trim().split("\n").length === 1
    const shown = problems.slice(0, mostProblems).map((problem) => describe(problem, isOneLine))
    const more = problems.length - shown.length
    return fail([...shown, ...more > 0 ? [`and ${more} more`] : []].join("; "), problems)
  }
  const policies = looked.flatMap(([tree, { found }]) =>
    found.map(({ read, system }): DocumentPolicy => {
      const { keys, kind, notes, parts, settings, timeouts } = read
      return {
        ...fromSettings(settings),
        system,
        name: nameOf(tree, read, found.length),
        place: placeOf(tree, keys),
        kind,
        settings,
        timeouts,
        notes,
        parts: parts.map(({ keys, shows }) => Object.assign(placeOf(tree, keys), { shows }))
      }
    })
  )
  if (policies.length > 0) return Result.succeed(policies)
  // Of several documents, the one that has most of the way.
  const [missing] = searches.flatMap(([, search]) => "missing" in search ? [search] : []).toSorted((one, other) =>
    other.depth - one.depth
  )
  const [best] = looked.toSorted(([, one], [, other]) => (other.nearest?.keys ?? 0) - (one.nearest?.keys ?? 0))
  if (best === undefined) return fail(missing?.missing ?? `there is no document in it. ${known}`)
  const [tree, search] = best
  const { message, problems: near } = nothing(search, tree, options.as)
  return fail(message, near)
}
