/** The columns of the tables of loops, as the drivers of Postgres and SQLite give them. */
import * as Option from "effect/Option"
import type { PastRun } from "./controlModels.ts"
import type { Row } from "./loopTable.ts"

type Time = number | null

export interface Columns {
  readonly name: string
  readonly version: number
  readonly shard_group: string
  readonly token: bigint | number | string
  readonly owner: string
  readonly term: string
  readonly paused: number
  readonly triggered: number
  readonly begun_at: Time
  readonly written: Time
  readonly anchor: Time
  readonly slot: Time
  readonly next_slot: Time
  readonly due: Time
  readonly period: Time
  readonly last_start: Time
  readonly last_end: Time
  readonly last_success: Time
}

export interface RunColumns {
  readonly owner: string
  readonly term: string
  readonly slot: Time
  readonly started: number
  readonly ended: Time
  readonly outcome: PastRun["outcome"]
}

/** Of what a row remembers. */
export const version = 1

export const rowOf = (columns: Columns): Row => {
  const { last_end, last_start, last_success, next_slot, shard_group, written } = columns
  const { anchor, due, name, owner, period, slot, term } = columns
  const isPaused = columns.paused === 1
  const times = { written: written ?? 0, anchor, slot, nextSlot: next_slot, due, period, lastStart: last_start }
  return {
    name,
    token: BigInt(columns.token),
    shardGroup: shard_group,
    owner,
    term,
    memory: written === null ? undefined : {
      ...times,
      lastEnd: last_end,
      lastSuccess: last_success,
      paused: isPaused
    },
    isForeign: columns.version > version,
    isPaused,
    isTriggered: columns.triggered === 1,
    begunAt: columns.begun_at,
    lastStart: last_start
  }
}

export const pastRunOf = ({ ended, outcome, owner, slot, started, term }: RunColumns): PastRun => ({
  owner,
  term,
  slot: Option.fromNullOr(slot),
  start: started,
  end: Option.fromNullOr(ended),
  outcome
})
