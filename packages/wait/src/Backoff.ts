import * as Duration from "effect/Duration"
import type * as Schedule from "effect/Schedule"
import * as args from "./internal/args.ts"
import { fromPolicy, type PolicyInput, step } from "./internal/goBackoff.ts"
import { done, type Env, fromPlan, Reads, restartWhen } from "./internal/step.ts"

export type { PolicyInput } from "./internal/goBackoff.ts"
export { Policy } from "./internal/policy.ts"

// A schedule whose output is its delay. `begin` gives the function that names the next one.
const delays = (begin: (env: Env) => () => number): Schedule.Schedule<Duration.Duration> =>
  fromPlan({
    reads: Reads.nothing,
    output: Duration.millis,
    begin(env) {
      const following = begin(env)
      return {
        value: 0,
        next() {
          const delay = following()
          if (delay !== done) this.value = delay
          return delay
        }
      }
    }
  })

export const exponential = (options: {
  readonly base: Duration.Input
  readonly factor?: number | undefined
  readonly cap: Duration.Input
}): Schedule.Schedule<Duration.Duration> => {
  const base = args.finite("Backoff.exponential: base", options.base)
  const factor = args.number("Backoff.exponential: factor", options.factor ?? 2, 0)
  const cap = args.duration("Backoff.exponential: cap", options.cap)
  return delays(() => {
    let upcoming = base
    return () => {
      const delay = Math.min(cap, upcoming)
      upcoming *= factor
      return delay
    }
  })
}

export const linear = (options: {
  readonly base: Duration.Input
  readonly increment?: Duration.Input | undefined
  readonly cap: Duration.Input
}): Schedule.Schedule<Duration.Duration> => {
  const base = args.finite("Backoff.linear: base", options.base)
  const increment = args.finite("Backoff.linear: increment", options.increment ?? options.base)
  const cap = args.duration("Backoff.linear: cap", options.cap)
  return delays(() => {
    let upcoming = base
    return () => {
      const delay = Math.min(cap, upcoming)
      upcoming += increment
      return delay
    }
  })
}

export const decorrelated = (options: {
  readonly base: Duration.Input
  readonly cap: Duration.Input
}): Schedule.Schedule<Duration.Duration> => {
  const base = args.finite("Backoff.decorrelated: base", options.base)
  const cap = args.duration("Backoff.decorrelated: cap", options.cap)
  return delays(({ random }) => {
    let previous = base
    return () => {
      const ceiling = Math.min(3 * previous, Number.MAX_VALUE)
      previous = Math.min(cap, base + (ceiling - base) * random.nextDoubleUnsafe())
      return previous
    }
  })
}

export const decorrelatedV2 = (options: {
  readonly median: Duration.Input
  readonly cap: Duration.Input
}): Schedule.Schedule<Duration.Duration> => {
  const median = args.positive("Backoff.decorrelatedV2: median", options.median)
  const cap = args.duration("Backoff.decorrelatedV2: cap", options.cap)
  return delays(({ random }) => {
    let attempt = 0
    let previous = 0
    return () => {
      const t = attempt++ + random.nextDoubleUnsafe()
      const current = Math.min(2 ** t * Math.tanh(Math.sqrt(4 * t)), Number.MAX_VALUE)
      const delay = current === Number.MAX_VALUE ? cap : Math.min(cap, (current - previous) * (1 / 1.4) * median)
      previous = current
      return delay
    }
  })
}

export const fromDelays = (delayList: Iterable<Duration.Input>): Schedule.Schedule<Duration.Duration> => {
  const list = Array.from(delayList, (delay, i) => args.duration(`Backoff.fromDelays: delays[${i}]`, delay))
  return delays(() => {
    let i = 0
    return () => list[i++] ?? done
  })
}

export const toSchedule = (policy: PolicyInput): Schedule.Schedule<Duration.Duration> => {
  const initial = fromPolicy("Backoff.toSchedule", policy)
  return delays(({ random }) => {
    let backoff = initial
    return () => {
      const [delay, next] = step(backoff, random)
      backoff = next
      return delay
    }
  })
}

export const resetAfter = (healthy: Duration.Input) => {
  const millis = args.duration("Backoff.resetAfter: healthy", healthy)
  return <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>
  ): Schedule.Schedule<Output, Input, E, R> => restartWhen(self, Reads.start, (at) => at.now - at.start > millis)
}
