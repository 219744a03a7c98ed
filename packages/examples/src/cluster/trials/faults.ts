/** What has brought two owners or none: settings that differ, one address for two runners, a pooled connection. Each is refused at start. */
import { Effect, Option } from "effect"
import { claim, note } from "./claims.ts"
import { freePort, isUp, micros, overlaps, type Runner, runs, startRunner, terms, until } from "./cluster.ts"
import { startPool } from "./pgbouncer.ts"
import type { Settings } from "./runner.ts"

type Start = Omit<Settings, "file" | "port" | "url"> & { readonly port?: number }

const refusal = (runner: Runner) => {
  const found = runner.events().find(({ what }) => what === "refused")
  return found === undefined ? undefined : `${found.loop} ${found.rest}`
}

const started = Effect.fnUntraced(function*(url: string, settings: Start) {
  const runner = yield* startRunner({ ...settings, url })
  yield* until(() => isUp(runner) || refusal(runner) !== undefined, "60 seconds")
  return runner
})

const base: Start = { loops: 30, period: 1000, work: 700, isUninterruptible: true, config: { shardsPerGroup: 8 } }

/** Two runners that fit and have all loops, and then another one that does not: it is refused, and no loop has two owners. */
const refuses = Effect.fnUntraced(function*(url: string, name: string, other: Start, wanted: string) {
  const good = [yield* started(url, base), yield* started(url, base)]
  yield* Effect.sleep("3 seconds")
  const since = micros()
  const bad = yield* started(url, other)
  yield* Effect.sleep("4 seconds")
  const all = [...good, bad]
  const why = refusal(bad) ?? "not at all"
  const two = overlaps(terms(all), all).awake + overlaps(runs(all), all).awake
  const ran = new Set(runs(good).filter(({ end }) => end > since + 1_000_000).map(({ loop }) => loop)).size
  yield* claim(
    why.includes(wanted) && two === 0 && ran === 30,
    `${name}: refused as ${wanted}; two owners at once: ${two}; loops that go on with the others: ${ran} of 30`
  )
  yield* Effect.forEach(all, ({ stop }) => stop, { concurrency: "unbounded" })
  if (!why.includes(wanted)) yield* note(why.slice(0, 400))
}, Effect.scoped)

const pooled = Effect.fnUntraced(function*(url: string) {
  const pool = yield* startPool(url, "transaction", 20)
  if (Option.isNone(pool)) {
    return yield* note("PgBouncer: skipped, as there is none (it takes root and apt, or the package pgbouncer)")
  }
  const refused = yield* started(pool.value, base)
  const why = refusal(refused) ?? "not at all"
  yield* claim(why.includes("pooler in transaction mode"), "PgBouncer in transaction mode: refused, with the remedy")
  const rows = { ...base, config: { ...base.config, shardLockDisableAdvisory: true } }
  const all = yield* Effect.all([started(pool.value, rows), started(pool.value, rows), started(pool.value, rows)], {
    concurrency: 3
  })
  yield* Effect.sleep("8 seconds")
  const since = micros()
  yield* Effect.sleep("6 seconds")
  const made = runs(all).filter(({ start }) => start >= since).length
  const two = overlaps(terms(all), all).awake + overlaps(runs(all), all).awake
  yield* claim(
    made >= 150 && two === 0,
    `PgBouncer with shardLockDisableAdvisory: ${made} of 180 runs in 6 s on three runners, two owners at once: ${two}`
  )
  yield* Effect.forEach(all, ({ stop }) => stop, { concurrency: "unbounded" })
  const session = yield* startPool(url, "session", 20)
  if (Option.isNone(session)) return
  const direct = yield* started(session.value, base)
  yield* claim(isUp(direct), "PgBouncer in session mode: not refused")
  yield* direct.stop
}, Effect.scoped)

/** Two runners at one address, as two processes behind one name: they listen at two ports. */
const sameAddress = Effect.fnUntraced(function*(url: string) {
  const address: Start = { ...base, port: yield* freePort }
  const first = yield* started(url, { ...address, listenPort: yield* freePort })
  const second = yield* started(url, { ...address, listenPort: yield* freePort })
  const why = refusal(second) ?? "not at all"
  yield* claim(
    isUp(first) && why.includes("Another runner that is alive has the address"),
    "two runners with one address: the second is refused"
  )
  // After a kill -9 the next one may have the address again.
  yield* first.kill
  const third = yield* started(url, { ...address, listenPort: yield* freePort })
  yield* claim(isUp(third), "a runner that starts again at once after a kill -9, with the same address: not refused")
  yield* third.stop
}, Effect.scoped)

/** A runner that the others do not reach: it listens elsewhere. */
const unreached = Effect.fnUntraced(function*(url: string) {
  const good = [yield* started(url, base), yield* started(url, base)]
  const bad = yield* started(url, { ...base, listenPort: yield* freePort })
  const isTold = yield* until(
    () => bad.events().some(({ rest, what }) => what === "log" && rest.includes("do not reach this one")),
    "60 seconds"
  )
  yield* claim(isTold, "a runner that the others do not reach: told by itself at level Warn")
  yield* Effect.forEach([...good, bad], ({ kill }) => kill)
}, Effect.scoped)

export const faults = Effect.fnUntraced(function*(url: string) {
  const config = { shardsPerGroup: 8 }
  yield* refuses(url, "a shard group that sorts first, in a rolling deploy", {
    ...base,
    config: { ...config, availableShardGroups: ["batch", "default"], assignedShardGroups: ["batch", "default"] }
  }, "the engine numbers its locks by the order of the names")
  yield* refuses(
    url,
    "shardsPerGroup 8 -> 16 in a rolling deploy",
    { ...base, config: { shardsPerGroup: 16 } },
    "shardsPerGroup 16"
  )
  yield* refuses(url, "the default address", { ...base, host: "localhost", port: 34_431 }, "the default address")
  yield* sameAddress(url)
  yield* unreached(url)
  yield* pooled(url)
})
