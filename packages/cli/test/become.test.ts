import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { folder, node, processes, sh, told, until } from "./run.ts"

/** What is there at once. */
const there = "poll --file . --quiet"

describe.concurrent("the command after a poll", () => {
  it.live.each(
    [
      ["exit 0", 0],
      ["exit 3", 3],
      ["kill -TERM $$", 143],
      ["kill -KILL $$", 137],
      ...process.platform === "linux" ? [["kill -35 $$", 163] as const] : []
    ] as const
  )(
    "gives its exit code: %s is %i",
    ([script, expected]) =>
      Effect.gen(function*() {
        const { run, runs } = yield* folder
        const { code, stderr } = yield* run(there, sh(script))
        assert.deepStrictEqual({ code, stderr, runs: runs() }, { code: expected, stderr: "", runs: 1 })
      })
  )

  it.live("has no time limit, neither --timeout nor --attempt-timeout", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stdout } = yield* run(
        "poll --file . --quiet --timeout 1s --attempt-timeout 500ms --grace 0",
        sh("sleep 2.5; echo still here")
      )
      assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: "still here\n" })
    }))

  it.live("is not there: 127; may not be run: 126", () =>
    Effect.gen(function*() {
      const { at, run } = yield* folder
      writeFileSync(at("text"), "")
      const missing = yield* run(there, ["no-such-command"])
      assert.deepStrictEqual([missing.code, missing.stderr], [127, "effect-wait: no-such-command: command not found\n"])
      const denied = yield* run(there, ["./text"])
      assert.deepStrictEqual([denied.code, denied.stderr], [126, "effect-wait: ./text: permission denied\n"])
    }))

  it.live("has the streams of effect-wait", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { bytes, stderr } = yield* run(there, ["sh", "-c", "cat; echo err >&2"], { input: "typed" })
      assert.deepStrictEqual([bytes.toString(), stderr], ["typed", "err\n"])
    }))

  it.live("is in the process group of effect-wait, and so keeps its terminal", () =>
    Effect.gen(function*() {
      const { start } = yield* folder
      const started = yield* start(there, sh("ps -o pgid= -p $$; echo; ps -o pgid= -p $PPID; echo done"))
      const { stdout } = yield* started.ended
      const [own, parent] = stdout.split("\n").filter((line) => /\d/.test(line)).map(Number)
      assert.strictEqual(own, parent)
    }))

  it.live("gets every signal once, and decides on its end", () =>
    Effect.gen(function*() {
      const { lines, start } = yield* folder
      const started = yield* start(
        "poll --file . --grace 0",
        node(`
          for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"]) {
            process.on(signal, () => fs.appendFileSync("signals", signal + "\\n"))
          }
          process.on("SIGUSR2", () => setTimeout(() => process.exit(9), 300))
          setTimeout(() => {}, 100_000)
          fs.writeSync(1, "listening\\n")`)
      )
      yield* started.tells("listening")
      const signals = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGTERM", "SIGUSR2"] as const
      for (const [i, signal] of signals.entries()) {
        yield* started.kill(signal)
        yield* until(`it gets ${signal}`, () => lines("signals").length === i + 1)
      }
      const { code, stderr } = yield* started.ended
      assert.strictEqual(code, 9)
      assert.deepStrictEqual(lines("signals"), signals)
      assert.deepStrictEqual(told(stderr), ["effect-wait: run 1: ok after T; ready after 1 run in T"])
    }))

  it.live("ends by a SIGTERM that it does not listen to, as containers are stopped: 143", () =>
    Effect.gen(function*() {
      const { start } = yield* folder
      const started = yield* start(there, sh("echo $$; exec sleep 100"))
      yield* started.tells("\n")
      yield* started.kill("SIGTERM")
      const { code, stdout } = yield* started.ended
      assert.strictEqual(code, 143)
      assert.isEmpty(processes().filter(({ pid, state }) => pid === Number(stdout) && !state.startsWith("Z")))
    }))

  it.live("may leave a process behind: that is not ended", () =>
    Effect.gen(function*() {
      const { at, run } = yield* folder
      yield* run(there, sh("(sleep 1; echo later > left) >/dev/null 2>&1 & exit 0"))
      yield* until("it is left", () => readFileSync(at("runs"), "utf8") !== "" && processes().length > 0)
      yield* Effect.sleep("1500 millis")
      yield* until(
        "what is left goes on",
        () => readFileSync(at("left"), { encoding: "utf8", flag: "a+" }) === "later\n"
      )
    }))
})
