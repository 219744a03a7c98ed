/** A schedule, and the TypeScript that makes it: both come from the same plain data. */
import * as Backoff from "effect-wait/Backoff"
import * as Jitter from "effect-wait/Jitter"
import * as Limit from "effect-wait/Limit"
import * as Period from "effect-wait/Period"
import * as Arr from "effect/Array"
import type * as Cron from "effect/Cron"
import * as Schedule from "effect/Schedule"
import { toInput } from "./Time.ts"

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
  Array.isArray(value)
    ? `[${value.map(literal).join(", ")}]`
    : typeof value === "object" && value !== null
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

/** What the delays are, before jitter and limits. Times are in milliseconds. */
export type Base =
  | { readonly kind: "sliding" | "nonSliding" | "ticker"; readonly period: number }
  | { readonly kind: "cron"; readonly expression: string; readonly timeZone?: string | undefined }
  | { readonly kind: "exponential"; readonly base: number; readonly factor: number; readonly cap: number }
  | { readonly kind: "linear"; readonly base: number; readonly increment: number; readonly cap: number }
  /** The delay doubles `doublings` times, and then grows by the last doubling's delay each time. */
  | { readonly kind: "doublings"; readonly base: number; readonly doublings: number; readonly cap: number }
  /** The `first` delay, and then those of an exponential that starts anew. */
  | {
    readonly kind: "then"
    readonly first: number
    readonly base: number
    readonly factor: number
    readonly cap: number
  }
  /** Go's `wait.Backoff`. */
  | {
    readonly kind: "backoff"
    readonly duration: number
    readonly factor: number
    readonly jitter: number
    readonly steps: number
    readonly cap?: number | undefined
  }

/**
 * A policy in plain data. Times are in milliseconds.
 *
 * - `longest`: delays are cut to it after the jitter
 * - `attempts`: the number of runs; the first one counts
 * - `within`: no wait begins that ends later than this after the first start
 * - `until`: it ends at the `"first"` of the two limits, the default, or when `"both"` are reached
 */
export interface Settings {
  readonly base: Base
  readonly jitter?: Jitters | undefined
  readonly longest?: number | undefined
  readonly attempts?: number | undefined
  readonly within?: number | undefined
  readonly until?: "first" | "both" | undefined
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

const linear = (base: number, increment: number, cap: number): Part<Any> => {
  const range = { base: toInput(base), cap: toInput(cap) }
  return call(
    "Backoff.linear",
    Backoff.linear,
    increment === base ? range : { ...range, increment: toInput(increment) }
  )
}

const list = (delays: ReadonlyArray<number>): Part<Any> =>
  call("Backoff.fromDelays", Backoff.fromDelays, delays.map(toInput))

const concat = (first: Part<Any>, second: Part<Any>): Part<Any> => ({
  value: Schedule.concat(first.value, second.value),
  code: `Schedule.concat(${first.code}, ${second.code})`
})

const doublings = (base: number, doublings: number, cap: number): Part<Any> => {
  const last = base * 2 ** doublings
  if (last >= cap) return exponential({ base, cap })
  const growing = linear(last, last, cap)
  return doublings === 0 ? growing : concat(list(Arr.makeBy(doublings, (i) => base * 2 ** i)), growing)
}

const goBackoff = (
  { cap, duration, factor, jitter, steps }: Extract<Base, { readonly kind: "backoff" }>
): Part<Any> => {
  const policy = { duration: toInput(duration), factor, jitter, steps }
  return call(
    "Backoff.toSchedule",
    Backoff.toSchedule,
    cap === undefined ? policy : { ...policy, cap: toInput(cap) }
  )
}

const source = (base: Base): Part<Any> => {
  switch (base.kind) {
    case "exponential":
      return exponential(base)
    case "linear":
      return linear(base.base, base.increment, base.cap)
    case "doublings":
      return doublings(base.base, base.doublings, base.cap)
    case "then":
      return concat(list([base.first]), exponential(base))
    case "backoff":
      return goBackoff(base)
    case "cron":
      return base.timeZone === undefined
        ? call("Period.cron", Period.cron, base.expression)
        : call("Period.cron", Period.cron, base.expression, { timeZone: base.timeZone })
    case "ticker":
      return call("Period.ticker", Period.ticker, toInput(base.period))
    case "nonSliding":
      return call("Period.nonSliding", Period.nonSliding, toInput(base.period))
    case "sliding":
      return call("Period.sliding", Period.sliding, toInput(base.period))
  }
}

const fromStart: Change = { value: Period.fromStart, code: "Period.fromStart" }

const longest = (millis: number): Change => call("Limit.delay", Limit.delay, toInput(millis))

const both = (schedule: Part<Any>, runs: number, total: number): Policy => {
  const each = [attempts(runs), within(total)].map((limit) => make(schedule, [limit]))
  const [one, other] = each.map(({ schedule }) => schedule)
  return {
    schedule: one === undefined || other === undefined ? schedule.value : Schedule.min([one, other]),
    code: `Schedule.min([\n${each.map(({ code }) => code.replace(/^/gm, "  ")).join(",\n")}\n])`,
    notes: [],
    ends: true
  }
}

/** In the order in which the library wants them: grow, jitter, measure, limit. */
export const fromSettings = (settings: Settings): Policy => {
  const { attempts: runs, base, jitter: spread, longest: max, until, within: total } = settings
  // What is jittered must be measured from the start after that.
  const isMeasuredLater = base.kind === "nonSliding" && spread !== undefined
  const waits = [
    ...spread === undefined ? [] : [jitter(spread)],
    ...max === undefined ? [] : [longest(max)],
    ...isMeasuredLater ? [fromStart] : []
  ]
  const delays = source(isMeasuredLater ? { ...base, kind: "sliding" } : base)
  if (until === "both" && runs !== undefined && total !== undefined) {
    const { code, schedule } = make(delays, waits)
    return both({ value: schedule, code }, runs, total)
  }
  return make(delays, [
    ...waits,
    ...runs === undefined ? [] : [attempts(runs)],
    ...total === undefined ? [] : [within(total)]
  ])
}
