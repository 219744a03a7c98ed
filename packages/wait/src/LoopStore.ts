/**
 * The memory of loops over restarts, for the option `catchUp` of `Loop.forkScoped` and `Loop.layer`.
 *
 * ```text
 * process -------------x                 -------------   x kill -9
 * "skip"  .....[=].....                  .....[=].....
 * "one"   .....[=].....                  [=]..[=].....
 * "all"   .....[=].....                  [=][=][=][=].
 *              1:00 2:00 3:00 4:00 5:00       6:00
 * ```
 *
 * | store | for |
 * |---|---|
 * | {@link layerFile} | one process on one machine, such as a systemd service |
 * | {@link layerKeyValueStore} | a database, by a `KeyValueStore` of Effect |
 * | {@link layerMemory} | tests |
 *
 * A loop writes once an iteration, inside the delay after the run. It writes once more when it is new, when it is paused
 * and when it is resumed. A name is the key: two loops need two names.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import type { PlatformError } from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as args from "./internal/args.ts"
import { LoopStore } from "./internal/loopStore.ts"
import { LoopStoreError } from "./internal/loopStoreError.ts"
import type { Change, Memory, NextRun } from "./internal/memory.ts"
import { type Access, remember } from "./internal/remember.ts"
import { RememberingDriver } from "./internal/rememberingDriver.ts"

export { LoopStore } from "./internal/loopStore.ts"
export { LoopStoreError } from "./internal/loopStoreError.ts"
export type { CatchUp, Memory, NextRun } from "./internal/memory.ts"

/**
 * A store of your own.
 *
 * - `load`: returns the memory of the loop with this name; undefined if there is none
 * - `save`: replaces the whole memory: a process that dies in a save leaves the old memory or the new one. `change` is the reason:
 *   `"start"`: the loop is new; `"run"`: a run has ended; `"pause"` and `"resume"`
 * - `begin`: runs before each run of the loop. `false` means that the loop was paused elsewhere: it pauses. Default: each run starts
 *
 * After a failure with the reason `"unavailable"` the loop tries again, first after 0.5 seconds, and at most a minute apart.
 * A call without an answer for 10 seconds is such a failure. `"unreadable"` is for invalid data. `"stale"` is for
 * a loop that another process has taken over: the loop ends with this failure.
 *
 * **Example** (A Map)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Loop, Period } from "effect-wait"
 * import * as LoopStore from "effect-wait/LoopStore"
 * import { TestClock } from "effect/testing"
 *
 * const memories = new Map<string, LoopStore.Memory>()
 * const store = LoopStore.make({
 *   load: (name) => Effect.sync(() => memories.get(name)),
 *   save: (name, memory) => Effect.sync(() => memories.set(name, memory))
 * })
 *
 * const starts: Array<number> = []
 * const work = Effect.clockWith((clock) => Effect.sync(() => starts.push(clock.currentTimeMillisUnsafe() / 60_000)))
 * const hourly = Loop.forkScoped(work, Period.sliding("1 hour"), { name: "hourly", catchUp: {} })
 * const deploy = Effect.scoped(Effect.andThen(hourly, TestClock.adjust("25 minutes")))
 *
 * await Effect.runPromise(
 *   Effect.repeat(deploy, { times: 5 }).pipe(
 *     Effect.provideService(LoopStore.LoopStore, store),
 *     Effect.provide(TestClock.layer())
 *   )
 * )
 *
 * starts // => [0, 60, 120]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (access: {
  readonly load: (name: string) => Effect.Effect<Memory | undefined, LoopStoreError>
  readonly save: (name: string, memory: Memory, change: Change) => Effect.Effect<unknown, LoopStoreError>
  readonly begin?: ((name: string, run: NextRun) => Effect.Effect<boolean, LoopStoreError>) | undefined
}): LoopStore["Service"] => {
  args.requiredOptions("LoopStore.make: access", access)
  args.fn("LoopStore.make: load", access.load)
  args.fn("LoopStore.make: save", access.save)
  if (access.begin !== undefined) args.fn("LoopStore.make: begin", access.begin)
  const { begin } = access
  const store: Access = {
    load: (name) => access.load(name),
    save: (name, memory, change) => Effect.asVoid(access.save(name, memory, change)),
    begin: begin && ((name, run) => begin(name, run))
  }
  return LoopStore.of({
    load: store.load,
    save: store.save,
    remember(caller, watch, schedule, catchUp) {
      const recollection = remember(store, caller, watch, schedule, catchUp)
      return (context, rules, spec) => new RememberingDriver(context, rules, spec, watch, recollection)
    }
  })
}

const Time = Schema.NullOr(Schema.Finite)

// What files and databases have. A file that was copied or renamed is found by the name in it.
const Stored = Schema.fromJsonString(Schema.Struct({
  version: Schema.Literal(1),
  loop: Schema.String,
  memory: Schema.Struct({
    written: Schema.Finite,
    anchor: Time,
    slot: Time,
    nextSlot: Time,
    due: Time,
    period: Time,
    lastStart: Time,
    lastEnd: Time,
    lastSuccess: Time,
    paused: Schema.Boolean
  })
}))

const decode = Schema.decodeUnknownEffect(Stored)
const encode = Schema.encodeSync(Stored)

/** A store of texts. */
interface Texts {
  readonly keyOf: (name: string) => string
  readonly read: (key: string) => Effect.Effect<string | undefined, Error>
  readonly write: (key: string, text: string) => Effect.Effect<void, Error>
}

