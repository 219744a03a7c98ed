/**
 * An outage in virtual time: users who do not wait for each other, and a server that works on requests which nobody waits for
 * any more. What retries do to such a pair is a metastable failure (Bronson and others, "Metastable Failures in Distributed
 * Systems", HotOS 2021).
 */
import { Clock, Effect, Random, type Schedule } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Retry, RetryBudget } from "effect-wait"
import { Herd } from "effect-wait/testing"

/** How the server fails: it stands still, and requests wait in its queue; or it refuses all, so that none wait. */
export type Failure = "hangs" | "refuses"

/**
 * - `processes`: how many there are, each with `clients`; the server is as large as they need
 * - `headroom`: the spare capacity of the server, as a fraction of the operations; default 0.2
 * - `from`, `to`, `until`: when the server fails, is back, and is watched no longer; in seconds
 */
export interface Settings {
  readonly processes: number
  readonly failure: Failure
  readonly headroom?: number
  readonly from: number
  readonly to: number
  readonly until: number
}

export const full: Settings = { processes: 5, failure: "hangs", from: 30, to: 90, until: 250 }
export const small: Settings = { processes: 1, failure: "hangs", from: 10, to: 25, until: 70 }

/** Of a process. */
const clients = 200
/** From one operation of a client to the next, on average: anything from 0 to twice as long. */
const period = 4000
/** How long a client waits for the answer to a request. */
const attemptTimeout = 1000
/** How long the last request in a full queue waits: longer than a client does. That is what makes it a bad queue. */
const longestWait = 4000

/** How many clients there are; how many operations begin in a second, and how many requests the server can do. */
export const sizeOf = ({ headroom = 0.2, processes }: Settings) => {
  const operations = processes * clients * 1000 / period
  return { clients: processes * clients, operations, capacity: (1 + headroom) * operations }
}

type Request = Effect.Effect<void, "refused">

/** What a process does with a request. It is made for each process, so that all clients of one share a budget. */
export type Policy = Effect.Effect<(request: Request) => Effect.Effect<void, unknown>>

const retry = (schedule: Schedule.Schedule<unknown>): Policy => Effect.succeed(Retry.run(schedule, { attemptTimeout }))

// As many as AWS' SDKs make by default.
const attempts = Limit.attempts(3)
const exponential = Backoff.exponential({ base: "1 second", cap: "20 seconds" })
const jittered = exponential.pipe(Jitter.full, attempts)

/** Full jitter, and a budget for each process. */
export const bounded = (make: Effect.Effect<RetryBudget.RetryBudget["Service"]>): Policy =>
  Effect.map(make, (budget) => (request) =>
    Effect.provideService(
      Retry.run(request, jittered, { attemptTimeout, budget: "server" }),
      RetryBudget.RetryBudget,
      budget
    ))

/** Those with a budget retry with full jitter too. */
export const policies = {
  "no retry": retry(Period.sliding("1 second").pipe(Limit.attempts(1))),
  "fixed delay": retry(Period.sliding("1 second").pipe(attempts)),
  exponential: retry(exponential.pipe(attempts)),
  "full jitter": retry(jittered),
  "ratio, Finagle's": bounded(RetryBudget.makeRatio({ minRetriesPerSecond: 10 })),
  // The one of Google's "Site Reliability Engineering", chapter 21.
  "ratio, 10 %": bounded(RetryBudget.makeRatio({ ratio: 0.1, minRetriesPerSecond: 0 })),
  "throttling, gRPC's": bounded(RetryBudget.makeThrottling()),
  "quota, AWS'": bounded(RetryBudget.makeQuota())
} satisfies Readonly<Record<string, Policy>>

export type Name = keyof typeof policies
export const names = Object.keys(policies) as ReadonlyArray<Name>

/** What happened in each second. */
export interface Seconds {
  readonly operations: Array<number>
  readonly requests: Array<number>
  readonly succeeded: Array<number>
  readonly failed: Array<number>
}

export type Result = [name: Name, seconds: Seconds]

type Count = (what: keyof Seconds) => Effect.Effect<number>

