import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Fiber, Schedule, Scheduler } from "effect"
import { Backoff, Limit, Period } from "effect-wait"
import { make, type WorkQueue } from "../../src/callSites/06-work-queue.ts"
import { logOf } from "./logOf.ts"

/** What a program with a queue logs, with times. */
const logWith = Effect.fnUntraced(function*<E>(
  program: (queue: WorkQueue<string>) => Effect.Effect<unknown, E>,
  { limit, until = "1 minute" }: { readonly limit?: Schedule.Schedule<unknown>; readonly until?: Duration.Input } = {}
) {
  const { log } = yield* logOf(Effect.scoped(Effect.flatMap(make<string>(limit), program)), { until })
  return log
})

/** A worker until the queue is shut down. */
const worker = <E>(queue: WorkQueue<string>, name: string, process: (key: string) => Effect.Effect<unknown, E>) =>
  Effect.repeat(
    queue.processNext((key) =>
      Effect.log(`${name} begins ${key}`).pipe(
        Effect.andThen(process(key)),
        Effect.andThen(Effect.log(`${name} ends ${key}`))
      )
    ),
    { while: (more) => more }
  ).pipe(Effect.andThen(Effect.log(`${name} is done`)), Effect.forkChild({ startImmediately: true }))

const aSecond = () => Effect.sleep("1 second")

/** A worker that logs a key, and adds it again by its rate limit. */
const failing = (queue: WorkQueue<string>) =>
  Effect.forever(queue.processNext((key) => Effect.andThen(Effect.log(key), queue.addRateLimited(key))))

/** The time between each line and the one before. */
const gaps = (log: ReadonlyArray<string>) => {
  const times = log.map(Number.parseFloat)
  return times.slice(1).map((time, i) => time - (times[i] ?? NaN))
}

