/** A loop under control from other runners, on the test clock. */
import { ClusterLoop } from "@effect-wait/cluster"
import { LeaseStorage } from "@effect-wait/cluster/testing"
import { assert, describe, it } from "@effect/vitest"
import { Clock, type Cron, Effect, Exit, Layer, Option, type Schedule, Scope } from "effect"
import { Period } from "effect-wait"
import { Sharding } from "effect/cluster"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { look, tablesOf } from "../src/internal/loopEntity.ts"
import { registryOf } from "../src/internal/registry.ts"
import { runner } from "./cluster.ts"
import { sqlite } from "./sqlite.ts"

const second = 1000
const eachMinute = Period.cron("* * * * *", { timeZone: "UTC" })

/** Runners in one process that cannot reach each other, on one database. Times are in seconds. */
const makeCluster = Effect.fnUntraced(function*(schedule: Schedule.Schedule<unknown, unknown, Cron.CronParseError>) {
  const leases = yield* LeaseStorage.make({ expiration: "35 seconds" })
  const sql = yield* sqlite
  const runs: Array<string> = []
  const loop = (port: number) =>
    ClusterLoop.layer(
      Effect.map(Clock.currentTimeMillis, (now) => runs.push(`${port} at ${Math.floor(now / second)}`)),
      schedule,
      { name: "job" }
    )
  const join = Effect.fnUntraced(function*(port: number) {
    const scope = yield* Scope.make()
    const services = yield* Layer.build(Layer.provideMerge(loop(port), Layer.provide(runner(port), leases.layer))).pipe(
      Effect.provideService(SqlClient.SqlClient, sql),
      Scope.provide(scope)
    )
    yield* TestClock.adjust(1)
    /** As seen from this runner. */
    const here = <A, E>(effect: Effect.Effect<A, E, Sharding.Sharding>) =>
      effect.pipe(Effect.provideService(SqlClient.SqlClient, sql), Effect.provide(services))
    return { here, stop: Effect.forkChild(Scope.close(scope, Exit.void)) }
  })
  return { join, runs, sql }
})

const pass = (seconds: number) => TestClock.adjust(seconds * second)

