/** What the guides for who comes from Go and from JavaScript say a port does. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Duration, Effect, Exit, Schedule } from "effect"
import { Backoff, Limit, Loop, Period, Retry, Wait } from "effect-wait"
import { delaysOf, observe } from "./support.ts"

const makeCall = () => {
  const starts: Array<number> = []
  const call = Effect.andThen(
    Effect.map(Clock.currentTimeMillis, (now) => starts.push(now)),
    Effect.fail("busy")
  )
  return { call, starts }
}

describe("client-go", () => {
  it.effect.each([[10, [0, 10], 30], [0, [], 0]] as const)(
    "OnError with a cap and %i steps",
    ([steps, starts, end]) =>
      Effect.gen(function*() {
        const backoff = { duration: "10 millis", factor: 2, jitter: 0, steps, cap: "30 millis" } as const
        const made = makeCall()
        const check = Effect.catch(made.call, () => Effect.succeed(false))
        const { endedAt } = yield* observe(Wait.exponentialBackoff(Effect.as(check, false), { backoff }), "1 minute")
        assert.deepStrictEqual([made.starts, endedAt], [[...starts], end])
      })
  )

  it.effect("Until: a failure ends the loop, unless the work survives it", () =>
    Effect.gen(function*() {
      const ports: ReadonlyArray<
        readonly [(call: Effect.Effect<never, string>) => Effect.Effect<unknown, string>, number]
      > = [
        [(call) => call, 1],
        [(call) => Effect.ignore(call), 3],
        [(call) => Loop.survive(call), 3]
      ]
      for (const [f, runs] of ports) {
        const { call, starts } = makeCall()
        yield* observe(Wait.until(f(call), { period: "1 second" }), "2.5 seconds")
        assert.strictEqual(starts.length, runs)
      }
    }))
})

describe("p-retry, exponential-backoff, cockatiel", () => {
  it.effect("delayFirstAttempt: 100 ms and a factor of 3 wait for 100 and 300 ms", () =>
    Effect.gen(function*() {
      const { call, starts } = makeCall()
      const schedule = Backoff.exponential({ base: "300 millis", factor: 3, cap: "1 minute" }).pipe(Limit.attempts(2))
      yield* observe(Effect.delay(Retry.run(call, schedule), "100 millis"), "1 minute")
      assert.deepStrictEqual(starts, [100, 400])
    }))

  it.effect("onFailedAttempt: Effect.tapError sees each failure, onRetry and onGiveUp none that while refuses", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const note = (what: string) => Effect.sync(() => seen.push(what))
      const call = Effect.tapError(Effect.fail("bad"), () => note("tapError"))
      const hooks = { onRetry: () => note("onRetry"), onGiveUp: () => note("onGiveUp") }
      yield* observe(Retry.run(call, Period.sliding(1), { ...hooks, while: (error) => error !== "bad" }), "1 minute")
      assert.deepStrictEqual(seen, ["tapError"])
    }))

  it.effect("signal: one that is aborted already allows no call as a stop", () =>
    Effect.gen(function*() {
      const { call, starts } = makeCall()
      const stop = Loop.fromAbortSignal(AbortSignal.abort())
      const { exit } = yield* observe(Retry.run(call, Period.sliding(1), { stop }), "1 minute")
      const error = Exit.isFailure(exit!) ? Cause.squash(exit.cause) : undefined
      assert.deepStrictEqual([starts, Retry.isRetryExhausted(error) && error.reason._tag], [[], "Stopped"])
    }))

  it.effect("shouldRetry: an effectful predicate is Schedule.while", () =>
    Effect.gen(function*() {
      const { call, starts } = makeCall()
      const schedule = Period.sliding("1 second").pipe(Schedule.while(({ attempt }) => Effect.succeed(attempt < 3)))
      yield* observe(Retry.run(call, schedule), "1 minute")
      assert.deepStrictEqual(starts, [0, 1000, 2000])
    }))

  it.effect("DelegateBackoff with state is Schedule.fromStep", () =>
    Effect.gen(function*() {
      const fibonacci = Schedule.fromStep(Effect.sync(() => {
        let [a, b] = [0, 1]
        return () => {
          ;[a, b] = [b, a + b]
          return Effect.succeed<[number, Duration.Duration]>([a, Duration.seconds(a)])
        }
      }))
      assert.deepStrictEqual(yield* delaysOf(fibonacci, 6), [1000, 1000, 2000, 3000, 5000, 8000])
    }))
})
