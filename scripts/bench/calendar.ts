/** The next slot of a calendar, as a schedule finds it, and as Effect's Cron does. */
import { Cron, Duration, Effect, Schedule } from "effect"
import { Period } from "effect-wait"
import { claims, type Contestant, inRounds } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"

const timeZone = "Europe/Berlin"
const from = Date.UTC(2026, 0, 1)
const until = Date.UTC(2060, 0, 1)

const expressions = ["* * * * *", "30 2 * * *", "0 9-17 * * 1-5", "0 0 1 * *"]

/** Goes from slot to slot. */
const following = (times: number, next: (slot: number) => number): Contestant => {
  let slot = from
  return {
    times,
    run() {
      for (let i = 0; i < times; i++) slot = slot > until ? from : next(slot)
      return Promise.resolve()
    }
  }
}

// A step of the schedule, with all that it does besides.
const ours = (expression: string): Contestant => {
  const step = Effect.runSync(Schedule.toStep(Period.cron(expression, { timeZone })))
  return following(1000, (slot) => {
    const [, delay] = Effect.runSync(step(slot, undefined))
    return Math.round(slot + Duration.toMillis(delay))
  })
}

const theirs = (expression: string): Contestant => {
  const cron = Cron.parseUnsafe(expression, timeZone)
  return following(100, (slot) => Cron.next(cron, slot).getTime())
}

export const measure = async (effort: Effort): Promise<ReadonlyArray<Section>> => [{
  title: "The next slot of a calendar",
  unit: "ns",
  series: await inRounds(
    effort,
    Object.fromEntries(expressions.flatMap((expression) => [
      [`Period.cron("${expression}")`, ours(expression)],
      [`Cron.next of "${expression}"`, theirs(expression)]
    ]))
  ),
  claims: claims(
    expressions.map((expression) => [`Period.cron("${expression}")`, `Cron.next of "${expression}"`] as const),
    1 / 10
  )
}]
