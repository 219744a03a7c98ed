/**
 * Loops over all the Periods in virtual time, and what is done to them at random. A program of its own, as its heap must be
 * its own: `node --expose-gc loops.ts <seed> <runs>`. Prints what was counted.
 */
import { Cause, Clock, Deferred, Effect, Exit, Fiber, Logger, Metric, Option, Schedule, Scope, Stream } from "effect"
import { Backoff, Jitter, Loop, Period } from "effect-wait"
import { getHeapSpaceStatistics } from "node:v8"
import * as virtualClock from "../../packages/wait/src/internal/virtualClock.ts"
import { atOnce, makeLedger, makeTotals, nextSlot, type Rule, sinceEnd, sinceStart, slots } from "./ledger.ts"

const [seed = 0, runs = 0] = process.argv.slice(2).map(Number)

// Mulberry32.
let drawn = seed
const draw = (): number => {
  drawn = (drawn + 0x6d2b79f5) | 0
  const mixed = Math.imul(drawn ^ (drawn >>> 15), drawn | 1)
  const more = mixed ^ (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61))
  return ((more ^ (more >>> 14)) >>> 0) / 2 ** 32
}
const chance = (probability: number): boolean => draw() < probability
const pick = <A>(list: ReadonlyArray<A>): A => list[Math.floor(draw() * list.length)]!
// In steps of 5 ms: a run that is up to 2 ms early is not one more.
// No run ends just then.
const grace = 42
const millis = (most: number): number => 5 * Math.floor(draw() * (most / 5 + 1))

interface Kind {
  readonly rule: Rule
  readonly resumed: Rule
  readonly schedule: (interval: number) => Schedule.Schedule<unknown, unknown, unknown>
  /** Where it cannot be chosen. */
  readonly interval?: number
}

const everySecond = Period.cron("* * * * * *", { timeZone: "UTC" })
const kinds: Record<string, Kind> = {
  sliding: { rule: sinceEnd, resumed: atOnce, schedule: Period.sliding },
  nonSliding: { rule: sinceStart, resumed: atOnce, schedule: Period.nonSliding },
  fromStart: { rule: sinceStart, resumed: atOnce, schedule: (interval) => Period.fromStart(Period.sliding(interval)) },
  "ticker, one": { rule: slots(Math.floor), resumed: nextSlot(), schedule: Period.ticker },
  "ticker, skip": {
    rule: slots(Math.ceil),
    resumed: nextSlot(),
    schedule: (interval) => Period.ticker(interval, { missed: "skip" })
  },
  "ticker, jittered, in one of Effect's": {
    rule: slots(Math.floor, { stretch: 2 }),
    resumed: atOnce,
    schedule: (interval) => Schedule.max([Jitter.between(2, 2)(Period.ticker(interval)), Schedule.forever])
  },
  cron: {
    rule: slots((slot) => Math.floor(slot) + 1, { origin: 0 }),
    resumed: nextSlot(0),
    schedule: () => everySecond,
    interval: 1000
  },
  spaced: { rule: sinceEnd, resumed: atOnce, schedule: Schedule.spaced }
}

const totals = makeTotals()
const named = { runs: 0, failures: 0 }

// The objects on the heap, without compiled code, at so many percent of the runs. The least of a few counts, as a garbage
// collector is not exact.
const marks = [6, 7, 8, 9, 10, 95, 96, 97, 98, 99]
const heap: Array<number> = []
const weigh = (): void => {
  if (heap.length === marks.length || totals.runs < runs * marks[heap.length]! / 100) return
  gc!()
  gc!()
  const spaces = getHeapSpaceStatistics().filter((space) => /^(new|old)_space$/.test(space.space_name))
  heap.push(spaces.reduce((sum, space) => sum + space.space_used_size, 0))
}

