/**
 * Policies that were written down elsewhere: Kubernetes' `wait.Backoff`, gRPC's `retryPolicy` (gRFC A6), Temporal's
 * `RetryPolicy`, and our own options. Each is known by its keys.
 */
import * as Backoff from "effect-wait/Backoff"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Yaml from "effect/encoding/Yaml"
import * as FileSystem from "effect/FileSystem"
import * as Formatter from "effect/Formatter"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import { backoffs, jitters, misused, parseBackoff, parseCron, parseJitter, settingsOf, type Waits } from "./options.ts"
import * as Policy from "./Policy.ts"
import { durations, format, parse, toInput } from "./Time.ts"

/** What is wrong, and where: `methodConfig[0].retryPolicy.maxAttempts`; `""` is the document. */
export interface Problem {
  readonly path: string
  readonly value: unknown
  readonly reason: string
}

/** A file that has no policies, or wrong ones. */
export class DocumentError extends Data.TaggedError("DocumentError")<{
  readonly file: string
  readonly problems: ReadonlyArray<Problem>
  readonly message: string
}> {}

export interface Named {
  readonly name: string
  readonly policy: Policy.Policy
}

type Keys = ReadonlyArray<PropertyKey>

type Reading<A> = Effect.Effect<A, ReadonlyArray<Problem>>

type Entries = Readonly<Record<string, unknown>>

const toPath = (keys: Keys): string =>
  keys.map((key) =>
    typeof key === "number" ? `[${key}]` : /^[\w$-]+$/.test(String(key)) ? `.${String(key)}` : `["${String(key)}"]`
  ).join("").replace(/^\./, "")

const wrong = (keys: Keys, value: unknown, reason: string): Reading<never> =>
  Effect.fail([{ path: toPath(keys), value, reason }])

// What is written, and what is allowed instead.
const field = <A>(read: (value: unknown) => Option.Option<A>, expected: string) => {
  const wanted = Schema.declare((value: unknown): value is A => value !== undefined)
  return Schema.Unknown.pipe(Schema.decodeTo(wanted, {
    decode: SchemaGetter.transformEffect((value, options) =>
      Option.match(read(value), {
        onNone: () => Effect.fail(new SchemaIssue.InvalidValue({ expected }, value, options)),
        onSome: Effect.succeed
      })
    ),
    encode: SchemaGetter.passthroughSupertype()
  }))
}

const text = <A>(read: (text: string) => Option.Option<A>) => (value: unknown): Option.Option<A> =>
  Option.flatMap(Option.liftPredicate(value, Predicate.isString), read)

const number = (is: (n: number) => boolean) => (value: unknown): Option.Option<number> =>
  Option.filter(Option.liftPredicate(value, Predicate.isNumber), (n) => Number.isFinite(n) && is(n))

const strings = (value: unknown): Option.Option<ReadonlyArray<string>> =>
  Array.isArray(value) && value.every(Predicate.isString) ? Option.some(value) : Option.none()

const integer = (least: number) =>
  field(number((n) => Number.isSafeInteger(n) && n >= least), `an integer of ${least} or more`)

const atLeast = (least: number) => field(number((n) => n >= least), `a number of ${least} or more`)

const flag = field((value) => Option.liftPredicate(value, Predicate.isBoolean), "true or false")

// Go knows no days.
const goDuration = text((text) => text.includes("d") ? Option.none() : parse(text))

interface Format {
  readonly name: string
  /** The name of a key here. */
  readonly known: (key: string) => string
  /** What no other format has. */
  readonly own: ReadonlyArray<string>
  readonly read: (document: Entries, at: Keys) => Reading<Policy.Policy>
}

const problemsOf = (
  issue: SchemaIssue.Issue,
  { at, document, name, written }: {
    readonly name: string
    readonly document: Entries
    readonly at: Keys
    /** The keys as they were written, by their names here. */
    readonly written: ReadonlyMap<PropertyKey, string>
  }
): ReadonlyArray<Problem> =>
  SchemaIssue.makeFormatterStandardSchemaV1({
    leafHook: (issue) => {
      if (issue._tag === "MissingKey") return "is missing"
      if (issue._tag === "UnexpectedKey") return `is no key of ${name}`
      return issue._tag === "InvalidValue"
        ? `must be ${String(issue.annotations?.expected)}`
        : SchemaIssue.defaultLeafHook(issue)
    }
  })(issue).issues.map(({ message, path = [] }) => {
    const [found] = path.map((segment) => typeof segment === "object" ? segment.key : segment)
    const key = found === undefined ? "" : written.get(found) ?? String(found)
    const value = document[key]
    return {
      path: toPath([...at, key]),
      value,
      reason: message.startsWith("must") ? `${message}, got ${Formatter.format(value)}` : message
    }
  })

