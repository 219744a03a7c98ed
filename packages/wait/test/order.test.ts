/** The order of combinators in a pipe: which of them commute, beside a model, under every driver. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Option, Random, Schedule, Stream } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Poll, Retry, Timeline } from "effect-wait"
import * as fc from "fast-check"
import { clockOf } from "../src/internal/clockOf.ts"

type Values = Schedule.Schedule<unknown, unknown, unknown>
type Combinator = (self: Values) => Values

const most = 7

interface World {
  /** How long the runs take, over and over. */
  readonly lengths: ReadonlyArray<number>
  /** The random numbers, over and over. */
  readonly draws: ReadonlyArray<number>
}

type StartsOf = (schedule: Values, world: World) => ReadonlyArray<number>

const nth = (list: ReadonlyArray<number>, i: number) => list[i % list.length]!

/** The starts of at most seven runs under a driver, in a world in which a sleep takes no real time. */
const starting =
  (drive: (work: Effect.Effect<void>, schedule: Values) => Effect.Effect<unknown, unknown>) =>
  (schedule: Values, { draws, lengths }: World): ReadonlyArray<number> => {
    const starts: Array<number> = []
    let now = 0
    let drawn = 0
    const next = () => nth(draws, drawn++)
    const clock = clockOf(() => now, (duration) => Effect.sync(() => void (now += Duration.toMillis(duration))))
    const work = Effect.suspend(() => {
      if (starts.length === most) return Effect.die("enough")
      now += nth(lengths, starts.push(now) - 1)
      return Effect.void
    })
    Effect.runSync(
      drive(work, schedule).pipe(
        Effect.exit,
        Effect.provideService(Clock.Clock, clock),
        Effect.provideService(Random.Random, { nextDoubleUnsafe: next, nextIntUnsafe: next })
      )
    )
    return starts
  }

const failing = (work: Effect.Effect<void>) => Effect.andThen(work, Effect.fail("again"))

/** Drivers whose first run starts at once. */
const repeating: Record<string, StartsOf> = {
  "Loop.run": starting((work, schedule) => Loop.run(work, schedule)),
  "Retry.run": starting((work, schedule) => Retry.run(failing(work), schedule)),
  "Poll.until": starting((work, schedule) => Poll.until(Effect.as(work, false), schedule)),
  "Effect.repeat": starting((work, schedule) => Effect.repeat(work, schedule)),
  "Effect.retry": starting((work, schedule) => Effect.retry(failing(work), schedule)),
  "Timeline.simulate": (schedule, { draws, lengths }) =>
    Timeline.starts(Effect.runSync(Timeline.simulate(schedule, {
      until: 1e12,
      work: (run) => nth(lengths, run),
      random: draws,
      maxRuns: most
    })))
}

/** Drivers that start with a delay. */
const delaying: Record<string, StartsOf> = {
  "Effect.schedule": starting((work, schedule) => Effect.schedule(work, schedule)),
  "Stream.fromSchedule": starting((work, schedule) => Stream.runForEach(Stream.fromSchedule(schedule), () => work))
}

/** A combinator, or a schedule, by its name. */
interface Named<A> {
  readonly name: string
  readonly value: A
  readonly [fc.toStringMethod]: () => string
}

const named = <A>(name: string, value: A): Named<A> => ({ name, value, [fc.toStringMethod]: () => name })

type Pipe = Named<Values>
type Part = Named<Combinator>

const pipe = (self: Pipe, parts: ReadonlyArray<Part>): Pipe =>
  parts.reduce((pipe, part) => named(`${pipe.name} |> ${part.name}`, part.value(pipe.value)), self)

/** The parts, with others put in at these places. */
const withAt = (
  parts: ReadonlyArray<Part>,
  ...others: ReadonlyArray<readonly [place: number, part: Part]>
): ReadonlyArray<Part> =>
  others.reduce((list, [place, part]) => list.toSpliced(place % (list.length + 1), 0, part), parts)

/** To microseconds: a sleep has no more than nanoseconds. */
const rounded = (starts: ReadonlyArray<number>) => starts.map((start) => Math.round(start * 1000) / 1000)

