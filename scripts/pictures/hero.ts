/** The picture of the front page: what schedules do when one run takes too long. */
import { type Lane, timelines } from "@effect-wait/draw"
import { Effect, Random, type Schedule } from "effect"
import { Backoff, Jitter, Period, Timeline } from "effect-wait"

const until = 8000
const from = "2026-01-01T00:00:00Z"
const long = 1690

const simulate = (schedule: Schedule.Schedule<unknown, unknown, unknown>, work: number | ((run: number) => number)) =>
  Effect.runSync(
    Random.withSeed(Timeline.simulate(schedule, { until: until - 1, from, work, immediate: true }), "hero")
  )

const second = (
  name: string,
  note: string,
  schedule: Schedule.Schedule<unknown, unknown, unknown>,
  isSlotted = false
): Lane => ({
  name,
  note,
  timeline: simulate(schedule, (run) => run === 2 ? long : 340),
  ...isSlotted ? { slots: 1000 } : { period: 1000 }
})

const backoff = Backoff.exponential({ base: "250 millis", cap: "2 seconds" })
const retries = (name: string, note: string, schedule: Schedule.Schedule<unknown, unknown, unknown>): Lane => ({
  name,
  note,
  timeline: simulate(schedule, 60)
})

export const hero = (width: number): string =>
  timelines({
    title: "When runs start, and what one run that takes too long does to the next",
    description:
      "Period.sliding waits 1 s after each run. Period.nonSliding counts 1 s from start to start, and an overrun " +
      "shifts all later runs. Period.ticker has fixed slots: after an overrun one run catches up, or with missed: skip the " +
      "missed slot is left out. Period.cron has the slots of the wall clock. Backoff.exponential doubles its delays up to a " +
      "cap. Jitter.full draws each delay from 0 up to that.",
    subtitle: "Period of 1 s. The third run takes 1.7 s.",
    width,
    until,
    lanes: [
      second("Period.sliding", "1 s after each run", Period.sliding("1 second")),
      second("Period.nonSliding", "1 s from start to start; an overrun shifts the rest", Period.nonSliding("1 second")),
      second("Period.ticker", "fixed slots; one run catches up after an overrun", Period.ticker("1 second"), true),
      second(
        "… missed: \"skip\"",
        "fixed slots; a missed slot is skipped and counted",
        Period.ticker("1 second", { missed: "skip" }),
        true
      ),
      second("Period.cron", "slots of the wall clock", Period.cron("* * * * * *", { timeZone: "UTC" }), true),
      retries("Backoff.exponential", "retries: delays double, up to a cap", backoff),
      retries("… + Jitter.full", "from 0 to that delay: clients do not retry together", backoff.pipe(Jitter.full))
    ]
  })
