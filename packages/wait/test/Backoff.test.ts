import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Schedule, Schema } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Wait } from "effect-wait"
import { Policy } from "effect-wait/Policy"
import { delaysOf, makeWork, observe, startsOf, stepsOf, withDraws } from "./support.ts"

const second = 1000

describe("Backoff.exponential", () => {
  it.effect("multiplies by 2 up to the cap", () =>
    Effect.gen(function*() {
      const schedule = Backoff.exponential({ base: "100 millis", cap: "1 second" })
      assert.deepStrictEqual(yield* delaysOf(schedule, 6), [100, 200, 400, 800, 1000, 1000])
    }))

  it.effect("takes any factor of 0 or more", () =>
    Effect.gen(function*() {
      const delays = (factor: number) => delaysOf(Backoff.exponential({ base: 100, factor, cap: Infinity }), 4)
      assert.deepStrictEqual(yield* delays(3), [100, 300, 900, 2700])
      assert.deepStrictEqual(yield* delays(1), [100, 100, 100, 100])
      assert.deepStrictEqual(yield* delays(0.5), [100, 50, 25, 12.5])
      assert.deepStrictEqual(yield* delays(0), [100, 0, 0, 0])
    }))

  it.effect("puts out its delays, whatever changes them afterwards", () =>
    Effect.gen(function*() {
      const outputs: Array<number> = []
      const schedule = Backoff.exponential({ base: 100, cap: Infinity }).pipe(
        Jitter.full,
        Limit.attempts(4),
        Schedule.tap(({ output }) => Effect.sync(() => outputs.push(Duration.toMillis(output))))
      )
      const { exit } = yield* observe(withDraws(0.5)(Effect.repeat(Effect.void, schedule)), "1 minute")
      assert.deepStrictEqual(outputs, [100, 200, 400])
      assert.deepStrictEqual(exit, Exit.succeed(Duration.millis(800)))
    }))

  // client-go's workqueue: ItemExponentialFailureRateLimiter(1 ms, 1 s)
  it.effect("is the workqueue's rate limiter", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* delaysOf(Backoff.exponential({ base: 1, cap: "1 second" }), 5), [1, 2, 4, 8, 16])
      const delays = yield* delaysOf(Backoff.exponential({ base: 5, cap: "1000 seconds" }), 20)
      assert.deepStrictEqual(delays.slice(-3), [655_360, 1_000_000, 1_000_000])
    }))

  // client-go's workqueue: ItemFastSlowRateLimiter(5 ms, 10 s, 3)
  it.effect("a fast and slow rate limiter is a list and a period", () =>
    Effect.gen(function*() {
      const schedule = Schedule.concat(Backoff.fromDelays([5, 5, 5]), Period.sliding("10 seconds"))
      assert.deepStrictEqual(yield* delaysOf(schedule, 6), [5, 5, 5, 10_000, 10_000, 10_000])
    }))

  it.effect("1,100 steps with no cap never give NaN", () =>
    Effect.gen(function*() {
      for (const base of [0, 100]) {
        const delays = yield* delaysOf(Backoff.exponential({ base, cap: Infinity }), 1100)
        assert.isTrue(delays.every((delay) => delay >= 0))
        assert.strictEqual(delays[1099], base === 0 ? 0 : Infinity)
      }
      const jittered = yield* withDraws(0)(
        delaysOf(Backoff.exponential({ base: 100, cap: Infinity }).pipe(Jitter.full, Limit.delay("1 day")), 1100)
      )
      assert.isTrue(jittered.every((delay) => delay >= 0 && delay <= 86_400_000))
    }))

  it.effect("a delay of Infinity waits for ever, and can be stopped", () =>
    Effect.gen(function*() {
      const work = makeWork(0)
      const { endedAt } = yield* observe(
        Loop.run(work.run, Period.sliding(Infinity), { stop: Effect.sleep("100 days") }),
        "200 days"
      )
      assert.deepStrictEqual(work.starts, [0])
      assert.strictEqual(endedAt, 100 * 86_400_000)
    }))
})

describe("Backoff.linear", () => {
  it.effect("adds the base, or the increment, up to the cap", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* delaysOf(Backoff.linear({ base: 100, cap: 350 }), 5), [100, 200, 300, 350, 350])
      assert.deepStrictEqual(
        yield* delaysOf(Backoff.linear({ base: 100, increment: 10, cap: Infinity }), 4),
        [100, 110, 120, 130]
      )
    }))
})

