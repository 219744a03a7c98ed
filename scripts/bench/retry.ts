/** What an attempt costs without a delay: one that fails, and one that rejects, each time with one and the same promise. */
import asyncRetry from "async-retry"
import * as cockatiel from "cockatiel"
import { Effect, Schedule } from "effect"
import { Backoff, Jitter, Limit, Period, Retry } from "effect-wait"
import { identity } from "effect/Function"
import { backOff } from "exponential-backoff"
import pRetry from "p-retry"
import { claims, type Contestant, inRounds, over } from "./rounds.ts"
import type { Effort, Section, Series } from "./section.ts"

const times = 5000
const retries = times * 2
const failure = new Error("busy")
const failed = Effect.fail(failure)

const failing = (again: (effect: Effect.Effect<void, Error>) => Effect.Effect<void, unknown>): Contestant => ({
  times,
  run() {
    let n = 0
    return Effect.runPromise(again(Effect.suspend(() => ++n > times ? Effect.void : failed)))
  }
})

const ours = Backoff.exponential({ base: 0, cap: "1 second" }).pipe(Jitter.full, Limit.attempts(retries))
const effects = Schedule.exponential(0).pipe(Schedule.jittered, Schedule.upTo({ times: retries }))

const failures = async (effort: Effort): Promise<Section> => ({
  title: "A failed attempt without a delay",
  unit: "ns",
  series: await inRounds(effort, {
    "Retry.run sliding": failing((effect) => Retry.run(effect, Period.sliding(0))),
    "Effect.retry spaced(0)": failing((effect) => Effect.retry(effect, Schedule.spaced(0))),
    "Retry.run exponential, full, attempts": failing((effect) => Retry.run(effect, ours)),
    "Effect.retry exponential(0), jittered, upTo times": failing((effect) => Effect.retry(effect, effects))
  }),
  claims: claims(
    [
      ["Retry.run sliding", "Effect.retry spaced(0)"],
      ["Retry.run exponential, full, attempts", "Effect.retry exponential(0), jittered, upTo times"]
    ],
    0.15,
    1 / 12
  ) // an attempt sees its number: some 90 ns of it, half of them for a look at the clock
})

const rejected = Promise.reject(failure)
rejected.catch(() => {})

type Call = () => Promise<void>

// Its last attempt succeeds.
const rejecting = (times: number, loop: (call: Call) => Promise<void>): Contestant => ({
  times,
  run() {
    let n = 0
    return loop(() => ++n > times ? Promise.resolve() : rejected)
  }
})

const bareLoop = async (call: Call): Promise<void> => {
  for (;;) {
    try {
      return await call()
    } catch { /* the next attempt */ }
  }
}

const attempt = (call: Call): Effect.Effect<void, unknown> => Effect.tryPromise({ try: call, catch: identity })

const bareEffect = (call: Call): Promise<void> => {
  let isRejected = true
  return Effect.runPromise(Effect.whileLoop({
    while: () => isRejected,
    body: attempt(call).pipe(Effect.isFailure, (run) => () => run),
    step: (failed) => isRejected = failed
  }))
}

const policy = cockatiel.retry(cockatiel.handleAll, {
  maxAttempts: retries,
  backoff: new cockatiel.ConstantBackoff(0)
})
const throughTimers = {
  "cockatiel": (call: Call) => policy.execute(call),
  "exponential-backoff": (call: Call) => backOff(call, { numOfAttempts: retries, startingDelay: 0, timeMultiple: 1 }),
  "async-retry": (call: Call) => asyncRetry(call, { retries, minTimeout: 0, factor: 1, randomize: false })
}

// What they cost besides the millisecond that a timer takes at least.
const withoutTimers = (loop: (call: Call) => Promise<void>) => async (call: Call): Promise<void> => {
  const { setTimeout } = globalThis
  Object.assign(globalThis, { setTimeout: queueMicrotask })
  try {
    return await loop(call)
  } finally {
    Object.assign(globalThis, { setTimeout })
  }
}

const micro = (name: string): string => `${name}, its timers made microtasks`

const rejections = async (effort: Effort): Promise<Section> => {
  const loop = "a bare loop"
  const effect = "a bare Effect loop"
  const series = await inRounds(effort, {
    [loop]: rejecting(times, bareLoop),
    "p-retry": rejecting(times, (call) => pRetry(call, { retries, minTimeout: 0 })),
    ...Object.fromEntries(
      Object.entries(throughTimers).flatMap(([name, peer]) => [
        [name, { ...rejecting(10, peer), waits: true }],
        [micro(name), rejecting(times, withoutTimers(peer))]
      ])
    ),
    [effect]: rejecting(times, bareEffect),
    "Retry.run": rejecting(times, (call) => Effect.runPromise(Retry.run(attempt(call), Period.sliding(0))))
  })
  const ours = over(series, "Retry.run", effect)
  const peers = ["p-retry", ...Object.keys(throughTimers)].map((name) => over(series, name, loop))
  const stated = Object.keys(throughTimers).map((name) => over(series, micro(name), loop))
  const pairs = (list: ReadonlyArray<Series>) => list.map(({ name }) => [ours.name, name] as const)
  return {
    title: "An attempt that awaits one and the same rejected promise",
    unit: "ns",
    series: [...series, ours, ...peers, ...stated],
    claims: [...claims(pairs(peers), 0.45, 1 / 10), ...claims(pairs(stated))]
  }
}

export const measure = async (effort: Effort): Promise<ReadonlyArray<Section>> => [
  await failures(effort),
  await rejections(effort)
]
