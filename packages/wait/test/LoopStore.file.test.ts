/** The stores of files and of a KeyValueStore: kills at any point, and content that is no memory. */
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, FileSystem, Layer, Logger, Option } from "effect"
import { Loop, Period } from "effect-wait"
import * as LoopStore from "effect-wait/LoopStore"
import { KeyValueStore } from "effect/persistence"
import { TestClock } from "effect/testing"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const withFolder = <A, E, R>(use: (folder: string) => Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-wait-"))),
    use,
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )

const memory = (due: number): LoopStore.Memory => ({
  written: 0,
  anchor: null,
  slot: null,
  nextSlot: null,
  due,
  period: 60_000,
  lastStart: 0,
  lastEnd: 0,
  lastSuccess: null,
  paused: false
})

const quiet = Effect.provide(Logger.layer([]))

describe("files", () => {
  it.effect("a loop has one file, whatever its name", () =>
    withFolder((folder) =>
      Effect.gen(function*() {
        const { load, save } = yield* LoopStore.LoopStore
        for (const name of ["sync", "a/b", "..", ".", "Über 1*", "%2F"]) {
          assert.isUndefined(yield* load(name))
          yield* save(name, memory(1), "run")
          yield* save(name, memory(2), "run")
          assert.deepStrictEqual(yield* load(name), memory(2))
        }
        assert.deepStrictEqual(readdirSync(join(folder, "new")).toSorted(), [
          "%252F.json",
          "%C3%9Cber%201*.json",
          "...json",
          "..json",
          "a%2Fb.json",
          "sync.json"
        ])
      }).pipe(Effect.provide(LoopStore.layerFile(join(folder, "new"))), Effect.provide(NodeFileSystem.layer))
    ))

  it.effect("a folder that cannot be made fails at once, by name", () =>
    withFolder((folder) =>
      Effect.gen(function*() {
        writeFileSync(join(folder, "file"), "")
        const build = Layer.build(LoopStore.layerFile(join(folder, "file", "in")))
        const error = yield* Effect.flip(Effect.scoped(Effect.provide(build, NodeFileSystem.layer)))
        assert.strictEqual(error._tag, "PlatformError")
        assert.include(error.message, join(folder, "file", "in"))
      })
    ))

  it.effect("a process that dies in a write leaves the old memory or the new one", () =>
    withFolder((folder) =>
      Effect.gen(function*() {
        const real = yield* FileSystem.FileSystem
        // Each operation, and half of a write, may be the last one.
        const dyingAt = (last: number) => {
          let operation = 0
          const step = <A, E, R>(effect: Effect.Effect<A, E, R>, half: Effect.Effect<unknown, E, R> = Effect.void) =>
            Effect.suspend(() => {
              operation++
              if (operation < last) return effect
              return Effect.andThen(operation === last ? half : Effect.void, Effect.interrupt)
            })
          const fs: FileSystem.FileSystem = {
            ...real,
            open: (path, options) =>
              step(Effect.map(real.open(path, options), (file) =>
                Object.create(file, {
                  sync: { value: step(file.sync) },
                  writeAll: {
                    value: (bytes: Uint8Array) =>
                      step(file.writeAll(bytes), file.writeAll(bytes.slice(0, Math.floor(bytes.length / 2))))
                  }
                }))),
            rename: (from, to) => step(real.rename(from, to))
          }
          return fs
        }
        const on = <A, E>(use: (store: LoopStore.LoopStore["Service"]) => Effect.Effect<A, E>, fs = real) =>
          Effect.flatMap(LoopStore.LoopStore, use).pipe(
            Effect.provide(LoopStore.layerFile(folder)),
            Effect.provideService(FileSystem.FileSystem, fs)
          )
        yield* on(({ save }) => save("job", memory(1), "run"))
        const left: Array<number | null | undefined> = []
        for (let last = 1; last <= 5; last++) {
          yield* Effect.exit(on(({ save }) => save("job", memory(last + 1), "run"), dyingAt(last)))
          left.push((yield* on(({ load }) => load("job")))?.due)
        }
        assert.deepStrictEqual(left, [1, 1, 1, 1, 6])
      }).pipe(Effect.provide(NodeFileSystem.layer))
    ))

  it.live(
    "kill -9 of a process at any point loses no slot, and repeats the one in flight at most",
    () =>
      withFolder((folder) =>
        Effect.gen(function*() {
          const log = join(folder, "log")
          const worker = join(import.meta.dirname, "loopStoreWorker.ts")
          const lines = () => existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").map(Number) : []
          const until = (holds: () => boolean) =>
            Effect.gen(function*() {
              while (!holds()) yield* Effect.sleep(5)
            })
          const kills = 6
          for (let i = 0; i < kills; i++) {
            const before = lines().length
            const child: ChildProcess = spawn(process.execPath, [worker, folder, log], { stdio: "ignore" })
            yield* until(() => lines().length >= before + 12 + i)
            yield* Effect.sleep(i * 3)
            child.kill("SIGKILL")
            yield* until(() => child.exitCode !== null || child.signalCode !== null)
          }
          const slots = lines()
          const distinct = [...new Set(slots)]
          const gaps = distinct.slice(1).map((slot, i) => slot - distinct[i]!)
          assert.isAbove(distinct.length, 12 * kills - kills)
          assert.deepStrictEqual(gaps, gaps.map(() => 25), slots.join())
          assert.isAtMost(slots.length - distinct.length, kills)
        })
      ),
    60_000
  )
})