describe("Backoff.decorrelated", () => {
  // AWS, Exponential Backoff And Jitter: sleep = min(cap, random_between(base, sleep * 3))
  it.effect("draws from base to three times the last delay, up to the cap", () =>
    Effect.gen(function*() {
      const schedule = Backoff.decorrelated({ base: 100, cap: 2000 })
      assert.deepStrictEqual(yield* withDraws(0.5)(delaysOf(schedule, 6)), [200, 350, 575, 912.5, 1418.75, 2000])
      assert.deepStrictEqual(yield* withDraws(0)(delaysOf(schedule, 3)), [100, 100, 100])
    }))

  it.effect("never overflows", () =>
    Effect.gen(function*() {
      const draws = [...Array.from({ length: 1000 }, () => 0.999), 0]
      const delays = yield* withDraws(...draws)(delaysOf(Backoff.decorrelated({ base: 1, cap: Infinity }), 1001))
      assert.isTrue(delays.every((delay) => delay >= 1))
      assert.isAbove(delays[999]!, 1e300)
      assert.strictEqual(delays[1000], 1)
    }))
})

describe("Backoff.decorrelatedV2", () => {
  // Polly 8, DecorrelatedJitterBackoffV2, base 1 s, constant draws, attempts 0 to 5
  const vectors = [
    { draw: 0, seconds: [0, 1.377182257, 1.460067301, 2.865849862, 5.717806862, 11.430272441] },
    { draw: 0.5, seconds: [0.897404936, 1.093003547, 2.035747963, 4.045979423, 8.083631610, 16.163662812] },
    { draw: 0.75, seconds: [1.128360242, 1.250132212, 2.414000608, 4.809442735, 9.612263966, 19.221528867] }
  ]
  for (const { draw, seconds } of vectors) {
    it.effect(`gives Polly's delays for a draw of ${draw}`, () =>
      Effect.gen(function*() {
        const schedule = Backoff.decorrelatedV2({ median: "1 second", cap: Infinity })
        const delays = yield* withDraws(draw)(delaysOf(schedule, 6))
        assert.deepStrictEqual(delays.map((delay) => (delay / second).toFixed(9)), seconds.map((n) => n.toFixed(9)))
      }))
  }

  it.effect("is capped, and does not overflow in 1,100 attempts", () =>
    Effect.gen(function*() {
      for (const draw of [0, 0.5, 0.999]) {
        const schedule = Backoff.decorrelatedV2({ median: "1 second", cap: "30 seconds" })
        const delays = yield* withDraws(draw)(delaysOf(schedule, 1100))
        assert.isTrue(delays.slice(0, 3).every((delay) => delay < 30_000))
        assert.deepStrictEqual(new Set(delays.slice(10)), new Set([30_000]))
      }
    }))
})

describe("Backoff.fromDelays", () => {
  it.effect("gives the list, and ends after the last", () =>
    Effect.gen(function*() {
      const work = makeWork(0)
      const { exit } = yield* observe(Effect.repeat(work.run, Backoff.fromDelays(["1 second", 200, 30])), "1 minute")
      assert.deepStrictEqual(work.starts, [0, 1000, 1200, 1230])
      assert.deepStrictEqual(exit, Exit.succeed(Duration.millis(30)))
    }))

  it.effect("an empty list is one run", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startsOf(Effect.repeat(Backoff.fromDelays([])), "1 minute"), [0])
    }))
})

