/** Runners as seen from outside: they are started, stopped and killed, and what they wrote is read. */
import { Effect } from "effect"
import { Period, Poll } from "effect-wait"
import { ChildProcess } from "effect/process"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Settings } from "./runner.ts"

export const micros = () => Number(process.hrtime.bigint() / 1000n)

export const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" ? address?.port ?? 0 : 0)))
  })
})

export interface Event {
  /** Microseconds, by CLOCK_MONOTONIC. */
  readonly at: number
  readonly what: string
  readonly loop: string
  readonly rest: string
}

export interface Runner {
  readonly name: string
  readonly events: () => ReadonlyArray<Event>
  /** When it was killed, or had ended; Infinity while it lives. */
  readonly gone: () => number
  readonly kill: Effect.Effect<void>
  readonly stop: Effect.Effect<void>
}

/** Whether its layers are built. */
export const isUp = (runner: Runner): boolean => runner.events().some(({ what }) => what === "up")

const program = fileURLToPath(new URL("runner.ts", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "effect-wait-trials-"))
let runners = 0

/** Starts a runner, which ends with the Scope at the latest. */
export const startRunner = Effect.fnUntraced(
  function*(settings: Omit<Settings, "file" | "port"> & { readonly port?: number }) {
    const name = `r${++runners}`
    const file = join(folder, name)
    writeFileSync(file, "")
    const port = settings.port ?? (yield* freePort)
    const whole: Settings = { ...settings, file, port }
    const child = yield* ChildProcess.make(process.execPath, [program, JSON.stringify(whole)], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
      forceKillAfter: "3 seconds"
    })
    let goneAt = Infinity
    yield* Effect.forkScoped(
      Effect.andThen(Effect.ignore(child.exitCode), Effect.sync(() => goneAt = Math.min(goneAt, micros())))
    )
    const runner: Runner = {
      name,
      events: () =>
        readFileSync(file, "utf8").split("\n").slice(0, -1).map((line): Event => {
          const [at = "", what = "", loop = "", ...rest] = line.split(" ")
          return { at: Number(at), what, loop, rest: rest.join(" ") }
        }),
      gone: () => goneAt,
      kill: Effect.suspend(() => {
        const killed = Effect.ignore(child.kill({ killSignal: "SIGKILL" }))
        return Effect.andThen(killed, Effect.sync(() => goneAt = Math.min(goneAt, micros())))
      }),
      stop: Effect.ignore(child.kill({ killSignal: "SIGTERM", forceKillAfter: "30 seconds" }))
    }
    return runner
  }
)

/** Waits until it holds. */
export const until = (holds: () => boolean, timeout: `${number} seconds`) =>
  Effect.isSuccess(Poll.until(Effect.sync(holds), Period.sliding("100 millis"), { timeout }))

export interface Interval {
  readonly loop: string
  readonly runner: string
  readonly start: number
  readonly end: number
}

/** From when to when each runner owned each loop. */
export const terms = (all: ReadonlyArray<Runner>): ReadonlyArray<Interval> =>
  all.flatMap((runner) => {
    const open = new Map<string, number>()
    const found: Array<Interval> = []
    for (const { at, loop, what } of runner.events()) {
      const start = open.get(loop)
      if (what === "term") open.set(loop, at)
      if (what === "end" && start !== undefined) {
        open.delete(loop)
        found.push({ loop, runner: runner.name, start, end: at })
      }
    }
    for (const [loop, start] of open) found.push({ loop, runner: runner.name, start, end: runner.gone() })
    return found
  })

export const runs = (all: ReadonlyArray<Runner>): ReadonlyArray<Interval> =>
  all.flatMap((runner) =>
    runner.events().filter(({ what }) => what === "run").map(({ at, loop, rest }) => ({
      loop,
      runner: runner.name,
      start: Number(rest),
      end: at
    }))
  )

/** A runner that stood still for longer than its lock lasts has lost it before it knows: from when to when. */
const standstills = (all: ReadonlyArray<Runner>): ReadonlyArray<Omit<Interval, "loop">> =>
  all.flatMap((runner) =>
    runner.events()
      .filter(({ loop, what }) => what === "lag" && Number(loop) > 2_000_000)
      .map(({ at, loop }) => ({ runner: runner.name, start: at - Number(loop), end: at + 2_000_000 }))
  )

/**
 * How often two runners had the same loop at the same time: on the one hand, and of runners that had stood still for longer than their
 * lock lasts, as a machine with too much to do makes them.
 */
export const overlaps = (
  intervals: ReadonlyArray<Interval>,
  all: ReadonlyArray<Runner>
): { readonly awake: number; readonly late: number } => {
  const still = standstills(all)
  const count = { awake: 0, late: 0 }
  for (const [, list] of Map.groupBy(intervals, ({ loop }) => loop)) {
    const sorted = list.toSorted((a, b) => a.start - b.start)
    let last: Interval | undefined
    for (const interval of sorted) {
      const before = last
      if (before !== undefined && interval.start < before.end && interval.runner !== before.runner) {
        const isLate = still.some(({ end, runner, start }) =>
          runner === before.runner && start < before.end && interval.start < end
        )
        count[isLate ? "late" : "awake"]++
      }
      if (last === undefined || interval.end > last.end) last = interval
    }
  }
  return count
}

/** The most of these times within any 250 milliseconds. */
export const densest = (times: ReadonlyArray<number>): number => {
  const sorted = times.toSorted((a, b) => a - b)
  let from = 0
  let most = 0
  sorted.forEach((time, i) => {
    while (time - (sorted[from] ?? 0) > 250_000) from++
    most = Math.max(most, i - from + 1)
  })
  return most
}
