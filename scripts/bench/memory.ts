/** Bytes of one sleeping loop, of 100,000. A program of its own for each contestant, as its heap must be its own. */
import { Effect, Schedule, Scope } from "effect"
import { Jitter, Loop, Period } from "effect-wait"

const count = 100_000

const fork = <A, E>(effect: Effect.Effect<A, E>) => () => Effect.runFork(effect)

const scope = Scope.makeUnsafe()
const inScope = <A>(effect: Effect.Effect<A, never, Scope.Scope>) => () =>
  Effect.runSync(Effect.provideService(effect, Scope.Scope, scope))

const contestants: Record<string, () => unknown> = {
  "Effect.sleep": fork(Effect.sleep("1 hour")),
  "setInterval": () => setInterval(() => {}, 3_600_000),
  "Loop.run sliding": fork(Loop.run(Effect.void, Period.sliding("1 hour"))),
  "Loop.run nonSliding": fork(Loop.run(Effect.void, Period.nonSliding("1 hour"))),
  "Loop.run sliding, additive jitter": fork(Loop.run(Effect.void, Period.sliding("1 hour").pipe(Jitter.additive(0.2)))),
  "Loop.run sliding, with stop": fork(Loop.run(Effect.void, Period.sliding("1 hour"), { stop: Effect.never })),
  "Loop.run sliding, with name": fork(Loop.run(Effect.void, Period.sliding("1 hour"), { name: "bench" })),
  "Effect.forkScoped(Effect.sleep)": inScope(Effect.forkScoped(Effect.sleep("1 hour"))),
  "Effect.forkScoped(Loop.run sliding)": inScope(Effect.forkScoped(Loop.run(Effect.void, Period.sliding("1 hour")))),
  "Loop.forkScoped sliding": inScope(Loop.forkScoped(Effect.void, Period.sliding("1 hour"))),
  "Loop.forkScoped sliding, with name": inScope(
    Loop.forkScoped(Effect.void, Period.sliding("1 hour"), { name: "bench" })
  ),
  "Effect.repeat Schedule.spaced": fork(Effect.repeat(Effect.void, Schedule.spaced("1 hour"))),
  "Effect.repeat Schedule.spaced, jittered": fork(
    Effect.repeat(Effect.void, Schedule.spaced("1 hour").pipe(Schedule.jittered))
  )
}

const settle = async (): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, 300))
  gc!()
  await new Promise((resolve) => setTimeout(resolve, 100))
  gc!()
  return process.memoryUsage().heapUsed
}

const name = process.argv[2]
if (name === undefined) {
  console.log(JSON.stringify(Object.keys(contestants)))
} else {
  const start = contestants[name]!
  const kept = [start()] // what the first one sets up once is not counted
  const before = await settle()
  for (let i = 0; i < count; i++) kept.push(start())
  const after = await settle()
  console.log((after - before) / (kept.length - 1))
}
process.exit()
