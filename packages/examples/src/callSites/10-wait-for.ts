/**
 * 10. A wait for a file that looks when the folder has changed, not by a clock; and plain Go tickers and timers.
 *
 * Go: `wait.WaitFor(func(done <-chan struct{}) <-chan struct{} { ... }, condition, stopCh)`, which `wait.PollUntil` is made of; and
 * the loops without `wait`, over `time.NewTicker(5 * time.Second)` and over `time.NewTimer(5 * time.Second)` with its `Reset`.
 * The channel of ticks is a Stream here: what it holds open, a watch of the folder, is closed with the wait.
 *
 * `npx --yes pnpm@12 examples 10-wait-for`
 */
import { NodeFileSystem } from "@effect/platform-node"
import { Duration, Effect, FileSystem, Option, type PlatformError, Queue, Stream } from "effect"
import { Loop, Period, Wait } from "effect-wait"
import { claim, main } from "./support/program.ts"

interface Patience {
  readonly poll: Duration.Input
  readonly timeout: Duration.Input
}

/**
 * Go's `WaitFunc`. A tick when the watch stands, one whenever the folder has changed, and one each period in case that the watch has
 * missed something. Of those that come during a check one is kept, as in a channel of capacity 1. At the timeout they end.
 */
const changes = (folder: string, { poll, timeout }: Patience) =>
  Stream.callback<void, PlatformError.PlatformError, FileSystem.FileSystem>((ticks) =>
    Effect.gen(function*() {
      const tick = () => Queue.offerUnsafe(ticks, undefined)
      const fs = yield* FileSystem.FileSystem
      yield* fs.watch(folder, { onReady: tick }).pipe(
        Stream.merge(Stream.fromSchedule(Period.ticker(poll))),
        Stream.runForEach(() => Effect.sync(tick)),
        Effect.timeoutOption(timeout)
      )
      yield* Queue.end(ticks)
    }), { bufferSize: 1, strategy: "sliding" })

/** Waits until the condition holds. It is checked once for every tick, and once more when they end. */
export const whenChanged = <E, R>(
  condition: Effect.Effect<boolean, E, R>,
  { folder, stop, ...patience }: Patience & {
    readonly folder: string
    readonly stop?: Effect.Effect<unknown> | undefined
  }
) => Wait.waitFor(condition, { ticks: changes(folder, patience), stop })

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
  yield* claim("the change was seen, not the clock", Duration.toSeconds(changed) < 30, true)

  yield* fs.remove(file)
  const timeout = yield* Effect.flip(Effect.catchTag(ready("1 minute", "300 millis"), "PlatformError", Effect.die))
  yield* claim("a wait in vain says what it has seen last", timeout.last, Option.some(false))

  yield* install
  const [polled] = yield* ready("200 millis", "1 minute").pipe(
    // As on a folder of another machine.
    Effect.provideService(FileSystem.WatchBackend, { register: () => Option.some(Stream.never) }),
    Effect.timed
  )
  yield* claim("where the watch is silent, the clock does", Duration.toSeconds(polled) < 30, true)

  const eightRuns = Effect.fnUntraced(function*(name: string, loop: typeof ticker) {
    let runs = 0
    const f = Effect.suspend(() => ++runs === 8 ? Effect.fail(name) : Effect.sleep("75 millis"))
    return yield* Effect.flip(loop(f, "150 millis"))
  })
  const first = yield* Effect.raceFirst(eightRuns("timer", timer), eightRuns("ticker", ticker))
  yield* claim("the runs of a timer take longer by what they do", first, "ticker")
})

if (import.meta.main) main(program.pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))
