/** Nanoseconds of a zero-delay iteration: ours beside Effect's own drivers and schedules, in one run. */
import { Effect, Schedule } from "effect"
import { Backoff, Jitter, Limit, Loop, Period } from "effect-wait"

const iterations = 100_000
const rounds = 7

const stopAt = Symbol("enough")

// Ends a loop after so many iterations, at the same cost for every contestant.
const work = (times: number): Effect.Effect<void, symbol> => {
  let n = 0
  const over = Effect.fail(stopAt)
  return Effect.suspend(() => ++n > times ? over : Effect.void)
}

const loop = (schedule: Schedule.Schedule<unknown>) => Loop.run(work(iterations), schedule)
const repeat = (schedule: Schedule.Schedule<unknown>) => Effect.repeat(work(iterations), schedule)

const base = { base: 0, cap: "1 second" } as const
const contestants: Record<string, () => Effect.Effect<unknown, unknown>> = {
  "Effect.whileLoop": () => {
    const effect = work(iterations)
    return Effect.whileLoop({ while: () => true, body: () => effect, step: () => {} })
  },
  "Loop.run sliding": () => loop(Period.sliding(0)),
  "Loop.run nonSliding": () => loop(Period.nonSliding(0)),
  "Loop.run additive jitter": () => loop(Period.sliding(0).pipe(Jitter.additive(0.2))),
  "Loop.run exponential, full, attempts": () =>
    loop(Backoff.exponential(base).pipe(Jitter.full, Limit.attempts(iterations * 2))),
  "Loop.run with stop": () => Loop.run(work(iterations), Period.sliding(0), { stop: Effect.never }),
  "Loop.run with backoff": () => Loop.run(work(iterations), Period.sliding(0), { backoff: Limit.attempts(1)(Period.sliding(0)) }),
  "Loop.run Schedule.spaced": () => loop(Schedule.spaced(0)),
  "Loop.run Schedule.recurs": () => loop(Schedule.recurs(iterations * 2)),
  "Effect.repeat Period.sliding": () => repeat(Period.sliding(0)),
  "Effect.repeat Schedule.spaced": () => repeat(Schedule.spaced(0)),
  "Effect.repeat Schedule.recurs": () => repeat(Schedule.recurs(iterations * 2))
}

const times = new Map(Object.keys(contestants).map((name) => [name, [] as Array<number>]))
for (let round = -1; round < rounds; round++) {
  for (const [name, make] of Object.entries(contestants)) {
    const begin = process.hrtime.bigint()
    await Effect.runPromiseExit(make())
    if (round >= 0) times.get(name)!.push(Number(process.hrtime.bigint() - begin) / iterations)
  }
}

const median = (list: Array<number>): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!
for (const [name, list] of times) {
  console.log(name.padEnd(40), Math.min(...list).toFixed(0).padStart(7), median(list).toFixed(0).padStart(7))
}
