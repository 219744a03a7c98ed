import { ClusterLoop } from "@effect-wait/cluster"
import { LeaseStorage } from "@effect-wait/cluster/testing"
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Clock,
  Context,
  Duration,
  Effect,
  Exit,
  Layer,
  Logger,
  Metric,
  Option,
  Random,
  References,
  Schedule,
  Scope,
  Tracer
} from "effect"
import { Backoff, Jitter, Limit, Period } from "effect-wait"
import { Sharding } from "effect/cluster"
import { TestClock } from "effect/testing"
import { addressOf, makeCluster, runner } from "./cluster.ts"

const fiveSeconds = Period.nonSliding("5 seconds")

const starting = () => {
  const starts: Array<number> = []
  return { starts, start: Effect.map(Clock.currentTimeMillis, (now) => starts.push(now)) }
}

/** What is logged, as `level: message`, and the annotations of it. */
const logging = () => {
  const entries: Array<string> = []
  const annotations: Array<Readonly<Record<string, unknown>>> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    entries.push(`${logLevel}: ${String(Array.isArray(message) ? message[0] : message)}`)
    annotations.push(fiber.getRef(References.CurrentLogAnnotations))
  })
  return { entries, annotations, layer: Logger.layer([logger]) }
}

const embedded = <E, R>(loop: Layer.Layer<never, E, R>) =>
  Layer.build(Layer.provideMerge(loop, ClusterLoop.layerEmbedded)).pipe(Effect.tap(TestClock.adjust(1)))

