/**
 * 2. The kubelet's garbage collection: dead containers each minute, images each five minutes.
 *
 * Go: `go wait.Until(func() { … }, ContainerGCPeriod, wait.NeverStop)`, and the same with `ImageGCPeriod`, in
 * `StartGarbageCollection`. Here a run fails, and the loop goes on because its backoff is the same period; so its
 * status and its metrics tell of failures.
 *
 * `npx --yes pnpm@12 examples 02-garbage-collection`
 */
import { NodeFileSystem } from "@effect/platform-node"
import { Cause, type Duration, Effect, FileSystem, Option, References, Schema } from "effect"
import { Loop, Period, Poll } from "effect-wait"
import { claim, main } from "./support/program.ts"

export class GarbageCollectionFailed
  extends Schema.TaggedError<GarbageCollectionFailed>()("GarbageCollectionFailed", { message: Schema.String })
{}

export interface Kubelet<R> {
  readonly collectContainers: Effect.Effect<void, GarbageCollectionFailed, R>
  readonly collectImages: Effect.Effect<void, GarbageCollectionFailed, R>
  readonly event: (reason: string, message: string) => Effect.Effect<void>
  readonly imageGCHighThresholdPercent: number
  readonly containerGCPeriod?: Duration.Input
  readonly imageGCPeriod?: Duration.Input
}

/** Collects each period. The first success after failures is for everybody to see, the others are details. */
const collecting = Effect.fnUntraced(function*<R>(
  name: string,
  collect: Effect.Effect<void, GarbageCollectionFailed, R>,
  { failed, period }: {
    readonly period: Duration.Input
    readonly failed: (message: string, inARow: number) => Effect.Effect<void>
  }
) {
  let failures = 0
  const run = Effect.gen(function*() {
    yield* collect
    yield* Effect.logWithLevel(failures > 0 ? "Info" : "Debug")(`${name} garbage collection succeeded`)
    failures = 0
  })
  return yield* Loop.forkScoped(run, Period.sliding(period), {
    name,
    backoff: Period.sliding(period),
    onFailure({ cause, failures: inARow }) {
      failures = inARow
      return failed(Option.match(Cause.findErrorOption(cause), { onNone: () => "", onSome: (e) => e.message }), inARow)
    }
  })
})

export const startGarbageCollection = Effect.fnUntraced(function*<R>(kubelet: Kubelet<R>) {
  const containers = yield* collecting("Container", kubelet.collectContainers, {
    period: kubelet.containerGCPeriod ?? "1 minute",
    failed: Effect.fnUntraced(function*(message) {
      yield* Effect.logError(`Container garbage collection failed: ${message}`)
      yield* kubelet.event("ContainerGCFailed", message)
    })
  })
  if (kubelet.imageGCHighThresholdPercent === 100) {
    yield* Effect.log("Image garbage collection is off: its high threshold is 100")
    return [containers]
  }
  const images = yield* collecting("Image", kubelet.collectImages, {
    period: kubelet.imageGCPeriod ?? "5 minutes",
    failed: Effect.fnUntraced(function*(message, inARow) {
      // The first time the sizes may not be known yet.
      if (inARow === 1) return yield* Effect.logError(`Image garbage collection failed once: ${message}`)
      yield* Effect.logError(`Image garbage collection failed several times in a row: ${message}`)
      yield* kubelet.event("ImageGCFailed", message)
    })
  })
  return [containers, images]
})

// The containers and images of the program: files, whose names are `<container>.<image>` and `<image>`.

const failed = (...errors: ReadonlyArray<{ readonly message: string }>) =>
  new GarbageCollectionFailed({ message: errors.map(({ message }) => message).join("; ") })

/** Removes what has exited. A container that cannot be removed does not keep the others. */
export const collectContainers = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const exited = yield* Effect.mapError(fs.readDirectory(`${directory}/exited`), failed)
  yield* Effect.validate(exited, (name) => fs.remove(`${directory}/exited/${name}`)).pipe(
    Effect.mapError((errors) => failed(...errors))
  )
})

