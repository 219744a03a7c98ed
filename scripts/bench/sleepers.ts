/**
 * Groups of sleepers of one kind, in a process of their own: `node --expose-gc sleepers.ts <name> <count> <timed> <weighed>`.
 * First come groups that are timed, one after another, then groups that are weighed and stay. It prints the nanoseconds of the
 * processor to start a sleeper, up to its sleep, and to close it, and its bytes; null for what there is not. Those without a Scope never end.
 */
// The rest of both would take longer to load than many a sleeper to start.
import * as Jitter from "effect-wait/Jitter"
import * as Loop from "effect-wait/Loop"
import * as Period from "effect-wait/Period"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"

const sliding = Period.sliding("1 hour")
const nonSliding = Period.nonSliding("1 hour")
const ticker = Period.ticker("1 hour")
// Node keeps a list of timers for each distinct delay: with jitter, nearly every sleeper has one of its own.
const jittered = Jitter.additive(0.2)(sliding)
const spaced = Schedule.spaced("1 hour")
const spacedJittered = Schedule.jittered(spaced)

// Each starts one, afresh.
const contestants: Record<string, () => Effect.Effect<unknown, never, Scope.Scope>> = {
  "setInterval": () => Effect.sync(() => setInterval(() => {}, 3_600_000)),
  "Effect.sleep": () => Effect.forkDetach(Effect.sleep("1 hour")),
  "Loop.run sliding": () => Effect.forkDetach(Loop.run(Effect.void, sliding)),
  "Loop.run nonSliding": () => Effect.forkDetach(Loop.run(Effect.void, nonSliding)),
  "Loop.run ticker": () => Effect.forkDetach(Loop.run(Effect.void, ticker)),
  "Loop.run jittered": () => Effect.forkDetach(Loop.run(Effect.void, jittered)),
  "Loop.run with stop": () => Effect.forkDetach(Loop.run(Effect.void, sliding, { stop: Effect.never })),
  "Loop.run with name": () => Effect.forkDetach(Loop.run(Effect.void, sliding, { name: "bench" })),
  "Effect.repeat spaced": () => Effect.forkDetach(Effect.repeat(Effect.void, spaced)),
  "Effect.repeat spaced.jittered": () => Effect.forkDetach(Effect.repeat(Effect.void, spacedJittered)),
  "scoped Effect.sleep": () => Effect.forkScoped(Effect.sleep("1 hour")),
  "scoped Loop.run": () => Effect.forkScoped(Loop.run(Effect.void, sliding)),
  "scoped Effect.repeat": () => Effect.forkScoped(Effect.repeat(Effect.void, spaced)),
  "Loop.forkScoped": () => Loop.forkScoped(Effect.void, sliding),
  "Loop.forkScoped with name": () => Loop.forkScoped(Effect.void, sliding, { name: "bench" })
}

// Of the processor, the garbage collector's included.
const nanos = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) * 1000
}
const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

// What was started is kept, as a program keeps it, in a list that is there before.
const room = (count: number): Array<unknown> => Array.from({ length: count }, () => undefined)

const start = (kind: () => Effect.Effect<unknown, never, Scope.Scope>, scope: Scope.Scope, kept: Array<unknown>) => {
  let i = 0
  const all = Effect.whileLoop({ while: () => i < kept.length, body: kind, step: (started) => kept[i++] = started })
  // A fiber that yields goes on after those that it forked have run, each up to its sleep.
  return Effect.runPromise(Effect.provideService(Effect.andThen(all, Effect.yieldNow), Scope.Scope, scope))
}

const close = (scope: Scope.Closeable): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void))

const heap = async (): Promise<number> => {
  await pause(5)
  gc!()
  return process.memoryUsage().heapUsed
}

const [name = "", ...numbers] = process.argv.slice(2)
const [count = 0, timed = 0, weighed = 0] = numbers.map(Number)
const kind = contestants[name]!

const group = async (size: number, isWeighed: boolean) => {
  const kept = room(size)
  const scope = Scope.makeUnsafe()
  const timersBefore = timers()
  const heapBefore = isWeighed ? await heap() : NaN
  const starting = nanos()
  await start(kind, scope, kept)
  const started = (nanos() - starting) / size
  if (timers() - timersBefore < size) throw new Error(`${name}: not all of them sleep`)
  if (isWeighed) return { start: started, close: NaN, bytes: (await heap() - heapBefore) / kept.length }
  // Where there are many, it would be a matter of luck whether the garbage of their start is collected just now.
  if (timed === 1) gc!()
  const closing = nanos()
  await close(scope)
  return { start: started, close: timers() > timersBefore ? NaN : (nanos() - closing) / size, bytes: NaN }
}

const groups = async (many: number, isWeighed: boolean) => {
  const found = []
  for (let i = 0; i < many; i++) found.push(await group(count, isWeighed))
  return found
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length
const median = (values: ReadonlyArray<number>): number | undefined =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

await group(5000, false)
const timings = await groups(timed, false)
const weighings = await groups(weighed, true)
console.log(JSON.stringify({
  bytes: median(weighings.map(({ bytes }) => bytes)),
  start: mean((timed > 0 ? timings : weighings).map(({ start }) => start)),
  close: mean(timings.map(({ close }) => close))
}))
process.exit()
