/** One runner of durable polls, in a process of its own: `node pollRunner.ts <settings as JSON>`. */
import { ClusterLoop, PollStore } from "@effect-wait/cluster"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Redacted, References } from "effect"
import { RunnerAddress, ShardingConfig } from "effect/cluster"
import { type KindName, serve, toFile, toTable } from "./pollKinds.ts"

export interface Settings {
  readonly name: string
  readonly port: number
  readonly url: string
  /** What it serves. None is a runner of a version that has no durable poll. */
  readonly kinds: ReadonlyArray<KindName>
  /** Where it reports its looks; by default to a table. */
  readonly file?: string
  /** How many milliseconds its clock is ahead of that of the machine. */
  readonly clockIsAheadBy: number
}

const settings: Settings = JSON.parse(process.argv[2] ?? "{}")

const config = {
  ...ClusterLoop.fast,
  runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", settings.port))
}

const reportToFile = settings.file === undefined ? undefined : toFile(settings.file)
const polls = settings.kinds.map((kind) => serve(kind, reportToFile ?? toTable(kind, settings.name)))

const service = Layer.mergeAll(Layer.empty, ...polls).pipe(
  Layer.provide(PollStore.layerSql),
  Layer.provideMerge(NodeClusterSocket.layer({ storage: "sql", shardingConfig: config })),
  Layer.provide([
    PgClient.layer({ url: Redacted.make(settings.url), maxConnections: 5 }),
    ShardingConfig.layer({ ...ShardingConfig.defaults, ...config })
  ])
)

const skewed = Effect.map(Clock.Clock, (clock): Clock.Clock => {
  const millis = () => clock.currentTimeMillisUnsafe() + settings.clockIsAheadBy
  const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(settings.clockIsAheadBy) * 1_000_000n
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
})

NodeRuntime.runMain(
  Effect.flatMap(skewed, (clock) => Effect.provideService(Layer.launch(service), Clock.Clock, clock)).pipe(
    // The trials take the database away and kill runners: their warnings are many.
    Effect.provideService(References.MinimumLogLevel, "Error")
  )
)
