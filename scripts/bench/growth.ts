/** What a loop costs among few, and among many. */
import { claims } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"
import { alone, seriesOf, takeTurns } from "./turns.ts"

const named = (count: number): string => `of ${count.toLocaleString("en")}`

// As many to a Scope, and one Scope after another until they are 100,000. The young generation has room for all of those, so
// that nothing is collected while they start: moving what is alive would take the longer the more of it there is.
const young = ["--min-semi-space-size=1024", "--max-semi-space-size=1024"]
const sleepers = (counts: ReadonlyArray<number>) =>
  Object.fromEntries(counts.map((count) => [
    named(count),
    () => alone("sleepers.ts", ["scoped Loop.run", count, ...(count < 100_000 ? [100_000 / count] : [])], young)
  ]))

// All wake at once; ten of them each millisecond, 100,000 each second.
const wakes = (name: string, count: number, period: number) => ({
  [`${name}, ${named(count)}`]: () => alone("wakes.ts", [name, count, period])
})

export const measure = async ({ smoke }: Effort): Promise<ReadonlyArray<Section>> => {
  if (smoke) return [] // there is no cheap way to have many
  const found = new Map([
    ...await takeTurns(3, sleepers([10, 1000, 100_000])),
    ...await takeTurns(1, sleepers([1_000_000]))
  ])
  const grown = [
    ...claims([[named(100_000), named(1000)]], 1.2),
    ...claims([[named(10), named(1000)], [named(1_000_000), named(1000)]])
  ]
  const woken = await takeTurns(1, {
    ...wakes("Loop.run", 10, 1),
    ...wakes("Loop.run", 1000, 20),
    ...wakes("Loop.run", 100_000, 1000),
    ...wakes("Effect.repeat", 1000, 20),
    ...wakes("Effect.repeat", 100_000, 1000)
  })
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
