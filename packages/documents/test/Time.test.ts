import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Schema } from "effect"
import * as Time from "../src/Time.ts"

const read = (text: string) => Option.getOrUndefined(Time.parse(text))

describe("Time.parse", () => {
  it("reads what Go and systemd write", () => {
    const cases: ReadonlyArray<readonly [string, number]> = [
      ["0", 0],
      ["0s", 0],
      ["250ms", 250],
      ["1.5s", 1500],
      [".5s", 500],
      ["2m30s", 150_000],
      ["1h2m3s4ms", 3_723_004],
      ["1d", 86_400_000],
      ["1us", 0.001],
      ["3\u00b5s", 0.003],
      ["3\u03bcs", 0.003],
      ["5ns", 0.000005],
      ["0.1s0.2s", 300]
    ]
    assert.deepStrictEqual(
      cases.map(([text]) => read(text)),
      cases.map(([, millis]) => millis)
    )
  })

  it("refuses anything else", () => {
    const texts = ["", "1", "1.5", "-1s", "1 s", "s", "1.s", "1e3s", "1S", "1s2", "s1", "1w", "inf", "0x1s", "1s "]
    assert.deepStrictEqual(texts.map(read), texts.map(() => undefined))
    assert.strictEqual(read(`${"9".repeat(400)}s`), undefined)
  })
})

describe("Time.format", () => {
  it("takes two units, or three digits", () => {
    const cases: ReadonlyArray<readonly [number, string]> = [
      [0, "0ms"],
      [0.001, "1us"],
      [0.0666, "66.6us"],
      [1, "1ms"],
      [999.4, "999ms"],
      [999.9, "1s"],
      [1250, "1.25s"],
      [59_940, "59.9s"],
      [59_999, "1m"],
      [150_000, "2m30s"],
      [3_600_000, "1h"],
      [86_400_000 * 999_000, "999000d"],
      [86_400_000 * 1e6, "1e+6d"],
      [86_400_000 * 1.294e20, "1.29e+20d"],
      [5_400_000, "1h30m"],
      [86_400_000, "1d"],
      [532_800_000, "6d4h"],
      [366 * 86_400_000, "366d"],
      [86_313_600_000, "999d"],
      [123_456 * 86_400_000, "123000d"],
      [1e30, "1.16e+22d"],
      [Infinity, "forever"]
    ]
    assert.deepStrictEqual(cases.map(([millis]) => Time.format(millis)), cases.map(([, text]) => text))
  })
})

describe("Time.write", () => {
  it("takes the shortest form that is exact", () => {
    const cases: ReadonlyArray<readonly [number, string]> = [
      [0, "0"],
      [100, "100ms"],
      [1500, "1.5s"],
      [1234, "1.234s"],
      [150_000, "2m30s"],
      [0.000005, "5ns"]
    ]
    assert.deepStrictEqual(cases.map(([millis]) => Time.write(millis)), cases.map(([, text]) => text))
  })
})

describe("Time.toInput", () => {
  it("takes the largest unit of which it is a whole number", () => {
    const cases: ReadonlyArray<readonly [number, Duration.Input]> = [
      [0, "0 millis"],
      [1, "1 milli"],
      [1500, "1500 millis"],
      [1000, "1 second"],
      [90_000, "90 seconds"],
      [120_000, "2 minutes"],
      [3_600_000, "1 hour"],
      [172_800_000, "2 days"],
      [0.25, "250 micros"],
      [0.00001, "10 nanos"],
      [Infinity, "Infinity"],
      [1e-10, 1e-10],
      [1e40, 1e40]
    ]
    assert.deepStrictEqual(cases.map(([millis]) => Time.toInput(millis)), cases.map(([, input]) => input))
  })
})

const nanoseconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e15 }))

it.effect.prop(
  "a time that is written is read again, by the shell and by Effect",
  [nanoseconds],
  ([nanos]) =>
    Effect.sync(() => {
      const millis = Number((nanos / 1e6).toPrecision(15))
      assert.strictEqual(read(Time.write(millis)), millis)
      assert.strictEqual(Duration.toMillis(Duration.fromInputUnsafe(Time.toInput(millis))), millis)
    })
)
