/**
 * Hedging in virtual time: pages of reads whose answers have a heavy tail, as in "The Tail at Scale" (Dean and Barroso, 2013); and
 * hedged operations on a server that has little to spare, with and without a budget.
 */
import { Array as Arr, Clock, Effect, Order, Random, type Schedule } from "effect"
import { Limit, Period, Retry, RetryBudget } from "effect-wait"
import { Herd } from "effect-wait/testing"
import type { Policy, Settings } from "../outage/model.ts"

/** How many pages are read; each makes `fanOut` reads at once, and waits for all of them. */
export interface Size {
  readonly pages: number
}

export const fullSize: Size = { pages: 2000 }
export const smallSize: Size = { pages: 100 }
export const fanOut = 100

// Of an answer, in milliseconds: 2 and an exponential distribution of 2 more. Of 100 answers 3 meet something slow: a Pareto
// distribution from 20 on, up to 3 s.
const slowest = 3000
const answerTime = Effect.zipWith(
  Random.next,
  Random.next,
  (kind, draw) => kind < 0.03 ? Math.min(slowest, 20 * (1 - draw) ** (-1 / 1.1)) : 2 - 2 * Math.log(1 - draw)
)

const after = (delay: number, attempts = 2) => Period.sliding(delay).pipe(Limit.attempts(attempts))

/** How a read is hedged: with a second attempt after so many milliseconds. */
export const hedges = {
  "no hedge": undefined,
  "after 5 ms": after(5),
  "after 10 ms": after(10),
  "after 10 ms, twice": after(10, 3),
  "after 20 ms": after(20),
  "after 50 ms": after(50)
} satisfies Readonly<Record<string, Schedule.Schedule<unknown> | undefined>>

export type Hedge = keyof typeof hedges
export const hedgeNames = Object.keys(hedges) as ReadonlyArray<Hedge>

/** Sorted, in milliseconds; and how many calls were made. */
export interface Reads {
  readonly calls: number
  readonly reads: ReadonlyArray<number>
  readonly pages: ReadonlyArray<number>
}

const sorted = Arr.sortBy(Order.Number)

/** The time of each read and of each page. The same in every run. */
export const simulateReads = (hedge: Hedge, { pages }: Size): Effect.Effect<Reads> =>
  Effect.suspend(() => {
    let calls = 0
    const times: Array<number> = []
    const pageTimes: Array<number> = []
    const call = Effect.flatMap(answerTime, (time) => {
      calls++
      return Effect.sleep(time)
    })
    const schedule = hedges[hedge]
    const read = timed(schedule === undefined ? call : Effect.orDie(Retry.hedge(call, schedule)), times)
    const page = timed(Effect.all(Array.from({ length: fanOut }, () => read), { concurrency: "unbounded" }), pageTimes)
    // One page after the other: virtual time does not care.
    const all = Effect.repeat(page, { times: pages - 1 })
    return Effect.map(Herd.run({ clients: 1, client: () => all }), () => ({
      calls,
      reads: sorted(times),
      pages: sorted(pageTimes)
    }))
  }).pipe(Random.withSeed("hedging"))

const timed = (effect: Effect.Effect<unknown>, times: Array<number>) =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (start) => Effect.andThen(effect, Effect.map(Clock.currentTimeMillis, (now) => void times.push(now - start)))
  )

/** The time within which this part of them has come. */
export const percentile = (times: ReadonlyArray<number>, part: number): number =>
  times[Math.max(0, Math.ceil(times.length * part) - 1)]!

/** The server stands still for 10 s. It has a fifth more than it needs, and does what nobody waits for any more. */
export const full: Settings = { processes: 5, failure: "hangs", from: 30, to: 40, until: 150 }
export const small: Settings = { processes: 1, failure: "hangs", from: 10, to: 20, until: 60 }

/** How long a client waits for an operation. */
const timeout = 1000

const hedged = (budget?: Effect.Effect<RetryBudget.RetryBudget["Service"]>): Policy => {
  const schedule = after(200, 3)
  return budget === undefined
    ? Effect.succeed((request) => Effect.timeout(Retry.hedge(request, schedule), timeout))
    : Effect.map(
      budget,
      (service) => (request) =>
        Effect.timeout(Retry.hedge(request, schedule, { budget: "server" }), timeout).pipe(
          Effect.provideService(RetryBudget.RetryBudget, service)
        )
    )
}

/** What the clients of such a server do: up to three attempts, 200 ms apart. */
export const policies = {
  "no hedge": Effect.succeed((request) => Effect.timeout(request, timeout)),
  "hedge, no budget": hedged(),
  "ratio, Finagle's": hedged(RetryBudget.makeRatio({ minRetriesPerSecond: 10 })),
  "ratio, 5 %": hedged(RetryBudget.makeRatio({ ratio: 0.05, minRetriesPerSecond: 0 })),
  "throttling, gRPC's": hedged(RetryBudget.makeThrottling()),
  "quota, AWS'": hedged(RetryBudget.makeQuota())
} satisfies Readonly<Record<string, Policy>>

export type Name = keyof typeof policies
export const names = Object.keys(policies) as ReadonlyArray<Name>
