/** Drift: does a loop come later and later? */
import { Effect } from "effect"
import { Period } from "effect-wait"
import { byCount, earliest, latest, sinceStart, slotClaims, turnClaims, turnsOf } from "./judge.ts"
import { longest, watchLag } from "./lag.ts"
import { type Claim, millis, row } from "./report.ts"
import { recordLoop } from "./starts.ts"

// Not the mean, which a single stall of the process lifts.
const median = (list: ReadonlyArray<number>): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!

export const drift = (slots: number) =>
  Effect.gen(function*() {
    const lags = yield* watchLag
    const ticker = yield* recordLoop(Period.ticker("10 millis"))
    const nonSliding = yield* recordLoop(Period.nonSliding("10 millis"))
    yield* Effect.sleep(slots * 10)

    const served = yield* byCount(ticker, 10, sinceStart)
    const tenth = Math.floor(served.runs / 10)
    const first = median(served.lateness.slice(0, tenth))
    const last = median(served.lateness.slice(-tenth))
    const turns = turnsOf(nonSliding, 10, lags)

    row(
      `drift, ${slots} slots of 10 ms`,
      "runs",
      "missed",
      "ms early",
      "ms late",
      "first 10th",
      "last 10th",
      "drift ms"
    )
    const times = [earliest(served), latest(served), first, last]
    row("Period.ticker", served.runs, served.missed, ...times.map(millis))
    row("Period.nonSliding", nonSliding.starts.length, "", "", "", "", "", millis(turns.drift))
    row(
      "longest stall of the process; all together",
      "",
      "",
      "",
      millis(longest(lags)),
      "",
      "",
      millis(turns.explained)
    )

    const claims: ReadonlyArray<Claim> = [
      ...slotClaims("drift, Period.ticker", served, 10, lags),
      ["drift, Period.ticker: ms by which the last tenth is later than the first", last - first, 1],
      // Half a slot: none is lost, or all that follow were late by a slot.
      ["drift, Period.ticker: ms after its slot, in the last tenth", last, 5],
      ...turnClaims("drift, Period.nonSliding", turns)
    ]
    return claims
  }).pipe(Effect.scoped)