describe("Backoff.toSchedule", () => {
  const policy = { duration: "1 second", factor: 2, jitter: 0, steps: 3 } as const

  // wait_test.go: Backoff{Duration: 1 s, Factor: 2, Steps: 3, Cap: 3 s} gives 1, 2 and 3 s
  it.effect("grows up to the cap, and goes on for ever", () =>
    Effect.gen(function*() {
      const delays = yield* delaysOf(Backoff.toSchedule({ ...policy, cap: "3 seconds" }), 6)
      assert.deepStrictEqual(delays, [1000, 2000, 3000, 3000, 3000, 3000])
    }))

  it.effect("stops growing after `steps`", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* delaysOf(Backoff.toSchedule(policy), 6), [1000, 2000, 4000, 8000, 8000, 8000])
      assert.deepStrictEqual(yield* delaysOf(Backoff.toSchedule({ ...policy, steps: 0 }), 3), [1000, 1000, 1000])
      assert.deepStrictEqual(yield* delaysOf(Backoff.toSchedule({ ...policy, steps: -1 }), 3), [1000, 1000, 1000])
      assert.deepStrictEqual(yield* delaysOf(Backoff.toSchedule({ ...policy, factor: 0 }), 3), [1000, 1000, 1000])
    }))

  it.effect("jitters each delay, but not its growth, and draws nothing at 0 or less", () =>
    Effect.gen(function*() {
      const schedule = Backoff.toSchedule({ ...policy, jitter: 0.5 })
      assert.deepStrictEqual(yield* withDraws(0.5, 0)(delaysOf(schedule, 4)), [1250, 2000, 5000, 8000])
      assert.deepStrictEqual(yield* delaysOf(Backoff.toSchedule({ ...policy, jitter: -1 }), 2), [1000, 2000])
    }))

  it.effect("truncates to nanoseconds, as Go does", () =>
    Effect.gen(function*() {
      const schedule = Backoff.toSchedule({ duration: 1n, factor: 1.5, jitter: 0, steps: 10 })
      assert.deepStrictEqual(
        (yield* delaysOf(schedule, 6)).map((delay) => Math.round(delay * 1_000_000)),
        [1, 1, 1, 1, 1, 1]
      )
    }))

  // client-go: retry.DefaultRetry and retry.DefaultBackoff
  it.effect("takes client-go's policies, as data", () =>
    Effect.gen(function*() {
      const decode = Schema.decodeUnknownEffect(Policy)
      const retry = yield* decode({ duration: "10 millis", factor: 1, jitter: 0.1, steps: 5 })
      const backoff = yield* decode({ duration: "10 millis", factor: 5, jitter: 0.1, steps: 4 })
      assert.deepStrictEqual(yield* withDraws(0)(delaysOf(Backoff.toSchedule(retry), 5)), [10, 10, 10, 10, 10])
      assert.deepStrictEqual(yield* withDraws(0)(delaysOf(Backoff.toSchedule(backoff), 4)), [10, 50, 250, 1250])
    }))
})

describe("Backoff.step", () => {
  const policy: Backoff.Policy = Object.freeze({
    duration: "1 second",
    factor: 2,
    jitter: 0.5,
    steps: 5,
    cap: "3 seconds"
  })

  it("gives the delay with its jitter, and the policy of the next step", () => {
    const [delay, next] = Backoff.step(policy, 0.5)
    assert.deepStrictEqual(delay, Duration.nanos(1_250_000_000n))
    assert.deepStrictEqual(next, { ...policy, duration: Duration.nanos(2_000_000_000n), steps: 4 })
    assert.deepStrictEqual(Backoff.step(policy, 0.5), [delay, next])
  })

  it("ends the growth at the cap: no steps are left, and the jitter goes on", () => {
    const { delays, next } = stepsOf(policy, [0, 0.5, 0, 0.25])
    assert.deepStrictEqual(delays, [1000, 2500, 3000, 3375])
    assert.deepStrictEqual(next, { ...policy, duration: Duration.nanos(3_000_000_000n), steps: 0 })
  })

  it("counts its steps down to 0, also where nothing grows", () => {
    for (const { steps, ...more } of [{ steps: -3 }, { steps: 0 }, { steps: 2, factor: 0, cap: 0 }]) {
      const { delays, next } = stepsOf({ ...policy, ...more, steps }, [0, 0, 0])
      assert.deepStrictEqual(delays, [1000, 1000, 1000])
      assert.strictEqual(next.steps, 0)
    }
  })

  it("ignores the draw for a jitter of 0 or less", () => {
    for (const jitter of [0, -1]) {
      assert.deepStrictEqual(stepsOf({ ...policy, jitter }, [0.9, 0.1]).delays, [1000, 2000])
    }
  })

  it("is exact to the nanosecond for months, where milliseconds are not", () => {
    const nanos = 4_362_017_035_802_572n // 50 days
    const [delay, next] = Backoff.step({ duration: nanos, factor: 1, jitter: 0, steps: 1, cap: nanos }, 0)
    assert.deepStrictEqual([delay, next.duration, next.steps], [Duration.nanos(nanos), Duration.nanos(nanos), 0])
  })

  it("stops at the largest number, and gives a policy that it takes", () => {
    const largest = Number.MAX_VALUE / 1_000_000
    for (const duration of [1, 1e305]) {
      const growing = { duration, factor: 1e300, jitter: 1, steps: 9 }
      assert.deepStrictEqual(stepsOf(growing, [0.5, 0.5, 0.5, 0]).delays.slice(2), [largest, largest])
    }
  })
})

