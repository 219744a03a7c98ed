/** The handle of a loop beside a model of it: whatever is done when, both make the same runs and tell the same status. */
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { Clock, Effect, Exit, identity, Layer, Logger, Option, Schedule, Scope } from "effect"
import { Backoff, Jitter, Limit, Loop, Period } from "effect-wait"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { mockSteadyClock } from "./liveWorld.ts"

type Kind = "sliding" | "nonSliding" | "ticker, one" | "ticker, skip"
type Command = "trigger" | "stop" | "look" | "pause" | "resume" | "runNow" | "close"

interface Shape {
  readonly length: number
  readonly outcome: "fine" | "error" | "survived"
  /** Whether the run triggers its own loop. */
  readonly again: boolean
}

interface Scenario {
  readonly interval: number
  /** What its delays are multiplied by. */
  readonly stretch: number
  readonly attempts: number
  /** Whether the schedules are behind one of Effect's own. */
  readonly foreign: boolean
  readonly initialDelay: number
  /** The delays after failures in a row; undefined where the first one ends the loop. */
  readonly backoff: ReadonlyArray<number> | undefined
  /** The runs; those that come after them are fine and take no time. */
  readonly runs: ReadonlyArray<Shape>
  /** What is done, each after so much time. */
  readonly commands: ReadonlyArray<readonly [wait: number, command: Command]>
}

type Run = [start: number, end: number | undefined, outcome: Shape["outcome"]]

// No run ends just then: their times are in steps of 5 ms.
const grace = 42

const quick: Shape = { length: 0, outcome: "fine", again: false }

const makeModel = (kind: Kind, { attempts, backoff, foreign, initialDelay, interval, runs, stretch }: Scenario) => {
  const log: Array<Run> = []
  let now = 0
  let state: "waiting" | "running" | "ended" = "waiting"
  let wake = initialDelay // when the loop goes on
  let triggered = false
  let stopped = false
  let failed = false
  let failures = 0
  let consecutiveFailures = 0
  let asked = 0
  let retries = 0
  let planned = -Infinity // when the schedule wanted a run last
  let slot = 0 // the one that was served last, or comes next
  let missed = 0
  let paused = false
  let held = false // a run was due, and the loop was paused
  let hasFailed = false
  let cutAt = Infinity // when the grace is over
  let wasCut = false
  let callers: Array<number> = [] // those who wait for the next run
  let current: Array<number> = [] // and for the current one
  const answers: Array<Shape["outcome"] | "none" | undefined> = []
  const answer = (callers: ReadonlyArray<number>, what: Shape["outcome"] | "none") => {
    for (const caller of callers) answers[caller] = what
  }

  const delay = (start: number): number => {
    const period = stretch * interval
    if (kind === "sliding") return period
    if (kind === "nonSliding") return Math.max(0, start + period - now)
    const first = log[0]![0]
    const served = start < planned ? slot - 1 : slot
    const passed = (now - first) / interval
    slot = Math.max(served + 1, kind === "ticker, one" ? Math.floor(passed) : Math.ceil(passed))
    missed += slot - served - 1
    return Math.max(0, first + (slot - 1) * interval + period - now)
  }

  const start = () => {
    const { again, length, outcome } = runs[log.length] ?? quick
    log.push([now, undefined, outcome])
    state = "running"
    held = false
    triggered = again && !stopped
    current = callers
    callers = []
    wake = now + length
  }

  const end = () => {
    const run = log.at(-1)!
    run[1] = now
    const [start, , outcome] = run
    failures += outcome === "fine" ? 0 : 1
    consecutiveFailures = outcome === "fine" ? 0 : consecutiveFailures + 1
    state = "waiting"
    hasFailed = outcome === "error"
    answer(current, outcome)
    current = []
    if (outcome !== "error") {
      retries = 0
      planned = wake = now + delay(start)
      if (++asked === attempts) state = "ended"
    } else if (backoff === undefined || (!stopped && retries === backoff.length)) {
      failed = true
      state = "ended"
    } else {
      wake = now + (backoff[retries++] ?? 0)
    }
  }

  // What happens now.
  const settle = () => {
    if (state === "ended") return answer([...current, ...callers], "none")
    if (state === "waiting" && stopped) state = "ended"
    else if (state === "waiting" && triggered) start()
    else if (state === "waiting" && wake === now && !held) {
      if (paused) held = true
      else start()
    } else if (state === "running" && cutAt === now) {
      wasCut = true
      state = "ended"
    } else if (state === "running" && wake === now) end()
    else return
    settle()
  }

  const resume = () => {
    paused = false
    if (!held) return
    held = false
    wake = now
    if (log.length === 0 || foreign || hasFailed || kind === "sliding" || kind === "nonSliding") return
    const first = log[0]![0]
    const next = Math.max(slot, Math.ceil((now - first) / interval))
    missed += next - slot
    slot = next
    planned = wake = first + slot * interval
  }

  return {
    obey(command: Command) {
      if (command === "runNow") {
        answers.push(undefined)
        callers.push(answers.length - 1)
      }
      if ((command === "trigger" || command === "runNow") && !stopped) triggered = true
      if (command === "stop" || command === "close") stopped = true
      if (command === "close") cutAt = Math.min(cutAt, now + grace)
      if (command === "pause") paused = true
      if (command === "resume") resume()
      settle()
    },
    pass(time: number) {
      const until = now + time
      for (;;) {
        const next = state === "running" ? Math.min(wake, cutAt) : held ? Infinity : wake
        if (state === "ended" || next > until) break
        now = next
        settle()
      }
      now = until
      settle()
    },
    seen: () => ({
      log,
      open: state === "running" ? 1 : 0,
      answers,
      state: state === "waiting" && paused ? "paused" : state,
      runs: log.length,
      failures,
      consecutiveFailures,
      missed: state === "ended" ? undefined : missed,
      lastStart: log.at(-1)?.[0],
      lastEnd: wasCut ? cutAt : log.findLast(([, end]) => end !== undefined)?.[1],
      lastSuccess: log.findLast(([, end, outcome]) => end !== undefined && outcome === "fine")?.[1],
      nextStart: state === "waiting" && !paused ? wake : undefined
    }),
    failed: () => failed || wasCut
  }
}

