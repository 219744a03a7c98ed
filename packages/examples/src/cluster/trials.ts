/**
 * A cluster of real processes on a real Postgres. It fails when a claim does not hold.
 *
 * - fail-over: owners that are killed and stopped, and then churn: replicas that join, are killed, stopped and paused, and a database
 *   that crashes; for each seed
 * - memory: what loops remember through deploys, kills, crashes and an outage, on Postgres and with files; guarded writes; control from
 *   another process
 * - many: thousands of loops on three runners
 * - faults: what brought two owners or none is refused
 * - alerts: the alert of docs/many-machines.md
 * - polls: durable polls through deploys, rollbacks, clocks that differ, a locked table, and kill -9
 *
 * `CLUSTER_DEFAULTS=1` measures only how fast the next owner is with Effect's own settings, and what they cost.
 *
 * `npx --yes pnpm@12 cluster [--full] [--only many,faults] [--seed 1,2] [--seconds 40] [--trials 4] [--loops 1000] [--polls 1000]`
 */
import { ClusterLoop, PollStore } from "@effect-wait/cluster"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Clock, Console, Effect, Fiber, Layer, Option, Random } from "effect"
import { Loop, Period } from "effect-wait"
import { SqlClient } from "effect/sql"
import { parseArgs } from "node:util"
import { hasDefaults } from "./config.ts"
import { client, looked, owner, reconciled, type Replica, type Row, startReplica, tried } from "./control.ts"
import { layer as layerPostgres, layerClient, Postgres } from "./postgres.ts"
import { rollout } from "./rollout.ts"
import { alerts } from "./trials/alerts.ts"
import { allHold, claim, note } from "./trials/claims.ts"
import { faults } from "./trials/faults.ts"
import { many } from "./trials/many.ts"
import { full as fullMemory, memory, small as smallMemory } from "./trials/memory.ts"
import { polls } from "./trials/polls.ts"

const { full, loops, only, polls: pollCount, seconds, seed, trials } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    loops: { type: "string" },
    only: { type: "string", default: "fail-over,memory,many,faults,alerts,polls" },
    polls: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string", default: "1,2" },
    trials: { type: "string" }
  }
}).values

const churnSeconds = Number(seconds ?? (full ? 100 : 40))
const trialsEach = Number(trials ?? (full ? 10 : 4))
const pollsMost = Number(pollCount ?? (full ? 10_000 : 1000))
const loopsMost = Number(loops ?? (full ? 10_000 : 1000))

if (!(trialsEach >= 1 && churnSeconds >= 1 && loopsMost >= 1 && pollsMost >= 1)) {
  throw new Error("--trials, --seconds, --loops and --polls must be 1 or more")
}

const shown = (millis: number): string => (millis / 1000).toFixed(1)

const spread = (values: ReadonlyArray<number>): string => {
  const sorted = values.toSorted((a, b) => a - b)
  return [0, Math.floor(sorted.length / 2), sorted.length - 1].map((i) => shown(sorted[i] ?? NaN)).join(" / ")
}

/** The replicas that run, by name. Names are never used again. */
const makeReplicas = Effect.fnUntraced(function*(seed: string) {
  const { url } = yield* Postgres
  const running = new Map<string, Replica>()
  let names = 0
  return {
    running,
    join: Effect.suspend(() =>
      Effect.map(startReplica(`r${seed}.${++names}`, url), (replica) => running.set(replica.name, replica))
    ),
    leave: Effect.fnUntraced(function*(name: string, how: "kill" | "stop") {
      const replica = running.get(name)
      running.delete(name)
      yield* replica?.[how] ?? Effect.void
    })
  }
})

const failOver = Effect.fnUntraced(function*(
  { join, leave }: Effect.Success<ReturnType<typeof makeReplicas>>,
  how: "kill" | "stop"
) {
  const { replica } = yield* owner(() => true)
  const left = yield* Clock.currentTimeMillis
  const leaving = yield* Effect.forkChild(leave(replica, how))
  yield* owner((name) => name !== replica)
  const took = (yield* Clock.currentTimeMillis) - left
  yield* Fiber.join(leaving)
  yield* join
  yield* Effect.sleep("3 seconds") // it takes its part of the shards
  return took
})

