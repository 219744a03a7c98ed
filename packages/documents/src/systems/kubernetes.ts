/** Kubernetes' `wait.Backoff`, as Go writes it, in the keys of a ConfigMap, and in Argo Events. */
import * as Backoff from "effect-wait/Backoff"
import * as Equal from "effect/Equal"
import * as Result from "effect/Result"
import { atLeast, fieldsOf, finite, goDuration, integer, retry } from "../fields.ts"
import { byKeys, keyOf, manifestOf, named, type Node, parentOf, type Reader } from "../reader.ts"
import { toInput } from "../Time.ts"

const known = ["duration", "factor", "jitter", "steps", "cap"]

const fold = (key: string) => /^(Duration|Factor|Jitter|Steps|Cap)$/.test(key) ? key.toLowerCase() : key

// How often Go's ExponentialBackoff checks. A cap that is passed ends it before its steps.
const goRuns = (policy: Backoff.Policy): number => {
  if (policy.cap === undefined) return policy.steps
  let runs = 0
  let left = policy
  while (left.steps > 0) {
    runs++
    const [delay, next] = Backoff.step(left, 0)
    // A delay that has stopped growing never passes the cap.
    if (Equal.equals(delay, next.duration)) return runs + next.steps
    left = next
  }
  return runs
}

const names = /^(retryStrategy|connectionBackoff|backoff)$/

/** Argo Events has Go's Backoff with other defaults. */
export const isArgoEvents = (node: Node): boolean => {
  const { apiVersion = "", kind } = manifestOf(node) ?? {}
  const isManifest = apiVersion.startsWith("argoproj.io/") && (kind === "Sensor" || kind === "EventSource")
  const isAlone = keyOf(node) === "connectionBackoff" ||
    keyOf(node) === "retryStrategy" && known.some((key) => key in node.value) && !("retries" in node.value)
  return isManifest && names.test(keyOf(node)) || apiVersion === "" && isAlone
}

export const kubernetes: Reader = {
  system: "kubernetes",
  tells: /^(duration|factor|steps|jitter|retryStrategy|connectionBackoff|backoff)$/i,
  match: (node) => {
    if (isArgoEvents(node)) return named(node.value)
    const keys = Object.keys(node.value).map(fold)
    // A ConfigMap has more than that: `_example`.
    const isConfigMap = keyOf(node) === "data" && parentOf(node)?.["kind"] === "ConfigMap"
    if (isConfigMap && keys.includes("duration") && keys.includes("steps")) return "certain"
    const match = byKeys(node.value, { known, signs: known, enough: 2, fold })
    return match === "shape" && !(keys.includes("duration") && keys.includes("steps")) ? keys.length : match
  },
  read: (node) => {
    const isEvents = isArgoEvents(node)
    const title = isEvents ? "an Argo Events Backoff" : "a Kubernetes Backoff"
    const fields = fieldsOf(node.value, node.keys, { title, fold })
    const duration = fields.schedule("duration", goDuration("ns")) ?? (isEvents ? 1000 : undefined)
    const factor = fields.schedule("factor", atLeast(0)) ?? (isEvents ? 1 : 0)
    const jitter = fields.schedule("jitter", finite) ?? (isEvents ? 1 : 0)
    const stated = fields.schedule("steps", integer(isEvents ? 0 : 1))
    const steps = isEvents && (stated ?? 0) === 0 ? 5 : stated
    const cap = isEvents ? 0 : fields.schedule("cap", goDuration("ns")) ?? 0
    if (!isEvents) {
      fields.missing("duration")
      fields.missing("steps")
    }
    if (parentOf(node)?.["kind"] === "ConfigMap") fields.leave()
    return Result.map(
      fields.done(() => {
        const base = { kind: "backoff", duration: duration ?? 0, factor, jitter, steps: steps ?? 1 } as const
        const capped = cap === 0 ? base : { ...base, cap }
        const runs = goRuns({
          ...capped,
          duration: toInput(capped.duration),
          cap: cap === 0 ? undefined : toInput(cap)
        })
        const ends = `after ${runs} of ${base.steps} runs, and a last wait that no run follows`
        return retry(
          { base: capped, attempts: runs },
          [
            ...runs < base.steps ? [`Go gives up once the cap is passed: ${ends}`] : [],
            ...isEvents && !fields.has("jitter")
              ? ["Without a jitter Argo Events has one of 1: each delay is up to twice as long"]
              : []
          ]
        )
      }),
      (read) => [read]
    )
  }
}
