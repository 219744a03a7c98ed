/** What the state of the page asks for: a schedule with its TypeScript, and what it is tried on; or what is wrong, and where. */
import type { DocumentPolicy } from "@effect-wait/documents"
import * as Policy from "@effect-wait/documents/Policy"
import { durations, format, parse, toInput, write } from "@effect-wait/documents/Time"
import * as Backoff from "effect-wait/Backoff"
import * as Period from "effect-wait/Period"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Name, State } from "./State.ts"

/** What is wrong with a field. */
export interface Problem {
  readonly field: Name
  /** Follows the name of the field: `must be ...`. */
  readonly reason: string
  /** Of a document, from 1. */
  readonly line?: number | undefined
}

export type Failure = "hangs" | "refuses"

/** Times are in milliseconds. */
export interface Trial {
  readonly work: number
  /** How long the third run takes. */
  readonly slow: number
  readonly clients: number
  readonly down: number
  readonly failure: Failure
  readonly budget: string
  /** How long a client waits for the answer to a request. */
  readonly attemptTimeout: number
  /** The next attempt begins beside the last one. */
  readonly isHedge: boolean
}

export interface Program extends Trial {
  readonly policy: Policy.Policy
  /** When a calendar begins, in milliseconds since 1970; undefined: now. */
  readonly from: number | undefined
  /** From one slot to the next, and from one run to the next, where there are some. */
  readonly slots: number | undefined
  readonly period: number | undefined
}

export type Read<A> = Result.Result<A, ReadonlyArray<Problem>>

const tiny = Number.MIN_VALUE

const longestOutage = 365 * 86_400_000

/** Reads fields, and collects what is wrong with them. A field that is wrong gives NaN. */
const reader = (state: State) => {
  const problems: Array<Problem> = []
  const wrong = (field: Name, reason: string): number => {
    problems.push({ field, reason })
    return Number.NaN
  }
  const duration = (field: Name, { least = 0, most = Infinity, unlimited = false } = {}): number => {
    const text = state[field].trim()
    const millis = unlimited && text === "inf" ? Infinity : Option.getOrElse(parse(text), () => Number.NaN)
    if (millis > most) return wrong(field, `must be a duration of ${write(most)} or less`)
    return millis >= least ? millis : wrong(
      field,
      least > tiny
        ? `must be a duration of ${write(least)} or more such as 1.5s or 2m30s`
        : `must be ${durations}${least > 0 ? ", longer than 0" : ""}${unlimited ? ", or inf" : ""}`
    )
  }
  const number = (field: Name, least: number): number => {
    const value = Number(state[field])
    if (!/^\d*\.?\d+$/.test(state[field].trim()) || value < least) {
      return wrong(field, `must be a number of ${least} or more`)
    }
    return value < Infinity ? value : wrong(field, "is too large for a number")
  }
  const integer = (field: Name, least: number, most: number): number =>
    /^\d{1,9}$/.test(state[field].trim()) && Number(state[field]) >= least && Number(state[field]) <= most
      ? Number(state[field])
      : wrong(field, `must be a whole number from ${least} to ${most}`)
  const optional = <A>(field: Name, read: () => A): A | undefined => state[field].trim() === "" ? undefined : read()
  return { duration, integer, number, optional, problems, wrong }
}

type Reader = ReturnType<typeof reader>

const missedOf = ({ missed }: State) =>
  missed === "one" || missed === "skip" || missed === "all" ? [{ missed } as const] : []

