/** Temporal's RetryPolicy, in the spellings of its SDKs, its protobuf and its dynamic config. */
import * as Result from "effect/Result"
import {
  anyDuration,
  atLeast,
  fieldsOf,
  folded,
  integer,
  type Kind,
  kind,
  names,
  number,
  numberIn,
  retry
} from "../fields.ts"
import type { Read, Reading } from "../model.ts"
import { byKeys, childOf, entriesOf, type Match, type Node, type Reader } from "../reader.ts"
import { format } from "../Time.ts"

const known = [
  "initialInterval",
  "initialIntervalInSeconds",
  "backoffCoefficient",
  "maximumInterval",
  "maximumIntervalInSeconds",
  "maximumIntervalCoefficient",
  "maximumAttempts",
  "expirationInterval",
  "expirationIntervalInSeconds",
  "nonRetryableErrorTypes",
  "nonRetryableErrorReasons"
]

const limits = ["scheduleToCloseTimeout", "startToCloseTimeout", "scheduleToStartTimeout", "heartbeatTimeout"]

const wrappers = ["retryPolicy", "retry", "retry_policy", "RetryPolicy"]

const match = (entries: { readonly [key: string]: unknown }): Match =>
  byKeys(entries, { known, signs: known, fold: folded })

// In Go's protobuf, 0 is the default.
const unlessZero = (millis: number | undefined) => millis === 0 ? undefined : millis

const coefficient: Kind<number> = kind(
  (value) => value === 0 ? number(() => true, "").read(2) : atLeast(1).read(value),
  "a number of 1 or more"
)

const readPolicy = (
  node: Node,
  outside: { readonly attempt: number | undefined; readonly total: number | undefined },
  outsideNotes: ReadonlyArray<string>
): Reading<Read> => {
  const fields = fieldsOf(node.value, node.keys, { title: "a Temporal RetryPolicy", fold: folded })
  const interval = (key: string) =>
    unlessZero(fields.schedule(key, anyDuration)) ?? unlessZero(fields.schedule(`${key}InSeconds`, numberIn("s")))
  const base = interval("initialInterval") ?? 1000
  const factor = fields.schedule("backoffCoefficient", coefficient) ?? 2
  const times = fields.schedule("maximumIntervalCoefficient", atLeast(1)) ?? 100
  const cap = interval("maximumInterval") ?? times * base
  const attempts = fields.schedule("maximumAttempts", integer(0)) ?? 0
  const expiration = interval("expirationInterval")
  const errors = [
    ...fields.note("nonRetryableErrorTypes", names) ?? [],
    ...fields.note("nonRetryableErrorReasons", names) ?? []
  ]
  if (cap < base) {
    fields.wrong(`has a maximumInterval, ${format(cap)}, below its initialInterval, ${format(base)}`)
  }
  const total = outside.total ?? expiration
  return fields.done(() =>
    retry(
      {
        base: { kind: "exponential", base, factor, cap },
        ...attempts === 0 ? {} : { attempts },
        ...total === undefined ? {} : { within: total }
      },
      [
        ...errors.length === 0
          ? []
          : [`Temporal does not retry ${errors.join(", ")}: that is up to the program, not to its schedule`],
        ...outsideNotes
      ],
      { attempt: outside.attempt, total }
    )
  )
}

const policyOf = (node: Node): Node | undefined => {
  for (const key of wrappers) {
    const entries = entriesOf(node.value[key])
    if (entries !== undefined) return childOf(node, key, entries)
  }
  return undefined
}

const readOptions = (node: Node, policy: Node): Reading<Read> => {
  const fields = fieldsOf(node.value, node.keys, { title: "Temporal's options", fold: folded })
  const timeout = (key: string) => unlessZero(fields.timeout(key, anyDuration))
  const attempt = timeout("startToCloseTimeout") ?? timeout("workflowRunTimeout")
  const total = timeout("scheduleToCloseTimeout") ?? timeout("workflowExecutionTimeout")
  const queue = unlessZero(fields.note("scheduleToStartTimeout", anyDuration))
  const heartbeat = unlessZero(fields.note("heartbeatTimeout", anyDuration))
  fields.leave()
  const options = fields.done(() => retry({ base: { kind: "sliding", period: 0 } }))
  const notes = [
    ...queue === undefined || queue === total
      ? []
      : [`An attempt that no worker takes within ${format(queue)} (scheduleToStartTimeout) ends the activity`],
    ...heartbeat === undefined ? [] : [`An attempt without a heartbeat for ${format(heartbeat)} has failed`]
  ]
  return Result.flatMap(
    options,
    ({ parts }) =>
      Result.map(readPolicy(policy, { attempt, total }, notes), (read): Read => ({
        ...read,
        keys: node.keys,
        parts: [...read.parts, ...parts]
      }))
  )
}

export const temporal: Reader = {
  system: "temporal",
  tells: /^retry$|retry_?policy|interval|coefficient|maximum_?attempts|error_?(types|reasons)$/i,
  match: (node) => {
    const policy = policyOf(node)
    const inner = policy === undefined ? 0 : match(policy.value)
    const keys = new Set(Object.keys(node.value).map(folded))
    if (inner === "shape") return "certain"
    if (inner !== 0 && limits.some((limit) => keys.has(folded(limit)))) return "certain"
    return match(node.value)
  },
  read: (node) => {
    const policy = policyOf(node)
    return Result.map(
      policy === undefined || match(node.value) === "shape"
        ? readPolicy(node, { attempt: undefined, total: undefined }, [])
        : readOptions(node, policy),
      (read) => [read]
    )
  }
}
