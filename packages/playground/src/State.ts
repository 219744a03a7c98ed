/** What the controls of the page hold: texts as they were typed, right or wrong. */

/** As the page opens. A limit of "" is none. */
export const defaults = {
  source: "controls",
  kind: "exponential",
  base: "100ms",
  factor: "2",
  increment: "100ms",
  cap: "10s",
  delays: "100ms, 1s, 10s",
  period: "1s",
  cron: "*/5 * * * *",
  zone: "UTC",
  from: "",
  missed: "",
  jitter: "full",
  share: "0.2",
  least: "0.8",
  most: "1.2",
  attempts: "6",
  within: "",
  document: "",
  as: "",
  policy: "",
  work: "50ms",
  slow: "",
  clients: "100",
  down: "20s",
  failure: "hangs",
  budget: "throttling"
}

export type Name = keyof typeof defaults

export type State = Readonly<Record<Name, string>>

export const isName = (name: string): name is Name => Object.hasOwn(defaults, name)

export const names: ReadonlyArray<Name> = Object.keys(defaults).filter(isName)

const kinds: Readonly<Record<string, ReadonlyArray<Name>>> = {
  exponential: ["base", "factor", "cap", "jitter"],
  linear: ["base", "increment", "cap", "jitter"],
  decorrelated: ["base", "cap"],
  decorrelatedV2: ["base", "cap"],
  delays: ["delays", "jitter"],
  sliding: ["period", "jitter"],
  nonSliding: ["period", "jitter"],
  ticker: ["period", "missed", "jitter"],
  cron: ["cron", "zone", "from", "missed", "jitter"]
}

const jitters: Readonly<Record<string, ReadonlyArray<Name>>> = { additive: ["share"], between: ["least", "most"] }

// A link can have any word: also `constructor`.
const ofChoice = (table: Readonly<Record<string, ReadonlyArray<Name>>>, choice: string): ReadonlyArray<Name> =>
  Object.hasOwn(table, choice) ? table[choice] ?? [] : []

/** Those that matter, by the choices that were made. When a calendar begins matters for some documents only. */
export const inUse = ({ jitter, kind, source }: State): ReadonlySet<Name> => {
  const fields = ofChoice(kinds, kind)
  const schedule: ReadonlyArray<Name> = source === "document"
    ? ["document", "as", "policy", "from"]
    : ["kind", ...fields, ...fields.includes("jitter") ? ofChoice(jitters, jitter) : [], "attempts", "within"]
  return new Set(["source", ...schedule, "work", "slow", "clients", "down", "failure", "budget"])
}
