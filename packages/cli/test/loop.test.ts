import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { alive, family, folder, gaps, node, sh, told } from "./run.ts"

interface Entry {
  readonly time: string
  readonly event: string
  readonly took: number
  readonly nextIn?: number
  readonly missed: number
}

const entries = (stderr: string): ReadonlyArray<Entry> =>
  stderr.split("\n").slice(0, -1).map((line) => JSON.parse(line))

const often = "loop --period 20ms"

describe.concurrent("effect-wait loop", () => {
  it.live("runs --times times, and exits with 0", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr, stdout } = yield* run(`${often} --times 3`, sh("echo $n"))
      assert.strictEqual(code, 0)
      assert.strictEqual(runs(), 3)
      assert.strictEqual(stdout, "1\n2\n3\n")
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 0 after T, next in 20ms",
        "effect-wait: run 2: exit 0 after T, next in 20ms",
        "effect-wait: run 3: exit 0 after T; done after 3 runs in T"
      ])
    }))

  it.live.each([1, 42])("ends at the first run that fails, with its code, %i", (exit) =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run(`${often} --times 10`, sh(`[ $n -lt 3 ] || exit ${exit}`))
      assert.strictEqual(code, exit)
      assert.strictEqual(runs(), 3)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 0 after T, next in 20ms",
        "effect-wait: run 2: exit 0 after T, next in 20ms",
        `effect-wait: run 3: exit ${exit} after T; failed after 3 runs in T`
      ])
    }))

  it.live("has no limit of runs by default", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code } = yield* run("loop --quiet --period 1ms", sh("[ $n -lt 50 ] || exit 9"))
      assert.strictEqual(code, 9)
      assert.strictEqual(runs(), 50)
    }))

  it.live("counts a run that a signal has ended as one that failed", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run(often, sh("kill -KILL $$"))
      assert.strictEqual(code, 137)
      assert.strictEqual(runs(), 1)
      assert.deepStrictEqual(told(stderr), ["effect-wait: run 1: SIGKILL after T; failed after 1 run in T"])
    }))

  it.live("ends a run after --attempt-timeout, which counts as one that failed", () =>
    Effect.gen(function*() {
      const { pids, run } = yield* folder
      const { code, stderr } = yield* run(`${often} --attempt-timeout 1s`, family("wait"))
      assert.strictEqual(code, 124)
      assert.deepStrictEqual(told(stderr), ["effect-wait: run 1: timed out after T; failed after 1 run in T"])
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("does not go on where there is no such command", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stderr } = yield* run(`${often} --until-success`, ["--", "./no-such-command"])
      assert.strictEqual(code, 127)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: ./no-such-command: command not found after T; gave up after 1 run in T"
      ])
    }))

  it.live("goes on where there is no such command for a while, with --survive", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stderr } = yield* run(`${often} --survive --times 2`, ["--", "./no-such-command"])
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: ./no-such-command: command not found after T, next in 20ms",
        "effect-wait: run 2: ./no-such-command: command not found after T; done after 2 runs in T"
      ])
    }))

  it.live("goes on while it fails with --until-success", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run(`${often} --until-success`, sh("[ $n -eq 3 ] || exit 5"))
      assert.strictEqual(code, 0)
      assert.strictEqual(runs(), 3)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 5 after T, next in 20ms",
        "effect-wait: run 2: exit 5 after T, next in 20ms",
        "effect-wait: run 3: exit 0 after T; done after 3 runs in T"
      ])
    }))

  it.live("exits as the last run did where --until-success has no success in --times", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run(`${often} --until-success --times 2`, sh("exit $((5 + n))"))
      assert.strictEqual(code, 7)
      assert.strictEqual(runs(), 2)
      assert.strictEqual(told(stderr)[1], "effect-wait: run 2: exit 7 after T; gave up after 2 runs in T")
    }))

  it.live.each(["exit 3", "[ $n -eq 2 ] || exit 3", "kill -KILL $$"])(
    "goes on after \"%s\" with --survive, and exits with 0",
    (script) =>
      Effect.gen(function*() {
        const { run, runs } = yield* folder
        const { code, stderr } = yield* run(`${often} --survive --times 4`, sh(script))
        assert.strictEqual(code, 0)
        assert.strictEqual(runs(), 4)
        assert.match(told(stderr).at(-1)!, /; done after 4 runs in T$/)
      })
  )

  it.live("leaves nothing behind that a run has left, while it goes on and after it", () =>
    Effect.gen(function*() {
      const { pids, run } = yield* folder
      const { code } = yield* run(`${often} --times 2`, family("exit 0"))
      assert.strictEqual(code, 0)
      assert.strictEqual(pids().length, 8)
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("waits for the period from the end of a run", () =>
    Effect.gen(function*() {
      const { run, starts } = yield* folder
      const { stderr } = yield* run("loop --period 200ms --times 3", node("setTimeout(() => {}, 300)"))
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 0 after T, next in 200ms",
        "effect-wait: run 2: exit 0 after T, next in 200ms",
        "effect-wait: run 3: exit 0 after T; done after 3 runs in T"
      ])
      gaps(starts()).forEach((gap) => assert.isAtLeast(gap, 500))
    }))

  it.live("waits for the period from the start of a run with --non-sliding", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run("loop --period 2s --non-sliding --times 2 --log json", sh("sleep 0.5"))
      const [first] = entries(stderr)
      assert.isAtLeast(first!.took, 500)
      assert.isAtMost(first!.took + first!.nextIn!, 2001)
    }))

  it.live("runs again at once with --non-sliding when a run took longer than the period", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run("loop --period 100ms --non-sliding --times 3 --log json", sh("sleep 0.3"))
      assert.deepStrictEqual(entries(stderr).map(({ nextIn }) => nextIn), [0, 0, undefined, undefined])
    }))

  // One run of 1.2 s: it ends between two lines of the grid.
  const overrun = sh("[ $n -gt 1 ] || sleep 1.2")

  it.live("runs on the grid of the first start with --ticker, and keeps one tick that was missed", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { stderr } = yield* run("loop --period 1s --ticker --times 3 --log json", overrun)
      assert.strictEqual(runs(), 3)
      const [first, second] = entries(stderr)
      assert.strictEqual(first!.nextIn, 0)
      assert.isAtMost(second!.took + second!.nextIn!, 801)
    }))

  it.live("leaves the grid with --non-sliding", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run("loop --period 1s --non-sliding --times 3 --log json", overrun)
      const [first, second] = entries(stderr)
      assert.strictEqual(first!.nextIn, 0)
      assert.isAtLeast(second!.took + second!.nextIn!, 900)
    }))

  it.live("counts the ticks that were missed but for the one that is kept", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run("loop --period 100ms --ticker --times 2", sh("[ $n -gt 1 ] || sleep 0.5"))
      const [first, last] = told(stderr)
      const [, missed] = /^effect-wait: run 1: exit 0 after T, next in 0ms, (\d+) missed$/.exec(first!) ?? []
      assert.isAtLeast(Number(missed), 4)
      assert.strictEqual(last, `effect-wait: run 2: exit 0 after T; done after 2 runs in T, ${missed} missed`)
    }))

  it.live("runs at the whole seconds of --cron, and with --immediate at once too", () =>
    Effect.gen(function*() {
      const { run, starts } = yield* folder
      const { code, stderr } = yield* run(
        ["loop", "--cron", "* * * * * *", "--immediate", "--times", "3", "--log", "json"],
        node("")
      )
      assert.strictEqual(code, 0)
      const [first, second, third] = starts().map((start) => Math.floor(start / 1000))
      assert.isAtLeast(second!, first! + 1)
      assert.isAtLeast(third!, second! + 1)
      entries(stderr).slice(0, 2).forEach(({ nextIn, time }) => {
        const planned = (Date.parse(time) + nextIn! + 100) % 1000
        assert.isTrue(planned >= 98 && planned < 300, `${time} + ${nextIn}`)
      })
    }))

  it.live("takes a --cron of minutes as well", () =>
    Effect.gen(function*() {
      const { start } = yield* folder
      const started = yield* start(["loop", "--cron", "0 4 * * *", "--immediate", "--log", "json"], sh(""))
      yield* started.tells("\n")
      const [{ nextIn, time }] = entries(started.stderr()) as [Required<Entry>]
      const planned = new Date(Date.parse(time) + nextIn + 500)
      assert.deepStrictEqual([planned.getHours(), planned.getMinutes(), planned.getSeconds()], [4, 0, 0])
    }))

  it.live("waits for the first slot of --cron", () =>
    Effect.gen(function*() {
      const { start, starts } = yield* folder
      const started = yield* start(["loop", "--cron", "0 0 1 1 *"], sh(""))
      yield* started.tells("\n")
      assert.match(started.stderr(), /^effect-wait: next in \d/)
      assert.deepStrictEqual(starts(), [])
    }))

  it.live("spreads the period with --jitter", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run("loop --period 100ms --jitter 0.5 --times 5 --log json", sh(""))
      const delays = entries(stderr).slice(0, 4).map(({ nextIn }) => nextIn!)
      delays.forEach((delay) => assert.isTrue(delay >= 100 && delay <= 150, `${delay}`))
      assert.isAbove(new Set(delays).size, 1)
    }))

  it.live("counts a period with --jitter from the start of a run with --non-sliding", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run(
        "loop --period 2s --non-sliding --jitter 0.8..0.8 --times 2 --log json",
        sh("sleep 0.5")
      )
      const [first] = entries(stderr)
      assert.isAtLeast(first!.took, 500)
      assert.isAtMost(first!.took + first!.nextIn!, 1601)
    }))

  it.live("does not wait with --period 0", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { stderr } = yield* run("loop --period 0 --times 3", sh(""))
      assert.strictEqual(runs(), 3)
      assert.strictEqual(told(stderr)[0], "effect-wait: run 1: exit 0 after T, next in 0ms")
    }))
})
