/** The last runs of a loop on an axis that ends now, in the look of the other pictures. */
import { linear } from "@effect-wait/draw/scale"
import { time } from "@effect-wait/draw/time"
import { bars } from "@effect-wait/draw/timelines"
import type { Info, Run } from "../src/DashboardApi.ts"
import { set, setText, shape } from "./elements.ts"
import { count, missedSlots } from "./words.ts"

/** About as many runs have room. */
const mostRuns = 24

const height = 22
/** The width of the shortest bar: one that starts now is seen. */
const least = 3

const middle = height / 2

/** The radius of the circle of a missed slot, and how far apart two of them are at least. In pixels. */
const [radius, apart] = [2.5, 7]

// What people count time in. A window that is one of these stays the same from run to run.
const windows = [
  1,
  2,
  3,
  5,
  10,
  15,
  20,
  30,
  45,
  60,
  90,
  120,
  180,
  240,
  300,
  420,
  600,
  900,
  1200,
  1800,
  2700,
  3600,
  5400,
  7200,
  10_800
]
  .concat([4, 6, 8, 12, 18, 24].map((hours) => 3600 * hours))
  .map((seconds) => 1000 * seconds)

const roundUp = (millis: number): number =>
  windows.find((window) => window >= millis) ?? Math.ceil(millis / 86_400_000) * 86_400_000

const median = (numbers: ReadonlyArray<number>): number => {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

const circle = (x: number): string =>
  `M${(x - radius).toFixed(1)} ${middle}${
    [1, -1].map((way) => `a${radius} ${radius} 0 1 0 ${2 * radius * way} 0`).join("")
  }`

interface Window {
  readonly from: number
  readonly to: number
}

const windowOf = (runs: ReadonlyArray<Run>, { lastStart, state }: Info, now: number): Window => {
  // A loop that is paused or has ended keeps its picture.
  const to = state === "paused" || state === "ended" ? runs.at(-1)?.end ?? now : now
  const starts = runs.slice(-mostRuns).map(({ start }) => start)
  if (state === "running" && lastStart !== null) starts.push(lastStart)
  const gaps = starts.slice(1).map((start, i) => start - starts[i]!)
  const longest = Math.max(1000, ...runs.slice(-3).map(({ end, start }) => end - start))
  return { from: to - roundUp(Math.max(mostRuns * 0.8 * median(gaps), 3 * longest, to - (starts.at(-1) ?? to))), to }
}

export interface Lane {
  readonly svg: SVGSVGElement
  /** Draws the runs, and tells what is seen. */
  readonly draw: (runs: ReadonlyArray<Run>, info: Info, now: number, width: number) => string
}

export const makeLane = (options: { readonly hasAxis: boolean }): Lane => {
  const svg = shape("svg", { class: "ew lane", role: "img" })
  const line = shape("path", { class: "grid" })
  const good = shape("path", { class: "run" })
  const flight = shape("path", { class: "flight" })
  const bad = shape("path", { class: "overrun" })
  const crosses = shape("path", { class: "mark" })
  const circles = shape("path", { class: "ground missed" })
  const final = shape("path", { class: "end" })
  const axis = shape("g", { class: "marks" })
  svg.append(line, good, flight, bad, crosses, circles, final, ...options.hasAxis ? [axis] : [])

  const drawAxis = ({ from, to }: Window, toX: (millis: number) => number, width: number) => {
    const { marks } = linear(to - from, Math.max(2, Math.floor(width / 90)))
    axis.replaceChildren(...marks.flatMap((mark) => {
      const x = String(toX(to - mark))
      const label = shape("text", {
        class: "dim",
        x,
        y: String(height + 18),
        "text-anchor": mark === 0 ? "end" : "middle"
      })
      setText(label, mark === 0 ? "now" : `${time(mark)} ago`)
      return Number(x) < 24 ? [] : [shape("path", { class: "axis", d: `M${x} ${height}v4` }), label]
    }))
  }

  return {
    svg,
    draw(runs, info, now, width) {
      const window = windowOf(runs, info, now)
      const { from, to } = window
      const toX = (millis: number) => Number(((millis - from) / (to - from) * (width - least)).toFixed(1))
      const shown = runs.filter(({ end, start }) => start >= from || end > from + (to - from) / 100)
        .map(({ end, failure, start }) => ({ end, failure, start: Math.max(from, start) }))
      const at = { height: 14, y: middle - 7, toX: (millis: number) => millis / (to - from) * (width - least) }
      const path = (some: ReadonlyArray<Pick<Run, "start" | "end">>) =>
        bars(some.map(({ end, start }) => ({ start: start - from, end: end - from })), at)
      const failed = shown.filter(({ failure }) => failure !== null)
      const tall = options.hasAxis ? height + 24 : height
      set(svg, "viewBox", `0 0 ${width} ${tall}`)
      set(svg, "width", String(width))
      set(svg, "height", String(tall))
      set(line, "d", `M0 ${middle}H${width}`)
      set(good, "d", path(shown.filter(({ failure }) => failure === null)))
      set(bad, "d", path(failed))
      set(crosses, "d", failed.map(({ start }) => `M${Math.max(1, toX(start) - 2)} 0l5 5m0-5l-5 5`).join(""))
      const { lastStart, nextStart, state } = info
      const current = state === "running" && lastStart !== null ? lastStart : undefined
      set(flight, "d", current === undefined ? "" : path([{ start: Math.max(from, current), end: to }]))
      const gaps = runs.map(({ missed = 0, start }, i) => ({
        start,
        end: Math.min(to, runs[i + 1]?.start ?? current ?? nextStart ?? to),
        missed
      })).filter(({ end, missed }) => missed > 0 && end > from)
      // Their number between two runs is known, but not their times: they are evenly spread.
      const places = gaps.flatMap(({ end, missed, start }) => {
        const room = toX(end) - toX(start)
        const drawn = Math.max(1, Math.min(missed, Math.floor(room / apart)))
        return Array.from({ length: drawn }, (_, i) => toX(start) + room * (i + 1) / (drawn + 1))
      })
      set(circles, "d", places.filter((x) => x > radius).map(circle).join(""))
      set(final, "d", state === "ended" ? `M${toX(to) + 1} 2v${height - 4}` : "")
      const missed = gaps.reduce((sum, gap) => sum + gap.missed, 0)
      if (options.hasAxis) drawAxis(window, toX, width)
      // Only the last runs are known: there may have been more of them in this time.
      const [first] = runs
      const isWhole = first === undefined || first.attempt === 1 || first.start < from
      const words = [
        shown.length === 0 && state !== "running"
          ? `no run in ${time(to - from)}`
          : isWhole
          ? `${count(shown.length, "run", "runs")} in ${time(to - from)}`
          : shown.length === 1
          ? "the last run"
          : `the last ${shown.length} runs`,
        ...failed.length === 0 ? [] : [`${failed.length} failed`],
        ...missed === 0 ? [] : [missedSlots(missed)]
      ].join(", ")
      set(svg, "aria-label", words)
      return words
    }
  }
}
