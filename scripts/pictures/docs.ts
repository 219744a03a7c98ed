/** The pictures of the examples in the docs: what is drawn of what an example exports. */
import { type Herd, type Lane, peaks, timelines } from "@effect-wait/draw"
import type { Timeline } from "effect-wait"

/** `timelines` of loops, or `herds` of clients, by name. */
export interface Exported {
  readonly timelines?: Readonly<Record<string, Timeline.Timeline>>
  readonly herds?: Readonly<Record<string, ReadonlyArray<Timeline.Timeline>>>
}

type Marks = Pick<Lane, "period" | "slots" | "note">

const lanes = (exported: Exported, marksOf: (name: string) => Marks = () => ({})): ReadonlyArray<Lane> =>
  Object.entries(exported.timelines ?? {}).map(([name, timeline]) => Object.assign({ name, timeline }, marksOf(name)))

const herds = (exported: Exported): ReadonlyArray<Herd> =>
  Object.entries(exported.herds ?? {}).map(([name, clients]) => ({ name, clients }))

/** By file; the description is the alternative text of the page. */
const drawings: Readonly<Record<string, (exported: Exported, description: string) => string>> = {
  "docs/pictures/periods.svg": (exported, description) =>
    timelines({
      title: "One run of 2.3 s under five periods of 1 s",
      description,
      lanes: lanes(
        exported,
        (name) => name === "sliding" || name === "nonSliding" ? { period: 1000 } : { slots: 1000 }
      )
    }),
  "docs/pictures/growth.svg": (exported, description) =>
    timelines({ title: "When runs start, under six ways to grow", description, lanes: lanes(exported) }),
  "docs/pictures/jitter.svg": (exported, description) =>
    peaks({
      title: "Twenty clients that failed at the same moment: attempts in each 250 ms",
      description,
      subtitle: "The peak is the most after the first attempts.",
      herds: herds(exported),
      every: 250,
      until: 11_500
    }),
  "docs/pictures/limits.svg": (exported, description) =>
    timelines({ title: "One backoff under four limits", description, lanes: lanes(exported) }),
  "docs/pictures/reset.svg": (exported, description) =>
    timelines({
      title: "Three failures, a run that holds for 20 s, and failures again",
      description,
      lanes: lanes(exported)
    }),
  "docs/pictures/fromStart.svg": (exported, description) =>
    timelines({ title: "Delays from the end of a run, and from its start", description, lanes: lanes(exported) }),
  "docs/pictures/outageLoops.svg": (exported, description) =>
    timelines({
      title: "Loops with a period of 10 s; their dependency is away from 25 s to 85 s",
      description,
      lanes: lanes(exported)
    }),
  "docs/pictures/fromEffect.svg": (exported, description) =>
    timelines({
      title: "Effect's schedules and ours: runs of 400 ms, one of 1.3 s, a period of 1 s",
      description,
      lanes: lanes(exported)
    }),
  "docs/pictures/fromEffectJitter.svg": (exported, description) =>
    peaks({
      title: "Twenty clients that failed at the same moment: attempts in each 250 ms",
      description,
      subtitle: "The peak is the most after the first attempts.",
      herds: herds(exported),
      every: 250,
      until: 11_500
    })
}

/** The picture of what an example exports; undefined where the example prints its picture. */
export const drawingOf = (file: string) => drawings[file]
