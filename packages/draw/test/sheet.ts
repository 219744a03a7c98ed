/** Hard cases, as pictures. `node packages/draw/test/sheet.ts FOLDER` writes them, to be looked at. */
import type { Timeline } from "effect-wait"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  charts,
  comparison,
  delaysBox,
  herdBox,
  legend,
  outage,
  page,
  peaks,
  type Policy,
  signOf,
  timelines
} from "../src/index.ts"

const every = (period: number, work: number, count: number, outcome: Timeline.Timeline["outcome"] = "cut") => ({
  runs: Array.from({ length: count }, (_, i) => ({ start: i * period, end: i * period + work })),
  outcome
})

const overrun: Timeline.Timeline = {
  runs: [[0, 300], [1000, 1300], [2000, 4400], [5000, 5300], [6000, 6300]].map(([start = 0, end = 0]) => ({
    start,
    end
  })),
  outcome: "cut"
}

/** Of 140 characters, which differ in the middle only. */
export const long = ["Reserve", "Publish"].map((method) =>
  `google.pubsub.v1.${"Subscriber/StreamingPull,".repeat(2)}${method},${"google.pubsub.v1.PUBLISHER/MMMMMM,".repeat(4)}`
    .slice(0, 140)
)
export const hostile = `<script>alert("&")</script> \u0000\ud800 ${"長い名前".repeat(12)}`

const policy = (
  name: string,
  spreads: ReadonlyArray<readonly [min: number, mean: number, max: number]>,
  reached = 1
): Policy => ({
  name,
  rows: [[0, 0, 0] as const, ...spreads].map(([min, mean, max], i) => ({
    run: i + 1,
    reached: i < 2 ? 1 : reached,
    delay: { min, mean, max, p95: (mean + max) / 2 }
  }))
})

const week = 7 * 86_400_000
const wide = policy(
  "0.01 ms to a week",
  Array.from({ length: 11 }, (_, i) => {
    const mean = 0.02 * (week / 0.02) ** (i / 10)
    return [mean / 2, mean, mean === week ? week : mean * 1.5] as const
  })
)
// The shortest is far under a tenth of the mean, and once it is 0.
export const band = policy("full jitter", [[0.067, 50, 100], [0.4, 100, 200], [0, 200, 400], [9, 400, 800]], 0.4)
const many = (length: number) =>
  Array.from(
    { length },
    (_, i) => policy(`policy ${i + 1}`, [[1 + i, 2 + 2 * i, 4 + 4 * i], [9 + i, 20 + 2 * i, 40 + 4 * i]])
  )

const delays = (policies: ReadonlyArray<Policy>) => (width: number) =>
  page({ title: "Delays", width }, [
    legend(policies.map(({ name }, i) => signOf(name, i)), width),
    delaysBox(policies, width)
  ])

const lines = (length: number) => (width: number) =>
  charts({
    title: "Lines",
    width,
    charts: [{
      title: "Requests",
      x: "clients",
      y: "requests",
      lines: Array.from({ length }, (_, i) => ({
        name: i === 3 ? long[0]! : `line ${i + 1}`,
        points: [[1, 1], [100, i % 4 === 0 ? 0 : 20 * i]] as const
      }))
    }]
  })

const strip = (name: string, recovery: number | undefined) => ({
  name,
  succeeded: Array.from({ length: 25 }, (_, i) => i < 5 || (recovery !== undefined && i > 12) ? 250 : 0),
  failed: Array.from({ length: 25 }, (_, i) => i < 5 || (recovery !== undefined && i > 12) ? 0 : 250),
  requests: Array.from({ length: 25 }, (_, i) => i < 5 || recovery !== undefined ? 250 : 750),
  recovery
})

