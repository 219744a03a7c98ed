/** What a name makes visible. */
import { assert, describe, it } from "@effect/vitest"
import {
  Clock,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  Logger,
  Metric,
  Option,
  References,
  Schedule,
  Scope,
  Tracer
} from "effect"
import { Backoff, Limit, Loop, Period, Poll, Retry, RetryBudget } from "effect-wait"
import { TestClock } from "effect/testing"
import { observe } from "./support.ts"

const flat = (snapshot: ReadonlyArray<Metric.Metric.Snapshot>): Record<string, unknown> =>
  Object.fromEntries(snapshot.map(({ attributes = {}, id, state }) => [
    [id.replace("effect_wait_", ""), ...Object.entries(attributes).map(([key, value]) => `${key}=${value}`)].join(" "),
    "value" in state ? state.value : "sum" in state ? [state.count, state.sum] : "count" in state ? state.count : state
  ]))

/** Runs an effect with metrics and spans of its own, and gives them. */
const seen = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const registry: Metric.MetricRegistry = new Map()
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span(options) {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  yield* effect.pipe(
    Effect.provideService(Metric.MetricRegistry, registry),
    Effect.provideService(Tracer.Tracer, tracer)
  )
  return {
    metrics: flat(yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)),
    spans: spans.map(({ attributes, name, status }) => [
      name,
      Object.fromEntries(attributes),
      status._tag === "Ended" ? status.exit._tag : "open"
    ])
  }
})

/** Why what is called so may be given up. */
const reasons = (by: string): ReadonlyArray<string> =>
  by.startsWith("kind=loop")
    ? ["error", "defect", "exhausted"]
    : ["error", "defect", "deadline", "exhausted", "stopped"]

/** All that a name may tell, unless it is told otherwise. */
const expected = (by: string, changes: Record<string, unknown>): Record<string, unknown> => ({
  [`runs_total ${by}`]: 0,
  [`failures_total ${by}`]: 0,
  [`retries_total ${by}`]: 0,
  ...Object.fromEntries(reasons(by).map((reason) => [`give_ups_total ${by} reason=${reason}`, 0])),
  [`missed_total ${by}`]: 0,
  [`active ${by} state=waiting`]: 0,
  [`active ${by} state=running`]: 0,
  ...Object.fromEntries(
    Object.entries(changes).map(([key, value]) => [
      key.endsWith("_seconds")
        ? `${key} ${by} unit=s`
        : key.startsWith("give_ups_total ")
        ? key.replace(" ", ` ${by} reason=`)
        : `${key} ${by}`,
      value
    ])
  )
})