describe("ClusterLoop.control", () => {
  it.effect("pauses, triggers and resumes the loop of this runner at once", () =>
    Effect.gen(function*() {
      const { join, runs } = yield* makeCluster(eachMinute)
      const { here } = yield* join(1)
      yield* pass(70)
      const job = yield* here(ClusterLoop.control("job"))
      yield* here(job.pause)
      assert.strictEqual((yield* job.status).state, "paused")
      yield* pass(120)
      assert.deepStrictEqual(runs, ["1 at 60"])
      yield* here(job.trigger)
      yield* pass(1)
      assert.deepStrictEqual(runs, ["1 at 60", "1 at 190"])
      assert.strictEqual((yield* job.status).state, "paused")
      yield* here(job.resume)
      yield* pass(60)
      assert.deepStrictEqual(runs, ["1 at 60", "1 at 190", "1 at 240"])
      const status = yield* job.status
      assert.deepInclude(status, {
        name: "job",
        shardGroup: "default",
        owner: "runner:1",
        state: "waiting",
        isTriggered: false
      })
      assert.deepStrictEqual(Option.map(status.nextStart, (next) => Math.round(next / second)), Option.some(300))
      assert.deepStrictEqual(status.lastSuccess, status.lastEnd)
    }))

  it.effect("a pause holds in the whole cluster: the owner learns of it at its next run, and the next owner at once", () =>
    Effect.gen(function*() {
      const { join, runs } = yield* makeCluster(Period.sliding("1 minute"))
      const a = yield* join(1)
      const b = yield* join(2)
      yield* pass(70)
      const before = runs.length
      const owner = (yield* b.here(ClusterLoop.list))[0]!.owner
      // No message arrives: these runners cannot reach each other.
      const other = owner === "runner:1" ? b : a
      const job = yield* other.here(ClusterLoop.control("job"))
      yield* Effect.forkChild(other.here(job.pause))
      yield* pass(100)
      assert.strictEqual(runs.length, before)
      yield* (other === b ? a : b).stop
      yield* pass(100)
      assert.strictEqual((yield* job.status).owner, other === b ? "runner:2" : "runner:1")
      assert.strictEqual(runs.length, before)
      yield* other.here(job.resume)
      yield* pass(1)
      assert.strictEqual(runs.length, before + 1)
    }))

  it.effect("a command that is read while the run that it asks for starts makes no second one", () =>
    Effect.gen(function*() {
      const { join, runs, sql } = yield* makeCluster(Period.sliding("1 hour"))
      const { here } = yield* join(1)
      yield* pass(70)
      const sharding = yield* here(Sharding.Sharding)
      const table = tablesOf(sharding).get("job")!
      const { loop } = registryOf(sharding).get("job")!
      yield* sql`UPDATE effect_wait_loops SET triggered = 1`
      let reads = 0
      const find = (name: string) =>
        Effect.gen(function*() {
          const row = yield* table.find(name)
          // The run starts between the answer of the database and its arrival.
          if (++reads === 1) {
            yield* loop.trigger
            yield* pass(1)
          }
          return row
        })
      tablesOf(sharding).set("job", { ...table, find })
      assert.isTrue(yield* look(sharding, "job"))
      yield* pass(60)
      assert.deepStrictEqual(runs, ["1 at 0", "1 at 70"])
    }))

  it.effect("a trigger survives the death of the owner", () =>
    Effect.gen(function*() {
      const { join, runs, sql } = yield* makeCluster(Period.sliding("1 hour"))
      const a = yield* join(1)
      yield* pass(70)
      // The owner dies before it was told.
      yield* sql`UPDATE effect_wait_loops SET triggered = 1`
      yield* a.stop
      yield* pass(10)
      const b = yield* join(2)
      yield* pass(10)
      assert.deepStrictEqual(runs, ["1 at 0", "2 at 80"])
      const job = yield* b.here(ClusterLoop.control("job"))
      assert.isFalse((yield* job.status).isTriggered)
    }))

  it.effect("tells the last runs, with owner, term, slot and outcome", () =>
    Effect.gen(function*() {
      const { join } = yield* makeCluster(eachMinute)
      const { here } = yield* join(1)
      yield* pass(70)
      const job = yield* here(ClusterLoop.control("job"))
      yield* here(job.trigger)
      yield* pass(60)
      const { term } = yield* job.status
      assert.deepStrictEqual(
        (yield* job.history).map(({ end, owner, outcome, slot, start, term: of }) => [
          owner,
          of === term,
          Option.getOrNull(slot),
          Math.round(start / second),
          Option.isSome(end),
          outcome
        ]),
        [
          ["runner:1", true, 60_000, 60, true, "success"],
          ["runner:1", true, null, 70, true, "success"],
          ["runner:1", true, 120_000, 120, true, "success"]
        ]
      )
    }))

  it.effect("refuses a name that no runner has had, and a process that has no memory of loops", () =>
    Effect.gen(function*() {
      const { join } = yield* makeCluster(eachMinute)
      const { here } = yield* join(1)
      yield* pass(70)
      const error = yield* Effect.flip(here(ClusterLoop.control("jbo")))
      assert.deepInclude(error, { _tag: "ControlError", name: "jbo", reason: "unknown" })
      assert.strictEqual(
        error.message,
        "No runner of this cluster has ever had a loop \"jbo\" that remembers. ClusterLoop.list has all of them."
      )
      const leases = yield* LeaseStorage.make({ expiration: "35 seconds" })
      const services = yield* Layer.build(Layer.provide(runner(3), leases.layer))
      for (const asked of [Effect.asVoid(ClusterLoop.control("job")), Effect.asVoid(ClusterLoop.list)]) {
        assert.deepInclude(yield* Effect.flip(Effect.provide(asked, services)), { reason: "noStorage" })
      }
    }))

  it.effect("says so when the database is away", () =>
    Effect.gen(function*() {
      const { join, sql } = yield* makeCluster(eachMinute)
      const { here } = yield* join(1)
      yield* pass(70)
      const job = yield* here(ClusterLoop.control("job"))
      yield* sql`ALTER TABLE effect_wait_loops RENAME TO away`
      for (const asked of [Effect.asVoid(job.status), job.pause, job.resume, job.trigger]) {
        assert.deepInclude(yield* Effect.flip(asked), { reason: "storage" })
      }
    }))
})
