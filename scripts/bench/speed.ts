/** Nanoseconds of a zero-delay iteration: ours beside Effect's own drivers and schedules, in one run. */
import { Effect, Schedule } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Poll } from "effect-wait"

const smoke = process.argv.includes("--smoke")
const iterations = smoke ? 40_000 : 100_000
const rounds = smoke ? 5 : 7

// The least work there is. Its defect ends any of them after so many iterations, at the same cost.
const work = (): Effect.Effect<boolean> => {
  let n = 0
  return Effect.sync(() => {
    if (++n > iterations) throw enough
    return false
  })
}

const enough = new Error("enough")

const jittered = Period.sliding(0).pipe(Jitter.additive(0.2))
const exponential = Backoff.exponential({ base: 0, cap: "1 second" }).pipe(
  Jitter.full,
  Limit.attempts(iterations * 2)
)
const spaced = Schedule.spaced(0)
const recurs = Schedule.recurs(iterations * 2)

const contestants: Record<string, () => Effect.Effect<unknown, unknown>> = {
  "Effect.whileLoop": () => Effect.whileLoop({ while: () => true, body: work().pipe((run) => () => run), step() {} }),
  "Loop.run sliding": () => Loop.run(work(), Period.sliding(0)),
  "Loop.run nonSliding": () => Loop.run(work(), Period.nonSliding(0)),
  "Loop.run sliding, additive jitter": () => Loop.run(work(), jittered),
  "Loop.run exponential, full jitter, attempts": () => Loop.run(work(), exponential),
  "Loop.run sliding, with stop": () => Loop.run(work(), Period.sliding(0), { stop: Effect.never }),
  "Loop.run sliding, with backoff": () => Loop.run(work(), Period.sliding(0), { backoff: Backoff.fromDelays([]) }),
  "Loop.run Schedule.spaced": () => Loop.run(work(), spaced),
  "Loop.run Schedule.recurs": () => Loop.run(work(), recurs),
  "Poll.until sliding": () => Poll.until(work(), Period.sliding(0)),
  "Poll.until exponential, full jitter, attempts": () => Poll.until(work(), exponential),
  "Effect.repeat sliding": () => Effect.repeat(work(), Period.sliding(0)),
  "Effect.repeat nonSliding": () => Effect.repeat(work(), Period.nonSliding(0)),
  "Effect.repeat sliding, additive jitter": () => Effect.repeat(work(), jittered),
  "Effect.repeat exponential, full jitter, attempts": () => Effect.repeat(work(), exponential),
  "Effect.repeat Schedule.spaced": () => Effect.repeat(work(), spaced),
  "Effect.repeat Schedule.recurs": () => Effect.repeat(work(), recurs)
}

const nanosOf = async (effect: Effect.Effect<unknown, unknown>): Promise<number> => {
  const begin = process.hrtime.bigint()
  await Effect.runPromiseExit(effect)
  return Number(process.hrtime.bigint() - begin) / iterations
}

/** The sorted times of each contestant, in rounds that take turns, after one that warms up. */
export const measure = async (): Promise<ReadonlyMap<string, ReadonlyArray<number>>> => {
  const times = new Map(Object.keys(contestants).map((name) => [name, [] as Array<number>]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, make] of Object.entries(contestants)) {
      const nanos = await nanosOf(make())
      if (round > 0) times.get(name)!.push(nanos)
    }
  }
  for (const list of times.values()) list.sort((a, b) => a - b)
  return times
}
