import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Logger, Option, Random } from "effect"
import { Timeline } from "effect-wait"
import { TestLoop } from "effect-wait/testing"
import { lead, Leases, noted, overlaps, type Term, times } from "../../src/callSites/05-leader-election.ts"
import { Api, Faults, layerMemory, Unavailable } from "../../src/callSites/support/api.ts"
import { logOf } from "./logOf.ts"

const candidate = (identity: string) => ({ lease: "scheduler", identity, ...times })

/** Leads, and says when its work has ended, which takes so many seconds. */
const compete = (
  identity: string,
  options?: { readonly windsDown?: number; readonly leaseDuration?: Duration.Input }
) =>
  lead(
    Effect.onInterrupt(
      Effect.never,
      () => after(options?.windsDown ?? 0, Effect.log(`${identity} has ended its work`))
    ),
    { ...candidate(identity), ...options }
  )

const start = <A, E, R>(leading: Effect.Effect<A, E, R>) => Effect.forkChild(leading, { startImmediately: true })

const after = <A, E, R>(seconds: number, effect: Effect.Effect<A, E, R>) => Effect.delay(effect, seconds * 1000)

/** The server is away for so many seconds. */
const away = (seconds: number) => Effect.flatMap(Faults, ({ down }) => down(Effect.sleep(seconds * 1000)))

/** The process ends, and cannot release its lease. */
const kill = <A, E>(fiber: Fiber.Fiber<A, E>) => Effect.flatMap(Faults, ({ down }) => down(Fiber.interrupt(fiber)))

/** What a program logs on a server of its own. */
const logOfProgram = Effect.fnUntraced(function*<A, E>(program: Effect.Effect<A, E, Api | Faults>, random = [0]) {
  const { log } = yield* logOf(Effect.provide(program, layerMemory), { until: "1 hour", random })
  return log
})

/** A clock that shows another time, and is faster or slower. */
const clockOf = (
  clock: Clock.Clock,
  { ahead, rate }: { readonly ahead: number; readonly rate: number }
): Clock.Clock => {
  const nanos = BigInt(Math.round(ahead * 1_000_000))
  const scaled = (time: bigint) => BigInt(Math.round(Number(time) * rate)) + nanos
  const millis = () => clock.currentTimeMillisUnsafe() * rate + ahead
  const wall = () => scaled(clock.currentTimeNanosUnsafe())
  const monotonic = () => scaled(clock.monotonicTimeNanosUnsafe())
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: wall,
    currentTimeNanos: Effect.sync(wall),
    monotonicTimeNanosUnsafe: monotonic,
    monotonicTimeNanos: Effect.sync(monotonic),
    sleep: (duration) => clock.sleep(Duration.millis(Duration.toMillis(duration) / rate))
  }
}

/** A clock whose wall time is set ahead at 10 s. */
const setAhead = (clock: Clock.Clock, ahead: number): Clock.Clock => {
  const millis = () => clock.currentTimeMillisUnsafe() + (clock.currentTimeMillisUnsafe() < 10_000 ? 0 : ahead)
  return { ...clock, currentTimeMillisUnsafe: millis, currentTimeMillis: Effect.sync(millis) }
}

/** When a program asks for the lease, with answers that take half a second. */
const looksOf = <A, E>(program: Effect.Effect<A, E, Api | Faults>, random: ReadonlyArray<number>) =>
  TestLoop.record((track) =>
    Effect.updateService(program, Api, (api) => ({
      ...api,
      get: (kind, name) => track(Effect.ensuring(api.get(kind, name), Effect.sleep("500 millis")))
    })).pipe(Effect.provide([layerMemory, Logger.layer([])])), { until: "15 seconds", random })
    .pipe(Effect.map(Timeline.starts))