/** Each of these pipes starts its runs at these times, under each driver. */
const holds = (
  pipes: ReadonlyArray<Pipe>,
  world: World,
  startsIn: (world: World) => ReadonlyArray<number> = (world) => repeating["Loop.run"]!(pipes[0]!.value, world)
) => {
  const starts = rounded(startsIn(world))
  // The delay before the first run is that after a run of no length.
  const delayed = startsIn({ ...world, lengths: [0, ...Array.from({ length: most }, (_, i) => nth(world.lengths, i))] })
  for (const { name, value } of pipes) {
    for (const [driver, startsOf] of Object.entries(repeating)) {
      assert.deepStrictEqual(rounded(startsOf(value, world)), starts, `${name} under ${driver}`)
    }
    for (const [driver, startsOf] of Object.entries(delaying)) {
      const later = rounded(startsOf(value, world)).slice(0, most - 1)
      assert.deepStrictEqual(later, rounded(delayed).slice(1), `${name} under ${driver}`)
    }
  }
}

// All times have few binary digits, so that no order of additions and multiplications rounds.
const unit = 1024

const draw = fc.constantFrom(0, 0.25, 0.5, 0.75)
const draws = fc.array(draw, { minLength: 1, maxLength: 7 })
const lengths = fc.oneof(
  fc.constant([0]),
  fc.array(fc.integer({ min: 1, max: unit - 1 }), { minLength: 1, maxLength: 5 }),
  fc.array(fc.integer({ min: 0, max: 8 * unit }), { minLength: 1, maxLength: 5 })
)
const world: fc.Arbitrary<World> = fc.record({ lengths, draws })
const units = (min: number, max: number) => fc.integer({ min, max }).map((n) => n * unit)
const place = fc.nat({ max: 11 })
const count = fc.integer({ min: 1, max: 5 })

/** A schedule that grows, and its delay by the model, after `n` others; undefined at the end. */
interface Growth extends Pipe {
  readonly delay: (n: number) => number | undefined
}

const growing = (name: string, schedule: Values, delay: Growth["delay"]): Growth => ({
  ...named(name, schedule),
  delay
})

const period = units(0, 4)
const sliding = (period: number) => growing(`sliding(${period})`, Period.sliding(period), () => period)

const growth: fc.Arbitrary<Growth> = fc.oneof(
  period.map(sliding),
  fc.tuple(units(1, 2), units(1, 8)).map(([base, cap]) =>
    growing(
      `exponential(${base}, ${cap})`,
      Backoff.exponential({ base, cap }),
      (n) => Math.min(cap, base * 2 ** n)
    )
  ),
  fc.tuple(units(1, 2), units(1, 8)).map(([base, cap]) =>
    growing(`linear(${base}, ${cap})`, Backoff.linear({ base, cap }), (n) => Math.min(cap, base * (n + 1)))
  ),
  fc.array(units(0, 4), { minLength: 1, maxLength: 5 }).map((list) =>
    growing(`fromDelays(${list.join(", ")})`, Backoff.fromDelays(list), (n) => list[n])
  )
)

/** A combinator that changes each delay by itself, and what the model makes of a delay. */
interface Change extends Part {
  readonly change: (delay: number, draw: () => number) => number
}

const changing = (name: string, combinator: Combinator, change: Change["change"]): Change => ({
  ...named(name, combinator),
  change
})

const spread = (name: string, combinator: Combinator, min: number, max: number) =>
  changing(name, combinator, (delay, draw) => delay * (min + (max - min) * draw()))

const additive = spread("additive(0.5)", Jitter.additive(0.5), 1, 1.5)
const double = spread("additive(1)", Jitter.additive(1), 1, 2)
const full = spread("full", Jitter.full, 0, 1)
const equal = spread("equal", Jitter.equal, 0.5, 1)
const around = spread("between(0.5, 1.5)", Jitter.between(0.5, 1.5), 0.5, 1.5)

const jitter = fc.constantFrom(additive, double, full, equal, around)
const cap = units(0, 6).map((max) => changing(`delay(${max})`, Limit.delay(max), (delay) => Math.min(delay, max)))
const changes = fc.array(fc.oneof(jitter, cap), { maxLength: 3 })

