/** How long a simulation takes, and for how long it holds up the thread: a page that simulates must answer its user. */
import { Effect, Random, type Schedule } from "effect"
import { Backoff, Jitter, Limit, Period, Timeline } from "effect-wait"
import { Herd } from "effect-wait/testing"

const runs = 100_000
const simulate = (schedule: Schedule.Schedule<unknown>) =>
  Timeline.simulate(schedule, { until: "1 day", maxRuns: runs })

const exponential = Backoff.exponential({ base: "1 milli", cap: "10 millis" })

const programs = {
  "simulate 100,000 runs": simulate(Period.sliding("1 milli")),
  "simulate 100,000 runs of a long pipe": simulate(
    exponential.pipe(
      Jitter.full,
      Limit.delay("1 second"),
      Backoff.resetAfter("1 hour"),
      Period.fromStart,
      Limit.within("1 day"),
      Limit.attempts(runs)
    )
  ),
  "Herd.contend of 100 clients": Random.withSeed(Herd.contend(Jitter.full(exponential), { clients: 100 }), "AWS")
}

/** Runs a program, and how long it took and the longest wait of a message that came meanwhile, both in milliseconds. */
const measure = async (program: Effect.Effect<unknown>): Promise<readonly [took: number, blocked: number]> => {
  const { port1, port2 } = new MessageChannel()
  let blocked = 0
  let sent = performance.now()
  const ended = new Promise<void>((resolve) => {
    port1.addEventListener("message", ({ data }) => {
      blocked = Math.max(blocked, performance.now() - sent)
      if (data === "last") return resolve()
      sent = performance.now()
      port2.postMessage("next")
    })
    port1.start()
  })
  port2.postMessage("next")
  const begin = performance.now()
  await Effect.runPromise(program)
  const took = performance.now() - begin
  await new Promise((resolve) => setTimeout(resolve))
  port2.postMessage("last")
  await ended
  port1.close()
  return [took, blocked]
}

export type Measured = Readonly<Record<string, readonly [took: number, blocked: number]>>

/** The least of several rounds. */
export default async (rounds = 7): Promise<Measured> => {
  const least: Record<string, readonly [number, number]> = {}
  for (let round = 0; round < rounds; round++) {
    for (const [name, program] of Object.entries(programs)) {
      const [took, blocked] = await measure(program)
      const [leastTook, leastBlocked] = least[name] ?? [Infinity, Infinity]
      least[name] = [Math.min(took, leastTook), Math.min(blocked, leastBlocked)]
    }
  }
  return least
}
