/** The policies of files, and those that the options ask for. */
import { type DocumentError, type DocumentPolicy, read, type ReadOptions, type System } from "@effect-wait/documents"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import { text } from "node:stream/consumers"
import { misused, settingsOf, type Waits } from "./options.ts"
import type { Followed } from "./policies.ts"
import * as Policy from "./Policy.ts"
import * as Redact from "./Redact.ts"
import { format } from "./Time.ts"

export interface Named {
  readonly name: string
  readonly policy: Policy.Policy
}

/** The policies of a text; `file` is its name in messages, and the name of a policy without one. */
export const fromText = (
  file: string,
  content: string,
  options: Omit<ReadOptions, "name"> = {}
): Result.Result<ReadonlyArray<DocumentPolicy>, DocumentError> =>
  Result.map(read(content, { ...options, name: file }), (policies) =>
    policies.map((policy) => ({
      ...policy,
      name: /^(\[|$)/.test(policy.name) ? file + policy.name : policy.name,
      notes: policy.timeouts.attempt === undefined
        ? policy.notes
        : [...policy.notes, `An attempt ends after ${format(policy.timeouts.attempt)}`]
    })))

// Devices and pipes are read as well, so it is not asked whether it is a file.
const contentOf = Effect.fnUntraced(function*(file: string) {
  // A socket cannot be opened by its name.
  if (file === "-" || file === "/dev/stdin") {
    return yield* Effect.tryPromise({
      try: () => text(process.stdin),
      catch: (error) => `stdin cannot be read: ${error instanceof Error ? error.message : String(error)}`
    })
  }
  const fs = yield* FileSystem.FileSystem
  const isFragment = /#[^/]/.test(file)
  return yield* Effect.mapError(
    fs.readFileString(file),
    ({ reason }) =>
      `${file}: ${
        reason._tag === "NotFound"
          ? `there is no such file${isFragment ? ". A place in a file begins with #/, as in FILE#/spec/retry" : ""}`
          : reason._tag === "BadResource"
          ? "it is a folder"
          : `it cannot be read: ${reason.message}`
      }`
  )
})

const fromFile = Effect.fnUntraced(
  function*(asked: string, as: System | undefined) {
    const [, file = asked, pointer] = /^(.*?)#(\/.*|)$/.exec(asked) ?? []
    const content = yield* contentOf(file)
    const name = file === "-" ? "stdin" : Redact.word(file)
    return yield* Effect.mapError(Effect.fromResult(fromText(name, content, { as, pointer })), ({ message }) => message)
  },
  Effect.catch(misused)
)

/** The text of a file, or of stdin. */
export const textOf = (asked: string) => Effect.catch(contentOf(asked.replace(/#(\/.*)?$/, "")), misused)

// Of policies of one name, all but the first have a number.
const apart = (policies: ReadonlyArray<Named>): ReadonlyArray<Named> =>
  policies.map(({ name, policy }, i) => {
    const n = policies.slice(0, i + 1).filter((other) => other.name === name).length
    return { name: n === 1 ? name : `${name} (${n})`, policy }
  })

export interface Asked extends Waits {
  readonly policy: ReadonlyArray<string>
  readonly as?: System | undefined
}

/** What the options ask for: the policy that they are, and those of files. */
export const asked = Effect.fnUntraced(function*({ as, policy: files, ...waits }: Asked) {
  const settings = yield* settingsOf(waits)
  if (as !== undefined && files.length === 0) return yield* misused("--as is allowed with --policy only")
  const given = [
    ["--jitter", waits.jitter],
    ["--attempts", waits.attempts],
    ["--within", waits.within],
    ["--full-jitter", waits.fullJitter === true ? true : undefined]
  ].filter(([, value]) => value !== undefined).map(([name]) => name)
  if (settings === undefined && given.length > 0) {
    return yield* misused(
      `${given.join(" and ")} ${
        given.length === 1 ? "is" : "are"
      } allowed with --backoff, --interval, --period or --cron only`
    )
  }
  const found = yield* Effect.forEach(files, (file) => fromFile(file, as))
  return apart([
    ...settings === undefined
      ? []
      : [{ name: Policy.toOptions(settings), policy: Policy.fromSettings(settings) }],
    ...found.flat().map((policy) => ({ name: policy.name, policy }))
  ])
})

// The file says these.
const said = [
  ["--interval", "interval"],
  ["--period", "period"],
  ["--non-sliding", "nonSliding"],
  ["--ticker", "ticker"],
  ["--cron", "cron"],
  ["--backoff", "backoff"],
  ["--factor", "factor"],
  ["--jitter", "jitter"],
  ["--full-jitter", "fullJitter"]
] as const

/** The one policy of a file, with the limits of the options. */
export const chosen = Effect.fnUntraced(function*(file: string, as: System | undefined, waits: Waits) {
  const given = said.filter(([, key]) => waits[key] !== undefined && waits[key] !== false).map(([name]) => name)
  if (given.length > 0) {
    return yield* misused(`--policy has the delays: ${given.join(" and ")} cannot be used with it`)
  }
  const [policy, ...others] = yield* fromFile(file, as)
  if (policy === undefined) return yield* misused(`${file}: there is no policy in it`)
  if (others.length > 0) {
    const [name] = file.split("#/")
    const pointers = [policy, ...others].map(({ place }) => `${name}#${place.pointer}`)
    return yield* misused(`${file} has ${pointers.length} policies. Choose one: ${pointers.join(", ")}`)
  }
  if (policy.kind === "hedge") {
    return yield* misused(
      `${file}: ${policy.name} hedges with concurrent attempts; this command makes one attempt at a time`
    )
  }
  const { attempts, within } = waits
  const limits = [
    ...attempts === undefined ? [] : [Policy.attempts(attempts)],
    ...within === undefined ? [] : [Policy.within(within)]
  ]
  const followed: Followed = {
    schedule: limits.reduce((schedule, { value }) => value(schedule), policy.schedule),
    isCalendar: policy.kind === "calendar",
    attemptTimeout: policy.timeouts.attempt,
    timeout: policy.timeouts.total
  }
  return followed
})
