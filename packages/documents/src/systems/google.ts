/** Google Cloud: the queues of Cloud Tasks and App Engine, Cloud Scheduler, and the subscriptions of Pub/Sub. */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import {
  anyInteger,
  type Fields,
  fieldsOf,
  folded,
  goDuration,
  integer,
  type Kind,
  kind,
  numberIn,
  protoDuration,
  retry
} from "../fields.ts"
import type { Read, Reading } from "../model.ts"
import { alone, byKeys, entriesOf, keyOf, type Match, type Node, parentOf, type Reader } from "../reader.ts"
import { format, parse } from "../Time.ts"

const duration: Kind<number> = kind(
  (value) => Option.orElse(protoDuration.read(value), () => goDuration().read(value)),
  protoDuration.allowed
)

// `2d`
const age: Kind<number> = kind(
  (value) => typeof value === "string" ? parse(value) : Option.none(),
  "a duration such as \"30m\" or \"2d\""
)

interface Shape {
  readonly known: ReadonlyArray<string>
  readonly signs: ReadonlyArray<string>
  readonly title: string
  readonly read: (fields: Fields) => {
    /** No limit: undefined. */
    readonly attempts: number | undefined
    readonly total: number | undefined
    readonly base: number
    readonly cap: number
    readonly doublings: number
  }
}

const unlessZero = (millis: number | undefined) => millis === 0 ? undefined : millis

const tasks: Shape = {
  title: "Cloud Tasks' retryConfig",
  known: ["maxAttempts", "maxRetryDuration", "minBackoff", "maxBackoff", "maxDoublings"],
  // Many have a shortest and a longest backoff.
  signs: ["maxRetryDuration", "maxDoublings"],
  read: (fields) => {
    const attempts = fields.schedule("maxAttempts", anyInteger) ?? 100
    return {
      attempts: attempts < 0 ? undefined : Math.max(attempts, 1),
      total: unlessZero(fields.schedule("maxRetryDuration", duration)),
      base: fields.schedule("minBackoff", duration) ?? 100,
      cap: fields.schedule("maxBackoff", duration) ?? 3_600_000,
      doublings: fields.schedule("maxDoublings", integer(0)) ?? 16
    }
  }
}

const queue: Shape = {
  title: "queue.yaml's retry_parameters",
  known: ["taskRetryLimit", "taskAgeLimit", "minBackoffSeconds", "maxBackoffSeconds", "maxDoublings"],
  signs: ["taskRetryLimit", "taskAgeLimit", "minBackoffSeconds", "maxBackoffSeconds"],
  read: (fields) => {
    const limit = fields.schedule("taskRetryLimit", integer(0))
    return {
      attempts: limit === undefined ? undefined : limit + 1,
      total: fields.schedule("taskAgeLimit", age),
      base: fields.schedule("minBackoffSeconds", numberIn("s")) ?? 100,
      cap: fields.schedule("maxBackoffSeconds", numberIn("s")) ?? 3_600_000,
      doublings: fields.schedule("maxDoublings", integer(0)) ?? 16
    }
  }
}

const scheduler: Shape = {
  title: "Cloud Scheduler's retryConfig",
  known: ["retryCount", "maxRetryDuration", "minBackoffDuration", "maxBackoffDuration", "maxDoublings"],
  signs: ["retryCount", "minBackoffDuration", "maxBackoffDuration"],
  read: (fields) => ({
    attempts: (fields.schedule("retryCount", integer(0)) ?? 0) + 1,
    total: unlessZero(fields.schedule("maxRetryDuration", duration)),
    base: fields.schedule("minBackoffDuration", duration) ?? 5000,
    cap: fields.schedule("maxBackoffDuration", duration) ?? 3_600_000,
    doublings: fields.schedule("maxDoublings", integer(0)) ?? 5
  })
}

const matchOf = ({ value }: Node, { known, signs }: Shape): Match => byKeys(value, { known, signs, fold: folded })

const shapes = [tasks, queue, scheduler]

const rank = (match: Match) => match === "shape" ? 100 : match === "certain" ? 101 : match

const best = (node: Node): readonly [Shape, Match] => {
  const matches = shapes.map((shape) => [shape, matchOf(node, shape)] as const)
  return matches.toSorted(([, one], [, other]) => rank(other) - rank(one))[0] ?? [tasks, 0]
}

