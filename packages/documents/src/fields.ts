/** The keys of a policy, read one by one: what is wrong with any of them is told at once for all. */
import * as Formatter from "effect/Formatter"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Keys, Part, Read, Reading, Timeouts, Trouble } from "./model.ts"
import type { Settings } from "./Policy.ts"
import { parse } from "./Time.ts"

export type Entries = Readonly<Record<string, unknown>>

/** Values of one kind, and what is allowed. */
export interface Kind<out A> {
  readonly read: (value: unknown) => Option.Option<A>
  readonly allowed: string | ((value: unknown) => string)
}

const digits = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

// Templates and ConfigMaps have numbers as strings.
const numberOf = (value: unknown): Option.Option<number> => {
  if (Predicate.isNumber(value)) return Option.liftPredicate(value, Number.isFinite)
  return Predicate.isString(value) && digits.test(value.trim()) ? Option.some(Number(value)) : Option.none()
}

const textOf = (value: unknown): Option.Option<string> =>
  Option.filter(Option.liftPredicate(value, Predicate.isString), (text) => text !== "")

export const kind = <A>(read: (value: unknown) => Option.Option<A>, allowed: Kind<A>["allowed"]): Kind<A> => ({
  read,
  allowed
})

export const number = (is: (n: number) => boolean, allowed: string): Kind<number> =>
  kind((value) => Option.filter(numberOf(value), is), allowed)

export const integer = (least: number): Kind<number> =>
  number((n) => Number.isSafeInteger(n) && n >= least, `an integer of ${least} or more`)

export const anyInteger: Kind<number> = number(Number.isSafeInteger, "an integer")

export const atLeast = (least: number): Kind<number> => number((n) => n >= least, `a number of ${least} or more`)

export const finite: Kind<number> = number(() => true, "a finite number")

export const positive: Kind<number> = number((n) => n > 0, "a number greater than 0")

export const fraction: Kind<number> = number((n) => n >= 0 && n <= 1, "a number of 0 to 1")

export const flag: Kind<boolean> = kind(
  (value) =>
    value === true || value === "true" ? Option.some(true) : value === false || value === "false"
      ? Option.some(false)
      : Option.none(),
  "true or false"
)

export const text: Kind<string> = kind(
  (value) => Option.orElse(textOf(value), () => Option.map(numberOf(value), String)),
  "a text"
)

export const anything: Kind<unknown> = kind(Option.some, "")

export const list = <A>(item: Kind<A>, allowed: string): Kind<ReadonlyArray<A>> =>
  kind(
    (value) => Array.isArray(value) ? Option.all(value.map(item.read)) : Option.none(),
    allowed
  )

/** A list of names, or names in one text with commas in between. */
export const names: Kind<ReadonlyArray<string>> = kind(
  (value) =>
    Option.orElse(
      list(text, "").read(value),
      () => Option.map(textOf(value), (text) => text.split(",").map((name) => name.trim()))
    ),
  "a list of names"
)

const units = { ns: 1e-6, ms: 1, s: 1000 } as const

// Go knows no days.
const goText = (value: unknown): Option.Option<number> =>
  Option.flatMap(textOf(value), (text) => text.includes("d") ? Option.none() : parse(text.trim()))

const plain = (unit: keyof typeof units) => (value: unknown): Option.Option<number> =>
  Option.map(
    Option.filter(numberOf(value), (n) => n >= 0),
    (n) => Number((n * units[unit]).toPrecision(15))
  )

const inWords = { ns: "a number of nanoseconds", ms: "a number of milliseconds", s: "a number of seconds" } as const

/** A duration as Go writes it, or a number of `unit`. In milliseconds. */
export const goDuration = (unit?: keyof typeof units): Kind<number> =>
  unit === undefined
    ? kind(goText, "a duration such as \"10ms\" or \"1m30s\"")
    : kind(
      (value) => Option.orElse(goText(value), () => plain(unit)(value)),
      `a duration such as "10ms" or "1m30s", or ${inWords[unit]}`
    )

