/** Bytes of one sleeping loop, 100,000 of them; a program of its own, as its heap must be its own. */
import { Effect, Fiber, Schedule } from "effect"
import { Jitter, Loop, Period } from "effect-wait"

const count = 100_000
const contestants: Record<string, () => Effect.Effect<unknown>> = {
  "sleep": () => Effect.sleep("1 hour"),
  "Loop.run sliding": () => Loop.run(Effect.void, Period.sliding("1 hour")),
  "Loop.run nonSliding": () => Loop.run(Effect.void, Period.nonSliding("1 hour")),
  "Loop.run jittered": () => Loop.run(Effect.void, Period.sliding("1 hour").pipe(Jitter.additive(0.2))),
  "Loop.run with stop": () => Loop.run(Effect.void, Period.sliding("1 hour"), { stop: Effect.never }),
  "Effect.repeat spaced": () => Effect.repeat(Effect.void, Schedule.spaced("1 hour"))
}

const name = process.argv[2] ?? "sleep"
const schedule = Period.sliding("1 hour")
const effect = name === "Loop.run sliding" ? Loop.run(Effect.void, schedule) : contestants[name]!()
const settle = () => new Promise((resolve) => setTimeout(resolve, 300))
await Effect.runPromise(Effect.void)
gc!(); await settle(); gc!()
const before = process.memoryUsage().heapUsed
const fibers: Array<Fiber.Fiber<unknown>> = []
for (let i = 0; i < count; i++) fibers.push(Effect.runFork(effect))
await settle(); gc!(); await settle(); gc!()
console.log(name.padEnd(30), Math.round((process.memoryUsage().heapUsed - before) / count))
process.exit(fibers.length === count ? 0 : 1)
