/** A loop on a calendar runs the same with naps, on the live clock, as without, on TestClock: random programs on both. */
import { assert, it } from "@effect/vitest"
import { Cron, Effect, Fiber, Option, Random, References, Schedule } from "effect"
import { Backoff, Jitter, Limit, Loop, Period } from "effect-wait"
import { TestClock } from "effect/testing"
import { play } from "./liveWorld.ts"

const minute = 60_000
const until = 8 * 60 * minute
const utc = { timeZone: "UTC" } as const

type Calendar = Schedule.Schedule<number, unknown, Cron.CronParseError>

const expressions = [
  "*/10 * * * *",
  "0 * * * *",
  "7,31,50 * * * *",
  "0 */2 * * *",
  "15 30 * * * *",
  "* * * * *",
  "0 1,3,4 * * *"
] as const

const combinators: ReadonlyArray<readonly [name: string, (self: Calendar) => Calendar]> = [
  ["additive", Jitter.additive(0.5)],
  ["full", Jitter.full],
  ["between", Jitter.between(0.8, 1.2)],
  ["half", Jitter.between(0.5, 0.5)],
  ["within", Limit.within("3 hours")],
  ["truncate", Limit.within("100 minutes", { overshoot: "truncate" })],
  ["delay", Limit.delay("4 minutes")],
  ["attempts", Limit.attempts(6)],
  ["resetAfter", Backoff.resetAfter("5 minutes")]
]

/** The same random numbers in each run of this file. */
const randomOf = (seed: number) => {
  let state = seed
  const next = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  const int = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return { next, int, pick: <A>(values: ReadonlyArray<A>): A => values[int(0, values.length - 1)]! }
}

const programOf = (seed: number) => {
  const { int, next, pick } = randomOf(seed)
  const hasBackoff = int(1, 2) === 1
  let time = 0
  return {
    from: Date.UTC(2026, 0, 1) + int(0, 60 * minute),
    expression: pick(expressions),
    missed: pick(["skip", "one", "all"] as const),
    around: Array.from({ length: int(0, 2) }, () => pick(combinators)),
    immediate: pick([undefined, true, false]),
    hasBackoff,
    fails: Array.from({ length: 5 }, () => hasBackoff && int(1, 5) < 4),
    lengths: Array.from({ length: 7 }, () => pick([0, 0, 1000, 90_000, 7 * minute, 40 * minute, 131 * minute])),
    draws: Array.from({ length: 11 }, next),
    commands: Array.from({ length: int(0, 5) }, () => {
      time += int(1, 90) * minute + int(1, 59_999)
      return [time, pick(["pause", "resume", "trigger", "pause", "resume"] as const)] as const
    })
  }
}

/** What such a program does: when its runs start, and its status after each command. */
const run = (program: ReturnType<typeof programOf>, now: () => number) => {
  const { commands, draws, expression, fails, from, hasBackoff, immediate, lengths, missed } = program
  const starts: Array<number> = []
  const nextStarts: Array<number> = []
  const states: Array<readonly [state: string, missed: number]> = []
  let drawn = 0
  const random = Random.Random.of({ nextDoubleUnsafe: () => draws[drawn++ % draws.length]!, nextIntUnsafe: () => 0 })
  const work = Effect.suspend(() => {
    const i = starts.push(now()) - 1
    const length = lengths[i % lengths.length]!
    const exit = fails[i % fails.length] === true ? Effect.fail("no") : Effect.void
    return length === 0 ? exit : Effect.andThen(Effect.sleep(length), exit)
  })
  const schedule = program.around.reduce(
    (schedule: Calendar, [, around]) => around(schedule),
    Period.cron(expression, { ...utc, missed })
  )
  const backoff = hasBackoff ? Period.cron("*/5 * * * *", utc) : undefined
  const effect = Effect.gen(function*() {
    const loop = yield* Loop.forkScoped(work, schedule, { immediate, backoff, onFailure: () => Effect.void })
    let time = 0
    for (const [at, command] of [...commands, [until - 1, undefined] as const]) {
      yield* Effect.sleep(at - time)
      time = at
      if (command !== undefined) yield* loop[command]
      yield* Effect.yieldNow
      const { missed, nextStart, state } = yield* loop.status
      states.push([state, missed])
      nextStarts.push(Option.getOrElse(nextStart, () => from) - from)
    }
  })
  const quiet = Effect.provideService(effect, References.MinimumLogLevel, "None")
  return {
    effect: Effect.scoped(Effect.provideService(quiet, Random.Random, random)),
    seen: { starts, nextStarts, states }
  }
}

// Timers differ by floating point.
const near = (times: ReadonlyArray<number>, expected: ReadonlyArray<number>) =>
  times.map((time, i) => Math.abs(time - (expected[i] ?? NaN)) <= 5 ? expected[i] : time)

for (let seed = 1; seed <= 400; seed++) {
  const program = programOf(seed * 7919)
  const { expression, from, missed } = program
  const about = [expression, missed, ...program.around.map(([name]) => name)].join(", ")
  it(`program ${seed}: ${about}`, async () => {
    let live: ReturnType<typeof run>["seen"] | undefined
    await play({ from }, until + minute, ({ now }) => {
      const { effect, seen } = run(program, now)
      live = seen
      const fiber = Effect.runFork(effect)
      return () => fiber.interruptUnsafe()
    })
    const tested = await Effect.runPromise(
      Effect.gen(function*() {
        yield* TestClock.setTime(from)
        const clock = yield* TestClock.testClockWith(Effect.succeed)
        const { effect, seen } = run(program, () => clock.currentTimeMillisUnsafe() - from)
        const fiber = yield* Effect.forkChild(effect)
        yield* TestClock.adjust(until)
        yield* Fiber.interrupt(fiber)
        return seen
      }).pipe(Effect.provide(TestClock.layer()))
    )
    const { nextStarts = [], starts = [], states } = live ?? {}
    assert.deepStrictEqual(
      { starts: near(starts, tested.starts), nextStarts: near(nextStarts, tested.nextStarts), states },
      tested
    )
  })
}
