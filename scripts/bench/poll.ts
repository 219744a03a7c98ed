/** A check without a delay that does not hold yet. */
import { Effect, Schedule } from "effect"
import { Backoff, Jitter, Limit, Period, Poll } from "effect-wait"
import { makeGo } from "./go.ts"
import { claims, inRounds, looping } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"

const times = 5000
const attempts = times * 2
const until = (ready: boolean): boolean => ready

const ours = Backoff.exponential({ base: 0, cap: "1 second" }).pipe(Jitter.full, Limit.attempts(attempts))
const effects = Schedule.exponential(0).pipe(Schedule.jittered, Schedule.upTo({ times: attempts }))

const contestants = {
  "Poll.until sliding": looping(times, (check) => Poll.until(check, Period.sliding(0))),
  "Effect.repeat { until }": looping(times, (check) => Effect.repeat(check, { until })),
  "Poll.until exponential, full, attempts": looping(times, (check) => Poll.until(check, ours)),
  "Effect.repeat { until, exponential(0), jittered, upTo times }": looping(
    times,
    (check) => Effect.repeat(check, { until, schedule: effects })
  )
}
const [sliding, repeat, composed, composedRepeat] = Object.keys(contestants) as [string, string, string, string]
const goName = "Go PollUntilContextCancel, interval 0"

export const measure = async (effort: Effort): Promise<ReadonlyArray<Section>> => {
  const go = effort.smoke ? undefined : makeGo()
  const others = go === undefined ? {} : { [goName]: () => go.run("poll", 1_000_000).nanos! }
  return [{
    title: "A check without a delay",
    unit: "ns",
    series: await inRounds(effort, contestants, others),
    claims: [
      ...claims([[sliding, repeat], [composed, composedRepeat]], 1 / 8, 1 / 30),
      ...claims([[sliding, goName]], 16, 4)
    ]
  }]
}
