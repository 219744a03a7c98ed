import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { folder, sh, told } from "./run.ts"

const documents = `
kind: ConfigMap
metadata: { name: api }
data: { duration: "10ms", factor: "2.0", jitter: "0", steps: "3" }
---
kind: Sensor
metadata: { name: sensor }
spec:
  triggers:
    - retryStrategy: { duration: 5ms, steps: 2, jitter: 0 }
`

const made = Effect.map(folder, (folder) => {
  const file = join(folder.path, "policies.yaml")
  writeFileSync(file, documents)
  return { ...folder, file }
})

describe.concurrent("effect-wait with --policy", () => {
  it.live("retry has the delays and the end of the policy", () =>
    Effect.gen(function*() {
      const { file, run } = yield* made
      const { code, stderr } = yield* run(`retry --policy ${file}#/data`, sh("exit 3"))
      assert.strictEqual(code, 3)
      assert.deepStrictEqual(told(stderr), [
        "effect-wait: run 1: exit 3 after T, next in 10ms",
        "effect-wait: run 2: exit 3 after T, next in 20ms",
        "effect-wait: run 3: exit 3 after T; gave up after 3 runs in T"
      ])
    }))

  it.live("loop and poll have them too, and --times ends them earlier", () =>
    Effect.gen(function*() {
      const { file, run } = yield* made
      const loop = yield* run(`loop --times 2 --policy ${file}#/data`, sh("true"))
      assert.deepStrictEqual([loop.code, told(loop.stderr)], [0, [
        "effect-wait: run 1: exit 0 after T, next in 10ms",
        "effect-wait: run 2: exit 0 after T; done after 2 runs in T"
      ]])
      const poll = yield* run(`poll --policy ${file}#/spec`, sh("exit 1"))
      assert.deepStrictEqual([poll.code, told(poll.stderr)], [124, [
        "effect-wait: run 1: exit 1 after T, next in 5ms",
        "effect-wait: run 2: exit 1 after T; timed out after 2 runs in T"
      ]])
    }))

  it.live("an attempt is cut where the document says so", () =>
    Effect.gen(function*() {
      const { path, run } = yield* made
      const file = join(path, "temporal.yaml")
      writeFileSync(file, "startToCloseTimeout: 50ms\nretry: { maximumAttempts: 1 }\n")
      const { code } = yield* run(`retry --policy ${file}`, sh("sleep 20"))
      assert.strictEqual(code, 124)
    }))

  it.live("one of several has to be chosen, by its pointer", () =>
    Effect.gen(function*() {
      const { file, run } = yield* made
      const { code, stderr } = yield* run(`retry --policy ${file}`, sh("true"))
      assert.strictEqual(code, 64)
      assert.include(
        stderr,
        `${file} has 2 policies. Choose one: ${file}#/data, ${file}#/spec/triggers/0/retryStrategy\n`
      )
    }))

  it.live("a place has escapes and indices, and is of one of several documents", () =>
    Effect.gen(function*() {
      const { path, run } = yield* made
      const file = join(path, "places.yaml")
      const content = "a: 1\n---\nb/c:\n  - { interval: 1s }\n  - d~e: { interval: 5ms, attempts: 2 }\n"
      writeFileSync(file, content)
      const name = (stdout: string) => stdout.split("\n")[0]
      for (const asked of [`${file}#/b~1c/1/d~0e`, "-#/b~1c/1/d~0e", "/dev/stdin#/b~1c/1/d~0e"]) {
        const { code, stdout } = yield* run(`preview --policy ${asked}`, [], { input: content })
        assert.deepStrictEqual([code, name(stdout)], [0, "b/c[1].d~e"])
      }
      const { code, stderr } = yield* run(`retry --policy -#/b~1c/1`, sh("exit 3"), { input: content })
      assert.deepStrictEqual([code, told(stderr)], [3, [
        "effect-wait: run 1: exit 3 after T, next in 5ms",
        "effect-wait: run 2: exit 3 after T; gave up after 2 runs in T"
      ]])
    }))

  it.live("a file that cannot be had is told by its name and the reason", () =>
    Effect.gen(function*() {
      const { file, path, run } = yield* made
      const told = (asked: string) => Effect.map(run(`preview --policy ${asked}`), ({ code, stderr }) => [code, stderr])
      assert.deepStrictEqual(yield* told(path), [64, `effect-wait: ${path}: it is a folder\n`])
      assert.deepStrictEqual(yield* told(`${path}/none`), [64, `effect-wait: ${path}/none: there is no such file\n`])
      assert.deepStrictEqual(yield* told(`${file}#data`), [
        64,
        `effect-wait: ${file}#data: there is no such file. A place in a file begins with #/, as in FILE#/spec/retry\n`
      ])
      assert.deepStrictEqual(yield* told(`${file}#/data/none`), [
        64,
        `effect-wait: ${file}: there is no /data/none: /data is an object with duration, factor, jitter and steps\n`
      ])
      assert.deepStrictEqual(yield* told(`${file} --as otel`), [
        64,
        `effect-wait: ${file}: nothing in it is read as OpenTelemetry's retry_on_failure\n`
      ])
    }))

  it.live("nothing else says how it is waited", () =>
    Effect.gen(function*() {
      const { file, run } = yield* made
      const both = yield* run(`retry --policy ${file} --backoff 1s..2s`, sh("true"))
      assert.deepStrictEqual([both.code, both.stderr], [
        64,
        "effect-wait: --policy has the delays: --backoff cannot be used with it\n"
      ])
      const alone = yield* run("loop --period 1s --as otel", sh("true"))
      assert.deepStrictEqual([alone.code, alone.stderr], [64, "effect-wait: --as is allowed with --policy only\n"])
    }))

  it.live("a hedging policy runs no command", () =>
    Effect.gen(function*() {
      const { path, run } = yield* made
      const file = join(path, "hedging.json")
      writeFileSync(file, `{ "hedgingPolicy": { "maxAttempts": 3, "hedgingDelay": "1s" } }`)
      const { code, stderr } = yield* run(`retry --policy ${file}`, sh("true"))
      assert.strictEqual(code, 64)
      assert.match(stderr, /hedges with concurrent attempts; this command makes one attempt at a time/)
    }))

  it.live.each(["-", "/dev/stdin"])("reads a pipe: %s", (name) =>
    Effect.gen(function*() {
      const { run } = yield* made
      const { code, stdout } = yield* run(`preview --policy ${name} --runs 3 --json`, [], { input: documents })
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(
        JSON.parse(stdout).policies.map(({ name, runs }: { name: string; runs: ReadonlyArray<unknown> }) => [
          name,
          runs.length
        ]),
        [["api", 3], ["sensor", 2]]
      )
    }))
})
