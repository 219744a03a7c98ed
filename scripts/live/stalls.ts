/** Stalls: what comes after the process was blocked for 3 s. Times are in milliseconds since the first start. */
import { Effect } from "effect"
import { Period } from "effect-wait"
import { accounted, byCount, settled, sinceStart, slotsOf } from "./judge.ts"
import { longest, watchLag } from "./lag.ts"
import { type Claim, millis, row } from "./report.ts"
import { type Recorded, recordLoop } from "./starts.ts"

// They begin away from the slots, and from the runs of nonSliding after the first stall. They end long before a slot: a run that
// starts after the slot serves it too, so there would be one run less.
const stalls = [{ begin: 1030, end: 4020 }, { begin: 5070, end: 8020 }]

/** Blocks the process, and tells when it ran again, which may be later. Its timer is due before those of the loops. */
const block = (until: number) =>
  Effect.callback<number>((resume) => {
    setTimeout(() => resume(Effect.succeed(performance.now())), 1)
    while (performance.now() < until) {
      // nothing else runs
    }
  })

const every100From = (time: number): Array<number> => Array.from({ length: 9 }, (_, i) => time + i * 100)
const slotsAfter = (end: number): Array<number> => every100From(Math.ceil(end / 100) * 100)

/** The starts that are due after the end of a stall, up to the last second before another. */
const due = {
  // The run that is late, for all slots that passed, then the slots again.
  one: (end: number) => [end, ...slotsAfter(end)],
  // The run that is late, then the slots again.
  skip: (end: number) => [end, ...slotsAfter(end)],
  // The run that is late, and a period from it on.
  nonSliding: (end: number) => every100From(end)
}

export const underStalls = Effect.gen(function*() {
  const lags = yield* watchLag
  const one = yield* recordLoop(Period.ticker("100 millis"))
  const skip = yield* recordLoop(Period.ticker("100 millis", { missed: "skip" }))
  const nonSliding = yield* recordLoop(Period.nonSliding("100 millis"))
  const origin = one.starts[0]!.at
  const ends: Array<number> = []
  for (const { begin, end } of stalls) {
    yield* Effect.suspend(() => Effect.sleep(origin + begin - performance.now()))
    ends.push((yield* block(origin + end)) - origin)
  }
  yield* Effect.sleep("1 second")

  // Stalls of the machine's own put starts elsewhere than where they are due.
  const other = longest(lags.filter((lag) => lag < 2900))
  const isCalm = other < 90
  const claims: Array<Claim> = []
  const loops = Object.entries({ one, skip, nonSliding }) as ReadonlyArray<[keyof typeof due, Recorded]>
  row("stalls of 3 s", "runs", "slots", "doubles", "lost", "missed")
  for (const [name, loop] of loops) {
    if (name === "nonSliding") row(name, loop.starts.length)
    else {
      const verdict = yield* settled(byCount(loop, 100, sinceStart))
      const { doubles, lost, missed, runs } = verdict
      row(name, runs, slotsOf(verdict), doubles, lost, missed)
      claims.push([`stalls, ${name}: slots served twice`, doubles, 0], accounted(`stalls, ${name}`, verdict))
    }
    const times = loop.starts.map((start) => sinceStart(loop.starts[0]!, start))
    for (const [i, end] of ends.entries()) {
      const expected = due[name](end)
      const after = times.filter((time) => time > end - 10).slice(0, expected.length)
      console.log(`  after ${millis(end)} ms: ${after.map((time) => Math.round(time - end)).join(" ")}`)
      // One run more or less puts all that follow off by a whole slot of 100 ms.
      const off = Math.max(...expected.map((time, i) => Math.abs(time - after[i]!)))
      // A run that starts while a slot begins may serve this slot or leave it: it is not judged.
      const isClear = end % 100 < 80
      const claim = `stalls, ${name}: ms from where a start is due after stall ${i + 1}`
      if (isCalm && isClear) claims.push([claim, off, 90])
    }
  }
  console.log(`the process stalled besides for up to ${millis(other)} ms${isCalm ? "" : ": the starts are not judged"}`)
  return claims
}).pipe(Effect.scoped)
