/** A durable poll as the store keeps it: one row for each run of a key. */
import type { PersistenceError } from "effect/cluster/ClusterError"
import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"

/** How a poll ended. */
export type Ended = "held" | "deadline" | "exhausted" | "stopped"

/** How far a backoff has grown. JSON and SQL have no Infinity. */
export interface Growth {
  readonly nanos: number
  readonly steps: number
}

/** Times are in milliseconds since the epoch, by the clock of the store. */
export interface PollRow {
  readonly id: string
  readonly name: string
  readonly key: string
  readonly run: number
  readonly slot: number
  readonly payload: Schema.Json
  readonly state: "waiting" | Ended
  /** The attempt in flight or to come; of a poll that has ended, how many attempts were made. */
  readonly attempt: number
  readonly startedAt: number
  readonly dueAt: number
  readonly endedAt: number | null
  readonly delay: number
  readonly growth: Growth
  readonly lastError: string | null
  /** Null unless the state is `held`. */
  readonly value: Schema.Json
}

/** Rows, and the time of the store when it read them. */
export interface Read {
  readonly now: number
  readonly rows: ReadonlyArray<PollRow>
}

export interface Filter {
  /** `checking` is a poll that is due, `waiting` one that is not. */
  readonly states: ReadonlyArray<"checking" | PollRow["state"]> | undefined
  readonly prefix: string | undefined
  readonly after: string | undefined
  readonly limit: number
}

export interface Counted {
  readonly name: string
  readonly waiting: number
  /** Of these, how many have been due for a minute. */
  readonly overdue: number
}

type Stored<A> = Effect.Effect<A, PersistenceError>

/** Each operation is one statement, or a part of one, so that a process that dies leaves no half of it. */
export interface PollStorage {
  /** Starts a run: the first of its key, or with `again` the next one after the end. Says whether it did. */
  readonly start: (
    poll: Pick<PollRow, "name" | "key" | "slot" | "payload" | "growth">,
    again: boolean
  ) => Stored<boolean>
  /** The polls of these names and slots that are due within so many milliseconds, the earliest first. */
  readonly due: (options: {
    readonly names: ReadonlyArray<string>
    readonly slots: ReadonlyArray<number>
    readonly within: number
    readonly limit: number
  }) => Stored<Read>
  /** The newest run of a key, if any. */
  readonly newest: (name: string, key: string) => Stored<Read>
  /** Those of these polls that have ended. */
  readonly ended: (ids: ReadonlyArray<string>) => Stored<ReadonlyArray<PollRow>>
  /** Those of these polls that have not ended. */
  readonly waiting: (ids: ReadonlyArray<string>) => Stored<ReadonlyArray<string>>
  /** Plans the attempt after this one, `wait` milliseconds from now. Undefined if the poll is no longer at this attempt. */
  readonly plan: (
    id: string,
    attempt: number,
    next: Pick<PollRow, "delay" | "growth" | "lastError"> & { readonly wait: number }
  ) => Stored<{ readonly now: number; readonly dueAt: number } | undefined>
  /** Ends the poll with this attempt. False if it is no longer at this attempt. */
  readonly end: (
    id: string,
    attempt: number,
    outcome: { readonly state: Ended; readonly value: Schema.Json; readonly lastError: string | null }
  ) => Stored<boolean>
  /** Ends the newest run of a key as stopped, and gives its id. Undefined if none runs. An attempt that is due counts as made. */
  readonly stop: (name: string, key: string) => Stored<string | undefined>
  /** Removes all runs of a key, and gives their ids. */
  readonly forget: (name: string, key: string) => Stored<ReadonlyArray<string>>
  /** Removes polls that ended at least so many milliseconds ago, at most so many of them. Says how many. */
  readonly purge: (name: string | undefined, age: number, limit: number) => Stored<number>
  /** The newest run of each key of a name, by key. */
  readonly list: (name: string, filter: Filter) => Stored<Read>
  readonly count: (slots: ReadonlyArray<number>) => Stored<ReadonlyArray<Counted>>
}

/** The polls are divided into so many slots. It is stored with each poll: do not change it. */
export const slots = 64

/** The slot of a poll. It is stored with each poll: do not change it. (FNV-1a) */
export const slotOf = (name: string, key: string): number => {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(`${name}/${key}`)) hash = Math.imul(hash ^ byte, 0x01000193)
  return ((hash >>> 16) ^ hash) & (slots - 1)
}

/** The last instant that a DateTime can hold. */
export const never = 8_640_000_000_000_000

/** After how many milliseconds a poll that is due counts as overdue. */
export const overdueAfter = 60_000
