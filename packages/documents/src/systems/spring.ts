/** Spring's properties: RabbitMQ, Kafka, Cloud Config, Cloud Stream, and the Retry filter of its gateway. */
import {
  anything,
  atLeast,
  type Fields,
  fieldsOf,
  flag,
  folded,
  fraction,
  integer,
  javaDuration,
  names,
  retry
} from "../fields.ts"
import type { Drawn } from "../fields.ts"
import type { Settings } from "../Policy.ts"
import { alone, byKeys, type Node, type Reader } from "../reader.ts"

const keysOf = ({ keys }: Node) => keys.map((key) => folded(String(key)))

interface Shape {
  readonly name: string
  /** Where it stands. */
  readonly is: (keys: ReadonlyArray<string>, node: Node) => boolean
  readonly read: (fields: Fields) => () => Drawn
}

const off = (): Drawn =>
  retry({ base: { kind: "sliding", period: 0 }, attempts: 1 }, ["It is not enabled: nothing is retried"])

const growing = (base: number, factor: number, cap: number): Settings["base"] =>
  factor > 1
    ? { kind: "exponential", base: Math.min(base, cap), factor, cap }
    : { kind: "sliding", period: Math.min(base, cap) }

// Version 4 of Spring Boot counts the retries, not the attempts.
const attemptsOf = (fields: Fields, by: number): number => {
  const attempts = fields.schedule("maxAttempts", integer(1))
  const retries = fields.schedule("maxRetries", integer(0))
  return retries === undefined ? attempts ?? by : retries + 1
}

const rabbit: Shape = {
  name: "RabbitMQ",
  is: (keys) => keys.includes("rabbitmq") && keys.at(-1) === "retry",
  read: (fields) => {
    const isEnabled = fields.schedule("enabled", flag) ?? false
    const base = fields.schedule("initialInterval", javaDuration) ?? 1000
    const cap = fields.schedule("maxInterval", javaDuration) ?? 10_000
    const factor = fields.schedule("multiplier", atLeast(0)) ?? 1
    const attempts = attemptsOf(fields, 3)
    fields.note("stateless", flag)
    return () =>
      isEnabled
        ? retry({ base: growing(base, factor, cap), attempts }, [
          "It retries in the thread of the listener or of the sender, which waits"
        ])
        : off()
  }
}

const kafka: Shape = {
  name: "Kafka",
  is: (keys) => keys.includes("kafka") && keys.at(-1) === "topic" && keys.at(-2) === "retry",
  read: (fields) => {
    const isEnabled = fields.schedule("enabled", flag) ?? false
    const attempts = fields.schedule("attempts", integer(1)) ?? 3
    const inner = fields.inside("backoff")
    const base = inner?.schedule("delay", javaDuration) ?? fields.schedule("delay", javaDuration) ?? 1000
    const factor = inner?.schedule("multiplier", atLeast(0)) ?? fields.schedule("multiplier", atLeast(0)) ?? 0
    const cap = inner?.schedule("maxDelay", javaDuration) ?? fields.schedule("maxDelay", javaDuration) ?? 30_000
    const isRandom = inner?.schedule("random", flag) ?? fields.schedule("randomBackOff", flag) ?? false
    const jitter = inner?.schedule("jitter", javaDuration) ?? 0
    return () =>
      isEnabled
        ? retry(
          {
            base: factor > 1 ? growing(base, factor, cap) : { kind: "sliding", period: base },
            ...isRandom && factor > 1 ? { jitter: { kind: "between", min: 1, max: factor }, longest: cap } : {},
            attempts
          },
          [
            "Each delay is a topic of its own: the records behind do not wait",
            ...jitter > 0 ? ["The jitter, a duration, is not shown"] : []
          ]
        )
        : off()
  }
}

const config: Shape = {
  name: "Cloud Config",
  is: (keys) => keys.includes("config") && keys.includes("cloud") && keys.at(-1) === "retry",
  read: (fields) => {
    const base = fields.schedule("initialInterval", javaDuration) ?? 1000
    const cap = fields.schedule("maxInterval", javaDuration) ?? 2000
    const factor = fields.schedule("multiplier", atLeast(0)) ?? 1.1
    const attempts = attemptsOf(fields, 6)
    const isRandom = fields.schedule("useRandomPolicy", flag) ?? false
    fields.note("enabled", flag)
    return () =>
      retry(
        {
          base: growing(base, factor, cap),
          ...isRandom && factor > 1 ? { jitter: { kind: "between", min: 1, max: factor }, longest: cap } : {},
          attempts
        },
        ["It needs spring-retry, and fail-fast: true"]
      )
  }
}

