import { Effect, Random } from "effect"

/** Runs an effect with this draw, over and over. */
export const withDraw = (draw: number) =>
  Effect.provideService(Random.Random, { nextDoubleUnsafe: () => draw, nextIntUnsafe: () => draw })