const formatOf = <S extends Schema.ConstraintDecoder<unknown>>({ known, name, own, policy, schema }: {
  readonly name: string
  readonly known: (key: string) => string
  readonly own: ReadonlyArray<string>
  readonly schema: S
  readonly policy: (settings: S["Type"], at: Keys) => Reading<Policy.Policy>
}): Format => ({
  name,
  known,
  own,
  read: Effect.fnUntraced(function*(document: Entries, at: Keys) {
    const keys = Object.keys(document)
    const twice = keys.find((key, i) => keys.findIndex((other) => known(other) === known(key)) < i)
    if (twice !== undefined) {
      return yield* wrong(
        [...at, twice],
        document[twice],
        `is given twice, the other time as ${keys.find((key) => known(key) === known(twice))}`
      )
    }
    const written = new Map<PropertyKey, string>(keys.map((key) => [known(key), key]))
    const settings = Schema.decodeUnknownResult(schema, { errors: "all", onExcessProperty: "error" })(
      Object.fromEntries(Object.entries(document).map(([key, value]) => [known(key), value]))
    )
    return yield* Result.isSuccess(settings)
      ? policy(settings.success, at)
      : Effect.fail(problemsOf(settings.failure.issue, { name, document, at, written }))
  })
})

interface GoBackoff {
  readonly duration: number
  readonly factor?: number
  readonly steps: number
  readonly cap?: number
}

const inNanos = (millis: number): number => Math.round(millis * 1e6)

// How often Go's ExponentialBackoff checks: it ends where the delay after the next one would pass the cap.
const goRuns = ({ cap = 0, duration, factor = 0, steps }: GoBackoff): number => {
  if (cap === 0 || factor === 0) return steps
  let delay = inNanos(duration)
  for (let runs = 1; runs < steps; runs++) {
    const grown = Math.trunc(delay * factor)
    if (grown > inNanos(cap)) return runs
    if (grown <= delay) return steps
    delay = grown
  }
  return steps
}

const nanoseconds = (value: unknown): Option.Option<number> =>
  Option.map(
    number((n) => Number.isSafeInteger(n) && n >= 0)(value),
    (nanos) => Number((nanos / 1e6).toPrecision(15))
  )

const goField = field(
  (value) => Option.orElse(goDuration(value), () => nanoseconds(value)),
  "a duration such as \"10ms\" or \"1m30s\", or an integer of nanoseconds"
)

const kubernetes = formatOf({
  name: "a Kubernetes Backoff",
  known: (key) => /^(Duration|Factor|Jitter|Steps|Cap)$/.test(key) ? key.toLowerCase() : key,
  own: ["duration", "steps", "cap"],
  schema: Schema.Struct({
    duration: goField,
    factor: Schema.optionalKey(atLeast(0)),
    jitter: Schema.optionalKey(field(number(() => true), "a finite number")),
    steps: integer(1),
    cap: Schema.optionalKey(goField)
  }),
  policy: (settings) => {
    const { cap = 0, duration, factor = 0, jitter = 0, steps } = settings
    const backoff = { duration: toInput(duration), factor, jitter, steps }
    const runs = goRuns(settings)
    return Effect.succeed(Policy.make(
      Policy.call(
        "Backoff.toSchedule",
        Backoff.toSchedule,
        cap === 0 ? backoff : { ...backoff, cap: toInput(cap) }
      ),
      [Policy.attempts(runs)],
      runs < steps
        ? [`Go gives up once the cap is passed: ${counted(runs)}, not ${steps}, and a last wait that no run follows`]
        : []
    ))
  }
})

const counted = (n: number): string => `${n} ${n === 1 ? "run" : "runs"}`

// The JSON form of a protobuf Duration.
const protoDuration = field(
  text((text) => Option.filter(/^\d+(\.\d{1,9})?s$/.test(text) ? parse(text) : Option.none(), (millis) => millis > 0)),
  "a duration in seconds such as \"0.1s\", longer than 0"
)

const isStatus = (value: unknown) => Predicate.isString(value) || Number.isInteger(value)