// gRPC has a backoffMultiplier too.
const streamSigns = ["backOffInitialInterval", "backOffMaxInterval"]

const stream: Shape = {
  name: "Cloud Stream",
  is: (keys, { value }) => {
    const own = new Set(Object.keys(value).map(folded))
    const isConsumer = keys.at(-1) === "consumer" && (keys.includes("bindings") || keys.includes("stream"))
    return streamSigns.some((key) => own.has(folded(key))) || isConsumer && own.has("maxattempts")
  },
  read: (fields) => {
    const attempts = fields.schedule("maxAttempts", integer(1)) ?? 3
    const base = fields.schedule("backOffInitialInterval", javaDuration) ?? 1000
    const cap = fields.schedule("backOffMaxInterval", javaDuration) ?? 10_000
    const factor = fields.schedule("backOffMultiplier", atLeast(0)) ?? 2
    fields.leave()
    return () =>
      retry({ base: growing(base, factor, cap), attempts }, [
        "It retries in the consumer's thread: the messages behind wait"
      ])
  }
}

const gateway: Shape = {
  name: "Cloud Gateway",
  is: (_, { value }) => value["name"] === "Retry" && typeof value["args"] === "object",
  read: (fields) => {
    fields.note("name", anything)
    const args = fields.inside("args")
    const retries = args?.schedule("retries", integer(0)) ?? 3
    const conditions = ["statuses", "series", "methods", "exceptions"].flatMap((key) => args?.note(key, names) ?? [])
    const total = args?.timeout("timeout", javaDuration)
    const spread = args?.inside("jitter")
    const random = spread?.schedule("randomFactor", fraction) ?? 0.5
    const backoff = args?.inside("backoff")
    const base = backoff?.schedule("firstBackoff", javaDuration) ?? 5
    const cap = backoff?.schedule("maxBackoff", javaDuration) ?? Infinity
    const factor = backoff?.schedule("factor", atLeast(1)) ?? 2
    backoff?.note("basedOnPreviousValue", flag)
    return () => {
      const isRandom = spread !== undefined && backoff !== undefined
      return retry(
        {
          base: backoff === undefined ? { kind: "sliding", period: 0 } : growing(base, factor, cap),
          ...isRandom ? { jitter: { kind: "between", min: 1 - random, max: 1 + random } } : {},
          ...isRandom && cap < Infinity ? { longest: cap } : {},
          attempts: retries + 1,
          ...total === undefined ? {} : { within: total }
        },
        [
          ...backoff === undefined ? ["Without a backoff it retries at once"] : [],
          ...isRandom ? ["The jitter makes no delay shorter than firstBackoff: that is not shown"] : [],
          ...conditions.length === 0 ? [] : [`It retries ${conditions.join(", ")} only`]
        ],
        { total }
      )
    }
  }
}

const known = ["enabled", "initialInterval", "maxAttempts", "maxRetries", "maxInterval", "multiplier", "stateless"]

// Spring's keys in Spring's spelling: with `_` they are OpenTelemetry's.
const generic: Shape = { ...rabbit, is: () => false }

const shapes = [rabbit, kafka, config, stream, gateway]

const shapeOf = (node: Node): Shape | undefined => shapes.find(({ is }) => is(keysOf(node), node))

export const spring: Reader = {
  system: "spring",
  tells: /^(retry|topic|consumer|args)$|interval|max-?attempts/i,
  match: (node) => {
    if (shapeOf(node) !== undefined) return "certain"
    const match = byKeys(node.value, {
      known,
      signs: ["initialInterval", "maxAttempts", "maxInterval"],
      enough: 2,
      fold: folded
    })
    return match === "shape" && Object.keys(node.value).some((key) => key.includes("_")) ? 1 : match
  },
  read: (node) => {
    const shape = shapeOf(node) ?? generic
    const fields = fieldsOf(node.value, node.keys, { title: `Spring's retry of ${shape.name}`, fold: folded })
    const draw = shape.read(fields)
    return alone(fields.done(draw))
  }
}
