import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
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
    [["poll", "--timeout", "500ms", "--check", "PGPASSWORD=hunter2 false"]]
  ])("by %j", ([args = []]) =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const { code, stderr, stdout } = yield* run(args.filter((word) => !word.includes("\u0000")))
      assert.isTrue(code === 124 || code === 64, stderr)
      assert.isAbove(stderr.length, 20)
      assert.notInclude(stderr + stdout, "hunter2")
    }))
})
