/**
 * One runner of the loops of the memory trial, in a process of its own: `node memoryRunner.ts <settings as JSON>`. It writes what happens to
 * a file that all runners share, a line an event, with the milliseconds of the wall clock:
 *
 * - `start <loop> <slot> <time>`, `end <loop> <slot> <time>`: of a run; the slot is 0 for a schedule without slots
 *
 * With `url` it is one of several runners on a Postgres; without, it is the only one, and keeps its memory in `folder`.
 */
import { ClusterLoop } from "@effect-wait/cluster"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { PgClient } from "@effect/sql-pg"
import { DateTime, Effect, Layer, Logger, Option, Redacted } from "effect"
import { type Loop, Period } from "effect-wait"
import * as LoopStore from "effect-wait/LoopStore"
import { RunnerAddress, ShardingConfig } from "effect/cluster"
import { SqlClient } from "effect/sql"
import { openSync, writeSync } from "node:fs"
import { loops, type Settings } from "./memoryLoops.ts"

const settings: Settings = JSON.parse(process.argv[2] ?? "{}")
const file = openSync(settings.file, "a")
const say = (what: string, name: string, slot: number) =>
  void writeSync(file, `${what} ${name} ${slot} ${Date.now()}\n`)

const work = Effect.fnUntraced(function*(name: string) {
  const slot = yield* ClusterLoop.CurrentSlot
  const time = slot === undefined ? 0 : DateTime.toEpochMillis(slot)
  say("start", name, time)
  yield* Effect.sleep("40 millis")
  if (name === "guarded") {
    const sql = yield* Effect.serviceOption(SqlClient.SqlClient)
    if (Option.isSome(sql)) yield* ClusterLoop.guard(sql.value`INSERT INTO guarded (slot) VALUES (${time})`)
  }
  say("end", name, time)
})

const cron = (seconds: number) => Period.cron(`*/${seconds} * * * * *`, { timeZone: "UTC", missed: "all" })

const slotted = (name: "hourly" | "daily" | "lax" | "guarded", catchUp: Loop.CatchUp) =>
  ClusterLoop.layer(work(name), cron(loops[name].period / 1000), { name, catchUp })

const Loops = Layer.mergeAll(
  slotted("hourly", { missed: "all" }),
  slotted("daily", { missed: "one" }),
  slotted("lax", { missed: "skip" }),
  slotted("guarded", { missed: "all" }),
  ClusterLoop.layer(work("ticker"), Period.ticker(loops.ticker.period, { missed: "all" }), {
    name: "ticker",
    catchUp: { missed: "all" }
  }),
  ClusterLoop.layer(work("nonSliding"), Period.nonSliding(loops.nonSliding.period), { name: "nonSliding" }),
  ClusterLoop.layer(work("sliding"), Period.sliding(loops.sliding.period), { name: "sliding" }),
  ClusterLoop.layer(work("commanded"), Period.sliding("1 hour"), { name: "commanded" })
)

const launch = <E>(service: Layer.Layer<never, E>) =>
  NodeRuntime.runMain(Layer.launch(Layer.provide(service, Logger.layer([]))))

const onPostgres = (url: string, port: number) => {
  const config = {
    ...ClusterLoop.fast,
    shardsPerGroup: 8,
    runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", port))
  }
  return Loops.pipe(
    Layer.provide(NodeClusterSocket.layer({ storage: "sql", shardingConfig: config })),
    Layer.provide([PgClient.layer({ url: Redacted.make(url), maxConnections: 5 }), ShardingConfig.layer(config)])
  )
}

const withFiles = (folder: string) =>
  Loops.pipe(
    Layer.provide(ClusterLoop.layerEmbedded),
    Layer.provide(LoopStore.layerFile(folder)),
    Layer.provide(NodeServices.layer)
  )

if ("url" in settings) launch(onPostgres(settings.url, settings.port))
else launch(withFiles(settings.folder))
