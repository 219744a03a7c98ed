/** The options of the command line, read and checked. */
import * as Period from "effect-wait/Period"
import { ValidationError } from "effect/cli/CliError"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { fromSettings, type Jitters, type Settings } from "./Policy.ts"
import { durations, parse } from "./Time.ts"

/** A value that has a form of its own. Anything else is refused with what is allowed. */
const written = <A>(
  name: string,
  read: (text: string) => Option.Option<A>,
  allowed: string | ((text: string) => string)
): Flag.Flag<A> => Flag.String(name).pipe(Flag.filterMap(read, typeof allowed === "string" ? () => allowed : allowed))

const optional = <A>(flag: Flag.Flag<A>): Flag.Flag<A | undefined> =>
  Flag.optional(flag).pipe(Flag.map(Option.getOrUndefined))

/** Those that take no value, of all commands that run something. */
export const switches = new Set(["help", "version"])

/** A flag that is given by its name alone. */
export const present = (name: string): Flag.Flag<boolean> => {
  switches.add(name)
  return Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDefault(false))
}

/** The same, and `--no-` before its name for the contrary. */
export const negatable = (name: string, by: boolean): Flag.Flag<boolean> => {
  switches.add(name).add(`no-${name}`)
  return Flag.Boolean(name).pipe(Flag.withDefault(by))
}

export const repeated = <A>(flag: Flag.Flag<A>): Flag.Flag<ReadonlyArray<A>> => Flag.atLeast(flag, 0)

const duration = (name: string, least = 0): Flag.Flag<number> =>
  written(
    name,
    (text) => Option.filter(parse(text), (millis) => millis >= least),
    least > 0 ? `${durations}, longer than 0` : durations
  ).pipe(Flag.withMetavar("DURATION"))

export const integer = (name: string, least: number, most = Infinity): Flag.Flag<number> =>
  written(
    name,
    (text) =>
      Option.liftPredicate(
        Number(text),
        (n) => /^\d+$/.test(text) && n >= least && n <= most && Number.isSafeInteger(n)
      ),
    most === Infinity ? `an integer of ${least} or more` : `an integer of ${least} to ${most}`
  ).pipe(Flag.withMetavar("N"))

const count = (name: string): Flag.Flag<number> => integer(name, 1)

const finite = (text: string): Option.Option<number> =>
  Option.liftPredicate(Number(text), (n) => /^(\d+(\.\d+)?|\.\d+)$/.test(text) && Number.isFinite(n))

const range = <A>(text: string, read: (text: string) => Option.Option<A>): Option.Option<readonly [A, A]> => {
  const [from, to, ...rest] = text.split("..")
  return from === undefined || to === undefined || rest.length > 0 ? Option.none() : Option.all([read(from), read(to)])
}

export const backoffs = "a range such as 100ms..30s, or 100ms..inf, that begins above 0"

export const parseBackoff = (text: string): Option.Option<{ readonly base: number; readonly cap: number }> =>
  range(text, (end) => end === "inf" ? Option.some(Infinity) : parse(end)).pipe(
    Option.filter(([base, cap]) => base > 0 && base <= cap && base < Infinity),
    Option.map(([base, cap]) => ({ base, cap }))
  )

export const jitters = "a factor of 0 or more such as 0.2, a range such as 0.8..1.2, full, or equal"

export const parseJitter = (text: string): Option.Option<Jitters> => {
  if (text === "full" || text === "equal") return Option.some({ kind: text })
  const between = Option.filter(range(text, finite), ([min, max]) => min <= max)
  return Option.orElse(
    Option.map(finite(text), (factor): Jitters => ({ kind: "additive", factor })),
    () => Option.map(between, ([min, max]): Jitters => ({ kind: "between", min, max }))
  )
}

// By the clock on the wall where no offset is given, as with calendars.
const parseFrom = (text: string): Option.Option<number> =>
  Option.liftPredicate(text, (text) => /^\d{4}-\d\d-\d\d/.test(text)).pipe(
    Option.flatMap((text): Option.Option<DateTime.DateTime> =>
      /(Z|[+-]\d\d:?\d\d)$/i.test(text)
        ? DateTime.make(text)
        : DateTime.makeZoned(text, { timeZone: DateTime.zoneMakeLocal(), adjustForTimeZone: true })
    ),
    Option.map(DateTime.toEpochMillis)
  )

// What is wrong with it, or nothing.
const cronProblem = (text: string): Option.Option<string> =>
  Option.map(
    Exit.findErrorOption(
      Effect.runSyncExit(Effect.flatMap(Schedule.toStep(Period.cron(text)), (step) => step(0, undefined)))
    ),
    (error) => "message" in error ? error.message : String(error)
  )

export const parseCron = (text: string): Option.Option<string> =>
  Option.isNone(cronProblem(text)) ? Option.some(text) : Option.none()

export const crons = (text: string): string =>
  `a cron expression such as '*/5 * * * *'${
    Option.match(cronProblem(text), { onNone: () => "", onSome: (why) => ` (${why})` })
  }`

