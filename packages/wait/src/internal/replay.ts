import * as args from "./args.ts"
import type { Draws } from "./moment.ts"

/** Draws to be replayed: at least one, each from 0 up to 1. */
export const drawsOf = (argument: string, draws: ReadonlyArray<number>): ReadonlyArray<number> =>
  args.nonEmpty(argument, draws).map((draw, i) => args.draw(`${argument}[${i}]`, draw))

/** A Random service that gives these draws in turn, over and over. */
export const replay = (draws: ReadonlyArray<number>): Draws => {
  let i = 0
  const next = () => draws[i++ % draws.length] ?? 0
  return { nextDoubleUnsafe: next, nextIntUnsafe: () => Math.floor(next() * Number.MAX_SAFE_INTEGER) }
}