const schedules: Record<Kind, (interval: number) => Schedule.Schedule<number>> = {
  sliding: Period.sliding,
  nonSliding: Period.nonSliding,
  "ticker, one": Period.ticker,
  "ticker, skip": (interval) => Period.ticker(interval, { missed: "skip" })
}

const makeLoop = Effect.fnUntraced(function*(kind: Kind, scenario: Scenario) {
  const clock = yield* Clock.Clock
  const log: Array<Run> = []
  const scope = yield* Scope.make()
  let open = 0
  const answers: Array<Shape["outcome"] | "none" | undefined> = []
  const now = () => clock.currentTimeMillisUnsafe()
  const results: Record<Shape["outcome"], Effect.Effect<void, string>> = {
    fine: Effect.void,
    error: Effect.fail("error"),
    survived: Loop.survive(Effect.die("defect"))
  }
  const work: Effect.Effect<Shape["outcome"], string, Scope.Scope> = Effect.gen(function*() {
    const { again, length, outcome } = scenario.runs[log.length] ?? quick
    const run: Run = [now(), undefined, outcome]
    log.push(run)
    yield* Effect.acquireRelease(Effect.sync(() => open++), () => Effect.sync(() => open--))
    if (again) yield* loop.trigger
    if (length > 0) yield* Effect.sleep(length)
    run[1] = now()
    yield* results[outcome]
    return outcome
  })
  const { attempts, backoff, foreign, initialDelay, interval, stretch } = scenario
  const behind = (schedule: Schedule.Schedule<unknown>): Schedule.Schedule<unknown> =>
    foreign ? Schedule.max([schedule, Schedule.forever]) : schedule
  const stretched = stretch === 1 ? identity : Jitter.between(stretch, stretch)
  const schedule = schedules[kind](interval).pipe(stretched, Limit.attempts(attempts))
  const loop = yield* Loop.forkScoped(work, behind(schedule), {
    initialDelay,
    grace,
    backoff: backoff && behind(Backoff.fromDelays(backoff))
  }).pipe(Scope.provide(scope))
  const runNow = Effect.suspend(() => {
    const caller = answers.push(undefined) - 1
    return Effect.map(loop.runNow, (exit) => {
      answers[caller] = Option.match(exit, {
        onNone: () => "none",
        onSome: Exit.match({ onFailure: () => "error", onSuccess: (outcome) => outcome })
      })
    })
  })
  const seen = Effect.map(loop.status, (status) => ({
    log,
    open,
    answers,
    state: status.state,
    runs: status.runs,
    failures: status.failures,
    consecutiveFailures: status.consecutiveFailures,
    missed: status.state === "ended" ? undefined : status.missed,
    lastStart: Option.getOrUndefined(status.lastStart),
    lastEnd: Option.getOrUndefined(status.lastEnd),
    lastSuccess: Option.getOrUndefined(status.lastSuccess),
    nextStart: Option.getOrUndefined(status.nextStart)
  }))
  return { loop, runNow, scope, seen }
})

