/** The options of the command line, read and checked. */
import {
  type Asked,
  backoffs,
  crons,
  finite,
  jitters,
  parseBackoff,
  parseCron,
  parseJitter,
  settingsOf as asked,
  type Waits
} from "@effect-wait/documents/options"
import { ValidationError } from "effect/cli/CliError"
import * as Flag from "effect/cli/Flag"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { fromSettings } from "./Policy.ts"
import { durations, parse } from "./Time.ts"

/** A value with its own form. The message for any other value names the allowed form. */
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

export { backoffs, jitters, parseBackoff, parseCron, parseJitter, type Waits }

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

export const factor = optional(written("factor", finite, "a number of 0 or more")).pipe(
  Flag.withMetavar("NUMBER"),
  Flag.withDescription("the factor by which --backoff grows; default 2")
)

export const backoff = optional(written("backoff", parseBackoff, backoffs)).pipe(
  Flag.withMetavar("FROM..TO"),
  Flag.withDescription("growing delays, from the first to the longest: 100ms..30s")
)

export const jitter = optional(written("jitter", parseJitter, jitters)).pipe(
  Flag.withMetavar("JITTER"),
  Flag.withDescription("spread the delays: 0.2 adds up to a fifth; 0.8..1.2 multiplies; full; equal")
)

export const interval = optional(duration("interval")).pipe(
  Flag.withDescription("the time from the end of a run to the next run")
)

export const period = optional(duration("period")).pipe(
  Flag.withDescription("the time from the end of a run to the next run; see --non-sliding and --ticker")
)

export const nonSliding = present("non-sliding").pipe(
  Flag.withDescription("count the --period from the start of a run")
)

export const ticker = present("ticker").pipe(
  Flag.withDescription("run on a grid of --period from the first start; one run catches up after a long run")
)

// The messages of the library name what it has.
const cronsHere = (text: string): string =>
  crons(text)
    .replace("a loop with immediate: true runs when it starts", "write --immediate beside another --cron")
    .replace("use Period.ticker", "use --period 5m --ticker")
    .replace("with Jitter", "with --jitter")

export const cron = optional(written("cron", parseCron, cronsHere)).pipe(
  Flag.withMetavar("CRON"),
  Flag.withDescription("run by the calendar, in the time zone of this machine; see --immediate")
)

export const from = optional(written("from", parseFrom, "a date such as 2026-03-29 or 2026-03-29T01:30Z")).pipe(
  Flag.withMetavar("DATE"),
  Flag.withDescription(
    "the start of --cron, in the time zone of this machine unless it ends with Z or +02:00; default now"
  )
)

export const attempts = optional(count("attempts"))

export const times = optional(count("times")).pipe(Flag.withDescription("the number of all runs; default no limit"))

export const within = optional(duration("within")).pipe(
  Flag.withDescription("start no delay that would end later than this after the first start")
)

export const fullJitter = present("full-jitter").pipe(Flag.withDescription("the same as --jitter full"))

export { count, duration, optional, written }

/** What was asked for does not go together, or is not enough. */
export const misused = (message: string) => Effect.fail(new ValidationError({ message }))

/** The settings that were asked for; none when nothing says how it is waited. */
export const settingsOf = (waits: Waits): Effect.Effect<Asked | undefined, ValidationError> =>
  Effect.catch(Effect.fromResult(asked(waits)), misused)

/** The schedule that was asked for. */
export const scheduleOf = (waits: Waits) =>
  Effect.flatMap(settingsOf(waits), (settings) =>
    settings === undefined
      ? misused("The period is missing. Expected: --period or --cron")
      : Effect.succeed(fromSettings(settings).schedule))