// Where each draw is the least, b looks in odd seconds. a renews in even ones.
describe("a candidate", () => {
  it.effect.each<{ when: string; draw?: number; leaseDuration?: Duration.Input; at: number }>([
    { when: "2 s after a look that found it held", at: 21_000 },
    { when: "3.2 s after a look that found it held", draw: 0.5, at: 20_200 },
    { when: "at the very millisecond", leaseDuration: "16 seconds", at: 21_000 },
    { when: "not a millisecond sooner", leaseDuration: "16001 millis", at: 23_000 }
  ])(
    "takes over when the lease of a dead leader has run out, $when",
    ({ at, draw = 0, leaseDuration }) =>
      Effect.gen(function*() {
        const program = Effect.gen(function*() {
          const a = yield* start(compete("a"))
          yield* after(1, start(compete("b", { leaseDuration: leaseDuration ?? times.leaseDuration })))
          yield* after(4.5, kill(a))
          yield* Effect.sleep("30 seconds")
        })
        assert.deepStrictEqual(yield* logOfProgram(program, [draw]), [
          "0 a became leader",
          "5500 a has ended its work",
          `${at} b became leader`,
          "35500 b has ended its work",
          "35500 b released the lease"
        ])
      })
  )

  it.effect.each<{ of: string; ahead: number; clockOf: (clock: Clock.Clock, ahead: number) => Clock.Clock }>([
    {
      of: "an hour behind the others",
      ahead: -3_600_000,
      clockOf: (clock, ahead) => clockOf(clock, { ahead, rate: 1 })
    },
    { of: "an hour ahead of them", ahead: 3_600_000, clockOf: (clock, ahead) => clockOf(clock, { ahead, rate: 1 }) },
    { of: "whose wall time is set ahead meanwhile", ahead: 3_600_000, clockOf: setAhead }
  ])(
    "goes by its own clock, $of",
    ({ ahead, clockOf }) =>
      Effect.gen(function*() {
        const program = Effect.gen(function*() {
          const clock = clockOf(yield* Clock.Clock, ahead)
          const a = yield* start(compete("a"))
          yield* after(1, start(Effect.provideService(compete("b"), Clock.Clock, clock)))
          yield* after(4.5, kill(a))
          yield* Effect.sleep("30 seconds")
        })
        assert.deepStrictEqual(yield* logOfProgram(program), [
          "0 a became leader",
          "5500 a has ended its work",
          `${21_000 + ahead} b became leader`,
          `${35_500 + ahead} b has ended its work`,
          `${35_500 + ahead} b released the lease`
        ])
      })
  )

  it.effect("takes over at its next look when the leader is stopped, once its work has ended", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const a = yield* start(compete("a", { windsDown: 2 }))
        yield* after(1, start(compete("b")))
        yield* after(4.5, Fiber.interrupt(a))
        yield* Effect.sleep("5 seconds")
      })
      assert.deepStrictEqual(yield* logOfProgram(program), [
        "0 a became leader",
        "7500 a has ended its work",
        "7500 a released the lease",
        "9000 b became leader",
        "12500 b has ended its work",
        "12500 b released the lease"
      ])
    }))

  it.effect("looks again 2 to 4.4 seconds after a look", () =>
    Effect.gen(function*() {
      const look = Effect.andThen(Leases.create("scheduler", { holderIdentity: "b", renewTime: 0 }), compete("a"))
      assert.deepStrictEqual(yield* looksOf(look, [0, 0.5, 0.25, 0.75]), [0, 2500, 6200, 9300, 13_600])
    }))

  it.effect("comes too late when another one is faster", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const slow = (identity: string) =>
          Effect.updateService(compete(identity), Api, (api) => ({
            ...api,
            // The answer takes a while.
            get: (kind, name) => Effect.ensuring(api.get(kind, name), Effect.sleep("100 millis"))
          }))
        const fibers = [yield* start(slow("a")), yield* start(slow("b"))]
        yield* after(1, Fiber.interruptAll(fibers))
        yield* start(slow("c"))
        yield* start(slow("d"))
        yield* Effect.sleep("1 second")
      })
      assert.deepStrictEqual(yield* logOfProgram(program), [
        "100 a became leader",
        "100 Warn b: leases/scheduler exists",
        "1000 a has ended its work",
        "1100 a released the lease",
        "1200 c became leader",
        "1200 Warn d: leases/scheduler is at 5, not 4",
        "2100 c has ended its work",
        "2200 c released the lease"
      ])
    }))
})

