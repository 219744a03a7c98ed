import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { chmodSync, writeFileSync } from "node:fs"
import { alive, family, folder, gaps, node, sh, told } from "./run.ts"

const atOnce = "--backoff 1ms..1ms"

describe.concurrent("effect-wait retry", () => {
  it.live("ends with the first run that succeeds", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr, stdout } = yield* run("retry --backoff 10ms..1s", sh("[ $n -eq 3 ] || exit 75"))
      assert.strictEqual(code, 0)
      assert.strictEqual(runs(), 3)
      assert.strictEqual(stdout, "")
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 75 after T, next in 10ms",
        "effect-wait: run 2: exit 75 after T, next in 20ms",
        "effect-wait: run 3: exit 0 after T; done after 3 runs in T"
      ])
    }))

  it.live("gives up after --attempts with the code of the last run", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run(`retry --attempts 3 ${atOnce}`, sh("exit $((10 + n))"))
      assert.strictEqual(code, 13)
      assert.strictEqual(runs(), 3)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 11 after T, next in 1ms",
        "effect-wait: run 2: exit 12 after T, next in 1ms",
        "effect-wait: run 3: exit 13 after T; gave up after 3 runs in T"
      ])
    }))

  it.live("tells the command by RETRY_ATTEMPT which run it is", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stdout } = yield* run(`retry --attempts 3 ${atOnce}`, sh("echo $RETRY_ATTEMPT; exit 1"), {
        env: { OTHER: "kept" }
      })
      assert.strictEqual(stdout, "1\n2\n3\n")
    }))

  it.live("runs --on-retry before each retry, and tells it how the last run ended", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stderr, stdout } = yield* run(
        [
          "retry",
          "--attempts",
          "3",
          "--backoff",
          "1ms..1ms",
          "--on-retry",
          "echo hook $RETRY_ATTEMPT $RETRY_EXIT; exit 7"
        ],
        sh("echo run $RETRY_ATTEMPT; exit $((10 + n))")
      )
      assert.strictEqual(code, 13)
      assert.strictEqual(stdout, "run 1\nhook 2 11\nrun 2\nhook 3 12\nrun 3\n")
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 11 after T, next in 1ms",
        "effect-wait: --on-retry: exit 7",
        "effect-wait: run 2: exit 12 after T, next in 1ms",
        "effect-wait: --on-retry: exit 7",
        "effect-wait: run 3: exit 13 after T; gave up after 3 runs in T"
      ])
    }))

  it.live("does not run the command where a signal has ended --on-retry", () =>
    Effect.gen(function*() {
      const { pids, runs, start } = yield* folder
      const started = yield* start(
        ["retry", "--backoff", "1ms..1ms", "--on-retry", "echo $$ >> pids; echo hook; exec sleep 100"],
        sh("exit 3")
      )
      yield* started.tells("hook")
      yield* started.kill("SIGTERM")
      const { code } = yield* started.ended
      assert.deepStrictEqual({ code, runs: runs() }, { code: 143, runs: 1 })
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("runs once with --attempts 1", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run("retry --attempts 1", sh("exit 255"))
      assert.strictEqual(code, 255)
      assert.strictEqual(runs(), 1)
      assert.deepStrictEqual(told(stderr), ["effect-wait: run 1: exit 255 after T; gave up after 1 run in T"])
    }))

  it.live("runs 5 times by default, and waits for 100, 200, 400 and 800 ms in between", () =>
    Effect.gen(function*() {
      const { run, starts } = yield* folder
      const { code, stderr } = yield* run("retry", node("process.exit(1)"))
      assert.strictEqual(code, 1)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 1 after T, next in 100ms",
        "effect-wait: run 2: exit 1 after T, next in 200ms",
        "effect-wait: run 3: exit 1 after T, next in 400ms",
        "effect-wait: run 4: exit 1 after T, next in 800ms",
        "effect-wait: run 5: exit 1 after T; gave up after 5 runs in T"
      ])
      assert.strictEqual(starts().length, 5)
      gaps(starts()).forEach((gap, i) => assert.isAtLeast(gap, 100 * 2 ** i))
    }))

  const delaysOf = (stderr: string) => Array.from(stderr.matchAll(/next in (\S+)ms\n/g), ([, delay]) => Number(delay))

  it.live.each([
    ["--backoff 10ms..25ms", [10, 20, 25, 25]],
    ["--backoff 10ms..inf", [10, 20, 40, 80]],
    ["--backoff 2ms..1s --factor 3", [2, 6, 18, 54]],
    ["--backoff 20ms..1s --factor 0.5", [20, 10, 5, 3]]
  ])("waits as %s says", ([options, delays]) =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run(`retry ${options}`, sh("exit 1"))
      assert.deepStrictEqual(delaysOf(stderr), delays)
    }))

  it.live.each(
    [
      ["--jitter full", 0, 200],
      ["--full-jitter", 0, 200],
      ["--jitter equal", 100, 200],
      ["--jitter 0.25", 200, 250],
      ["--jitter 0.5..0.75", 100, 150]
    ] as const
  )("spreads delays of 200 ms with %s", ([options, least, most]) =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run(`retry --backoff 200ms..200ms ${options} --log json`, sh("exit 1"))
      const delays = stderr.split("\n").slice(0, 4).map((line) => Number(JSON.parse(line).nextIn))
      delays.forEach((delay) => assert.isTrue(delay >= least && delay <= most, `${delay}`))
      assert.isAbove(new Set(delays).size, 1)
    }))

  it.live("begins no wait that ends later than --within after the first start", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run("retry --within 20s --backoff 10ms..1h --factor 10000", sh("exit 3"))
      assert.strictEqual(code, 3)
      assert.strictEqual(runs(), 2)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 3 after T, next in 10ms",
        "effect-wait: run 2: exit 3 after T; gave up after 2 runs in T"
      ])
    }))

  it.live("retries the codes of --on-exit only, and ends at once with any other", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run(
        `retry --on-exit 75,111 ${atOnce}`,
        sh("case $n in 1) exit 75;; 2) exit 111;; *) exit 3;; esac")
      )
      assert.strictEqual(code, 3)
      assert.strictEqual(runs(), 3)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 75 after T, next in 1ms",
        "effect-wait: run 2: exit 111 after T, next in 1ms",
        "effect-wait: run 3: exit 3 after T; gave up by --on-exit after 3 runs in T"
      ])
    }))

  it.live("gives up with a code of --on-exit as well", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run(`retry --attempts 2 --on-exit 75 ${atOnce}`, sh("exit 75"))
      assert.strictEqual(code, 75)
      assert.strictEqual(runs(), 2)
      assert.strictEqual(told(stderr)[1], "effect-wait: run 2: exit 75 after T; gave up after 2 runs in T")
    }))

  it.live("ends with a success that is not in --on-exit", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run(`retry --on-exit 75 ${atOnce}`, sh("[ $n -eq 2 ] || exit 75"))
      assert.strictEqual(code, 0)
      assert.strictEqual(runs(), 2)
      assert.strictEqual(told(stderr)[1], "effect-wait: run 2: exit 0 after T; done after 2 runs in T")
    }))

  it.live("ends a run after --attempt-timeout, and all processes of it before the next begins", () =>
    Effect.gen(function*() {
      const { lines, pids, run, runs } = yield* folder
      const { code, stderr } = yield* run(
        `retry --attempts 2 --attempt-timeout 2s ${atOnce}`,
        [
          "--",
          "sh",
          "-c",
          "touch pids; for pid in $(cat pids); do case $(ps -o stat= -p $pid) in ''|Z*) ;; *) echo $pid >> left;; esac; done\n"
          + family("wait").at(-1)
        ]
      )
      assert.strictEqual(code, 124)
      assert.strictEqual(runs(), 2)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: timed out after T, next in 1ms",
        "effect-wait: run 2: timed out after T; gave up after 2 runs in T"
      ])
      assert.strictEqual(pids().length, 8)
      assert.deepStrictEqual(alive(pids()), [])
      assert.deepStrictEqual(lines("left"), [])
    }))

  it.live("lets a run end by itself after --attempt-timeout, within --grace", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stdout } = yield* run(
        "retry --attempts 1 --attempt-timeout 1s",
        sh("trap 'sleep 0.3; echo ended; exit 0' TERM; echo begun; while :; do sleep 0.05; done")
      )
      assert.strictEqual(code, 124)
      assert.strictEqual(stdout, "begun\nended\n")
    }))

  it.live("kills a run after --attempt-timeout and --grace when it ignores SIGTERM", () =>
    Effect.gen(function*() {
      const { pids, run } = yield* folder
      const { code, stderr } = yield* run(
        "retry --attempts 1 --attempt-timeout 1s --grace 200ms",
        sh("trap '' TERM; echo $$ >> pids; while :; do sleep 1; done")
      )
      assert.strictEqual(code, 124)
      assert.deepStrictEqual(told(stderr), ["effect-wait: run 1: timed out after T; gave up after 1 run in T"])
      assert.strictEqual(pids().length, 1)
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("does not end a run that takes less than --attempt-timeout", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stderr } = yield* run("retry --attempt-timeout 30s", sh("sleep 0.2"))
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(told(stderr), ["effect-wait: run 1: exit 0 after T; done after 1 run in T"])
    }))

  it.live.each([
    ["124", 2],
    ["75", 1]
  ])(
    "counts a run that timed out as exit 124: with --on-exit %s it runs %i times",
    ([codes, expected]) =>
      Effect.gen(function*() {
        const { run, runs } = yield* folder
        const { code } = yield* run(
          `retry --attempts 2 --on-exit ${codes} --attempt-timeout 500ms ${atOnce}`,
          sh("exec sleep 100")
        )
        assert.strictEqual(code, 124)
        assert.strictEqual(runs(), expected)
      })
  )

  // Node has no name for these, and says that the child has exited with 0.
  const realTime = [[32, "SIG32"], [34, "SIGRTMIN"], [40, "SIGRTMIN+6"], [64, "SIGRTMIN+30"]] as const

  it.live.each(process.platform === "linux" ? realTime : [])(
    "gives 128 and the number when the real-time signal %i ends a run",
    ([signal, name]) =>
      Effect.gen(function*() {
        const { run, runs } = yield* folder
        const { code, stderr } = yield* run(
          `retry --attempts 2 --on-exit ${128 + signal} ${atOnce}`,
          sh(`kill -${signal} $$`)
        )
        assert.deepStrictEqual({ code, runs: runs() }, { code: 128 + signal, runs: 2 })
        assert.deepStrictEqual(told(stderr), [
          `effect-wait: run 1: ${name} after T, next in 1ms`,
          `effect-wait: run 2: ${name} after T; gave up after 2 runs in T`
        ])
      })
  )

  it.live.each([
    ["KILL", 137],
    ["TERM", 143],
    ["INT", 130],
    ["HUP", 129]
  ])("gives 128 and the number when SIG%s ends a run", ([signal, expected]) =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run(
        `retry --attempts 2 --on-exit ${expected} ${atOnce}`,
        sh(`kill -${signal} $$`)
      )
      assert.strictEqual(code, expected)
      assert.strictEqual(runs(), 2)
      assert.deepStrictEqual(told(stderr), [
        `effect-wait: run 1: SIG${signal} after T, next in 1ms`,
        `effect-wait: run 2: SIG${signal} after T; gave up after 2 runs in T`
      ])
    }))

  it.live.each([
    ["exit 3; true", "exit …: command not found; a script is sh -c '…', and each word of a command stands for itself"],
    ["A=1", "A=***: command not found; a variable is set by env NAME=VALUE before the command"]
  ])("says what \"%s\" would be", ([command = "", what]) =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const expected = [127, [`effect-wait: run 1: ${what} after T; gave up after 1 run in T`]]
      const { code, stderr } = yield* run(`retry ${atOnce}`, [command, "psql"])
      assert.deepStrictEqual([code, told(stderr)], expected)
      const after = yield* run("poll --file . -q", [command])
      assert.deepStrictEqual([after.code, after.stderr], [127, `effect-wait: ${what}\n`])
    }))

  it.live.each(
    [
      ["a command that is not there", "no-such-command", 127, "command not found"],
      ["a path where nothing is", "./no/such/file", 127, "command not found"],
      ["a file that may not be executed", "./text", 126, "permission denied"],
      ["a folder", "./", 126, "permission denied"]
    ] as const
  )("does not retry %s", ([, command, expected, why]) =>
    Effect.gen(function*() {
      const { at, run } = yield* folder
      writeFileSync(at("text"), "text")
      const { code, stderr, stdout } = yield* run(`retry ${atOnce}`, ["--", command])
      assert.strictEqual(code, expected)
      assert.strictEqual(stdout, "")
      assert.deepStrictEqual(told(stderr), [
        `effect-wait: run 1: ${command}: ${why} after T; gave up after 1 run in T`
      ])
    }))

  it.live("passes arguments on as they are", () =>
    Effect.gen(function*() {
      const { at, run } = yield* folder
      writeFileSync(at("show.mjs"), "process.stdout.write(JSON.stringify(process.argv.slice(2)))")
      const args = [
        "two  words",
        "it's",
        "\"quoted\"",
        "*",
        "$HOME",
        "`id`",
        "\\",
        "a;b|c&d>e",
        "",
        "-x",
        "--attempts",
        "-3",
        "--",
        "--help",
        "-1s",
        "\n",
        "\t",
        "é漢🙂",
        "=",
        ""
      ]
      const { code, stdout } = yield* run("retry --attempts 2 --quiet", ["--", process.execPath, "show.mjs", ...args])
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(JSON.parse(stdout), args)
    }))

  it.live("runs a command whose path has a space in it, in the same folder and environment", () =>
    Effect.gen(function*() {
      const { at, path, run } = yield* folder
      writeFileSync(at("a script"), "#!/bin/sh\npwd -P\necho \"$SOME\"\n")
      chmodSync(at("a script"), 0o755)
      const { stdout } = yield* run("retry --quiet", ["--", "./a script"], { env: { SOME: "thing" } })
      assert.strictEqual(stdout, `${path}\nthing\n`)
    }))

  const bytes = (length: number) => Buffer.alloc(length, Uint8Array.from({ length: 251 }, (_, i) => (i * 7) % 256))

  it.live("lets stdout and stderr through byte for byte", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { bytes: stdout, code, stderr } = yield* run(
        "retry --quiet",
        node(`
          process.stdout.write(Buffer.alloc(5_000_000, Uint8Array.from({ length: 251 }, (_, i) => (i * 7) % 256)))
          process.stderr.write("e".repeat(1_000_000))`)
      )
      assert.strictEqual(code, 0)
      assert.isTrue(stdout.equals(bytes(5_000_000)), `${stdout.length} bytes`)
      assert.isTrue(stderr === "e".repeat(1_000_000), `${stderr.length} characters`)
    }))

  it.live("lets stdin through byte for byte", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { bytes: stdout, code } = yield* run("retry --quiet", ["--", "cat"], { input: bytes(1_000_000) })
      assert.strictEqual(code, 0)
      assert.isTrue(stdout.equals(bytes(1_000_000)), `${stdout.length} bytes`)
    }))

  it.live("lets each run read on where the one before has ended", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stdout } = yield* run(`retry --attempts 3 ${atOnce}`, sh("read line; echo \"$n $line\"; exit 1"), {
        input: "one\ntwo\nthree\nfour\n"
      })
      assert.strictEqual(stdout, "1 one\n2 two\n3 three\n")
    }))

  it.live("leaves nothing running that a run has left behind, whether it fails or not", () =>
    Effect.gen(function*() {
      const { pids, run } = yield* folder
      const { code } = yield* run(`retry ${atOnce}`, family("[ $n -eq 2 ]"))
      assert.strictEqual(code, 0)
      assert.strictEqual(pids().length, 8)
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("a command without a name is one that is not there", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stderr, stdout } = yield* run("retry", ["--", "", "a"])
      assert.deepStrictEqual({ code, stderr: told(stderr), stdout }, {
        code: 127,
        stderr: ["effect-wait: run 1: \"\": command not found after T; gave up after 1 run in T"],
        stdout: ""
      })
    }))

  it.live("does not retry what Node cannot start", () =>
    Effect.gen(function*() {
      const { at, run } = yield* folder
      writeFileSync(at("text"), "text")
      const { code, stderr } = yield* run("retry", ["--", "./text/within"])
      assert.strictEqual(code, 126)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: ./text/within: spawn ENOTDIR after T; gave up after 1 run in T"
      ])
    }))

  it.live("counts no time for what a run that has succeeded leaves behind", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const leaving = "sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' & exit 0"
      const { code } = yield* run("retry --attempts 3 --attempt-timeout 1s --grace 2s", sh(leaving))
      assert.deepStrictEqual({ code, runs: runs() }, { code: 0, runs: 1 })
    }))
})
