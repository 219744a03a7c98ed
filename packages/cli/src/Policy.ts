/** A schedule, and the TypeScript that makes it: both come from the same arguments. */
import * as Backoff from "effect-wait/Backoff"
import * as Jitter from "effect-wait/Jitter"
import * as Limit from "effect-wait/Limit"
import * as Period from "effect-wait/Period"
import type * as Cron from "effect/Cron"
import type * as Schedule from "effect/Schedule"
import { toInput, write } from "./Time.ts"

/** What is followed between runs. It takes anything for its input, and can only fail at its beginning. */
export type Any = Schedule.Schedule<unknown, unknown, Cron.CronParseError>

/**
 * - `code`: an expression, of the library's modules
 * - `notes`: what the one who wrote the policy may not expect
 * - `ends`: whether it has a limit
 */
export interface Policy {
  readonly schedule: Any
  readonly code: string
  readonly notes: ReadonlyArray<string>
  readonly ends: boolean
}

/** A value, and the expression for it. */
export interface Part<out A> {
  readonly value: A
  readonly code: string
}

export interface Change extends Part<(self: Any) => Any> {
  readonly ends?: boolean
}

// As it is written in a program.
const literal = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? `{ ${Object.entries(value).map(([key, field]) => `${key}: ${literal(field)}`).join(", ")} }`
    : typeof value === "string"
    ? JSON.stringify(value)
    : String(value)

/** A call of a function of the library, done and written down. */
export const call = <Args extends ReadonlyArray<unknown>, A>(
  name: string,
  f: (...args: Args) => A,
  ...args: Args
): Part<A> => ({ value: f(...args), code: `${name}(${args.map(literal).join(", ")})` })

/** A schedule that is changed by each part in turn. */
export const make = (
  source: Part<Any>,
  changes: ReadonlyArray<Change> = [],
  notes: ReadonlyArray<string> = []
): Policy => {
  const lines = changes.map(({ code }) => `  ${code}`).join(",\n")
  return {
    schedule: changes.reduce((schedule, { value }) => value(schedule), source.value),
    code: changes.length === 0 ? source.code : `${source.code}.pipe(\n${lines}\n)`,
    notes,
    ends: changes.some(({ ends = false }) => ends)
  }
}

export type Jitters =
  | { readonly kind: "additive"; readonly factor: number }
  | { readonly kind: "full" | "equal" }
  | { readonly kind: "between"; readonly min: number; readonly max: number }

/** How it is waited, in the words of the command line. Times are in milliseconds. */
export type Base =
  | { readonly kind: "sliding" | "nonSliding" | "ticker"; readonly period: number }
  | { readonly kind: "cron"; readonly expression: string }
  | { readonly kind: "exponential"; readonly base: number; readonly factor: number; readonly cap: number }

export interface Settings {
  readonly base: Base
  readonly jitter?: Jitters | undefined
  readonly attempts?: number | undefined
  readonly within?: number | undefined
}

export const exponential = (options: {
  readonly base: number
  readonly factor?: number | undefined
  readonly cap: number
}): Part<Any> => {
  const { base, cap, factor = 2 } = options
  const range = { base: toInput(base), cap: toInput(cap) }
  return call("Backoff.exponential", Backoff.exponential, factor === 2 ? range : { ...range, factor })
}

export const attempts = (n: number): Change => ({ ...call("Limit.attempts", Limit.attempts, n), ends: true })

export const within = (millis: number): Change => ({
  ...call("Limit.within", Limit.within, toInput(millis)),
  ends: true
})

export const jitter = (jitter: Jitters): Change => {
  switch (jitter.kind) {
    case "additive":
      return call("Jitter.additive", Jitter.additive, jitter.factor)
    case "between":
      return call("Jitter.between", Jitter.between, jitter.min, jitter.max)
    case "full":
      return { value: Jitter.full, code: "Jitter.full" }
    case "equal":
      return { value: Jitter.equal, code: "Jitter.equal" }
  }
}

const source = (base: Base): Part<Any> => {
  switch (base.kind) {
    case "exponential":
      return exponential(base)
    case "cron":
      return call("Period.cron", Period.cron, base.expression)
    case "ticker":
      return call("Period.ticker", Period.ticker, toInput(base.period))
    case "nonSliding":
      return call("Period.nonSliding", Period.nonSliding, toInput(base.period))
    case "sliding":
      return call("Period.sliding", Period.sliding, toInput(base.period))
  }
}

const fromStart: Change = { value: Period.fromStart, code: "Period.fromStart" }

/** In the order in which the library wants them: grow, jitter, measure, limit. */
export const fromSettings = (settings: Settings): Policy => {
  const { attempts: runs, base, jitter: spread, within: total } = settings
  // What is jittered must be measured from the start after that.
  const isMeasuredLater = base.kind === "nonSliding" && spread !== undefined
  return make(source(isMeasuredLater ? { ...base, kind: "sliding" } : base), [
    ...spread === undefined ? [] : [jitter(spread)],
    ...isMeasuredLater ? [fromStart] : [],
    ...runs === undefined ? [] : [attempts(runs)],
    ...total === undefined ? [] : [within(total)]
  ])
}

const baseOptions = (base: Base): string => {
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
export const toOptions = ({ attempts, base, jitter, within }: Settings): string =>
  [
    baseOptions(base),
    ...jitter === undefined ? [] : [`--jitter ${jitterOption(jitter)}`],
    ...attempts === undefined ? [] : [`--attempts ${attempts}`],
    ...within === undefined ? [] : [`--within ${write(within)}`]
  ].join(" ")
