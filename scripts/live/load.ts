/** Under load: one start a slot, while other timers are busy? With Effect's own schedules beside, for comparison. */
import { Effect, Schedule } from "effect"
import { Period } from "effect-wait"
import { wall, worstClock } from "./clock.ts"
import * as judge from "./judge.ts"
import { longest, watchLag } from "./lag.ts"
import { type Claim, millis, row } from "./report.ts"
import { recordLoop, recordRepeat } from "./starts.ts"

const littleWork = () => JSON.stringify(Array.from({ length: 1000 }, (_, i) => i))
const busyTimers = Effect.acquireRelease(
  Effect.sync(() => [7, 11, 13, 17, 29, 37].map((period) => setInterval(littleWork, period))),
  (timers) => Effect.sync(() => timers.forEach(clearInterval))
)

const print = (name: string, verdict: judge.Verdict): void => {
  const { doubles, lateness, lost, missed, runs } = verdict
  const early = lateness.filter((late) => late < 0).length
  const times = [judge.earliest(verdict), judge.latest(verdict)].map(millis)
  row(name, runs, judge.slotsOf(verdict), doubles, lost, Number.isNaN(missed) ? "" : missed, early, ...times)
}

export const underLoad = Effect.gen(function*() {
  yield* busyTimers
  // Away from the beginning of a second: a cron that starts just before it serves both.
  yield* Effect.suspend(() => Effect.sleep(1300 - wall() % 1000))
  const lags = yield* watchLag

  let next = 0
  const telling = Schedule.tap(Period.ticker("100 millis"), ({ output }) => Effect.sync(() => next = output))
  const ticker = yield* recordLoop(Period.ticker("100 millis"))
  const nonSliding = yield* recordLoop(Period.nonSliding("100 millis"))
  const cron = yield* recordLoop(Period.cron("* * * * * *"))
  const repeated = yield* recordRepeat(telling, () => next)
  const repeatedCron = yield* recordRepeat(Period.cron("* * * * * *"))
  const fixed = yield* recordRepeat(Schedule.fixed("100 millis"))
  const windowed = yield* recordRepeat(Schedule.windowed("100 millis"))
  const effectCron = yield* recordRepeat(Schedule.cron("* * * * * *"))
  yield* Effect.sleep("20 seconds")

  const { byClock, byCount, inMiddle, settled, sinceSecond, sinceStart } = judge
  const counted = [
    ["Period.ticker", yield* settled(byCount(ticker, 100, sinceStart)), 100],
    ["Period.cron", yield* settled(byCount(cron, 1000, sinceSecond)), 1000],
    ["Period.ticker, Effect.repeat", yield* settled(byCount(repeated, 100, sinceStart)), 100]
  ] as const
  const nonSlidingByClock = yield* inMiddle(byClock(nonSliding, 100, sinceStart))
  const cronByClock = yield* inMiddle(byClock(repeatedCron, 1000, sinceSecond))
  const clocked = [
    ["Period.nonSliding", nonSlidingByClock],
    ["Period.cron, Effect.repeat", cronByClock],
    ["Schedule.fixed, Effect.repeat", yield* inMiddle(byClock(fixed, 100, sinceStart))],
    ["Schedule.windowed, Effect.repeat", yield* inMiddle(byClock(windowed, 100, sinceStart))],
    ["Schedule.cron, Effect.repeat", yield* inMiddle(byClock(effectCron, 1000, sinceSecond))]
  ] as const

  row("under load, 20 s", "runs", "slots", "doubles", "lost", "missed", "early", "ms early", "ms late")
  for (const [name, verdict] of [...counted, ...clocked]) print(name, verdict)
  console.log(`the process stalled for up to ${millis(longest(lags))} ms`)
  const claims: Array<Claim> = []
  for (const [name, verdict, period] of counted) {
    claims.push(
      judge.accounted(`under load, ${name}`, verdict),
      ...judge.slotClaims(`under load, ${name}`, verdict, period, lags)
    )
  }
  // Of these two only the clock tells.
  claims.push(["under load, Period.cron, Effect.repeat: slots served twice", cronByClock.doubles, 0])
  claims.push(...judge.turnClaims("under load, Period.nonSliding", judge.turnsOf(nonSliding, 100, lags)))
  return claims
}).pipe(Effect.scoped, worstClock)
