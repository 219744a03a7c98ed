/** How well starts keep to their slots. */
import { Effect } from "effect"
import { longest, total } from "./lag.ts"
import type { Claim } from "./report.ts"
import { type Instant, now, type Recorded } from "./starts.ts"

export interface Verdict {
  /** Now, in slots since the beginning of slot 0. */
  readonly position: number
  readonly runs: number
  /** Starts in a slot that was served before. */
  readonly doubles: number
  /** Slots that nothing accounts for. */
  readonly lost: number
  readonly missed: number
  /** Of each start but the first, in milliseconds; negative when early. */
  readonly lateness: ReadonlyArray<number>
  /** By how much the first start, which the others are measured from, may itself be late. */
  readonly doubt: number
}

/** Milliseconds since slot 0, which begins with the first start, or with the wall clock's second in which that is. */
type Since = (first: Instant, instant: Instant) => number
export const sinceStart: Since = (first, { at }) => at - first.at
export const sinceSecond: Since = (first, { wall }) => wall - Math.floor(first.wall / 1000) * 1000

/** By the loop's own count, which the clock has to bear out: each slot has one start, or is counted as missed. */
export const byCount = ({ forked, missed, starts }: Recorded, period: number, since: Since) =>
  Effect.map(missed, (missed): Verdict => {
    const first = starts[0]!
    const position = since(first, now()) / period
    return {
      position,
      runs: starts.length,
      doubles: starts.filter(({ slot }, run) => run > 0 && slot <= starts[run - 1]!.slot).length,
      lost: 1 + Math.floor(position) - starts.length - missed,
      missed,
      lateness: starts.slice(1).map((start) => since(first, start) - start.slot * period),
      doubt: first.at - forked
    }
  })

/** By the clock alone: a start belongs to the slot that began last, or begins within 10 ms. */
export const byClock = ({ forked, starts }: Recorded, period: number, since: Since) =>
  Effect.sync((): Verdict => {
    const first = starts[0]!
    const times = starts.map((start) => since(first, start))
    const served = times.map((time) => Math.floor((time + 10) / period))
    const distinct = new Set(served).size
    const position = since(first, now()) / period
    return {
      position,
      runs: starts.length,
      doubles: starts.length - distinct,
      lost: 1 + Math.floor(position) - distinct,
      missed: NaN,
      lateness: times.map((time, run) => time - served[run]! * period).slice(1),
      doubt: first.at - forked
    }
  })

/** A verdict in the middle of a slot, when nothing is about to start. */
export const inMiddle = (verdict: Effect.Effect<Verdict>): Effect.Effect<Verdict> =>
  Effect.repeat(Effect.delay(verdict, "1 millis"), { until: ({ position }) => Math.abs(position % 1 - 0.5) < 0.2 })

/** The same once all slots are accounted for: one that is only late is served in the end, one that is lost stays so. */
export const settled = (verdict: Effect.Effect<Verdict>): Effect.Effect<Verdict> =>
  Effect.repeat(inMiddle(verdict), { until: ({ lost }) => lost === 0, times: 10 })

export const slotsOf = ({ position }: Verdict): number => 1 + Math.floor(position)
export const earliest = ({ lateness }: Verdict): number => -Math.min(...lateness)
export const latest = ({ lateness }: Verdict): number => Math.max(...lateness)

/** `Period.nonSliding` has no slots: each run is a period after the one before, or later, and stays so. */
export const turnsOf = ({ forked, starts }: Recorded, period: number, lags: ReadonlyArray<number>) => {
  const first = starts[0]!
  const lateness = starts.slice(1).map(({ at }, i) => at - first.at - (i + 1) * period)
  // The run that is to come is late as well, if it is.
  const drift = Math.max(lateness.at(-1)!, now().at - first.at - starts.length * period)
  // It takes a stall of a period, or of several parts of it.
  return { lateness, drift, explained: total(lags, period / 3), doubt: first.at - forked }
}

/** What is claimed of every loop that has slots. `lags` are those of the process. */
export const slotClaims = (
  name: string,
  verdict: Verdict,
  period: number,
  lags: ReadonlyArray<number>
): ReadonlyArray<Claim> => [
  [`${name}: slots served twice`, verdict.doubles, 0],
  // A slot is missed only where the process stalls for that long.
  [`${name}: slots missed`, verdict.missed, lags.reduce((sum, lag) => sum + Math.max(0, Math.floor(lag / period)), 0)],
  // A timer may wake 2 ms early.
  [`${name}: ms before its slot`, earliest(verdict), 2 + verdict.doubt],
  // 50 ms is a busy machine; more than that is a stall of the process, or two in a row.
  [`${name}: ms after its slot`, latest(verdict), Math.max(50, 2 * longest(lags))]
]

export const accounted = (name: string, { lost }: Verdict): Claim => [
  `${name}: slots neither served nor counted as missed`,
  Math.abs(lost),
  0
]

/** What is claimed of every loop that has turns. */
export const turnClaims = (
  name: string,
  { doubt, drift, explained, lateness }: ReturnType<typeof turnsOf>
): ReadonlyArray<Claim> => [
  [`${name}: ms before its turn`, -Math.min(...lateness), 2 + doubt],
  // Nothing but stalls moves it; the last run itself may be a little late.
  [`${name}: ms of drift`, drift, 5 + explained]
]
