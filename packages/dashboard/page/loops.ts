/** The loops that the page knows, by what the server sent. */
import type { Changes, Info, Loops, Run } from "../src/DashboardApi.ts"
import { type Filter, filterNames, filters, type Health, healthOf } from "./words.ts"

/** More runs than a picture shows, so that those of a page that stays open for days do not pile up. */
const mostRuns = 32

/** A loop, with the runs that the page has seen. */
export interface Known {
  readonly info: Info
  readonly runs: ReadonlyArray<Run>
  readonly health: Health
  /** The place in the list: the order of these is that of the names, with numbers by their value. */
  readonly key: string
}

// A comparison of plain strings takes a tenth of the time of an Intl.Collator, which would also have to be made at the start.
const keyOf = ({ id, name }: Info): string =>
  `${name.normalize("NFKD").toLowerCase()}\0${id}`.replace(/\d+/g, (digits) => digits.padStart(15, "0"))

/** Sources without numbers tell runs apart by their start. */
const numberOf = ({ attempt, start }: Run): number => attempt ?? start

// The newest run that is known may come again, with the slots that were missed after it.
const merge = (before: ReadonlyArray<Run>, later: ReadonlyArray<Run>): ReadonlyArray<Run> => {
  const [first] = later
  if (first === undefined) return before
  return [...before.filter((run) => numberOf(run) < numberOf(first)), ...later].slice(-mostRuns)
}

export interface Update {
  readonly changed: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
}

export const makeLoops = () => {
  const known = new Map<string, Known>()
  const numbers: Record<Filter, number> = { all: 0, failing: 0, late: 0, paused: 0, ended: 0 }
  let [instance, offset]: [string | null, number] = [null, 0]

  const count = (health: Health | undefined, by: 1 | -1) => {
    if (health === undefined) return
    for (const name of filterNames) if (filters[name](health)) numbers[name] += by
  }

  const put = (info: Info): string => {
    const before = known.get(info.id)
    const health = healthOf(info)
    count(before?.health, -1)
    count(health, 1)
    known.set(info.id, {
      info,
      runs: merge(before?.runs ?? [], info.history),
      health,
      key: before?.key ?? keyOf(info)
    })
    return info.id
  }

  const forget = (id: string) => {
    count(known.get(id)?.health, -1)
    known.delete(id)
  }

  return {
    known,
    /** How many loops each filter shows. */
    numbers,
    /** The time of the server. */
    now: () => Date.now() + offset,
    instance: () => instance,
    put,
    receive(event: Loops | Changes): Update {
      offset = event.at - Date.now()
      if (event._tag === "Changes") {
        const changed = event.changed.map(put)
        event.removed.forEach(forget)
        return { changed, removed: event.removed }
      }
      // Another process has other loops, even under the same ids.
      const isOther = event.instance !== instance
      const present = new Set(event.loops.map(({ id }) => id))
      const removed = Array.from(known.keys()).filter((id) => isOther || !present.has(id))
      removed.forEach(forget)
      instance = event.instance
      return { changed: event.loops.map(put), removed }
    }
  }
}

export type KnownLoops = ReturnType<typeof makeLoops>