describe("ClusterLoop.layer", () => {
  it.effect("runs at once on one machine, and as the schedule says", () =>
    Effect.gen(function*() {
      const { start, starts } = starting()
      yield* embedded(ClusterLoop.layer(start, Period.nonSliding("1 second"), { name: "sync" }))
      yield* TestClock.adjust("3500 millis")
      assert.deepStrictEqual(starts, [1, 1001, 2001, 3001])
    }))

  it.effect("has the first run of a calendar at its first slot, unless it is immediate", () =>
    Effect.gen(function*() {
      const schedule = Period.cron("* * * * *", { timeZone: "UTC" })
      for (
        const [name, immediate, expected] of [
          ["by default", undefined, [60_000, 120_000]],
          ["immediate", true, [1, 60_000, 120_000]],
          ["not immediate", false, [60_000, 120_000]]
        ] as const
      ) {
        const { start, starts } = starting()
        yield* Effect.gen(function*() {
          yield* embedded(ClusterLoop.layer(start, schedule, { name, immediate }))
          yield* TestClock.adjust("150 seconds")
        }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))
        assert.deepStrictEqual(starts, [...expected], name)
      }
    }))

  it.effect("runs on one of three runners, and moves once when others join", () =>
    Effect.gen(function*() {
      const { join, runs, terms } = yield* makeCluster(fiveSeconds)
      for (const port of [1, 2, 3]) yield* join(port)
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(runs, [[0, 1], [3, 3], [8, 3], [13, 3], [18, 3]])
      assert.strictEqual(terms.size, 2)
    }))

  it.effect("goes on elsewhere when its owner is stopped gracefully", () =>
    Effect.gen(function*() {
      const { join, runs, terms } = yield* makeCluster(fiveSeconds)
      const first = yield* join(1)
      yield* join(2)
      yield* TestClock.adjust("12 seconds")
      yield* first.stop
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(runs, [[0, 1], [5, 1], [10, 1], [15, 2], [20, 2], [25, 2]])
      assert.strictEqual(terms.size, 2)
    }))

  it.effect("stops where its owner is cut off, goes on elsewhere when the lease has run out, and comes back when it is healed", () =>
    Effect.gen(function*() {
      const { join, leases, runs, terms } = yield* makeCluster(fiveSeconds)
      yield* join(1)
      yield* join(2)
      yield* TestClock.adjust("12 seconds")
      yield* leases.partition(addressOf(1))
      yield* TestClock.adjust("58 seconds")
      const meanwhile: typeof runs = [[0, 1], [5, 1], [10, 1], [15, 1], [20, 1], [45, 2], [50, 2], [55, 2], [60, 2], [
        65,
        2
      ], [70, 2]]
      assert.deepStrictEqual(runs, meanwhile)
      yield* leases.heal(addressOf(1))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(runs.slice(meanwhile.length), [[80, 1], [85, 1], [90, 1], [95, 1], [100, 1]])
      assert.strictEqual(terms.size, 3)
    }))

  it.effect("cuts the run in flight when it is handed over", () =>
    Effect.gen(function*() {
      const ends: Array<string> = []
      const work = Effect.onExit(Effect.sleep("1 hour"), (exit) =>
        Effect.sync(() =>
          ends.push(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? "cut" : "ended")
        ))
      const { join, runs } = yield* makeCluster(fiveSeconds, work)
      const first = yield* join(1)
      yield* TestClock.adjust("10 seconds")
      yield* first.stop
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(runs, [[0, 1]])
      assert.deepStrictEqual(ends, ["cut"])
    }))

  it.effect("waits for a run that must not be cut before another runner takes over", () =>
    Effect.gen(function*() {
      const { join, runs } = yield* makeCluster(fiveSeconds, Effect.uninterruptible(Effect.sleep("30 seconds")))
      const first = yield* join(1)
      yield* join(2)
      yield* TestClock.adjust("10 seconds")
      yield* first.stop
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(runs, [[0, 1], [30, 2]])
    }))

  it.effect("backs off while it fails, dies or interrupts itself, and logs each", () =>
    Effect.gen(function*() {
      const { start, starts } = starting()
      const { annotations, entries, layer } = logging()
      const run = Effect.flatMap(start, (n): Effect.Effect<void, string> =>
        n === 2 ? Effect.fail("no") : n === 3 ? Effect.die("boom") : n === 4 ? Effect.interrupt : Effect.void)
      const seen: Array<string> = []
      const backoff = Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(
        Schedule.tap(({ input }: Schedule.Metadata<unknown, Cause.Cause<string>>) =>
          Effect.sync(() =>
            seen.push(...input.reasons.map(({ _tag }) =>
              _tag
            ))
          )
        )
      )
      yield* embedded(
        Layer.provide(ClusterLoop.layer(run, Period.sliding("1 minute"), { name: "sync", backoff }), layer)
      )
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(starts, [1, 60_001, 61_001, 63_001, 67_001, 127_001])
      assert.deepStrictEqual(seen, ["Fail", "Die", "Interrupt"])
      assert.deepStrictEqual(entries, [
        "Info: The term begins",
        "Warn: A run failed; the next one starts in 1s",
        "Warn: A run failed; the next one starts in 2s",
        "Warn: A run failed; the next one starts in 4s"
      ])
      const [{ term, ...who } = {}] = annotations
      assert.deepStrictEqual(who, { loop: "sync", runner: "localhost:34431" })
      assert.isString(term)
    }))

  it.effect("tells its hook of each failed run, defects too, with the Cause and the delay", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      let runs = 0
      const run = Effect.suspend((): Effect.Effect<void, string> =>
        ++runs === 1 ? Effect.fail("no") : runs === 2 ? Effect.die("boom") : Effect.void
      )
      yield* embedded(
        ClusterLoop.layer(run, Period.sliding("1 minute"), {
          name: "sync",
          backoff: fiveSeconds,
          onFailure: ({ cause, delay, failures }) =>
            Effect.sync(() => seen.push([Cause.squash(cause), failures, Duration.toMillis(delay)]))
        })
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(seen, [["no", 1, 5000], ["boom", 2, 5000]])
    }))

  it.effect("has a default backoff: exponential from a second to a minute, with equal jitter", () =>
    Effect.gen(function*() {
      const { start, starts } = starting()
      const run = Effect.andThen(start, Effect.fail("no"))
      const draws = [0.5, 0.25, 1, 1, 1, 1, 1, 1]
      const random = { nextDoubleUnsafe: () => draws.shift() ?? 0.5, nextIntUnsafe: () => 0 }
      const loop = ClusterLoop.layer(run, fiveSeconds, { name: "sync" })
      yield* embedded(loop).pipe(Effect.provideService(Random.Random, random))
      yield* TestClock.adjust("4 minutes")
      const delays = starts.slice(1).map((start, i) => start - (starts[i] ?? 0))
      assert.deepStrictEqual(delays, [750, 1250, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 45_000])
    }))

  it.effect("says so when its backoff or its schedule has ended, and begins again with the next term", () =>
    Effect.gen(function*() {
      const { entries, layer } = logging()
      const limited = (run: Effect.Effect<void, string>, name: string) =>
        ClusterLoop.layer(run, fiveSeconds.pipe(Limit.attempts(2)), {
          name,
          backoff: fiveSeconds.pipe(Limit.attempts(2))
        })
      yield* embedded(
        Layer.provide(Layer.merge(limited(Effect.void, "done"), limited(Effect.fail("no"), "given up")), layer)
      )
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(entries.toSorted(), [
        "Error: The loop has failed",
        "Info: The loop is done, and begins again with the next term",
        "Info: The term begins",
        "Info: The term begins",
        "Info: The term ends: done",
        "Info: The term ends: done",
        "Warn: A run failed; the next one starts in 5s"
      ])
    }))

  it.effect.each([
    { expression: "61 * * * *", change: Jitter.additive(0.1) },
    { expression: "0 0 30 2 *", change: Limit.attempts(3) }
  ])(
    "refuses the expression $expression, which nothing can read or no date matches",
    ({ change, expression }) =>
      Effect.gen(function*() {
        for (const schedule of [Period.cron(expression), change(Period.cron(expression))]) {
          const error = yield* Effect.flip(embedded(ClusterLoop.layer(Effect.void, schedule, { name: "sync" })))
          assert.strictEqual(error.reason, "schedule")
          assert.include(error.message, "The loop \"sync\" never runs: ")
        }
      })
  )

  it.effect("asks no schedule that is not its own before the first run", () =>
    Effect.gen(function*() {
      const { start, starts } = starting()
      let asked = 0
      const schedule = Schedule.tap(Period.sliding("1 second"), () => Effect.sync(() => asked++))
      const options: ClusterLoop.Options<never> = { name: "sync" }
      yield* embedded(start.pipe(ClusterLoop.layer(schedule, options)))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(asked, starts.length)
    }))

  it.effect("is owned by nobody from the moment that its layer is built, and again when it is over", () =>
    Effect.gen(function*() {
      const owned = Effect.map(
        Metric.snapshot,
        (metrics) =>
          metrics.filter(({ id }) => id === "effect_wait_cluster_owned").map(({ attributes, state }) => [
            attributes?.name,
            "value" in state && state.value
          ])
      )
      const twice = fiveSeconds.pipe(Limit.attempts(2))
      const loops = Layer.mergeAll(
        ClusterLoop.layer(Effect.void, twice, { name: "done" }),
        ClusterLoop.layer(Effect.fail("no"), fiveSeconds, { name: "given up", backoff: twice }),
        ClusterLoop.layer(Effect.void, fiveSeconds, { name: "on" })
      )
      yield* Layer.build(Layer.provideMerge(loops, ClusterLoop.layerEmbedded))
      assert.deepStrictEqual(yield* owned, [["done", 0], ["given up", 0], ["on", 0]])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* owned, [["done", 1], ["given up", 1], ["on", 1]])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* owned, [["done", 0], ["given up", 0], ["on", 1]])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))

  it.effect("says why a term ends: a hand-over, a lost lock, a shutdown", () =>
    Effect.gen(function*() {
      const ends: Array<string> = []
      const logger = Logger.make(({ fiber, message }) => {
        const text = String(Array.isArray(message) ? message[0] : message)
        if (text.startsWith("The term ends")) {
          ends.push(`${String(fiber.getRef(References.CurrentLogAnnotations)["runner"])} ${text}`)
        }
      })
      const leases = yield* LeaseStorage.make({ expiration: "35 seconds" })
      const loops = Array.from(
        { length: 20 },
        (_, i) => ClusterLoop.layer(Effect.void, fiveSeconds, { name: `loop ${i}` })
      )
      const join = Effect.fnUntraced(function*(port: number) {
        const scope = yield* Scope.make()
        const [first, ...others] = loops
        yield* Layer.build(
          Layer.mergeAll(first!, ...others).pipe(
            Layer.provide(runner(port, { shardsPerGroup: 8 })),
            Layer.provide([leases.layer, Logger.layer([logger])])
          )
        ).pipe(Scope.provide(scope))
        yield* TestClock.adjust("5 seconds")
        return scope
      })
      const seen = () => [...new Set(ends.splice(0))].toSorted()
      const first = yield* join(1)
      yield* join(2)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(seen(), ["runner:1 The term ends: hand-over"])
      yield* leases.partition(addressOf(2))
      yield* TestClock.adjust("40 seconds")
      assert.deepStrictEqual(seen(), ["runner:2 The term ends: lost lock"])
      yield* leases.heal(addressOf(2))
      yield* Effect.forkChild(Scope.close(first, Exit.void))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(seen().filter((end) => end.startsWith("runner:1")), ["runner:1 The term ends: shutdown"])
    }))

  it.effect("refuses a name that the runner has already", () =>
    Effect.gen(function*() {
      const loop = () => ClusterLoop.layer(Effect.void, fiveSeconds, { name: "sync" })
      const error = yield* Effect.flip(embedded(Layer.merge(loop(), loop())))
      assert.strictEqual(error.reason, "duplicate")
      assert.strictEqual(error.message, "This runner has a loop \"sync\" already. Give each loop a name of its own.")
    }))

  it.effect("takes a name again once its layer was closed, and goes on where the loop was", () =>
    Effect.gen(function*() {
      const { start, starts } = starting()
      const loop = () => ClusterLoop.layer(start, fiveSeconds, { name: "sync" })
      const context = yield* Layer.build(ClusterLoop.layerEmbedded)
      yield* TestClock.adjust("1 second")
      for (let times = 1; times <= 3; times++) {
        yield* Effect.scoped(Effect.andThen(Layer.build(loop()), TestClock.adjust("3 seconds"))).pipe(
          Effect.provide(context)
        )
      }
      assert.deepStrictEqual(starts, [1000, 6000])
    }))

  it.effect.each<readonly [object, string]>([
    [{ name: "" }, "ClusterLoop.layer: name must be a string that is not empty, got \"\""],
    [{ work: undefined }, "ClusterLoop.layer: work must be an Effect, got undefined"],
    [{ schedule: "1 second" }, "ClusterLoop.layer: schedule must be a Schedule, got \"1 second\""],
    [{ backoff: 5 }, "ClusterLoop.layer: backoff must be a Schedule, got 5"],
    [{ onFailure: 5 }, "ClusterLoop.layer: onFailure must be a function, got 5"],
    [{ immediate: "yes" }, "ClusterLoop.layer: immediate must be true or false, got \"yes\""]
  ])("dies when its layer is built with %j", ([changed, message]) =>
    Effect.gen(function*() {
      const { schedule, work, ...options } = { name: "sync", work: Effect.void, schedule: fiveSeconds, ...changed }
      // What no type allows.
      const loop: Layer.Layer<never, ClusterLoop.ClusterLoopError> = Reflect.apply(ClusterLoop.layer, undefined, [
        work,
        schedule,
        options
      ])
      const exit = yield* Effect.exit(embedded(loop))
      const died = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.include(String(died), message)
    }))

  it.effect("gives back after each run what it took", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const run = Effect.acquireRelease(
        Effect.sync(() => log.push("acquired")),
        () => Effect.sync(() => log.push("released"))
      )
      yield* embedded(ClusterLoop.layer(run, fiveSeconds, { name: "sync" }))
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual(log, ["acquired", "released", "acquired", "released"])
    }))

  it.effect("refuses a runner that is a client only", () =>
    Effect.gen(function*() {
      const loop = ClusterLoop.layer(Effect.void, fiveSeconds, { name: "sync" })
      const leases = yield* LeaseStorage.make({ expiration: "35 seconds" })
      const client = runner(1, { runnerAddress: Option.none() }).pipe(Layer.provide(leases.layer))
      const error = yield* Effect.flip(Layer.build(Layer.provide(loop, client)))
      assert.strictEqual(error.reason, "shardGroup")
    }))

  it.effect("refuses a shard group that the runner does not serve", () =>
    Effect.gen(function*() {
      const loop = ClusterLoop.layer(Effect.void, fiveSeconds, { name: "sync", shardGroup: "loops" })
      const error = yield* Effect.flip(embedded(loop))
      assert.strictEqual(error.reason, "shardGroup")
      assert.strictEqual(
        error.message,
        "The loop \"sync\" is to run in the shard group \"loops\", which this runner does not serve: it serves \"default\". Add it to " +
          "assignedShardGroups and availableShardGroups of its ShardingConfig, or leave the loop to the runners that have it."
      )
    }))

  it.effect("refuses another shard group than the default where no ShardingConfig says what the runner serves", () =>
    Effect.gen(function*() {
      const loop = ClusterLoop.layer(Effect.void, fiveSeconds, { name: "sync", shardGroup: "loops" })
      const context = yield* Layer.build(ClusterLoop.layerEmbedded)
      const error = yield* Effect.flip(
        Layer.build(loop).pipe(
          Effect.provideContext(
            Context.pick(Sharding.Sharding, Scope.Scope)(
              yield* Effect.map(Effect.context<Scope.Scope>(), Context.merge(context))
            )
          )
        )
      )
      assert.include(error.message, "Provide the ShardingConfig of the runner to the layer of the loop as well.")
    }))

  it.effect("runs in a shard group that the runner serves", () =>
    Effect.gen(function*() {
      const { start, starts } = starting()
      const { join } = yield* makeCluster(fiveSeconds)
      yield* join(1)
      const loop = ClusterLoop.layer(start, fiveSeconds, { name: "other", shardGroup: "loops" })
      const groups = ["default", "loops"]
      const leases = yield* LeaseStorage.make({ expiration: "35 seconds" })
      yield* Layer.build(
        Layer.provide(
          loop,
          runner(2, { availableShardGroups: groups, assignedShardGroups: groups }).pipe(Layer.provide(leases.layer))
        )
      )
      yield* TestClock.adjust("7 seconds")
      assert.deepStrictEqual(starts, [1000, 6000])
    }))
})

