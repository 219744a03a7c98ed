import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { appendFileSync, unlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import { folder, told, until } from "./run.ts"
import { answering, certificate, freePort, health, listen, never, status, tcpServer } from "./servers.ts"

const often = "poll --interval 20ms --timeout 30s"

const json = (value: unknown) => (_: unknown, response: { end: (text: string) => void }) =>
  response.end(JSON.stringify(value))

/** The reasons of the runs that failed, without what is told of times. */
const reasons = (stderr: string) =>
  told(stderr).flatMap((line) => /^effect-wait: run \d+: (.*) after T, next in 20ms$/.exec(line)?.[1] ?? [])

describe.concurrent("targets", () => {
  it.live("are asked side by side: each may take its time", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      // Nobody is answered before all have been asked.
      const asked: Array<() => void> = []
      const { url } = yield* answering((_, response) => {
        asked.push(() => response.end())
        if (asked.length === 3) asked.forEach((answer) => answer())
      })
      const { code, stderr } = yield* run(`${often} --http ${url}/1 --http ${url}/2 --http ${url}/3`)
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(told(stderr), ["effect-wait: run 1: ok after T; ready after 1 run in T"])
    }))

  it.live("are each named where they fail, in the log and at the end", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { url } = yield* answering((request, response) =>
        request.url === "/ok" ? response.end() : request.url === "/bad" ? response.writeHead(503).end() : undefined
      )
      const port = yield* freePort
      const targets = `--http ${url}/hang --http ${url}/ok --http ${url}/bad --tcp 127.0.0.1:${port}`
      const failing = (hang: string) =>
        `tcp 127.0.0.1:${port}: ECONNREFUSED, http ${url}/hang: ${hang}, http ${url}/bad: status 503`
      const { code, stderr } = yield* run(`poll --timeout 3s --attempt-timeout 1s --interval 1h ${targets}`)
      assert.strictEqual(code, 124)
      assert.deepStrictEqual(told(stderr), [
        `effect-wait: run 1: ${failing("no answer in 1s")} after T, next in 1h`,
        `effect-wait: timed out, waiting for ${failing("no answer in 1s")}; after 1 run in T`
      ])
      const cut = yield* run(`poll --timeout 2s --log json ${targets}`)
      assert.deepStrictEqual(JSON.parse(cut.stderr).waitingFor, failing("no answer").split(", "))
    }))

  it.live("do not hold with --invert: a port that closes, a file that goes", () =>
    Effect.gen(function*() {
      const { at, start } = yield* folder
      writeFileSync(at("pid"), "")
      const server = tcpServer()
      const { port } = yield* listen(server)
      const started = yield* start(`${often} --invert --tcp 127.0.0.1:${port} --file pid`)
      yield* started.tells(`run 2: tcp 127.0.0.1:${port}: still there, file pid: still there`)
      server.close()
      yield* started.tells(": file pid: still there")
      unlinkSync(at("pid"))
      assert.strictEqual((yield* started.ended).code, 0)
    }))

  it.live("are a command that fails with --invert", () =>
    Effect.gen(function*() {
      const { run, runs } = yield* folder
      const { code } = yield* run(`${often} --invert`, ["--", "sh", "-c", "echo >> runs; [ $(wc -l < runs) -lt 3 ]"])
      assert.deepStrictEqual({ code, runs: runs() }, { code: 0, runs: 3 })
    }))

  it.live("are a command of its own with --check, whose text is not told", () =>
    Effect.gen(function*() {
      const { lines, run } = yield* folder
      const check = "PASSWORD=hunter2 sh -c 'echo $RETRY_ATTEMPT >> runs; exit $((3 - $RETRY_ATTEMPT))'"
      const { code, stderr, stdout } = yield* run([...often.split(" "), "--check", check, "echo", "started"])
      assert.strictEqual(code, 0)
      assert.strictEqual(stdout, "started\n")
      assert.deepStrictEqual(lines("runs"), ["1", "2", "3"])
      assert.deepStrictEqual(reasons(stderr), ["check sh: exit 2", "check sh: exit 1"])
    }))

  describe("--http", () => {
    it.live("sends the --header that is given, and a name and password, but to no other server", () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const seen: Array<string> = []
        const other = yield* answering(({ headers }, response) => {
          seen.push(`other ${headers.authorization} ${headers["x-key"]}`)
          response.end()
        })
        const { url } = yield* answering(({ headers, url }, response) => {
          seen.push(`${url} ${headers.authorization} ${headers["x-key"]} ${headers.accept}`)
          response.writeHead(302, { location: url === "/a" ? "/b" : other.url }).end()
        })
        const { code, stderr } = yield* run([
          ...often.split(" "),
          "--http",
          `${url.replace("//", "//me:hunter2@")}/a`,
          "--header",
          "X-Key: s3cret",
          "--header",
          "Accept: text/html"
        ])
        assert.strictEqual(code, 0)
        const basic = `Basic ${Buffer.from("me:hunter2").toString("base64")}`
        assert.deepStrictEqual(seen, [
          `/a ${basic} s3cret text/html`,
          `/b ${basic} s3cret text/html`,
          "other undefined undefined"
        ])
        assert.notMatch(stderr, /hunter2|s3cret/)
      }))

    it.live("waits for a --body", () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { url } = yield* answering(
          (_, response) => response.end("starting"),
          (_, response) => response.end("<p>\nready\n</p>")
        )
        const { code, stderr } = yield* run(`${often} --http ${url} --body ^read[xy]$`)
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(reasons(stderr), [`http ${url}/: the body does not match`])
      }))

    it.live.each(
      [
        ["$.status=UP", { status: "DOWN" }, { status: "UP" }],
        ["$.ready", { ready: false }, { ready: 1 }],
        ["$.count=3", { count: 30 }, { count: 3 }],
        ["$.checks[?@.name=='db'].ok=true", { checks: [{ name: "db", ok: false }, { name: "a", ok: true }] }, {
          checks: [{ name: "db", ok: true }]
        }],
        ["$..state=a=b", ["state"], { deep: { state: "a=b" } }],
        ["$['a=b']", { a: 1 }, { "a=b": 1 }]
      ] as const
    )("waits for a value at --json %s", ([path, before, after]) =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { requests, url } = yield* answering((_, response) => response.end("no JSON"), json(before), json(after))
        const { code, stderr } = yield* run([...often.split(" "), "--http", url, "--json", path])
        assert.strictEqual(code, 0)
        assert.strictEqual(requests.length, 3)
        assert.deepStrictEqual(
          reasons(stderr),
          Array.from({ length: 2 }, () => `http ${url}/: the JSON does not match`)
        )
      }))

    it.live.each(
      [
        ["200,401", [500, 404, 401]],
        ["2xx,404", [401, 500, 404]],
        ["2xx", [404, 204]],
        ["any", [500]],
        ["3xx", [200, 302]]
      ] as const
    )("takes the --status %s", ([statuses, answers]) =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { requests, url } = yield* answering(...answers.map((code) => status(code, { location: "/other" })))
        assert.strictEqual((yield* run(`${often} --http ${url} --status ${statuses}`)).code, 0)
        assert.deepStrictEqual(requests, answers.map(() => "GET /"))
      }))

    it.live("takes a --status for each", () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { url } = yield* answering((request, response) =>
          void response.writeHead(Number(request.url?.slice(1))).end()
        )
        const two = `--http ${url}/401 --http ${url}/204`
        assert.strictEqual((yield* run(`${often} ${two} --status 401 --status 2xx`)).code, 0)
        const { code, stderr } = yield* run(`poll ${two} --timeout 1s --interval 1h --status 2xx --status 401`)
        assert.strictEqual(code, 124)
        assert.include(stderr, `http ${url}/401: status 401, http ${url}/204: status 204`)
      }))

    it.live("follows no redirects with --no-follow", () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const { requests, url } = yield* answering(status(302, { location: "/b" }), status(200))
        const { code, stderr } = yield* run(`${often} --no-follow --http ${url}/a`)
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(requests, ["GET /a", "GET /a"])
        assert.deepStrictEqual(reasons(stderr), [`http ${url}/a: status 302`])
      }))

    it.live("is asked at a socket", () =>
      Effect.gen(function*() {
        const { at, run } = yield* folder
        const requests: Array<string> = []
        const server = createServer((request, response) => {
          requests.push(`${request.headers.host} ${request.url}`)
          response.end()
        })
        yield* Effect.acquireRelease(
          Effect.callback<void>((resume) => void server.listen(at("s"), () => resume(Effect.void))),
          () => Effect.sync(() => server.close())
        )
        const paths = ["/health?a=1", "http://api.test/health"]
        for (const path of paths) {
          assert.strictEqual((yield* run(`${often} --http http://unix:${at("s")}:${path}`)).code, 0)
        }
        assert.deepStrictEqual(requests, ["localhost /health?a=1", "api.test /health"])
      }))

    it.live("asks ports that fetch blocks, and :PORT of this machine", () =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const tried = [10080, 6000, 6665, 6666, 6667, 6668, 6669, 5060, 5061, 4190, 1719, 1720]
        const isFree = (port: number) => Effect.exit(listen(createServer(status(200)), port, "localhost"))
        let port: number | undefined
        for (const blocked of tried) {
          if (port === undefined && (yield* isFree(blocked))._tag === "Success") port = blocked
        }
        assert.isDefined(port)
        const { code, stderr } = yield* run(`poll --timeout 10s --http http://:${port}/`)
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(told(stderr), ["effect-wait: run 1: ok after T; ready after 1 run in T"])
      }))

    it.live("takes a certificate by --cacert, and any with --insecure", () =>
      Effect.gen(function*() {
        const { path, run } = yield* folder
        const server = https.createServer(certificate(path), status(200))
        const { port } = yield* listen(server)
        const target = `--http https://localhost:${port}/`
        assert.strictEqual((yield* run(`${often} ${target} --insecure`)).code, 0)
        assert.strictEqual((yield* run(`${often} ${target} --cacert cert.pem`)).code, 0)
        const { code, stderr } = yield* run(`poll --timeout 2s --interval 1h ${target}`)
        assert.strictEqual(code, 124)
        assert.match(stderr, /https:\/\/localhost:\d+\/: DEPTH_ZERO_SELF_SIGNED_CERT after/)
      }))

    it.live("goes by the proxies of the environment, but not to this machine", () =>
      Effect.gen(function*() {
        const { path, run } = yield* folder
        const secure = yield* listen(https.createServer(certificate(path), status(200)))
        const plain = yield* answering(status(200))
        const requests: Array<string> = []
        const proxy = createServer((request, response) => {
          requests.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"]}`)
          response.end()
        })
        proxy.on("connect", (request, socket: net.Socket) => {
          requests.push(`${request.method} ${request.url}`)
          const upstream = net.connect(secure.port, "127.0.0.1", () => {
            socket.write("HTTP/1.1 200 OK\r\n\r\n")
            upstream.pipe(socket).pipe(upstream)
          })
          upstream.on("error", () => {})
          socket.on("error", () => {})
        })
        const { port } = yield* listen(proxy)
        const address = `http://me:hunter2@127.0.0.1:${port}`
        const env = { HTTP_PROXY: address, https_proxy: address, NO_PROXY: "no-proxy.invalid", DEBUG: "*" }
        const options = `${often} --insecure --http http://a.invalid/x --http https://b.invalid/y --http ${plain.url}`
        const { code, stderr } = yield* run(options, [], { env })
        assert.strictEqual(code, 0, stderr)
        assert.deepStrictEqual(requests.toSorted(), [
          "CONNECT b.invalid:443",
          `GET http://a.invalid/x Basic ${Buffer.from("me:hunter2").toString("base64")}`
        ])
        assert.deepStrictEqual(plain.requests, ["GET /"])
        assert.notMatch(stderr, /hunter2/)
        const direct = yield* run("poll --timeout 3s --interval 1h --http http://no-proxy.invalid/", [], { env })
        assert.strictEqual(direct.code, 124)
        assert.strictEqual(requests.length, 2)
      }))
  })

  it.live("are a socket with --unix", () =>
    Effect.gen(function*() {
      const { at, start } = yield* folder
      const started = yield* start(`${often} --unix s`)
      yield* started.tells("run 1: unix s: ENOENT after")
      const server = tcpServer()
      yield* Effect.acquireRelease(
        Effect.sync(() => server.listen(at("s"))),
        () => Effect.sync(() => server.close())
      )
      assert.strictEqual((yield* started.ended).code, 0)
    }))

  it.live("are a bare port with --tcp", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { port } = yield* listen(tcpServer(), 0, "localhost")
      assert.strictEqual((yield* run(`${often} --tcp ${port}`)).code, 0)
    }))

  it.live("are a name with --dns", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      assert.strictEqual((yield* run(`${often} --dns localhost`)).code, 0)
      const { code, stderr } = yield* run("poll --timeout 5s --interval 1h --dns no-such-name.invalid")
      assert.strictEqual(code, 124)
      assert.match(stderr, /dns no-such-name\.invalid: (ENOTFOUND|EAI_AGAIN|ETIMEOUT|no answer)/)
    }))

  it.live("are the health of a gRPC server with --grpc", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { port, services } = yield* health("NOT_SERVING", "NOT_FOUND", "SERVING")
      const { code, stderr } = yield* run(`${often} --grpc 127.0.0.1:${port}/my.Service`)
      assert.strictEqual(code, 0)
      const path = "/grpc.health.v1.Health/Check my.Service"
      assert.deepStrictEqual(services, [path, path, path])
      const name = `grpc 127.0.0.1:${port}/my.Service`
      assert.deepStrictEqual(reasons(stderr), [`${name}: NOT_SERVING`, `${name}: NOT_FOUND`])
      const dead = yield* freePort
      const { stderr: refused } = yield* run(`poll --timeout 2s --interval 1h --grpc 127.0.0.1:${dead}`)
      assert.include(refused, `grpc 127.0.0.1:${dead}: ECONNREFUSED`)
    }))

  it.live("wait for no server that says nothing: gRPC too", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { port } = yield* listen(net.createServer((socket) => socket.on("error", () => {}).resume()))
      const { url } = yield* answering(never)
      const { code, stderr } = yield* run(
        `poll --timeout 4s --interval 1h --attempt-timeout 500ms --grpc 127.0.0.1:${port} --http ${url}`
      )
      assert.strictEqual(code, 124)
      assert.include(stderr, `run 1: http ${url}/: no answer in 500ms, grpc 127.0.0.1:${port}: no answer in 500ms`)
    }))

  it.live("hold for some time with --stable, and a file that grows is not ready", () =>
    Effect.gen(function*() {
      const { at, start } = yield* folder
      writeFileSync(at("dump"), "a")
      const started = yield* start(`${often} --stable 700ms --file dump`)
      for (let i = 0; i < 10; i++) {
        yield* Effect.sleep("200 millis")
        assert.isFalse(started.hasEnded())
        appendFileSync(at("dump"), "a")
      }
      const last = Date.now()
      const { code, stderr } = yield* started.ended
      assert.strictEqual(code, 0)
      assert.isAtLeast(Date.now() - last, 600)
      assert.match(stderr, /run 1: ok for 0ms of 700ms after/)
    }))

  it.live("hold so many times in a row with --successes", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { requests, url } = yield* answering(status(200), status(200), status(500), status(200))
      const { code, stderr } = yield* run(`${often} --successes 3 --http ${url}`)
      assert.strictEqual(code, 0)
      assert.strictEqual(requests.length, 6)
      assert.deepStrictEqual(reasons(stderr), [
        "ok 1 of 3 times",
        "ok 2 of 3 times",
        `http ${url}/: status 500`,
        "ok 1 of 3 times",
        "ok 2 of 3 times"
      ])
    }))

  it.live.each(["http", "https"])(
    "leave no socket to a proxy that never answers: %s",
    (protocol) =>
      Effect.gen(function*() {
        const { run } = yield* folder
        const open = new Set<net.Socket>()
        let all = 0
        let most = 0
        const { port } = yield* listen(net.createServer((socket) => {
          open.add(socket)
          all++
          most = Math.max(most, open.size)
          socket.on("error", () => {}).on("close", () => open.delete(socket)).resume()
        }))
        const proxy = `http://127.0.0.1:${port}`
        const options =
          `poll --timeout 3s --attempt-timeout 100ms --interval 5ms --quiet --http ${protocol}://a.invalid/`
        yield* run(options, [], { env: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } })
        assert.isAbove(all, 8)
        assert.isAtMost(most, 5) // a busy machine notices later that one is closed
      })
  )

  it.live("leave no socket behind, however often they are asked", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const open = new Set<net.Socket>()
      const server = createServer(status(503))
      server.on("connection", (socket) => {
        open.add(socket)
        socket.on("close", () => open.delete(socket))
      })
      const { port } = yield* listen(server)
      yield* run(`poll --timeout 2s --interval 5ms --quiet --http http://127.0.0.1:${port}`)
      yield* until("all are closed", () => open.size === 0)
    }))
})
