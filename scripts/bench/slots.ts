/** An iteration without a delay, of a schedule with slots: what comes between two slots is added by `Limit.delay`. */
import { Effect, Schedule } from "effect"
import { Limit, Loop, Period } from "effect-wait"
import { claims, inRounds, looping } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"

const times = 5000

type AnySchedule = Schedule.Schedule<unknown, unknown, unknown>

// With an interval of 0, Schedule.windowed computes nothing.
const effects: Readonly<Record<string, AnySchedule>> = {
  "windowed(0)": Schedule.windowed(0),
  "cron each second, delays of 0": Schedule.cron("* * * * * *").pipe(Schedule.modifyDelay(() => Effect.succeed(0)))
}
const ours: Readonly<Record<string, AnySchedule>> = {
  "ticker, delays of 0": Period.ticker(1).pipe(Limit.delay(0)),
  "cron each second, delays of 0": Period.cron("* * * * * *").pipe(Limit.delay(0))
}

export const measure = async (effort: Effort): Promise<ReadonlyArray<Section>> => [{
  title: "An iteration without a delay, of a schedule with slots",
  unit: "ns",
  series: await inRounds(effort, {
    ...Object.fromEntries(
      Object.entries(effects).map(([name, schedule]) => [
        `Effect.repeat ${name}`,
        looping(times, (work) => Effect.repeat(work, schedule))
      ])
    ),
    ...Object.fromEntries(
      Object.entries(ours).map(([name, schedule]) => [
        `Loop.run ${name}`,
        looping(times, (work) => Loop.run(work, schedule))
      ])
    )
  }),
  claims: claims([
    ["Loop.run ticker, delays of 0", "Effect.repeat windowed(0)"],
    ["Loop.run cron each second, delays of 0", "Effect.repeat cron each second, delays of 0"]
  ], 1 / 15)
}]
