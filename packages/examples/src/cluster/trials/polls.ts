/**
 * Durable polls on real processes and a real Postgres: rolling deploys that add a kind, and roll back; clocks that differ; a table that is
 * locked while an owner dies; and very many polls.
 */
import { PollStore } from "@effect-wait/cluster"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Clock, Effect, Layer, Random } from "effect"
import { Period, Poll } from "effect-wait"
import { ChildProcess } from "effect/process"
import { SqlClient, type SqlError } from "effect/sql"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { layer as layerPostgres, layerClient, Postgres } from "../postgres.ts"
import { claim, note } from "./claims.ts"
import { type KindName, kinds, type Look, looks, looksIn, prepare } from "./pollKinds.ts"
import type { Settings } from "./pollRunner.ts"
import { cpuOf, cpuOfServer, memoryOf } from "./processes.ts"

const program = fileURLToPath(new URL("pollRunner.ts", import.meta.url))

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" ? address?.port ?? 0 : 0)))
  })
})

let runners = 0

/** Starts a runner, and waits until it is a member of the cluster. It ends with the Scope at the latest. */
const startRunner = Effect.fnUntraced(
  function*(url: string, options: Partial<Pick<Settings, "kinds" | "clockIsAheadBy" | "file">>) {
    const sql = yield* SqlClient.SqlClient
    const settings: Settings = {
      name: `p${++runners}`,
      port: yield* freePort,
      url,
      kinds: [],
      clockIsAheadBy: 0,
      ...options
    }
    const child = yield* ChildProcess.make(process.execPath, [program, JSON.stringify(settings)], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
      forceKillAfter: "3 seconds"
    })
    yield* Poll.until(
      sql`SELECT 1 FROM cluster_runners WHERE address LIKE ${`%${settings.port}`}`,
      Period.sliding("50 millis"),
      { accept: (rows) => rows.length > 0, tolerate: () => true, timeout: "60 seconds" }
    )
    return {
      name: settings.name,
      pid: child.pid,
      kill: Effect.ignore(child.kill({ killSignal: "SIGKILL" })),
      stop: Effect.ignore(child.kill({ killSignal: "SIGTERM", forceKillAfter: "30 seconds" }))
    }
  }
)

type Runner = Effect.Success<ReturnType<typeof startRunner>>

const pause = (least: number, most: number) =>
  Effect.flatMap(Random.nextIntBetween(least, most), (millis) => Effect.sleep(millis))

const startPolls = Effect.fnUntraced(function*(kind: KindName, count: number, heldAt: number) {
  const keys = Array.from({ length: count }, (_, i) => `${kind}-${i}`)
  yield* Effect.forEach(keys, (key) => kinds[kind].start({ key, heldAt }), { concurrency: 10, discard: true })
  return keys
})

/** How many of these polls held, and what their looks tell. */
const results = Effect.fnUntraced(
  function*(
    kind: KindName,
    keys: ReadonlyArray<string>,
    heldAt: number,
    seconds: number,
    made: Effect.Effect<ReadonlyArray<Look>, SqlError.SqlError, SqlClient.SqlClient> = looks(kind)
  ) {
    const held = yield* Effect.forEach(
      keys,
      (key) =>
        kinds[kind].await(key).pipe(
          Effect.timeoutOption(`${seconds} seconds`),
          Effect.match({ onFailure: () => false, onSuccess: (found) => found.valueOrUndefined?.looks === heldAt })
        ),
      // A pool of connections has no queue for ten thousand.
      { concurrency: 1000 }
    )
    const byKey = Map.groupBy(yield* made, ({ key }) => key)
    const lists = keys.map((key): ReadonlyArray<Look> => byKey.get(key) ?? [])
    const isWhole = lists.map((list) => {
      let last = 0
      return list.every(({ attempt }) => {
        const follows = attempt === last || attempt === last + 1
        last = attempt
        return follows
      }) && last === heldAt
    })
    const gaps = lists.flatMap((list) => list.slice(1).map(({ at }, i) => at - (list[i]?.at ?? at)))
    return {
      held: held.filter((each) => each).length,
      /** None skipped, and in order. */
      whole: isWhole.filter((each) => each).length,
      twice: lists.reduce((sum, list) => sum + list.length - new Set(list.map(({ attempt }) => attempt)).size, 0),
      worstGap: Math.max(0, ...gaps) / 1000,
      all: lists.flat()
    }
  }
)

const stopAll = (all: ReadonlyArray<Runner>) =>
  Effect.forEach(all, ({ stop }) => stop, { concurrency: "unbounded", discard: true })

const startAll = (url: string, all: ReadonlyArray<Parameters<typeof startRunner>[1]>) =>
  Effect.forEach(all, (options) => startRunner(url, options), { concurrency: "unbounded" })

