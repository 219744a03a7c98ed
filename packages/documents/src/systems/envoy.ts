/** Envoy's `retry_policy`, also as Envoy Gateway writes it, and Istio's `retries`, which become one. */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import {
  anything,
  type Fields,
  fieldsOf,
  folded,
  goDuration,
  integer,
  type Kind,
  kind,
  names,
  positiveOf,
  protoDuration,
  retry
} from "../fields.ts"
import type { Read, Reading } from "../model.ts"
import type { Settings } from "../Policy.ts"
import { alone, byKeys, entriesOf, keyOf, manifestOf, type Match, type Node, parentOf, type Reader } from "../reader.ts"

const signs = [
  "retryOn",
  "numRetries",
  "retryBackOff",
  "perTryTimeout",
  "retriableStatusCodes",
  "rateLimitedRetryBackOff"
]

const unsaid = [
  "retryPriority",
  "retryHostPredicate",
  "hostSelectionRetryMaxAttempts",
  "retryOptionsPredicates",
  "retriableStatusCodes",
  "retriableHeaders",
  "retriableRequestHeaders",
  "perTryIdleTimeout"
]

const known = [...signs, ...unsaid]

// Envoy's YAML has protobuf's durations, people write Go's.
const duration: Kind<number> = kind(
  (value) => Option.orElse(protoDuration.read(value), () => goDuration().read(value)),
  protoDuration.allowed
)

/** Envoy draws each delay from 0 to a bound, and doubles the bound. */
const fullJitter = (base: number, cap: number, retries: number): Settings => ({
  base: { kind: "exponential", base, factor: 2, cap },
  jitter: { kind: "full" },
  attempts: retries + 1
})

const backoffOf = (fields: Fields | undefined, byDefault = 25): { readonly base: number; readonly cap: number } => {
  const base = fields?.schedule("baseInterval", positiveOf(duration)) ?? byDefault
  const cap = fields?.schedule("maxInterval", positiveOf(duration)) ?? 10 * base
  if (cap < base) fields?.wrong("must not be below baseInterval: Envoy refuses that", "maxInterval")
  return { base, cap }
}

const whole = (settings: Settings, total: number | undefined): Settings =>
  total === undefined || total === 0 ? settings : { ...settings, within: total }

const conditionNote = (conditions: ReadonlyArray<string>) =>
  conditions.length === 0
    ? ["Without retry_on nothing is retried"]
    : [`Envoy retries ${conditions.join(", ")} only: that is up to the program, not to its schedule`]

const readPolicy = (node: Node, outer: Fields | undefined, isRoute: boolean): Reading<Read> => {
  const fields = outer?.inside(Object.keys(node.value).find((key) => folded(key) === "retrypolicy") ?? "") ??
    fieldsOf(node.value, node.keys, { title: "an Envoy retry_policy", fold: folded })
  const conditions = fields.note("retryOn", names) ?? []
  const retries = fields.schedule("numRetries", integer(0)) ?? 1
  const attempt = fields.timeout("perTryTimeout", duration)
  // What Envoy fetches for itself has another default.
  const isFetch = outer?.has("httpUri") ?? false
  const { base, cap } = backoffOf(fields.inside("retryBackOff"), isFetch ? 1000 : 25)
  const limited = fields.note("rateLimitedRetryBackOff", anything)
  unsaid.forEach((key) => fields.note(key, anything))
  const timeout = outer?.timeout("timeout", duration)
  outer?.leave()
  const total = timeout ?? (isRoute ? 15_000 : undefined)
  return fields.done(() =>
    retry(
      whole(fullJitter(base, cap, retries), total),
      [
        ...isFetch ? [] : conditionNote(conditions),
        ...isRoute && timeout === undefined ? ["The route's timeout is Envoy's default, 15s for all attempts"] : [],
        ...limited === undefined ? [] : ["The delay after a rate limit is the server's, and not shown"]
      ],
      { attempt: attempt === 0 ? undefined : attempt, ...total === 0 ? {} : { total } }
    )
  )
}

const isPolicy = (value: unknown): Match => {
  const entries = entriesOf(value)
  return entries === undefined ? 0 : byKeys(entries, { known, signs, fold: folded })
}

