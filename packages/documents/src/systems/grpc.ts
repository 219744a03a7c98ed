/** gRPC's service config: `retryPolicy` and `hedgingPolicy`, gRFC A6. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import {
  type Entries,
  fieldsOf,
  type Kind,
  kind,
  list,
  number,
  positive,
  positiveOf,
  protoDuration,
  retry
} from "../fields.ts"
import type { Read, Reading } from "../model.ts"
import { alone, byKeys, childOf, collect, entriesOf, type Match, type Node, type Reader } from "../reader.ts"
import { parse } from "../Time.ts"

// Go's decoder takes keys in any case, and `.01s`.
const fold = (key: string) => key.toLowerCase()

const retryKeys = ["maxAttempts", "initialBackoff", "maxBackoff", "backoffMultiplier", "retryableStatusCodes"]
const hedgingKeys = ["maxAttempts", "hedgingDelay", "nonFatalStatusCodes"]

const retryMatch = (entries: Entries): Match =>
  byKeys(entries, { known: retryKeys, signs: retryKeys.filter((key) => key !== "maxAttempts"), fold })

const hedgingMatch = (entries: Entries): Match =>
  byKeys(entries, { known: hedgingKeys, signs: ["hedgingDelay", "nonFatalStatusCodes"], fold })

const duration = kind(
  (value) => Predicate.isString(value) && /^\.\d{1,9}s$/.test(value) ? parse(value) : protoDuration.read(value),
  protoDuration.allowed
)

const statuses: Kind<ReadonlyArray<string>> = list(
  kind(
    (value) => Predicate.isString(value) || Number.isInteger(value) ? Option.some(String(value)) : Option.none(),
    ""
  ),
  "a list of status codes such as [\"UNAVAILABLE\"]"
)

const attempts = number((n) => Number.isSafeInteger(n) && n > 1, "an integer greater than 1")

const most = 5

const fewer = (attempts: number): ReadonlyArray<string> =>
  attempts > most ? [`gRPC's clients make at most ${most} attempts, not ${attempts}`] : []

const within = (timeout: number | undefined) => timeout === undefined ? {} : { within: timeout }

const readRetry = (node: Node, timeout: number | undefined): Reading<Read> => {
  const fields = fieldsOf(node.value, node.keys, { title: "a gRPC retryPolicy", fold })
  const maxAttempts = fields.schedule("maxAttempts", attempts) ?? 0
  const base = fields.schedule("initialBackoff", positiveOf(duration)) ?? 0
  const cap = fields.schedule("maxBackoff", positiveOf(duration)) ?? 0
  const factor = fields.schedule("backoffMultiplier", positive) ?? 0
  const codes = fields.note("retryableStatusCodes", statuses) ?? []
  const isGapic = retryKeys.every((key) => fields.has(key) || key === "maxAttempts")
  fields.missing(
    "maxAttempts",
    isGapic
      ? "is missing: gRPC's clients refuse such a policy. Google's own libraries read it, and retry until the timeout"
      : "is missing"
  )
  fields.missing("initialBackoff")
  fields.missing("maxBackoff")
  fields.missing("backoffMultiplier")
  return fields.done(() =>
    retry(
      {
        base: { kind: "exponential", base, factor, cap },
        jitter: { kind: "between", min: 0.8, max: 1.2 },
        attempts: Math.min(maxAttempts, most),
        ...within(timeout)
      },
      [
        ...fewer(maxAttempts),
        codes.length === 0
          ? "gRPC takes no retryPolicy without retryableStatusCodes"
          : `gRPC retries ${codes.join(", ")} only: that is up to the program, not to its schedule`
      ],
      { total: timeout }
    )
  )
}

const readHedging = (node: Node, timeout: number | undefined): Reading<Read> => {
  const fields = fieldsOf(node.value, node.keys, { title: "a gRPC hedgingPolicy", fold })
  const maxAttempts = fields.schedule("maxAttempts", attempts) ?? 0
  const delay = fields.schedule("hedgingDelay", duration) ?? 0
  const codes = fields.note("nonFatalStatusCodes", statuses) ?? []
  fields.missing("maxAttempts")
  return fields.done(() => ({
    kind: "hedge",
    settings: {
      base: { kind: "nonSliding", period: delay },
      attempts: Math.min(maxAttempts, most),
      ...within(timeout)
    },
    notes: [
      "These attempts are beside each other: the next one begins after the delay, whether the last one has ended or not. " +
      "It is a schedule for Retry.hedge",
      ...fewer(maxAttempts),
      codes.length === 0
        ? "Any error but a success ends the call, and all of its attempts"
        : `After ${codes.join(", ")} the next attempt begins at once; any other error ends the call`
    ],
    timeouts: { total: timeout }
  }))
}

const Names = kind((value) => Array.isArray(value) ? Option.some(value) : Option.none(), "a list of methods")

const nameOf = (config: Entries): string => {
  const names = Option.getOrElse(Names.read(config["name"]), () => [])
  return names.flatMap((item) => {
    const { method, service } = entriesOf(item) ?? {}
    if (!Predicate.isString(service) || service === "") return []
    return Predicate.isString(method) ? [`${service}/${method}`] : [service]
  }).join(", ")
}

// A policy, and the timeout of the call beside it.
const readMethod = (node: Node): Reading<ReadonlyArray<Read>> => {
  const timeoutOf = fieldsOf(node.value, node.keys, { title: "a gRPC methodConfig" })
  const timeout = timeoutOf.timeout("timeout", positiveOf(duration))
  timeoutOf.leave()
  const whole = timeoutOf.done(() => retry({ base: { kind: "sliding", period: 0 } }))
  const read = (["retryPolicy", "hedgingPolicy"] as const).flatMap((key): Array<Reading<Read>> => {
    const entries = entriesOf(node.value[key])
    if (entries === undefined) return []
    const inner = childOf(node, key, entries)
    return [key === "retryPolicy" ? readRetry(inner, timeout) : readHedging(inner, timeout)]
  })
  return Result.flatMap(whole, ({ parts }) =>
    Result.map(collect(read.map(alone)), (read) =>
      read.map((read): Read => ({
        ...read,
        name: nameOf(node.value),
        // It is the method that has the policy.
        keys: node.keys,
        parts: [...read.parts, ...parts]
      }))))
}

const readService = (node: Node): Reading<ReadonlyArray<Read>> => {
  const methods = node.value["methodConfig"]
  const keys = [...node.keys, "methodConfig"]
  const each = (Array.isArray(methods) ? methods : []).flatMap((method, i): Array<Reading<ReadonlyArray<Read>>> => {
    const entries = entriesOf(method)
    if (entries === undefined || !("retryPolicy" in entries || "hedgingPolicy" in entries)) return []
    return [readMethod({ value: entries, keys: [...keys, i], parents: [...node.parents, node.value, methods] })]
  })
  const notes = node.value["retryThrottling"] === undefined
    ? []
    : ["retryThrottling stops the retries of all calls to a server that fails often: RetryBudget.layerThrottling"]
  return each.length === 0
    ? Result.fail([{ keys, reason: "has no retryPolicy and no hedgingPolicy" }])
    : Result.map(collect(each), (found) => found.map((read) => ({ ...read, notes: [...read.notes, ...notes] })))
}

export const grpc: Reader = {
  system: "grpc",
  tells: /^(methodConfig|retryPolicy|hedgingPolicy)$|backoff|StatusCodes$|^hedgingDelay$/i,
  match: ({ value }) => {
    if ("methodConfig" in value) return "certain"
    const retry = entriesOf(value["retryPolicy"])
    const hedging = entriesOf(value["hedgingPolicy"])
    if (hedging !== undefined && hedgingMatch(hedging) === "shape") return "certain"
    if (retry !== undefined && retryMatch(retry) === "shape") return "certain"
    const match = hedgingMatch(value)
    return match === 0 ? retryMatch(value) : match
  },
  read: (node) => {
    if ("methodConfig" in node.value) return readService(node)
    if ("retryPolicy" in node.value || "hedgingPolicy" in node.value) return readMethod(node)
    const read = hedgingMatch(node.value) === 0 ? readRetry : readHedging
    return alone(read(node, undefined))
  }
}
