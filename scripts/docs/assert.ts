/** What `// =>` does in an example that runs. */
import { Equal } from "effect"
import { deepStrictEqual } from "node:assert/strict"

/** The places of the assertions that were reached, and held or not. */
export const reached = new Map<string, "holds" | "fails">()

export const is = (actual: unknown, expected: unknown, place: string): void => {
  reached.set(place, "fails")
  if (!Equal.equals(actual, expected)) deepStrictEqual(actual, expected)
  reached.set(place, "holds")
}
