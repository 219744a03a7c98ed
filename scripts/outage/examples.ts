/**
 * `check:budgets`: no example of the README and the guides has a budget with which the server of `pnpm outage` stays down, whether it
 * hangs or refuses. People copy examples.
 *
 * A budget is found by its constructor, with its settings in place: `RetryBudget.layerRatio({ ... })`.
 */
import { Effect } from "effect"
import { RetryBudget } from "effect-wait"
import { globSync, readFileSync } from "node:fs"
import { examples } from "../docs/examples.ts"
import { bounded, full, measure, simulate } from "./model.ts"

type Service = RetryBudget.RetryBudget["Service"]
type Settings = Readonly<Record<string, unknown>> | undefined

const makers: Readonly<Record<string, (settings: never) => Effect.Effect<Service>>> = {
  Ratio: RetryBudget.makeRatio,
  Throttling: RetryBudget.makeThrottling,
  Quota: RetryBudget.makeQuota
}

interface Use {
  readonly place: string
  readonly kind: string
  readonly text: string
}

/** The text between the parentheses that begin here. */
const argumentOf = (code: string, begin: number): string => {
  let depth = 0
  for (let i = begin; i < code.length; i++) {
    if ("([{".includes(code[i]!)) depth++
    if (")]}".includes(code[i]!) && --depth === 0) return code.slice(begin + 1, i)
  }
  return code.slice(begin + 1)
}

const pages = globSync(["*.md", "docs/*.md", "packages/*/*.md"])
const uses = pages.toSorted().flatMap((file) =>
  examples(file, readFileSync(file, "utf8")).flatMap(({ code, line }): ReadonlyArray<Use> => {
    const text = code.join("\n")
    return [...text.matchAll(/RetryBudget\.(?:layer|make)(\w+)\(/g)].map(({ 0: call, 1: kind, index }) => ({
      place: `${file}:${line + text.slice(0, index).split("\n").length - 1}`,
      kind: kind!,
      text: argumentOf(text, index + call.length - 1)
    }))
  })
)

/** The settings, and those of each key. Undefined where they are not written in place. */
const settingsOf = (text: string): ReadonlyArray<Settings> | undefined => {
  try {
    const given = new Function(`return (${text.trim() === "" ? "undefined" : text})`)() as Settings
    const { byKey, ...common } = { byKey: undefined, ...given }
    const own = typeof byKey === "object" && byKey !== null ? Object.values<object>(byKey) : []
    return [common, ...own.map((settings) => Object.assign({}, common, settings))]
  } catch {
    return undefined
  }
}

// Most of the time would go into stacks of errors that nobody reads.
Error.stackTraceLimit = 0

const known = new Map<string, ReadonlyArray<string>>()

/** In which of the outages the server stays down. */
const stays = (kind: string, settings: Settings): ReadonlyArray<string> => {
  const key = `${kind} ${JSON.stringify(settings)}`
  const found = known.get(key) ?? (["hangs", "refuses"] as const).filter((failure) => {
    const outage = { ...full, failure }
    return measure(Effect.runSync(simulate(bounded(makers[kind]!(settings as never)), outage)), outage).recovery ===
      undefined
  })
  known.set(key, found)
  return found
}

const findings = uses.flatMap(({ kind, place, text }) => {
  if (makers[kind] === undefined) return [`${place} RetryBudget has no ${kind}`]
  const settings = settingsOf(text)
  if (settings === undefined) return [`${place} the settings of the budget are not written in place: ${text}`]
  return settings.flatMap((settings) => stays(kind, settings)).map((failure) =>
    `${place} with this budget a server that ${failure} for a minute stays down: ${kind}(${text.trim()})`
  )
})
for (const finding of findings) console.log(finding)
console.log(`${uses.length} budgets in examples, ${known.size} of them different, ${findings.length} findings`)
process.exit(findings.length === 0 && uses.length > 0 ? 0 : 1)