describe("a loop with a name", () => {
  it.effect("tells its runs as metrics and spans", () =>
    Effect.gen(function*() {
      let run = 0
      // Fails at 1000 and 1500 ms. The run from 2000 to 4500 ms is the backoff's: the slots at 2 and 3 s are missed.
      const work = Effect.suspend(() =>
        ++run === 2 || run === 3 ? Effect.fail("no") : Effect.sleep(run === 4 ? 2500 : 250)
      )
      const { metrics, spans } = yield* seen(observe(
        Loop.run(work, Period.ticker("1 second"), { name: "sync", backoff: Backoff.fromDelays([500, 500, 500]) }),
        "5 seconds"
      ))
      assert.deepStrictEqual(spans, [
        ["sync", { attempt: 1, scheduledTime: 0, lateness: 0 }, "Success"],
        ["sync", { attempt: 2, scheduledTime: 1000, lateness: 0 }, "Failure"],
        ["sync", { attempt: 3, scheduledTime: 1500, lateness: 0 }, "Failure"],
        ["sync", { attempt: 4, scheduledTime: 2000, lateness: 0 }, "Success"],
        ["sync", { attempt: 5, scheduledTime: 4500, lateness: 0 }, "Success"],
        ["sync", { attempt: 6, scheduledTime: 5000, lateness: 0 }, "Failure"]
      ])
      assert.deepStrictEqual(
        metrics,
        expected("kind=loop name=sync", {
          runs_total: 6,
          failures_total: 2,
          retries_total: 2,
          missed_total: 2,
          run_duration_seconds: [6, 3],
          lateness_seconds: [6, 0],
          delay_seconds: [5, 2],
          last_success_timestamp_seconds: 4.75
        })
      )
    }))

  it.effect("tells by how much a timer was late, and when the run was planned", () =>
    Effect.gen(function*() {
      const late = Effect.updateService(
        observe(Loop.run(Effect.void, Period.nonSliding("1 second"), { name: "late" }), "2.5 seconds"),
        Clock.Clock,
        (clock) => ({ ...clock, sleep: (duration) => clock.sleep(Duration.sum(duration, Duration.millis(25))) })
      )
      const { metrics, spans } = yield* seen(late)
      assert.deepStrictEqual(spans.map(([, attributes]) => attributes), [
        { attempt: 1, scheduledTime: 0, lateness: 0 },
        { attempt: 2, scheduledTime: 1000, lateness: 25 },
        { attempt: 3, scheduledTime: 2000, lateness: 25 }
      ])
      assert.deepStrictEqual(metrics["lateness_seconds kind=loop name=late unit=s"], [3, 0.05])
    }))

  it.effect("tells how many of its name wait and run now", () =>
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      const active = Effect.map(Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry), (snapshot) => {
        const metrics = flat(snapshot)
        return [
          metrics["active kind=loop name=many state=waiting"],
          metrics["active kind=loop name=many state=running"]
        ]
      })
      const loops = yield* Effect.forEach([100, 1100, 2100], (length) =>
        Loop.forkScoped(Effect.sleep(length), Period.sliding("1 second"), { name: "many" })).pipe(
          Effect.provideService(Metric.MetricRegistry, registry)
        )
      const seen: Array<unknown> = []
      for (const at of [0, 500, 1100, 1500]) {
        yield* TestClock.setTime(at)
        seen.push(yield* active)
      }
      yield* loops[0]!.stop
      seen.push(yield* active)
      yield* Effect.forEach(loops, (loop) =>
        loop.interrupt)
      seen.push(yield* active)
      assert.deepStrictEqual(seen, [[0, 3], [1, 2], [1, 2], [2, 1], [1, 1], [0, 0]])
    }))

  const ends: ReadonlyArray<readonly [string, Effect.Effect<void, string>, Record<string, unknown>]> = [
    ["is given up at an error without a backoff", Effect.fail("no"), { failures_total: 1, "give_ups_total error": 1 }],
    ["is given up at a defect", Effect.die("bug"), { failures_total: 1, "give_ups_total defect": 1 }],
    ["is not given up when a run interrupts itself, which counts as failed", Effect.interrupt, { failures_total: 1 }],
    ["is not given up when it is interrupted, nor has the run failed", Effect.never, { run_duration_seconds: [1, 1] }]
  ]
  for (const [name, work, changes] of ends) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const loop = Loop.run(work, Period.sliding("1 second"), { name: "end" })
        const { metrics } = yield* seen(observe(loop, "1 second"))
        assert.deepStrictEqual(
          metrics,
          expected("kind=loop name=end", {
            runs_total: 1,
            run_duration_seconds: [1, 0],
            lateness_seconds: [1, 0],
            ...changes
          })
        )
      }))
  }

  it.effect("gives up when the backoff is done", () =>
    Effect.gen(function*() {
      const loop = Loop.run(Effect.fail("no"), Period.sliding("1 second"), {
        name: "end",
        backoff: Backoff.fromDelays([100, 100])
      })
      const { metrics } = yield* seen(observe(loop, "1 second"))
      assert.deepStrictEqual(
        metrics,
        expected("kind=loop name=end", {
          runs_total: 3,
          failures_total: 3,
          retries_total: 2,
          "give_ups_total exhausted": 1,
          run_duration_seconds: [3, 0],
          lateness_seconds: [3, 0],
          delay_seconds: [2, 0.2]
        })
      )
    }))

  it.effect("a loop that runs on triggers alone has finite delays", () =>
    Effect.gen(function*() {
      const { metrics, spans } = yield* seen(Effect.scoped(Effect.gen(function*() {
        const loop = yield* Loop.forkScoped(Effect.void, Period.sliding(Infinity), { name: "triggered" })
        yield* TestClock.adjust(1000)
        assert.isTrue(Option.isNone((yield* loop.status).nextStart))
        yield* loop.trigger
        yield* TestClock.adjust(1)
      })))
      assert.deepStrictEqual(spans.map(([, attributes]) => attributes), [
        { attempt: 1, scheduledTime: 0, lateness: 0 },
        { attempt: 2, scheduledTime: 1000, lateness: 0 }
      ])
      assert.deepStrictEqual(metrics["delay_seconds kind=loop name=triggered unit=s"], [1, 1])
    }))

  it.effect("counts retries that are made, not those that were only due", () =>
    Effect.gen(function*() {
      const loop = Loop.run(Effect.fail("no"), Period.sliding(0), { name: "end", backoff: Schedule.recurs(0) })
      const { metrics } = yield* seen(Effect.exit(loop))
      assert.deepStrictEqual([metrics["runs_total kind=loop name=end"], metrics["retries_total kind=loop name=end"]], [
        1,
        0
      ])
      const refused = Retry.run(Effect.fail("no"), Schedule.recurs(2), { name: "call", budget: "call" })
      const none = { ratio: 0, minRetriesPerSecond: 0 }
      const retry = yield* seen(Effect.exit(refused).pipe(Effect.provide(RetryBudget.layerRatio(none))))
      assert.strictEqual(retry.metrics["retries_total kind=retry name=call"], 0)
    }))

  it.effect("annotates what its runs log, and survives under its name", () =>
    Effect.gen(function*() {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ fiber, message }) => {
        logged.push([message, fiber.getRef(References.CurrentLogAnnotations)])
      })
      const work = Effect.andThen(Effect.logInfo("working"), Effect.fail("no"))
      const loop = Loop.run(Loop.survive(work), Period.sliding("1 second").pipe(Limit.attempts(2)), { name: "sync" })
      const { metrics } = yield* seen(observe(loop, "1 second").pipe(Effect.provide(Logger.layer([logger]))))
      const twice = [
        [["working"], { loop: "sync" }],
        [["A run failed; the loop goes on"], { loop: "sync" }]
      ]
      assert.deepStrictEqual(logged, [...twice, ...twice])
      assert.strictEqual(metrics["failures_total kind=loop name=sync"], 2)
      assert.strictEqual(metrics["give_ups_total kind=loop name=sync reason=error"], 0)
    }))

  it.effect("a name of Loop.survive counts where the loop has none", () =>
    Effect.gen(function*() {
      const attempts = Period.sliding("1 second").pipe(Limit.attempts(2))
      const work = Loop.survive(Effect.fail("no"), { name: "work" })
      const bare = yield* seen(observe(Loop.run(work, attempts), "1 second"))
      assert.deepStrictEqual(bare, { metrics: { "failures_total kind=loop name=work": 2 }, spans: [] })
      const handled = yield* seen(
        observe(Effect.scoped(Effect.flatMap(Loop.forkScoped(work, attempts), (_) => _.await)), "1 second")
      )
      assert.deepStrictEqual(handled, { metrics: { "failures_total kind=loop name=work": 2 }, spans: [] })
      const named = yield* seen(observe(Loop.run(work, attempts, { name: "loop" }), "1 second"))
      assert.isUndefined(named.metrics["failures_total kind=loop name=work"])
      assert.strictEqual(named.metrics["failures_total kind=loop name=loop"], 2)
    }).pipe(Effect.provide(Logger.layer([]))))

  it.effect("without a name nothing is told", () =>
    Effect.gen(function*() {
      const loop = Loop.run(Effect.fail("no"), Period.sliding("1 second"), { backoff: Backoff.fromDelays([100]) })
      assert.deepStrictEqual(yield* seen(observe(loop, "1 second")), { metrics: {}, spans: [] })
      const forked = Effect.scoped(
        Effect.andThen(Loop.forkScoped(Effect.void, Period.sliding("1 second")), Effect.sleep(500))
      )
      assert.deepStrictEqual(yield* seen(observe(forked, "1 second")), { metrics: {}, spans: [] })
    }))

  it.effect("a stop works as ever, and a loop that was told to before it began runs nothing", () =>
    Effect.gen(function*() {
      const stop = yield* Deferred.make<void>()
      const loop = Loop.run(Effect.void, Period.sliding("1 second"), { name: "sync", stop: Deferred.await(stop) })
      const first = yield* seen(Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(loop, { startImmediately: true })
        yield* TestClock.adjust("1.5 seconds")
        yield* Deferred.succeed(stop, undefined)
        assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.succeed(undefined))
      }))
      assert.strictEqual(first.metrics["runs_total kind=loop name=sync"], 2)
      const second = yield* seen(loop)
      assert.deepStrictEqual(second, { metrics: expected("kind=loop name=sync", {}), spans: [] })
    }))
})