/** By name, of a width. */
export const sheet: Readonly<Record<string, (width: number) => string>> = {
  "an empty timeline": (width) =>
    timelines({
      title: "No runs",
      width,
      lanes: [
        { name: "done", timeline: { runs: [], outcome: "done" } },
        { name: "cut", timeline: { runs: [], outcome: "cut" } }
      ]
    }),
  "no lanes": (width) => timelines({ title: "Nothing", width, lanes: [] }),
  "overruns, missed slots, and three ends": (width) =>
    timelines({
      title: "Overruns and missed slots",
      width,
      lanes: [
        {
          name: "slots",
          timeline: overrun,
          slots: 1000,
          note: "a note that says in some words what the lane above it shows"
        },
        { name: "period", timeline: { ...overrun, outcome: "failed" }, period: 1000 },
        { name: "done", timeline: every(1000, 300, 4, "done") },
        { name: "cut by the axis", timeline: every(1000, 900, 30) }
      ],
      until: 7500
    }),
  "sixteen lanes with long and hostile names": (width) =>
    timelines({
      title: long[0]!,
      subtitle: hostile,
      width,
      lanes: [...long, hostile, ...Array.from({ length: 13 }, (_, i) => `lane ${i}`)].map((name, i) => ({
        name,
        timeline: every(1000 + 100 * i, 200, 6)
      }))
    }),
  "very many runs": (width) =>
    timelines({
      title: "Ten thousand runs, and a week",
      width,
      lanes: [{ name: "many", timeline: every(60_000, 60_000, 10_000) }, {
        name: "one",
        timeline: every(week, week, 1, "done")
      }]
    }),
  "one client": (width) =>
    page({ title: "One client", width }, [herdBox([{ name: "", clients: [every(500, 0, 4)] }], { width })]),
  "5,000 clients": (width) =>
    peaks({
      title: "5,000 clients",
      width,
      every: 200,
      until: 5000,
      herds: [
        { name: "none", clients: Array.from({ length: 5000 }, () => every(1000, 0, 5)) },
        { name: long[1]!, clients: Array.from({ length: 5000 }, (_, i) => every(1000 + i % 997, 0, 5)) }
      ]
    }),
  "clients under policies of very different lengths": (width) =>
    page({ title: "Clients", width }, [
      herdBox([
        { name: "milliseconds", clients: [every(0.01, 0, 5, "done"), every(0.02, 0, 5, "done")] },
        { name: long[0]!, clients: [every(week / 5, 1000, 5), every(week / 6, 1000, 5)] },
        { name: "nothing", clients: [{ runs: [], outcome: "done" }] }
      ], { width })
    ]),
  "delays from 0.01 ms to a week": delays([wide]),
  "a band with its true minimum, and 0": delays([band, policy("fixed", [[100, 100, 100], [100, 100, 100]])]),
  "sixteen policies": delays(many(16)),
  "one delay": delays([policy("one", [[20, 50, 90]])]),
  "no delays": delays([policy("none", [])]),
  "delays of 0": delays([policy("zero", [[0, 0, 0], [0, 0, 0]])]),
  "sixteen lines": lines(16),
  "one point": (width) =>
    charts({
      title: "One client",
      width,
      charts: [{ title: "Time", x: "clients", y: "seconds", lines: [{ name: "a", points: [[1, 0.04]] }] }]
    }),
  "no line": lines(0),
  "bars with spread, and losses": (width) =>
    comparison({
      title: "Better and worse",
      width,
      groups: [{
        heading: "Times as fast as",
        bars: [
          { name: "a peer", value: 43, min: 20, max: 56 },
          { name: long[0]!, value: 1.2, min: 0.9, max: 1.7 },
          { name: "a loss", value: 0.076, min: 0.03, max: 0.12 },
          { name: "too much to draw", value: Infinity, min: 800, max: Infinity },
          { name: "the same", value: 1, min: 1, max: 1 }
        ]
      }, { heading: "Nothing", bars: [] }]
    }),
  "an outage": (width) =>
    outage({
      title: "An outage",
      width,
      every: 10_000,
      down: [50_000, 110_000],
      capacity: 300,
      strips: [strip("with a budget", 18_000), strip("without one", undefined), strip(long[0]!, undefined)]
    }),
  "an outage in high strips": (width) =>
    outage({
      title: "An outage",
      width,
      every: 10_000,
      down: [50_000, 110_000],
      capacity: 300,
      height: 88,
      strips: [strip("with a budget", 83_400), strip("without one", undefined)]
    }),
  "an outage that was not watched to its end": (width) =>
    outage({
      title: "An outage",
      width,
      every: 10_000,
      down: [50_000, 110_000],
      capacity: 300,
      strips: [
        { ...strip("throttling, as in gRPC", undefined), verdict: "too many requests" },
        strip("without one", 9e20)
      ]
    })
}

if (import.meta.main) {
  const folder = process.argv[2] ?? "."
  mkdirSync(folder, { recursive: true })
  for (const [name, draw] of Object.entries(sheet)) {
    for (const width of [360, 860]) {
      writeFileSync(join(folder, `${name.replaceAll(/\W+/g, "-")}-${width}.svg`), draw(width))
    }
  }
}
