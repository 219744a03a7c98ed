import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, FileSystem, Option, PlatformError, Stream } from "effect"
import { Timeline, Wait, WaitTimeout } from "effect-wait"
import { TestLoop } from "effect-wait/testing"
import { networkReady, ticker, timer, timerResetFirst, whenChanged } from "../../src/callSites/10-wait-for.ts"
import { logOf } from "./logOf.ts"

const second = 1000

const folder = "net.d"

const times = { folder, poll: "10 seconds", timeout: "1 minute" } as const

const ticksAt = (times: ReadonlyArray<number>) =>
  Stream.mergeAll(times.map((at) => Stream.fromEffect(Effect.sleep(at))), { concurrency: "unbounded" })

const stands = 100

/** A folder into which files come, at these milliseconds. A watch of it stands after 100 ms, and tells what comes then. */
const filesAt = (files: Record<string, number>, options?: { readonly isSilent: boolean }) =>
  FileSystem.layerNoop({
    readDirectory: () =>
      Effect.map(Clock.currentTimeMillis, (now) => Object.keys(files).filter((name) => now >= (files[name] ?? 0))),
    watch: (path, watching) => {
      const told = Object.values(files).filter((at) => at > stands && options?.isSilent !== true)
      return Stream.fromEffectDrain(Effect.delay(Effect.sync(() => watching?.onReady?.()), stands)).pipe(
        Stream.concat(Stream.as(ticksAt(told.map((at) => at - stands)), { _tag: "Create", path } as const))
      )
    }
  })

/** When it looked, when it ended, and how. */
const seen = ({ endedAt, exit, ...timeline }: TestLoop.Recording<unknown, unknown>) => {
  const end = Option.map(exit, (exit) => {
    const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : "holds"
    return error instanceof WaitTimeout ? error.reason._tag : error
  })
  return [Timeline.starts(timeline), endedAt, Option.getOrNull(end)]
}

const wait = (
  layer: ReturnType<typeof filesAt>,
  { stop, takes = 0 }: { readonly takes?: number; readonly stop?: Effect.Effect<void> } = {}
) =>
  TestLoop.record(
    (track) => whenChanged(track(Effect.tap(networkReady(folder), Effect.sleep(takes))), { ...times, stop }),
    { until: "10 minutes" }
  ).pipe(Effect.provide(layer), Effect.map(seen))

describe("a wait for a file", () => {
  it.effect("looks when the watch stands and at each change, until it is there", () =>
    Effect.gen(function*() {
      const files = filesAt({ "a.tmp": 2500, "a.conflist": 3250 })
      const program = Effect.provide(whenChanged(networkReady(folder), times), files)
      const { endedAt, log } = yield* logOf(program, { until: "10 minutes" })
      assert.deepStrictEqual(log, [
        "100 looked, and found nothing",
        "2500 looked, and found a.tmp",
        "3250 looked, and found a.tmp a.conflist"
      ])
      assert.strictEqual(endedAt, 3250)
    }))

  it.effect("sees what came before the watch stood", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* wait(filesAt({ "a.conflist": 50 })), [[100], 100, "holds"])
    }))

  it.effect("looks each ten seconds, in case that the watch tells nothing", () =>
    Effect.gen(function*() {
      const silent = filesAt({ "a.conflist": 21_000 }, { isSilent: true })
      assert.deepStrictEqual(yield* wait(silent), [[100, 10_000, 20_000, 30_000], 30_000, "holds"])
    }))

  it.effect("looks once for all changes that came during a look", () =>
    Effect.gen(function*() {
      const files = filesAt({ a: 1000, b: 1100, c: 1200, d: 1300, "e.conflist": 5000 })
      assert.deepStrictEqual(yield* wait(files, { takes: 500 }), [[100, 1000, 1500, 5000], 5500, "holds"])
    }))

  it.effect.each([{ at: 59_999, end: "holds" }, { at: 60_001, end: "Exhausted" }])(
    "looks once more at the timeout, with a file at $at ms",
    ({ at, end }) =>
      Effect.gen(function*() {
        const looks = [100, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]
        assert.deepStrictEqual(yield* wait(filesAt({ "a.conflist": at }, { isSilent: true })), [looks, 60_000, end])
      })
  )

  it.effect("lets a look in flight finish when it is stopped", () =>
    Effect.gen(function*() {
      const options = { takes: 500, stop: Effect.sleep(10_250) }
      assert.deepStrictEqual(yield* wait(filesAt({}), options), [[100, 10_000], 10_500, "Stopped"])
    }))

  it.effect("fails when there is no folder", () =>
    Effect.gen(function*() {
      const error = PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "watch" })
      const nowhere = FileSystem.layerNoop({ watch: () => Stream.fail(error) })
      assert.deepStrictEqual(yield* wait(nowhere), [[], 0, error])
    }))
})

