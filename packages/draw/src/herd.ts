/** The runs of many clients: each a row, or counted. */
import type { Timeline } from "effect-wait/Timeline"
import { look } from "./ink.ts"
import {
  at,
  bold,
  type Box,
  edge,
  fit,
  fitAll,
  type Frame,
  gap,
  heading,
  legend,
  page,
  paragraph,
  type Sign,
  stack,
  text,
  widthOf,
  widthOfText
} from "./page.ts"
import { clusters, linear } from "./scale.ts"
import { number, time } from "./time.ts"
import { bars, endOf } from "./timelines.ts"

/** Clients under one policy, whose name is left out where it is the title. */
export interface Herd {
  readonly name: string
  readonly clients: ReadonlyArray<Timeline>
}

const lastOf = ({ clients }: Herd): number => clients.reduce((last, client) => Math.max(last, endOf(client)), 0)

const rowHeight = 7

const axis = (
  marks: ReadonlyArray<number>,
  { left, right, toX, y }: {
    readonly left: number
    readonly right: number
    readonly toX: (millis: number) => number
    readonly y: number
  }
): ReadonlyArray<string> => [
  `<path class="axis" d="M${at(left)} ${at(y)}H${at(right)}"/>`,
  ...marks.map((mark) => text(toX(mark), y + 17, time(mark), { anchor: "middle", style: "dim" }))
]

const cross = (x: number, y: number): string =>
  `<path class="mark" d="M${at(x + 5)} ${at(y)}l5 5m0 -5l-5 5" stroke-width="1.3"/>`
const arrow = (x: number, y: number): string =>
  `<path class="axis" d="M${at(x + 3)} ${at(y)}l3 2.5l-3 2.5" fill="none" stroke-width="1.2"/>`

const rows = (herds: ReadonlyArray<Herd & { readonly i: number }>, width: number): Box => (top) => {
  const [left, right] = [edge + 4, width - edge - 12]
  const scale = linear(
    herds.reduce((most, herd) => Math.max(most, lastOf(herd)), 0),
    Math.max(2, Math.floor((right - left) / 60))
  )
  const toX = (millis: number) => left + scale.at(millis) * (right - left - 14)
  const lines: Array<string> = []
  let y = top
  for (const { clients, i, name } of herds) {
    if (name !== "") {
      lines.push(text(left, y + 13, fit(name, (right - left) / bold), { isBold: true, whole: name }))
      y += 20
    }
    for (const { outcome, runs } of clients) {
      const drawn = bars(runs, { height: rowHeight - 2, toX, y })
      if (drawn !== "") lines.push(`<path class="fill${look(i).hue}" d="${drawn}"/>`)
      const end = Math.max(left, toX(endOf({ outcome, runs })))
      lines.push(outcome === "done" ? cross(end, y) : arrow(Math.max(end + 4, right - 8), y))
      y += rowHeight
    }
    y += 8
  }
  return {
    height: y - top + 34,
    lines: [
      ...scale.marks.map((mark) => `<path class="grid" d="M${at(toX(mark))} ${at(top)}V${at(y)}"/>`),
      ...lines,
      ...axis(scale.marks, { left, right, toX, y })
    ]
  }
}

/**
 * A row for each client, the slow policies on an axis of their own.
 *
 * - `from`: the origin of the times
 */
export const herdBox = (herds: ReadonlyArray<Herd>, { from = "the first start", width }: {
  readonly width: number
  readonly from?: string | undefined
}): Box => {
  const groups = clusters(herds.map((herd, i) => ({ ...herd, i })), lastOf)
  const most = herds.reduce((most, { clients }) => Math.max(most, clients.length), 0)
  const all = herds.flatMap(({ clients }) => clients)
  const signs: ReadonlyArray<Sign> = [
    ...all.some(({ outcome }) => outcome === "done")
      ? [{ draw: (x: number, y: number) => cross(x + 4, y - 2.5), text: "gives up" }]
      : [],
    ...all.some(({ outcome }) => outcome === "cut")
      ? [{ draw: (x: number, y: number) => arrow(x + 4, y - 2.5), text: "goes on" }]
      : []
  ]
  const shared = groups.length > 1 ? " Policies of very different lengths have axes of their own." : ""
  return stack([
    heading(most === 1 ? "When it runs" : `Runs of ${number(most)} clients, each a row`, width),
    paragraph(`Time since ${from}.${shared}`, width),
    gap(4),
    ...groups.map((group) => rows(group, width)),
    legend(signs, width)
  ])
}

export interface Peaks extends Frame {
  readonly herds: ReadonlyArray<Herd>
  /** The milliseconds of one bar, which counts their starts. */
  readonly every: number
  readonly until: number
}

/** How many clients start at the same time: a histogram for each policy. */
export const peaks = (options: Peaks): string => {
  const { every, herds, until } = options
  const width = widthOf(options)
  const isAbove = width < 480
  const counted = herds.map(({ clients, name }) => {
    const counts = Array.from({ length: Math.max(1, Math.ceil(until / every)) }, () => 0)
    for (const { start } of clients.flatMap(({ runs }) => runs)) {
      const bin = Math.floor(start / every + 1e-9)
      if (bin < counts.length) counts[bin]!++
    }
    return { name, counts }
  })
  const most = counted.reduce((most, { counts }) => counts.reduce((most, count) => Math.max(most, count), most), 1)
  const room = isAbove
    ? width - 2 * edge
    : Math.min(0.3 * width, herds.reduce((most, { name }) => Math.max(most, widthOfText(name)), 0))
  const names = fitAll(herds.map(({ name }) => name), isAbove ? room - 90 : room)
  const height = 44
  const box: Box = (top) => {
    const [left, right] = [isAbove ? edge : edge + room + 12, width - edge - 8]
    const scale = linear(until, Math.max(2, Math.floor((right - left) / 52)))
    const toX = (millis: number) => left + scale.at(millis) * (right - left)
    const drawn: Array<string> = []
    let y = top
    counted.forEach(({ counts, name }, i) => {
      if (isAbove) y += 18
      const base = y + height
      // The first attempts come at the same time under any policy: the peak after them shows the difference.
      const peak = counts.slice(1).reduce((most, count) => Math.max(most, count), 0)
      const path = counts.map((count, bin) =>
        count === 0
          ? ""
          : `M${at(toX(bin * every))} ${at(base)}v${at(-count / most * (height - 8))}h${
            at(Math.max(2, toX(every) - toX(0) - 1))
          }V${at(base)}z`
      )
      drawn.push(
        `<path class="axis" d="M${at(left)} ${at(base)}H${at(right)}"/>`,
        `<path class="fill${look(i).hue}" d="${path.join("")}"/>`,
        text(edge, isAbove ? y : base - 16, names[i]!, { style: "name", isBold: true, whole: name }),
        text(isAbove ? right : edge, isAbove ? y : base - 1, `peak ${number(peak)}`, {
          anchor: isAbove ? "end" : undefined,
          style: "dim"
        })
      )
      y += height + 8
    })
    return {
      height: y - top + 36,
      lines: [
        ...scale.marks.map((mark) => `<path class="grid" d="M${at(toX(mark))} ${at(top)}V${at(y)}"/>`),
        ...drawn,
        ...axis(scale.marks, { left, right, toX, y }).slice(1),
        text((left + right) / 2, y + 33, "time since the first start", { anchor: "middle", style: "dim" })
      ]
    }
  }
  return page(options, [box])
}
