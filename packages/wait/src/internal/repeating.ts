import * as Exit from "effect/Exit"
import type { Rules } from "./driver.ts"

/** The rules of a loop whose schedule receives the values of its runs. */
export type Repeating<A, E, R, Out, F> = Rules<A, E, R, A | undefined, Out, Out | undefined, F>

/** The rules of a loop that the first failure ends. The first run of a calendar is its first slot. */
export const repeating = {
  kind: "loop",
  first: <Next>(loop: { readonly isOnCalendar: boolean; ask(input: undefined): Next }): Next | 0 =>
    loop.isOnCalendar ? loop.ask(undefined) : 0,
  succeeded: <A, Next>(loop: { ask(input: A): Next }, value: A): Next => loop.ask(value),
  failed: undefined,
  ended: <Out>(loop: { output(): Out }, reason: string) =>
    Exit.succeed(reason === "stopped" ? undefined : loop.output())
} as const

/** The same, where the first run starts at once. */
export const repeatingAtOnce = { ...repeating, first: "now" } as const
