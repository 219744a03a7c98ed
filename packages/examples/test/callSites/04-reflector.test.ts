import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Logger, Queue, Random, Schema, Stream } from "effect"
import { Timeline } from "effect-wait"
import { TestLoop } from "effect-wait/testing"
import { TestClock } from "effect/testing"
import {
  backoff,
  backoffManager,
  type Event,
  lineOf,
  Pods,
  reflect,
  waitForCacheSync
} from "../../src/callSites/04-reflector.ts"
import { type Api, type Change, Faults, kind, layerMemory } from "../../src/callSites/support/api.ts"
import { layerHttp } from "../../src/callSites/support/http.ts"
import { logOf } from "./logOf.ts"

const minWatchTimeout = Duration.minutes(5)

const tell = (event: Event<unknown>) => Effect.log(lineOf(event))

/** The pods, and a log of what is asked. */
const logged = {
  ...Pods,
  list: Effect.andThen(Effect.log("list"), Pods.list),
  watch: (since: number) => Stream.unwrap(Effect.as(Effect.log(`watch since ${since}`), Pods.watch(since)))
}

const failed = "Error A run failed; the loop goes on"

const pending = { phase: "Pending" }

const running = { phase: "Running" }

const Nodes = kind("nodes", Schema.Struct({}))

const drop = Effect.flatMap(Faults, (faults) => faults.drop)

/** A change that no watch of pods sees; and all changes are forgotten. */
const compact = Effect.andThen(Nodes.create("node-1", {}), Effect.flatMap(Faults, (faults) => faults.compact))

/** What a program logs on a server of its own. */
const logOfPods = Effect.fnUntraced(function*<A, E>(program: Effect.Effect<A, E, Api | Faults>, random = [0]) {
  const { log } = yield* logOf(Effect.provide(program, layerMemory), { until: "30 minutes", random })
  return log
})

/** When a reflector lists, while this happens to its server. */
const listsOf = <E>(happens: Effect.Effect<unknown, E, Faults>, schedule: typeof backoff, random = [0]) =>
  TestLoop.record((track) =>
    Effect.gen(function*() {
      yield* Effect.forkChild(happens, { startImmediately: true })
      yield* reflect({ ...Pods, list: track(Pods.list) }, tell, { backoff: schedule, minWatchTimeout })
      yield* Effect.never
    }).pipe(Effect.scoped, Effect.provide([layerMemory, Logger.layer([])])), { until: "10 minutes", random })
    .pipe(Effect.map(Timeline.starts))

describe("a reflector whose server is away", () => {
  const outage = Effect.flatMap(Faults, ({ down }) => down(Effect.sleep("150 seconds")))

  const schedules = [{ name: "backoff", schedule: backoff }, { name: "backoffManager", schedule: backoffManager }]

  it.effect.each(schedules)("lists later and later, up to 30 s, by $name", ({ schedule }) =>
    Effect.gen(function*() {
      const starts = [0, 800, 2400, 5600, 12_000, 24_800, 50_400, 80_400, 110_400, 140_400, 170_400]
      assert.deepStrictEqual(yield* listsOf(outage, schedule), starts)
    }))

  it.effect.each(schedules)(
    "lists up to twice as late, and at most a minute, by $name",
    ({ schedule }) =>
      Effect.gen(function*() {
        const starts = [0, 800, 2800, 7600, 14_000, 30_000, 68_400, 98_400, 135_900, 180_900]
        assert.deepStrictEqual(yield* listsOf(outage, schedule, [0, 0.25, 0.5]), starts)
      })
  )
})