/** Rows whose token is older than one that was there before. */
const stale = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  let newest = 0
  return rows.filter(({ token }) => {
    const isStale = token < newest
    newest = Math.max(newest, token)
    return isStale
  })
}

const churn = Effect.fnUntraced(function*(
  { join, leave, running }: Effect.Success<ReturnType<typeof makeReplicas>>,
  seed: string
) {
  const postgres = yield* Postgres
  const counts = { join: 0, kill: 0, stop: 0, pause: 0, crash: 0 }
  const paused = new Set<string>()
  const actions = {
    join,
    kill: Effect.suspend(() => Effect.flatMap(pick, (name) => leave(name, "kill"))),
    stop: Effect.suspend(() => Effect.flatMap(pick, (name) => leave(name, "stop"))),
    // The owner, for less or more than its lock lasts.
    pause: Effect.gen(function*() {
      const name = (yield* reconciled()).at(-1)?.replica ?? ""
      const replica = running.get(name)
      if (replica === undefined) return
      counts.pause++
      paused.add(name)
      yield* replica.signal("SIGSTOP")
      yield* Effect.sleep(yield* Random.nextIntBetween(500, 7000))
      yield* replica.signal("SIGCONT")
    }),
    crash: Effect.gen(function*() {
      yield* postgres.kill
      yield* Effect.sleep(yield* Random.nextIntBetween(200, 3000))
      yield* postgres.start
    })
  }
  const pick = Effect.suspend(() => {
    const names = [...running.keys()]
    return Effect.map(Random.nextIntBetween(0, Math.max(1, names.length)), (i) => names[i] ?? "")
  })
  const act = Effect.gen(function*() {
    const draw = yield* Random.nextIntBetween(0, 100)
    const action = running.size < 2 || running.size < 5 && draw < 35
      ? "join"
      : draw < 55
      ? "kill"
      : draw < 70
      ? "stop"
      : draw < 94
      ? "pause"
      : "crash"
    if (action !== "pause") counts[action]++
    yield* actions[action]
  })
  const polls: Array<string> = []
  const startPoll = Effect.gen(function*() {
    const deployment = `d${seed}.${polls.length + 1}`
    // Also while the database is down: it is the same poll each time.
    yield* Effect.retry(rollout.start({ deployment }), Period.sliding("200 millis"))
    polls.push(deployment)
  })
  const starting = yield* Effect.forkChild(Loop.run(startPoll, Period.nonSliding("10 seconds")))
  yield* Loop.run(act, Period.sliding("1 second"), { stop: Effect.sleep(`${churnSeconds} seconds`) })
  yield* Fiber.interrupt(starting)
  return { counts, paused, polls }
})