const policyOf = (node: Node): unknown => Object.entries(node.value).find(([key]) => folded(key) === "retrypolicy")?.[1]

const isGateway = (node: Node) =>
  keyOf(node) === "retry" && ("perRetry" in node.value || entriesOf(node.value["retryOn"]) !== undefined)

const readGateway = (node: Node): Reading<Read> => {
  const fields = fieldsOf(node.value, node.keys, { title: "an Envoy Gateway retry", fold: folded })
  const retries = fields.schedule("numRetries", integer(0)) ?? 2
  const inner = fields.inside("perRetry")
  const attempt = inner?.timeout("timeout", goDuration())
  const { base, cap } = backoffOf(inner?.inside("backOff"))
  const on = fields.inside("retryOn")
  const conditions = ["triggers", "httpStatusCodes"].flatMap((key) => on?.note(key, names) ?? [])
  fields.note("numAttemptsPerPriority", anything)
  return fields.done(() =>
    retry(fullJitter(base, cap, retries), conditions.length === 0 ? [] : conditionNote(conditions), { attempt })
  )
}

export const envoy: Reader = {
  system: "envoy",
  tells: /retr(y|ies|iable)|per_?try/i,
  match: (node) => {
    if (isPolicy(policyOf(node)) === "shape" || isGateway(node)) return "certain"
    return isPolicy(node.value)
  },
  read: (node) => {
    if (isGateway(node)) return alone(readGateway(node))
    if (isPolicy(policyOf(node)) !== "shape") return alone(readPolicy(node, undefined, false))
    const outer = fieldsOf(node.value, node.keys, { title: "an Envoy route", fold: folded })
    const isRoute = ["cluster", "weightedclusters", "clusterheader"].some((key) => outer.has(key))
    // It is the route that has the policy, and the timeout beside it.
    return alone(Result.map(readPolicy(node, outer, isRoute), (read) => ({ ...read, keys: node.keys })))
  }
}

const istioGroup = "networking.istio.io/"

const istioKeys = [
  "attempts",
  "perTryTimeout",
  "retryOn",
  "retryRemoteLocalities",
  "retryIgnorePreviousHosts",
  "backoff"
]

export const istio: Reader = {
  system: "istio",
  tells: /^(retries|attempts|perTryTimeout|retryOn|retryRemoteLocalities|retryIgnorePreviousHosts|backoff)$/,
  match: (node) => {
    const match = byKeys(node.value, { known: istioKeys, signs: istioKeys })
    if (match === 0 || Object.keys(node.value).join() === "attempts" && keyOf(node) !== "retries") return 0
    // The retries of another kind of manifest are not Istio's.
    if (!(manifestOf(node)?.apiVersion ?? istioGroup).startsWith(istioGroup)) return 1
    return keyOf(node) === "retries" && "attempts" in node.value
      ? "certain"
      : match === "shape" && !("perTryTimeout" in node.value && "attempts" in node.value)
      ? 1
      : match
  },
  read: (node) => {
    const fields = fieldsOf(node.value, node.keys, { title: "Istio's retries" })
    const retries = fields.schedule("attempts", integer(0)) ?? 0
    const attempt = fields.timeout("perTryTimeout", goDuration())
    const base = fields.schedule("backoff", positiveOf(goDuration())) ?? 25
    const conditions = fields.note("retryOn", names) ?? []
    fields.note("retryRemoteLocalities", anything)
    fields.note("retryIgnorePreviousHosts", anything)
    fields.missing("attempts")
    const route = parentOf(node)
    const total = Option.getOrUndefined(goDuration().read(route?.["timeout"]))
    const name = route?.["name"]
    return alone(fields.done(() => ({
      ...retry(
        whole(fullJitter(base, 10 * base, retries), total),
        [
          ...retries === 0 ? ["With 0 attempts nothing is retried"] : [],
          ...conditions.length === 0 ? [] : conditionNote(conditions),
          "Envoy's bounds of the delays are 25ms at first and at most ten times that"
        ],
        { attempt, ...total === 0 ? {} : { total } }
      ),
      name: typeof name === "string" ? name : ""
    })))
  }
}
