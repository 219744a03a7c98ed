/** A hedged call whose first attempt answers before the delay: nothing is hedged. */
import { Effect } from "effect"
import { Limit, Period, Retry } from "effect-wait"
import { claims, type Contestant, inRounds, limitOf, machine, over } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"

const times = 5000
const schedule = Period.sliding("50 millis").pipe(Limit.attempts(3))

// The effect is made once, and run again and again in one fiber.
const inFiber = (body: Effect.Effect<unknown, unknown>): Contestant => ({
  times,
  run() {
    let n = 0
    return Effect.runPromise(Effect.whileLoop({ while: () => n++ < times, body: () => body, step() {} }))
  }
})

const calls: Readonly<Record<string, Effect.Effect<number>>> = {
  "a value": Effect.succeed(1),
  "a synchronous effect": Effect.sync(() => 1),
  "an asynchronous call": Effect.promise(async () => 1)
}

const bare = "bare Effect"

// The median of `machine`, in ns, on the machine for which 2,000 ns are meant.
const calm = 500

export const measure = async (effort: Effort): Promise<ReadonlyArray<Section>> => {
  const sections: Array<Section> = []
  for (const [kind, call] of Object.entries(calls)) {
    const series = await inRounds(effort, {
      [bare]: inFiber(call),
      "Retry.hedge": inFiber(Retry.hedge(call, schedule)),
      "Effect.timeout": inFiber(Effect.timeout(call, "50 millis")),
      "a promise and a timer": machine
    })
    const [hedge, timeout] = ["Retry.hedge", "Effect.timeout"].map((name) => over(series, name, bare))
    const limit = limitOf(2000, "ns", calm, series.at(-1)!)
    sections.push({
      title: `A hedged success, of ${kind}`,
      unit: "ns",
      series: [...series, hedge!, timeout!, limit],
      claims: [
        ...claims([[hedge!.name, limit.name]], 1),
        ...claims([[hedge!.name, timeout!.name]], kind === "a synchronous effect" ? 1.25 : 1)
      ]
    })
  }
  return sections
}
