/**
 * A service of three replicas, each a process, on a Postgres of its own: one of them runs the loop. It is killed, another one goes
 * on; that one is stopped, and so forth.
 *
 * `npx --yes pnpm@12 cluster-demo`
 */
import { PollStore } from "@effect-wait/cluster"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Clock, Console, Effect, Layer } from "effect"
import { Timeline } from "effect-wait"
import { looked, owner, reconciled, type Replica, startReplica } from "./control.ts"
import { layer as layerPostgres, layerClient, Postgres } from "./postgres.ts"
import { rollout } from "./rollout.ts"

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`

const names = ["a", "b", "c"]

const lanes = Effect.fnUntraced(function*(begin: number) {
  const rows = yield* reconciled()
  return Object.fromEntries(names.map((name): [string, Timeline.Timeline] => [name, {
    runs: rows.filter(({ replica }) => replica === name).map(({ at }) => ({ start: at - begin, end: at - begin })),
    outcome: "done"
  }]))
})

const demo = Effect.gen(function*() {
  const { url } = yield* Postgres
  const begun = yield* Clock.currentTimeMillis
  const say = (text: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => Console.log(`${seconds(now - begun).padStart(7)}  ${text}`))

  yield* say("a, b and c start; all of them have the loop \"reconcile\"")
  const replicas = new Map<string, Replica>()
  for (const name of names) replicas.set(name, yield* startReplica(name, url))
  const first = yield* owner(() => true)
  yield* say(`${first.replica} owns it, with token ${first.token}`)
  yield* rollout.start({ deployment: "api" })
  yield* say("the poll \"rollout\" of api starts")
  yield* Effect.sleep("4 seconds")

  for (const how of ["kill", "stop"] as const) {
    const { replica: before, token } = yield* owner(() => true)
    yield* say(`${how === "kill" ? "kill -9" : "SIGTERM"} for ${before}, which owns it with token ${token}`)
    const left = yield* Clock.currentTimeMillis
    yield* Effect.forkChild(replicas.get(before)?.[how] ?? Effect.void)
    const next = yield* owner((name) => name !== before)
    const took = seconds((yield* Clock.currentTimeMillis) - left)
    yield* say(`${next.replica} owns it, with token ${next.token}, ${took} later`)
    yield* Effect.sleep("4 seconds")
    if (how === "kill") {
      yield* say(`${before} starts again`)
      replicas.set(before, yield* startReplica(before, url))
      yield* Effect.sleep("4 seconds")
    }
  }

  const { looks } = yield* rollout.await("api")
  const attempts = yield* looked("api")
  const times = Map.groupBy(attempts, ({ attempt }) => attempt)
  yield* say(
    `"rollout" held at look ${looks}; looks by ${
      [...new Set(attempts.map(({ replica }) => replica))].join(", ")
    }; made twice: ${[...times.values()].filter((made) => made.length > 1).length}`
  )

  yield* Console.log("")
  yield* Console.log(Timeline.render(yield* lanes(begun), { width: 100 }))
})

const services = PollStore.layerSql.pipe(Layer.provideMerge(layerClient())).pipe(
  Layer.provideMerge(layerPostgres),
  Layer.provideMerge(NodeServices.layer)
)

NodeRuntime.runMain(Effect.provide(Effect.scoped(demo), services))
