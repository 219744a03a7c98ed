/** What a loop costs among few, and among many. */
import { claims } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"
import { alone, seriesOf, takeTurns } from "./turns.ts"

// So many in a Scope; where they are few, one such Scope after another, until 100,000 were started. The young generation has
// room for all of those, so that nothing is collected meanwhile: what is alive is moved then, which takes the longer the more
// there is.
const young = ["--min-semi-space-size=1024", "--max-semi-space-size=1024"]
const sleepers = (count: number, timed: number, weighed: number) => ({
  [`of ${count.toLocaleString("en")}`]: () => alone("sleepers.ts", ["scoped Loop.run", count, timed, weighed], young)
})

// All wake at once.
const wakes = (name: string, count: number, period: number) => ({
  [`${name}, of ${count.toLocaleString("en")}`]: () => alone("wakes.ts", [name, count, period])
})

export const measure = async ({ smoke }: Effort): Promise<ReadonlyArray<Section>> => {
  if (smoke) return [] // there is no cheap way to have many
  const found = new Map([
    ...await takeTurns(3, { ...sleepers(1000, 100, 5), ...sleepers(100_000, 0, 1) }),
    ...await takeTurns(1, { ...sleepers(10, 10_000, 41), ...sleepers(1_000_000, 0, 1) })
  ])
  const woken = await takeTurns(1, {
    ...wakes("Loop.run", 10, 1),
    ...wakes("Loop.run", 1000, 20),
    ...wakes("Loop.run", 100_000, 1000),
    ...wakes("Effect.repeat", 1000, 20),
    ...wakes("Effect.repeat", 100_000, 1000)
  })
  const grown = [
    ...claims([["of 100,000", "of 1,000"]], 1.2),
    ...claims([["of 10", "of 1,000"], ["of 1,000,000", "of 1,000"]])
  ]
  return [
    {
      title: "a sleeping loop in a Scope, by how many there are",
      unit: "bytes",
      series: seriesOf(found, "bytes"),
      claims: grown
    },
    {
      title: "to start a loop in a Scope, by how many there are",
      unit: "ns",
      series: seriesOf(found, "start"),
      claims: grown
    },
    {
      title: "a run and its sleep, by how many loops wake at once",
      unit: "ns of the processor",
      series: seriesOf(woken, "run"),
      claims: claims([
        ["Loop.run, of 100,000", "Loop.run, of 1,000"],
        ["Loop.run, of 1,000", "Effect.repeat, of 1,000"],
        ["Loop.run, of 100,000", "Effect.repeat, of 100,000"]
      ])
    }
  ]
}
