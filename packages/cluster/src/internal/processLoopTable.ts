/** The rows of loops in this process, for a cluster of one without a database. */
import * as LoopStore from "effect-wait/LoopStore"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import { StaleTerm } from "../Fence.ts"
import type { PastRun } from "./controlModels.ts"
import { historySize, type Key, type LoopTable, type Row } from "./loopTable.ts"

interface Kept extends Row {
  readonly begunSlot: number | null
  readonly history: ReadonlyArray<PastRun>
}

/** The store outlives the process, where there is one. It has the memories, and no history. */
export const make = (store: LoopStore.LoopStore["Service"] | undefined): LoopTable => {
  const rows = new Map<string, Kept>()

  const logRun = (row: Kept, run: Pick<PastRun, "slot" | "start" | "end" | "outcome">): Kept["history"] =>
    [...row.history, { owner: row.owner, term: row.term, ...run }].slice(-historySize)

  const change = (row: Kept, changed: Partial<Kept>): Kept => {
    const next = { ...row, ...changed }
    rows.set(row.name, next)
    return next
  }

  const held = ({ name, token }: Key): Effect.Effect<Kept, StaleTerm> =>
    Effect.suspend(() => {
      const row = rows.get(name)
      return row?.token === token
        ? Effect.succeed(row)
        : Effect.fail(new StaleTerm({ fence: name, token, current: row?.token ?? 0n, owner: row?.owner ?? "nobody" }))
    })

  const load = (name: string, by: { readonly owner: string; readonly shardGroup: string; readonly term: string }) =>
    Effect.map(store?.load(name) ?? Effect.undefined, (memory): Kept => ({
      name,
      token: 0n,
      ...by,
      memory,
      isForeign: false,
      isPaused: memory?.paused ?? false,
      isTriggered: false,
      begunAt: null,
      begunSlot: null,
      lastStart: memory?.lastStart ?? null,
      history: []
    }))

  const set = (name: string, changed: (row: Kept) => Effect.Effect<Partial<Kept>, LoopStore.LoopStoreError>) =>
    Effect.suspend(() => {
      const row = rows.get(name)
      return row === undefined
        ? Effect.undefined
        : Effect.map(changed(row), (changed) => change(row, changed).shardGroup)
    })

  const saved = (memory: LoopStore.Memory, isPaused: boolean, name: string) => {
    const paused = { ...memory, paused: isPaused }
    return Effect.as(store?.save(name, paused, isPaused ? "pause" : "resume") ?? Effect.void, {
      memory: paused,
      isPaused
    })
  }

  return {
    take: Effect.fnUntraced(function*(takers, by) {
      const taken = new Map<string, Row>()
      for (const { name, term } of takers) {
        const row = rows.get(name) ?? (yield* load(name, { ...by, term }))
        const { begunAt, begunSlot } = row
        const cut = begunAt === null ? {} : {
          begunAt: null,
          history: logRun(row, {
            slot: Option.fromNullOr(begunSlot),
            start: begunAt,
            end: Option.none(),
            outcome: "cut"
          })
        }
        taken.set(name, change(row, { ...by, term, token: row.token + 1n, ...cut }))
      }
      return taken
    }),
    begin: (key, { isTriggered, slot, start }) =>
      Effect.map(held(key), (row) => {
        if (row.isPaused && !isTriggered) return false
        change(row, { begunAt: start, begunSlot: slot, lastStart: start, isTriggered: false })
        return true
      }),
    save: (key, memory, { ended, paused }) =>
      Effect.flatMap(held(key), (row) => {
        const isPaused = paused ?? row.isPaused
        const kept = { ...memory, paused: isPaused }
        const why = paused === undefined ? ended === undefined ? "start" : "run" : paused ? "pause" : "resume"
        return Effect.map(store?.save(key.name, kept, why) ?? Effect.void, () => {
          change(row, {
            memory: kept,
            isPaused,
            ...(ended !== undefined && {
              begunAt: null,
              history: logRun(row, { ...ended, slot: Option.fromNullOr(ended.slot), end: Option.some(ended.end) })
            })
          })
        })
      }),
    guard: undefined,
    setPaused: (name, isPaused) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        set(name, ({ begunAt, isPaused: wasPaused, memory }) => {
          if (memory === undefined) return Effect.succeed({ isPaused })
          const { due, lastEnd, lastSuccess, slot } = memory
          // The slots of the pause are missed, but not that of a run in flight or of a retry.
          const isMissed = wasPaused && !isPaused && slot !== null && due !== null && due <= now && begunAt === null &&
            lastEnd === lastSuccess
          const from = { written: now, due: now, nextSlot: null, slot: Math.max(slot ?? 0, now - 1) }
          return saved(isMissed ? { ...memory, ...from } : memory, isPaused, name)
        })),
    trigger: (name) => set(name, () => Effect.succeed({ isTriggered: true })),
    find: (name) => Effect.sync(() => rows.get(name)),
    all: Effect.sync(() => Arr.sortWith(rows.values(), ({ name }) => name, Order.String)),
    history: (name) => Effect.sync(() => rows.get(name)?.history ?? [])
  }
}
