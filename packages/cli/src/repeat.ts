/** What all commands do: they run something again and again, until it is as they want it. */
import * as Poll from "effect-wait/Poll"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Outcome, Run, Verdict } from "./Outcome.ts"
import type { Any } from "./Policy.ts"
import type { Report } from "./Report.ts"
import { Signals } from "./Signals.ts"

const endOf = { Deadline: "deadline", Exhausted: "exhausted", Stopped: "stopped" } as const

/**
 * - `run`: what is run, the first time with 1; a signal makes it end soon. What is left of it is ended with its Scope, which counts for no time limit
 * - `accept`: whether this outcome is the last one
 * - `timeout`: in milliseconds; the run in flight is cut then
 */
export const repeat = <R>(options: {
  readonly run: (run: number) => Effect.Effect<Outcome, never, R>
  readonly schedule: Any
  readonly accept: (outcome: Outcome) => boolean
  readonly immediate?: boolean | undefined
  readonly timeout?: number | undefined
  readonly report: Report
}) =>
  Effect.gen(function*() {
    const { accept, immediate, report, timeout } = options
    const signals = yield* Signals
    const begun = yield* Clock.monotonicTimeNanos
    let runs = 0
    let last: Run | undefined
    let missed = 0
    const run = Effect.suspend(() => {
      runs++
      const told = Effect.map(Effect.timed(options.run(runs)), ([took, outcome]) => {
        last = { run: runs, outcome, took: Duration.toMillis(took) }
        return outcome
      })
      return Effect.scoped(told)
    })
    const ended = yield* Poll.until(run, options.schedule, {
      accept,
      immediate,
      timeout,
      stop: signals.first,
      onWait(waiting) {
        missed = waiting.missed
        return report.waits(last, Duration.toMillis(waiting.delay), missed)
      }
    }).pipe(
      Effect.as("accepted" as const),
      Effect.catchTag("WaitTimeout", (timeout) => {
        missed = timeout.missed
        return Effect.succeed(endOf[timeout.reason._tag])
      })
    )
    const elapsed = Number((yield* Clock.monotonicTimeNanos) - begun) / 1e6
    // At the deadline a run may have ended well, and something of it be left.
    const held = ended === "deadline" && last?.run === runs && accept(last.outcome) ? "accepted" : ended
    // A run that a signal has ended says nothing by its code.
    const isCut = held === "accepted" && last?.outcome.code !== 0 && (yield* signals.isReceived)
    const reason = held === "stopped" || isCut ? yield* signals.first : held
    return { reason, runs, last, elapsed, missed } satisfies Verdict
  })