const grpc = formatOf({
  name: "a gRPC retryPolicy",
  known: (key) => key,
  own: ["maxAttempts", "initialBackoff", "maxBackoff", "backoffMultiplier", "retryableStatusCodes"],
  schema: Schema.Struct({
    maxAttempts: field(number((n) => Number.isSafeInteger(n) && n > 1), "an integer greater than 1"),
    initialBackoff: protoDuration,
    maxBackoff: protoDuration,
    backoffMultiplier: field(number((n) => n > 0), "a number greater than 0"),
    retryableStatusCodes: Schema.optionalKey(
      field(
        (value) =>
          Option.map(
            Option.filter(Option.liftPredicate(value, Array.isArray), (codes) => codes.every(isStatus)),
            (codes) => codes.map(String)
          ),
        "a list of status codes such as [\"UNAVAILABLE\"]"
      )
    )
  }),
  policy: (
    { backoffMultiplier: factor, initialBackoff: base, maxAttempts, maxBackoff: cap, retryableStatusCodes = [] }
  ) =>
    Effect.succeed(Policy.make(
      Policy.exponential({ base, factor, cap }),
      [Policy.jitter({ kind: "between", min: 0.8, max: 1.2 }), Policy.attempts(Math.min(maxAttempts, 5))],
      [
        ...maxAttempts > 5 ? [`gRPC's clients make at most 5 attempts, not ${maxAttempts}`] : [],
        retryableStatusCodes.length === 0
          ? "gRPC takes no retryPolicy without retryableStatusCodes"
          : `gRPC retries ${retryableStatusCodes.join(", ")} only: that is up to the program, not to its schedule`
      ]
    ))
})

const temporalDuration = field(
  (value) => Option.filter(Option.orElse(goDuration(value), () => number(() => true)(value)), (millis) => millis > 0),
  "a duration such as \"1s\", or a number of milliseconds, longer than 0"
)

const temporal = formatOf({
  name: "a Temporal RetryPolicy",
  known: (key) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  own: ["initialInterval", "backoffCoefficient", "maximumInterval", "maximumAttempts", "nonRetryableErrorTypes"],
  schema: Schema.Struct({
    initialInterval: Schema.optionalKey(temporalDuration),
    backoffCoefficient: Schema.optionalKey(atLeast(1)),
    maximumInterval: Schema.optionalKey(temporalDuration),
    maximumAttempts: Schema.optionalKey(integer(0)),
    nonRetryableErrorTypes: Schema.optionalKey(field(strings, "a list of names"))
  }),
  policy: (settings, at) => {
    const { backoffCoefficient: factor = 2, initialInterval: base = 1000, maximumAttempts = 0 } = settings
    const { maximumInterval: cap = 100 * base, nonRetryableErrorTypes: errors = [] } = settings
    if (cap < base) {
      return wrong(at, settings, `has a maximumInterval, ${format(cap)}, below its initialInterval, ${format(base)}`)
    }
    return Effect.succeed(Policy.make(
      Policy.exponential({ base, factor, cap }),
      maximumAttempts === 0 ? [] : [Policy.attempts(maximumAttempts)],
      errors.length === 0
        ? []
        : [`Temporal does not retry ${errors.join(", ")}: that is up to the program, not to its schedule`]
    ))
  }
})

const optional = {
  duration: Schema.optionalKey(field(
    (value) => value === 0 ? Option.some(0) : text(parse)(value),
    durations
  )),
  flag: Schema.optionalKey(flag)
}

const aliases: Readonly<Record<string, string>> = { times: "attempts" }

const ours = formatOf({
  name: "a policy of effect-wait",
  known: (key) => aliases[key] ?? key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  own: ["interval", "period", "nonSliding", "ticker", "cron", "backoff", "fullJitter", "attempts", "within"],
  schema: Schema.Struct({
    interval: optional.duration,
    period: optional.duration,
    nonSliding: optional.flag,
    ticker: optional.flag,
    cron: Schema.optionalKey(
      field(text(parseCron), "a cron expression such as \"*/5 * * * *\"")
    ),
    backoff: Schema.optionalKey(field(text(parseBackoff), backoffs)),
    factor: Schema.optionalKey(atLeast(0)),
    jitter: Schema.optionalKey(field(
      (value) =>
        Option.orElse(
          text(parseJitter)(value),
          () => Option.map(number((n) => n >= 0)(value), (factor): Policy.Jitters => ({ kind: "additive", factor }))
        ),
      jitters
    )),
    fullJitter: optional.flag,
    attempts: Schema.optionalKey(integer(1)),
    within: optional.duration
  }),
  policy: (waits: Waits, at) =>
    settingsOf(waits).pipe(
      // The words of the command line, but for their dashes.
      Effect.mapError(({ message }) => [{
        path: toPath(at),
        value: waits,
        reason: `is not possible: ${message.replaceAll(/Invalid value for flag |--/g, "")}`
      }]),
      Effect.flatMap((settings) =>
        settings === undefined
          ? wrong(at, waits, "does not say how it is waited: interval, period, cron or backoff is missing")
          : Effect.succeed(Policy.fromSettings(settings))
      )
    )
})

