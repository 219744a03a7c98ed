/**
 * What loops remember through deploys, kills, crashes of Postgres and an outage of everything; in one process with files; `ClusterLoop.guard`; and
 * `ClusterLoop.control` from a process that has no loop.
 */
import { ClusterLoop } from "@effect-wait/cluster"
import { Clock, Effect, Fiber, Random } from "effect"
import { Limit, Loop, Period, Poll } from "effect-wait"
import { ChildProcess } from "effect/process"
import { SqlClient } from "effect/sql"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Postgres } from "../postgres.ts"
import { claim, note } from "./claims.ts"
import { freePort, until } from "./cluster.ts"
import { loops, type Settings } from "./memoryLoops.ts"

interface Run {
  readonly slot: number
  readonly start: number
  /** Undefined for a run that was cut. */
  readonly end: number | undefined
}

const program = fileURLToPath(new URL("memoryRunner.ts", import.meta.url))

const start = Effect.fnUntraced(function*(settings: Settings) {
  const child = yield* ChildProcess.make(process.execPath, [program, JSON.stringify(settings)], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    forceKillAfter: "3 seconds"
  })
  return {
    kill: Effect.ignore(child.kill({ killSignal: "SIGKILL" })),
    stop: Effect.ignore(child.kill({ killSignal: "SIGTERM", forceKillAfter: "30 seconds" }))
  }
})

/** The runs of each loop, in the order of their starts. One owner at a time: an end is that of the last start. */
const runsOf = (file: string): ReadonlyMap<string, ReadonlyArray<Run>> => {
  const runs = new Map<string, Array<Run>>()
  for (const line of readFileSync(file, "utf8").split("\n").slice(0, -1)) {
    const [what, name = "", slot, time] = line.split(" ")
    const list = runs.get(name) ?? []
    runs.set(name, list)
    const last = list.at(-1)
    if (what === "start") list.push({ slot: Number(slot), start: Number(time), end: undefined })
    else if (last?.slot === Number(slot)) list[list.length - 1] = { ...last, end: Number(time) }
  }
  return runs
}

const doneOf = (runs: ReadonlyArray<Run>) => runs.filter(({ end }) => end !== undefined)

/** What became of the slots of a loop: the slots without a run, and runs of a slot that had one. */
const judgeSlots = (runs: ReadonlyArray<Run>, period: number, offset = 0) => {
  const slots = doneOf(runs).map(({ slot }) => slot)
  const seen = new Set(slots)
  const [from = 0, to = 0] = [slots[0], slots.at(-1)]
  const wanted = Array.from({ length: Math.round((to - from) / period) + 1 }, (_, i) => from + i * period + offset)
  // The slots of a ticker are milliseconds of a clock that has fractions of them.
  const has = (slot: number) => [-2, -1, 0, 1, 2].some((near) => seen.has(slot + near))
  const isInOrder = slots.every((slot, i) => i === 0 || slot >= (slots[i - 1] ?? 0))
  return { lost: wanted.filter((slot) => !has(slot)), repeated: slots.length - seen.size, slots: seen.size, isInOrder }
}

const onPostgres = "on Postgres"

const claims = Effect.fnUntraced(function*(where: string, file: string, disturbances: number) {
  const runs = runsOf(file)
  // Of a run that was killed after its guarded write this file has no end: there the table tells.
  const isGuarded = where === onPostgres
  for (const name of isGuarded ? ["hourly", "ticker"] as const : ["hourly", "ticker", "guarded"] as const) {
    const { isInOrder, lost, repeated, slots } = judgeSlots(runs.get(name) ?? [], loops[name].period)
    yield* claim(
      slots > 1 && lost.length === 0 && isInOrder && repeated <= disturbances,
      `${where}, ${name}, missed "all": ${slots} slots, ${lost.length} lost, ${repeated} repeated, in order: ${isInOrder}`
    )
  }
  for (const [name, late] of [["daily", loops.daily.period], ["lax", 1500]] as const) {
    const { isInOrder, lost, repeated, slots } = judgeSlots(runs.get(name) ?? [], loops[name].period)
    // After slots that passed, the run is that of the last one ("one"), or that of the next one ("skip").
    const wrong = doneOf(runs.get(name) ?? []).filter(({ slot, start }) => start < slot - 5 || start - slot > late)
    yield* claim(
      slots > 1 && wrong.length === 0 && isInOrder && repeated <= disturbances,
      `${where}, ${name}, missed "${
        loops[name].missed
      }": ${slots} slots served, ${lost.length} passed while nobody ran the loop, ` +
        `${repeated} repeated; runs of another slot than the policy says: ${wrong.length}`
    )
  }
  for (const [name, from] of [["nonSliding", "start"], ["sliding", "end"]] as const) {
    const done = doneOf(runs.get(name) ?? [])
    const early = done.filter(({ start }, i) => {
      const before = done[i - 1]?.[from]
      return before !== undefined && start - before < loops[name].period - 300
    })
    yield* claim(
      done.length > 1 && early.length <= disturbances,
      `${where}, ${name}: ${done.length} runs, ${early.length} sooner than the period after the one before`
    )
  }
})

