/**
 * A process that stands still: what Go does, as scripts/go-traces recorded it in real time, and what Wait and Period.ticker do.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Duration, Effect, Exit } from "effect"
import { Loop, Period, Wait } from "effect-wait"
import { readFileSync } from "node:fs"
import { observe, timeoutOf } from "./support.ts"

interface Args {
  readonly period: number
  readonly jitterFactor: number
  readonly sliding: boolean
  readonly immediate: boolean
  readonly interval: number
  readonly timeout: number
}

interface Recording {
  readonly name: string
  readonly call: string
  readonly args: Args
  /** The length of each run; the last one repeats. */
  readonly takes: ReadonlyArray<number>
  /** The result of the last run. */
  readonly result: "continue" | "done"
  /** The run in which the loop is stopped, from 1. */
  readonly stop: { readonly run: number } | null
  readonly stalls: ReadonlyArray<readonly [from: number, to: number]>
  readonly starts: ReadonlyArray<number>
  readonly ends: ReadonlyArray<number>
  readonly returned: number
  readonly outcome: "returned" | "done" | "timeout" | "deadline"
}

/**
 * A clock that has stalls. A sleep that is due in a stall ends with the stall. Of several, the one that was due first ends
 * first, by some nanoseconds: timers of Node and Go keep this order.
 */
const withStalls = (clock: Clock.Clock, stalls: Recording["stalls"]): Clock.Clock => ({
  ...clock,
  sleep: (duration) =>
    Effect.flatMap(clock.currentTimeMillis, (now) => {
      const due = now + Duration.toMillis(duration)
      const stall = stalls.find(([from, to]) => from < due && due < to)
      if (stall === undefined) return clock.sleep(duration)
      const [from, to] = stall
      return clock.sleep(Duration.millis(to + (due - from) / 1_000_000 - now))
    })
})

type Work = Effect.Effect<boolean>
type Call = (work: Work, args: Args, stop: Effect.Effect<void> | undefined) => Effect.Effect<void, unknown>

const calls: Record<string, Call> = {
  "time.Ticker": (work, { interval }, stop) => Loop.run(work, Period.ticker(interval), { stop }),
  Until: (work, { period }, stop) => Wait.until(work, { period, stop }),
  NonSlidingUntil: (work, { period }, stop) => Wait.nonSlidingUntil(work, { period, stop }),
  JitterUntil: (work, { jitterFactor, period, sliding }, stop) =>
    Wait.jitterUntil(work, { period, jitterFactor, sliding, stop }),
  Poll: (work, { interval, timeout }) => Wait.poll(work, { interval, timeout }),
  PollImmediate: (work, { interval, timeout }) => Wait.pollImmediate(work, { interval, timeout }),
  PollInfinite: (work, { interval }) => Wait.pollInfinite(work, { interval }),
  PollUntil: (work, { interval }) => Wait.pollUntil(work, { interval }),
  PollUntilContextCancel: (work, { immediate, interval }) => Wait.pollUntilContextCancel(work, { interval, immediate }),
  PollUntilContextTimeout: (work, { immediate, interval, timeout }) =>
    Wait.pollUntilContextTimeout(work, { interval, timeout, immediate })
}

const outcomeOf = ({ call, stop }: Recording, exit: Exit.Exit<void, unknown> | undefined): string => {
  if (exit === undefined) return "running"
  if (Exit.isSuccess(exit)) return stop === null ? "done" : "returned"
  const reason = timeoutOf(exit)?.reason.toLowerCase()
  return reason === "deadline" && call !== "PollUntilContextTimeout" ? "timeout" : String(reason)
}

const replay = Effect.fnUntraced(function*(recording: Recording) {
  const { args, call, result, returned, stalls, stop, takes } = recording
  const starts: Array<number> = []
  const ends: Array<number> = []
  const stopped = yield* Deferred.make<void>()
  const work = Effect.gen(function*() {
    starts.push(yield* Clock.currentTimeMillis)
    const run = starts.length
    if (run === stop?.run) yield* Deferred.succeed(stopped, undefined)
    const length = takes[Math.min(run, takes.length) - 1]!
    if (length > 0) yield* Effect.sleep(length)
    ends.push(yield* Clock.currentTimeMillis)
    return result === "done" && run >= takes.length
  })
  const clock = yield* Clock.Clock
  const { endedAt, exit } = yield* observe(
    calls[call]!(work, args, stop === null ? undefined : Deferred.await(stopped)).pipe(
      Effect.provideService(Clock.Clock, withStalls(clock, stalls))
    ),
    returned + 1000
  )
  return { starts, ends, returned: endedAt, outcome: outcomeOf(recording, exit) }
})

// In real time Go's runs start a little late.
const tolerance = 30

const near = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>): void => {
  const both = `${actual.map(Math.round).join(" ")} instead of ${expected.join(" ")}`
  assert.strictEqual(actual.length, expected.length, both)
  actual.forEach((time, i) => assert.closeTo(time, expected[i]!, tolerance, both))
}

const { module, traces }: { readonly module: string; readonly traces: ReadonlyArray<Recording> } = JSON.parse(
  readFileSync(new URL("./stalls.json", import.meta.url), "utf8")
)

for (const call of new Set(traces.map(({ call }) => call))) {
  describe(`a process that stands still, in ${call} of ${call === "time.Ticker" ? "Go" : module}`, () => {
    for (const recording of traces.filter((trace) => trace.call === call)) {
      const stalls = recording.stalls.map(([from, to]) => `from ${from} to ${to} ms`).join(" and ")
      it.effect(`${stalls}, ${recording.name}`, () =>
        Effect.gen(function*() {
          const { ends, outcome, returned, starts } = yield* replay(recording)
          near(starts, recording.starts)
          near(ends, recording.ends)
          near([returned!], [recording.returned])
          assert.strictEqual(outcome, recording.outcome)
        }))
    }
  })
}
