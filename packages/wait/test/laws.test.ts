/** The algebra of the schedule values, for any input. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Random, Schedule } from "effect"
import { Backoff, Jitter, Limit, Period } from "effect-wait"
import * as fc from "fast-check"
import { clockOf } from "../src/internal/clockOf.ts"
import { stepsOf } from "./support.ts"

type Values = Schedule.Schedule<unknown>

interface Asked {
  readonly delay: number
  readonly output: unknown
}

/** Asks a schedule at the times that `nowAfter` gives for the last planned wake, until it is done, 50 times at most. */
const ask = (
  schedule: Values,
  nowAfter: (wake: number, i: number) => number,
  draws: ReadonlyArray<number> = [0.5]
): ReadonlyArray<Asked> => {
  let drawn = 0
  const next = () => draws[drawn++ % draws.length]!
  return Effect.runSync(
    Effect.gen(function*() {
      const step = yield* Schedule.toStep(schedule)
      const asked: Array<Asked> = []
      let wake = 0
      for (let i = 0; i < 50; i++) {
        const now = nowAfter(wake, i)
        const result = yield* Effect.option(step(now, undefined))
        if (result._tag === "None") break
        const [output, duration] = result.value
        const delay = Duration.toMillis(duration)
        asked.push({ delay, output })
        wake = now + delay
      }
      return asked
    }).pipe(
      Effect.provideService(Random.Random, { nextDoubleUnsafe: next, nextIntUnsafe: next }),
      Effect.provideService(Clock.Clock, clockOf(() => 0, Effect.sleep))
    )
  )
}

const delays = (schedule: Values, draws?: ReadonlyArray<number>) =>
  ask(schedule, (wake) => wake, draws).map(({ delay }) => delay)

const period = fc.integer({ min: 1, max: 100_000 })
const run = fc.integer({ min: 0, max: 300_000 })
const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const delayList = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 20 })
const lists = (list: ReadonlyArray<number>) => Backoff.fromDelays(list)
const close = (a: number, b: number) => Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b))

const law = (name: string, property: fc.IRawProperty<unknown>) =>
  it(name, () => fc.assert(property, { numRuns: 300 }), 60_000)