describe("a leader", () => {
  it.effect("renews 2 seconds after a renewal, and each 2 seconds while it fails", () =>
    Effect.gen(function*() {
      const outage = Effect.forkChild(after(5, away(6)))
      const looks = yield* looksOf(Effect.andThen(outage, compete("a")), [0])
      assert.deepStrictEqual(looks, [0, 500, 3000, 5500, 7500, 9500, 11_500, 14_000])
    }))

  it.effect("leads on when it can renew the lease within 10 seconds", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* start(compete("a"))
        yield* after(5, away(6.5))
        yield* after(5, away(8))
        yield* Effect.sleep("1 second")
      })
      assert.deepStrictEqual(yield* logOfProgram(program), [
        "0 a became leader",
        "6000 Warn a: connection refused",
        "8000 Warn a: connection refused",
        "10000 Warn a: connection refused",
        "18000 Warn a: connection refused",
        "20000 Warn a: connection refused",
        "22000 Warn a: connection refused",
        "24000 Warn a: connection refused",
        "25500 a has ended its work",
        "25500 a released the lease"
      ])
    }))

  it.effect("ends its work 10 seconds after the last renewal, and competes again", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* start(compete("a", { windsDown: 1 }))
        yield* after(5, away(12))
        yield* Effect.sleep("1 second")
      })
      assert.deepStrictEqual(yield* logOfProgram(program), [
        "0 a became leader",
        "6000 Warn a: connection refused",
        "8000 Warn a: connection refused",
        "10000 Warn a: connection refused",
        "12000 Warn a: connection refused",
        "14000 a lost the lease, failed renewals: 4",
        "15000 a has ended its work",
        "15000 Warn a: connection refused",
        "17000 a became leader",
        "19000 a has ended its work",
        "19000 a released the lease"
      ])
    }))

  it.effect("counts these from when the renewal was sent, however late its answer came", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const slow = Effect.updateService(compete("a"), Api, (api) => ({
          ...api,
          update: (kind, item) => Effect.tap(api.update(kind, item), Effect.sleep("3 seconds"))
        }))
        yield* start(slow)
        yield* after(12, away(6.5))
      })
      assert.deepStrictEqual(yield* logOfProgram(program), [
        "3000 a became leader",
        "13000 Warn a: connection refused",
        "15000 Warn a: connection refused",
        "17000 Warn a: connection refused",
        "18000 a lost the lease, failed renewals: 3",
        "18000 a has ended its work",
        "18000 Warn a: connection refused",
        "21500 a released the lease"
      ])
    }))

  it.effect("is followed by another one while it cannot renew", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* start(compete("a"))
        yield* after(1, start(compete("b")))
        yield* after(4.5, away(25))
        yield* Effect.sleep("5 seconds")
      })
      const log = yield* logOfProgram(program)
      assert.deepStrictEqual(log.filter((line) => !line.includes("Warn")), [
        "0 a became leader",
        "14000 a lost the lease, failed renewals: 4",
        "14000 a has ended its work",
        "31000 b became leader",
        "35500 b has ended its work",
        "35500 b released the lease"
      ])
    }))

  it.effect("ends its work in time, and itself, when no answer comes at all", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const a = yield* start(Effect.updateService(compete("a"), Api, (api) => ({
          ...api,
          get: (kind, name) =>
            Effect.flatMap(Clock.currentTimeMillis, (now) => now < 5000 ? api.get(kind, name) : Effect.never)
        })))
        yield* after(30, Fiber.interrupt(a))
        yield* Effect.log("a has ended")
      })
      assert.deepStrictEqual(yield* logOfProgram(program), [
        "0 a became leader",
        "14000 a lost the lease, failed renewals: 1",
        "14000 a has ended its work",
        "24000 Warn a: Operation timed out after '10s'",
        "40000 a has ended"
      ])
    }))

  it.effect("releases the lease though its last renewal arrives in between", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const scope = yield* Effect.scope
        const a = yield* start(Effect.updateService(compete("a"), Api, (api) => ({
          ...api,
          get: (kind, name) => Effect.ensuring(api.get(kind, name), Effect.sleep("100 millis")),
          // It arrives even when nobody waits for it any more.
          update: (kind, item) =>
            Effect.delay(api.update(kind, item), "150 millis").pipe(Effect.forkIn(scope), Effect.flatMap(Fiber.join))
        })))
        yield* Effect.delay(Fiber.interrupt(a), 2650)
      })
      assert.deepStrictEqual(yield* logOfProgram(Effect.scoped(program)), [
        "250 a became leader",
        "2650 a has ended its work",
        "3150 a released the lease"
      ])
    }))

  it.effect.each([
    { name: "succeeds", work: Effect.succeed(42), exit: Exit.succeed(42) },
    { name: "fails", work: Effect.fail("no disk"), exit: Exit.fail("no disk") }
  ])("releases the lease when its work $name", ({ exit, work }) =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const exit = yield* Effect.exit(lead(after(3, work), candidate("a")))
        return { exit, lease: (yield* Leases.get("scheduler")).spec }
      })
      const { endedAt, exit: ended } = yield* logOf(Effect.provide(program, layerMemory), { until: "1 minute" })
      const lease = { holderIdentity: "", renewTime: 2000 }
      assert.deepStrictEqual([endedAt, Option.getOrThrow(ended)], [3000, Exit.succeed({ exit, lease })])
    }))
})

