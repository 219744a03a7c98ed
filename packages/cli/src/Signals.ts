/** The signals that ask this process to end. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { constants } from "node:os"
import { numberOf } from "./Keeper.ts"

const ending = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const

export type Signal = typeof ending[number]

/**
 * - `first`: waits for the first signal
 * - `second`: completes at a second signal: the user does not want to wait
 * - `isReceived`: whether the first one has come
 */
export class Signals extends Context.Service<Signals, {
  readonly first: Effect.Effect<Signal>
  readonly second: Effect.Effect<Signal>
  readonly isReceived: Effect.Effect<boolean>
}>()("@effect-wait/cli/Signals") {}

const make = Effect.gen(function*() {
  const first = yield* Deferred.make<Signal>()
  const second = yield* Deferred.make<Signal>()
  const listener = (signal: Signal) => () => {
    const next = Deferred.isDoneUnsafe(first) ? second : first
    Deferred.doneUnsafe(next, Effect.succeed(signal))
  }
  yield* Effect.forEach(ending, (signal) => {
    const told = listener(signal)
    return Effect.acquireRelease(
      Effect.sync(() => process.on(signal, told)),
      () => Effect.sync(() => process.off(signal, told))
    )
  })
  return {
    first: Deferred.await(first),
    second: Deferred.await(second),
    isReceived: Deferred.isDone(first)
  }
})

export const layer: Layer.Layer<Signals> = Layer.effect(Signals, make)

const numbers: Readonly<Record<string, number>> = constants.signals

/** What shells say of a command that a signal ended: 128 and its number. */
export const codeOf = (signal: string): number => 128 + (numbers[signal] ?? numberOf(signal))
