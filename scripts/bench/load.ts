/** What `import "effect-wait"` costs in Node: the package as it is published, beside the least that a program with Effect loads. */
import { execFileSync } from "node:child_process"
import { rmSync } from "node:fs"
import { install } from "./packed.ts"
import { claims } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"
import { leastOf, type Measured, seriesOf, takeTurns } from "./turns.ts"

export const measure = async ({ smoke }: Effort): Promise<ReadonlyArray<Section>> => {
  const cwd = install()
  // A program that starts for the first time has nothing compiled.
  const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" }
  const load = (specifier: string) => (): Measured => {
    const program = `
const begin = process.cpuUsage()
await import("${specifier}")
const { system, user } = process.cpuUsage(begin)
console.log(JSON.stringify({ ms: (system + user) / 1000 }))`
    return JSON.parse(
      execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd, encoding: "utf8", env })
    )
  }
  const specifiers = ["effect-wait", "effect-wait/Backoff", "effect-wait/Loop", "effect-wait/Retry"]
  const found = await takeTurns(
    smoke ? 3 : 15,
    Object.fromEntries([...specifiers, "effect/Effect", "effect/Stream", "effect"].map((name) => [name, load(name)]))
  )
  rmSync(cwd, { recursive: true })
  const series = seriesOf(found, "ms")
  return [{
    title: "to load a module in Node, with what it needs of Effect",
    unit: "ms of the processor",
    // A smoke test has its slack for what has rounds.
    series: smoke ? series : leastOf(series),
    claims: [
      // Handles have a Stream of changes, and Effect's Stream is a third of what Effect is.
      ...claims([["effect-wait", "effect/Effect"]], 1.95, 1.3),
      ...claims([["effect-wait", "effect/Stream"], ["effect-wait", "effect"]]),
      ...claims(specifiers.slice(1).map((name) => [name, "effect/Effect"] as const))
    ]
  }]
}
