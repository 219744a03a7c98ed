/** Thousands of loops on three runners: a join, another one, a graceful leave, a kill -9. */
import { Effect } from "effect"
import { claim, note } from "./claims.ts"
import { densest, isUp, micros, overlaps, type Runner, runs, startRunner, terms, until } from "./cluster.ts"

/** The last start of a term since then, in seconds; the longest stop of an event loop, in milliseconds; and first runs in 250 milliseconds. */
const judge = (all: ReadonlyArray<Runner>, since: number) => {
  const events = all.flatMap((runner) => runner.events().filter(({ at }) => at >= since))
  const of = (what: string) => events.filter((event) => event.what === what)
  // A process that joins loads its modules first.
  const from = Math.max(since, ...of("start").map(({ at }) => at))
  return {
    settled: Math.max(0, ...of("term").map(({ at }) => at - from)) / 1e6,
    lag: Math.max(0, ...of("lag").map(({ loop }) => Number(loop))) / 1000,
    busy: Math.max(0, ...of("lag").map(({ rest }) => Number(rest))) / 1000,
    firsts: densest(of("first").map(({ at }) => at)),
    moved: of("term").length
  }
}

export const many = Effect.fnUntraced(function*(url: string, loops: number) {
  const all: Array<Runner> = []
  const settings = { url, loops, period: 60_000, work: 100 }
  const alive = () => all.filter((runner) => runner.gone() === Infinity)
  const owned = () => {
    const open = terms(alive()).filter(({ end }) => end === Infinity)
    return new Set(open.map(({ loop }) => loop)).size
  }
  const phase = Effect.fnUntraced(function*<E, R>(name: string, act: Effect.Effect<unknown, E, R>) {
    const since = micros()
    yield* act
    // First runs are spread over some seconds.
    yield* Effect.sleep(2000 + 0.6 * loops)
    yield* until(() => owned() === loops, "60 seconds")
    const { busy, firsts, lag, moved, settled } = judge(all, since)
    const text =
      `${loops} loops, ${name}: settled after ${settled.toFixed(1)} s, ${moved} terms; longest stop of an event loop ` +
      `${lag.toFixed(0)} ms, ${busy.toFixed(0)} ms of work; first runs in 250 ms: at most ${firsts}`
    yield* claim(owned() === loops && settled <= 10 && busy <= 1000 && firsts <= 300, text)
  })
  const join = Effect.gen(function*() {
    const runner = yield* startRunner(settings)
    all.push(runner)
    if (!(yield* until(() => isUp(runner), "60 seconds"))) yield* note(`${runner.name} is not up`)
  })
  yield* join
  yield* until(() => owned() === loops, "120 seconds")
  yield* Effect.sleep("3 seconds")
  yield* phase("a join", join)
  yield* phase("a second join", join)
  yield* phase("SIGTERM", Effect.suspend(() => alive()[0]?.stop ?? Effect.void))
  yield* phase("a join", join)
  yield* phase("kill -9", Effect.suspend(() => alive()[0]?.kill ?? Effect.void))
  const [owners, doubled] = [overlaps(terms(all), all), overlaps(runs(all), all)]
  const late = owners.late + doubled.late
  yield* claim(
    owners.awake === 0 && doubled.awake === 0,
    `${loops} loops: two owners at once ${owners.awake} times, two runs at once ${doubled.awake} times` +
      (late === 0
        ? ""
        : `; besides, of runners that had stood still for longer than a lock lasts: ${owners.late} and ${doubled.late}`)
  )
  for (const runner of alive()) yield* runner.kill
}, Effect.scoped)
