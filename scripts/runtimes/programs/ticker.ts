/** A ticker on the real clock, beside work that holds up the thread. */
import { Effect } from "effect"
import { Loop, Period } from "effect-wait"

const period = 100
const slots = 40

// Counted work, since a worker's clock may stand still while it computes.
const compute = (rounds: number): number => {
  let sum = 0
  for (let i = 0; i < rounds; i++) sum += Math.sqrt(i)
  return sum
}

/** Blocks of some 1 to 30 ms, and of 100 ms now and then. */
const load = Effect.gen(function*() {
  for (let i = 0; i < slots * period / 25; i++) {
    compute(i % 40 === 30 ? 20_000_000 : 5_000_000 * ((i * 7) % 10) / 10)
    yield* Effect.sleep(10 + (i * 13) % 30)
  }
})

export interface Ticked {
  readonly period: number
  /** The slots that passed, and when the runs started: in milliseconds since the first. */
  readonly slots: number
  readonly starts: ReadonlyArray<number>
}

export default (): Promise<Ticked> =>
  Effect.gen(function*() {
    const starts: Array<number> = []
    const note = Effect.sync(() => void starts.push(performance.now()))
    yield* Effect.race(
      Effect.andThen(load, Effect.never),
      Loop.run(note, Period.ticker(period), { stop: Effect.sleep(slots * period - period / 2) })
    )
    const [first = 0] = starts
    const passed = Math.floor((performance.now() - first) / period) + 1
    return { period, slots: passed, starts: starts.map((start) => start - first) }
  }).pipe(Effect.runPromise)
