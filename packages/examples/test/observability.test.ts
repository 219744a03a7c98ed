import { assert, describe, it } from "@effect/vitest"
import { Clock, type Duration, Effect, Exit, Layer, Metric, Scope } from "effect"
import { Loop } from "effect-wait"
import { HttpEffect, HttpRouter } from "effect/http"
import { TestClock } from "effect/testing"
import { FlushFailed, layer, Work } from "../src/observability.ts"

interface Script {
  readonly sync?: ReadonlyArray<Effect.Effect<void>>
  readonly flush?: ReadonlyArray<Effect.Effect<void, FlushFailed>>
}

/** Does these things in turn, then nothing. */
const inTurn = <E>(runs: ReadonlyArray<Effect.Effect<void, E>> = []) => {
  const rest = runs.values()
  return Effect.suspend(() => rest.next().value ?? Effect.void)
}

/** Starts the service, with a registry of its own, and gives what asks it. */
const serve = Effect.fnUntraced(function*({ flush, sync }: Script) {
  const work = Layer.succeed(Work, { sync: inTurn(sync), flush: inTurn(flush) })
  const app = yield* HttpRouter.toHttpEffect(Layer.provide(layer, work)).pipe(Scope.provide(yield* scope))
  const context = yield* Effect.context<never>()
  const handler = HttpEffect.toWebHandler(app)
  return (path: string) => Effect.promise(() => handler(new Request(`http://localhost${path}`), context))
}, (effect) =>
  effect.pipe(
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(Loop.Registry, new Set())
  ))

// Closed while time goes on: the end of the service may wait for it.
const scope = Effect.acquireRelease(
  Scope.make(),
  (scope, exit) => Effect.all([Scope.close(scope, exit), TestClock.adjust("1 minute")], { concurrency: "unbounded" })
)

const fail = Effect.fail(new FlushFailed({ message: "the disk is full" }))

