/** When runs start and end: a lane for each loop. */
import type { Timeline } from "effect-wait/Timeline"
import {
  at,
  type Box,
  edge,
  fitAll,
  type Frame,
  gap,
  legend,
  page,
  type Sign,
  text,
  widthOf,
  widthOfText,
  wrap
} from "./page.ts"
import { linear } from "./scale.ts"
import { time } from "./time.ts"

export interface Lane {
  readonly name: string
  readonly timeline: Timeline
  /** A sentence under the lane. */
  readonly note?: string | undefined
  /** A run that takes longer is an overrun; in milliseconds. */
  readonly period?: number | undefined
  /** From one slot to the next, in milliseconds: a slot in which no run starts is missed, a longer run is an overrun. */
  readonly slots?: number | undefined
}

export interface Timelines extends Frame {
  readonly lanes: ReadonlyArray<Lane>
  /** The end of the axis, in milliseconds; default: the end of the last run. */
  readonly until?: number | undefined
}

/** When the last run ends. */
export const endOf = ({ runs }: Timeline): number => runs.reduce((end, run) => Math.max(end, run.end), 0)

/** The slots between the first run and the last in which no run starts. */
export const missedSlots = ({ runs }: Timeline, every: number): ReadonlyArray<number> => {
  const first = runs[0]?.start ?? 0
  const slotOf = (start: number) => Math.floor((start - first) / every + 1e-9)
  const used = new Set(runs.map(({ start }) => slotOf(start)))
  const last = Math.min(100_000, slotOf(runs.at(-1)?.start ?? first))
  return Array.from({ length: last }, (_, slot) => slot).filter((slot) => !used.has(slot)).map((slot) =>
    first + slot * every
  )
}

/**
 * Bars of this height as one path. Equal runs are equally long, and long ones are a pixel shorter, so that those without a
 * pause are told apart. Bars that look the same are drawn once.
 */
export const bars = (
  runs: ReadonlyArray<{ readonly start: number; readonly end: number }>,
  { height, toX, y }: { readonly height: number; readonly toX: (millis: number) => number; readonly y: number }
): string => {
  const origin = toX(0)
  const drawn = runs.map(({ end, start }) => {
    const pixels = toX(end - start) - origin
    const length = at(pixels < 6 ? Math.max(3, pixels) : pixels - 1)
    return `M${at(toX(start))} ${at(y)}h${length}v${height}h-${length}z`
  })
  return [...new Set(drawn)].join("")
}

type Draw = (x: number, y: number) => string

const run: Draw = (x, y) => `<path class="run" d="M${at(x)} ${at(y - 7)}h20v14h-20z"/>`
const overrun: Draw = (x, y) => `<path class="overrun" d="M${at(x)} ${at(y - 7)}h20v14h-20z"/>`
const missed: Draw = (x, y) => `<circle class="ground missed" cx="${at(x)}" cy="${at(y)}" r="4" stroke-width="2"/>`
const done: Draw = (x, y) => `<path class="end" d="M${at(x)} ${at(y - 8)}v16" stroke-width="2.5"/>`
const failed: Draw = (x, y) => `<path class="mark" d="M${at(x - 4)} ${at(y - 4)}l8 8m0 -8l-8 8" stroke-width="2.2"/>`
const goesOn: Draw = (x, y) =>
  `<path class="axis" d="M${at(x - 5)} ${at(y - 4)}l5 4l-5 4" fill="none" stroke-width="1.6"/>`

const isLate = ({ period, slots }: Lane) => {
  const most = period ?? slots ?? Infinity
  return ({ end, start }: { readonly start: number; readonly end: number }) => end - start > most + 1e-6
}

const signs = (lanes: ReadonlyArray<Lane>): ReadonlyArray<Sign> => {
  const has = (outcome: Timeline["outcome"]) => lanes.some(({ timeline }) => timeline.outcome === outcome)
  const hasLate = lanes.some((lane) => lane.timeline.runs.some(isLate(lane)))
  const hasMissed = lanes.some(({ slots, timeline }) => slots !== undefined && missedSlots(timeline, slots).length > 0)
  return [
    { draw: run, text: "run" },
    ...hasLate ? [{ draw: overrun, text: "overrun: longer than its period" }] : [],
    ...hasMissed ? [{ draw: (x: number, y: number) => missed(x + 12, y), text: "missed slot" }] : [],
    ...has("done") ? [{ draw: (x: number, y: number) => done(x + 12, y), text: "ends" }] : [],
    ...has("failed") ? [{ draw: (x: number, y: number) => failed(x + 12, y), text: "fails" }] : [],
    ...has("cut") ? [{ draw: (x: number, y: number) => goesOn(x + 14, y), text: "goes on" }] : []
  ]
}