// Lets the fibers come to rest.
const rest = Effect.repeat(Effect.yieldNow, { times: 9 })

interface Time {
  readonly pass: (millis: number) => Effect.Effect<void>
  readonly layer: Layer.Layer<never>
}

const testClock: Time = { pass: TestClock.adjust, layer: TestClock.layer() }

// The timers of the live Clock; they and the time pass when told.
const timers: Time = {
  pass: (millis) => Effect.promise(() => vi.advanceTimersByTimeAsync(millis)),
  layer: Layer.effectDiscard(Effect.sync(() => {
    vi.setSystemTime(0)
  }))
}

const replay = (kind: Kind, scenario: Scenario, { layer, pass }: Time) =>
  Effect.gen(function*() {
    const model = makeModel(kind, scenario)
    const { loop, runNow, scope, seen } = yield* makeLoop(kind, scenario)
    const compare = Effect.map(Effect.andThen(rest, seen), (seen) => assert.deepStrictEqual(seen, model.seen()))
    const effects = {
      trigger: loop.trigger,
      pause: loop.pause,
      resume: loop.resume,
      runNow: Effect.forkChild(runNow, { startImmediately: true }),
      close: Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true }),
      stop: Effect.forkChild(loop.stop, { startImmediately: true }),
      look: Effect.void
    }
    for (const [wait, command] of [[0, "look"], ...scenario.commands, [0, "stop"], [1000, "look"]] as const) {
      model.pass(wait)
      yield* pass(wait)
      yield* compare
      model.obey(command)
      yield* effects[command]
      yield* compare
    }
    assert.strictEqual(Exit.isFailure(yield* loop.await), model.failed())
  }).pipe(Effect.scoped, Effect.provide([layer, Logger.layer([])]))

// Steps of 5 ms: a run that is up to 2 ms early is no other run.
const millis = (min: number, max: number) => fc.integer({ min: min / 5, max: max / 5 }).map((steps) => steps * 5)

const shape = fc.record({
  length: fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: millis(0, 100) }),
  outcome: fc.constantFrom("fine", "fine", "error", "survived"),
  again: fc.integer({ min: 0, max: 5 }).map((n) => n === 0)
})

const scenario: fc.Arbitrary<Scenario> = fc.record({
  interval: millis(5, 50),
  stretch: fc.constantFrom(1, 2),
  attempts: fc.option(fc.integer({ min: 1, max: 20 }), { nil: 1e6, freq: 2 }),
  foreign: fc.boolean(),
  initialDelay: fc.oneof(fc.constant(0), millis(0, 30)),
  backoff: fc.option(fc.array(millis(0, 60), { maxLength: 6 }), { nil: undefined, freq: 4 }),
  runs: fc.array(shape, { maxLength: 20 }),
  commands: fc.array(
    fc.tuple(
      fc.oneof(fc.constant(0), millis(0, 60)),
      fc.nat(31).map((n): Command =>
        n === 0
          ? "stop"
          : n === 1
          ? "close"
          : n < 7
          ? "pause"
          : n < 14
          ? "resume"
          : n < 18
          ? "runNow"
          : n < 26
          ? "trigger"
          : "look"
      )
    ),
    { maxLength: 30 }
  )
})

const kinds = ["sliding", "nonSliding", "ticker, one", "ticker, skip"] as const

describe("a loop and its model", () => {
  it.each(kinds)("make the same runs, whatever is done when: %s", (kind) =>
    fc.assert(
      fc.asyncProperty(scenario, (scenario) => Effect.runPromise(replay(kind, scenario, testClock))),
      { numRuns: 300 }
    ), 60_000)

  describe("with the live Clock's timers", () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] })
      mockSteadyClock(() => BigInt(Date.now()) * BigInt(1_000_000))
    })
    afterEach(() => {
      vi.restoreAllMocks()
      vi.useRealTimers()
    })

    it.each(kinds)("make the same runs, and no timer is left: %s", (kind) =>
      fc.assert(
        fc.asyncProperty(scenario, (scenario) =>
          Effect.runPromise(Effect.andThen(
            replay(kind, scenario, timers),
            Effect.sync(() => assert.strictEqual(vi.getTimerCount(), 0))
          ))),
        { numRuns: 100 }
      ), 60_000)
  })
})