export interface Scale {
  readonly deploys: number
  readonly kills: number
  readonly crashes: number
  /** Kills while the guarded loop runs. */
  readonly guardKills: number
  readonly fileKills: number
}

/** Times are scaled: the hour is six seconds, the day ten. Defaults of CI are smaller. */
export const small: Scale = { deploys: 5, kills: 3, crashes: 1, guardKills: 3, fileKills: 8 }
export const full: Scale = { deploys: 20, kills: 10, crashes: 5, guardKills: 30, fileKills: 40 }

const pause = (least: number, most: number) => Effect.flatMap(Random.nextIntBetween(least, most), Effect.sleep)

const cluster = Effect.fnUntraced(function*(folder: string, { crashes, deploys, guardKills, kills }: Scale) {
  const postgres = yield* Postgres
  const sql = yield* SqlClient.SqlClient
  const file = join(folder, "cluster")
  writeFileSync(file, "")
  yield* sql`CREATE TABLE IF NOT EXISTS guarded (id BIGSERIAL PRIMARY KEY, slot DOUBLE PRECISION NOT NULL)`
  const running: Array<{ readonly kill: Effect.Effect<void>; readonly stop: Effect.Effect<void> }> = []
  const count = (name: string) => runsOf(file).get(name)?.length ?? 0
  const enter = Effect.gen(function*() {
    running.push(yield* start({ file, url: postgres.url, port: yield* freePort }))
  })
  const leave = (how: "kill" | "stop") => Effect.suspend(() => running.shift()?.[how] ?? Effect.void)
  /** Waits until somebody runs the loops again. */
  const goesOn = Effect.suspend(() => {
    const before = count("guarded")
    return until(() => count("guarded") > before, "60 seconds")
  })

  // A cold start of three replicas.
  for (let i = 0; i < 3; i++) yield* enter
  yield* until(() => count("guarded") > 1 && count("commanded") > 0, "60 seconds")
  yield* Effect.sleep("6 seconds")
  const cold = runsOf(file).get("commanded") ?? []
  yield* claim(cold.length === 1, `a cold start of three replicas: ${cold.length} run of a loop that is new`)

  for (let i = 0; i < deploys; i++) {
    yield* enter
    yield* pause(800, 2500)
    yield* leave("stop")
    yield* pause(100, 1500)
  }
  yield* note(`${deploys} rolling deploys`)
  for (let i = 0; i < kills; i++) {
    yield* pause(200, 1500)
    yield* leave("kill")
    yield* enter
    yield* goesOn
  }
  for (let i = 0; i < crashes; i++) {
    yield* pause(500, 2000)
    yield* postgres.kill
    yield* pause(200, 2500)
    yield* postgres.start
    yield* goesOn
  }
  const lost = running.length
  yield* postgres.kill
  while (running.length > 0) yield* leave("kill")
  yield* Effect.sleep("13 seconds")
  yield* postgres.start
  for (let i = 0; i < 3; i++) yield* enter
  yield* goesOn
  yield* Effect.sleep("8 seconds")
  const commanded = (runsOf(file).get("commanded") ?? []).length
  yield* claim(
    commanded === 1,
    `${deploys} deploys, ${kills} kill -9, ${crashes} crashes of Postgres and an outage of everything: an hourly loop that was not due has run ${
      commanded - 1
    } times more`
  )
  yield* control(file, running, enter)
  for (let i = 0; i < guardKills; i++) {
    yield* pause(100, 1200)
    yield* leave("kill")
    yield* enter
    yield* goesOn
  }
  yield* Effect.sleep("5 seconds")
  while (running.length > 0) yield* leave("stop")
  yield* claims(onPostgres, file, kills + crashes + lost + guardKills + 1)
  const rows = yield* sql<{ slot: number }>`SELECT slot FROM guarded ORDER BY id`
  const slots = rows.map(({ slot }) => slot)
  const isExact = slots.every((slot, i) => i === 0 || slot === (slots[i - 1] ?? 0) + loops.guarded.period)
  yield* claim(
    isExact && slots.length > 1,
    `guard: ${slots.length} slots, each written exactly once and in order, through ${
      kills + guardKills + lost
    } kills: ${isExact}`
  )
}, Effect.scoped)

