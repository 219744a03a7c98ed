/** What policies will do, as an SVG: the delay of each run, and when a few seeds run. */
import type * as Timeline from "effect-wait/Timeline"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { clusters, linear, logarithmic, time } from "./drawScale.ts"
import { misused } from "./options.ts"
import { endOf, type Preview, type Row } from "./Preview.ts"

// Okabe and Ito's colors, which color-blind readers can tell apart.
const colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]

const ink = "#333333"
const faint = "#777777"
const grid = "#e4e4e4"

const width = 960
const left = 72
const right = width - 28

const round = (n: number): string => String(Number(n.toFixed(1)))

const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

const label = (
  text: string,
  { anchor = "start", bold = false, color = ink, size = 12, x, y }: {
    readonly x: number
    readonly y: number
    readonly anchor?: "start" | "middle" | "end"
    readonly size?: number
    readonly color?: string
    readonly bold?: boolean
  }
): string =>
  `<text x="${round(x)}" y="${round(y)}"${anchor === "start" ? "" : ` text-anchor="${anchor}"`}` +
  `${size === 12 ? "" : ` font-size="${size}"`}${bold ? ` font-weight="bold"` : ""}` +
  `${color === ink ? "" : ` fill="${color}"`}>${escape(text)}</text>`

interface Drawn {
  readonly preview: Preview
  readonly color: string
}

/** Something that begins at `top`, and how high it is. */
interface Panel {
  readonly height: number
  readonly lines: ReadonlyArray<string>
}

type Draw = (top: number) => Panel

// As wide as it is about to be, in a font that nobody knows.
const textWidth = (text: string): number => 7 * text.length

const legend = (drawn: ReadonlyArray<Drawn>): Draw => (top) => {
  const lines: Array<string> = []
  let x = left
  let y = top + 14
  for (const { color, preview } of drawn) {
    const length = 26 + textWidth(preview.name) + 20
    if (x > left && x + length > right) {
      x = left
      y += 20
    }
    lines.push(
      `<path d="M${x} ${y - 4}h18" stroke="${color}" stroke-width="3"/>`,
      label(preview.name, { x: x + 26, y })
    )
    x += length
  }
  return { height: y - top + 14, lines }
}

const points = (points: ReadonlyArray<readonly [x: number, y: number]>): string =>
  points.map(([x, y]) => `${round(x)},${round(y)}`).join(" ")

const isFixed = (rows: ReadonlyArray<Row>): boolean => rows.every(({ delay }) => delay.min === delay.max)

const delays = (drawn: ReadonlyArray<Drawn>): Draw => (top) => {
  const [from, to] = [top + 44, top + 344]
  const waits = drawn.map(({ color, preview }) => ({ color, rows: preview.rows.slice(1) }))
  const last = drawn.reduce((most, { preview }) => Math.max(most, preview.rows.length), 2)
  const scale = logarithmic(waits.flatMap(({ rows }) => rows.map(({ delay }) => delay)))
  const toX = (run: number) =>
    last === 2 ? (left + right) / 2 : left + 16 + (run - 2) / (last - 2) * (right - left - 32)
  const toY = (millis: number) => to - 10 - scale.at(millis) * (to - from - 20)
  const every = Math.ceil(last / 30)
  const isRandom = waits.some(({ rows }) => !isFixed(rows))
  return {
    height: 396,
    lines: [
      label("Delay before each run", { x: left, y: top + 16, size: 14, bold: true }),
      label(
        isRandom ? "line: mean, dashes: 95th percentile, band: from the shortest to the longest" : "logarithmic",
        { x: left, y: top + 34, color: faint }
      ),
      ...scale.marks.map((mark) =>
        `<path d="M${left} ${round(toY(mark))}H${right}" stroke="${grid}"/>` +
        label(time(mark), { x: left - 10, y: toY(mark) + 4, anchor: "end" })
      ),
      ...waits.some(({ rows }) => rows.some(({ delay }) => delay.mean === 0))
        ? [label("0", { x: left - 10, y: toY(0) + 4, anchor: "end" })]
        : [],
      `<path d="M${left} ${from}V${to}H${right}" fill="none" stroke="${ink}"/>`,
      ...Array.from({ length: last - 1 }, (_, i) => i + 2).filter((run) => (run - 2) % every === 0).map((run) =>
        `<path d="M${round(toX(run))} ${to}v5" stroke="${ink}"/>` +
        label(String(run), { x: toX(run), y: to + 19, anchor: "middle" })
      ),
      label("run", { x: (left + right) / 2, y: to + 38, anchor: "middle", color: faint }),
      ...waits.filter(({ rows }) => !isFixed(rows)).flatMap(({ color, rows }) => {
        const side = (of: "min" | "p95" | "max") => rows.map((row) => [toX(row.run), toY(row.delay[of])] as const)
        return [
          `<polygon points="${points([...side("max"), ...side("min").toReversed()])}" fill="${color}" ` +
          `fill-opacity="0.16" stroke="${color}" stroke-opacity="0.35" stroke-linejoin="round"/>`,
          `<polyline points="${points(side("p95"))}" fill="none" stroke="${color}" stroke-width="1.5" ` +
          `stroke-dasharray="5 4"/>`
        ]
      }),
      ...waits.map(({ color, rows }) =>
        `<polyline points="${points(rows.map(({ delay, run }) => [toX(run), toY(delay.mean)]))}" fill="none" ` +
        `stroke="${color}" stroke-width="2" stroke-linejoin="round"/>`
      ),
      ...waits.flatMap(({ color, rows }) =>
        rows.map(({ delay, run }) =>
          `<circle class="delay" cx="${round(toX(run))}" cy="${round(toY(delay.mean))}" r="3.5" fill="${color}"/>`
        )
      )
    ]
  }
}

