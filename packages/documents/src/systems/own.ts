/** The options of the command line as the keys of a document. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { atLeast, fieldsOf, flag, integer, type Kind, kind } from "../fields.ts"
import { backoffs, crons, jitters, parseBackoff, parseCron, parseJitter, settingsOf } from "../options.ts"
import type { Jitters } from "../Policy.ts"
import { byKeys, type Node, type Reader } from "../reader.ts"
import { durations, parse } from "../Time.ts"

const known = [
  "interval",
  "period",
  "nonSliding",
  "ticker",
  "cron",
  "backoff",
  "factor",
  "jitter",
  "fullJitter",
  "attempts",
  "times",
  "within"
]

const fold = (key: string) =>
  key === "times" ? "attempts" : key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

// In a document of ours there is nothing but policies, by name or in lists.
const isOurs = ({ parents }: Node): boolean =>
  parents.every((parent) => Object.values(Object(parent)).every(Predicate.isObjectOrArray))

const inText = <A>(read: (text: string) => Option.Option<A>, allowed: Kind<A>["allowed"]): Kind<A> =>
  kind((value) => Option.flatMap(Option.liftPredicate(value, Predicate.isString), read), allowed)

const duration: Kind<number> = kind(
  (value) => value === 0 ? Option.some(0) : Option.flatMap(Option.liftPredicate(value, Predicate.isString), parse),
  durations
)

const jitter: Kind<Jitters> = kind(
  (value) =>
    Option.orElse(
      inText(parseJitter, "").read(value),
      () => Option.map(atLeast(0).read(value), (factor): Jitters => ({ kind: "additive", factor }))
    ),
  jitters
)

const signs = known.filter((key) => key !== "factor" && key !== "jitter")

export const own: Reader = {
  system: "effect-wait",
  tells: /^(interval|period|non-?sliding|ticker|cron|backoff|within|attempts|times|full-?jitter)$/i,
  match: (node) => {
    const match = byKeys(node.value, { known, signs, fold })
    const { backoff } = node.value
    const says = ["interval", "period", "cron"].some((key) => key in node.value) || Predicate.isString(backoff)
    if (isOurs(node)) return match !== "shape" || says ? match : "attempts" in node.value ? 1 : 0
    // In a document of others only what is one from its first key to its last.
    return match === "shape" && says ? Object.keys(node.value).length : 0
  },
  read: (node) => {
    const fields = fieldsOf(node.value, node.keys, { title: "a policy of effect-wait", fold })
    const waits = {
      interval: fields.schedule("interval", duration),
      period: fields.schedule("period", duration),
      nonSliding: fields.schedule("nonSliding", flag),
      ticker: fields.schedule("ticker", flag),
      cron: fields.schedule("cron", inText(parseCron, (value) => crons(String(value)))),
      backoff: fields.schedule("backoff", inText(parseBackoff, backoffs)),
      factor: fields.schedule("factor", atLeast(0)),
      jitter: fields.schedule("jitter", jitter),
      fullJitter: fields.schedule("fullJitter", flag),
      attempts: fields.schedule("attempts", integer(1)),
      within: fields.schedule("within", duration)
    }
    const settings = settingsOf(waits)
    const says = ["interval", "period", "cron", "backoff"].some(fields.has)
    if (!says) fields.wrong("does not say how it is waited: interval, period, cron or backoff is missing")
    // The words of the command line, but for their dashes.
    if (Result.isFailure(settings)) {
      fields.wrong(`is not possible: ${settings.failure.replaceAll(/Invalid value for flag |--/g, "")}`)
    }
    return Result.map(
      fields.done(() => {
        const asked = Result.getOrElse(settings, () => undefined) ?? { base: { kind: "sliding" as const, period: 0 } }
        return {
          kind: asked.base.kind === "cron" ? "calendar" : "retry",
          settings: asked,
          notes: []
        }
      }),
      (read) => [read]
    )
  }
}
