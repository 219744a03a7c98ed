/**
 * Policies that were written down elsewhere: Kubernetes' `wait.Backoff`, gRPC's `retryPolicy` (gRFC A6), Temporal's
 * `RetryPolicy`, and our own options. Each is known by its keys.
 */
import * as Backoff from "effect-wait/Backoff"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Yaml from "effect/encoding/Yaml"
import * as Equal from "effect/Equal"
import * as FileSystem from "effect/FileSystem"
import * as Formatter from "effect/Formatter"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import {
  backoffs,
  crons,
  jitters,
  misused,
  parseBackoff,
  parseCron,
  parseJitter,
  settingsOf,
  type Waits
} from "./options.ts"
import * as Policy from "./Policy.ts"
import { durations, format, parse, toInput } from "./Time.ts"

/** What is wrong, and where: `methodConfig[0].retryPolicy.maxAttempts`; `""` is the document. */
export interface Problem {
  readonly path: string
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

type Keys = ReadonlyArray<string | number>

type Reading<A> = Effect.Effect<A, ReadonlyArray<Problem>>

type Entries = Readonly<Record<string, unknown>>

const toPath = (keys: Keys): string =>
  keys.map((key) => typeof key === "number" ? `[${key}]` : /^[\w$-]+$/.test(key) ? `.${key}` : `["${key}"]`)
    .join("").replace(/^\./, "")

const wrong = (keys: Keys, reason: string): Reading<never> => Effect.fail([{ path: toPath(keys), reason }])

// What is written, and what is allowed instead.
const field = <A>(read: (value: unknown) => Option.Option<A>, expected: string | ((value: unknown) => string)) => {
  const wanted = Schema.declare((value: unknown): value is A => value !== undefined)
  return Schema.Unknown.pipe(Schema.decodeTo(wanted, {
    decode: SchemaGetter.transformEffect((value, options) =>
      Effect.mapError(Effect.fromOption(read(value)), () => {
        const allowed = typeof expected === "string" ? expected : expected(value)
        const message = `must be ${allowed}, got ${Formatter.format(value)}`
        return new SchemaIssue.InvalidValue({ message }, value, options)
      })
    ),
    encode: SchemaGetter.passthroughSupertype()
  }))
}

const text = <A>(read: (text: string) => Option.Option<A>) => (value: unknown): Option.Option<A> =>
  Option.flatMap(Option.liftPredicate(value, Predicate.isString), read)

const number = (is: (n: number) => boolean = () => true) => (value: unknown): Option.Option<number> =>
  Option.filter(Option.liftPredicate(value, Predicate.isNumber), (n) => Number.isFinite(n) && is(n))

const list = <A>(is: Predicate.Refinement<unknown, A>, expected: string) =>
  field((value) => Array.isArray(value) && value.every(is) ? Option.some(value) : Option.none(), expected)

const integer = (least: number) =>
  field(number((n) => Number.isSafeInteger(n) && n >= least), `an integer of ${least} or more`)

const atLeast = (least: number) => field(number((n) => n >= least), `a number of ${least} or more`)

const flag = field((value) => Option.liftPredicate(value, Predicate.isBoolean), "true or false")

// Go knows no days.
const goDuration = text((text) => text.includes("d") ? Option.none() : parse(text))

interface Format {
  readonly name: string
  readonly has: (key: string) => boolean
  readonly read: (document: Entries, at: Keys) => Reading<Policy.Policy>
}

const formatOf = <S extends Schema.ConstraintDecoder<unknown> & { readonly fields: object }>(
  { known = (key) => key, name, policy, schema }: {
    readonly name: string
    /** The name of a key in the schema. */
    readonly known?: (key: string) => string
    readonly schema: S
    readonly policy: (settings: S["Type"], at: Keys) => Reading<Policy.Policy>
  }
): Format => ({
  name,
  has: (key) => Object.hasOwn(schema.fields, known(key)),
  read: Effect.fnUntraced(function*(document: Entries, at: Keys) {
    const written = new Map<string, string>()
    for (const key of Object.keys(document)) {
      const other = written.get(known(key))
      if (other !== undefined) return yield* wrong([...at, key], `is given twice, the other time as ${other}`)
      written.set(known(key), key)
    }
    const settings = Schema.decodeUnknownResult(schema, { errors: "all", onExcessProperty: "error" })(
      Object.fromEntries(Object.entries(document).map(([key, value]) => [known(key), value]))
    )
    if (Result.isSuccess(settings)) return yield* policy(settings.success, at)
    const { issues } = SchemaIssue.makeFormatterStandardSchemaV1({
      leafHook: (issue) =>
        issue._tag === "MissingKey"
          ? "is missing"
          : issue._tag === "UnexpectedKey"
          ? `is no key of ${name}`
          : SchemaIssue.defaultLeafHook(issue)
    })(settings.failure.issue)
    return yield* Effect.fail(issues.map(({ message: reason, path = [] }) => {
      const keys = path.map((segment) => String(typeof segment === "object" ? segment.key : segment))
      return { path: toPath([...at, ...keys.map((key) => written.get(key) ?? key)]), reason }
    }))
  })
})

// How often Go's ExponentialBackoff checks. A cap that is passed ends it before its steps.
const goRuns = (policy: Backoff.Policy): number => {
  if (policy.cap === undefined) return policy.steps
  let runs = 0
  let left = policy
  while (left.steps > 0) {
    runs++
    const [delay, next] = Backoff.step(left, 0)
    // A delay that has stopped growing never passes the cap.
    if (Equal.equals(delay, next.duration)) return runs + next.steps
    left = next
  }
  return runs
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
  schema: Schema.Struct({
    duration: goField,
    factor: Schema.optionalKey(atLeast(0)),
    jitter: Schema.optionalKey(field(number(), "a finite number")),
    steps: integer(1),
    cap: Schema.optionalKey(goField)
  }),
  policy: (settings) => {
    const { cap = 0, duration, factor = 0, jitter = 0, steps } = settings
    const uncapped = { duration: toInput(duration), factor, jitter, steps }
    const backoff = cap === 0 ? uncapped : { ...uncapped, cap: toInput(cap) }
    const runs = goRuns(backoff)
    return Effect.succeed(Policy.make(
      Policy.call("Backoff.toSchedule", Backoff.toSchedule, backoff),
      [Policy.attempts(runs)],
      runs < steps
        ? [`Go gives up once the cap is passed: after ${runs} of ${steps} runs, and a last wait that no run follows`]
        : []
    ))
  }
})

