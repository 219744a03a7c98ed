/**
 * What the real package did, as scripts/go-traces recorded it, and what Wait does with the same draws: the same starts,
 * ends, return time and outcome, to the microsecond; the delays of Backoff.Step to the nanosecond.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Data, Deferred, Effect, Exit, Random, Stream } from "effect"
import { Backoff, Jitter, Period, Timeline, Wait } from "effect-wait"
import { TestClock } from "effect/testing"
import { readdirSync, readFileSync } from "node:fs"
import { delaysOf, observe, stepsOf, timeoutOf } from "./support.ts"

interface Args {
  readonly period: number
  readonly jitterFactor: number
  readonly sliding: boolean
  readonly immediate: boolean
  readonly interval: number
  readonly timeout: number
  readonly policy: Backoff.Policy
  readonly reset?: number
  readonly n: number
  readonly ticks: ReadonlyArray<number>
  readonly manager: "jittered" | "exponential" | "backoff"
  readonly duration: number
  readonly initial: number
  readonly max: number
  readonly factor: number
  readonly jitter: number
}

interface Trace extends Timeline.Trace {
  readonly name: string
  readonly call: string
  readonly args: Args
  readonly runs: ReadonlyArray<{ readonly takes: number; readonly result: "continue" | "done" | "error" | "goexit" }>
  /** When the call was stopped, in ms; or in which run, counted from 1. */
  readonly stop: number | { readonly run: number } | null
  readonly draws: ReadonlyArray<number>
  readonly delays?: ReadonlyArray<number>
  readonly returned: number
}

class RunFailed extends Data.TaggedError("RunFailed") {}

type Stop = Effect.Effect<void> | undefined
type Call = (run: Effect.Effect<boolean, RunFailed>, args: Args, stop: Stop) => Effect.Effect<void, unknown>

const managers = {
  jittered: ({ duration, jitter }: Args) => Period.sliding(duration).pipe(Jitter.additive(Math.max(0, jitter))),
  exponential: ({ factor, initial, jitter, max, reset }: Args) =>
    Wait.exponentialBackoffManager({ initial, max, reset: reset ?? 0, factor, jitter }),
  backoff: ({ policy }: Args) => Backoff.toSchedule(policy)
}

// Go's producer sleeps while the condition runs: a tick is ready so long after the one before it was taken.
const ticksOf = (gaps: ReadonlyArray<number>) =>
  Stream.unwrap(Effect.map(Clock.currentTimeMillis, (first) => {
    let taken = first
    return Stream.fromIterable(gaps).pipe(
      Stream.rechunk(1),
      Stream.mapEffect(Effect.fnUntraced(function*(gap) {
        yield* Effect.sleep(Math.max(0, taken + gap - (yield* Clock.currentTimeMillis)))
        taken = yield* Clock.currentTimeMillis
      }))
    )
  }))

const calls: Record<string, Call> = {
  Forever: (run, { period }) => Wait.forever(run, { period }),
  Until: (run, { period }, stop) => Wait.until(run, { period, stop }),
  NonSlidingUntil: (run, { period }, stop) => Wait.nonSlidingUntil(run, { period, stop }),
  JitterUntil: (run, { jitterFactor, period, sliding }, stop) =>
    Wait.jitterUntil(run, { period, jitterFactor, sliding, stop }),
  BackoffUntil: (run, args, stop) =>
    Wait.backoffUntil(run, { backoff: managers[args.manager](args), sliding: args.sliding, stop }),
  "DelayFunc.Until": (run, { immediate, policy, reset, sliding }, stop) =>
    Wait.delayUntil(run, {
      backoff: reset === undefined ? Backoff.toSchedule(policy) : Wait.delayWithReset(policy, reset),
      immediate,
      sliding,
      stop
    }),
  Poll: (run, { interval, timeout }, stop) => Wait.poll(run, { interval, timeout, stop }),
  PollImmediate: (run, { interval, timeout }, stop) => Wait.pollImmediate(run, { interval, timeout, stop }),
  PollInfinite: (run, { interval }, stop) => Wait.pollInfinite(run, { interval, stop }),
  PollImmediateInfinite: (run, { interval }, stop) => Wait.pollImmediateInfinite(run, { interval, stop }),
  PollUntil: (run, { interval }, stop) => Wait.pollUntil(run, { interval, stop }),
  PollImmediateUntil: (run, { interval }, stop) => Wait.pollImmediateUntil(run, { interval, stop }),
  PollUntilContextCancel: (run, { immediate, interval }, stop) =>
    Wait.pollUntilContextCancel(run, { interval, immediate, stop }),
  PollUntilContextTimeout: (run, { immediate, interval, timeout }, stop) =>
    Wait.pollUntilContextTimeout(run, { interval, timeout, immediate, stop }),
  WaitFor: (run, { ticks }, stop) => Wait.waitFor(run, { ticks: ticksOf(ticks), stop }),
  ExponentialBackoff: (run, { policy }, stop) => Wait.exponentialBackoff(run, { backoff: policy, stop })
}

const loops = new Set(["Forever", "Until", "NonSlidingUntil", "JitterUntil", "BackoffUntil"])

const legacy = new Set(["Poll", "PollInfinite", "PollUntil", "WaitFor"])

// The legacy polls tell a stop from a timeout by nothing: both are ErrWaitTimeout.
const outcomeOf = (trace: Trace, exit: Exit.Exit<void, unknown> | undefined): string => {
  if (exit === undefined) return "running"
  if (Exit.isSuccess(exit)) return loops.has(trace.call.replace(/WithContext$/, "")) ? "returned" : "done"
  const reason = timeoutOf(exit)?.reason
  if (reason === undefined) return trace.runs.some(({ result }) => result === "goexit") ? "returned" : "error"
  if (legacy.has(trace.call.replace(/(Immediate|WithContext)/g, ""))) return "timeout"
  return { Stopped: "canceled", Deadline: "deadline", Exhausted: "timeout" }[reason]
}