describe("a work queue", () => {
  it.effect("has a key once, in the order in which they came", () =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) =>
        Effect.gen(function*() {
          yield* Effect.forEach(["a", "b", "a", "c", "b", "a"], queue.add)
          yield* worker(queue, "w", aSecond)
          yield* Effect.never
        })
      )
      assert.deepStrictEqual(log, [
        "0 w begins a",
        "1000 w ends a",
        "1000 w begins b",
        "2000 w ends b",
        "2000 w begins c",
        "3000 w ends c"
      ])
    }))

  it.effect("processes a key that is added meanwhile once more afterwards, and never at two workers", () =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) =>
        Effect.gen(function*() {
          yield* worker(queue, "v", aSecond)
          yield* worker(queue, "w", aSecond)
          yield* queue.add("a")
          yield* Effect.sleep("300 millis")
          yield* Effect.andThen(queue.add("a"), queue.add("a"))
          yield* Effect.sleep("200 millis")
          yield* queue.add("b")
          yield* Effect.never
        })
      )
      assert.deepStrictEqual(log, [
        "0 v begins a",
        "500 w begins b",
        "1000 v ends a",
        "1000 v begins a",
        "1500 w ends b",
        "2000 v ends a"
      ])
    }))

  it.effect("puts such a key behind those that were added while it was processed", () =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) =>
        Effect.gen(function*() {
          yield* worker(queue, "w", (key) => Effect.sleep(key === "b" ? 100 : 1000))
          yield* queue.add("a")
          yield* Effect.sleep("100 millis")
          yield* Effect.forEach(["a", "b"], queue.add)
          yield* Effect.never
        })
      )
      assert.deepStrictEqual(log, [
        "0 w begins a",
        "1000 w ends a",
        "1000 w begins b",
        "1100 w ends b",
        "1100 w begins a",
        "2100 w ends a"
      ])
    }))

  it.effect("hands such a key to another worker where the one is gone", () =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) =>
        Effect.gen(function*() {
          yield* queue.add("a")
          yield* Effect.forkChild(queue.processNext(aSecond), { startImmediately: true })
          yield* worker(queue, "w", aSecond)
          yield* queue.add("a")
          yield* Effect.never
        })
      )
      assert.deepStrictEqual(log, ["1000 w begins a", "2000 w ends a"])
    }))

  it.effect("costs nothing while it is empty", () =>
    Effect.gen(function*() {
      const scheduler = new Scheduler.MixedScheduler()
      let operations = 0
      const counting: Scheduler.Scheduler = {
        executionMode: scheduler.executionMode,
        makeDispatcher: () => scheduler.makeDispatcher(),
        shouldYield(fiber) {
          operations++
          return scheduler.shouldYield(fiber)
        }
      }
      const seen: Array<number> = []
      yield* logWith((queue) =>
        Effect.gen(function*() {
          yield* Effect.provideService(worker(queue, "w", aSecond), Scheduler.Scheduler, counting)
          yield* queue.add("a")
          for (const pause of ["2 seconds", "50 seconds"] as const) {
            yield* Effect.sleep(pause)
            seen.push(operations)
          }
        })
      )
      assert.strictEqual(seen[0], seen[1])
    }))

  it.effect("gives a key back that failed, died or was interrupted", () =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) =>
        Effect.gen(function*() {
          yield* queue.add("a")
          yield* Effect.log(yield* Effect.exit(queue.processNext(() => Effect.fail("no"))))
          yield* queue.add("a")
          yield* Effect.log(yield* Effect.exit(queue.processNext(() => Effect.die("boom"))))
          yield* queue.add("a")
          yield* Effect.timeoutOption(queue.processNext(() => Effect.never), "1 second")
          yield* queue.add("a")
          yield* worker(queue, "w", aSecond)
          yield* Effect.never
        })
      )
      assert.deepStrictEqual(log.slice(2), ["1000 w begins a", "2000 w ends a"])
      assert.deepStrictEqual(log.slice(0, 2).map((line) => /no|boom/.exec(line)?.[0]), ["no", "boom"])
    }))

  it.effect("loses no key to a worker that was interrupted while it waited", () =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) =>
        Effect.gen(function*() {
          const gone = yield* worker(queue, "gone", aSecond)
          yield* worker(queue, "w", aSecond)
          yield* queue.add("a")
          yield* Fiber.interrupt(gone)
          yield* Effect.never
        })
      )
      assert.deepStrictEqual(log, ["0 w begins a", "1000 w ends a"])
    }))
})

