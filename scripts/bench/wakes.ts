/**
 * Loops of one kind that all wake at once, again and again: `wakes.ts <name> <count> <period>`. It prints the nanoseconds of
 * the processor that a run and its sleep take, the garbage collector's included.
 */
import { Effect, Schedule } from "effect"
import { Loop, Period } from "effect-wait"

const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

const [name = "", count, period = ""] = process.argv.slice(2)
const millis = Number(period)
let runs = 0
const work = Effect.sync(() => {
  runs++
})
const contestants: Record<string, () => Effect.Effect<unknown>> = {
  "Loop.run": () => Loop.run(work, Period.sliding(millis)),
  "Effect.repeat": () => Effect.repeat(work, Schedule.spaced(millis))
}
for (let i = 0; i < Number(count); i++) Effect.runFork(contestants[name]!())
await pause(500 + millis)
const used = process.cpuUsage()
const before = runs
await pause(1000)
const { system, user } = process.cpuUsage(used)
console.log(JSON.stringify({ run: 1000 * (system + user) / (runs - before) }))
process.exit()