/** Once images take `high` percent, removes what no container uses, the oldest first, until it is `low` percent. */
export const collectImages = Effect.fnUntraced(function*(
  directory: string,
  { capacity, high, low }: { readonly capacity: number; readonly high: number; readonly low: number }
) {
  const fs = yield* FileSystem.FileSystem
  const images = yield* Effect.forEach(
    yield* fs.readDirectory(`${directory}/images`),
    (name) =>
      Effect.map(fs.stat(`${directory}/images/${name}`), ({ mtime, size }) => ({
        name,
        size: Number(size),
        time: Number(Option.getOrUndefined(mtime) ?? 0)
      }))
  )
  const used = images.reduce((sum, { size }) => sum + size, 0)
  if (used < capacity * high / 100) return
  const containers = yield* Effect.forEach(["running", "exited"], (state) => fs.readDirectory(`${directory}/${state}`))
  const inUse = new Set(containers.flat().map((name) => name.split(".")[1]))
  let toFree = used - capacity * low / 100
  for (const { name, size } of images.filter(({ name }) => !inUse.has(name)).toSorted((a, b) => a.time - b.time)) {
    if (toFree <= 0) return
    yield* fs.remove(`${directory}/images/${name}`)
    toFree -= size
  }
  if (toFree > 0) yield* failed({ message: `${toFree} bytes should be freed, but all images are in use` })
}, Effect.catchTag("PlatformError", failed))

const program = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped()
  yield* Effect.forEach(["running", "exited", "images"], (name) => fs.makeDirectory(`${directory}/${name}`))
  yield* fs.writeFileString(`${directory}/images/v1`, "x".repeat(60))
  yield* fs.writeFileString(`${directory}/images/v2`, "x".repeat(30))
  yield* fs.writeFileString(`${directory}/running/web.v2`, "")
  yield* fs.writeFileString(`${directory}/exited/job.v2`, "")
  // No file: it cannot be removed, and keeps its image
  yield* fs.makeDirectory(`${directory}/exited/api.v1`)

  const events: Array<string> = []
  const loops = yield* startGarbageCollection({
    collectContainers: collectContainers(directory),
    collectImages: collectImages(directory, { capacity: 100, high: 85, low: 80 }),
    event: (reason) => Effect.sync(() => events.push(reason)),
    imageGCHighThresholdPercent: 85,
    containerGCPeriod: "100 millis",
    imageGCPeriod: "200 millis"
  })
  const statuses = Effect.forEach(loops, (loop) => loop.status)
  const until = (accept: (loop: Loop.Status) => boolean) =>
    Poll.until(statuses, Period.ticker("20 millis"), { accept: (all) => all.every(accept), timeout: "20 seconds" })
  yield* until((loop) => loop.consecutiveFailures > 2)
  yield* fs.remove(`${directory}/exited/api.v1`, { recursive: true })
  yield* until((loop) => loop.consecutiveFailures === 0)
  yield* Effect.forEach(loops, (loop) => loop.stop)

  yield* claim("no dead container is left", yield* fs.readDirectory(`${directory}/exited`), [])
  yield* claim("the image that is in use is left", yield* fs.readDirectory(`${directory}/images`), ["v2"])
  const [containers, images] = (yield* statuses).map((loop) => loop.failures)
  const of = (name: string) => events.filter((event) => event === name).length
  yield* claim("each failure of containers was an event", of("ContainerGCFailed"), containers)
  yield* claim("each failure of images but the first one was an event", of("ImageGCFailed") + 1, images)
})

if (import.meta.main) {
  main(program.pipe(
    Effect.scoped,
    Effect.provide(NodeFileSystem.layer),
    Effect.provideService(References.MinimumLogLevel, "Debug")
  ))
}