/** Two old runners, one with another kind of poll and one without any, are replaced by new ones, these by old ones, and again. */
const deploys = Effect.fnUntraced(function*(url: string) {
  // They outlast the deploys.
  const heldAt = 30
  const old = startAll(url, [{ kinds: ["backup"] }, {}])
  const current = startAll(url, [{ kinds: ["backup", "deploy"] }, { kinds: ["backup", "deploy"] }])
  const first = yield* old
  const keys = yield* startPolls("deploy", 20, heldAt)
  const others = yield* startPolls("backup", 5, heldAt)
  yield* pause(500, 1500)
  const forward = yield* current
  yield* stopAll(first)
  yield* pause(1500, 2500)
  const made = (yield* looks("deploy")).length
  const back = yield* old
  const rolledBack = yield* Clock.currentTimeMillis
  yield* stopAll(forward)
  yield* pause(1000, 2000)
  const again = yield* current
  yield* stopAll(back)
  const away = ((yield* Clock.currentTimeMillis) - rolledBack) / 1000
  const { all, held, twice, whole, worstGap } = yield* results("deploy", keys, heldAt, 60)
  const last = all.filter(({ runner }) => again.some(({ name }) => name === runner)).length
  yield* claim(
    held === 20 && whole === 20 && twice === 0 && last > 0,
    `a rolling deploy that adds a kind of poll, a rollback after ${made} looks, and a deploy again for ${last}, beside old runners with and without ` +
      `durable polls: ${held} of 20 held, ${20 - whole} skipped a look, ${twice} looks twice; worst gap ${
        worstGap.toFixed(1)
      } s, with the rollback of ${away.toFixed(1)} s`
  )
  const kept = yield* results("backup", others, heldAt, 60)
  yield* claim(
    kept.held === 5 && kept.whole === 5 && kept.twice === 0,
    `the polls that all versions have: ${kept.held} of 5 held, ${
      5 - kept.whole
    } skipped a look, ${kept.twice} looks twice`
  )
  yield* stopAll(again)
})

/** Clocks that are 40 seconds ahead and 70 behind; polls that end within a minute; the runner that made the last look is killed. */
const clocks = Effect.fnUntraced(function*(url: string) {
  const heldAt = 10
  const all = yield* startAll(
    url,
    [0, 40_000, -70_000].map((clockIsAheadBy) => ({ kinds: ["deploy"], clockIsAheadBy }))
  )
  yield* forgetAll("deploy")
  const keys = yield* startPolls("deploy", 12, heldAt)
  yield* pause(2000, 3000)
  const busy = (yield* looks("deploy")).toSorted((a, b) => b.at - a.at)[0]?.runner
  const [owner = all[0], ...others] = all.toSorted(({ name }) => name === busy ? -1 : 1)
  yield* owner?.kill ?? Effect.void
  const { all: made, held, twice, whole, worstGap } = yield* results("deploy", keys, heldAt, 60)
  const used = new Set(made.map(({ runner }) => runner)).size
  yield* claim(
    held === keys.length && whole === keys.length && worstGap < 10,
    `clocks of runners that are 40 s ahead and 70 s behind, and a kill -9: ${held} of ${keys.length} polls held on ${used} runners, ` +
      `${keys.length - whole} skipped a look, ${twice} looks twice; worst gap ${worstGap.toFixed(1)} s`
  )
  yield* stopAll(others)
})

/** All statements end after two seconds, the tables are locked for eight, and a runner is killed meanwhile. */
const locked = Effect.fnUntraced(function*(url: string) {
  const sql = yield* SqlClient.SqlClient
  const heldAt = 12
  yield* sql`ALTER DATABASE postgres SET statement_timeout = '2s'`
  const [owner, other] = yield* startAll(url, [{ kinds: ["deploy"] }, { kinds: ["deploy"] }])
  yield* sql`ALTER DATABASE postgres RESET statement_timeout`
  yield* forgetAll("deploy")
  const keys = yield* startPolls("deploy", 12, heldAt)
  yield* pause(1500, 2500)
  yield* sql.withTransaction(Effect.gen(function*() {
    yield* sql`LOCK TABLE effect_wait_polls, cluster_messages, cluster_replies IN ACCESS EXCLUSIVE MODE`
    yield* owner?.kill ?? Effect.void
    yield* Effect.sleep("8 seconds")
  }))
  const { held, twice, whole, worstGap } = yield* results("deploy", keys, heldAt, 60)
  yield* claim(
    held === keys.length && whole === keys.length && worstGap < 20,
    `a table that is locked for 8 s while its owner is killed, with a statement_timeout of 2 s: ${held} of ${keys.length} polls held, ` +
      `${keys.length - whole} skipped a look, ${twice} looks twice; worst gap ${worstGap.toFixed(1)} s`
  )
  yield* stopAll(other === undefined ? [] : [other])
})

