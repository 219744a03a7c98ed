import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Deferred, Duration, Effect, Exit, Fiber, Option, Random, Schedule, Semaphore } from "effect"
import { Backoff, Jitter, Limit, Loop, Period } from "effect-wait"
import * as Herd from "../src/testing/Herd.ts"

const endsOf = (herd: Herd.Herd<unknown, unknown>) => herd.clients.map((client) => client.endedAt)
const deathOf = (exit: Exit.Exit<unknown, unknown>) => Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
const seeded = (seed: string) => Random.withSeed(seed)

interface Case {
  readonly name: string
  readonly client: Effect.Effect<unknown>
}

describe("Herd.run", () => {
  it.effect("lets clients sleep in virtual time", () =>
    Effect.gen(function*() {
      const herd = yield* Herd.run({
        clients: 3,
        client: (i) => Effect.as(Effect.sleep(Duration.days(365 * (3 - i))), i)
      })
      const year = Duration.toMillis("365 days")
      assert.deepStrictEqual(herd, {
        clients: [3, 2, 1].map((years, i) => ({ exit: Option.some(Exit.succeed(i)), endedAt: years * year })),
        time: 3 * year,
        outcome: "done"
      })
    }))

  it.effect("starts the clients at 0, and wakes those of one time in the order in which they went to sleep", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      yield* Herd.run({
        clients: 3,
        client: (i) =>
          Effect.forEach([2 - i, 4, 0], (delay) =>
            Effect.andThen(
              Effect.sleep(delay),
              Effect.map(Clock.currentTimeMillis, (now) => seen.push(`${i} at ${now}`))
            ))
      })
      assert.strictEqual(seen.join(), "2 at 0,1 at 1,0 at 2,2 at 4,2 at 4,1 at 5,1 at 5,0 at 6,0 at 6")
    }))

  it.effect("starts at `from` by the wall clock, for calendars, and counts from 0", () =>
    Effect.gen(function*() {
      const from = "2026-03-29T00:59:00Z"
      const walls: Array<string> = []
      const client = Effect.map(Clock.currentTimeMillis, (now) => walls.push(new Date(now).toISOString())).pipe(
        Effect.repeat(Period.cron("0 * * * *", { timeZone: "UTC" }).pipe(Limit.attempts(2)))
      )
      const herd = yield* Herd.run({ clients: 2, client: () => client, from })
      assert.deepStrictEqual([endsOf(herd), herd.time], [[60_000, 60_000], 60_000])
      const slot = "2026-03-29T01:00:00.000Z"
      assert.deepStrictEqual(walls, ["2026-03-29T00:59:00.000Z", "2026-03-29T00:59:00.000Z", slot, slot])
      const cut = yield* Herd.run({ clients: 1, client: () => client, from, until: "30 seconds" })
      assert.deepStrictEqual([endsOf(cut), cut.outcome], [[30_000], "cut"])
    }))

  it.effect("wakes any number of sleepers in order", () =>
    Effect.gen(function*() {
      const woken: Array<number> = []
      yield* Herd.run({
        clients: 500,
        client: () =>
          Effect.gen(function*() {
            for (let i = 0; i < 10; i++) {
              // Half of the sleeps are interrupted, and leave the clock alone.
              yield* Effect.timeoutOption(Effect.sleep(yield* Random.nextBetween(0, 1000)), 500)
              woken.push(yield* Clock.currentTimeMillis)
            }
          })
      }).pipe(seeded("sleepers"))
      assert.strictEqual(woken.length, 5000)
      assert.deepStrictEqual(woken, woken.toSorted((a, b) => a - b))
    }))

  it.effect("tells one time on all its clocks", () =>
    Effect.gen(function*() {
      const { clients } = yield* Herd.run({
        clients: 1,
        client: () =>
          Effect.andThen(
            Effect.sleep(1.5),
            Effect.all([Clock.currentTimeMillis, Clock.currentTimeNanos, Clock.monotonicTimeNanos])
          )
      })
      assert.deepStrictEqual(clients[0]!.exit, Option.some(Exit.succeed([1.5, 1_500_000n, 1_500_000n])))
    }))

  it.effect.each<Case & { readonly ends: number }>(
    [
      {
        name: "Effect.retry",
        client: Effect.exit(Effect.retry(Effect.fail("no"), Period.sliding(10).pipe(Limit.attempts(4)))),
        ends: 30
      },
      { name: "Loop.run", client: Loop.run(Effect.sleep(5), Period.sliding(10).pipe(Limit.attempts(4))), ends: 50 },
      { name: "a ticker", client: Loop.run(Effect.sleep(5), Period.ticker(10).pipe(Limit.attempts(4))), ends: 35 },
      { name: "Effect.timeout", client: Effect.timeoutOption(Effect.sleep("1 hour"), "1 minute"), ends: 60_000 },
      {
        name: "fibers of its own",
        client: Effect.forEach([3, 1, 2], Effect.sleep, { concurrency: "unbounded", discard: true }),
        ends: 3
      },
      { name: "much work between sleeps", client: Effect.repeat(Effect.yieldNow, { times: 10_000 }), ends: 0 },
      {
        name: "a herd of its own",
        client: Effect.andThen(Herd.run({ clients: 2, client: () => Effect.sleep("1 hour") }), Effect.sleep(1)),
        ends: 1
      }
    ]
  )("runs $name", ({ client, ends }) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(endsOf(yield* Herd.run({ clients: 2, client: () => client })), [ends, ends])
    }))

  it.effect("lets clients wait for each other", () =>
    Effect.gen(function*() {
      const permit = yield* Semaphore.make(1)
      const done = yield* Deferred.make<void>()
      const herd = yield* Herd.run({
        clients: 5,
        client: (i) =>
          i === 0
            ? Deferred.await(done)
            : Semaphore.withPermits(permit, 1)(Effect.sleep(10)).pipe(
              Effect.andThen(i === 3 ? Deferred.succeed(done, undefined) : Effect.void)
            )
      })
      assert.deepStrictEqual(endsOf(herd), [30, 10, 20, 30, 40])
    }))

  it.effect("interrupts at `until` whoever has not ended, and lets finalizers take their time", () =>
    Effect.gen(function*() {
      const finalized: Array<number> = []
      const herd = yield* Herd.run({
        clients: 4,
        client: (i) =>
          Effect.sleep(i * 10).pipe(
            Effect.andThen(Effect.sleep(0)),
            Effect.onInterrupt(() =>
              Effect.andThen(Effect.sleep(100), Effect.map(Clock.currentTimeMillis, (now) => finalized.push(now)))
            )
          ),
        until: 15
      })
      assert.deepStrictEqual(endsOf(herd), [0, 10, 15, 15])
      assert.deepStrictEqual(herd.clients.map(({ exit }) => Option.isSome(exit)), [true, true, false, false])
      assert.strictEqual(herd.time, 15)
      assert.strictEqual(herd.outcome, "cut")
      assert.deepStrictEqual(finalized, [115, 115])
    }))

  it.effect("lets happen what happens at `until`", () =>
    Effect.gen(function*() {
      const client = (i: number) => Effect.andThen(Effect.sleep(500), Effect.sleep(i === 0 ? 500 : 501))
      const { clients } = yield* Herd.run({ clients: 2, client, until: "1 second" })
      assert.deepStrictEqual(clients, [
        { exit: Option.some(Exit.void), endedAt: 1000 },
        { exit: Option.none(), endedAt: 1000 }
      ])
    }))

  it.effect("has a client's failure and interruption as results", () =>
    Effect.gen(function*() {
      const outcomes: ReadonlyArray<Effect.Effect<void, string>> = [Effect.fail("no"), Effect.interrupt, Effect.void]
      const herd = yield* Herd.run({
        clients: 3,
        client: (i) => Effect.andThen(Effect.sleep(i), outcomes[i]!)
      })
      assert.deepStrictEqual(endsOf(herd), [0, 1, 2])
      assert.deepStrictEqual(herd.clients[0]!.exit, Option.some(Exit.fail("no")))
      assert.isTrue(Option.exists(herd.clients[1]!.exit, Exit.hasInterrupts))
      assert.strictEqual(herd.outcome, "done")
    }))

  it.effect("dies with a client's defect", () =>
    Effect.gen(function*() {
      const sleeping = Effect.sleep("1 minute")
      const dying = Herd.run({ clients: 2, client: (i) => i === 0 ? sleeping : Effect.die("defect") })
      assert.deepStrictEqual(yield* Effect.exit(dying), Exit.die("defect"))
      const throwing = Herd.run({
        clients: 1,
        client: (): Effect.Effect<void> => {
          throw new Error("thrown")
        }
      })
      assert.deepStrictEqual(deathOf(yield* Effect.exit(throwing)), new Error("thrown"))
    }))

  it.effect.each<Case>([
    { name: "never", client: Effect.never },
    { name: "a promise", client: Effect.promise(() => new Promise(() => {})) },
    { name: "a sleep for ever", client: Effect.sleep(Infinity) }
  ])("dies when all wait for $name, where no `until` cuts them", (waiting) =>
    Effect.gen(function*() {
      const options = { clients: 2, client: () => Effect.andThen(Effect.sleep(20), waiting.client) }
      const exit = yield* Effect.exit(Herd.run(options))
      assert.deepStrictEqual(
        deathOf(exit),
        new Cause.IllegalArgumentError(
          "Herd.run: client must wait for its Clock and other clients only, and not for ever unless there is an `until`"
        )
      )
      assert.deepStrictEqual(endsOf(yield* Herd.run({ ...options, until: 50 })), [50, 50])
    }))

  it.live.each<Case>([
    { name: "sleep", client: Effect.forever(Effect.sleep(1), { disableYield: true }) },
    { name: "never sleep", client: Effect.forever(Effect.void, { disableYield: true }) }
  ])("can be interrupted while its clients $name", ({ client }) =>
    Effect.gen(function*() {
      let finalized = 0
      const finalizer = Effect.map(Effect.sleep("1 hour"), () => finalized++)
      const herd = Herd.run({ clients: 3, client: () => Effect.ensuring(client, finalizer) })
      const fiber = yield* Effect.forkChild(herd, { startImmediately: true })
      yield* Effect.sleep(1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(finalized, 3)
    }))

  it("needs no event loop", () => {
    const herd = Effect.runSync(Herd.run({
      clients: 10,
      client: (i) => Effect.repeat(Effect.sleep(i), { times: 1000 })
    }))
    assert.strictEqual(herd.time, 9009)
  })
})

