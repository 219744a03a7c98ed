/** One attempt of a durable poll: the check, and what follows, stored. */
import * as Backoff from "effect-wait/Backoff"
import type { PersistenceError } from "effect/cluster/ClusterError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Schema from "effect/Schema"
import { following, type PollRules } from "./pollDecision.ts"
import { describe } from "./pollError.ts"
import type { PollGate } from "./pollGate.ts"
import * as meter from "./pollMeter.ts"
import type { Ended, PollRow, PollStorage } from "./pollRow.ts"
import type { PollTime } from "./pollTime.ts"
import * as PollWatch from "./pollWatch.ts"

const storageRetry = Backoff.exponential({ base: "100 millis", cap: "10 seconds" })

/** A kind of poll; `check` takes and gives JSON. */
export interface Kind {
  readonly name: string
  readonly rules: PollRules
  readonly check: (row: PollRow, elapsed: number) => Effect.Effect<Option.Option<Schema.Json>, unknown>
}

/** A poll in the memory of this runner: until its attempt is due, and during the attempt. */
export interface Item {
  row: PollRow
  /** When the store said that this row is so. */
  readAt: number
  fiber: Fiber.Fiber<void> | undefined
  checkedSince: number | undefined
  /** Nothing is to be done for it any more: it has ended, or it is another runner's. */
  isDropped: boolean
}

export const drop = (item: Item): void => {
  item.isDropped = true
  item.fiber?.interruptUnsafe()
}

// The store may be away for a while: an attempt that was made is not made again for that.
const untilStored = <A>(item: Item, operation: Effect.Effect<A, PersistenceError>): Effect.Effect<A> =>
  operation.pipe(
    Effect.sandbox,
    Effect.tapError((cause) => Effect.logWarning("The store of durable polls failed; trying again", cause)),
    Effect.retry({ schedule: storageRetry, while: () => !item.isDropped }),
    Effect.orDie
  )

/** Makes the attempt of an item, and stores what follows. Gives the next row, unless the poll has ended. */
export const makeAttempt = (store: PollStorage, time: PollTime, gate: PollGate) => {
  const watch = PollWatch.of(store)

  const end = Effect.fnUntraced(function*(
    item: Item,
    outcome: { readonly state: Ended; readonly value: Schema.Json; readonly lastError: string | null }
  ) {
    const { attempt, id, name } = item.row
    if (!(yield* gate.storing(untilStored(item, store.end(id, attempt, outcome))))) return
    yield* meter.ended(name, outcome.state)
    yield* watch.over([id])
  })

  return (item: Item, { check, rules }: Kind): Effect.Effect<PollRow | undefined> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const { row } = item
        item.checkedSince = time.now()
        const look = Effect.withSpan(
          Effect.suspend(() => check(row, Math.max(0, time.now() - row.startedAt))),
          `DurablePoll/${row.name}`,
          { root: true, captureStackTrace: false, attributes: { key: row.key, attempt: row.attempt } }
        )
        const exit = yield* Effect.exit(restore(look))
        if (item.isDropped && Exit.hasInterrupts(exit)) return undefined
        if (Exit.isFailure(exit)) yield* Effect.logWarning("A check failed; the poll goes on", exit.cause)
        const lastError = Exit.isFailure(exit) ? describe(exit.cause) : row.lastError
        const checkedAt = time.now()
        const found = Exit.isSuccess(exit) ? exit.value : Option.none()
        yield* meter.looks(row.name, Exit.isFailure(exit) ? "failed" : Option.isSome(found) ? "held" : "not_yet")
        const next = Option.isSome(found) ? "held" : following(rules, row, checkedAt, yield* Random.next)
        if (typeof next === "string") {
          yield* end(item, { state: next, value: Option.getOrNull(found), lastError })
          return undefined
        }
        // The delay is from the end of the check, however long the store was away.
        const plan = Effect.suspend(() => {
          const wait = Math.max(0, next.delay - (time.now() - checkedAt))
          return time.ask(store.plan(row.id, row.attempt, { ...next, lastError, wait }))
        })
        const planned = yield* gate.storing(untilStored(item, plan))
        item.checkedSince = undefined
        // Another runner made this attempt, or it was cancelled: a look finds out.
        return planned && { ...row, ...next, attempt: row.attempt + 1, dueAt: planned.dueAt, lastError }
      }).pipe(
        Effect.annotateLogs({ poll: item.row.name, key: item.row.key, attempt: item.row.attempt })
      )
    )
}
