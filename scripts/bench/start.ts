/** How long it takes to start loops, each up to its first sleep, and to close the Scope that they are in. */
import { makeGo } from "./go.ts"
import { claims } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"
import { alone, seriesOf, takeTurns } from "./turns.ts"

export const measure = async ({ smoke }: Effort): Promise<ReadonlyArray<Section>> => {
  if (smoke) return [] // fewer than these say nothing
  const count = 100_000
  const sleepers = (...names: ReadonlyArray<string>) =>
    Object.fromEntries(names.map((name) => [name, () => alone("sleepers.ts", [name, count, 1, 0])]))
  const go = makeGo()
  const found = new Map([
    ...await takeTurns(15, {
      ...sleepers("scoped Effect.sleep", "scoped Effect.repeat", "scoped Loop.run"),
      ...(go && { "Go wait.UntilWithContext": () => go.run("sleep", count) })
    }),
    // Of this there is no target.
    ...await takeTurns(1, sleepers("Loop.forkScoped"))
  ])
  const of = count.toLocaleString("en")
  return [
    {
      title: `to start a loop, one of ${of}, up to its sleep`,
      unit: "ns",
      series: seriesOf(found, "start"),
      claims: [
        ...claims([["scoped Loop.run", "scoped Effect.repeat"]], 1 / 2),
        ...claims([
          ["scoped Loop.run", "scoped Effect.sleep"],
          ["Loop.forkScoped", "scoped Effect.repeat"],
          ["scoped Loop.run", "Go wait.UntilWithContext"]
        ])
      ]
    },
    {
      title: `to end a loop, one of ${of}, by closing their Scope`,
      unit: "ns",
      series: [...seriesOf(found, "close"), ...seriesOf(found, "cancel")],
      claims: [
        ...claims([["scoped Loop.run", "scoped Effect.sleep"]], 1.1),
        ...claims([
          ["scoped Loop.run", "scoped Effect.repeat"],
          ["Loop.forkScoped", "scoped Effect.sleep"],
          ["scoped Loop.run", "Go wait.UntilWithContext"]
        ])
      ]
    }
  ]
}