describe("the rate limit", () => {
  // The vectors of client-go.
  it.effect.each<{ limiter: string; limit?: Schedule.Schedule<unknown>; until: Duration.Input; delays: Array<number> }>(
    [
      {
        limiter: "of controllers",
        until: "1 hour",
        // dprint-ignore
        delays: [
        5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_240, 20_480, 40_960, 81_920, 163_840, 327_680, 655_360,
        1_000_000, 1_000_000
      ]
      },
      {
        limiter: "ItemExponentialFailureRateLimiter(1ms, 1s)",
        limit: Backoff.exponential({ base: "1 milli", cap: "1 second" }),
        until: "5 seconds",
        delays: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000, 1000]
      },
      {
        limiter: "ItemFastSlowRateLimiter(5ms, 10s, 3)",
        limit: Schedule.concat(Backoff.fromDelays([5, 5, 5]), Period.sliding("10 seconds")),
        until: "30 seconds",
        delays: [5, 5, 5, 10_000, 10_000]
      }
    ]
  )("$limiter: $delays", ({ delays, limit, until }) =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) => Effect.andThen(queue.add("a"), failing(queue)), {
        until,
        ...limit && { limit }
      })
      assert.deepStrictEqual(gaps(log), delays)
    }))

  it.effect("is by key, and begins afresh when the key is forgotten", () =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) =>
        Effect.gen(function*() {
          yield* queue.add("a")
          yield* Effect.forkChild(failing(queue))
          yield* Effect.sleep("100 millis")
          yield* Effect.andThen(queue.add("b"), queue.forget("a"))
          yield* Effect.never
        }), { until: "250 millis" })
      assert.deepStrictEqual(log.filter((line) => line.endsWith("a")), [
        "0 a",
        "5 a",
        "15 a",
        "35 a",
        "75 a",
        "155 a",
        "160 a",
        "170 a",
        "190 a",
        "230 a"
      ])
      assert.deepStrictEqual(log.filter((line) => line.endsWith("b")), ["100 b", "105 b", "115 b", "135 b", "175 b"])
    }))

  it.effect("lets the delay count that ends first, beside what is added without one", () =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) =>
        Effect.gen(function*() {
          yield* worker(queue, "w", () => Effect.void)
          yield* Effect.andThen(queue.addRateLimited("a"), queue.addRateLimited("a"))
          yield* Effect.sleep("100 millis")
          yield* Effect.andThen(queue.addRateLimited("a"), queue.addRateLimited("a"))
          yield* Effect.sleep("10 millis")
          yield* Effect.andThen(queue.add("a"), queue.addRateLimited("a"))
          yield* Effect.never
        }), { limit: Backoff.fromDelays([50, 70, 50, 30, 40]) })
      assert.deepStrictEqual(log.filter((line) => line.includes("begins")), [
        "50 w begins a",
        "110 w begins a",
        "130 w begins a"
      ])
    }))

  it.effect("gives a key up where it ends, which is new when it is added again", () =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) =>
        Effect.gen(function*() {
          yield* Effect.forkChild(failing(queue))
          yield* queue.add("a")
          yield* Effect.sleep("1 minute")
          yield* queue.add("a")
          yield* Effect.never
        }), { limit: Backoff.exponential({ base: 5, cap: 1000 }).pipe(Limit.attempts(3)), until: "2 minutes" })
      assert.deepStrictEqual(log, ["0 a", "5 a", "15 a", "60000 a", "60005 a", "60015 a"])
    }))
})

describe("a shutdown", () => {
  it.effect("lets what is queued be processed, and ends the workers", () =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) =>
        Effect.gen(function*() {
          yield* worker(queue, "v", aSecond)
          yield* Effect.forEach(["a", "b"], queue.add)
          yield* Effect.sleep("500 millis")
          yield* queue.addRateLimited("delayed")
          // It is in flight, and queued for afterwards.
          yield* queue.add("a")
          yield* queue.shutDown
          yield* Effect.andThen(queue.add("late"), queue.addRateLimited("late"))
          yield* worker(queue, "w", aSecond)
          yield* Effect.never
        })
      )
      assert.deepStrictEqual(log, [
        "0 v begins a",
        "500 w begins b",
        "1000 v ends a",
        "1000 v begins a",
        "1500 w ends b",
        "1500 w is done",
        "2000 v ends a",
        "2000 v is done"
      ])
    }))

  it.effect("ends workers that wait", () =>
    Effect.gen(function*() {
      const log = yield* logWith((queue) =>
        Effect.gen(function*() {
          yield* worker(queue, "v", aSecond)
          yield* worker(queue, "w", aSecond)
          yield* Effect.sleep("1 second")
          yield* queue.shutDown
          yield* Effect.never
        })
      )
      assert.deepStrictEqual(log, ["1000 v is done", "1000 w is done"])
    }))

  it.effect("comes with the end of the Scope", () =>
    Effect.gen(function*() {
      const { log } = yield* logOf(
        Effect.gen(function*() {
          const queue = yield* Effect.scoped(Effect.tap(make<string>(), (queue) => queue.addRateLimited("a")))
          yield* worker(queue, "w", aSecond)
          yield* queue.addRateLimited("b")
          yield* Effect.log("goes on")
        }),
        { until: "1 minute" }
      )
      assert.deepStrictEqual(log, ["0 w is done", "0 goes on"])
    }))
})