export const factor = optional(written("factor", finite, "a number of 0 or more")).pipe(
  Flag.withMetavar("NUMBER"),
  Flag.withDescription("by how much --backoff grows; default 2")
)

export const backoff = optional(written("backoff", parseBackoff, backoffs)).pipe(
  Flag.withMetavar("FROM..TO"),
  Flag.withDescription("delays that double, from the first to the longest: 100ms..30s")
)

export const jitter = optional(written("jitter", parseJitter, jitters)).pipe(
  Flag.withMetavar("JITTER"),
  Flag.withDescription("spread the delays: 0.2 adds up to a fifth; 0.8..1.2 multiplies; full; equal")
)

export const interval = optional(duration("interval")).pipe(
  Flag.withDescription("from the end of a run to the next")
)

export const period = optional(duration("period")).pipe(
  Flag.withDescription("from the end of a run to the next; see --non-sliding and --ticker")
)

export const nonSliding = present("non-sliding").pipe(
  Flag.withDescription("count the --period from the start of a run")
)

export const ticker = present("ticker").pipe(
  Flag.withDescription("run at every --period since the first start; one missed tick is kept")
)

export const cron = optional(written("cron", parseCron, crons)).pipe(
  Flag.withMetavar("CRON"),
  Flag.withDescription("run by the calendar, in the time zone of this machine; see --immediate")
)

export const from = optional(written("from", parseFrom, "a date such as 2026-03-29 or 2026-03-29T01:30Z")).pipe(
  Flag.withMetavar("DATE"),
  Flag.withDescription(
    "when --cron begins, in the time zone of this machine unless it ends with Z or +02:00; default now"
  )
)

export const attempts = optional(count("attempts"))

export const times = optional(count("times")).pipe(Flag.withDescription("how many runs in all; default no limit"))

export const within = optional(duration("within")).pipe(
  Flag.withDescription("begin no wait that ends later than this after the first start")
)

export const fullJitter = present("full-jitter").pipe(Flag.withDescription("the same as --jitter full"))

export { count, duration, optional, written }

/** What was asked for does not go together, or is not enough. */
export const misused = (message: string) => Effect.fail(new ValidationError({ message }))

/** What says how it is waited, of whatever command. */
export interface Waits {
  readonly interval?: number | undefined
  readonly period?: number | undefined
  readonly nonSliding?: boolean | undefined
  readonly ticker?: boolean | undefined
  readonly cron?: string | undefined
  readonly backoff?: { readonly base: number; readonly cap: number } | undefined
  readonly factor?: number | undefined
  readonly jitter?: Jitters | undefined
  readonly fullJitter?: boolean | undefined
  readonly attempts?: number | undefined
  readonly within?: number | undefined
}

// The one that is given, where one is.
const atMostOne = (options: Readonly<Record<string, unknown>>) => {
  const [one, ...others] = Object.keys(options).filter((name) => options[name] !== undefined && options[name] !== false)
  return others.length === 0
    ? Effect.succeed(one)
    : misused(`Only one of ${[one, ...others].join(" and ")} is allowed`)
}

/** The settings that were asked for; none when nothing says how it is waited. */
export const settingsOf = Effect.fnUntraced(function*(waits: Waits) {
  const { attempts, backoff, cron, factor, fullJitter = false, interval, nonSliding = false, period, ticker = false } =
    waits
  yield* atMostOne({ "--interval": interval, "--period": period, "--cron": cron, "--backoff": backoff })
  const mode = yield* atMostOne({ "--non-sliding": nonSliding, "--ticker": ticker })
  if (mode !== undefined && period === undefined) return yield* misused(`${mode} is allowed with --period only`)
  if (ticker && period === 0) {
    return yield* misused("Invalid value for flag --period: \"0\". Expected: longer than 0, with --ticker")
  }
  if (factor !== undefined && backoff === undefined) return yield* misused("--factor is allowed with --backoff only")
  yield* atMostOne({ "--jitter": waits.jitter, "--full-jitter": fullJitter })

  const base: Settings["base"] | undefined = backoff !== undefined
    ? { kind: "exponential", ...backoff, factor: factor ?? 2 }
    : cron !== undefined
    ? { kind: "cron", expression: cron }
    : period !== undefined
    ? { kind: nonSliding ? "nonSliding" : ticker ? "ticker" : "sliding", period }
    : interval !== undefined
    ? { kind: "sliding", period: interval }
    : undefined
  const jitter = fullJitter ? { kind: "full" } as const : waits.jitter
  return base && ({ base, jitter, attempts, within: waits.within } satisfies Settings)
})

/** The schedule that was asked for. */
export const scheduleOf = (waits: Waits) =>
  Effect.flatMap(settingsOf(waits), (settings) =>
    settings === undefined
      ? misused("It is not said how often. Expected: --period or --cron")
      : Effect.succeed(fromSettings(settings).schedule))
