/** The end of loops that are bound to a Scope. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { ForkedWatch } from "./forkedWatch.ts"
import type { Handle, Loop } from "./handle.ts"
import { isInside } from "./watch.ts"

/** The loops with a name. */
export const registry = Context.Reference<Set<Loop<unknown, unknown>>>("effect-wait/Loop/Registry", {
  defaultValue: () => new Set()
})

type AnyHandle = Handle<unknown, unknown, unknown>

/** The loops of a Scope. */
type Group = Map<ForkedWatch, AnyHandle>

const groups = new WeakMap<Scope.Scope, Group>()

const groupOf = (scope: Scope.Scope): Group => {
  const found = groups.get(scope)
  if (found !== undefined) return found
  const group: Group = new Map()
  groups.set(scope, group)
  return group
}

// Stops a loop, and interrupts it after the grace.
const end = ({ driver, fiber, watch: { settings: { grace } } }: AnyHandle): Effect.Effect<unknown> => {
  driver.stop(Exit.void)
  return Effect.andThen(
    Effect.raceFirst(Fiber.await(fiber), Effect.sleep(Duration.millis(grace))),
    Fiber.interrupt(fiber)
  )
}

/** Binds a loop to the Scope: lists it, and ends it with the other loops when the Scope closes. */
export const endWithScope = Effect.fnUntraced(function*<Out, E, A>(
  context: Context.Context<Scope.Scope>,
  loop: Handle<Out, E, A>
) {
  const scope = Context.get(context, Scope.Scope)
  if (scope.state._tag === "Closed") return loop
  const group = groupOf(scope)
  group.set(loop.watch, loop)
  loop.watch.join(group)
  if (loop.name !== undefined) {
    const loops = Context.get(context, registry)
    loops.add(loop)
    yield* Scope.addFinalizer(scope, Effect.sync(() => loops.delete(loop)))
  }
  if (loop.watch.settings.grace > 0) yield* addGrace(context, scope, group, loop)
  return loop
})

// The first finalizer starts to end all loops of the Scope. Each waits for its own loop, unless it runs inside that
// loop.
const addGrace = (
  context: Context.Context<Scope.Scope>,
  scope: Scope.Scope,
  group: Group,
  loop: AnyHandle
): Effect.Effect<void> => {
  const own = Scope.forkUnsafe(scope)
  loop.fiber.addObserver(() => Scope.closeUnsafe(own, Exit.void))
  return Scope.addFinalizer(
    own,
    Effect.withFiber((closing) => {
      const all = Array.from(group.values())
      group.clear()
      for (const other of all) Effect.runForkWith(context)(end(other))
      return isInside(closing, loop.watch) ? Effect.void : Fiber.await(loop.fiber)
    })
  )
}
