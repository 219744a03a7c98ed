/**
 * 10. A wait for a file that looks when the folder has changed, not by a clock; and plain Go tickers and timers.
 *
 * Go: `wait.WaitFor(func(done <-chan struct{}) <-chan struct{} { ... }, condition, stopCh)`, and the loops without `wait`: over
 * `time.NewTicker(5 * time.Second)`, and over `time.NewTimer(5 * time.Second)` with `timer.Reset`.
 * Go's `WaitFunc` is a Stream here. What it opens, a watch of the folder, is closed with the wait.
 *
 * `node packages/examples/src/callSites/10-wait-for.ts`
 */
import { NodeFileSystem } from "@effect/platform-node"
import { Duration, Effect, FileSystem, Option, type PlatformError, Queue, Stream } from "effect"
import { Loop, Period, Wait } from "effect-wait"
import { claim, main } from "./support/program.ts"

/**
 * A tick when the watch stands, whenever the folder has changed, and each period in case that the watch has missed something. Of the
 * ticks that come during a check one is kept, as in a channel of capacity 1.
 */
const changes = (folder: string, poll: Duration.Input) =>
  Stream.callback<void, PlatformError.PlatformError, FileSystem.FileSystem>((queue) =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const tick = () => Queue.offerUnsafe(queue, undefined)
      yield* fs.watch(folder, { onReady: tick }).pipe(
        Stream.merge(Stream.fromSchedule(Period.ticker(poll))),
        Stream.runForEach(() => Effect.sync(tick))
      )
    }), { bufferSize: 1, strategy: "sliding" })

/** Waits until the condition holds. At the timeout the ticks end, and it is checked once more. */
export const whenChanged = <E, R>(
  condition: Effect.Effect<boolean, E, R>,
  { folder, poll, timeout }: {
    readonly folder: string
    readonly poll: Duration.Input
    readonly timeout: Duration.Input
  }
) => Wait.waitFor(condition, { ticks: Stream.interruptWhen(changes(folder, poll), Effect.sleep(timeout)) })

/** The network of a node is ready when its folder, `/etc/cni/net.d`, has a configuration. */
export const networkReady = Effect.fnUntraced(function*(folder: string) {
  const names = yield* FileSystem.FileSystem.use((fs) => fs.readDirectory(folder))
  yield* Effect.log(`looked, and found ${names.join(" ") || "nothing"}`)
  return names.some((name) => name.endsWith(".conflist"))
})

/** Go: `for { <-ticker.C; f() }`. Of the ticks that come during a run one is kept. */
export const ticker = <A, E, R>(f: Effect.Effect<A, E, R>, period: Duration.Input) =>
  Loop.run(f, Period.ticker(period), { initialDelay: period })

/** Go: `for { <-timer.C; f(); timer.Reset(period) }`. */
export const timer = <A, E, R>(f: Effect.Effect<A, E, R>, period: Duration.Input) =>
  Loop.run(f, Period.sliding(period), { initialDelay: period })

/** Go: `for { <-timer.C; timer.Reset(period); f() }`. */
export const timerResetFirst = <A, E, R>(f: Effect.Effect<A, E, R>, period: Duration.Input) =>
  Loop.run(f, Period.nonSliding(period), { initialDelay: period })

const program = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.makeTempDirectoryScoped()
  const file = `${folder}/10-net.conflist`
  const install = fs.writeFileString(file, "{}").pipe(Effect.delay("300 millis"), Effect.forkChild)
  const ready = (poll: Duration.Input, timeout: Duration.Input) =>
    whenChanged(networkReady(folder), { folder, poll, timeout })

  yield* install
  const [changed] = yield* Effect.timed(ready("1 minute", "5 minutes"))
  yield* claim("the change was seen, not the clock", Duration.toSeconds(changed) < 60, true)

  yield* fs.remove(file)
  const timeout = yield* Effect.flip(Effect.catchTag(ready("1 minute", "300 millis"), "PlatformError", Effect.die))
  yield* claim("a wait in vain says what it has seen last", timeout.last, Option.some(false))

  yield* install
  const [polled] = yield* ready("200 millis", "1 minute").pipe(
    // As on a folder of another machine.
    Effect.provideService(FileSystem.WatchBackend, { register: () => Option.some(Stream.never) }),
    Effect.timed
  )
  yield* claim("where the watch is silent, the clock does", Duration.toSeconds(polled) < 60, true)

  const eightRuns = Effect.fnUntraced(function*(name: string, loop: typeof ticker) {
    let runs = 0
    const f = Effect.suspend(() => ++runs === 8 ? Effect.fail(name) : Effect.sleep("75 millis"))
    return yield* Effect.flip(loop(f, "150 millis"))
  })
  const first = yield* Effect.raceFirst(eightRuns("timer", timer), eightRuns("ticker", ticker))
  yield* claim("the runs of a timer take longer by what they do", first, "ticker")
})

if (import.meta.main) main(program.pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))
