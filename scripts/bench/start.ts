/** How long it takes to start loops, each up to its first sleep, and to close the Scope that they are in. */
import { makeGo } from "./go.ts"
import { claims } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"
import { alone, seriesOf, takeTurns } from "./turns.ts"

const bare = ["scoped Effect.sleep", "scoped Effect.repeat", "scoped Loop.run"]

export const measure = async ({ smoke }: Effort): Promise<ReadonlyArray<Section>> => {
  const count = smoke ? 10_000 : 100_000
  const names = smoke ? bare : [...bare, "Loop.forkScoped"]
  const go = smoke ? undefined : makeGo()
  const found = await takeTurns(smoke ? 1 : 5, {
    ...Object.fromEntries(names.map((name) => [name, () => alone("sleepers.ts", [name, count])])),
    ...(go && { "Go wait.UntilWithContext": () => go.run("sleep", count) })
  })
  const of = count.toLocaleString("en")
  return [
    {
      title: `to start a loop, one of ${of}, up to its sleep`,
      unit: "ns",
      series: seriesOf(found, "start"),
      claims: [
        ...claims([["scoped Loop.run", "scoped Effect.repeat"]], 1 / 2),
        ...claims([
          ["Loop.forkScoped", "scoped Effect.repeat"],
          ["scoped Loop.run", "scoped Effect.sleep"],
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
          ["Loop.forkScoped", "scoped Effect.sleep"],
          ["scoped Loop.run", "scoped Effect.repeat"],
          ["scoped Loop.run", "Go wait.UntilWithContext"]
        ])
      ]
    }
  ]
}
