/** Drift: does a loop come later and later? */
import { Effect } from "effect"
import { Period } from "effect-wait"
import { byCount, earliest, latest, sinceStart, slotClaims, turnClaims, turnsOf } from "./judge.ts"
import { longest, watchLag } from "./lag.ts"
import { type Claim, millis, row } from "./report.ts"
import { recordLoop } from "./starts.ts"

// Stalls make many a start late; what shifts all of them shows in the lower quartile as well.
const quartile = (list: ReadonlyArray<number>): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 4)]!

export const drift = (slots: number) =>
  Effect.gen(function*() {
    const lags = yield* watchLag
    const ticker = yield* recordLoop(Period.ticker("10 millis"))
    const nonSliding = yield* recordLoop(Period.nonSliding("10 millis"))
    yield* Effect.sleep(slots * 10)

    const served = yield* byCount(ticker, 10, sinceStart)
    const tenth = Math.floor(served.runs / 10)
    const first = quartile(served.lateness.slice(0, tenth))
    const last = quartile(served.lateness.slice(-tenth))
    const turns = turnsOf(nonSliding, 10, lags)

    const title = `drift, ${slots} slots of 10 ms`
    row(title, "runs", "missed", "ms early", "ms late", "first 10th", "last 10th", "ms drift")
    const times = [earliest(served), latest(served), first, last]
    row("Period.ticker", served.runs, served.missed, ...times.map(millis))
    row("Period.nonSliding", nonSliding.starts.length, "", "", "", "", "", millis(turns.drift))
    const [most, all] = [longest(lags), turns.explained].map(millis)
    console.log(`the process stalled for up to ${most} ms, and for ${all} ms in all`)

    const claims: ReadonlyArray<Claim> = [
      ...slotClaims("drift, Period.ticker", served, 10, lags),
      ["drift, Period.ticker: ms by which the last tenth is later than the first", last - first, 1],
      // Half a slot: none is lost, or all that follow were late by a slot.
      ["drift, Period.ticker: ms after its slot, in the last tenth", last, 5],
      ...turnClaims("drift, Period.nonSliding", turns)
    ]
    return claims
  }).pipe(Effect.scoped)
