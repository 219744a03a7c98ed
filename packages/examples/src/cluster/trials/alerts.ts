/** The alert of docs/many-machines.md, evaluated each half second as Prometheus does it, from the gauges that the runners export. */
import { Effect } from "effect"
import { claim } from "./claims.ts"
import { isUp, micros, type Runner, startRunner, until } from "./cluster.ts"

const second = 1_000_000

/**
 * `group by (name) (last_over_time(effect_wait_cluster_owned[15m])) unless on (name) sum by (name) (effect_wait_cluster_owned) >= 1`, with
 * its `for`: the loops that the alert was for at any time between these two.
 */
const fired = (all: ReadonlyArray<Runner>, lasting: number, from: number, until: number): ReadonlyArray<string> => {
  const samples = all.map((runner) => runner.events().filter(({ what }) => what === "owned"))
  const since = new Map<string, number>()
  const names = new Set<string>()
  for (let at = from; at <= until; at += second / 2) {
    const known = new Set<string>()
    const sums = new Map<string, number>()
    all.forEach((runner, i) => {
      const last = new Map(
        samples[i]!.filter((sample) => sample.at <= at).map(({ loop, rest }) => [loop, Number(rest)])
      )
      for (const [name, value] of last) {
        known.add(name)
        // A target that is down has no series.
        if (runner.gone() > at) sums.set(name, (sums.get(name) ?? 0) + value)
      }
    })
    for (const name of known) {
      if ((sums.get(name) ?? 0) >= 1) since.delete(name)
      else if (!since.has(name)) since.set(name, at)
      else if (at - since.get(name)! >= lasting * second) names.add(name)
    }
  }
  return [...names].toSorted()
}

export const alerts = Effect.fnUntraced(function*(url: string, lasting: number) {
  const settings = { url, loops: 20, period: 1000, work: 50, gauges: true, config: { shardsPerGroup: 8 } } as const
  const start = Effect.fnUntraced(function*(others: ReadonlyArray<"gives-up" | "hidden" | "rare"> = []) {
    const runner = yield* startRunner({ ...settings, others })
    yield* until(() => isUp(runner), "60 seconds")
    return runner
  })

  // A healthy deploy: each of three runners is replaced.
  const old = [yield* start(), yield* start(), yield* start()]
  const deployed: Array<Runner> = []
  yield* Effect.sleep("5 seconds")
  const from = micros()
  for (const runner of old) {
    deployed.push(yield* start())
    yield* runner.stop
  }
  yield* Effect.sleep("5 seconds")
  const healthy = fired([...old, ...deployed], lasting, from, micros())
  yield* claim(healthy.length === 0, `the alert in a healthy deploy of three runners: ${healthy.join(", ") || "none"}`)

  // A loop that only one runner knows, which dies; one that gave up; one of an expression that only its first run can read.
  const only = yield* start(["rare"])
  const others = yield* start(["gives-up", "hidden"])
  yield* Effect.sleep("5 seconds")
  const before = micros()
  yield* only.kill
  yield* Effect.sleep((lasting + 5) * 1000)
  const dead = fired([...deployed, only, others], lasting, before, micros())
  yield* claim(
    dead.join() === "gives-up,hidden,rare",
    `the alert, ${lasting + 5} s after a kill -9 of the only runner that had the loop "rare": ${
      dead.join(", ") || "none"
    }`
  )

  const mistyped = yield* startRunner({ ...settings, others: ["mistyped"] })
  const refused = yield* until(() => mistyped.events().some(({ what }) => what === "refused"), "60 seconds")
  yield* claim(refused && !isUp(mistyped), "a mistyped expression: the runner does not start")
  for (const runner of [...deployed, others]) yield* runner.kill
}, Effect.scoped)
