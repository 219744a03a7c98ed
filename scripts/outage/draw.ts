/** The picture: for each policy, the operations that succeed and fail, and the requests that the server is sent. */
import { outage } from "@effect-wait/draw"
import { type Figures, measure, type Name, names, type Seconds, type Settings, sizeOf } from "./model.ts"

// In seconds: a line is level for so long.
const step = 5

const means = (counts: ReadonlyArray<number>): ReadonlyArray<number> =>
  Array.from(
    { length: Math.floor(counts.length / step) },
    (_, i) => counts.slice(i * step, (i + 1) * step).reduce((sum, count) => sum + count, 0) / step
  )

/** From the shortest to the longest, such as `18 to 36 s`. */
const range = (figures: ReadonlyArray<Figures>): string => {
  const back = figures.flatMap(({ recovery }) => recovery ?? []).toSorted((a, b) => a - b)
  return `${back[0]} to ${back.at(-1)} s`
}

export const draw = (results: ReadonlyMap<Name, Seconds>, settings: Settings): string => {
  const { from, to } = settings
  const strips = names.map((name) => {
    const seconds = results.get(name)!
    return { name, seconds, figures: measure(seconds, settings) }
  })
  const lost = strips.filter(({ figures }) => figures.recovery === undefined)
  return outage({
    title: `After an outage of ${to - from} s: a service under eight retry policies`,
    description: strips.map(({ figures, name }) =>
      `${name}: ${figures.recovery === undefined ? "never back" : `back after ${figures.recovery} s`}`
    ).join("; "),
    subtitle: `${strips.length - lost.length} policies are back after ${
      range(strips.map(({ figures }) => figures))
    }; ` +
      `under the other ${lost.length} the retries keep the server down. Means of ${step} s.`,
    width: 860,
    every: step * 1000,
    down: [from * 1000, to * 1000],
    capacity: sizeOf(settings).capacity,
    strips: strips.map(({ figures, name, seconds }) => ({
      name,
      succeeded: means(seconds.succeeded),
      failed: means(seconds.failed),
      requests: means(seconds.requests),
      recovery: figures.recovery === undefined ? undefined : figures.recovery * 1000
    }))
  })
}
