import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, References } from "effect"
import {
  collectContainers,
  collectImages,
  GarbageCollectionFailed,
  type Kubelet,
  startGarbageCollection
} from "../../src/callSites/02-garbage-collection.ts"
import { logOf } from "./logOf.ts"

const quiet: Kubelet<never> = {
  collectContainers: Effect.never,
  collectImages: Effect.never,
  event: (reason, message) => Effect.log("event", reason, message),
  imageGCHighThresholdPercent: 85
}

/** A collection that takes 10 s, and fails with each message in its turn. */
const taking10s = (...messages: ReadonlyArray<string | undefined>) => {
  const left = messages.values()
  return Effect.suspend(() => {
    const message = left.next().value
    return message === undefined ? Effect.void : new GarbageCollectionFailed({ message })
  }).pipe(Effect.delay("10 seconds"))
}

/** What is logged, and then the failures of each loop, in all and in a row. */
const collect = (kubelet: Partial<Kubelet<never>>, until: number) =>
  logOf(
    Effect.gen(function*() {
      const loops = yield* startGarbageCollection({ ...quiet, ...kubelet })
      yield* Effect.sleep(until)
      for (const { name, status } of loops) {
        const { consecutiveFailures, failures } = yield* status
        yield* Effect.log(name, failures, consecutiveFailures)
      }
    }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "Debug")),
    { until: "1 day" }
  )

describe("garbage collection", () => {
  it.effect("collects containers a minute after the last time; failures and the success after them are loud", () =>
    Effect.gen(function*() {
      const collectContainers = taking10s(undefined, "busy", "stuck", undefined, undefined, "busy")
      const { log } = yield* collect({ collectContainers }, 400_000)
      assert.deepStrictEqual(log, [
        "10000 Debug Container garbage collection succeeded",
        "80000 Error Container garbage collection failed: busy",
        "80000 event ContainerGCFailed busy",
        "150000 Error Container garbage collection failed: stuck",
        "150000 event ContainerGCFailed stuck",
        "220000 Container garbage collection succeeded",
        "290000 Debug Container garbage collection succeeded",
        "360000 Error Container garbage collection failed: busy",
        "360000 event ContainerGCFailed busy",
        "400000 Container 3 1",
        "400000 Image 0 0"
      ])
    }))

  it.effect("collects images five minutes after the last time; the first failure of a series makes no event", () =>
    Effect.gen(function*() {
      const collectImages = taking10s("no stats", undefined, undefined, "full", "full", "in use", undefined)
      const { log } = yield* collect({ collectImages }, 2_000_000)
      assert.deepStrictEqual(log, [
        "10000 Error Image garbage collection failed once: no stats",
        "320000 Image garbage collection succeeded",
        "630000 Debug Image garbage collection succeeded",
        "940000 Error Image garbage collection failed once: full",
        "1250000 Error Image garbage collection failed several times in a row: full",
        "1250000 event ImageGCFailed full",
        "1560000 Error Image garbage collection failed several times in a row: in use",
        "1560000 event ImageGCFailed in use",
        "1870000 Image garbage collection succeeded",
        "2000000 Container 0 0",
        "2000000 Image 4 0"
      ])
    }))

  it.effect("leaves images alone, and says so, when their threshold is 100", () =>
    Effect.gen(function*() {
      const kubelet = {
        collectContainers: taking10s(),
        collectImages: Effect.die("images"),
        imageGCHighThresholdPercent: 100
      }
      const { log } = yield* collect(kubelet, 60_000)
      assert.deepStrictEqual(log, [
        "0 Image garbage collection is off: its high threshold is 100",
        "10000 Debug Container garbage collection succeeded",
        "60000 Container 0 0"
      ])
    }))
})

/** A directory with these files, each with its size and time. */
const directoryOf = Effect.fnUntraced(
  function*(files: Readonly<Record<string, readonly [size: number, time: number]>>) {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.makeTempDirectoryScoped()
    yield* Effect.forEach(["running", "exited", "images"], (name) => fs.makeDirectory(`${directory}/${name}`))
    for (const [name, [size, time]] of Object.entries(files)) {
      yield* fs.writeFileString(`${directory}/${name}`, "x".repeat(size))
      yield* fs.utimes(`${directory}/${name}`, time, time)
    }
    const left = Effect.map(
      fs.readDirectory(directory, { recursive: true }),
      (names) => names.filter((name) => name.includes("/")).toSorted()
    )
    return { directory, left }
  }
)

describe("what is collected", () => {
  it.layer(NodeFileSystem.layer)((it) => {
    it.effect("are containers that have exited; one that cannot be removed is the failure, and the others go", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const { directory, left } = yield* directoryOf({
          "running/a.v1": [0, 0],
          "exited/a.v1": [0, 0],
          "exited/z.v1": [0, 0]
        })
        yield* fs.makeDirectory(`${directory}/exited/m.v1`)
        const { message } = yield* Effect.flip(collectContainers(directory))
        assert.strictEqual(message, `Unknown: FileSystem.remove (${directory}/exited/m.v1)`)
        assert.deepStrictEqual(yield* left, ["exited/m.v1", "running/a.v1"])
        yield* fs.remove(`${directory}/exited/m.v1`, { recursive: true })
        yield* collectContainers(directory)
        assert.deepStrictEqual(yield* left, ["running/a.v1"])
      }))

    it.effect("are images from the high threshold on: the oldest that nobody uses, until it is the low one", () =>
      Effect.gen(function*() {
        const { directory, left } = yield* directoryOf({
          "running/a.v2": [0, 0],
          "exited/b.v4": [0, 0],
          "images/v1": [20, 3],
          "images/v2": [20, 1],
          "images/v3": [20, 2],
          "images/v4": [20, 0],
          "images/v5": [10, 4]
        })
        const after = Effect.fnUntraced(function*(high: number, low: number) {
          yield* collectImages(directory, { capacity: 100, high, low })
          return (yield* left).filter((name) => name.startsWith("images"))
        })
        assert.deepStrictEqual(yield* after(91, 80), ["v1", "v2", "v3", "v4", "v5"].map((name) => `images/${name}`))
        assert.deepStrictEqual(yield* after(90, 70), ["v1", "v2", "v4", "v5"].map((name) => `images/${name}`))
        const error = yield* Effect.flip(after(60, 20))
        assert.strictEqual(error.message, "20 bytes should be freed, but all images are in use")
        assert.deepStrictEqual(yield* after(41, 20), ["images/v2", "images/v4"])
      }))
  })
})