// Go's starts are the recordings of these names in the fixtures of effect-wait.
describe("Go's WaitFor beside ours", () => {
  it.effect.each<{ name: string; ticks: Array<number>; takes: Array<number>; go: Array<number>; stop?: number }>([
    { name: "once for every tick, and once more at the end", ticks: [300, 800], takes: [0], go: [300, 800, 800] },
    { name: "the last check takes time", ticks: [300, 800], takes: [50, 50, 900], go: [300, 800, 850] },
    { name: "no ticks: one check", ticks: [], takes: [70], go: [0] },
    { name: "a check in flight at the stop finishes", ticks: [300, 800], takes: [250], stop: 450.013, go: [300] }
  ])("$name", ({ go, stop, takes, ticks }) =>
    Effect.gen(function*() {
      const recording = yield* TestLoop.record(
        (track) =>
          Wait.waitFor(track(Effect.as(taking(takes), false)), {
            ticks: ticksAt(ticks),
            stop: stop === undefined ? undefined : Effect.sleep(stop)
          }),
        { until: "1 minute" }
      )
      assert.deepStrictEqual(Timeline.starts(recording), go)
    }))
})

/** Work that takes so long each time, the last one over and over. */
const taking = (lengths: ReadonlyArray<number>) => {
  let runs = 0
  return Effect.suspend(() => Effect.sleep(lengths[Math.min(runs++, lengths.length - 1)] ?? 0))
}

// Go's starts were recorded with Go 1.26 and its testing/synctest, whose time is virtual: the loops of the doc comments, with a period
// of 5 s and an f that sleeps.
describe("a loop over Go's Ticker or Timer beside ours, in seconds", () => {
  it.effect.each([
    { name: "ticker", loop: ticker, takes: [1], go: [5, 10, 15, 20, 25, 30] },
    { name: "ticker", loop: ticker, takes: [1, 12, 1], go: [5, 10, 22, 25, 30, 35] },
    { name: "ticker", loop: ticker, takes: [7], go: [5, 12, 19, 26, 33, 40] },
    { name: "timer", loop: timer, takes: [1], go: [5, 11, 17, 23, 29, 35] },
    { name: "timer", loop: timer, takes: [1, 12, 1], go: [5, 11, 28, 34, 40, 46] },
    { name: "timer", loop: timer, takes: [7], go: [5, 17, 29, 41, 53, 65] },
    { name: "timer, reset first", loop: timerResetFirst, takes: [1], go: [5, 10, 15, 20, 25, 30] },
    { name: "timer, reset first", loop: timerResetFirst, takes: [1, 12, 1], go: [5, 10, 22, 27, 32, 37] },
    { name: "timer, reset first", loop: timerResetFirst, takes: [7], go: [5, 12, 19, 26, 33, 40] }
  ])("$name, runs of $takes", ({ go, loop, takes }) =>
    Effect.gen(function*() {
      const lengths = takes.map((length) => length * second)
      const recording = yield* TestLoop.record((track) => loop(track(taking(lengths)), "5 seconds"), {
        until: (go.at(-1) ?? 0) * second
      })
      assert.deepStrictEqual(Timeline.starts(recording).map((start) => start / second), go)
    }))
})
