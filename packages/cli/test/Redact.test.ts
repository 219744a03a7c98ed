import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import * as Redact from "../src/Redact.ts"
import { folder } from "./run.ts"

describe("Redact.url", () => {
  it.each([
    ["http://a/b", "http://a/b"],
    ["http://me:secret@a:81/b", "http://***@a:81/b"],
    ["http://me@a/", "http://***@a/"],
    ["https://a/?token=secret&b=&secret", "https://a/?token=***&b=***&***"],
    ["http://a/b#secret", "http://a/b"],
    ["http://a/?secret", "http://a/?***"]
  ])("of %s is %s", (text, expected) => assert.strictEqual(Redact.url(new URL(text)), expected))
})

describe("Redact.text", () => {
  it.each([
    ["no URL: a@b ?x=1", "no URL: a@b ?x=1"],
    ["for \"ftp://me:se/cr@et@a/?token=secret\". Try", "for \"ftp://***@a/?token=***\". Try"],
    ["http://a/#secret", "http://a/#***"],
    ["http://me:secret@[/ http://b?c=secret", "http://***@[/ http://b?c=***"]
  ])("of %s is %s", (text, expected) => assert.strictEqual(Redact.text(text), expected))
})

const url = "http://me:hunter2@127.0.0.1:1/x?token=hunter2&hunter2#hunter2"

describe("Redact.address", () => {
  it.each([
    ["localhost:5432", "localhost:5432"],
    ["http://unix:/run/api.sock", "http://unix:/run/api.sock"],
    ["ftp://me:pass word@a/b", "ftp://***@a/b"],
    ["me:se\"cret@db:5432", "***@db:5432"],
    ["ftp://a/?token=se\"cret&b= x#y", "ftp://a/?token=***&b=***"],
    ["db:1?se cret", "db:1?***"],
    ["ftp://a/#se cret", "ftp://a/#***"]
  ])("of %s is %s", (text, expected) => assert.strictEqual(Redact.address(text), expected))
})

const file = `https://me:hunter2@a/x?token=hunter2`

const shared = ["--timeout", "500ms"]

describe.concurrent("no password and no token is told", () => {
  it.live.each([
    [["poll", "--timeout", "500ms", "--http", url]],
    [["poll", "--timeout", "500ms", "--log", "json", "--http", url]],
    [["poll", "--timeout", "500ms", "--http", url, "--quiet"]],
    [["poll", "--http", url.replace("http", "ftp")]],
    [["poll", "--http", url.replace("127.0.0.1:1", "[")]],
    [["poll", "--tcp", "postgres://me:hunter2@db/x"]],
    [["poll", "--grpc", "ftp://me:hunter2@db:1?token=hunter2"]],
    [["poll", "--http", url, "--header", "Authorization: Bearer hunter2", "--timeout", "500ms"]],
    [["poll", "--http", url, "--header", "Authorization=Bearer hunter2"]],
    [["poll", "--http", url, "--header", "X: hunter2\u0000"]],
    [["poll", "--timeout", "500ms", "--check", "PGPASSWORD=hunter2 false"]],
    [["poll", ...shared, "--check", "PGPASSWORD='a hunter2' false"]],
    [["poll", ...shared, "--check", "A=1 B=\"x \\\" hunter2\" false"]],
    [["poll", ...shared, "--check", "X=hunter2\\ hunter2 false"]],
    [["poll", ...shared, "--file", file]],
    [["poll", ...shared, "--unix", file]],
    [["poll", "--dns", file]],
    [["poll", "--dns", "me:hunter2@db"]],
    [["poll", "--tcp", "me:hunter2@db:5432"]],
    [["poll", "--tcp", "db:5432?password=hunter2"]],
    [["poll", "--grpc", "me:hunter2@db:5432"]],
    [["poll", "--grpc", "db:5432/service?token=hunter2"]],
    [["poll", "--http", "ftp://me:pass hunter2@h/"]],
    [["poll", "--http", "ftp://h/?token=a\"hunter2"]],
    [["poll", ...shared, "--http", "http://me:hunter2%@127.0.0.1:1/"]],
    [["poll", "--http", url, "--cacert", file]],
    [["poll", "--http", url, "--http-header", "Authorization: hunter2"]],
    [["poll", file, "--", "npm", "start"]],
    [["poll", "--file", ".", file]],
    [["preview", "--policy", file]],
    [["preview", "--backoff", "1s..2s", "--svg", `no/${file}`]],
    [["loop", "--period", "1s", "--health", `no/${file}`, "true"]],
    [["retry", `--policy=${file}`, "true"]],
    [["retry", "PGPASSWORD=hunter2", "psql"]],
    [["retry", "PGPASSWORD=hunter2 psql"]],
    [["loop", "--period", "1s", "--log", "json", "curl -H 'Authorization: hunter2' http://a"]],
    [["poll", "--file", ".", "curl -u me:hunter2 http://a"]],
    [["--token=hunter2"]],
    [[file]]
  ])("by %j", ([args = []]) =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stderr, stdout } = yield* run(args.filter((word) => !word.includes("\u0000")))
      assert.include([64, 124, 127], code, stderr)
      assert.isAbove(stderr.length, 20)
      assert.notInclude(stderr + stdout, "hunter2")
    }))

  it.live("by the name of a command that there is not, in the health file either", () =>
    Effect.gen(function*() {
      const { at, run } = yield* folder
      const { code, stderr } = yield* run(["loop", "--period", "1s", "--log", "json", "--health", "health", file])
      const what = "https://***@a/x?token=***: command not found"
      assert.strictEqual(code, 127)
      assert.strictEqual(JSON.parse(stderr.split("\n")[0]!).what, what)
      assert.strictEqual(JSON.parse(readFileSync(at("health"), "utf8")).lastRun.what, what)
    }))

  it.live.each(["http", "socks5", "ftp", "me:hunter2@[", ""])("by a proxy: %s", (scheme) =>
    Effect.gen(function*() {
      const { start } = yield* folder
      const proxy = `${scheme}://me:hunter2%@127.0.0.1:1`
      const options = "poll --interval 1h --http http://a.invalid/ --http https://b.invalid/"
      const started = yield* start(options, [], { env: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } })
      const why = scheme === "http" ? "ECONNREFUSED" : "the proxy that is set is not one for HTTP"
      yield* started.tells(`http http://a.invalid/: ${why}, http https://b.invalid/: ${why} after`)
      yield* started.kill("SIGTERM")
      const { code, stderr } = yield* started.ended
      assert.strictEqual(code, 143)
      assert.notInclude(stderr, "hunter2")
    }))
})
