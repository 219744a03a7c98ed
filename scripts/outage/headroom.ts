/** `pnpm outage:headroom`: how long after an outage a server is back, by its spare capacity and the budget of its clients. */
import { Effect } from "effect"
import { RetryBudget } from "effect-wait"
import { bounded, full, measure, policies, simulate } from "./model.ts"

// Most of the time would go into stacks of errors that nobody reads.
Error.stackTraceLimit = 0

const headrooms = [0.05, 0.1, 0.2, 0.5, 1]
const ratio = (ratio: number, minRetriesPerSecond = 0) => bounded(RetryBudget.makeRatio({ ratio, minRetriesPerSecond }))
const budgets = {
  "no retry": policies["no retry"],
  "throttling": policies["throttling, gRPC's"],
  "quota": policies["quota, AWS'"],
  "ratio 0.05": ratio(0.05),
  "ratio 0.1": ratio(0.1),
  "ratio 0.2": ratio(0.2),
  "ratio 0.2, 10 a second": ratio(0.2, 10),
  "no budget": policies["full jitter"]
}

const print = (name: string, columns: ReadonlyArray<string>): void =>
  console.log(name.padEnd(24) + columns.map((column) => column.padStart(9)).join(""))

console.log("back after an outage of 60 s, by the spare capacity of the server\n")
print("", headrooms.map((headroom) => `${headroom * 100} %`))
for (const [name, policy] of Object.entries(budgets)) {
  print(
    name,
    headrooms.map((headroom) => {
      const settings = { ...full, headroom }
      const { recovery } = measure(Effect.runSync(simulate(policy, settings)), settings)
      return recovery === undefined ? "never" : `${recovery} s`
    })
  )
}