const failOvers = Effect.fnUntraced(function*(seed: string) {
  const replicas = yield* makeReplicas(seed)
  for (let i = 0; i < 3; i++) yield* replicas.join
  yield* owner(() => true)
  yield* Effect.sleep("3 seconds")

  const commits = Effect.map(
    Effect.flatMap(
      SqlClient.SqlClient,
      (sql) =>
        sql<{ n: number }>`SELECT xact_commit::float8 AS n FROM pg_stat_database WHERE datname = current_database()`
    ),
    ([row]) => row?.n ?? NaN
  )
  // Idle: the only loop is paused, and there are no polls.
  const loop = yield* ClusterLoop.control("reconcile")
  yield* loop.pause
  yield* Effect.sleep("2 seconds")
  const before = yield* commits
  yield* Effect.sleep("20 seconds")
  const committed = (yield* commits) - before
  yield* loop.resume
  yield* Console.log(`       idle, 3 replicas: ${(committed / 20).toFixed(1)} transactions a second`)

  for (
    const [how, name, limit] of [["kill", "kill -9", hasDefaults ? 45 : 10], [
      "stop",
      "SIGTERM",
      hasDefaults ? 10 : 2
    ]] as const
  ) {
    const took: Array<number> = []
    for (let i = 0; i < trialsEach; i++) took.push(yield* failOver(replicas, how))
    yield* claim(
      took.every((millis) => millis <= limit * 1000),
      `${name}: the next owner runs within ${limit} s in each of ${took.length} trials: least / median / most ${
        spread(took)
      } s`
    )
  }
  if (hasDefaults) return
  const last = (yield* reconciled()).at(-1)?.id ?? 0
  const begun = (yield* tried()).at(-1)?.id ?? 0
  const { counts, paused, polls } = yield* churn(replicas, seed)
  const [fenced, unfenced] = [yield* reconciled(last), yield* tried(begun)]
  const [late, early] = [stale(fenced), stale(unfenced)]
  const terms = new Set(unfenced.map(({ term }) => term)).size
  yield* Console.log(
    `       ${churnSeconds} s of churn, seed ${seed}: ${
      Object.entries(counts).map(([name, n]) => `${n} ${name}`).join(", ")
    }; ` +
      `${terms} terms, ${unfenced.length} runs, ${fenced.length} of them written`
  )
  yield* claim(late.length === 0, `no stale row came through the fence: ${late.length} of ${fenced.length}`)
  const unexplained = early.filter(({ replica }) => !paused.has(replica))
  yield* claim(
    unexplained.length === 0,
    `no run of an older term after one of a newer, but for replicas that were paused: ${early.length} stale runs, ${unexplained.length} of others`
  )
  const held = yield* Effect.forEach(polls, (key) => rollout.await(key), { concurrency: "unbounded" }).pipe(
    Effect.timeoutOption("2 minutes")
  )
  const looks = yield* Effect.forEach(polls, looked)
  const isInOrder = looks.every((list) =>
    list.every(({ attempt }, i) => {
      const before = list[i - 1]?.attempt ?? 0
      return attempt === before || attempt === before + 1
    })
  )
  const repeated = looks.map((list) => list.length - new Set(list.map(({ attempt }) => attempt)).size)
  const disturbances = counts.kill + counts.stop + counts.pause + counts.crash
  if (!isInOrder) {
    yield* note(looks.map((list) => list.map(({ attempt, replica }) => `${attempt} ${replica}`).join(", ")).join("; "))
    yield* note(`paused: ${Array.from(paused).join(", ")}`)
  }
  yield* claim(
    Option.isSome(held) && held.value.every(({ looks }) => looks === 20) && isInOrder,
    `${polls.length} durable polls held at their 20th look, each look made, in order`
  )
  yield* claim(
    repeated.every((n) => n <= disturbances),
    `looks that were made twice: ${repeated.reduce((sum, n) => sum + n, 0)}, in ${disturbances} disturbances`
  )
  const next = yield* Effect.option(owner(() => true, "30 seconds"))
  yield* claim(Option.isSome(next), "the loop goes on afterwards")
}, (effect, seed) => Effect.scoped(Random.withSeed(effect, seed)))

/** A database of its own: what the runners have in common differs from part to part. */
const database = Effect.fnUntraced(function*(name: string) {
  const sql = yield* SqlClient.SqlClient
  const { url } = yield* Postgres
  yield* sql`CREATE DATABASE ${sql(name)}`
  return url.replace(/[^/]*$/, name)
})

const program = Effect.gen(function*() {
  const parts = hasDefaults ? ["fail-over"] : only.split(",")
  if (parts.includes("fail-over")) yield* Effect.forEach(seed.split(","), failOvers, { discard: true })
  if (parts.includes("memory")) yield* Random.withSeed(memory(full ? fullMemory : smallMemory), seed)
  if (parts.includes("many")) yield* many(yield* database("many"), loopsMost)
  if (parts.includes("faults")) yield* faults(yield* database("faults"))
  if (parts.includes("alerts")) yield* alerts(yield* database("alerts"), full ? 60 : 10)
  if (parts.includes("polls")) yield* polls({ count: pollsMost })
})

const services = Layer.merge(client, PollStore.layerSql).pipe(
  Layer.provideMerge(layerClient()),
  Layer.provideMerge(layerPostgres),
  Layer.provideMerge(NodeServices.layer)
)

NodeRuntime.runMain(
  Effect.provide(program, services).pipe(
    Effect.andThen(Effect.sync(() => {
      if (!allHold()) process.exitCode = 1
    }))
  )
)
