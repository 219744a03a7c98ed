/** Our schedules under plain `Effect.repeat`, without a delay, beside the nearest of Effect. */
import { Duration, Effect, Schedule } from "effect"
import { Backoff, Jitter, Limit, Period } from "effect-wait"
import { claims, inRounds, looping } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"

const times = 5000
const limit = { times: times * 2 } as const
const hour = { duration: "1 hour" } as const

const jittered = Schedule.spaced(0).pipe(Schedule.jittered)

const schedules: Readonly<Record<string, Schedule.Schedule<unknown>>> = {
  "a schedule that does nothing": Schedule.fromStep(Effect.succeed(() => Effect.succeed([0, Duration.zero]))),
  "Period.sliding(0)": Period.sliding(0),
  "Schedule.spaced(0)": Schedule.spaced(0),
  "Period.nonSliding(0)": Period.nonSliding(0),
  "Schedule.fixed(0)": Schedule.fixed(0),
  "sliding, additive, attempts": Period.sliding(0).pipe(Jitter.additive(0.2), Limit.attempts(limit.times)),
  "spaced, jittered, upTo times": jittered.pipe(Schedule.upTo(limit)),
  "spaced, jittered, max with recurs": Schedule.max([jittered, Schedule.recurs(limit.times)]),
  "exponential, full, attempts, within": Backoff.exponential({ base: 0, cap: "1 second" }).pipe(
    Jitter.full,
    Limit.attempts(limit.times),
    Limit.within("1 hour")
  ),
  "exponential, jittered, upTo both": Schedule.exponential(0).pipe(
    Schedule.jittered,
    Schedule.upTo({ ...limit, ...hour })
  )
}

const bare = [["Period.sliding(0)", "Schedule.spaced(0)"], ["Period.nonSliding(0)", "Schedule.fixed(0)"]] as const
const composed = [
  ["sliding, additive, attempts", "spaced, jittered, upTo times"],
  ["sliding, additive, attempts", "spaced, jittered, max with recurs"],
  ["exponential, full, attempts, within", "exponential, jittered, upTo both"]
] as const

const contestants = Object.fromEntries(
  Object.entries(schedules).map(([name, schedule]) => [name, looping(times, (work) => Effect.repeat(work, schedule))])
)

export const measure = async (effort: Effort): Promise<ReadonlyArray<Section>> => [{
  title: "A schedule under Effect.repeat, an iteration without a delay",
  unit: "ns",
  series: await inRounds(effort, contestants),
  // Equal, as far as can be told; and the most that what is added can save: an iteration of Effect.repeat costs so much by
  // itself, and its yield, that what the schedules add is a small difference of large numbers.
  claims: [...claims(bare, 1.05, 1), ...claims(composed, 0.85, 1 / 2)]
}]