describe("a reflector whose watch breaks", () => {
  it.effect.each([
    // It held for exactly two minutes, and then for a millisecond more.
    { rule: "after a watch of more than two minutes", schedule: backoff, starts: [0, 1800, 3600, 126_800, 247_601] },
    // Exactly two minutes and the delay before lie between two steps.
    {
      rule: "two minutes after the last delay began",
      schedule: backoffManager,
      starts: [0, 1800, 3600, 124_400, 247_601]
    }
  ])("begins afresh $rule", ({ schedule, starts }) =>
    Effect.gen(function*() {
      const drops = Effect.forEach([1000, 1000, 121_600, 123_201], (delay) => Effect.delay(drop, delay))
      assert.deepStrictEqual(yield* listsOf(drops, schedule), starts)
    }))

  it.effect("tells what was missed from the list, and nothing twice", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const a = yield* Pods.create("a", pending)
        yield* Pods.create("b", pending)
        yield* Pods.create("c", pending)
        const pods = yield* reflect(logged, tell)
        yield* Effect.sleep("1 second")
        const a2 = yield* Pods.update({ ...a, spec: running })
        yield* Pods.remove("c")
        yield* Effect.sleep("1 second")
        yield* drop
        yield* Pods.update({ ...a2, spec: pending })
        yield* Pods.remove("b")
        yield* Pods.create("d", pending)
        yield* Pods.create("e", pending)
        yield* Pods.remove("e")
        yield* Effect.sleep("1 second")
        yield* Pods.create("f", pending)
        yield* drop
        yield* Effect.sleep("10 seconds")
        assert.deepStrictEqual([pods.names(), pods.get("a")?.spec, pods.get("b")], [
          ["a", "d", "f"],
          pending,
          undefined
        ])
      })
      assert.deepStrictEqual(yield* logOfPods(Effect.scoped(program)), [
        "0 list",
        "0 added a",
        "0 added b",
        "0 added c",
        "0 watch since 3",
        "1000 updated a",
        "1000 deleted c",
        `2000 ${failed}`,
        "2800 list",
        "2800 deleted b, final state unknown",
        "2800 updated a",
        "2800 added d",
        "2800 watch since 10",
        "3000 added f",
        `3000 ${failed}`,
        "4600 list",
        "4600 watch since 11"
      ])
    }))
})

describe("a reflector whose watch ends", () => {
  it.effect("goes on from the last version, after 5 to 10 minutes", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const a = yield* Pods.create("a", pending)
        yield* reflect(logged, tell)
        yield* Effect.sleep("1 minute")
        yield* Pods.update({ ...a, spec: running })
        yield* Effect.sleep("20 minutes")
      })
      assert.deepStrictEqual(yield* logOfPods(Effect.scoped(program), [0, 0.5]), [
        "0 list",
        "0 added a",
        "0 watch since 1",
        "60000 updated a",
        "300000 watch since 2",
        "750000 watch since 2",
        "1050000 watch since 2"
      ])
    }))

  it.effect("goes on once a second when it is ended at once, and misses nothing", () =>
    Effect.gen(function*() {
      const oneChange = (since: number) => Stream.take(logged.watch(since), 1)
      const program = Effect.gen(function*() {
        yield* reflect({ ...logged, watch: oneChange }, tell)
        yield* Effect.sleep("100 millis")
        yield* Pods.create("a", pending)
        yield* Pods.remove("a")
        yield* Pods.create("b", pending)
        yield* Effect.sleep("10 seconds")
      })
      assert.deepStrictEqual(yield* logOfPods(Effect.scoped(program)), [
        "0 list",
        "0 watch since 0",
        "100 added a",
        "1000 watch since 1",
        "1000 deleted a",
        "2000 watch since 2",
        "2000 added b",
        "3000 watch since 3"
      ])
    }))

  it.effect("lists again when the changes since then are gone", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* Pods.create("a", pending)
        yield* reflect(logged, tell)
        yield* Effect.sleep("299 seconds")
        yield* compact
        yield* Effect.delay(Pods.remove("a"), "1500 millis")
        yield* Effect.sleep("1 minute")
      })
      assert.deepStrictEqual(yield* logOfPods(Effect.scoped(program)), [
        "0 list",
        "0 added a",
        "0 watch since 1",
        "300000 watch since 1",
        "300000 the watch is gone: 1 is before 2",
        "300800 list",
        "300800 deleted a, final state unknown",
        "300800 watch since 3"
      ])
    }))
})

