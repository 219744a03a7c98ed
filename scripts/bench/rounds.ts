/** Measures contestants in rounds that take turns. */
import { Effect } from "effect"
import { Bench } from "tinybench"
import type { Claim, Effort, Series } from "./section.ts"

/** Work to measure. One call does it so many times that what the call itself costs does not count. */
export interface Contestant {
  readonly times: number
  readonly run: () => Promise<unknown>
  /** The work waits for a timer, so the time on the wall counts. */
  readonly waits?: true
}

/** Milliseconds of the processor, the helpers of the garbage collector included. */
const processorTime = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

/**
 * Milliseconds of the work itself. While another process has its turn, the processor works for that one; while the
 * collector's helpers clear away what a neighbour has left, they work beside the work. So of both times the lesser counts.
 */
const workTime = (): () => number => {
  let [wall, processor, passed] = [performance.now(), processorTime(), 0]
  return () => {
    const [wallNow, processorNow] = [performance.now(), processorTime()]
    passed += Math.min(wallNow - wall, processorNow - processor)
    wall = wallNow
    processor = processorNow
    return passed
  }
}

/**
 * Nanoseconds of the work of each contestant: in each round the median of tinybench. They are of the processor, except
 * where the work waits. `others` measure themselves.
 */
export const inRounds = async (
  { smoke }: Effort,
  contestants: Readonly<Record<string, Contestant>>,
  others: Readonly<Record<string, () => number>> = {}
): Promise<ReadonlyArray<Series>> => {
  const values = new Map<string, Array<number>>(
    Object.keys({ ...contestants, ...others }).map((name) => [name, []])
  )
  // Many short rounds: what slows the machine down for a while slows down neighbours alike.
  for (let round = 0; round < (smoke ? 25 : 15); round++) {
    const warm = { warmup: round === 0, warmupIterations: 1, warmupTime: smoke ? 50 : 150 }
    // There and back: what one leaves to the garbage collector is not always the same neighbour's.
    const turns = Object.entries(contestants)
    for (const [name, { run, times, waits }] of round % 2 === 0 ? turns : turns.toReversed()) {
      const now = waits === true ? performance.now.bind(performance) : workTime()
      const bench = new Bench({ now, iterations: 1, time: smoke ? 1 : 3, throws: true, ...warm })
      const result = (await bench.add(name, run, { async: true }).run())[0]!.result
      if (result.state !== "completed") throw new Error(`${name}: ${result.state}`)
      values.get(name)!.push(result.latency.p50 * 1e6 / times)
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

/**
 * The difference of two contestants, in each round. Its least is the difference of their least: a round in which the
 * bare one was slow says nothing.
 */
export const over = (series: ReadonlyArray<Series>, name: string, bare: string): Series => {
  const valuesOf = (wanted: string) => series.find((one) => one.name === wanted)!.values
  const [all, floor] = [valuesOf(name), valuesOf(bare)]
  return {
    name: `${name}, over ${bare}`,
    values: all.map((value, round) => value - floor[round]!),
    least: Math.min(...all) - Math.min(...floor)
  }
}

/** The machine itself: the parts of a call with a timer, without Effect. */
export const machine: Contestant = {
  times: 5000,
  async run() {
    for (let n = 0; n < 5000; n++) {
      const calls = new Map([[n, () => n]])
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 50)
        queueMicrotask(() => {
          clearTimeout(timer)
          calls.forEach(() => resolve())
        })
      })
    }
  }
}

/**
 * A limit for the machine on which `work` takes `calm` while nothing else runs. A slower or busier machine has so much more
 * time as its own `work` takes more in the same round; a faster one has no less.
 */
export const limitOf = (limit: number, unit: string, calm: number, work: Series): Series => ({
  name: `${limit.toLocaleString("en")} ${unit}`,
  values: work.values.map((value) => limit * Math.max(1, value / calm))
})

/** A claim about each pair of names. */
export const claims = (
  pairs: ReadonlyArray<readonly [ours: string, peer: string]>,
  atMost?: number,
  aim?: number
): ReadonlyArray<Claim> => pairs.map(([ours, peer]) => ({ text: `${ours} : ${peer}`, ours, peer, atMost, aim }))
