/** The recordings of a real cron are whole, and this machine's clocks change when cron's did. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { hashOf, scenarios, zones } from "./cronTraces.ts"

const offsetAt = (zone: string, minute: number) =>
  DateTime.zonedOffset(DateTime.makeZonedUnsafe(minute * 60_000, { timeZone: zone })) / 60_000

describe("recordings of cron", () => {
  for (const { changes, from, lines, offset, until, zone } of zones) {
    it(`${zone} has the offsets of the recording`, () => {
      const offsets = [offset, ...changes.map(([, after]) => after)]
      assert.strictEqual(offsetAt(zone, from), offset)
      changes.forEach(([at, after], i) => {
        assert.strictEqual(offsetAt(zone, at - 1), offsets[i])
        assert.strictEqual(offsetAt(zone, at), after)
      })
      // Nor any other change that lasts a day.
      let expected = offset
      for (let at = from; at < until; at += 1440) {
        for (const [change, after] of changes) if (change > at - 1440 && change <= at) expected = after
        assert.strictEqual(offsetAt(zone, at), expected, `at minute ${at}`)
      }
    })

    it(`${zone} has its runs inside of its windows`, () => {
      assert.isAbove(Object.keys(lines).length, 200)
      for (const line of Object.values(lines)) {
        for (const { from, starts, until } of line?.windows ?? []) {
          assert.isTrue(starts.every((start, i) => from <= start && start < until && start >= (starts[i - 1] ?? 0)))
        }
      }
    })
  }

  it("a line that ran every minute ran in each", () => {
    for (const { from, lines, until } of zones) {
      const line = lines["* * * * *"]!
      assert.strictEqual(line.starts, until - from - 1)
      assert.strictEqual(line.hash, hashOf(Array.from({ length: line.starts }, (_, i) => from + 1 + i)))
    }
  })

  it("each run's wall time is the time that has passed, and the steps that came before", () => {
    for (const { lines, seconds, steps } of scenarios) {
      for (const { mono, wall } of Object.values(lines).flat()) {
        assert.isBelow(mono, seconds)
        assert.strictEqual(wall, steps.reduce((time, [at, by]) => at <= mono ? time + by : time, mono))
      }
    }
  })
})