const isNamed = (node: Node) => /^retry_?(config|parameters)$/i.test(keyOf(node))

export const cloudTasks: Reader = {
  system: "cloud-tasks",
  tells: /retry|backoff|doublings|task_?(age|retry)/i,
  match: (node) => {
    const [, match] = best(node)
    return isNamed(node) && match !== 0 ? "certain" : match
  },
  read: (node) => {
    const [shape] = best(node)
    const fields = fieldsOf(node.value, node.keys, { title: shape.title, fold: folded })
    const { attempts, base, cap, doublings, total } = shape.read(fields)
    if (cap < base) fields.wrong(`has a longest backoff, ${format(cap)}, below its shortest, ${format(base)}`)
    const name = parentOf(node)?.["name"]
    return alone(fields.done(() => ({
      ...retry(
        {
          base: { kind: "doublings", base, doublings, cap },
          ...attempts === undefined ? {} : { attempts },
          ...total === undefined ? {} : { within: total },
          ...attempts !== undefined && total !== undefined && attempts > 1 ? { until: "both" } : {}
        },
        [
          "The queue's rate limits can make a delay longer",
          ...attempts !== undefined && total !== undefined && attempts > 1
            ? ["Google stops once both limits are reached, the attempts and the time"]
            : [],
          ...attempts === undefined && total === undefined
            ? ["Without limits a task is retried until its queue forgets it"]
            : []
        ],
        { total }
      ),
      name: typeof name === "string" ? name.split("/").at(-1) ?? "" : ""
    })))
  }
}

const pubsubKeys = ["minimumBackoff", "maximumBackoff"]

const readPubsub = (node: Node, policy: Fields, subscription: Fields | undefined): Reading<Read> => {
  const base = policy.schedule("minimumBackoff", duration) ?? 10_000
  const cap = policy.schedule("maximumBackoff", duration) ?? 600_000
  if (cap < base) policy.wrong(`has a maximumBackoff, ${format(cap)}, below its minimumBackoff, ${format(base)}`)
  const attempt = subscription?.timeout("ackDeadlineSeconds", numberIn("s"))
  const retention = subscription?.schedule("messageRetentionDuration", duration) ?? 604_800_000
  const letters = subscription?.inside("deadLetterPolicy")
  const attempts = letters?.schedule("maxDeliveryAttempts", integer(1))
  letters?.leave()
  subscription?.leave()
  const name = subscription === undefined ? undefined : node.value["name"]
  return policy.done(() => ({
    ...retry(
      {
        base: { kind: "exponential", base, factor: 2, cap },
        ...attempts === undefined ? {} : { attempts },
        within: retention
      },
      [
        "Pub/Sub does not document by how much its delays grow: 2 is assumed",
        ...attempts === undefined
          ? [`Without a dead-letter topic it redelivers for as long as messages are kept, ${format(retention)}`]
          : ["After these attempts, about as many, the message goes to the dead-letter topic"]
      ],
      { attempt, total: retention }
    ),
    name: typeof name === "string" ? name.split("/").at(-1) ?? "" : ""
  }))
}

const policyKey = (node: Node): string | undefined => {
  const [key, value] = Object.entries(node.value).find(([key]) => folded(key) === "retrypolicy") ?? []
  const entries = entriesOf(value)
  if (key === undefined || entries === undefined) return undefined
  return byKeys(entries, { known: pubsubKeys, signs: pubsubKeys, fold: folded }) === "shape" ? key : undefined
}

export const pubsub: Reader = {
  system: "pubsub",
  tells: /retry_?policy|(min|max)imum_?backoff/i,
  match: (node) =>
    policyKey(node) === undefined
      ? byKeys(node.value, { known: pubsubKeys, signs: pubsubKeys, fold: folded })
      : "certain",
  read: (node) => {
    const fields = fieldsOf(node.value, node.keys, { title: "Pub/Sub's retryPolicy", fold: folded })
    const key = policyKey(node)
    const inner = key === undefined ? undefined : fields.inside(key)
    const read = inner === undefined ? readPubsub(node, fields, undefined) : readPubsub(node, inner, fields)
    return alone(Result.map(read, (read) => ({ ...read, keys: node.keys })))
  }
}
