/** One module of the benchmark, in a process of its own: `node measure.ts <name> <smoke>`. Prints its sections. */
import type { Effort, Section } from "./section.ts"

interface Module {
  readonly measure: (effort: Effort) => Promise<ReadonlyArray<Section>>
}

const [name, smoke] = process.argv.slice(2)
const { measure }: Module = await import(`./${name}.ts`)
console.log(JSON.stringify(await measure({ smoke: smoke === "true" })))
process.exit()
