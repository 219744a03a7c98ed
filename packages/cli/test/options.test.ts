import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { parseBackoff, parseJitter, settingsOf, type Waits } from "../src/options.ts"

describe("parseBackoff", () => {
  it("reads a range that begins above 0", () => {
    const texts = ["100ms..30s", "1s..1s", "1ns..inf"]
    assert.deepStrictEqual(texts.map((text) => Option.getOrUndefined(parseBackoff(text))), [
      { base: 100, cap: 30_000 },
      { base: 1000, cap: 1000 },
      { base: 0.000001, cap: Infinity }
    ])
  })

  it("refuses anything else", () => {
    const texts = ["", "1s", "1s..", "..1s", "1s...2s", "0..1s", "0s..1s", "2s..1s", "inf..inf", "1..2", "1s..2s..3s"]
    assert.deepStrictEqual(texts.filter((text) => Option.isSome(parseBackoff(text))), [])
  })
})

describe("parseJitter", () => {
  it("reads a factor, a range, or a word", () => {
    const texts = ["0", "0.2", ".5", "2", "0.8..1.2", "1..1", "full", "equal"]
    assert.deepStrictEqual(texts.map((text) => Option.getOrUndefined(parseJitter(text))), [
      { kind: "additive", factor: 0 },
      { kind: "additive", factor: 0.2 },
      { kind: "additive", factor: 0.5 },
      { kind: "additive", factor: 2 },
      { kind: "between", min: 0.8, max: 1.2 },
      { kind: "between", min: 1, max: 1 },
      { kind: "full" },
      { kind: "equal" }
    ])
  })

  it("refuses anything else", () => {
    const texts = ["", "-1", "20%", "1e1", "Infinity", "NaN", "1.2..0.8", "0.8..", "..1", "1..2..3", "Full", "none"]
    assert.deepStrictEqual(texts.filter((text) => Option.isSome(parseJitter(text))), [])
  })
})

describe("settingsOf", () => {
  it.effect.each<{ readonly waits: Waits; readonly message: string }>([
    { waits: { interval: 1, period: 1 }, message: "Only one of --interval and --period is allowed" },
    {
      waits: { period: 1, nonSliding: true, ticker: true },
      message: "Only one of --non-sliding and --ticker is allowed"
    },
    { waits: { interval: 1, ticker: true }, message: "--ticker is allowed with --period only" },
    {
      waits: { period: 0, ticker: true },
      message: "Invalid value for flag --period: \"0\". Expected: longer than 0, with --ticker"
    },
    { waits: { interval: 1, factor: 2 }, message: "--factor is allowed with --backoff only" },
    {
      waits: { interval: 1, jitter: { kind: "equal" }, fullJitter: true },
      message: "Only one of --jitter and --full-jitter is allowed"
    }
  ])("refuses what does not go together: $message", ({ message, waits }) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Effect.flip(settingsOf(waits))).message, message)
    }))

  it.effect("has none where nothing says how it is waited", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* settingsOf({ attempts: 3, within: 100, jitter: { kind: "full" } }), undefined)
    }))

  it.effect("has 2 for the factor that is not given", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* settingsOf({ backoff: { base: 1, cap: 9 }, fullJitter: true }), {
        base: { kind: "exponential", base: 1, cap: 9, factor: 2 },
        jitter: { kind: "full" },
        attempts: undefined,
        within: undefined
      })
    }))
})