const fromStart = named<Combinator>("fromStart", Period.fromStart)
const attempts = (n: number) => named<Combinator>(`attempts(${n})`, Limit.attempts(n))
const within = (total: number) => named<Combinator>(`within(${total})`, Limit.within(total))
const resetAfter = (healthy: number) => named<Combinator>(`resetAfter(${healthy})`, Backoff.resetAfter(healthy))
const hint = (floor: number) =>
  named<Combinator>(`hint(${floor})`, Retry.hint(() => Option.some(floor), { max: 6 * unit }))

interface Model {
  readonly growth: Growth
  readonly changes?: ReadonlyArray<Change>
  /** Whether delays are measured from the start of the run. */
  readonly fromStart?: boolean
  /** The shortest delay from the end of the run. */
  readonly floor?: number
  readonly healthy?: number
  readonly attempts?: number
  readonly within?: number
}

/** The rule: change the whole delay, then take off the run, once. */
const modelOf = (
  { attempts = Infinity, changes = [], floor = 0, fromStart = false, growth, healthy = Infinity, within = Infinity }:
    Model
) =>
({ draws, lengths }: World): ReadonlyArray<number> => {
  const starts = [0]
  let drawn = 0
  let grown = 0
  while (starts.length < Math.min(most, attempts)) {
    const length = nth(lengths, starts.length - 1)
    if (length > healthy) grown = 0
    const delay = growth.delay(grown++)
    if (delay === undefined) break
    const whole = changes.reduce((delay, { change }) => change(delay, () => nth(draws, drawn++)), delay)
    const next = starts.at(-1)! + Math.max(length + floor, fromStart ? whole : length + whole)
    if (next > within) break
    starts.push(next)
  }
  return starts
}

const law = <Ts extends [unknown, ...Array<unknown>]>(name: string, property: fc.IPropertyWithHooks<Ts>) =>
  it(name, () => fc.assert(property, { numRuns: 60 }), 60_000)