describe("laws", () => {
  law(
    "the delays of Backoff.toSchedule are those of Backoff.step",
    fc.property(
      fc.record({
        duration: fc.oneof(
          fc.double({ min: 0, max: 1e9, noNaN: true }),
          fc.double({ min: 0, max: 1e300, noNaN: true })
        ),
        factor: fc.oneof(fc.double({ min: 0, max: 3, noNaN: true }), fc.constant(1e100)),
        jitter: fc.double({ min: -1, max: 3, noNaN: true }),
        steps: fc.integer({ min: -2, max: 60 }),
        cap: fc.oneof(fc.constantFrom(undefined, 0, Infinity), fc.double({ min: 0, max: 1e12, noNaN: true }))
      }),
      fc.array(draw, { minLength: 50, maxLength: 50 }),
      (policy, draws) => {
        assert.deepStrictEqual(delays(Backoff.toSchedule(policy), draws), stepsOf(policy, draws).delays)
      }
    )
  )

  law(
    "a non-sliding delay is what is left of the period since the start",
    fc.property(period, fc.array(run, { minLength: 1 }), (period, runs) => {
      const asked = ask(Period.nonSliding(period), (wake, i) => wake + runs[i % runs.length]!)
      asked.forEach(({ delay }, i) => assert.strictEqual(delay, Math.max(0, period - runs[i % runs.length]!)))
    })
  )

  law(
    "a non-sliding delay is never longer than the period and 2 ms, wherever the clock is set",
    fc.property(period, fc.array(fc.integer({ min: -1e10, max: 1e10 }), { minLength: 1 }), (period, times) => {
      const asked = ask(Period.nonSliding(period), (_, i) => times[i % times.length]!)
      asked.forEach(({ delay }) => assert.isTrue(delay >= 0 && delay <= period + 2))
    })
  )

  law(
    "an early wake gives back what it took: the starts stay on the period",
    fc.property(period, fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1 }), (period, early) => {
      let planned = 0
      ask(Period.nonSliding(period + 2), (wake, i) => {
        if (i > 0) assert.strictEqual(wake, planned += period + 2)
        return wake - (i === 0 ? 0 : early[i % early.length]!)
      })
    })
  )

  law(
    "with runs of no length nonSliding = sliding",
    fc.property(period, (period) => {
      assert.deepStrictEqual(delays(Period.nonSliding(period)), delays(Period.sliding(period)))
    })
  )

  law(
    "with runs of no length fromStart is idempotent, and the identity",
    fc.property(delayList, (list) => {
      const once = Period.fromStart(lists(list))
      assert.deepStrictEqual(delays(Period.fromStart(once)), delays(once))
      assert.deepStrictEqual(delays(once), list)
    })
  )

  law(
    "nonSliding is sliding, from the start",
    fc.property(period, fc.array(run, { minLength: 1 }), (period, runs) => {
      const now = (wake: number, i: number) => wake + runs[i % runs.length]!
      assert.deepStrictEqual(
        ask(Period.fromStart(Period.sliding(period)), now),
        ask(Period.nonSliding(period), now)
      )
    })
  )

  law(
    "additive(0) is the identity",
    fc.property(delayList, (list) => {
      const schedule = lists(list)
      assert.strictEqual(Jitter.additive(0)(schedule), schedule)
    })
  )

  law(
    "a jittered delay stays in its stated range",
    fc.property(
      fc.double({ min: 0, max: 1e12, noNaN: true }),
      fc.double({ min: 0, max: 10, noNaN: true }),
      fc.double({ min: 0, max: 10, noNaN: true }),
      draw,
      (delay, a, b, draw) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)]
        const base = Duration.toMillis(Duration.millis(delay))
        const within = (jitter: (self: Values) => Values, low: number, high: number) => {
          const [jittered] = delays(jitter(Period.sliding(base)), [draw])
          assert.isTrue(
            (jittered! >= base * low || close(jittered!, base * low)) &&
              (jittered! <= base * high || close(jittered!, base * high)),
            `${jittered} of ${base}`
          )
        }
        within(Jitter.additive(min), 1, 1 + min)
        within(Jitter.full, 0, 1)
        within(Jitter.equal, 0.5, 1)
        within(Jitter.between(min, max), min, max)
      }
    )
  )

  law(
    "jitter before Limit.delay never exceeds it; jitter after it still varies there",
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.tuple(draw, draw), (cap, [a, b]) => {
      const growing = Backoff.exponential({ base: 2000, cap: Infinity })
      const before = delays(growing.pipe(Jitter.additive(1), Limit.delay(cap)), [a, b])
      assert.isTrue(before.every((delay) => delay <= cap))
      const [first, second] = delays(growing.pipe(Limit.delay(cap), Jitter.full), [a, b])
      assert.isTrue(close(first!, cap * a) && close(second!, cap * b))
    })
  )

  for (const missed of ["one", "skip"] as const) {
    law(
      `a slot of ticker (${missed}) is never served twice, though timers wake early, late and in bursts`,
      fc.property(
        fc.integer({ min: 3, max: 5000 }),
        fc.array(fc.tuple(fc.integer({ min: -2, max: 40 }), run), { minLength: 1 }),
        (interval, turns) => {
          const slots = ask(Period.ticker(interval, { missed }), (wake, i) => {
            const [lateness, run] = turns[i % turns.length]!
            return wake + (i === 0 ? 0 : lateness) + run
          }).map(({ output }) => Number(output))
          slots.forEach((slot, i) => assert.isTrue(slot > (i === 0 ? 0 : slots[i - 1]!)))
        }
      )
    )
  }

  law(
    "a slot of cron is never served twice, even when the timer wakes early",
    fc.property(
      fc.constantFrom("* * * * * *", "*/5 * * * *", "0 4 * * *"),
      fc.array(fc.tuple(fc.integer({ min: -2, max: 40 }), fc.integer({ min: 0, max: 700_000 })), { minLength: 1 }),
      (expression, turns) => {
        const slots: Array<number> = []
        ask(Period.cron(expression, { timeZone: "UTC" }) as Values, (wake, i) => {
          if (i > 0) slots.push(wake)
          const [lateness, run] = turns[i % turns.length]!
          return wake + (i === 0 ? 0 : lateness) + run
        })
        slots.forEach((slot, i) => assert.isTrue(i === 0 || slot > slots[i - 1]!))
      }
    )
  )

  law(
    "Limit.delay never changes when a schedule ends, nor its output",
    fc.property(delayList, fc.integer({ min: 0, max: 100_000 }), (list, max) => {
      const limited = ask(lists(list).pipe(Limit.delay(max)), (wake) => wake)
      assert.deepStrictEqual(limited.map(({ delay }) => delay), list.map((delay) => Math.min(delay, max)))
      assert.deepStrictEqual(
        limited.map(({ output }) => output),
        ask(lists(list), (wake) => wake).map(({ output }) => output)
      )
    })
  )

  law(
    "limits of one kind absorb each other: the smaller one holds",
    fc.property(delayList, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), (list, a, b) => {
      const both = (limit: (n: number) => (self: Values) => Values) => {
        assert.deepStrictEqual(delays(lists(list).pipe(limit(a), limit(b))), delays(limit(Math.min(a, b))(lists(list))))
      }
      both(Limit.attempts)
      both((n) => Limit.delay(n * 1000))
      both((n) => Limit.within(n * 10_000))
    })
  )

  law(
    "attempts(n) is n runs at most, whatever is below it",
    fc.property(delayList, fc.integer({ min: 1, max: 30 }), (list, n) => {
      assert.strictEqual(delays(lists(list).pipe(Limit.attempts(n))).length, Math.min(n - 1, list.length))
    })
  )

  law(
    "nothing starts past Limit.within, and \"truncate\" ends on it",
    fc.property(delayList, fc.integer({ min: 0, max: 200_000 }), run, (list, total, run) => {
      const last = (schedule: Values) =>
        ask(schedule, (wake) => wake + run).reduce((start, { delay }) => start + run + delay, 0)
      assert.isAtMost(last(lists(list).pipe(Limit.within(total))), total)
      assert.isAtMost(last(lists(list).pipe(Limit.within(total, { overshoot: "truncate" }))), total)
    })
  )

  law(
    "time is a function of now alone: a schedule can be replayed",
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1 }),
      fc.array(draw, { minLength: 1 }),
      (times, draws) => {
        const schedule = Backoff.exponential({ base: 100, cap: 5000 }).pipe(
          Jitter.equal,
          Backoff.resetAfter(1000),
          Period.fromStart,
          Limit.within("1 hour")
        )
        const now = (_: number, i: number) => times.slice(0, (i % times.length) + 1).reduce((a, b) => a + b, 0)
        assert.deepStrictEqual(ask(schedule, now, draws), ask(schedule, now, draws))
      }
    )
  )

  law(
    "a combinator does the same to a schedule of ours and to any other",
    fc.property(delayList, run, fc.array(draw, { minLength: 1 }), (list, run, draws) => {
      const ours = lists(list)
      const foreign = Schedule.map(ours, ({ output }) => output)
      const combinators: ReadonlyArray<(self: Values) => Values> = [
        Jitter.full,
        Jitter.additive(0.3),
        Limit.attempts(5),
        Limit.delay(3000),
        Limit.within(60_000, { overshoot: "truncate" }),
        Period.fromStart,
        Backoff.resetAfter(1000)
      ]
      for (const combinator of combinators) {
        const now = (wake: number) => wake + run
        assert.deepStrictEqual(ask(combinator(foreign), now, draws), ask(combinator(ours), now, draws))
      }
    })
  )
})
