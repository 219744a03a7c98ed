import * as Exit from "effect/Exit"
import type { Task } from "./driver.ts"

/** What repeats work on a schedule that sees its values. */
export type Repeating<A, E, R, Out, F> = Task<A, E, R, A, Out, Out | undefined, F>

/** The first failure ends the loop. */
export const repeating = {
  kind: "loop",
  first: "now",
  timed: false,
  succeeded: <A>(driver: { proceed(input: A): void }, value: A): void => driver.proceed(value),
  failed: undefined,
  ended: <Out>(driver: { output(): Out }, reason: string) =>
    Exit.succeed(reason === "stopped" ? undefined : driver.output())
} as const
