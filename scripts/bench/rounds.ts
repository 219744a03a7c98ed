/** Measures contestants in rounds that take turns. */
import { Effect } from "effect"
import { Bench } from "tinybench"
import type { Claim, Effort, Series } from "./section.ts"

/** Work to measure. One call does it so many times that what the call itself costs does not count. */
export interface Contestant {
  readonly times: number
  readonly run: () => Promise<unknown>
}

/** Nanoseconds of the work of each contestant: in each round the median of tinybench. `others` measure themselves. */
export const inRounds = async (
  { smoke }: Effort,
  contestants: Readonly<Record<string, Contestant>>,
  others: Readonly<Record<string, () => number>> = {}
): Promise<ReadonlyArray<Series>> => {
  const values = new Map<string, Array<number>>(
    Object.keys({ ...contestants, ...others }).map((name) => [name, []])
  )
  // Many short rounds: what slows the machine down for a while slows down neighbours alike.
  for (let round = 0; round < (smoke ? 9 : 41); round++) {
    const warm = { warmup: round === 0, warmupIterations: 1, warmupTime: smoke ? 20 : 50 }
    const bench = new Bench({ iterations: 1, time: smoke ? 1 : 3, throws: true, ...warm })
    for (const [name, { run }] of Object.entries(contestants)) bench.add(name, run, { async: true })
    for (const { name, result } of await bench.run()) {
      if (result.state !== "completed") throw new Error(`${name}: ${result.state}`)
      values.get(name)!.push(result.latency.p50 * 1e6 / contestants[name]!.times)
    }
    for (const [name, nanos] of Object.entries(others)) values.get(name)!.push(nanos())
  }
  return Array.from(values, ([name, list]) => ({ name, values: list }))
}

const enough = new Error("enough")

/** A loop over the least work there is, whose defect ends any of them at the same cost. */
export const looping = (
  times: number,
  loop: (work: Effect.Effect<boolean>) => Effect.Effect<unknown, unknown>
): Contestant => ({
  times,
  run() {
    let n = 0
    return Effect.runPromiseExit(loop(Effect.sync(() => {
      if (++n > times) throw enough
      return false
    })))
  }
})

/** What one contestant costs more than another, in each round. */
export const over = (series: ReadonlyArray<Series>, name: string, bare: string): Series => {
  const valuesOf = (wanted: string) => series.find((one) => one.name === wanted)!.values
  const floor = valuesOf(bare)
  return {
    name: `${name}, over ${bare}`,
    values: valuesOf(name).map((value, round) => value - floor[round]!)
  }
}

/** A claim about each pair of names. */
export const claims = (
  pairs: ReadonlyArray<readonly [ours: string, peer: string]>,
  atMost?: number,
  aim?: number
): ReadonlyArray<Claim> => pairs.map(([ours, peer]) => ({ text: `${ours} : ${peer}`, ours, peer, atMost, aim }))
