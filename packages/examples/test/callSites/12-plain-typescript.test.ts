import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, ManagedRuntime, Option, Random } from "effect"
import { Retry, WaitTimeout } from "effect-wait"
import { TestClock } from "effect/testing"
import { make } from "../../src/callSites/12-plain-typescript.ts"

const caught = (error: unknown) => error

const settle = Effect.callback<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/** The facade on a test clock, with a draw of 0.5 for all jitter. */
const virtual = async () => {
  const random = Layer.succeed(Random.Random, { nextDoubleUnsafe: () => 0.5, nextIntUnsafe: () => 0 })
  const runtime = ManagedRuntime.make(Layer.merge(TestClock.layer(), random))
  const context = await runtime.context()
  const clock = await runtime.runPromise(Effect.service(Clock.Clock))
  const step = Effect.andThen(TestClock.adjust("50 millis"), settle)
  return {
    ...make(Layer.succeedContext(context)),
    now: () => clock.currentTimeMillisUnsafe(),
    /** Completes at a time of that clock; rejects when it is aborted. */
    sleep: (millis: number, signal?: AbortSignal) => runtime.runPromise(Effect.sleep(millis), { signal }),
    /** Time passes, in steps: only after each of them Promises get on. */
    pass: (millis: number) =>
      runtime.runPromise(Effect.andThen(settle, Effect.replicateEffect(step, millis / 50, { discard: true })))
  }
}

describe("a loop", () => {
  it("runs at once, and then so long after the end of each run", async () => {
    const { dispose, now, pass, sleep, startSync } = await virtual()
    const starts: Array<number> = []
    startSync({
      work: () => {
        starts.push(now())
        return sleep(1000)
      },
      every: "5 seconds",
      onError: console.error
    })
    await pass(20_000)
    assert.deepStrictEqual(starts, [0, 6000, 12_000, 18_000])
    await dispose()
  })

  it("tells what a run fails with, and goes on", async () => {
    const { dispose, now, pass, startSync } = await virtual()
    const told: Array<unknown> = []
    const sync = startSync({
      work: async () => {
        if (now() < 10_000) throw new Error(`refused at ${now()}`)
      },
      every: "5 seconds",
      onError: (error) => told.push(error)
    })
    await pass(12_000)
    assert.deepStrictEqual(told, [new Error("refused at 0"), new Error("refused at 5000")])
    assert.deepStrictEqual(await sync.status(), {
      state: "waiting",
      runs: 3,
      failures: 2,
      lastError: told[1],
      nextStart: 15_000
    })
    await dispose()
  })

  it("goes on when onError throws", async () => {
    const { dispose, now, pass, startSync } = await virtual()
    const starts: Array<number> = []
    startSync({
      work: async () => {
        starts.push(now())
        throw new Error("refused")
      },
      every: "5 seconds",
      onError: (error) => {
        throw error
      }
    })
    await pass(12_000)
    assert.deepStrictEqual(starts, [0, 5000, 10_000])
    await dispose()
  })

  it("runs when it is triggered", async () => {
    const { dispose, now, pass, startSync } = await virtual()
    const starts: Array<number> = []
    const sync = startSync({ work: async () => starts.push(now()), every: "5 seconds", onError: console.error })
    await pass(7000)
    await sync.trigger()
    await pass(6000)
    assert.deepStrictEqual(starts, [0, 5000, 7000, 12_000])
    await dispose()
  })

  it("lets the run in flight finish when it is stopped, and does not abort it", async () => {
    const { dispose, now, pass, sleep, startSync } = await virtual()
    const seen: Array<unknown> = []
    const sync = startSync({
      work: async (signal) => {
        await sleep(1000, signal)
        seen.push(`run ended at ${now()}`)
      },
      every: "5 seconds",
      onError: console.error
    })
    await pass(6500)
    const stopped = sync.stop().then(() => seen.push(`stopped at ${now()}`))
    await pass(10_000)
    await stopped
    assert.deepStrictEqual(seen, ["run ended at 1000", "run ended at 7000", "stopped at 7000"])
    await dispose()
  })

  it.each([
    { name: "while it waits", at: 2000, signals: [false], runs: 1 },
    { name: "during a run, which gets the signal", at: 6500, signals: [false, true], runs: 2 }
  ])("ends at once when it is aborted $name", async ({ at, runs, signals }) => {
    const { dispose, pass, sleep, startSync } = await virtual()
    const controller = new AbortController()
    const given: Array<AbortSignal> = []
    const told: Array<unknown> = []
    const sync = startSync({
      work: (signal) => {
        given.push(signal)
        return sleep(1000, signal)
      },
      every: "5 seconds",
      onError: (error) => told.push(error),
      signal: controller.signal
    })
    await pass(at)
    controller.abort()
    await pass(0)
    const ended = { state: "ended" as const, runs, failures: 0, lastError: undefined, nextStart: undefined }
    assert.deepStrictEqual(await sync.status(), ended)
    await pass(10_000)
    assert.deepStrictEqual([given.map(({ aborted }) => aborted), told], [signals, []])
    await dispose()
  })

  it("does not begin when it is aborted already", async () => {
    const { dispose, startSync } = await virtual()
    const options = { work: async () => {}, every: "5 seconds", onError: console.error } as const
    assert.throws(
      () => startSync({ ...options, signal: AbortSignal.abort() }),
      DOMException,
      "This operation was aborted"
    )
    await dispose()
  })
})

