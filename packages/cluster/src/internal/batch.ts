/** Many items in one statement: items that arrive during a statement share the next one. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { constTrue } from "effect/Function"
import * as Latch from "effect/Latch"
import * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"

/** An item waits only for the statement in flight. `run` answers each item, in order; if it fails, all its items do. */
export const make = <A, B, E>(
  run: (items: NonEmptyReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B>, E>
): (item: A) => Effect.Effect<B, E> => {
  class Item extends Request.Class<{ readonly item: A }, B, E> {}
  const idle = Latch.makeUnsafe(true)
  const resolver = RequestResolver.makeWith<Item>({
    batchKey: () => idle,
    // Items of the same turn go together.
    delay: Effect.andThen(Effect.yieldNow, idle.await),
    collectWhile: constTrue,
    runAll: (entries) => {
      idle.closeUnsafe()
      return run(Arr.map(entries, ({ request }) => request.item)).pipe(
        Effect.map((answers) => entries.forEach((entry, i) => entry.completeUnsafe(Exit.succeed(answers[i]!)))),
        Effect.ensuring(idle.open)
      )
    }
  })
  return (item) => Effect.request(new Item({ item }), resolver)
}
