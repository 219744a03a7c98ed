import * as args from "./args.ts"
import type { Draws } from "./moment.ts"

/** Checks the draws for `replay`: at least one, each from 0 up to, but not including, 1. */
export const drawsOf = (argument: string, draws: ReadonlyArray<number>): ReadonlyArray<number> =>
  args.nonEmpty(argument, draws).map((draw, i) => args.draw(`${argument}[${i}]`, draw))

/** A Random service that repeats these draws. */
export const replay = (draws: ReadonlyArray<number>): Draws => {
  let i = 0
  const next = () => draws[i++ % draws.length] ?? 0
  return { nextDoubleUnsafe: next, nextIntUnsafe: () => Math.floor(next() * Number.MAX_SAFE_INTEGER) }
}
