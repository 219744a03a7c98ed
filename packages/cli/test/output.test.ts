import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { folder, sh, told } from "./run.ts"
import { bin, hasTerminal, onTerminal } from "./terminal.ts"

const parsed = (stderr: string): ReadonlyArray<Record<string, unknown>> =>
  stderr.split("\n").slice(0, -1).map((line) => JSON.parse(line))

/** A number or a time, whatever it is. */
const measured = (entry: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(entry).map(([key, value]) => [key, ["time", "took", "elapsed"].includes(key) ? typeof value : value])
  )

describe.concurrent("what effect-wait tells", () => {
  it.live("is one line a run on stderr, after what the run has written; stdout is the command's alone", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stderr, stdout } = yield* run(
        "retry --attempts 2 --backoff 10ms..1s",
        sh("echo out $n; echo err $n >&2; exit 9")
      )
      assert.strictEqual(code, 9)
      assert.strictEqual(stdout, "out 1\nout 2\n")
      assert.deepStrictEqual(told(stderr), [
        "err 1",
        "effect-wait: run 1: exit 9 after T, next in 10ms",
        "err 2",
        "effect-wait: run 2: exit 9 after T; gave up after 2 runs in T"
      ])
      assert.match(stderr, /^effect-wait: run 1: exit 9 after \d+(\.\d+)?m?s, next in 10ms$/m)
    }))

  it.live("is told as soon as the run has ended, before the next", () =>
    Effect.gen(function*() {
      const { runs, start } = yield* folder
      const started = yield* start("loop --period 1h", sh("echo out"))
      yield* started.tells("next in 1h")
      assert.strictEqual(started.stdout(), "out\n")
      assert.strictEqual(runs(), 1)
      assert.isFalse(started.hasEnded())
    }))

  it.live.each(["--quiet", "-q"])(
    "is why it failed in the end, and nothing else, with %s",
    (option) =>
      Effect.gen(function*() {
        const { run, runs } = yield* folder
        const { code, stderr, stdout } = yield* run(
          `retry --attempts 2 --backoff 1ms..1ms ${option}`,
          sh("echo out; echo err >&2; exit 9")
        )
        assert.strictEqual(code, 9)
        assert.strictEqual(runs(), 2)
        assert.strictEqual(stdout, "out\nout\n")
        assert.deepStrictEqual(told(stderr), [
          "err",
          "err",
          "effect-wait: run 2: exit 9 after T; gave up after 2 runs in T"
        ])
      })
  )

  it.live("is JSON with --quiet --log json too", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run("retry --attempts 2 --backoff 1ms..1ms --quiet --log json", sh("exit 9"))
      assert.deepStrictEqual(parsed(stderr).map(({ event, what }) => [event, what]), [
        ["run", "exit 9"],
        ["end", "gave up"]
      ])
    }))

  it.live.each([["retry --backoff 1ms..1ms", "[ $n -eq 2 ]"], ["loop --period 1ms --times 2", "exit 0"]] as const)(
    "is nothing with --quiet where it succeeds: %s",
    ([options, script]) =>
      Effect.gen(function*() {
        const { run, runs } = yield* folder
        const { code, stderr } = yield* run(`${options} --quiet`, sh(script))
        assert.deepStrictEqual({ code, stderr, runs: runs() }, { code: 0, stderr: "", runs: 2 })
      })
  )

  it.live("is that there is no such command even with --quiet", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run("retry --quiet", ["--", "no-such-command"])
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: no-such-command: command not found after T; gave up after 1 run in T"
      ])
    }))

  it.live("is an object on a line for each run, and one for the end, with --log json", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr, stdout } = yield* run(
        "retry --log json --attempts 2 --backoff 10ms..1s",
        sh("echo out; [ $n -eq 1 ] && exit 9; kill -KILL $$")
      )
      assert.strictEqual(stdout, "out\nout\n")
      const entries = parsed(stderr)
      assert.deepStrictEqual(entries.map(measured), [
        { time: "string", event: "run", run: 1, code: 9, what: "exit 9", took: "number", nextIn: 10, missed: 0 },
        { time: "string", event: "run", run: 2, code: 137, what: "SIGKILL", took: "number" },
        { time: "string", event: "end", code: 137, what: "gave up", runs: 2, elapsed: "number", missed: 0 }
      ])
      entries.forEach(({ elapsed, time, took }) => {
        assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        assert.isTrue(Number.isInteger(took ?? elapsed))
      })
      assert.isAtLeast(Number(entries[2]!.elapsed), Number(entries[0]!.took) + Number(entries[1]!.took))
    }))

  it.live.each(
    [
      ["poll --timeout 800ms", "exec sleep 100", 124, "timed out"],
      ["loop --period 1h --times 1", "exit 0", 0, "done"],
      ["loop --period 1h", "exit 3", 3, "failed"],
      ["retry --on-exit 75", "exit 3", 3, "gave up by --on-exit"]
    ] as const
  )(
    "ends \"%s\" of \"%s\" with its own code, %i, and \"%s\"",
    ([options, script, expected, what]) =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { code, stderr } = yield* run(`${options} --log json`, sh(script))
        assert.strictEqual(code, expected)
        assert.deepStrictEqual(measured(parsed(stderr).at(-1)!), {
          time: "string",
          event: "end",
          code: expected,
          what,
          runs: 1,
          elapsed: "number",
          missed: 0
        })
      })
  )

  it.live("may be read by nobody: the runs go on", () =>
    Effect.gen(function*() {
      const { runs, start } = yield* folder
      const started = yield* start("loop --period 20ms --times 10", sh(""))
      yield* started.tells("run 1:")
      started.close("stderr")
      const { code } = yield* started.ended
      assert.strictEqual(code, 0)
      assert.strictEqual(runs(), 10)
    }))

  it.live("is told though nobody reads stdout: the runs go on", () =>
    Effect.gen(function*() {
      const { at, runs, start } = yield* folder
      const started = yield* start(
        "loop --period 1ms --times 3 --survive",
        sh("echo begun; until [ -e closed ]; do sleep 0.01; done; echo more")
      )
      yield* started.tells("begun")
      started.close("stdout")
      writeFileSync(at("closed"), "")
      const { code, stderr } = yield* started.ended
      assert.strictEqual(code, 0)
      assert.strictEqual(runs(), 3)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: SIGPIPE after T, next in 1ms",
        "effect-wait: run 2: SIGPIPE after T, next in 1ms",
        "effect-wait: run 3: SIGPIPE after T; done after 3 runs in T"
      ])
    }))

  it.live.each(["--help", "--version", "--completions bash"])(
    "is no error when nobody reads %s",
    (options) =>
      Effect.gen(function*() {
        const { start } = yield* folder
        const started = yield* start(options)
        started.close("stdout")
        const { code, stderr } = yield* started.ended
        assert.strictEqual(code, 0)
        assert.strictEqual(stderr, "")
      })
  )
})

