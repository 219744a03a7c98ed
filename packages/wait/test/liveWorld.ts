/** The live clock on a machine of ours: its timers, its wall clock and its steady clock. */
import { vi } from "vitest"

/** Sets the steady clock: Effect reads that of Node, and elsewhere that of the browser. In nanoseconds. */
export const mockSteadyClock = (nanos: () => bigint): void => {
  if (globalThis.process?.hrtime !== undefined) vi.spyOn(process.hrtime, "bigint").mockImplementation(nanos)
  else vi.spyOn(performance, "now").mockImplementation(() => Number(nanos()) / 1_000_000)
}

interface Timer {
  readonly id: number
  readonly at: number
  readonly fire: () => void
}

/**
 * - `from`: what the wall clock shows at the start, in milliseconds since the epoch
 * - `steps`: at that time since the start, the wall clock is stepped by so much, in milliseconds
 *   A machine that slept is such a step: its steady clock and its timers stood still
 * - `early`: by how many milliseconds timers wake early, if they are longer; default 0
 */
export interface World {
  readonly from: number
  readonly steps?: ReadonlyArray<readonly [at: number, by: number]>
  readonly early?: number
}

/** What a program sees while `play` runs: `now` since the start by the steady clock, and `wall` since the epoch. */
export interface Playing {
  readonly now: () => number
  readonly wall: () => number
  /** How many timers were set. */
  readonly timers: () => number
}

/** Runs a program on such a machine until no timer is left before `until`. Nothing waits for real time. */
export const play = async (
  { early = 0, from, steps = [] }: World,
  until: number,
  program: (playing: Playing) => () => void
): Promise<void> => {
  let now = 0
  let set = 0
  const timers = new Map<number, Timer>()
  const wall = () => steps.reduce((time, [at, by]) => at <= now ? time + by : time, from + now)
  const { setImmediate } = globalThis
  vi.spyOn(Date, "now").mockImplementation(wall)
  mockSteadyClock(() => BigInt(Math.round(now * 1_000_000)))
  vi.stubGlobal(
    "setTimeout",
    (f: (...args: ReadonlyArray<unknown>) => void, millis: number, ...args: Array<unknown>) => {
      const id = ++set
      timers.set(id, { id, at: now + (millis > early ? millis - early : millis), fire: () => f(...args) })
      return id
    }
  )
  vi.stubGlobal("clearTimeout", (id: number) => timers.delete(id))
  try {
    const end = program({ now: () => now, wall, timers: () => set })
    await new Promise<void>((resolve) => {
      // Fibers go on between the timers.
      const next = () => {
        const due = Math.min(...Array.from(timers.values(), ({ at }) => at))
        if (due >= until) return resolve()
        now = Math.max(now, due)
        for (const timer of Array.from(timers.values())) {
          if (timer.at === due && timers.delete(timer.id)) timer.fire()
        }
        setImmediate(next)
      }
      setImmediate(next)
    })
    end()
  } finally {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
  }
}
