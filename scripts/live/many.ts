/** Many: 10,000 loops in one Scope, which is closed while they run. Is nothing left of them? */
import { Effect, Exit, Metric, Scope } from "effect"
import { Jitter, Loop, Period } from "effect-wait"
import { type Claim, row } from "./report.ts"

const count = 10_000
const runs = 3
// A run and its sleep take some 10 us: at 10 ms, 10,000 loops would need ten processors.
const often = "500 millis"

// Loops that sleep, that are amid a run, that wait after a failure, and that have a name.
const period = Period.sliding(often)
const kinds: ReadonlyArray<Effect.Effect<Loop.Loop<unknown, unknown>, never, Scope.Scope>> = [
  Loop.forkScoped(Effect.void, period),
  Loop.forkScoped(Effect.void, period.pipe(Jitter.equal)),
  Loop.forkScoped(Effect.void, Period.nonSliding(often)),
  Loop.forkScoped(Effect.void, Period.ticker(often)),
  Loop.forkScoped(Effect.void, Period.ticker(often, { missed: "skip" }), { name: "many" }),
  Loop.forkScoped(Effect.sleep(often), Period.sliding("10 millis")),
  Loop.forkScoped(Effect.fail("again"), Period.sliding("1 hour"), { backoff: period }),
  Loop.forkScoped(Effect.void, period, { stop: Effect.never })
]

// Effect tells of each fiber that begins and ends.
let fibers = 0
const fiberCount = {
  recordFiberStart: () => {
    fibers++
  },
  recordFiberEnd: () => {
    fibers--
  }
}

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

const took = (from: number, to: number): string => `${(to - from).toFixed(0)} ms`

// How long it takes to fork and end as many fibers that only sleep. Where the machine is taken away, this is longer too.
const bare = Effect.gen(function*() {
  const begin = performance.now()
  const scope = yield* Scope.make()
  for (let i = 0; i < count; i++) yield* Effect.forkIn(Effect.sleep("1 hour"), scope, { startImmediately: true })
  yield* Scope.close(scope, Exit.void)
  return performance.now() - begin
})

export const many = Effect.gen(function*() {
  const bareBefore = yield* bare
  const before = { fibers, timers: timers() }
  const begin = performance.now()
  const scope = yield* Scope.make()
  const loops = yield* Effect.forEach(
    Array.from({ length: count }, (_, i) => kinds[i % kinds.length]!),
    (fork) => Effect.provideService(fork, Scope.Scope, scope)
  )
  const forked = performance.now()

  let behind = loops
  const wait = Effect.gen(function*() {
    yield* Effect.sleep("20 millis")
    behind = yield* Effect.filter(behind, (loop) => Effect.map(loop.status, (status) => status.runs < runs))
  })
  yield* Effect.repeat(wait, { until: () => behind.length === 0 })
  const during = { fibers, timers: timers() }
  const closing = performance.now()

  yield* Scope.close(scope, Exit.void)
  const exits = yield* Effect.forEach(loops, (loop) => loop.await)
  const ended = performance.now()
  const alive = yield* Effect.filter(loops, (loop) => Effect.map(loop.status, ({ state }) => state !== "ended"))
  const interrupted = exits.filter((exit) => Exit.hasInterrupts(exit)).length

  const after = { fibers, timers: timers() }
  const sleepers = Math.max(bareBefore, yield* bare)

  row(`many, ${count} loops`, "before", "amid", "after")
  row("fibers", before.fibers, during.fibers, after.fibers)
  row("timers", before.timers, during.timers, after.timers)
  row("", "fork", `${runs} runs`, "close", "all")
  row("wall time", took(begin, forked), took(forked, closing), took(closing, ended), took(begin, ended))
  console.log(`${sleepers.toFixed(0)} ms to fork and to end as many fibers that only sleep`)
  const claims: ReadonlyArray<Claim> = [
    ["many: loops that are not interrupted", count - interrupted, 0],
    ["many: loops that have not ended", alive.length, 0],
    ["many: fibers left", after.fibers - before.fibers, 0],
    ["many: timers left", after.timers - before.timers, 0],
    // Without the time in between, in which they wait for their turns.
    ["many: ms to fork all and to end all", forked - begin + ended - closing, Math.max(2000, 6 * sleepers)]
  ]
  return claims
}).pipe(Effect.provideService(Metric.FiberRuntimeMetrics, fiberCount))
