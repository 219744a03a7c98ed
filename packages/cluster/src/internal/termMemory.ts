/** What a loop remembers in one term: a store for `catchUp`, and the slot of its run. */
import * as LoopStore from "effect-wait/LoopStore"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { StaleTerm } from "../Fence.ts"
import type { Term } from "../Term.ts"
import type { Ended, Key, LoopTable, Row, TableError } from "./loopTable.ts"

/**
 * - `store`: for the loop of this term
 * - `slot`: of the run that has started last
 * - `isDone`: whether a guarded write of this run has saved its end
 * - `guard`: a write whose transaction saves the end of the run; undefined without a database
 */
export interface TermMemory {
  readonly store: LoopStore.LoopStore["Service"]
  readonly slot: () => number | null
  readonly isDone: () => boolean
  readonly guard:
    | (<A, E, R>(write: Effect.Effect<A, E, R>, now: number) => Effect.Effect<A, E | SqlError | StaleTerm, R>)
    | undefined
}

// The memories of the terms of this process, for the guarded writes of their runs.
const memories = new WeakMap<Term, TermMemory>()

export const ofTerm = (term: Term): TermMemory | undefined => memories.get(term)

const storeError = (name: string) => (error: TableError | StaleTerm): LoopStore.LoopStoreError => {
  if (error._tag === "LoopStoreError") return error
  const reason = error._tag === "StaleTerm" ? "stale" : "unavailable"
  return new LoopStore.LoopStoreError({ name, key: "effect_wait_loops", reason, message: error.message, cause: error })
}

const foreign = (name: string) =>
  new LoopStore.LoopStoreError({
    name,
    key: "effect_wait_loops",
    reason: "unreadable",
    message:
      `The memory of the loop "${name}" in effect_wait_loops is of a later version, so deploy that version again ` +
      "or set catchUp.unreadable to \"startAsNew\""
  })

// A schedule without slots goes on with its period; what else it waits for is not known before the run has ended.
const afterRun = (memory: LoopStore.Memory, { nextSlot, slot, start }: LoopStore.NextRun, now: number) => {
  const times = { ...memory, written: now, lastStart: start, lastEnd: now, lastSuccess: now }
  if (slot !== null) return { ...times, slot, nextSlot, due: nextSlot }
  return memory.slot !== null ? { ...times, due: memory.due } : { ...times, due: now + (memory.period ?? 0) }
}

export const make = (table: LoopTable, term: Term, { isForeign, memory: taken, name, token }: Row): TermMemory => {
  const key: Key = { name, token }
  let memory = taken
  let run: LoopStore.NextRun | undefined
  /** What a guarded write has saved of this run. */
  let saved: LoopStore.Memory | undefined

  const isSaved = ({ due, lastEnd, lastSuccess, nextSlot }: LoopStore.Memory): boolean =>
    saved !== undefined && lastSuccess === lastEnd && nextSlot !== null && nextSlot === saved.nextSlot &&
    due !== null && saved.due !== null && Math.abs(due - saved.due) < 1

  const endOf = ({ lastEnd, lastStart, lastSuccess }: LoopStore.Memory): Ended => ({
    slot: run?.slot ?? null,
    start: lastStart ?? NaN,
    end: lastEnd ?? NaN,
    outcome: lastSuccess !== null && lastSuccess === lastEnd ? "success" : "failure"
  })

  const store = LoopStore.make({
    load: () => isForeign ? Effect.fail(foreign(name)) : Effect.sync(() => memory),
    begin: (_, next) =>
      Effect.mapError(
        Effect.tap(
          table.begin(key, next),
          () =>
            Effect.sync(() => {
              run = next
              saved = undefined
            })
        ),
        storeError(name)
      ),
    save: (_, next, change) =>
      Effect.suspend(() => {
        const isDone = change === "run" && isSaved(next)
        const ended = change === "run" && saved === undefined ? endOf(next) : undefined
        const paused = change === "pause" ? true : change === "resume" ? false : undefined
        return Effect.andThen(
          isDone ? Effect.void : Effect.mapError(table.save(key, next, { ended, paused }), storeError(name)),
          Effect.sync(() => memory = next)
        )
      })
  })

  const { guard } = table
  const found: TermMemory = {
    store,
    slot: () => run?.slot ?? null,
    isDone: () => saved !== undefined,
    guard: guard && ((write, now) =>
      Effect.suspend(() => {
        const next = saved === undefined && memory !== undefined && run !== undefined
          ? afterRun(memory, run, now)
          : undefined
        const end = next && { memory: next, ended: endOf(next) }
        return Effect.map(guard(key, end, write), ({ isCommitted, value }) => {
          if (isCommitted && next !== undefined) saved = next
          return value
        })
      }))
  }
  memories.set(term, found)
  return found
}
