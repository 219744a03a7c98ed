/** An iteration without a delay: `Loop.run` over each of our schedules, `Effect.repeat` over the nearest of Effect, and Go. */
import { Effect, Schedule } from "effect"
import { Backoff, Jitter, Limit, Loop, Period } from "effect-wait"
import { makeGo } from "./go.ts"
import { claims, type Contestant, inRounds, looping } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"

const times = 5000
const attempts = times * 2

type AnySchedule = Schedule.Schedule<unknown, unknown, unknown>

/** A schedule of Effect, and those of ours that it is the nearest to: some look at the clock. */
interface Group {
  readonly nearest: readonly [name: string, schedule: AnySchedule]
  readonly blind?: Readonly<Record<string, AnySchedule>>
  readonly clocked?: Readonly<Record<string, AnySchedule>>
}

const sliding = Period.sliding(0)
const growth = { base: 0, cap: "1 second" } as const
const exponential = Backoff.exponential(growth)

const spacedJittered = Schedule.spaced(0).pipe(Schedule.jittered)
const exponentialJittered = Schedule.exponential(0).pipe(Schedule.jittered)

// With an interval of 0, Schedule.fixed computes nothing. Where Effect has no such schedule, the nearest does less:
// fibonacci for linear, exponential for one that is reset.
const groups: ReadonlyArray<Group> = [
  { nearest: ["spaced(0)", Schedule.spaced(0)], blind: { "sliding": sliding } },
  {
    nearest: ["fixed(0)", Schedule.fixed(0)],
    clocked: { "nonSliding": Period.nonSliding(0), "sliding, fromStart": sliding.pipe(Period.fromStart) }
  },
  {
    nearest: ["exponential(0)", Schedule.exponential(0)],
    blind: { "exponential": exponential },
    clocked: { "exponential, resetAfter": exponential.pipe(Backoff.resetAfter("1 hour")) }
  },
  { nearest: ["fibonacci(0)", Schedule.fibonacci(0)], blind: { "linear": Backoff.linear(growth) } },
  {
    nearest: ["exponential(0), jittered", exponentialJittered],
    blind: {
      "decorrelated": Backoff.decorrelated(growth),
      "decorrelatedV2, delays of 0": Backoff.decorrelatedV2({ median: 1, cap: 0 }),
      "toSchedule, jitter 0.1": Backoff.toSchedule({ duration: 0, factor: 2, jitter: 0.1, steps: 5, cap: "1 second" })
    }
  },
  {
    nearest: ["recurs", Schedule.recurs(attempts)],
    blind: { "fromDelays": Backoff.fromDelays(Array.from({ length: attempts }, () => 0)) }
  },
  {
    nearest: ["spaced(0), jittered", spacedJittered],
    blind: {
      "sliding, additive": sliding.pipe(Jitter.additive(0.2)),
      "sliding, full": sliding.pipe(Jitter.full),
      "sliding, equal": sliding.pipe(Jitter.equal),
      "sliding, between": sliding.pipe(Jitter.between(0.8, 1.2))
    }
  },
  {
    nearest: ["spaced(0), upTo times", Schedule.spaced(0).pipe(Schedule.upTo({ times: attempts }))],
    blind: { "sliding, attempts": sliding.pipe(Limit.attempts(attempts)) }
  },
  {
    nearest: ["spaced(0), upTo duration", Schedule.spaced(0).pipe(Schedule.upTo({ duration: "1 hour" }))],
    clocked: { "sliding, within": sliding.pipe(Limit.within("1 hour")) }
  },
  {
    nearest: [
      "exponential(0), jittered, upTo times",
      exponentialJittered.pipe(Schedule.upTo({ times: attempts }))
    ],
    blind: { "exponential, full, attempts": exponential.pipe(Jitter.full, Limit.attempts(attempts)) }
  },
  {
    nearest: [
      "exponential(0), jittered, upTo both",
      exponentialJittered.pipe(Schedule.upTo({ times: attempts, duration: "1 hour" }))
    ],
    clocked: {
      "exponential, full, attempts, within": exponential.pipe(
        Jitter.full,
        Limit.attempts(attempts),
        Limit.within("1 hour")
      )
    }
  }
]

const loopName = (name: string): string => `Loop.run ${name}`
const repeatName = (name: string): string => `Effect.repeat ${name}`
const goName = "Go JitterUntilWithContext, period 0"
const namedName = "Loop.run sliding, with a name"
const spannedName = "Effect.repeat spaced(0), with a span"

// Ours beside their nearest: what slows the machine down for a while slows both down.
const contestants: ReadonlyArray<readonly [string, Contestant]> = groups.flatMap(
  ({ blind, clocked, nearest }) => {
    const [name, schedule] = nearest
    const repeat = [repeatName(name), looping(times, (work) => Effect.repeat(work, schedule))] as const
    const loops = Object.entries({ ...blind, ...clocked }).map(([name, schedule]) =>
      [loopName(name), looping(times, (work) => Loop.run(work, schedule))] as const
    )
    return [repeat].concat(loops)
  }
)

const claimsOf = (kind: "blind" | "clocked", atMost: number) =>
  groups.flatMap(({ nearest, ...ours }) => {
    const pairs = Object.keys(ours[kind] ?? {}).map((name) => [loopName(name), repeatName(nearest[0])] as const)
    return claims(pairs, atMost)
  })

export const measure = async (effort: Effort): Promise<ReadonlyArray<Section>> => {
  const go = effort.smoke ? undefined : makeGo()
  const others = go === undefined ? {} : { [goName]: () => go.run("jitter", 200_000).nanos! }
  const whileLoop = looping(times, (work) => Effect.whileLoop({ while: () => true, body: () => work, step() {} }))
  return [{
    title: "An iteration without a delay",
    unit: "ns",
    series: await inRounds(
      effort,
      {
        "Effect.whileLoop": whileLoop,
        ...Object.fromEntries(contestants),
        [namedName]: looping(times, (work) => Loop.run(work, sliding, { name: "bench" })),
        [spannedName]: looping(times, (work) => Effect.repeat(Effect.withSpan(work, "bench"), Schedule.spaced(0)))
      },
      others
    ),
    claims: [
      ...claimsOf("blind", 1 / 25),
      ...claimsOf("clocked", 1 / 15),
      ...claims([[loopName("sliding"), goName]], 1 / 3),
      ...claims([[namedName, spannedName]], 0.75)
    ]
  }]
}
