/** The time of the store, as a process knows it between two answers. The wall clock of the process does not matter. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export interface PollTime {
  readonly now: () => number
  /** Learns the time from the answer to a question. */
  readonly ask: <A extends { readonly now: number } | undefined, E, R>(
    question: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  /** Sleeps until it is this time. A timer may be early. */
  readonly sleepUntil: (time: number) => Effect.Effect<void>
}

export const make: Effect.Effect<PollTime> = Effect.map(Clock.Clock, (clock) => {
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  let distance = NaN
  const now = () => monotonic() + distance
  const sleepUntil = (time: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const left = time - now()
      // No timer is good for longer than this.
      return left > 0
        ? Effect.andThen(Effect.sleep(Math.min(left, 60_000)), sleepUntil(time))
        : Effect.void
    })
  return {
    now,
    // The store looked at its clock at some moment between the question and the answer.
    ask: (question) =>
      Effect.suspend(() => {
        const asked = monotonic()
        return Effect.tap(question, (answer) =>
          Effect.sync(() => {
            if (answer === undefined) return
            const [least, most] = [answer.now - monotonic(), answer.now - asked]
            distance = distance >= least ? Math.min(distance, most) : least
          }))
      }),
    sleepUntil
  }
})
