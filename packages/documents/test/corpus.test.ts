import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { Timeline } from "effect-wait"
import { readFileSync } from "node:fs"
import { type DocumentPolicy, read } from "../src/index.ts"
import { type Delay, fixtures } from "./corpus.ts"

const textOf = (file: string) => readFileSync(new URL(`fixtures/${file}`, import.meta.url), "utf8")

// Seven digits: the longest draw is just below 1, and Go cuts off parts of a nanosecond.
const rounded = (n: number) => Number(n.toPrecision(7))

const delaysOf = ({ schedule }: DocumentPolicy, draw: number, maxRuns: number) =>
  Effect.map(
    Timeline.simulate(schedule, { until: Infinity, random: [draw], maxRuns }),
    (timeline) => Timeline.delays(timeline).map(rounded)
  )

const bound = (i: 0 | 1) => (delay: Delay) => rounded(typeof delay === "number" ? delay : delay[i])

const from = "2026-11-01T00:00:00Z"

const slotsOf = ({ schedule }: DocumentPolicy, maxRuns: number) =>
  Effect.map(
    Timeline.simulate(schedule, { from, until: Infinity, maxRuns }),
    (timeline) => Timeline.starts(timeline).map((start) => new Date(Date.parse(from) + start).toISOString())
  )

describe("a document of the field", () => {
  it("is one of 60 at least", () => {
    assert.isAtLeast(fixtures.length, 60)
    assert.strictEqual(new Set(fixtures.map(({ file }) => file)).size, fixtures.length)
  })

  it.effect.each(fixtures.filter(({ refused }) => refused === undefined))(
    "has the starts of its system: $file",
    ({ as, file, policies = [], system }) =>
      Effect.gen(function*() {
        const found = yield* Effect.fromResult(read(textOf(file), { as }))
        assert.deepStrictEqual(
          found.map((policy) => [policy.system, policy.name]),
          policies.map(({ name }) => [system, name])
        )
        for (const [i, policy] of found.entries()) {
          const { attempt, delays, goesOn, longest = delays, slots, total } = policies[i]!
          assert.deepStrictEqual([policy.timeouts.attempt, policy.timeouts.total], [attempt, total])
          if (slots !== undefined) {
            assert.strictEqual(policy.kind, "calendar")
            assert.deepStrictEqual(yield* slotsOf(policy, slots.length), slots)
          } else {
            const most = (delays: ReadonlyArray<Delay> = []) => goesOn ? delays.length + 1 : delays.length + 2
            assert.deepStrictEqual(yield* delaysOf(policy, 0, most(delays)), delays?.map(bound(0)))
            assert.deepStrictEqual(yield* delaysOf(policy, 1 - 2 ** -53, most(longest)), longest?.map(bound(1)))
          }
        }
      })
  )

  it.each(fixtures.filter(({ refused }) => refused !== undefined))(
    "is refused with the reason: $file",
    ({ file, refused = "" }) => {
      const result = read(textOf(file))
      assert.isTrue(Result.isFailure(result))
      if (Result.isFailure(result)) assert.strictEqual(result.failure.message, refused)
    }
  )
})
