/** What a runner reads when it takes over loops. */
import * as Effect from "effect/Effect"
import type { Row } from "./loopTable.ts"

/** What is known of a loop from the terms before this one, and the token of the new one. */
export interface Recollection {
  readonly name: string
  readonly row?: Row | undefined
}

/**
 * Takes over the loops of these names, with what is known of each. A hub makes one such call for all its loops when its shard's term
 * begins, and one for those that are added later.
 */
export type TakeOver = (names: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Recollection>>

const nothing: ReadonlyMap<string, Recollection> = new Map()

/** Nothing is known: each loop starts anew. */
export const forget: TakeOver = () => Effect.succeed(nothing)
