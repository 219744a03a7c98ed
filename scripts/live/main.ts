/**
 * `pnpm live`: the library on the real clock; fails when a claim does not hold. `pnpm drift` is one of its sections, ten
 * times as long.
 */
import { Effect } from "effect"
import { Period } from "effect-wait"
import { drift } from "./drift.ts"
import { underLoad } from "./load.ts"
import { many } from "./many.ts"
import { underStalls } from "./stalls.ts"
import { recordLoop } from "./starts.ts"

const sections = process.argv.includes("--drift") ? [drift(10_000)] : [underLoad, drift(1000), underStalls, many]

console.log(`Node ${process.version}, ${process.platform} ${process.arch}\n`)
// Code that runs for the first time is slow, and everything is measured from first starts.
await Effect.runPromise(Effect.scoped(Effect.andThen(recordLoop(Period.ticker("1 milli")), Effect.sleep("200 millis"))))

const claims = []
for (const section of sections) {
  claims.push(...await Effect.runPromise(section))
  console.log("")
}
for (const [name, actual, most] of claims) {
  const verdict = actual <= most ? "ok    " : "FAILED"
  console.log(`${verdict} ${name}: ${Number(actual.toPrecision(3))}, at most ${Number(most.toPrecision(3))}`)
}
process.exit(claims.every(([, actual, most]) => actual <= most) ? 0 : 1)
