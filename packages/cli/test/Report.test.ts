import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Conclusion, Run, Verdict } from "../src/Outcome.ts"
import * as Report from "../src/Report.ts"

const ran = (run: number, code = 0, took = 41.6): Run => ({ run, outcome: { code, what: `exit ${code}` }, took })

const verdict = (change: Partial<Verdict>): Verdict => ({
  reason: "accepted",
  runs: 1,
  last: ran(1),
  elapsed: 1234.4,
  missed: 0,
  ...change
})

const done: Conclusion = { code: 0, what: "done" }

/** Takes what is written, on a terminal of this width; 0 is none. */
const written = <A, E, R>(columns: number, f: (take: () => ReadonlyArray<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const texts: Array<string> = []
    return Effect.provideService(f(() => texts.splice(0)), Report.Output, {
      columns: () => columns,
      write: (text) => void texts.push(text)
    })
  })

describe("Report.lines", () => {
  it.effect("tells of each run when it waits for the next, and of the last one at the end", () =>
    written(0, (take) =>
      Effect.gen(function*() {
        const { begins, over, waits } = Report.lines()
        yield* begins
        assert.deepStrictEqual(take(), [])
        yield* waits(ran(1, 3), 1500, 0)
        assert.deepStrictEqual(take(), ["effect-wait: run 1: exit 3 after 42ms, next in 1.5s\n"])
        yield* begins
        yield* waits(ran(2, 3), 0.2, 0)
        assert.deepStrictEqual(take(), ["effect-wait: run 2: exit 3 after 42ms, next in 0ms\n"])
        yield* begins
        yield* over(verdict({ runs: 3, last: ran(3) }), done)
        assert.deepStrictEqual(take(), ["effect-wait: run 3: exit 0 after 42ms; done after 3 runs in 1.23s\n"])
      })))

  const cases = [
    ["the slots that were missed", ran(1), 100, 2, "run 1: exit 0 after 42ms, next in 100ms, 2 missed"],
    ["a run that will never come", ran(1), Infinity, 0, "run 1: exit 0 after 42ms, next never"],
    ["the delay alone before the first run", undefined, 60_000, 0, "next in 1m"]
  ] as const

  it.effect.each(cases)("tells of %s", ([, last, delay, missed, line]) =>
    written(0, (take) =>
      Effect.gen(function*() {
        yield* Report.lines().waits(last, delay, missed)
        assert.deepStrictEqual(take(), [`effect-wait: ${line}\n`])
      })))

  const endings = [
    ["one run", { runs: 1, last: ran(1) }, "run 1: exit 0 after 42ms; done after 1 run in 1.23s"],
    ["no run", { runs: 0, last: undefined }, "done after 0 runs in 1.23s"],
    ["a first run that was cut", { runs: 1, last: undefined }, "run 1 was cut; done after 1 run in 1.23s"],
    ["slots that were missed", { missed: 3 }, "run 1: exit 0 after 42ms; done after 1 run in 1.23s, 3 missed"]
  ] as const

  it.effect.each(endings)("ends with %s", ([, change, line]) =>
    written(0, (take) =>
      Effect.gen(function*() {
        yield* Report.lines().over(verdict(change), done)
        assert.deepStrictEqual(take(), [`effect-wait: ${line}\n`])
      })))

  it.effect("tells of no run twice", () =>
    written(0, (take) =>
      Effect.gen(function*() {
        const { over, waits } = Report.lines()
        yield* waits(ran(1), 100, 0)
        take()
        yield* over(verdict({}), done)
        assert.deepStrictEqual(take(), ["effect-wait: done after 1 run in 1.23s\n"])
      })))

  it.effect("tells of a run that was cut after others", () =>
    written(0, (take) =>
      Effect.gen(function*() {
        const { over, waits } = Report.lines()
        yield* waits(ran(1), 100, 0)
        take()
        yield* over(verdict({ runs: 2, last: ran(1) }), { code: 124, what: "timed out" })
        assert.deepStrictEqual(take(), ["effect-wait: run 2 was cut; timed out after 2 runs in 1.23s\n"])
      })))
})

describe("Report.json", () => {
  it.effect("writes an object for each run, and one for the end", () =>
    written(0, (take) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(Date.UTC(2026, 0, 2, 3, 4, 5, 6))
        const { begins, over, waits } = Report.json()
        const time = "2026-01-02T03:04:05.006Z"
        yield* waits(undefined, 100, 0)
        assert.deepStrictEqual(take(), [])
        yield* begins
        yield* waits(ran(1, 3), 99.6, 1)
        assert.deepStrictEqual(take(), [
          `{"time":"${time}","event":"run","run":1,"code":3,"what":"exit 3","took":42,"nextIn":100,"missed":1}\n`
        ])
        yield* over(verdict({ runs: 2, last: ran(2), missed: 1 }), { code: 7, what: "\"quoted\"\n" })
        assert.deepStrictEqual(take(), [
          `{"time":"${time}","event":"run","run":2,"code":0,"what":"exit 0","took":42}\n`,
          `{"time":"${time}","event":"end","code":7,"what":"\\"quoted\\"\\n","runs":2,"elapsed":1234,"missed":1}\n`
        ])
      })))

  it.effect("writes of no run twice", () =>
    written(0, (take) =>
      Effect.gen(function*() {
        const { over, waits } = Report.json()
        yield* waits(ran(1), 100, 0)
        yield* over(verdict({ runs: 2, last: ran(1) }), done)
        assert.deepStrictEqual(take().map((line) => JSON.parse(line).event), ["run", "end"])
      })))
})

