import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Loop, Period } from "effect-wait"
import { startsOf } from "./support.ts"

const timelines = [
  { name: "sliding", schedule: Period.sliding("1 second"), work: [400], starts: [0, 1400, 2800, 4200] },
  { name: "nonSliding", schedule: Period.nonSliding("1 second"), work: [400], starts: [0, 1000, 2000, 3000, 4000] },
  {
    name: "nonSliding with runs that overrun",
    schedule: Period.nonSliding("1 second"),
    work: [400, 800, 1200, 1600, 2000],
    starts: [0, 1000, 2000, 3200, 4800, 6800]
  },
  { name: "ticker that keeps a missed slot", schedule: Period.ticker("1 second"), work: [1500, 100], starts: [0, 1500, 2000, 3000] },
  {
    name: "ticker that skips missed slots",
    schedule: Period.ticker("1 second", { missed: "skip" }),
    work: [1500, 100],
    starts: [0, 2000, 3000, 4000]
  }
] as const

describe("Period", () => {
  for (const { name, schedule, starts, work } of timelines) {
    const time = starts[starts.length - 1]!
    it.effect(`${name}, under Effect.repeat`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* startsOf(Effect.repeat(schedule), time, ...work), [...starts])
      }))
    it.effect(`${name}, under Loop.run`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* startsOf(Loop.run(schedule), time, ...work), [...starts])
      }))
  }
})
