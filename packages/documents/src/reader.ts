/** A reader of the policies of one system. */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Entries } from "./fields.ts"
import type { Keys, Read, Reading, System } from "./model.ts"

/** An object of a document, and what it stands in: the document first. */
export interface Node {
  readonly value: Entries
  readonly keys: Keys
  readonly parents: ReadonlyArray<unknown>
}

/**
 * How surely an object is a policy of a system.
 *
 * - `"certain"`: its name or what it stands in says so
 * - `"shape"`: its keys do
 * - a number: so many of its keys do
 */
export type Match = "certain" | "shape" | number

/**
 * - `tells`: matches a key of each object that is one of its policies, or the key that the object has
 */
export interface Reader {
  readonly system: System
  readonly tells: RegExp
  readonly match: (node: Node) => Match
  /** All policies of an object that matches. */
  readonly read: (node: Node) => Reading<ReadonlyArray<Read>>
}

export const entriesOf = (value: unknown): Entries | undefined =>
  Predicate.isObject(value) && !Array.isArray(value) ? { ...value } : undefined

/** The key of an object in its parent. */
export const keyOf = ({ keys }: Node): string => String(keys.at(-1) ?? "")

/** The object that an object stands in; lists between them do not count. */
export const parentOf = ({ parents }: Node): Entries | undefined =>
  entriesOf(parents.findLast((parent) => !Array.isArray(parent)))

/** All objects that an object stands in, the nearest first. */
export const ancestorsOf = ({ parents }: Node): ReadonlyArray<Entries> =>
  parents.toReversed().map(entriesOf).filter(Predicate.isNotUndefined)

/** The Kubernetes manifest that an object stands in: the nearest one. */
export const manifestOf = (node: Node): { readonly apiVersion: string; readonly kind: unknown } | undefined => {
  for (const { apiVersion, kind } of ancestorsOf(node)) {
    if (Predicate.isString(apiVersion)) return { apiVersion, kind }
  }
  return undefined
}

export const childOf = (node: Node, key: string | number, value: Entries): Node => ({
  value,
  keys: [...node.keys, key],
  parents: [...node.parents, node.value]
})

/** All that was read, or all that was wrong. */
export const collect = (readings: ReadonlyArray<Reading<ReadonlyArray<Read>>>): Reading<ReadonlyArray<Read>> => {
  const troubles = readings.flatMap((reading) => Result.isFailure(reading) ? reading.failure : [])
  return troubles.length > 0
    ? Result.fail(troubles)
    : Result.succeed(readings.flatMap((reading) => Result.isSuccess(reading) ? reading.success : []))
}

/** One policy as several. */
export const alone = (reading: Reading<Read>): Reading<ReadonlyArray<Read>> => Result.map(reading, (read) => [read])

/** Certain by what it stands in, unless it is the schema of such an object. */
export const named = (entries: Entries): Match =>
  "$ref" in entries || "properties" in entries || "description" in entries ? 0 : "certain"

/** By the keys alone. Enough of `signs` make it a policy, if all of its keys are `known`. */
export const byKeys = (
  entries: Entries,
  { enough = 1, fold = (key) => key, known: names, signs }: {
    readonly known: ReadonlyArray<string>
    readonly signs: ReadonlyArray<string>
    readonly enough?: number
    readonly fold?: (key: string) => string
  }
): Match => {
  const keys = Object.keys(entries).map(fold)
  const all = new Set(names.map(fold))
  const some = new Set(signs.map(fold))
  const seen = keys.filter((key) => some.has(key)).length
  if (seen === 0) return 0
  const known = keys.filter((key) => all.has(key)).length
  return seen >= enough && known === keys.length ? "shape" : known
}