// The life of a loop. An elder lives until all runs were made.
const live = Effect.fnUntraced(function*(name: string, kind: Kind, isElder: boolean) {
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const scope = yield* Scope.make()
  const stopped = yield* Deferred.make<void>()
  const interval = kind.interval ?? 20 + millis(200)
  const base = 5 + millis(100)
  const initialDelay = millis(pick([0, 200]))
  const isNamed = chance(0.25)
  const ending = pick(["handle", "option", "run", "defect", "interrupt", "scope", "grace"])
  let isOver = false
  const ledger = makeLedger(totals, kind.rule, {
    interval,
    resumed: kind.resumed,
    due: now() + initialDelay,
    backoff: (errors) => Math.min(errors, 4) * base
  })

  const ends = Effect.suspend((): Effect.Effect<void, "error"> => {
    const outcome = isOver && ending === "defect"
      ? "fatal"
      : pick(["fine", "fine", "fine", "survived", "error"] as const)
    ledger.ends(now(), outcome)
    if (outcome === "fine") return Effect.void
    if (isNamed) named.failures++
    if (outcome === "error") return Effect.fail(outcome)
    return outcome === "fatal" ? Effect.die(outcome) : Loop.survive(Effect.die(outcome))
  })
  const resource = Effect.acquireRelease(
    Effect.sync(() => {
      totals.acquired++
      totals.open++
    }),
    () => Effect.sync(() => totals.open--)
  )
  const run = Effect.suspend((): Effect.Effect<void, "error"> => {
    ledger.begins(now())
    if (isNamed) named.runs++
    const first = isOver && ending === "run" ? stop : chance(0.03) ? trigger : Effect.void
    const length = millis(interval * pick([0, 0, 0.5, 3]))
    return Effect.andThen(first, length === 0 ? ends : Effect.andThen(Effect.sleep(length), ends))
  })
  const work = Effect.map(Effect.andThen(resource, run), () => ledger.runs())
  const loop = yield* Loop.forkScoped(work, kind.schedule(interval), {
    name: isNamed ? name : undefined,
    immediate: true,
    initialDelay,
    grace: ending === "grace" ? grace : 0,
    history: isNamed ? 3 : 0,
    backoff: Backoff.linear({ base, cap: 4 * base }),
    stop: ending === "option" || chance(0.2) ? Deferred.await(stopped) : undefined
  }).pipe(Scope.provide(scope))

  const stop = Effect.suspend(() => {
    ledger.ending(now())
    return ending === "option" ? Deferred.succeed(stopped, undefined) : loop.stop
  })
  const trigger = Effect.suspend(() => {
    ledger.triggered(now())
    return loop.trigger
  })
  const call = Effect.suspend(() => {
    const before = ledger.runs()
    totals.calls++
    ledger.triggered(now())
    return Effect.map(loop.runNow, (exit) => {
      if (Option.isNone(exit)) totals.nones++
      else totals.exits++
      if (Option.isSome(exit) && Exit.isSuccess(exit.value) && exit.value.value <= before) totals.staleExits++
    })
  })
  const pause = Effect.suspend(() => {
    ledger.paused()
    return loop.pause
  })
  const resume = Effect.suspend(() => {
    ledger.resumed(now())
    return loop.resume
  })
  const rest = Effect.whileLoop({ while: () => ledger.isBusy(now()), body: () => Effect.sleep(5), step() {} })
  const look = Effect.map(loop.status, (status) => ledger.answered(status, now()))
  const listen = Effect.gen(function*() {
    const listener = yield* Effect.forkChild(Stream.runDrain(loop.changes))
    yield* Effect.sleep(millis(interval))
    yield* Fiber.interrupt(listener)
  })
  yield* Effect.sleep(0)
  for (let actions = isElder ? Infinity : 20 + millis(200); totals.runs < runs && actions > 0; actions--) {
    yield* Effect.sleep(millis(interval * pick([0.2, 1, 4])))
    weigh()
    const action = draw()
    if (action < 0.5) yield* trigger
    if (action > 0.9) {
      yield* Effect.andThen(rest, pause)
      if (chance(0.5)) yield* Effect.sleep(millis(interval * pick([0.2, 4])))
      if (chance(0.2)) yield* trigger
      if (chance(0.3)) yield* look
      if (chance(0.9)) yield* Effect.andThen(rest, resume)
    }
    if (action > 0.85 && action < 0.9) yield* Effect.forkDetach(call, { startImmediately: true })
    if (action < 0.1) yield* trigger
    else if (action < 0.7) yield* look
    else if (action < 0.8) yield* listen
  }

  if (ending === "run" || ending === "defect") yield* Effect.andThen(rest, resume)
  isOver = true
  if (ending === "handle" || ending === "option") {
    yield* stop
  } else if (ending === "interrupt" || ending === "scope") {
    ledger.ending(now())
    yield* ending === "interrupt" ? loop.interrupt : Scope.close(scope, Exit.void)
  } else if (ending === "grace") {
    ledger.ending(now(), grace)
    yield* Scope.close(scope, Exit.void)
  }
  const exit = yield* loop.await
  const isCut = ledger.isRunning()
  ledger.ended(now())
  const cause = Exit.isFailure(exit) ? exit.cause : Cause.empty
  const isInterrupted = ending === "interrupt" || ending === "scope" || (ending === "grace" && isCut)
  if (Cause.hasDies(cause) !== (ending === "defect") || Cause.hasInterrupts(cause) !== isInterrupted) totals.wrongEnds++
  yield* trigger
  yield* look
  yield* Scope.close(scope, Exit.void)
})

let fibers = 0
let sleeps = 0
const lives = Object.entries(kinds).flatMap(([name, kind]) =>
  [true, true, true, true, false, false, false, false].map((isElder) =>
    Effect.whileLoop({ while: () => totals.runs < runs, body: () => live(name, kind, isElder), step() {} })
  )
)
const soak = Effect.clockWith((clock) =>
  Effect.all(lives, { concurrency: "unbounded", discard: true }).pipe(
    Effect.provideService(Clock.Clock, {
      ...clock,
      sleep: (duration) =>
        Effect.acquireUseRelease(
          Effect.sync(() => sleeps++),
          () => clock.sleep(duration),
          () => Effect.sync(() => sleeps--)
        )
    }),
    Effect.provideService(Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => void fibers++,
      recordFiberEnd: () => void fibers--
    })
  )
)
const begin = performance.now()
const metrics = await Effect.runPromise(
  virtualClock.run(Effect.andThen(soak, Metric.snapshot), () => "The soak waits for ever").pipe(
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provide(Logger.layer([]))
  )
)
const measured = (id: string): number =>
  metrics.filter((metric) => metric.id === id).reduce(
    (sum, { state }) =>
      sum + ("count" in state ? Number(state.count) : "value" in state ? Math.abs(Number(state.value)) : NaN),
    0
  )
const isWrong = [
  measured("effect_wait_runs_total") !== named.runs,
  measured("effect_wait_failures_total") !== named.failures,
  measured("effect_wait_active") !== 0
]
console.log(JSON.stringify({
  totals: { ...totals, wrongMetrics: isWrong.filter(Boolean).length, fibers, sleeps },
  growth: Math.min(...heap.slice(5)) - Math.min(...heap.slice(0, 5)),
  seconds: (performance.now() - begin) / 1000
}))