describe("laws of order", () => {
  law(
    "without fromStart delays are measured from the end of the run",
    fc.property(growth, changes, world, (growth, changes, world) => {
      holds([pipe(growth, changes)], world, modelOf({ growth, changes }))
    })
  )

  law(
    "fromStart commutes with growth, every jitter and Limit.delay, and is idempotent",
    fc.property(growth, changes, fc.tuple(place, place, place), world, (growth, changes, [a, b, c], world) => {
      holds(
        [
          pipe(growth, [...changes, fromStart]),
          pipe(growth, withAt(changes, [a, fromStart])),
          pipe(growth, withAt(changes, [b, fromStart], [c, fromStart]))
        ],
        world,
        modelOf({ growth, changes, fromStart: true })
      )
    })
  )

  law(
    "nonSliding(p) is fromStart(sliding(p)), whatever follows",
    fc.property(period, changes, place, world, (period, changes, place, world) => {
      const growth = sliding(period)
      const nonSliding = named(`nonSliding(${period})`, Period.nonSliding(period))
      holds(
        [
          pipe(nonSliding, changes),
          pipe(growth, [fromStart, ...changes]),
          pipe(nonSliding, withAt(changes, [place, fromStart]))
        ],
        world,
        modelOf({ growth, changes, fromStart: true })
      )
    })
  )

  law(
    "backoffs that draw commute with fromStart as well",
    fc.property(
      fc.constantFrom(
        named("decorrelated", Backoff.decorrelated({ base: unit, cap: 8 * unit })),
        named("toSchedule", Backoff.toSchedule({ duration: unit, factor: 2, jitter: 0.5, steps: 4, cap: 8 * unit }))
      ),
      changes,
      place,
      world,
      (schedule, changes, place, world) => {
        holds([pipe(schedule, [...changes, fromStart]), pipe(schedule, withAt(changes, [place, fromStart]))], world)
      }
    )
  )

  law(
    "jitters commute with each other when the draws are equal, and limits with each other",
    fc.property(
      growth,
      fc.oneof(fc.array(jitter, { minLength: 2, maxLength: 3 }), fc.array(cap, { minLength: 2, maxLength: 3 })),
      fc.boolean(),
      draw,
      lengths,
      (growth, changes, isFromStart, draw, lengths) => {
        const measured = isFromStart ? [fromStart] : []
        holds(
          [pipe(growth, [...measured, ...changes]), pipe(growth, [...changes.toReversed(), ...measured])],
          { draws: [draw], lengths },
          modelOf({ growth, changes, fromStart: isFromStart })
        )
      }
    )
  )

  law(
    "Limit.attempts and Limit.within end what comes before them in the pipe, wherever fromStart stands in that",
    fc.property(growth, changes, place, count, units(0, 16), world, (growth, changes, place, runs, total, world) => {
      const parts = withAt(changes, [place, fromStart])
      holds(
        [
          pipe(growth, [...parts, attempts(runs), within(total)]),
          pipe(growth, [...parts, within(total), attempts(runs)])
        ],
        world,
        modelOf({ growth, changes, fromStart: true, attempts: runs, within: total })
      )
    })
  )

  law(
    "Limit.attempts commutes with the combinators that change single delays",
    fc.property(growth, changes, place, place, count, world, (growth, changes, a, b, runs, world) => {
      holds(
        [pipe(growth, withAt(changes, [a, fromStart], [b, attempts(runs)]))],
        world,
        modelOf({ growth, changes, fromStart: true, attempts: runs })
      )
    })
  )

  law(
    "Backoff.resetAfter commutes with the combinators that change single delays",
    fc.property(growth, changes, place, place, units(0, 4), world, (growth, changes, a, b, healthy, world) => {
      holds(
        [pipe(growth, withAt(changes, [a, fromStart], [b, resetAfter(healthy)]))],
        world,
        modelOf({ growth, changes, fromStart: true, healthy })
      )
    })
  )

  law(
    "Retry.hint is a floor from the end of the run, wherever fromStart stands",
    fc.property(growth, changes, place, units(0, 6), world, (growth, changes, place, floor, world) => {
      const parts = [...changes, hint(floor)]
      holds(
        [pipe(growth, [...parts, fromStart]), pipe(growth, withAt(parts, [place, fromStart]))],
        world,
        modelOf({ growth, changes, fromStart: true, floor })
      )
    })
  )

  law(
    "a jitter after Retry.hint does the same wherever fromStart stands",
    fc.property(growth, changes, place, units(0, 6), world, (growth, changes, place, floor, world) => {
      const parts = [...changes, hint(floor), additive]
      holds(
        [
          pipe(growth, [...parts, fromStart]),
          pipe(growth, [fromStart, ...parts]),
          pipe(growth, withAt(parts, [place, fromStart]))
        ],
        world
      )
    })
  )

  const interval = 2 * unit
  const ticker = named("ticker", Period.ticker(interval))
  const skipping = named("ticker, skip", Period.ticker(interval, { missed: "skip" }))

  law(
    "fromStart leaves a grid as it is, before and after jitters",
    fc.property(
      fc.constantFrom(ticker, skipping),
      fc.array(jitter, { maxLength: 2 }),
      place,
      world,
      (grid, jitters, place, world) => {
        holds([pipe(grid, jitters), pipe(grid, withAt(jitters, [place, fromStart]))], world)
      }
    )
  )

  const spreads = fc.constantFrom<ReadonlyArray<Change>>(
    [],
    [additive],
    [double],
    [full],
    [equal],
    [around],
    [full, double],
    [additive, equal]
  )

  /** The run `n` is that of slot `n`: spread from the slot before, or at the end of the run before where that is later. */
  const slots = (jitters: ReadonlyArray<Change>) => ({ draws, lengths }: World) => {
    const starts = [0]
    let drawn = 0
    while (starts.length < most) {
      const spread = jitters.reduce((delay, { change }) => change(delay, () => nth(draws, drawn++)), interval)
      const end = starts.at(-1)! + nth(lengths, starts.length - 1)
      starts.push(Math.max(end, (starts.length - 1) * interval + spread))
    }
    return starts
  }

  law(
    "on a grid each slot has one run, spread from the slot before, while runs are shorter than the interval",
    fc.property(
      spreads,
      fc.array(fc.integer({ min: 0, max: interval - 1 }), { minLength: 1, maxLength: 5 }),
      draws,
      (jitters, lengths, draws) => {
        holds([pipe(ticker, jitters)], { lengths, draws }, slots(jitters))
      }
    )
  )

  law(
    "on a grid that misses none each slot has one run, whatever runs take",
    fc.property(spreads, place, world, (jitters, place, world) => {
      const all = named("ticker, all", Period.ticker(interval, { missed: "all" }))
      holds([pipe(all, jitters), pipe(all, withAt(jitters, [place, fromStart]))], world, slots(jitters))
    })
  )
})

