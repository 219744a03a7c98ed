/** What waits in the slots of a runner, for its metrics and its log. */
import type { PersistenceError } from "effect/cluster/ClusterError"
import * as Effect from "effect/Effect"
import * as meter from "./pollMeter.ts"
import type { PollStorage } from "./pollRow.ts"

/** Counts the polls of these slots by name, those of kinds that this runner does not serve too: they wait for one that does. */
export const makeCount = (
  store: PollStorage,
  slots: ReadonlySet<number>,
  kinds: ReadonlyMap<string, unknown>
): Effect.Effect<void, PersistenceError> => {
  const counted = new Set<string>()
  const unknown = new Set<string>()
  return Effect.gen(function*() {
    const counts = slots.size === 0 ? [] : yield* store.count(Array.from(slots))
    for (const { name, ...values } of counts) {
      counted.add(name)
      yield* meter.waiting(name, values)
      if (kinds.has(name)) unknown.delete(name)
      else if (values.overdue > 0 && !unknown.has(name)) {
        unknown.add(name)
        yield* Effect.logWarning(
          `${values.overdue} durable polls "${name}" wait for a runner that serves them: this one does not, and has their slots`
        )
      }
    }
    for (const name of counted) {
      if (!counts.some((each) => each.name === name)) yield* meter.waiting(name, { waiting: 0, overdue: 0 })
    }
  })
}
