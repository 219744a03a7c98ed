import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { alive, family, folder, node, processes, sh, type Started, told, until } from "./run.ts"

const ending = [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129], ["SIGQUIT", 131]] as const

/** Notes the signals that it gets, says so when it listens, and ends some time after the first with this code. */
const listening = (code: number, { after = 200 } = {}) =>
  node(`
    fs.appendFileSync("pids", process.pid + "\\n")
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
      process.on(signal, () => {
        fs.appendFileSync("signals", signal + "\\n")
        setTimeout(() => {
          fs.appendFileSync("signals", "ended\\n")
          process.exit(${code})
        }, ${after})
      })
    }
    setTimeout(() => {}, 100_000)
    fs.writeSync(1, "listening\\n")`)

/** A family whose members all ignore these signals. */
const deaf = (signals: string) => family(`trap '' ${signals}; echo deaf; while :; do sleep 1; done`)

const stop = Effect.fnUntraced(function*(started: Started, when: string, signal: NodeJS.Signals) {
  yield* started.tells(when)
  yield* started.kill(signal)
  return yield* started.ended
})

describe.concurrent("a signal to effect-wait", () => {
  it.live.each(ending)("%s reaches the command once, which is waited for; no run follows, and it exits with %i", (
    [signal, expected]
  ) =>
    Effect.gen(function*() {
      const { lines, runs, start } = yield* folder
      const started = yield* start("loop --period 1ms", listening(7))
      const { code, stderr } = yield* stop(started, "listening", signal)
      assert.strictEqual(code, expected)
      assert.strictEqual(runs(), 1)
      assert.deepStrictEqual(lines("signals"), [signal, "ended"])
      assert.deepStrictEqual(told(stderr), [
        `effect-wait: run 1: exit 7 after T; stopped by ${signal} after 1 run in T`
      ])
    }))

  it.live("exits with 128 and its number though the command exits with 0, in a loop", () =>
    Effect.gen(function*() {
      const { runs, start } = yield* folder
      const started = yield* start("loop --period 1ms", listening(0))
      const { code, stderr } = yield* stop(started, "listening", "SIGTERM")
      assert.strictEqual(code, 143)
      assert.strictEqual(runs(), 1)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 0 after T; stopped by SIGTERM after 1 run in T"
      ])
    }))

  it.live.each(
    [
      ["loop --survive --period 1ms", 7],
      ["loop --until-success --period 1ms", 7],
      ["poll --interval 1ms", 7],
      ["retry --backoff 1ms..1ms", 7],
      ["retry --on-exit 75 --backoff 1ms..1ms", 7]
    ] as const
  )("ends \"%s\" gracefully when the command fails by it", ([options, exit]) =>
    Effect.gen(function*() {
      const { lines, runs, start } = yield* folder
      const started = yield* start(options, listening(exit))
      const { code, stderr } = yield* stop(started, "listening", "SIGINT")
      assert.strictEqual(code, 130)
      assert.strictEqual(runs(), 1)
      assert.deepStrictEqual(lines("signals"), ["SIGINT", "ended"])
      assert.deepStrictEqual(told(stderr), [
        `effect-wait: run 1: exit ${exit} after T; stopped by SIGINT after 1 run in T`
      ])
    }))

  it.live.each(
    [
      ["poll --interval 1ms", "ready"],
      ["retry --backoff 1ms..1ms", "done"],
      ["loop --until-success --period 1ms", "done"]
    ] as const
  )(
    "counts a command that exits with 0 after it as a success, for \"%s\"",
    ([options, what]) =>
      Effect.gen(function*() {
        const { start } = yield* folder
        const started = yield* start(options, listening(0))
        const { code, stderr } = yield* stop(started, "listening", "SIGTERM")
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(told(stderr), [`effect-wait: run 1: exit 0 after T; ${what} after 1 run in T`])
      })
  )

  it.live.each(ending)(
    "%s ends a command that does not listen to it, and exits with %i",
    ([signal, expected]) =>
      Effect.gen(function*() {
        const { pids, start } = yield* folder
        const started = yield* start("loop --period 1ms", sh("echo $$ >> pids; echo begun; exec sleep 100"))
        const { code, stderr } = yield* stop(started, "begun", signal)
        assert.strictEqual(code, expected)
        assert.deepStrictEqual(alive(pids()), [])
        assert.deepStrictEqual(told(stderr), [
          `effect-wait: run 1: ${signal} after T; stopped by ${signal} after 1 run in T`
        ])
      })
  )

  it.live.each(
    [
      ["loop --period 1h", "SIGTERM", 143, "exit 0"],
      ["loop --survive --period 1h", "SIGINT", 130, "exit 1"],
      ["retry --backoff 1h..1h", "SIGHUP", 129, "exit 1"],
      ["poll --interval 1h", "SIGTERM", 143, "exit 1"]
    ] as const
  )("ends \"%s\" at once between two runs: %s", ([options, signal, expected, exit]) =>
    Effect.gen(function*() {
      const { runs, start } = yield* folder
      const started = yield* start(options, sh(exit))
      const { code, stderr } = yield* stop(started, "next in 1h", signal)
      assert.strictEqual(code, expected)
      assert.strictEqual(runs(), 1)
      assert.deepStrictEqual(told(stderr), [
        `effect-wait: run 1: ${exit} after T, next in 1h`,
        `effect-wait: stopped by ${signal} after 1 run in T`
      ])
    }))

  it.live("ends a poll at once that waits first", () =>
    Effect.gen(function*() {
      const { runs, start } = yield* folder
      const started = yield* start("poll --no-immediate --interval 1h", sh("exit 0"))
      const { code, stderr } = yield* stop(started, "next in 1h", "SIGTERM")
      assert.strictEqual(code, 143)
      assert.strictEqual(runs(), 0)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: next in 1h",
        "effect-wait: stopped by SIGTERM after 0 runs in T"
      ])
    }))

  it.live("reaches all processes of the command", () =>
    Effect.gen(function*() {
      const { pids, start } = yield* folder
      const started = yield* start("loop --period 1ms", family("echo begun; wait"))
      const { code } = yield* stop(started, "begun", "SIGTERM")
      assert.strictEqual(code, 143)
      assert.strictEqual(pids().length, 4)
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("leaves nothing that a command has left which exits by itself after it", () =>
    Effect.gen(function*() {
      const { pids, start } = yield* folder
      const started = yield* start(
        "loop --grace 1s --period 1ms",
        family("sh -c 'trap \"\" TERM; echo $$ >> pids; sleep 100' & trap 'exit 0' TERM; echo begun; wait")
      )
      const { code } = yield* stop(started, "begun", "SIGTERM")
      assert.strictEqual(code, 143)
      assert.isAtLeast(pids().length, 4)
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("is followed by SIGKILL after --grace", () =>
    Effect.gen(function*() {
      const { pids, start } = yield* folder
      const started = yield* start("loop --grace 600ms --period 1ms --log json", deaf("TERM"))
      yield* started.tells("deaf")
      const before = Date.now()
      const { code, stderr } = yield* stop(started, "deaf", "SIGTERM")
      assert.isAtLeast(Date.now() - before, 600)
      assert.strictEqual(code, 143)
      assert.strictEqual(JSON.parse(stderr.split("\n")[0]!).what, "SIGKILL")
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("is followed by SIGKILL at once with --grace 0", () =>
    Effect.gen(function*() {
      const { pids, start } = yield* folder
      const started = yield* start("loop --grace 0 --period 1ms", deaf("TERM"))
      const { code, stderr } = yield* stop(started, "deaf", "SIGTERM")
      assert.strictEqual(code, 143)
      assert.deepStrictEqual(told(stderr), ["effect-wait: run 1: SIGKILL after T; stopped by SIGTERM after 1 run in T"])
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("does not cut the grace that a command takes", () =>
    Effect.gen(function*() {
      const { lines, start } = yield* folder
      const started = yield* start("loop --grace 30s --period 1ms", listening(0, { after: 1000 }))
      const { code } = yield* stop(started, "listening", "SIGTERM")
      assert.strictEqual(code, 143)
      assert.deepStrictEqual(lines("signals"), ["SIGTERM", "ended"])
    }))

  it.live.each([["SIGINT", "SIGINT", 130], ["SIGTERM", "SIGINT", 143]] as const)(
    "%s is followed by SIGKILL at the second one, %s",
    ([first, second, expected]) =>
      Effect.gen(function*() {
        const { lines, pids, runs, start } = yield* folder
        const started = yield* start("loop --grace 1h --period 1ms", listening(0, { after: 100_000 }))
        yield* started.tells("listening")
        yield* started.kill(first)
        yield* until("the command gets it", () => lines("signals").length > 0)
        const { code, stderr } = yield* stop(started, "listening", second)
        assert.strictEqual(code, expected)
        assert.strictEqual(runs(), 1)
        assert.deepStrictEqual(lines("signals"), [first])
        assert.deepStrictEqual(alive(pids()), [])
        assert.deepStrictEqual(told(stderr), [
          `effect-wait: run 1: SIGKILL after T; stopped by ${first} after 1 run in T`
        ])
      })
  )

  it.live("leaves no process at the second one", () =>
    Effect.gen(function*() {
      const { pids, start } = yield* folder
      const started = yield* start("loop --grace 1h --period 1ms", deaf("TERM INT"))
      yield* started.tells("deaf")
      yield* started.kill("SIGINT")
      yield* Effect.sleep("200 millis") // or they might come in any order
      const { code } = yield* stop(started, "deaf", "SIGTERM")
      assert.strictEqual(code, 130)
      assert.isAtLeast(pids().length, 4)
      assert.deepStrictEqual(alive(pids()), [])
    }))
})

describe.concurrent("while a loop runs", () => {
  it.live("there is no dead child of it", () =>
    Effect.gen(function*() {
      const { runs, start } = yield* folder
      const started = yield* start("loop --period 10ms --quiet", sh("exit 0"))
      // The run in which each was seen first: a loop that has got further knows that it is dead.
      const seen = new Map<number, number>()
      let zombies = 0
      yield* until("50 runs", () => {
        const dead = processes().filter(({ parent, state }) => parent === started.pid && state.startsWith("Z"))
        dead.forEach(({ pid }) => {
          if (!seen.has(pid)) seen.set(pid, runs())
          if (runs() > seen.get(pid)! + 1) zombies++
        })
        return runs() >= 50
      })
      assert.strictEqual(zombies, 0)
    }))

  it.live("there is one run at a time, and nothing of the one before", () =>
    Effect.gen(function*() {
      const { lines, run, runs } = yield* folder
      const { code } = yield* run(
        "loop --period 1ms --ticker --quiet --times 10",
        sh("[ ! -e running ] || echo two >> overlaps; : > running; sleep 0.02; rm running")
      )
      assert.strictEqual(code, 0)
      assert.strictEqual(runs(), 10)
      assert.deepStrictEqual(lines("overlaps"), [])
    }))
})
