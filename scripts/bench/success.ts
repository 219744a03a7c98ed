/** An attempt that succeeds: nothing is retried. */
import * as cockatiel from "cockatiel"
import { Effect, Schedule } from "effect"
import { Backoff, Jitter, Limit, Retry } from "effect-wait"
import pRetry from "p-retry"
import { claims, type Contestant, inRounds, over } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"

const times = 5000

const ours = Backoff.exponential({ base: "100 millis", cap: "30 seconds" }).pipe(Jitter.full, Limit.attempts(5))
const effects = Schedule.exponential("100 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 4 }))
const policy = cockatiel.retry(cockatiel.handleAll, { maxAttempts: 4, backoff: new cockatiel.ExponentialBackoff() })
const options = { retries: 4, minTimeout: 100 }

// The effect is made once, and run again and again in one fiber.
const inFiber = (effect: Effect.Effect<unknown, unknown>): Contestant => ({
  times,
  run() {
    let n = 0
    return Effect.runPromise(Effect.whileLoop({ while: () => n++ < times, body: () => effect, step() {} }))
  }
})

const inLoop = (operation: () => PromiseLike<unknown>): Contestant => ({
  times,
  async run() {
    for (let n = 0; n < times; n++) await operation()
  }
})

const sync = Effect.sync(() => 1)
const call = async () => 1
const async = Effect.promise(call)
const bare = "bare Effect"

const synchronous = async (effort: Effort): Promise<Section> => {
  const series = await inRounds(effort, {
    [bare]: inFiber(sync),
    "Retry.run": inFiber(Retry.run(sync, ours)),
    "Effect.retry exponential, jittered, upTo": inFiber(Effect.retry(sync, effects))
  })
  const [retry, effectRetry] = ["Retry.run", "Effect.retry exponential, jittered, upTo"].map((name) =>
    over(series, name, bare)
  )
  return {
    title: "A success, of a synchronous effect",
    unit: "ns",
    series: [...series, retry!, effectRetry!],
    claims: claims([[retry!.name, effectRetry!.name]], 0.25, 0.139)
  }
}

const asynchronous = async (effort: Effort): Promise<Section> => {
  const series = await inRounds(effort, {
    [bare]: inFiber(async),
    "Retry.run": inFiber(Retry.run(async, ours)),
    "Effect.retry exponential, jittered, upTo": inFiber(Effect.retry(async, effects)),
    "Effect.promise(cockatiel)": inFiber(Effect.promise(() => policy.execute(call))),
    "Effect.promise(p-retry)": inFiber(Effect.promise(() => pRetry(call, options))),
    "a bare await": inLoop(call),
    "cockatiel, awaited": inLoop(() => policy.execute(call)),
    "p-retry, awaited": inLoop(() => pRetry(call, options))
  })
  const [retry, effectRetry] = ["Retry.run", "Effect.retry exponential, jittered, upTo"].map((name) =>
    over(series, name, bare)
  )
  return {
    title: "A success, of an asynchronous call",
    unit: "ns",
    series: [...series, retry!, effectRetry!],
    claims: [
      ...claims([[retry!.name, effectRetry!.name]], 0.25, 0.178),
      ...claims([["Retry.run", "Effect.promise(p-retry)"]], 1),
      ...claims([["Retry.run", "Effect.promise(cockatiel)"]], 1.25, 1),
      // Without any Effect around them.
      ...claims([["Retry.run", "p-retry, awaited"]], 2, 1),
      ...claims([["Retry.run", "cockatiel, awaited"]])
    ]
  }
}

export const measure = async (effort: Effort): Promise<ReadonlyArray<Section>> => [
  await synchronous(effort),
  await asynchronous(effort)
]