const formats = [kubernetes, grpc, temporal, ours]

interface Place {
  readonly keys: Keys
  readonly name: string
}

const below = ({ keys, name }: Place, key: string | number): Place => ({
  keys: [...keys, key],
  name: typeof key === "number" ? `${name}[${key}]` : name === "" ? key : `${name}.${key}`
})

const each = <A>(
  items: Iterable<A>,
  read: (item: A) => Reading<ReadonlyArray<Named>>
): Reading<ReadonlyArray<Named>> => Effect.map(Effect.forEach(items, read), (found) => found.flat())

// What gRPC allows around a retryPolicy.
const methodKeys = [
  "name",
  "waitForReady",
  "timeout",
  "maxRequestMessageBytes",
  "maxResponseMessageBytes",
  "retryPolicy",
  "hedgingPolicy"
]

const serviceKeys = [
  "methodConfig",
  "loadBalancingPolicy",
  "loadBalancingConfig",
  "retryThrottling",
  "healthCheckConfig"
]

const only = (document: Entries, keys: ReadonlyArray<string>, { keys: at }: Place, name: string): Reading<void> => {
  const unknown = Object.keys(document).filter((key) => !keys.includes(key))
  return unknown.length === 0 ? Effect.void : Effect.fail(unknown.map((key) => ({
    path: toPath([...at, key]),
    value: document[key],
    reason: `is no key of ${name}`
  })))
}

const noted = (policies: ReadonlyArray<Named>, notes: ReadonlyArray<string>): ReadonlyArray<Named> =>
  policies.map(({ name, policy }) => ({ name, policy: { ...policy, notes: [...policy.notes, ...notes] } }))

const fromMethod = Effect.fnUntraced(function*(document: Entries, place: Place) {
  yield* only(document, methodKeys, place, "a gRPC methodConfig")
  const policies = yield* read(document.retryPolicy, { ...place, keys: [...place.keys, "retryPolicy"] })
  return noted(policies, document.timeout === undefined ? [] : ["The timeout beside the retryPolicy is not shown"])
})

// `[{ service, method }]`: a method, all of a service, or all there are.
const methodNames = (names: unknown): Option.Option<string> =>
  Option.map(
    Option.filter(Option.liftPredicate(names, Array.isArray), (names) =>
      names.length > 0 && names.every(Predicate.isObject)),
    (names) =>
      names.map(({ method, service = "every service" }) =>
        method === undefined ? service : `${service}/${method}`
      )
        .join(", ")
  )

const fromService = Effect.fnUntraced(function*(document: Entries, place: Place) {
  yield* only(document, serviceKeys, place, "a gRPC service config")
  const { methodConfig: methods } = document
  const inside = below(place, "methodConfig")
  const policies = yield* each(Array.isArray(methods) ? methods.entries() : [], ([i, method]) => {
    const { keys, name } = below(inside, i)
    return Predicate.isObject(method) && "retryPolicy" in method
      ? fromMethod({ ...method }, {
        keys,
        name: Option.getOrElse(methodNames("name" in method ? method.name : undefined), () => name)
      })
      : Effect.succeed([])
  })
  if (policies.length === 0) return yield* wrong(inside.keys, methods, "has no retryPolicy")
  return noted(policies, document.retryThrottling === undefined ? [] : ["retryThrottling is not shown"])
})

