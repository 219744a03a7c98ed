/** The OpenTelemetry Collector's `retry_on_failure`: cenkalti's ExponentialBackOff, with a limit in time. */
import { atLeast, fieldsOf, flag, fraction, goDuration, retry } from "../fields.ts"
import type { Settings } from "../Policy.ts"
import { alone, byKeys, keyOf, named, parentOf, type Reader } from "../reader.ts"
import { format } from "../Time.ts"

const known = [
  "enabled",
  "initial_interval",
  "randomization_factor",
  "multiplier",
  "max_interval",
  "max_elapsed_time"
]

export const otel: Reader = {
  system: "otel",
  tells: /^(retry_on_failure|initial_interval|randomization_factor|max_interval|max_elapsed_time)$/,
  match: (node) =>
    keyOf(node) === "retry_on_failure"
      ? named(node.value)
      : byKeys(node.value, { known, signs: known.filter((key) => key !== "enabled" && key !== "multiplier") }),
  read: (node) => {
    const fields = fieldsOf(node.value, node.keys, { title: "an OpenTelemetry retry_on_failure" })
    const duration = goDuration("ns")
    const isEnabled = fields.schedule("enabled", flag) ?? true
    const base = fields.schedule("initial_interval", duration) ?? 5000
    const spread = fields.schedule("randomization_factor", fraction) ?? 0.5
    const factor = fields.schedule("multiplier", atLeast(0)) ?? 1.5
    const cap = fields.schedule("max_interval", duration) ?? 30_000
    const total = fields.schedule("max_elapsed_time", duration) ?? 300_000
    const attempt = keyOf(node) === "retry_on_failure" ? timeoutOf(parentOf(node)?.["timeout"]) : undefined
    if (total > 0 && total < Math.max(base, cap)) {
      const other = total < base ? `initial_interval, ${format(base)}` : `max_interval, ${format(cap)}`
      fields.wrong(`must not be less than ${other}: the collector does not start with that`, "max_elapsed_time")
    }
    return alone(fields.done(() => {
      // The first delay has no cap.
      const delays: Settings["base"] = base > cap
        ? { kind: "then", first: base, base: cap, factor: 1, cap }
        : { kind: "exponential", base, factor, cap }
      const settings: Settings = {
        base: delays,
        ...spread === 0 ? {} : { jitter: { kind: "between", min: 1 - spread, max: 1 + spread } },
        ...total === 0 ? {} : { within: total }
      }
      return retry(
        isEnabled ? settings : { base: { kind: "sliding", period: 0 }, attempts: 1 },
        [
          ...isEnabled ? [] : ["It is not enabled: nothing is retried"],
          "A server that throttles can make a delay longer; a permanent error is not retried",
          ...isEnabled && total === 0 ? ["max_elapsed_time is 0: data is retried for ever, and the queue fills up"] : []
        ],
        { attempt, ...isEnabled && total > 0 ? { total } : {} }
      )
    }))
  }
}

const timeoutOf = (value: unknown): number | undefined => {
  const { read } = goDuration("ns")
  const found = read(value)
  return found._tag === "Some" && found.value > 0 ? found.value : undefined
}