export const numberIn = (unit: keyof typeof units): Kind<number> => kind(plain(unit), inWords[unit])

/** The JSON form of a protobuf Duration, as text or as its fields. */
export const protoDuration: Kind<number> = kind(
  (value) =>
    Predicate.isObject(value)
      ? protoFields(value)
      : Option.flatMap(textOf(value), (text) => /^\d+(\.\d{1,9})?s$/.test(text) ? parse(text) : Option.none()),
  "a duration in seconds such as \"0.1s\""
)

const protoFields = (value: object): Option.Option<number> => {
  const { nanos = 0, seconds = 0, ...others } = { ...value } as Entries
  if (Object.keys(others).length > 0) return Option.none()
  return Option.map(
    Option.all([numberOf(seconds), numberOf(nanos)]),
    ([seconds, nanos]) => Number((seconds * 1000 + nanos / 1e6).toPrecision(15))
  )
}

const iso = /^PT(?=\d)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?$/i

/** ISO 8601 as Java writes it: `PT1M30S`. */
const isoText = (value: unknown): Option.Option<number> =>
  Option.flatMap(
    textOf(value),
    (text) =>
      Option.map(Option.fromNullishOr(iso.exec(text)), ([, hours = 0, minutes = 0, seconds = 0]) =>
        Number((Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1000).toPrecision(15)))
  )

/** A duration of Spring Boot: `500ms`, `2s`, `PT2S`, or a number of milliseconds. */
export const javaDuration: Kind<number> = kind(
  (value) =>
    Option.orElse(
      Option.orElse(isoText(value), () => plain("ms")(value)),
      () => Option.flatMap(textOf(value), (text) => parse(text.trim()))
    ),
  "a duration such as \"500ms\", \"2s\" or \"PT2S\", or a number of milliseconds"
)

const longUnits = {
  second: "s",
  sec: "s",
  minute: "m",
  min: "m",
  hour: "h",
  hr: "h",
  day: "d",
  millisecond: "ms"
} as const

// `1 minute`, as the package ms writes it.
const wordsText = (value: unknown): Option.Option<number> =>
  Option.flatMap(textOf(value), (text) => {
    const [, count, word = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]+?)s?$/i.exec(text.trim()) ?? []
    const unit = Object.entries(longUnits).find(([long]) => long === word.toLowerCase())?.[1]
    return count === undefined || unit === undefined ? Option.none() : parse(`${count}${unit}`)
  })

/** Any spelling: Go's, Java's, protobuf's, words, or a number of milliseconds. */
export const anyDuration: Kind<number> = kind(
  (value) =>
    Option.firstSomeOf([
      javaDuration.read(value),
      wordsText(value),
      Predicate.isObject(value) ? protoDuration.read(value) : Option.none()
    ]),
  "a duration such as \"1s\" or \"1 minute\", or a number of milliseconds"
)

const object: Kind<Entries> = kind(
  (value) => Predicate.isObject(value) && !Array.isArray(value) ? Option.some({ ...value }) : Option.none(),
  "an object"
)

export const positiveOf = (inner: Kind<number>): Kind<number> =>
  kind((value) => Option.filter(inner.read(value), (millis) => millis > 0), `${inner.allowed}, longer than 0`)

/** One spelling of a key: `max-attempts`, `max_attempts` and `MaxAttempts` are the same. */
export const folded = (key: string): string => key.replace(/[-_]/g, "").toLowerCase()

const wrong = (kind: Kind<unknown>, value: unknown): string => {
  const [template] = Predicate.isString(value) ? /\$?\{\{.*?\}\}|\$\{.*?\}|\{%.*?%\}/.exec(value) ?? [] : []
  if (template !== undefined) return `is a template, ${template}: fill it in`
  const allowed = typeof kind.allowed === "string" ? kind.allowed : kind.allowed(value)
  const shown = Formatter.format(value)
  return `must be ${allowed}, got ${shown.length > 100 ? `${shown.slice(0, 100)}…` : shown}`
}