const read = (document: unknown, place: Place): Reading<ReadonlyArray<Named>> => {
  if (Array.isArray(document) && document.length > 0) {
    return each(document.entries(), ([i, item]) => read(item, below(place, i)))
  }
  if (!Predicate.isObject(document)) {
    return wrong(place.keys, document, `is no policy: ${Formatter.format(document)}`)
  }
  const entries: Entries = { ...document }
  if ("methodConfig" in entries) return fromService(entries, place)
  if ("retryPolicy" in entries) return fromMethod(entries, place)
  const keys = Object.keys(entries)
  if (keys.length > 0 && Object.values(entries).every(Predicate.isObjectOrArray)) {
    return each(keys, (key) => read(entries[key], below(place, key)))
  }
  const candidates = formats.filter(({ known, own }) => keys.some((key) => own.includes(known(key))))
  const [candidate, another] = candidates
  if (candidate === undefined) {
    return wrong(place.keys, document, `is no policy: its keys are ${keys.length === 0 ? "none" : keys.join(", ")}`)
  }
  if (another !== undefined) {
    return wrong(place.keys, document, `is a mixture: it has keys of ${candidate.name} and of ${another.name}`)
  }
  return Effect.map(candidate.read(entries, place.keys), (policy) => [{ name: place.name, policy }])
}

const parseText = (file: string, content: string): Result.Result<unknown, string> => {
  const [language, parse] = file.endsWith(".json")
    ? ["JSON", (): unknown => JSON.parse(content)] as const
    : ["YAML", () => Yaml.parse(content)] as const
  return Result.try({
    try: parse,
    catch: (error) => `this is no ${language}: ${error instanceof Error ? error.message : String(error)}`
  })
}

const fail = (file: string, message: string, problems: ReadonlyArray<Problem> = []) =>
  Effect.fail(new DocumentError({ file, problems, message: `${file}: ${message}` }))

const describe = (problems: ReadonlyArray<Problem>): string =>
  problems.map(({ path, reason }) => `${path === "" ? "this" : path} ${reason}`).join("; ")

/** The policies of a text; the name of its file tells JSON from YAML, and is the name of a single policy. */
export const fromText = Effect.fnUntraced(function*(file: string, content: string) {
  const document = parseText(file, content)
  if (Result.isFailure(document)) return yield* fail(file, document.failure)
  return yield* read(document.success, { keys: [], name: "" }).pipe(
    Effect.catch((problems) => fail(file, describe(problems), problems))
  )
})

const fromFile = Effect.fnUntraced(function*(absolute: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.relative(".", absolute)
  const content = yield* fs.readFileString(absolute).pipe(
    Effect.catch(({ reason }) =>
      fail(file, reason._tag === "NotFound" ? "there is no such file" : `it cannot be read: ${reason.message}`)
    )
  )
  const base = path.basename(absolute)
  const policies = yield* fromText(file, content)
  return policies.map(({ name, policy }) => ({ file, name: /^(\[|$)/.test(name) ? base + name : name, policy }))
})

const unlike = (name: string, names: ReadonlySet<string>, n = 2): string =>
  names.has(`${name} (${n})`) ? unlike(name, names, n + 1) : `${name} (${n})`

// Names tell policies apart: by their files, or by a number.
const apart = (policies: ReadonlyArray<Named & { readonly file: string }>): ReadonlyArray<Named> => {
  const names = new Set<string>()
  return policies.map(({ file, name, policy }) => {
    const longer = file.endsWith(name) ? file : `${file} ${name}`
    const free = [name, longer].find((name) => !names.has(name)) ?? unlike(longer, names)
    names.add(free)
    return { name: free, policy }
  })
}

/** What the options ask for: the policy that they are, and those of files. */
export const asked = Effect.fnUntraced(function*(options: Waits & { readonly policy: ReadonlyArray<string> }) {
  const { policy: files, ...waits } = options
  const settings = yield* settingsOf(waits)
  const given = [
    ["--jitter", waits.jitter],
    ["--attempts", waits.attempts],
    ["--within", waits.within],
    ["--full-jitter", waits.fullJitter === true ? true : undefined]
  ].filter(([, value]) => value !== undefined).map(([name]) => name)
  if (settings === undefined && given.length > 0) {
    return yield* misused(
      `${given.join(" and ")} ${
        given.length === 1 ? "is" : "are"
      } allowed with --backoff, --interval, --period or --cron only`
    )
  }
  const found = yield* Effect.forEach(files, fromFile).pipe(
    Effect.catchTag("DocumentError", ({ message }) => misused(message))
  )
  return apart([
    ...settings === undefined
      ? []
      : [{ file: "", name: Policy.toOptions(settings), policy: Policy.fromSettings(settings) }],
    ...found.flat()
  ])
})