describe("Report.quiet", () => {
  it.effect("writes nothing", () =>
    written(80, (take) =>
      Effect.gen(function*() {
        yield* Report.quiet(Report.lines()).begins
        yield* Report.quiet(Report.lines()).waits(ran(1), 100, 0)
        yield* Report.quiet(Report.lines()).over(verdict({}), done)
        assert.deepStrictEqual(take(), [])
      })))
})

const erase = "\r\x1b[K"

const drawn = (text: string) => `\reffect-wait: ${text}\x1b[K`

describe("Report.live", () => {
  it.effect("counts down between the runs on a line of its own, and erases that before the next", () =>
    written(80, (take) =>
      Effect.gen(function*() {
        const { begins, waits } = yield* Report.live
        yield* begins
        assert.deepStrictEqual(take(), [])
        yield* waits(ran(1, 3), 250, 0)
        yield* TestClock.adjust("250 millis")
        assert.deepStrictEqual(take(), [
          `${" ".repeat(80)}\r`,
          drawn("run 1: exit 3 after 42ms, next in 0.3s"),
          drawn("run 1: exit 3 after 42ms, next in 0.1s"),
          drawn("run 1: exit 3 after 42ms, next in 0.1s")
        ])
        yield* begins
        assert.deepStrictEqual(take(), [erase])
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(take(), [])
      })))

  it.effect("counts down from 10 seconds in tenths, and in seconds before", () =>
    written(80, (take) =>
      Effect.gen(function*() {
        const { waits } = yield* Report.live
        yield* waits(undefined, 62_000, 0)
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual(take(), [
          drawn("next in 1m2s"),
          drawn("next in 1m1s"),
          drawn("next in 1m"),
          drawn("next in 59s")
        ])
        yield* waits(undefined, 10_000, 0)
        yield* TestClock.adjust("200 millis")
        assert.deepStrictEqual(take(), [
          erase,
          drawn("next in 10s"),
          drawn("next in 9.9s"),
          drawn("next in 9.8s")
        ])
      })))

  it.effect("is no longer than the terminal is wide, less one for the cursor", () =>
    written(30, (take) =>
      Effect.gen(function*() {
        const { waits } = yield* Report.live
        yield* waits(ran(1), 5000, 0)
        yield* TestClock.adjust(0)
        assert.deepStrictEqual(take(), ["\reffect-wait: run 1: exit 0 af\x1b[K"])
      })))

  it.effect("tells of the slots that were missed", () =>
    written(80, (take) =>
      Effect.gen(function*() {
        const { waits } = yield* Report.live
        yield* waits(ran(1), 5000, 2)
        yield* TestClock.adjust(0)
        assert.deepStrictEqual(take(), [drawn("run 1: exit 0 after 42ms, 2 missed, next in 5.0s")])
      })))

  it.effect("tells of a run that will never come", () =>
    written(80, (take) =>
      Effect.gen(function*() {
        const { waits } = yield* Report.live
        yield* waits(ran(1), Infinity, 0)
        yield* TestClock.adjust("1500 millis")
        const line = drawn("run 1: exit 0 after 42ms, next never")
        assert.deepStrictEqual(take(), [line, line])
      })))

  it.effect("leaves one line at the end", () =>
    written(20, (take) =>
      Effect.gen(function*() {
        const { begins, over, waits } = yield* Report.live
        yield* waits(undefined, 5000, 0)
        yield* TestClock.adjust(0)
        yield* begins
        take()
        yield* over(verdict({}), done)
        assert.deepStrictEqual(take(), [
          `${" ".repeat(20)}\r`,
          "effect-wait: run 1: exit 0 after 42ms; done after 1 run in 1.23s\n"
        ])
      })))

  it.effect("erases the line at the end when that comes between two runs", () =>
    written(80, (take) =>
      Effect.gen(function*() {
        const { begins, over, waits } = yield* Report.live
        yield* begins
        yield* waits(ran(1), 5000, 0)
        yield* TestClock.adjust(0)
        take()
        yield* over(verdict({ reason: "SIGTERM" }), { code: 143, what: "stopped by SIGTERM" })
        assert.deepStrictEqual(take(), [
          erase,
          "effect-wait: run 1: exit 0 after 42ms; stopped by SIGTERM after 1 run in 1.23s\n"
        ])
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(take(), [])
      })))

  it.effect("says nothing of a line of its own where no command has written since", () =>
    written(80, (take) =>
      Effect.gen(function*() {
        const { waits } = yield* Report.live
        yield* waits(ran(1), 1000, 0)
        yield* TestClock.adjust(0)
        yield* waits(ran(2), 1000, 0)
        yield* TestClock.adjust(0)
        assert.deepStrictEqual(take(), [
          drawn("run 1: exit 0 after 42ms, next in 1.0s"),
          erase,
          drawn("run 2: exit 0 after 42ms, next in 1.0s")
        ])
      })))

  it.effect("stops with the scope that it was made in", () =>
    written(80, (take) =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const { waits } = yield* Report.live
          yield* waits(ran(1), 5000, 0)
          yield* TestClock.adjust(0)
        }))
        take()
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(take(), [])
      })))
})
