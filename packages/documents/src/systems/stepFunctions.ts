/** AWS Step Functions: the `Retry` of a state, and one retrier of it. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { atLeast, fieldsOf, integer, kind, list, number, retry, text } from "../fields.ts"
import type { Read, Reading } from "../model.ts"
import { alone, ancestorsOf, byKeys, collect, entriesOf, type Match, type Node, type Reader } from "../reader.ts"
import { format } from "../Time.ts"

const signs = ["IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"]

const title = "a Step Functions retrier"

const seconds = number((n) => Number.isSafeInteger(n) && n > 0, "an integer of 1 or more, in seconds")

const strategy = kind(
  (value) => value === "FULL" || value === "NONE" ? Option.some(value) : Option.none(),
  "\"FULL\" or \"NONE\""
)

const retrierMatch = (value: unknown): Match => {
  const entries = entriesOf(value)
  if (entries === undefined || !("ErrorEquals" in entries) || "Next" in entries) return 0
  return byKeys(entries, { known: [...signs, "ErrorEquals", "Comment"], signs: [...signs, "ErrorEquals"] })
}

// The limit of the whole execution.
const executionOf = (node: Node): number | undefined => {
  const machine = ancestorsOf(node).findLast((entries) => "StartAt" in entries && "States" in entries)
  const total = machine?.["TimeoutSeconds"]
  return Predicate.isNumber(total) && total > 0 ? total * 1000 : undefined
}

const readRetrier = (
  node: Node,
  name: string,
  attempt: number | undefined,
  notes: ReadonlyArray<string>
): Reading<Read> => {
  const fields = fieldsOf(node.value, node.keys, { title })
  const errors = fields.note("ErrorEquals", list(text, "a list of error names")) ?? []
  const base = (fields.schedule("IntervalSeconds", seconds) ?? 1) * 1000
  const retries = fields.schedule("MaxAttempts", integer(0)) ?? 3
  const factor = fields.schedule("BackoffRate", atLeast(1)) ?? 2
  const longest = fields.schedule("MaxDelaySeconds", seconds)
  const jitter = fields.schedule("JitterStrategy", strategy)
  const total = executionOf(node)
  fields.note("Comment", text)
  fields.missing("ErrorEquals")
  return fields.done(() => ({
    ...retry(
      {
        base: { kind: "exponential", base, factor, cap: longest === undefined ? Infinity : longest * 1000 },
        ...jitter === "FULL" ? { jitter: { kind: "full" } } : {},
        attempts: retries + 1,
        ...total === undefined ? {} : { within: total }
      },
      [`Step Functions retries ${errors.join(", ")} only: that is up to the program, not to its schedule`, ...notes],
      { attempt, total }
    ),
    name
  }))
}

const readState = (node: Node): Reading<ReadonlyArray<Read>> => {
  const fields = fieldsOf(node.value, node.keys, { title })
  const attempt = fields.timeout("TimeoutSeconds", seconds)
  const heartbeat = fields.note("HeartbeatSeconds", seconds)
  fields.leave()
  const outside = fields.done(() => retry({ base: { kind: "sliding", period: 0 } }))
  const retriers = node.value["Retry"]
  const list = Array.isArray(retriers) ? retriers : []
  const state = String(node.keys.at(-1) ?? "")
  const notes = [
    ...list.length > 1 ? ["Each retrier of a state counts its own retries"] : [],
    ...heartbeat === undefined ? [] : [`An attempt without a heartbeat for ${format(heartbeat * 1000)} has failed`]
  ]
  return collect([
    ...list.map((retrier: unknown, i): Reading<ReadonlyArray<Read>> => {
      const value = entriesOf(retrier) ?? {}
      const errors = value["ErrorEquals"]
      const name = list.length === 1 || !Array.isArray(errors) ? state : `${state} ${errors.join(", ")}`
      const inner = { value, keys: [...node.keys, "Retry", i], parents: [...node.parents, node.value, list] }
      return alone(readRetrier(inner, name, attempt === undefined ? undefined : attempt * 1000, notes))
    }),
    // What is wrong beside the retriers.
    "failure" in outside ? alone(outside) : collect([])
  ])
}

export const stepFunctions: Reader = {
  system: "step-functions",
  tells: /^(Retry|ErrorEquals)$/,
  match: ({ value }) => {
    const retriers = value["Retry"]
    if (Array.isArray(retriers) && retriers.length > 0 && retriers.every((retrier) => retrierMatch(retrier) !== 0)) {
      return "certain"
    }
    return retrierMatch(value)
  },
  read: (node) => "Retry" in node.value ? readState(node) : alone(readRetrier(node, "", undefined, []))
}
