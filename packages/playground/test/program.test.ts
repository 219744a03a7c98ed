import type { Settings } from "@effect-wait/documents"
import { fromSettings as policyOf } from "@effect-wait/documents/Policy"
import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { fields, sections } from "../src/fields.ts"
import { fromSettings } from "../src/fromSettings.ts"
import { read, toTypeScript } from "../src/Program.ts"
import { defaults, inUse, names, type State } from "../src/State.ts"

const program = (changes: Partial<State>) => Result.getOrThrow(read({ ...defaults, ...changes }))

const problems = (changes: Partial<State>): ReadonlyArray<string> =>
  Result.match(read({ ...defaults, ...changes }), {
    onFailure: (problems) => problems.map(({ field, reason }) => `${field} ${reason}`),
    onSuccess: () => []
  })

describe("the fields", () => {
  it("are all in a form, once", () => {
    assert.deepStrictEqual(sections.flatMap(([, , names]) => names).toSorted(), names.toSorted())
  })

  it("are all in use in some state, and by default each step of a slider is right", () => {
    const changes: ReadonlyArray<Partial<State>> = [
      {},
      { source: "document" },
      ...["linear", "delays", "sliding", "ticker", "cron"].map((kind) => ({ kind })),
      ...["additive", "between"].map((jitter) => ({ jitter }))
    ]
    const states = changes.map((changes): State => Object.assign({}, defaults, changes))
    const used = new Set(states.flatMap((state) => [...inUse(state)]))
    assert.deepStrictEqual([...used].toSorted(), names.toSorted())
    for (const state of states.filter(({ source }) => source === "controls")) {
      for (const name of inUse(state)) {
        const field = fields[name]
        const steps = field.kind === "text" ? field.steps ?? [] : []
        const wrong = steps.filter((step) => problems({ ...state, [name]: step }).length > 0)
        // The range's ends bound each other.
        if (state.jitter !== "between") assert.deepStrictEqual(wrong, [], name)
      }
    }
  })
})

describe("read", () => {
  it.each<readonly [changes: Partial<State>, problems: ReadonlyArray<string>]>([
    [{ base: "1" }, ["base must be a duration such as 100ms, 1.5s or 2m30s"]],
    [{ cap: "infinite" }, ["cap must be a duration such as 100ms, 1.5s or 2m30s, or inf"]],
    [{ kind: "decorrelatedV2", base: "0" }, ["base must be a duration such as 100ms, 1.5s or 2m30s, longer than 0"]],
    [{ kind: "ticker", period: "0" }, ["period must be a duration such as 100ms, 1.5s or 2m30s, longer than 0"]],
    [{ kind: "delays", delays: "1s, soon" }, [
      "delays has soon, which must be a duration such as 100ms, 1.5s or 2m30s"
    ]],
    [{ kind: "delays", delays: " " }, ["delays must be a list such as 100ms, 1s, 10s"]],
    [{ factor: "-1" }, ["factor must be a number of 0 or more"]],
    [{ factor: "1e3" }, ["factor must be a number of 0 or more"]],
    [{ jitter: "between", least: "2", most: "1" }, ["most must be a number of 2 or more"]],
    [{ attempts: "0", clients: "201" }, [
      "clients must be a whole number from 1 to 200",
      "attempts must be a whole number from 1 to 1000000"
    ]],
    [{ within: "-1s" }, ["within must be a duration such as 100ms, 1.5s or 2m30s"]],
    [{ down: "10ms" }, ["down must be a duration of 1s or more such as 1.5s or 2m30s"]],
    [{ kind: "cron", from: "tomorrow" }, ["from must be a date such as 2026-03-28 or 2026-03-28T22:00Z"]],
    // What is not in use cannot be wrong.
    [{ period: "x", cron: "x", share: "x", from: "x", document: "x" }, []]
  ])("says what is wrong: %j", (changes, expected) => {
    assert.deepStrictEqual(problems(changes), expected)
  })

  it("takes limits of nothing as none, and a third run of nothing as long as the others", () => {
    const { policy, slow, work } = program({ attempts: " ", within: "", work: "2s", slow: "" })
    assert.isFalse(policy.ends)
    assert.deepStrictEqual([work, slow], [2000, 2000])
  })
})

describe("the code", () => {
  it("imports what it uses, and nothing else", () => {
    assert.strictEqual(
      toTypeScript(program({ kind: "sliding", jitter: "none", attempts: "", budget: "none" })),
      `import { Loop, Period, Retry } from "effect-wait"

export const schedule = Period.sliding("1 second")

// A loop: work.pipe(loop)
export const loop = Loop.run(schedule)

// Or a retry: call.pipe(retry)
export const retry = Retry.run(schedule)
`
    )
  })
})

describe("fromSettings", () => {
  it.each<Settings>([
    { base: { kind: "exponential", base: 100, factor: 3, cap: Infinity }, jitter: { kind: "full" }, attempts: 3 },
    { base: { kind: "nonSliding", period: 90_000 }, jitter: { kind: "additive", factor: 0.5 }, within: 3_600_000 },
    { base: { kind: "ticker", period: 1 }, jitter: { kind: "between", min: 0.5, max: 2 } },
    { base: { kind: "cron", expression: "0 3 * * *", timeZone: "Europe/Berlin" } }
  ])("gives the state with the same schedule: %j", (settings) => {
    const state = fromSettings(settings)
    assert.strictEqual(program(state ?? {}).policy.code, policyOf(settings).code)
  })

  it("has none for what the page has no controls for", () => {
    const base = { kind: "sliding", period: 1000 } as const
    assert.isUndefined(fromSettings({ base: { kind: "doublings", base: 1, doublings: 2, cap: 9 } }))
    assert.isUndefined(fromSettings({ base, longest: 2000 }))
    assert.isUndefined(fromSettings({ base, attempts: 2, within: 1, until: "both" }))
  })
})
