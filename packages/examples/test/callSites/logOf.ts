import { Effect, Logger } from "effect"
import { TestLoop } from "effect-wait/testing"

/**
 * What a program logs until it ends or until that time, each line with its time in milliseconds: `1000 a pod was deleted`, with the
 * level in front of what is no info. And how it ended.
 */
export const logOf = Effect.fnUntraced(function*<A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: Parameters<typeof TestLoop.record>[1]
) {
  const log: Array<string> = []
  const logger = Logger.make(({ date, logLevel, message }) => {
    log.push([date.getTime(), logLevel === "Info" ? [] : logLevel, message].flat(2).join(" "))
  })
  const logged = Effect.provide(program, Logger.layer([logger]))
  const { endedAt, exit } = yield* TestLoop.record(() => logged, options)
  return { log, exit, endedAt }
})