const anyTime = String.raw`[\d.]+m?s`
const fresh = String.raw` {60}\r`
const erased = String.raw`\r\x1b\[K`

describe.runIf(hasTerminal)("on a terminal", () => {
  it.live("it draws a line between the runs, erases that before the next, and keeps off what has no newline", () =>
    Effect.gen(function*() {
      const { ended } = yield* onTerminal(`exec ${bin("loop --period 300ms --times 2", "printf", "abc")}`)
      const { code, output } = yield* ended
      assert.strictEqual(code, 0)
      assert.match(
        output,
        new RegExp(
          String.raw`^abc${fresh}(\reffect-wait: run 1: exit 0 after ${anyTime}, next in 0\.[0-3]s\x1b\[K)+${erased}`
            + String.raw`abc${fresh}effect-wait: run 2: exit 0 after ${anyTime}; done after 2 runs in ${anyTime}\r\n$`
        )
      )
    }))

  it.live("it ends at once with Ctrl-C between two runs", () =>
    Effect.gen(function*() {
      const { ended, shows, type } = yield* onTerminal(`exec ${bin("loop --period 1h", "echo", "abc")}`)
      yield* shows("next in 1h")
      yield* type("\x03")
      const { code, output } = yield* ended
      assert.strictEqual(code, 130)
      assert.match(
        output,
        new RegExp(
          String.raw`^abc\r\n${fresh}(\reffect-wait: run 1: exit 0 after ${anyTime}, next in 1h\x1b\[K)+${erased}`
            + String.raw`effect-wait: run 1: exit 0 after ${anyTime}; stopped by SIGINT after 1 run in ${anyTime}\r\n$`
        )
      )
    }))

  it.live("it passes Ctrl-C on to the command once", () =>
    Effect.gen(function*() {
      const { ended, shows, type } = yield* onTerminal(
        `exec ${
          bin(
            "loop --period 1h",
            "sh",
            "-c",
            "trap 'echo got it; exit 5' INT; echo ready; while :; do sleep 0.05; done"
          )
        }`
      )
      yield* shows("ready")
      yield* type("\x03")
      const { code, output } = yield* ended
      assert.strictEqual(code, 130)
      assert.match(
        output,
        new RegExp(
          String.raw`^ready\r\ngot it\r\n${fresh}`
            + String.raw`effect-wait: run 1: exit 5 after ${anyTime}; stopped by SIGINT after 1 run in ${anyTime}\r\n$`
        )
      )
    }))

  it.live("it lets the command read what is typed", () =>
    Effect.gen(function*() {
      const { ended, shows, type } = yield* onTerminal(
        `exec ${bin("retry --quiet", "sh", "-c", "echo ready; read line; echo read $line")}`
      )
      yield* shows("ready")
      yield* type("this\n")
      const { code, output } = yield* ended
      assert.strictEqual(code, 0)
      assert.match(output, /read this\r\n$/)
    }))
})
