import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { folder, sh, told, until } from "./run.ts"

interface Health {
  readonly state: string
  readonly runs: number
  readonly lastRun?: { readonly run: number; readonly code: number; readonly what: string; readonly took: number }
  readonly lastSuccess?: string
  readonly nextStart?: string
}

const parse = (text: string): Health => JSON.parse(text)

const read = (path: string): Health => parse(readFileSync(path, "utf8"))

/** One after a run that succeeded, and before the next. */
const readAll = (path: string) => read(path) as Required<Health>

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

describe.concurrent("effect-wait loop --health", () => {
  it.live("keeps a file that tells how the loop does", () =>
    Effect.gen(function*() {
      const { at, path, start } = yield* folder
      const started = yield* start("loop --period 1h --health health", sh("cat health"))
      yield* started.tells("next in 1h")
      assert.deepStrictEqual<object>(parse(started.stdout()), {
        state: "running",
        runs: 1,
        failures: 0,
        consecutiveFailures: 0,
        missed: 0
      })

      const { lastRun, lastSuccess, nextStart, ...rest } = readAll(at("health"))
      assert.deepStrictEqual<object>(rest, {
        state: "waiting",
        runs: 1,
        failures: 0,
        consecutiveFailures: 0,
        missed: 0
      })
      const { took, ...run } = lastRun
      assert.deepStrictEqual(run, { run: 1, code: 0, what: "exit 0" })
      assert.isTrue(Number.isInteger(took) && took >= 0)
      assert.match(lastSuccess, isoTime)
      assert.match(nextStart, isoTime)
      assert.approximately(Date.parse(nextStart) - Date.parse(lastSuccess), 3_600_000, 1)

      yield* started.kill("SIGTERM")
      yield* started.ended
      assert.deepStrictEqual<object>(read(at("health")), {
        state: "ended",
        runs: 1,
        failures: 0,
        consecutiveFailures: 0,
        missed: 0,
        lastRun,
        lastSuccess
      })
      assert.deepStrictEqual(readdirSync(path).toSorted(), ["health", "runs"])
    }))

  it.live("counts what failed, in all and in a row, and keeps the time of the last success for its own", () =>
    Effect.gen(function*() {
      const { at, run, starts } = yield* folder
      // Failed, done, failed, failed.
      const { code } = yield* run(
        "loop --period 30ms --survive --times 4 --health health",
        sh("[ $n -eq 2 ] || exit 6")
      )
      assert.strictEqual(code, 0)
      assert.strictEqual(starts().length, 4)
      const { lastRun: { took: _, ...lastRun }, lastSuccess, ...rest } = readAll(at("health"))
      assert.deepStrictEqual<object>(rest, { state: "ended", runs: 4, failures: 3, consecutiveFailures: 2, missed: 0 })
      assert.deepStrictEqual(lastRun, { run: 4, code: 6, what: "exit 6" })
      assert.approximately(statSync(at("health")).mtimeMs, Date.parse(lastSuccess), 1)
      // It is told of the end, which came later by two waits at least.
      assert.isAtMost(Date.parse(lastSuccess), Date.now() - 60)
    }))

  it.live("has the time of the loop's beginning until a run succeeds", () =>
    Effect.gen(function*() {
      const { at, start } = yield* folder
      const started = yield* start("loop --period 100ms --survive --health health", sh("exit 1"))
      yield* started.tells("run 1:")
      const { mtimeMs } = statSync(at("health"))
      yield* started.tells("run 3:")
      const health = read(at("health"))
      assert.isAtLeast(health.runs, 2)
      assert.isUndefined(health.lastSuccess)
      assert.strictEqual(statSync(at("health")).mtimeMs, mtimeMs)
      assert.isAtMost(mtimeMs, Date.now() - 200)
    }))

  it.live("says running while a run is in flight", () =>
    Effect.gen(function*() {
      const { at, start } = yield* folder
      const started = yield* start(
        "loop --period 1ms --health health",
        sh("[ $n -eq 1 ] || { echo second; exec sleep 100; }")
      )
      yield* started.tells("second")
      const { lastRun, lastSuccess, ...rest } = read(at("health"))
      assert.strictEqual(lastRun?.run, 1)
      assert.match(lastSuccess!, isoTime)
      assert.deepStrictEqual<object>(rest, {
        state: "running",
        runs: 2,
        failures: 0,
        consecutiveFailures: 0,
        missed: 0
      })
    }))

  it.live("keeps the rights of the file, and a symlink to it", () =>
    Effect.gen(function*() {
      const { at, run } = yield* folder
      writeFileSync(at("real"), "")
      chmodSync(at("real"), 0o640)
      symlinkSync("real", at("health"))
      yield* run("loop --period 1ms --times 2 --health health", sh(""))
      assert.strictEqual(readlinkSync(at("health")), "real")
      assert.strictEqual(statSync(at("real")).mode & 0o777, 0o640)
      assert.strictEqual(read(at("real")).runs, 2)
    }))

  it.live("replaces the file in one step, so that whoever reads it reads one state", () =>
    Effect.gen(function*() {
      const { at, start } = yield* folder
      yield* start("loop --quiet --period 20ms --health health", sh(""))
      yield* until("it runs", () => {
        try {
          return read(at("health")).runs >= 1
        } catch {
          return false
        }
      })
      // What was opened stays as it was.
      const before = statSync(at("health")).ino
      const descriptor = openSync(at("health"), "r")
      yield* until("it goes on", () => read(at("health")).runs >= 10)
      const opened = parse(readFileSync(descriptor, "utf8"))
      closeSync(descriptor)
      assert.isBelow(opened.runs, 10)
      assert.notStrictEqual(statSync(at("health")).ino, before)
    }))

  it.live.each([
    ["in a folder that is not there", "no/health", "NotFound"],
    ["where a folder is", "there", "\\w+"]
  ])("refuses a file %s, and runs nothing", ([, path, why]) =>
    Effect.gen(function*() {
      const { at, run, runs } = yield* folder
      mkdirSync(at("there/inside"), { recursive: true })
      const { code, stderr, stdout } = yield* run(`loop --period 1s --health ${path}`, sh(""))
      assert.strictEqual(code, 64)
      assert.strictEqual(runs(), 0)
      assert.strictEqual(stdout, "")
      assert.match(
        stderr,
        new RegExp(
          `^effect-wait: Invalid value for flag --health: "${path}"\\. Expected: a file that can be written \\(${why}\\)\\n$`
        )
      )
    }))

  it.live("goes on where the file cannot be written later, and tells of it on stderr", () =>
    Effect.gen(function*() {
      const { at, run, runs } = yield* folder
      mkdirSync(at("there"))
      const { code, stderr, stdout } = yield* run(
        "loop --period 10ms --times 2 --health there/health",
        sh("rm -rf there")
      )
      assert.strictEqual(code, 0)
      assert.strictEqual(runs(), 2)
      assert.strictEqual(stdout, "")
      const failed = /^effect-wait: --health there\/health cannot be written: NotFound$/
      const lines = told(stderr)
      assert.strictEqual(lines.filter((line) => failed.test(line)).length, 3)
      assert.deepStrictEqual(lines.filter((line) => !failed.test(line)), [
        "effect-wait: run 1: exit 0 after T, next in 10ms",
        "effect-wait: run 2: exit 0 after T; done after 2 runs in T"
      ])
    }))

  it.live("--health leaves no other file where it cannot be replaced", () =>
    Effect.gen(function*() {
      const { at, path, run } = yield* folder
      mkdirSync(at("there/inside"), { recursive: true })
      yield* run("loop --period 1s --health there", sh(""))
      assert.deepStrictEqual(readdirSync(path), ["there"])
    }))
})