describe("a poll", () => {
  it("checks each interval until it holds", async () => {
    const { dispose, now, pass, pollUntil } = await virtual()
    const checks: Array<number> = []
    const polled = pollUntil(async () => checks.push(now()) === 3, { interval: "5 seconds", timeout: "1 minute" })
    await pass(10_000)
    assert.strictEqual(await polled, undefined)
    assert.deepStrictEqual(checks, [0, 5000, 10_000])
    await dispose()
  })

  it("rejects with a WaitTimeout, and aborts the check in flight", async () => {
    const { dispose, now, pass, pollUntil, sleep } = await virtual()
    const checks: Array<number> = []
    const signals: Array<AbortSignal> = []
    const check = async (signal: AbortSignal) => {
      checks.push(now())
      signals.push(signal)
      await sleep(7000, signal)
      return false
    }
    const polled = pollUntil(check, { interval: "5 seconds", timeout: "20 seconds" }).catch(caught)
    await pass(20_000)
    const timeout = await polled
    assert(timeout instanceof WaitTimeout)
    const { attempts, elapsed, last, reason } = timeout
    assert.deepStrictEqual([reason._tag, attempts, elapsed, last], [
      "Deadline",
      3,
      Duration.seconds(20),
      Option.some(false)
    ])
    assert.deepStrictEqual([checks, signals.map(({ aborted }) => aborted)], [[0, 7000, 14_000], [false, false, true]])
    await dispose()
  })

  it("rejects with what the check rejects with", async () => {
    const { dispose, pollUntil } = await virtual()
    const error = new Error("forbidden")
    const polled = pollUntil(() => Promise.reject(error), { interval: "5 seconds", timeout: "1 minute" })
    assert.strictEqual(await polled.catch(caught), error)
    await dispose()
  })

  it("rejects with the reason of an abort, at once", async () => {
    const { dispose, now, pass, pollUntil } = await virtual()
    const controller = new AbortController()
    const checks: Array<number> = []
    const check = async () => checks.push(now()) === 3
    const patience = { interval: "5 seconds", timeout: "1 minute", signal: controller.signal } as const
    const polled = pollUntil(check, patience).catch(caught)
    await pass(7000)
    controller.abort("no longer needed")
    assert.strictEqual(await polled, "no longer needed")
    assert.strictEqual(await pollUntil(check, patience).catch(caught), "no longer needed")
    assert.deepStrictEqual(checks, [0, 5000])
    await dispose()
  })
})

describe("a retry", () => {
  it("makes a call again, with full jitter, until it succeeds", async () => {
    const { dispose, now, pass, retry } = await virtual()
    const calls: Array<number> = []
    const retried = retry(async () => {
      if (calls.push(now()) < 4) throw new Error("busy")
      return "done"
    }, { attempts: 5 })
    await pass(1000)
    assert.strictEqual(await retried, "done")
    assert.deepStrictEqual(calls, [0, 50, 150, 350])
    await dispose()
  })

  it("rejects with a RetryExhausted that tells the last error", async () => {
    const { dispose, pass, retry } = await virtual()
    const retried = retry(() => Promise.reject(new Error("busy")), { attempts: 3 }).catch(caught)
    await pass(1000)
    const exhausted = await retried
    assert(exhausted instanceof Retry.RetryExhausted)
    const { attempts, elapsed, error, reason } = exhausted
    assert.deepStrictEqual([attempts, Duration.toMillis(elapsed), error, reason._tag], [
      3,
      150,
      new Error("busy"),
      "Schedule"
    ])
    await dispose()
  })

  it("aborts an attempt that takes too long", async () => {
    const { dispose, now, pass, retry, sleep } = await virtual()
    const calls: Array<number> = []
    const retried = retry(async (signal) => {
      calls.push(now())
      return sleep(calls.length === 1 ? 60_000 : 0, signal)
    }, { attempts: 2, attemptTimeout: "3 seconds" })
    await pass(4000)
    await retried
    assert.deepStrictEqual(calls, [0, 3050])
    await dispose()
  })

  it("rejects with what is not retryable, as it is", async () => {
    const { dispose, retry } = await virtual()
    const error = new Error("forbidden")
    const retried = retry(() => Promise.reject(error), { attempts: 3, retryable: (other) => other !== error })
    assert.strictEqual(await retried.catch(caught), error)
    await dispose()
  })
})

// On the live Clock. After each timer Promises get on, so time may pass in one go.
describe("with Vitest's fake timers", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: 0 })
    // Effect keeps the `process.hrtime` that it began with, so to fake `hrtime` as well would not reach it.
    vi.spyOn(process.hrtime, "bigint").mockImplementation(() => BigInt(Date.now()) * 1_000_000n)
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  it("a loop and a poll do the same, and dispose leaves no timer", async () => {
    const { dispose, pollUntil, startSync } = make()
    const starts: Array<number> = []
    const checks: Array<number> = []
    startSync({ work: async () => starts.push(Date.now()), every: "5 seconds", onError: console.error })
    const polled = pollUntil(async () => checks.push(Date.now()) === 3, { interval: "4 seconds", timeout: "1 minute" })
    await vi.advanceTimersByTimeAsync(12_000)
    await polled
    assert.deepStrictEqual([starts, checks], [[0, 5000, 10_000], [0, 4000, 8000]])
    assert.strictEqual(vi.getTimerCount(), 1)
    await dispose()
    assert.strictEqual(vi.getTimerCount(), 0)
    await vi.advanceTimersByTimeAsync(10_000)
    assert.deepStrictEqual(starts, [0, 5000, 10_000])
  })
})
