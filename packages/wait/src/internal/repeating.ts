import * as Exit from "effect/Exit"
import type { Rules } from "./driver.ts"

/** The rules of a loop whose schedule receives the values of its runs. */
export type Repeating<A, E, R, Out, F> = Rules<A, E, R, A | undefined, Out, Out | undefined, F>

/** The rules of a loop that the first failure ends. */
export const repeating = {
  kind: "loop",
  first: "now",
  succeeded: <A, Next>(loop: { ask(input: A): Next }, value: A): Next => loop.ask(value),
  failed: undefined,
  ended: <Out>(loop: { output(): Out }, reason: string) =>
    Exit.succeed(reason === "stopped" ? undefined : loop.output())
} as const
