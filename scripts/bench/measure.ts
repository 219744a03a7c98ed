/** One module of the benchmark: here, or in a process of its own, by `node measure.ts <name>`, which prints its sections. */
import type { Effort, Section } from "./section.ts"

interface Module {
  readonly measure: (effort: Effort) => Promise<ReadonlyArray<Section>>
}

export const measure = async (name: string, effort: Effort): Promise<ReadonlyArray<Section>> => {
  const { measure }: Module = await import(`./${name}.ts`)
  return measure(effort)
}

if (import.meta.main) {
  console.log(JSON.stringify(await measure(process.argv[2]!, { smoke: false })))
  process.exit()
}