describe("a reflector", () => {
  it.effect("takes no change twice", () =>
    Effect.gen(function*() {
      const item = { name: "a", version: 2, spec: running }
      const changes: ReadonlyArray<Change<typeof running>> = [
        { type: "ADDED", item: { ...item, version: 1 } },
        { type: "MODIFIED", item },
        { type: "MODIFIED", item },
        { type: "ADDED", item: { ...item, version: 1 } },
        { type: "DELETED", item: { ...item, version: 3 } },
        { type: "MODIFIED", item }
      ]
      const watch = () => Stream.concat(Stream.fromIterable(changes), Stream.never)
      const program = Effect.andThen(reflect({ ...logged, watch }, tell), Effect.sleep("1 minute"))
      assert.deepStrictEqual(yield* logOfPods(Effect.scoped(program)), [
        "0 list",
        "0 added a",
        "0 updated a",
        "0 deleted a"
      ])
    }))

  it.effect("has synced when the first list is in the cache", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const { down } = yield* Faults
        yield* Pods.create("a", pending)
        yield* Effect.forkChild(down(Effect.sleep("1 second")), { startImmediately: true })
        const list = Effect.delay(logged.list, "150 millis")
        const pods = yield* reflect({ ...logged, list }, tell)
        yield* waitForCacheSync(pods.hasSynced)
        yield* Effect.log(`synced: ${pods.names().join(" ")}`)
      })
      assert.deepStrictEqual(yield* logOfPods(Effect.scoped(program)), [
        "150 list",
        `150 ${failed}`,
        "1100 list",
        "1100 added a",
        "1100 watch since 1",
        "1100 synced: a"
      ])
    }))

  it.effect("goes on after a defect", () =>
    Effect.gen(function*() {
      const list = Effect.andThen(logged.list, Effect.die("a bug"))
      const program = Effect.andThen(reflect({ ...logged, list }, tell), Effect.sleep("2 seconds"))
      assert.deepStrictEqual(yield* logOfPods(Effect.scoped(program)), [
        "0 list",
        `0 ${failed}`,
        "800 list",
        `800 ${failed}`
      ])
    }))

  it.effect("ends at once when it is stopped, in its watch and in its delay", () =>
    Effect.gen(function*() {
      const stopAfter = Effect.fnUntraced(
        function*(delay: Duration.Input, happens: Effect.Effect<void, never, Faults>) {
          const pods = yield* reflect(logged, tell)
          yield* happens
          yield* Effect.sleep(delay)
          yield* pods.loop.interrupt
          yield* Effect.log("stopped")
        }
      )
      const program = Effect.gen(function*() {
        yield* stopAfter("1 minute", Effect.void)
        yield* Pods.create("a", pending)
        yield* stopAfter("1 milli", Effect.delay(drop, "1 second"))
      })
      assert.deepStrictEqual(yield* logOfPods(Effect.scoped(program)), [
        "0 list",
        "0 watch since 0",
        "60000 stopped",
        "60000 list",
        "60000 added a",
        "60000 watch since 1",
        `61000 ${failed}`,
        "61001 stopped"
      ])
    }))

  it.effect.each([
    { from: "the list", stopAt: 1000, log: ["10000 added a", "20000 added b", "20000 stopped"] },
    {
      from: "the watch",
      stopAt: 24_000,
      log: ["10000 added a", "20000 added b", "20000 watch since 2", "32000 added c", "32000 stopped"]
    }
  ])("lets the handler finish what it is told from $from", ({ log, stopAt }) =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        yield* Pods.create("a", pending)
        yield* Pods.create("b", pending)
        yield* Effect.forkChild(Effect.delay(Pods.create("c", pending), "22 seconds"))
        const pods = yield* reflect(logged, (event) => Effect.delay(tell(event), "10 seconds"))
        yield* Effect.delay(pods.loop.interrupt, stopAt)
        yield* Effect.log("stopped")
      })
      assert.deepStrictEqual(yield* logOfPods(Effect.scoped(program)), ["0 list", ...log])
    }))
})

