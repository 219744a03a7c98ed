/** A step of a loop in time that nobody waits for: simulated, and under Effect's TestClock. */
import { Effect, Fiber, Schedule } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Timeline } from "effect-wait"
import { TestClock } from "effect/testing"
import { claims, type Contestant, inRounds } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"

const until = "1 hour"
const simulated = 10_000
const tested = 500

const schedules = {
  sliding: Period.sliding("1 milli"),
  jittered: Backoff.exponential({ base: "1 milli", cap: "10 millis" }).pipe(Jitter.full)
}

const simulate = (schedule: Schedule.Schedule<unknown>): Contestant => ({
  times: simulated,
  run: () => Effect.runPromise(Timeline.simulate(schedule, { until, maxRuns: simulated }))
})

// In one adjustment, which is the least that a test can do.
const test = (loop: Effect.Effect<unknown>): Contestant => ({
  times: tested,
  run: () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(loop)
      yield* TestClock.adjust(until)
      yield* Fiber.join(fiber)
    }).pipe(Effect.provide(TestClock.layer()), Effect.runPromise)
})

export const measure = async (effort: Effort): Promise<ReadonlyArray<Section>> => [{
  title: "a step of a loop in time that nobody waits for",
  unit: "ns",
  series: await inRounds(effort, {
    "Timeline.simulate sliding": simulate(schedules.sliding),
    "Timeline.simulate exponential, full": simulate(schedules.jittered),
    "TestClock, Loop.run sliding": test(Loop.run(Effect.void, Limit.attempts(tested)(schedules.sliding))),
    "TestClock, Loop.run exponential, full": test(Loop.run(Effect.void, Limit.attempts(tested)(schedules.jittered))),
    "TestClock, Effect.repeat spaced": test(
      Effect.repeat(Effect.void, { schedule: Schedule.spaced("1 milli"), times: tested - 1 })
    )
  }),
  claims: claims(
    [
      ["Timeline.simulate sliding", "TestClock, Loop.run sliding"],
      ["Timeline.simulate exponential, full", "TestClock, Loop.run exponential, full"],
      ["Timeline.simulate sliding", "TestClock, Effect.repeat spaced"]
    ],
    1 / 50
  )
}]