// It does one request after the other, each in the same time; refusing takes none. What it has to do is counted in the time
// in which it does not stand still.
const makeServer = (count: Count, settings: Settings): Request => {
  const work = 1000 / sizeOf(settings).capacity
  const [down, back] = [settings.from * 1000, settings.to * 1000]
  const worked = (now: number): number => Math.min(now, down) + Math.max(now - back, 0)
  let free = 0
  return Effect.flatMap(count("requests"), (now) => {
    const start = Math.max(free, worked(now))
    const isDown = settings.failure === "refuses" && now >= down && now < back
    if (isDown || start - worked(now) >= longestWait) return Effect.fail("refused")
    free = start + work
    return Effect.sleep((free <= down ? free : free + back - down) - now)
  })
}

/** A herd of processes, in each of them clients, each of them a loop that begins operations. The same in every run. */
export const simulate = (policy: Policy, settings: Settings): Effect.Effect<Seconds> =>
  Effect.suspend(() => {
    const zeros = (): Array<number> => Array.from({ length: settings.until + 1 }, () => 0)
    const seconds: Seconds = { operations: zeros(), requests: zeros(), succeeded: zeros(), failed: zeros() }
    const count: Count = (what) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        seconds[what][Math.floor(now / 1000)]!++
        return now
      })
    const request = makeServer(count, settings)
    const process = Effect.flatMap(policy, (retried) => {
      const operation = Effect.matchEffect(retried(request), {
        onSuccess: () => count("succeeded"),
        onFailure: () => count("failed")
      })
      const client = Effect.andThen(count("operations"), Effect.forkChild(operation)).pipe(
        Loop.run(Period.sliding(period).pipe(Jitter.between(0, 2)))
      )
      // Between two operations: the load is even from the beginning.
      const phase = Effect.zipWith(Random.next, Random.next, (a, b) => 2 * period * Math.min(a, b))
      const begun = Effect.flatMap(phase, (wait) => Effect.delay(client, wait))
      return Effect.all(Array.from({ length: clients }, () => begun), { concurrency: "unbounded", discard: true })
    })
    const herd = Herd.run({ clients: settings.processes, client: () => process, until: settings.until * 1000 })
    return Effect.as(herd, seconds)
  }).pipe(Random.withSeed("outage"))

/** In a second. */
export interface Load {
  readonly mean: number
  readonly peak: number
}

/**
 * - `before`, `during`, `after`: the requests that the server was sent
 * - `goodput`: operations that succeeded in a second after the outage
 * - `recovery`: seconds from the end of the outage to the first second from which on, in any five seconds, 99 % or more of the
 *   operations that end succeed
 * - `failed`: operations that failed
 * - `amplification`: requests for each operation, from the outage on
 */
export interface Figures {
  readonly before: Load
  readonly during: Load
  readonly after: Load
  readonly goodput: number
  readonly recovery: number | undefined
  readonly failed: number
  readonly amplification: number
}

const sum = (counts: ReadonlyArray<number>): number => counts.reduce((sum, count) => sum + count, 0)

export const measure = ({ failed, operations, requests, succeeded }: Seconds, settings: Settings): Figures => {
  const { from, to, until } = settings
  const load = (begin: number, end: number): Load => {
    const part = requests.slice(begin, end)
    return { mean: sum(part) / part.length, peak: Math.max(...part) }
  }
  const isWell = (begin: number): boolean => {
    const good = sum(succeeded.slice(begin, begin + 5))
    return good > 0 && good >= 0.99 * (good + sum(failed.slice(begin, begin + 5)))
  }
  const windows = Array.from({ length: until - 4 - to }, (_, i) => to + i)
  const recovery = windows.findLastIndex((begin) => !isWell(begin)) + 1
  return {
    before: load(0, from),
    during: load(from, to),
    after: load(to, until),
    goodput: sum(succeeded.slice(to, until)) / (until - to),
    recovery: recovery < windows.length ? recovery : undefined,
    failed: sum(failed),
    amplification: sum(requests.slice(from, until)) / sum(operations.slice(from, until))
  }
}
