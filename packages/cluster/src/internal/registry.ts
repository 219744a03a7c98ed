/** The loops of a runner by name: those that it owns now, and undefined for the others. */
import type * as Loop from "effect-wait/Loop"
import type * as Sharding from "effect/cluster/Sharding"
import type { Term } from "../Term.ts"

interface Owned {
  readonly term: Term
  readonly loop: Loop.Loop<unknown, unknown>
}

// A process may be several runners, in tests.
const registries = new WeakMap<Sharding.Sharding["Service"], Map<string, Owned | undefined>>()

export const registryOf = (sharding: Sharding.Sharding["Service"]): Map<string, Owned | undefined> => {
  const registry = registries.get(sharding) ?? new Map<string, Owned | undefined>()
  registries.set(sharding, registry)
  return registry
}
