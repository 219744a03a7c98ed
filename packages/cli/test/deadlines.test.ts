import { assert, describe, inject, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { createSocket } from "node:dgram"
import { writeFileSync } from "node:fs"
import { candidates } from "../src/Lookup.ts"
import { folder, until } from "./run.ts"

const silentServer = "127.66.66.66"

// With a resolv.conf of its own, where that is allowed.
const canMount = spawnSync("unshare", ["-m", "true"]).status === 0

/** A name server that gets every question and never answers. */
const nameServer = Effect.acquireRelease(
  Effect.callback<{ readonly questions: () => number }>((resume) => {
    let questions = 0
    const socket = createSocket("udp4", () => void questions++)
    socket.on("error", (error) => resume(Effect.die(error)))
    socket.bind(53, silentServer, () => resume(Effect.succeed({ questions: () => questions, socket })))
  }),
  (server) => Effect.sync(() => "socket" in server && (server.socket as { close: () => void }).close())
)

/** The bin where names are looked up there. */
const start = Effect.fnUntraced(function*(options: string, search = "") {
  const { at } = yield* folder
  writeFileSync(at("resolv.conf"), `nameserver ${silentServer}\n${search}`)
  const script = `mount --bind ${at("resolv.conf")} "$(readlink -f /etc/resolv.conf)" && exec "$@"`
  const bin = [process.execPath, inject("bin"), ...options.split(" ")]
  const child = spawn("unshare", ["-m", "sh", "-c", script, "sh", ...bin], { stdio: ["ignore", "inherit", "pipe"] })
  let stderr = ""
  let ended: number | undefined
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk
  })
  child.on("exit", () => {
    ended = performance.now()
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
  return { child, ended: () => ended, stderr: () => stderr }
})

describe.runIf(canMount)("while a name is looked up that nobody answers for", () => {
  it.live.each([
    ["--tcp db.example:5432", ""],
    ["--http http://db.example/", "search a.example b.example c.example\noptions ndots:5\n"],
    ["--dns db.example", ""],
    ["--grpc db.example:50051", ""]
  ])("--timeout is kept: %s", ([target, search]) =>
    Effect.gen(function*() {
      const server = yield* nameServer
      const process = yield* start(`poll --timeout 3s ${target}`, search)
      yield* until("it asks", () => server.questions() > 0)
      const asked = performance.now()
      yield* until("it says so", () => process.stderr().includes("timed out"))
      const told = performance.now()
      yield* until("it ends", () => process.ended() !== undefined)
      assert.strictEqual(process.child.exitCode, 124)
      // Of the process itself: between what it says at the deadline, and its end.
      assert.isBelow(process.ended()! - told, 200)
      assert.isBelow(process.ended()! - asked, 3200)
      assert.match(process.stderr(), /waiting for \w+ .*db\.example.*: no answer/)
    }))

  it.live("a SIGTERM ends it within 200 ms", () =>
    Effect.gen(function*() {
      const server = yield* nameServer
      const process = yield* start("poll --tcp db.example:5432")
      yield* until("it asks", () => server.questions() > 0)
      const before = performance.now()
      process.child.kill("SIGTERM")
      yield* until("it ends", () => process.ended() !== undefined)
      assert.strictEqual(process.child.exitCode, 143)
      assert.isBelow(process.ended()! - before, 200)
    }))
})

describe("the names that a name stands for", () => {
  const conf = (text: string) => text.split("\n").map((line) => line.split(" "))

  it.each([
    ["db", "search ns.svc svc", ["db.ns.svc", "db.svc", "db"]],
    ["db.ns", "search ns.svc svc", ["db.ns", "db.ns.ns.svc", "db.ns.svc"]],
    ["app.dev", "search ns.svc svc\noptions ndots:5 edns0", ["app.dev.ns.svc", "app.dev.svc", "app.dev"]],
    ["app.dev.", "search ns.svc\noptions ndots:5", ["app.dev"]],
    ["db", "nameserver 1.1.1.1", ["db"]],
    ["db", "search a\nsearch b", ["db.b", "db"]],
    ["db", "domain a.test", ["db.a.test", "db"]]
  ])("%s with \"%s\"", (name, text, expected) => assert.deepStrictEqual(candidates(name, conf(text)), expected))

  // What the system finds in its hosts file is found here too.
  it.runIf(process.platform === "linux")("are looked up in the hosts file first", () => {
    const known = spawnSync("getent", ["ahosts", "localhost"], { encoding: "utf8" }).stdout.split(/\s/)[0]
    const program = `const { lookup } = await import(${
      JSON.stringify(new URL("../src/Lookup.ts", import.meta.url).href)
    })
      const { Effect } = await import("effect")
      console.log((await Effect.runPromise(lookup("localhost"))).map(({ address }) => address).join())`
    const found = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      cwd: new URL("..", import.meta.url)
    })
    assert.include(found.trim().split(","), known)
  })
})