/** What makes the schedule. Only made of fields that are right. */
const sourceOf = (state: State, read: Reader): () => Policy.Part<Policy.Any> => {
  const { duration } = read
  switch (state.kind) {
    case "linear": {
      const [base, increment, cap] = [duration("base"), duration("increment"), duration("cap", { unlimited: true })]
      const same = { base: toInput(base), cap: toInput(cap) }
      return () =>
        Policy.call(
          "Backoff.linear",
          Backoff.linear,
          increment === base ? same : { ...same, increment: toInput(increment) }
        )
    }
    case "decorrelated": {
      const [base, cap] = [duration("base"), duration("cap", { unlimited: true })]
      return () => Policy.call("Backoff.decorrelated", Backoff.decorrelated, { base: toInput(base), cap: toInput(cap) })
    }
    case "decorrelatedV2": {
      const [median, cap] = [duration("base", { least: tiny }), duration("cap", { unlimited: true })]
      const options = { median: toInput(median), cap: toInput(cap) }
      return () => Policy.call("Backoff.decorrelatedV2", Backoff.decorrelatedV2, options)
    }
    case "delays": {
      const texts = state.delays.split(/[\s,]+/).filter((text) => text !== "")
      const bad = texts.find((text) => Option.isNone(parse(text)))
      if (texts.length === 0) read.wrong("delays", `must be a list such as 100ms, 1s, 10s`)
      if (bad !== undefined) read.wrong("delays", `has ${bad}, which must be ${durations}`)
      const delays = texts.map((text): Duration.Input => toInput(Option.getOrElse(parse(text), () => 0)))
      return () => Policy.call("Backoff.fromDelays", Backoff.fromDelays, delays)
    }
    case "sliding": {
      const period = duration("period")
      return () => Policy.call("Period.sliding", Period.sliding, toInput(period))
    }
    case "nonSliding": {
      const period = duration("period")
      // Jitter changes the whole delay, before it is measured from the start.
      const isJittered = state.jitter !== "none"
      return () =>
        isJittered
          ? Policy.call("Period.sliding", Period.sliding, toInput(period))
          : Policy.call("Period.nonSliding", Period.nonSliding, toInput(period))
    }
    case "ticker": {
      const period = duration("period", { least: tiny })
      return () => Policy.call("Period.ticker", Period.ticker, toInput(period), ...missedOf(state))
    }
    case "cron": {
      const zone = state.zone.trim()
      const options = { ...zone === "" ? {} : { timeZone: zone }, ...missedOf(state)[0] }
      const given = Object.keys(options).length === 0 ? [] : [options] as const
      return () => Policy.call("Period.cron", Period.cron, state.cron.trim(), ...given)
    }
    default: {
      const [base, factor, cap] = [duration("base"), read.number("factor", 0), duration("cap", { unlimited: true })]
      return () => Policy.exponential({ base, factor, cap })
    }
  }
}

const jitterOf = (state: State, { number }: Reader): () => ReadonlyArray<Policy.Change> => {
  switch (state.kind.startsWith("decorrelated") ? "none" : state.jitter) {
    case "full":
    case "equal": {
      const kind = state.jitter === "full" ? "full" : "equal"
      return () => [Policy.jitter({ kind })]
    }
    case "additive": {
      const factor = number("share", 0)
      return () => [Policy.jitter({ kind: "additive", factor })]
    }
    case "between": {
      const min = number("least", 0)
      const max = number("most", Number.isNaN(min) ? 0 : min)
      return () => [Policy.jitter({ kind: "between", min, max })]
    }
    default:
      return () => []
  }
}

const fromStart: Policy.Change = { value: Period.fromStart, code: "Period.fromStart" }

const message = (error: unknown): string => Predicate.isError(error) ? error.message : String(error)

const dateOf = (state: State, { wrong }: Reader): number =>
  Option.match(DateTime.make(state.from.trim()), {
    onNone: () => wrong("from", "must be a date such as 2026-03-28 or 2026-03-28T22:00Z"),
    onSome: DateTime.toEpochMillis
  })

/** What the policy is tried on. */
const trialOf = (state: State, { duration, integer, optional }: Reader): Trial => {
  const work = duration("work")
  const slow = optional("slow", () => duration("slow")) ?? work
  return {
    work,
    slow,
    clients: integer("clients", 1, 200),
    down: duration("down", { least: 1000, most: longestOutage }),
    failure: state.failure === "refuses" ? "refuses" : "hangs",
    budget: state.budget,
    // Longer than any run: it would end before its time in a retry, and not as it is drawn.
    attemptTimeout: Math.max(1000, 2 * Math.max(work, slow)),
    isHedge: false
  }
}

