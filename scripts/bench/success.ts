/** An attempt that succeeds: nothing is retried. */
import * as cockatiel from "cockatiel"
import { Context, Effect, Schedule } from "effect"
import { Backoff, Jitter, Limit, Retry } from "effect-wait"
import pRetry from "p-retry"
import { claims, type Contestant, inRounds, over } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"

const times = 5000

const ours = Backoff.exponential({ base: "100 millis", cap: "30 seconds" }).pipe(Jitter.full, Limit.attempts(5))
const effects = Schedule.exponential("100 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 4 }))
const policy = cockatiel.retry(cockatiel.handleAll, { maxAttempts: 4, backoff: new cockatiel.ExponentialBackoff() })
const options = { retries: 4, minTimeout: 100 }

const eachTime = (body: () => Effect.Effect<unknown, unknown>): Contestant => ({
  times,
  run() {
    let n = 0
    return Effect.runPromise(Effect.whileLoop({ while: () => n++ < times, body, step() {} }))
  }
})

// The effect is made once, and run again and again in one fiber.
const inFiber = (effect: Effect.Effect<unknown, unknown>): Contestant => eachTime(() => effect)

class User extends Context.Service<User, { readonly id: number }>()("User") {}
const user = { id: 1 }

/** How calls are made in a program. Each gets the effect, and what is around it. */
const ways: Readonly<Record<string, (call: Call, around: Retrying) => Contestant>> = {
  "each call in a context of its own": (call, around) => inFiber(Effect.provideService(around(call), User, user)),
  "made for each call, in a pipe": (call, around) => eachTime(() => call.pipe(around)),
  "both": (call, around) => eachTime(() => call.pipe(around, Effect.provideService(User, user))),
  "with a timeout for each attempt": (call, around) => inFiber(around(Effect.timeout(call, "1 minute")))
}
type Call = Effect.Effect<number>
type Retrying = (call: Effect.Effect<number, unknown>) => Effect.Effect<unknown, unknown>
const limited: Retrying = Retry.run(ours, { attemptTimeout: "1 minute" })

const inLoop = (operation: () => PromiseLike<unknown>): Contestant => ({
  times,
  async run() {
    for (let n = 0; n < times; n++) await operation()
  }
})

const sync = Effect.sync(() => 1)
const answer = async () => 1
const async = Effect.promise(answer)
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
    "Effect.promise(cockatiel)": inFiber(Effect.promise(() => policy.execute(answer))),
    "Effect.promise(p-retry)": inFiber(Effect.promise(() => pRetry(answer, options))),
    "a bare await": inLoop(answer),
    "cockatiel, awaited": inLoop(() => policy.execute(answer)),
    "p-retry, awaited": inLoop(() => pRetry(answer, options))
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

const bySituation = async (effort: Effort, call: Call, kind: string, goal: number): Promise<ReadonlyArray<Section>> => {
  const sections: Array<Section> = []
  for (const [how, way] of Object.entries(ways)) {
    const isLimited = how.includes("timeout")
    const series = await inRounds(effort, {
      [bare]: way(call, (effect) => effect),
      "Retry.run": isLimited ? inFiber(limited(call)) : way(call, Retry.run(ours)),
      "Effect.retry exponential, jittered, upTo": way(call, Effect.retry(effects)),
      ...(kind === "an asynchronous call" && {
        "Effect.promise(cockatiel)": way(Effect.promise(() => policy.execute(answer)), (effect) => effect)
      })
    })
    const [retry, effectRetry] = ["Retry.run", "Effect.retry exponential, jittered, upTo"].map((name) =>
      over(series, name, bare)
    )
    sections.push({
      title: `A success, of ${kind}, ${how}`,
      unit: "ns",
      series: [...series, retry!, effectRetry!],
      claims: [
        ...claims(
          [[retry!.name, effectRetry!.name]],
          how === "each call in a context of its own" ? 0.3 : undefined,
          how === "each call in a context of its own" ? goal : undefined
        ),
        ...(kind === "an asynchronous call" ? claims([["Retry.run", "Effect.promise(cockatiel)"]]) : [])
      ]
    })
  }
  return sections
}

export const measure = async (effort: Effort): Promise<ReadonlyArray<Section>> => [
  await synchronous(effort),
  await asynchronous(effort),
  ...await bySituation(effort, sync, "a synchronous effect", 0.16),
  ...await bySituation(effort, async, "an asynchronous call", 0.26)
]
