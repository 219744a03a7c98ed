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

// Milliseconds of the processor, which a machine that stands still does not add to.
const cpu = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

export const many = Effect.gen(function*() {
  const before = { fibers, timers: timers() }
  const begin = performance.now()
  const cpuBegin = cpu()
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
  const used = cpu() - cpuBegin
  const alive = yield* Effect.filter(loops, (loop) => Effect.map(loop.status, ({ state }) => state !== "ended"))
  const interrupted = exits.filter((exit) => Exit.hasInterrupts(exit)).length

  row(`many, ${count} loops`, "before", "amid", "after")
  row("fibers", before.fibers, during.fibers, fibers)
  row("timers", before.timers, during.timers, timers())
  row("", "fork", `${runs} runs`, "close", "all")
  row("wall time", took(begin, forked), took(forked, closing), took(closing, ended), took(begin, ended))
  const claims: ReadonlyArray<Claim> = [
    ["many: loops that are not interrupted", count - interrupted, 0],
    ["many: loops that have not ended", alive.length, 0],
    ["many: fibers left", fibers - before.fibers, 0],
    ["many: timers left", timers() - before.timers, 0],
    ["many: ms of the processor to fork, run and end all", used, 2000]
  ]
  return claims
}).pipe(Effect.provideService(Metric.FiberRuntimeMetrics, fiberCount))
