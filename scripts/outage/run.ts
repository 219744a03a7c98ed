/** Simulates the policies of these names, in these settings; as a program, prints what happened. */
import { Effect } from "effect"
import { type Name, policies, type Result, type Settings, simulate } from "./model.ts"

// Most of the time would go into stacks of errors that nobody reads.
Error.stackTraceLimit = 0

export const run = (names: ReadonlyArray<Name>, settings: Settings): ReadonlyArray<Result> =>
  names.map((name) => [name, Effect.runSync(simulate(policies[name], settings))])

if (import.meta.main) {
  const [settings, ...names] = process.argv.slice(2)
  console.log(JSON.stringify(run(names as Array<Name>, JSON.parse(settings!) as Settings)))
}