describe("LeaseStorage.make", () => {
  it.effect.each([0, -1, NaN])("dies for an expiration of %j", (expiration) =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(LeaseStorage.make({ expiration }))
      const died = Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : ""
      assert.include(died, `LeaseStorage.make: expiration must be a duration longer than 0, got ${expiration}`)
    }))
})

describe("ClusterLoop.find", () => {
  it.effect("finds the loop where it is owned, with its status and its term", () =>
    Effect.gen(function*() {
      const { join } = yield* makeCluster(fiveSeconds)
      const first = yield* join(1)
      const second = yield* join(2)
      yield* TestClock.adjust("12 seconds")
      const found = yield* Effect.provide(ClusterLoop.find("sync"), first.services)
      assert.isTrue(Option.isNone(yield* Effect.provide(ClusterLoop.find("sync"), second.services)))
      const { loop, term } = Option.getOrThrow(found)
      const { runs, state } = yield* loop.status
      assert.deepStrictEqual({ runs, state, name: loop.name }, { runs: 3, state: "waiting", name: "sync" })
      assert.deepStrictEqual({ ...term, id: "" }, { loop: "sync", runner: "runner:1", id: "", startedAt: 0 })
      yield* first.stop
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(Option.isNone(yield* Effect.provide(ClusterLoop.find("sync"), first.services)))
      assert.isTrue(Option.isSome(yield* Effect.provide(ClusterLoop.find("sync"), second.services)))
    }))

  it.effect("makes a span of each run, with the runner and the term", () =>
    Effect.gen(function*() {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const loop = ClusterLoop.layer(Effect.void, fiveSeconds, { name: "sync" })
      yield* embedded(loop).pipe(Effect.provideService(Tracer.Tracer, tracer))
      yield* TestClock.adjust("6 seconds")
      const runs = spans.filter(({ name }) => name === "sync").map(({ attributes }) => Object.fromEntries(attributes))
      assert.strictEqual(runs.length, 2)
      for (const { loop, runner, term } of runs) {
        assert.deepStrictEqual({ loop, runner }, { loop: "sync", runner: "localhost:34431" })
        assert.isString(term)
      }
    }))

  it.effect("keeps the attributes of metrics that are there, and adds the runner", () =>
    Effect.gen(function*() {
      const counter = Metric.counter("own")
      const run = Metric.update(counter, 1)
      yield* embedded(ClusterLoop.layer(run, fiveSeconds, { name: "sync" }))
      yield* TestClock.adjust("1 second")
      const own = (yield* Metric.snapshot).find(({ id }) => id === "own")
      assert.deepStrictEqual(own?.attributes, { service: "api", runner: "localhost:34431" })
    }).pipe(
      Effect.provideService(Metric.CurrentMetricAttributes, { service: "api" }),
      Effect.provideService(Metric.MetricRegistry, new Map())
    ))

  it.effect("tells who owns what by metrics, by name and runner", () =>
    Effect.gen(function*() {
      const { join } = yield* makeCluster(fiveSeconds)
      const first = yield* join(1)
      yield* join(2)
      yield* TestClock.adjust("12 seconds")
      yield* first.stop
      yield* TestClock.adjust("5 seconds")
      const metrics = yield* Metric.snapshot
      const of = (id: string) =>
        metrics.filter((metric) => metric.id === id).map(({ attributes, state }) => [attributes, state])
      const by = (port: number) => ({ name: "sync", runner: `runner:${port}` })
      assert.deepStrictEqual(of("effect_wait_cluster_owned"), [[by(1), { value: 0 }], [by(2), { value: 1 }]])
      const once = { count: 1, incremental: true }
      assert.deepStrictEqual(of("effect_wait_cluster_terms_total"), [[by(1), once], [by(2), once]])
      const runs = (port: number, count: number) => [{ ...by(port), kind: "loop" }, { count, incremental: true }]
      assert.deepStrictEqual(of("effect_wait_runs_total"), [runs(1, 3), runs(2, 1)])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))
})