// Between what its runs are regular, where they are.
const regularity = (base: Policy.Base) => ({
  slots: base.kind === "ticker" ? base.period : undefined,
  period: base.kind === "sliding" || base.kind === "nonSliding" ? base.period : undefined
})

/** Tries the policy of a document. */
export const readTrial = (state: State, document: DocumentPolicy): Read<Program> => {
  const fields = reader(state)
  const trial = trialOf(state, fields)
  const from = document.kind === "calendar" ? fields.optional("from", () => dateOf(state, fields)) : undefined
  const { attempt } = document.timeouts
  return fields.problems.length > 0 ? Result.fail(fields.problems) : Result.succeed({
    ...trial,
    ...regularity(document.settings.base),
    attemptTimeout: attempt ?? trial.attemptTimeout,
    isHedge: document.kind === "hedge",
    policy: attempt === undefined
      ? document
      : { ...document, notes: [...document.notes, `An attempt ends after ${format(attempt)}`] },
    from
  })
}

/** Reads the controls. */
export const read = (state: State): Read<Program> => {
  const fields = reader(state)
  const { duration, integer, optional, problems } = fields
  const trial = trialOf(state, fields)
  const source = sourceOf(state, fields)
  const jitter = jitterOf(state, fields)
  const attempts = optional("attempts", () => integer("attempts", 1, 1_000_000))
  const within = optional("within", () => duration("within"))
  const from = state.kind === "cron" ? optional("from", () => dateOf(state, fields)) : undefined
  const period = Option.getOrUndefined(parse(state.period.trim()))
  if (problems.length > 0) return Result.fail(problems)
  // The fields are right, each for itself: what is left is said by the library.
  return Result.try({
    try: (): Program => ({
      ...trial,
      policy: Policy.make(source(), [
        ...jitter(),
        ...state.kind === "nonSliding" && state.jitter !== "none" ? [fromStart] : [],
        ...attempts === undefined ? [] : [Policy.attempts(attempts)],
        ...within === undefined ? [] : [Policy.within(within)]
      ]),
      from,
      slots: state.kind === "ticker" ? period : undefined,
      period: state.kind === "sliding" || state.kind === "nonSliding" ? period : undefined
    }),
    catch: (error) => [{ field: "kind", reason: message(error) }]
  })
}

const budgets: Readonly<Record<string, string>> = {
  throttling: "RetryBudget.layerThrottling()",
  quota: "RetryBudget.layerQuota()",
  ratio: "RetryBudget.layerRatio({ ratio: 0.1, minRetriesPerSecond: 0 })"
}

const modules = ["Backoff", "Jitter", "Limit", "Loop", "Period", "Retry", "RetryBudget"]

/** A module with the schedule, and how a loop and a retry use it. */
export const toTypeScript = ({ attemptTimeout, budget, isHedge, policy }: Program): string => {
  const layer = budgets[budget]
  const isPeriod = policy.code.startsWith("Period.")
  const options = layer === undefined
    ? ""
    : `, { attemptTimeout: ${JSON.stringify(toInput(attemptTimeout))}, budget: "server" }`
  const body = [
    `export const schedule = ${policy.code}`,
    ...isHedge
      ? [
        `// Attempts beside each other: call.pipe(hedge)\nexport const hedge = Retry.hedge(schedule${
          layer === undefined ? "" : `, { budget: "server" }`
        })`
      ]
      : [
        ...isPeriod ? [`// A loop: work.pipe(loop)\nexport const loop = Loop.run(schedule)`] : [],
        `// ${isPeriod ? "Or a" : "A"} retry: call.pipe(retry)\nexport const retry = Retry.run(schedule${options})`
      ],
    ...layer === undefined
      ? []
      : [`// One for all calls to the server: Effect.provide(budget)\nexport const budget = ${layer}`]
  ].join("\n\n")
  const used = modules.filter((name) => new RegExp(`\\b${name}\\.`).test(body))
  const effect = /\bSchedule\./.test(body) ? `import { Schedule } from "effect"\n` : ""
  return `${effect}import { ${used.join(", ")} } from "effect-wait"\n\n${body}\n`
}
