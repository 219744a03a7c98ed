import type * as Duration from "effect/Duration"
import type * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { changeDelays, done, Reads } from "./internal/step.ts"

export const attempts = (n: number) => {
  args.integer("Limit.attempts: n", n, 1)
  return <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>
  ): Schedule.Schedule<Output, Input, E, R> =>
    changeDelays(self, Reads.nothing, () => {
      let runs = 0
      return (delay) => ++runs < n ? delay : done
    })
}

export const delay = (max: Duration.Input) => {
  const millis = args.duration("Limit.delay: max", max)
  return <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>
  ): Schedule.Schedule<Output, Input, E, R> =>
    changeDelays(self, Reads.nothing, () => (delay) => Math.min(delay, millis))
}

export const within = (
  total: Duration.Input,
  options?: { readonly overshoot?: "stop" | "truncate" | undefined }
) => {
  const millis = args.duration("Limit.within: total", total)
  const truncate =
    args.oneOf("Limit.within: overshoot", options?.overshoot ?? "stop", ["stop", "truncate"]) === "truncate"
  return <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>
  ): Schedule.Schedule<Output, Input, E, R> =>
    changeDelays(self, Reads.time, ({ first }) => (delay, at) => {
      const left = millis - (at.now - first)
      if (delay <= left) return delay
      return truncate && left > 0 ? left : done
    })
}
