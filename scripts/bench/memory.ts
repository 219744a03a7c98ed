/** What a loop weighs while it sleeps. */
import { makeGo } from "./go.ts"
import { claims } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"
import { alone, seriesOf, takeTurns } from "./turns.ts"

const few = ["Effect.repeat spaced", "Loop.run sliding", "Loop.run jittered", "Loop.run with stop", "Loop.forkScoped"]
const others = [
  "setInterval",
  "Effect.sleep",
  "Effect.repeat spaced.jittered",
  "Loop.run nonSliding",
  "Loop.run ticker",
  "Loop.run with name",
  "scoped Effect.sleep",
  "scoped Loop.run",
  "Loop.forkScoped with name"
]

export const measure = async ({ smoke }: Effort): Promise<ReadonlyArray<Section>> => {
  const count = smoke ? 10_000 : 100_000
  const go = smoke ? undefined : makeGo()
  const weigh = (names: ReadonlyArray<string>) =>
    Object.fromEntries(names.map((name) => [name, () => alone("sleepers.ts", [name, count, 0, 1])]))
  const found = new Map([
    ...await takeTurns(3, weigh(few)),
    ...await takeTurns(1, {
      ...weigh(smoke ? [] : others),
      ...(go && { "Go wait.UntilWithContext": () => go.run("sleep", count) })
    })
  ])
  return [{
    title: `a sleeping loop, of ${count.toLocaleString("en")}`,
    unit: "bytes",
    // A size that is claimed is a ratio to that many bytes.
    series: [
      // In some processes a timer of Node is 16 or 32 bytes larger, as V8 has stored its times.
      ...seriesOf(found, "bytes").map(({ name, values }) => ({ name, values: [Math.min(...values)] })),
      ...[1350, 2200, 2700].map((bytes) => ({ name: `${bytes} bytes`, values: [bytes] }))
    ],
    claims: [
      ...claims([
        ["Loop.run sliding", "Effect.repeat spaced"],
        ["Loop.run nonSliding", "Effect.repeat spaced"],
        ["Loop.run jittered", "Effect.repeat spaced"],
        ["Loop.run jittered", "Effect.repeat spaced.jittered"]
      ], 0.45),
      ...claims(
        ["Loop.run sliding", "Loop.run nonSliding", "Loop.run jittered"].map((name) => [name, "1350 bytes"] as const),
        1
      ),
      ...claims([["Loop.run with stop", "2200 bytes"], ["Loop.forkScoped", "2700 bytes"]], 1),
      ...claims([["Loop.forkScoped", "scoped Loop.run"]], 2),
      ...claims([["Loop.run with name", "Loop.run sliding"]], 1.6),
      ...claims([
        ["Loop.run ticker", "Effect.repeat spaced"],
        ["Loop.run with stop", "Loop.run sliding"],
        ["Loop.forkScoped with name", "scoped Loop.run"],
        ["Loop.run sliding", "Effect.sleep"],
        ["Loop.run sliding", "setInterval"],
        ["Loop.run sliding", "Go wait.UntilWithContext"]
      ])
    ]
  }]
}
