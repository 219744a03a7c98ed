/** The loops that the page knows, by what the server sent. */
import type { Changes, Info, Loops, Run } from "../src/DashboardApi.ts"

/** More runs than a picture shows, so that those of a page that stays open for days do not pile up. */
const mostRuns = 32

/** A loop, with the runs that the page has seen. */
export interface Known {
  readonly info: Info
  readonly runs: ReadonlyArray<Run>
}

/** Sources without numbers tell runs apart by their start. */
const keyOf = ({ attempt, start }: Run): number => attempt ?? start

const merge = (before: Known | undefined, info: Info): Known => {
  const last = before?.runs.at(-1)
  const later = last === undefined ? info.history : info.history.filter((run) => keyOf(run) > keyOf(last))
  return { info, runs: [...before?.runs ?? [], ...later].slice(-mostRuns) }
}

export interface Update {
  readonly changed: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
}

export const makeLoops = () => {
  const known = new Map<string, Known>()
  let [instance, offset]: [string | null, number] = [null, 0]

  const put = (info: Info): string => {
    known.set(info.id, merge(known.get(info.id), info))
    return info.id
  }

  return {
    known,
    /** The time of the server. */
    now: () => Date.now() + offset,
    instance: () => instance,
    put,
    receive(event: Loops | Changes): Update {
      offset = event.at - Date.now()
      if (event._tag === "Changes") {
        const changed = event.changed.map(put)
        for (const id of event.removed) known.delete(id)
        return { changed, removed: event.removed }
      }
      // Another process has other loops, even under the same ids.
      const isOther = event.instance !== instance
      const present = new Set(event.loops.map(({ id }) => id))
      const removed = Array.from(known.keys()).filter((id) => isOther || !present.has(id))
      for (const id of removed) known.delete(id)
      instance = event.instance
      return { changed: event.loops.map(put), removed }
    }
  }
}

export type KnownLoops = ReturnType<typeof makeLoops>
