import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Random, Schedule, Schema } from "effect"
import * as library from "effect-wait"
import { Timeline } from "effect-wait"
import { type Asked, toOptions } from "../src/options.ts"
import * as Policy from "../src/Policy.ts"
import { parse } from "../src/Time.ts"

// A program as it is printed, run with the modules of the library.
const evaluate = (code: string): Policy.Any => {
  const modules = Object.entries({ ...library, Schedule })
  return new Function(...modules.map(([name]) => name), `return ${code}`)(...modules.map(([, module]) => module))
}

const runsOf = (schedule: Policy.Any) =>
  Timeline.simulate(schedule, { until: Infinity, work: (run) => run * 7, maxRuns: 30 }).pipe(Random.withSeed("policy"))

const millis = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e9 }))
const some = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const factor = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10 }))

const Settings = Schema.Struct({
  base: Schema.Union([
    Schema.Struct({ kind: Schema.Literals(["sliding", "nonSliding"]), period: millis }),
    Schema.Struct({ kind: Schema.Literal("ticker"), period: some }),
    Schema.Struct({ kind: Schema.Literal("cron"), expression: Schema.Literals(["*/5 * * * *", "0 3 * * 1"]) }),
    Schema.Struct({
      kind: Schema.Literal("exponential"),
      base: millis,
      factor,
      cap: Schema.Number.check(Schema.isGreaterThanOrEqualTo(0))
    }),
    Schema.Struct({ kind: Schema.Literal("linear"), base: millis, increment: millis, cap: millis }),
    Schema.Struct({
      kind: Schema.Literal("doublings"),
      base: some,
      doublings: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 })),
      cap: millis
    }),
    Schema.Struct({ kind: Schema.Literal("then"), first: millis, base: millis, factor, cap: millis }),
    Schema.Struct({
      kind: Schema.Literal("backoff"),
      duration: millis,
      factor,
      jitter: factor,
      steps: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 })),
      cap: Schema.UndefinedOr(millis)
    })
  ]),
  jitter: Schema.UndefinedOr(Schema.Union([
    Schema.Struct({ kind: Schema.Literal("additive"), factor }),
    Schema.Struct({ kind: Schema.Literals(["full", "equal"]) }),
    Schema.Struct({ kind: Schema.Literal("between"), min: factor, max: factor }).check(
      Schema.makeFilter(({ max, min }) => min <= max)
    )
  ])),
  longest: Schema.UndefinedOr(millis),
  until: Schema.UndefinedOr(Schema.Literals(["first", "both"])),
  attempts: Schema.UndefinedOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))),
  within: Schema.UndefinedOr(millis)
})

describe("Policy", () => {
  it.effect.prop("prints the program that makes its schedule", [Settings], ([settings]) =>
    Effect.gen(function*() {
      const { code, schedule } = Policy.fromSettings(settings)
      assert.deepStrictEqual(yield* runsOf(evaluate(code)), yield* runsOf(schedule))
    }), { arbitrary: { runs: 500 } })

  it("prints what one would write", () => {
    const { code } = Policy.fromSettings({
      base: { kind: "exponential", base: 100, factor: 1.5, cap: 30_000 },
      jitter: { kind: "between", min: 0.8, max: 1.2 },
      attempts: 5,
      within: 120_000
    })
    assert.strictEqual(
      code,
      `Backoff.exponential({ base: "100 millis", cap: "30 seconds", factor: 1.5 }).pipe(
  Jitter.between(0.8, 1.2),
  Limit.attempts(5),
  Limit.within("2 minutes")
)`
    )
  })

  it("measures a jittered period from the start", () => {
    assert.strictEqual(
      Policy.fromSettings({ base: { kind: "nonSliding", period: 1000 }, jitter: { kind: "full" } }).code,
      `Period.sliding("1 second").pipe(
  Jitter.full,
  Period.fromStart
)`
    )
  })

  it("knows whether it has a limit", () => {
    const base = { kind: "sliding", period: 1000 } as const
    assert.deepStrictEqual(
      [{ base }, { base, jitter: { kind: "full" } as const }, { base, attempts: 1 }, { base, within: 0 }].map(
        (settings) => Policy.fromSettings(settings).ends
      ),
      [false, false, true, true]
    )
  })
})

describe("toOptions", () => {
  it("is what one would write on the command line", () => {
    const settings: ReadonlyArray<Asked> = [
      { base: { kind: "exponential", base: 100, factor: 2, cap: 30_000 }, jitter: { kind: "additive", factor: 0.2 } },
      { base: { kind: "exponential", base: 1500, factor: 3, cap: Infinity }, jitter: { kind: "full" }, attempts: 5 },
      { base: { kind: "sliding", period: 0 }, jitter: { kind: "between", min: 0.8, max: 1.2 } },
      { base: { kind: "nonSliding", period: 60_000 }, within: 150_000 },
      { base: { kind: "ticker", period: 1234 }, jitter: { kind: "equal" } },
      { base: { kind: "cron", expression: "*/5 * * * *" } }
    ]
    assert.deepStrictEqual(settings.map(toOptions), [
      "--backoff 100ms..30s --jitter 0.2",
      "--backoff 1.5s..inf --factor 3 --jitter full --attempts 5",
      "--interval 0 --jitter 0.8..1.2",
      "--period 1m --non-sliding --within 2m30s",
      "--period 1.234s --ticker --jitter equal",
      "--cron '*/5 * * * *'"
    ])
    assert.deepStrictEqual(parse("1.234s"), Option.some(1234))
  })
})
