import type * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { changeDelays, Reads } from "./internal/step.ts"

// A delay of Infinity has no range: it stays.
const spread = (min: number, max: number) =>
<Output, Input, E, R>(self: Schedule.Schedule<Output, Input, E, R>): Schedule.Schedule<Output, Input, E, R> =>
  changeDelays(self, Reads.nothing, ({ random }) => (delay) => {
    const draw = random.nextDoubleUnsafe()
    return delay === Infinity ? delay : delay * min + delay * (max - min) * draw
  })

export const additive = (
  factor: number
): <Output, Input, E, R>(self: Schedule.Schedule<Output, Input, E, R>) => Schedule.Schedule<Output, Input, E, R> =>
  args.number("Jitter.additive: factor", factor, 0) === 0 ? (self) => self : spread(1, 1 + factor)

export const full: <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>
) => Schedule.Schedule<Output, Input, E, R> = spread(0, 1)

export const equal: <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>
) => Schedule.Schedule<Output, Input, E, R> = spread(0.5, 1)

export const between = (
  min: number,
  max: number
): <Output, Input, E, R>(self: Schedule.Schedule<Output, Input, E, R>) => Schedule.Schedule<Output, Input, E, R> =>
  spread(args.number("Jitter.between: min", min, 0), args.number("Jitter.between: max", max, min))
