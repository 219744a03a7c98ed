/** The options of the command line, which are the keys of a policy document of our own as well. */
import * as Period from "effect-wait/Period"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type { Base, Jitters, Settings } from "./Policy.ts"
import { parse, write } from "./Time.ts"

export const finite = (text: string): Option.Option<number> =>
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

/** What the options can say. */
export interface Asked extends Settings {
  readonly base: Extract<Base, { readonly kind: "sliding" | "nonSliding" | "ticker" | "cron" | "exponential" }>
}

// The one that is given, where one is.
const atMostOne = (options: Readonly<Record<string, unknown>>): Result.Result<string | undefined, string> => {
  const [one, ...others] = Object.keys(options).filter((name) => options[name] !== undefined && options[name] !== false)
  return others.length === 0
    ? Result.succeed(one)
    : Result.fail(`Only one of ${[one, ...others].join(" and ")} is allowed`)
}

/** The settings that were asked for; none when nothing says how it is waited. */
export const settingsOf = (waits: Waits): Result.Result<Asked | undefined, string> =>
  Result.gen(function*() {
    const {
      attempts,
      backoff,
      cron,
      factor,
      fullJitter = false,
      interval,
      nonSliding = false,
      period,
      ticker = false
    } = waits
    yield* atMostOne({ "--interval": interval, "--period": period, "--cron": cron, "--backoff": backoff })
    const mode = yield* atMostOne({ "--non-sliding": nonSliding, "--ticker": ticker })
    if (mode !== undefined && period === undefined) return yield* Result.fail(`${mode} is allowed with --period only`)
    if (ticker && period === 0) {
      return yield* Result.fail("Invalid value for flag --period: \"0\". Expected: longer than 0, with --ticker")
    }
    if (factor !== undefined && backoff === undefined) {
      return yield* Result.fail("--factor is allowed with --backoff only")
    }
    yield* atMostOne({ "--jitter": waits.jitter, "--full-jitter": fullJitter })

    const base: Asked["base"] | undefined = backoff !== undefined
      ? { kind: "exponential", ...backoff, factor: factor ?? 2 }
      : cron !== undefined
      ? { kind: "cron", expression: cron }
      : period !== undefined
      ? { kind: nonSliding ? "nonSliding" : ticker ? "ticker" : "sliding", period }
      : interval !== undefined
      ? { kind: "sliding", period: interval }
      : undefined
    const jitter = fullJitter ? { kind: "full" } as const : waits.jitter
    return base && ({ base, jitter, attempts, within: waits.within } satisfies Asked)
  })

const baseOptions = (base: Asked["base"]): string => {
  switch (base.kind) {
    case "exponential": {
      const range = `--backoff ${write(base.base)}..${base.cap === Infinity ? "inf" : write(base.cap)}`
      return base.factor === 2 ? range : `${range} --factor ${base.factor}`
    }
    case "cron":
      return `--cron '${base.expression}'`
    case "ticker":
      return `--period ${write(base.period)} --ticker`
    case "nonSliding":
      return `--period ${write(base.period)} --non-sliding`
    case "sliding":
      return `--interval ${write(base.period)}`
  }
}

const jitterOption = (jitter: Jitters): string => {
  switch (jitter.kind) {
    case "additive":
      return String(jitter.factor)
    case "between":
      return `${jitter.min}..${jitter.max}`
    case "full":
    case "equal":
      return jitter.kind
  }
}

/** As one would ask for them on the command line. */
export const toOptions = ({ attempts, base, jitter, within }: Asked): string =>
  [
    baseOptions(base),
    ...jitter === undefined ? [] : [`--jitter ${jitterOption(jitter)}`],
    ...attempts === undefined ? [] : [`--attempts ${attempts}`],
    ...within === undefined ? [] : [`--within ${write(within)}`]
  ].join(" ")
