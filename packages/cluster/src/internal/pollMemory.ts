/** Polls in the memory of one process. */
import * as Arr from "effect/Array"
import type { Clock } from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import { never, overdueAfter, type PollRow, type PollStorage } from "./pollRow.ts"

// As a database does: nobody shares an object with the store.
const copy = <A>(value: A): A => JSON.parse(JSON.stringify(value))

/** All that a store in memory has. The clock is that of whoever makes it, and not of those who ask. */
export const make = (clock: Clock): PollStorage => {
  const polls = new Map<string, PollRow>()
  let ids = 0

  const runs = (name: string, key: string) =>
    Array.from(polls.values()).filter((row) => row.name === name && row.key === key)
  // Runs are started in order.
  const newest = (name: string, key: string) => runs(name, key).at(-1)
  // The row of a poll that is at this attempt.
  const at = (id: string, attempt: number) => {
    const row = polls.get(id)
    return row?.state === "waiting" && row.attempt === attempt ? row : undefined
  }
  const set = (row: PollRow) => void polls.set(row.id, copy(row))
  const remove = (rows: ReadonlyArray<PollRow>) => {
    for (const { id } of rows) polls.delete(id)
    return rows.map(({ id }) => id)
  }
  const operation = <A>(f: (now: number) => A) => Effect.sync(() => f(clock.currentTimeMillisUnsafe()))

  return {
    start: ({ growth, key, name, payload, slot }, again) =>
      operation((now) => {
        const last = newest(name, key)
        if (last !== undefined && !(again && last.state !== "waiting")) return false
        set({
          id: String(++ids),
          name,
          key,
          run: (last?.run ?? 0) + 1,
          slot,
          payload,
          state: "waiting",
          attempt: 1,
          startedAt: now,
          dueAt: now,
          endedAt: null,
          delay: 0,
          growth,
          lastError: null,
          value: null
        })
        return true
      }),
    due: ({ limit, names, slots, within }) =>
      operation((now) => ({
        now,
        rows: copy(
          Arr.sortWith(
            Array.from(polls.values()).filter((row) =>
              row.state === "waiting" && row.dueAt <= now + within && names.includes(row.name) &&
              slots.includes(row.slot)
            ),
            ({ dueAt }) => dueAt,
            Order.Number
          ).slice(0, limit)
        )
      })),
    newest: (name, key) =>
      operation((now) => {
        const row = newest(name, key)
        return { now, rows: row === undefined ? [] : [copy(row)] }
      }),
    ended: (ids) =>
      operation(() =>
        ids.flatMap((id) => {
          const row = polls.get(id)
          return row === undefined || row.state === "waiting" ? [] : [copy(row)]
        })
      ),
    waiting: (ids) => operation(() => ids.filter((id) => polls.get(id)?.state === "waiting")),
    plan: (id, attempt, { wait, ...next }) =>
      operation((now) => {
        const row = at(id, attempt)
        if (row === undefined) return undefined
        const dueAt = Math.min(never, Math.ceil(now + wait))
        set({ ...row, ...next, attempt: attempt + 1, dueAt })
        return { now, dueAt }
      }),
    end: (id, attempt, outcome) =>
      operation((now) => {
        const row = at(id, attempt)
        if (row === undefined) return false
        set({ ...row, ...outcome, endedAt: now })
        return true
      }),
    stop: (name, key) =>
      operation((now) => {
        const row = newest(name, key)
        if (row?.state !== "waiting") return undefined
        const attempt = row.dueAt <= now ? row.attempt : row.attempt - 1
        set({ ...row, state: "stopped", attempt, endedAt: now })
        return row.id
      }),
    forget: (name, key) => operation(() => remove(runs(name, key))),
    purge: (name, age, limit) =>
      operation((now) =>
        remove(
          Array.from(polls.values())
            .filter((row) => row.endedAt !== null && row.endedAt <= now - age && (name ?? row.name) === row.name)
            .slice(0, limit)
        ).length
      ),
    list: (name, { after, limit, prefix = "", states }) =>
      operation((now) => {
        const rows = new Map<string, PollRow>()
        for (const row of polls.values()) if (row.name === name) rows.set(row.key, row)
        return {
          now,
          rows: copy(
            Arr.sortWith(
              Array.from(rows.values()).filter(({ dueAt, key, state }) =>
                (states?.includes(state === "waiting" && dueAt <= now ? "checking" : state) ?? true) &&
                key.startsWith(prefix) && (after === undefined || key > after)
              ),
              ({ key }) => key,
              Order.String
            ).slice(0, limit)
          )
        }
      }),
    count: (slots) =>
      operation((now) => {
        const counts = new Map<string, { waiting: number; overdue: number }>()
        for (const row of polls.values()) {
          if (row.state !== "waiting" || !slots.includes(row.slot)) continue
          const counted = counts.get(row.name) ?? { waiting: 0, overdue: 0 }
          counts.set(row.name, counted)
          counted.waiting++
          if (row.dueAt <= now - overdueAfter) counted.overdue++
        }
        return Array.from(counts, ([name, counted]) => ({ name, ...counted }))
      })
  }
}