// The JSON form of a protobuf Duration.
const protoDuration = field(
  text((text) => Option.filter(/^\d+(\.\d{1,9})?s$/.test(text) ? parse(text) : Option.none(), (millis) => millis > 0)),
  "a duration in seconds such as \"0.1s\", longer than 0"
)

const isStatus = (value: unknown): value is string | number => Predicate.isString(value) || Number.isInteger(value)

const grpc = formatOf({
  name: "a gRPC retryPolicy",
  schema: Schema.Struct({
    maxAttempts: field(number((n) => Number.isSafeInteger(n) && n > 1), "an integer greater than 1"),
    initialBackoff: protoDuration,
    maxBackoff: protoDuration,
    backoffMultiplier: field(number((n) => n > 0), "a number greater than 0"),
    retryableStatusCodes: Schema.optionalKey(list(isStatus, "a list of status codes such as [\"UNAVAILABLE\"]"))
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
  (value) => Option.filter(Option.orElse(goDuration(value), () => number()(value)), (millis) => millis > 0),
  "a duration such as \"1s\", or a number of milliseconds, longer than 0"
)

const temporal = formatOf({
  name: "a Temporal RetryPolicy",
  known: (key) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  schema: Schema.Struct({
    initialInterval: Schema.optionalKey(temporalDuration),
    backoffCoefficient: Schema.optionalKey(atLeast(1)),
    maximumInterval: Schema.optionalKey(temporalDuration),
    maximumAttempts: Schema.optionalKey(integer(0)),
    nonRetryableErrorTypes: Schema.optionalKey(list(Predicate.isString, "a list of names"))
  }),
  policy: (settings, at) => {
    const { backoffCoefficient: factor = 2, initialInterval: base = 1000, maximumAttempts = 0 } = settings
    const { maximumInterval: cap = 100 * base, nonRetryableErrorTypes: errors = [] } = settings
    if (cap < base) {
      return wrong(at, `has a maximumInterval, ${format(cap)}, below its initialInterval, ${format(base)}`)
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

const ours = formatOf({
  name: "a policy of effect-wait",
  known: (key) => key === "times" ? "attempts" : key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  schema: Schema.Struct({
    interval: optional.duration,
    period: optional.duration,
    nonSliding: optional.flag,
    ticker: optional.flag,
    cron: Schema.optionalKey(
      field(text(parseCron), (value) => crons(String(value)))
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
        reason: `is not possible: ${message.replaceAll(/Invalid value for flag |--/g, "")}`
      }]),
      Effect.flatMap((settings) =>
        settings === undefined
          ? wrong(at, "does not say how it is waited: interval, period, cron or backoff is missing")
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

const noted = (policies: ReadonlyArray<Named>, notes: ReadonlyArray<string>): ReadonlyArray<Named> =>
  policies.map(({ name, policy }) => ({ name, policy: { ...policy, notes: [...policy.notes, ...notes] } }))

const fromMethod = Effect.fnUntraced(function*({ retryPolicy, timeout }: Entries, { keys, name }: Place) {
  const policies = yield* read(retryPolicy, { keys: [...keys, "retryPolicy"], name })
  return noted(policies, timeout === undefined ? [] : ["The timeout beside the retryPolicy is not shown"])
})

const Method = Schema.Struct({ service: Schema.String, method: Schema.optional(Schema.String) })

const methodsOf = Schema.decodeUnknownOption(Schema.Struct({ name: Schema.NonEmptyArray(Method) }))

const fromService = Effect.fnUntraced(function*({ methodConfig: methods, retryThrottling }: Entries, place: Place) {
  const inside = below(place, "methodConfig")
  const policies = yield* each(Array.isArray(methods) ? methods.entries() : [], ([i, config]) => {
    if (!Predicate.hasProperty(config, "retryPolicy")) return Effect.succeed([])
    const { keys, name } = below(inside, i)
    return fromMethod({ ...config }, {
      keys,
      name: Option.match(methodsOf(config), {
        onNone: () => name,
        onSome: ({ name }) =>
          name.map(({ method, service }) => method === undefined ? service : `${service}/${method}`).join(", ")
      })
    })
  })
  if (policies.length === 0) return yield* wrong(inside.keys, "has no retryPolicy")
  return noted(policies, retryThrottling === undefined ? [] : ["retryThrottling is not shown"])
})

// A document that is nested deeper than that was not written by hand.
const deepest = 20

const read = (document: unknown, place: Place): Reading<ReadonlyArray<Named>> => {
  const { keys: at, name } = place
  if (at.length > deepest) return wrong([], `is nested deeper than ${deepest} times`)
  if (Array.isArray(document) && document.length > 0) {
    return each(document.entries(), ([i, item]) => read(item, below(place, i)))
  }
  if (!Predicate.isObject(document)) return wrong(at, `is no policy: ${Formatter.format(document)}`)
  const entries: Entries = { ...document }
  if ("methodConfig" in entries) return fromService(entries, place)
  if ("retryPolicy" in entries) return fromMethod(entries, place)
  const keys = Object.keys(entries)
  if (keys.length > 0 && Object.values(entries).every(Predicate.isObjectOrArray)) {
    return each(keys, (key) => read(entries[key], below(place, key)))
  }
  // A key that one format alone has tells which it is.
  const told = keys.map((key) => formats.filter(({ has }) => has(key))).filter((having) => having.length === 1)
  const [one, another] = new Set(told.flat())
  if (one === undefined) return wrong(at, `is no policy: its keys are ${keys.join(", ") || "none"}`)
  if (another !== undefined) return wrong(at, `is a mixture: it has keys of ${one.name} and of ${another.name}`)
  return Effect.map(one.read(entries, at), (policy) => [{ name, policy }])
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
  const policies = yield* fromText(file, content)
  return policies.map(({ name, policy }) => ({ name: /^(\[|$)/.test(name) ? file + name : name, policy }))
})

// Of policies of one name, all but the first have a number.
const apart = (policies: ReadonlyArray<Named>): ReadonlyArray<Named> =>
  policies.map(({ name, policy }, i) => {
    const n = policies.slice(0, i + 1).filter((other) => other.name === name).length
    return { name: n === 1 ? name : `${name} (${n})`, policy }
  })

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
      : [{ name: Policy.toOptions(settings), policy: Policy.fromSettings(settings) }],
    ...found.flat()
  ])
})
