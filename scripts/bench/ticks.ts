/**
 * A ticker and a setInterval of 10 ms in one process, among other loops that run each second: `ticks.ts <seconds> <others>`.
 * It prints by how many milliseconds they came early or late: quantiles of each 2 seconds.
 */
import { Effect } from "effect"
import { Loop, Period } from "effect-wait"

const period = 10
const [seconds = 0, others = 0] = process.argv.slice(2).map(Number)

const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

// When both came, in so many milliseconds. They begin half a period apart, so that neither waits for the other.
const record = async (millis: number) => {
  const ticker: Array<number> = []
  const interval: Array<number> = []
  const fiber = Effect.runFork(Loop.run(Effect.sync(() => ticker.push(performance.now())), Period.ticker(period)))
  await pause(period / 2)
  const timer = setInterval(() => interval.push(performance.now()), period)
  await pause(millis)
  clearInterval(timer)
  fiber.interruptUnsafe()
  return { ticker, interval }
}

// Beside the grid that begins with the first. A stall may take slots of the ticker, which then goes on with the last of them.
const besideSlots = (times: ReadonlyArray<number>): ReadonlyArray<number> => {
  const first = times[0]!
  let slot = 0
  return times.slice(1).map((time, i) => {
    slot = Math.max(slot + 1, Math.floor((times[i]! - first) / period))
    return time - first - slot * period
  })
}

// The same for what never leaves out one.
const besideTurns = (times: ReadonlyArray<number>): ReadonlyArray<number> =>
  times.slice(1).map((time, i) => time - times[0]! - (i + 1) * period)

// Beside a period after the one before, whenever that came.
const besideGaps = (times: ReadonlyArray<number>): ReadonlyArray<number> =>
  times.slice(1).map((time, i) => time - times[i]! - period)

const quantiles = (name: string, offsets: ReadonlyArray<number>) => {
  const parts = Array.from({ length: seconds / 2 }, (_, i) => {
    const size = Math.floor(offsets.length / (seconds / 2))
    return offsets.slice(i * size, (i + 1) * size).map(Math.abs).toSorted((a, b) => a - b)
  })
  const at = (quantile: number) => parts.map((sorted) => sorted[Math.ceil(quantile * sorted.length) - 1])
  return { [`${name}, p50`]: at(0.5), [`${name}, p99`]: at(0.99), [`${name}, max`]: at(1) }
}

for (let i = 0; i < others; i++) {
  Effect.runFork(Loop.run(Effect.void, Period.sliding("1 second"), { initialDelay: 1000 * i / others }))
}
// What runs for the first time is slow, and lateness counts from the first.
await record(others === 0 ? 300 : 1500)
const { interval, ticker } = await record(1000 * seconds)
console.log(JSON.stringify({
  ...quantiles("Period.ticker", besideSlots(ticker)),
  ...quantiles("Period.ticker, its gaps", besideGaps(ticker)),
  ...quantiles("setInterval", besideTurns(interval)),
  ...quantiles("setInterval, its gaps", besideGaps(interval))
}))
process.exit()