const ofTexts = ({ keyOf, read, write }: Texts): LoopStore["Service"] => {
  const failure = (name: string, reason: LoopStoreError["reason"], what: string) => (cause: Error): LoopStoreError =>
    new LoopStoreError({
      name,
      key: keyOf(name),
      reason,
      message: `The memory of the loop "${name}" at "${keyOf(name)}" ${what}: ${cause.message}`,
      cause
    })
  const remedy = "is no memory of this loop, so remove it or set catchUp.unreadable to \"startAsNew\""
  const parse = (name: string, text: string) =>
    Effect.mapError(
      Effect.flatMap(decode(text), ({ loop, memory }) =>
        loop === name ? Effect.succeed(memory) : Effect.fail(new Error(`it is that of the loop "${loop}"`))),
      failure(name, "unreadable", remedy)
    )
  return make({
    load: (name) =>
      Effect.flatMap(
        Effect.mapError(read(keyOf(name)), failure(name, "unavailable", "cannot be read")),
        (text) => text === undefined ? Effect.undefined : parse(name, text)
      ),
    save: (name, memory) =>
      Effect.mapError(
        write(keyOf(name), encode({ version: 1, loop: name, memory })),
        failure(name, "unavailable", "cannot be written")
      )
  })
}

/**
 * A store that lives as long as the Layer: for tests of restarts.
 *
 * **Example** (A slot that passes between two starts)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Loop, Period } from "effect-wait"
 * import * as LoopStore from "effect-wait/LoopStore"
 * import { TestClock } from "effect/testing"
 *
 * const starts: Array<number> = []
 * const work = Effect.clockWith((clock) => Effect.sync(() => starts.push(clock.currentTimeMillisUnsafe() / 60_000)))
 * const Report = Loop.layer(work, Period.cron("0 * * * *", { timeZone: "UTC" }), {
 *   name: "report",
 *   catchUp: { missed: "one" }
 * })
 *
 * const program = Effect.gen(function*() {
 *   yield* Effect.provide(TestClock.adjust("90 minutes"), Report)
 *   yield* TestClock.adjust("60 minutes") // no process
 *   yield* Effect.provide(TestClock.adjust("60 minutes"), Report)
 * }).pipe(Effect.provide(Layer.merge(LoopStore.layerMemory, TestClock.layer())))
 *
 * await Effect.runPromise(program)
 * starts // => [60, 150, 180]
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<LoopStore> = Layer.sync(LoopStore)(() => {
  const memories = new Map<string, Memory>()
  return make({
    load: (name) => Effect.sync(() => memories.get(name)),
    save: (name, memory) => Effect.sync(() => memories.set(name, memory))
  })
})

/**
 * A store in a `KeyValueStore` of Effect, such as `KeyValueStore.layerSql`.
 *
 * - the key is `effect-wait/loop/` and the name of the loop; the value is JSON
 *
 * **Gotchas**
 *
 * `KeyValueStore.layerFileSystem` overwrites a file in place: a process that dies in a write leaves half of it. Use
 * {@link layerFile}.
 *
 * **Example** (What is stored)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Loop, Period } from "effect-wait"
 * import * as LoopStore from "effect-wait/LoopStore"
 * import { KeyValueStore } from "effect/persistence"
 * import { TestClock } from "effect/testing"
 *
 * const Sync = Loop.layer(Effect.void, Period.sliding("1 minute"), { name: "sync", catchUp: {} })
 *
 * const program = Effect.gen(function*() {
 *   yield* TestClock.adjust("90 seconds")
 *   const { get } = yield* KeyValueStore.KeyValueStore
 *   return JSON.parse((yield* get("effect-wait/loop/sync")) ?? "")
 * }).pipe(
 *   Effect.provide(Sync),
 *   Effect.provide(LoopStore.layerKeyValueStore),
 *   Effect.provide(Layer.merge(KeyValueStore.layerMemory, TestClock.layer()))
 * )
 *
 * const { loop, memory: { due, lastStart }, version } = await Effect.runPromise(program)
 * version // => 1
 * loop // => "sync"
 * lastStart // => 60000
 * due // => 120000
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerKeyValueStore: Layer.Layer<LoopStore, never, KeyValueStore.KeyValueStore> = Layer.effect(LoopStore)(
  Effect.map(KeyValueStore.KeyValueStore, (store) =>
    ofTexts({
      keyOf: (name) => `effect-wait/loop/${name}`,
      read: (key) => store.get(key),
      write: (key, text) => store.set(key, text)
    }))
)

/**
 * A store of one file a loop, for a service that the machine starts again after a crash or a deploy.
 *
 * - `folder`: where the files are; it is created if there is none
 * - a file has the name of the loop, as in a URL, and `.json`. The loop writes a new file beside the old one, flushes it
 *   to the disk (`fsync`), and renames it: a process that dies at any point leaves the old memory or the new one
 *
 * Fails with a `PlatformError` if the folder can neither be found nor created. It throws an `IllegalArgumentError` for a
 * folder that is not a string or is empty.
 *
 * **Gotchas**
 *
 * For one process at a time. Replicas that share a folder overwrite each other's memory: use `ClusterLoop` for replicas.
 *
 * A file system that does not distinguish capital letters keeps `"Sync"` and `"sync"` in one file: the second loop fails
 * with a `LoopStoreError`.
 *
 * **Example** (A loop and its file)
 *
 * ```ts
 * import { NodeFileSystem } from "@effect/platform-node"
 * import { Effect, FileSystem, Layer } from "effect"
 * import { Loop, Period, Poll } from "effect-wait"
 * import * as LoopStore from "effect-wait/LoopStore"
 *
 * const Sync = Loop.layer(Effect.void, Period.sliding("1 minute"), { name: "sync", catchUp: {} })
 *
 * const program = Effect.gen(function*() {
 *   const fs = yield* FileSystem.FileSystem
 *   const folder = yield* fs.makeTempDirectoryScoped()
 *   const Loops = Layer.provide(Sync, LoopStore.layerFile(folder))
 *   const isSaved = fs.exists(`${folder}/sync.json`)
 *   yield* Effect.provide(Poll.until(isSaved, Period.sliding("10 millis")), Loops)
 *   return yield* fs.readDirectory(folder)
 * }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))
 *
 * await Effect.runPromise(program) // => ["sync.json"]
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFile = (folder: string): Layer.Layer<LoopStore, PlatformError, FileSystem.FileSystem> => {
  const root = args.requiredName("LoopStore.layerFile: folder", folder)
  return Layer.effect(LoopStore)(
    Effect.flatMap(FileSystem.FileSystem, (fs) =>
      Effect.as(
        fs.makeDirectory(root, { recursive: true }),
        ofTexts({
          keyOf: (name) => `${root}/${encodeURIComponent(name)}.json`,
          read: (file) =>
            Effect.catchTag(
              fs.readFileString(file),
              "PlatformError",
              (error) => error.reason._tag === "NotFound" ? Effect.undefined : Effect.fail(error)
            ),
          write: (file, text) => Effect.andThen(writeSynced(fs, `${file}.tmp`, text), fs.rename(`${file}.tmp`, file))
        })
      ))
  )
}

const writeSynced = (fs: FileSystem.FileSystem, file: string, text: string): Effect.Effect<void, PlatformError> =>
  Effect.scoped(
    Effect.flatMap(
      fs.open(file, { flag: "w" }),
      (opened) => Effect.andThen(opened.writeAll(new TextEncoder().encode(text)), opened.sync)
    )
  )
