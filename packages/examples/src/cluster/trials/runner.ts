/**
 * One runner of many loops, in a process of its own: `node runner.ts <settings as JSON>`. It writes what happens to a file, a line an
 * event, with CLOCK_MONOTONIC in microseconds, which all processes of a machine share:
 *
 * - `start`: its modules are loaded; `up`: its layers are built; `refused <reason> <message>`: they are not
 * - `term <loop>`, `end <loop> <reason>`: it owns the loop from here, to here
 * - `run <loop> <start>`: a run has ended that started there; `first <loop>`: the first run of a term starts
 * - `lag <microseconds> <of them on a core>`: the event loop stood still for that long
 * - `owned <loop> <0 or 1>`: the gauge, each half second, where `gauges` is set
 * - `log <level> <message>`: of level Warn or above
 */
import { ClusterLoop, Term } from "@effect-wait/cluster"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { PgClient } from "@effect/sql-pg"
import { Effect, Exit, Layer, Logger, LogLevel, Metric, Option, Redacted, References, Schedule } from "effect"
import { Limit, Loop, Period } from "effect-wait"
import { RunnerAddress, ShardingConfig } from "effect/cluster"
import { openSync, writeSync } from "node:fs"

export interface Settings {
  readonly file: string
  readonly host?: string
  readonly port: number
  /** Where it listens, if not at its address. */
  readonly listenPort?: number
  readonly url: string
  /** The names of its loops are `loop-0` to `loop-<n - 1>`. */
  readonly loops: number
  /** The runs of a loop, in milliseconds. */
  readonly period: number
  readonly work: number
  readonly isUninterruptible?: boolean
  /** More loops: one of an expression that nothing can read, the same inside a schedule of Effect's, one that gives up, one that only some runners have. */
  readonly others?: ReadonlyArray<"mistyped" | "hidden" | "gives-up" | "rare">
  readonly gauges?: boolean
  readonly config?: Partial<
    Pick<
      ShardingConfig.ShardingConfig["Service"],
      "shardsPerGroup" | "availableShardGroups" | "assignedShardGroups" | "shardLockDisableAdvisory"
    >
  >
  readonly maxConnections?: number
}

const settings: Settings = JSON.parse(process.argv[2] ?? "{}")

const file = openSync(settings.file, "a")
const micros = () => Number(process.hrtime.bigint() / 1000n)
const say = (...event: ReadonlyArray<string | number>) => void writeSync(file, `${micros()} ${event.join(" ")}\n`)

// Where other processes want the same cores, the time that an event loop stood still is theirs as well.
const burnt = () => {
  const { system, user } = process.threadCpuUsage()
  return system + user
}
const watch = (tick: number, before: number, burntBefore: number) =>
  setTimeout(() => {
    const [now, burntNow] = [micros(), burnt()]
    const lag = now - before - tick * 1000
    if (lag > 30_000) say("lag", lag, burntNow - burntBefore)
    watch(tick, now, burntNow)
  }, tick).unref()
watch(10, micros(), burnt())

const logger = Logger.make(({ fiber, logLevel, message }) => {
  const text = String(Array.isArray(message) ? message[0] : message)
  const loop = String(fiber.getRef(References.CurrentLogAnnotations)["loop"])
  if (text === "The term begins") say("term", loop)
  else if (text.startsWith("The term ends: ")) {
    say("end", loop, text.slice("The term ends: ".length).replaceAll(" ", "-"))
  } else if (LogLevel.isGreaterThanOrEqualTo(logLevel, "Warn")) say("log", logLevel, text.replaceAll("\n", " "))
})

say("start")

const seen = new Set<string>()
const run = Effect.gen(function*() {
  const term = yield* Term.CurrentTerm
  const start = micros()
  const id = term?.id ?? ""
  if (!seen.has(id)) {
    seen.add(id)
    say("first", term?.loop ?? "")
  }
  yield* Effect.sleep(settings.work)
  say("run", term?.loop ?? "", start)
})

const others = {
  mistyped: () => ClusterLoop.layer(run, Period.cron("61 * * * *"), { name: "mistyped" }),
  hidden: () => ClusterLoop.layer(run, Schedule.tap(Period.cron("61 * * * *"), () => Effect.void), { name: "hidden" }),
  "gives-up": () =>
    ClusterLoop.layer(Effect.fail("no"), Period.sliding("1 second"), {
      name: "gives-up",
      backoff: Period.sliding("1 second").pipe(Limit.attempts(3))
    }),
  rare: () => ClusterLoop.layer(run, Period.sliding("1 second"), { name: "rare" })
}

const loops = Array.from(
  { length: settings.loops },
  (_, i) =>
    ClusterLoop.layer(
      settings.isUninterruptible === true ? Effect.uninterruptible(run) : run,
      Period.nonSliding(settings.period),
      { name: `loop-${i}` }
    )
)
const [first, ...more] = [...loops, ...(settings.others ?? []).map((other) => others[other]())]

const config = {
  ...ClusterLoop.fast,
  ...settings.config,
  runnerAddress: Option.some(RunnerAddress.make(settings.host ?? "127.0.0.1", settings.port)),
  runnerListenAddress: Option.some(RunnerAddress.make("127.0.0.1", settings.listenPort ?? settings.port))
}

const gauges = Effect.map(Metric.snapshot, (metrics) => {
  for (const { attributes, id, state } of metrics) {
    if (id === "effect_wait_cluster_owned" && "value" in state) {
      say("owned", attributes?.["name"] ?? "", Number(state.value))
    }
  }
})

const service = Layer.mergeAll(first!, ...more).pipe(
  Layer.tap(() => Effect.sync(() => say("up"))),
  Layer.provideMerge(
    settings.gauges === true ? Layer.effectDiscard(Loop.forkScoped(gauges, Period.sliding("500 millis"))) : Layer.empty
  ),
  Layer.provide(NodeClusterSocket.layer({ storage: "sql", shardingConfig: config })),
  Layer.provide([
    PgClient.layer({ url: Redacted.make(settings.url), maxConnections: settings.maxConnections ?? 5 }),
    ShardingConfig.layer(config),
    Logger.layer([logger])
  ])
)

NodeRuntime.runMain(
  Effect.onExit(Layer.launch(service), (exit) =>
    Effect.sync(() => {
      if (Exit.isFailure(exit)) say("refused", String(exit.cause).replaceAll("\n", " "))
    })),
  { disableErrorReporting: true }
)