describe("a poll with a name", () => {
  it.effect("tells its checks, what it tolerated, and that it was given up", () =>
    Effect.gen(function*() {
      let checks = 0
      const check = Effect.suspend(() => ++checks === 1 ? Effect.fail("refused") : Effect.succeed(false))
      const { metrics, spans } = yield* seen(observe(
        Poll.until(check, Period.sliding("1 second"), { name: "ready", tolerate: () => true, timeout: "2.5 seconds" }),
        "3 seconds"
      ))
      assert.deepStrictEqual(spans, [
        ["ready", { attempt: 1, scheduledTime: 0, lateness: 0 }, "Failure"],
        ["ready", { attempt: 2, scheduledTime: 1000, lateness: 0 }, "Success"],
        ["ready", { attempt: 3, scheduledTime: 2000, lateness: 0 }, "Success"]
      ])
      assert.deepStrictEqual(
        metrics,
        expected("kind=poll name=ready", {
          runs_total: 3,
          failures_total: 1,
          retries_total: 1,
          "give_ups_total deadline": 1,
          run_duration_seconds: [3, 0],
          lateness_seconds: [3, 0],
          delay_seconds: [2, 2],
          last_success_timestamp_seconds: 2
        })
      )
    }))

  it.effect("that holds is not given up", () =>
    Effect.gen(function*() {
      const { metrics } = yield* seen(Poll.until(Effect.succeed(true), Period.sliding("1 second"), { name: "ready" }))
      assert.deepStrictEqual(
        metrics,
        expected("kind=poll name=ready", {
          runs_total: 1,
          run_duration_seconds: [1, 0],
          lateness_seconds: [1, 0],
          last_success_timestamp_seconds: 0
        })
      )
    }))
})