describe("Policy", () => {
  it.effect("is encoded as it was written", () =>
    Effect.gen(function*() {
      const document = { duration: "10 millis", factor: 5, jitter: 0.1, steps: 4, cap: "30000 millis" }
      const policy = yield* Schema.decodeUnknownEffect(Policy)(document)
      assert.deepStrictEqual(yield* Schema.encodeEffect(Policy)(policy), document)
    }))

  const bad = [
    { field: "duration", value: "10 bananas" },
    { field: "duration", value: "-1 millis" },
    { field: "duration", value: "Infinity" },
    { field: "factor", value: -1 },
    { field: "factor", value: NaN },
    { field: "jitter", value: Infinity },
    { field: "steps", value: 1.5 },
    { field: "cap", value: "-1 second" }
  ]
  for (const { field, value } of bad) {
    it.effect(`refuses ${field} ${value}, and names the field`, () =>
      Effect.gen(function*() {
        const document = { duration: "10 millis", factor: 1, jitter: 0.1, steps: 5, [field]: value }
        const error = yield* Effect.flip(Schema.decodeUnknownEffect(Policy)(document))
        assert.include(String(error), `["${field}"]`)
      }))
  }
})

describe("Backoff.resetAfter", () => {
  const schedule = Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Backoff.resetAfter("10 seconds"))
  const work = [0, 0, 0, 10_001, 0, 10_000, 0]
  const starts = [0, 1000, 3000, 7000, 18_001, 20_001, 34_001, 42_001]

  for (
    const { name, repeat } of [
      { name: "Effect.repeat", repeat: Effect.repeat(schedule) },
      { name: "Loop.run", repeat: Loop.run(schedule) },
      {
        name: "Loop.run, inside another schedule",
        repeat: Loop.run(schedule.pipe(Schedule.map(({ output }) => output)))
      }
    ]
  ) {
    it.effect(`begins afresh after a run that lasted longer, under ${name}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* startsOf(repeat, "45 seconds", ...work), starts)
      }))
  }

  it.effect("begins afresh a schedule that is not ours", () =>
    Effect.gen(function*() {
      const foreign = Schedule.exponential("1 second").pipe(Backoff.resetAfter("10 seconds"))
      assert.deepStrictEqual(yield* startsOf(Effect.repeat(foreign), "45 seconds", ...work), starts)
    }))

  it.effect("resets the limits below it, and none above", () =>
    Effect.gen(function*() {
      const below = Period.sliding("1 second").pipe(Limit.attempts(3), Backoff.resetAfter("5 seconds"))
      const above = Period.sliding("1 second").pipe(Backoff.resetAfter("5 seconds"), Limit.attempts(3))
      assert.deepStrictEqual(yield* startsOf(Effect.repeat(below), "1 minute", 0, 6000, 0), [0, 1000, 8000, 9000])
      const work = makeWork(0, 6000, 0)
      yield* observe(Effect.repeat(work.run, above), "1 minute")
      assert.strictEqual(work.starts.length, 3)
    }))

  it.effect("a limit in time below it counts from the start of the run that lasted", () =>
    Effect.gen(function*() {
      const schedule = Period.sliding("4 seconds").pipe(Limit.within("10 seconds"), Backoff.resetAfter("5 seconds"))
      const starts = [0, 4000, 8000, 18_000]
      assert.deepStrictEqual(yield* startsOf(Effect.repeat(schedule), "1 minute", 0, 0, 6000, 0), starts)
      const looped = yield* startsOf(Loop.run(schedule), "1 minute", 0, 0, 6000, 0)
      assert.deepStrictEqual(looped.map((start) => start - 60_000), starts)
    }))

  // Kubernetes' Reflector: 800 ms, cap 30 s, reset after 2 minutes, factor 2, jitter 1.0
  it.effect("is the Reflector's backoff", () =>
    Effect.gen(function*() {
      const reflector = Backoff.exponential({ base: "800 millis", cap: "30 seconds" }).pipe(
        Jitter.additive(1),
        Backoff.resetAfter("2 minutes")
      )
      assert.deepStrictEqual(
        yield* withDraws(0)(startsOf(Effect.repeat(reflector), "3 minutes", 0, 0, 0, 0, 130_000, 0)),
        [0, 800, 2400, 5600, 12_000, 142_800, 144_400, 147_600, 154_000, 166_800]
      )
    }))

  // Kubernetes' leader election: JitterFactor 1.2 over a retry period of 2 s gives delays in [2, 4.4) s
  it.effect("leader election's acquire delays lie in [2, 4.4) s", () =>
    Effect.gen(function*() {
      const acquire = Wait.jitterUntil({ period: "2 seconds", jitterFactor: 1.2, sliding: true })
      assert.deepStrictEqual(
        yield* withDraws(0, 0.5, 1 - 2 ** -53)(startsOf(acquire, "9.6 seconds")),
        [0, 2000, 5200, 9600]
      )
    }))
})
