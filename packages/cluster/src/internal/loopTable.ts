/** Where the loops of a cluster keep what they remember, and what they are told from elsewhere. */
import type * as LoopStore from "effect-wait/LoopStore"
import type * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { StaleTerm } from "../Fence.ts"
import type { PastRun } from "./controlModels.ts"

/** How many runs of a loop the history has. */
export const historySize = 20

/** A term of a loop. */
export interface Key {
  readonly name: string
  readonly token: bigint
}

/** A loop, as it is in the table. */
export interface Row extends Key {
  readonly shardGroup: string
  readonly owner: string
  readonly term: string
  readonly memory: LoopStore.Memory | undefined
  /** The memory is of a later version of this library. */
  readonly isForeign: boolean
  readonly isPaused: boolean
  readonly isTriggered: boolean
  /** The start of the run in flight. */
  readonly begunAt: number | null
  readonly lastStart: number | null
}

/** A run that has ended. */
export interface Ended {
  readonly slot: number | null
  readonly start: number
  readonly end: number
  readonly outcome: "success" | "failure"
}

/** Who takes over a loop. */
export interface Taker {
  readonly name: string
  readonly term: string
}

export type TableError = SqlError | LoopStore.LoopStoreError

/**
 * The rows of loops. A row is its own fence: it has the token of the newest term, and each statement of a term checks it.
 *
 * - `take`: one statement for all loops of a shard: each gets a new token, and its memory is read
 * - `begin`: before a run. False if the loop is paused, and the run is not triggered
 * - `save`: the memory of a loop, with the run that has ended
 * - `setPaused`, `trigger`: from any process. The result is the shard group of the loop; undefined where there is no such loop
 */
export interface LoopTable {
  readonly take: (
    takers: ReadonlyArray<Taker>,
    owner: { readonly owner: string; readonly shardGroup: string }
  ) => Effect.Effect<ReadonlyMap<string, Row>, TableError>
  readonly begin: (key: Key, run: LoopStore.NextRun) => Effect.Effect<boolean, TableError | StaleTerm>
  readonly save: (
    key: Key,
    memory: LoopStore.Memory,
    change: { readonly ended?: Ended | undefined; readonly paused?: boolean | undefined }
  ) => Effect.Effect<void, TableError | StaleTerm>
  /** Runs a write in a transaction in which the token cannot become stale, and with the first write of a run saves its end. */
  readonly guard:
    | (<A, E, R>(
      key: Key,
      end: { readonly memory: LoopStore.Memory; readonly ended: Ended } | undefined,
      write: Effect.Effect<A, E, R>
    ) => Effect.Effect<Guarded<A>, E | SqlError | StaleTerm, R>)
    | undefined
  readonly setPaused: (name: string, isPaused: boolean) => Effect.Effect<string | undefined, TableError>
  readonly trigger: (name: string) => Effect.Effect<string | undefined, TableError>
  readonly find: (name: string) => Effect.Effect<Row | undefined, TableError>
  readonly all: Effect.Effect<ReadonlyArray<Row>, TableError>
  /** From the oldest to the newest. */
  readonly history: (name: string) => Effect.Effect<ReadonlyArray<PastRun>, TableError>
}

export interface Guarded<out A> {
  readonly value: A
  /** False inside a transaction of the run, which may still be rolled back. */
  readonly isCommitted: boolean
}