const lastOf = ({ lanes, rows }: Preview): number =>
  lanes.reduce((last, lane) => Math.max(last, endOf(lane)), rows.at(-1)?.start.mean ?? 0)

const rowHeight = 6

// One path for all runs of a seed.
const lane = (
  timeline: Timeline.Timeline,
  { color, toX, y }: { readonly color: string; readonly toX: (millis: number) => number; readonly y: number }
): string => {
  const ticks = timeline.runs.map(({ end, start }) => {
    const length = round(Math.max(2, toX(end) - toX(start)))
    return `M${round(toX(start))} ${y}h${length}v${rowHeight - 1}h-${length}z`
  })
  const end = toX(endOf(timeline))
  const gaveUp = timeline.outcome === "done"
    ? `<path class="end" d="M${round(end + 6)} ${y}l5 5m0 -5l-5 5" stroke="${ink}" stroke-width="1.2"/>`
    : ""
  return `<path class="runs" d="${ticks.join("")}" fill="${color}"/>${gaveUp}`
}

const timelines = (
  cluster: ReadonlyArray<Drawn>,
  { lanes, named }: { readonly lanes: number; readonly named: boolean }
): Draw =>
(top) => {
  const span = cluster.reduce((most, { preview }) => Math.max(most, lastOf(preview)), 0)
  const scale = linear(span, 10)
  const toX = (millis: number) => left + scale.at(millis) * (right - left - 16)
  const lines: Array<string> = []
  let y = top
  for (const { color, preview } of cluster) {
    const shown = preview.lanes.slice(0, lanes)
    if (named) {
      lines.push(label(preview.name, { x: left, y: y + 12, color }))
      y += 20
    }
    for (const timeline of shown) {
      lines.push(lane(timeline, { color, toX, y }))
      y += rowHeight
    }
    y += 8
  }
  return {
    height: y - top + 48,
    lines: [
      ...scale.marks.map((mark) => `<path d="M${round(toX(mark))} ${top + (named ? 18 : 0)}V${y}" stroke="${grid}"/>`),
      ...lines,
      `<path d="M${left} ${y}H${right}" stroke="${ink}"/>`,
      ...scale.marks.map((mark) =>
        `<path d="M${round(toX(mark))} ${y}v5" stroke="${ink}"/>` +
        label(time(mark), { x: toX(mark), y: y + 19, anchor: "middle" })
      )
    ]
  }
}

const heading = (drawn: ReadonlyArray<Drawn>, lanes: number): Draw => (top) => {
  const gaveUp = drawn.some(({ preview }) => preview.lanes.some(({ outcome }) => outcome === "done"))
  const what = lanes === 1 ? "one client" : `${lanes} clients, each a row`
  return {
    height: 44,
    lines: [
      label(`Runs of ${what}`, { x: left, y: top + 16, size: 14, bold: true }),
      label(`time since the first start${gaveUp ? "; × gives up" : ""}`, { x: left, y: top + 34, color: faint })
    ]
  }
}

const manyRows = 72

/** The same previews give the same text. */
export const toSvg = (previews: ReadonlyArray<Preview>): string => {
  const drawn = previews.map((preview, i) => ({ preview, color: colors[i % colors.length] ?? ink }))
  const most = previews.reduce((most, { lanes }) => Math.max(most, lanes.length), 0)
  const lanes = Math.min(most, Math.max(6, Math.floor(manyRows / previews.length)))
  const draws = [
    ...drawn.length > 1 ? [legend(drawn)] : [],
    delays(drawn),
    heading(drawn, lanes),
    ...clusters(drawn, ({ preview }) => lastOf(preview)).map((cluster) =>
      timelines(cluster, { lanes, named: drawn.length > 1 })
    )
  ]
  const title = drawn.length === 1 ? drawn.map(({ preview }) => preview.name).join("") : `${drawn.length} policies`
  const lines: Array<string> = []
  let top = 52
  for (const draw of draws) {
    const panel = draw(top)
    lines.push(...panel.lines)
    top += panel.height
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" role="img" ` +
    `font-family="system-ui, sans-serif" font-size="12" fill="${ink}">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${top}" fill="#ffffff"/>`,
    label(title, { x: left, y: 32, size: 18, bold: true }),
    ...lines,
    "</svg>\n"
  ].join("\n")
}

/** Writes a picture. */
export const save = (file: string, svg: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => fs.writeFileString(file, svg)).pipe(
    Effect.catch(({ message }) => misused(`Invalid value for flag --svg: ${JSON.stringify(file)}. ${message}`))
  )