/** A policy, but for what its fields know. */
export type Drawn = Pick<Read, "kind" | "settings" | "notes"> & Partial<Pick<Read, "name" | "timeouts">>

/** The keys of an object, as they are read. */
export interface Fields {
  /** A key that the schedule has in it. */
  readonly schedule: <A>(key: string, kind: Kind<A>) => A | undefined
  readonly timeout: (key: string, kind: Kind<number>) => number | undefined
  /** A key that no schedule can say. */
  readonly note: <A>(key: string, kind: Kind<A>) => A | undefined
  /** The keys of the object that a key has, where it has one. What is wrong in it is wrong here. */
  readonly inside: (key: string) => Fields | undefined
  readonly has: (key: string) => boolean
  readonly missing: (key: string, reason?: string) => void
  readonly wrong: (reason: string, key?: string) => void
  /** The keys that nobody reads belong to something else. */
  readonly leave: () => void
  /** The policy, unless something was wrong. A key that nobody has read is. */
  readonly done: (policy: () => Drawn) => Reading<Read>
}

interface Options {
  readonly title: string
  /** Makes keys of different spellings equal. */
  readonly fold?: ((key: string) => string) | undefined
}

/** Reads the keys of an object. */
export const fieldsOf = (entries: Entries, keys: Keys, options: Options): Fields =>
  fieldsWith(entries, keys, options, [], [], [])

const fieldsWith = (
  entries: Entries,
  keys: Keys,
  { fold = (key) => key, title }: Options,
  troubles: Array<Trouble>,
  parts: Array<Read["parts"][number]>,
  unknown: Array<() => ReadonlyArray<Trouble>>
): Fields => {
  const written = new Map<string, string>()
  for (const key of Object.keys(entries)) {
    const other = written.get(fold(key))
    if (other === undefined) written.set(fold(key), key)
    else troubles.push({ keys: [...keys, key], reason: `is given twice, the other time as ${other}` })
  }
  const unread = new Set(written.keys())
  const take = <A>(key: string, kind: Kind<A>, shows: Part["shows"]): A | undefined => {
    const name = written.get(fold(key))
    unread.delete(fold(key))
    const value = name === undefined ? undefined : entries[name]
    if (name === undefined || value === undefined || value === null) return undefined
    parts.push({ keys: [...keys, name], shows })
    return Option.getOrElse(kind.read(value), () => {
      troubles.push({ keys: [...keys, name], reason: wrong(kind, value) })
      return undefined
    })
  }
  const here = (key: string): Keys => [...keys, written.get(fold(key)) ?? key]
  unknown.push(() => [...unread].map((key) => ({ keys: here(key), reason: `is no key of ${title}` })))
  return {
    schedule: (key, kind) => take(key, kind, "schedule"),
    timeout: (key, kind) => take(key, kind, "timeout"),
    note: (key, kind) => take(key, kind, "note"),
    inside(key) {
      const inner = take(key, object, "schedule")
      return inner && fieldsWith(inner, here(key), { title: `${title}'s ${key}`, fold }, troubles, parts, unknown)
    },
    has: (key) => written.has(fold(key)),
    missing(key, reason = "is missing") {
      if (!written.has(fold(key))) troubles.push({ keys: here(key), reason })
    },
    wrong(reason, key) {
      troubles.push({ keys: key === undefined ? keys : here(key), reason })
    },
    leave: () => unread.clear(),
    done(policy) {
      const all = [...unknown.flatMap((more) => more()), ...troubles]
      return all.length > 0 ? Result.fail(all) : Result.succeed({ name: "", timeouts: {}, ...policy(), keys, parts })
    }
  }
}

export const retry = (
  settings: Settings,
  notes: ReadonlyArray<string> = [],
  timeouts: Timeouts = {}
): {
  readonly kind: "retry"
  readonly settings: Settings
  readonly notes: ReadonlyArray<string>
  readonly timeouts: Timeouts
} => ({
  kind: "retry",
  settings,
  notes,
  timeouts
})