describe("/metrics", () => {
  it.effect("tells what the loops did", () =>
    Effect.gen(function*() {
      const get = yield* serve({
        sync: [Effect.void, Effect.sleep("2500 millis"), Effect.void, Effect.never],
        flush: [Effect.void, fail, fail, Effect.sleep("100 millis"), Effect.die("boom")]
      })
      yield* TestClock.adjust("4 seconds")
      const response = yield* get("/metrics")
      const lines = (yield* Effect.promise(() => response.text())).trimEnd().split("\n")

      assert.strictEqual(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
      assert.deepStrictEqual(lines.filter((line) => line.startsWith("# TYPE")).toSorted(), [
        "# TYPE effect_wait_active gauge",
        "# TYPE effect_wait_delay_seconds histogram",
        "# TYPE effect_wait_failures_total counter",
        "# TYPE effect_wait_give_ups_total counter",
        "# TYPE effect_wait_last_success_timestamp_seconds gauge",
        "# TYPE effect_wait_lateness_seconds histogram",
        "# TYPE effect_wait_missed_total counter",
        "# TYPE effect_wait_retries_total counter",
        "# TYPE effect_wait_run_duration_seconds histogram",
        "# TYPE effect_wait_runs_total counter"
      ])
      // flush runs at 0, 1, 1.25, 1.75 and 2.85 s. sync runs at 0, 1, 3.5 and 4 s: its slot at 3 s is missed.
      assert.deepStrictEqual(lines.filter((line) => !/^#|_bucket/.test(line)).toSorted(), [
        `effect_wait_active{kind="loop",name="flush",state="running"} 0`,
        `effect_wait_active{kind="loop",name="flush",state="waiting"} 0`,
        `effect_wait_active{kind="loop",name="sync",state="running"} 1`,
        `effect_wait_active{kind="loop",name="sync",state="waiting"} 0`,
        `effect_wait_delay_seconds_count{kind="loop",name="flush"} 4`,
        `effect_wait_delay_seconds_count{kind="loop",name="sync"} 3`,
        `effect_wait_delay_seconds_sum{kind="loop",name="flush"} 2.75`,
        `effect_wait_delay_seconds_sum{kind="loop",name="sync"} 1.5`,
        `effect_wait_failures_total{kind="loop",name="flush"} 3`,
        `effect_wait_failures_total{kind="loop",name="sync"} 0`,
        `effect_wait_give_ups_total{kind="loop",name="flush",reason="defect"} 1`,
        `effect_wait_give_ups_total{kind="loop",name="flush",reason="error"} 0`,
        `effect_wait_give_ups_total{kind="loop",name="flush",reason="exhausted"} 0`,
        `effect_wait_give_ups_total{kind="loop",name="sync",reason="defect"} 0`,
        `effect_wait_give_ups_total{kind="loop",name="sync",reason="error"} 0`,
        `effect_wait_give_ups_total{kind="loop",name="sync",reason="exhausted"} 0`,
        `effect_wait_last_success_timestamp_seconds{kind="loop",name="flush"} 1.85`,
        `effect_wait_last_success_timestamp_seconds{kind="loop",name="sync"} 3.5`,
        `effect_wait_lateness_seconds_count{kind="loop",name="flush"} 5`,
        `effect_wait_lateness_seconds_count{kind="loop",name="sync"} 4`,
        `effect_wait_lateness_seconds_sum{kind="loop",name="flush"} 0`,
        `effect_wait_lateness_seconds_sum{kind="loop",name="sync"} 0`,
        `effect_wait_missed_total{kind="loop",name="flush"} 0`,
        `effect_wait_missed_total{kind="loop",name="sync"} 1`,
        `effect_wait_retries_total{kind="loop",name="flush"} 2`,
        `effect_wait_retries_total{kind="loop",name="sync"} 0`,
        `effect_wait_run_duration_seconds_count{kind="loop",name="flush"} 5`,
        `effect_wait_run_duration_seconds_count{kind="loop",name="sync"} 3`,
        `effect_wait_run_duration_seconds_sum{kind="loop",name="flush"} 0.1`,
        `effect_wait_run_duration_seconds_sum{kind="loop",name="sync"} 2.5`,
        `effect_wait_runs_total{kind="loop",name="flush"} 5`,
        `effect_wait_runs_total{kind="loop",name="sync"} 4`
      ])
    }))
})

describe("/healthz", () => {
  it.effect.each<{ when: string; script: Script; expected: Array<readonly [time: number, status: number]> }>([
    {
      when: "both run",
      script: {},
      expected: [[0, 200], [60_000, 200]]
    },
    {
      when: "a run hangs for 4 seconds",
      script: { sync: [Effect.void, Effect.sleep("4 seconds")] },
      expected: [[3000, 200], [3001, 503], [4999, 503], [5000, 200]]
    },
    {
      when: "the first run hangs",
      script: { sync: [Effect.never] },
      expected: [[3000, 200], [3001, 503]]
    },
    {
      when: "runs fail from 1 to 4.75 s",
      script: { flush: [Effect.void, fail, fail, fail, fail, fail] },
      expected: [[3000, 200], [3001, 503], [6749, 503], [6750, 200]]
    },
    {
      when: "a defect ends a loop",
      script: { flush: [Effect.void, Effect.die("boom")] },
      expected: [[999, 200], [1000, 503]]
    }
  ])("when $when", ({ expected, script }) =>
    Effect.gen(function*() {
      const get = yield* serve(script)
      const answers = yield* Effect.forEach(expected, ([time]) =>
        TestClock.setTime(time).pipe(
          Effect.andThen(get("/healthz")),
          Effect.map(({ status }) => [time, status] as const)
        ))
      assert.deepStrictEqual(answers, expected)
    }))

  it.effect("tells how each loop does", () =>
    Effect.gen(function*() {
      const get = yield* serve({ sync: [Effect.void, Effect.never], flush: [fail] })
      yield* TestClock.setTime(3001)
      const response = yield* get("/healthz")
      const { healthy, loops } = yield* Effect.promise(() => response.json())
      const [{ id: _sync, ...sync }, { id: _flush, ...flush }] = loops
      assert.strictEqual(healthy, false)
      assert.deepStrictEqual(sync, {
        name: "sync",
        healthy: false,
        state: "running",
        runs: 2,
        failures: 0,
        consecutiveFailures: 0,
        missed: 0,
        lastStart: 1000,
        lastEnd: 0,
        lastSuccess: 0,
        nextStart: null,
        lastFailure: null
      })
      assert.deepStrictEqual(flush, {
        name: "flush",
        healthy: true,
        state: "waiting",
        runs: 4,
        failures: 1,
        consecutiveFailures: 0,
        missed: 0,
        lastStart: 2250,
        lastEnd: 2250,
        lastSuccess: 2250,
        nextStart: 3250,
        lastFailure: "FlushFailed: the disk is full"
      })
    }))
})

describe("the end", () => {
  it.effect.each<{ takes: Duration.Input; what: string; expected: Array<unknown> }>([
    { takes: "2 seconds", what: "has finished", expected: [2000, "finished"] },
    { takes: "1 minute", what: "was cut after 5 seconds", expected: [5000, "cut"] }
  ])("comes when the run in flight, of $takes, $what", ({ expected, takes }) =>
    Effect.gen(function*() {
      const ended: Array<unknown> = []
      const run = Effect.onExit(Effect.sleep(takes), (exit) =>
        Effect.map(Clock.currentTimeMillis, (now) => ended.push(now, Exit.isSuccess(exit) ? "finished" : "cut")))
      yield* Effect.scoped(Effect.andThen(serve({ sync: [run] }), TestClock.adjust(0)))
      assert.deepStrictEqual(ended, expected)
    }))
})
