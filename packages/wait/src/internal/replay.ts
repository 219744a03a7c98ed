import type { Env } from "./step.ts"

/** A Random service that gives these draws in turn, over and over. */
export const replay = (draws: ReadonlyArray<number>): Env["random"] => {
  let i = 0
  const next = () => draws[i++ % draws.length] ?? 0
  return { nextDoubleUnsafe: next, nextIntUnsafe: () => Math.floor(next() * Number.MAX_SAFE_INTEGER) }
}