/** A server that is asked through a network: answers take their time, and may be lost. What was sent arrives nevertheless. */
const network = Effect.fnUntraced(function*(weather: { isBad: boolean; isCut: boolean }) {
  const api = yield* Api
  const scope = yield* Effect.scope
  const lag = Effect.gen(function*() {
    const [draw, length] = [yield* Random.next, yield* Random.next]
    if (weather.isBad) yield* Effect.sleep(length * (draw < 0.8 ? 100 : draw < 0.95 ? 3000 : 20_000))
    if (weather.isCut) return yield* new Unavailable({ message: "no route to host" })
  })
  const through = <A, E>(request: Effect.Effect<A, E>) =>
    lag.pipe(
      Effect.andThen(request),
      Effect.tap(lag),
      Effect.forkIn(scope),
      Effect.flatMap(Fiber.join)
    )
  return Api.of({
    ...api,
    get: (kind, name) => through(api.get(kind, name)),
    create: (kind, name, spec) => through(api.create(kind, name, spec)),
    update: (kind, item) => through(api.update(kind, item))
  })
})

interface Fate {
  /** How many seconds the work takes to end, at most. */
  readonly windsDown: number
}

const between = (min: number, max: number) => Effect.map(Random.next, (draw) => min + draw * (max - min))

const sleepBetween = (min: number, max: number) => Effect.flatMap(between(min * 1000, max * 1000), Effect.sleep)

/** A candidate that comes and goes, is stopped or dies, by a clock of its own; and the weather between it and the server. */
const live = Effect.fnUntraced(function*(identity: string, terms: Array<Term>, { windsDown }: Fate) {
  const clock = yield* Clock.Clock
  const weather = { isBad: true, isCut: false }
  const api = yield* network(weather)
  const own = clockOf(clock, { ahead: yield* between(-1e7, 1e7), rate: yield* between(0.9, 1.1) })
  const work = Effect.onInterrupt(Effect.never, () => sleepBetween(0, windsDown))
  const leading = lead(Effect.provideService(noted(work, identity, terms), Clock.Clock, clock), candidate(identity))
    .pipe(
      Effect.provideService(Clock.Clock, own),
      Effect.provideService(Api, api)
    )
  const cuts = Effect.gen(function*() {
    yield* sleepBetween(5, 60)
    weather.isCut = true
    yield* sleepBetween(0, 30)
    weather.isCut = false
  })
  const lives = Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(leading)
    yield* sleepBetween(10, 120)
    if ((yield* Random.next) < 0.5) weather.isCut = true // it dies
    yield* Fiber.interrupt(fiber)
    weather.isCut = false
    yield* sleepBetween(0, 30)
  })
  yield* Effect.raceFirst(Effect.forever(cuts), Effect.forever(lives)).pipe(Effect.timeoutOption("15 minutes"))
  Object.assign(weather, { isBad: false, isCut: false })
  yield* leading
})

/** 15 minutes of three candidates, and one of good weather. */
const trial = Effect.fnUntraced(function*(seed: number, fate: Fate) {
  const terms: Array<Term> = []
  const program = Effect.gen(function*() {
    const { down } = yield* Faults
    yield* Effect.forkChild(Effect.timeoutOption(
      Effect.forever(Effect.andThen(sleepBetween(60, 240), down(sleepBetween(0, 60)))),
      "15 minutes"
    ))
    yield* Effect.forEach(["a", "b", "c"], (identity) => live(identity, terms, fate), {
      concurrency: "unbounded"
    })
  }).pipe(Effect.scoped, Effect.provide([layerMemory, Logger.layer([])]), Random.withSeed(seed))
  let leaders: number | undefined
  yield* TestLoop.record(() =>
    Effect.raceFirst(
      program,
      Effect.delay(
        Effect.sync(() => {
          leaders = terms.filter(({ end }) => end === Infinity).length
        }),
        "16 minutes"
      )
    ), { until: "17 minutes" })
  return { seed, overlaps: overlaps(terms), leaders }
})

const seeds = Array.from({ length: 20 }, (_, i) => i + 1)

describe("three candidates, with clocks of their own, in bad weather", () => {
  it.effect("are never two leaders, and one in the end", () =>
    Effect.gen(function*() {
      const trials = yield* Effect.forEach(seeds, (seed) => trial(seed, { windsDown: 1 }))
      assert.deepStrictEqual(trials, seeds.map((seed) => ({ seed, overlaps: [], leaders: 1 })))
    }))

  it.effect("can be two where the work takes longer to end than the lease outlasts the deadline", () =>
    Effect.gen(function*() {
      const found = yield* Effect.findFirst(
        seeds,
        (seed) => Effect.map(trial(seed, { windsDown: 10 }), ({ overlaps }) => overlaps.length > 0)
      )
      assert.isTrue(Option.isSome(found))
    }))
})
