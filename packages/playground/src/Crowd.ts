/** Many clients of a server that is down for a while: users who call it again and again, and retry by one schedule. */
import type { Strip } from "@effect-wait/draw"
import * as Jitter from "effect-wait/Jitter"
import * as Loop from "effect-wait/Loop"
import * as Period from "effect-wait/Period"
import * as Retry from "effect-wait/Retry"
import * as RetryBudget from "effect-wait/RetryBudget"
import { Herd } from "effect-wait/testing"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Schedule from "effect/Schedule"
import type { Failure } from "./Program.ts"

/** Times are in milliseconds. */
export interface Settings {
  readonly clients: number
  readonly down: number
  readonly failure: Failure
  readonly attemptTimeout: number
  /** Attempts are beside each other; default false. */
  readonly isHedge?: boolean | undefined
}

/** When what happens, and what the server can do. */
export interface Outage {
  readonly from: number
  readonly to: number
  readonly until: number
  /** From one operation of a client to the next, on average: anything from 0 to twice as long. */
  readonly period: number
  /** Requests a second. */
  readonly capacity: number
  /** What happens in so much time is one number. */
  readonly every: number
}

/** How long the last request in a full queue waits: longer than the clients. That is what makes it a bad queue. */
const longestWaitOf = ({ attemptTimeout }: Settings): number => 4 * attemptTimeout

// About as many operations of each client, however long the server is down.
const operations = 12

// More requests than that take too long to draw while somebody moves a slider.
const mostRequests = 12_000

const bins = 60

export const outageOf = ({ clients, down }: Settings): Outage => {
  const from = Math.max(5000, down / 4)
  const to = from + down
  const until = to + Math.max(15_000, down)
  const period = until / operations
  return {
    from,
    to,
    until,
    period,
    // Half as much again as it is sent while all is well, and enough for a few clients.
    capacity: Math.max(5, 1.5 * clients * 1000 / period),
    every: until / bins
  }
}

const sum = (counts: ReadonlyArray<number>): number => counts.reduce((sum, count) => sum + count, 0)

type Counts = Readonly<Record<"requests" | "succeeded" | "failed", Array<number>>>

/** From when on, for as long as two operations take, 99 % or more succeed; in milliseconds after the outage. */
const recoveryOf = ({ failed, succeeded }: Counts, { every, period, to }: Outage, end: number): number | undefined => {
  const length = Math.max(1, Math.ceil(2 * period / every))
  const isWell = (begin: number): boolean => {
    const good = sum(succeeded.slice(begin, begin + length))
    return good > 0 && good >= 0.99 * (good + sum(failed.slice(begin, begin + length)))
  }
  const first = Math.ceil(to / every)
  const windows = Array.from({ length: Math.max(0, Math.floor(end / every) - length - first) }, (_, i) => first + i)
  const begin = windows.findLastIndex((begin) => !isWell(begin)) + 1
  return begin < windows.length ? (first + begin) * every - to : undefined
}

export interface Result {
  readonly strip: Strip
  /** When there were too many requests, and nothing was simulated any more; undefined: never. */
  readonly cutAt: number | undefined
  /** All of them. */
  readonly requests: number
  /** No client calls the server after the outage: all of them are in a delay. */
  readonly isSilent: boolean
}

type Budget = Effect.Effect<RetryBudget.RetryBudget["Service"]>

export const budgets: Readonly<Record<string, { readonly name: string; readonly make: Budget }>> = {
  throttling: { name: "throttling, as in gRPC", make: RetryBudget.makeThrottling() },
  quota: { name: "quota, as in AWS' SDKs", make: RetryBudget.makeQuota() },
  ratio: { name: "10 % retries", make: RetryBudget.makeRatio({ ratio: 0.1, minRetriesPerSecond: 0 }) }
}

const zeros = (): Array<number> => Array.from({ length: bins }, () => 0)

/** The same settings give the same result. */
export const simulate = <E>(
  name: string,
  schedule: Schedule.Schedule<unknown, unknown, E>,
  settings: Settings,
  budget?: Budget
): Effect.Effect<Result> =>
  Effect.gen(function*() {
    const outage = outageOf(settings)
    const { capacity, every, from, period, to, until } = outage
    const longestWait = longestWaitOf(settings)
    const counts: Counts = { requests: zeros(), succeeded: zeros(), failed: zeros() }
    const count = (what: keyof Counts) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        counts[what][Math.min(bins - 1, Math.floor(now / every))]!++
        return now
      })
    const full = yield* Deferred.make<number>()
    let requests = 0
    let free = 0
    // The server does one request after the other, also those that nobody waits for any more. Refusing takes no time.
    const worked = (now: number): number => Math.min(now, from) + Math.max(now - to, 0)
    const request = Effect.flatMap(count("requests"), (now) => {
      if (++requests > mostRequests) return Effect.andThen(Deferred.succeed(full, now), Effect.never)
      const start = Math.max(free, worked(now))
      const isRefused = settings.failure === "refuses" && now >= from && now < to
      if (isRefused || start - worked(now) >= longestWait) return Effect.fail("refused")
      free = start + 1000 / capacity
      return Effect.sleep((free <= from ? free : free + to - from) - now)
    })
    const { attemptTimeout, isHedge = false } = settings
    const retrying = budget === undefined
      ? isHedge
        ? Retry.hedge(Effect.timeout(request, attemptTimeout), schedule)
        : Retry.run(request, schedule, { attemptTimeout })
      : Effect.provideServiceEffect(
        isHedge
          ? Retry.hedge(Effect.timeout(request, attemptTimeout), schedule, { budget: "server" })
          : Retry.run(request, schedule, { attemptTimeout, budget: "server" }),
        RetryBudget.RetryBudget,
        yield* Effect.cached(budget)
      )
    const operation = Effect.matchEffect(retrying, {
      onSuccess: () => count("succeeded"),
      onFailure: () => count("failed")
    })
    const client = Loop.run(operation, Period.sliding(period).pipe(Jitter.between(0, 2)))
    // In the midst of a wait: the load is even from the beginning.
    const phase = Effect.zipWith(Random.next, Random.next, (a, b) => 2 * period * Math.min(a, b))
    const clients = Effect.all(
      Array.from({ length: settings.clients }, () => Effect.flatMap(phase, (wait) => Effect.delay(client, wait))),
      { concurrency: "unbounded", discard: true }
    )
    const crowd = Effect.raceFirst(clients, Deferred.await(full))
    const { clients: [ended] } = yield* Herd.run({ clients: 1, client: () => crowd, until })
    const cutAt = requests > mostRequests ? ended?.endedAt : undefined
    const isSilent = cutAt === undefined && sum(counts.requests.slice(Math.ceil(to / every))) === 0
    const rate = (numbers: ReadonlyArray<number>) =>
      numbers.slice(0, Math.ceil((cutAt ?? until) / every)).map((number) => number * 1000 / every)
    return {
      strip: {
        name,
        succeeded: rate(counts.succeeded),
        failed: rate(counts.failed),
        requests: rate(counts.requests),
        recovery: recoveryOf(counts, outage, cutAt ?? until),
        ...cutAt !== undefined ? { verdict: "too many requests" } : isSilent ? { verdict: "no calls" } : {}
      },
      cutAt,
      requests: Math.min(requests, mostRequests),
      isSilent
    }
  }).pipe(Random.withSeed("crowd"))
