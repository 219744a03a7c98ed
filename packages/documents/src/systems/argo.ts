/** Argo CD's `syncPolicy.retry` and Argo Workflows' `retryStrategy`. */
import * as Option from "effect/Option"
import { anyInteger, anything, type Entries, fieldsOf, flag, goDuration, integer, retry, text } from "../fields.ts"
import type { Read, Reading } from "../model.ts"
import type { Settings } from "../Policy.ts"
import {
  alone,
  ancestorsOf,
  byKeys,
  entriesOf,
  keyOf,
  manifestOf,
  type Match,
  named,
  type Node,
  parentOf,
  type Reader
} from "../reader.ts"
import { format } from "../Time.ts"
import { isArgoEvents } from "./kubernetes.ts"

const duration = goDuration("s")

const backoffKeys = ["duration", "factor", "maxDuration", "cap"]

// A limit alone is of everything.
const matchWith = (entries: Entries, own: ReadonlyArray<string>): Match => {
  const backoff = entriesOf(entries["backoff"])
  if (backoff === undefined && !("limit" in entries && own.some((key) => key in entries))) return 0
  const match = byKeys(entries, { known: ["limit", "backoff", ...own], signs: ["limit", "backoff", ...own] })
  const isBackoff = backoff === undefined || byKeys(backoff, { known: backoffKeys, signs: backoffKeys }) === "shape"
  return match === "shape" && !isBackoff ? 1 : match
}

// Numaflow and others have a retryStrategy too.
const isForeign = (node: Node): boolean =>
  isArgoEvents(node) || !(manifestOf(node)?.apiVersion ?? "argoproj.io/").startsWith("argoproj.io/")

export const argoCd: Reader = {
  system: "argo-cd",
  tells: /^(retry|limit|backoff|refresh)$/,
  match: (node) => {
    const parent = parentOf(node)
    const isSync = keyOf(node) === "retry" && parent !== undefined
    const above = String(node.keys.at(-2) ?? "")
    if (isSync && (above === "syncPolicy" || above === "operation" || "automated" in parent)) return named(node.value)
    return isForeign(node) ? 0 : matchWith(node.value, ["refresh"])
  },
  read: (node) => {
    const fields = fieldsOf(node.value, node.keys, { title: "an Argo CD retry" })
    const limit = fields.schedule("limit", anyInteger) ?? 0
    const isFresh = fields.note("refresh", flag) ?? false
    const backoff = fields.inside("backoff")
    const base = backoff?.schedule("duration", duration) ?? 5000
    const factor = backoff?.schedule("factor", integer(0)) ?? 2
    const max = backoff?.schedule("maxDuration", duration) ?? 180_000
    return alone(fields.done(() => {
      const cap = max === 0 ? Infinity : max
      const settings: Settings = {
        base: { kind: "exponential", base, factor, cap },
        ...limit < 0 ? {} : { attempts: limit + 1 }
      }
      return retry(settings, [
        ...limit === 0 ? ["A limit of 0 is no retry"] : [],
        ...limit < 0 ? ["A limit below 0 is no limit"] : [],
        ...isFresh ? ["Each retry syncs the latest revision"] : [],
        ...limit !== 0 && factor !== 1 && base < cap
          ? [
            "These are the delays of the documentation. The controller computes a delay once it has counted the retry, so each is a " +
            "step longer than the status of the application says: seen in the code of 3.5"
          ]
          : []
      ])
    }))
  }
}

const policies: { readonly [policy: string]: string } = {
  Always: "Failed and errored pods are retried",
  OnFailure: "Only failed pods are retried, not those that Argo could not run",
  OnError: "Only pods that Argo could not run are retried, not failed ones",
  OnTransientError: "Only transient errors are retried"
}

// How many runs there are until a backoff is longer than all of the time; none where no backoff is.
const runsWithin = (total: number, base: number, factor: number, cap: number): number | undefined => {
  if (Math.min(base, cap) > total) return 1
  if (factor === 1 || base === 0 || cap <= total) return undefined
  let runs = 1
  for (let backoff = base; backoff <= total; backoff *= factor) runs++
  return runs
}

