/** Cases of the tests of other tools that no other spec here has; OTHER-TESTS.md has the rest. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { folder, sh } from "./run.ts"
import { answering, freePort, listen, never, status, tcpServer } from "./servers.ts"

const often = "poll -q --interval 20ms"

// Long enough for a look on a busy machine, whose last one may be cut: what it saw before is told as well.
const soon = "poll --interval 20ms --timeout 2s"

/** `[port]` listens, `[closed]` does not; `there` is a file. */
const targets: ReadonlyArray<readonly [title: string, options: string, code: number, stderr: RegExp]> = [
  ["wait-on: an unreachable host in reverse mode", `${often} --invert --tcp 127.0.0.1:[closed]`, 0, /^$/],
  ["wait-on: a file that is there in reverse mode", `${soon} --invert --file there`, 124, /file there: still there/],
  ["wait-on: some of the resources", `${soon} --file there --file nowhere`, 124, /file nowhere: not there/],
  ["wait-on: nothing at a socket", `${soon} --unix nowhere`, 124, /unix nowhere: ENOENT/],
  ["wait4x: several addresses", `${often} --tcp [port] --tcp 127.0.0.1:[port]`, 0, /^$/],
  [
    "wait4x: several addresses, one of them dead",
    `${soon} --tcp [port] --tcp 127.0.0.1:[closed]`,
    124,
    /: tcp 127.0.0.1:\d+: ECONNREFUSED/
  ],
  ["wait4x: a port that is open, inverted", `${soon} --invert --tcp [port]`, 124, /still there/],
  ["wait4x: a name that there is not", `${soon} --dns no-such-name.invalid`, 124, /dns no-such-name.invalid: /],
  ["dockerize: a file and a server", `${often} --file there --tcp [port]`, 0, /^$/],
  ["wait-for-it: a port that is closed", `${soon} --tcp 127.0.0.1:[closed]`, 124, /timed out, waiting for tcp/]
]

/** A command that exits like this, and how often it is run. */
const retries: ReadonlyArray<readonly [title: string, options: string, script: string, code: number, runs: number]> = [
  ["happy path", "--attempts 2", "exit 0", 0, 1],
  ["sad path", "--attempts 2 --backoff 1ms..1ms", "exit 1", 1, 2],
  ["retry_on: timeout fails early by an error", "--attempts 3 --on-exit 124", "exit 2", 2, 1],
  [
    "retry_on: error fails early by a timeout",
    "--attempts 3 --on-exit 1,2 --attempt-timeout 300ms",
    "exec sleep 100",
    124,
    1
  ],
  [
    "retry_on: timeout",
    "--attempts 2 --backoff 1ms..1ms --on-exit 124 --attempt-timeout 300ms",
    "exec sleep 100",
    124,
    2
  ],
  ["retry_on: error", "--attempts 2 --backoff 1ms..1ms --on-exit 2", "exit 2", 2, 2],
  ["retry_on_exit_code, with it", "--attempts 3 --backoff 1ms..1ms --on-exit 2", "exit 2", 2, 3],
  ["retry_on_exit_code, with another", "--attempts 3 --backoff 1ms..1ms --on-exit 2", "exit 1", 1, 1],
  ["retry_on_exit_code, all but one", "--attempts 3 --backoff 1ms..1ms --on-exit 1..2,4..255", "exit $((n + 1))", 3, 2],
  ["new_command_on_retry", "--attempts 3 --backoff 1ms..1ms", "test $RETRY_ATTEMPT = 2", 0, 2],
  ["on_retry_command that fails", "--attempts 2 --backoff 1ms..1ms --on-retry false", "test $n = 2", 0, 2]
]

describe.concurrent("as in the tests of other tools,", () => {
  it.live.each(targets)("%s", ([, options, expected, message]) =>
    Effect.gen(function*() {
      const { at, run } = yield* folder
      writeFileSync(at("there"), "")
      const { port } = yield* listen(tcpServer(), 0, "localhost")
      const closed = yield* freePort
      const { code, stderr } = yield* run(
        options.replaceAll("[port]", `localhost:${port}`).replaceAll("127.0.0.1:localhost:", "localhost:").replaceAll(
          "[closed]",
          String(closed)
        )
      )
      assert.strictEqual(code, expected)
      assert.match(stderr, message)
    }))

  it.live.each([["404", status(404), "status 404"], ["too slow", never, "no answer in 100ms"]] as const)(
    "wait-on: an HTTP service at a socket that is %s",
    ([, answer, why]) =>
      Effect.gen(function*() {
        const { at, start } = yield* folder
        yield* Effect.acquireRelease(
          Effect.callback<ReturnType<typeof createServer>>((resume) => {
            const server = createServer(answer)
            server.listen(at("socket"), () => resume(Effect.succeed(server)))
          }),
          (server) =>
            Effect.sync(() => {
              server.closeAllConnections()
              server.close()
            })
        )
        const started = yield* start(
          `poll --interval 20ms --attempt-timeout 100ms --http http://unix:${at("socket")}:/`
        )
        yield* started.tells(why)
        yield* started.kill("SIGTERM")
        assert.strictEqual((yield* started.ended).code, 143)
      })
  )

  it.live("dockerize: the value of a header has colons", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const seen: Array<unknown> = []
      const { url } = yield* answering((request, response) => {
        seen.push(request.headers["x-time"])
        response.end()
      })
      const { code } = yield* run([...often.split(" "), "--http", url, "--header", "X-Time:12:30:00"])
      assert.deepStrictEqual([code, seen], [0, ["12:30:00"]])
    }))

  it.live.each([0, 1, 2, 42])("dockerize: the command exits with %i", (exit) =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code } = yield* run("poll -q --file .", ["sh", "-c", `exit ${exit}`])
      assert.strictEqual(code, exit)
    }))

  it.live.each(retries)("nick-fields/retry: %s", ([, options, script, expected, times]) =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code } = yield* run(`retry -q ${options}`, sh(script))
      assert.deepStrictEqual({ code, runs: runs() }, { code: expected, runs: times })
    }))
})

describe("OTHER-TESTS.md", () => {
  const here = new URL(".", import.meta.url)
  const read = (name: string) => readFileSync(new URL(name, here), "utf8")
  const titles = Array.from(read("OTHER-TESTS.md").matchAll(/(\w+): “([^”]+)”/g), ([, file = "", title = ""]) => ({
    file,
    title
  }))

  it("names specs of every kind", () => assert.isAbove(titles.length, 60))

  it.each(titles)("names a spec that there is: $file, $title", ({ file, title }) => {
    const name = readdirSync(here).find((name) => name === `${file}.test.ts`)
    assert.isDefined(name, file)
    assert.include(read(`${file}.test.ts`).replaceAll("\\\"", "\""), title)
  })
})