describe("the context of a run with a name", () => {
  /** What an effect sees here: the span, the annotations of logs, and the frames of a failure. */
  const around = Effect.gen(function*() {
    const span = yield* Effect.option(Effect.currentSpan)
    const frames: Array<string> = []
    for (let frame = yield* References.CurrentStackFrame; frame !== undefined; frame = frame.parent) {
      frames.push(frame.name)
    }
    return [
      Option.getOrUndefined(Option.map(span, ({ name, status }) => `${name}, ${status._tag}`)),
      { ...(yield* References.CurrentLogAnnotations) },
      frames
    ]
  })
  const inside = (kind: string) => ["sync, Started", { [kind]: "sync" }, ["sync"]]
  const outside = [undefined, {}, []]
  const once = Period.sliding("1 second").pipe(Limit.attempts(1))

  const kinds: Readonly<Record<string, (work: Effect.Effect<unknown>) => Effect.Effect<unknown, unknown>>> = {
    loop: (work) => Loop.run(work, once, { name: "sync" }),
    poll: (work) => Poll.until(Effect.as(work, true), once, { name: "sync" }),
    retry: (work) => Retry.run(work, once, { name: "sync" })
  }
  for (const [kind, repeat] of Object.entries(kinds)) {
    it.effect(`has its span without a tracer, and is gone after the ${kind}`, () =>
      Effect.gen(function*() {
        const contexts: Array<unknown> = []
        const note = Effect.map(around, (context) => contexts.push(context))
        yield* repeat(note)
        yield* note
        assert.deepStrictEqual(contexts, [inside(kind), outside])
      }))
  }

  it.effect("of a forked loop is that of the resources of the run, and not of a hook", () =>
    Effect.gen(function*() {
      const contexts: Array<unknown> = []
      const note = Effect.map(around, (context) => {
        contexts.push(context)
      })
      const work = Effect.gen(function*() {
        yield* Scope.addFinalizer(yield* Effect.scope, note)
        yield* note
        return yield* Effect.fail("down")
      })
      const loop = yield* Loop.forkScoped(work, Period.sliding("1 second"), {
        name: "sync",
        backoff: Period.sliding("1 second").pipe(Limit.attempts(2)),
        onFailure: () => note
      })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* loop.await)._tag, "Failure")
      const hook = [undefined, { loop: "sync" }, []]
      assert.deepStrictEqual(contexts, [inside("loop"), inside("loop"), hook, inside("loop"), inside("loop")])
    }))
})