/** Reflects pods of a real server. Its time stands still until it is adjusted, and `slept` tells how long it begins to sleep. */
const reflectReal = Effect.gen(function*() {
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const slept = yield* Queue.unbounded<number>()
  const log: Array<string> = []
  const told = yield* Queue.unbounded<string>()
  const logger = Logger.make(({ date, logLevel, message }) => {
    log.push([date.getTime(), logLevel === "Info" ? [] : logLevel, message].flat(2).join(" "))
  })
  yield* reflect(logged, (event) => Effect.andThen(tell(event), Queue.offer(told, lineOf(event)))).pipe(
    Effect.provideService(Random.Random, { nextDoubleUnsafe: () => 0, nextIntUnsafe: () => 0 }),
    Effect.provideService(Clock.Clock, {
      ...clock,
      sleep: (duration) =>
        Effect.suspend(() => {
          Queue.offerUnsafe(slept, Duration.toMillis(duration))
          return clock.sleep(duration)
        })
    }),
    Effect.provide(Logger.layer([logger]))
  )
  return { log, slept: Queue.take(slept), told: Queue.take(told) }
})

describe("a reflector of a real server", () => {
  it.effect("lists when the delay is over and not a millisecond before, and tells what it missed", () =>
    Effect.gen(function*() {
      const a = yield* Pods.create("a", pending)
      const { log, slept, told } = yield* reflectReal
      assert.deepStrictEqual([yield* told, yield* slept], ["added a", 300_000])
      yield* Pods.create("b", pending)
      assert.strictEqual(yield* told, "added b")
      const healthy = ["0 list", "0 added a", "0 watch since 1", "0 added b"]
      assert.deepStrictEqual(log, healthy)

      yield* drop
      assert.strictEqual(yield* slept, 800)
      yield* Pods.update({ ...a, spec: running })
      yield* Pods.remove("b")
      yield* TestClock.adjust(799)
      assert.deepStrictEqual(log, [...healthy, `0 ${failed}`])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([yield* told, yield* told], ["deleted b, final state unknown", "updated a"])
      assert.strictEqual(yield* slept, 300_000)
      yield* Pods.create("c", pending)
      assert.strictEqual(yield* told, "added c")

      // The second time in a row, twice as late.
      yield* drop
      assert.strictEqual(yield* slept, 1600)
      yield* Pods.remove("c")
      yield* TestClock.adjust(1599)
      const missed = [
        "800 list",
        "800 deleted b, final state unknown",
        "800 updated a",
        "800 watch since 4",
        "800 added c"
      ]
      assert.deepStrictEqual(log, [...healthy, `0 ${failed}`, ...missed, `800 ${failed}`])
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* told, "deleted c, final state unknown")
    }).pipe(Effect.scoped, Effect.provide(layerHttp)))

  it.effect("goes on with a watch that ended, and lists when that is gone", () =>
    Effect.gen(function*() {
      const { log, slept, told } = yield* reflectReal
      assert.strictEqual(yield* slept, 300_000)
      yield* Pods.create("a", pending)
      assert.strictEqual(yield* told, "added a")
      yield* TestClock.adjust(300_000)
      assert.strictEqual(yield* slept, 300_000)
      yield* Pods.create("b", pending)
      assert.strictEqual(yield* told, "added b")
      const resumed = ["0 list", "0 watch since 0", "0 added a", "300000 watch since 1", "300000 added b"]
      assert.deepStrictEqual(log, resumed)

      yield* compact
      yield* TestClock.adjust(300_000)
      assert.deepStrictEqual([yield* slept, yield* slept], [300_000, 800])
      yield* Pods.remove("a")
      yield* TestClock.adjust(799)
      const gone = ["600000 watch since 2", "600000 the watch is gone: 2 is before 3"]
      assert.deepStrictEqual(log, [...resumed, ...gone])
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* told, "deleted a, final state unknown")
    }).pipe(Effect.scoped, Effect.provide(layerHttp)))
})
