/** The policies of files, and those that the options ask for. */
import { type DocumentError, type DocumentPolicy, read, type ReadOptions, type System } from "@effect-wait/documents"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import { misused, settingsOf, type Waits } from "./options.ts"
import * as Policy from "./Policy.ts"

export interface Named {
  readonly name: string
  readonly policy: Policy.Policy
}

/** The policies of a text; `file` is what it is called in messages, and the name of a policy that has none. */
export const fromText = (
  file: string,
  content: string,
  options: Omit<ReadOptions, "name"> = {}
): Result.Result<ReadonlyArray<DocumentPolicy>, DocumentError> =>
  Result.map(read(content, { ...options, name: file }), (policies) =>
    policies.map((policy) => ({
      ...policy,
      name: /^(\[|$)/.test(policy.name) ? file + policy.name : policy.name
    })))

const fromFile = Effect.fnUntraced(function*(absolute: string, as: System | undefined) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.relative(".", absolute)
  const content = yield* fs.readFileString(absolute).pipe(
    Effect.catch(({ reason }) =>
      misused(
        `${file}: ${reason._tag === "NotFound" ? "there is no such file" : `it cannot be read: ${reason.message}`}`
      )
    )
  )
  return yield* Effect.catch(Effect.fromResult(fromText(file, content, { as })), ({ message }) => misused(message))
})

// Of policies of one name, all but the first have a number.
const apart = (policies: ReadonlyArray<Named>): ReadonlyArray<Named> =>
  policies.map(({ name, policy }, i) => {
    const n = policies.slice(0, i + 1).filter((other) => other.name === name).length
    return { name: n === 1 ? name : `${name} (${n})`, policy }
  })

/** What the options ask for: the policy that they are, and those of files. */
export const asked = Effect.fnUntraced(function*(options: Waits & { readonly policy: ReadonlyArray<string> }) {
  const { policy: files, ...waits } = options
  const settings = yield* settingsOf(waits)
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
  const found = yield* Effect.forEach(files, (file) => fromFile(file, undefined))
  return apart([
    ...settings === undefined
      ? []
      : [{ name: Policy.toOptions(settings), policy: Policy.fromSettings(settings) }],
    ...found.flat().map((policy) => ({ name: policy.name, policy }))
  ])
})
