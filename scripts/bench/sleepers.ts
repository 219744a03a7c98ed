/**
 * Groups of sleepers of one kind, one after another, in a process of their own: `node --expose-gc sleepers.ts <name> <count>
 * [<groups>]`. It prints the bytes of a sleeper; and the nanoseconds to start one, up to its sleep, and to close one. Those that
 * have no Scope are not closed: null.
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

const nanos = (): number => Number(process.hrtime.bigint())
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
  gc!()
  return process.memoryUsage().heapUsed
}

const [name = "", count, groups = 1] = process.argv.slice(2)
const kind = contestants[name]!

const group = async (size: number, isWeighed: boolean) => {
  const kept = room(size)
  const scope = Scope.makeUnsafe()
  const timersBefore = timers()
  const before = isWeighed ? await heap() : NaN
  const starting = nanos()
  await start(kind, scope, kept)
  const started = nanos()
  if (timers() - timersBefore < size) throw new Error(`${name}: not all of them sleep`)
  const after = isWeighed ? await heap() : NaN
  const closing = nanos()
  await close(scope)
  const closed = nanos()
  return {
    bytes: (after - before) / size,
    start: (started - starting) / size,
    close: timers() > timersBefore ? NaN : (closed - closing) / size
  }
}

const several = async (groups: number, isWeighed: boolean) => {
  const measured = []
  for (let i = 0; i < groups; i++) measured.push(await group(Number(count), isWeighed))
  return measured
}
const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

await group(5000, false)
// After a collection of garbage, which comes with the scales, everything is slow for a while.
const timed = await several(Number(groups), groups === 1)
const weighed = groups === 1 ? timed : await several(21, true)
console.log(JSON.stringify({
  bytes: weighed.map(({ bytes }) => bytes).toSorted((a, b) => a - b)[Math.floor(weighed.length / 2)],
  start: mean(timed.map(({ start }) => start)),
  close: mean(timed.map(({ close }) => close))
}))
process.exit()
