// What every runtime has to do: each entry point, exact times in virtual time, and a loop on the real clock.
import { Effect } from "effect"
import { Backoff, Jitter, Limit, Loop, Period, Poll, Retry, RetryBudget, Timeline, Wait } from "effect-wait"
import * as HttpRetry from "effect-wait/HttpRetry"
import * as LoopStore from "effect-wait/LoopStore"
import { Policy } from "effect-wait/Policy"
import { Herd, TestLoop } from "effect-wait/testing"

const results = []
const check = (name, actual, expected) =>
  results.push([name, JSON.stringify(actual) === JSON.stringify(expected) || JSON.stringify(actual)])

check(
  "entry points",
  [HttpRetry.retry, LoopStore.layerMemory, Policy, Herd.run, RetryBudget.layerThrottling, Wait.until].map((it) => it !== undefined),
  [true, true, true, true, true, true]
)

const growing = Backoff.exponential({ base: "1 second", cap: "10 seconds" }).pipe(Jitter.full, Limit.attempts(4))
const simulated = await Effect.runPromise(Timeline.simulate(growing, { until: "1 minute", random: [0.5] }))
check("a backoff, simulated", Timeline.starts(simulated), [0, 500, 1500, 3500])

const nightly = Period.cron("30 2 * * *", { timeZone: "Europe/Berlin" })
const recorded = await Effect.runPromise(
  TestLoop.record((track) => Loop.run(track(Effect.void), nightly), { from: "2026-03-28T12:00:00Z", until: "2 days" })
)
check("a calendar over a change of the clock", Timeline.starts(recorded), [46_800_000, 131_400_000])

let calls = 0
const call = Effect.suspend(() => ++calls < 3 ? Effect.fail("busy") : Effect.succeed("done"))
check("a retry", await Effect.runPromise(Retry.run(call, Period.sliding("1 milli").pipe(Limit.attempts(5)))), "done")

let looks = 0
const ready = Effect.sync(() => ++looks > 2)
check("a poll", await Effect.runPromise(Poll.until(ready, Period.sliding("1 milli"), { timeout: "10 seconds" })), true)

let runs = 0
const work = Effect.sync(() => ++runs)
await Effect.runPromise(Loop.run(work, Period.ticker("20 millis"), { stop: Effect.sleep("190 millis") }))
check("a ticker of 20 ms for 190 ms", runs >= 8 && runs <= 10, true)

const controller = new AbortController()
const stop = Loop.fromAbortSignal(controller.signal)
const stopped = Effect.runPromise(Loop.run(Effect.sync(() => controller.abort()), Period.sliding("1 hour"), { stop }))
check("an end by an AbortSignal", (await stopped) ?? "stopped", "stopped")

const failures = results.filter(([, result]) => result !== true)
const said = failures.length === 0 ? `ok, ${results.length} checks` : `FAILED ${JSON.stringify(failures)}`
console.log(said)
if (typeof document !== "undefined") document.body.textContent = said
