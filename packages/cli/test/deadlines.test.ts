import { assert, describe, inject, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { createSocket, type Socket } from "node:dgram"
import { writeFileSync } from "node:fs"
import { candidates } from "../src/Lookup.ts"
import { accounting, ownWait, waitOf } from "./processor.ts"
import { folder, until } from "./run.ts"

const silentServer = "127.66.66.66"

const failingServer = "127.66.66.67"

// With a resolv.conf of its own, where that is allowed.
const canMount = spawnSync("unshare", ["-m", "true"]).status === 0

/** A name server that gets every question; it never answers by default. */
const nameServer = (address = silentServer, answer: (question: Buffer) => Buffer | undefined = () => undefined) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly questions: () => number; readonly socket: Socket }>((resume) => {
      let questions = 0
      const socket = createSocket("udp4", (question, { address, port }) => {
        questions++
        const answered = answer(question)
        if (answered !== undefined) socket.send(answered, port, address)
      })
      socket.on("error", (error) => resume(Effect.die(error)))
      socket.bind(53, address, () => resume(Effect.succeed({ questions: () => questions, socket })))
    }),
    ({ socket }) => Effect.sync(() => socket.close())
  )

/** SERVFAIL, with the question repeated. */
const failing = (question: Buffer) =>
  Buffer.concat([question.subarray(0, 2), Buffer.of(0x81, 0x82, 0, 1, 0, 0, 0, 0, 0, 0), question.subarray(12)])

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  readonly resolvConf?: string
}

/** The bin where names are looked up there. */
const start = Effect.fnUntraced(function*(options: string, { env, resolvConf = "" }: Surroundings = {}) {
  const { at } = yield* folder
  writeFileSync(at("resolv.conf"), `${resolvConf}\nnameserver ${silentServer}\n`)
  const script = `mount --bind ${at("resolv.conf")} "$(readlink -f /etc/resolv.conf)" && exec "$@"`
  const times = accounting(at("times"))
  const bin = [process.execPath, ...times.options, inject("bin"), ...options.split(" ")]
  const child = spawn("unshare", ["-m", "sh", "-c", script, "sh", ...bin], {
    stdio: ["ignore", "inherit", "pipe"],
    env: { ...process.env, ...env }
  })
  let stderr = ""
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  return {
    child,
    stderr: () => stderr,
    hasEnded,
    /** The time from now to its end, in which neither it nor this thread waits for a processor. */
    clock: () => {
      const [before, itsWait, wait] = [performance.now(), waitOf(child.pid!), ownWait()]
      let elapsed = hasEnded() ? 0 : Infinity // it may be over before this thread is told
      child.once("exit", () => {
        elapsed = performance.now() - before - (times.ended().wait - itsWait) - (ownWait() - wait)
      })
      return () => elapsed
    }
  }
})

const proxy = "http://me:hunter2@proxy.example:3128"

const targets: ReadonlyArray<readonly [target: string, surroundings?: Surroundings]> = [
  ["--tcp db.example:5432"],
  ["--http http://db.example/", { resolvConf: "search a.example b.example c.example\noptions ndots:5" }],
  ["--dns db.example"],
  ["--grpc db.example:50051"],
  ["--http http://db.example/", { env: { HTTP_PROXY: proxy } }],
  ["--http https://db.example/", { env: { HTTPS_PROXY: proxy } }],
  // Node's resolver gives up after two seconds here. The system's function takes ten.
  ["--tcp db.example:5432", { resolvConf: `nameserver ${failingServer}` }]
]

describe.runIf(canMount)("while a name is looked up that nobody answers for", () => {
  it.live.each(targets)("--timeout is kept: %s %j", ([target, surroundings]) =>
    Effect.gen(function*() {
      yield* nameServer(failingServer, failing)
      const server = yield* nameServer()
      const process = yield* start(`poll --timeout 3s ${target}`, surroundings)
      yield* until("it asks", () => server.questions() > 0)
      const sinceQuestion = process.clock()
      yield* until("it says so", () => process.stderr().includes("timed out"))
      // Of the process itself: between what it says at the deadline, and its end.
      const sinceMessage = process.clock()
      yield* until("it ends", process.hasEnded)
      assert.strictEqual(process.child.exitCode, 124)
      assert.isBelow(sinceMessage(), 200)
      assert.isBelow(sinceQuestion(), 3200)
      assert.match(process.stderr(), /waiting for \w+ .*db\.example.*: no answer/)
      assert.notInclude(process.stderr(), "hunter2")
    }))

  it.live("a SIGTERM ends it within 200 ms", () =>
    Effect.gen(function*() {
      const server = yield* nameServer()
      const process = yield* start("poll --tcp db.example:5432")
      yield* until("it asks", () => server.questions() > 0)
      const sinceSignal = process.clock()
      process.child.kill("SIGTERM")
      yield* until("it ends", process.hasEnded)
      assert.strictEqual(process.child.exitCode, 143)
      assert.isBelow(sinceSignal(), 200)
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