describe("what is no memory", () => {
  const written = JSON.stringify({ version: 1, loop: "job", memory: memory(60_000) })
  const bad: Record<string, string> = {
    "nothing": "",
    "half of it": written.slice(0, 40),
    "JSON of something else": `{"due":1}`,
    "a number that is none": written.replace("60000", `"soon"`),
    "a later version": written.replace(`"version":1`, `"version":2`)
  }
  const key = "effect-wait/loop/job"

  const start = (unreadable?: "startAsNew") =>
    Loop.forkScoped(Effect.void, Period.sliding("1 minute"), {
      name: "job",
      catchUp: unreadable === undefined ? {} : { unreadable }
    })

  for (
    const [what, text] of [...Object.entries(bad), [
      "the memory of another loop",
      written.replace("job", "other")
    ]] as const
  ) {
    it.effect(`${what}: the loop fails and names the key, and what was there stays`, () =>
      Effect.gen(function*() {
        const { get, set } = yield* KeyValueStore.KeyValueStore
        yield* set(key, text)
        const loop = yield* start()
        yield* TestClock.adjust("1 hour")
        const { runs, state } = yield* loop.status
        assert.deepStrictEqual([runs, state, yield* loop.isHealthy], [0, "ended", false])
        const error = yield* Effect.flip(Effect.flatten(loop.await))
        assert.strictEqual(error._tag, "LoopStoreError")
        assert.strictEqual(error.reason, "unreadable")
        assert.deepStrictEqual([error.name, error.key], ["job", key])
        assert.isTrue(
          error.message.startsWith(
            `The memory of the loop "job" at "effect-wait/loop/job" is no memory of this loop, so remove it or set ` +
              `catchUp.unreadable to "startAsNew": `
          ),
          error.message
        )
        assert.strictEqual(yield* get(key), text)
      }).pipe(
        Effect.scoped,
        Effect.provide(LoopStore.layerKeyValueStore),
        Effect.provide(KeyValueStore.layerMemory),
        quiet
      ))
  }

  it.effect("with startAsNew the loop starts as new, says so, and overwrites it", () => {
    const messages: Array<unknown> = []
    const logger = Logger.make(({ logLevel, message }) => messages.push([logLevel, (message as Array<unknown>)[0]]))
    return Effect.gen(function*() {
      const { get, set } = yield* KeyValueStore.KeyValueStore
      yield* set(key, "nonsense")
      const loop = yield* start("startAsNew")
      yield* TestClock.adjust("90 seconds")
      assert.strictEqual((yield* loop.status).runs, 2)
      assert.strictEqual(JSON.parse((yield* get(key))!).memory.due, 120_000)
      assert.deepStrictEqual(messages, [["Warn", "The memory of this loop cannot be read; it starts as new"]])
    }).pipe(
      Effect.scoped,
      Effect.provide(LoopStore.layerKeyValueStore),
      Effect.provide(KeyValueStore.layerMemory),
      Effect.provide(Logger.layer([logger]))
    )
  })

  it.effect("a KeyValueStore that fails is a store that is away", () =>
    Effect.gen(function*() {
      const broken = KeyValueStore.make({
        get: (key) =>
          Effect.fail(new KeyValueStore.KeyValueStoreError({ method: "get", key, message: "no connection" })),
        getUint8Array: () => Effect.undefined,
        set: () => Effect.void,
        remove: () => Effect.void,
        clear: Effect.void,
        size: Effect.succeed(0),
        keys: Effect.succeed([])
      })
      const loop = yield* start().pipe(
        Effect.provide(LoopStore.layerKeyValueStore),
        Effect.provideService(KeyValueStore.KeyValueStore, broken)
      )
      yield* TestClock.adjust("1 hour")
      const { runs, state, storeFailure } = yield* loop.status
      assert.deepStrictEqual([runs, state], [0, "waiting"])
      assert.strictEqual(
        Option.getOrThrow(storeFailure).message,
        `The memory of the loop "job" at "effect-wait/loop/job" cannot be read: no connection`
      )
    }).pipe(quiet))

  it.effect("a store whose code throws ends the loop with the defect", () =>
    Effect.gen(function*() {
      const loop = yield* start().pipe(
        Effect.provideService(
          LoopStore.LoopStore,
          LoopStore.make({ load: () => Effect.die("bug"), save: () => Effect.void })
        )
      )
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* loop.await, Exit.die("bug"))
    }).pipe(quiet))
})
