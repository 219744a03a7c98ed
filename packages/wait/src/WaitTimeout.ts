import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import type * as Option from "effect/Option"

const describe = {
  deadline: (checks: string) =>
    `The condition did not hold before the deadline: ${checks}. Allow more time, or see \`last\` and \`lastError\`.`,
  exhausted: (checks: string) =>
    `The condition did not hold before the schedule ended: ${checks}. Allow more attempts, or see \`last\` and \`lastError\`.`,
  stopped: (checks: string) => `The wait was stopped before the condition held: ${checks}.`
}

export class WaitTimeout<out A = unknown, out E = unknown> extends Data.TaggedError("WaitTimeout")<{
  readonly reason: "deadline" | "exhausted" | "stopped"
  readonly attempts: number
  readonly elapsed: Duration.Duration
  readonly last: Option.Option<unknown>
  readonly lastError: Option.Option<unknown>
  readonly message: string
}> {
  declare readonly last: Option.Option<A>
  declare readonly lastError: Option.Option<E>

  constructor(options: {
    readonly reason: "deadline" | "exhausted" | "stopped"
    readonly attempts: number
    readonly elapsed: Duration.Duration
    readonly last: Option.Option<A>
    readonly lastError: Option.Option<E>
  }) {
    const checks = `${options.attempts} ${options.attempts === 1 ? "check" : "checks"} in ${
      Duration.format(options.elapsed)
    }`
    super({ ...options, message: describe[options.reason](checks) })
  }
}