/** A schedule of ours, and the one of Effect's that it stands for. */
interface Pair {
  readonly name: string
  readonly ours: Values
  readonly theirs: Values
  readonly [fc.toStringMethod]: () => string
}

const pair = (name: string, ours: Values, theirs: Values): Pair => ({
  name,
  ours,
  theirs,
  [fc.toStringMethod]: () => name
})

const seconds = (most: number) => fc.integer({ min: 1, max: most }).map((n) => n * 1000)
const timeless = fc.oneof(
  seconds(90).map((n) => pair(`sliding ${n}`, Period.sliding(n), Schedule.spaced(n))),
  seconds(10).map((n) => pair(`exponential ${n}`, Backoff.exponential({ base: n, cap: 1e9 }), Schedule.exponential(n))),
  seconds(59).map((n) => {
    const expression = `${n / 1000} * * * * *`
    return pair(
      `cron ${expression}`,
      Period.cron(expression, { timeZone: "UTC" }),
      Schedule.cron(expression, "UTC")
    )
  })
)
// A wake that is later than they asked for counts as a run that took so long. Under `max` another schedule may be its cause.
const timed = fc.oneof(
  seconds(90).map((n) => pair(`nonSliding ${n}`, Period.nonSliding(n), Schedule.spaced(n))),
  seconds(90).map((n) => pair(`ticker ${n}`, Period.ticker(n), Schedule.windowed(n))),
  seconds(90).map((n) => pair(`ticker ${n}, skip`, Period.ticker(n, { missed: "skip" }), Schedule.windowed(n)))
)

type All = readonly [Values, ...Array<Values>]

const combined = (inner: fc.Arbitrary<Pair>, ...kinds: ReadonlyArray<"min" | "max">) =>
  fc.tuple(fc.constantFrom(...kinds), fc.tuple(inner, inner)).map(([kind, pairs]) => {
    const combine: (schedules: All) => Values = kind === "min" ? Schedule.min : Schedule.max
    return pair(
      `${kind}(${pairs.map(({ name }) => name).join(", ")})`,
      combine([pairs[0].ours, pairs[1].ours]),
      combine([pairs[0].theirs, pairs[1].theirs])
    )
  })

const anyOf = combined(timeless, "min", "max")
const minOf = combined(fc.oneof(timeless, timed), "min")

describe("laws of Effect's combinators", () => {
  law(
    "any min of ours, and any max that needs no start of the run, starts runs of no length when that of Effect's own does",
    fc.property(
      fc.oneof(anyOf, combined(anyOf, "min", "max"), minOf, combined(minOf, "min")),
      ({ name, ours, theirs }) => {
        const quick = { draws: [0.5], lengths: [0] }
        for (const driver of ["Effect.repeat", "Effect.retry"]) {
          assert.deepStrictEqual(
            repeating[driver]!(ours, quick),
            repeating[driver]!(theirs, quick),
            `${name} under ${driver}`
          )
        }
        for (const [driver, startsOf] of Object.entries(delaying)) {
          assert.deepStrictEqual(startsOf(ours, quick), startsOf(theirs, quick), `${name} under ${driver}`)
        }
      }
    )
  )
})