const exponential = Backoff.exponential({ base: 10, cap: 2000 })
const algorithms = {
  none: Period.sliding(0),
  exponential,
  equal: exponential.pipe(Jitter.equal),
  full: exponential.pipe(Jitter.full),
  decorrelated: Backoff.decorrelated({ base: 5, cap: 2000 })
}

describe("Herd.contend", () => {
  // "Exponential Backoff And Jitter", AWS Architecture Blog; 400 runs of a port of awslabs/aws-arch-backoff-simulator.
  const table = [
    { name: "none", time: [2027, 45], calls: [2420, 33] },
    { name: "exponential", time: [63_351, 3644], calls: [1853, 57] },
    { name: "equal", time: [6622, 654], calls: [812, 8] },
    { name: "full", time: [4922, 560], calls: [796, 7] },
    { name: "decorrelated", time: [4581, 611], calls: [1003, 28] }
  ] as const
  const measured = Effect.runSync(
    Effect.cached(Herd.curves(algorithms, { clients: [100], runs: 12 }).pipe(seeded("AWS")))
  )

  it.effect.each(table)(
    "reproduces AWS' table for 100 clients: $name",
    ({ calls, name, time }) =>
      Effect.gen(function*() {
        const [point] = (yield* measured)[name]
        assert.approximately(point!.time, time[0], 2 * time[1])
        assert.approximately(point!.calls, calls[0], 2 * calls[1])
      }),
    30_000
  )

  it.effect("makes less than half of the calls with full jitter, as AWS found", () =>
    Effect.gen(function*() {
      const { exponential, full } = yield* measured
      assert.approximately(full[0]!.calls / exponential[0]!.calls, 0.43, 0.01)
    }), 30_000)

  it.effect("makes one call of four messages where nobody contends", () =>
    Effect.gen(function*() {
      const network: Herd.Network = { mean: "25 millis", deviation: "0 millis" }
      assert.deepStrictEqual(
        yield* Herd.contend(Schedule.recurs(0), { clients: 1, network }),
        { time: 100, calls: 1, written: 1 }
      )
    }))

  it.effect("takes the size of a normally distributed time, whatever its sign", () =>
    Effect.gen(function*() {
      const network = { mean: 0, deviation: 10 }
      const curves = yield* Herd.curves(algorithms, { clients: [1], runs: 200, network }).pipe(seeded("normal"))
      assert.approximately(curves.none[0]!.time, 4 * 10 * Math.sqrt(2 / Math.PI), 2)
    }))

  it.effect("follows the schedule's delays: one client writes in each round", () =>
    Effect.gen(function*() {
      const network = { mean: 10, deviation: 0 }
      const contention = yield* Herd.contend(Backoff.fromDelays([100, 200, 300]), { clients: 4, network })
      assert.deepStrictEqual(contention, { time: 4 * 40 + 600, calls: 4 + 3 + 2 + 1, written: 4 })
    }))

  it.effect("counts the clients that have written before their schedules ended", () =>
    Effect.gen(function*() {
      const network = { mean: 10, deviation: 0 }
      const contention = yield* Herd.contend(Period.sliding(5).pipe(Limit.attempts(2)), { clients: 10, network })
      assert.deepStrictEqual(contention, { time: 85, calls: 19, written: 2 })
    }))

  it.effect("hands the schedule conflicts, and fails with its error", () =>
    Effect.gen(function*() {
      const inputs: Array<Herd.Conflict> = []
      const schedule = Schedule.fromStep(Effect.succeed((_now: number, conflict: Herd.Conflict) => {
        inputs.push(conflict)
        return Effect.fail("broken" as const)
      }))
      assert.strictEqual(yield* Effect.flip(Herd.contend(schedule, { clients: 3 })), "broken")
      assert.deepStrictEqual(inputs, [{ _tag: "Conflict" }, { _tag: "Conflict" }])
    }))

  it.effect("is the same for the same seed", () =>
    Effect.gen(function*() {
      const contention = Herd.contend(algorithms.full, { clients: 20 })
      const first = yield* Random.withSeed(contention, "seed")
      assert.deepStrictEqual(yield* Random.withSeed(contention, "seed"), first)
      assert.notDeepEqual(yield* Random.withSeed(contention, "another"), first)
    }))
})

