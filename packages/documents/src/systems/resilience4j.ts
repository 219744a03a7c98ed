/** resilience4j's retries: instances, and the configs that they are made from. */
import * as Result from "effect/Result"
import {
  anything,
  atLeast,
  type Entries,
  fieldsOf,
  flag,
  folded,
  fraction,
  integer,
  javaDuration,
  names,
  retry,
  text
} from "../fields.ts"
import type { Read, Reading } from "../model.ts"
import type { Settings } from "../Policy.ts"
import { alone, byKeys, collect, entriesOf, keyOf, type Node, type Reader } from "../reader.ts"

const signs = [
  "waitDuration",
  "enableExponentialBackoff",
  "exponentialBackoffMultiplier",
  "exponentialMaxWaitDuration",
  "enableRandomizedWait",
  "randomizedWaitFactor",
  "failAfterMaxAttempts",
  "ignoreExceptions",
  "retryExceptionPredicate"
]

const unsaid = [
  "resultPredicate",
  "retryExceptionPredicate",
  "consumeResultBeforeRetryAttempt",
  "failAfterMaxAttempts",
  "eventConsumerBufferSize",
  "registerHealthIndicator",
  "baseConfig"
]

const known = ["maxAttempts", "retryExceptions", "intervalBiFunction", ...signs, ...unsaid]

const entryOf = (entries: Entries, name: string): unknown =>
  Object.entries(entries).find(([key]) => folded(key) === folded(name))?.[1]

const simple = (name: string) => name.split(".").at(-1)

const readOne = (value: Entries, node: Node, name: string): Reading<Read> => {
  const fields = fieldsOf(value, node.keys, { title: "a resilience4j retry", fold: folded })
  const attempts = fields.schedule("maxAttempts", integer(1)) ?? 3
  const wait = fields.schedule("waitDuration", javaDuration)
  const isExponential = fields.schedule("enableExponentialBackoff", flag) ?? false
  const isGrowing = fields.has("exponentialBackoffMultiplier") || fields.has("exponentialMaxWaitDuration")
  const isSpread = fields.has("randomizedWaitFactor")
  const factor = fields.schedule("exponentialBackoffMultiplier", atLeast(1)) ?? 1.5
  const longest = fields.schedule("exponentialMaxWaitDuration", javaDuration)
  const isRandom = fields.schedule("enableRandomizedWait", flag) ?? false
  const spread = fields.schedule("randomizedWaitFactor", fraction) ?? 0.5
  const errors = fields.note("retryExceptions", names) ?? []
  const ignored = fields.note("ignoreExceptions", names) ?? []
  const f = fields.note("intervalBiFunction", text)
  unsaid.forEach((key) => fields.note(key, anything))
  return fields.done(() => {
    // Without a wait the other settings of the delays are not looked at.
    const isFixed = wait === undefined || !isExponential
    const base: Settings["base"] = isFixed
      ? { kind: "sliding", period: wait ?? 500 }
      : { kind: "exponential", base: wait, factor, cap: isRandom ? Infinity : longest ?? Infinity }
    return {
      ...retry(
        {
          base,
          ...wait !== undefined && isRandom ? { jitter: { kind: "between", min: 1 - spread, max: 1 + spread } } : {},
          ...isRandom && isExponential && wait !== undefined && longest !== undefined ? { longest } : {},
          attempts
        },
        [
          ...wait === undefined && (isExponential || isRandom)
            ? ["Without a waitDuration resilience4j waits 500ms each time, whatever else is enabled"]
            : [],
          ...isGrowing && !isExponential ? ["Without enableExponentialBackoff each wait is as long as the first"] : [],
          ...isSpread && !isRandom ? ["Without enableRandomizedWait there is no randomized wait"] : [],
          ...errors.length === 0 ? [] : [`resilience4j retries ${errors.map(simple).join(", ")} only`],
          ...ignored.length === 0 ? [] : [`resilience4j does not retry ${ignored.map(simple).join(", ")}`],
          ...f === undefined ? [] : [`Its delays are those of ${f}, which are not known here`]
        ]
      ),
      name
    }
  })
}

const readAll = (node: Node): Reading<ReadonlyArray<Read>> => {
  const configs = entriesOf(entryOf(node.value, "configs")) ?? {}
  const each = (key: string): ReadonlyArray<Reading<ReadonlyArray<Read>>> =>
    Object.entries(entriesOf(entryOf(node.value, key)) ?? {}).map(([name, instance]) => {
      const own = entriesOf(instance) ?? {}
      const base = entryOf(own, "baseConfig")
      const keys = [...node.keys, key, name]
      const inherited = typeof base === "string" ? configs[base] : key === "configs" ? {} : configs["default"]
      if (typeof base === "string" && entriesOf(inherited) === undefined) {
        return Result.fail([{ keys: [...keys, "baseConfig"], reason: `is ${base}, and there is no such config` }])
      }
      // One spelling of each key, so that its own hides the inherited one.
      const merged = Object.fromEntries(
        [...Object.entries(entriesOf(inherited) ?? {}), ...Object.entries(own)].map((
          [key, value]
        ) => [folded(key), value])
      )
      return alone(readOne(merged, { ...node, keys }, name))
    })
  const instances = [...each("instances"), ...each("backends")]
  return collect(instances.length > 0 ? instances : each("configs"))
}

const isRetries = (value: Entries) =>
  ["instances", "backends", "configs"].some((key) => entriesOf(entryOf(value, key)) !== undefined)

export const resilience4j: Reader = {
  system: "resilience4j",
  tells: /resilience4j|retry$|wait|backoff|exceptions?/i,
  match: (node) => {
    const above = String(node.keys.at(-2) ?? "")
    if (keyOf(node).endsWith("retry") && above.endsWith("resilience4j") && isRetries(node.value)) return "certain"
    if (keyOf(node) === "resilience4j.retry" && isRetries(node.value)) return "certain"
    return byKeys(node.value, { known, signs, fold: folded })
  },
  read: (node) => isRetries(node.value) ? readAll(node) : alone(readOne(node.value, node, ""))
}