describe("timelines of pipes in any order", () => {
  const hint = Retry.hint(() => Option.some("3 seconds"), { max: "1 minute" })
  const everySecond = Period.cron("* * * * * *", { timeZone: "UTC" })
  const tables: ReadonlyArray<{
    readonly name: string
    readonly work: number
    readonly drivers?: ReadonlyArray<string>
    readonly pipes: ReadonlyArray<Values>
    readonly starts: ReadonlyArray<number>
  }> = [
    {
      name: "a jittered period from the start, with runs of 400 ms",
      work: 400,
      pipes: [
        Period.nonSliding("1 second").pipe(Jitter.additive(0.2)),
        Period.sliding("1 second").pipe(Jitter.additive(0.2), Period.fromStart),
        Period.sliding("1 second").pipe(Period.fromStart, Jitter.additive(0.2))
      ],
      starts: [0, 1100, 2200, 3300, 4400, 5500, 6600]
    },
    {
      name: "a jittered period from the start, with runs that overrun",
      work: 1500,
      pipes: [
        Period.nonSliding("1 second").pipe(Jitter.additive(0.2)),
        Period.sliding("1 second").pipe(Jitter.additive(0.2), Period.fromStart)
      ],
      starts: [0, 1500, 3000, 4500, 6000, 7500, 9000]
    },
    {
      name: "a jittered period from the start, with runs that only some delays hold",
      work: 1500,
      pipes: [
        Period.nonSliding("1 second").pipe(Jitter.additive(1.2)),
        Period.sliding("1 second").pipe(Period.fromStart, Jitter.additive(1.2))
      ],
      starts: [0, 1600, 3200, 4800, 6400, 8000, 9600]
    },
    {
      name: "a hint of 3 s, with runs of 2 s",
      work: 2000,
      pipes: [
        Period.nonSliding("1 second").pipe(hint),
        Period.sliding("1 second").pipe(hint, Period.fromStart),
        Period.sliding("1 second").pipe(Period.fromStart, hint)
      ],
      starts: [0, 5000, 10_000, 15_000, 20_000, 25_000, 30_000]
    },
    {
      name: "a hint that is shorter than the rest of the delay",
      work: 1000,
      pipes: [
        Period.nonSliding("5 seconds").pipe(hint),
        Period.sliding("5 seconds").pipe(hint, Period.fromStart)
      ],
      starts: [0, 5000, 10_000, 15_000, 20_000, 25_000, 30_000]
    },
    {
      name: "a limit of 600 ms, from the start",
      work: 400,
      pipes: [
        Period.nonSliding("1 second").pipe(Limit.delay("600 millis")),
        Period.sliding("1 second").pipe(Limit.delay("600 millis"), Period.fromStart)
      ],
      starts: [0, 600, 1200, 1800, 2400, 3000, 3600]
    },
    {
      name: "a jittered ticker, with runs of no length",
      work: 0,
      pipes: [
        Period.ticker("1 second").pipe(Jitter.additive(0.2)),
        Period.ticker("1 second").pipe(Period.fromStart, Jitter.additive(0.2)),
        Period.ticker("1 second").pipe(Jitter.additive(0.2), Period.fromStart)
      ],
      starts: [0, 1100, 2100, 3100, 4100, 5100, 6100]
    },
    {
      name: "a jittered ticker, with runs of 400 ms",
      work: 400,
      pipes: [Period.ticker("1 second").pipe(Jitter.additive(0.2))],
      starts: [0, 1100, 2100, 3100, 4100, 5100, 6100]
    },
    {
      name: "a ticker whose jitter shortens, with runs of 400 ms",
      work: 400,
      pipes: [
        Period.ticker("1 second").pipe(Jitter.between(0.6, 1)),
        Period.ticker("1 second", { missed: "skip" }).pipe(Jitter.between(0.6, 1))
      ],
      starts: [0, 800, 1800, 2800, 3800, 4800, 5800]
    },
    {
      name: "a limit on a ticker adds runs between its slots",
      work: 0,
      pipes: [
        Period.ticker("1 second").pipe(Limit.delay("400 millis")),
        Period.ticker("1 second").pipe(Period.fromStart, Limit.delay("400 millis"))
      ],
      starts: [0, 400, 800, 1000, 1400, 1800, 2000]
    },
    {
      name: "a calendar whose jitter lengthens, with runs of 400 ms",
      work: 400,
      drivers: ["Effect.repeat", "Effect.retry"],
      pipes: [everySecond.pipe(Jitter.additive(0.2))],
      starts: [0, 1100, 2100, 3100, 4100, 5100, 6100]
    },
    {
      name: "a calendar whose jitter shortens",
      work: 0,
      drivers: ["Effect.repeat", "Effect.retry"],
      pipes: [everySecond.pipe(Jitter.between(0.6, 1))],
      starts: [0, 800, 1800, 2800, 3800, 4800, 5800]
    }
  ]
  for (const { drivers = Object.keys(repeating), name, pipes, starts, work } of tables) {
    it(name, () => {
      for (const driver of drivers) {
        pipes.forEach((schedule, i) => {
          const got = repeating[driver]!(schedule, { draws: [0.5], lengths: [work] })
          assert.deepStrictEqual(rounded(got), starts, `pipe ${i} under ${driver}`)
        })
      }
    })
  }
})