const folderOfLooks = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-wait-looks-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Very many polls on three runners, of which one is killed. Looks are reported to files: the database has only the polls. */
const many = Effect.fnUntraced(function*(url: string, count: number) {
  const heldAt = 4
  const sql = yield* SqlClient.SqlClient
  const server = yield* Postgres
  const folder = yield* folderOfLooks
  const files = ["a", "b", "c"].map((name) => join(folder, name))
  const all = yield* startAll(url, files.map((file) => ({ kinds: ["many"], file })))
  const [owner, ...others] = all
  if (owner === undefined) return
  const made = Effect.sync(() =>
    all.flatMap(({ name }, i) => looksIn(files[i] ?? "", name)).toSorted((a, b) => a.at - b.at)
  )
  const used = Effect.all({
    runners: Effect.map(Effect.forEach(others, ({ pid }) => cpuOf(pid)), (all) => all.reduce((a, b) => a + b, 0)),
    database: cpuOfServer(server.folder)
  })
  const before = yield* used

  const start = yield* Clock.currentTimeMillis
  const keys = yield* startPolls("many", count, heldAt)
  const started = (yield* Clock.currentTimeMillis) - start
  yield* pause(3000, 5000)
  // In the middle of the looks that are due together: it is the worst moment for a kill.
  const seen = looksIn(files[0] ?? "", owner.name).length
  yield* Poll.until(
    Effect.sync(() => looksIn(files[0] ?? "", owner.name).length - seen),
    Period.sliding("10 millis"),
    { accept: (more) => more >= count / 6, timeout: "20 seconds" }
  )
  const memory = yield* memoryOf(owner.pid)
  yield* owner.kill
  // Time for what it had sent; nobody else gets its polls within two seconds.
  yield* Effect.sleep("300 millis")
  const rows = yield* sql<{ key: string; attempt: number }>`SELECT key, attempt FROM effect_wait_polls
    WHERE name = 'many' AND state = 'waiting'`
  const attempts = new Map(rows.map(({ attempt, key }) => [key, attempt]))
  const inFlight = (yield* made).filter(({ attempt, key, runner }) =>
    runner === owner.name && attempts.get(key) === attempt
  )

  const result = yield* results("many", keys, heldAt, 60 + count / 10, made)
  const { held, twice, whole, worstGap } = result
  const times = result.all.map(({ at }) => at)
  const span = (times.reduce((a, b) => Math.max(a, b), 0) - times.reduce((a, b) => Math.min(a, b), Infinity)) / 1000
  const byOthers = result.all.filter(({ runner }) => runner !== owner.name).length
  const after = yield* used
  const survivors = (yield* Effect.forEach(others, ({ pid }) => memoryOf(pid))).map((megabytes) => megabytes.toFixed(0))
  const left = Effect.map(
    sql<{ n: number }>`SELECT count(*)::int AS n FROM effect_wait_polls WHERE name = 'many'`,
    ([row]) => row?.n ?? NaN
  )
  const stored = yield* left
  yield* PollStore.purge({ olderThan: 0, limit: 2 * count })
  const purged = yield* left
  yield* claim(
    held === count && whole === count && twice <= inFlight.length && inFlight.length <= 64 && purged === 0,
    `${count} polls with a look each 5 s on three runners, and a kill -9: started in ${
      (started / 1000).toFixed(1)
    } s, ${held} held, ` +
      `${count - whole} skipped a look; ${inFlight.length} looks in flight at the kill, ${twice} looks twice; ` +
      `worst gap ${worstGap.toFixed(1)} s`
  )
  yield* note(
    `${(result.all.length / span).toFixed(0)} looks a second, ${
      (byOthers / (after.runners - before.runners)).toFixed(0)
    } for a second of ` +
      `processor time of a runner, ${
        (result.all.length / (after.database - before.database)).toFixed(0)
      } for one of the database; ` +
      `${memory.toFixed(0)} MB a runner, the survivors ${
        survivors.join(" and ")
      } MB; ${stored} rows, and ${purged} after the purge`
  )
  yield* stopAll(others)
}, Effect.scoped)

const forgetAll = Effect.fnUntraced(function*(kind: KindName) {
  const sql = yield* SqlClient.SqlClient
  const polls = yield* kinds[kind].list({ limit: 10_000 })
  yield* Effect.forEach(polls, ({ key }) => kinds[kind].forget(key), { discard: true })
  yield* sql`DELETE FROM poll_looks WHERE kind = ${kind}`
})

/** The trials of durable polls, on a Postgres of their own: all, or only those of these names. */
export const polls = Effect.fnUntraced(
  function*({ count, only = [] }: { readonly count: number; readonly only?: ReadonlyArray<string> }) {
    const { url } = yield* Postgres
    yield* prepare
    const trials = { deploys: deploys(url), clocks: clocks(url), locked: locked(url), many: many(url, count) }
    for (const [name, trial] of Object.entries(trials)) if (only.length === 0 || only.includes(name)) yield* trial
  },
  Effect.scoped,
  Effect.provide(
    PollStore.layerSql.pipe(
      Layer.provideMerge(layerClient()),
      Layer.provideMerge(layerPostgres),
      Layer.provideMerge(NodeServices.layer)
    ),
    // Another database than that of the trials around it.
    { local: true }
  )
)
