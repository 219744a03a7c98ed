import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { readdirSync, readlinkSync, writeFileSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import * as net from "node:net"
import { alive, family, folder, node, sh, told, until } from "./run.ts"
import { answering, freePort, listen, never, status, tcpServer } from "./servers.ts"

const often = "poll --interval 20ms"

/** An address that does not answer: all that its queue takes is in there. */
const silent = Effect.gen(function*() {
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(
        process.execPath,
        [
          "-e",
          `const server = require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
            require("fs").writeSync(1, server.address().port + "\\n")
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100_000)
          })`
        ],
        { stdio: ["ignore", "pipe", "ignore"] }
      )
    ),
    (server) => Effect.sync(() => server.kill("SIGKILL"))
  )
  let output = ""
  server.stdout.on("data", (chunk: Buffer) => {
    output += chunk
  })
  yield* until("it listens", () => output.endsWith("\n"))
  const port = Number(output)
  let connected = 0
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      Array.from({ length: 8 }, () =>
        net.connect(port, "127.0.0.1").on("error", () => {}).on("connect", () => {
          connected++
        }))
    ),
    (sockets) => Effect.sync(() => sockets.forEach((socket) => socket.destroy()))
  )
  yield* until("its queue is full", () => connected >= 2)
  return port
})

/** On Linux. */
const socketsOf = (pid: number): ReadonlyArray<string> =>
  readdirSync(`/proc/${pid}/fd`).filter((descriptor) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${descriptor}`).startsWith("socket:")
    } catch {
      return false // closed in the meantime
    }
  })

describe.concurrent("effect-wait poll", () => {
  it.live("runs a command until it exits with 0", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr, stdout } = yield* run(often, sh("echo $n; [ $n -eq 3 ] || exit 4"))
      assert.strictEqual(code, 0)
      assert.strictEqual(runs(), 3)
      assert.strictEqual(stdout, "1\n2\n3\n")
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 4 after T, next in 20ms",
        "effect-wait: run 2: exit 4 after T, next in 20ms",
        "effect-wait: run 3: exit 0 after T; ready after 3 runs in T"
      ])
    }))

  it.live("waits for a second in between by default", () =>
    Effect.gen(function*() {
      const { run, starts } = yield* folder
      const { stderr } = yield* run("poll", node("process.exit(fs.readFileSync('runs', 'utf8').length > 20 ? 0 : 1)"))
      assert.strictEqual(told(stderr)[0], "effect-wait: run 1: exit 1 after T, next in 1s")
      const [first, second] = starts()
      assert.isAtLeast(second! - first!, 1000)
    }))

  it.live("waits longer and longer with --backoff", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run("poll --backoff 10ms..30ms", sh("[ $n -eq 5 ]"))
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 1 after T, next in 10ms",
        "effect-wait: run 2: exit 1 after T, next in 20ms",
        "effect-wait: run 3: exit 1 after T, next in 30ms",
        "effect-wait: run 4: exit 1 after T, next in 30ms",
        "effect-wait: run 5: exit 0 after T; ready after 5 runs in T"
      ])
    }))

  it.live("spreads the interval with --jitter", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { stderr } = yield* run("poll --interval 200ms --jitter 0.5 --log json", sh("[ $n -eq 5 ]"))
      const delays = stderr.split("\n").slice(0, 4).map((line) => Number(JSON.parse(line).nextIn))
      delays.forEach((delay) => assert.isTrue(delay >= 200 && delay <= 300, `${delay}`))
      assert.isAbove(new Set(delays).size, 1)
    }))

  it.live("has no limit of runs", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code } = yield* run("poll --quiet --interval 1ms", sh("[ $n -eq 50 ]"))
      assert.strictEqual(code, 0)
      assert.strictEqual(runs(), 50)
    }))

  it.live("waits first with --no-immediate", () =>
    Effect.gen(function*() {
      const { run, starts } = yield* folder
      const before = Date.now()
      const { code, stderr } = yield* run("poll --no-immediate --interval 400ms", node("process.exit(0)"))
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: next in 400ms",
        "effect-wait: run 1: exit 0 after T; ready after 1 run in T"
      ])
      assert.isAtLeast(starts()[0]! - before, 400)
    }))

  it.live("ends a command that hangs after --timeout, with 124 and all processes of it", () =>
    Effect.gen(function*() {
      const { pids, run, runs } = yield* folder
      const { code, stderr } = yield* run("poll --timeout 2s", family("wait"))
      assert.strictEqual(code, 124)
      assert.strictEqual(runs(), 1)
      assert.deepStrictEqual(told(stderr), ["effect-wait: run 1 was cut; timed out after 1 run in T"])
      assert.strictEqual(pids().length, 4)
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live("ends after --timeout between two runs, with the code 124 and not the command's", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code, stderr } = yield* run("poll --timeout 2s --interval 1h", sh("exit 3"))
      assert.strictEqual(code, 124)
      assert.strictEqual(runs(), 1)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 3 after T, next in 1h",
        "effect-wait: timed out after 1 run in T"
      ])
    }))

  it.live("goes on after a command that hangs with --attempt-timeout", () =>
    Effect.gen(function*() {
      const { pids, run, runs } = yield* folder
      const { code, stderr } = yield* run(`${often} --attempt-timeout 2s`, family("[ $n -eq 2 ] || wait"))
      assert.strictEqual(code, 0)
      assert.strictEqual(runs(), 2)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: timed out after T, next in 20ms",
        "effect-wait: run 2: exit 0 after T; ready after 2 runs in T"
      ])
      assert.deepStrictEqual(alive(pids()), [])
    }))

  it.live.runIf(process.platform === "linux")(
    "tells the ends of commands apart that it runs side by side",
    () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const checks = ["kill -40 $$", "exit 3", "kill -9 $$"].map((end) => `test $RETRY_ATTEMPT = 2 || ${end}`)
        const { code, stderr } = yield* run([
          ..."poll --interval 20ms".split(" "),
          ...checks.flatMap((check) => ["--check", check])
        ])
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(told(stderr), [
          "effect-wait: run 1: check test: SIGRTMIN+6, check test: exit 3, check test: SIGKILL after T, next in 20ms",
          "effect-wait: run 2: ok after T; ready after 2 runs in T"
        ])
      })
  )

  it.live("does not try again a command that is not there", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stderr } = yield* run(often, ["--", "no-such-command"])
      assert.strictEqual(code, 127)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: no-such-command: command not found after T; gave up after 1 run in T"
      ])
    }))

  describe("--tcp", () => {
    it.live("waits for a server that comes up late", () =>
      Effect.gen(function*() {
        const { start } = yield* folder
        const port = yield* freePort
        const started = yield* start(`${often} --tcp 127.0.0.1:${port}`)
        yield* started.tells("run 2:")
        yield* listen(tcpServer(), port)
        const { code, stderr, stdout } = yield* started.ended
        assert.strictEqual(code, 0)
        assert.strictEqual(stdout, "")
        const lines = told(stderr)
        assert.isAtLeast(lines.length, 3)
        lines.slice(0, -1).forEach((line, i) =>
          assert.strictEqual(
            line,
            `effect-wait: run ${i + 1}: tcp 127.0.0.1:${port}: ECONNREFUSED after T, next in 20ms`
          )
        )
        assert.strictEqual(
          lines.at(-1),
          `effect-wait: run ${lines.length}: ok after T; ready after ${lines.length} runs in T`
        )
      }))

    it.live.each(["localhost:PORT", ":PORT"])("takes %s", (address) =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { port } = yield* listen(tcpServer(), 0, "localhost")
        const { code, stderr } = yield* run(`poll --timeout 30s --tcp ${address.replace("PORT", `${port}`)}`)
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(told(stderr), ["effect-wait: run 1: ok after T; ready after 1 run in T"])
      }))

    it.live("takes an IPv6 address, and says what was refused", () =>
      Effect.gen(function*() {
        const { start } = yield* folder
        const port = yield* freePort
        const started = yield* start(`poll --interval 1h --tcp [::1]:${port}`)
        yield* started.tells("\n")
        assert.match(started.stderr(), new RegExp(`^effect-wait: run 1: tcp (\\[::1\\]|::1):${port}: E[A-Z]+ after`))
      }))

    it.live("waits for all of several", () =>
      Effect.gen(function*() {
        const { start } = yield* folder
        const first = yield* listen(tcpServer())
        const second = yield* freePort
        const started = yield* start(`${often} --tcp 127.0.0.1:${first.port} --tcp 127.0.0.1:${second}`)
        yield* started.tells(`run 2: tcp 127.0.0.1:${second}: ECONNREFUSED`)
        yield* listen(tcpServer(), second)
        assert.strictEqual((yield* started.ended).code, 0)
      }))

    it.live("does not wait for an address that never answers longer than --attempt-timeout, and closes its socket", (ctx) =>
      Effect.gen(function*() {
        // Elsewhere the system answers by itself.
        if (process.platform !== "linux") return ctx.skip()
        const { start } = yield* folder
        const port = yield* silent
        const started = yield* start(`${often} --attempt-timeout 200ms --tcp 127.0.0.1:${port}`)
        yield* started.tells("run 6:")
        assert.deepStrictEqual(
          told(started.stderr()).slice(0, 6),
          Array.from(
            { length: 6 },
            (_, i) => `effect-wait: run ${i + 1}: tcp 127.0.0.1:${port}: no answer in 200ms after T, next in 20ms`
          )
        )
        // Its stdout and stderr, and that of this run.
        assert.isAtMost(socketsOf(started.pid).length, 3)
      }))

    it.live("does not wait for an address that never answers longer than --timeout", (ctx) =>
      Effect.gen(function*() {
        if (process.platform !== "linux") return ctx.skip()
        const { run } = yield* folder
        const port = yield* silent
        const { code, stderr } = yield* run(`poll --timeout 500ms --tcp 127.0.0.1:${port}`)
        assert.strictEqual(code, 124)
        assert.deepStrictEqual(told(stderr), [
          `effect-wait: run 1 was cut; timed out, waiting for tcp 127.0.0.1:${port}: no answer; after 1 run in T`
        ])
      }))
  })

  describe("--http", () => {
    it.live("waits for any status of 200 to 299", () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { requests, url } = yield* answering(status(503), status(404), status(204))
        const { code, stderr } = yield* run(`${often} --http ${url}/health?deep=1`)
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(requests, Array.from({ length: 3 }, () => "GET /health?deep=1"))
        assert.deepStrictEqual(told(stderr), [
          `effect-wait: run 1: http ${url}/health?deep=***: status 503 after T, next in 20ms`,
          `effect-wait: run 2: http ${url}/health?deep=***: status 404 after T, next in 20ms`,
          "effect-wait: run 3: ok after T; ready after 3 runs in T"
        ])
      }))

    it.live("waits for the one that is asked for", () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { requests, url } = yield* answering(status(200), status(500), status(204))
        const { code, stderr } = yield* run(`${often} --http ${url} --status 204`)
        assert.strictEqual(code, 0)
        assert.strictEqual(requests.length, 3)
        assert.deepStrictEqual(told(stderr), [
          `effect-wait: run 1: http ${url}/: status 200 after T, next in 20ms`,
          `effect-wait: run 2: http ${url}/: status 500 after T, next in 20ms`,
          "effect-wait: run 3: ok after T; ready after 3 runs in T"
        ])
      }))

    it.live("takes an error for an answer where it is asked for", () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { requests, url } = yield* answering(status(401))
        assert.strictEqual((yield* run(`${often} --http ${url} --status 401`)).code, 0)
        assert.strictEqual(requests.length, 1)
      }))

    it.live("follows redirects", () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { requests, url } = yield* answering(
          status(301, { location: "/b" }),
          status(302, { location: "/c" }),
          status(200)
        )
        const { code, stderr } = yield* run(`${often} --http ${url}/a`)
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(requests, ["GET /a", "GET /b", "GET /c"])
        assert.deepStrictEqual(told(stderr), ["effect-wait: run 1: ok after T; ready after 1 run in T"])
      }))

    it.live("does not end where redirects do not", () =>
      Effect.gen(function*() {
        const { start } = yield* folder
        const { url } = yield* answering(status(302, { location: "/" }))
        const started = yield* start(`poll --interval 1h --http ${url}`)
        yield* started.tells("\n")
        assert.deepStrictEqual(told(started.stderr()), [
          `effect-wait: run 1: http ${url}/: redirect count exceeded after T, next in 1h`
        ])
      }))

    it.live("waits for a server that comes up late", () =>
      Effect.gen(function*() {
        const { start } = yield* folder
        const port = yield* freePort
        const started = yield* start(`${often} --http http://127.0.0.1:${port}`)
        yield* started.tells(`run 2: http http://127.0.0.1:${port}/: ECONNREFUSED after`)
        yield* listen(createServer(status(200)), port)
        const { code, stderr } = yield* started.ended
        assert.strictEqual(code, 0)
        assert.match(told(stderr).at(-1)!, /^effect-wait: run \d+: ok after T; ready after \d+ runs in T$/)
      }))

    it.live("does not wait for an answer longer than --attempt-timeout, and closes the connection", () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        let first: ServerResponse | undefined
        const { requests, url } = yield* answering(
          (_, response) => {
            first = response
          },
          // The second answer comes when the first is not waited for.
          (_, response) => void (first!.closed ? response.end() : first!.on("close", () => response.end()))
        )
        const { code, stderr } = yield* run(`${often} --attempt-timeout 2s --timeout 20s --http ${url}`)
        assert.strictEqual(code, 0)
        assert.strictEqual(requests.length, 2)
        assert.deepStrictEqual(told(stderr), [
          `effect-wait: run 1: http ${url}/: no answer in 2s after T, next in 20ms`,
          "effect-wait: run 2: ok after T; ready after 2 runs in T"
        ])
      }))

    it.live("does not read an answer that has no end", () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { url } = yield* answering((_, response) => void response.writeHead(200).write("a"))
        assert.strictEqual((yield* run(`poll --timeout 30s --http ${url}`)).code, 0)
      }))

    it.live("ends at once when a signal comes while it waits for an answer", () =>
      Effect.gen(function*() {
        const { start } = yield* folder
        const { requests, url } = yield* answering(never)
        const started = yield* start(`poll --http ${url}`)
        yield* until("it asks", () => requests.length === 1)
        yield* started.kill("SIGTERM")
        const { code, stderr } = yield* started.ended
        assert.strictEqual(code, 143)
        assert.deepStrictEqual(told(stderr), [
          "effect-wait: run 1: SIGTERM after T; stopped by SIGTERM after 1 run in T"
        ])
      }))
  })

  describe("--file", () => {
    it.live("waits until there is one", () =>
      Effect.gen(function*() {
        const { at, start } = yield* folder
        const started = yield* start([...often.split(" "), "--file", "the file"])
        yield* started.tells("run 2: file the file: not there after")
        writeFileSync(at("the file"), "")
        const { code, stderr } = yield* started.ended
        assert.strictEqual(code, 0)
        assert.strictEqual(told(stderr)[0], "effect-wait: run 1: file the file: not there after T, next in 20ms")
      }))

    it.live("takes a folder as well", () =>
      Effect.gen(function*() {
        const { path, run } = yield* folder
        assert.strictEqual((yield* run(`poll --file ${path}`)).code, 0)
      }))
  })

  it.live("waits for all that is asked for, and runs the command once, afterwards", () =>
    Effect.gen(function*() {
      const { at, runs, start } = yield* folder
      const tcp = yield* freePort
      const http = yield* answering(status(500), status(500), status(200))
      const started = yield* start(
        `${often} --file there --tcp 127.0.0.1:${tcp} --http ${http.url}`,
        sh("echo started; exit 5")
      )
      yield* started.tells(
        `run 2: tcp 127.0.0.1:${tcp}: ECONNREFUSED, http ${http.url}/: status 500, file there: not there`
      )
      yield* listen(tcpServer(), tcp)
      yield* started.tells(": file there: not there after")
      assert.strictEqual(runs(), 0)
      writeFileSync(at("there"), "")
      const { code, stderr, stdout } = yield* started.ended
      assert.strictEqual(code, 5)
      assert.strictEqual(runs(), 1)
      assert.strictEqual(stdout, "started\n")
      assert.match(told(stderr).at(-1)!, /^effect-wait: run \d+: ok after T; ready after \d+ runs in T$/)
    }))

  it.live("never runs the command where what is looked at never holds", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code } = yield* run("poll --file no --timeout 500ms --interval 100ms", sh("exit 0"))
      assert.strictEqual(code, 124)
      assert.strictEqual(runs(), 0)
    }))

  it.live("is ready where the command has succeeded in time, and something of it is left", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const leaving = "sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' & exit 0"
      const { code } = yield* run("poll --timeout 1s --grace 2s", sh(leaving))
      assert.deepStrictEqual({ code, runs: runs() }, { code: 0, runs: 1 })
    }))
})