const replay = Effect.fnUntraced(function*(trace: Trace) {
  const starts: Array<number> = []
  const ends: Array<number> = []
  const told = yield* Deferred.make<void>()
  const run = Effect.gen(function*() {
    starts.push(yield* Clock.currentTimeMillis)
    if (typeof trace.stop === "object" && trace.stop?.run === starts.length) yield* Deferred.succeed(told, undefined)
    const { result, takes } = trace.runs[Math.min(starts.length, trace.runs.length) - 1]!
    if (takes > 0) yield* Effect.sleep(takes)
    ends.push(yield* Clock.currentTimeMillis)
    if (result === "goexit") return yield* Effect.die("goexit")
    if (result === "error") return yield* new RunFailed()
    return result === "done"
  })
  const stop = trace.stop === null
    ? undefined
    : typeof trace.stop === "object"
    ? Deferred.await(told)
    : trace.stop === 0
    ? Effect.void
    : Effect.sleep(trace.stop)
  let drawn = 0
  const next = () => trace.draws[drawn++] ?? 0.5
  const { endedAt, exit } = yield* observe(
    calls[trace.call.replace(/WithContext$/, "")]!(run, trace.args, stop),
    trace.returned + 1000
  ).pipe(
    Effect.provideService(Random.Random, { nextDoubleUnsafe: next, nextIntUnsafe: next }),
    Effect.provide(TestClock.layer())
  )
  return { starts, ends, endedAt, outcome: outcomeOf(trace, exit), drawn }
})

const near = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>): void => {
  assert.strictEqual(actual.length, expected.length, `${actual.join(" ")} instead of ${expected.join(" ")}`)
  actual.forEach((time, i) =>
    assert.closeTo(time, expected[i]!, 0.001, `${actual.join(" ")} for ${expected.join(" ")}`)
  )
}

const nanosOf = (millis: number): number => Math.round(millis * 1_000_000)

const folder = new URL("./fixtures/", import.meta.url)
const recordings = readdirSync(folder).filter((file) => !file.startsWith("cron")).map((
  file
): { readonly module: string; readonly traces: ReadonlyArray<Trace> } =>
  JSON.parse(readFileSync(new URL(file, folder), "utf8"))
)

for (const { module, traces } of recordings) {
  const call = traces[0]!.call
  describe(`${call} of ${module}`, () => {
    for (const trace of traces) {
      if (call === "Backoff.Step") {
        const { args, draws, name } = trace
        const nanos = trace.delays!.map(nanosOf)
        it(`${name}, by Backoff.step`, () => {
          const { delays } = stepsOf(args.policy, nanos.map((_, i) => draws[i] ?? 0))
          assert.deepStrictEqual(delays.map(nanosOf), nanos)
        })
        it.effect(`${name}, by Backoff.toSchedule`, () =>
          Effect.gen(function*() {
            let drawn = 0
            const next = () => draws[drawn++] ?? 0.5
            const delays = yield* delaysOf(Backoff.toSchedule(args.policy), args.n).pipe(
              Effect.provideService(Random.Random, { nextDoubleUnsafe: next, nextIntUnsafe: next })
            )
            assert.deepStrictEqual(delays.map(nanosOf), nanos)
            assert.strictEqual(drawn, draws.length)
          }))
        continue
      }
      it.effect(trace.name, () =>
        Effect.gen(function*() {
          const { drawn, endedAt, ends, outcome, starts } = yield* replay(trace)
          near(starts, trace.starts)
          near(ends, trace.ends)
          near([endedAt!], [trace.returned])
          assert.strictEqual(outcome, trace.outcome)
          // Go draws before a run that is not sliding, this after it: a run that is the last makes one draw less.
          assert.isTrue(trace.draws.length - drawn === 0 || trace.draws.length - drawn === 1)
        }))
    }
  })
}

describe("sliding and non-sliding loops: simulated = observed = recorded", () => {
  const plain = new Set(["Until", "NonSlidingUntil", "JitterUntil"])
  const traces = recordings.flatMap(({ traces }) => traces).filter(({ call, draws, starts }) =>
    plain.has(call.replace(/WithContext$/, "")) && starts.length > 0 && draws.every((draw) => draw < 1)
  )

  it("has traces to go by", () => assert.isAbove(traces.length, 100))

  for (const trace of traces) {
    it.effect(`${trace.call} ${trace.name}`, () =>
      Effect.gen(function*() {
        const { jitterFactor = 0, period, sliding = trace.call.startsWith("Until") } = trace.args
        const jittered = Period.sliding(period).pipe(Jitter.additive(Math.max(0, jitterFactor)))
        const simulated = yield* Timeline.simulate(sliding ? jittered : Period.fromStart(jittered), {
          work: (run) => trace.runs[Math.min(run, trace.runs.length - 1)]!.takes,
          until: trace.returned + 0.001,
          random: trace.draws.length === 0 ? undefined : trace.draws,
          maxRuns: trace.starts.length
        })
        const recorded = Timeline.fromTrace(trace)
        const observed = yield* replay(trace)
        // A simulation knows no stop: it was cut.
        assert.isTrue(Timeline.equals(simulated, { ...recorded, outcome: "cut" }))
        assert.isTrue(Timeline.equals(Timeline.fromTrace({ ...observed, outcome: "returned" }), recorded))
      }))
  }
})
