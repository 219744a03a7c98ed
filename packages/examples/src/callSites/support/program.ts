/** What the programs have in common: they log with the time since they began, and fail unless their claims hold. */
import { NodeRuntime } from "@effect/platform-node"
import { Cause, Clock, Console, Effect, Layer, Logger } from "effect"
import { deepStrictEqual } from "node:assert/strict"

const layerLogger = Layer.unwrap(Effect.map(Clock.currentTimeMillis, (begin) =>
  Logger.layer([
    Logger.make(({ cause, date, logLevel, message }) => {
      const seconds = ((date.getTime() - begin) / 1000).toFixed(2).padStart(7)
      const level = logLevel === "Info" ? "" : `${logLevel}: `
      const errors = Cause.prettyErrors(cause).map((error) => error.message)
      return `${seconds} s  ${[`${level}${[message].flat().join(" ")}`, ...errors].join(": ")}`
    }).pipe(Logger.withConsoleLog)
  ])))

/** Says what holds, or dies with the difference. */
export const claim = (what: string, actual: unknown, expected: unknown): Effect.Effect<void> =>
  Effect.andThen(Effect.sync(() => deepStrictEqual(actual, expected, what)), Console.log(`holds: ${what}`))

/** Runs a program of this folder. Its process ends with 1 when it fails; at a Ctrl-C nothing is left behind. */
export const main = <A, E>(program: Effect.Effect<A, E>): void =>
  NodeRuntime.runMain(Effect.provide(program, layerLogger))