// The retries of the containers of a containerSet: Kubernetes' Backoff, without growth.
const isOfContainers = ({ keys, value }: Node) => "retries" in value || keys.at(-2) === "containerSet"

const readContainers = (node: Node): Reading<Read> => {
  const fields = fieldsOf(node.value, node.keys, { title: "the retryStrategy of a containerSet" })
  const retries = fields.schedule("retries", integer(1)) ?? 1
  const period = fields.schedule("duration", goDuration()) ?? 0
  fields.missing("retries")
  return fields.done(() =>
    retry({ base: { kind: "sliding", period }, attempts: retries }, [
      `The executor makes ${retries} runs of a container, not one more as documented: seen in the code of 4.0`,
      "Each container has its own retries"
    ])
  )
}

export const argoWorkflows: Reader = {
  system: "argo-workflows",
  tells: /^(retryStrategy|limit|backoff|retryPolicy|expression|affinity)$/,
  match: (node) =>
    isForeign(node)
      ? 0
      : keyOf(node) === "retryStrategy"
      ? named(node.value)
      : matchWith(node.value, ["retryPolicy", "expression", "affinity"]),
  read: (node) => {
    if (isOfContainers(node)) return alone(readContainers(node))
    const fields = fieldsOf(node.value, node.keys, { title: "an Argo Workflows retryStrategy" })
    const limit = fields.schedule("limit", integer(0))
    const policy = fields.note("retryPolicy", text)
    const expression = fields.note("expression", text)
    fields.note("affinity", anything)
    const backoff = fields.inside("backoff")
    const base = backoff?.schedule("duration", duration)
    const factor = backoff?.schedule("factor", integer(0)) ?? 0
    const total = backoff?.schedule("maxDuration", duration)
    const longest = backoff?.schedule("cap", duration)
    backoff?.missing("duration")
    const above = parentOf(node)
    const deadline = Option.getOrUndefined(integer(1).read(above?.["activeDeadlineSeconds"]))
    const named = above?.["name"] ?? ancestorsOf(node).find((entries) => "name" in entries)?.["name"]
    return alone(fields.done(() => {
      // Without a limit the controller does not look at the time that it has to wait.
      const waits = base !== undefined && limit !== undefined
      const cap = longest ?? Infinity
      // It gives up when the next backoff would end after maxDuration, whether it waits for it or not.
      const last = base === undefined || total === undefined || limit !== undefined
        ? undefined
        : runsWithin(total, base, Math.max(factor, 1), cap)
      const delays: Settings["base"] = waits
        ? factor > 0 && base < cap
          ? { kind: "exponential", base, factor, cap }
          : { kind: "sliding", period: Math.min(base, cap) }
        : { kind: "sliding", period: 0 }
      return {
        ...retry(
          {
            base: delays,
            ...limit === undefined ? last === undefined ? {} : { attempts: last } : { attempts: limit + 1 },
            ...total === undefined ? {} : { within: total }
          },
          [
            ...base === undefined ? ["Without a backoff it retries at once"] : [],
            ...base !== undefined && limit === undefined
              ? ["Argo waits for its backoff only where there is a limit: without one it retries at once"]
              : [],
            ...last === undefined
              ? limit === undefined && total === undefined ? ["Without a limit it retries for ever"] : []
              : [`It gives up after ${last} runs: the next backoff would be longer than maxDuration`],
            ...base !== undefined && factor === 0 ? ["Without a factor each delay is the same"] : [],
            ...total === undefined
              ? []
              : [`The retry in flight is ended ${format(total)} after the first start (maxDuration)`],
            ...policy === undefined ? [] : [policies[policy] ?? `retryPolicy ${policy} is not known`],
            ...expression === undefined ? [] : [`It retries only while its expression holds: ${expression}`]
          ],
          { attempt: deadline === undefined ? undefined : deadline * 1000, total }
        ),
        name: typeof named === "string" ? named : ""
      }
    }))
  }
}
