/** What processes use, as Linux tells in /proc. It is NaN elsewhere, and for a process that is gone. */
import { Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

// The unit of /proc on all that Node runs on.
const ticksPerSecond = 100

const read = (file: string): Effect.Effect<string> =>
  Effect.try({ try: () => readFileSync(file, "utf8"), catch: () => "no such process" }).pipe(
    Effect.orElseSucceed(() => "")
  )

// The fields from the third one on. The second one is a name, which may hold anything.
const fields = (pid: number | string) =>
  Effect.map(read(`/proc/${pid}/stat`), (stat) => stat.slice(stat.lastIndexOf(")") + 2).split(" "))

/** The memory of a process, in MB. */
export const memoryOf = (pid: number): Effect.Effect<number> =>
  Effect.map(read(`/proc/${pid}/status`), (status) => Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)

/** The processor time of a process in seconds, with that of its children that have ended. */
export const cpuOf = (pid: number | string): Effect.Effect<number> =>
  Effect.map(
    fields(pid),
    (fields) =>
      fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), fields.length > 15 ? 0 : NaN) / ticksPerSecond
  )

/** The processor time of a Postgres server with all its processes, in seconds. */
export const cpuOfServer = (folder: string): Effect.Effect<number> =>
  Effect.gen(function*() {
    const pid = (yield* read(join(folder, "data", "postmaster.pid"))).split("\n")[0] ?? ""
    const pids = yield* Effect.try({ try: () => readdirSync("/proc"), catch: () => "no /proc" }).pipe(
      Effect.orElseSucceed(() => [])
    )
    let sum = yield* cpuOf(pid)
    for (const each of pids.filter((name) => /^\d+$/.test(name))) {
      const [, parent] = yield* fields(each)
      if (parent === pid) sum += (yield* cpuOf(each)) || 0
    }
    return sum
  })