/** From a process that has no loop: this one. */
const control = Effect.fnUntraced(function*<E, R>(
  file: string,
  running: Array<{ readonly kill: Effect.Effect<void> }>,
  enter: Effect.Effect<void, E, R>
) {
  const runs = () => (runsOf(file).get("commanded") ?? []).length
  const took = Effect.fnUntraced(function*<E2>(act: Effect.Effect<unknown, E2>, isSeen: () => boolean) {
    const begun = yield* Clock.currentTimeMillis
    const acting = yield* Effect.forkChild(act)
    const seen = yield* Effect.isSuccess(
      Effect.repeat(Effect.sleep("2 millis"), { until: isSeen }).pipe(Effect.timeout("30 seconds"))
    )
    yield* Fiber.join(acting)
    return seen ? (yield* Clock.currentTimeMillis) - begun : Infinity
  })
  const job = yield* ClusterLoop.control("commanded")
  const times: Array<number> = []
  for (let i = 0; i < 5; i++) {
    const before = runs()
    times.push(yield* took(job.trigger, () => runs() > before))
  }
  yield* claim(
    Math.max(...times) <= 1000,
    `control: a trigger from another process starts a run within ${times.map((time) => `${time}`).join(", ")} ms`
  )
  yield* job.pause
  // A run in flight finishes first.
  yield* Poll.until(job.status, Period.sliding("20 millis"), {
    accept: ({ state }) => state === "paused",
    timeout: "2 seconds"
  })
  // The owner dies, and a run is requested while nobody owns the loop.
  const before = runs()
  while (running.length > 0) yield* running.shift()?.kill ?? Effect.void
  yield* job.trigger
  yield* enter
  const afterKill = yield* took(Effect.void, () => runs() > before)
  // A hand-over in the middle of the run would repeat it.
  yield* Effect.sleep("1 second")
  for (let i = 0; i < 2; i++) yield* enter
  yield* Effect.sleep("2 seconds")
  const { owner, state } = yield* job.status
  yield* claim(
    state === "paused" && runs() === before + 1,
    `control: a pause and a trigger survive kill -9 of every runner: one run ${afterKill} ms after the command, ` +
      `${state} on ${owner}`
  )
  yield* job.resume
  const resumed = runs()
  yield* took(job.trigger, () => runs() > resumed)
  const history = yield* job.history
  yield* claim(
    (yield* job.status).state !== "paused" && history.length > 5 &&
      history.some(({ owner }) => owner !== history[0]?.owner),
    `control: resume; ${history.length} runs of the history, of ${
      new Set(history.map(({ owner }) => owner)).size
    } owners; ` +
      `${(yield* ClusterLoop.list).length} loops in the list`
  )
  const { reason } = yield* Effect.flip(ClusterLoop.control("nobody"))
  yield* claim(reason === "unknown", `control: a name that no loop has is refused: ${reason}`)
})

/** One process on one machine, killed at any point, and started again. */
const files = Effect.fnUntraced(function*(folder: string, { fileKills }: Scale) {
  const file = join(folder, "files")
  writeFileSync(file, "")
  const settings = { file, folder: join(folder, "memories") }
  const once = Effect.gen(function*() {
    const before = readFileSync(file).length
    const { kill } = yield* start(settings)
    yield* until(() => readFileSync(file).length > before, "30 seconds")
    yield* pause(0, 2000)
    yield* kill
    yield* pause(10, 400)
  })
  yield* Loop.run(once, Period.sliding(1).pipe(Limit.attempts(fileKills)))
  const { stop } = yield* start(settings)
  yield* Effect.sleep("13 seconds")
  yield* stop
  yield* claims("in one process with files", file, fileKills)
}, Effect.scoped)

export const memory = Effect.fnUntraced(function*(scale: Scale) {
  const folder = mkdtempSync(join(tmpdir(), "effect-wait-memory-"))
  yield* files(folder, scale)
  yield* cluster(folder, scale)
})
