import * as Exit from "effect/Exit"
import type { Rules } from "./driver.ts"

/** The rules of a loop whose schedule receives the values of its runs. */
export type Repeating<A, E, R, Out, F> = Rules<A, E, R, A | undefined, Out, Out | undefined, F>

interface Loop<Next> {
  readonly isOnCalendar: boolean
  ask(input: undefined): Next
}

const startingWith = <const First>(first: First) => ({
  kind: "loop",
  first,
  succeeded: <A, Next>(loop: { ask(input: A): Next }, value: A): Next => loop.ask(value),
  failed: undefined,
  ended: <Out>(loop: { output(): Out }, reason: string) =>
    Exit.succeed(reason === "stopped" ? undefined : loop.output())
} as const)

const repeating = startingWith(<Next>(loop: Loop<Next>): Next | 0 => loop.isOnCalendar ? loop.ask(undefined) : 0)
const atOnce = startingWith("now")
const afterDelay = startingWith(<Next>(loop: Loop<Next>): Next => loop.ask(undefined))

/**
 * The rules of a loop that the first failure ends. The first run starts at once, or after the first delay of the schedule. By default
 * only a calendar has that delay: its first run is its first slot.
 */
export const repeatingFrom = <A, E, R, Out, F>(immediate: boolean | undefined): Repeating<A, E, R, Out, F> =>
  immediate === undefined ? repeating : immediate ? atOnce : afterDelay
