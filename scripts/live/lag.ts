/** What no loop can help: a timer of 2 ms notes by how many milliseconds the whole process comes late. */
import { Effect } from "effect"

const period = 2

export const watchLag = Effect.gen(function*() {
  const lags: Array<number> = []
  let last = performance.now()
  const note = () => {
    const now = performance.now()
    const lag = now - last - period
    last = now
    // Two that follow each other are one: a loop may have had no turn between them.
    if (lag > 10 && (lags.at(-1) ?? 0) > 10) lags.push(lags.pop()! + lag)
    else lags.push(lag)
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => setInterval(note, period)),
    (timer) => Effect.sync(() => clearInterval(timer))
  )
  return lags
})

export const longest = (lags: ReadonlyArray<number>): number => Math.max(...lags)

/** All stalls from so many milliseconds on, together. One may have begun just after a tick of the timer. */
export const total = (lags: ReadonlyArray<number>, least: number): number =>
  lags.reduce((sum, lag) => lag < least ? sum : sum + lag + period, 0)
