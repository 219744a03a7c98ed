/** Bounds what a process that dies leaves to be made again: the looks that are over and not yet stored. */
import * as Effect from "effect/Effect"

/** How many looks may wait to be stored before the next one is made. */
export const most = 64

export interface PollGate {
  /** Waits until a look may be made. A check that takes long holds up no other one. */
  readonly pass: Effect.Effect<void>
  /** Stores what follows a look, which counts until then. */
  readonly storing: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const make = (): PollGate => {
  const waiting = new Set<() => void>()
  let unstored = 0
  let isOpening = false
  const leave = Effect.sync(() => {
    unstored--
    if (isOpening) return
    isOpening = true
    for (const go of waiting) {
      if (unstored >= most) break
      waiting.delete(go)
      // The look is made at once, and may be over at once.
      go()
    }
    isOpening = false
  })
  return {
    pass: Effect.callback<void>((resume) => {
      if (unstored < most) return resume(Effect.void)
      const go = () => resume(Effect.void)
      waiting.add(go)
      return Effect.sync(() => waiting.delete(go))
    }),
    storing: (effect) =>
      Effect.suspend(() => {
        unstored++
        return Effect.ensuring(effect, leave)
      })
  }
}