// Where there is no room beside a lane, its name is above it.
const wide = 480

export const timelinesBox = (lanes: ReadonlyArray<Lane>, { until, width }: {
  readonly width: number
  readonly until?: number | undefined
}): Box =>
(top) => {
  const isAbove = width < wide
  const widest = lanes.reduce((most, { name }) => Math.max(most, widthOfText(name)), 0)
  const room = isAbove ? width - 2 * edge : Math.min(widest, 0.3 * width)
  const names = fitAll(lanes.map(({ name }) => name), room)
  const left = isAbove ? edge + 4 : edge + room + 12
  const right = width - 24
  const end = until ?? lanes.reduce((most, { timeline }) => Math.max(most, endOf(timeline)), 0)
  const scale = linear(end, Math.max(2, Math.floor((right - left) / 52)))
  const toX = (millis: number) => left + Math.min(1.5, scale.at(millis)) * (right - left)
  const drawn: Array<string> = []
  let y = top
  for (const [i, lane] of lanes.entries()) {
    const { name, note, slots, timeline } = lane
    const { outcome, runs } = timeline
    const within = runs.filter(({ start }) => start <= end)
    const late = isLate(lane)
    if (isAbove) y += 18
    const middle = y + 14
    const last = outcome === "cut" ? right + 12 : toX(endOf(timeline)) + 5
    drawn.push(
      text(edge, isAbove ? y : middle + 4, names[i]!, { style: "name", isBold: true, whole: name }),
      ...runs.length === 0 && outcome !== "cut"
        ? []
        : [`<path class="grid" d="M${at(left)} ${at(middle)}H${at(last)}" stroke-width="2"/>`],
      ...runs.length === 0 ? [text(left + 14, middle + 4, "no run", { style: "dim" })] : []
    )
    const clipped = within.map(({ end: to, start }) => ({ start, end: Math.min(to, Math.max(end, start)) }))
    const normal = bars(clipped.filter((_, j) => !late(within[j]!)), { height: 14, toX, y: middle - 7 })
    const long = bars(clipped.filter((_, j) => late(within[j]!)), { height: 14, toX, y: middle - 7 })
    if (normal !== "") drawn.push(`<path class="run" d="${normal}"/>`)
    if (long !== "") drawn.push(`<path class="overrun" d="${long}"/>`)
    const skipped = slots === undefined ? [] : missedSlots(timeline, slots).filter((slot) => slot <= end)
    // Beside a lane of a thousand, a circle for each is a line.
    for (const slot of skipped.slice(0, 200)) drawn.push(missed(toX(slot), middle))
    if (outcome === "cut") drawn.push(goesOn(right + 14, middle))
    else drawn.push((outcome === "done" ? done : failed)(last, middle))
    y += 28
    if (note !== undefined) {
      for (const line of wrap(note, width - left - edge)) {
        drawn.push(text(left, y + 8, line, { style: "dim" }))
        y += 18
      }
    }
  }
  return {
    height: y - top + 42,
    lines: [
      ...scale.marks.map((mark) => `<path class="grid" d="M${at(toX(mark))} ${at(top)}V${at(y + 4)}"/>`),
      ...drawn,
      `<path class="axis" d="M${at(left)} ${at(y + 4)}H${at(right)}"/>`,
      ...scale.marks.map((mark) => text(toX(mark), y + 20, time(mark), { anchor: "middle", style: "dim" })),
      text((left + right) / 2, y + 36, "time since the start", { anchor: "middle", style: "dim" })
    ]
  }
}

/** Lanes on one axis of time, with overruns, missed slots, and how each ends. */
export const timelines = (options: Timelines): string => {
  const { lanes, until } = options
  const width = widthOf(options)
  return page(options, [timelinesBox(lanes, { width, until }), gap(8), legend(signs(lanes), width)])
}
