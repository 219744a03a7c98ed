/** The picture: for each policy, the operations that succeed and fail, and the requests that the server is sent. */
import { outage, type Outages, type Strip } from "@effect-wait/draw"
import { measure, type Seconds, type Settings, sizeOf } from "./model.ts"

// In seconds: a line is level for so long.
const step = 5

const means = (counts: ReadonlyArray<number>): ReadonlyArray<number> =>
  Array.from(
    { length: Math.floor(counts.length / step) },
    (_, i) => counts.slice(i * step, (i + 1) * step).reduce((sum, count) => sum + count, 0) / step
  )

/** What the picture shows, as it is kept in `docs/outage.json`. Times are in seconds, counts a second. */
export interface Summary {
  readonly step: number
  readonly from: number
  readonly to: number
  readonly capacity: number
  readonly policies: ReadonlyArray<Omit<Strip, "recovery"> & { readonly recovery: number | null }>
}

export const summarize = (results: ReadonlyMap<string, Seconds>, settings: Settings): Summary => ({
  step,
  from: settings.from,
  to: settings.to,
  capacity: sizeOf(settings).capacity,
  policies: Array.from(results, ([name, seconds]) => ({
    name,
    recovery: measure(seconds, settings).recovery ?? null,
    succeeded: means(seconds.succeeded),
    failed: means(seconds.failed),
    requests: means(seconds.requests)
  }))
})

export const outagesOf = ({ capacity, from, policies, step, to }: Summary): Outages => ({
  every: step * 1000,
  down: [from * 1000, to * 1000],
  capacity,
  strips: policies.map(({ failed, name, recovery, requests, succeeded }) => ({
    name,
    succeeded,
    failed,
    requests,
    recovery: recovery === null ? undefined : recovery * 1000
  }))
})

export const draw = (summary: Summary): string => {
  const { from, policies, step, to } = summary
  const back = policies.flatMap(({ recovery }) => recovery ?? []).toSorted((a, b) => a - b)
  return outage({
    title: `After an outage of ${to - from} s: a service under ${policies.length} retry policies`,
    description: policies.map(({ name, recovery }) =>
      `${name}: ${recovery === null ? "never back" : `back after ${recovery} s`}`
    ).join("; "),
    subtitle: `${back.length} policies are back after ${back[0]} to ${back.at(-1)} s; under the other ` +
      `${policies.length - back.length} the retries keep the server down. Means of ${step} s.`,
    width: 860,
    ...outagesOf(summary)
  })
}