describe("Herd.curves", () => {
  it.effect("are means over runs", () =>
    Effect.gen(function*() {
      const curves = yield* Herd.curves(algorithms, { clients: [5, 10], runs: 3 }).pipe(seeded("curves"))
      assert.deepStrictEqual(Object.keys(curves), Object.keys(algorithms))
      const runs = yield* Effect.forEach([5, 5, 5, 10, 10, 10], (clients) => Herd.contend(algorithms.none, { clients }))
        .pipe(seeded("curves"))
      const mean = (key: "time" | "calls", from: number) =>
        runs.slice(from, from + 3).reduce((sum, run) => sum + run[key], 0) / 3
      assert.deepStrictEqual(curves.none, [
        { clients: 5, time: mean("time", 0), calls: mean("calls", 0) },
        { clients: 10, time: mean("time", 3), calls: mean("calls", 3) }
      ])
    }))
})

describe("bad input", () => {
  const client = () => Effect.void
  const contend = (network: Herd.Network) => Herd.contend(algorithms.none, { clients: 1, network })
  // What JavaScript can pass where TypeScript would not let it.
  const untyped = (value: unknown): never => value as never
  const refused: ReadonlyArray<readonly [string, Effect.Effect<unknown>]> = [
    ["Herd.run: clients must be an integer of 1 or more, got 0", Herd.run({ clients: 0, client })],
    ["Herd.run: clients must be an integer of 1 or more, got 1.5", Herd.run({ clients: 1.5, client })],
    ["Herd.run: until must be a duration of 0 or more, got -1", Herd.run({ clients: 1, client, until: -1 })],
    ["Herd.contend: schedule must be a Schedule, got 5", Herd.contend(untyped(5), { clients: 1 })],
    ["Herd.contend: clients must be an integer of 1 or more, got -1", Herd.contend(algorithms.none, { clients: -1 })],
    [
      "Herd.contend: network.mean must be a finite duration of 0 or more, got NaN",
      contend({ mean: NaN, deviation: 0 })
    ],
    [
      "Herd.contend: network.deviation must be a finite duration of 0 or more, got Infinity",
      contend({ mean: 0, deviation: Infinity })
    ],
    [
      "Herd.curves: clients[1] must be an integer of 1 or more, got 0",
      Herd.curves(algorithms, { clients: [1, 0] })
    ],
    [
      "Herd.curves: runs must be an integer of 1 or more, got 0",
      Herd.curves(algorithms, { clients: [1], runs: 0 })
    ]
  ]

  it.effect.each(refused)("is refused: %s", ([message, effect]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(deathOf(yield* Effect.exit(effect)), new Cause.IllegalArgumentError(message))
    }))
})
