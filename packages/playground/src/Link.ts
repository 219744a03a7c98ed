/**
 * The state in an address, after its `#`. A link that was sent stays right: a format that has been in use is read for ever, and a
 * field that a link does not have is as it was by default in that format.
 */
import * as Result from "effect/Result"
import { defaults, inUse, isName, type State } from "./State.ts"

const version = "2"

/** The state as the part of an address after its `#`: what is in use. */
export const toHash = (state: State): string => {
  const used = inUse(state)
  const fields = Object.entries(state).filter(([name]) => isName(name) && used.has(name))
  return new URLSearchParams([["v", version], ...fields]).toString()
}

type Reader = (fields: URLSearchParams) => State

const second: Reader = (fields) => ({
  ...defaults,
  ...Object.fromEntries([...fields].filter(([name]) => isName(name)))
})

// The first page counted in milliseconds, had shorter names, and knew no budget.
const first: Reader = (fields) => {
  const millis = (name: string, by: string) => `${fields.get(name) ?? by}ms`
  const jitter = fields.get("jit") ?? "full"
  const isNumber = /^[\d.]+$/.test(jitter)
  return {
    ...defaults,
    kind: fields.get("kind") ?? "exponential",
    base: millis("base", "200"),
    period: millis("base", "200"),
    cap: millis("cap", "5000"),
    jitter: isNumber ? "additive" : jitter,
    share: isNumber ? jitter : defaults.share,
    attempts: fields.get("n") ?? "7",
    work: millis("work", "40"),
    clients: fields.get("clients") ?? "100",
    budget: "none"
  }
}

const readers: Readonly<Record<string, Reader>> = { 1: first, 2: second }

/** The state of a link, or what is wrong with it. Nothing after the `#` is the page as it opens. */
export const fromHash = (hash: string): Result.Result<State, string> => {
  const fields = new URLSearchParams(hash.replace(/^#/, ""))
  if (fields.size === 0) return Result.succeed(defaults)
  const format = fields.get("v") ?? ""
  const reader = Object.hasOwn(readers, format) ? readers[format] : undefined
  if (reader !== undefined) return Result.succeed(reader(fields))
  return Result.fail(
    Number(format) > Number(version)
      ? `This link is of version ${format}. The newest version that this page reads is ${version}: open the link in a newer one.`
      : "This link is damaged: it does not begin with its version, such as v=2."
  )
}
