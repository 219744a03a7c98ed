import * as Effect from "effect/Effect"
import type { Kind } from "./meter.ts"

/** Annotates the log entries of an effect with the name of its loop, poll, retry or hedge. */
export const annotate = <A, E, R>(
  kind: Kind,
  name: string | undefined,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => name === undefined ? effect : Effect.annotateLogs(effect, kind, name)
